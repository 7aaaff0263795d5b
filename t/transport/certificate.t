# A certificate is renewed while chargers and people stay connected; files that
# do not fit are not taken.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Socket::SSL::Utils qw(CERT_create CERT_asHash PEM_cert2string PEM_key2string KEY_create_ec KEY_create_rsa);
use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Wire;
use Voltgate::Worker;

my $vg  = Voltgate->start;
my $tls = "$vg->{state}/tls";

# CERT_create's options => (certificate, key), as PEM
sub certificate {
    my (%more) = @_;
    my ($cert, $key) = CERT_create(subject => { commonName => 'localhost' }, CA => 0, key => KEY_create_ec('prime256v1'),
        subjectAltNames => [ [ DNS => 'localhost' ] ], not_before => time - 60, not_after => time + 86_400 * 30, %more);
    return (PEM_cert2string($cert), PEM_key2string($key));
}

# as certbot's hooks do: beside, then in its place
sub put {
    my ($name, $text) = @_;
    my $mode = $name eq 'key.pem' ? 0640 : 0644;
    open my $out, '>', "$tls/.$name" or die "$name: $!";
    print {$out} $text;
    close $out or die $!;
    my $gid = (stat $tls)[5];
    chown -1, $gid, "$tls/.$name";
    chmod $mode, "$tls/.$name" or die $!;
    rename "$tls/.$name", "$tls/$name" or die $!;
    return;
}

sub slurp { my ($path) = @_; open my $in, '<', $path or die "$path: $!"; local $/ = undef; return <$in> }

# So many, each its own: ([serial of the certificate, pid of the worker], …). They
# come at once, for of those that come one by one an idle worker takes all.
sub handshakes {
    my ($count) = @_;
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $vg->port, Timeout => 10) or die "connect: $!\n" } 1 .. $count;
    return map {
        my $socket = IO::Socket::SSL->start_SSL($_, SSL_hostname => 'localhost', SSL_verify_mode => SSL_VERIFY_NONE,
            Timeout => 10) or die "handshake: $SSL_ERROR\n";
        # answered, so that it is known whose it is
        $socket->print("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        $socket->sysread(my $bytes, 4096);
        [ '' . CERT_asHash($socket->peer_certificate)->{serial}, Voltgate::Worker->of($vg, $socket) ];
    } @sockets;
}

# serials that each worker shows now, by pid
sub shown {
    my %by;
    for my $pid ($vg->workers) {
        Voltgate::Worker->only($vg, $pid, sub { $by{ $_->[1] }{ $_->[0] } = 1 for handshakes(1) });
    }
    return \%by;
}

sub all_show { my ($serial) = @_; my $by = shown(); return keys %$by == 2 && !grep { join(' ', keys %$_) ne $serial } values %$by }
sub serial   { return '' . CERT_asHash(IO::Socket::SSL::Utils::PEM_string2cert($_[0]))->{serial} }
sub complained { my ($pattern) = @_; return scalar grep { /\[warn\].*certificate cert\.pem: $pattern; the old one is kept/ } split /\n/, $vg->log }

my ($old_cert, $old_key) = (slurp("$tls/cert.pem"), slurp("$tls/key.pem"));
my $old = serial($old_cert);
my @workers = $vg->workers;

