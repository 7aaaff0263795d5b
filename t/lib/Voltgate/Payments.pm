package Voltgate::Payments;

# A gateway that pays by a provider which is not there (Voltgate::Provider), and
# what its tests share: payments that meet faults, until they are settled, and
# whether the books of both agree.
#
#   my $p = Voltgate::Payments->start(job => 'tries=3');  # $p->{vg}, $p->{provider}
#                                   webhooks => 1: also by those, as hear() says
#   my $cell = $p->begun('stripe', 'capture', 'lost');    # a charge of an amount of its own
#   $p->settle($cell, …);                                 # dies not; a test each
#   $p->ended($cell); $p->agree;
#
# steps: order, authorise, capture, and of a payment that was made first cancel,
# refund (of 3.00), part (half of it is captured): later() asks for these.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Provider;

my $api = '/api/v1/billing';

my %of = (
    stripe   => { driver => 'driver-s', currency => 'EUR', token => 'pm_ok',           steps => [qw(authorise capture cancel refund part)] },
    razorpay => { driver => 'driver-r', currency => 'INR', token => 'cust_1/token_ok', steps => [qw(order authorise capture refund part)] },
);
my @faults = qw(hang silent lost half slow late error acted kept closed twice refuse);
my @heard  = qw(first doubled);    # of what is told beside the answer

# in the end: status, the share that is captured, what is given back (minor units)
my %end = (
    order => [ 'CAPTURED', 1, 0 ], authorise => [ 'CAPTURED', 1, 0 ], capture => [ 'CAPTURED', 1, 0 ],
    cancel => [ 'CANCELLED', 0, 0 ], refund => [ 'CAPTURED', 1, 300 ], part => [ 'CAPTURED', 0.5, 0 ],
);

