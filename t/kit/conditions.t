# ETag, If-Match and If-None-Match. What is tested is read from /openapi.json:
# a PUT, PATCH or DELETE without a specimen here fails this file.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Person;

my $vg  = Voltgate->start;
my $api = '/api/v1';

my $count   = 0;
my $company = '019393c0-0000-7000-8000-000000000001';

sub new_station {
    my $r = $vg->post("$api/stations", {
        name => 'Pier ' . ++$count, operatorId => $company, timeZone => 'Europe/Berlin',
        location => { lat => 54.3, lon => 10.1 }, address => { city => 'Kiel', country => 'DE' },
        connectors => [],
    });
    $r->{status} == 201 or die $r->{body};
    return $r;
}

# It stays STARTING: nobody reads the queue of its charge point.
sub new_session {
    my ($id) = $vg->sql('select vg.uuid7()');
    $vg->sql(q{insert into charging.session (id, status, charge_point_id, connector_number, id_tag, requested_at,
        deadline) values ($1, 'STARTING', 'NOWHERE', 1, 'TAG', now(), now() + interval '1 hour')}, $id);
    return { %{ $vg->get("$api/charging/sessions/$id") }, status => 201 };
}

# half an hour of a connector of its own, tomorrow
my ($from, $until, $later) = map { strftime '%Y-%m-%dT%H:%M:%SZ', gmtime 86_400 + 1800 * $_ + time } 0 .. 2;

sub new_reservation {
    my $id = 'BOOKED-' . ++$count;
    $vg->post("$api/stations", { name => $id, operatorId => $company, timeZone => 'Europe/Berlin',
        location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' }, connectors => [ {
            chargePointId => $id, connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] });
    my $connector;
    $vg->wait_for(sub {
        $connector = $vg->sql('select connector_id from reservations.connector where charge_point_id = $1', $id);
    }, 10) or die "reservations does not hear of $id\n";
    return $vg->post("$api/reservations", { connectorId => $connector, startTime => $from, endTime => $until });
}

sub new_plan {
    return $vg->post("$api/billing/plans", { name => 'Plan', operatorId => "019393c0-0000-7000-8000-000000000001", price => 1, currency => "EUR",
        cycle => 'MONTHLY', country => 'DE', timeZone => 'UTC' });
}

sub new_customer { return $vg->post("$api/customers", {}) }

# Its charge point is away; that it is so is not to move it meanwhile.
sub new_list {
    my $id = 'LISTED-' . ++$count;
    $vg->post("$api/stations", { name => $id, operatorId => $company, timeZone => 'Europe/Berlin',
        location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' }, connectors => [ {
            chargePointId => $id, connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] });
    $vg->wait_for(sub { $vg->put("$api/charge-points/$id/local-list", {})->{status} == 200 }, 10)
        or die "charging does not hear of $id\n";
    $vg->sql('update charging.local_list set due = false, sending = null where charge_point_id = $1', $id);
    return { %{ $vg->get("$api/charge-points/$id/local-list") }, status => 201 };
}

