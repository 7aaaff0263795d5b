# What a provider tells by itself: who did not sign it, or tells it late or
# twice, is not heard; and what is heard moves nothing but has its payment
# looked at.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use Test::More;

use Voltgate;
use Voltgate::Wire;

my %secret = (stripe => 'whsec_of_today', old => 'whsec_of_yesterday', razorpay => 'rzp_hook', other => 'whsec_of_others');
my %file;
for my $name (sort keys %secret) {
    $file{$name} = "/tmp/voltgate-webhook.$$.$name";
    open my $out, '>', $file{$name} or die "$file{$name}: $!";
    print {$out} "$secret{$name}\n";
    close $out or die;
    chmod 0600, $file{$name};
}
my $parent = $$;
END { unlink values %file if $parent && $$ == $parent }

my $vg = Voltgate->start(extra => { http => qq(
    voltgate_setting billing.providers "sandbox stripe razorpay";
    voltgate_secret billing.stripe $file{stripe} $file{old};
    voltgate_secret billing.razorpay $file{razorpay};
    voltgate_secret accounts.stripe $file{other};) });
my $api = '/api/v1/billing/webhooks';

# a payment that is settled, so that nothing else pushes it
sub intent {
    my ($provider, $ref) = @_;
    return $vg->sql(q{insert into billing.intent (id, payer, purpose, subject, method_id, provider, provider_ref, amount,
        captured, currency, wanted, status, pushed_at, created_at, updated_at)
        values (vg.uuid7(), 'driver-1', 'CHARGE', vg.uuid7(), vg.uuid7(), $1, $2, 10, 10, 'EUR', 'CAPTURED', 'CAPTURED',
        now(), now(), now()) returning id}, $provider, $ref);
}

my $number = 0;
my %intent = (stripe => intent(stripe => 'pi_known'), razorpay => intent(razorpay => 'pay_known'));

sub stripe_event {
    my (%more) = @_;
    my $id = sprintf 'evt_%d', ++$number;
    return sprintf '{"id":"%s","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"%s","object":"payment_intent",'
        . '"amount":1000,"metadata":{"intent":"%s"}}}}', $more{id} // $id, $more{ref} // 'pi_known', $more{intent} // $intent{stripe};
}

sub razorpay_event {
    my (%more) = @_;
    return sprintf '{"entity":"event","event":"payment.captured","n":%d,"created_at":%d,"payload":{"payment":{"entity":'
        . '{"id":"%s","notes":{"intent":"%s"}}}}}', ++$number, $more{at} // time, $more{ref} // 'pay_known', $more{intent} // $intent{razorpay};
}

