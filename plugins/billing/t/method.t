# Payment methods: a provider's tokens, one of which a payer pays with.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg  = Voltgate->start(extra => { http => 'voltgate_setting billing.providers "sandbox stripe";
    voltgate_setting accounts.erasure_again 1;' });
my $api = '/api/v1/billing/payment-methods';

sub as { my ($role, %claims) = @_; return { Authorization => 'Bearer ' . $vg->token(role => $role, %claims) } }

my $driver = as('driver', subject => 'driver-1');
my $fleet  = '019393c0-0000-7000-8000-0000000000f1';

sub brought { my ($token, $who, %more) = @_; return $vg->post($api, { provider => 'sandbox', token => $token, %more }, $who // $driver) }
sub payer   { return $vg->sql('select method_id from billing.payer where id = $1', $_[0] // 'driver-1') }

my ($first, $second);

subtest 'the first one is what is paid with' => sub {
    my $r = brought('tok_1', $driver, brand => 'Visa', last4 => '4242', expires => '12/30');
    is $r->{status}, 201 or diag $r->{body};
    $first = $r->{json};
    is_deeply { map { $_ => $first->{$_} } qw(customerId companyId provider brand last4 expires version) },
        { customerId => 'driver-1', companyId => undef, provider => 'sandbox', brand => 'Visa', last4 => '4242',
        expires => '12/30', version => 1 };
    ok $first->{default};
    unlike $r->{body}, qr/tok_1/, 'the token is not shown';
    is payer(), $first->{id};

    $second = brought('tok_2')->{json};
    ok !$second->{default}, 'the second one is not';
    is payer(), $first->{id};
    my $third = brought('tok_3', $driver, default => JSON::PP::true)->{json};
    ok $third->{default}, 'unless it says so';
    is payer(), $third->{id};
    is_deeply [ map { $_->{default} ? 1 : 0 } @{ $vg->get($api, $driver)->{json}{items} } ], [ 0, 0, 1 ];
};

subtest 'which it is can be changed' => sub {
    my $r = $vg->patch("$api/$second->{id}", { default => JSON::PP::true }, $driver);
    is $r->{status}, 200 or diag $r->{body};
    ok $r->{json}{default};
    is $r->{json}{version}, 2;
    is payer(), $second->{id};
    ok !$vg->patch("$api/$first->{id}", { default => JSON::PP::false }, $driver)->{json}{default};
    is payer(), $second->{id}, 'one that is not lets no other go';
    ok !$vg->patch("$api/$second->{id}", { default => JSON::PP::false }, $driver)->{json}{default};
    is payer(), undef, 'to none';
    $vg->patch("$api/$second->{id}", { default => JSON::PP::true }, $driver);
};

subtest 'a removed one pays no more' => sub {
    is $vg->delete("$api/$second->{id}", $driver)->{status}, 204;
    is payer(), undef, 'and no other is charged for it';
    is $vg->get("$api/$second->{id}", $driver)->{status}, 404;
    is $vg->delete("$api/$second->{id}", $driver)->{status}, 404;
    is $vg->patch("$api/$second->{id}", { brand => 'x' }, $driver)->{status}, 404;
    my $again = brought('tok_2')->{json};
    isnt $again->{id}, $second->{id}, 'its token may come again';
    ok $again->{default}, 'and is what is paid with, since nothing else was';
};

subtest 'a token is known once' => sub {
    my $r = brought('tok_1');
    is $r->{status}, 409;
    like $r->{json}{type}, qr{/method_known$};
    is brought('tok_1', as('driver', subject => 'driver-2'))->{status}, 201, 'of one payer';
    is brought('tok_1', $driver, provider => 'stripe')->{status}, 201, 'with one provider';
    my %key = (%$driver, 'Idempotency-Key' => 'again');
    my $made = brought('tok_9', \%key);
    is brought('tok_9', \%key)->{body}, $made->{body}, 'the same call again is no second one';
};

subtest 'of many first ones one is what is paid with' => sub {
    my $who = as('driver', subject => 'driver-many');
    my @pids;
    for my $n (1 .. 6) {
        my $pid = fork // die;
        if (!$pid) {
            my $r = $vg->client(fresh => 1)->request('POST', $vg->url($api), {
                content => qq({"provider":"sandbox","token":"many_$n"}),
                headers => { %$who, 'Content-Type' => 'application/json' } });
            require POSIX;
            POSIX::_exit($r->{status} == 201 ? 0 : 1);
        }
        push @pids, $pid;
    }
    is_deeply [ map { waitpid $_, 0; $? >> 8 } @pids ], [ (0) x 6 ];
    is scalar(grep { $_->{default} } @{ $vg->get($api, $who)->{json}{items} }), 1;
};

my @wrong = (
    [ { token => 'x' },                                    'provider' ],
    [ { provider => 'sandbox' },                           'token' ],
    [ { provider => 'razorpay', token => 'x' },            'provider' ],
    [ { provider => 'sand', token => 'x' },                'provider' ],
    [ { provider => 'sandbox stripe', token => 'x' },      'provider' ],
    [ { provider => 'sandbox', token => '' },              'token' ],
    [ { provider => 'sandbox', token => 'a b' },           'token' ],
    [ { provider => 'sandbox', token => "a\nb" },          'token' ],
    [ { provider => 'sandbox', token => "a\x{e4}" },       'token' ],
    [ { provider => 'sandbox', token => 'x' x 256 },       'token' ],
    [ { provider => 'sandbox', token => 'x', last4 => '42a2' },     'last4' ],
    [ { provider => 'sandbox', token => 'x', last4 => '42424' },    'last4' ],
    [ { provider => 'sandbox', token => 'x', expires => '13/30' },  'expires' ],
    [ { provider => 'sandbox', token => 'x', expires => '00/30' },  'expires' ],
    [ { provider => 'sandbox', token => 'x', expires => '1/2030' }, 'expires' ],
    [ { provider => 'sandbox', token => 'x', default => 'yes' },    'default' ],
);
subtest 'what is wrong is named' => sub {
    for (@wrong) {
        my ($body, $field) = @$_;
        my $r = $vg->post($api, $body, $driver);
        is $r->{status}, 400, join ' ', map { "$_=" . substr $body->{$_}, 0, 20 } sort keys %$body;
        is_deeply [ keys %{ $r->{json}{errors} } ], [$field];
    }
};

subtest 'a fleet pays by its own' => sub {
    my $manager = as('fleet_manager', subject => 'm', company => $fleet);
    my $r = brought('tok_f', $manager);
    is $r->{status}, 201 or diag $r->{body};
    is $r->{json}{companyId}, $fleet;
    is payer($fleet), $r->{json}{id};
    is $vg->sql('select terms from billing.payer where id = $1', $fleet), 'ACCOUNT';
    is_deeply [ map { $_->{id} } @{ $vg->get("$api?companyId=$fleet")->{json}{items} } ], [ $r->{json}{id} ], 'an admin looks';
    my $wrong = $vg->post($api, { provider => 'sandbox', token => 'x' });
    is $wrong->{status}, 400, 'who is an admin says whose it is';
    is $vg->post($api, { provider => 'sandbox', token => 'x', customerId => 'a', companyId => 'b' })->{status}, 400;
};

subtest 'who is erased leaves none, but one that is paying' => sub {
    my $customer = $vg->post('/api/v1/customers', { name => 'Leaves' })->{json}{id};
    my @ids = map { $vg->post($api, { provider => 'sandbox', token => "gone_$_", customerId => $customer })->{json}{id} } 1, 2;
    my $part = $vg->post("/api/v1/customers/$customer/exports");
    $vg->sql(q{insert into billing.intent (id, payer, purpose, subject, method_id, provider, amount, currency, wanted,
        pushed_at, created_at, updated_at) values (vg.uuid7(), $1, 'CHARGE', vg.uuid7(), $2, 'sandbox', 1, 'EUR', 'CAPTURED', now(), now(), now())},
        $customer, $ids[0]);
    is $vg->delete("/api/v1/customers/$customer")->{status}, 202;
    my $left = sub { $vg->sql(q{select coalesce(string_agg(id::text, ' '), '') from billing.method where payer = $1}, $customer) };
    ok $vg->wait_for(sub { $left->() eq $ids[0] }, 10), 'one stays for now' or diag $left->();
    $vg->sql(q{update billing.intent set status = 'FAILED' where payer = $1}, $customer);
    ok $vg->wait_for(sub { $left->() eq '' }, 40), 'and goes when it has paid';
};

done_testing;
