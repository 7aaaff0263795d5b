# Stations as files: CSV and GeoJSON, in and out.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;

my $vg = Voltgate->start(patience => 120);
my $url = '/api/v1/stations';

my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => {
    Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => $_->[0], company => $_->[1]) } }
    [ north => $north ], [ south => $south ];

sub import_as {
    my ($who, $body, $type) = @_;
    return $vg->post("$url/import", $body, { %{ $as{$who} }, 'Content-Type' => $type // 'text/csv' });
}

sub stations { return $vg->sql('select count(*) from stations.station where operator_id = $1', $_[0]) }

# failures come as their rows end
sub failed { my ($r) = @_; return { map { $_->{row} => $_->{errors} } @{ $r->{json}{failed} } } }

my $head = "name,lat,lon,street,city,postalCode,country,timeZone,operatorId,connectors\r\n";
my $file = $head
    . "Pier,54.3,10.1,\"Quay 1, \"\"West\"\"\",Kiel,24103,DE,,,CP1:1:IEC_62196_T2:AC_3_PHASE:22;CP1:2:CHADEMO:DC:50.5\r\n"
    . "\"two\nlines\",1,-2.50,,,,IND,Asia/Kolkata,$north,\r\n"
    . "'=1+1,0,0,,,,DE,,,\r\n";

subtest 'a file becomes stations' => sub {
    my $r = import_as(north => "\xef\xbb\xbf$file");
    is $r->{status}, 200 or diag $r->{body};
    is_deeply $r->{json}, { imported => 3, unchanged => 0, failures => 0, failed => [] };
    my ($pier) = grep { $_->{name} eq 'Pier' } @{ $vg->get($url, $as{north})->{json}{items} };
    is $pier->{operatorId}, $north;
    is $pier->{address}{street}, 'Quay 1, "West"';
    is $pier->{timeZone}, 'Europe/Berlin', 'by its country';
    is_deeply [ map { "$_->{chargePointId} $_->{connectorNumber} $_->{type} $_->{powerType} $_->{maxPowerKw}" }
        @{ $pier->{connectors} } ], [ 'CP1 1 IEC_62196_T2 AC_3_PHASE 22', 'CP1 2 CHADEMO DC 50.5' ];
    is $vg->sql(q{select count(*) from stations.station where name = '=1+1'}), 1, 'the apostrophe is taken away';
    ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 2 }, 10), 'others are told';
};

subtest 'a second run makes no twins' => sub {
    is_deeply import_as(north => $file)->{json}, { imported => 0, unchanged => 3, failures => 0, failed => [] };
    is stations($north), 3;
    is_deeply import_as(north => $head . "Twice,1,1,,,,DE,,,\n" x 50)->{json},
        { imported => 1, unchanged => 49, failures => 0, failed => [] }, 'nor do rows of one file';
    my $made = $vg->post($url, { name => 'By hand', location => { lat => 5, lon => 6 }, address => { country => 'DE' },
        timeZone => 'Europe/Berlin', connectors => [] }, $as{north});
    is $made->{status}, 201;
    is import_as(north => "name,lat,lon,country\nBy hand,5.0,6.00,DE")->{json}{unchanged}, 1,
        'nor what was made by hand';
};

subtest 'runs of one file at a time make no twins' => sub {
    my $body = $head . join '', map { "Race $_,1,$_,,,,DE,,,R$_:1:CHADEMO:DC:50\n" } 1 .. 60;
    my @pids = map {
        my $pid = fork // die;
        if (!$pid) {
            my $r = $vg->client(fresh => 1)->request('POST', $vg->url("$url/import"),
                { content => $body, headers => { %{ $as{south} }, 'Content-Type' => 'text/csv' } });
            require POSIX;
            POSIX::_exit($r->{status} == 200 && $r->{content} =~ /"failures":0/ ? 0 : 1);
        }
        $pid;
    } 1 .. 4;
    is_deeply [ map { waitpid $_, 0; $? } @pids ], [ 0, 0, 0, 0 ];
    is stations($south), 60;
};

