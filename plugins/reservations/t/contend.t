# Many who want the same: as many win as there are slots, and the others hear
# what is free.

use strict;
use warnings;

use IO::Poll qw(POLLIN POLLHUP);
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;

# a listener without TLS, so that five hundred callers cost little
my $plain = Voltgate::free_port();
my $vg    = Voltgate->start(extra => { server => "listen 127.0.0.1:$plain;" });
my $json  = JSON::PP->new->utf8->canonical;

my $CLIENTS = 500;
my $bearer  = 'Authorization: Bearer ' . $vg->admin;
my $now     = int time;

sub station {
    my ($name, $count) = @_;
    return $vg->post('/api/v1/stations', {
        name => $name, location => { lat => 1, lon => 2 },
        address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
        connectors => [ map { { chargePointId => "CP$name", connectorNumber => $_,
            type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. $count ] })->{json};
}
my %stations = map { $_ => station($_, 10) } qw(ANY MIXED);
my $one      = station('ONE', 1)->{connectors}[0]{connectorId};
ok $vg->wait_for(sub { $vg->sql('select count(*) from reservations.connector') == 21 }, 10), 'copies have arrived';

sub clock {
    my ($hour) = @_;
    my @t = gmtime($now + 86400 + 3600 * $hour);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}
sub body {
    my ($hour, %where) = @_;
    return { startTime => clock($hour), endTime => clock($hour + 1), %where };
}

# All at once, each on a connection of its own, by two ways of asking in turn;
# how many were answered with which status. Busy is no answer: they come again.
sub rush {
    my ($wanted) = @_;
    my (%open, %count);
    my $poll = IO::Poll->new;
    my $ask  = sub {
        my ($text) = @_;
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $plain) or die "connect: $!";
        $socket->syswrite("POST /api/v1/reservations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n$bearer\r\n"
            . "Content-Type: application/json\r\nContent-Length: " . length($text) . "\r\n\r\n$text");
        $socket->blocking(0);
        $open{ fileno $socket } = { socket => $socket, text => $text, answer => '' };
        $poll->mask($socket => POLLIN | POLLHUP);
    };
    $ask->($json->encode($wanted->($_))) for 1 .. $CLIENTS;
    my $end = time + 50;
    while (%open && time < $end) {
        $poll->poll(1);
        for my $handle ($poll->handles(POLLIN | POLLHUP)) {
            my $client = $open{ fileno $handle };
            next if sysread $handle, $client->{answer}, 65536, length $client->{answer};
            delete $open{ fileno $handle };
            $poll->remove($handle);
            my ($status) = $client->{answer} =~ m{^HTTP/1.1 (\d+)};
            $count{ $status // 'none' }++;
            $ask->($client->{text}) if ($status // '') eq 503;
        }
    }
    is scalar(keys %open), 0, 'all are answered';
    note join ', ', map { "$count{$_} x $_" } sort keys %count;
    return \%count;
}

sub live {
    return $vg->sql(q{select count(*) from reservations.reservation where status = 'CONFIRMED' and station_id = $1}, $_[0]);
}
sub overlaps {
    return $vg->sql(q{select count(*) from reservations.reservation a join reservations.reservation b
        on a.id < b.id and a.connector_id = b.connector_id and a.during && b.during
        where a.status = 'CONFIRMED' and b.status = 'CONFIRMED'});
}

subtest 'any of ten connectors' => sub {
    my $count = rush(sub { body(0, stationId => $stations{ANY}{id}) });
    is $count->{201}, 10, 'ten win';
    is $count->{409}, $CLIENTS - 10, 'all others hear that it is full';
    is live($stations{ANY}{id}), 10;
};

subtest 'ten hours of one connector' => sub {
    my $count = rush(sub { body($_[0] % 10, connectorId => $one) });
    is $count->{201}, 10;
    is $count->{409}, $CLIENTS - 10;
};

subtest 'any of ten, and each by its name' => sub {
    my @ids = map { $_->{connectorId} } @{ $stations{MIXED}{connectors} };
    my $count = rush(sub {
        my ($n) = @_;
        return body(0, $n % 2 ? (stationId => $stations{MIXED}{id}) : (connectorId => $ids[ $n % 10 ]));
    });
    is $count->{201} , 10;
    is $count->{409}, $CLIENTS - 10;
};

subtest 'nobody was in two minds' => sub {
    is overlaps(), 0, 'nothing is booked twice';
    is $vg->sql('select deadlocks from pg_catalog.pg_stat_database where datname = current_database()'), 0, 'no deadlock';
};

# Somebody who does not take the lock, as a migration might.
subtest 'a winner whose row is not to be seen yet' => sub {
    my $dbh = $vg->_connect($vg->{owner_url});
    $dbh->begin_work;
    $dbh->do(q{insert into reservations.reservation (id, status, connector_id, station_id, charge_point_id,
            connector_number, id_tag, one_time_tag, start_time, end_time, grace, ahead, free_for, holds_from,
            expires_at, created_at, updated_at)
        select gen_random_uuid(), 'CONFIRMED', c.connector_id, c.station_id, c.charge_point_id, c.connector_number, 'x',
            true, $1, $2, '0', '0', '0', $1, $2, now(), now()
        from reservations.connector c
        where c.connector_id = $3}, undef, clock(20), clock(21), $one);
    my $text   = $json->encode(body(20, connectorId => $one));
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $plain) or die "connect: $!";
    $socket->syswrite("POST /api/v1/reservations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n$bearer\r\n"
        . "Idempotency-Key: unseen\r\nContent-Type: application/json\r\nContent-Length: " . length($text) . "\r\n\r\n$text");
    ok $vg->wait_for(sub { $vg->waiting }), 'it is waited for';
    $dbh->commit;
    my $answer = do { local $/ = undef; <$socket> };
    like $answer, qr{^HTTP/1.1 409 }, 'then it wins';
    my ($body) = $answer =~ /\r\n\r\n(.*)/s;
    is_deeply eval { $json->decode($body)->{conflict} }, { connectorId => $one, startTime => clock(20), endTime => clock(21) },
        'and is named';
    is $vg->sql(q{select count(*) from vg.answer where key = 'unseen' and status = 'reservation_conflict'}), 1,
        'one answer is kept for the key, the last';
};

done_testing;
