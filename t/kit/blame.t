# Versions that end workers: who is to blame, what is taken back, what stays
# out; and an operator's kill is nobody's fault.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Cli;
use Voltgate::Variant;
use Voltgate::Wire;

my $vg = Voltgate->start;

# stations with one route more, whose check ends or stops its worker
sub variant {
    my ($body) = @_;
    return Voltgate::Variant->new($vg, 'stations', 'plugin.c' => sub {
        s/(static const vg_route_t \w+\[\] = \{)/#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n
            static vg_rc_t act(vg_call_t *call) { (void) call; $body; return VG_OK; }\n$1\n
            { VG_GET, "\/stations-act", "stations:read", .check = act, .about = "Acts" },/;
    });
}

# from connections that meet both workers; what breaks is of one that died
sub everywhere {
    my ($member, $token) = ($_[0], $vg->admin);
    my %seen;
    for (1 .. 12) {
        my $r = $vg->client(fresh => 1)->get($vg->url('/api/v1/plugins'),
            { headers => { Authorization => "Bearer $token" } });
        my $list = $r->{status} == 200 ? JSON::PP::decode_json($r->{content})->{items} : [];
        $seen{ $_->{$member} // '' }++ for grep { $_->{name} eq 'stations' } @$list;
    }
    return join ' ', sort keys %seen;
}

# sent once: a client that tries again would end the other worker as well
sub act {
    return Voltgate::Wire->connect($vg)->send("GET /api/v1/stations-act HTTP/1.1\r\nHost: localhost\r\n"
        . 'Authorization: Bearer ' . $vg->admin . "\r\nConnection: close\r\n\r\n");
}

# calls it until stations is as it should be
sub until_is {
    my ($member, $wanted, $seconds) = @_;
    return $vg->wait_for(sub { act()->answer; delete $vg->{client}; everywhere($member) eq $wanted }, $seconds // 20);
}

my $first = everywhere('hash');
my $bad;

subtest "an operator's SIGKILL is not the plugin's fault" => sub {
    my ($status, $out) = cli($vg, plugin => 'reload', 'stations', variant('(void) kill(getpid(), SIGSTOP)')->options);
    is $status, 0, $out;
    my $hash = everywhere('hash');
    isnt $hash, $first;
    for my $n (1 .. 4) {
        my $wire = act();
        my $busy;
        $vg->wait_for(sub { ($busy) = grep { stopped($_) } $vg->workers }, 10);
        ok $busy, 'a worker stands in the hook' or last;
        $vg->kill_worker($busy);
        ok $vg->wait_for(sub { my @now = $vg->workers; @now == 2 && !grep { $_ == $busy } @now }, 10), 'another took its place';
    }
    delete $vg->{client};
    is everywhere('hash'), $hash, 'the version runs on';
    is everywhere('quarantinedHash'), '', 'and is not to blame';
};

sub stopped {
    my ($pid) = @_;
    open my $stat, '<', "/proc/$pid/stat" or return 0;
    return <$stat> =~ /\) T /;
}

subtest 'a version that kills workers is taken back' => sub {
    my ($status, $out) = cli($vg, plugin => 'reload', 'stations', '--hash', $first);
    is $status, 0, $out;
    ($status, $out) = cli($vg, plugin => 'reload', 'stations', variant('abort()')->options);
    is $status, 0, $out;
    $bad = everywhere('hash');
    isnt $bad, $first;
    $vg->expect(qr/exited on signal 6/, qr/a worker died in version/);
    ok until_is(hash => $first), 'the one before it runs again, on all workers';
    is everywhere('quarantinedHash'), $bad;
    my $r = $vg->post('/api/v1/plugins/stations/reload', { hash => $bad });
    is $r->{status}, 409;
    like $r->{json}{type}, qr/plugin_quarantined$/;
    is $vg->get('/api/v1/stations')->{status}, 200;
    ($status, $out) = cli($vg, plugin => 'reload', 'stations', '--hash', $first);
    is $status, 0, $out;
};

subtest 'one with none before it is out, and stays out' => sub {
    $vg->stop_gateway;
    my $variant = variant('abort()');
    my ($built) = grep { -d } map { "$_/built" } $variant->{folder};
    system('sh', '-c', 'cp -n "$1"/plugins/*.so "$2"', 'sh', $vg->{build}, $built) == 0 or die;
    $vg->_conf(sub { $_[0] =~ s/(voltgate_plugins_built )[^;]+/$1$built/r });
    $vg->start_gateway;
    $vg->expect(qr/plugin stations is out: quarantined/);
    ok until_is(state => 'out'), 'nothing to go back to';
    my %seen;
    my $end = time + 5;    # two rounds of the check that makes others ready
    while (time < $end) {
        $seen{ everywhere('state') }++;
        $seen{ $vg->get('/api/v1/stations')->{status} }++;
    }
    is join(' ', sort keys %seen), '503 out', 'and it does not come back by itself';
    is $vg->get('/ready')->{status}, 503, 'which readiness tells';
};

done_testing;
