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

done_testing;
