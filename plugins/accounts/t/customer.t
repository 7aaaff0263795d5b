# Customers: made by their companies, or by being a driver; who sees and edits
# them; erasure asked for.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg  = Voltgate->start(extra => { http => "
    voltgate_setting accounts.erasure_again 1;" });
my $api = '/api/v1';

sub as { my (%claims) = @_; return { Authorization => 'Bearer ' . $vg->token(%claims) } }
sub told { return $vg->sql(q{select count(*) from vg.event where type = $1 and aggregate_id = $2}, @_) }

my ($north, $south) = map { $vg->post("$api/companies", { kind => 'OPERATOR', name => $_ })->{json}{id} } qw(North South);
my %as = (
    north => as(role => 'operator', subject => 'n', company => $north),
    south => as(role => 'operator', subject => 's', company => $south),
    fleet => as(role => 'fleet_manager', subject => 'f', company => $north),
    partner => as(role => 'partner', subject => 'p', company => $north),
    dana  => as(role => 'driver', subject => 'dana'),
    eve   => as(role => 'driver', subject => 'eve'),
);

my $made = $vg->post("$api/customers", { name => 'Ute Unterwegs', email => 'ute@example.org', phone => '+49 431 12345',
    language => 'de-DE', billingAddress => { city => 'Kiel' } }, $as{north});
my $ute = $made->{json};
my $url = "$api/customers/$ute->{id}";

subtest 'companies make customers' => sub {
    is $made->{status}, 201 or diag $made->{body};
    is_deeply [@$ute{qw(companyId name email phone language status version)}],
        [$north, 'Ute Unterwegs', 'ute@example.org', '+49 431 12345', 'de-DE', 'ACTIVE', 1];
    ok $vg->wait_for(sub { told('customer.created.v1', $ute->{id}) }), 'it is told';
    is $vg->sql(q{select payload::text ~ 'Ute|example|[+]49' from vg.event where aggregate_id = $1}, $ute->{id}), 0, 'by ids alone';

    is $vg->post("$api/customers", { name => 'x' }, $as{fleet})->{json}{companyId}, $north, 'a fleet, too';
    is $vg->post("$api/customers", {}, $as{$_})->{status}, 403, "$_: not" for qw(dana partner);
    is $vg->post("$api/customers", { companyId => $south }, $as{north})->{status}, 403, 'for themselves alone';
    is $vg->post("$api/customers", {}, as(role => 'operator', subject => 'n'))->{status}, 403, 'who has no company has none';
    is $vg->post("$api/customers", { id => 'eve' }, $as{north})->{status}, 403, 'nobody takes the place of who may log in';

    my $named = $vg->post("$api/customers", { id => 'paul', companyId => $south });
    is $named->{status}, 201, 'but an admin says it' or diag $named->{body};
    is $vg->post("$api/customers", { id => 'paul' })->{status}, 409, 'once';
    is $vg->post("$api/customers", { companyId => 'nobody' })->{status}, 422, 'of a company that there is';
};

subtest 'what makes no sense is refused' => sub {
    for my $bad ({ email => 'ute' }, { email => "ute\@example.org\r\nBcc: x\@y.zz" }, { phone => 'call me' }, { language => 'german' },
        { name => "Ute\x{200b}" }, { name => '' }, { name => 7 }, { billingAddress => 'Kiel' }, { billingAddress => { country => 'x' } },
        { companyId => 'x' x 65 }, { id => "a\nb" }) {
        is $vg->post("$api/customers", $bad)->{status}, 400, join ',', keys %$bad;
        next if $bad->{companyId} || $bad->{id};
        is $vg->patch($url, $bad)->{status}, 400, '... nor patched';
    }
    is $vg->get("$api/customers/" . 'x' x 65)->{status}, 400, 'no id is so long';
};

subtest 'a customer is its own, and its company\'s' => sub {
    is $vg->get($url, $as{$_})->{status}, 200, "$_ sees it" for qw(north fleet partner);
    is $vg->get($url, $as{$_})->{status}, 404, "$_ does not" for qw(south dana);
    is $vg->patch($url, { name => 'x' }, $as{$_})->{status}, 404, 'nor changes it' for qw(south dana);
    is $vg->delete($url, $as{$_})->{status}, 404, 'nor erases it' for qw(south dana);
    is $vg->patch($url, { name => 'x' }, $as{partner})->{status}, 403, 'a partner only looks';

    is $vg->patch("$api/customers/nobody", { name => 'x' })->{status}, 404, 'an admin makes none by chance';
    is $vg->delete("$api/customers/nobody")->{status}, 404;
    is $vg->post("$api/customers/nobody/vehicles", { plate => 'A' })->{status}, 404;

    my $r = $vg->patch($url, { phone => undef, billingAddress => { street => 'Quay 1' } }, $as{north});
    is $r->{status}, 200 or diag $r->{body};
    is_deeply [@{ $r->{json} }{qw(name phone billingAddress version)}],
        ['Ute Unterwegs', undef, { city => 'Kiel', street => 'Quay 1' }, 2];
    is $vg->patch($url, { name => 'x' }, { %{ $as{north} }, 'If-Match' => '"1"' })->{status}, 412;
    is_deeply [map { $_->{id} } @{ $vg->get("$api/customers", $as{south})->{json}{items} }], ['paul'], 'lists are so, too';
    is_deeply [map { $_->{id} } @{ $vg->get("$api/customers?companyId=$south")->{json}{items} }], ['paul'];
    is_deeply $vg->get("$api/customers?companyId=$south", $as{north})->{json}{items}, [];
};

