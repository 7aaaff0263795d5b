# Numbers without gaps: two hundred issues at once for one issuer, of which
# some fail, some are told twice, and some lose their backend half way.

use strict;
use warnings;

use List::Util qw(uniq);
use POSIX ();
use Test::More;

use Voltgate;

my $vg = Voltgate->start;

my ($CHILDREN, $EACH) = (8, 25);
my $issuer  = 'numbers';
my $invoice = '{"currency":"EUR","minorUnits":2,"lines":[{"type":"ENERGY","price":1,"volume":5,"taxRate":19,"amount":5.00}],'
    . '"taxes":[{"rate":19,"base":5.00,"amount":0.95}],"net":5.00,"tax":0.95,"total":5.95,"taxUnknown":false}';

# What becomes of one: kept, kept although told twice, given back, cut off.
sub fate { return (qw(kept kept twice back kept killed kept))[ $_[0] % 7 ] }

sub issue {
    my ($dbh, $subject) = @_;
    my ($event) = $dbh->selectrow_array(q{select billing.invoice_issue('SESSION', $1, '', $2, 'driver-' || $3::int, null, $4::jsonb,
        '{}', now(), 'test') ->> 'aggregateId'}, undef, $subject, $issuer, hex(substr $subject, -4) % 10, $invoice);
    return $event;
}

# one child: its acknowledged invoices, a line each
sub child {
    my ($number, $to) = @_;
    my $dbh = $vg->_connect($vg->{owner_url});
    for my $n (map { $number * $EACH + $_ } 1 .. $EACH) {
        my $subject = sprintf '019393c0-0000-7000-8000-%012x', $n;
        my $fate    = fate($n);
        $dbh->begin_work;
        my $id = issue($dbh, $subject);
        if ($fate eq 'back') {
            $dbh->rollback;
            next;
        }
        if ($fate eq 'killed') {
            my ($pid) = $dbh->selectrow_array('select pg_backend_pid()');
            $vg->_connect($vg->{owner_url})->do('select pg_terminate_backend($1)', undef, $pid);
            eval { $dbh->commit; 1 } and syswrite $to, "not killed\n";
            $dbh = $vg->_connect($vg->{owner_url});
            next;
        }
        $dbh->commit;
        syswrite $to, "$subject\n";
        syswrite $to, "twice\n" if $fate eq 'twice' && defined issue($dbh, $subject);
    }
    return;
}

