# voltgate_relay rabbitmq: what is told reaches a real RabbitMQ, over TLS, and
# whoever subscribed there; nothing is lost when the broker is stopped or
# killed, or the relay is, in mid-stream.
# Long: RabbitMQ is stopped, killed and started, some seconds each time.

use strict;
use warnings;

use IO::Select;
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Rabbit;
use Voltgate::Relayed;

my $rabbit = Voltgate::Rabbit->new;
$rabbit->launch;

# before the broker answers: the gateway does not wait for it. stations alone,
# so that nobody else hears of its events.
my $vg = Voltgate->start(
    plugins => [qw(accounts stations)],
    extra   => { http => 'voltgate_relay rabbitmq ' . $rabbit->url . ' ca=' . $rabbit->ca
        . ' password_file=' . $rabbit->password_file . ' window=50;' },
);

my ($client, @heard);    # @heard: of clients that are gone
sub heard { return (@heard, $client ? $client->messages : ()) }
sub subscribe { $client = $rabbit->client; return $client->ask('queue', 'all', 'station.#', {}) }
sub hang_up   { @heard = heard(); undef $client; return }
# all from 1 to n are there; a queue gives what was not acknowledged once more
sub all_of {
    my ($last, $seconds) = @_;
    return $vg->wait_for(sub {
        my %worth = map { worth($_->{body}) => 1 } heard();
        return !grep { !$worth{$_} } 1 .. $last;
    }, $seconds // 20);
}

subtest 'a broker that is late is met when it is there' => sub {
    is $vg->get('/ready')->{status}, 200, 'the gateway is ready before it';
    announce($vg, 1, 1, 1);
    $rabbit->ready;
    ok $vg->wait_for(sub { ($vg->sql('select confirmed from vg.relay') // 0) == 1 }, 20), 'then the event is kept there'
        or diag $vg->log;
    ok subscribe(), 'somebody subscribes';
    my ($unrouted) = $client->ask('get', 'voltgate.events.unrouted');
    is worth($unrouted->{body}), 1, 'what came before lies among what nobody had subscribed to';
    is relayed($vg, 'rabbitmq'), $vg->sql('select max(pos) from vg.event'),
        'the relay stands behind it';
};

subtest '/metrics says what it did' => sub {
    ok $vg->wait_for(sub {
        my $page = $vg->get('/metrics')->{body};
        return 6 == grep { $page =~ /^voltgate_relay_$_->[0]\{relay="rabbitmq",log="home"\} $_->[1]$/m }
            [ published_total => 1 ], [ confirmed_total => 1 ], [ returned_total => 0 ], [ refused_total => 0 ],
            [ failing => 0 ], [ lag => 0 ];
    }, 15) or diag join "\n", grep { /relay/ } split /\n/, $vg->get('/metrics')->{body};
};

subtest 'an event is as the contract has it' => sub {
    my $began = time;
    announce($vg, 1, 1, 1);
    ok $vg->wait_for(sub { heard() == 1 }), 'it comes' or return;
    note sprintf 'after %.3f s', time - $began;
    my ($message) = heard();
    my ($event)   = $vg->rows('select *, vg.z(at) as z from vg.event order by pos desc limit 1');
    is $message->{exchange}, 'voltgate.events',    'from the exchange';
    is $message->{key},      'station.updated.v1', 'under its type';
    is_deeply $message->{body}, {
        metadata => { eventId => $event->{event_id}, timestamp => $event->{z}, source => 'stations',
            correlationId => 'test', type => 'station.updated.v1', version => 'v1',
            aggregateId => $event->{aggregate_id}, sequence => $event->{pos}, actorId => 'tester' },
        payload => JSON::PP::decode_json($event->{payload}),
    }, 'metadata and payload';
    my %p = %{ $message->{properties} };
    is_deeply [ @p{qw(messageId type correlationId contentType deliveryMode appId)} ],
        [ $event->{event_id}, 'station.updated.v1', 'test', 'application/json', 2, 'voltgate' ], 'properties';
    is $p{timestamp}, $vg->sql('select floor(extract(epoch from $1::timestamptz))', $event->{at}), 'when it happened';
};

subtest 'what the relay makes there' => sub {
    my %own = ('x-message-ttl' => 86_400_000, 'x-max-length-bytes' => 1_073_741_824);
    for my $queue ([ 'voltgate.events.unrouted', 'x-dead-letter-exchange' => 'voltgate.events.dead' ],
        [ 'voltgate.events.dead' ])
    {
        my ($name, %more) = @$queue;
        is $client->ask('check', $name, { arguments => { %own, %more } }), JSON::PP::true, "$name lasts a day";
    }
    my ($good, $error) = $client->ask('check', 'voltgate.events.dead', { arguments => {} });
    like $error, qr/PRECONDITION_FAILED/, 'and it is looked at indeed';
};

subtest 'the broker stops, is killed, and the relay is, in mid-stream' => sub {
    my @steps = (
        [ 'the relay is killed'   => sub { kill 'KILL', relay_pids($vg) }, sub { } ],
        [ 'the broker is stopped' => sub { $rabbit->stop; hang_up() }, sub { $rabbit->start; subscribe() } ],
        [ 'the broker is killed'  => sub { $rabbit->kill; hang_up() }, sub { $rabbit->start; subscribe() } ],
    );
    my $last = 1;
    for my $step (@steps) {
        my ($name, $down, $up) = @$step;
        my $from = relayed($vg, 'rabbitmq');
        announce($vg, $last + 1, $last += 2000, 40);
        ok $vg->wait_for(sub { relayed($vg, 'rabbitmq') > $from }), "$name: when it has begun";
        $down->();
        cmp_ok relayed($vg, 'rabbitmq'), '<', $from + 2000, '... and not ended';
        announce($vg, $last + 1, $last += 100, 40);
        $up->();
        ok all_of($last, 40), 'all of it came' or do {
            my %worth = map { worth($_->{body}) => 1 } heard();
            diag join ' ', 'not heard:', grep { !$worth{$_} } 1 .. $last;
            diag $vg->log;
            last;
        };
        ok $vg->wait_for(sub { relayed($vg, 'rabbitmq') == $vg->sql('select max(pos) from vg.event') }), 'it stands at the end';
        is scalar(my @pids = relay_pids($vg)), 1, 'one relay is at work';
    }
    my (%id, %seen, %newest, @wrong, @order);
    for my $message (heard()) {
        my ($worth, $id) = (worth($message->{body}), $message->{body}{metadata}{eventId});
        push @wrong, $worth if ($id{$worth} //= $id) ne $id;
        next if $seen{$id}++;
        my $aggregate = $message->{body}{metadata}{aggregateId};
        push @order, $worth if $worth < ($newest{$aggregate} // 0);
        $newest{$aggregate} = $worth;
    }
    # 1 was told twice, and once before anybody had subscribed
    is_deeply \@wrong, [], 'what came twice has one eventId';
    is_deeply \@order, [], 'each aggregate in its order, of what came first';
    is_deeply [ grep { !$seen{$_} } map { $_->{event_id} }
            $vg->rows('select event_id from vg.event order by pos offset 1') ], [], 'each event of the log was heard';
    note scalar(heard()), ' messages of ', $last, ' events';
};

subtest 'nothing happens for a while' => sub {
    my $goes = () = $vg->log =~ /goes on behind/g;
    # the broker ends a connection without a word after three heartbeats of 2 s
    ok !$vg->wait_for(sub { (() = $vg->log =~ /goes on behind/g) > $goes }, 8), 'it stays quiet';
    announce($vg, 20_000, 20_000, 1);
    ok $vg->wait_for(sub { grep { worth($_->{body}) == 20_000 } heard() }, 10), 'then an event comes';
    is scalar(() = $vg->log =~ /goes on behind/g), $goes, '... over the same connection';
};

subtest 'an operator lets it rest, and sends it back' => sub {
    is $vg->post('/api/v1/events/consumers/relay:rabbitmq/pause')->{status}, 200;
    my $mark = $vg->sql('select max(pos) from vg.event');
    announce($vg, 20_001, 20_001, 1);
    ok $vg->wait_for(sub { $vg->sql('select max(pos) from vg.event') > $mark }), 'an event is in the log';
    ok !$vg->wait_for(sub { grep { worth($_->{body}) == 20_001 } heard() }, 2), 'paused: it does not come';
    is $vg->post('/api/v1/events/consumers/relay:rabbitmq/resume')->{status}, 200;
    ok $vg->wait_for(sub { grep { worth($_->{body}) == 20_001 } heard() }, 5), 'then it does';
    my $before = heard();
    $vg->sql(q{update vg.cursor set pos = $1 where consumer = 'relay:rabbitmq'}, $mark - 9);
    ok $vg->wait_for(sub { heard() == $before + 10 }, 10), 'the last ten come once more when it is set back';
    is scalar(map { worth($_->{body}) } grep { worth($_->{body}) == 20_001 } heard()), 2, 'as they were';
};

subtest 'a queue of ours that somebody took away' => sub {
    $client->ask('delete', 'voltgate.events.unrouted');
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('stations', 'connector.status_changed.v1', 'a', jsonb_build_object('operatorId', 'a',
            'chargePointId', 'a', 'connectorNumber', 1, 'status', 'Available', 'errorCode', 'NoError',
            'since', vg.z(now()), 'receivedAt', vg.z(now())), 'alone', '')});
    ok $vg->wait_for(sub { $vg->log =~ /connector\.status_changed\.v1 came back/ }, 10), 'what came back is no success';
    ok $vg->wait_for(sub { ($client->ask('count', 'voltgate.events.unrouted'))[0] }, 10), 'it is made anew';
    is $client->ask('get', 'voltgate.events.unrouted')->{properties}{correlationId}, 'alone', '... and has the event';
    ok $vg->wait_for(sub { $vg->sql('select returned from vg.relay') == 1 }, 5), 'which is counted';
};

# By hand, beside the one that the gateway holds: what it says, as lines.
sub by_hand {
    my ($seconds, @words) = @_;

    my %env = $vg->_environment('voltgate');
    $env{DATABASE_URL} = $vg->{owner_url} =~ s/user=\S+/user=vg_gate/r;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        %ENV = %env;
        open STDERR, '>&', \*STDOUT or die "dup: $!";
        exec "$vg->{build}/voltgate", 'relay', @words or POSIX::_exit(127);
    }
    my ($said, $end) = ('', time + $seconds);
    while ((my $left = $end - time) > 0 && $said !~ /again in|goes on/) {
        IO::Select->new($pipe)->can_read($left) or last;
        sysread $pipe, $said, 4096, length $said or last;
    }
    kill 'TERM', $pid;
    close $pipe;
    return ($said, $? >> 8);
}

subtest 'whom it does not trust gets nothing' => sub {
    my @good = ('--password-file', $rabbit->password_file, '--name', 'stranger', '--from', 'end');
    my ($said) = by_hand(10, 'rabbitmq', $rabbit->url, @good, '--ca', $rabbit->other_ca);
    like $said, qr/certificate verify failed|verification failed|SSL/i, 'a broker signed by another';
    ($said) = by_hand(10, 'rabbitmq', $rabbit->url('127.0.0.1'), @good, '--ca', $rabbit->ca);
    like $said, qr/hostname|verification|SSL/i, 'a broker of another name';
    ($said) = by_hand(10, 'rabbitmq', $rabbit->url, @good);
    like $said, qr/certificate|SSL/i, 'a broker that the system does not know';
    ($said) = by_hand(10, 'rabbitmq', $rabbit->url, @good, '--ca', $rabbit->ca);
    like $said, qr/relay:stranger \(home\) goes on behind \d+/, 'and the right one is fine';
    is $vg->sql(q{select published from vg.relay where name = 'relay:stranger'}), 0, 'nothing was sent';
    ($said) = by_hand(10, 'rabbitmq', $rabbit->url, '--password-file', $rabbit->other_ca, '--ca', $rabbit->ca, '--name', 'stranger');
    like $said, qr/ACCESS_REFUSED|login/, 'a password that is wrong';
    unlike $said, qr/BEGIN CERTIFICATE/, '... is not shown';
};

subtest 'one at a time' => sub {
    my ($pid) = relay_pids($vg);
    my @same = ('--password-file', $rabbit->password_file, '--ca', $rabbit->ca);
    my ($said, $status) = by_hand(3, 'rabbitmq', $rabbit->url, @same);
    is $said,   '', 'another of its name waits while the first is at work';
    is $status, 0,  'and ends when it is told to';
    my $second = fork // die "fork: $!";
    if (!$second) {
        open STDOUT, '>', '/dev/null';
        my ($line) = by_hand(20, 'rabbitmq', $rabbit->url, @same);
        POSIX::_exit($line =~ /goes on behind/ ? 0 : 1);
    }
    kill 'STOP', $pid;
    waitpid $second, 0;
    is $?, 0, 'it takes over from one that is frozen';
    announce($vg, 20_002, 20_002, 1);
    kill 'CONT', $pid;
    ok $vg->wait_for(sub { grep { worth($_->{body}) == 20_002 } heard() }, 10), 'which goes on when it is thawed';
};

subtest 'it ends with who holds it' => sub {
    my ($before) = relay_pids($vg);
    $vg->kill_worker($_) for $vg->workers;
    ok $vg->wait_for(sub { !Voltgate::alive($before) }, 10), 'the workers are killed: the relay ends';
    ok $vg->wait_for(sub { my ($now) = relay_pids($vg); $now && $now != $before }, 10), 'the next worker has one';
    announce($vg, 20_003, 20_003, 1);
    ok $vg->wait_for(sub { grep { worth($_->{body}) == 20_003 } heard() }, 10), 'that goes on';
    my ($now) = relay_pids($vg);
    $vg->stop_gateway;
    ok $vg->wait_for(sub { !relay_pids($vg) }, 10), 'the gateway stops, and the relay with it';
    unlike $vg->log, qr/unknown process|SIGCHLD\) received from (?:$before|$now)\b/, 'nginx never took it for a child';
    unlike $vg->log, qr/a hare in the clover/, 'no password is in the log';
};

$client = undef;
done_testing;
