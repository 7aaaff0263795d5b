# Retention: what is older than it is kept goes, by and by; what is younger, or
# not over, or a law's, stays; the conf says how long.

use strict;
use warnings;
use feature 'state';

use Test::More;
use Time::HiRes ();

use Voltgate;


my $vg = Voltgate->start(extra => { http => "
    voltgate_retention charging.meter_value 30d;
    voltgate_retention charging.quarantine forever;
    voltgate_retention billing.invoice 10y AT=7y XX=3y YY=forever;" });

sub session {
    my ($age, $status, $cost) = @_;
    my $id = $vg->sql(q{select vg.uuid7_floor(now() - $1::interval)::text}, $age);
    substr $id, 24, 12, sprintf '%012x', int rand 2**40;
    $vg->sql(q{insert into charging.session (id, status, charge_point_id, connector_number, customer_id, id_tag,
        requested_at) values ($1, 'STARTING', 'CP', 1, 'dana', 'TAG', now())}, $id);
    if ($status ne 'STARTING') {
        $vg->sql(q{update charging.session set status = $2 where id = $1}, $id, $_) for
            $status eq 'FAILED' ? 'FAILED' : qw(ACTIVE STOPPING COMPLETED);
        $vg->sql(q{update charging.session set cost = $2 where id = $1}, $id, $cost) if defined $cost;
    }
    return $id;
}

sub meter_values {
    my ($session, $age, $count) = @_;
    $vg->sql(q{insert into charging.meter_value (charge_point_id, connector_number, at, measurand, phase, context, location,
        received_at, session_id, unit, raw) select $1::text, 1, now() - $2::interval - n * interval '1 ms', 'Energy', '', '',
        '', now() - $2::interval, $1::uuid, 'Wh', '1' from generate_series(1, $3::int) as n}, $session, $age, $count // 1);
    return;
}

sub invoice {
    my ($age, $country) = @_;
    state $n = 0;
    $n++;
    my $id = $vg->sql(q{select vg.uuid7_floor(date_trunc('year', now()) - $1::interval)::text}, $age);
    substr $id, 24, 12, sprintf '%012x', $n;
    $vg->sql(q{with i as (insert into billing.invoice (id, issuer, sequence, number, subject_kind, subject_id, part, country, currency,
        minor_units, net, tax, total, tax_unknown, issued_at) values ($1, 'x', $2::bigint, 'INV-' || $2::bigint, 'SESSION', vg.uuid7(), '', $3, 'EUR', 2, 1, 0, 1,
        false, date_trunc('year', now()) - $4::interval) returning id),
        l as (insert into billing.invoice_line (invoice_id, position, kind, type, tax_rate, amount) select id, 1, 'ENERGY', 'ENERGY', 0, 1 from i)
        insert into billing.invoice_tax (invoice_id, rate, base, amount) select id, 0, 1, 0 from i}, $id, $n, $country, $age);
    return $id;
}

sub there { my ($table, $id) = @_; return $vg->sql("select count(*) from $table where id = \$1", $id) }

my %session = (
    'over, four years ago'          => [ 0, session('4 years', 'FAILED') ],
    'priced, four years ago'        => [ 0, session('4 years', 'COMPLETED', 5) ],
    'over, two years ago'           => [ 1, session('2 years', 'FAILED') ],
    'not over, though very old'     => [ 1, session('9 years', 'STARTING') ],
);
my ($priced, $unpriced, $never) = (session('1 year', 'COMPLETED', 5), map { session('1 year', 'COMPLETED') } 1, 2);
$vg->sql(q{update charging.session set completed_at = now() - $2::interval where id = $1}, @$_)
    for [ $unpriced, '119 days' ], [ $never, '121 days' ];
meter_values($never, '120 days', 3);
meter_values($priced, '31 days', 5_500);
meter_values($priced, '29 days', 7);
meter_values($unpriced, '31 days', 3);
my %invoice = (
    'of the year before last'         => [ 1, invoice('1 year', 'DE') ],
    'ten years beyond its own'        => [ 1, invoice('9 years 364 days', 'DE') ],
    'more than ten years beyond it'   => [ 0, invoice('10 years 10 days', 'DE') ],
    'Austrian, more than seven'       => [ 0, invoice('7 years 10 days', 'AT') ],
    'Austrian, not yet seven'         => [ 1, invoice('6 years 300 days', 'AT') ],
    'German, more than seven'         => [ 1, invoice('7 years 10 days', 'DE') ],
    'of a country whose span is too short, not yet five years' => [ 1, invoice('4 years 10 days', 'XX') ],
    'of the same, more than five'     => [ 0, invoice('7 years 20 days', 'XX') ],
    'of one that keeps for ever'      => [ 1, invoice('30 years', 'YY') ],
    'of no country, more than ten'    => [ 0, invoice('10 years 20 days', undef) ],
);
$vg->sql(q{insert into charging.quarantine (id, charge_point_id, action, payload, reason, received_at, resolved_at)
    values (vg.uuid7_floor(now() - interval '20 years'), 'CP', 'x', '{}', 'x', now(), now() - interval '19 years')});
$vg->sql(q{insert into charging.reservation (reservation_id, ocpp_reservation_id, connector_id, id_tag, holds_from, expires_at)
    select vg.uuid7(), 1, vg.uuid7(), 'TAG', now(), now() - d * interval '1 day' from unnest(array[89, 91]) as d});
$vg->sql(q{insert into accounts.export (id, customer_id, asked_by, status, asked_at)
    values (vg.uuid7_floor(now() - interval '8 days'), 'dana', 'x', 'COMPLETED', now()),
    (vg.uuid7_floor(now() - interval '6 days'), 'dana', 'x', 'COMPLETED', now())});
$vg->sql(q{insert into quirks.register (charge_point_id, connector_number, started_at, shown_at, shown_wh, heard_at)
    select 'CP', d, '1970-01-01', '1970-01-01', 1, now() - d * interval '1 day' from unnest(array[89, 91]) as d});

$vg->stop_gateway;
$vg->start_gateway;

subtest 'what is old goes, a thousand rows at a time' => sub {
    my ($least, $last) = (1e9, undef);
    ok $vg->wait_for(sub {
        my $left = $vg->sql('select count(*) from charging.meter_value');
        $least = $last - $left < $least && $left < $last ? $last - $left : $least if defined $last;
        $last  = $left;
        $left == 10;
    }, 40), 'meter values older than the conf says, of sessions that are priced' or diag "$last are left";
    is $vg->sql('select count(*) from charging.meter_value where session_id = $1', $unpriced), 3, 'others are still needed, for 90 days more';
    for my $name (sort keys %session) {
        my ($stays, $id) = @{ $session{$name} };
        ok $vg->wait_for(sub { there('charging.session', $id) == $stays }, 10), "a session $name: $stays";
    }
    for my $name (sort keys %invoice) {
        my ($stays, $id) = @{ $invoice{$name} };
        ok $vg->wait_for(sub { there('billing.invoice', $id) == $stays }, 10), "an invoice $name: $stays";
        is $vg->sql('select count(*) from billing.invoice_line where invoice_id = $1', $id), $stays, 'and its lines';
    }
    ok $vg->wait_for(sub { $vg->sql('select count(*) from accounts.export') == 1 }, 10), 'an export, after a week';
    ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.reservation') == 1 }, 10), 'a copy that nobody ended';
    ok $vg->wait_for(sub { $vg->sql('select count(*) from quirks.register') == 1 }, 10), 'a register, by when it was heard, whatever its clock says';
    is $vg->sql('select count(*) from charging.quarantine'), 1, 'forever is forever';
    is $vg->sql(q{select vg.uuid7_floor('-infinity')}), '00000000-0000-0000-0000-000000000000', 'and nothing is before it';
};

subtest 'a million old rows keep nobody waiting' => sub {
    $vg->sql(q{insert into charging.connector_status (charge_point_id, connector_number, since, received_at, status)
        select 'CP', 1, now() - interval '1 year' - n * interval '1 ms', now() - interval '1 year', 'Available'
        from generate_series(1, 1000000) as n});
    $vg->stop_gateway;
    $vg->start_gateway;
    my $rows = sub { $vg->sql('select count(*) from charging.connector_status') };
    ok $vg->wait_for(sub { $rows->() <= 997_000 }, 30), 'turn after turn';
    my $began = $rows->();
    ok $vg->wait_for(sub { $rows->() <= $began - 20_000 }, 6), 'more than a thousand a second';
    my ($slowest, $turns) = (0, $rows->());
    for (1 .. 200) {
        my $began = Time::HiRes::time();
        $vg->post('/api/v1/id-tags', { idTag => "T$_" })->{status} == 201 or fail "tag $_";
        my $took = Time::HiRes::time() - $began;
        $slowest = $took if $took > $slowest;
    }
    cmp_ok $slowest, '<', 2, 'changes go on meanwhile';
    my $left = $rows->();
    $vg->wait_for(sub { $rows->() < $left }, 10);
    is +($left - $rows->()) % 1_000, 0, 'a thousand each';
};

subtest 'what the conf says wrong is told before it starts' => sub {
    my $says = sub {
        my ($line) = @_;
        open my $in, '<', "$vg->{state}/conf/nginx.conf" or die $!;
        my $text = do { local $/ = undef; <$in> };
        $text =~ s/^ *voltgate_retention charging\.quarantine.*$/$line/m or die 'no such line';
        open my $out, '>', "$vg->{state}/conf/try.conf" or die $!;
        print $out $text;
        close $out or die $!;
        my ($binary) = map { readlink "/proc/$_/exe" } $vg->master;
        my $preload = $ENV{VG_PRELOAD} ? "LD_PRELOAD=$ENV{VG_PRELOAD}" : '';
        return scalar `$preload $binary -t -c $vg->{state}/conf/try.conf 2>&1`;
    };
    for my $case (
        [ 'voltgate_retention charging.sesion 1y;'      => qr/nothing is kept as "charging\.sesion"/ ],
        [ 'voltgate_retention session 1y;'              => qr/nothing is kept as "session"/ ],
        [ 'voltgate_retention charging.session 3m;'     => qr/"3m" is no time such as/ ],
        [ 'voltgate_retention charging.session 0d;'     => qr/"0d" is no time/ ],
        [ 'voltgate_retention charging.session 1y AT;'  => qr/"AT" is not KEY=SPAN/ ],
        [ 'voltgate_retention charging.session 1y AT=x;' => qr/"AT=x" is no time/ ],
        [ 'voltgate_retention charging.session;'        => qr/invalid number of arguments/ ]) {
        my ($line, $wrong) = @$case;
        like $says->($line), $wrong, $line;
    }
    like $says->('voltgate_retention parking.stay 1y;'), qr/test is successful/, 'a plugin that is off may have it';
};

done_testing;
