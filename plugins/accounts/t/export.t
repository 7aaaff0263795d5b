# Export: all that is held about a customer, in every plugin, as JSON; in
# parts where it is long; whoever is away is named, and asked again.

use strict;
use warnings;
use feature 'state';

use Test::More;

use Voltgate;

my $vg  = Voltgate->start(extra => { http => "
    voltgate_setting accounts.export_whole 100000;" });
my $api = '/api/v1';
my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer '
    . $vg->token(role => $_->[1], subject => $_->[0], company => $_->[2]) } }
    ([ north => 'operator', $north ], [ south => 'operator', $south ], [ dana => 'driver' ], [ eve => 'driver' ]);

sub session {
    my ($customer) = @_;
    my $id = $vg->sql(q{insert into charging.session (id, status, charge_point_id, connector_number, customer_id,
        operator_id, id_tag, requested_at) values (vg.uuid7(), 'STARTING', 'CP', 1, $1, $2, 'TAG', now()) returning id},
        $customer, $north);
    $vg->sql(q{update charging.session set status = 'FAILED', failure = 'test' where id = $1}, $id);
    return $id;
}

sub meter_values {
    my ($session, $count) = @_;
    state $connector = 0;
    $connector++;
    $vg->sql(q{insert into charging.meter_value (charge_point_id, connector_number, at, measurand, phase, context, location,
        received_at, session_id, unit, raw, energy_wh)
        select 'CP', $3::int, '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second', m, '', 'Sample.Periodic', 'Outlet',
            now(), $1, 'Wh', n::text, n
        from generate_series(1, $2::int) as n,
            unnest(array['Energy.Active.Import.Register', 'Power.Active.Import']) as m}, $session, $count, $connector);
    return;
}

sub ask {
    my ($customer, $who) = @_;
    my $r = $vg->post("$api/customers/$customer/exports", undef, $who && $as{$who});
    is $r->{status}, 202, "$customer is to be exported" or diag $r->{body};
    return "$api/customers/$customer/exports/$r->{json}{id}";
}