subtest 'what is wrong is told by row, and the others go in' => sub {
    my $before = stations($north);
    my $r = import_as(north => $head
        . "Good,2,2,,,,DE,,,\n"
        . ",91,x,,,,DE,,,\n"
        . "No zone,3,3,,,,US,,,\n"
        . "Bad country,3,3,,,,de,,,\n"
        . "Bad zone,3,3,,,,DE,Europe/Atlantis,,\n"
        . "Bad plug,3,3,,,,DE,,,CP9:1:SCHUKO:AC_1_PHASE:3\n"
        . "Taken,3,3,,,,DE,,,R1:1:CHADEMO:DC:50\n"
        . "Theirs,3,3,,,,DE,,$south,\n"
        . "\n"
        . "Long,3,3,,,,DE,,,,,\n"
        . "a\"b,3,3,,,,DE,,,\n"
        . "bytes \xff,3,3,,,,DE,,,\n"
        . "Last,4,4,,,,DE,,,");
    is $r->{status}, 200 or diag $r->{body};
    is $r->{json}{imported}, 2;
    is stations($north), $before + 2;
    my $failed = failed($r);
    is $r->{json}{failures}, 10;
    is_deeply [ sort { $a <=> $b } keys %$failed ], [ 3 .. 9, 11 .. 13 ], 'rows as a spreadsheet counts them';
    is_deeply [ sort keys %{ $failed->{3} } ], [qw(lat lon name)], 'all that is wrong with one';
    is_deeply [ map { keys %{ $failed->{$_} } } 4 .. 7 ], [qw(timeZone country row connectors)];
    is $failed->{6}{row}, 'Time zone is not an IANA name';
    like $failed->{8}{row}, qr/^(?:Charge point|Connector) /, 'another operator has that charge point';
    is $failed->{9}{row}, 'Scope is missing';
    is_deeply [ map { $failed->{$_}{row} } 11 .. 13 ],
        [ 'has more cells than the header', 'has a quotation mark where none may be', 'is not UTF-8' ], 'what is no row is told apart';
};

subtest 'whatever a station may have is imported, and no more' => sub {
    my $connector = sub { my ($number, $power) = @_; return "Edge $number $power,7,7,,,,DE,,,EDGE$number:$number:CHADEMO:DC:$power\n" };
    my $made = $vg->post($url, { name => 'Edge', location => { lat => 7, lon => 8 }, address => { country => 'DE' },
        timeZone => 'Europe/Berlin', connectors => [ { chargePointId => 'EDGE', connectorNumber => 65_535, type => 'CHADEMO',
            powerType => 'DC', maxPowerKw => 10_000 } ] }, $as{north});
    is $made->{status}, 201 or diag $made->{body};
    my ($line) = grep { /^Edge,/ } split /\r?\n/, $vg->get("$url/export.csv", $as{north})->{body};
    is import_as(north => "$head$line\n")->{json}{unchanged}, 1, 'as it was exported' or diag $line;
    is import_as(north => $head . $connector->(65_534, '9999.999999999') . $connector->(10_000, '0.000000001'))->{json}{imported}, 2;
    my $failed = failed(import_as(north => $head . $connector->(65_536, 1) . $connector->(100_000, 1)
        . $connector->(1, '10000.1') . $connector->(2, 10_001) . $connector->(3, 100_000)));
    is_deeply [ map { keys %{ $failed->{$_} } } 2 .. 6 ], [ ('connectors') x 5 ];
};

subtest 'what is no file of stations' => sub {
    my %status = (
        "name,lat\nx,1\n"                 => 'lon',
        "name,lat,lon,country,colour\n"   => 'colour',
        "name,name,lat,lon,country\n"     => 'name',
        "name,lat,lon,coun\xfftry\n"      => 'header',
    );
    for my $body (sort keys %status) {
        my $r = import_as(north => $body);
        is $r->{status}, 400;
        ok $r->{json}{errors}{ $status{$body} }, $status{$body} or diag $r->{body};
    }
    is import_as(north => "\"name")->{status}, 400, 'a header that never ends';
    is import_as(north => $head . '"' . 'x' x 140_000)->{status}, 400, 'a row that is too long';
    is import_as(north => $head)->{json}{imported}, 0, 'no rows';
    is import_as(north => $_, 'application/geo+json')->{status}, 400, "GeoJSON: $_"
        for '[]', '{"type":"FeatureCollection"}', '{"features":1}', '{"features":[1]}', '{"features":[{"a":1}';
    is import_as(north => $head, $_)->{status}, 415, $_ for 'application/json', 'text/plain';
    is $vg->post("$url/import", undef, $as{north})->{status}, 400, 'nothing';
    is $vg->post("$url/import", $file, { 'X-API-Key' => '', 'Content-Type' => 'text/csv' })->{status}, 401;
    my $driver = $vg->token(role => 'driver', subject => 'd');
    is $vg->post("$url/import", $file, { Authorization => "Bearer $driver", 'Content-Type' => 'text/csv' })->{status}, 403;
};

