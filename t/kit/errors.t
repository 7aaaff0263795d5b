# Every error that a table names is met once, in its own words. What nginx
# refuses by itself is in nginx.t.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Person;
use Voltgate::Problem;
use Voltgate::Wire;

my $dead = Voltgate::shut_port();
my $vg   = Voltgate->start(extra => { server => "
        location = /gone { proxy_pass http://127.0.0.1:$dead; }
        location = /late { return 504; }
        location = /shut { return 503; }
        location = /many { return 429; }
        location = /part { return 416; }" });

my $api  = '/api/v1';
my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer '
    . $vg->token(role => $_->[1], subject => $_->[0], company => $_->[2]) } }
    ([ north => 'operator', $north ], [ south => 'operator', $south ], [ driver => 'driver' ]);

sub station {
    my ($who, %changed) = @_;
    return $vg->post("$api/stations", {
        name => 'Harbour', location => { lat => 54.3, lon => 10.1 },
        address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
        timeZone => 'Europe/Berlin', connectors => [], %changed }, $as{$who});
}

sub drafted {
    return $vg->post("$api/billing/invoices", { issuer => $north, customerId => 'driver', currency => 'EUR', @_ })->{json};
}

sub connectors {
    my ($point, @numbers) = @_;
    return connectors => [ map { { chargePointId => $point, connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } @numbers ];
}

sub session { my ($who, %body) = @_; return $vg->post("$api/charging/sessions/start", \%body, $as{$who}) }

sub surging { return $vg->post("$api/pricing/rules", { minMultiplier => 1, maxMultiplier => 2, @_ }) }

sub planned {
    return $vg->post("$api/billing/plans", { name => 'Plan', operatorId => $north, price => 1, currency => 'EUR',
        cycle => 'MONTHLY', country => 'DE', timeZone => 'UTC', @_ });
}

# an ACTIVE subscription's id
sub subscribed {
    my $id = $vg->post("$api/billing/subscriptions", { planId => planned()->{json}{id}, companyId => 'fleet' })->{json}{id};
    $vg->wait_for(sub { $vg->get("$api/billing/subscriptions/$id")->{json}{status} eq 'ACTIVE' }, 15) or die "it is not active\n";
    return $id;
}

# Holds a row or table of the owner's while sub runs.
sub held {
    my ($lock, $sub) = @_;
    my $dbh = $vg->dbh->clone;
    $dbh->begin_work;
    $dbh->do($lock);
    my @result = $sub->();
    $dbh->rollback;
    $dbh->disconnect;
    return @result;
}

# somebody with a way to pay, and what he owes
sub wallet {
    $vg->post("$api/billing/payment-methods", { provider => 'sandbox', token => 'tok_rich', customerId => 'rich' });
    return;
}

sub owed {
    wallet();
    return $vg->sql(q{insert into billing.invoice (id, issuer, sequence, number, subject_kind, subject_id, part, customer_id, currency,
        minor_units, net, tax, total, tax_unknown, issued_at)
        values (vg.uuid7(), $1, 9, 'OWED-9', 'SESSION', vg.uuid7(), '', 'rich', 'EUR', 2, 1, 0, 1, false, now()) returning id}, $south);
}

my $tariff = { country_code => 'DE', party_id => 'VGT', id => 'T', currency => 'EUR',
    last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'ENERGY', price => 0.5, step_size => 1 } ] } ] };

my $harbour = station(north => connectors('CP1', 1, 2))->{json};
my ($one, $two) = map { $_->{connectorId} }
    sort { $a->{connectorNumber} <=> $b->{connectorNumber} } @{ $harbour->{connectors} };
my $password = 'sixteen letters!';
$vg->patch("$api/charge-points/CP1", { password => $password });
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 2 }, 10),
    'charging has its copy';
$vg->post("$api/id-tags", { idTag => 'BLOCKED', status => 'Blocked' });

# ------------------------------------------------------- what the tables name

