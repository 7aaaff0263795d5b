# What the tables of routes say to the world: OpenAPI, readiness, metrics and
# the access log; and a plugin that the database does not know stays out.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg = Voltgate->start;

my $api = '/api/v1';
my $none = '019393c0-0000-7000-8000-000000000001';

# Calls from so many connections of their own, until both workers had some.
sub everywhere {
    my ($path, $count) = @_;
    return map { $vg->client(fresh => 1)->get($vg->url($path),
        { headers => { Authorization => 'Bearer ' . $vg->admin } }) } 1 .. $count // 16;
}

# ---------------------------------------------------------------------- OpenAPI

# The routes as the manifests' sources have them: "GET /stations/{id}".
sub routes_of {
    my ($text) = @_;
    my @routes;
    push @routes, "$1 $2" while $text =~ m{\{\s*(?:VG_|")(GET|POST|PUT|PATCH|DELETE)"?,\s*"([^"]+)"}g;
    return @routes;
}

my @plugins = sort map { m{([^/]+)\.conf$} } glob "$Voltgate::ROOT/conf/plugins.d/*.conf";

sub sources {
    local $/ = undef;
    return join '', map { open my $file, '<', $_ or die "$_: $!"; <$file> }
        "$Voltgate::ROOT/nginx-modules/core/house.c", map { grep { -e } glob "$Voltgate::ROOT/plugins/$_/plugin.c $Voltgate::ROOT/plugins/$_/*.lua" } @plugins;
}

my $openapi = $vg->get('/openapi.json');

subtest 'the document is OpenAPI 3.1 and the same on all workers' => sub {
    is $openapi->{status}, 200;
    is $openapi->{headers}{'content-type'}, 'application/json';
    is $openapi->{json}{openapi}, '3.1.0';
    ok ref $openapi->{json}{info} eq 'HASH' && $openapi->{json}{info}{title} && $openapi->{json}{info}{version};
    is_deeply [ grep { $_->{content} ne $openapi->{body} } everywhere('/openapi.json', 6) ], [];
};

my %operations;    # "GET /stations/{id}" => its object
for my $path (keys %{ $openapi->{json}{paths} }) {
    for my $method (keys %{ $openapi->{json}{paths}{$path} }) {
        (my $short = $path) =~ s{^\Q$api\E}{};
        $operations{ uc($method) . " $short" } = $openapi->{json}{paths}{$path}{$method};
    }
}

subtest 'it has each route of the registry, once' => sub {
    my @wanted = sort(routes_of(sources()));
    cmp_ok scalar @wanted, '>', 20, 'the manifests were read';
    is_deeply [ sort keys %operations ], \@wanted;
    for my $path (keys %{ $openapi->{json}{paths} }) {
        my $times = () = $openapi->{body} =~ s{\\/}{/}gr =~ /"\Q$path\E":\{/g;
        is $times, 1, $path;
    }
};

sub check_schema {
    my ($where, $schema) = @_;

    my @types = grep { defined } ref $schema->{type} ? @{ $schema->{type} } : $schema->{type};
    is_deeply [ grep { !/^(?:string|integer|number|boolean|object|array|null)$/ } @types ], [], "$where: types";
    cmp_ok $schema->{minLength}, '<=', $schema->{maxLength}, "$where: lengths" if exists $schema->{maxLength};
    cmp_ok $schema->{minimum}, '<=', $schema->{maximum}, "$where: bounds" if exists $schema->{maximum};
    cmp_ok $schema->{minItems}, '<=', $schema->{maxItems}, "$where: items" if exists $schema->{maxItems};
    cmp_ok scalar @{ $schema->{enum} }, '>', 0, "$where: values" if exists $schema->{enum};
    my $properties = $schema->{properties} || {};
    is_deeply [ grep { !$properties->{$_} } @{ $schema->{required} || [] } ], [], "$where: required";
    check_schema("$where.$_", $properties->{$_}) for sort keys %$properties;
    check_schema("$where\[]", $schema->{items}) if $schema->{items};
    return;
}

subtest 'operations are whole' => sub {
    my %ids;
    $ids{ $_->{operationId} // '' }++ for values %operations;
    is_deeply [ grep { $ids{$_} > 1 || !/^[\w.-]+$/ } keys %ids ], [], 'operationIds are unique';
    for my $name (sort keys %operations) {
        my $operation = $operations{$name};
        my %in = (path => [], query => [], header => []);
        push @{ $in{ $_->{in} } }, $_->{name} for @{ $operation->{parameters} };
        is_deeply [ sort @{ $in{path} } ], [ sort $name =~ /\{(\w+)\}/g ], "$name: parameters of the path";
        ok !(grep { $_->{in} eq 'path' && !$_->{required} } @{ $operation->{parameters} }), "$name: needed";
        my %seen;
        $seen{"$_->{in} $_->{name}"}++ for @{ $operation->{parameters} };
        is_deeply [ grep { $seen{$_} > 1 } keys %seen ], [], "$name: each once";
        is_deeply [ grep { $_ eq 'Idempotency-Key' } @{ $in{header} } ],
            [ $name =~ /^POST/ ? 'Idempotency-Key' : () ], "$name: a key for POST alone";
        ok $operation->{responses} && length($operation->{summary} // ''), "$name: told";
        check_schema("$name: $_->{name}", $_->{schema}) for @{ $operation->{parameters} };
        check_schema("$name: body", $operation->{requestBody}{content}{'application/json'}{schema})
            if $operation->{requestBody};
        ok !$operation->{requestBody}, "$name: no body" if $name =~ /^(?:GET|DELETE)/;
    }
};

subtest 'events are its webhooks' => sub {
    my $webhooks = $openapi->{json}{webhooks};
    my %once;    # one that several tell has a file in each
    my @published = grep { !$once{$_}++ } map { m{/([^/]+)\.json$} && $1 } grep { /\.v\d+\.json$/ }
        map { glob "$Voltgate::ROOT/$_/events/*.json" } 'nginx-modules/*', map { "plugins/$_" } @plugins;
    cmp_ok scalar @published, '>', 25, 'the files were found';
    is_deeply [ sort keys %$webhooks ], [ sort @published ], 'all of them, and no others';
    my %ids = map { $_->{post}{operationId} => 1 } values %$webhooks;
    is_deeply [ sort keys %ids ], [ sort map { s/\./_/gr } @published ], 'each by a name of its own';
    for my $type (sort keys %$webhooks) {
        my $operation = $webhooks->{$type}{post};
        ok length $operation->{summary} && $operation->{responses}, "$type: told";
        my $schema = $operation->{requestBody}{content}{'application/json'}{schema};
        is_deeply $schema->{allOf}, [ { '$ref' => '#/components/schemas/Event' } ], "$type: in its envelope";
        is $schema->{properties}{payload}{title}, $type, "$type: what it holds";
        check_schema("$type: payload", $schema->{properties}{payload});
        check_schema("$type: $_->{plugin}", $_->{reads}) for @{ $operation->{'x-consumers'} };
    }
    check_schema('the envelope', $openapi->{json}{components}{schemas}{Event});
};

subtest 'references lead somewhere' => sub {
    my %refs = map { $_ => 1 } $openapi->{body} =~ /"\$ref":"([^"]+)"/g;
    cmp_ok scalar keys %refs, '>', 0;
    for my $ref (keys %refs) {
        my $at = $openapi->{json};
        $at = ref $at eq 'HASH' ? $at->{$_} : undef for split m{/}, $ref =~ s{^#/}{}r;
        ok ref $at, $ref;
    }
    my @schemes = keys %{ $openapi->{json}{components}{securitySchemes} };
    for my $name (sort keys %operations) {
        my @used = map { keys %$_ } @{ $operations{$name}{security} || [] };
        is_deeply [ grep { my $s = $_; !grep { $_ eq $s } @schemes } @used ], [], "$name: its schemes are there";
    }
};

subtest 'each operation is answered by a route, and asks for an identity' => sub {
    for my $name (sort keys %operations) {
        my ($method, $path) = split / /, $name;
        $path =~ s/\{\w+\}/$none/g;
        my $r = $vg->request($method, "$api$path", undef, { 'X-API-Key' => '' });
        # of a public one that is a POST there is no body
        is $r->{status}, $operations{$name}{security} ? 401 : $method eq 'POST' ? 400 : 200, $name;
    }
};

# ------------------------------------------------------------------------ pages

subtest 'the pages of the kit' => sub {
    my $info = $vg->get('/info', { 'X-API-Key' => '' });
    is $info->{status}, 200;
    is $info->{json}{name}, 'voltgate';
    ok length($info->{json}{$_} // ''), $_ for qw(version commit node);
    is_deeply [ sort map { $_->{name} } @{ $info->{json}{plugins} } ],
        \@plugins, 'plugins';
    like $_->{hash}, qr/^[0-9a-f]{16}$/, "$_->{name}: hash" for @{ $info->{json}{plugins} };
    is_deeply $vg->get('/healthz', { 'X-API-Key' => '' })->{json}, { status => 'ok' };
    is $_->{status}, 200, 'ready' for everywhere('/ready', 4);
    is $vg->get("$_/")->{status}, 404, "$_/ is another page" for '/info', '/ready', '/metrics';
};

# ---------------------------------------------------------------------- metrics

# Every line is understood; the samples as name => { labels => value }.
sub samples {
    my ($text) = @_;
    my (%samples, %types, @bad);
    for my $line (split /\n/, $text) {
        if ($line =~ /^# TYPE ([a-z_:][\w:]*) (counter|gauge|histogram|summary|untyped)$/) {
            push @bad, $line if $types{$1}++;
        } elsif ($line =~ /^# HELP /) {
            next;
        } elsif ($line =~ /^([a-z_:][\w:]*)(?:\{((?:[a-z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\d+(?:\.\d+)?)$/) {
            my ($name, $labels, $value) = ($1, $2 // '', $3);
            push @bad, "twice: $line" if exists $samples{$name}{$labels};
            $samples{$name}{$labels} = $value;
            (my $family = $name) =~ s/_(?:bucket|sum|count)$//;
            push @bad, "no type: $line" if !$types{$name} && !$types{$family};
        } else {
            push @bad, $line;
        }
    }
    is_deeply \@bad, [], 'every line is understood';
    like $text, qr/\n\z/, 'the last line has an end';
    return \%samples;
}

sub metrics {
    my $r = $vg->get('/metrics', { 'X-API-Key' => '' });
    like $r->{headers}{'content-type'}, qr{^text/plain; version=0\.0\.4};
    return samples($r->{body});
}

subtest 'metrics count by route, never by id' => sub {
    $vg->get("$api/stations/$none");
    my $before = metrics();
    $vg->get("$api/stations/" . sprintf '019393c0-0000-7000-8000-%012x', $_) for 1 .. 30;
    $vg->get("$api/none/$_") for 1 .. 10;
    $vg->get("$api/stations?city=c$_") for 1 .. 3;
    my $label  = 'route="GET /stations/{id}",plugin="stations"';
    my $after  = metrics();
    is $after->{voltgate_requests_total}{"$label,status=\"4xx\""}
        - $before->{voltgate_requests_total}{"$label,status=\"4xx\""}, 30, 'each call counts';
    my @series = grep { index($_, "$label,") == 0 } keys %{ $after->{voltgate_requests_total} };
    is scalar @series, 5, 'a row for each class of status';
    unlike join(' ', map { keys %$_ } values %$after), qr/019393c0|none|city/, 'no ids, no unknown paths';
};

subtest 'histograms add up' => sub {
    my $samples = metrics();
    my $buckets = $samples->{voltgate_request_duration_seconds_bucket};
    my %by;
    for (keys %$buckets) {
        my ($route, $le) = /^(.*),le="([^"]+)"$/ or next;
        push @{ $by{$route} }, [ $le eq '+Inf' ? 9e9 : $le, $buckets->{$_} ];
    }
    cmp_ok scalar keys %by, '>', 0;
    for my $route (sort keys %by) {
        my @counts = map { $_->[1] } sort { $a->[0] <=> $b->[0] } @{ $by{$route} };
        is_deeply \@counts, [ sort { $a <=> $b } @counts ], "$route: buckets grow";
        is $counts[-1], $samples->{voltgate_request_duration_seconds_count}{$route}, "$route: to the count";
    }
};

subtest 'a line of the access log has these members and no others' => sub {
    $vg->get("$api/stations/$none", { 'X-Correlation-ID' => 'line-1' });
    my @lines;
    $vg->wait_for(sub { @lines = grep { $_->{correlationId} eq 'line-1' } $vg->access_log });
    is scalar @lines, 1;
    is_deeply [ sort keys %{ $lines[0] } ],
        [ sort qw(time correlationId traceId userId role method route status ms bytes) ];
    like $lines[0]{ms}, qr/^\d+$/;
    like $lines[0]{bytes}, qr/^[1-9]\d*$/;
    like $lines[0]{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/;
    like $lines[0]{traceId}, qr/^[0-9a-f]{32}$/;
    is_deeply [ grep { $_->{ms} !~ /^\d+$/ } $vg->access_log ], [], 'milliseconds are numbers in all of them';
};

# --------------------------------------------------------------- a plugin is out

subtest 'a changed migration keeps its plugin out, and no other' => sub {
    $vg->stop_gateway;
    my ($file, $checksum) = map { @$_{qw(file checksum)} } ($vg->rows(q{select file, checksum
        from vg.migration where plugin = 'billing' order by file}))[0];
    $vg->sql(q{update vg.migration set checksum = repeat('0', 64) where plugin = 'billing' and file = $1}, $file);
    $vg->{opts}{not_ready} = 1;
    $vg->{opts}{ready_seconds} = 1;
    $vg->start_gateway;
    my @ready = everywhere('/ready');
    is_deeply [ grep { $_->{status} != 503 } @ready ], [], 'not ready, on any worker';
    is $ready[0]{headers}{'retry-after'}, 2;
    my $json = JSON::PP->new->utf8->decode($ready[0]{content});
    is $json->{lacks}, 'billing', 'it says what it lacks';
    is_deeply { map { $_->{name} => $_->{state} } @{ $json->{plugins} } },
        { (map { $_ => 'ready' } @plugins), billing => 'out' };

    for my $r (everywhere("$api/billing/invoices")) {
        is $r->{status}, 503;
        my $problem = JSON::PP->new->utf8->decode($r->{content});
        like $problem->{type}, qr{/plugin_out$};
        is $problem->{title}, 'Plugin is taken out';
        like $r->{headers}{'retry-after'}, qr/^[1-9]\d*$/;
        unlike $r->{content}, qr/migration|sql|\Q$file\E/i, 'nothing of the inside';
    }
    is_deeply [ map { $_->{status} } everywhere("$api/$_", 4) ], [ (200) x 4 ], $_
        for qw(stations id-tags api-keys charging/rates);
    is_deeply [ map { $_->{status} } everywhere('/healthz', 4) ], [ (200) x 4 ], 'the process is well';
    like $vg->log, qr/billing.*migration was changed: \Q$file\E/, 'the log says why';

    $vg->sql(q{update vg.migration set checksum = $1 where plugin = 'billing' and file = $2}, $checksum, $file);
    ok $vg->wait_for(sub { !grep { $_->{status} != 200 } everywhere('/ready') }, 15), 'it heals by itself';
    is_deeply [ map { $_->{status} } everywhere("$api/billing/invoices", 8) ], [ (200) x 8 ];
};

subtest 'a pending migration too' => sub {
    $vg->stop_gateway;
    my ($row) = $vg->rows(q{select file, checksum from vg.migration where plugin = 'pricing' order by file limit 1});
    $vg->sql(q{delete from vg.migration where plugin = 'pricing' and file = $1}, $row->{file});
    $vg->start_gateway;
    is $_->{status}, 503 for everywhere("$api/charging/rates", 6), everywhere('/ready', 6);
    $vg->sql(q{insert into vg.migration (plugin, file, checksum) values ('pricing', $1, $2)}, @$row{qw(file checksum)});
    ok $vg->wait_for(sub { !grep { $_->{status} != 200 } everywhere('/ready') }, 15), 'it heals by itself';
};

subtest 'a statement that the database refuses keeps its plugin out' => sub {
    $vg->stop_gateway;
    $vg->dbh->do('alter table accounts.api_key rename to elsewhere');
    $vg->start_gateway;
    my @ready = everywhere('/ready');
    is_deeply [ grep { $_->{status} != 503 } @ready ], [];
    is(JSON::PP->new->utf8->decode($ready[0]{content})->{lacks}, 'accounts');
    is $vg->get("$api/stations")->{status}, 200, 'the others answer';
    $vg->dbh->do('alter table accounts.elsewhere rename to api_key');
    ok $vg->wait_for(sub { !grep { $_->{status} != 200 } everywhere('/ready') }, 15), 'it heals by itself';
};

done_testing;