subtest 'a key stands for a file' => sub {
    my $keyed = sub {
        my ($key, $body) = @_;
        return $vg->post("$url/import", $body, { %{ $as{north} }, 'Content-Type' => 'text/csv', 'Idempotency-Key' => $key });
    };
    my $rows  = join '', map { "Keyed $_,2,$_,\"" . ('y' x 190) . "\",,,DE,,,\n" } 1 .. 100;
    my $first = $keyed->(one => $head . $rows . ",1,1,,,,DE,,,\n");
    is $first->{status}, 200 or diag $first->{body};
    is_deeply [ @{ $first->{json} }{qw(imported failures)} ], [ 100, 1 ];
    ok !$first->{headers}{'idempotent-replayed'};
    my $again = $keyed->(one => $head . $rows . ",1,1,,,,DE,,,\n");
    is $again->{status}, 200;
    is $again->{body}, $first->{body}, 'the same answer, byte for byte';
    is $again->{headers}{'idempotent-replayed'}, 'true';
    is $keyed->(one => $head . $rows)->{status}, 422, 'another file';
    is $keyed->(two => $head . $rows)->{json}{unchanged}, 100, 'another key is another call';
    is $keyed->(three => "name,lat\nx,1\n")->{status}, 400;
    is $keyed->(three => $head)->{status}, 200, 'what went wrong is not kept';
    is $keyed->('k' x 256 => $head)->{status}, 400, 'what is no key';
    my $large = $keyed->(large => $head . ("Keyed 1,2,1,\"" . ('y' x 190) . "\",,,DE,,,\n") x 20_000);
    is_deeply [ @{ $large->{json} }{qw(imported unchanged)} ], [ 0, 20_000 ], 'a file that lies on disk';
};

subtest 'a key that is running is told so' => sub {
    my $body = $head . join '', map { "Running $_,3,0.$_,,,,DE,,,\n" } 1 .. 2_000;
    my @pids = map {
        my $pid = fork // die;
        if (!$pid) {
            my $r = $vg->client(fresh => 1)->request('POST', $vg->url("$url/import"), { content => $body,
                headers => { %{ $as{north} }, 'Content-Type' => 'text/csv', 'Idempotency-Key' => 'running' } });
            require POSIX;
            POSIX::_exit($r->{status} == 200 ? 0 : $r->{status} == 409 ? 1 : 2);
        }
        $pid;
    } 1 .. 4;
    my @ends = sort map { waitpid $_, 0; $? >> 8 } @pids;
    is $ends[0], 0, 'one is answered';
    cmp_ok $ends[3], '<', 2, 'the others hear 409, or the same';
    is $vg->sql(q{select count(*) from stations.station where name like 'Running %'}), 2_000;
};

for my $case ([ 'csv', 'text/csv' ], [ 'geojson', 'application/geo+json' ]) {
    my ($form, $type) = @$case;
    subtest "what is exported as $form can be imported" => sub {
        my $out = $vg->get("$url/export.$form", $as{north});
        is $out->{status}, 200;
        like $out->{headers}{'content-type'}, qr{^\Q$type\E};
        my $count = stations($north);
        is_deeply import_as(north => $out->{body}, $type)->{json},
            { imported => 0, unchanged => $count, failures => 0, failed => [] }, 'it is there already';
        $vg->dbh->do(q{delete from stations.connector});
        $vg->dbh->do(q{delete from stations.charge_point});
        $vg->dbh->do(q{delete from stations.station});
        my $in = import_as(north => $out->{body}, $type);
        is_deeply $in->{json}, { imported => $count, unchanged => 0, failures => 0, failed => [] }
            or diag $in->{body};
        my @lines = sort split /\r\n/, $vg->get("$url/export.csv", $as{north})->{body};
        my @was   = $form eq 'csv' ? sort split /\r\n/, $out->{body} : ();
        is_deeply \@lines, \@was, 'and the same again' if $form eq 'csv';
        is scalar @{ $vg->get("$url/export.geojson", $as{north})->{json}{features} }, $count;
        is $vg->get("$url/export.$form", $as{south})->{body} =~ /Pier/ ? 1 : 0, 0, "of others' none";
    };
}

