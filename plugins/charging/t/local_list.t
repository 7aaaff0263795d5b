# Local authorization lists: kept in step with the tags at a charge point of
# other makers, whatever it answers.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Strict;

my $vg = Voltgate->start;

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
$vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ map { { chargePointId => $_, connectorNumber => 1, type => 'IEC_62196_T2',
        powerType => 'AC_3_PHASE', maxPowerKw => 22 } } qw(CP1 CP2) ] });
$vg->post('/api/v1/charge-points', { id => $_, operatorId => $company, password => $password }) for qw(CP1 CP2);
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 2 }), 'charging knows the place';

my $operator = { Authorization => 'Bearer ' . $vg->token(role => 'operator', company => $company) };
my $at = '/api/v1/charge-points/CP1/local-list';

sub list { return $vg->get($at, $operator)->{json} }
sub in_step { return $vg->wait_for(sub { list()->{inStep} && list()->{status} eq 'IN_STEP' }, 20) }
sub tag { return $vg->post('/api/v1/id-tags', { idTag => $_[0], @_[1 .. $#_] }, $operator)->{status} }

my $cp = Voltgate::Strict->connect($vg, 'CP1', $password);
$cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' });
$cp->answers(SendLocalList => { status => 'Accepted' });

sub sent {
    my ($action, $payload) = $cp->asked(20);
    is $action, 'SendLocalList';
    return $payload;
}

sub tags { return [ map { $_->{idTag} } @{ $_[0]{localAuthorizationList} } ] }

subtest 'first the whole list' => sub {
    is tag('Alpha'), 201;
    is tag('Beta', status => 'Blocked', parentIdTag => 'GROUP', expiresAt => '2030-01-01T01:00:00+01:00'), 201;
    is $vg->put($at, {}, $operator)->{status}, 200;
    my $payload = sent();
    is_deeply $payload, { listVersion => 1, updateType => 'Full', localAuthorizationList => [
        { idTag => 'Alpha', idTagInfo => { status => 'Accepted' } },
        { idTag => 'Beta', idTagInfo => { status => 'Blocked', parentIdTag => 'GROUP',
            expiryDate => '2030-01-01T00:00:00Z' } } ] };
    ok in_step(), 'and it is in step';
    is list()->{listVersion}, 1;
    is_deeply [ map { $_->{idTag} } @{ $vg->get("$at/entries", $operator)->{json}{items} } ], [qw(Alpha Beta)];
};

subtest 'then what changes' => sub {
    tag('Gamma');
    is_deeply sent(), { listVersion => 2, updateType => 'Differential', localAuthorizationList => [
        { idTag => 'Gamma', idTagInfo => { status => 'Accepted' } } ] };
    ok in_step();
    is $vg->patch('/api/v1/id-tags/alpha', { status => 'Blocked' }, $operator)->{status}, 200;
    is_deeply sent()->{localAuthorizationList}, [ { idTag => 'Alpha', idTagInfo => { status => 'Blocked' } } ];
    ok in_step();
    is $vg->delete('/api/v1/id-tags/Beta', $operator)->{status}, 204;
    is_deeply sent(), { listVersion => 4, updateType => 'Differential',
        localAuthorizationList => [ { idTag => 'Beta' } ] }, 'a tag that is gone has no info';
    ok in_step();
    $vg->post('/api/v1/id-tags', { idTag => 'Foreign' },
        { Authorization => 'Bearer ' . $vg->token(role => 'operator', company => 'another') });
    is $vg->sql(q{select due::text from charging.local_list}), 'false', 'another company\'s are not on it';
};

subtest 'VersionMismatch is answered by a full list' => sub {
    $cp->answers(SendLocalList => { inTurn => [ map { { status => $_ } } qw(VersionMismatch Accepted) ] });
    tag('Delta');
    is sent()->{updateType}, 'Differential';
    my $full = sent();
    is $full->{updateType}, 'Full';
    ok in_step();
    is_deeply tags($full), [qw(Alpha Delta Gamma)];
};

subtest 'a failure is tried again, later, and in full' => sub {
    $cp->answers(SendLocalList => { status => 'Failed' });
    tag('Epsilon');
    is sent()->{updateType}, 'Differential';
    ok $vg->wait_for(sub { list()->{status} eq 'FAILED' });
    my $list = list();
    ok !$list->{inStep};
    is $list->{tries}, 1;
    ok $list->{nextAt}, 'not at once';
    $cp->answers(SendLocalList => { status => 'Accepted' });
    $vg->sql('update charging.local_list set next_at = now()');
    is sent()->{updateType}, 'Full';
    ok in_step();
    is list()->{tries}, 0;
};

subtest 'a tag that changes while a list is under way' => sub {
    $vg->sql(q{update charging.local_list set sending = '{}', sent_at = now() + interval '1 hour'});
    tag('Zeta');
    ok $vg->wait_for(sub { $vg->sql(q{select next_at > now() + interval '60 seconds' from charging.local_list}) }, 20);
    is $cp->asked(1), undef, 'waits for that one\'s answer';
    $vg->sql(q{update charging.local_list set sending = null, next_at = now()});
    is_deeply tags(sent()), ['Zeta'], 'and is a difference then';
    ok in_step();
    $vg->delete('/api/v1/id-tags/Zeta', $operator);
    is_deeply tags(sent()), ['Zeta'];
    ok in_step();
};

subtest 'an answer that never came leaves nothing known' => sub {
    $vg->sql(q{update charging.local_list set sending = '{}', sent_at = null, due = true, next_at = now()});
    is sent()->{updateType}, 'Full';
    ok in_step();
};

subtest 'long lists go in pieces' => sub {
    $vg->put($at, { maxSend => 2 }, $operator);
    ok in_step();
    $vg->sql('update charging.local_list set full_due = true, due = true, next_at = now()');
    my ($one, $two) = (sent(), sent());
    is_deeply [ $one->{updateType}, tags($one) ], [ 'Full', [qw(Alpha Delta)] ];
    is_deeply [ $two->{updateType}, tags($two) ], [ 'Differential', [qw(Epsilon Gamma)] ];
    ok in_step();
    $vg->put($at, { maxLength => 1 }, $operator);
    is_deeply sent()->{localAuthorizationList}, [ map { { idTag => $_ } } qw(Delta Epsilon Gamma) ],
        'what is too long is cut';
    ok in_step();
    $vg->put($at, {}, $operator);
    is @{ tags(sent()) }, 3;
    ok in_step();
};

subtest 'its version, by its own word' => sub {
    $cp->answers(GetLocalListVersion => { listVersion => list()->{listVersion} });
    my $r = $vg->post("$at/version", undef, $operator);
    is $r->{status}, 200 or diag $r->{body};
    ok $r->{json}{inStep};
    is +($cp->asked)[0], 'GetLocalListVersion';
    $cp->answers(GetLocalListVersion => { listVersion => 0 });
    $r = $vg->post("$at/version", undef, $operator);
    ok !$r->{json}{inStep}, 'another one than ours';
    is +($cp->asked)[0], 'GetLocalListVersion';
    is sent()->{updateType}, 'Full', 'is sent anew';
    ok in_step();
    $cp->answers(GetLocalListVersion => { listVersion => -1 });
    $vg->post("$at/version", undef, $operator);
    is list()->{status}, 'NOT_SUPPORTED', '-1 is a charger without lists';
    $cp->asked;
    $vg->put($at, {}, $operator);
    is sent()->{updateType}, 'Full', 'until it is wanted again';
    ok in_step();
};

subtest 'a list sent by hand is replaced by what is kept' => sub {
    my $version = list()->{listVersion};
    $vg->post('/api/v1/charge-points/CP1/commands', { action => 'SendLocalList',
        payload => { listVersion => $version + 10, updateType => 'Full' } });
    sent();
    my $full = sent();
    is $full->{updateType}, 'Full';
    is $full->{listVersion}, $version + 11;
    ok in_step();
};

subtest 'who is away gets it later' => sub {
    is $vg->put('/api/v1/charge-points/CP2/local-list', {}, $operator)->{status}, 200;
    my $two = sub { $vg->get('/api/v1/charge-points/CP2/local-list', $operator)->{json} };
    ok $vg->wait_for(sub { $two->()->{status} eq 'NOT_CONNECTED' }, 20);
    my $there = Voltgate::Strict->connect($vg, 'CP2', $password);
    $there->answers(SendLocalList => { status => 'NotSupported' });
    $there->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' });
    $vg->sql(q{update charging.local_list set next_at = now() where charge_point_id = 'CP2'});
    ok $vg->wait_for(sub { $two->()->{status} eq 'NOT_SUPPORTED' }, 20);
    is_deeply $there->wrong, [];
};

subtest 'whose tags: the operator\'s own, others by an admin' => sub {
    is $vg->put($at, { companies => [ $company, 'another' ] }, $operator)->{status}, 403;
    is $vg->put($at, { companies => [ $company, 'another' ] })->{status}, 200;
    is_deeply tags(sent()), ['Foreign'];
    ok in_step();
    my $other = { Authorization => 'Bearer ' . $vg->token(role => 'operator', company => 'another') };
    is $vg->get($at, $other)->{status}, 404;
    is $vg->put($at, {}, $other)->{status}, 404;
    is $vg->delete($at, $other)->{status}, 404;
    is $vg->post("$at/version", undef, $other)->{status}, 404;
    is $vg->put($at, { companies => [] }, $operator)->{status}, 200;
    is_deeply [ grep { $_->{idTagInfo} } @{ sent()->{localAuthorizationList} } ], [], 'none empties it';
    ok in_step();
    is $vg->delete($at, $operator)->{status}, 204;
    is $vg->get($at, $operator)->{status}, 404;
};

is_deeply $cp->wrong, [], 'nothing broke a schema';
done_testing;
