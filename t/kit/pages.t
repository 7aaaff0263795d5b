# Lists page by page while rows come in: nothing that was there is missed,
# nothing is told twice. A list of /openapi.json without rows here fails.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;

use Voltgate;

my $vg      = Voltgate->start;
my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';
my $vehicle = '019393c0-0000-7000-8000-000000000002';
my $count   = 0;

sub made {
    my ($r) = @_;
    $r->{status} == 201 or die $r->{body};
    return;
}

sub session {
    $count++;
    $vg->sql(q{insert into charging.session (id, status, charge_point_id, connector_number, vehicle_id, id_tag,
        requested_at) values (vg.uuid7(), 'STARTING', 'CP', 1, $1, 'TAG', now())}, $vehicle);
    $vg->sql(q{update charging.session set status = 'FAILED', failure = 'test' where status = 'STARTING'});
    return;
}

my $webhook = '019393c0-0000-7000-8000-00000000005c';
$vg->sql(q{insert into notifications.webhook (id, url, types, secret, created_at, updated_at)
    values ($1, 'https://example.com/', '["nothing"]', 'x', now(), now())}, $webhook);

# one more event of a subscription
my $subscription = '019393c0-0000-7000-8000-00000000005b';

sub append {
    my ($id) = @_;
    my $seen = $vg->sql('select coalesce(max(version), 0) from billing.event_store where aggregate = $1', $id);
    $vg->sql(q{select billing.subscription_append($1, $2, $3, $4, 'test', now(), 'test')}, $id, $seen,
        $seen ? 'PLAN_KEPT' : 'CREATED', $seen ? '{}' : qq({"issuer": "$company", "companyId": "LISTED", "terms": {"planId": "$id"}}));
    return;
}

# a connector that reservations has heard of
sub booked {
    my $connector = sub { $vg->sql(q{select connector_id from reservations.connector where charge_point_id = 'BOOKED'}) };
    return $connector->() // do {
        made($vg->post("$api/stations", { name => 'Booked', operatorId => $company, timeZone => 'Europe/Berlin',
            location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' }, connectors => [ {
                chargePointId => 'BOOKED', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] }));
        $vg->wait_for($connector, 10) or die "reservations does not hear of it\n";
    };
}

# what a charge point has many of
sub of_charge_point {
    my ($table, %more) = @_;
    my %row = (id => ['vg.uuid7()'], charge_point_id => 'LISTED', %more);
    my @names = sort keys %row;
    my (@values, @bound);
    for my $name (@names) {
        push @values, ref $row{$name} ? $row{$name}[0] : '$' . push @bound, $row{$name};
    }
    $vg->sql("insert into $table (" . join(', ', @names) . ') values (' . join(', ', @values) . ')', @bound);
    return;
}
made($vg->post("$api/charge-points", { id => 'LISTED', operatorId => $company }));
$vg->party('LISTED');
$vg->sql(q{insert into charging.local_list (charge_point_id, companies, max_length, max_send, next_at, due)
    values ('LISTED', '{}', 100, 100, now(), false)});