# name => how it is met, or (a text) why not here
my %kit = (
    plugin_paused => sub {
        $vg->post("$api/plugins/pricing/pause");
        my $r = $vg->get("$api/pricing/$harbour->{id}");
        $vg->post("$api/plugins/pricing/resume");
        return $r;
    },
    plugin_refused => sub { $vg->post("$api/plugins/pricing/reload", { hash => '0' x 15 . '1' }) },
    migrations_pending => 'another version has to be made: t/kit/swap.t',
    saga_undone        => 'a step that comes after its undo: t/sagas/late.t',
    plugin_swapping    => 'two have to come at once: t/kit/swap.t',
    plugin_quarantined => 'workers have to die: t/kit/swap.t',
    malformed        => sub { $vg->post("$api/stations", '{') },
    card_number      => sub { $vg->post("$api/stations", { name => '4111 1111 1111 1111' }) },
    validation       => sub { $vg->post("$api/stations", {}) },
    unauthorized     => sub { $vg->get("$api/stations", { 'X-API-Key' => '' }) },
    forbidden        => sub { $vg->post("$api/stations", {}, $as{driver}) },
    not_found        => sub { $vg->get("$api/nothing") },
    method_not_allowed => sub { $vg->delete("$api/stations") },
    request_timeout  => 'nginx closes the connection of a late client without a word',
    conflict         => 'an incident that is over: plugins/notifications/t/incident.t',
    key_running      => sub { key_running() },
    not_connected    => sub { $vg->post("$api/charge-points/CP1/commands", { action => 'ClearCache' }) },
    precondition_failed => sub { $vg->patch("$api/stations/$harbour->{id}", { name => 'x' }, { 'If-Match' => '"99"' }) },
    too_large        => sub { $vg->post("$api/stations", ' ' x (1024 * 1024 + 1)) },
    uri_too_long     => sub { $vg->get("$api/stations?city=" . 'x' x 9_000) },
    media_type       => sub { $vg->post("$api/stations", 'a=b',
        { 'Content-Type' => 'application/x-www-form-urlencoded' }) },
    range            => sub { $vg->get('/part') },
    unprocessable    => 'of an event whose costs are none: answered to nobody',
    key_reused       => sub {
        $vg->post("$api/id-tags", { idTag => 'K1' }, { 'Idempotency-Key' => 'reused' });
        $vg->post("$api/id-tags", { idTag => 'K2' }, { 'Idempotency-Key' => 'reused' });
    },
    tls_too_old      => sub {
        my $client = HTTP::Tiny->new(verify_SSL => 1, SSL_options => { SSL_ca_file => $vg->ca, SSL_version => 'TLSv1_2' });
        my $r = $client->get($vg->url("$api/stations"));
        return { %$r, body => $r->{content}, json => JSON::PP->new->utf8->decode($r->{content}) };
    },
    origin_refused   => sub {
        my $r = Voltgate::Charger->connect($vg, 'x', undef, subprotocols => [], headers => { Origin => 'https://x.example',
            Authorization => 'Bearer ' . $vg->admin }, path => "$api/charging/sessions/$north/stream");
        return { status => $r->status, headers => $r->headers, body => $r->body, json => JSON::PP->new->utf8->decode($r->body) };
    },
    upgrade_required => sub { $vg->get('/ocpp/CP1') },
    limited          => sub { $vg->get('/many') },
    quota_used       => 't/limit/quota.t: a key of eight calls a month',
    internal         => sub { internal() },
    upstream         => sub { $vg->get('/gone') },
    charger_error    => sub { charger_error() },
    unavailable      => sub { $vg->get('/shut') },
    busy             => sub { (held("select from stations.station for update",
        sub { $vg->patch("$api/stations/$harbour->{id}", { name => 'x' }) }))[0] },
    plugin_limit     => 'a plugin in Lua that loops: t/lua/fence.t',
    plugin_out       => 'registry.t: a plugin whose migration was changed',
    overdue          => sub { $vg->get('/late') },
    charger_silent   => 't/ocpp/command.t: 30 seconds without an answer',
    (map { $_ => 't/outbound/http.t: each way of failing' } qw(unreachable silent tls rejected answer_too_large)),
    (map { $_ => 't/outbound/limits.t: what spares a target' } qw(breaker_open rate)),
    (map { $_ => 't/outbound/guard.t: what users may not name' } qw(refused_url refused_address)),
);