sub signed {
    my ($body, %how) = @_;
    my $t = $how{t} // time;
    return { 'Stripe-Signature' => "t=$t,v1=" . hmac_sha256_hex("$t.$body", $how{secret} // $secret{stripe}) };
}

sub razorpay_signed {
    my ($body, %how) = @_;
    return { 'X-Razorpay-Signature' => hmac_sha256_hex($body, $how{secret} // $secret{razorpay}),
        'X-Razorpay-Event-Id' => $how{id} // 'rzp_' . $number };
}

sub told {
    my ($provider, $body, $headers, %more) = @_;
    return $vg->request(POST => "$api/$provider", $body, { 'X-API-Key' => '', 'Content-Type' => 'application/json', %$headers });
}

# rows that were kept, and jobs that were left for a payment
sub kept { return $vg->sql('select count(*) from billing.webhook') }
sub jobs { return $vg->sql(q{select count(*) from vg.job where kind = 'payment.push' and key like $1 || '/heard/%'}, $_[0]) }
sub state_of { return $vg->sql(q{select concat_ws(' ', status, captured, refunded, wanted) from billing.intent where id = $1}, $_[0]) }
sub moved { return $vg->sql('select count(*) from billing.transfer') }

# its jobs are of no interest here: the provider is not there
sub quiet { $vg->sql(q{delete from vg.job where kind = 'payment.push'}); return }

subtest 'what is signed is heard, once' => sub {
    for my $case ([ stripe => stripe_event(), \&signed ], [ razorpay => razorpay_event(), \&razorpay_signed ]) {
        my ($provider, $body, $sign) = @$case;
        my $before = state_of($intent{$provider});
        my $headers = $sign->($body);
        my $r = told($provider, $body, $headers);
        is $r->{status}, 204, "$provider: heard" or diag $r->{body};
        is jobs($intent{$provider}), 1, 'its payment is looked at';
        is $vg->sql('select doubt from billing.intent where id = $1', $intent{$provider}), 1, 'since the provider may know more';
        is told($provider, $body, $headers)->{status}, 204, 'the same again is taken';
        is jobs($intent{$provider}), 1, 'and does nothing';
        is state_of($intent{$provider}), $before, 'the payment is as it was';
        is moved(), 0, 'no money has moved';
    }
    is kept(), 2;
    quiet();
};

subtest 'one signature of several is enough, of either secret' => sub {
    my $n = kept();
    for my $secret (@secret{qw(stripe old)}) {
        my $body = stripe_event();
        my $t    = time;
        my $v1   = hmac_sha256_hex("$t.$body", $secret);
        is told(stripe => $body, { 'Stripe-Signature' => "t=$t, v1=" . ('0' x 64) . ", v1=$v1, v0=x" })->{status}, 204;
    }
    is kept(), $n + 2;
};

# name, provider, body, headers, status, the error's name
my @hostile = (
    [ 'unsigned', 'stripe', stripe_event(), {}, 400, 'signature_invalid' ],
    [ 'an empty signature', 'stripe', stripe_event(), { 'Stripe-Signature' => '' }, 400, 'signature_invalid' ],
    (map { my $body = stripe_event(); [ "signed with $_", 'stripe', $body, signed($body, secret => $_), 400, 'signature_invalid' ] }
        $secret{other}, $secret{razorpay}, "$secret{stripe}\n", 'x'),
    do { my $body = stripe_event(); [ 'another body', 'stripe', stripe_event(), signed($body), 400, 'signature_invalid' ] },
    do { my $body = stripe_event(); [ 'one byte more', 'stripe', "$body ", signed($body), 400, 'signature_invalid' ] },
    do { my $body = stripe_event(); my $s = signed($body, t => time - 100); $s->{'Stripe-Signature'} =~ s/t=\d+/'t=' . time/e;
        [ 'another time than was signed', 'stripe', $body, $s, 400, 'signature_invalid' ] },
    do { my $body = stripe_event(); [ 'told 301 s ago', 'stripe', $body, signed($body, t => time - 302), 400, 'webhook_too_old' ] },
    do { my $body = stripe_event(); [ 'told in an hour', 'stripe', $body, signed($body, t => time + 3600), 400, 'webhook_too_old' ] },
    (map { my $how = $_; my $body = stripe_event(); my $t = time; my $v1 = hmac_sha256_hex("$t.$body", $secret{stripe});
        [ "a header as $how", 'stripe', $body, { 'Stripe-Signature' => $how =~ s/T/$t/gr =~ s/V/$v1/gr }, 400, 'signature_invalid' ] }
        'v1=V', 't=T', 't=T,v0=V', 't=T,t=T,v1=V', 't=-T,v1=V', 't=T.0,v1=V', 't=,v1=V', 't=99999999999999999999,v1=V', 't=T;v1=V', 'T.V', ',', 't=T,v1=V0'),
    do { my $body = stripe_event(); my $s = signed($body); $s->{'Stripe-Signature'} = uc($s->{'Stripe-Signature'}) =~ s/T=/t=/r =~ s/V1=/v1=/r;
        [ 'in capitals', 'stripe', $body, $s, 400, 'signature_invalid' ] },
    (map { [ "signed nonsense: $_", 'stripe', $_, signed($_), 400, 'malformed' ] }
        '{', '[]', 'null', '"x"', '{"a":1}', '{"id":7,"type":"x"}', '{"id":"","type":"x"}', '{"id":"a b","type":"x"}',
        '{"id":"a","type":"x\u0000"}', '{"id":"' . 'x' x 256 . '","type":"x"}', '[' x 70 . ']' x 70, "\xff\xfe"),
    do { my $body = stripe_event() . ' ' x 65536; [ 'longer than 64 KiB', 'stripe', $body, signed($body), 413, 'too_large' ] },
    do { my $body = stripe_event(ref => '4111111111111111'); [ 'the number of a card', 'stripe', $body, signed($body), 400, 'card_number' ] },
    do { my $body = stripe_event(); [ 'of a provider that is not here', 'paypal', $body, signed($body), 404, 'not_found' ] },
    do { my $body = stripe_event(); [ 'of the sandbox', 'sandbox', $body, signed($body), 404, 'not_found' ] },
    do { my $body = stripe_event(); [ "as another provider's", 'razorpay', $body, signed($body), 400, 'signature_invalid' ] },
    [ 'unsigned', 'razorpay', razorpay_event(), { 'X-Razorpay-Event-Id' => 'a' }, 400, 'signature_invalid' ],
    do { my $body = razorpay_event(); [ 'signed with another secret', 'razorpay', $body, razorpay_signed($body, secret => 'x'), 400, 'signature_invalid' ] },
    do { my $body = razorpay_event(at => time - 100_000); [ 'of the day before yesterday', 'razorpay', $body, razorpay_signed($body), 400, 'webhook_too_old' ] },
    do { my $body = razorpay_event() =~ s/"created_at":\d+,//r; [ 'of no time', 'razorpay', $body, razorpay_signed($body), 400, 'webhook_too_old' ] },
    do { my $body = razorpay_event(); [ 'without an id', 'razorpay', $body, razorpay_signed($body, id => ''), 400, 'malformed' ] },
    do { my $body = razorpay_event(); [ 'with an id of many words', 'razorpay', $body, razorpay_signed($body, id => 'a b'), 400, 'malformed' ] },
);
subtest 'what is not as it should be is not heard' => sub {
    my ($n, $left) = (kept(), jobs($intent{stripe}));
    for (@hostile) {
        my ($name, $provider, $body, $headers, $status, $error) = @$_;
        my $r = told($provider, $body, $headers);
        is $r->{status}, $status, "$provider: " . substr $name, 0, 60;
        like $r->{json}{type}, qr{/\Q$error\E$}, 'as told' or diag $r->{body};
        unlike $r->{body}, qr/whsec|rzp_hook/, 'without a secret';
    }
    is kept(), $n, 'nothing is kept of all that';
    is jobs($intent{stripe}), $left;
};

subtest 'what looks like a card among what is not kept loses no webhook' => sub {
    my $n    = kept();
    my $card = '4539' . '578763621486';
    my $body = stripe_event() =~ s/"amount"/"network_transaction_id":"$card","amount"/r;
    is told(stripe => $body, signed($body))->{status}, 204, 'heard';
    is kept(), $n + 1;
    is told(stripe => "$body ", {})->{status}, 400, 'unsigned it is not read';
    is $vg->sql('select count(*) from billing.webhook w where w::text like $1', "%$card%"), 0, 'it is not kept';
    is $vg->sql('select count(*) from vg.audit a where a::text like $1', "%$card%"), 0;
    unlike $vg->log, qr/$card/;
    for my $body (stripe_event(id => $card), stripe_event(ref => $card), stripe_event() =~ s/payment_intent.succeeded/$card/r) {
        my $r = told(stripe => $body, signed($body));
        like $r->{json}{type}, qr{/card_number$}, 'what would be kept is looked at' or diag $r->{body};
        unlike $r->{body}, qr/$card/;
    }
    is kept(), $n + 1;
    quiet();
};

subtest 'a forged id does not make an old body new' => sub {
    my $body = razorpay_event();
    my $n    = kept();
    is told(razorpay => $body, razorpay_signed($body, id => "first_$_"))->{status}, 204 for 1 .. 3;
    is kept(), $n + 1, 'its bytes are known';
    quiet();
};

subtest 'of another provider a payment is not touched' => sub {
    $vg->sql('update billing.intent set doubt = false');
    my $body = stripe_event(intent => $intent{razorpay}, ref => 'pay_known');
    is told(stripe => $body, signed($body))->{status}, 204;
    is $vg->sql('select count(*) from billing.intent where doubt'), 0;
    is jobs($intent{razorpay}), 0;
};

subtest 'of many at once one is heard' => sub {
    quiet();
    my $body    = stripe_event();
    my $headers = signed($body);
    my $n       = kept();
    my @pids;
    for (1 .. 8) {
        my $pid = fork // die;
        if (!$pid) {
            my $r = $vg->client(fresh => 1)->request('POST', $vg->url("$api/stripe"), { content => $body,
                headers => { %$headers, 'Content-Type' => 'application/json' } });
            require POSIX;
            POSIX::_exit($r->{status} == 204 ? 0 : 1);
        }
        push @pids, $pid;
    }
    is_deeply [ map { waitpid $_, 0; $? >> 8 } @pids ], [ (0) x 8 ];
    is kept(), $n + 1;
    is jobs($intent{stripe}), 1;
};

subtest 'a payment that is known later is found' => sub {
    quiet();
    my $body = stripe_event(intent => '', ref => 'pi_later');
    is told(stripe => $body, signed($body))->{status}, 204;
    is $vg->sql(q{select count(*) from billing.webhook where ref = 'pi_later' and intent_id is null}), 1, 'kept';
    my $id = intent(stripe => 'pi_later');
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from billing.webhook where ref = 'pi_later' and intent_id = $1}, $id) }, 40), 'and found';
    is $vg->sql('select doubt from billing.intent where id = $1', $id), 1;
};

subtest 'a secret that has gone signs no more, a new one does' => sub {
    open my $out, '>', $file{old} or die;
    print {$out} 'whsec_of_tomorrow';
    close $out or die;
    $vg->reload;
    my $body = stripe_event();
    is told(stripe => $body, signed($body, secret => 'whsec_of_tomorrow'))->{status}, 204;
    $body = stripe_event();
    is told(stripe => $body, signed($body, secret => $secret{old}))->{status}, 400;
    $body = stripe_event();
    is told(stripe => $body, signed($body))->{status}, 204;
};

subtest 'no secret stands anywhere' => sub {
    unlike $vg->log, qr/whsec|rzp_hook/;
    is `grep -rla 'whsec_of_\\|rzp_hook' $vg->{state}/log $vg->{state}/conf 2>/dev/null`, '';
};

done_testing;