# route => what adds a row. Where rows are in the order of a name, it begins
# with the letter that is given: one in front of all others, or behind them.
my %add = (
    '/stations' => sub { made($vg->post("$api/stations", {
        name => 'Pier', operatorId => $company, timeZone => 'Europe/Berlin', connectors => [],
        location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' },
    })) },
    '/stations/nearby' => sub { made($vg->post("$api/stations", {
        name => 'Near', operatorId => $company, timeZone => 'Europe/Berlin', connectors => [],
        location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' },
    })) },
    '/charge-points' => sub { made($vg->post("$api/charge-points",
        { id => "$_[0]-" . ++$count, operatorId => $company })) },
    '/id-tags'           => sub { made($vg->post("$api/id-tags", { idTag => "$_[0]-" . ++$count })) },
    '/api-keys'          => sub { made($vg->post("$api/api-keys", { name => 'key' })) },
    '/companies'         => sub { made($vg->post("$api/companies", { kind => 'FLEET', name => 'Vans' })) },
    '/customers'         => sub { made($vg->post("$api/customers", { id => "$_[0]-" . ++$count })) },
    '/vehicles'          => sub { made($vg->post("$api/customers/LISTED/vehicles", { plate => 'KI ' . ++$count })) },
    '/customers/{id}/vehicles' => sub { made($vg->post("$api/customers/LISTED/vehicles", { plate => 'KI ' . ++$count })) },
    '/users'             => sub { $vg->sql(q{insert into accounts.users (id, email, email_key, name, password, created_at)
        values (vg.uuid7(), 'x', 'x', 'x', 'x', now())}) },
    '/auth/sandbox/mails' => sub { $vg->sql(q{insert into accounts.sandbox_mail (id, email, email_key, template, data, at)
        values (vg.uuid7(), 'x', 'x', 'x', '{}', now())}) },
    '/charging/sessions' => \&session,
    '/charging/history/{vehicleId}' => \&session,
    '/charging/quarantine'          => sub {
        $vg->sql(q{insert into charging.quarantine (id, charge_point_id, action, payload, reason, received_at)
            values (vg.uuid7(), 'CP', 'StopTransaction', jsonb_build_object('n', $1::int), 'test', now())}, ++$count);
    },
    '/charging/rates' => sub {
        $vg->sql(q{insert into pricing.station (station_id, name, operator_id, time_zone)
            values (vg.uuid7(), 'Pier', $1, 'Europe/Berlin')}, $company);
    },
    '/pricing/rules' => sub { made($vg->post("$api/pricing/rules", {
        operatorId => sprintf('019393c0-0000-7000-8000-%012d', ++$count), minMultiplier => 1, maxMultiplier => 2 })) },
    '/pricing/surges' => sub {
        $vg->sql(q{insert into dynamic_pricing.station (station_id, operator_id, time_zone)
            values (vg.uuid7(), $1, 'Europe/Berlin')}, $company);
    },
    '/reservations' => sub {
        my $from = 1800 * ++$count + 86_400 + time;
        my ($start, $end) = map { strftime '%Y-%m-%dT%H:%M:%SZ', gmtime $from + $_ } 0, 1800;
        made($vg->post("$api/reservations", { connectorId => booked(), startTime => $start, endTime => $end }));
    },
    '/events/consumers'    => sub { $vg->sql('insert into vg.cursor (consumer) values ($1)', "$_[0]-" . ++$count) },
    '/events/dead-letters' => sub {
        $vg->sql(q{insert into vg.parked (consumer, log, pos, event_id, type, source, aggregate_id, payload, correlation_id,
            actor_id, at, next_at, dead_at, error) values ('charging', 'home', -($1::bigint), vg.uuid7(), 'x.v1', 'x', 'x', '{}', '',
            '', now(), now(), now(), 'test')}, ++$count);
    },
    '/audit' => sub {
        $vg->sql(q{insert into vg.audit (caller_id, caller_role, company_id, route, status, correlation_id, address, node, plugin)
            values ('test', 'admin', '', 'POST /test', 200, '', '', '', 'voltgate')});
    },
    '/sagas' => sub {
        $vg->sql(q{insert into charging.saga (id, name, status, data, caller_id, caller_role, caller_company, correlation_id)
            values (vg.uuid7(), 'charging.test', 'COMPLETED', '{}', '', 'system', '', 'test')});
    },
    '/events/replays' => sub {
        $vg->sql(q{insert into vg.replay (consumer, log, pos, until_pos, asked_by, done_at)
            values ('charging', 'home', 0, 1, 'test', now())});
    },
    '/charge-points/{id}/transfers' => sub { of_charge_point('stations.transfer', kind => 'FIRMWARE',
        outcome => 'DONE', asked_by => 'test', asked_at => ['now()']) },
    '/charge-points/{id}/notices' => sub { of_charge_point('stations.notice', action => 'DataTransfer',
        payload => ["'{}'"], received_at => ['now()']) },
    '/charge-points/{id}/commands' => sub { of_charge_point('stations.command', action => 'ClearCache',
        result => ["'{}'"], caller_id => 'test', at => ['now()']) },
    '/charge-points/{id}/certificate-requests' => sub { of_charge_point('stations.certificate_request', csr => 'PEM',
        status => 'SUPERSEDED', received_at => ['now()']) },
    '/charge-points/{id}/local-list/entries' => sub {
        my $tag = "$_[0]-" . ++$count;
        $vg->sql(q{insert into charging.local_list_entry (charge_point_id, tag_key, id_tag, info)
            values ('LISTED', lower($1), $1, '{}')}, $tag);
    },
    '/charging-profiles' => sub { of_charge_point('charging.charging_profile', connector_number => 1,
        profile_id => ++$count, purpose => 'TxDefaultProfile', kind => 'Relative', stack_level => 0, rate_unit => 'A',
        status => 'REJECTED', created_by => 'test', created_at => ['now()']) },
    '/billing/payments' => sub {
        $vg->sql(q{insert into billing.intent (id, payer, purpose, subject, method_id, provider, amount, currency, wanted, status,
            created_at, updated_at) values (vg.uuid7(), 'LISTED', 'CHARGE', vg.uuid7(), vg.uuid7(), 'sandbox', 1, 'EUR', 'CAPTURED',
            'FAILED', now(), now())});
    },
    '/billing/payment-methods' => sub { made($vg->post("$api/billing/payment-methods",
        { provider => 'sandbox', token => 'tok-' . ++$count, customerId => 'LISTED' })) },
    '/billing/usage' => sub {
        $vg->sql(q{insert into billing.used (session_id, customer_id, month, ended_at, energy_kwh, seconds)
            values (vg.uuid7(), 'user-' || $1::int, $2::date, now(), 1, 1)}, ++$count, $_[0] eq 'A' ? '2026-09-01' : '2026-02-01');
    },
    '/billing/credits/transactions' => sub {
        $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', 'LISTED', 1, 'EUR', now(), 'test')});
    },
    '/billing/tax-rates' => sub { made($vg->post("$api/billing/tax-rates", {
        country => $_[0] lt 'N' ? 'AA' : 'ZZ', alpha3 => $_[0] lt 'N' ? 'AAA' : 'ZZZ', rate => 1,
        validFrom => sprintf '21%02d-01-01', $_[0] lt 'N' ? 99 - ++$count % 99 : ++$count % 99 })) },
    '/billing/plans' => sub { made($vg->post("$api/billing/plans", { name => 'Listed', operatorId => $company, price => 1,
        currency => 'EUR', cycle => 'MONTHLY', country => 'DE', timeZone => 'UTC' })) },
    '/billing/subscriptions' => sub { append($vg->sql('select vg.uuid7()')) },
    '/billing/subscriptions/{id}/events' => sub { append($subscription) },
    '/billing/holds' => sub {
        $vg->sql(q{insert into billing.hold (id, subject_kind, subject, payer, currency, status, expires_at, created_at, updated_at)
            values (vg.uuid7(), 'SESSION', vg.uuid7(), 'LISTED', 'EUR', 'RELEASED', now(), now(), now())});
    },
    '/billing/credit-notes' => sub {
        my $draft = $vg->post("$api/billing/invoices", { issuer => "019393c0-0000-7000-8000-0000000000ee", customerId => "credited", currency => 'EUR',
            lines => [ { text => 'Hat', quantity => 1, price => 1, taxRate => 0 } ] })->{json};
        $vg->post("$api/billing/invoices/$draft->{id}/capture");
        made($vg->post("$api/billing/invoices/$draft->{id}/credit-notes", {})) },
    '/notifications' => sub {
        $vg->sql(q{insert into notifications.notification (id, channel, priority, template, data, dedup_key, status, created_at)
            values (vg.uuid7(), 'IN_APP', 'LOW', 'x', '{}', vg.uuid7()::text, 'SENT', now())});
    },
    '/notifications/rules' => sub { made($vg->post("$api/notifications/rules", { name => 'Rule', eventType => 'credits.low.v1',
        actions => [ { to => 'HOUSE', channels => ['IN_APP'], template => 'x' } ] })) },
    '/notifications/templates' => sub { made($vg->post("$api/notifications/templates",
        { name => 't' . ++$count, locale => 'en', subject => 'x', text => 'x' })) },
    '/notifications/webhooks' => sub { made($vg->post("$api/notifications/webhooks", { url => 'https://example.com/' })) },
    '/notifications/webhooks/{id}/deliveries' => sub {
        $vg->sql(q{insert into notifications.webhook_delivery (id, webhook_id, event_id, event_type, body, status, created_at)
            values (vg.uuid7(), $1, vg.uuid7(), 'x', '{}', 'SENT', now())}, $webhook);
    },
    '/incidents' => sub {
        $vg->sql(q{insert into notifications.incident (id, rule_id, key, title, severity, status, data, opened_at, last_at)
            values (vg.uuid7(), vg.uuid7(), 'x', 'x', 'LOW', 'OPEN', '{}', now(), now())});
    },
    '/billing/invoices' => sub {
        $vg->sql(q{insert into billing.invoice (id, issuer, sequence, number, subject_kind, subject_id, part, currency, minor_units,
            net, tax, total, tax_unknown, issued_at)
            values (vg.uuid7(), $1, $2::bigint, 'INV-' || $2::bigint, 'SESSION', vg.uuid7(), '', 'EUR', 2, 1, 0, 1, false, now())},
            $company, ++$count);
    },
);

