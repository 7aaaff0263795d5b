package Voltgate::Books;

# Random operations on the books of billing, by a seed: one client, which notes
# what it was told came of each. What an operation moves bears its name as
# correlation id, so each can be found again.
#
#   my $books = Voltgate::Books->new($vg, client => 3, seed => 7, file => $path);
#   $books->run(1000);            # lines of file: name, payer, currency, and what
#                                 # CREDIT, HELD and RECEIVABLE gained by it
#
# A connection that breaks leaves an operation unknown. What may be said twice
# is said again, under the same name; the rest is not noted, and nothing else is
# done about it. What is refused is noted as having moved nothing.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

my %digits = (EUR => 2, JPY => 0, KWD => 3);

# how often of a hundred
my @kinds = (top_up => 31, note => 3, pay => 9, settle => 8, hold => 16, raise => 7, capture => 8, release => 4, lapse => 4,
    card_pay => 3, card_hold => 4, card_raise => 1, card_end => 1.5, card_release => 0.5);

sub new {
    my ($class, $vg, %self) = @_;
    srand 1000 * $self{seed} + $self{client};
    open $self{out}, '>>', $self{file} or die "$self{file}: $!";
    return bless { %self, vg => $vg, holds => {}, cards => {}, invoices => {} }, $class;
}

# who may be asked by whom; the last have cards, and are HTTP's
sub payers   { return map { "payer-$_" } 0 .. 9 }
my %token = ('card-0' => 'tok_good', 'card-1' => 'tok_short', 'card-2' => 'tok_capped', 'card-3' => 'tok_declined');
sub carded   { my @cards = sort keys %token; return @cards }
sub token    { return $token{ $_[1] } }
sub currency { return (sort keys %digits)[ rand keys %digits ] }

# so many of the least unit, as an amount
sub money {
    my ($units, $currency) = @_;
    my $digits = $digits{$currency};
    return $units if !$digits;
    my ($sign, $text) = ($units < 0 ? '-' : '', sprintf '%0*d', $digits + 1, abs $units);
    return $sign . substr($text, 0, -$digits) . '.' . substr $text, -$digits;
}

