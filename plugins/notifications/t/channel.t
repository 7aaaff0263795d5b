# SMS and pushes against servers that fail, and webhooks: each try is in the
# log, what may help is tried again, what does not is not.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use Test::More;

use Voltgate::Notified;

my $world = Voltgate::World->start;
my $n  = Voltgate::Notified->start(plugins => [qw(accounts notifications)], path => '/fail/2/said',
    http => 'voltgate_target_defaults tries=1 backoff=10ms window=20;');
my $vg = $n->vg;
my $api = '/api/v1/notifications';

my $ann = $vg->post('/api/v1/customers', { name => 'Ann', email => 'ann@example.com', phone => '+4943112345' })->{json}{id};
my %ann = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $ann));

sub rule { my (@channels) = @_; return $vg->post("$api/rules", { name => 'Test', eventType => 'credits.low.v1', actions =>
    [ { to => 'CUSTOMER', channels => \@channels, template => 'credits.low', priority => 'CRITICAL' } ] })->{json}{id} }
sub shown { my ($channel) = @_; return $vg->get("$api?channel=$channel", \%ann)->{json}{items} }
sub one { my ($id) = @_; return $vg->get("$api/$id", \%ann)->{json} }
sub low { $n->tell('credits.low.v1', { customerId => $ann, operatorId => '019393c0-0000-7000-8000-000000000001', balance => \'1.50', currency => 'EUR' }); return }
$vg->sql('update notifications.rule set enabled = false');

subtest 'an SMS is tried until it is taken' => sub {
    my $rule = rule('SMS');
    low();
    my $sms;
    ok $n->soon(sub { $sms = shown('SMS')->[0]; $sms && $sms->{status} eq 'SENT' }, 30), 'the third time' or diag explain $sms, $vg->log;
    my @tries = @{ one($sms->{id})->{attempts} };
    is_deeply [ map { $_->{outcome} } @tries ], [qw(FAILED FAILED SENT)], 'each try is in the log';
    is_deeply [ map { $_->{detail}{status} } @tries ], [ 503, 503, 200 ], 'with what was said';
    my @heard = $n->{world}->requests(qr{/Accounts/AC1/Messages\.json$});
    is scalar(@heard), 3;
    is $heard[2]{body}, 'To=%2B4943112345&From=%2B15550000&Body=Your%20credit%20is%20low', 'as Twilio takes it';
    is $heard[0]{headers}{'idempotency-key'}, $heard[2]{headers}{'idempotency-key'}, 'by the same key';
    my $numbers = $vg->get('/metrics')->{body};
    for ([ failed => 2 ], [ sent => 1 ], [ spared => 0 ], [ lost => 0 ]) {
        like $numbers, qr/^voltgate_notifications_$_->[0]_total\{channel="SMS"\} $_->[1]$/m, "of which $_->[1] $_->[0]";
    }
    $vg->delete("$api/rules/$rule");
};

subtest 'a push goes to each device' => sub {
    $vg->put("$api/preferences/$ann", { pushTokens => [qw(phone tablet)] }, \%ann);
    my $rule = rule('PUSH');
    low();
    my $push;
    ok $n->soon(sub { $push = shown('PUSH')->[0]; $push && $push->{status} eq 'SENT' }, 30) or diag explain $push;
    my @heard = map { JSON::PP::decode_json($_->{body})->{message} } $n->{world}->requests(qr{/v1/projects/demo/messages:send$});
    is_deeply [ map { $_->{token} } @heard[ -2, -1 ] ], [qw(phone tablet)];
    is_deeply $heard[-1]{notification}, { title => 'Your credit is low', body => 'Your credit is low' }, 'as FCM takes it';
    $vg->delete("$api/rules/$rule");
};

