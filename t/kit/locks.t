# Rows and tables that others hold: what waits a little succeeds, what waits
# for long is told to come again; and callers that do not wait at all.

use strict;
use warnings;

use IO::Poll qw(POLLIN POLLHUP);
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Load;

# a listener without TLS, so that a thousand callers cost little
my $plain   = Voltgate::free_port();
my $vg      = Voltgate->start(extra => { server => "listen 127.0.0.1:$plain;" });
my @workers = $vg->workers;
my $company = '019393c0-0000-7000-8000-000000000001';
my $bearer  = 'Authorization: Bearer ' . $vg->admin;

$vg->post('/api/v1/charge-points', { id => $_, operatorId => $company,
    password => 'sixteen letters!' }) for qw(CP1 CP2 CP3);

# a session of the owner's own, that holds what it locks until let go
sub hold {
    my ($statement) = @_;
    my $dbh = $vg->_connect($vg->{owner_url});
    $dbh->begin_work;
    $dbh->do($statement);
    return $dbh;
}

sub hold_row {
    return hold("select from stations.charge_point where id = '$_[0]' for update");
}

# bytes and connections of the plain listener that nginx has not taken yet
sub unread {
    open my $file, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my $port = sprintf '%04X', $plain;
    my $sum  = 0;
    while (<$file>) {
        $sum += hex $1 if /^\s*\d+: [0-9A-F]{8}:$port \S+ \S\S [0-9A-F]{8}:([0-9A-F]{8})/;
    }
    return $sum;
}

sub profile { return $vg->sql('select security_profile from stations.charge_point where id = $1', $_[0]) }

sub patches {
    my ($id, $clients) = @_;
    return Voltgate::Load->start($vg, $clients, sub {
        return (PATCH => "/api/v1/charge-points/$id", { securityProfile => 2 });
    }, calls => 1);
}

# a request by hand, on a connection of its own
sub request {
    my ($method, $path, $body) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $plain)
        or die "connect: $!";
    $body //= '';
    my $more = $body eq '' ? '' : "Content-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n";
    $socket->syswrite("$method $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        . "$bearer\r\n$more\r\n$body");
    return $socket;
}

# units of a route that went to the database, over both workers
sub units {
    my ($route) = @_;
    my ($count) = $vg->get('/metrics')->{body}
        =~ /^voltgate_queries_total\{route="\Q$route\E"[^}]*\} (\d+)/m;
    return $count // 0;
}

subtest 'a row held for 300 ms is waited for' => sub {
    my $held = hold_row('CP1');
    my $load = patches('CP1', 1);
    ok $vg->wait_for(sub { $vg->waiting > 0 }), 'the change waits';
    sleep 0.3;
    $held->rollback;
    my ($outcome) = $load->wait;
    is $outcome->{status}, 200, 'and succeeds';
    cmp_ok $outcome->{seconds}, '>', 0.3;
};

subtest 'one held for long is busy' => sub {
    my $held = hold_row('CP1');
    my ($outcome) = patches('CP1', 1)->wait;
    $held->rollback;
    is $outcome->{status}, 503;
    is $outcome->{type}, 'busy';
    is $outcome->{retry_after}, 1;
    cmp_ok $outcome->{seconds}, '>', 2, 'after the patient lane\'s two seconds';
    cmp_ok $outcome->{seconds}, '<', 5;
};

subtest 'many writers of a held row do not hold up the others' => sub {
    my $held = hold_row('CP1');
    my $load = patches('CP1', 20);
    ok $vg->wait_for(sub { $vg->waiting > 0 });
    my $began = time;
    is $vg->patch('/api/v1/charge-points/CP2', { securityProfile => 1 })->{status}, 200;
    note sprintf 'a change beside them took %.2f s', time - $began;
    my @outcomes = $load->wait;
    $held->rollback;
    is scalar(grep { $_->{status} !~ /^(?:503|504)$/ } @outcomes), 0
        or diag(Voltgate::Load->tally(@outcomes));
    note(Voltgate::Load->tally(@outcomes));
    is $vg->patch('/api/v1/charge-points/CP1', { securityProfile => 1 })->{status}, 200, 'and it heals';
};

