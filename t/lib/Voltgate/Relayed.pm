package Voltgate::Relayed;

# What the tests of relays share: events to be relayed, and the processes.
#
#   announce($vg, 1, 2000, 40);   # events of 40 stations, in one commit
#   worth($body);                 # which of them it is: 1 to 2000
#   relay_pids($vg);              # those that its workers hold
#   relayed($vg, 'rabbitmq');     # its place in the log

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(announce worth relay_pids relayed);

# As stations tells it. The nth is of station n modulo stations, and its one
# connector gives n kW.
sub announce {
    my ($vg, $first, $last, $stations) = @_;

    $vg->sql(q{
        with n as (
            select n, format('019393c0-0000-7000-8000-%s', lpad((n % $3::int)::text, 12, '0')) as station
            from generate_series($1::int, $2::int) as n)
        insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        select 'stations', 'station.updated.v1', station,
            jsonb_build_object('stationId', station,
                'operatorId', '01930000-0000-7000-8000-000000000002', 'timeZone', 'UTC', 'country', 'DE',
                'connectors', jsonb_build_array(jsonb_build_object(
                    'connectorId', format('019393c0-0000-7000-8000-%s', lpad(n::text, 12, '0')),
                    'chargePointId', 'CP' || n, 'connectorNumber', 1, 'type', 'CHADEMO', 'powerType', 'DC',
                    'maxPowerKw', n))),
            'test', 'tester'
        from n order by n}, $first, $last, $stations);
    return;
}

sub worth { return $_[0]{payload}{connectors}[0]{maxPowerKw} }

# they know their database by the environment
sub relay_pids {
    my ($vg) = @_;

    my ($name) = $vg->{owner_url} =~ /dbname=(\S+)/;
    return grep {
        _of($_, 'cmdline') =~ /^voltgate\0relay\0/ && _of($_, 'environ') =~ /\bdbname=\Q$name\E\b/;
    } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

sub relayed { return $_[0]->sql('select pos from vg.cursor where consumer = $1', "relay:$_[1]") }

sub _of {
    my ($pid, $what) = @_;
    open my $file, '<', "/proc/$pid/$what" or return '';
    local $/ = undef;
    return <$file> // '';
}

1;
