# Which TLS is spoken, with whom; asked by OpenSSL's own client and by curl.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg  = Voltgate->start;
my $api = '/api/v1';

# what s_client agreed upon: ('TLSv1.3', 'TLS_AES_256_GCM_SHA384'); () if nothing
sub agreed {
    my (@options) = @_;
    my $text = `openssl s_client -connect 127.0.0.1:@{[ $vg->port ]} -servername localhost -CAfile @{[ $vg->ca ]} @options </dev/null 2>&1`;
    return $text =~ /^New, (TLSv[\d.]+), Cipher is (\w\S+)$/m && $2 ne '(NONE)' ? ($text =~ /^ *Protocol *: (\S+)/m ? $1 : $1, $2) : ();
}

subtest 'TLS 1.2 and 1.3' => sub {
    is_deeply [ (agreed('-tls1_3'))[0] ], ['TLSv1.3'];
    is_deeply [ (agreed('-tls1_2'))[0] ], ['TLSv1.2'];
    is_deeply [ agreed($_, '-cipher', 'ALL:@SECLEVEL=0') ], [], "not $_" for qw(-tls1_1 -tls1);
};

subtest 'suites with forward secrecy and authenticated encryption alone' => sub {
    my $all = `openssl ciphers -v 'ALL:COMPLEMENTOFALL:\@SECLEVEL=0'`;
    my %taken;
    for my $line (grep { / TLSv1\.2 | SSLv3 | TLSv1 / } split /\n/, $all) {
        my ($name, undef, $kx, $au, $enc) = split ' ', $line;
        next if $kx =~ /PSK|SRP/ || $au =~ /PSK|SRP/;
        my $good = $kx eq 'Kx=ECDH' && $au eq 'Au=ECDSA' && $enc =~ /^Enc=(?:AESGCM\(|CHACHA20)/;
        my @got  = agreed('-tls1_2', '-cipher', "'$name:\@SECLEVEL=0'");
        is scalar @got, $good ? 2 : 0, ($good ? '' : 'not ') . $name;
        $taken{$name} = 1 if @got;
    }
    cmp_ok scalar keys %taken, '>=', 3, 'some are left';
};

subtest 'nothing that makes TLS weaker' => sub {
    my $text = `openssl s_client -connect 127.0.0.1:@{[ $vg->port ]} -servername localhost -tls1_2 </dev/null 2>&1`;
    like $text, qr/^Compression: NONE$/m;
    like $text, qr/^Secure Renegotiation IS supported$/m;
    unlike $text, qr/TLS session ticket:/, 'no tickets, whose key would open what was recorded';
};

# ------------------------------------------------- who may come by which version

sub curl {
    my (@options) = @_;
    open my $pipe, '-|', 'curl', '-sS', '--max-time', '20', '--cacert', $vg->ca, '-w', "\n%{http_code}",
        '-H', 'Authorization: Bearer ' . $vg->admin, @options or die "curl: $!";
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe;
    my ($body, $status) = $out =~ /\A(.*)\n(\d+)\z/s;
    return ($status, $body);
}

subtest 'people come by 1.3' => sub {
    is((curl('--tlsv1.3', $vg->url("$api/stations")))[0], 200);
    for my $path ("$api/stations", '/healthz', "$api/none") {
        my ($status, $body) = curl('--tls-max', '1.2', $vg->url($path));
        is $status, 403, "$path: not by 1.2";
        like $body, qr{problems/tls_too_old"}, 'and is told why';
    }
    my ($status, $body) = curl('--tls-max', '1.2', '-X', 'POST', '-H', 'Content-Type: application/json',
        '-d', '{"idTag":"OLD"}', $vg->url("$api/id-tags"));
    is $status, 403;
    is $vg->sql('select count(*) from charging.id_tag'), 0, 'and nothing was done';
};

subtest 'chargers by 1.2, too' => sub {
    $vg->post("$api/charge-points", { id => 'OLD', operatorId => 'o', password => 'sixteen letters!' });
    my $cp = Voltgate::Charger->connect($vg, 'OLD', 'sixteen letters!', tls => { SSL_version => 'TLSv1_2' });
    is $cp->status, 101;
    is $cp->{socket}->get_sslversion, 'TLSv1_2', 'by 1.2';
    is $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' })->[0], 3;
};

my $old = Voltgate->start(env => { VG_TLS => 'TLSv1.2' });
subtest 'unless the operator lets people, too' => sub {
    open my $pipe, '-|', 'curl', '-sS', '--tls-max', '1.2', '--cacert', $old->ca, '-o', '/dev/null', '-w', '%{http_code}',
        $old->url('/healthz') or die;
    is scalar <$pipe>, 200;
    close $pipe;
};

subtest 'another name is answered with the certificate that there is' => sub {
    for my $name (qw(elsewhere.example xn--bcher-kva.example)) {
        my $text = `openssl s_client -connect 127.0.0.1:@{[ $vg->port ]} -servername $name </dev/null 2>&1`;
        like $text, qr/subject=CN = localhost/, $name;
    }
    my $long = 'a.' x 120 . 'example';
    like `openssl s_client -connect 127.0.0.1:@{[ $vg->port ]} -servername $long </dev/null 2>&1`, qr/subject=CN = localhost/, 'a long one';
};

done_testing;
