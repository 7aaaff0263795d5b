# Two gateways over two databases: each database has a trail of its own, sealed
# by one of them at a time, and each gateway shows all of it.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Audit;
use Voltgate::Cli;

my $one = Voltgate->start(own_cluster => 1, elsewhere => { far => ['stations'] });
my $two = Voltgate->start(beside => $one);
my $far = $one->elsewhere('far');
my $api = '/api/v1';

for my $n (1 .. 20) {
    my $node = $n % 2 ? $one : $two;
    my $r = $node->post("$api/charge-points", { id => "CP-$n", operatorId => '019393c0-0000-7000-8000-000000000001' });
    is $r->{status}, 201 if $r->{status} != 201;
    $r = $node->post("$api/id-tags", { idTag => "TAG-$n" });
    is $r->{status}, 201 if $r->{status} != 201;
}
is scalar(rows_of($far, q{route = 'POST /charge-points'})), 20, 'rows are where their changes are';
is scalar(rows_of($one, q{route = 'POST /id-tags'})), 20, 'there and here';
is scalar(rows_of($one, q{route = 'POST /charge-points'})), 0, 'not elsewhere';
cmp_ok $far->sql('select count(distinct a.node) from vg.audit a'), '==', 2, 'by two nodes';

for my $place ([ home => $one ], [ far => $far ]) {
    my ($name, $db) = @$place;
    ok sealed($db), "$name is sealed";
    is $db->sql('select count(*) - max(number) from vg.audit_seal'), 0, 'in one chain';
    is_deeply [ verify($db) ], [], 'which holds';
}

subtest 'a gateway shows all of it, in order' => sub {
    my (@seen, $cursor);
    do {
        my $r = $two->get("$api/audit?limit=7" . ($cursor ? "&cursor=$cursor" : ''));
        is $r->{status}, 200 or return;
        push @seen, grep { $_->{route} =~ m{^POST /(?:id-tags|charge-points)$} } @{ $r->{json}{items} };
        $cursor = $r->{json}{nextCursor};
    } while $cursor;
    is_deeply [ map { uc $_->{object} } reverse @seen ], [ map { ("CP-$_", "TAG-$_") } 1 .. 20 ];
    is $one->get("$api/audit?object=CP-3")->{json}{items}[0]{plugin}, 'stations';
};

subtest 'each is verified by itself' => sub {
    is +(cli($one, 'audit', 'verify'))[0], 0, 'home';
    local $one->{opts}{env} = { DATABASE_AUDIT_URL => $far->{owner_url} };
    is +(cli($one, 'audit', 'verify'))[0], 0, 'far';
    $far->sql('delete from vg.audit where id = (select min(id) from vg.audit)');
    is +(cli($one, 'audit', 'verify'))[0], 3, 'far, without a row';
};

subtest 'the sealer\'s node dies, the other one goes on' => sub {
    $one->kill_node;
    is $two->post("$api/id-tags", { idTag => 'AFTER' })->{status}, 201;
    ok sealed($one), 'sealed';
    $one->start_gateway;
};

done_testing;
