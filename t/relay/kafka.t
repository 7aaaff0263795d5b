# voltgate_relay kafka: what is told reaches a Kafka (librdkafka's own mock of
# one, over real sockets), through errors of the broker, its absence, and the
# relay's death.

use strict;
use warnings;

use IO::Select;
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Relayed;

my $build = $ENV{B} || 'build';
$build = "$Voltgate::ROOT/$build" if $build !~ m{^/};
my $pid = open2(my $out, my $in, "$build/relay/mock", 'voltgate.station');
$in->autoflush(1);
END { my $status = $?; if ($pid) { kill 'KILL', $pid; waitpid $pid, 0 } $? = $status }

my ($bytes, @messages, @answers) = ('');

# what the mock has said so far
sub listen_to {
    my ($seconds) = @_;
    while (IO::Select->new($out)->can_read($seconds)) {
        sysread $out, $bytes, 1_048_576, length $bytes or die "the mock has ended\n";
        while ($bytes =~ s/\A([^\n]*)\n//) {
            my @words = split /\t/, $1, 6;
            push @answers, $1 if @words == 1;
            push @messages, { topic => $words[0], partition => $words[1], key => $words[2], id => $words[3],
                type => $words[4], body => JSON::PP::decode_json($words[5]) } if @words == 6;
        }
        $seconds = 0;
    }
    return;
}

sub answer {
    my $end = time + 20;
    listen_to(1) while !@answers && time < $end;
    return shift @answers;
}

sub command { print {$in} "$_[0]\n"; return answer() }

my $address = answer() or die "the mock does not start\n";
my $vg = Voltgate->start(
    plugins => [qw(accounts stations)],
    extra   => { http => "voltgate_relay kafka $address;" },
);

sub all_of {
    my ($last, $seconds) = @_;
    return $vg->wait_for(sub {
        listen_to(0);
        my %worth = map { worth($_->{body}) => 1 } @messages;
        return !grep { !$worth{$_} } 1 .. $last;
    }, $seconds // 20);
}

subtest 'an event is as the contract has it' => sub {
    announce($vg, 1, 1, 1);
    ok all_of(1), 'it comes' or diag $vg->log;
    my ($event) = $vg->rows('select *, vg.z(at) as z from vg.event');
    my $body = $messages[0]{body};
    is_deeply $body->{metadata}, { eventId => $event->{event_id}, timestamp => $event->{z}, source => 'stations',
        correlationId => 'test', type => 'station.updated.v1', version => 'v1',
        aggregateId => $event->{aggregate_id}, sequence => $event->{pos}, actorId => 'tester' }, 'metadata';
    is_deeply $body->{payload}, JSON::PP::decode_json($event->{payload}), 'payload';
    is_deeply [ @{ $messages[0] }{qw(topic key id type)} ],
        [ 'voltgate.station', $event->{aggregate_id}, $event->{event_id}, 'station.updated.v1' ],
        'a topic for the domain, the aggregate as key, headers';
};

subtest 'nothing is lost' => sub {
    my $last = 1;
    # what the broker shall do is said first: afterwards all may have passed already
    for my $step (
        [ 'errors that pass',           'fail 5', sub { } ],
        [ 'answers that are withheld',  'lose 2', sub { } ],
        [ 'an event that is refused',   'refuse', sub { } ],
        [ 'the relay is killed',        undef,    sub { kill 'KILL', relay_pids($vg) } ],
        [ 'the broker is away a while', undef,    sub {
            is command('down'), 'ok';
            announce($vg, $last + 1, $last + 2000, 40);
            # those may have come in before it was down, these have not
            my $far = $vg->sql('select max(pos) from vg.event');
            announce($vg, $last + 2001, $last += 3000, 40);
            ok $vg->wait_for(sub { !$vg->sql('select exists (select from vg.outbox)') }), 'the log grows without it';
            cmp_ok relayed($vg, 'kafka'), '<', $vg->sql('select max(pos) from vg.event'), 'the relay waits';
            is command('up'), 'ok';
        } ])
    {
        my ($name, $first, $do) = @$step;
        is command($first), 'ok' if $first;
        announce($vg, $last + 1, $last += 2000, 40);
        $do->();
        ok all_of($last, 40), $name or last;
        ok $vg->wait_for(sub { relayed($vg, 'kafka') == $vg->sql('select max(pos) from vg.event') }, 20),
            '... and the relay stands at the end';
    }

    my (%id, %first, %partition, %newest, @wrong, @moved, @order);
    for my $m (@messages) {
        my $worth = worth($m->{body});
        push @wrong, $worth if ($id{$worth} //= $m->{id}) ne $m->{id} || $m->{id} ne $m->{body}{metadata}{eventId};
        push @moved, $worth if ($partition{ $m->{key} } //= $m->{partition}) != $m->{partition};
        next if $first{ $m->{id} }++;
        push @order, $worth if $worth < ($newest{ $m->{key} } // 0);
        $newest{ $m->{key} } = $worth;
    }
    is_deeply \@wrong, [], 'what came twice has one eventId';
    is_deeply \@moved, [], 'an aggregate has one partition';
    is_deeply \@order, [], 'and its order, of what came first';
    is_deeply [ grep { !$first{$_} } map { $_->{event_id} } $vg->rows('select event_id from vg.event') ], [],
        'each event of the log was heard';
    note scalar(@messages), " messages of $last events";
    my ($row) = $vg->rows('select * from vg.relay');
    cmp_ok $row->{refused}, '>=', 1, 'a refusal is counted' or diag $vg->log;
};

# an empty one, with the kit's tables: events are told by hand
my $far = "far_$$";
subtest 'another database, and its log' => sub {
    $vg->_maintenance(qq{create database $far template voltgate});
    my $url = $vg->{owner_url} =~ s/dbname=\S+/dbname=$far/r;
    my $gate = $url =~ s/user=\S+/user=vg_gate/r;
    $vg->_conf(sub { $_[0] =~ s/^( *voltgate_database .*;)$/$1\n    voltgate_database "$gate" far;/mr });
    $vg->reload;
    my $dbh = $vg->_connect($url);
    $dbh->do(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('far', 'station.told.v1', 'elsewhere', '{}', 'test', '')});
    ok $vg->wait_for(sub { listen_to(0); grep { $_->{key} eq 'elsewhere' } @messages }, 15), 'comes by the same line of conf';
    ok $vg->wait_for(sub { $dbh->selectrow_array(
        q{select pos from vg.cursor where consumer = 'relay:kafka' and log = 'far'}) == 1 }), 'its place is in that database';
    $dbh->disconnect;
    announce($vg, 50_001, 50_001, 1);
    ok $vg->wait_for(sub { listen_to(0); grep { (worth($_->{body}) // 0) == 50_001 } @messages }, 15), 'and the first goes on';
};

$vg->stop_gateway;
$vg->_maintenance(qq{drop database if exists $far with (force)});
ok $vg->wait_for(sub { !relay_pids($vg) }, 12), 'the gateway stops, and the relay with it';
done_testing;
