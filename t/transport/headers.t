# What stands around each answer: headers that keep browsers safe, caches that
# keep nothing of a caller's, and who may read an answer from another origin.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Wire;

my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';
my $app     = 'https://app.example';
my $vg      = Voltgate->start(env => { VG_CORS => "$app http://localhost:5173 credentials max_age=5m" });
my $plain   = Voltgate->start(beside => $vg);
my $station = $vg->post("$api/stations", { name => 'Pier', operatorId => $company, timeZone => 'Europe/Berlin',
    location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' }, connectors => [] });
my $one     = "$api/stations/$station->{json}{id}";
my %bearer  = (Authorization => 'Bearer ' . $vg->admin);

sub head { my (@lines) = @_; return join '', map { "$_\r\n" } @lines, '' }

# path => [ answer, what Cache-Control says ]; those that nginx gives by itself, too
my %answers = (
    'a row'            => [ $vg->get($one),                                         'private, no-cache' ],
    'a list'           => [ $vg->get("$api/stations"),                              'no-store' ],
    'a change'         => [ $vg->patch($one, {}),                                   'private, no-cache' ],
    'not modified'     => [ $vg->get($one, { %bearer, 'If-None-Match' => '*' }),    'private, no-cache' ],
    'without identity' => [ $vg->get($one, { 'X-API-Key' => '' }),                  'no-store' ],
    'no such path'     => [ $vg->get('/none'),                                      'no-store' ],
    'no such method'   => [ $vg->request('PUT', "$api/stations"),                   'no-store' ],
    'a page'           => [ $vg->get('/healthz'),                                   'no-store' ],
    'no request line'  => [ Voltgate::Wire->ask($vg, "\0\r\n\r\n"),                 'no-store' ],
    'too many headers' => [ Voltgate::Wire->ask($vg, head('GET / HTTP/1.1', 'Host: a', 'X: ' . 'x' x 9000)), 'no-store' ],
    'too large'        => [ Voltgate::Wire->ask($vg, head("POST $api/stations HTTP/1.1", 'Host: a', 'Content-Length: 9999999')),
        'no-store' ],
    'plain HTTP'       => [ Voltgate::Wire->ask($vg, head('GET / HTTP/1.1', 'Host: a'), plain => 1), 'no-store' ],
    'no WebSocket'     => [ $vg->get('/ocpp/X'),                                    'no-store' ],
);

subtest 'each answer' => sub {
    for my $name (sort keys %answers) {
        my ($r, $kept) = @{ $answers{$name} };
        my $h = $r->{headers};
        is $h->{'content-security-policy'}, "default-src 'none'; frame-ancestors 'none'", $name;
        is $h->{'x-content-type-options'}, 'nosniff', "$name: its type is its type";
        is $h->{'x-frame-options'}, 'DENY', "$name: in no frame";
        is $h->{'referrer-policy'}, 'no-referrer', "$name: names no page";
        is $h->{'cache-control'}, $kept, "$name: kept so long";
        is $h->{server}, 'nginx', "$name: without a version";
    }
    my $wire = Voltgate::Wire->connect($vg);
    $wire->send(head("GET $api/events/stream HTTP/1.1", 'Host: a', "Authorization: $bearer{Authorization}", 'Accept: text/event-stream'));
    $vg->wait_for(sub { $wire->ends(0.1); $wire->{bytes} =~ /\r\n\r\n/ }, 10);
    is_deeply [ $wire->{bytes} =~ /^Cache-Control: ([^\r]*)/mgi ], ['no-store'], 'a stream, once';
    like $wire->{bytes}, qr/^X-Content-Type-Options: nosniff\r$/m, 'a stream is what it is';
};

subtest 'HTTPS from then on, but for localhost' => sub {
    my $hsts = sub { Voltgate::Wire->ask($vg, head("GET $_[0] HTTP/1.1", "Host: $_[1]"))->{headers}{'strict-transport-security'} };
    for my $path ('/healthz', '/none', $one, '/docs') {
        is $hsts->($path, 'charge.example'), 'max-age=31536000', $path;
        is $hsts->($path, 'localhost:' . $vg->port), undef, "$path of localhost, which is everybody's";
    }
};

subtest 'the page of the documentation has a policy of its own, once' => sub {
    my $r = Voltgate::Wire->ask($vg, head('GET /docs HTTP/1.1', 'Host: a'));
    like $r->{headers}{'content-security-policy'}, qr/script-src 'self'/;
    is $r->{headers}{'cache-control'}, 'no-cache';
    is $r->{headers}{'x-frame-options'}, 'DENY';
};

subtest 'a charger is told what it needs' => sub {
    $vg->post("$api/charge-points", { id => 'CP', operatorId => $company, password => 'sixteen letters!' });
    my $cp = Voltgate::Charger->connect($vg, 'CP', 'sixteen letters!');
    is $cp->status, 101;
    is_deeply [ grep { /^(?:strict|content-sec|x-frame|x-content|referrer|access|vary|cache)/ } sort keys %{ $cp->headers } ], [];
};

# ------------------------------------------------------------------------- CORS

sub asked {
    my ($gateway, $method, $path, %headers) = @_;
    return $gateway->client->request($method, $gateway->url($path), { headers => \%headers });
}

sub preflight {
    my ($gateway, $path, $origin) = @_;
    return asked($gateway, OPTIONS => $path, Origin => $origin, 'Access-Control-Request-Method' => 'PATCH',
        'Access-Control-Request-Headers' => 'authorization,if-match');
}

sub cors { my ($r) = @_; return join ' ', grep { /^access-control/ } sort keys %{ $r->{headers} } }

subtest 'a page of the app may ask, and read' => sub {
    for my $origin ($app, 'http://localhost:5173') {
        my $r = preflight($vg, $one, $origin);
        is $r->{status}, 204, $origin;
        is $r->{headers}{'access-control-allow-origin'}, $origin;
        is $r->{headers}{'access-control-allow-credentials'}, 'true';
        is $r->{headers}{'access-control-allow-methods'}, 'GET, PUT, PATCH, DELETE', 'those of the route';
        like lc ", $r->{headers}{'access-control-allow-headers'},", qr/, \Q$_\E,/, $_
            for qw(authorization x-api-key content-type idempotency-key if-match if-none-match last-event-id traceparent x-correlation-id);
        is $r->{headers}{'access-control-max-age'}, 300;
        is $r->{content} // '', '';
        like $r->{headers}{vary}, qr/Origin/;
    }
    for my $path ($one, "$api/stations", "$api/none", '/healthz') {
        my $r = asked($vg, GET => $path, %bearer, Origin => $app);
        is $r->{headers}{'access-control-allow-origin'}, $app, "$path: $r->{status}";
        like lc ", $r->{headers}{'access-control-expose-headers'},", qr/, \Q$_\E,/, "$path: shows $_"
            for qw(etag location retry-after x-correlation-id ratelimit-limit ratelimit-remaining ratelimit-reset);
    }
    my $refused = asked($vg, GET => $one, Origin => $app);
    is "$refused->{status} $refused->{headers}{'access-control-allow-origin'}", "401 $app", 'a refusal, too, can be read';
};

subtest 'a page of others may not' => sub {
    for my $origin ('https://evil.example', 'https://app.example.evil.example', "$app:444", 'http://app.example', 'https://APP.example',
        "$app/", 'null', '*', "$app, https://evil.example", '') {
        my $r = preflight($vg, $one, $origin);
        is $r->{status}, 405, "'$origin' is told of the methods, as ever";
        is cors($r), '', 'and of no permission';
        $r = asked($vg, GET => $one, %bearer, Origin => $origin);
        is cors($r), '', 'nor beside an answer';
        like(ref $r->{headers}{vary} ? "@{ $r->{headers}{vary} }" : $r->{headers}{vary}, qr/Origin/, 'which differs by origin');
    }
    my $r = asked($vg, OPTIONS => $one, Origin => $app);
    is $r->{status}, 405, 'OPTIONS that asks for no method is none of CORS';
    is preflight($vg, "$api/none", $app)->{status}, 404, 'nor is there a route to allow';
};

subtest 'off by default' => sub {
    my $r = preflight($plain, $one, $app);
    is $r->{status}, 405;
    is cors($r), '';
    $r = asked($plain, GET => $one, %bearer, Origin => $app);
    is "$r->{status} " . cors($r), '200 ';
    is $r->{headers}{vary}, undef, 'and no answer differs by origin';
};

subtest 'a WebSocket of another page is refused, as browsers do not ask before' => sub {
    my $path = "$api/charging/sessions/$company/stream";
    my $open = sub {
        my ($gateway, @origin) = @_;
        return Voltgate::Charger->connect($gateway, 'x', undef, path => $path, subprotocols => [],
            headers => { %bearer, @origin ? (Origin => $origin[0]) : () })->status;
    };
    is $open->($vg, $_), 403, "from $_" for 'https://evil.example', 'null', "$app.evil.example";
    is $open->($vg, $_), 404, "from $_ it is looked for" for $app, 'https://localhost:' . $vg->port;
    is $open->($vg), 404, 'and for who is no page';
    is $open->($plain, $app), 403, 'where none is let in, our own alone';
    is $open->($plain, 'https://localhost:' . $plain->port), 404;
};

subtest 'what the conf must not say' => sub {
    my $file = "$vg->{state}/conf/nginx.conf";
    my $text = do { open my $in, '<', $file or die $!; local $/ = undef; <$in> };
    for my $bad ('* credentials', "* $app", 'credentials', 'app.example', 'https://app.example/', 'https://App.example', 'https://*.example',
        'https://', 'https://a:b', 'ftp://a', "$app max_age=x", "$app; voltgate_cors $app") {
        (my $conf = $text) =~ s/^( *voltgate_cors ).*;$/$1$bad;/m or die 'no line';
        open my $out, '>', "$file.bad" or die $!;
        print {$out} $conf;
        close $out or die $!;
        local $ENV{LD_PRELOAD} = $ENV{VG_PRELOAD} // '';
        my $said = `/usr/sbin/nginx -e '$vg->{state}/log/tested.log' -t -c '$file.bad' 2>&1`;
        isnt $?, 0, "voltgate_cors $bad";
        like $said, qr/voltgate_cors/, 'and says where';
    }
};

done_testing;
