# From connectors that are taken to a price that surges, and back: at the edges
# of its steps, by events that come twice or late, while the plugin is loaded
# anew; and what is set meanwhile.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Cli qw(cli);

my $vg    = Voltgate->start(plugins => [qw(accounts stations pricing dynamic_pricing)]);
my $api   = '/api/v1';
my $north = '019393c0-0000-7000-8000-000000000001';

sub station {
    my ($name, $zone) = @_;
    my $made = $vg->post("$api/stations", {
        name => $name, location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' }, timeZone => $zone // 'Europe/Berlin',
        operatorId => $north, connectors => [ map { { chargePointId => "$name-$_", connectorNumber => 1, type => 'IEC_62196_T2',
            powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 4 ] })->{json};
    $vg->wait_for(sub { $vg->sql(q{select (select count(*) from dynamic_pricing.place where station_id = $1)
        + (select count(*) from pricing.connector where station_id = $1)}, $made->{id}) == 8 }, 15) or die "$name is not heard of\n";
    return { name => $name, %$made };
}

sub tariff { return { currency => 'EUR', elements => [ { price_components => [
    { type => 'ENERGY', price => $_[0], vat => 19, step_size => 1 }, { type => 'TIME', price => 1.2 } ] } ] } }

# the price of energy now, as its digits
sub price {
    my ($body) = $vg->get("$api/pricing/$_[0]{id}")->{body};
    my ($component) = $body =~ /(\{[^{}]*"type": ?"ENERGY"[^{}]*\})/;
    return $component =~ /"price": ?([\d.]+)/ ? $1 : undef;
}

sub surge_of { return $vg->get("$api/pricing/surges?stationId=$_[0]{id}")->{json}{items}[0] }

# nothing is left to hear, decide or tell
sub settled {
    return $vg->wait_for(sub { $vg->sql(q{select (select count(*) from vg.outbox) + (select count(*) from vg.job where plugin = 'dynamic_pricing')
        + (select max(pos) from vg.event) - (select pos from vg.cursor where consumer = 'dynamic_pricing')}) == 0 }, 20);
}

sub told {
    my ($type, $payload) = @_;
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id) values ('stations', $1, $2, $3::jsonb, 'test', '')},
        $type, $payload->{sessionId} // $payload->{chargePointId}, JSON::PP->new->encode($payload));
    return;
}
my $minute = 0;
sub status {
    my ($at, $n, $status, $when) = @_;
    told('connector.status_changed.v1', { operatorId => $north, chargePointId => "$at->{name}-$n", connectorNumber => 1, status => $status,
        errorCode => 'NoError', since => '2026-01-01T00:00:00Z', receivedAt => $when // sprintf '2026-01-01T%02d:%02d:00Z', ++$minute / 60, $minute % 60 });
    return;
}
sub taken { my ($at, $many) = @_; status($at, $_, $_ <= $many ? 'Charging' : 'Available') for 1 .. 4; return settled() }
sub versions { return $vg->sql(q{select count(*) from vg.event where type = 'pricing.updated.v1' and payload ->> 'stationId' = $1}, $_[0]{id}) }

is $vg->post("$api/pricing", { operatorId => $north, tariff => tariff(0.49) })->{status}, 201;
my @steps = ({ enterPercent => 75, leavePercent => 50, multiplier => 1.25 }, { enterPercent => 100, leavePercent => 75, multiplier => 3 });
my $pier  = station('PIER');
my $path;

subtest 'up and down, within bounds' => sub {
    my $rule = $vg->post("$api/pricing/rules", { stationId => $pier->{id}, minMultiplier => 1, maxMultiplier => 2, maxPricePerKwh => 0.9,
        occupancy => \@steps, holdSeconds => 0 });
    is $rule->{status}, 201;
    $path = "$api/pricing/rules/$rule->{json}{id}";
    taken($pier, 2);
    is price($pier), '0.49', 'half of them taken';
    is versions($pier), 0, 'and nothing told';
    taken($pier, 3);
    is price($pier), '0.6125', '75 per cent: it surges';
    is versions($pier), 1, 'once';
    taken($pier, 2);
    is price($pier), '0.6125', '50 per cent: it holds';
    taken($pier, 1);
    is price($pier), '0.49', '25 per cent: it is over';
    taken($pier, 4);
    is price($pier), '0.9', 'all of them: as much as there may be';
    my $surge = surge_of($pier);
    is $surge->{multiplier}, 2, 'by the rule\'s bound';
    is $surge->{occupancyPercent}, 100;
    taken($pier, 3);
    is price($pier), '0.9', 'the upper step holds, too';
    taken($pier, 2);
    is price($pier), '0.6125', 'and ends in the one below';
    is $vg->sql(q{select count(*) from pricing.tariff_version where tariff #>> '{elements,0,price_components,1,price}' <> '1.2'}), 0, 'time costs what it did';
};

subtest 'out of service is neither taken nor free' => sub {
    taken($pier, 1);
    is price($pier), '0.49';
    status($pier, $_, 'Faulted') for 3, 4;
    settled();
    is surge_of($pier)->{occupancyPercent}, 50, 'one of two';
    told('connector.status_changed.v1', { operatorId => $north, chargePointId => 'PIER-2', connectorNumber => 0, status => 'Unavailable',
        errorCode => 'NoError', since => '2026-01-01T00:00:00Z', receivedAt => '2026-01-01T10:00:00Z' });
    settled();
    is surge_of($pier)->{occupancyPercent}, 100, 'a whole charge point';
    told('connector.status_changed.v1', { operatorId => $north, chargePointId => 'PIER-2', connectorNumber => 0, status => 'Available',
        errorCode => 'NoError', since => '2026-01-01T00:00:00Z', receivedAt => '2026-01-01T11:00:00Z' });
};

subtest 'what comes late or twice changes nothing' => sub {
    taken($pier, 3);
    my $revision = sub { $vg->sql('select revision from dynamic_pricing.station where station_id = $1', $pier->{id}) };
    my $before = $revision->();
    status($pier, 1, 'Available', '2025-12-31T00:00:00Z');
    status($pier, 1, 'Charging', sprintf '2026-01-01T%02d:%02d:00Z', ($minute - 3) / 60, ($minute - 3) % 60);
    settled();
    is $revision->(), $before, 'statuses';

    my ($first, $second) = sort map { $vg->sql('select vg.uuid7()') } 1, 2;
    my $session = sub { my ($what, $id) = @_; told("charging.session.$what.v1", { sessionId => $id, chargePointId => 'PIER-4', connectorNumber => 1 }); settled() };
    $session->(started => $second);
    is surge_of($pier)->{occupancyPercent}, 100, 'a session runs, whatever its charger says';
    $before = $revision->();
    $session->(@$_) for [ started => $second ], [ started => $first ], [ completed => $first ];
    is $revision->(), $before, 'one before it';
    $session->(completed => $second);
    is surge_of($pier)->{occupancyPercent}, 75;
    $before = $revision->();
    $session->(@$_) for [ completed => $second ], [ started => $second ], [ failed => $second ];
    is $revision->(), $before, 'one that is over';
    told('charging.session.completed.v1', { sessionId => $first });
    settled();
    is $revision->(), $before, 'one of no connector that is named';
};

subtest 'many decide at once: one does' => sub {
    taken($pier, 0);
    my ($told, $number) = (versions($pier), $vg->sql('select number from dynamic_pricing.station where station_id = $1', $pier->{id}));
    for my $many (3, 0) {
        status($pier, $_, $_ <= $many ? 'Charging' : 'Available') for 1 .. 4;
        $vg->sql(q{insert into vg.job (plugin, kind, payload, correlation_id)
            select 'dynamic_pricing', 'surge.decide', jsonb_build_object('stationId', $1::uuid), 'test' from generate_series(1, 40)}, $pier->{id});
        settled();
    }
    is versions($pier), $told + 2, 'up once, down once';
    is $vg->sql('select number from dynamic_pricing.station where station_id = $1', $pier->{id}), $number + 2;
};

subtest 'what is told late is not done' => sub {
    my $told = versions($pier);
    $vg->sql(q{insert into vg.job (plugin, kind, payload, correlation_id) select 'dynamic_pricing', 'surge.tell', jsonb_build_object('stationId', $1::uuid,
        'number', number - 1, 'multiplier', 2, 'until', vg.z(now() + interval '1 hour'), 'dimensions', '["ENERGY"]'::jsonb), 'test'
        from dynamic_pricing.station where station_id = $1}, $pier->{id});
    settled();
    is versions($pier), $told;
    is price($pier), '0.49';
};

subtest 'what is set meanwhile surges, too' => sub {
    taken($pier, 3);
    my $rate = surge_of($pier)->{multiplier};
    is $vg->post("$api/pricing", { operatorId => $north, tariff => tariff(0.4) })->{status}, 201;
    settled();
    cmp_ok price($pier), '==', 0.4 * $rate, 'the operator\'s';
    is $vg->post("$api/pricing", { stationId => $pier->{id}, tariff => tariff(0.2) })->{status}, 201;
    settled();
    cmp_ok price($pier), '==', 0.2 * $rate, 'the station\'s';
    taken($pier, 0);
    is price($pier), '0.2';
    my $told = versions($pier);
    is $vg->post("$api/pricing", { operatorId => $north, tariff => tariff(0.49) })->{status}, 201;
    settled();
    is price($pier), '0.2', 'still the station\'s';
};

subtest 'a plugin loaded anew while it surges' => sub {
    taken($pier, 3);
    is price($pier), '0.25';
    my $number = $vg->sql('select number from dynamic_pricing.station where station_id = $1', $pier->{id});
    my ($status, $said) = cli($vg, plugin => 'reload', 'dynamic_pricing');
    is $status, 0 or diag $said;
    status($pier, 4, 'Preparing');
    settled();
    is price($pier), '0.4', 'it goes on, from where it was';
    is $vg->sql('select number from dynamic_pricing.station where station_id = $1', $pier->{id}), $number + 1;
};

subtest 'a rule that is changed or removed' => sub {
    is $vg->patch($path, { occupancy => [ { enterPercent => 100, leavePercent => 50, multiplier => 1.1 } ] })->{status}, 200;
    settled();
    is price($pier), '0.22', 'decided anew';
    taken($pier, 3);
    is price($pier), '0.22';
    is $vg->patch($path, { name => 'another' })->{status}, 200;
    settled();
    is price($pier), '0.2', '... from nothing: what held by hysteresis does no more';
    taken($pier, 4);
    is price($pier), '0.22';
    is $vg->patch($path, { holdSeconds => 3600 })->{status}, 200;
    taken($pier, 4);
    is price($pier), '0.22';
    taken($pier, 0);
    is price($pier), '0.22', 'two changes are apart';
    cmp_ok $vg->sql('select extract(epoch from next_at - now()) from dynamic_pricing.station where station_id = $1', $pier->{id}), '<=', 3600, 'and it is looked at then';
    $vg->sql(q{update dynamic_pricing.station set stepped_at = stepped_at - interval '1 hour', next_at = now() where station_id = $1}, $pier->{id});
    ok $vg->wait_for(sub { price($pier) eq '0.2' }, 30), 'by itself';
    taken($pier, 4);
    is price($pier), '0.2', 'held';
    is $vg->patch($path, { active => JSON::PP::false, holdSeconds => 0 })->{status}, 200;
    settled();
    is price($pier), '0.2', 'off';
    $vg->patch($path, { active => JSON::PP::true });
    settled();
    is price($pier), '0.22';
    is $vg->delete($path)->{status}, 204;
    settled();
    is price($pier), '0.2', 'removed: what was set';
};

subtest 'time of use, by an operator\'s default' => sub {
    my $quay = station('QUAY', 'Asia/Kolkata');
    my $now  = $vg->sql(q{select to_char(now() at time zone 'Asia/Kolkata', 'HH24:MI')});
    my @next = map { $vg->sql(q{select to_char(now() at time zone 'Asia/Kolkata' + $1 * interval '1 minute', 'HH24:MI')}, $_) } -2, 20;
    my $rule = $vg->post("$api/pricing/rules", { operatorId => $north, minMultiplier => 1, maxMultiplier => 2, dimensions => [ 'ENERGY', 'TIME' ],
        timeOfUse => [ { startTime => $next[0], endTime => $next[1], multiplier => 1.5 } ] });
    is $rule->{status}, 201;
    settled();
    is price($quay), '0.735', "$next[0] to $next[1] by the station's clock";
    my $minutes = $vg->sql(q{select extract(epoch from max(ends_at) - now()) / 60 from pricing.tariff_version v join pricing.tariff t using (tariff_id)
        where t.target_id = $1}, $quay->{id});
    ok $minutes > 15 && $minutes <= 20, 'and not a second longer, whoever is there' or diag $minutes;
    is $vg->delete("$api/pricing/rules/$rule->{json}{id}")->{status}, 204;
    settled();
    is price($quay), '0.49';
};

subtest 'a surge that nobody asks for again ends' => sub {
    my $mole = station('MOLE');
    is $vg->post("$api/pricing/rules", { stationId => $mole->{id}, minMultiplier => 1, maxMultiplier => 2, occupancy => \@steps })->{status}, 201;
    taken($mole, 3);
    is price($mole), '0.6125';
    my $until = sub { $vg->sql(q{select max(ends_at) from pricing.tariff_version v join pricing.tariff t using (tariff_id) where t.target_id = $1}, $mole->{id}) };
    my $first = $until->();
    ok $vg->sql(q{select $1::timestamptz between now() + interval '59 minutes' and now() + interval '1 hour'}, $first), 'in an hour';
    # 40 minutes later
    $vg->sql(q{update pricing.tariff_version v set ends_at = ends_at - interval '40 minutes' from pricing.tariff t
        where t.tariff_id = v.tariff_id and t.target_id = $1}, $mole->{id});
    $vg->sql(q{update dynamic_pricing.station set until = until - interval '40 minutes', next_at = now() where station_id = $1}, $mole->{id});
    cmp_ok $until->(), 'lt', $first;
    ok $vg->wait_for(sub { $until->() ge $first }, 30), 'unless somebody does, in time';
    is price($mole), '0.6125';
};

unlike $vg->log, qr/\.lua:\d+/, 'no fault';
is $vg->sql(q{select count(*) from vg.job where plugin = 'dynamic_pricing' and dead_at is not null}), 0, 'nothing died';
is $vg->sql(q{select count(*) from vg.parked}), 0, 'nothing was parked';

done_testing;
