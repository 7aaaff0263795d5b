# GET /events/stream: what happens to what one owns, resumed by Last-Event-ID.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Author qw(listener);
use Voltgate::Stream;

my $vg   = Voltgate->start(own_cluster => 1, authored => { listener('there', takes => 'x.v1', tells => 'there.told.v1') },
    elsewhere => { far => ['there'] }, extra => { http => 'voltgate_stream_pace 20ms;' });
my $next = Voltgate->start(beside => $vg, extra => { http => 'voltgate_stream_pace 20ms;' });
my $path = '/api/v1/events/stream';
my ($mine, $theirs) = map { sprintf '019393c0-0000-7000-8000-%012d', $_ } 1, 2;

sub as {
    my ($role, $company) = @_;
    return { Authorization => 'Bearer ' . $vg->token(role => $role, subject => "s-$role", company => $company) };
}

my $count = 0;
sub station {
    my ($node, $company) = @_;
    my $n = ++$count;
    my $r = $node->post('/api/v1/stations', {
        name => "Stream $n", location => { lat => 48.1, lon => 11.5 }, timeZone => 'Europe/Berlin', operatorId => $company,
        address => { street => 'Street 1', city => 'Ulm', postalCode => '89073', country => 'DE' }, connectors => [],
    });
    $r->{status} == 201 or die $r->{body};
    return $r->{json}{id};
}

# aggregates of what comes, until there are so many
sub heard {
    my ($stream, $many) = @_;
    my @events;
    while (@events < $many) {
        push @events, $stream->event(10) // last;
    }
    return @events;
}

my $of_mine = Voltgate::Stream->open($vg, $path, as('operator', $mine));
is $of_mine->status, 200;
my $of_partner = Voltgate::Stream->open($next, $path, as('partner', $theirs));
is $of_partner->status, 200, 'for partners, on the other node';

my @told = (station($vg, $mine), station($next, $mine));
my $other = station($vg, $theirs);
my @events = heard($of_mine, 2);

subtest 'each hears of what is its own' => sub {
    is_deeply [ map { $_->{data}{metadata}{aggregateId} } @events ], \@told, 'in order, from both nodes';
    my $meta = $events[0]{data}{metadata};
    is_deeply [ sort keys %$meta ], [ sort qw(eventId timestamp source correlationId traceparent type version aggregateId
        sequence actorId) ], 'the envelope';
    is $meta->{type}, 'station.created.v1';
    is $meta->{version}, 'v1';
    is $events[0]{data}{payload}{operatorId}, $mine, 'and the payload';
    my ($event) = heard($of_partner, 1);
    is $event->{data}{metadata}{aggregateId}, $other, 'the other one of its own';
    is $of_partner->event(0.5), undef, 'and of nothing else';
};

subtest 'it goes on where it was' => sub {
    my $again = Voltgate::Stream->open($next, $path, { %{ as('operator', $mine) }, 'Last-Event-ID' => $events[0]{id} });
    my ($event) = heard($again, 1);
    is $event->{data}{metadata}{aggregateId}, $told[1], 'behind the id that it had seen, on another node';
    push @told, station($vg, $mine);
    ($event) = heard($again, 1);
    is $event->{data}{metadata}{aggregateId}, $told[2], 'then what comes';
    my $all = Voltgate::Stream->open($vg, $path, { %{ as('operator', $mine) }, 'Last-Event-ID' => '0' });
    is_deeply [ map { $_->{data}{metadata}{aggregateId} } heard($all, 3) ], \@told, 'from the beginning';
};

subtest 'a long way back comes at once' => sub {
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        select 'stations', 'station.updated.v1', 'many', jsonb_build_object('operatorId', $1::text), 'test', ''
        from generate_series(1, 1000)}, $mine);
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where aggregate_id = 'many'}) == 1000 }, 20);
    my $all = Voltgate::Stream->open($vg, $path, { %{ as('operator', $mine) }, 'Last-Event-ID' => '0' });
    my %ids = map { $_->{data}{metadata}{eventId} => 1 } heard($all, 1003);
    is scalar keys %ids, 1003, 'all, each once';
};

subtest 'the admin hears of both databases' => sub {
    my $all = Voltgate::Stream->open($vg, $path, as('admin', ''));
    is $all->status, 200;
    is $vg->post('/api/v1/there', { n => 5 })->{status}, 200;
    my ($event) = heard($all, 1);
    is $event->{data}{metadata}{type}, 'there.told.v1', 'the other one, too';
    like $event->{id}, qr/^\d+\.\d+$/, 'an id has a place in each';
};

subtest 'without a stream: what came since' => sub {
    my $r = $vg->get($path, { %{ as('operator', $mine) }, 'Last-Event-ID' => '0' });
    is $r->{status}, 200;
    is $r->{json}{items}[0]{metadata}{aggregateId}, $told[0];
    like $r->{json}{lastEventId}, qr/^\d+\.\d+$/;
};

subtest 'who may not' => sub {
    is $vg->get($path, { Authorization => '' })->{status}, 401;
    is $vg->get($path, as('driver', ''))->{status}, 403;
    is $vg->get($path, { 'Last-Event-ID' => $_ })->{status}, 400, "Last-Event-ID: $_" for 'x', '1.x', '.1', '1' x 19;
};

done_testing;
