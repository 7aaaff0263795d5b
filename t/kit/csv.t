# Lists as CSV, by Accept; read here by a parser of our own making, since what
# writes it must not judge it.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg      = Voltgate->start;
my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';
my %csv     = (Accept => 'text/csv');

sub parse {
    my ($text) = @_;
    my (@rows, @row);
    while ($text =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gc) {
        my ($quoted, $bare, $end) = ($1, $2, $3);
        push @row, defined $quoted ? $quoted =~ s/""/"/gr : length $bare ? $bare : undef;
        next if $end eq ',';
        push @rows, [@row];
        @row = ();
    }
    is pos($text) // 0, length $text, 'all of it is CSV';
    my $head = shift @rows or return;
    return map { my %h; @h{@$head} = @$_; \%h } @rows;
}

my @made = map {
    my $r = $vg->post("$api/stations", {
        name => $_, operatorId => $company, timeZone => 'Europe/Berlin', connectors => [],
        location => { lat => -33.5, lon => 10.125 },
        address => { street => 'Quay 1, "West"', city => "K\x{f6}ln", country => 'DE' },
        metadata => { note => "two\r\nlines" },
    });
    $r->{status} == 201 or die $r->{body};
    $r->{json};
} 'Pier', '=HYPERLINK("http://x")', "'=x", '-1', '+1', '@x', 'a,b';

subtest 'a list is CSV for who asks' => sub {
    my $r = $vg->get("$api/stations", \%csv);
    is $r->{status}, 200;
    is $r->{headers}{'content-type'}, 'text/csv; charset=utf-8; header=present';
    my $vary = $r->{headers}{vary};
    is scalar(grep { $_ eq 'Accept' } ref $vary ? @$vary : $vary), 1;
    utf8::decode(my $text = $r->{body});
    my @rows = parse($text);
    is scalar @rows, 7;
    my ($row) = grep { $_->{id} eq $made[0]{id} } @rows;
    is $row->{'location.lat'}, '-33.5', 'a number is no formula';
    is $row->{'location.lon'}, '10.125';
    is $row->{'address.street'}, 'Quay 1, "West"';
    is $row->{'address.city'}, "K\x{f6}ln";
    is $row->{'address.postalCode'}, undef;
    is $row->{'metadata.note'}, "two\r\nlines";
    is $row->{connectors}, '[]', 'an array is JSON';
    is_deeply [ sort map { $_->{name} } @rows ],
        [ sort 'Pier', q{'=HYPERLINK("http://x")}, q{''=x}, q{'-1}, q{'+1}, q{'@x}, 'a,b' ],
        'what a spreadsheet would run is disarmed';
};

subtest 'its pages follow each other by Link' => sub {
    my ($url, @names) = ("$api/stations?city=K%C3%B6ln&limit=3");
    for my $page (1 .. 3) {
        my $r = $vg->get($url, \%csv);
        push @names, map { $_->{id} } parse($r->{body});
        my ($next) = ($r->{headers}{link} // '') =~ /^<(\?[^>]+)>; rel="next"$/;
        is defined $next, $page < 3, "page $page";
        last if !defined $next;
        is scalar(() = $next =~ /cursor=/g), 1, 'one cursor';
        like $next, qr/city=K%C3%B6ln&limit=3&/, 'the other parameters stay';
        $url = "$api/stations$next";
    }
    is_deeply \@names, [ map { $_->{id} } @made ];
};

subtest 'a cursor of any characters' => sub {
    $vg->post("$api/id-tags", { idTag => $_ }) for 'a <&>"=+%#', 'b';
    my $r = $vg->get("$api/id-tags?limit=1", \%csv);
    my ($next) = $r->{headers}{link} =~ /^<(\?[^>]+)>; rel="next"$/;
    is_deeply [ map { $_->{idTag} } parse($vg->get("$api/id-tags$next", \%csv)->{body}) ], ['b'];
};

subtest 'nothing is no line' => sub {
    my $r = $vg->get("$api/stations?city=nowhere", \%csv);
    is $r->{status}, 200;
    is $r->{body}, '';
};

subtest 'each list of the document has it' => sub {
    my $paths = $vg->get('/openapi.json')->{json}{paths};
    my $count = 0;
    # a list under a resource wants one there
    $vg->post("$api/charge-points", { id => $company, operatorId => $company });
    $vg->sql(q{insert into charging.local_list (charge_point_id, companies, max_length, max_send, next_at, due)
        values ($1, '{}', 1, 1, now(), false)}, $company);
    $vg->post("$api/customers", { id => $company, name => 'of this house' });
    for my $path (sort keys %$paths) {
        my $get = $paths->{$path}{get} or next;
        next if !grep { $_->{name} eq 'cursor' } @{ $get->{parameters} };
        $count++;
        ok $get->{responses}{'2XX'}{content}{'text/csv'}, "$path says so";
        (my $url = $path) =~ s/\{\w+\}/$company/;
        $url .= '?lat=54.3&lon=10.1' if $path =~ /nearby/;
        my $r = $vg->get($url, \%csv);
        is $r->{status}, 200;
        like $r->{headers}{'content-type'}, qr{^text/csv}, 'and does so';
    }
    cmp_ok $count, '>=', 9;
};

subtest 'q-values decide' => sub {
    my %wanted = (
        'text/csv;q=0.5, application/json;q=0.4' => 'text/csv',
        'text/csv;q=0.4, application/json;q=0.5' => 'application/json',
        'text/csv, */*;q=0.1'                    => 'text/csv',
        'text/csv;q=0'                           => 'application/json',
        '*/*'                                    => 'application/json',
        'image/png'                              => 'application/json',
    );
    like $vg->get("$api/stations", { Accept => $_ })->{headers}{'content-type'}, qr{^\Q$wanted{$_}\E}, $_
        for sort keys %wanted;
    like $vg->get("$api/stations", { Accept => [ 'application/json;q=0.2', 'text/csv;q=0.3' ] })
        ->{headers}{'content-type'}, qr{^text/csv}, 'two lines are one list';
    like $vg->get("$api/stations")->{headers}{'content-type'}, qr{^application/json}, 'nothing said';
    like $vg->get("$api/stations/$made[0]{id}", \%csv)->{headers}{'content-type'}, qr{^application/json},
        'one station is JSON';
};

subtest 'errors are problems, whatever is accepted' => sub {
    my %headers = (Accept => 'text/csv, application/*;q=0');
    for ([ 404, "$api/none" ], [ 400, "$api/stations?limit=0" ], [ 404, "$api/stations/$company" ]) {
        my $r = $vg->get($_->[1], \%headers);
        is $r->{status}, $_->[0], $_->[1];
        is $r->{headers}{'content-type'}, 'application/problem+json';
    }
    my $r = $vg->get("$api/stations", { %headers, 'X-API-Key' => '' });
    is $r->{status}, 401;
    is $r->{headers}{'content-type'}, 'application/problem+json';
};

done_testing;
