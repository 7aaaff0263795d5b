# Hosts that users name, more than there are places for, where they may be
# private: in no log, and nobody's hosts keep out another's.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Caller;
use Voltgate::World;

my $world = Voltgate::World->start;
my $shut  = Voltgate::shut_port();
my $vg = Voltgate->start(extra => { http => <<"END" });
    voltgate_outbound_private on;
    voltgate_target_defaults  tries=1 rate=10000 timeout=2s;
END
caller_of($vg);

sub call { return said($vg->post('/api/v1/call', { url => $_[0] })) }

subtest 'a host that a user named is in no log' => sub {
    is call("http://127.0.0.77:$shut/x"), 'unreachable';
    like $vg->log, qr/a call to - failed: unreachable, status/, 'that it failed is';
    unlike $vg->log, qr/127\.0\.0\.77/;
};

subtest 'a thousand hosts, and then another' => sub {
    my %said;
    for my $i (0 .. 999) {
        $said{ call(sprintf 'http://127.1.%d.%d:%d/', $i >> 8, $i & 255, $shut) }++;
    }
    is_deeply \%said, { unreachable => 1000 }, 'each was called';
    is $vg->get('/metrics')->{body} =~ /^voltgate_outbound_hosts\{breaker="closed"\} (\d+)$/m ? $1 : undef, 256, 'all places are in use';
    is_deeply [ map { call($world->url("/ok?$_")) } 1 .. 20 ], [ (200) x 20 ], 'what is called next is as well';
};

done_testing;
