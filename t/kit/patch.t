# PATCH is a JSON merge patch (RFC 7396): each of /openapi.json takes its
# media type, and null for what can be without, at any depth.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;

use Voltgate;
use Voltgate::Person;

my $vg      = Voltgate->start;
my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';

sub made { my ($r) = @_; $r->{status} == 201 or die $r->{body}; return $r->{json} }

my $station = made($vg->post("$api/stations", {
    name => 'Pier', operatorId => $company, timeZone => 'Europe/Berlin', connectors => [],
    location => { lat => 54.3, lon => 10.1 },
    address  => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
}));
made($vg->post("$api/charge-points", { id => 'PATCHED', operatorId => $company }));
made($vg->post("$api/id-tags", { idTag => 'PATCHED' }));

made($vg->post("$api/stations", { name => 'Booked', operatorId => $company, timeZone => 'Europe/Berlin',
    location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' }, connectors => [ {
        chargePointId => 'BOOKED', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] }));
my $connector;
ok $vg->wait_for(sub { $connector = $vg->sql('select connector_id from reservations.connector') }, 10),
    'reservations has heard of a connector';
my ($start, $end) = map { strftime '%Y-%m-%dT%H:%M:%SZ', gmtime time + 3600 * $_ } 24, 25;
my $reserved = made($vg->post("$api/reservations", { connectorId => $connector, startTime => $start, endTime => $end }));

