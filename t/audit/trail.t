# Who did what: a row for each change and each refusal, with nothing in it that
# should not be there.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Audit;

my $vg      = Voltgate->start;
my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';
my $count   = 0;

sub station {
    return { name => 'Pier', operatorId => $company, timeZone => 'Europe/Berlin', connectors => [],
        location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' } };
}

sub bearer { return { Authorization => 'Bearer ' . $vg->token(@_) } }

# the rows of one call, by its correlation id; waits for so many
sub noted {
    my ($correlation, $wanted) = @_;
    my @rows;
    $vg->wait_for(sub { @rows = rows_of($vg, 'correlation_id = $1', $correlation); @rows >= ($wanted // 1) });
    return @rows;
}

# calls with a correlation id of its own; the answer and its rows
sub call {
    my ($method, $path, $body, $headers, $wanted) = @_;
    my $correlation = 'audit-' . ++$count;
    my $r = $vg->request($method, $path, $body, { %{ $headers || {} }, 'X-Correlation-ID' => $correlation });
    return ($r, noted($correlation, $wanted));
}

my $id;
subtest 'a change is a row of its own commit' => sub {
    my ($r, @rows) = call(POST => "$api/stations", station());
    is $r->{status}, 201;
    is @rows, 1, 'one row' or return;
    my %row = %{ $rows[0] };
    $id = $r->{json}{id};
    is_deeply { map { $_ => $row{$_} } qw(caller_id caller_role company_id route object status error calls plugin) }, {
        caller_id => 'test-admin', caller_role => 'admin', company_id => '', route => 'POST /stations',
        object => $id, status => 201, error => undef, calls => 1, plugin => 'stations',
    }, 'which says who did what to what';
    like $row{address}, qr/^(?:127\.0\.0\.1|::1)$/, 'from where';
    isnt $row{node}, '', 'at which node';
    is $vg->sql('select xmin::text from stations.station where id = $1', $id),
        $vg->sql(q{select (a.xid::text::numeric % 4294967296)::text from vg.audit a where a.correlation_id = 'audit-1'}),
        'in one transaction with the station';

    ($r, @rows) = call(PATCH => "$api/stations/$id", { name => 'Quay' }, bearer(role => 'operator', subject => 'ann', company => $company));
    is $r->{status}, 200;
    is_deeply [ map { @$_{qw(caller_id caller_role company_id route object status)} } @rows ],
        [ 'ann', 'operator', $company, 'PATCH /stations/{id}', $id, 200 ], 'a PATCH, by an operator';
};

subtest 'what was refused is a row, too' => sub {
    my $there = '019393c0-0000-7000-8000-0000000000ff';
    for my $case (
        [ 403, 'forbidden', POST => "$api/stations", station(), bearer(role => 'driver', subject => 'dan') ],
        [ 403, 'forbidden', GET => "$api/events/dead-letters", undef, bearer(role => 'driver', subject => 'dan') ],
        [ 404, 'not_found', PATCH => "$api/stations/$there", { name => 'x' } ],
        [ 412, 'precondition_failed', PATCH => "$api/stations/$id", { name => 'x' }, { 'If-Match' => '"99"' } ],
        [ 401, 'unauthorized', GET => "$api/stations", undef, { Authorization => 'Bearer none' } ],
        [ 401, 'unauthorized', DELETE => "$api/stations/$id", undef, { 'X-API-Key' => '' } ],
    ) {
        my ($status, $error, $method, $path, $body, $headers) = @$case;
        my ($r, @rows) = call($method, $path, $body, $headers);
        is $r->{status}, $status;
        is_deeply [ map { @$_{qw(status error)} } @rows ], [ $status, $error ], "$status to $method $path";
        is $rows[0]{object}, undef, 'nobody who is not known says on what' if $status == 401;
    }
    my ($r) = call(POST => "$api/stations", station(), { 'Idempotency-Key' => 'once' });
    is $r->{status}, 201;
    my @rows;
    ($r, @rows) = call(POST => "$api/stations", { %{ station() }, name => 'Other' }, { 'Idempotency-Key' => 'once' });
    is_deeply [ $r->{status}, map { $_->{error} } @rows ], [ 422, 'key_reused' ], 'a key that came with another body';
};

subtest 'what changes nothing is not' => sub {
    my @quiet = (
        [ 200, GET => "$api/stations/$id" ], [ 200, GET => "$api/stations" ],
        [ 404, GET => "$api/stations/019393c0-0000-7000-8000-0000000000fe" ],
        [ 400, POST => "$api/stations", { name => 'x' } ],
        [ 201, POST => "$api/stations", station(), { 'Idempotency-Key' => 'once' } ],
        [ 404, GET => "$api/nowhere" ],
    );
    for my $case (@quiet) {
        my ($status, $method, $path, $body, $headers) = @$case;
        my $r = $vg->request($method, $path, $body, { %{ $headers || {} }, 'X-Correlation-ID' => 'quiet' });
        is $r->{status}, $status, "$method $path";
    }
    call(DELETE => "$api/stations/$id", undef, { 'X-API-Key' => '' }); # behind them in the queue
    is_deeply [ map { $_->{route} } rows_of($vg, q{correlation_id = 'quiet'}) ], [], 'no row of reads, forms and replays';
};

subtest 'what the house does' => sub {
    my ($r, @rows) = call(POST => "$api/plugins/pricing/pause");
    is_deeply [ $r->{status}, map { @$_{qw(route object status plugin)} } @rows ],
        [ 200, 'POST /plugins/{name}/pause', 'pricing', 200, 'voltgate' ], 'a pause';
    ($r, @rows) = call(POST => "$api/plugins/pricing/resume", undef, { 'Idempotency-Key' => 'resume' });
    is_deeply [ $r->{status}, map { $_->{object} } @rows ], [ 200, 'pricing' ], 'its end, under a key';
    ($r) = call(POST => "$api/plugins/pricing/resume", undef, { 'Idempotency-Key' => 'resume' }, 0);
    is $r->{headers}{'idempotent-replayed'}, 'true';
    is scalar(rows_of($vg, q{correlation_id = 'audit-} . $count . q{'})), 0, 'a replay does nothing';
    ($r, @rows) = call(POST => "$api/events/consumers/billing/pause");
    is_deeply [ $r->{status}, map { $_->{object} } @rows ], [ 200, 'billing' ], 'a consumer rests';
    call(POST => "$api/events/consumers/billing/resume");
    ($r, @rows) = call(POST => "$api/plugins/nobody/pause");
    is_deeply [ $r->{status}, map { $_->{error} } @rows ], [ 404, 'not_found' ], 'what is not there';
};

subtest 'an import is a row for each row' => sub {
    my ($r, @rows) = call(POST => "$api/stations/import", "name,lat,lon,country\nA,54.3,10.1,DE\nB,54.4,10.1,DE\nC,x,10.1,DE\n",
        { 'Content-Type' => 'text/csv', %{ bearer(role => 'operator', subject => 'ann', company => $company) } }, 2);
    is_deeply [ @{ $r->{json} }{qw(imported failures)} ], [ 2, 1 ] or diag $r->{body};
    is_deeply [ map { "$_->{caller_id} $_->{status}" } @rows ], [ ('ann 201') x 2 ];
    is scalar(grep { $_->{object} } @rows), 2, 'each with its id';
    isnt $rows[0]{address}, '', 'and the address';
};

subtest 'GET /audit' => sub {
    my $r = $vg->get("$api/audit?object=$id&limit=2");
    is $r->{status}, 200;
    is_deeply [ map { "$_->{route} $_->{status}" } @{ $r->{json}{items} } ],
        [ 'PATCH /stations/{id} 412', 'PATCH /stations/{id} 200' ], 'the latest first, of one object';
    my $next = $vg->get("$api/audit?object=$id&limit=2&cursor=$r->{json}{nextCursor}");
    is_deeply [ map { "$_->{route} $_->{status}" } @{ $next->{json}{items} } ], [ 'POST /stations 201' ], 'page by page';
    is $next->{json}{nextCursor}, undef;
    is_deeply [ sort map { $_->{userId} } @{ $vg->get("$api/audit?userId=dan")->{json}{items} } ], [ 'dan', 'dan' ], 'of one caller';
    is_deeply [ map { $_->{status} } @{ $vg->get("$api/audit?route=POST%20/stations&status=403")->{json}{items} } ], [ 403 ],
        'of a route and a status';
    my $at = $vg->get("$api/audit?object=$id")->{json}{items}[-1]{at};
    is @{ $vg->get("$api/audit?object=$id&to=$at")->{json}{items} }, 0, 'before its time there is none';
    is @{ $vg->get("$api/audit?object=$id&from=$at")->{json}{items} }, 3, 'from then on all';
    is $vg->get("$api/audit?cursor=x")->{json}{items}[0], undef, 'a cursor of nobody\'s is an empty page';
    is $vg->get("$api/audit?$_")->{status}, 400, "not $_" for 'status=x', 'from=yesterday', 'status=600';
    for my $role (qw(driver operator fleet_manager planner partner)) {
        is $vg->get("$api/audit", bearer(role => $role, subject => 'x', company => $company))->{status}, 403, "not for $role";
    }
    my ($read, @rows) = call(GET => "$api/audit?userId=ann");
    is_deeply [ map { @$_{qw(caller_id route status)} } @rows ], [ 'test-admin', 'GET /audit', 200 ], 'who looks is told as well';
};

subtest 'secrets and bodies are nowhere' => sub {
    my ($r, @rows) = call(POST => "$api/api-keys", { name => 'so secret a name', role => 'partner', companyId => $company });
    is $r->{status}, 201 or diag $r->{body};
    is_deeply [ map { $_->{object} } @rows ], [ $r->{json}{id} ], 'a key is its id';
    my $all = join "\n", map { $_->{line} } $vg->rows('select a::text as line from vg.audit a');
    unlike $all, qr/\Q$_\E/, 'no ' . substr $_, 0, 12 for $r->{json}{key}, 'so secret a name', 'Pier';
};

subtest 'a change that rolled back has none' => sub {
    my $before = $vg->sql('select count(*) from vg.audit where error is null');
    my ($r) = call(POST => "$api/charge-points", { id => 'TWICE', operatorId => $company });
    is $r->{status}, 201;
    my @rows;
    ($r, @rows) = call(POST => "$api/charge-points", { id => 'TWICE', operatorId => $company });
    is $r->{status}, 409;
    is_deeply [ map { $_->{status} } @rows ], [409], 'but for its refusal';
    is $vg->sql('select count(*) from vg.audit where error is null'), $before + 1;
};

subtest 'figures' => sub {
    my $text = $vg->get('/metrics')->{body};
    my %is = $text =~ /^voltgate_audit_(\S+) ([\d.]+)$/mg;
    cmp_ok $is{'calls_total{kind="change"}'},  '>=', 8, 'changes';
    cmp_ok $is{'calls_total{kind="refusal"}'}, '>=', 8, 'refusals';
    cmp_ok $is{'calls_total{kind="read"}'},    '>=', 5, 'reads';
    cmp_ok $is{appended_rows_total}, '>=', 8, 'rows that were appended';
    is $is{dropped_rows_total}, 0, 'none was dropped';
    ok sealed($vg), 'all is sealed';
    my %later = $vg->get('/metrics')->{body} =~ /^voltgate_audit_(\S+) ([\d.]+)$/mg;
    cmp_ok $later{sealed_rows_total}, '>=', 20, 'so many rows';
    ok exists $later{'unsealed_seconds{database="home"}'}, 'and how far it is behind';
};

subtest 'an id is written in one way, however it came' => sub {
    my ($r, @rows) = call(PATCH => "$api/stations/" . uc $id, { name => 'Mole' });
    is_deeply [ $r->{status}, map { $_->{object} } @rows ], [ 200, $id ];
};

done_testing;