my %plugins = (
    notifications => {
        rules_too_many => sub {
            $vg->sql(q{insert into notifications.rule (id, name, company_id, event_type, condition, actions, created_at, updated_at)
                select vg.uuid7(), 'x', $1, 'x', '{}', '[]', now(), now() from generate_series(1, 200)}, $north);
            $vg->post("$api/notifications/rules", { name => 'x', eventType => 'credits.low.v1', actions => [
                { to => 'HOUSE', channels => ['IN_APP'], template => 'x' } ] }, $as{north});
        },
        webhooks_too_many => sub {
            $vg->sql(q{insert into notifications.webhook (id, company_id, url, types, secret, created_at, updated_at)
                select vg.uuid7(), $1, 'x', '["x"]', 'x', now(), now() from generate_series(1, 50)}, $north);
            $vg->post("$api/notifications/webhooks", { url => 'https://example.com/' }, $as{north});
        },
        time_zone_unknown => sub { $vg->put("$api/notifications/preferences/someone", { timeZone => 'Europe/Nowhere' }) },
        template_taken    => sub { my @same = ("$api/notifications/templates", { name => 'twice', locale => 'en', subject => 'x', text => 'x' });
            $vg->post(@same); $vg->post(@same) },
    },
    accounts => {
        company_unknown => sub { $vg->post("$api/customers", { companyId => 'nobody' }) },
        customer_taken  => sub { $vg->party('twice'); $vg->post("$api/customers", { id => 'twice' }) },
        customer_erased => sub {
            my $id = $vg->post("$api/customers", {})->{json}{id};
            $vg->delete("$api/customers/$id");
            $vg->patch("$api/customers/$id", {});
        },
        exports_too_many => sub {
            my $id = $vg->post("$api/customers", {})->{json}{id};
            $vg->sql(q{insert into accounts.export (id, customer_id, asked_by, status, asked_at)
                select vg.uuid7(), $1, 'x', 'COMPLETED', now() from generate_series(1, 10)}, $id);
            $vg->post("$api/customers/$id/exports");
        },
        plate_taken     => sub {
            my $id = $vg->post("$api/customers", {})->{json}{id};
            my @r  = map { $vg->post("$api/customers/$id/vehicles", { plate => 'KI A 1' }) } 1, 2;
            return $r[1];
        },
        expiry_passed => sub { $vg->post("$api/api-keys", { name => 'x',
            expiresAt => '2001-01-01T00:00:00Z' }, $as{north}) },
        code_invalid => sub { $vg->post("$api/auth/verify", { userId => $north, code => '123456' }, { 'X-API-Key' => '' }) },
        password_wrong => sub { $vg->post("$api/auth/password", { oldPassword => 'not it', newPassword => 'eight or more' },
            Voltgate::Person->new($vg)->headers) },
        # in the form of OAuth:
        (map { $_ => 'plugins/accounts/t/token.t' } qw(invalid_request invalid_client invalid_grant invalid_scope
            unsupported_grant_type unsupported_token_type)),
    },
    billing => {
        credit_too_high => sub {
            my $draft = drafted(lines => [ { text => 'Hat', quantity => 1, price => 1, taxRate => 0 } ]);
            $vg->post("$api/billing/invoices/$draft->{id}/capture", undef, $as{north});
            $vg->post("$api/billing/invoices/$draft->{id}/credit-notes", { amount => 2 }, $as{north}) },
        invoice_empty  => sub { $vg->post("$api/billing/invoices/" . drafted()->{id} . '/capture', undef, $as{north}) },
        invoice_issued => sub {
            my $draft = drafted(lines => [ { text => 'Hat', quantity => 1, price => 1, taxRate => 0 } ]);
            $vg->post("$api/billing/invoices/$draft->{id}/capture", undef, $as{north});
            $vg->post("$api/billing/invoices/$draft->{id}/capture", undef, $as{north}) },
        (map { $_ => 'of a provider that signs: plugins/billing/t/webhook.t' } qw(signature_invalid webhook_too_old)),
        method_known => sub { my @same = ("$api/billing/payment-methods",
            { provider => 'sandbox', token => 'tok_twice', customerId => 'driver' }); $vg->post(@same); $vg->post(@same) },
        credit_short => sub { $vg->post("$api/billing/credits/refunds", { customerId => 'poor', currency => 'EUR', amount => 1 }) },
        payment_required => sub { $vg->post("$api/billing/credits/top-up", { customerId => 'poor', currency => 'EUR', amount => 1 }) },
        invoice_draft    => sub { $vg->get("$api/billing/invoices/" . drafted()->{id} . '.pdf', $as{north}) },
        parties_pending  => 'the clerk has to be slow: plugins/billing/t/party.t',
        prefix_drawn     => sub {
            $vg->sql(q{insert into billing.issuer (issuer, last_number) values ($1, 1)}, $south);
            $vg->put("$api/billing/issuers/$south", { name => 'x', address => {}, prefix => 'R-' }, $as{south});
        },
        tax_rate_known   => sub { my @same = ("$api/billing/tax-rates", { country => 'DE', validFrom => '2098-01-01', rate => 20 });
            $vg->post(@same); $vg->post(@same) },
        tax_rate_past    => sub { $vg->post("$api/billing/tax-rates", { country => 'DE', validFrom => '2026-01-01', rate => 20 }) },
        tax_country_unknown => sub { $vg->post("$api/billing/tax-rates", { country => 'QQ', validFrom => '2098-01-01', rate => 20 }) },
        payment_declined => 'a card says no, to a saga: plugins/billing/t/subscribe.t',
        time_zone_unknown => sub { planned(timeZone => 'Europe/Nowhere') },
        plan_unknown => sub { $vg->post("$api/billing/subscriptions", { planId => $north, companyId => 'fleet' }) },
        plan_unlike => sub {
            my $id = subscribed();
            $vg->patch("$api/billing/subscriptions/$id", { planId => planned(currency => 'SEK')->{json}{id} });
        },
        subscription_unpaid => sub {
            my $id = subscribed();
            $vg->sql('update billing.subscription set invoice_id = id where id = $1', $id);
            $vg->delete("$api/billing/subscriptions/$id?when=NOW");
        },
        subscription_over => sub {
            my $id = subscribed();
            $vg->delete("$api/billing/subscriptions/$id?when=NOW");
            $vg->delete("$api/billing/subscriptions/$id");
        },
        refund_too_high  => 'a payment has to be captured: plugins/billing/t/credit.t',
        payment_captured => 'the same: plugins/billing/t/payment.t',
        payment_not_captured => 'it has to be authorised alone: plugins/billing/t/payment.t',
        amount_too_fine => sub { wallet(); $vg->post("$api/billing/charge", { customerId => 'rich', currency => 'JPY', amount => 1.5 }) },
        more_than_owed  => sub { $vg->post("$api/billing/charge", { invoiceId => owed(), currency => 'EUR', amount => 2 }) },
        payment_running => 'a payment that goes on: plugins/billing/t/payment.t',
    },
    charging => {
        connector_unknown => sub { session(driver => connectorId => $north) },
        connector_busy    => sub { busy() },
        connector_unavailable => sub { faulted() },
        connector_reserved => sub { reserved() },
        cancelled          => 'what ended a start, to its saga alone: plugins/charging/t/start.t',
        start_timeout      => 'the same: plugins/charging/t/start.t',
        payment_timeout    => 'the same: plugins/charging/t/hold_ways.t',
        payment_required   => 'where money is held: plugins/charging/t/hold.t',
        payment_declined   => 'the same, to a saga alone: plugins/charging/t/hold_card.t',
        reservation_unknown => sub { session(driver => reservationId => $north) },
        reservation_unusable => sub { session(driver => reservationId => booked()) },
        id_tag_taken   => sub { $vg->post("$api/id-tags", { idTag => 'blocked' }) },
        vehicle_unknown  => sub { session(driver => connectorId => $one, vehicleId => $north) },
        customer_unknown => sub { $vg->post("$api/id-tags", { idTag => 'nobodys', customerId => 'nobody' }) },
        id_tag_refused => sub { session(driver => connectorId => $one, idTag => 'BLOCKED') },
        session_unpriced =>  sub { unpriced() },
        session_not_running => 'a charger has to hold no session: plugins/charging/t/profile.t',
    },
    pricing => {
        target_unknown => sub { $vg->post("$api/pricing", { stationId => $north, tariff => $tariff }) },
        not_yours => sub { $vg->post("$api/pricing", { operatorId => $north, tariff => $tariff },
            $as{south}) },
        tariff_unknown => sub { $vg->post("$api/pricing/quote", { tariffId => $north,
            start_date_time => '2026-01-01T00:00:00Z', end_date_time => '2026-01-01T01:00:00Z',
            charging_periods => [] }) },
    },
    dynamic_pricing => {
        rule_exists => sub { surging(operatorId => $north); surging(operatorId => $north) },
        rule_bounds => sub { surging(operatorId => $south, minMultiplier => 3) },
        station_unknown => sub { surging(stationId => $north) },
    },
    reservations => {
        connector_unknown => sub { reserve(5, connectorId => $north) },
        reservation_conflict => sub { reserve(5); reserve(5) },
        payment_required => 'where money is held: plugins/reservations/t/hold.t',
        reservation_over => sub {
            my $id = reserve(6)->{json}{id};
            $vg->delete("$api/reservations/$id");
            $vg->patch("$api/reservations/$id", { endTime => '2026-01-01T00:00:00Z' });
        },
        customer_unknown => sub {
            $vg->sql(q{insert into reservations.erased (customer_id) values ('driver')});
            my $r = reserve(7);
            $vg->sql('delete from reservations.erased');
            return $r;
        },
        vehicle_unknown => sub { reserve(7, vehicleId => $north) },
        id_tag_refused => sub { reserve(7, idTag => 'BLOCKED') },
        reservations_too_many => 'by a setting: plugins/reservations/t/bound.t',
        waitlist_full => 'by a setting: plugins/reservations/t/bound.t',
    },
    stations => {
        profile_lowered => sub { $vg->post("$api/charge-points/CP1/commands", { action => 'ChangeConfiguration',
            payload => { key => 'SecurityProfile', value => '1' } }, $as{north}) },
        certificate_answered => 'a charger has to ask twice: plugins/stations/t/report.t',
        time_zone_unknown => sub { station(north => timeZone => 'Mars/Olympus') },
        connector_taken   => sub { station(north => connectors('CP1', 1)) },
        charge_point_taken => sub { station(south => connectors('CP1', 9)) },
        charge_point_exists => sub { $vg->post("$api/charge-points", { id => 'CP1' }, $as{north}) },
        charge_point_in_use => sub { $vg->delete("$api/charge-points/CP1", $as{north}) },
        station_unknown => sub { $vg->post("$api/charge-points", { id => 'N', stationId => $north },
            $as{north}) },
        export_too_large => sub {
            $vg->sql(q{insert into stations.station (id, operator_id, name, lat, lon, country, time_zone, created_at,
                updated_at) select vg.uuid7(), 'many', 'x', 0, 0, 'DE', 'Europe/Berlin', now(), now()
                from generate_series(1, 20001)});
            my $r = $vg->get("$api/stations/export.csv");
            $vg->sql(q{delete from stations.station where operator_id = 'many'});
            return $r;
        },
        operator_missing => sub { $vg->post("$api/charge-points", { id => 'N' }) },
    },
);

