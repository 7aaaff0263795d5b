# One id from the caller's header to the answer, the event, and the log; the
# caller's trace likewise.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Wire;

my $vg = Voltgate->start;

my $url  = '/api/v1/stations';
my $uuid = qr/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
my $station = { name => 'Harbour', location => { lat => 54.3, lon => 10.1 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => 'north', connectors => [] };

sub asked {
    my ($value, $path) = @_;
    return Voltgate::Wire->ask($vg, "GET " . ($path // '/healthz') . " HTTP/1.1\r\nHost: x\r\n"
        . (defined $value ? "X-Correlation-ID: $value\r\n" : '') . "Connection: close\r\n\r\n");
}

sub logged {
    my ($id) = @_;
    my @lines;
    $vg->wait_for(sub { @lines = grep { $_->{correlationId} eq $id } $vg->access_log });
    return @lines;
}

subtest 'an id is taken' => sub {
    for my $id ('a', 'order-7.2_B', 'x' x 64, '019393c0-0000-7000-8000-000000000001') {
        is asked($id)->{headers}{'x-correlation-id'}, $id, substr $id, 0, 20;
    }
    my $problem = asked('lost-1', '/nowhere');
    is $problem->{json}{correlationId}, 'lost-1', 'a problem says it too';
};

subtest 'an id is made' => sub {
    my %seen;
    for my $path ('/healthz', '/healthz', '/nowhere', $url) {
        my $id = asked(undef, $path)->{headers}{'x-correlation-id'};
        like $id, $uuid, $path;
        ok !$seen{$id}++, 'and is new';
    }
};

subtest 'an id that could do harm is replaced' => sub {
    for my $id ('', 'x' x 65, 'a b', 'a,b', 'a"b', "a'b", 'a\\b', 'a/b', 'a:b', 'a;b', '{}', '<b>',
        '%0d%0a', "a\tb", "\xc3\xa4", "\xff", '$(id)', "a\x7f") {
        my $r = asked($id, '/nowhere');
        like $r->{headers}{'x-correlation-id'}, $uuid, length $id > 60 ? 'too long' : "not: $id";
        is $r->{json}{correlationId}, $r->{headers}{'x-correlation-id'};
    }
};

subtest 'of two ids the first counts, and both are no list' => sub {
    my $r = asked("first\r\nX-Correlation-ID: second");
    is $r->{headers}{'x-correlation-id'}, 'first';
};

subtest 'an event carries it, also to those whom it reaches' => sub {
    my $made = $vg->post($url, $station, { 'X-Correlation-ID' => 'journey-1' });
    is $made->{headers}{'x-correlation-id'}, 'journey-1';
    my @events;
    ok $vg->wait_for(sub { @events = $vg->rows(q{select type, aggregate_id, actor_id from vg.event
        where correlation_id = 'journey-1'}) }), 'it is in the log of events';
    is scalar @events, 1;
    is "$events[0]{type} $events[0]{aggregate_id} $events[0]{actor_id}",
        "station.created.v1 $made->{json}{id} test-admin";
    $vg->post($url, $station);
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.event') == 2 });
    like $vg->sql('select correlation_id from vg.event order by pos desc limit 1'), $uuid, 'a made one too';
};

subtest 'a refused call tells nothing' => sub {
    my $before = $vg->sql('select (select count(*) from vg.event) + (select count(*) from vg.outbox)');
    is $vg->post($url, { %$station, timeZone => 'Mars/Olympus' }, { 'X-Correlation-ID' => 'refused-1' })
        ->{status}, 422;
    is $vg->sql('select (select count(*) from vg.event) + (select count(*) from vg.outbox)'), $before;
};

subtest 'the access log has it, once a call' => sub {
    my $made = $vg->post($url, $station, { 'X-Correlation-ID' => 'logged-1' });
    my @lines = logged('logged-1');
    is scalar @lines, 1;
    is_deeply { map { $_ => $lines[0]{$_} } qw(userId role method route status) },
        { userId => 'test-admin', role => 'admin', method => 'POST', route => 'POST /stations', status => 201 };
    asked('logged-2', "$url/019393c0-0000-7000-8000-000000000001?secret=1");
    @lines = logged('logged-2');
    is "$lines[0]{route} $lines[0]{status}", 'GET /stations/{id} 401', 'the pattern, not the path';
    is $lines[0]{userId}, '', 'nobody';
    asked('logged-3', '/nowhere?secret=1');
    @lines = logged('logged-3');
    is "$lines[0]{route} $lines[0]{status}", ' 404', 'no route has no pattern';
    unlike join('', map { join ' ', %$_ } $vg->access_log), qr/secret/, 'and no query';
};

subtest 'an error is logged with its id' => sub {
    $vg->dbh->do(q{create function stations.broken() returns trigger language plpgsql as
        $$ begin raise exception 'no' using errcode = 'XX000'; end $$});
    $vg->dbh->do('create trigger broken before insert on stations.station execute function stations.broken()');
    my $r = $vg->post($url, $station, { 'X-Correlation-ID' => 'broken-1' });
    $vg->dbh->do('drop trigger broken on stations.station');
    is "$r->{status} $r->{json}{correlationId}", '500 broken-1';
    like $vg->log, qr/\[error\].*POST \/stations.*XX000.*broken-1/;
};

# ------------------------------------------------------------------ traceparent

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $span  = '00f067aa0ba902b7';

sub traced {
    my ($value) = @_;
    return Voltgate::Wire->ask($vg, "GET /healthz HTTP/1.1\r\nHost: x\r\n"
        . "traceparent: $value\r\nConnection: close\r\n\r\n")->{headers}{traceparent};
}

subtest 'a trace goes on under a span of our own' => sub {
    for my $flags ('00', '01', '02', '03', 'ff') {
        my $answered = traced("00-$trace-$span-$flags");
        my $sampled  = hex($flags) & 1;
        like $answered, qr/^00-$trace-[0-9a-f]{16}-0$sampled$/, "flags $flags";
        unlike $answered, qr/$span/;
    }
};

subtest 'what is no trace begins one' => sub {
    for my $value ('', 'x', "00-$trace-$span", "00-$trace-$span-0", "00-$trace-$span-01-x",
        "ff-$trace-$span-01", '00-' . '0' x 32 . "-$span-01", "00-$trace-" . '0' x 16 . '-01',
        "00-\U$trace\E-$span-01", "00-$trace-$span-0g", "00_$trace-$span-01") {
        my $answered = traced($value);
        like $answered, qr/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/, "not: $value";
        unlike $answered, qr/$trace/i;
    }
};

subtest 'an event and the access log carry the trace' => sub {
    $vg->post($url, $station, { traceparent => "00-$trace-$span-01", 'X-Correlation-ID' => 'traced-1' });
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where correlation_id = 'traced-1'}) });
    like $vg->sql(q{select traceparent from vg.event where correlation_id = 'traced-1'}),
        qr/^00-$trace-[0-9a-f]{16}-01$/;
    is((logged('traced-1'))[0]{traceId}, $trace);
};

done_testing;