# a house's own would be more than 40 pages
$vg->sql("delete from notifications.$_") for qw(rule template);

my $paths = $vg->get('/openapi.json')->{json}{paths};
my @lists = map { s{^\Q$api\E}{}r } grep {
    my $get = $paths->{$_}{get};
    $get && grep { $_->{name} eq 'cursor' } @{ $get->{parameters} };
} sort keys %$paths;
cmp_ok scalar @lists, '>=', 9, 'there are lists';

sub name_of { my ($item) = @_; return $item->{id} // $item->{idTag} // $item->{stationId} // $item->{consumer} // $item->{version} }

for my $path (@lists) {
    subtest $path => sub {
        my $add = $add{$path} or return fail 'it has rows in this file';
        (my $url = "$api$path") =~ s/\{vehicleId\}/$vehicle/;
        $url =~ s/\{id\}/$path =~ m{subscriptions} ? $subscription : $path =~ m{webhooks} ? $webhook : 'LISTED'/e;
        my $where = $path =~ /nearby/ ? 'lat=54.3&lon=10.1&' : $path =~ /credits/ ? 'customerId=LISTED&' : '';
        $add->('M') for 1 .. 7;

        my @all = map { name_of($_) } @{ $vg->get("$url?${where}limit=200")->{json}{items} };
        cmp_ok scalar @all, '>=', 7, 'what was there';
        is $vg->get("$url?${where}limit=200")->{json}{nextCursor}, undef, 'fits one page, which is the last';

        my (@seen, $cursor);
        for my $page (1 .. 40) {
            my $r = $vg->get("$url?${where}limit=3" . (defined $cursor ? "&cursor=$cursor" : ''));
            is $r->{status}, 200, "page $page" or last;
            my @items = @{ $r->{json}{items} };
            is scalar @items, 3, 'is full' if defined $r->{json}{nextCursor};
            push @seen, map { name_of($_) } @items;
            $cursor = $r->{json}{nextCursor};
            last if !defined $cursor;
            $add->('A');
            $add->('Z');
        }
        is $cursor, undef, 'it ends';
        my %times;
        $times{$_}++ for @seen;
        is_deeply [ grep { $times{$_} > 1 } keys %times ], [], 'nothing comes twice';
        is_deeply [ grep { !$times{$_} } @all ], [], 'nothing that was there is missed';
        my %was = map { $_ => 1 } @all;
        is_deeply [ grep { $was{$_} } @seen ], \@all, 'in the order that it had';

        is $vg->get("$url?${where}limit=$_")->{status}, 400, "limit=$_" for 0, 201, 'x';
    };
}

done_testing;
