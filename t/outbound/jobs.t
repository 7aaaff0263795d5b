# Jobs: what a change leaves to be done later, in its own commit; done once,
# tried again, given up; taken by whoever is there.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Caller;
use Voltgate::World;

my $world = Voltgate::World->start;
my $shut  = Voltgate::shut_port();
my $vg = Voltgate->start(extra => { http => <<"END" });
    voltgate_target world url=@{[ $world->url ]} rate=10000 concurrent=64 tries=1 timeout=3s window=20;
    voltgate_target open  url=http://127.0.0.1:$shut rate=10000 tries=1 window=2 open=300s;
    voltgate_job    call.deliver tries=3 concurrent=8 lease=50s;
END
$vg->sql(q{create function accounts.call_left(what jsonb, correlation text) returns void language sql begin atomic
    insert into vg.job (plugin, kind, payload, correlation_id) values ('accounts', 'call.deliver', what, correlation); end});
caller_of($vg, rows => q{
    { VG_EVENT, "api_key.revoked.v1", NULL, .statement = "key_gone" },
    { VG_POST, "/call-left", WRITE, call_later_fields, .statement = "call_left", .flags = VG_EVERYBODYS },
}, statements => { call_left => q{
-- in: all that a call takes, and note
-- out: accepted, with a row in vg.job
with put as materialized (
    select accounts.call_left(:body, :correlationId)
), answer (status, body, events) as (
    select 'accepted', '{}'::jsonb, '[]'::jsonb
    from (select count(*) from put) as one
)
select * from answer;
}, key_gone => q{
-- in: an event
-- out: a job
with put as (
    insert into vg.job (plugin, kind, payload, correlation_id, actor_id)
    values ('accounts', 'call.deliver', jsonb_build_object('target', 'world', 'path', '/ok?revoked', 'note', :aggregateId), :correlationId, :callerId)
), answer (status, body, events) as (
    select 'ok', null::jsonb, '[]'::jsonb
)
select * from answer;
} });

my $count = 0;

sub later { return left('call-later', @_) }

sub left {
    my ($path, %what) = @_;
    my $r = $vg->post("/api/v1/$path", { target => 'world', method => 'POST', text => '{}', note => 'n' . ++$count, %what });
    is $r->{status}, 202 or diag $r->{body};
    return $what{note} // "n$count";
}

sub heard { return $vg->rows('select outcome, reason, correlation, job from accounts.heard where note = $1 order by id', $_[0]) }
sub jobs  { return $vg->rows(q{select id, tries, lease, error, dead_at, extract(epoch from next_at - now())::numeric(9, 3) as seconds
    from vg.job where payload ->> 'note' = $1}, $_[0]) }

subtest 'a job is done once, and gone' => sub {
    my $note = later(path => '/ok?once');
    ok $vg->wait_for(sub { heard($note) }), 'it is done';
    my ($row) = heard($note);
    is +JSON::PP->new->decode($row->{outcome})->{status}, 200, 'with its outcome';
    is scalar jobs($note), 0, 'and gone';
    my ($request) = $world->requests(qr{once});
    is $request->{headers}{'idempotency-key'}, $row->{job}, 'its id is the key';
    is $request->{headers}{'x-correlation-id'}, $row->{correlation}, 'the correlation went along';
};

subtest "it is begun by the bell, $_->[0]" => sub {
    my $began = time;
    for my $n (1 .. 10) {
        my $note = left($_->[1], path => '/ok?quick');
        ok $vg->wait_for(sub { heard($note) });
    }
    # both workers look each 2 s by themselves: ten would take some 7 s
    cmp_ok time - $began, '<', 3, 'not by the poll';
} for [ 'where the statement puts it' => 'call-later' ], [ 'where a function does, and the head says so' => 'call-left' ];

