package Voltgate::Provider;

# A payment provider that is not there: provider.js (node, nothing but its own
# modules) on loopback, one process, which speaks two shapes over HTTP,
#
#   /stripe/v1/…     payment intents, refunds, balance transactions; forms
#   /razorpay/v1/…   orders, payments, refunds, settlements; JSON
#
# keeps real books in a file (each change is in it before the answer leaves, so
# it may be killed at any moment), remembers idempotency keys as the real ones
# do, and has bad days when it is told to.
#
#   my $provider = Voltgate::Provider->start;      # state => file, port => n
#   my $vg = Voltgate->start(extra => { http => $provider->conf });
#   my $vg = Voltgate->start(extra => { http => $provider->conf(timeout => '1s') });
#
# conf() is the two targets, stripe and razorpay, with their secrets' files;
# its words (timeout, tries, window …) go into both.
#
# Faults: each is met once, by the first call that fits, in the order in which
# they were set; times => n repeats it, after => n lets n calls that fit pass.
#
#   $provider->fault('lost', op => 'capture');                # either shape
#   $provider->fault('slow', op => 'authorise', shape => 'stripe', ms => 300);
#
#   hang    does nothing, says nothing        error   500, and did nothing
#   lost    acts, closes without a word       acted   acts, then 500
#   silent  acts, says nothing                kept    500, and says so again under the same key
#   half    acts, half an answer, closes      decline the card is declined
#   slow    acts after ms, answers then       twice   acts, answers twice
#   late    waits ms, then acts and answers   refuse  400, and did nothing
#   first   acts, sends the webhook, answers once that was taken
#   closed  closes without a word or a deed   doubled sends the webhook twice
#
# (slow acts at once and answers late; late acts late, also when the caller has
# gone.) op: order, authorise, capture, cancel, refund, look, any. amount => n
# (minor units, of the payment as it was authorised) is about that payment alone.
# $provider->chance(0.2, seed => 7, faults => ['lost', 'error', …]) gives each
# call of any op such a day with that chance, until chance(0). faults() says
# how many that were set were not met yet, late() how many wait to act.
#
# Cards by token (pm_… of stripe, token_… of razorpay, all that is not named
# here goes well): …_declined is declined; …_short has 50.00 (5000 minor
# units); …_expires is authorised, and its captures are refused;
# stripe's pm_action wants the customer. A token may name its customer before
# it: cus_1/pm_ok.
#
# Books:
#   $provider->books            # { payments => [{ shape, ref, intent, amount,
#                               #    currency, status, captured, refunded, at }], 
#                               #   refunds => [{ shape, ref, payment, amount, at }],
#                               #   calls => { authorise => n, … } of what was done }
#   $provider->books('stripe')  # of one shape alone; amounts are minor units
#   $provider->intent($id)      # its payments, of either shape
#   $provider->edit(ref => …, captured => …)   # makes its books wrong, for reconciliation
#   $provider->take_back($ref)  # the last refund of it did not reach the card
#   $provider->dispute($ref)    # its holder says that it was none of hers
# and in the providers' own shape, as reconciliation reads them, with the secret:
#   GET /stripe/v1/balance_transactions?created[gte]=&created[lt]=&limit=&starting_after=
#       (type charge or refund; source expanded: its payment_intent, metadata)
#   GET /razorpay/v1/settlements/recon/combined?year=&month=&day=&count=&skip=
#
# Webhooks: none until
#   $provider->webhooks($vg->url('/api/v1/billing/webhooks'))   # + /stripe, /razorpay
# to a gateway that knows their secrets (hooks_conf). Each change is then sent, signed with webhook_secret(shape), after the answer
# (or as a fault has it), and again until it is answered with 2xx, 5 times.
# sent() lists them: { shape, type, status, tries }. $provider->send(shape, id)
# sends an old one again.
#
# $provider->stop, ->kill (SIGKILL), ->restart: the books stay, faults go.

use strict;
use warnings;

use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(sleep time);

use Voltgate::Child qw(reaped);
use Voltgate::Ports;

my $json = JSON::PP->new->utf8->canonical;
my @running;

my %secret = (
    stripe   => 'sk_test_9f3c5a7e1b',
    razorpay => 'cnpwX3Rlc3RfOTpmM2M1YTdlMWI=',    # base64 of user:password
);
my %webhook_secret = (stripe => 'whsec_4be19c07', razorpay => 'rzp_hook_5d21a8');

