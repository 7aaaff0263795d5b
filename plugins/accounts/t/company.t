# Companies: who makes them, who sees and edits them, what they may hold.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $api = '/api/v1';

sub as { my (%claims) = @_; return { Authorization => 'Bearer ' . $vg->token(%claims) } }

my $made = $vg->post("$api/companies", {
    kind => 'OPERATOR', name => 'Nordlicht Laden GmbH', country => 'DE', vatId => 'DE123456789', email => 'invoice@example.org',
    billingAddress => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' } });
my $fleet = $vg->post("$api/companies", { kind => 'FLEET', name => 'Vans' })->{json};
my $ours  = $made->{json};
my $url   = "$api/companies/$ours->{id}";
my $boss  = as(role => 'operator', subject => 'boss', company => $ours->{id});
my $vans  = as(role => 'fleet_manager', subject => 'vans', company => $fleet->{id});

sub told { return $vg->sql(q{select count(*) from vg.event where type = $1 and aggregate_id = $2}, @_) }

subtest 'an admin makes them' => sub {
    is $made->{status}, 201 or diag $made->{body};
    is_deeply [@$ours{qw(kind name country vatId email version)}],
        ['OPERATOR', 'Nordlicht Laden GmbH', 'DE', 'DE123456789', 'invoice@example.org', 1];
    is_deeply $ours->{billingAddress}, { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' };
    is $fleet->{billingAddress}, undef, 'nearly all may be left out';
    for my $caller ($boss, $vans, as(role => 'driver', subject => 'd'), as(role => 'partner', company => $ours->{id})) {
        is $vg->post("$api/companies", { kind => 'FLEET', name => 'Mine' }, $caller)->{status}, 403, 'nobody else does';
    }
    ok $vg->wait_for(sub { told('company.created.v1', $ours->{id}) }), 'it is told';
};

subtest 'what makes no sense is refused, all at once' => sub {
    my $r = $vg->post("$api/companies", { kind => 'BANK', name => " \x{202e}x", country => 'de', email => 'nobody',
        vatId => 'x' x 21, billingAddress => { country => 'D1', city => 7 } });
    is $r->{status}, 400;
    is_deeply [sort keys %{ $r->{json}{errors} }], ['billingAddress.city', 'kind', 'vatId'], 'types and sizes';
    $r = $vg->post("$api/companies", { kind => 'FLEET', name => " \x{202e}x", country => 'de', email => 'nobody',
        billingAddress => { country => 'D1' } });
    is_deeply [sort keys %{ $r->{json}{errors} }], ['billingAddress.country', 'country', 'email', 'name'], 'spelling';
    is $vg->post("$api/companies", { kind => 'FLEET', name => 'x' x 201 })->{status}, 400;
    is $vg->post("$api/companies", { kind => 'FLEET' })->{json}{errors}{name}, 'is required';
};

subtest 'operators and fleets see and edit their own' => sub {
    is $vg->get($url, $boss)->{json}{name}, 'Nordlicht Laden GmbH';
    is $vg->get("$api/companies/$fleet->{id}", $vans)->{status}, 200;
    my @others = ($vans, as(role => 'driver', subject => $ours->{id}), as(role => 'partner', company => $ours->{id}),
        as(role => 'driver', subject => 'd', company => $ours->{id}), as(role => 'operator', subject => 'boss'));
    is $vg->get($url, $_)->{status}, 404, 'nobody else' for @others;
    is $vg->patch($url, { name => 'Mine' }, $_)->{status}, 404, 'nor changes it' for @others[0, 1, 3, 4];
    is $vg->patch($url, { name => 'Mine' }, $others[2])->{status}, 403, 'a partner writes nothing';

    my $r = $vg->patch($url, { name => 'Nordlicht', billingAddress => { street => 'Quay 2', city => undef }, vatId => undef }, $boss);
    is $r->{status}, 200 or diag $r->{body};
    is_deeply $r->{json}{billingAddress}, { street => 'Quay 2', postalCode => '24103', country => 'DE' }, 'an address is merged';
    is_deeply [@{ $r->{json} }{qw(name vatId kind version)}], ['Nordlicht', undef, 'OPERATOR', 2];
    is $vg->patch($url, { billingAddress => undef }, $boss)->{json}{billingAddress}, undef, 'or taken away';
    is $vg->patch($url, { kind => 'FLEET' }, $boss)->{status}, 400, 'its kind stays';
    is $vg->patch($url, { name => 'Late' }, { %$boss, 'If-Match' => '"1"' })->{status}, 412, 'who saw an older one is told';
    ok $vg->wait_for(sub { told('company.updated.v1', $ours->{id}) == 2 }), 'changes are told';

    is_deeply [map { $_->{id} } @{ $vg->get("$api/companies", $boss)->{json}{items} }], [$ours->{id}], 'a list has them alone';
    is_deeply [map { $_->{id} } @{ $vg->get("$api/companies?kind=FLEET")->{json}{items} }], [$fleet->{id}], 'an admin sees all';
    is_deeply $vg->get("$api/companies", as(role => 'driver', subject => 'd'))->{json}{items}, [];
};

done_testing;