subtest 'a consumer leaves one, in the commit of its step' => sub {
    my $id = $vg->post('/api/v1/api-keys', { name => 'gone', role => 'driver' })->{json}{id};
    is $vg->delete("/api/v1/api-keys/$id")->{status}, 204;
    ok $vg->wait_for(sub { heard($id) }, 10), 'and it is done';
    is scalar $world->requests(qr{revoked}), 1;
    is scalar heard($id), 1;
};

subtest 'what fails is tried again, after longer each time, with the same key' => sub {
    my $note = later(path => '/fail/2/again');
    for my $turn (1, 2) {
        ok $vg->wait_for(sub { my ($job) = jobs($note); $job && $job->{error} && !$job->{lease} && $job->{tries} == $turn }, 10), "try $turn failed" or diag explain jobs($note);
        my ($job) = jobs($note);
        like $job->{error}, qr/^upstream .*503/, 'it says how';
        cmp_ok $job->{seconds}, '<=', 2 ** ($turn - 1), 'and comes again';
        $vg->hurry;
    }
    ok $vg->wait_for(sub { heard($note) }, 10), 'until it is done';
    my @requests = $world->requests(qr{^/fail/2/again});
    is scalar @requests, 3;
    my %keys = map { $_->{headers}{'idempotency-key'} => 1 } @requests;
    is scalar keys %keys, 1, 'one key';
    is scalar heard($note), 1, 'one effect';
};

subtest 'after the last try it is undone and kept' => sub {
    my $note = later(path => '/status/500?dead');
    ok $vg->wait_for(sub { $vg->hurry; my ($job) = jobs($note); $job && $job->{dead_at} }, 15), 'dead';
    my ($job) = jobs($note);
    is $job->{tries}, 3;
    is $job->{lease}, undef;
    like $job->{error}, qr/^upstream/;
    my @heard = heard($note);
    is scalar @heard, 1, 'undone once, in the same commit';
    is $heard[0]{reason}, 'upstream', 'with the reason';
    is $heard[0]{job}, $job->{id};
    is scalar $world->requests(qr{dead$}), 3, 'three tries';
    is metric($vg, 'voltgate_jobs_total', plugin => 'accounts', kind => 'call.deliver', outcome => 'dead'), 1;
    $vg->sql('update vg.job set dead_at = null, tries = 0, next_at = now() where id = $1', $job->{id});
    ok $vg->wait_for(sub { my ($again) = jobs($note); $again->{tries} == 1 && !$again->{lease} }, 5), 'and may be tried again';
    $vg->sql('delete from vg.job');
};

subtest 'what its command or its fields refuse is a failure too' => sub {
    my $note = later(refuse => 'conflict');
    ok $vg->wait_for(sub { my ($job) = jobs($note); $job && $job->{error} }), 'refused';
    like +(jobs($note))[0]{error}, qr/^conflict/;
    $vg->sql(q{insert into vg.job (plugin, kind, payload, correlation_id) values ('accounts', 'call.deliver', '{"note": 7}', 'c')});
    ok $vg->wait_for(sub { $vg->sql(q{select error from vg.job where payload ->> 'note' = '7'}) }), 'fields are checked';
    is $vg->sql(q{select error from vg.job where payload ->> 'note' = '7'}), 'validation';
    $vg->sql('delete from vg.job');
};

