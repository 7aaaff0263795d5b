# Commands to charge points: from either worker, and what may come of them.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Charger;
use Voltgate::Command;
use Voltgate::Worker;

my $vg = Voltgate->start(extra => { http => 'voltgate_ocpp_call_timeout 1s;' });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $boot = { chargePointVendor => 'Acme', chargePointModel => 'M1' };
$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1, 2 ],
});
$vg->post('/api/v1/charge-points', { id => $_, operatorId => $company,
    password => $password }) for qw(CP1 CP2 NEW);

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
is $cp->call('BootNotification', $boot)->[2]{status}, 'Accepted';

sub served {
    my ($count) = @_;
    return sub { $cp->serve(5) for 1 .. $count };
}

subtest 'the result, from either worker' => sub {
    $cp->answer(sub { return { status => 'Accepted', said => $_[1]{data} } });
    my ($n, %met) = 0;
    while (keys %met < 2 && $n++ < 60) {
        my ($r) = commanded($vg, served(1), ['CP1', 'DataTransfer', { vendorId => 'a', data => "Soft$n" }]);
        like $r, qr/^200 .*"action" ?: ?"DataTransfer".*"said" ?: ?"Soft$n"/;
        $met{ ($r =~ /(\d+)$/)[0] }++;
    }
    my $holder = Voltgate::Worker->of($vg, $cp->{socket});
    ok $met{$holder}, 'from the one that holds the socket';
    is keys %met, 2, 'and from the other one';
};

subtest 'a long payload' => sub {
    $cp->answer(sub { return { status => 'Accepted' } });
    my @r = commanded($vg, served(1), map { ['CP1', 'DataTransfer', { vendorId => 'a', data => 'x' x $_ }] } 65_510, 65_511);
    like $r[0], qr/^200 /, '64 KiB are sent';
    like $r[1], qr/^413 .*too_large/, 'more are not';
};

subtest 'a CALLERROR' => sub {
    $cp->answer(sub { return ['NotSupported', 'not "here"', {}] });
    my ($r) = commanded($vg, served(1), ['CP1', 'ClearCache', {}]);
    like $r, qr/^502 .*charger_error/;
    like $r, qr/NotSupported/;
};

subtest 'silence' => sub {
    $cp->answer(sub { return });
    my $start = time;
    my ($r) = commanded($vg, served(1), ['CP1', 'ClearCache', {}]);
    like $r, qr/^504 .*charger_silent/;
    cmp_ok time - $start, '>=', 0.9;
    $cp->answer(sub { return { status => 'Accepted' } });
    ($r) = commanded($vg, served(1), ['CP1', 'ClearCache', {}]);
    like $r, qr/^200 /, 'and the next is sent';
};

subtest 'an answer that comes late is not the next one' => sub {
    my $late;
    $cp->answer(sub { $late = $_[2]; return });
    my ($r) = commanded($vg, served(1), ['CP1', 'ClearCache', {}]);
    like $r, qr/^504/;
    $cp->answer(sub {
        $cp->send_raw(qq([3,"$late",{"status":"late"}]));
        return { status => 'right' };
    });
    ($r) = commanded($vg, served(1), ['CP1', 'ClearCache', {}]);
    like $r, qr/^200 .*right/;
};

subtest 'one at a time, while its own calls cross' => sub {
    $cp->answer(sub { return { n => $_[1]{data} } });
    my @r = commanded($vg, sub {
        for (1 .. 5) {
            my $call = $cp->recv(5) or last;
            is $call->[2], 'DataTransfer';
            ok !defined $cp->recv(0.05), 'no second one before the answer';
            ok $cp->call('Heartbeat', {}), 'a call of its own is answered';
            $cp->_answer($call);
        }
    }, map { ['CP1', 'DataTransfer', { vendorId => 'a', data => "$_" }] } 1 .. 5);
    like $r[$_ - 1], qr/^200 .*"n" ?: ?"$_"/ for 1 .. 5;
};

subtest 'who is not there' => sub {
    my @r = commanded($vg, undef, ['CP2', 'Reset', { type => 'Soft' }],
        ['nobody', 'Reset', { type => 'Soft' }]);
    like $r[0], qr/^409 .*not_connected/, 'known, but not connected';
    like $r[1], qr/^404 .*not_found/, 'not known';
};

subtest 'one that leaves meanwhile' => sub {
    my $two = Voltgate::Charger->connect($vg, 'CP2', $password);
    $two->call('BootNotification', $boot);
    my ($r) = commanded($vg, sub { $two->recv(5); $two->drop },
        ['CP2', 'Reset', { type => 'Soft' }]);
    like $r, qr/^504/, 'may have done it: not a no';
};

subtest 'one that is pending' => sub {
    my $new = Voltgate::Charger->connect($vg, 'NEW', $password);
    is $new->call('BootNotification', $boot)->[2]{status}, 'Pending';
    my ($r) = commanded($vg, undef, ['NEW', 'RemoteStopTransaction', { transactionId => 1 }]);
    like $r, qr/^409/, 'is not started or stopped';
    is $new->call('Heartbeat', {})->[2], 'SecurityError';
    $new->answer(sub { return { status => 'Accepted' } });
    ($r) = commanded($vg, sub { $new->serve(5) },
        ['NEW', 'TriggerMessage', { requestedMessage => 'Heartbeat' }]);
    like $r, qr/^200/;
    is $new->call('Heartbeat', {})->[0], 3, 'may say what it was asked for';
    # these are answered by messages of other names
    my %triggers = (SignChargePointCertificate => [ SignCertificate => { csr => 'none' } ],
        FirmwareStatusNotification => [ SignedFirmwareStatusNotification => { status => 'Idle' } ]);
    for my $asked (sort keys %triggers) {
        is $new->call(@{ $triggers{$asked} })->[2], 'SecurityError', $triggers{$asked}[0];
        ($r) = commanded($vg, sub { $new->serve(5) }, ['NEW', 'ExtendedTriggerMessage', { requestedMessage => $asked }]);
        like $r, qr/^200/;
        is $new->call(@{ $triggers{$asked} })->[0], 3, "... by $asked";
    }
    $new->close;
};

subtest 'a queue that is full' => sub {
    $cp->answer(sub { return {} });
    my @r = commanded($vg, sub { $cp->recv(5) },
        map { ['CP1', 'ClearCache', {}] } 1 .. 20);
    is grep({ /^503 .*busy/ } @r), 4, 'sixteen wait, four do not';
    is grep({ /^504/ } @r), 16, 'and time out, since nobody answers';
    $cp->close;
};

done_testing;