sub start {
    my ($class, %opts) = @_;

    my $self = bless {
        owner => $$,
        port  => $opts{port} || free_port(),
        state => $opts{state} || "/tmp/voltgate-provider.$$." . scalar(@running),
        keep  => $opts{state} ? 1 : 0,
    }, $class;
    push @running, $self;
    for my $shape (sort keys %secret) {
        my $file = $self->secret_file($shape);
        open my $out, '>', $file or die "$file: $!\n";
        chmod 0600, $file;
        print {$out} $secret{$shape};
        close $out or die "$file: $!\n";
        open $out, '>', "$file.hook" or die "$file: $!\n";
        chmod 0600, "$file.hook";
        print {$out} $webhook_secret{$shape};
        close $out or die "$file: $!\n";
    }
    $self->restart;
    return $self;
}

sub port           { return $_[0]{port} }
sub url            { my ($self, $path) = @_; return "http://127.0.0.1:$self->{port}" . ($path // '') }
sub secret         { return $secret{ $_[1] } }
sub secret_file    { return "$_[0]{state}.$_[1]" }
sub webhook_secret { return $webhook_secret{ $_[1] } }

sub conf {
    my ($self, %words) = @_;
    my %prefix = (stripe => 'Bearer ', razorpay => 'Basic ');
    my $words  = join ' ', 'rate=10000', 'concurrent=64', map { "$_=$words{$_}" } sort keys %words;
    return join '', map {
        "voltgate_target $_ url=" . $self->url("/$_") . ' secret_file=' . $self->secret_file($_)
            . " header=Authorization \"prefix=$prefix{$_}\" $words;\n"
    } sort keys %prefix;
}

# with which its webhooks are signed, as billing knows it
sub hooks_conf {
    my ($self) = @_;
    return join '', map { "voltgate_secret billing.$_ " . $self->secret_file($_) . ".hook;\n" } sort keys %webhook_secret;
}

sub restart {
    my ($self) = @_;

    $self->stop;
    my $script = dirname(__FILE__) . '/../provider.js';
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        exec 'node', $script, $self->{port}, $self->{state}, $json->encode({ keys => \%secret, webhooks => \%webhook_secret })
            or die "node: $!\n";
    }
    my $end = time + 20;
    until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port})) {
        die "the provider does not start\n" if time > $end || waitpid($self->{pid}, 1) > 0;
        sleep 0.05;
    }
    return;
}

sub stop { return $_[0]->_end('TERM') }
sub kill { return $_[0]->_end('KILL') }    ## no critic

sub _end {
    my ($self, $signal) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    CORE::kill $signal, $self->{pid};
    reaped(delete $self->{pid}, 20);
    return;
}

# what a test says to it, beside the providers' own words
sub _say {
    my ($self, $method, $path, $body) = @_;
    my $r = HTTP::Tiny->new(timeout => 20)->request($method, $self->url("/_/$path"), $body ? { content => $json->encode($body) } : {});
    $r->{success} or die "the provider: $r->{status} $r->{content}\n";
    return $json->decode($r->{content});
}

sub fault   { my ($self, $fault, %more) = @_; return $self->_say(POST => 'faults', { fault => $fault, %more }) }
sub faults  { return $_[0]->_say(GET => 'faults')->{left} }
sub late    { return $_[0]->_say(GET => 'faults')->{late} }
sub mend    { return $_[0]->_say(POST => 'mend', {}) }
sub chance  { my ($self, $chance, %more) = @_; return $self->_say(POST => 'chance', { chance => $chance, %more }) }
sub books   { my ($self, $shape) = @_; return $self->_say(GET => 'books' . ($shape ? "?shape=$shape" : '')) }
sub intent  { my ($self, $id) = @_; return grep { ($_->{intent} // '') eq $id } @{ $self->books->{payments} } }
sub take_back { my ($self, $ref) = @_; return $self->_say(POST => 'takeback', { ref => $ref }) }
sub dispute { my ($self, $ref) = @_; return $self->_say(POST => 'dispute', { ref => $ref }) }
sub edit    { my ($self, %what) = @_; return $self->_say(POST => 'edit', \%what) }
sub webhooks { my ($self, $url) = @_; return $self->_say(POST => 'webhooks', { url => $url }) }
sub sent    { return @{ $_[0]->_say(GET => 'sent') } }
sub send    { my ($self, $shape, $id) = @_; return $self->_say(POST => 'send', { shape => $shape, id => $id }) }    ## no critic

END {
    my $status = $?;
    for my $self (grep { $_->{owner} == $$ } @running) {
        $self->kill;
        unlink $self->{keep} ? () : $self->{state}, map { ($self->secret_file($_), $self->secret_file($_) . '.hook') } keys %secret;
    }
    $? = $status;
}

1;
