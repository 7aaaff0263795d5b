# What comes in: bodies, paths and queries, well formed or not. Nothing of it
# is a 500, and what is refused is named.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Wire;

my $vg = Voltgate->start;

my $api  = '/api/v1';
my $url  = "$api/stations";
my $auth = 'Authorization: Bearer ' . $vg->admin . "\r\n";

sub station {
    my (%changed) = @_;
    return {
        name => 'Harbour', location => { lat => 54.3, lon => 10.1 },
        address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => 'north', connectors => [],
        %changed,
    };
}

# a body that is good but for one member's JSON text
sub with_metadata {
    my ($text) = @_;
    return '{"name":"n","location":{"lat":1,"lon":2},"address":{"street":"s","city":"c",'
        . '"postalCode":"1","country":"DE"},"timeZone":"UTC","operatorId":"north",'
        . '"connectors":[],"metadata":{"m":' . $text . '}}';
}

sub type_of {
    my ($r) = @_;
    return ($r->{json}{type} // '') =~ m{([^/]+)\z} ? $1 : '';
}

# The checks that hold for all refusals.
sub refused {
    my ($r, $status, $type, $name) = @_;
    is "$r->{status} " . type_of($r), "$status $type", $name;
    is $r->{headers}{'content-type'}, 'application/problem+json', "$name: as a problem";
    return;
}

my @malformed = (
    [ 'blanks alone'            => " \n " ],
    [ 'half an object'          => '{"name":' ],
    [ 'an open string'          => '{"name":"a' ],
    [ 'trailing garbage'        => '{} x' ],
    [ 'two objects'             => '{}{}' ],
    [ 'single quotes'           => "{'name':'a'}" ],
    [ 'a comma at the end'      => '{"name":"a",}' ],
    [ 'a comment'               => '{/* no */}' ],
    [ 'NaN'                     => '{"name":NaN}' ],
    [ 'a mark of byte order'    => "\xef\xbb\xbf{}" ],
    [ 'a raw NUL'               => "{\"name\":\"a\0b\"}" ],
    [ 'a NUL behind'            => "{}\0" ],
    [ 'a raw newline'           => "{\"name\":\"a\nb\"}" ],
    [ 'broken UTF-8'            => "{\"name\":\"\xff\"}" ],
    [ 'cut UTF-8'               => "{\"name\":\"\xc3\"}" ],
    [ 'overlong UTF-8'          => "{\"name\":\"\xc0\xaf\"}" ],
    [ 'a surrogate in UTF-8'    => "{\"name\":\"\xed\xa0\x80\"}" ],
    [ 'a lone high surrogate'   => '{"name":"\\ud800"}' ],
    [ 'a lone low surrogate'    => '{"name":"\\udc00"}' ],
    [ 'two high surrogates'     => '{"name":"\\ud800\\ud800"}' ],
    [ 'a member twice'          => '{"name":"a","name":"b"}' ],
    [ 'a member twice, escaped' => '{"name":"a","\\u006eame":"b"}' ],
    [ 'a member twice, deep'    => '{"metadata":{"a":1,"a":1}}' ],
    [ 'an array'                => '[]' ],
    [ 'a string'                => '"name"' ],
    [ 'a number'                => '7' ],
    [ 'null'                    => 'null' ],
    [ 'UTF-16'                  => join '', map { "$_\0" } split //, '{"name":"a"}' ],
);

subtest 'a body that is no JSON object is malformed' => sub {
    refused($vg->post($url, $_->[1]), 400, 'malformed', $_->[0]) for @malformed;
    my $none = $vg->post($url);
    refused($none, 400, 'malformed', 'no body');
    is $none->{json}{message}, 'body is required';
    is $vg->sql('select count(*) from stations.station'), 0, 'nothing was stored';
};

subtest 'nesting goes to 64' => sub {
    # the body itself and metadata are two of them
    my $deep = sub { with_metadata('[' x ($_[0] - 2) . ']' x ($_[0] - 2)) };
    is $vg->post($url, $deep->(64))->{status}, 201, 'to 64';
    refused($vg->post($url, $deep->(65)), 400, 'malformed', 'not to 65');
    refused($vg->post($url, '[' x 500_000), 400, 'malformed', 'half a million');
    refused($vg->post($url, '{"a":' x 100_000), 400, 'malformed', 'as many objects');
};

subtest 'very many values in little space are refused' => sub {
    my $r = $vg->post('/api/v1/stations', '{"metadata":{"list":[' . join(',', (1) x 100_001) . ']}}');
    is $r->{status}, 400;
    like $r->{json}{message}, qr/too many values/;
};

subtest 'what jsonb does not take is refused by name' => sub {
    for (['a NUL' => '"\\u0000"'], ['a NUL in a key' => '{"\\u0000":1}'],
        ['an exponent' => '1e400000'], ['a small exponent' => '1E-2'],
        ['many digits' => '1' x 60]) {
        my $r = $vg->post($url, with_metadata($_->[1]));
        refused($r, 400, 'validation', $_->[0]);
        is_deeply [ keys %{ $r->{json}{errors} } ], ['metadata'], "$_->[0] is named";
    }
    my $r = $vg->post($url, station(name => "a\0b"));
    is $r->{json}{errors}{name}, 'must not contain NUL';
};

subtest 'numbers keep their digits, or are refused' => sub {
    my $charger = sub {
        my ($number, $power) = @_;
        (my $body = with_metadata('1')) =~ s/"connectors":\[\]/"connectors":[{"chargePointId":"CP1",
            "connectorNumber":$number,"type":"IEC_62196_T2","powerType":"AC_3_PHASE","maxPowerKw":$power}]/;
        return $vg->post($url, $body);
    };
    for my $number ('9223372036854775808', '-9223372036854775809', '18446744073709551617',
        '1' . '0' x 400, '1e2', '1.0', '"1"', 'true', '-1') {
        my $r = $charger->($number, 22);
        refused($r, 400, 'validation', 'the number ' . substr $number, 0, 30);
        like join(' ', keys %{ $r->{json}{errors} }), qr/^connectors\b\S*\z/, 'it is named';
    }
    for my $power ('1e1', '0.0000000001', '12345678901234567890', '10000.000000001', '-0.1', '"22"') {
        my $r = $charger->(1, $power);
        refused($r, 400, 'validation', "the power $power");
        like join(' ', keys %{ $r->{json}{errors} }), qr/^connectors\b\S*\z/, 'it is named';
    }
    my $r = $vg->post($url, with_metadata('12345678901234567890.0123456789'));
    is $r->{status}, 201;
    like $r->{body}, qr/"m" ?: ?12345678901234567890\.0123456789\b/, 'a decimal of metadata';
};

subtest 'all that is wrong comes in one answer' => sub {
    my $r = $vg->post("$url?x=1", { name => '', location => { lat => 91, lon => 'x', alt => 1 },
        address => 'Quay', timeZone => 7, connectors => [ { type => 'PLUG' }, 5 ], colour => 'red' });
    refused($r, 400, 'validation', 'many');
    is_deeply [ sort keys %{ $r->{json}{errors} } ], [ sort qw(name location.lat location.lon
        location.alt address timeZone connectors[0].type connectors[0].chargePointId
        connectors[0].connectorNumber connectors[0].powerType connectors[0].maxPowerKw
        connectors[1] colour x) ];
    is $r->{json}{message}, '14 fields are not valid';
    is $vg->post($url, station(name => ''))->{json}{message}, '1 field is not valid';
};

subtest 'an answer about very many errors stays small' => sub {
    my $r = $vg->post($url, { map { ("unknown$_" => 1) } 1 .. 2_000 });
    refused($r, 400, 'validation', 'two thousand');
    cmp_ok scalar keys %{ $r->{json}{errors} }, '<=', 100;
};

subtest 'names that are not ours are shown without harm' => sub {
    my $long = "\xc3\xa4" x 40;    # cut in mid-character at 64 bytes, or not
    for my $name ("x$long", $long, '"},\\', "\x7f", '<script>') {
        (my $escaped = $name) =~ s/(["\\])/\\$1/g;
        my $r = $vg->post($url, "{\"$escaped\":1}");
        refused($r, 400, 'validation', 'a member');
        ok exists $r->{json}{errors}{name}, 'what is missing is told beside it';
    }
    for my $query ("\xff=1", "\xc3\xa4=1", '%FF=1', '%00=1', '"=1', '%22%7D=1', 'x' x 300 . '=1') {
        my $r = Voltgate::Wire->ask($vg,
            "GET $url?$query HTTP/1.1\r\nHost: x\r\n${auth}Connection: close\r\n\r\n");
        refused($r, 400, 'validation', substr $query, 0, 20);
        is scalar keys %{ $r->{json}{errors} || {} }, 1, 'one is told';
    }
};

subtest 'the type of a body is JSON' => sub {
    for my $type ('text/plain', 'application/x-www-form-urlencoded', 'application/xml',
        'application/jsonp', 'multipart/form-data; boundary=x', 'json', '') {
        refused($vg->post($url, station(), { 'Content-Type' => $type }), 415, 'media_type',
            $type || 'an empty type');
    }
    is $vg->post($url, station(), { 'Content-Type' => $_ })->{status}, 201, $_
        for 'application/json; charset=utf-8', 'Application/JSON';
};

subtest 'what is not known in a query is refused, on every method' => sub {
    is_deeply $vg->get("$url?citty=Kiel&limit=1")->{json}{errors}, { citty => 'is not known' };
    is_deeply $vg->get("$url?citty")->{json}{errors}, { citty => 'is not known' };
    is_deeply $vg->post("$url?dry=1", station())->{json}{errors}, { dry => 'is not known' };
    is $vg->get("$url?&&")->{status}, 200, 'empty ones are none';
};

subtest 'a query is decoded once, and checked' => sub {
    $vg->post($url, station(name => 'q', address => { street => 's',
        city => "K\xc3\xb6ln & 100%", postalCode => '1', country => 'DE' }) );
    # HTTP::Tiny and JSON::PP: the city went out as characters of two bytes each
    my $city = $vg->sql(q{select city from stations.station where name = 'q'});
    ok defined $city;
    for (['limit' => '0'], ['limit' => '201'], ['limit' => '-1'], ['limit' => '1e1'],
        ['limit' => '99999999999999999999'], ['limit' => ''], ['limit' => '1%00'],
        ['minPowerKw' => 'NaN'], ['minPowerKw' => '1e3'], ['minPowerKw' => ''],
        ['connectorType' => 'PLUG'], ['city' => ''], ['city' => 'a%00b'], ['city' => '%FF'],
        ['city' => '%C3'], ['city' => '%ED%A0%80'], ['city' => 'x' x 101],
        ['cursor' => '%FF'], ['cursor' => '%00'], ['cursor' => 'x' x 300]) {
        my ($name, $value) = @$_;
        my $r = $vg->get("$url?$name=$value");
        refused($r, 400, 'validation', "$name=" . substr $value, 0, 30);
        is_deeply [ keys %{ $r->{json}{errors} || {} } ], [$name];
    }
    for my $cursor ("'", '%27%20or%201=1--', '00000000', '%C3%A4', '..', 'null') {
        for my $list ('stations', 'charge-points', 'charging/sessions', 'id-tags',
            'charging/quarantine', 'billing/invoices', 'api-keys', 'charging/rates') {
            my $r = $vg->get("$api/$list?cursor=$cursor");
            ok $r->{status} == 200 || $r->{status} == 400, "$list: a cursor that is none: $cursor"
                or diag "$r->{status} $r->{body}";
        }
    }
};

subtest 'the same parameter twice is one value, the first' => sub {
    is_deeply [ $vg->get("$url?limit=1&limit=x")->{status}, $vg->get("$url?limit=x&limit=1")->{status} ],
        [ 200, 400 ];
};

subtest 'times reach from 1970 to 9999 and have an offset' => sub {
    my $list = "$api/charging/sessions";
    is $vg->get("$list?from=$_")->{status}, 200, $_
        for '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-01-01T00:00:00%2B14:00';
    for my $time ('1969-12-31T23:59:59Z', '10000-01-01T00:00:00Z', '2026-01-01T00:00:00',
        '2026-01-01', '2026-02-30T00:00:00Z', '2026-01-01T00:00:00+01:00', 'now', 'infinity',
        '1970-01-01T00:00:00%2B01:00', '9999-12-31T23:59:59-01:00', '2026%0001-01T00:00:00Z',
        '2026-01-01T00:00:00.5%00', '') {
        my $r = $vg->get("$list?from=$time");
        refused($r, 400, 'validation', $time || 'nothing');
        is_deeply [ keys %{ $r->{json}{errors} || {} } ], ['from'];
    }
    my $key = $vg->post("$api/api-keys", { name => 'k', expiresAt => '9999-12-31T23:59:59Z' });
    is $key->{json}{expiresAt}, '9999-12-31T23:59:59Z', 'the last second is kept';
};

subtest 'a path is decoded, and any bytes in it are answered' => sub {
    my %raw = (
        '/api/v1/stations/%00'           => '400 malformed',
        '/api/v1/id-tags/a%00b'          => '400 malformed',
        '/api/v1/stations/%zz'           => '400 malformed',
        '/api/v1/stations/%'             => '400 malformed',
        '/../x'                          => '400 malformed',
        '/api/v1/id-tags/%FF'            => '400 validation',
        '/api/v1/id-tags/%C3'            => '400 validation',
        '/api/v1/charge-points/%ED%A0%80' => '400 validation',
        '/api/v1/stations/x'             => '400 validation',
        "/api/v1/stations/'--"           => '400 validation',
        '/api/v1/stations/..'            => '404 not_found',
        '/api/v1/stations/a/..%2f..'     => '404 not_found',
        '/api/v1/stations/a%2Fb'         => '404 not_found',
        '/api/v1/stations/'              => '404 not_found',
        '/api/v1/Stations'               => '404 not_found',
        '/api/v1'                        => '404 not_found',
        '/api/v1/'                       => '404 not_found',
        '/api/v1stations'                => '404 not_found',
        '/API/v1/stations'               => '404 not_found',
        '/'                              => '404 not_found',
        '/etc/passwd'                    => '404 not_found',
        '/_problem'                      => '404 not_found',
        '//api//v1//stations//none'      => '400 validation',
        '/api/v1/id-tags/no%20such'      => '404 not_found',
        "/api/v1/id-tags/'%3B--"         => '404 not_found',
        '/api/v1/charge-points/' . 'x' x 49 => '400 validation',
    );
    for my $path (sort keys %raw) {
        my $r = Voltgate::Wire->ask($vg,
            "GET $path HTTP/1.1\r\nHost: x\r\n${auth}Connection: close\r\n\r\n");
        my ($status, $type) = split / /, $raw{$path};
        refused($r, $status, $type, $path);
    }
    my $tag = $vg->post("$api/id-tags", { idTag => 'A/B c?%' });
    is $tag->{status}, 201;
    is $vg->get("$api/id-tags/A%2FB%20c%3F%25")->{status}, 404, 'a slash in a path parts it';
    is $vg->post("$api/id-tags", { idTag => 'B c?%' })->{status}, 201;
    is $vg->get("$api/id-tags/B%20c%3F%25")->{json}{idTag}, 'B c?%', 'the rest is decoded';
};

subtest 'a huge query is taken or refused, never more' => sub {
    my $r = $vg->get("$url?city=" . 'x' x 6_000);
    refused($r, 400, 'validation', 'of 6,000 characters');
    $r = $vg->get("$url?" . join '&', map { "p$_=1" } 1 .. 800);
    refused($r, 400, 'validation', 'of 800 parameters');
    cmp_ok scalar keys %{ $r->{json}{errors} }, '<=', 100;
};

subtest 'what looks like SQL is stored as it is' => sub {
    my $name = q{'); drop table stations.station; -- $1 :a \\ " %s};
    my $made = $vg->post($url, station(name => $name));
    is $made->{status}, 201;
    is $made->{json}{name}, $name;
    is $vg->get("$url/$made->{json}{id}")->{json}{name}, $name;
    is $vg->sql('select name from stations.station where id = $1', $made->{json}{id}), $name;
    is_deeply $vg->get("$url?city=%27%20or%20%271%27=%271")->{json}{items}, [];
};

subtest 'text comes back as it went' => sub {
    my $name = "\x{e4}\x{20ac}\x{1f50c}\x{202e}\t\"\\/\x{7f}";
    my $made = $vg->post($url, station(name => $name));
    is $made->{status}, 201;
    is $made->{json}{name}, $name;
    is $vg->get("$url/$made->{json}{id}")->{json}{name}, $name;
};

subtest 'a body sent in pieces is one body' => sub {
    my $body = '{"name":"","x":1}';
    my $wire = Voltgate::Wire->connect($vg);
    $wire->send("POST $url HTTP/1.1\r\nHost: x\r\n${auth}Content-Type: application/json\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n");
    $wire->send(sprintf "1\r\n%s\r\n", $_) for split //, $body;
    $wire->send("0\r\n\r\n");
    my $r = $wire->answer;
    refused($r, 400, 'validation', 'chunks of one byte');
    is $r->{json}{errors}{x}, 'is not known';
    $wire->send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    is $wire->answer->{status}, 200, 'the connection goes on';
};

subtest 'a body that comes before its caller is known is kept, or dropped' => sub {
    my $make = sub { $vg->post("$api/api-keys", { name => 'k', role => 'admin' })->{json}{key} };
    my $nobodys = 'vg_' . 'a' x 12 . '_' . 'b' x 43;
    my %wanted = ('{"name":' => '400 malformed', '{"name":""}' => '400 validation',
        ' ' x 200_000 . '{}' => '400 validation');
    for my $body (sort keys %wanted) {
        for my $key ($make->(), $nobodys) {
            my $wire = Voltgate::Wire->connect($vg);
            $wire->send("POST $url HTTP/1.1\r\nHost: x\r\nX-API-Key: $key\r\n"
                . 'Content-Length: ' . length($body) . "\r\n\r\n");
            $wire->send($body);
            my ($status, $type) = $key eq $nobodys ? (401, 'unauthorized') : split / /, $wanted{$body};
            refused($wire->answer, $status, $type, length($body) . ' bytes');
            $wire->send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
            is $wire->answer->{status}, 200, 'the connection goes on';
        }
    }
};

subtest 'half a body and a hang-up leave nothing' => sub {
    my $before = $vg->sql('select count(*) from stations.station');
    for (1 .. 5) {
        my $wire = Voltgate::Wire->connect($vg);
        $wire->send("POST $url HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 1000\r\n\r\n{\"name\":");
        $wire->drop;
    }
    is $vg->get($url)->{status}, 200;
    is $vg->sql('select count(*) from stations.station'), $before;
};

done_testing;