# the driver's, for an hour, so many hours from now
sub reserve {
    my ($hours, %body) = @_;
    my @times = map { my @t = gmtime(time + 3600 * $_);
        sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0] } $hours, $hours + 1;
    return $vg->post("$api/reservations", { connectorId => $two, startTime => $times[0], endTime => $times[1], %body },
        $as{driver});
}

sub booked {
    my ($hours) = @_;
    my $id = reserve($hours // 9)->{json}{id};
    charger()->serve(10) if defined $hours;    # ReserveNow
    $vg->wait_for(sub { $vg->sql('select count(*) from charging.reservation where reservation_id = $1', $id) }, 10);
    return $id;
}

sub reserved {
    booked(0);
    return $vg->post("$api/charging/sessions/start", { connectorId => $two });
}

sub key_running {
    my ($r) = held('lock table charging.id_tag in share mode', sub {
        my $body = '{"idTag":"RUNS"}';
        my $first = Voltgate::Wire->post($vg, "$api/id-tags", $body, 'Idempotency-Key' => 'runs');
        $vg->wait_for(sub { $vg->waiting });
        return $vg->post("$api/id-tags", $body, { 'Idempotency-Key' => 'runs' });
    });
    return $r;
}

sub internal {
    $vg->dbh->do(q{create function charging.broken() returns trigger language plpgsql as
        $$ begin raise exception 'secret words' using errcode = 'XX000'; end $$});
    $vg->dbh->do('create trigger broken before insert on charging.id_tag
        execute function charging.broken()');
    my $r = $vg->post("$api/id-tags", { idTag => 'BROKEN' });
    $vg->dbh->do('drop trigger broken on charging.id_tag');
    unlike $r->{body}, qr/secret|XX000|broken|sql|insert/i, 'an internal error shows nothing';
    my $id = $r->{json}{correlationId};
    is scalar(grep { /\[error\].*\Q$id\E/ } split /\n/, $vg->log), 1, 'it is logged once, with its id';
    return $r;
}

my $charger;

sub charger {
    return $charger if $charger;
    $charger = Voltgate::Charger->connect($vg, 'CP1', $password);
    $charger->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });
    return $charger;
}