$vg->post('/api/v1/charge-points', { id => 'CP', operatorId => 'o', password => 'sixteen letters!' });
my $charger = Voltgate::Charger->connect($vg, 'CP', 'sixteen letters!');
sub boot { return $charger->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' })->[0] }
is boot(), 3, 'a charger is connected';
# idle, on both workers
my (%kept, %answers);
for (1 .. 200) {
    my $wire = Voltgate::Wire->connect($vg);
    $wire->send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    $answers{ $wire->answer->{status} }++;
    $kept{ Voltgate::Worker->of($vg, $wire->{socket}) } ||= $wire;
    last if keys %kept == 2;
}
is join(' ', keys %answers), 200, 'each is answered';
is scalar keys %kept, 2, 'a connection to each worker';
ok all_show($old), 'both show the first certificate';

subtest 'when it ends is a metric' => sub {
    my ($end) = $vg->get('/metrics')->{body} =~ /^voltgate_certificate_end_seconds\{serial="[0-9A-F]+"\} (\d+)$/m;
    my $said = `openssl x509 -in $tls/cert.pem -noout -checkend @{[ $end - time - 60 ]}`;
    is $?, 0, 'it has not ended a minute before';
    `openssl x509 -in $tls/cert.pem -noout -checkend @{[ $end - time + 60 ]}`;
    isnt $?, 0, 'and has a minute after';
};

subtest 'a renewed one is taken by both workers, and nothing closes' => sub {
    my ($cert, $key) = certificate();
    put('key.pem', $key);
    put('cert.pem', $cert);
    my $new = serial($cert);
    isnt $new, $old;
    ok $vg->wait_for(sub { all_show($new) }, 10), 'both show it';

    is_deeply [ $vg->workers ], \@workers, 'by the same workers';
    is boot(), 3, 'the charger goes on';
    for my $pid (sort keys %kept) {
        $kept{$pid}->send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        is $kept{$pid}->answer->{status}, 200, 'and so does who was connected before';
    }
    $old = $new;
    ($old_cert, $old_key) = ($cert, $key);
};

subtest 'files that cannot be used are not taken, and told of once' => sub {
    my ($other, $other_key) = certificate();
    my ($expired, $expired_key) = certificate(not_before => time - 86_400, not_after => time - 3600);
    my ($rsa, $rsa_key) = certificate(key => KEY_create_rsa(2048));
    my @bad = (
        [ 'of another key'  => $other, $old_key, qr/certificate and key do not fit/ ],
        [ 'cut off'         => substr($other, 0, 300), $other_key, qr/the certificate cannot be read/ ],
        [ 'empty'           => '', $other_key, qr/the certificate cannot be read/ ],
        [ 'not PEM'         => "x\n" x 500_000, $other_key, qr/the certificate cannot be read/ ],
        [ 'a cut off chain' => $other . substr($old_cert, 0, 300), $other_key, qr/the certificate cannot be read/ ],
        [ 'without its key' => $other, '', qr/its key cannot be read/ ],
        [ 'expired'         => $expired, $expired_key, qr/it has expired/ ],
        [ 'of RSA'          => $rsa, $rsa_key, qr/another kind of key needs a reload/ ],
    );
    for my $case (@bad) {
        my ($name, $cert, $key, $why) = @$case;
        my $before = complained($why);
        put('key.pem', $key);
        put('cert.pem', $cert);
        ok $vg->wait_for(sub { complained($why) >= $before + 2 }, 10), "$name: both workers say why";
        ok all_show($old), "$name: both keep the old one";
    }
    # a look a second: what was told once is not told again
    my $count = complained(qr/another kind of key needs a reload/);
    my ($looked) = (time + 3);
    $vg->wait_for(sub { time > $looked }, 5);
    is complained(qr/another kind of key needs a reload/), $count, 'it is told once';
    unlink "$tls/cert.pem";
    ok $vg->wait_for(sub { complained(qr/the certificate cannot be read/) >= 2 }, 10), 'one that is not there';
    ok all_show($old), 'is none that is taken';
};

subtest 'the next good one is taken, from where workers cannot walk to' => sub {
    my ($cert, $key) = certificate();
    chmod 0700, $vg->{state} or die $!;
    put('key.pem', $key);
    put('cert.pem', $cert);
    ok $vg->wait_for(sub { all_show(serial($cert)) }, 10);
    is boot(), 3, 'the charger has lived through it all';
    is_deeply [ $vg->workers ], \@workers, 'as have the workers';
};

subtest 'a chain goes with it' => sub {
    my ($ca, $ca_key) = CERT_create(subject => { commonName => 'an authority' }, CA => 1, key => KEY_create_ec('prime256v1'));
    my ($cert, $key) = certificate(issuer => [ $ca, $ca_key ]);
    put('key.pem', $key);
    put('cert.pem', $cert . PEM_cert2string($ca));
    ok $vg->wait_for(sub { all_show(serial($cert)) }, 10);
    my $text = `openssl s_client -connect 127.0.0.1:@{[ $vg->port ]} -servername localhost -showcerts </dev/null 2>/dev/null`;
    is scalar(() = $text =~ /BEGIN CERTIFICATE/g), 2;
};

subtest 'a worker that is made later has it from the first handshake on' => sub {
    my ($cert, $key) = certificate();
    put('key.pem', $key);
    put('cert.pem', $cert);
    ok $vg->wait_for(sub { all_show(serial($cert)) }, 10);
    my ($dead) = $vg->workers;
    $vg->kill_worker($dead, 'KILL');
    my %seen;
    my $look = sub { $seen{ $_->[1] }{ $_->[0] } = 1 for handshakes(8); return };
    ok $vg->wait_for(sub { $look->(); !grep { $_ == $dead } $vg->workers and keys %seen >= 2 }, 10);
    $look->() for 1 .. 12;
    is join(' ', sort { $a cmp $b } map { keys %$_ } values %seen), join(' ', (serial($cert)) x keys %seen), 'as all have';
};

subtest 'files that workers cannot reach are told of from the start' => sub {
    $vg->stop_gateway;
    my $before = complained(qr/the certificate cannot be read/);
    my $mode   = (stat $tls)[2] & 07777;
    chmod 0700, $tls or die $!;
    $vg->start_gateway;
    ok $vg->wait_for(sub { complained(qr/the certificate cannot be read/) >= $before + 2 }, 10), 'by both';
    chmod $mode, $tls or die $!;
};

subtest 'two certificates, of EC and RSA' => sub {
    my @rsa = certificate(key => KEY_create_rsa(2048));
    my @ec  = certificate();
    put('rsa.pem', $rsa[0]);
    put('key.pem', $rsa[1]);
    rename "$tls/key.pem", "$tls/rsa-key.pem" or die $!;
    put('key.pem', $ec[1]);
    put('cert.pem', $ec[0]);
    $vg->_conf(sub { my ($conf) = @_;
        $conf =~ s{^(\s*ssl_certificate_key .*)$}{$1\nssl_certificate $tls/rsa.pem; ssl_certificate_key $tls/rsa-key.pem;}m or die 'no place'; $conf });
    $vg->reload;
    delete $vg->{client};
    my $named = sub {
        my %ends = $vg->client(fresh => 1)->get($vg->url('/metrics'))->{content} =~ /^voltgate_certificate_end_seconds\{serial="([0-9A-F]+)"\} (\d+)$/mg;
        return join ' ', sort keys %ends;
    };
    my $hex = sub { my ($pem) = @_; open my $out, '>', "$tls/x.pem" or die $!; print {$out} $pem; close $out;
        return `openssl x509 -in $tls/x.pem -noout -serial` =~ /serial=(\S+)/ ? $1 : undef };
    my $both = sub { my (@pem) = @_; my $want = join ' ', sort map { $hex->($_) } @pem; return $vg->wait_for(sub { $named->() eq $want }, 10) };
    ok $both->($rsa[0], $ec[0]), 'both ends are a metric' or diag $named->();
    my @next = certificate(key => KEY_create_rsa(2048));
    put('.next', $next[1]);
    rename "$tls/.next", "$tls/rsa-key.pem" or die $!;
    put('rsa.pem', $next[0]);
    ok $both->($next[0], $ec[0]), 'one is renewed, the other stays' or diag $named->();
    my $said = sub { return scalar(() = $vg->log =~ /certificate rsa\.pem is another one/g) };
    $vg->wait_for(sub { $said->() >= 2 }, 10);
    is $said->(), 2, 'of which each worker says once';
    is scalar(() = $vg->log =~ /certificate rsa\.pem: /g), 0;
};

subtest 'the key is for the workers and the owner alone' => sub {
    my (undef, undef, $mode, undef, $uid) = stat "$tls/key.pem";
    is $mode & 07, 0, 'not for everybody';
    is $mode & 020, 0, 'and no worker writes it';
};

done_testing;
