# Tags that may charge.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $url = '/api/v1/id-tags';

my %operator = (Authorization => 'Bearer '
    . $vg->token(role => 'operator', subject => 'o', company => '019393c0-0000-7000-8000-000000000001'));
my %foreign = (Authorization => 'Bearer '
    . $vg->token(role => 'operator', subject => 'p', company => '019393c0-0000-7000-8000-000000000002'));

subtest 'a tag is one in any case' => sub {
    my $r = $vg->post($url, { idTag => 'AbC1' }, \%operator);
    is $r->{status}, 201;
    is $r->{json}{status}, 'Accepted';
    is $vg->post($url, { idTag => 'abc1' }, \%operator)->{status}, 409;
    is $vg->get("$url/ABC1", \%operator)->{json}{idTag}, 'AbC1';
};

subtest 'only its keeper sees and changes it' => sub {
    is $vg->get("$url/abc1", \%foreign)->{status}, 404;
    is $vg->patch("$url/abc1", { status => 'Blocked' }, \%foreign)->{status}, 404;
    is $vg->patch("$url/abc1", { status => 'Blocked' }, \%operator)->{json}{status}, 'Blocked';
    is scalar @{ $vg->get($url, \%foreign)->{json}{items} }, 0;
    is $vg->delete("$url/abc1", \%operator)->{status}, 204;
    is $vg->get("$url/abc1", \%operator)->{status}, 404;
};

subtest 'what is wrong' => sub {
    for my $tag ('', 'x' x 21, "a\tb", "\x{e9}") {
        is $vg->post($url, { idTag => $tag }, \%operator)->{status}, 400;
    }
    is $vg->post($url, { idTag => 'x', status => 'Fine' }, \%operator)->{status}, 400;
    my $r = $vg->post($url, { idTag => "\t", parentIdTag => "\x{e9}" }, \%operator);
    is_deeply [ sort keys %{ $r->{json}{errors} } ], [qw(idTag parentIdTag)], 'all of it at once';
    is $vg->post($url, { idTag => 'child' }, \%operator)->{status}, 201;
    is $vg->patch("$url/child", { parentIdTag => "\x{e9}" }, \%operator)->{status}, 400, 'nor by a change';
};

# the statement by itself, as accounts asks: pages of so many rows
sub exported {
    my ($customer, $most) = @_;
    open my $in, '<', "$Voltgate::ROOT/plugins/charging/sql/queries/customer_export.sql" or die $!;
    my $text = do { local $/ = undef; <$in> };
    $text =~ s/(?<!:):customerId\b/\$1::text/g;
    $text =~ s/(?<!:):after\b/\$2::text/g;
    $text =~ s/(?<!:):most\b/\$3::int/g;
    my ($after, @rows);
    for (1 .. 100) {
        my $page = JSON::PP->new->decode(scalar $vg->sql($text, $customer, $after, $most));
        push @rows, @{ $page->{rows} };
        $after = $page->{next} // return @rows;
    }
    die 'it does not end';
}

subtest 'all that is held of a customer is exported once, whatever its tags are called' => sub {
    my @tags = ('a', 'a/b', 'a/b/c', 'z');
    $vg->sql(q{insert into charging.id_tag (id_tag, customer_id, created_at, updated_at) values ($1, 'anna', now(), now())}, $_) for @tags;
    my $session = $vg->sql(q{insert into charging.session (id, status, charge_point_id, connector_number, customer_id, id_tag)
        values (vg.uuid7(), 'STARTING', 'CP1', 1, 'anna', 'a/b') returning id});
    $vg->sql(q{insert into charging.meter_value (charge_point_id, connector_number, at, measurand, phase, context, location,
        received_at, session_id, unit, raw)
        select 'CP1', 1, now() + make_interval(secs => n), m, '', '', '', now(), $1, '', n::text
        from generate_series(1, 3) n cross join unnest(array['SoC', 'Voltage']) m}, $session);
    for my $most (1, 2, 3, 500) {
        my @rows = exported('anna', $most);
        is_deeply [ map { $_->{row}{idTag} // '' } grep { $_->{kind} eq 'idTag' } @rows ], \@tags, "in pages of $most";
        is_deeply [ map { $_->{row}{id} } grep { $_->{kind} eq 'session' } @rows ], [$session];
        is_deeply [ map { map { $_->{value} } @{ $_->{row}{samples} } } grep { $_->{kind} eq 'meterValue' } @rows ], [ 1, 1, 2, 2, 3, 3 ];
    }
};

done_testing;
