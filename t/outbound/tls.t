# TLS is verified always, and secrets are nowhere but on the wire.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Caller;
use Voltgate::World;

my $plain = Voltgate::World->start;
my $made  = bless { state => "/tmp/voltgate-tls.$$" }, 'Voltgate';
mkdir $made->{state} or die "$made->{state}: $!";
END { system('rm', '-rf', $made->{state}) if $made }
my $certificates = certificates($made);
my %worlds = map { $_ => Voltgate::World->start(tls => $certificates->{$_}) } qw(good wrong expired self);

my $secret = 'a-secret-of-the-test';
open my $file, '>', "$made->{state}/secret" or die $!;
print {$file} "$secret\n";
close $file;
chmod 0600, "$made->{state}/secret";

my $terms = 'tries=1 window=20 rate=1000 timeout=2s';
my $ca    = "ca=$certificates->{ca}";
my $vg = Voltgate->start(extra => { http => join "\n",
    (map { '    voltgate_target ' . $_ . ' url=' . $worlds{$_}->url . " $terms $ca;" } sort keys %worlds),
    '    voltgate_target strange url=' . $worlds{good}->url . " $terms timeout=20s;",    # a sanitizer is slow over Debian's list
    '    voltgate_target localhost url=https://localhost:' . $worlds{good}->port . " $terms $ca;",
    '    voltgate_target mute url=https://127.0.0.1:' . $plain->port . " $terms $ca;",
    '    voltgate_target told url=' . $worlds{good}->url . qq{ $terms $ca secret_file=$made->{state}/secret header=Authorization "prefix=Bearer ";},
});
caller_of($vg);

sub call { my ($target, %more) = @_; return said($vg->post('/api/v1/call', { target => $target, path => '/ok', %more })) }

subtest 'certificates' => sub {
    is call('good'), 200, 'a good one';
    is call('localhost'), 200, 'by its name';
    is call('wrong'), 'tls', 'of another name';
    is call('expired'), 'tls', 'of another time';
    is call('self'), 'tls', 'by nobody';
    is call('strange'), 'tls', 'by whom we do not know';
    is call('mute'), 'silent', 'by nobody who speaks TLS';
    is scalar $worlds{$_}->requests(qr/./), 0, "$_ was asked nothing" for qw(wrong expired self);
    is call('good'), 200, 'and still the good one' for 1 .. 3;
};

subtest 'a secret goes along and is shown nowhere' => sub {
    $worlds{good}->forget;
    is call('told'), 200;
    is call('told', path => '/status/500'), 'upstream';
    my @requests = $worlds{good}->requests(qr/./);
    is scalar @requests, 2;
    is $_->{headers}{authorization}, "Bearer $secret" for @requests;
    unlike $vg->log, qr/\Q$secret\E/, 'not in the log';
    unlike $vg->get('/metrics')->{body}, qr/\Q$secret\E/, 'not in metrics';
    for my $pid ($vg->master, $vg->workers) {
        open my $cmdline, '<', "/proc/$pid/cmdline" or die $!;
        unlike scalar <$cmdline>, qr/\Q$secret\E/, 'not among the arguments';
    }
    $worlds{good}->forget;
    is call('good'), 200;
    is +($worlds{good}->requests(qr/./))[0]{headers}{authorization}, undef, 'nobody else is given it';
};

done_testing;
