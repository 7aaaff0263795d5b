# Plugins are swapped while calls go on: versions that fit, versions that are
# refused; a pause.
# Long: twenty versions of a plugin are compiled.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Cli;
use Voltgate::Load;
use Voltgate::Variant;

my $vg      = Voltgate->start;
my $company = '019393c0-0000-7000-8000-000000000001';
my $station = $vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company, connectors => [ {
        chargePointId => 'CP1', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC',
        maxPowerKw => 50 } ] })->{json}{id} or die "no station\n";

sub variant { return Voltgate::Variant->new($vg, 'stations', @_) }
sub numbered { my ($n) = @_; return variant('plugin.c' => sub { s/(\.version = ")[^"]+/$1$n/ }) }

sub plugin {
    my ($name) = @_;
    my ($found) = grep { $_->{name} eq ($name // 'stations') } @{ $vg->get('/api/v1/plugins')->{json}{items} };
    return $found;
}

# the same from connections that meet both workers
sub everywhere {
    my ($member) = @_;
    my %seen;
    my $token = $vg->admin;
    for (1 .. 12) {
        my $r = $vg->client(fresh => 1)->get($vg->url('/api/v1/plugins'),
            { headers => { Authorization => "Bearer $token" } });
        $seen{$_->{$member}}++ for grep { $_->{name} eq 'stations' } @{ JSON::PP::decode_json($r->{content})->{items} };
    }
    return join ' ', sort keys %seen;
}

# what is tried, and what both sides say
sub reload {
    my ($variant) = @_;
    return cli($vg, plugin => 'reload', 'stations', $variant->options);
}

ok $vg->wait_for(sub { everywhere('state') eq 'ready' }, 10), 'both workers are ready';
my $first = plugin()->{hash};

subtest 'the list' => sub {
    my $r = $vg->get('/api/v1/plugins');
    is $r->{status}, 200;
    is_deeply [ sort map { $_->{name} } @{ $r->{json}{items} } ],
        [ sort map { m{([^/]+)\.conf$} } glob "$Voltgate::ROOT/conf/plugins.d/*.conf" ];
    is_deeply [ grep { $_->{state} ne 'ready' || $_->{hash} !~ /^[0-9a-f]{16}$/ } @{ $r->{json}{items} } ], [];
    my ($status, $out) = cli($vg, plugin => 'list');
    is $status, 0;
    like $out, qr/^stations\s+\S+\s+$first\s+ready$/m;
    my $driver = $vg->token(role => 'driver', subject => 'd');
    is $vg->get('/api/v1/plugins', { Authorization => "Bearer $driver" })->{status}, 403, 'not for everybody';
    is $vg->post('/api/v1/plugins/stations/reload', {}, { Authorization => "Bearer $driver" })->{status}, 403;
    is $vg->post('/api/v1/plugins/nothing/reload', {})->{status}, 404;
    is $vg->post('/api/v1/plugins/stations/reload', { hash => '0123456789abcdef' })->{status}, 422, 'not installed';
};

subtest 'another version is taken into use by all workers' => sub {
    my ($status, $out) = reload(numbered('9.0.1'));
    is $status, 0, $out;
    is everywhere('version'), '9.0.1';
    is plugin()->{previousHash}, $first;
    is $vg->get("/api/v1/stations/$station")->{status}, 200;
    is $vg->get('/openapi.json')->{status}, 200;
};

subtest 'an old one as well' => sub {
    my ($status, $out) = cli($vg, plugin => 'reload', 'stations', '--hash', $first);
    is $status, 0, $out;
    is everywhere('hash'), $first;
};

subtest 'routes, statements and fields are those of the version' => sub {
    my $more = variant('plugin.c' => sub {
        s/(static const vg_route_t \w+\[\] = \{)/$1\n    { VG_GET, "\/stations-said", "stations:read", .statement = "said", .flags = VG_EVERYBODYS, .about = "Said" },/;
    }, 'sql/queries/said.sql' => sub { $_ = "-- in: nothing\n-- out: a word\nselect json_build_object('said', 'hello') as body;\n" });
    is $vg->get('/api/v1/stations-said')->{status}, 404;
    my ($status, $out) = reload($more);
    is $status, 0, $out;
    is_deeply $vg->get('/api/v1/stations-said')->{json}, { said => 'hello' };
    ok exists $vg->get('/openapi.json')->{json}{paths}{'/api/v1/stations-said'}, 'it is described';
    is((reload(numbered('9.0.2')))[0], 0);
    is $vg->get('/api/v1/stations-said')->{status}, 404, 'and gone with it';
};

subtest 'what cannot be used is refused, and says why' => sub {
    my $before = plugin()->{hash};
    my $row    = qr/(static const vg_route_t \w+\[\] = \{)/;
    my %bad = (
        'thread-local' => [ qr/thread-local/, 'plugin.c' => sub { $_ .= "__thread int vg_t = 1; int vg_u(void) { return vg_t; }\n" . 'int (*vg_keep)(void) __attribute__((visibility("default"))) = vg_u;' } ],
        'constructors' => [ qr/constructors/, 'plugin.c' => sub { $_ .= "__attribute__((constructor)) static void begin(void) { static volatile int n; n = 1; }\n" } ],
        'libc'         => [ qr/must not.*pthread_create/, 'plugin.c' => sub { $_ = "#include <pthread.h>\n$_" . 'int vg_keep(void) __attribute__((visibility("default"))); int vg_keep(void) { pthread_t t; return pthread_create(&t, 0, 0, 0); }' } ],
        'nginx'        => [ qr/neither.*ngx_create_pool/, 'plugin.c' => sub { $_ .= 'void *ngx_create_pool(unsigned long, void *); void *vg_keep(void) __attribute__((visibility("default"))); void *vg_keep(void) { return ngx_create_pool(1, 0); }' } ],
        'the ABI'      => [ qr/ABI 87/, 'plugin.c' => sub { s/\.abi = VG_ABI/.abi = 87/ } ],
        'its name'     => [ qr/another name/, 'plugin.c' => sub { s/\.name = "stations"/.name = "other"/ } ],
        'its probe'    => [ qr/probe: not today/, 'plugin.c' => sub { s/(const vg_plugin_t vg_plugin = \{)/static const char *probe(void) { return "not today"; }\n$1 .probe = probe,/ } ],
        'no file'      => [ qr/there is no such file/, 'plugin.c' => sub { s/$row/$1 { VG_GET, "\/x", "stations:read", .statement = "nothing" },/ } ],
        'no owner'     => [ qr/no statement names the caller/, 'plugin.c' => sub { s/(\.statement = "station_status",) \.flags = VG_EVERYBODYS,/$1/ } ],
        'two owners'   => [ qr/everybody's, but a statement names the caller/, 'plugin.c' => sub { s/(\.statement = "charge_point_list", \.flags = VG_LIST)/$1 | VG_EVERYBODYS/ } ],
        'a statement'  => [ qr/no_such_table/, 'sql/queries/station_get.sql' => sub { s/stations\.station as/stations.no_such_table as/ } ],
        'a migration'  => [ qr/409.*pending: 999_more/, 'sql/999_more.sql' => sub { $_ = "create table stations.more (id int);\n" } ],
        'a drop'       => [ qr/drop would take something away/, 'sql/998_less.sql' => sub { $_ = "-- drop\nalter table stations.station drop column name;\n" } ],
    );
    for my $name (sort keys %bad) {
        my ($why, @edits) = @{ $bad{$name} };
        local $vg->{opts}{env} = { DATABASE_OWNER_URL => '' } if $name eq 'a migration';
        my ($status, $out) = reload(variant(@edits));
        is $status, 1, $name;
        like $out, $why, $name;
        is plugin()->{hash}, $before, 'the old one serves on';
    }
    $vg->expect(qr/plugin stations is out/);
    is everywhere('hash'), $before;
};

subtest 'pending migrations run first, if they only add' => sub {
    my ($status, $out) = reload(variant('sql/999_more.sql' => sub { $_ = "create table stations.more (id int);\n" }));
    is $status, 0, $out;
    like $out, qr/stations 999_more\.sql applied/;
};

subtest 'calls end on the version that they began with' => sub {
    my $next = numbered('9.0.3'); # built before: who waits for a row does so for 2 s
    my $held = $vg->_connect($vg->{owner_url});
    $held->begin_work;
    $held->do("select from stations.charge_point where id = 'CP1' for update");
    my $load = Voltgate::Load->start($vg, 4, sub {
        return (PATCH => '/api/v1/charge-points/CP1', { securityProfile => 1 });
    }, calls => 1);
    ok $vg->wait_for(sub { $vg->waiting }), 'they wait for a row';
    my ($status, $out) = reload($next);
    is $status, 0, $out;
    is everywhere('version'), '9.0.3', 'meanwhile another version runs';
    $held->rollback;
    is_deeply [ map { $_->{status} } $load->wait ], [ (200) x 4 ];
};

subtest 'two at once: one is tried, the other is told' => sub {
    my @v = map { numbered("9.1.$_") } 1, 2;
    my @pids = map { my $v = $_; my $pid = fork // die; if (!$pid) {
        my ($status, $out) = reload($v);
        require POSIX; POSIX::_exit($status == 0 ? 0 : $out =~ /409 Another version is being tried/ ? 1 : 2) } $pid } @v;
    my @ends = map { waitpid $_, 0; $? >> 8 } @pids;
    ok !(grep { $_ == 2 } @ends), "@ends";
    ok scalar(grep { $_ == 0 } @ends), 'one of them at least';
    like everywhere('version'), qr/^9\.1\.[12]$/, 'all workers agree';
};

subtest 'a pause' => sub {
    my $r = $vg->post('/api/v1/plugins/stations/pause');
    is $r->{status}, 200;
    is $r->{json}{state}, 'paused';
    my $get = $vg->get("/api/v1/stations/$station");
    is $get->{status}, 503;
    like $get->{json}{type}, qr/plugin_paused$/;
    is $get->{headers}{'retry-after'}, 5;
    is $vg->get('/api/v1/pricing/' . $station)->{status}, 200, 'others go on';
    my ($status, $out) = cli($vg, plugin => 'resume', 'stations');
    is $status, 0, $out;
    is $vg->get("/api/v1/stations/$station")->{status}, 200;
};

subtest "a paused plugin's events wait" => sub {
    my $cursor = sub { $vg->sql(q{select pos from vg.cursor where consumer = 'pricing'}) };
    my $end    = sub { $vg->sql('select coalesce(max(pos), 0) from vg.event') };
    ok $vg->wait_for(sub { $cursor->() == $end->() });
    is $vg->post('/api/v1/plugins/pricing/pause')->{status}, 200;
    my $was = $cursor->();
    is $vg->patch("/api/v1/stations/$station", { name => 'Quay' })->{status}, 200;
    ok $vg->wait_for(sub { $end->() > $was }), 'an event is in the log';
    ok $vg->wait_for(sub { $vg->sql(q{select pos from vg.cursor where consumer = 'charging'}) == $end->() }), 'others had it';
    is $cursor->(), $was, 'it waits';
    is $vg->post('/api/v1/plugins/pricing/resume')->{status}, 200;
    ok $vg->wait_for(sub { $cursor->() == $end->() }), 'and comes then';
};

done_testing;
