# A charge point that is faulted: its operator is told, an incident is open, and
# the house hears of it when nobody acknowledges that.

use strict;
use warnings;

use Test::More;

use Voltgate::Notified;

my $n  = Voltgate::Notified->start(plugins => [qw(accounts notifications)]);
my $vg = $n->vg;
my $company = $vg->post('/api/v1/companies', { kind => 'OPERATOR', name => 'Lights', email => 'desk@example.com' })->{json}{id};
my %as = (Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'olga', company => $company));
my %other = (Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'otto', company => '019393c0-0000-7000-8000-000000000002'));

sub faults { my ($cp, $status) = @_; $n->tell('connector.status_changed.v1', { operatorId => $company, chargePointId => $cp, connectorNumber => 1,
    status => $status // 'Faulted', errorCode => 'GroundFailure', since => '2026-01-01T00:00:00Z' }); return }
sub incidents { return @{ $vg->get('/api/v1/incidents', \%as)->{json}{items} } }

faults('CP-1', 'Available');
faults('CP-1') for 1 .. 2;
my $mail = $n->mail('desk@example.com', qr/Fault at CP-1/) or diag $vg->log;
is $mail->{text}, 'Connector 1 of CP-1 reports GroundFailure since 2026-01-01 00:00 (UTC).', 'its operator is told';
ok $vg->wait_for(sub { my ($i) = incidents(); $i && $i->{count} == 2 }, 15), 'an incident is open';
my ($incident) = incidents();
is_deeply [ @{$incident}{qw(key title severity status level companyId)} ], [ 'CP-1', 'Charge point faulted', 'HIGH', 'OPEN', 0, $company ], 'one, however often';
is scalar($n->{sink}->mails('desk@example.com')), 1, 'and one mail';
is scalar(@{ $vg->get('/api/v1/incidents', \%other)->{json}{items} }), 0, 'its operator\'s alone';

subtest 'nobody acknowledges it' => sub {
    is $vg->sql(q{select round(extract(epoch from next_at - at) / 60) from vg.job where kind = 'incident.escalate'}), 30, 'it has half an hour';
    my $escalated;
    ok $n->soon(sub { $escalated = $n->{sink}->mails('admin@example.com') >= 2 }), 'the house is told, twice';
    my ($first, $second) = $n->{sink}->mails('admin@example.com');
    like $first->{subject}, qr/^Nobody looks after: Charge point faulted/;
    like join(' ', map { $_->{text} =~ /escalation (\d)/ } $first, $second), qr/1 2|2 1/;
    my ($i) = incidents();
    is $i->{level}, 2;
    is $vg->sql(q{select count(*) from vg.job where kind = 'incident.escalate'}), 0, 'and not a third time';
};

subtest 'acknowledged and resolved' => sub {
    my $path = "/api/v1/incidents/$incident->{id}";
    is $vg->post("$path/ack", undef, \%other)->{status}, 404;
    my $r = $vg->post("$path/ack", undef, \%as);
    is $r->{json}{status}, 'ACKNOWLEDGED';
    is $r->{json}{ackedBy}, 'olga';
    is $vg->post("$path/ack", undef, \%as)->{status}, 200, 'as often as one likes';
    $r = $vg->post("$path/resolve", undef, \%as);
    is $r->{json}{status}, 'RESOLVED';
    is $vg->post("$path/resolve", undef, \%as)->{status}, 200;
    is $vg->post("$path/ack", undef, \%as)->{status}, 409, 'what is over is nobody\'s to acknowledge';
    faults('CP-1');
    ok $vg->wait_for(sub { incidents() == 2 }, 15), 'the next fault is another';
    my ($next) = incidents();
    $vg->post("/api/v1/incidents/$next->{id}/ack", undef, \%as);
    ok $n->soon(sub { $vg->sql(q{select count(*) from vg.job where kind = 'incident.escalate'}) == 0 });
    is((incidents())[0]{level}, 0, 'one that somebody looks after is not escalated');
};

unlike $vg->log, qr/\.lua:\d+/, 'no fault';
done_testing;