sub new_user {
    my ($path) = @_;
    my $id = Voltgate::Person->new($vg)->{id};
    return { %{ $vg->get("$api/users/$id" . ($path // '')) }, status => 201 };
}

# path of a resource => how one is made: its answer; what its id is called;
# what may be written into it; alone: that it cannot be done again; upsert: that
# a PUT makes what is not there
my %specimens = (
    '/stations/{id}' => {
        make => \&new_station,
        put  => { name => 'Quay', operatorId => $company, timeZone => 'Europe/Berlin', connectors => [],
            location => { lat => 54, lon => 10 }, address => { country => 'DE' } },
        patch => { name => 'Mole' },
    },
    '/charge-points/{id}' => {
        make  => sub { $vg->post("$api/charge-points",
            { id => 'CP-' . ++$count, operatorId => $company, stationId => new_station()->{json}{id} }) },
        patch => { securityProfile => 1 },
    },
    '/id-tags/{idTag}' => {
        make  => sub { $vg->post("$api/id-tags", { idTag => 'TAG-' . ++$count }) },
        id    => 'idTag',
        patch => { status => 'Blocked' },
    },
    '/sessions/{id}/stop' => { make => \&new_session, alone => 1 },
    '/reservations/{id}' => { make => \&new_reservation,
        patch => { endTime => $later } },
    '/charge-points/{id}/local-list' => { make => \&new_list, id => 'chargePointId', put => { maxSend => 7 } },
    '/companies/{id}' => { make => sub { $vg->post("$api/companies", { kind => 'FLEET', name => 'Vans' }) },
        patch => { name => 'Trucks' } },
    '/customers/{id}' => { make => \&new_customer, patch => { name => 'Dana' } },
    '/vehicles/{id}'  => { make => sub { $vg->post("$api/customers/" . new_customer()->{json}{id} . '/vehicles', { plate => 'KI A 1' }) },
        patch => { color => 'red' } },
    '/users/{id}'       => { make => \&new_user, patch => { name => 'Another' } },
    '/users/{id}/roles' => { make => sub { new_user('/roles') }, id => 'userId', put => { roles => ['planner'] } },
    '/billing/invoices/{id}' => { make => sub { $vg->post("$api/billing/invoices",
        { issuer => $company, customerId => 'payer', currency => 'EUR' }) } },
    '/billing/payment-methods/{id}' => {
        make  => sub { $vg->post("$api/billing/payment-methods",
            { provider => 'sandbox', token => 'tok-' . ++$count, customerId => 'payer' }) },
        patch => { brand => 'Visa' } },
    '/billing/issuers/{id}' => {
        make => sub { $vg->put("$api/billing/issuers/issuer-" . ++$count, { name => 'Lights', address => {} }) },
        put  => { name => 'Lamps', address => { city => 'Kiel' } }, upsert => 1 },
    '/pricing/rules/{id}' => {
        make  => sub { $vg->post("$api/pricing/rules",
            { operatorId => sprintf('019393c0-0000-7000-8000-%012d', ++$count), minMultiplier => 1, maxMultiplier => 2 }) },
        patch => { maxMultiplier => 1.5 } },
    '/billing/plans/{id}' => { make => \&new_plan, patch => { name => 'Another' } },
    '/billing/subscriptions/{id}' => {
        make  => sub {
            my $r = $vg->post("$api/billing/subscriptions", { planId => new_plan()->{json}{id}, companyId => 'fleet' });
            $vg->sql(q{insert into billing.method (id, payer, provider, token, created_at)
                values ('019393c0-0000-7000-8000-0000000000fd', 'fleet', 'sandbox', 'tok-fleet', now()) on conflict do nothing});
            my $is = sub { $vg->get("$api/billing/subscriptions/$r->{json}{id}") };
            $vg->wait_for(sub { $is->()->{json}{status} eq 'ACTIVE' }, 15) or die "it is not active\n";
            return { %{ $is->() }, status => 201 };
        },
        patch => { methodId => '019393c0-0000-7000-8000-0000000000fd' } },
    '/billing/payers/{id}' => {
        make  => sub {
            my $id = 'payer-' . ++$count;
            $vg->sql('select billing.payer_known($1, null)', $id);
            return { %{ $vg->get("$api/billing/payers/$id") }, status => 201 };
        },
        patch => { lowMark => 7 } },
    '/notifications/{id}' => {
        make  => sub {
            my $id = $vg->sql(q{insert into notifications.notification (id, user_id, channel, priority, template, data, dedup_key, status, created_at)
                values (vg.uuid7(), 'someone', 'IN_APP', 'LOW', 'x', '{}', vg.uuid7()::text, 'SENT', now()) returning id});
            return { %{ $vg->get("$api/notifications/$id") }, status => 201 };
        },
        patch => { read => JSON::PP::true() } },
    '/notifications/rules/{id}' => { make => sub { $vg->post("$api/notifications/rules", { name => 'Rule', eventType => 'credits.low.v1',
        actions => [ { to => 'HOUSE', channels => ['IN_APP'], template => 'x' } ] }) }, patch => { name => 'Another' } },
    '/notifications/templates/{id}' => { make => sub { $vg->post("$api/notifications/templates",
        { name => 't' . ++$count, locale => 'en', subject => 'x', text => 'x' }) }, patch => { subject => 'Another' } },
    '/notifications/webhooks/{id}' => { make => sub { $vg->post("$api/notifications/webhooks", { url => 'https://example.com/' }) },
        patch => { url => 'https://example.org/' } },
    '/notifications/preferences/{id}' => {
        make => sub { $vg->put("$api/notifications/preferences/user-" . ++$count, { locale => 'de' }) },
        id   => 'userId', put => { locale => 'fr' }, upsert => 1 },
    '/api-keys/{id}' => { make => sub { $vg->post("$api/api-keys", { name => 'key ' . ++$count }) }, patch => { name => 'Another' } },
);

my %operations;
my $paths = $vg->get('/openapi.json')->{json}{paths};
for my $path (keys %$paths) {
    (my $short = $path) =~ s{^\Q$api\E}{};
    $operations{ uc($_) . " $short" } = $paths->{$path}{$_} for keys %{ $paths->{$path} };
}
my @changes = grep { /^(?:PUT|PATCH|DELETE) / } sort keys %operations;

sub takes {
    my ($name, $header) = @_;
    return scalar grep { $_->{in} eq 'header' && $_->{name} eq $header } @{ $operations{$name}{parameters} };
}

cmp_ok scalar @changes, '>=', 8, 'there are changes to test';

for my $name (@changes) {
    subtest $name => sub {
        my ($method, $path) = split / /, $name;
        my $specimen = $specimens{$path} or return fail 'it has a specimen in this file';
        my $body     = $specimen->{ lc $method };
        ok takes($name, 'If-Match'), 'the document says that it honours If-Match';

        my $made = $specimen->{make}->();
        is $made->{status}, 201, 'a specimen is made';
        my $version = $made->{json}{version};
        my $tag     = $made->{headers}{etag};
        like $version, qr/^\d+$/, 'it has a version';
        like $tag, qr/^"$version-[0-9a-f]{16}"$/, 'and a tag';
        (my $url = "$api$path") =~ s/\{\w+\}/$made->{json}{ $specimen->{id} || 'id' }/e;

        my $try = sub { $vg->request($method, $url, $body, { 'If-Match' => $_[0] }) };
        for my $other ('"' . ($version + 1) . '-0123456789abcdef"', '"x"', '"-0123456789abcdef"') {
            my $r = $try->($other);
            is $r->{status}, 412, "$other is not its tag";
            like $r->{json}{type}, qr{/precondition_failed$}, 'told as any error';
        }
        for my $bad ('7', '', '"7', join(',', ('"7"') x 33)) {
            my $r = $try->($bad);
            is $r->{status}, 400, 'no tags: ' . substr $bad, 0, 9;
            ok $r->{json}{errors}{'If-Match'}, 'it says where';
        }
        is $vg->request($method, $url, $body, { 'If-None-Match' => '*' })->{status}, 400,
            'If-None-Match is refused, not ignored';

        # nothing of all this has changed it: its first tag still holds
        my $r = $try->("\"99-aa\", W/$tag");
        is int($r->{status} / 100), 2, 'with its tag among others it is changed' or diag $r->{body};
        return if $method eq 'DELETE';
        is $r->{json}{version}, $version + 1, 'to the next version';
        is $try->($tag)->{status}, 412, 'its old tag is none any more';
        return if $specimen->{alone};
        is $try->('*')->{status}, 200, 'any will do';
        is $try->('"' . ($version + 2) . '"')->{status}, 200, 'a version alone is a tag';
        is $vg->request($method, $url, $body)->{status}, 200, 'nor is one needed';
        $url =~ s{[^/]+$}{019393c0-0000-7000-8000-0000000000ff};
        $url =~ s{id-tags/.*}{id-tags/nobody};
        is $try->('"1"')->{status}, $specimen->{upsert} ? 412 : 404,
            'what is not there is 404 before all, but where it would be made: that has no tag (RFC 9110, 13.1.1)';
    };
}

subtest 'of many writers with one tag one wins' => sub {
    my $made = new_station();
    my $url  = "$api/stations/$made->{json}{id}";
    my @pids;
    for my $writer (1 .. 6) {
        my $pid = fork // die;
        if (!$pid) {
            my $r = $vg->client(fresh => 1)->request('PATCH', $vg->url($url), {
                content => "{\"name\":\"writer $writer\"}",
                headers => { Authorization => 'Bearer ' . $vg->admin, 'Content-Type' => 'application/json',
                    'If-Match' => $made->{headers}{etag} },
            });
            require POSIX;
            POSIX::_exit($r->{status} == 200 ? 0 : $r->{status} == 412 ? 1 : 2);
        }
        push @pids, $pid;
    }
    my @status = sort map { waitpid $_, 0; $? >> 8 } @pids;
    is_deeply \@status, [ 0, (1) x 5 ];
    is $vg->get($url)->{json}{version}, 2;
};

subtest 'who may not see a resource learns nothing by If-Match' => sub {
    my $made = new_station();
    my %foreign = (Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'p', company => 'other'));
    my $url = "$api/stations/$made->{json}{id}";
    is $vg->patch($url, { name => 'x' }, { %foreign, 'If-Match' => $_ })->{status}, 404, $_
        for '"1"', '"9"', '*';
    is $vg->patch($url, { name => 'x' }, { 'X-API-Key' => '', 'If-Match' => 'no tag' })->{status}, 401;
};

subtest 'a POST refuses what it cannot honour' => sub {
    my $r = $vg->post("$api/id-tags", { idTag => 'cond' }, { 'If-Match' => '"1"' });
    is $r->{status}, 400;
    ok $r->{json}{errors}{'If-Match'};
    is $vg->get("$api/id-tags/cond")->{status}, 404, 'nothing was made';
};

subtest 'each single resource has a tag, and 304 for who has it' => sub {
    my @reads = grep { /^GET / && takes($_, 'If-None-Match') } sort keys %operations;
    is_deeply [ grep { /^GET / && !takes($_, 'If-None-Match') && !takes_cursor($_) } keys %operations ], [],
        'all but lists';
    my $station = new_station();
    for my $path (grep { $specimens{$_} } map { s/^GET //r } @reads) {
        my $made = $specimens{$path}{make}->();
        (my $url = "$api$path") =~ s/\{\w+\}/$made->{json}{ $specimens{$path}{id} || 'id' }/e;
        my $r   = $vg->get($url);
        my $tag = $r->{headers}{etag};
        is $tag, $vg->get($url)->{headers}{etag}, "$path: it stays";
        my $same = $vg->get($url, { 'If-None-Match' => "\"a\", W/$tag" });
        is $same->{status}, 304, 'not modified';
        is $same->{body} // '', '', 'so no body';
        is $same->{headers}{etag}, $tag;
        ok !exists $same->{headers}{'content-type'};
        ok $same->{headers}{'x-correlation-id'}, 'but its correlation';
        is $vg->get($url, { 'If-None-Match' => '*' })->{status}, 304;
        is $vg->get($url, { 'If-None-Match' => '"a"' })->{status}, 200;
        is $vg->get($url, { 'If-Match' => $tag })->{status}, 200;
        is $vg->get($url, { 'If-Match' => '"a"' })->{status}, 412;
        is $vg->request('HEAD', $url, undef, { 'If-None-Match' => $tag })->{status}, 304;
        my ($how) = grep { $specimens{$path}{$_} } qw(patch put) or next; # made, shown, and gone
        $vg->request(uc $how, $url, $specimens{$path}{$how});
        is $vg->get($url, { 'If-None-Match' => $tag })->{status}, 200, 'changed';
    }
    my $me = $vg->get("$api/auth/me");
    like $me->{headers}{etag}, qr/^"-[0-9a-f]{16}"$/, 'what has no version has a tag of its bytes';
    is $vg->get("$api/auth/me", { 'If-None-Match' => $me->{headers}{etag} })->{status}, 304;
    is $vg->get("$api/stations/$company", { 'If-None-Match' => '*' })->{status}, 404;
};

sub takes_cursor {
    my ($name) = @_;
    return scalar grep { $_->{name} eq 'cursor' } @{ $operations{$name}{parameters} };
}

subtest 'the tag follows what the row does not hold' => sub {
    my $made = $vg->post("$api/stations", {
        name => 'Bytes', operatorId => $company, timeZone => 'Europe/Berlin',
        location => { lat => 1, lon => 1 }, address => { country => 'DE' },
        connectors => [ { chargePointId => 'BYTES', connectorNumber => 1, type => 'IEC_62196_T2',
            powerType => 'AC_3_PHASE', maxPowerKw => 22 } ],
    });
    my $url = "$api/stations/$made->{json}{id}";
    my $tag = $vg->get($url)->{headers}{etag};
    is $vg->patch("$api/charge-points/BYTES", { password => 'sixteen letters!' })->{status}, 200;
    my $cp = Voltgate::Charger->connect($vg, 'BYTES', 'sixteen letters!');
    $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' });
    $cp->call('StatusNotification', { connectorId => 1, errorCode => 'NoError', status => 'Available' });
    my $r = $vg->get($url, { 'If-None-Match' => $tag });
    is $r->{status}, 200, 'a status that moved is another answer';
    is $r->{json}{status}, 'Available';
    is $vg->patch($url, { name => 'Same' }, { 'If-Match' => $tag })->{status}, 200,
        'but no edit that got in between';
};

subtest 'an answer of a list has no tag' => sub {
    is $vg->get("$api/stations")->{headers}{etag}, undef;
};

subtest 'an error has none either' => sub {
    is $vg->get("$api/stations/$company")->{headers}{etag}, undef;
};

done_testing;
