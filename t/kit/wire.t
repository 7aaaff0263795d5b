# HTTP/2 and compression, with curl: what nobody here wrote.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg      = Voltgate->start;
my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';

# curl's options => { status, version, headers => {}, body, wire }: wire is
# how many bytes of the body came over it
sub curl {
    my ($path, @options) = @_;

    open my $pipe, '-|', 'curl', '-sS', '--max-time', '20', '--cacert', $vg->ca, '-D', '-',
        (grep { /^X-API-Key/ } @options) ? () : ('-H', 'Authorization: Bearer ' . $vg->admin), '-w', "\n%{http_version} %{http_code} %{size_download}",
        @options, $vg->url($path) or die "curl: $!";
    binmode $pipe;
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe or fail "curl: $?";
    $out =~ s/\n(\S+) (\d+) (\d+)\z// or die $out;
    my %r = (version => $1, status => $2, wire => $3);
    my ($head, $body) = split /\r\n\r\n/, $out, 2;
    $r{headers}{ lc $1 } = $2 while $head =~ /^([^:\r\n]+): ([^\r\n]*)/mg;
    $r{body} = $body;
    return \%r;
}

my @made = map { $vg->post("$api/stations", {
    name => "Pier $_", operatorId => $company, timeZone => 'Europe/Berlin', connectors => [],
    location => { lat => 54.3, lon => 10.1 }, address => { city => 'Kiel', country => 'DE' },
})->{json} } 1 .. 30;
my $one = "$api/stations/$made[0]{id}";
my @json = ('-H', 'Content-Type: application/json');

subtest 'the same over either version' => sub {
    for my $version ([ '--http1.1', '1.1' ], [ '--http2', '2' ]) {
        my $r = curl($one, $version->[0]);
        is $r->{version}, $version->[1];
        is $r->{status}, 200;
        is $r->{body}, $vg->get($one)->{body};
        ok $r->{headers}{$_}, $_ for qw(etag x-correlation-id traceparent);
    }
};

subtest 'changes, refusals and what nginx refuses, over HTTP/2' => sub {
    my $r = curl("$api/id-tags", '--http2', @json, '-d', '{"idTag":"H2"}', '-H', 'Idempotency-Key: h2');
    is $r->{status}, 201;
    my $again = curl("$api/id-tags", '--http2', @json, '-d', '{"idTag":"H2"}', '-H', 'Idempotency-Key: h2');
    is $again->{body}, $r->{body};
    is $again->{headers}{'idempotent-replayed'}, 'true';
    is curl("$api/id-tags/H2", '--http2', '-X', 'DELETE', '-H', 'If-Match: "9"')->{status}, 412;
    is curl("$api/id-tags/H2", '--http2', '-X', 'DELETE', '-H', "If-Match: $r->{headers}{etag}")->{status}, 204;
    my %wrong = (
        404 => [ "$api/none" ], 400 => [ "$api/id-tags", @json, '-d', '{' ], 415 => [ "$api/id-tags", '-d', 'x=1' ],
        405 => [ "$api/stations", '-X', 'DELETE' ], 401 => [ $one, '-H', 'X-API-Key: none' ],
        413 => [ "$api/id-tags", @json, '--data-binary', '@-' ],
    );
    for my $status (sort keys %wrong) {
        my ($path, @options) = @{ $wrong{$status} };
        if ($status == 413) {
            open my $file, '>', "$vg->{state}/large" or die;
            print {$file} ' ' x 1_100_000;
            close $file;
            $options[-1] = "\@$vg->{state}/large";
        }
        my $problem = curl($path, '--http2', @options);
        is $problem->{status}, $status;
        is $problem->{headers}{'content-type'}, 'application/problem+json';
    }
    is curl($one, '--http2', '-I')->{status}, 200, 'HEAD';
};

subtest 'many at once on one connection' => sub {
    my @urls = map { ('-o', '/dev/null', $vg->url("$api/stations/$_->{id}")) } @made;
    open my $pipe, '-|', 'curl', '-sS', '--max-time', '30', '--cacert', $vg->ca, '--http2', '-Z', '--no-progress-meter',
        '-H', 'Authorization: Bearer ' . $vg->admin, '-w', "%{http_version} %{http_code}\n", @urls or die;
    my @lines = <$pipe>;
    ok close($pipe);
    is_deeply \@lines, [ ("2 200\n") x @made ];
};

subtest 'what is long is compressed for who takes it' => sub {
    my $plain = curl("$api/stations", '--http2');
    is $plain->{headers}{'content-encoding'}, undef;
    for my $version (qw(--http1.1 --http2)) {
        my $r = curl("$api/stations", $version, '--compressed');
        is $r->{headers}{'content-encoding'}, 'gzip', $version;
        like $r->{headers}{vary}, qr/Accept/;
        is $r->{body}, $plain->{body}, 'and is the same';
        cmp_ok $r->{wire}, '<', length($plain->{body}) / 4, 'in less bytes';
    }
    my $csv = curl("$api/stations", '--compressed', '-H', 'Accept: text/csv');
    is $csv->{headers}{'content-encoding'}, 'gzip', 'CSV';
    is curl('/openapi.json', '--compressed')->{headers}{'content-encoding'}, 'gzip';
    is curl('/healthz', '--compressed')->{headers}{'content-encoding'}, undef, 'what is short is not';
};

subtest 'a tag that compression made weak is still one' => sub {
    $vg->patch($one, { metadata => { text => 'x' x 2000 } });
    my $r   = curl($one, '--compressed');
    my $tag = $r->{headers}{etag};
    like $tag, qr{^W/"2-}, 'bytes differ, so it is weak';
    is curl($one, '--compressed', '-H', "If-None-Match: $tag")->{status}, 304;
    is curl($one, '-X', 'PATCH', @json, '-d', '{}', '-H', "If-Match: $tag")->{status}, 200;
    is curl($one, '-X', 'PATCH', @json, '-d', '{}', '-H', "If-Match: $tag")->{status}, 412;
};

subtest 'a file of rows over HTTP/2' => sub {
    open my $file, '>', "$vg->{state}/rows.csv" or die;
    print {$file} "name,lat,lon,country,operatorId\n", map { "H2 $_,1,1,DE,$company\n" } 1 .. 3_000;
    close $file;
    my $r = curl("$api/stations/import", '--http2', '-H', 'Content-Type: text/csv', '--data-binary',
        "\@$vg->{state}/rows.csv", '--max-time', '60');
    is $r->{status}, 200;
    like $r->{body}, qr/^\{"imported":3000,"unchanged":0,"failures":0,/;
};

subtest 'a charge point speaks HTTP/1.1 on the same port' => sub {
    $vg->post("$api/charge-points", { id => 'H1', operatorId => $company, password => 'sixteen letters!' });
    my $cp = Voltgate::Charger->connect($vg, 'H1', 'sixteen letters!');
    is $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' })->[0], 3;
};

done_testing;