my $company_id  = made($vg->post("$api/companies", { kind => 'FLEET', name => 'Vans', country => 'DE', email => 'a@example.org',
    vatId => 'DE1', billingAddress => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' } }))->{id};
my $customer_id = made($vg->post("$api/customers", { name => 'Dana', email => 'a@example.org', phone => '12345', language => 'de',
    billingAddress => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' } }))->{id};
my $vehicle_id  = made($vg->post("$api/customers/$customer_id/vehicles", { plate => 'KI A 1', make => 'A', model => 'B', color => 'C',
    vin => 'WVWZZZ1JZXW000001', odometerKm => 1, batteryKwh => 2, companyId => $company_id }))->{id};
my $method_id = made($vg->post("$api/billing/payment-methods", { provider => 'sandbox', token => 'tok_1',
    customerId => $customer_id, brand => 'Visa', last4 => '4242', expires => '12/30' }))->{id};

$vg->sql(q{select billing.payer_known('PATCHED', null)});

my $plan_id = made($vg->post("$api/billing/plans", { name => 'Plan', operatorId => $company_id, price => 1, currency => 'EUR',
    cycle => 'MONTHLY', country => 'DE', timeZone => 'UTC' }))->{id};
my $subscription_id = $vg->post("$api/billing/subscriptions", { planId => $plan_id, companyId => $company_id })->{json}{id};
ok $vg->wait_for(sub { $vg->get("$api/billing/subscriptions/$subscription_id")->{json}{status} eq 'ACTIVE' }, 15), 'it is subscribed';

my @action = (actions => [ { to => 'HOUSE', channels => ['IN_APP'], template => 'patched' } ]);
my $rule_id = made($vg->post("$api/notifications/rules", { name => 'Patched', eventType => 'credits.low.v1', @action,
    window => { seconds => 60, count => 2, by => 'customerId' } }))->{id};

my $told_id = $vg->sql(q{insert into notifications.notification (id, user_id, channel, priority, template, data, dedup_key, status, created_at)
    values (vg.uuid7(), 'x', 'IN_APP', 'NORMAL', 'x', '{}', 'x', 'SENT', now()) returning id});

my %specimens = (
    '/notifications/{id}' => $told_id,
    '/notifications/rules/{id}'     => $rule_id,
    '/notifications/templates/{id}' => made($vg->post("$api/notifications/templates",
        { name => 'patched', locale => 'en', subject => 'x', text => 'x', html => 'x', short => 'x' }))->{id},
    '/notifications/webhooks/{id}'  => made($vg->post("$api/notifications/webhooks", { url => 'https://example.org/' }))->{id},
    '/pricing/rules/{id}' => made($vg->post("$api/pricing/rules", { operatorId => $company_id, name => 'Surge',
        minMultiplier => 1, maxMultiplier => 2, minPricePerKwh => 0.1, maxPricePerKwh => 9 }))->{id},
    '/billing/plans/{id}' => $plan_id,
    '/billing/subscriptions/{id}' => $subscription_id,
    '/billing/payers/{id}' => 'PATCHED',
    '/companies/{id}'     => $company_id,
    '/customers/{id}'     => $customer_id,
    '/vehicles/{id}'      => $vehicle_id,
    '/api-keys/{id}'      => $vg->post("$api/api-keys", { name => 'patched' })->{json}{id},
    '/users/{id}'         => Voltgate::Person->new($vg)->{id},
    '/stations/{id}'      => $station->{id},
    '/charge-points/{id}' => 'PATCHED',
    '/id-tags/{idTag}'    => 'PATCHED',
    '/reservations/{id}'  => $reserved->{id},
    '/billing/payment-methods/{id}' => $method_id,
);

my $paths   = $vg->get('/openapi.json')->{json}{paths};
my @patches = map { s{^\Q$api\E}{}r } grep { $paths->{$_}{patch} && $paths->{$_}{patch}{requestBody} } sort keys %$paths;
cmp_ok scalar @patches, '>=', 3, 'there are PATCHes';

sub types { my ($schema) = @_; my $type = $schema->{type} // 'null'; return ref $type ? @$type : $type }

# a value at a depth, as the member that a patch names
sub within { my ($value, @names) = @_; $value = { $_ => $value } for reverse @names; return $value }

sub nulls {
    my ($url, $schema, @at) = @_;
    for my $name (sort keys %{ $schema->{properties} }) {
        my $member = $schema->{properties}{$name};
        my $free   = !defined $member->{type} || grep { $_ eq 'null' } types($member);
        my $r      = $vg->patch($url, within(undef, @at, $name));
        my $where  = join '.', @at, $name;
        is $r->{status}, $free ? 200 : 400, "$where: null " . ($free ? 'takes it away' : 'is refused');
        if (!$free) {
            ok $r->{json}{errors}{$where}, 'and named';
        } elsif ($where ne 'password') {    # which is never shown
            my $now = $vg->get($url)->{json};
            $now = $now->{$_} for @at;
            is $now->{$name}, undef, 'it is gone';
        }
        nulls($url, $member, @at, $name) if $member->{properties};
    }
    return;
}

for my $path (@patches) {
    subtest "PATCH $path" => sub {
        my $id = $specimens{$path} // return fail 'it has a specimen in this file';
        (my $url = "$api$path") =~ s/\{\w+\}/$id/;
        my $content = $paths->{"$api$path"}{patch}{requestBody}{content};
        is_deeply [ sort keys %$content ], [qw(application/json application/merge-patch+json)], 'both types';

        my $before = $vg->get($url)->{json};
        for my $type ('application/merge-patch+json', 'Application/Merge-Patch+JSON; charset=utf-8',
            'application/json')
        {
            my $r = $vg->patch($url, '{}', { 'Content-Type' => $type });
            is $r->{status}, 200, $type;
            delete @$before{qw(version updatedAt)};
            delete @{ $r->{json} }{qw(version updatedAt)};
            is_deeply $r->{json}, $before, 'an empty patch changes nothing';
        }
        for my $type ('application/json-patch+json', 'application/merge-patch', 'application/merge-patch+jsonx') {
            my $r = $vg->patch($url, '{}', { 'Content-Type' => $type });
            is $r->{status}, 415, $type;
            like $r->{headers}{'accept-patch'}, qr{application/merge-patch\+json}, 'it says what it takes';
        }
        is $vg->patch($url, $_)->{status}, 400, "$_ is no patch of an object" for '[]', 'null', '"a"', '1';
        nulls($url, $content->{'application/merge-patch+json'}{schema});
    };
}

subtest 'the type is for PATCH alone' => sub {
    my %merge = ('Content-Type' => 'application/merge-patch+json');
    is $vg->post("$api/id-tags", { idTag => 'x' }, \%merge)->{status}, 415;
    is $vg->put("$api/stations/$station->{id}", {}, \%merge)->{status}, 415;
};

# ------------------------------------------- RFC 7396, appendix A: test cases

my $url = "$api/stations/$station->{id}";

my @objects = (
    [ '{"a":"b"}',         '{"a":"c"}',                 '{"a":"c"}' ],
    [ '{"a":"b"}',         '{"b":"c"}',                 '{"a":"b","b":"c"}' ],
    [ '{"a":"b"}',         '{"a":null}',                '{}' ],
    [ '{"a":"b","b":"c"}', '{"a":null}',                '{"b":"c"}' ],
    [ '{"a":["b"]}',       '{"a":"c"}',                 '{"a":"c"}' ],
    [ '{"a":"c"}',         '{"a":["b"]}',               '{"a":["b"]}' ],
    [ '{"a":{"b":"c"}}',   '{"a":{"b":"d","c":null}}',  '{"a":{"b":"d"}}' ],
    [ '{"a":[{"b":"c"}]}', '{"a":[1]}',                 '{"a":[1]}' ],
    [ '{"e":null}',        '{"a":1}',                   '{"a":1,"e":null}' ],
    [ '{}',                '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}' ],
);
my @any = (
    @objects,
    [ '["a","b"]',   '["c","d"]',            '["c","d"]' ],
    [ '{"a":"b"}',   '["c"]',                '["c"]' ],
    [ '{"a":"foo"}', 'null',                 'null' ],
    [ '{"a":"foo"}', '"bar"',                '"bar"' ],
    [ '[1,2]',       '{"a":"b","c":null}',   '{"a":"b"}' ],
);
my $json = JSON::PP->new->allow_nonref->canonical;

for my $case ([ metadata => @objects ], [ openingHours => @any ]) {
    my ($name, @cases) = @$case;
    subtest "cases of the RFC, in $name" => sub {
        for (@cases) {
            my ($target, $patch, $result) = @$_;
            is $vg->patch($url, "{\"$name\":null}")->{status}, 200;
            # a stored null comes by PUT alone: a patch would take it away
            is $vg->put($url, $json->encode({
                name => 'Pier', timeZone => 'Europe/Berlin', connectors => [],
                location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' },
                $name => $json->decode($target),
            }))->{status}, 200;
            my $r = $vg->patch($url, "{\"$name\":$patch}");
            is $json->encode($r->{json}{$name}), $result, "$target and $patch";
        }
    };
}

subtest 'parts of a nested object leave the others' => sub {
    my $got = $vg->patch($url, { location => { lat => 1.5 }, address => { city => 'Ulm' } })->{json};
    is_deeply $got->{location}, { lat => 1.5, lon => 10.1 };
    is $got->{address}{city}, 'Ulm';
    is $got->{address}{country}, 'DE';
    is_deeply [ sort keys %{ $vg->patch($url, { connectors => [ { connectorNumber => 1 } ] })->{json}{errors} } ],
        [ sort map { "connectors[0].$_" } qw(chargePointId type powerType maxPowerKw) ],
        'items of an array are whole';
};

done_testing;