subtest 'what was not sent is no try' => sub {
    for (1 .. 3) { later(target => 'open', note => 'opens') }
    ok $vg->wait_for(sub { metric($vg, 'voltgate_outbound_breaker_state', target => 'open') }), 'the breaker is open';
    my $note = later(target => 'open');
    ok $vg->wait_for(sub { my ($job) = jobs($note); $job && ($job->{error} // '') =~ /^breaker_open/ }), 'it is spared';
    my ($job) = jobs($note);
    is $job->{tries}, 0;
    ok !$job->{dead_at};
    cmp_ok $job->{seconds}, '>', 1, 'for a while';
    $vg->sql('delete from vg.job');
};

subtest 'what was sent is a try, also when its own statement meets a lock' => sub {
    $vg->sql(q{create function accounts.locked() returns trigger language plpgsql as $$ begin
        if new.outcome is not null and new.note = 'locked' then raise exception 'locked' using errcode = '55P03'; end if; return new; end $$;
        create trigger locked before insert on accounts.heard for each row execute function accounts.locked()});
    later(path => '/ok?locked', method => 'POST', note => 'locked');
    ok $vg->wait_for(sub { my ($job) = jobs('locked'); $job && ($job->{error} // '') =~ /^busy/ && !$job->{lease} }), 'it is busy';
    is +(jobs('locked'))[0]{tries}, 1, 'and was a try';
    ok $vg->wait_for(sub { $vg->hurry; my ($job) = jobs('locked'); $job && $job->{dead_at} }, 15), 'dead in the end';
    is scalar $world->requests(qr{[?]locked}), 3, 'the other side heard it as often as the conf says';
    is_deeply [ map { $_->{reason} } heard('locked') ], ['busy'], 'and it was undone';
    $vg->sql('drop trigger locked on accounts.heard; delete from vg.job');
};

subtest 'not before, and one at a time' => sub {
    my $began = time;
    my $note = later(path => '/ok?soon', after => 2);
    ok $vg->wait_for(sub { heard($note) }, 8);
    cmp_ok time - $began, '>', 1.9, 'not before';
    later(path => '/ok?single', once => 'same', after => 1000, note => 'single') for 1 .. 3;
    is $vg->sql(q{select count(*) from vg.job where key = 'same'}), 1, 'one of a key';
    $vg->sql('delete from vg.job');
};

subtest 'a change that is refused leaves no job' => sub {
    my $before = $vg->sql('select count(*) from vg.job');
    isnt $vg->post('/api/v1/call-later', { note => 'x' x 200 })->{status}, 202;
    is $vg->sql('select count(*) from vg.job'), $before;
};

subtest 'a hundred are done once each, by both workers, eight at once in each' => sub {
    $world->forget;
    later(path => '/slow/50?many', note => "many$_") for 1 .. 100;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from accounts.heard where note like 'many%'}) >= 100 }, 20), 'all';
    is $vg->sql(q{select count(distinct job) || ' ' || count(*) from accounts.heard where note like 'many%'}), '100 100', 'once';
    is scalar $world->requests(qr{many}), 100;
    is $vg->sql('select count(*) from vg.job'), 0;
};

subtest 'a worker that dies over one: done again, with the same key, one effect' => sub {
    $world->forget;
    my $note = later(path => '/slow/1500?killed');
    ok $vg->wait_for(sub { $world->requests(qr{killed}) }), 'it is under way';
    my @before = $vg->workers;
    $vg->kill_worker($_) for @before;
    ok $vg->wait_for(sub { my %now = map { $_ => 1 } $vg->workers; keys %now == 2 && !grep { $now{$_} } @before }, 10), 'others come';
    ok $vg->wait_for(sub { heard($note) }, 15), 'one of them does it, long before the lease is over';
    my @requests = $world->requests(qr{killed});
    is scalar @requests, 2, 'the other side heard it twice';
    is $requests[0]{headers}{'idempotency-key'}, $requests[1]{headers}{'idempotency-key'}, 'under one key';
    is scalar heard($note), 1;
};

subtest 'who was too slow changes nothing' => sub {
    $world->forget;
    my $note = later(path => '/slow/2000?late');
    ok $vg->wait_for(sub { $world->requests(qr{late}) });
    $vg->end_leases;
    later(path => '/ok?bell');    # whoever rings, all that are due are taken
    ok $vg->wait_for(sub { $world->requests(qr{late}) == 2 }), 'it is taken again';
    ok $vg->wait_for(sub { !jobs($note) }, 10);
    is scalar heard($note), 1, 'one effect';
    ok metric($vg, 'voltgate_jobs_total', plugin => 'accounts', kind => 'call.deliver', outcome => 'fenced'), 'the other was fenced';
};

subtest 'a try that nobody saw the end of counts' => sub {
    my $note = later(path => '/ok?unseen', after => 1000);
    $vg->sql(q{update vg.job set tries = 3, next_at = now() where payload ->> 'note' = $1}, $note);
    ok $vg->wait_for(sub { my ($job) = jobs($note); $job && $job->{dead_at} }), 'dead';
    is scalar $world->requests(qr{unseen}), 0, 'without another call';
    is_deeply [ map { $_->{reason} } heard($note) ], ['silent'], 'and undone';
    $vg->sql('delete from vg.job');
};

subtest 'what cannot be undone is tried again, and kept in the end' => sub {
    $vg->sql(q{alter table accounts.heard add constraint no_reason check (note <> 'stuck')});
    later(path => '/ok?stuck', note => 'stuck', after => 1000);
    $vg->sql(q{update vg.job set tries = 3, next_at = now() where payload ->> 'note' = 'stuck'});
    ok $vg->wait_for(sub { $vg->log =~ /was not undone/ }), 'it is logged';
    ok !(jobs('stuck'))[0]{dead_at}, 'and not dead';
    $vg->sql(q{alter table accounts.heard drop constraint no_reason});
    $vg->end_leases;
    ok $vg->wait_for(sub { my ($job) = jobs('stuck'); $job && $job->{dead_at} }), 'until it can be';
    is scalar heard('stuck'), 1;
    $vg->sql('delete from vg.job');
};

subtest 'jobs wait while their plugin is paused' => sub {
    is $vg->post('/api/v1/plugins/accounts/pause')->{status}, 200;
    $vg->sql(q{insert into vg.job (plugin, kind, payload, correlation_id)
        values ('accounts', 'call.deliver', '{"target": "world", "path": "/ok", "note": "paused"}', 'c')});
    ok !$vg->wait_for(sub { heard('paused') }, 3), 'nothing is done';
    is $vg->post('/api/v1/plugins/accounts/resume')->{status}, 200;
    ok $vg->wait_for(sub { heard('paused') }, 5), 'until it goes on';
};

subtest 'a plugin writes jobs under its own name alone' => sub {
    my $gate = $vg->_connect($vg->{owner_url} =~ s/user=\S+/user=vg_gate/r);
    my $put = sub {
        my ($plugin, $role) = @_;
        $gate->begin_work;
        my $good = eval { $gate->do("set local role $role");
            $gate->do("insert into vg.job (plugin, kind, payload, correlation_id) values ('$plugin', 'x', '{}', 'c')"); 1 };
        my $state = $good ? '' : $gate->state;
        $gate->rollback;
        return $state;
    };
    is $put->('accounts', 'vg_accounts'), '', 'its own';
    is $put->('billing', 'vg_accounts'), '42501', "and no other's";
    for my $sql ('select id from vg.job', 'delete from vg.job', 'update vg.job set tries = 0',
        q{insert into vg.job (plugin, kind, payload, correlation_id, dead_at) values ('accounts', 'x', '{}', 'c', now())})
    {
        $gate->begin_work;
        my $good = eval { $gate->do('set local role vg_accounts'); $gate->do($sql); 1 };
        is $good ? '' : $gate->state, '42501', $sql;
        $gate->rollback;
    }
};

# last: the new workers run accounts as it was built
subtest 'a worker that is told to go ends what it has' => sub {
    $world->forget;
    my $note = later(path => '/slow/2000?reload');
    ok $vg->wait_for(sub { $world->requests(qr{reload}) });
    $vg->reload;
    ok $vg->wait_for(sub { heard($note) }, 5), 'done';
    is scalar $world->requests(qr{reload}), 1, 'by the one that had it';
};

done_testing;
