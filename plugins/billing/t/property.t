# Ten thousand operations on the books, by clients that know nothing of each
# other, while their connections, workers and PostgreSQL are killed: in the end
# nothing is lost, nothing is there twice, and all adds up to nothing.
#
# BOOKS_SEED names a seed that was met before: the same operations, though not
# the same moments.
# Long: ten thousand operations.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Books;

my $seed = $ENV{BOOKS_SEED} || 1 + int rand 1e6;
diag "seed $seed";

my $vg = Voltgate->start(own_cluster => 1, plugins => ['billing'],
    extra => { http => 'voltgate_job payment.push tries=100;' });
$vg->expect(qr/exited on signal/);
my ($clients, $each) = (6, 1400);
my ($callers, $calls) = (2, 800);

# ------------------------------------------------------------------ clients

$vg->sql('select billing.payer_known($1, null)', $_) for Voltgate::Books->payers, Voltgate::Books->carded;
for my $payer (Voltgate::Books->carded) {
    $vg->sql(q{with way as (insert into billing.method (id, payer, provider, token, created_at)
            values (vg.uuid7(), $1, 'sandbox', $2, now()) returning id)
        update billing.payer set method_id = (select id from way) where id = $1}, $payer, Voltgate::Books->token($payer));
}
my $admin = $vg->admin;

sub begin {
    my ($sub) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    local $SIG{__WARN__} = sub { warn @_ if "@_" !~ /terminating connection|no connection to the server/ };
    eval { $sub->(); 1 } or do { print STDERR "# $@"; POSIX::_exit(1) };
    POSIX::_exit(0);
}

# a call is made until it is answered, with the same key
sub call {
    my ($client, $n) = @_;
    my $payer = (Voltgate::Books->carded)[ rand Voltgate::Books->carded ];
    my ($path, $units) = (rand() < 0.7 ? 'top-up' : 'refunds', 1 + int rand 5000);
    my $name = "call-$client-$n";
    my ($end, $asked, $r) = (time + 120, 0);
    while (time < $end) {
        $r = $vg->post("/api/v1/billing/credits/$path",
            { customerId => $payer, currency => 'EUR', amount => $units / 100 },
            { 'Idempotency-Key' => "$seed-$name", 'X-Correlation-ID' => $name });
        next if $n % 13 == 0 && !$asked++;    # that answer is lost
        return "$name $path $payer $r->{status} " . ($r->{json}{id} // '-') . ' ' . ($r->{status} == 202 ? $r->{json}{amount} : 0)
            if $r->{status} < 500;
        delete $vg->{client};
        sleep 0.1;
    }
    die "$name was not answered in two minutes: $r->{status} $r->{body}";
}

my %file = map { $_ => "$vg->{state}/books.$_" } 1 .. $clients + $callers;
$_ && $_->disconnect for delete $vg->{dbh};
my $began = time;
my %pids;
for my $client (1 .. $clients) {
    $pids{ begin(sub { Voltgate::Books->new($vg, client => $client, seed => $seed, file => $file{$client})->run($each) }) } = 1;
}
for my $client ($clients + 1 .. $clients + $callers) {
    $pids{ begin(sub {
        srand 1000 * $seed + $client;
        $vg->{client} = $vg->client(fresh => 1);
        open my $out, '>', $file{$client} or die $!;
        syswrite $out, call($client, $_) . "\n" for 1 .. $calls;
    }) } = 1;
}

# ------------------------------------------------------------- disturbances

sub lines {
    my $count = 0;
    for my $path (values %file) {
        open my $lines, '<', $path or next;
        while (defined(my $line = <$lines>)) { $count++ }
    }
    return $count;
}

my %done = (connections => 0, workers => 0, crashes => 0);
my $failed = 0;

sub reap {
    for my $pid (keys %pids) {
        next if waitpid($pid, POSIX::WNOHANG()) == 0;
        delete $pids{$pid};
        $failed++ if $?;
    }
    return;
}

while (%pids && time < $began + 240) {
    sleep 0.3 + rand 0.4;
    reap();
    if (!$done{crashes} && lines() > 5000) {
        $vg->pg_stop('immediate');
        $vg->pg_start;
        $done{crashes}++;
    } elsif (rand() < 0.8) {
        my $dba = $vg->dba;
        $done{connections} += ($dba->selectrow_array(q{select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity
            where usename = 'vg_gate' and (application_name = 'books' or random() < 0.2) order by random() limit 3) a}))[0];
        $dba->disconnect;
    } else {
        my @workers = $vg->workers;
        $vg->kill_worker($workers[ rand @workers ]), $done{workers}++ if @workers;
    }
}
kill KILL => keys %pids;
is scalar keys %pids, 0, 'all clients have come to an end';
is $failed, 0, 'none met what it did not expect';
diag sprintf '%.1f s, killed: %s', time - $began, join ', ', map { "$_ $done{$_}" } sort keys %done;
cmp_ok $done{$_}, '>', 0, "$_ were killed" for sort keys %done;

