# Money that was acknowledged, and money that a provider was asked for, is in our
# books however hard PostgreSQL was stopped: calls, the events that settle
# invoices, and the jobs that ask providers.
#
# As t/kit/durable.t, whose last block shows what such a stop loses: the WAL
# writer sleeps, so that nothing brings a commit to disk but who promised it.
# Long: PostgreSQL is stopped hard, four times.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Load;
use Voltgate::Provider;

my $provider = Voltgate::Provider->start;
my $targets  = $provider->conf(timeout => '1s', tries => 1, window => 20, open => '1s');
my $vg       = Voltgate->start(own_cluster => 1, plugins => ['billing'], extra => { http => "$targets
    voltgate_setting billing.providers \"sandbox stripe\";
    voltgate_job payment.push concurrent=16 lease=50s tries=100;" });
my $api    = '/api/v1/billing';
my $issuer = '019393c0-0000-7000-8000-000000000001';

$vg->dba->do($_) for "alter system set wal_writer_delay = '10s'", 'alter system set wal_writer_flush_after = 0', 'select pg_reload_conf()';

my %to = (customerId => 'dana');
my $r  = $vg->post("$api/payment-methods", { %to, provider => 'stripe', token => 'pm_ok', default => JSON::PP::true });
is $r->{status}, 201, 'a card' or diag $r->{body};

# what is asked for by calls: of two clients payments into credit (202), of two
# invoices by hand (200), which are paid by what hears of them
sub next_call {
    my ($client, $n) = @_;
    my $key = { 'Idempotency-Key' => "$vg->{port}-$client-$n" };
    return (POST => "$api/charge", { %to, amount => 1 + $n, currency => 'USD' }, "charge-$client-$n", $key) if $client % 2;
    my $line  = { text => "$client-$n", quantity => 1, price => 1 + $n, taxRate => 19 };
    my $draft = $vg->post("$api/invoices", { %to, issuer => $issuer, currency => 'EUR', lines => [$line] });
    return (POST => "$api/invoices/" . ($draft->{json}{id} // $issuer) . '/capture', undef, $draft->{json}{id}, $key);
}

sub calls { my ($told, $name) = @_; return grep { $_->{status} =~ /^(?:200|202)$/ && ($_->{name} // '') =~ $name } @$told }

my @told;
for my $round (1 .. 3) {
    my $seen = @{ $provider->books->{payments} };
    my $load = Voltgate::Load->start($vg, 4, sub { next_call($_[0], 1000 * $round + $_[1]) });
    ok $load->wait_calls(16, 202) && $load->wait_calls(8, 200) && $vg->wait_for(sub { @{ $provider->books->{payments} } > $seen + 15 }, 30),
        "round $round: there is load, and the provider has some of it";
    $vg->pg_stop('immediate');
    $vg->pg_start;
    ok $load->wait_calls(5, 202) && $load->wait_calls(5, 200), 'and after it' or diag(Voltgate::Load->tally($load->outcomes));
    push @told, $load->stop;
}
cmp_ok scalar(calls(\@told, qr/charge/)), '>', 60, scalar(@told) . ' calls';

ok $vg->wait_for(sub {
    $vg->sql(q{update vg.job set next_at = now() where dead_at is null and next_at > now() + interval '2 s'});
    return $vg->sql(q{select not exists (select from billing.intent where not settled)
        and not exists (select from vg.outbox) and not exists (select from vg.job where dead_at is null)
        and not exists (select from vg.cursor c where c.consumer = 'billing' and c.pos < (select max(e.pos) from vg.event e))});
}, 60), 'all comes to its end';

my %invoices = map { $_->{id} => $_ } $vg->rows('select id, status, number from billing.invoice');
is_deeply [ grep { !$invoices{$_} } map { $_->{name} } calls(\@told, qr/^[0-9a-f-]{36}$/) ], [], 'each invoice that was acknowledged is there';
is_deeply [ grep { $_->{status} ne 'PAID' } values %invoices ], [], 'and paid';
cmp_ok scalar(keys %invoices), '>', 30, scalar(keys %invoices) . ' of them';
my %intents = map { $_->{id} => $_ } $vg->rows('select id, status, captured, purpose from billing.intent');
my $charges = grep { $_->{purpose} eq 'CHARGE' } values %intents;
cmp_ok $charges, '>=', scalar(calls(\@told, qr/charge/)), 'so are the charges';
my @theirs = @{ $provider->books->{payments} };
is_deeply [ grep { !$intents{ $_->{intent} // '' } } @theirs ], [], scalar(@theirs) . ' payments the provider has, and we know each';
is_deeply [ grep { sprintf("%.0f", $intents{ $_->{intent} }{captured} * 100) != $_->{captured} } grep { $intents{ $_->{intent} } } @theirs ], [], 'with its amount';
is_deeply [ $vg->rows('select * from billing.fault') ], [];

# What a worker takes may have been committed by another that has not flushed it
# yet: a provider asked for it would have a payment that nobody knows here.
subtest 'no provider is asked for what may still be lost' => sub {
    $vg->sql($_) for 'create table public.taken (flushed text)',
        q{create function public.taken() returns trigger language plpgsql security definer as $f$ begin
            insert into public.taken values (current_setting('synchronous_commit')); return null; end $f$},
        q{create trigger taken after update of lease on vg.job for each row when (new.lease is not null) execute function public.taken()};
    # at moments at which no other kind of job is looked for: in one batch they would share one flush behind it
    $vg->sql(q{insert into vg.job (plugin, kind, key, payload, correlation_id, next_at)
        select 'billing', 'payment.push', i.id::text, jsonb_build_object('intentId', i.id), 'test', now() + 2.3 * interval '1 s' + n * interval '77 ms'
        from (select id, row_number() over () as n from billing.intent limit 8) i});
    ok $vg->wait_for(sub { $vg->sql('select count(*) from public.taken') >= 8 }, 20), 'they are taken';
    cmp_ok $vg->sql(q{select count(*) from public.taken where flushed = 'on'}), '>', 0, 'who takes a job alone flushes all before it';
};

done_testing;