sub start {
    my ($class, %opts) = @_;

    my $provider = Voltgate::Provider->start;
    my $targets  = $provider->conf(timeout => '1s', tries => 1, window => 20, open => '1s') . $provider->hooks_conf;
    my $job      = $opts{job} // 'tries=3';
    my $vg       = Voltgate->start(plugins => ['billing'], extra => { http => "$targets
        voltgate_setting billing.providers \"sandbox stripe razorpay\";
        voltgate_job payment.push concurrent=32 lease=50s $job;" });
    my $self = bless { vg => $vg, provider => $provider, amount => 1000 }, $class;
    $self->method($_, $of{$_}{token}) for sort keys %of;
    $self->hear if $opts{webhooks};
    return $self;
}

# its webhooks from now on
sub hear { my ($self) = @_; return $self->{provider}->webhooks($self->{vg}->url("$api/webhooks")) }

sub steps  { return @{ $of{ $_[1] }{steps} } }
sub faults { return @faults }

sub as {
    my ($self, $shape) = @_;
    return $self->{as}{$shape} ||= { Authorization => 'Bearer ' . $self->{vg}->token(role => 'driver', subject => $of{$shape}{driver}) };
}

sub method {
    my ($self, $shape, $token) = @_;
    my $r = $self->{vg}->post("$api/payment-methods", { provider => $shape, token => $token }, $self->as($shape));
    $r->{status} == 201 or die "a method: $r->{status} $r->{body}";
    return $r->{json}{id};
}

# a charge that meets a fault at a step, alone by its amount (minor units)
sub begun {
    my ($self, $shape, $step, $fault, %more) = @_;

    my $amount = delete $more{minor} || ++$self->{amount};
    my $cell   = { shape => $shape, step => $step, fault => $fault, amount => $amount, name => "$shape: $fault at $step" };
    $self->{provider}->fault($fault, op => $step eq 'part' ? 'capture' : $step, shape => $shape, amount => $amount,
        ms => $fault eq 'late' ? 1500 : 600) if $fault ne 'none';
    my $r = $self->{vg}->post("$api/charge", { amount => $amount / 100, currency => $of{$shape}{currency},
        capture => $step =~ /cancel|part|hold/ ? JSON::PP::false : JSON::PP::true, %more }, $self->as($shape));
    $r->{status} == 202 or die "$cell->{name}: $r->{status} $r->{body}";
    $cell->{id} = $r->{json}{id};
    return $cell;
}

# what is asked of a payment that was made; a test
sub later {
    my ($self, $cell) = @_;

    my $r = { status => 202 };
    my $as = $self->as($cell->{shape});
    $r = $self->{vg}->post("$api/cancel", { paymentId => $cell->{id} }, $as) if $cell->{step} eq 'cancel';
    $r = $self->{vg}->post("$api/refunds", { paymentId => $cell->{id}, amount => 3 }, $as) if $cell->{step} eq 'refund';
    $self->wish($cell, 'CAPTURED', int($cell->{amount} / 2) / 100) if $cell->{step} eq 'part';
    is $r->{status}, 202, "$cell->{name}: accepted" or diag $r->{body};
    return;
}

# a wish that no route has: what holds do
sub wish {
    my ($self, $cell, $wanted, $capture, $refund) = @_;
    $self->{vg}->sql('select billing.intent_wish($1, $2, $3, $4, now())', $cell->{id}, $wanted, $capture, $refund);
    return $self->pushed($cell);
}

sub pushed {
    my ($self, $cell) = @_;
    $self->{vg}->sql(q{insert into vg.job (plugin, kind, key, payload, correlation_id)
        values ('billing', 'payment.push', $1::uuid::text, jsonb_build_object('intentId', $1::uuid), 'test') on conflict do nothing}, $cell->{id});
    return;
}

sub is_so { my ($self, $cell) = @_; return $self->{vg}->get("$api/payments/$cell->{id}")->{json} }

# All of them at once, until they are settled. What stands still is tried again,
# as an operator would, and as if a quarter of an hour had gone.
sub settle {
    my ($self, @cells) = @_;

    my $vg    = $self->{vg};
    my $asked = time;
    my $left;
    my $done = $vg->wait_for(sub {
        $left = $vg->sql('select count(*) from billing.intent where not settled and id = any ($1)', [ map { $_->{id} } @cells ]);
        if ($left && time - $asked > 5) {
            $self->_aged(map { $_->{id} } @cells);
            $vg->post("$api/payments/$_->{id}/retry", undef) for grep { !$self->is_so($_)->{settled} } @cells;
            $asked = time;
        }
        return !$left;
    }, 40);
    ok $done, 'all are settled' or diag join "\n", map { $_->{name} } grep { !$self->is_so($_)->{settled} } @cells;
    return;
}

# As if a quarter of an hour had gone, of those for which nobody asks just now: in
# that time a call has come about or has not.
sub _aged {
    my ($self, @ids) = @_;

    my $vg   = $self->{vg};
    my $idle = sub {
        return map { $_->{id} => $_->{jobs} } $vg->rows(q{select i.id,
                coalesce(string_agg(concat_ws(' ', j.id, j.tries), ', ' order by j.id), '') as jobs
            from billing.intent i left join vg.job j on j.plugin = 'billing' and j.payload ->> 'intentId' = i.id::text and j.dead_at is null
            where not i.settled and i.id = any ($1) group by i.id having count(j.lease) = 0}, \@ids);
    };
    my %before = $idle->();
    # whatever had been sent to the provider is read by now, and has acted
    $vg->wait_for(sub { !$self->{provider}->late && !$self->{provider}->late }, 10);
    $vg->dbh->begin_work;
    $vg->sql('lock table vg.job in share row exclusive mode');
    my %now = $idle->();
    $vg->sql(q{update billing.intent set waits = 10, claimed_at = claimed_at - interval '15 minutes' where id = any ($1)},
        [ grep { ($before{$_} // '-') eq $now{$_} } sort keys %now ]);
    $vg->dbh->commit;
    return;
}

# the provider's view of it: what it took, gave back, and how often
sub theirs {
    my ($self, $cell) = @_;
    my @all = $self->{provider}->intent($cell->{id});
    my %sum = (times => scalar(grep { $_->{captured} } @all), open => scalar(grep { $_->{status} eq 'requires_capture' } @all));
    $sum{made} = grep { $_->{status} ne 'failed' } @all;
    $sum{net} += $_->{captured} - $_->{refunded} for @all;
    return { net => 0, %sum };
}

sub ended {
    my ($self, $cell) = @_;

    my ($status, $share, $refunded) = @{ $end{ $cell->{step} } };
    ($status, $share) = ('FAILED', 0) if $cell->{fault} eq 'refuse' && $cell->{step} =~ /order|authorise/;
    my $captured = $share == 0.5 ? int($cell->{amount} / 2) : $share * $cell->{amount};
    my $is       = $self->is_so($cell);
    my $theirs   = $self->theirs($cell);
    is sprintf('%s %.0f %.0f', $is->{status}, $is->{captured} * 100, $is->{refunded} * 100), "$status $captured $refunded", $cell->{name};
    is $theirs->{net}, $captured - $refunded, "$cell->{name}: the provider says so too";
    cmp_ok $theirs->{times}, '<=', 1, "$cell->{name}: captured once at most";
    is $theirs->{open}, 0, "$cell->{name}: nothing is left authorised";
    # what acts after it was looked at cannot be known of: it is not captured, and lapses
    cmp_ok $theirs->{made}, '<=', $cell->{shape} eq 'razorpay' && $cell->{fault} eq 'late' ? 2 : 1, "$cell->{name}: authorised once";
    return;
}

# the books of both, and ours by themselves
sub agree {
    my ($self) = @_;

    my $vg    = $self->{vg};
    my $books = $self->{provider}->books;
    for my $shape (sort keys %of) {
        my $net = 0;
        $net += $_->{captured} - $_->{refunded} for grep { $_->{shape} eq $shape } @{ $books->{payments} };
        my $ours = $vg->sql(q{select coalesce(-sum(e.amount), 0) * 100 from billing.account a join billing.entry e on e.account_id = a.id
            where a.kind = 'PROVIDER' and a.owner = $1}, $shape);
        cmp_ok $ours, '==', $net, "$shape: the books agree, at $net";
    }
    is $vg->sql('select count(*) from billing.fault'), 0, 'and stand';
    is $vg->sql(q{select coalesce(sum(balance), 0) from billing.account where kind = 'HELD'}) + 0, 0, 'and nothing is kept apart';
    return;
}

# each fault at each step of a shape
sub bad_days {
    my ($self, $shape) = @_;

    $self->all_days($shape, 'none', @faults);
    $self->hear;
    $self->all_days($shape, @heard);
    $self->agree;
    return;
}

sub all_days {
    my ($self, $shape, @days) = @_;

    my @cells;
    for my $step ($self->steps($shape)) {
        push @cells, $self->begun($shape, $step, $_) for @days;
    }
    $self->settle(@cells);
    my @later = grep { $_->{step} =~ /cancel|refund|part/ } @cells;
    $self->later($_) for @later;
    $self->settle(@later);
    is $self->{provider}->faults, 0, 'each fault was met';
    $self->ended($_) for @cells;
    return;
}

1;