# ----------------------------------------------------------------- accounts

my (@moved, @billed, @called, $operations, %refused);
for my $file (values %file) {
    open my $lines, '<', $file or next;
    while (my $line = <$lines>) {
        my @words = split ' ', $line;
        if    ($words[0] eq 'moved')   { push @moved, [ @words[ 1 .. $#words ] ] }
        elsif ($words[0] eq 'billed')  { push @billed, [ @words[ 1 .. $#words ] ] }
        elsif ($words[0] eq 'done')    { $operations++ }
        elsif ($words[0] eq 'refused') { $refused{ $words[2] }++ }
        else                           { push @called, \@words; $operations++ }
    }
}
is $operations, $clients * $each + $callers * $calls, 'so many operations';
diag sprintf '%d operations, %d moved something or said that they did not, refused: %s; calls: %s', $operations, scalar @moved,
    join(' ', %refused), join ' ', do { my %s; $s{"$_->[1] $_->[3]"}++ for @called; map { "$_ x $s{$_}," } sort keys %s };

$vg->wait_for(sub { eval { $vg->client(fresh => 1)->get($vg->url('/ready'))->{status} == 200 } }, 30) or fail 'it is ready again';

# Whoever died with a payment in hand would have it for another minute; that it
# is taken from those who live, too, is no harm.
ok $vg->wait_for(sub {
    $vg->sql(q{update vg.job set next_at = now() where dead_at is null and next_at > now() + interval '2 s'});
    return $vg->sql(q{select not exists (select from billing.intent where not settled)
        and not exists (select from vg.outbox) and not exists (select from vg.job where dead_at is null)
        and not exists (select from vg.cursor c where c.consumer = 'billing' and c.pos < (select max(e.pos) from vg.event e))});
}, 90),
    'all payments are settled, and all has been heard'
    or diag explain [ $vg->rows(q{select purpose, wanted, status, captured, to_refund, refunded, failure, doubt, tries, waits, j.error, j.tries as job_tries, j.next_at - now() as due
        from billing.intent i left join vg.job j on j.key = i.id::text where not i.settled limit 3}) ];
diag sprintf 'all is settled after %.1f s', time - $began;

subtest 'the books stand' => sub {
    is_deeply [ $vg->rows('select * from billing.fault') ], [], 'without a fault';
    is_deeply [ $vg->rows('select * from billing.hold_fault') ], [], 'nor is anything held for nothing';
    is $vg->sql(q{select count(*) from billing.account where kind in ('CREDIT', 'HELD') and balance < 0}), 0, 'no balance is below zero';
    cmp_ok $vg->sql('select sum(amount) from billing.entry'), '==', 0, 'all adds up to nothing';
    is $vg->sql(q{select count(*) from (select e.balance, sum(e.amount) over (partition by e.account_id order by e.transfer_id) as sum
        from billing.entry e) s where s.balance <> s.sum}), 0, 'each balance that was noted is the sum up to there';
};

# What each was told, against what is there under its name.
subtest 'what was acknowledged is there, once' => sub {
    my $dbh = $vg->dbh;
    $dbh->do('create temporary table told (name text primary key, payer text, currency text, credit numeric, held numeric, owed numeric)');
    $dbh->do(q{copy pg_temp.told from stdin delimiter ' '});
    $dbh->pg_putcopydata("@$_\n") for @moved;
    $dbh->pg_putcopyend;
    my $there = q{select t.correlation_id as name, a.owner as payer, a.currency,
            coalesce(sum(e.amount) filter (where a.kind = 'CREDIT'), 0) as credit,
            coalesce(sum(e.amount) filter (where a.kind = 'HELD'), 0) as held,
            coalesce(sum(e.amount) filter (where a.kind = 'RECEIVABLE'), 0) as owed
        from billing.transfer t
        join billing.entry e on e.transfer_id = t.id
        join billing.account a on a.id = e.account_id and a.balance is not null
        where t.correlation_id like 'books-%' and a.owner like 'payer-%'
        group by 1, 2, 3};
    is_deeply [ $vg->rows(qq{select t.*, s.credit as credit_there, s.held as held_there, s.owed as owed_there from pg_temp.told t
        left join ($there) s using (name, payer, currency)
        where (t.credit, t.held, t.owed) <> (coalesce(s.credit, 0), coalesce(s.held, 0), coalesce(s.owed, 0)) limit 5}) ], [],
        'nothing is lost, nothing is there twice';
    my $unknown = $vg->sql(qq{select count(*) from ($there) s where not exists (select from pg_temp.told t where t.name = s.name)});
    diag "$unknown operations are there of which nobody was told";
    cmp_ok $unknown, '<=', 3 * ($done{connections} + $clients), 'what was not acknowledged is there or not: few are';
};

subtest 'what the books say is what holds, invoices and payments say' => sub {
    is_deeply [ $vg->rows(q{select a.owner, a.currency, a.balance, i.open from billing.account a
        left join (select payer, currency, sum(total - paid - credited) as open from billing.invoice group by 1, 2) i
            on i.payer = a.owner and i.currency = a.currency
        where a.kind = 'RECEIVABLE' and a.balance <> - coalesce(i.open, 0)}) ], [], 'owed is what is open of invoices';
    is_deeply [ $vg->rows(q{select a.owner, a.currency, a.balance from billing.account a
        where a.kind = 'HELD' and a.balance <> coalesce((select sum(p.amount) from billing.hold_part p join billing.hold h on h.id = p.hold_id
                where h.payer = a.owner and h.currency = a.currency and p.source = 'CREDIT' and p.status = 'HELD'), 0)
            + coalesce((select sum(i.kept + i.excess - i.excess_back) from billing.intent i
                where i.payer = a.owner and i.currency = a.currency), 0)}) ], [],
        'held is what holds keep, and what goes back';
    is $vg->sql(q{select count(*) from billing.issuer i where i.last_number <> (select count(*) from billing.invoice v
        where v.issuer = i.issuer) or i.last_credit <> (select count(*) from billing.credit_note n where n.issuer = i.issuer)}), 0,
        'numbers have no gap';
    cmp_ok $vg->sql('select count(*) from billing.credit_note'), '>', 0, 'some were credited';
};

subtest 'what cards pay is what their provider took' => sub {
    is_deeply [ $vg->rows(q{select i.id, i.purpose, i.captured, i.refunded, s.taken from billing.intent i
        left join (select t.reference, - sum(e.amount) as taken from billing.transfer t
            join billing.entry e on e.transfer_id = t.id
            join billing.account a on a.id = e.account_id and a.kind = 'PROVIDER'
            group by 1) s on s.reference = i.id
        where i.captured + i.excess - i.refunded - i.excess_back <> coalesce(s.taken, 0) limit 5}) ], [], 'of each payment';
    my %purposes = map { $_->{purpose} => $_->{n} } $vg->rows(q{select purpose, count(*) as n from billing.intent where captured > 0 group by 1});
    cmp_ok $purposes{$_} // 0, '>', 0, "some were captured for $_" for qw(TOP_UP INVOICE HOLD);
    my %there = map { $_->{subject_id} => $_ } $vg->rows('select subject_id, currency, total from billing.invoice');
    is_deeply [ grep { my $i = $there{ $_->[0] }; !$i || $i->{currency} ne $_->[1] || $i->{total} != $_->[2] } @billed ], [],
        'each invoice that was acknowledged is there';
    is $vg->sql(q{select count(*) from billing.hold h join billing.invoice i on i.subject_id = h.subject
        where h.status in ('PENDING', 'HELD')}), 0, 'nothing is held for what is invoiced';
    is $vg->sql(q{select count(*) from billing.hold_part p join billing.intent i on i.id = p.intent_id
        where p.status = 'RELEASED' and i.captured <> i.refunded}), 0, 'nothing is kept of what was let go';
};

subtest 'what the gateway has acknowledged is there, once' => sub {
    my @top_ups = grep { $_->[1] eq 'top-up' && $_->[3] == 202 } @called;
    my %intents = map { $_->{id} => $_ } $vg->rows(q{select id, payer, amount from billing.intent where purpose = 'TOP_UP'});
    is_deeply [ grep { !$intents{ $_->[4] } || $intents{ $_->[4] }{amount} != $_->[5] } @top_ups ], [], 'each top-up';
    is scalar keys %intents, scalar @top_ups, 'and no other';
    my %back;
    $back{ $_->[2] } += sprintf '%.0f', 100 * $_->[5] for grep { $_->[1] eq 'refunds' && $_->[3] == 202 } @called;
    is_deeply { map { $_->{payer} => sprintf '%.0f', 100 * $_->{back} } $vg->rows(q{select payer, sum(to_refund) as back from billing.intent
        where purpose = 'TOP_UP' group by 1 having sum(to_refund) > 0}) }, \%back, 'each refund';
    my %answers;
    $answers{"$_->[1] $_->[3]"}++ for @called;
    is_deeply [ grep { !/^(?:top-up 202|refunds (?:202|402|409))$/ } keys %answers ], [], 'nothing else was answered';
};

done_testing;