sub complete {
    my ($url, $who) = @_;
    my $r;
    $vg->wait_for(sub { $r = $vg->get($url, $who && $as{$who}); ($r->{json}{status} // '') eq 'COMPLETED' }, 20)
        or diag $r->{body};
    return $r->{json};
}

$vg->patch("$api/customers/dana", { name => 'Dana Drake', email => 'dana@example.org' }, $as{dana});
my $car = $vg->post("$api/customers/dana/vehicles", { plate => 'KI-DD 1' }, $as{dana})->{json};
$vg->sql(q{insert into charging.id_tag (id_tag, customer_id, company_id, created_at, updated_at)
    values ('DANA-TAG', 'dana', $1, now(), now())}, $north);
$vg->sql(q{insert into reservations.reservation (id, status, connector_id, station_id, operator_id, customer_id, id_tag,
    one_time_tag, start_time, end_time, grace, ahead, free_for, holds_from, expires_at, created_at, updated_at)
    values (vg.uuid7(), 'COMPLETED', vg.uuid7(), vg.uuid7(), $1, 'dana', 'DANA-TAG', false, '2026-01-01', '2026-01-02',
    '1h', '1h', '1h', '2026-01-01', '2026-01-02', now(), now())}, $north);
$vg->sql(q{insert into billing.invoice (id, issuer, sequence, number, subject_kind, subject_id, part, customer_id, currency, minor_units,
    net, tax, total, tax_unknown, issued_at) values (vg.uuid7(), $1, 1, 'INV-1', 'SESSION', vg.uuid7(), '', 'dana', 'EUR', 2, 1, 0, 1,
    false, now())}, $north);
my @sessions = map { session('dana') } 1 .. 3;
meter_values($sessions[0], 4);
session('other');

subtest 'all of it, by plugin and kind' => sub {
    my $url = ask('dana', 'dana');
    my $all = complete($url, 'dana');
    is_deeply $all->{waitingFor}, [];
    is_deeply { map { $_->{plugin} => $_->{rows} } @{ $all->{plugins} } },
        { accounts => 2, charging => 8, reservations => 1, billing => 1, notifications => 0 }, 'how many rows of each';
    my $data = $all->{data};
    is $data->{accounts}{customer}[0]{name}, 'Dana Drake';
    is $data->{accounts}{vehicle}[0]{plate}, 'KI-DD 1';
    is $data->{charging}{idTag}[0]{idTag}, 'DANA-TAG';
    is_deeply [ sort map { $_->{id} } @{ $data->{charging}{session} } ], [ sort @sessions ], 'sessions, and no other\'s';
    is scalar @{ $data->{charging}{meterValue} }, 4;
    is_deeply [ map { $_->{measurand} } @{ $data->{charging}{meterValue}[0]{samples} } ],
        [qw(Energy.Active.Import.Register Power.Active.Import)];
    is $data->{reservations}{reservation}[0]{idTag}, 'DANA-TAG';
    is $data->{billing}{invoice}[0]{number}, 'INV-1';
    is_deeply [ sort keys %{ $vg->get("$url?plugin=billing", $as{dana})->{json}{data} } ], ['billing'], 'one plugin\'s alone';

    is $vg->get($url)->{status}, 200, 'an admin sees it';
    is $vg->get($url, $as{$_})->{status}, 404, "$_ does not" for qw(eve north south);
    is $vg->get($url =~ s/dana/eve/r, $as{eve})->{status}, 404, 'nor under another name';
};

subtest 'whom one may ask about' => sub {
    is $vg->post("$api/customers/dana/exports", undef, $as{$_})->{status}, 404, "not $_ about dana" for qw(eve north);
    is $vg->post("$api/customers/nobody/exports")->{status}, 404;
    is $vg->get("$api/customers/dana/exports/x", $as{dana})->{status}, 400;
    my $ute = $vg->post("$api/customers", { name => 'Ute' }, $as{north})->{json};
    my $url = ask($ute->{id}, 'north');
    is complete($url, 'north')->{data}{accounts}{customer}[0]{name}, 'Ute', 'a company about its own';
    is $vg->get($url, $as{south})->{status}, 404;
    is $vg->get("$url?part=1", $as{north})->{status}, 400, 'a part is a plugin\'s';
    is_deeply complete(ask('eve', 'eve'), 'eve')->{data}, {}, 'of whom nothing is known, nothing';
};

subtest 'long, and workers die meanwhile' => sub {
    meter_values($sessions[1], 6_000);
    meter_values($sessions[2], 3);
    my $url = ask('dana', 'dana');
    is $vg->post("$api/customers/dana/exports", undef, $as{dana})->{json}{id}, $url =~ s/.*\///r, 'one at a time';
    for my $try (1 .. 3) {
        my $parts = $vg->sql('select max(parts) from accounts.export_plugin');
        $vg->wait_for(sub { $vg->sql('select max(parts) from accounts.export_plugin') > $parts }, 20);
        $vg->kill_worker(($vg->workers)[ $try % 2 ]);
        $vg->wait_for(sub { $vg->workers == 2 }, 10);
    }
    my $all = complete($url, 'dana');
    my ($charging) = grep { $_->{plugin} eq 'charging' } @{ $all->{plugins} };
    is $charging->{rows}, 1 + 3 + 4 + 6_000 + 3, 'each row once';
    cmp_ok $charging->{parts}, '>', 12;
    is $all->{data}, undef, 'too long to be answered at once';
    my @values;
    for my $n (1 .. $charging->{parts}) {
        my $part = $vg->get("$url?plugin=charging&part=$n", $as{dana});
        cmp_ok length $part->{body}, '<', 1 << 20, "part $n is short" or last;
        push @values, @{ $part->{json}{data}{charging}{meterValue} // [] };
    }
    my %seen;
    $seen{"$_->{sessionId} $_->{at}"}++ for @values;
    is scalar(keys %seen), 6_007, 'each moment';
    is scalar(grep { $_ > 1 } values %seen), 0, 'once';
    # whoever had one in hand when it was made due again is not done yet
    ok $vg->wait_for(sub { !$vg->sql('select count(*) from vg.job') }, 20), 'nothing is left to do';
};

subtest 'not without end' => sub {
    my $ute = $vg->post("$api/customers", { name => 'Ute' }, $as{north})->{json}{id};
    complete(ask($ute, 'north'), 'north') for 1 .. 10;
    is $vg->post("$api/customers/$ute/exports", undef, $as{north})->{status}, 409;
};

subtest 'a plugin that is back, and holds nothing, is not waited for' => sub {
    my $id = $vg->sql(q{insert into accounts.export (id, customer_id, asked_by, asked_at)
        values (vg.uuid7(), 'finn', 'x', now()) returning id});
    $vg->sql(q{insert into accounts.export_plugin (export_id, plugin) values ($1, 'parking')}, $id);
    my $job = q{insert into vg.job (plugin, kind, payload, correlation_id) values ('accounts', 'customer.export',
        jsonb_build_object('exportId', $1::text, 'customerId', 'finn', 'plugin', 'parking', 'number', 1, 'tries', 0), vg.uuid7())};
    $vg->sql($job, $id);
    my $e = complete("$api/customers/finn/exports/$id");
    is_deeply [ map { @$_{qw(plugin status rows)} } @{ $e->{plugins} } ], [ 'parking', 'DONE', 0 ];
};

done_testing;
