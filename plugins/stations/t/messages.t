# The flight recorder: the last messages of a charge point, both ways, without
# secrets, for its operator.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Charger;
use Voltgate::Worker;

my $vg = Voltgate->start(extra => { http => 'voltgate_ocpp_reconnects off; voltgate_ocpp_recorder 4k 64;' });

my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my $password = 'sixteen letters!';
my $boot     = { chargePointVendor => 'Acme', chargePointModel => 'M1' };

sub as {
    my ($role, $company) = @_;
    return { Authorization => 'Bearer ' . $vg->token(role => $role, subject => "$role-x", company => $company) };
}

$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin', operatorId => $north,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1 .. 3 ],
});
$vg->post('/api/v1/charge-points', { id => "CP$_", operatorId => $north, password => $password }) for 1 .. 3;

sub messages {
    my ($id, $query, $headers) = @_;
    return $vg->get("/api/v1/charge-points/$id/messages" . ($query // ''), $headers);
}

sub items { return @{ messages(@_)->{json}{items} } }

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
is $cp->call('BootNotification', $boot)->[2]{status}, 'Accepted';

subtest 'both ways, newest first' => sub {
    $cp->call('Authorize', { idTag => '04A1B2C3D4E5' }, id => 'auth');
    my @items = items('CP1');
    is_deeply [ map { $_->{direction} } @items ], [qw(out in out in opened)];
    is $items[1]{message}, '[2,"auth","Authorize",{"idTag":"***D4E5"}]', 'a tag is not shown as a whole';
    is $items[1]{size}, length '[2,"auth","Authorize",{"idTag":"04A1B2C3D4E5"}]', 'its size is';
    ok !$items[1]{truncated};
    like $items[0]{message}, qr/^\[3,"auth",/, 'what was answered';
    like $items[0]{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
    is messages('CP1')->{json}{nextCursor}, undef, 'all of it is one page';
};

subtest 'commands, without what they carry in secret' => sub {
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $vg->client(fresh => 1)->request(POST => $vg->url('/api/v1/charge-points/CP1/commands'), {
            headers => { Authorization => 'Bearer ' . $vg->admin, 'Content-Type' => 'application/json' },
            content => '{"action":"ChangeConfiguration","payload":{"key":"AuthorizationKey","value":"0a0b0c0d0e0f10111213"}}',
        });
        require POSIX;
        POSIX::_exit(0);
    }
    $cp->answer(sub { return { status => 'Rejected' } });
    my $call = $cp->serve(10);
    is $call->[3]{value}, '0a0b0c0d0e0f10111213', 'the charge point gets it';
    waitpid $pid, 0;
    my $page = messages('CP1');
    unlike $page->{body}, qr/0a0b0c/, 'the recorder does not';
    like $page->{body}, qr/AuthorizationKey/;
    unlike $page->{body}, qr/\Q$password\E/;
};

subtest 'what is broken is kept, too' => sub {
    $cp->send_raw('this is {no frame');
    $cp->call('Heartbeat', {});
    is +(items('CP1'))[2]{message}, 'this is {no frame';
};

subtest 'a time' => sub {
    my @all = items('CP1');
    my $middle = $all[3]{time};
    is scalar(items('CP1', "?from=$middle")), 4, 'not before';
    is scalar(items('CP1', "?to=$middle")), @all - 4, 'before';
    is scalar(items('CP1', '?from=2100-01-01T00:00:00Z')), 0;
    is messages('CP1', '?from=yesterday')->{status}, 400, 'or none';
};

subtest 'who' => sub {
    is messages('CP1', '', as(operator => $north))->{status}, 200, 'its operator';
    is messages('CP1', '', as(operator => $south))->{status}, 404, 'another one does not know it';
    is messages('CP1', '', as($_ => $north))->{status}, 404, "no $_" for qw(driver fleet_manager partner);
    is messages('CP1', '', { 'X-API-Key' => '' })->{status}, 401, 'nobody';
    is messages('nobody')->{status}, 404;
    is_deeply messages('CP3')->{json}{items}, [], 'one that never came has none';
};

subtest 'the ring is as large as it is' => sub {
    my $long = 'x' x 3000;
    $cp->send_raw(qq([2,"l","DataTransfer",{"vendorId":"$long","data":"a"}]));
    $cp->wait_answer('l', 5);
    my ($item) = grep { ($_->{size} // 0) > 3000 } items('CP1');
    ok $item->{truncated}, 'a long message is cut';
    is length $item->{message}, 2048;
    $cp->call('Heartbeat', {}, id => "h$_") for 1 .. 200;
    my @items = items('CP1');
    cmp_ok scalar @items, '>', 20, scalar(@items) . ' are kept';
    cmp_ok scalar @items, '<', 80, 'not all';
    like $items[1]{message}, qr/"h200"/, 'the last ones';
    # fractions come without zeros at their end
    my @times = map { $_->{time} =~ /^([^.]+)(?:\.(\d+))?Z$/ ? sprintf('%s.%-6s', $1, $2 // '') =~ tr/ /0/r : '' } @items;
    is_deeply [ sort { $b cmp $a } @times ], \@times, 'in order';
};

subtest 'a worker that dies leaves it behind' => sub {
    $vg->kill_worker(Voltgate::Worker->of($vg, $cp->{socket}));
    $cp->recv(5);
    ok $vg->wait_for(sub { $vg->workers == 2 });
    delete $vg->{client};
    like +(items('CP1'))[1]{message}, qr/"h200"/;
    $cp->drop;
};

subtest 'a file that makes no sense' => sub {
    my $file = "$vg->{run}/link/recorder";
    $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
    $cp->call('Heartbeat', {}, id => 'before');
    ok scalar items('CP1');
    open my $out, '+<', $file or die "$file: $!";
    seek $out, 4096, 0;
    print {$out} pack('C*', map { int rand 256 } 1 .. 64 * 4096);
    close $out;
    is messages('CP1')->{status}, 200, 'is no error';
    my $again = sub {
        $cp->drop;
        $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
        ok $cp->call('Heartbeat', {}, id => $_[0]);
        like +(items('CP1'))[1]{message}, qr/"$_[0]"/, 'the next connection has a ring again';
    };
    $again->('after');
    truncate $file, 0 or die;
    is messages('CP1')->{status}, 200, 'one that was cut neither';
    ok $cp->call('Heartbeat', {}, id => 'into nothing'), 'nor is it for who writes there';
    $again->('cut');
    $vg->reload;
    $cp->recv(10);
    $cp->drop;
    is messages('CP1')->{status}, 200, 'nor is it after a reload';
};

subtest 'more charge points than rings' => sub {
    for (1 .. 70) {
        $vg->post('/api/v1/charge-points', { id => "M$_", operatorId => $north, password => $password });
        my $one = Voltgate::Charger->connect($vg, "M$_", $password);
        $one->close;
    }
    ok scalar items('M70'), 'the last one has its own';
    my $size = -s "$vg->{run}/link/recorder";
    cmp_ok $size, '<=', 4096 + 64 * 4096, "in a file of $size bytes";
};

done_testing;
