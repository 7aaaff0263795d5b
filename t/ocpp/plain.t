# ws:// without TLS: off unless VG_WS names where, and then for OCPP alone.

use strict;
use warnings;

use HTTP::Tiny;
use IO::Socket::INET;
use Test::More;

use Voltgate;
use Voltgate::Charger;

my $port = Voltgate::free_port();
my $vg   = Voltgate->start(env => { VG_WS => "127.0.0.1:$port" });
my $api  = '/api/v1';

for my $cp ([ 'PLAIN', 1 ], [ 'SAFE', 2 ]) {
    is $vg->post("$api/charge-points", { id => $cp->[0], operatorId => 'o', password => 'sixteen letters!',
        securityProfile => $cp->[1] })->{status}, 201;
}

my $r = HTTP::Tiny->new->get("http://127.0.0.1:$port/api/v1/stations");
is $r->{status}, 404, 'no call of the API is heard there';
like $r->{headers}{'content-type'}, qr{^application/problem\+json};

sub simulate {
    my ($id) = @_;
    my $file = "$vg->{state}/passwords";
    open my $out, '>', $file or die $!;
    print {$out} "*:sixteen letters!\n";
    close $out or die $!;
    open my $script, '>', "$vg->{state}/script" or die $!;
    print {$script} "heartbeat\n";
    close $script or die $!;
    my @command = ("$vg->{build}/voltgate", 'simulate', '--url', "ws://127.0.0.1:$port", '--password-file', $file,
        '--charge-point', $id, '--id-tag', 'X', '--script', "$vg->{state}/script", '--once');
    my $text = `@{[ join ' ', map { "'$_'" } @command ]} 2>&1`;
    return ($? >> 8, $text);
}

# it is not booted: SecurityError answers the heartbeat, over plain ws
my ($status, $text) = simulate('PLAIN');
like $text, qr/SecurityError/, 'a charge point of profile 1 is let in';
($status, $text) = simulate('SAFE');
like $text, qr{HTTP/1.1 403}, 'one of profile 2 is not';

my $other = Voltgate->start;
open my $conf, '<', "$other->{state}/conf/nginx.conf" or die $!;
my @listens = grep { /^\s*listen/ } <$conf>;
is scalar @listens, 1, 'without VG_WS nothing listens but TLS';
like $listens[0], qr/ ssl /;

done_testing;
