# Webhooks of a provider that tests did not sign: before the reply of the call
# that they are about, twice, in place of a reply that is lost, and about what
# was done beside us.

use strict;
use warnings;

use HTTP::Tiny;
use Test::More;

use Voltgate;
use Voltgate::Provider;

my $provider = Voltgate::Provider->start;
my $vg = Voltgate->start(extra => { http => 'voltgate_setting billing.providers "stripe razorpay";' . $provider->conf(timeout => '1s')
    . $provider->hooks_conf });
$provider->webhooks($vg->url('/api/v1/billing/webhooks'));

my $api    = '/api/v1/billing';
my $driver = { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-1') };
my %method = map { $_->[0] => $vg->post("$api/payment-methods", { provider => $_->[0], token => $_->[1] }, $driver)->{json}{id} }
    [ stripe => 'pm_ok' ], [ razorpay => 'cus_1/token_ok' ];

sub credit {
    return $vg->sql(q{select coalesce(sum(balance), 0) from billing.account where owner = 'driver-1' and kind = 'CREDIT'}) + 0;
}

my $sum = 0;
for my $shape (qw(stripe razorpay)) {
    for my $day ([ 'a good one' ], [ 'first', op => 'authorise' ], [ 'first', op => 'capture' ], [ 'doubled', op => 'capture' ],
        [ 'lost', op => 'capture' ], [ 'acted', op => 'capture' ])
    {
        my ($fault, %more) = @$day;
        subtest join(' ', $shape, $fault, %more) => sub {
            $provider->fault($fault, shape => $shape, %more) if %more;
            my $id = $vg->post("$api/charge", { amount => 10, currency => 'EUR', methodId => $method{$shape} }, $driver)->{json}{id};
            my $is;
            ok $vg->wait_for(sub { $is = $vg->get("$api/payments/$id")->{json}; $is->{status} eq 'CAPTURED' && $is->{settled} }, 40), 'captured'
                or diag explain $is;
            my @theirs = $provider->intent($id);
            is scalar @theirs, 1, 'one payment there';
            is $theirs[0]{captured}, 1000;
            ok $vg->wait_for(sub { $vg->sql('select count(*) from billing.webhook where intent_id = $1', $id) >= 1 }, 10), 'it was told';
            $sum += 10;
            ok $vg->wait_for(sub { credit() == $sum }, 5), 'and booked once' or diag credit(), " of $sum";
            is $provider->faults, 0, 'the day was as bad as it should be';
        };
    }
}

subtest 'what is told is taken at once' => sub {
    ok $vg->wait_for(sub { !grep { $_->{status} != 204 } $provider->sent }, 20), 'each is answered with 204' or diag explain [ $provider->sent ];
    cmp_ok scalar($provider->sent), '>', 20;
};

subtest 'given back beside us' => sub {
    my $id   = $vg->post("$api/charge", { amount => 10, currency => 'EUR', methodId => $method{stripe} }, $driver)->{json}{id};
    ok $vg->wait_for(sub { my $is = $vg->get("$api/payments/$id")->{json}; $is->{status} eq 'CAPTURED' && $is->{settled} }, 20);
    my $ref = $vg->sql('select provider_ref from billing.intent where id = $1', $id);
    my $r = HTTP::Tiny->new(default_headers => { Authorization => 'Bearer ' . $provider->secret('stripe') })
        ->post_form($provider->url('/stripe/v1/refunds'), { payment_intent => $ref, amount => 400 });
    ok $r->{success}, 'the provider gives it back' or diag $r->{content};
    ok $vg->wait_for(sub { ($vg->sql('select refunded from billing.intent where id = $1', $id) + 0) == 4 }, 20), 'and we hear of it';
};

is $vg->sql('select count(*) from billing.fault'), 0, 'our books are right';

done_testing;