sub units {
    my ($money, $currency) = @_;
    my ($sign, $whole, $part) = $money =~ /^(-?)(\d+)(?:\.(\d+))?$/ or die "'$money' is no amount";
    my $digits = $digits{$currency};
    my $units  = $whole . substr(($part // '') . '0' x $digits, 0, $digits);
    die "$money has too many digits for $currency" if ($part // '') =~ /^.{$digits}.*[1-9]/;
    return $sign . ($units + 0);
}

sub run {
    my ($self, $count) = @_;
    for my $n (1 .. $count) {
        my ($roll, $payer, $currency, $units, $spare) =
            (rand 100, (payers())[ rand payers() ], currency(), 1 + int rand 5000, rand);
        my $kind;
        for (my $i = 0; $i < @kinds && $roll >= 0; $i += 2) { $kind = $kinds[$i]; $roll -= $kinds[ $i + 1 ] }
        $self->{name} = sprintf 'books-%d-%d', $self->{client}, $n;
        $self->{id}   = sprintf '%08x-%04x-7000-8000-%012x', $self->{seed}, $self->{client}, $n;
        $self->$kind($payer, $currency, $units, $spare);
        syswrite $self->{out}, "done $self->{name}\n";
    }
    return;
}

# --------------------------------------------------------------- operations

sub top_up {
    my ($self, $payer, $currency, $units, $spare) = @_;
    $self->ask(again => q{select billing.move('TOP_UP', $1, '', 'PROVIDER', 'books', 'CREDIT', $2, $3, $4,
        now() - $5 * interval '1 hour', $6)}, $self->{id}, $payer, money($units, $currency), $currency, int(100 * $spare), $self->{name})
        or return;
    return $self->noted($payer, $currency, $units, 0, 0);
}

# An invoice, and credit as far as it goes. Issued before: what it was paid then.
sub pay {
    my ($self, $payer, $currency, $units) = @_;
    my $row = $self->ask(again => q{select coalesce(u.used, v.paid) as used, billing.invoice_paid($1, coalesce(u.used, 0), now())
        from (select billing.invoice_issue('MANUAL', $1, '', $2, $3, null, $4::jsonb, '{}', now(), $5) as event offset 0) i
        cross join lateral (select case when i.event is not null
            then billing.credit_use($3, $1, $6, $7, now(), $5) end as used offset 0) u
        left join billing.invoice v on v.id = $1},
        $self->{id}, 'issuer-' . $self->{client} % 3, $payer, $self->bill($units, $currency), $self->{name},
        money($units, $currency), $currency) or return;
    my $used = units($row->{used}, $currency);
    $self->{invoices}{ $self->{id} } = { payer => $payer, currency => $currency, left => $units, paid => $used };
    return $self->noted($payer, $currency, -$used, 0, $used - $units);
}

# the same, as billing does it by itself
sub settle {
    my ($self, $payer, $currency, $units) = @_;
    my $paid = $self->settled(MANUAL => $self->{id}, $payer, $currency, $units) // return;
    $self->{invoices}{ $self->{id} } = { payer => $payer, currency => $currency, left => $units, paid => $paid };
    return $self->noted($payer, $currency, -$paid, 0, $paid - $units);
}

# issued and settled in one commit; what was paid at once
sub settled {
    my ($self, $kind, $subject, $payer, $currency, $units) = @_;
    $self->ask(again => q{with issued as materialized (
            select (billing.invoice_issue($1, $2, '', $3, $4, null, $5::jsonb, '{}', now(), $6) -> 'payload' ->> 'invoiceId')::uuid as id
        )
        select billing.invoice_settle(i.id, 14, now(), $6)
        from issued i
        where i.id is not null},
        $kind, $subject, 'issuer-' . $self->{client} % 3, $payer, $self->bill($units, $currency), $self->{name}) or return;
    my $row = $self->ask(again => 'select paid from billing.invoice where subject_id = $1', $subject) or return;
    return units($row->{paid}, $currency);
}

# A credit note for one of its invoices, or a part of it. What was paid for more
# than is left of it goes back to credit.
sub note {
    my ($self, @drawn) = @_;
    my @ids = sort keys %{ $self->{invoices} } or return $self->pay(@drawn);
    my $id  = $ids[ $drawn[-1] * @ids ];
    my $invoice = delete $self->{invoices}{$id};
    my $units   = $drawn[2] < $invoice->{left} ? $drawn[2] : $invoice->{left};
    $self->ask(once => q{select billing.credit_note_issue($1, $2, null, $3, 'test', now(), $4)}, $self->{id}, $id,
        money($units, $invoice->{currency}), $self->{name}) or return;
    $invoice->{left} -= $units;
    my $back = $invoice->{paid} > $invoice->{left} ? $invoice->{paid} - $invoice->{left} : 0;
    $invoice->{paid} -= $back;
    $self->{invoices}{$id} = $invoice if $invoice->{left} > 0;
    return $self->noted(@$invoice{qw(payer currency)}, $back, 0, $units - $back);
}

sub hold {
    my ($self, $payer, $currency, $units) = @_;
    my $row = $self->ask(again => q{select h.amount, h.status from billing.hold_open('SESSION', $1, null, $2, null, 'issuer-0', $3, $4,
        1, now() + interval '1 day', now(), $5) h}, $self->{id}, $payer, $currency, money($units, $currency), $self->{name}) or return;
    my $held = units($row->{amount}, $currency);
    $self->{holds}{ $self->{id} } = { payer => $payer, currency => $currency, held => $held } if $row->{status} eq 'HELD';
    return $self->noted($payer, $currency, -$held, $held, 0);
}

# one of its own that it knows all about, or none
sub some_hold {
    my ($self, $spare) = @_;
    my @ids = sort keys %{ $self->{holds} } or return;
    my $id = $ids[ $spare * @ids ];
    return ($id, $self->{holds}{$id});
}

sub raise {
    my ($self, @drawn) = @_;
    my ($id, $hold) = $self->some_hold($drawn[-1]) or return $self->hold(@drawn);
    my $row = $self->ask(once => q{select h.amount from billing.hold_raise($1, $2, 80, now(), $3) h},
        $id, money($hold->{held}, $hold->{currency}), $self->{name}) or return delete $self->{holds}{$id};
    my $more = defined $row->{amount} ? units($row->{amount}, $hold->{currency}) - $hold->{held} : 0;
    $hold->{held} += $more;
    return $self->noted(@$hold{qw(payer currency)}, -$more, $more, 0);
}

# what its session cost, which may be more than is held: credit pays the rest
sub capture {
    my ($self, @drawn) = @_;
    my ($id, $hold) = $self->some_hold($drawn[-1]) or return $self->hold(@drawn);
    my ($units, $held) = ($drawn[2], $hold->{held});
    delete $self->{holds}{$id};
    my $paid = $self->settled(SESSION => $id, @$hold{qw(payer currency)}, $units) // return;
    die "$id: $paid is paid of $units, though $held is held" if $paid < ($units < $held ? $units : $held);
    return $self->noted(@$hold{qw(payer currency)}, $held - $paid, -$held, $paid - $units);
}

sub release {
    my ($self, @drawn) = @_;
    my ($id, $hold) = $self->some_hold($drawn[-1]) or return $self->hold(@drawn);
    delete $self->{holds}{$id};
    $self->ask(once => 'select billing.hold_release($1, now(), $2)', $id, $self->{name}) or return;
    return $self->noted(@$hold{qw(payer currency)}, $hold->{held}, -$hold->{held}, 0);
}

sub lapse {
    my ($self, $payer, $currency, undef, $spare) = @_;
    my $row = $self->ask(once => q{select a.id, billing.credit_lapse(a.id, now() - $3 * interval '1 hour', now(), $4) as gone
        from billing.account a where a.owner = $1 and a.kind = 'CREDIT' and a.currency = $2}, $payer, $currency,
        int(150 * $spare), $self->{name}) or return;
    return $self->noted($payer, $currency, defined $row->{gone} ? -units($row->{gone}, $currency) : 0, 0, 0);
}

# -------------------------------------------------------------------- cards

# What comes of these is known when their provider has said so: the end tells.
# Noted is what there must be in the end: an invoice of so much.

sub card { my ($self, $spare) = @_; my @cards = carded(); return $cards[ 997 * $spare % @cards ] }

sub card_pay {
    my ($self, undef, $currency, $units, $spare) = @_;
    defined $self->settled(MANUAL => $self->{id}, $self->card($spare), $currency, $units) or return;
    return $self->billed($self->{id}, $currency, $units);
}

sub card_hold {
    my ($self, undef, $currency, $units, $spare) = @_;
    my $payer = $self->card($spare);
    $self->ask(again => q{select (billing.hold_open('SESSION', $1, null, $2, null, 'issuer-0', $3, $4, 1, now() + interval '1 day',
        now(), $5)).id}, $self->{id}, $payer, $currency, money($units, $currency), $self->{name}) or return;
    $self->{cards}{ $self->{id} } = { payer => $payer, currency => $currency };
    return;
}

sub some_card {
    my ($self, $spare) = @_;
    my @ids = sort keys %{ $self->{cards} } or return;
    return $ids[ $spare * @ids ];
}

sub card_raise {
    my ($self, @drawn) = @_;
    my $id = $self->some_card($drawn[-1]) or return $self->card_hold(@drawn);
    $self->ask(again => 'select (billing.hold_raise($1, $2, 80, now(), $3)).id', $id,
        money($drawn[2], $self->{cards}{$id}{currency}), $self->{name});
    return;
}

sub card_end {
    my ($self, @drawn) = @_;
    my $id   = $self->some_card($drawn[-1]) or return $self->card_hold(@drawn);
    my $card = delete $self->{cards}{$id};
    defined $self->settled(SESSION => $id, @$card{qw(payer currency)}, $drawn[2]) or return;
    return $self->billed($id, $card->{currency}, $drawn[2]);
}

sub card_release {
    my ($self, @drawn) = @_;
    my $id = $self->some_card($drawn[-1]) or return $self->card_hold(@drawn);
    delete $self->{cards}{$id};
    $self->ask(again => 'select billing.hold_release($1, now(), $2)', $id, $self->{name});
    return;
}

sub billed {
    my ($self, $subject, $currency, $units) = @_;
    syswrite $self->{out}, join(' ', 'billed', $subject, $currency, money($units, $currency)) . "\n";
    return;
}

# 3/13 of it is tax: what an invoice's arithmetic says is not the matter here
sub bill {
    my ($self, $units, $currency) = @_;
    my $tax = int 3 * $units / 13;
    return sprintf '{"currency": "%s", "minorUnits": %d, "net": %s, "tax": %s, "total": %s, "taxUnknown": false, "lines": [],
        "taxes": [{"rate": 30, "base": %s, "amount": %s}]}',
        $currency, $digits{$currency}, map { money($_, $currency) } $units - $tax, $tax, $units, $units - $tax, $tax;
}

# -------------------------------------------------------------------- asking

# in the gateway's login and the plugin's role
sub dbh {
    my ($self) = @_;
    my $end = time + 60;
    while (!$self->{dbh} && time < $end) {
        $self->{dbh} = eval {
            my $dbh = $self->{vg}->_connect($self->{vg}{owner_url} =~ s/user=\S+/user=vg_gate application_name=books/r);
            $dbh->do($_) for q{set search_path = ''}, 'set role vg_billing';
            $dbh;
        };
        sleep 0.05 if !$self->{dbh};
    }
    return $self->{dbh} || die "no connection within a minute: $@";
}

# The row; an empty one for what was refused; nothing where it is not known. Of
# what may be said again some replies are lost, after all was done.
sub ask {
    my ($self, $how, $query, @values) = @_;
    my $lost = $how eq 'again' && ++$self->{asked} % 13 == 0;
    for (1 .. 50) {
        my $dbh = $self->dbh;
        my $row = eval {
            my $statement = $dbh->prepare_cached($query);
            $statement->execute(@values);
            $statement->fetchall_arrayref({})->[0] || {};
        };
        next if $row && $lost--;
        return $row if $row;
        my $error = $@;
        return $self->refused($1) if $error =~ /constraint "(credit_short|refund_too_high)"/;
        # terminated, shut down, cannot connect, gone: all but 08 and 57P are faults
        die "$self->{name}: $error" if $dbh->ping && $dbh->state !~ /^(?:08|57P)/;
        $self->{dbh} = undef;
        return if $how eq 'once';
    }
    die "$self->{name}: said 50 times in vain";
}

sub refused {
    my ($self, $why) = @_;
    syswrite $self->{out}, "refused $self->{name} $why\n";
    return;
}

sub noted {
    my ($self, $payer, $currency, @gains) = @_;
    syswrite $self->{out}, join(' ', 'moved', $self->{name}, $payer, $currency, map { money($_, $currency) } @gains) . "\n";
    return;
}

1;