subtest 'a driver is a customer before anybody has made it one' => sub {
    my $r = $vg->get("$api/customers/dana", $as{dana});
    is $r->{status}, 200 or diag $r->{body};
    is_deeply [@{ $r->{json} }{qw(id status version name)}], ['dana', 'ACTIVE', 0, undef];
    is $vg->get("$api/customers/dana", $as{eve})->{status}, 404;
    is $vg->get("$api/customers/dana")->{status}, 404, 'others see it when there is something to see';
    is $vg->patch("$api/customers/dana", { name => 'Eve' }, $as{eve})->{status}, 404, 'nobody begins it for another';
    is $vg->patch("$api/customers/dana", { name => 'Dana' }, { %{ $as{dana} }, 'If-Match' => '"1"' })->{status}, 412;
    $r = $vg->patch("$api/customers/dana", { name => 'Dana' }, { %{ $as{dana} }, 'If-Match' => $r->{headers}{etag} });
    is $r->{status}, 200, 'the first change makes the row' or diag $r->{body};
    is_deeply [@{ $r->{json} }{qw(id name companyId version)}], ['dana', 'Dana', undef, 1];
    is $vg->patch("$api/customers/dana", { name => 'Dana D.' }, $as{dana})->{json}{version}, 2;
    ok $vg->wait_for(sub { told('customer.updated.v1', 'dana') }) && told('customer.created.v1', 'dana'), 'told in its own words';
};

# The call comes to a row that another one is just changing; what it is answered.
sub meanwhile {
    my ($change, $method, $path, %call) = @_;
    my $dbh = $vg->dbh->clone;
    $dbh->begin_work;
    $dbh->do($change);
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        $dbh->{AutoInactiveDestroy} = 1;
        my $r = $vg->client(fresh => 1)->request($method, $vg->url($path), { headers => $call{headers},
            content => $call{content} // '' });
        syswrite STDOUT, $r->{status};
        require POSIX;
        POSIX::_exit(0);
    }
    ok $vg->wait_for(sub { $vg->sql('select count(*) from pg_locks where not granted') }, 5), 'it waits';
    $dbh->commit;
    $dbh->disconnect;
    my $status = do { local $/ = undef; <$pipe> };
    close $pipe;
    return $status;
}

subtest 'what others change meanwhile is seen' => sub {
    my $jo  = $vg->post("$api/customers", { name => 'Jo' }, $as{north})->{json}{id};
    my $set = "update accounts.customer set %s, version = version + 1 where id = '$jo'";
    is meanwhile(sprintf($set, q{name = 'Joe'}), DELETE => "$api/customers/$jo", headers => { %{ $as{north} }, 'If-Match' => '"1"' }), 412,
        'an erasure of what it was';
    is $vg->get("$api/customers/$jo", $as{north})->{json}{status}, 'ACTIVE', 'does not begin';
    my %patch = (headers => { %{ $as{north} }, 'Content-Type' => 'application/merge-patch+json' }, content => '{"name":"x"}');
    is meanwhile(sprintf($set, q{status = 'ERASING'}), PATCH => "$api/customers/$jo", %patch), 409, 'a change of who is to be erased';
    my $key = $vg->post("$api/api-keys", { name => 'k' }, $as{north})->{json}{id};
    is meanwhile("update accounts.api_key set revoked_at = now() where id = '$key'", PATCH => "$api/api-keys/$key", %patch), 404,
        'and of a key that is revoked';
};

subtest 'erasure is asked for' => sub {
    my $car = $vg->post("$url/vehicles", { plate => 'KI X 1' }, $as{north})->{json};
    my $r   = $vg->delete($url, { %{ $as{north} }, 'If-Match' => '"1"' });
    is $r->{status}, 412;
    $r = $vg->delete($url, $as{north});
    is $r->{status}, 202 or diag $r->{body};
    is $vg->get($url, $as{north})->{json}{status}, 'ERASING';
    is $vg->delete($url, $as{north})->{status}, 202, 'and asked for again';
    is $vg->patch($url, { name => 'x' }, $as{north})->{status}, 409, 'nobody writes into it any more';
    is $vg->post("$url/vehicles", { plate => 'KI X 2' }, $as{north})->{status}, 409;
    is $vg->patch("$api/vehicles/$car->{id}", { color => 'red' }, $as{north})->{status}, 409, 'nor into what it has';
    is $vg->delete("$api/vehicles/$car->{id}", $as{north})->{status}, 204, 'which goes, still';
    ok $vg->wait_for(sub { told('customer.erasure_requested.v1', $ute->{id}) }), 'it is told';
    is told('customer.erasure_requested.v1', $ute->{id}), 1, 'once';

    is $vg->delete("$api/customers/eve", $as{eve})->{status}, 202, 'a driver without a row may be known elsewhere';
    ok $vg->wait_for(sub { $vg->get("$api/customers/eve")->{json}{status} eq 'ERASED' }, 40);
    ok $vg->wait_for(sub { $vg->get("$api/customers/eve", $as{eve})->{status} == 401 }, 5), 'its tokens are void';
    my $eve;
    ok $vg->wait_for(sub { $eve = as(role => 'driver', subject => 'eve'); $vg->get("$api/auth/me", $eve)->{status} == 200 }, 5),
        'but younger ones';
    is $vg->get("$api/customers/eve", $eve)->{status}, 404, 'what is erased is gone';
    is $vg->patch("$api/customers/eve", { name => 'x' }, $eve)->{status}, 404, 'and does not come back';
    is $vg->get("$api/customers/eve")->{status}, 200, 'an admin sees that it was there';
    $vg->sql(q{delete from accounts.erasure where customer_id = 'eve'});
    is $vg->delete("$api/customers/eve")->{status}, 409, 'also when the report has had its time';
    ok !eval { $vg->sql(q{update accounts.customer set status = 'ERASED' where id = 'dana'}); 1 }, 'with nothing personal left';
};

done_testing;
