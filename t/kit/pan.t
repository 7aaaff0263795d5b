# The number of a card: in whatever field of whatever route it comes, it is
# refused, and stands nowhere afterwards. Routes and fields are those of
# /openapi.json.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Command;
use Voltgate::Wire;

my $vg  = Voltgate->start;
my $api = '/api/v1';

my $digits = '4539578763621486';                                # right, and nobody's
my @written = ($digits, '4539 5787 6362 1486', '4539-5787-6362-1486');
my $mark    = qr/5787\W{0,3}6362/;
my $written = 0;
sub card { return $written[ $written++ % @written ] }

sub is_refused {
    my ($r, $what) = @_;
    my $json = $r->{json} || {};
    my $ok = $r->{status} == 400
        && (($json->{type} // '') =~ m{/card_number$} || ($json->{error} // '') eq 'invalid_request' && $json->{error_description} =~ /card number/)
        && $r->{body} !~ $mark && !grep { ref $_ ? grep { /$mark/ } @$_ : /$mark/ } values %{ $r->{headers} };
    return ok($ok, $what) || diag "$r->{status} $r->{body}";
}

my $document = $vg->get('/openapi.json')->{json};

# each field of a schema, as a body that has the number there
sub bodies {
    my ($schema, $depth) = @_;
    $schema ||= {};
    my @types = ref $schema->{type} ? @{ $schema->{type} } : $schema->{type} // '';
    my @all;
    if ($depth < 6 && $schema->{properties}) {
        for my $name (sort keys %{ $schema->{properties} }) {
            push @all, [ "$name.$_->[0]", { $name => $_->[1] } ] for bodies($schema->{properties}{$name}, $depth + 1);
        }
        push @all, [ 'another member', { nobodys => card() } ], [ 'the name of a member', { card() => 1 } ];
        return @all;
    }
    return map { [ "[].$_->[0]", [ $_->[1] ] ] } bodies($schema->{items}, $depth + 1) if $schema->{items} && $depth < 6;
    return ([ '', card() ], [ '', $digits + 0 ]);
}

my ($routes, $fields) = (0, 0);
for my $path (sort keys %{ $document->{paths} }) {
    for my $method (sort keys %{ $document->{paths}{$path} }) {
        my $operation = $document->{paths}{$path}{$method};
        my $verb      = uc $method;
        $routes++;
        subtest "$verb $path" => sub {
            my $ask = sub { return $vg->request($verb, @_) };
            (my $url = $path) =~ s/\{\w+\}/01939333-0000-7000-8000-0000000000ff/g;
            for my $parameter (@{ $operation->{parameters} }) {
                my $name = $parameter->{name};
                my $card = card();
                if ($parameter->{in} eq 'path') {
                    (my $at = $path) =~ s/\{$name\}/$card =~ s{ }{%20}gr/e;
                    $at =~ s/\{\w+\}/x/g;
                    is_refused($ask->($at), "path $name");
                } elsif ($parameter->{in} eq 'query') {
                    is_refused($ask->("$url?$name=" . ($card =~ s/ /+/gr)), "query $name");
                }
                $fields++;
            }
            is_refused($ask->("$url?nobodys=%34539578763621486"), 'another one of the query');
            is_refused($ask->($url, undef, { $_ => card() }), $_) for 'Idempotency-Key', 'X-Correlation-ID', 'Referer';
            my $content = ($operation->{requestBody} || {})->{content} || {};
            if (my $json = $content->{'application/json'}) {
                for my $body (bodies($json->{schema}, 0)) {
                    is_refused($ask->($url, $body->[1]), $body->[0]);
                    $fields++;
                }
                is_refused($ask->($url, '{"a":' . $digits), 'no JSON');
                is_refused($ask->($url, "$digits"), 'no object');
                is_refused($ask->($url, '{"a":"\u0034539\u0020578763621486"}'), 'in code');
            }
            if ($content->{'application/x-www-form-urlencoded'}) {
                is_refused($ask->($url, "grant_type=password&username=$_",
                    { 'Content-Type' => 'application/x-www-form-urlencoded' }), 'a form')
                    for $digits, '4539+5787+6362+1486', '4539%205787%206362%201486', '%34%35%33%39578763621486';
            }
        };
    }
}
cmp_ok $routes, '>', 80, "$routes routes were asked";
cmp_ok $fields, '>', 300, "in $fields fields";

subtest 'rows of a file' => sub {
    my $head = "name,lat,lon,timeZone,country\n";
    my %csv  = ('Content-Type' => 'text/csv');
    my $r = $vg->post("$api/stations/import", $head . "Pier,54,10,Europe/Berlin,DE\nQuay $digits,54,10,Europe/Berlin,DE\nMole,54,10,Europe/Berlin,DE\n", \%csv);
    is_refused($r, 'in a row');
    is $r->{json}{row}, 3, 'which is told';
    is_refused($vg->post("$api/stations/import", "name,$digits\nPier,1\n", \%csv), 'in the head');
    is_refused($vg->post("$api/stations/import", $head . "\"Quay \n$digits", \%csv), 'in a row that never ends');
    is_refused($vg->post("$api/stations/import", '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,'
        . '"properties":{"name":"\u0034539578763621486"}}]}', { 'Content-Type' => 'application/geo+json' }), 'in a feature');
};

subtest 'what nginx would log' => sub {
    my $auth = 'Authorization: Bearer ' . $vg->admin . "\r\n";
    for my $line ("POST $api/stations?a=$digits", "POST $api/stations", "POST /$digits") {
        my $referer = $line =~ /\d{16}/ ? '' : "Referer: https://x/$digits\r\n";
        my $r = Voltgate::Wire->ask($vg, "$line HTTP/1.1\r\nHost: localhost\r\n${referer}${auth}Content-Length: 9999999\r\nConnection: close\r\n\r\n");
        like $r->{body}, qr/card_number/, 'before a body that is too large';
    }
    my $r = Voltgate::Wire->ask($vg, "GET $api/stations HTTP/1.1\r\nHost: $digits\r\n${auth}Connection: close\r\n\r\n");
    like $r->{body}, qr/card_number/, 'a host';
};

subtest 'in pieces' => sub {
    my $auth = 'Authorization: Bearer ' . $vg->admin . "\r\nContent-Type: application/json\r\nConnection: close\r\n";
    my $body = qq({"name":"$digits"});
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } $body =~ /(.{1,5})/gs;
    my $r = Voltgate::Wire->ask($vg, "POST $api/stations HTTP/1.1\r\nHost: localhost\r\n${auth}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n");
    like $r->{body}, qr/card_number/, 'of chunks';
    my $long = qq({"name":") . 'x' x 70_000 . qq( $digits"});
    $r = Voltgate::Wire->ask($vg, "POST $api/stations HTTP/1.1\r\nHost: localhost\r\n${auth}Content-Length: " . length($long) . "\r\n\r\n$long");
    like $r->{body}, qr/card_number/, 'in a body of several buffers';
    is_refused($vg->post("$api/stations", { address => { street => [ { at => [ $_ ] } ] } }), "deep in it: $_") for $digits + 0, "a $digits";
};

subtest 'over HTTP/2' => sub {
    my $ask = sub { return scalar `curl -sS --max-time 20 --http2 --cacert @{[ $vg->ca ]} -w ' %{http_version}' @_ 2>&1` };
    like $ask->("'https://localhost:$vg->{port}$api/stations?q=$digits'"), qr{/card_number".* 2$}, 'in its line';
    like $ask->("-H 'X-Correlation-ID: $digits' 'https://localhost:$vg->{port}$api/stations'"), qr{/card_number".* 2$}, 'in a field';
    like $ask->("-H 'Content-Length: 9999999' -d x 'https://localhost:$vg->{port}/$digits'"), qr{/card_number}, 'before its body';
};

subtest 'of a charger' => sub {
    my $r = Voltgate::Wire->ask($vg, "GET /ocpp/$digits HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    like $r->{body}, qr/card_number/, 'no identity is one';
    my $password = 'sixteen letters!';
    $vg->post("$api/stations", { name => 'Till', operatorId => '019393c0-0000-7000-8000-000000000001',
        timeZone => 'Europe/Berlin', location => { lat => 1, lon => 1 }, address => { country => 'DE' },
        connectors => [ { chargePointId => 'CARD', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] });
    $vg->patch("$api/charge-points/CARD", { password => $password });
    my $cp = Voltgate::Charger->connect($vg, 'CARD', $password);
    $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' });
    is $cp->call('Receipt', { text => 'paid by 4539 5787 6362 1486' })->[2], 'NotImplemented', 'its message is answered';
    is $cp->call(card(), {})->[2], 'NotImplemented', 'also one that is called so';
    my $now = '2026-11-22T00:00:00Z';
    my @asked = (
        [ Authorize => { idTag => "$digits" } ],
        [ StatusNotification => { connectorId => 1, errorCode => 'OtherError', status => 'Faulted', info => "card $written[1]", vendorErrorCode => $written[2] } ],
        [ DataTransfer => { vendorId => 'acme', data => qq({"pan":"$digits","list":[$digits]}) } ],
        [ DataTransfer => { vendorId => 'acme', messageId => "$digits", data => 'x' } ],
        [ BootNotification => { chargePointVendor => 'Acme', chargePointModel => 'M1', chargePointSerialNumber => "$digits", iccid => "$digits" } ],
        [ MeterValues => { connectorId => 1, meterValue => [ { timestamp => $now, sampledValue => [ { value => "$digits" } ] } ] } ],
        [ StartTransaction => { connectorId => 1, idTag => "$digits", meterStart => 1, timestamp => $now } ],
        [ StopTransaction => { transactionId => -1, idTag => "$digits", meterStop => 9, timestamp => $now } ],
        [ StopTransaction => { transactionId => $digits + 0, meterStop => 9, timestamp => $now } ],
        [ StartTransaction => { connectorId => 1, idTag => 'TAG', meterStart => $digits + 0, timestamp => $now, $digits => { $digits => [ $digits + 0 ] } } ],
    );
    for my $case (@asked) {
        my ($action, $payload) = @$case;
        my $answer = $cp->call($action, $payload);
        is $answer->[0], 3, "$action is answered with success" or diag explain $answer;
        cmp_ok $answer->[2]{transactionId}, '>', 0, 'and a transaction' if $action eq 'StartTransaction';
    }
    $cp->send_raw(qq([2,"$digits","Authorize",{"idTag":"\\u0034539578763621486"}]));
    is_deeply [ @{ $cp->wait_answer($digits, 10) }[0, 1] ], [ 3, $digits ], 'by the id that it bears';
    $cp->send_raw(qq([2,"$digits","Authorize",{"idTag":7,"x":}]));
    is_deeply [ @{ $cp->recv }[0, 1] ], [ 4, $digits ], 'also what is no JSON';
    $cp->answer(sub { return { status => 'Accepted', data => "paid by $digits" } });
    my ($told) = commanded($vg, sub { $cp->serve(10) }, [ 'CARD', 'DataTransfer', { vendorId => 'acme' } ]);
    like $told, qr/^200 .*paid by X{16}/, 'its answers to commands are shown without';
    $cp->answer(sub { return [ 'GenericError', "paid by $digits", {} ] });
    ($told) = commanded($vg, sub { $cp->serve(10) }, [ 'CARD', 'DataTransfer', { vendorId => 'acme' } ]);
    like $told, qr/^502 /, 'so are its errors';
    unlike $told, $mark;
    my $messages = $vg->get("$api/charge-points/CARD/messages")->{body};
    like $messages, qr/paid by XXXX XXXX XXXX XXXX/, 'and recorded without';
};

subtest 'it stands nowhere' => sub {
    my $pattern = '4539\W{0,3}5787|578763621486|\u0034539';
    my @tables  = map { @$_ } @{ $vg->dbh->selectall_arrayref(q{select format('%I.%I', n.nspname, c.relname) from pg_class c
        join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p')
        and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_'}) };
    cmp_ok scalar @tables, '>', 60, 'tables are looked through';
    for my $table (@tables) {
        is $vg->sql("select count(*) from $table t where t::text ~ \$1", '4539\W{0,3}5787'), 0, "not in $table";
    }
    my $found = `grep -rlaE '4539[- +]{0,3}5787|578763621486' $vg->{state}/log $vg->{run} 2>/dev/null`;
    is $found, '', 'nor in a file of logs, or what is mapped';
    cmp_ok scalar($vg->access_log), '>', 300, 'which have lines of all that';
};

done_testing;