my $hook;
subtest 'a webhook is signed' => sub {
    is $vg->post("$api/webhooks", { url => $_ })->{status}, 400, $_ for 'ftp://x', 'http://a b', 'file:///etc/passwd';
    is $vg->post("$api/webhooks", { url => 'http://x', eventTypes => ['nothing.v1'] })->{status}, 400;
    $hook = $vg->post("$api/webhooks", { url => $world->url('/ok'), eventTypes => ['credits.low.v1'] })->{json};
    like $hook->{secret}, qr/^whsec_[\w-]{43}$/, 'its secret is shown';
    is $vg->get("$api/webhooks/$hook->{id}")->{json}{secret}, undef, 'once';
    low();
    ok $n->soon(sub { $world->requests(qr{^/ok}) }), 'it is told';
    my ($heard) = $world->requests(qr{^/ok});
    my ($at, $mac) = $heard->{headers}{'voltgate-signature'} =~ /^t=(\d+),v1=([0-9a-f]{64})$/;
    is $mac, hmac_sha256_hex("$at.$heard->{body}", $hook->{secret}), 'signed with its secret';
    cmp_ok abs($at - time), '<', 60, 'and when';
    my $said = JSON::PP::decode_json($heard->{body});
    is $said->{metadata}{type}, 'credits.low.v1';
    is $said->{metadata}{eventId}, $vg->sql(q{select max(event_id::text) from vg.event where type = 'credits.low.v1'});
    like $heard->{body}, qr/"balance": ?1\.50/, 'with the digits that it has';
    unlike $vg->log, qr/\Q$hook->{secret}\E/, 'its secret is in no log';
};

sub deliveries { return $vg->get("$api/webhooks/$_[0]{id}/deliveries")->{json}{items} }

subtest 'its deliveries are kept, and told again' => sub {
    my $delivery = {};
    ok $n->soon(sub { ($delivery) = @{ deliveries($hook) }; ($delivery->{status} // "") eq 'SENT' });
    is_deeply [ map { $_->{outcome} } @{ $delivery->{attempts} } ], ['SENT'];
    my $r = $vg->post("$api/webhooks/$hook->{id}/deliveries/$delivery->{id}/redeliver");
    is $r->{status}, 202 or diag $r->{body};
    ok $n->soon(sub { my @all = $world->requests(qr{^/ok}); @all == 2 && deliveries($hook)->[0]{status} eq 'SENT' }), 'once more';
    my @heard = $world->requests(qr{^/ok});
    is $heard[0]{body}, $heard[1]{body}, 'the same to the byte';
    is scalar(@{ deliveries($hook)->[0]{attempts} }), 2;
    is $vg->post("$api/webhooks/$hook->{id}/deliveries/$hook->{id}/redeliver")->{status}, 404;
};

subtest 'one whose server fails' => sub {
    my %at = map { $_->[0] => $vg->post("$api/webhooks", { url => $world->url($_->[1]) })->{json} }
        [ later => '/fail/1/later' ], [ never => '/status/410' ], [ silent => '/close' ];
    $vg->patch("$api/webhooks/$hook->{id}", { enabled => JSON::PP::false() });
    low();
    ok $n->soon(sub { (deliveries($at{later})->[0]{status} // '') eq 'SENT' }, 30), 'is told the next time' or diag explain deliveries($at{later});
    is_deeply [ map { $_->{outcome} } @{ deliveries($at{later})->[0]{attempts} } ], [qw(FAILED SENT)];
    ok $n->soon(sub { (deliveries($at{never})->[0]{status} // '') eq 'FAILED' }), 'what refuses is not asked again';
    is scalar(@{ deliveries($at{never})->[0]{attempts} }), 1;
    ok $n->soon(sub { (deliveries($at{silent})->[0]{status} // '') eq 'FAILED' }, 60), 'what says nothing is given up' or diag explain deliveries($at{silent});
    is scalar(grep { $_->{outcome} eq 'FAILED' } @{ deliveries($at{silent})->[0]{attempts} }), 8, 'after eight tries';
    is scalar(@{ deliveries($hook) }), 1, 'and one that is off is told nothing';
    $vg->delete("$api/webhooks/$_->{id}") for values %at;
};

subtest 'a company\'s hears its own' => sub {
    my %as = (Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'o', company => '019393c0-0000-7000-8000-000000000002'));
    my $r = $vg->post("$api/webhooks", { url => $world->url('/ok?south') }, \%as)->{json};
    low();
    $n->tell('credits.low.v1', { customerId => 'x', operatorId => '019393c0-0000-7000-8000-000000000002', balance => 1, currency => 'EUR' });
    ok $n->soon(sub { $world->requests(qr/south/) }), 'what is its company\'s';
    is scalar($world->requests(qr/south/)), 1, 'and nothing else';
};

unlike $vg->log, qr/\.lua:\d+/, 'no fault';
done_testing;
