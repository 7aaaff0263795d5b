# Tags that may charge.

use strict;
use warnings;

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

done_testing;