subtest 'GeoJSON by hand' => sub {
    my $r = import_as(north => '{ "type": "FeatureCollection", "name": "features", "features": [
        {"type":"Feature","geometry":{"type":"Point","coordinates":[10.5,50.25,3]},
         "properties":{"name":"brace } \" and [","country":"DE","city":null}},
        {"type":"Feature","geometry":{"type":"Polygon","coordinates":[]},"properties":{"name":"a","country":"DE"}},
        {"type":"Feature","geometry":null,"properties":{"colour":"red"}},
        {broken}
        ], "crs": null }', 'application/geo+json');
    is $r->{status}, 200 or diag $r->{body};
    is $r->{json}{imported}, 1;
    my $failed = failed($r);
    is_deeply [ sort keys %{ $failed->{2} } ], [qw(lat lon)], 'no point';
    is_deeply [ sort keys %{ $failed->{3} } ], [qw(colour country lat lon name)];
    ok $failed->{4}{row};
    is $vg->sql(q{select lat || ' ' || lon from stations.station where name like 'brace%'}), '50.25 10.5';
};

subtest 'a large file costs bounded memory' => sub {
    my $row  = "Same,1,1,\"" . ('x' x 190) . "\",,,DE,,,\n";
    my $rows = $ENV{VG_PRELOAD} ? 5_000 : 20_000;    # instrumented code is slow
    my $body = $head . $row x $rows . "End,1,1,,,,DE,,,\n";
    cmp_ok length $body, '>', 200 * $rows;
    my $most = sub {
        my $kb = 0;
        for my $pid ($vg->workers) {
            open my $file, '<', "/proc/$pid/status" or next;
            while (<$file>) { $kb = $1 if /^VmHWM:\s+(\d+)/ && $1 > $kb }
        }
        return $kb;
    };
    my $before = $most->();
    my $r = import_as(north => $body);
    is $r->{status}, 200 or diag $r->{body};
    is $r->{json}{imported}, 2;
    is $r->{json}{unchanged}, $rows - 1;
    my $grown = $most->() - $before;
    # AddressSanitizer keeps what was freed, 256 MiB of it, and its shadow
    cmp_ok $grown, '<', $ENV{VG_PRELOAD} ? 600_000 : 3_000, "$grown KiB more for " . int(length($body) / 1024) . ' KiB';
    is $vg->get("$url?limit=1")->{status}, 200;
};

subtest 'failures without end are counted, a thousand are told' => sub {
    my $r = import_as(north => $head . ",1,1,,,,DE,,,\n" x 3_000);
    is $r->{status}, 200;
    is $r->{json}{failures}, 3_000;
    is scalar @{ $r->{json}{failed} }, 1_000;
};

subtest 'a client that leaves ends its import' => sub {
    my $before = stations($north);
    my $pid = fork // die;
    if (!$pid) {
        $vg->client(fresh => 1)->request('POST', $vg->url("$url/import"), {
            content => $head . join('', map { "Left $_,1,1,,,,DE,,,\n" } 1 .. 20_000),
            headers => { %{ $as{north} }, 'Content-Type' => 'text/csv' } });
        require POSIX;
        POSIX::_exit(0);
    }
    ok $vg->wait_for(sub { stations($north) > $before + 50 }, 10), 'it has begun';
    kill 'KILL', $pid;
    waitpid $pid, 0;
    my ($last, $same) = (-1, 0);
    ok $vg->wait_for(sub {
        my $now = stations($north);
        $same = $now == $last ? $same + 1 : 0;
        $last = $now;
        return $same > 10;
    }, 10), 'it comes to rest';
    cmp_ok $last, '<', $before + 20_000, 'before its end';
    is $vg->get("$url?limit=1", $as{north})->{status}, 200;
};

done_testing;
