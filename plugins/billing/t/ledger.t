# The books by themselves: billing.move() as the plugin's role calls it, from
# one connection and from many.

use strict;
use warnings;

use DBI;
use POSIX ();
use Test::More;

use Voltgate;

my $vg = Voltgate->start(plugins => ['billing']);

# as the gateway does: its login, in the plugin's role
sub gate {
    my $dbh = $vg->_connect($vg->{owner_url} =~ s/user=\S+/user=vg_gate/r);
    $dbh->do(q{set search_path = ''});
    $dbh->do('set role vg_billing');
    return $dbh;
}

my $gate = gate();
my $uuid = '019393c0-0000-7000-8000-%012d';

# move(reference, part, from, to, amount, currency): 1, 0, or what was violated
sub move {
    my ($n, $part, $from, $to, $amount, $currency, $dbh) = @_;
    $dbh ||= $gate;
    my $moved = eval {
        ($dbh->selectrow_array('select billing.move($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), $10)', undef, 'TOP_UP',
            sprintf($uuid, $n), $part, @$from, @$to, $amount, $currency // 'EUR', 'test'))[0];
    };
    return $moved if defined $moved;
    return $dbh->errstr =~ /constraint "(\w+)"/ ? $1 : $dbh->state;
}

sub balance { return $vg->sql('select balance from billing.account where kind = $1 and owner = $2 and currency = $3', @_, 'EUR') }
sub faults  { return scalar $vg->rows('select * from billing.fault') }

my ($provider, $credit, $held) = ([ PROVIDER => 'sandbox' ], [ CREDIT => 'a' ], [ HELD => 'a' ]);

subtest 'a movement is made once for its reference, kind and part' => sub {
    is move(1, 'a', $provider, $credit, 10), 1;
    is move(1, 'a', $provider, $credit, 10), 0, 'not again';
    is move(1, 'a', $provider, $credit, 99), 0, 'nor with another amount';
    is balance(CREDIT => 'a'), '10.00', 'with the digits of its currency';
    is move(1, 'b', $provider, $credit, 5), 1, 'another part is another movement';
    is balance(CREDIT => 'a'), '15.00';
    is move(2, 'a', $provider, $credit, 0), 0, 'nothing moves nothing';
    is $vg->sql('select count(*) from billing.transfer'), 2;
    is faults(), 0;
};

subtest 'credit and what is held never go below zero, debts do' => sub {
    is move(3, 'a', $credit, $held, 15.01), 'credit_short';
    is move(3, 'a', $held, $credit, 0.01), 'credit_short';
    is $vg->sql('select count(*) from billing.transfer where reference = $1', sprintf $uuid, 3), 0, 'and leave nothing behind';
    is move(3, 'a', $credit, $held, 15), 1, 'all of it may be held, under the same reference';
    is balance(CREDIT => 'a') . ' ' . balance(HELD => 'a'), '0.00 15.00';
    is move(4, 'net', [ RECEIVABLE => 'a' ], [ REVENUE => 'issuer' ], 7), 1;
    is balance(RECEIVABLE => 'a'), '-7.00';
    is balance(REVENUE => 'issuer'), undef, 'what all share has no balance to wait for';
    is faults(), 0;
};

subtest 'amounts have the digits of their currency' => sub {
    for (([ 0.001, 'EUR', '22023' ], [ 0.5, 'JPY', '22023' ], [ 0.0001, 'KWD', '22023' ], [ 0.001, 'KWD', 1 ], [ 5, 'JPY', 1 ],
        [ 0.01, 'XTS', 1 ], [ -1, 'EUR', 'transfer_amount' ], [ 'NaN', 'EUR', 'transfer_amount' ], [ undef, 'EUR', '23502' ]))
    {
        my ($amount, $currency, $what) = @$_;
        is move(5, $currency, $provider, $credit, $amount, $currency), $what, ($amount // 'nothing') . " $currency: $what";
    }
    is move(6, 'a', $credit, [ NOWHERE => 'a' ], 1), 'account_kind', 'accounts are of the kinds that there are';
    is move(6, 'a', $credit, [ CREDIT => 'b' ], 1), '22023', 'nobody pays into another\'s';
    is faults(), 0;
};

subtest 'nobody writes the books by hand' => sub {
    my %what = (
        q{update billing.account set balance = 1000000}                                                  => '42501',
        q{insert into billing.account (kind, owner, currency, balance) values ('CREDIT', 'b', 'EUR', 9)} => '42501',
        q{delete from billing.entry}                                                                     => '42501',
        q{insert into billing.entry (transfer_id, account_id, amount) values (1, 1, 1)}                  => '42501',
        q{update billing.transfer set amount = 1}                                                        => '42501',
        q{truncate billing.entry}                                                                        => '42501',
    );
    for (sort keys %what) {
        my $state = eval { $gate->do($_); 1 } ? '' : $gate->state;
        is $state, $what{$_}, $_;
    }
    for (q{update billing.entry set amount = amount * 2}, q{delete from billing.entry}, q{delete from billing.transfer}) {
        ok !eval { $vg->sql($_); 1 }, "$_: not as their owner either";
        like $@, qr/what was moved stays moved/;
    }
};

subtest 'the view of faults sees them' => sub {
    my $dbh = $vg->dbh;
    my %wrong = (
        account  => q{update billing.account set balance = balance + 1 where kind = 'HELD' and owner = 'a'},
        currency => q{insert into billing.entry (transfer_id, account_id, amount)
            select max(t.id), (select min(id) from billing.account where kind = 'PROVIDER'), 1 from billing.transfer t
            where t.reference = '019393c0-0000-7000-8000-000000000004'},
        transfer => q{insert into billing.transfer (kind, reference, part, amount, currency, at, correlation_id)
            values ('HOLD', gen_random_uuid(), '', 1, 'EUR', now(), 'test')},
    );
    for my $what (sort keys %wrong) {
        $dbh->begin_work;
        $dbh->do($wrong{$what});
        cmp_ok scalar(@{ $dbh->selectall_arrayref('select which from billing.fault where what = $1', undef, $what) }), '>', 0, $what;
        $dbh->rollback;
    }
    is faults(), 0;
};

subtest 'a payer is known from then on, once' => sub {
    my $known = sub { join ' ', map { $_ // '-' } $gate->selectrow_array('select p.id, p.kind, p.terms
        from billing.payer_known($1, $2) p', undef, @_) };
    is $known->('a', undef), 'a CUSTOMER PREPAID';
    is $known->('a', 'c'), 'c COMPANY ACCOUNT', 'the company, where it is on its account';
    is $known->('b', 'c'), 'c COMPANY ACCOUNT';
    is $known->(undef, undef), '- - -', 'nobody is nobody';
    is $vg->sql('select count(*) from billing.payer'), 2;
};

# ------------------------------------------------------------------- crowds

# each(children, sub(dbh, child)): the lines that each child prints
sub crowd {
    my ($children, $sub) = @_;
    my @pipes = map {
        my $child = $_;
        my $pid = open(my $pipe, '-|') // die "fork: $!";
        if (!$pid) {
            srand $child;
            eval { $sub->(gate(), $child); 1 } or print "died: $@";
            $| = 1;
            print '';
            POSIX::_exit(0);
        }
        $pipe;
    } 1 .. $children;
    my @lines = map { my $pipe = $_; <$pipe> } @pipes;
    chomp @lines;
    close $_ for @pipes;
    return @lines;
}

sub tally { my %n; $n{$_}++ for @_; return \%n }

subtest 'twenty want the last ten: ten have it' => sub {
    is move(100, 'a', $provider, [ CREDIT => 'x' ], 10), 1;
    my @lines = crowd(20, sub {
        my ($dbh, $child) = @_;
        print move(100 + $child, 'a', [ CREDIT => 'x' ], [ HELD => 'x' ], 1, 'EUR', $dbh), "\n";
    });
    is_deeply tally(@lines), { 1 => 10, credit_short => 10 };
    is balance(CREDIT => 'x') . ' ' . balance(HELD => 'x'), '0.00 10.00';
};

subtest 'twenty want the same one: one has it' => sub {
    my @lines = crowd(20, sub {
        my ($dbh) = @_;
        print move(200, 'a', $provider, [ CREDIT => 'y' ], 3, 'EUR', $dbh), "\n";
    });
    is_deeply tally(@lines), { 1 => 1, 0 => 19 };
    is balance(CREDIT => 'y'), '3.00';
};

# Both ways between accounts that are made meanwhile, and several in one commit.
subtest 'in all directions at once nobody stands in another\'s way' => sub {
    my @lines = crowd(8, sub {
        my ($dbh, $child) = @_;
        for my $n (1 .. 100) {
            my $p = 'p' . int rand 5;
            my @ways = ([ $provider, [ CREDIT => $p ] ], [ [ CREDIT => $p ], [ HELD => $p ] ], [ [ HELD => $p ], [ CREDIT => $p ] ],
                [ [ HELD => $p ], [ RECEIVABLE => $p ] ], [ [ RECEIVABLE => $p ], [ CREDIT => $p ] ],
                [ [ RECEIVABLE => $p ], [ REVENUE => "i$p" ] ]);
            my $many = rand() < 0.5;
            $dbh->begin_work if $many;
            my $said;
            for my $part (1 .. ($many ? 3 : 1)) {
                # also such as another may be at just then
                $said = move(1000 * int(rand 8) + $n, $part, @{ $ways[ rand @ways ] }, 1 + int rand 9, 'EUR', $dbh);
                print "$said\n";
                last if $said !~ /^[01]$/;
            }
            next if !$many;
            $said =~ /^[01]$/ ? $dbh->commit : $dbh->rollback;
        }
    });
    my $tally = tally(@lines);
    cmp_ok $tally->{1} // 0, '>', 300, 'most are made';
    cmp_ok $tally->{credit_short} // 0, '>', 10, 'some are short';
    delete @$tally{qw(0 1 credit_short)};
    is_deeply $tally, {}, 'and nothing else was heard, no deadlock above all';
    is $vg->sql(q{select count(*) from billing.account where kind in ('CREDIT', 'HELD') and balance < 0}), 0;
    is faults(), 0;
    is $vg->sql(q{select count(*) from (select e.balance, sum(e.amount) over (partition by e.account_id order by e.transfer_id) as sum
        from billing.entry e) s where s.balance <> s.sum}), 0, 'each balance that was noted is the sum up to there';
    cmp_ok $vg->sql('select sum(amount) from billing.entry'), '==', 0, 'all adds up to nothing';
};

$gate->disconnect;    # it is not ours to end
done_testing;