subtest 'a change is finished when its client leaves' => sub {
    $vg->patch('/api/v1/charge-points/CP3', { securityProfile => 1 });
    my $held = hold_row('CP3');
    my $socket = request(PATCH => '/api/v1/charge-points/CP3', '{"securityProfile":2}');
    ok $vg->wait_for(sub { $vg->waiting > 0 }), 'it waits';
    $socket->close;
    sleep 0.2;
    is profile('CP3'), 1, 'not yet';
    $held->rollback;
    ok $vg->wait_for(sub { profile('CP3') == 2 }), 'now it is done';
};

# how many were sent beyond those that had to be; undef: on a slow machine the
# connections' own time ran out, and what waited was sent after all
sub sent_for_nobody {
    my $held   = hold('lock table stations.charge_point in access exclusive mode');
    my $before = units('GET /charge-points/{id}');
    my $gone   = sub { scalar grep { $_->{status} == 499 && $_->{route} eq 'GET /charge-points/{id}' } $vg->access_log };
    my $left   = $gone->();
    # each of the workers' reading connections has one that waits; what comes
    # then waits in the gateway
    my $lanes = 2 * @workers;
    my @first;
    while (@first < 60 && $vg->waiting < $lanes) {
        push @first, request(GET => '/api/v1/charge-points/CP1');
        $vg->wait_for(sub { $vg->waiting == $lanes }, 0.05);
    }
    is $vg->waiting, $lanes, 'all connections are taken' or return 0;
    my @sockets = map { request(GET => '/api/v1/charge-points/CP1') } 1 .. 80;
    # one that leaves before its request was read is not seen to leave
    ok $vg->wait_for(sub { unread() == 0 }, 10), 'all are read';
    $_->close for @sockets;
    ok $vg->wait_for(sub { $gone->() - $left >= 80 }, 10), 'the gateway saw them leave';
    my $kept = $vg->waiting == $lanes;
    $held->rollback;
    is $vg->get('/api/v1/charge-points/CP1')->{status}, 200;
    return $kept ? units('GET /charge-points/{id}') - $before - @first - 1 : undef;
}

subtest 'reads that nobody waits for any more are not sent' => sub {
    my $sent;
    for (1 .. 3) { last if defined($sent = sent_for_nobody()) }
    cmp_ok $sent // 1, '<=', 0, 'nothing of theirs was sent';
};

subtest 'more than the queue holds is refused at once' => sub {
    my $held  = hold('lock table stations.charge_point in access exclusive mode');
    my $poll  = IO::Poll->new;
    my $began = time;
    my %open;
    for (1 .. 1800) {
        my $socket = request(GET => '/api/v1/charge-points/CP1');
        $socket->blocking(0);
        $open{ fileno $socket } = $socket;
        $poll->mask($socket => POLLIN | POLLHUP);
    }
    my ($busy, %count) = ('');
    while (%open && time < $began + 15) {
        $held->rollback if $held && $count{503};
        undef $held if $count{503};
        $poll->poll(0.5);
        for my $socket ($poll->handles(POLLIN | POLLHUP)) {
            $socket->sysread(my $bytes, 65536);
            if ($bytes =~ m{^HTTP/1.1 (\d+)}) {
                $count{$1}++;
                $busy ||= $1 == 503 ? $bytes : '';
            }
            $poll->remove($socket);
            delete $open{ fileno $socket };
            $socket->close;
        }
    }
    is scalar(keys %open), 0, 'each of 1800 was answered';
    cmp_ok $count{503} // 0, '>', 0, 'some with 503' or diag(explain \%count);
    like $busy, qr/^Retry-After: 1\r$/m, 'and when to come again';
    like $busy, qr{"type":"[^"]*busy"};
    is scalar(grep { !/^(?:200|503|504)$/ } keys %count), 0;
    note join ', ', map { "$count{$_} x $_" } sort keys %count;
    ok $vg->wait_for(sub { $vg->get('/api/v1/charge-points/CP1')->{status} == 200 }), 'and it heals';
};

is_deeply [ $vg->workers ], \@workers, 'no worker died of all that';

done_testing;