pipe my $from, my $to or die "pipe: $!";
my @pids = map {
    my $number = $_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        eval { child($number, $to); 1 } or do { print STDERR $@; syswrite $to, "died\n" };
        POSIX::_exit(0);
    }
    $pid;
} 0 .. $CHILDREN - 1;
close $to;
$SIG{ALRM} = sub { kill KILL => @pids };
alarm 50;
my @said = map { s/\n//r } <$from>;
waitpid $_, 0 for @pids;
alarm 0;

my @kept = grep { fate($_) =~ /kept|twice/ } 1 .. $CHILDREN * $EACH;
is_deeply [ grep { !/-/ } @said ], [], 'no child died, none issued twice, all that were killed were';
is scalar(@said), scalar(@kept), 'the others are acknowledged';
is $vg->sql('select count(*) from billing.invoice i where i.issuer = $1', $issuer), scalar(@kept), 'and there, and no other';
is scalar(uniq(map { $_->{subject_id} } $vg->rows('select i.subject_id from billing.invoice i where i.issuer = $1', $issuer))), scalar(@kept);
is $vg->sql('select i.last_number from billing.issuer i where i.issuer = $1', $issuer), scalar(@kept), 'the counter is where they end';
is $vg->sql(q{select count(*) from generate_series(1, $2::int) as n
    where not exists (select from billing.invoice i where i.issuer = $1 and i.sequence = n
        and i.number = 'INV-' || lpad(n::text, 8, '0'))}, $issuer, scalar(@kept)), 0, 'no number is missing';
is_deeply [ $vg->rows('select * from billing.fault') ], [], 'the books are right';
is $vg->sql(q{select -sum(a.balance) from billing.account a where a.kind = 'RECEIVABLE'}),
    $vg->sql('select sum(i.total - i.paid) from billing.invoice i'), 'and owe what was issued';

# In one transaction each, the second of which waits for the first: by that one's
# name or not at all, never a number under each.
subtest 'a prefix that changes while the first number is drawn' => sub {
    # what waits is asked for by a handle that is kept: it would be waited for otherwise
    my $asked = sub {
        my ($dbh, $waits, $query, @values) = @_;
        my $statement = $dbh->prepare($query, { pg_async => $waits });
        $statement->execute(@values);
        return $statement;
    };
    my %do = (
        change => sub { my ($dbh, $waits, $who) = @_; return $asked->($dbh, $waits, q{insert into billing.issuer as i (issuer, prefix)
            values ($1, 'NEW-') on conflict on constraint issuer_pkey do update set prefix = excluded.prefix}, $who) },
        draw   => sub { my ($dbh, $waits, $who, $subject) = @_; return $asked->($dbh, $waits, q{select billing.invoice_issue('SESSION', $1, '',
            $2, 'p', null, $3::jsonb, '{}', now(), 'test')}, $subject, $who, $invoice) });
    my @dbh = map { $vg->_connect($vg->{owner_url}) } 1, 2;
    my $n   = 0xffff;
    for my $known (0, 1) {
        for my $first (qw(change draw)) {
            my $who = "prefix-$known-$first";
            $dbh[0]->do('insert into billing.issuer (issuer) values ($1)', undef, $who) if $known;
            $_->begin_work for @dbh;
            my $subject = sprintf '019393c0-0000-7000-8000-%012x', ++$n;
            $do{$first}->($dbh[0], 0, $who, $subject);
            my $waits = $do{ $first eq 'change' ? 'draw' : 'change' }->($dbh[1], 1, $who, $subject);
            ok $vg->wait_for(sub { $vg->sql(q{select count(*) from pg_stat_activity where wait_event_type = 'Lock' and pid = $1}, $dbh[1]{pg_pid}) }, 10),
                "$who: one waits for the other";
            $dbh[0]->commit;
            my $ok = eval { local $dbh[1]{PrintError} = 0; $dbh[1]->pg_result; $dbh[1]->commit; 1 };
            $dbh[1]->rollback if !$ok;
            is $vg->sql(q{select string_agg(i.number, ' ') || ' ' || s.prefix || s.last_number from billing.invoice i
                join billing.issuer s on s.issuer = i.issuer where i.issuer = $1 group by s.issuer}, $who),
                $first eq 'change' ? 'NEW-00000001 NEW-1' : 'INV-00000001 INV-1', $first eq 'change' ? 'the new one' : 'the old one';
            is $ok || 0, $first eq 'change' ? 1 : 0, $first eq 'change' ? 'by both' : 'and the change is refused';
        }
    }
};

subtest 'numbers go on over the year, and over eight digits' => sub {
    my $draw = sub { my ($subject, $at) = @_; return $vg->sql(q{select billing.invoice_issue('SESSION', $1, '', 'years', 'p', null, $2::jsonb, '{}', $3, 'test')
        #>> '{payload,number}'}, sprintf('019393c0-0000-7000-8000-0000001%05d', $subject), $invoice, $at) };
    is $draw->(1, '2026-12-31T23:59:59Z'), 'INV-00000001';
    is $draw->(2, '2027-01-01T00:00:00Z'), 'INV-00000002';
    $vg->sql(q{update billing.issuer set last_number = 99999998 where issuer = 'years'});
    is_deeply [ map { $draw->($_, '2027-01-01T00:00:01Z') } 3, 4 ], [ 'INV-99999999', 'INV-100000000' ];
};

is_deeply [ $vg->rows('select * from billing.fault') ], [], 'the books are right';

done_testing;