sub charger_error {
    my $cp = charger();
    is $cp->status, 101;
    $cp->answer(sub { [ 'NotSupported', 'no', {} ] });
    my $wire = Voltgate::Wire->post($vg, "$api/charge-points/CP1/commands", { action => 'ClearCache' });
    $cp->serve(10);
    return $wire->answer;
}

sub faulted {
    charger()->call(StatusNotification => { connectorId => 2, status => 'Faulted',
        errorCode => 'GroundFailure', timestamp => '2026-01-01T00:00:00Z' });
    $vg->wait_for(sub { ($vg->sql('select status from charging.connector
        where connector_id = $1', $two) // '') eq 'Faulted' }, 10);
    return session(driver => connectorId => $two);
}

sub transaction {
    my ($action, %payload) = @_;
    return charger()->call($action => { timestamp => '2026-01-01T00:00:00Z', %payload })->[2];
}

# a charge without a tariff: open it keeps its connector, over it has no price
sub busy {
    $vg->post("$api/id-tags", { idTag => 'PLUG' });
    my $started = transaction(StartTransaction => connectorId => 1, idTag => 'PLUG', meterStart => 0);
    my $r = session(driver => connectorId => $one);
    transaction(StopTransaction => transactionId => $started->{transactionId}, meterStop => 1000,
        timestamp => '2026-01-01T01:00:00Z');
    return $r;
}

sub unpriced {
    busy() if !$vg->sql(q{select count(*) from charging.session where stop_received_at is not null});
    my $id;
    $vg->wait_for(sub { $id = $vg->sql(q{select id from charging.session
        where status = 'COMPLETED' and cost is null}) }, 10);
    return $vg->post("$api/charging/sessions/" . ($id // $north) . '/price');
}

sub table_of {
    my ($path, $pattern) = @_;
    open my $file, '<', "$Voltgate::ROOT/$path" or die "$path: $!";
    local $/ = undef;
    my $text = <$file>;
    my @rows;
    while ($text =~ /$pattern/g) { push @rows, { status => $+{status}, name => $+{name}, title => $+{title} } }
    return @rows;
}

sub provoke {
    my ($table, @rows) = @_;
    my %left = %$table;
    for my $row (@rows) {
        my $how = delete $left{ $row->{name} };
        ok defined $how, "$row->{name} is listed" or next;
        next if !ref $how;
        is_problem($how->(), @$row{qw(status name title)});
    }
    is_deeply [ keys %left ], [], 'nothing is listed that is in no table';
    return;
}

subtest 'the errors of the kit' => sub {
    my @rows = table_of('nginx-modules/core/errors.def',
        qr/^VG_ERROR_ROW\(\w+, (?<status>\d+), "(?<name>\w+)",\s*"(?<title>[^"]+)"\)/m);
    cmp_ok scalar @rows, '>', 20, 'the table was read';
    provoke(\%kit, @rows);
};

my @manifests = map { m{plugins/(\w+)/plugin\.(?:c|lua)$} } glob "$Voltgate::ROOT/plugins/*/plugin.{c,lua}";
for my $plugin (@manifests) {
    my @rows = -e "$Voltgate::ROOT/plugins/$plugin/plugin.c"
        ? table_of("plugins/$plugin/plugin.c", qr/\{ "(?<name>\w+)", (?<status>\d{3}),\s*"(?<title>[^"]+)" \}/)
        : map { s{^\Q$Voltgate::ROOT\E/}{}; table_of($_, qr/\{ name = "(?<name>\w+)", status = (?<status>\d{3}),\s*title = "(?<title>[^"]+)" \}/) }
            glob "$Voltgate::ROOT/plugins/$plugin/*.lua";
    next if !@rows;
    subtest "the errors of $plugin" => sub { provoke($plugins{$plugin} || {}, @rows) };
}
my %manifest = map { $_ => 1 } @manifests;
is_deeply [ grep { !$manifest{$_} } sort keys %plugins ], [],
    'no plugin is listed that is not there';

subtest 'nothing above ended a worker' => sub {
    unlike $vg->log, qr/exited on signal/;
    is $vg->get('/healthz')->{status}, 200;
};

done_testing;
