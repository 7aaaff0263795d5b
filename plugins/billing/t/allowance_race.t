# Sessions that close at once, of one subscription: what it includes is used to
# the last kWh, and not one of it twice, whoever wins, fails or is cut off.

use strict;
use warnings;

use JSON::PP ();
use List::Util qw(sum0);
use POSIX ();
use Test::More;

use Voltgate;
use Voltgate::Subscriber;

my $vg     = Voltgate->start;
my $s      = Voltgate::Subscriber->new($vg);
my $issuer = $Voltgate::Subscriber::ISSUER;
my $json   = JSON::PP->new->canonical;
my $plan   = $s->offer('Hundred', 10, includedKwh => 100);

sub subscribed { return $s->since($plan, $vg->sql(q{select vg.z(date_trunc('second', now()) - interval '10 days')}), customer => $_[0]) }

subtest 'a hundred are told at once' => sub {
    my $id = subscribed('crowd');
    $vg->dbh->begin_work;
    for my $n (1 .. 100) {
        my $session = sprintf '019393c0-0000-7000-8000-0000001%05d', $n;
        $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
            values ('charging', 'charging.session.completed.v1', $1, $2, 'test', '')}, $session, $json->encode({
            sessionId => $session, operatorId => $issuer, customerId => 'crowd', country => 'DE', energyKwh => 1.7,
            endTime => $vg->sql('select vg.z(now())'), costs => { currency => 'EUR', lines => [
                { type => 'ENERGY', price => 0.5, volume => 1.7, unit => 'kWh', excl_vat => 0.85 } ] } }));
    }
    $vg->dbh->commit;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from billing.used') == 100 }, 30);
    is $s->show($id)->{includedKwhLeft}, 0;
    cmp_ok $vg->sql('select sum(kwh) from billing.allowance_use where subscription_id = $1', $id), '==', 100;
    cmp_ok $vg->sql(q{select sum(net) from billing.invoice where customer_id = 'crowd'}), '==', 35, '70 kWh are paid';
    is $vg->sql(q{select count(*) from billing.invoice where customer_id = 'crowd'}), 42, 'by 41 whole ones and a part';
};

# what was left when it looked, like the gateway's load; then the statement
sub close_session {
    my ($dbh, $session, $kwh, $fate) = @_;
    my ($left) = $dbh->selectrow_array(q{select sum(a.included_kwh - a.used_kwh)
        from billing.allowances('racer', null, $1, 'EUR', now()) a}, undef, $issuer);
    my $taken = $left < $kwh ? $left : $kwh;
    $dbh->do('select pg_sleep(0.002)');
    $dbh->begin_work;
    $dbh->do(q{select billing.session_issue($1, $2, 'racer', null, null, '{}', $3, 'EUR', now(), now(), 'test')}, undef,
        $session, $issuer, $taken);
    if ($fate == 3) {
        my ($pid) = $dbh->selectrow_array('select pg_backend_pid()');
        $vg->_connect($vg->{owner_url})->do('select pg_terminate_backend($1)', undef, $pid);
        die "cut off\n";
    }
    $fate == 5 ? $dbh->rollback : $dbh->commit;
    return $fate == 5 ? 0 : $taken;
}

sub child {
    my ($number, $to) = @_;
    my $dbh = $vg->_connect($vg->{owner_url});
    for my $n (1 .. 40) {
        my $session = sprintf '019393c0-0000-7000-8000-000000%02d%04d', 20 + $number, $n;
        my $taken = eval { close_session($dbh, $session, 0.1 * (1 + ($n * $number) % 9), $n % 11) };
        my $error = $@;
        if ($error eq "cut off\n") {
            local $SIG{__WARN__} = sub { };
            eval { $dbh->disconnect; 1 } or $dbh->{InactiveDestroy} = 1;
            $dbh = $vg->_connect($vg->{owner_url});
        }
        $dbh->rollback if $error =~ /by now/;
        syswrite $to, defined $taken ? "$taken\n" : $error =~ /by now/ ? "conflict\n" : $error eq "cut off\n" ? "cut\n" : "odd: $error";
    }
    return;
}

subtest 'eight who look, and then use it' => sub {
    my $id = subscribed('racer');
    pipe my $from, my $to or die "pipe: $!";
    my @pids = map {
        my $number = $_;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            eval { child($number, $to); 1 } or syswrite $to, "odd: $@";
            POSIX::_exit(0);
        }
        $pid;
    } 1 .. 8;
    close $to;
    local $SIG{ALRM} = sub { kill KILL => @pids };
    alarm 50;
    my @said = map { s/\n//r } <$from>;
    waitpid $_, 0 for @pids;
    alarm 0;

    is_deeply [ grep { /odd/ } @said ], [], 'nothing odd befell';
    is scalar(@said), 320, 'each was heard of';
    my $acknowledged = $vg->sql('select ' . join(' + ', 0, grep { /^[\d.]+$/ } @said));
    cmp_ok $vg->sql('select sum(kwh) from billing.allowance_use where subscription_id = $1', $id), '==', $acknowledged,
        "$acknowledged kWh were acknowledged, " . grep({ /conflict/ } @said) . ' times it was no longer there';
    cmp_ok $vg->sql('select used_kwh from billing.allowance where subscription_id = $1', $id), '==', $acknowledged;
    cmp_ok $acknowledged, '<=', 100;
    cmp_ok $acknowledged, '>', 90, 'most of it';
};

subtest 'two who saw the same last kWh' => sub {
    my $id = subscribed('racer2');
    my @dbh = map { $vg->_connect($vg->{owner_url}) } 1, 2;
    my $use = q{select billing.session_issue(vg.uuid7(), $1, 'racer2', null, null, '{}', 60, 'EUR', now(), now(), 'test')};
    $_->begin_work for @dbh;
    $dbh[0]->do($use, undef, $issuer);
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $dbh[$_]{InactiveDestroy} = 1 for 0, 1;
        my $other = $vg->_connect($vg->{owner_url});
        my $said  = eval { $other->do($use, undef, $issuer); 'used' } // $@;
        POSIX::_exit($said =~ /less is included by now/ ? 0 : 1);
    }
    ok $vg->wait_for(sub { $vg->waiting == 1 }, 10),
        'the second waits for the first';
    $dbh[0]->commit;
    waitpid $pid, 0;
    is $? >> 8, 0, 'and is told that it is gone';
    is $vg->sql('select used_kwh from billing.allowance where subscription_id = $1', $id), 60;
};

$s->rebuilt;

done_testing;
