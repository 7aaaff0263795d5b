# Security profiles: what a charge point has to come with, and that nothing
# less will do; certificates of others, and those that were taken back.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use IO::Socket::SSL;
use Net::SSLeay;
use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Command;

my $dir = "/tmp/voltgate-certificates.$$";
make_path("$dir/new");
END { my $status = $?; remove_tree($dir) if $dir; $? = $status }

sub openssl { system("cd $dir && openssl $_[0] 2>/dev/null") == 0 or die "openssl $_[0]\n"; return }

my $ec = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
for my $ca (qw(ca foreign)) {
    openssl("req -x509 $ec -days 9 -subj '/CN=$ca' -keyout $ca.key -out $ca.pem");
}
open my $conf, '>', "$dir/ca.cnf" or die $!;
print {$conf} "[ca]\ndefault_ca=c\n[c]\nserial=$dir/serial\ndatabase=$dir/index\nnew_certs_dir=$dir/new\ndefault_md=sha256\n"
    . "policy=p\ndefault_crl_days=9\nunique_subject=no\n[p]\ncommonName=supplied\norganizationName=optional\n";
close $conf;
openssl('version >index; echo >index; : >index; echo 01 >serial; true');

# name => subject; ends: days from now
sub certificate {
    my ($name, $subject, %opts) = @_;
    my $ca = $opts{ca} // 'ca';
    openssl("req -new $ec -subj '$subject' -keyout $name.key -out $name.csr");
    openssl($opts{ended}
        ? "ca -batch -config ca.cnf -preserveDN -cert $ca.pem -keyfile $ca.key -in $name.csr -out $name.pem -notext"
            . ' -startdate 20200101000000Z -enddate 20210101000000Z'
        : "x509 -req -in $name.csr -CA $ca.pem -CAkey $ca.key -CAcreateserial -days 9 -out $name.pem");
    return { SSL_cert_file => "$dir/$name.pem", SSL_key_file => "$dir/$name.key" };
}

my %with = (
    good    => certificate(good    => '/O=Acme/CN=CP3'),
    other   => certificate(other   => '/O=Acme/CN=CP9'),
    foreign => certificate(foreigner => '/O=Acme/CN=CP3', ca => 'foreign'),
    ended   => certificate(ended   => '/O=Acme/CN=CP3', ended => 1),
    twice   => certificate(twice   => '/O=Acme/CN=CP3/CN=CP4'),
    nobody  => certificate(nobody  => '/O=Acme'),
    longer  => certificate(longer  => '/O=Acme/CN=CP33'),
    strange => certificate(strange => '/O=Other/CN=CP3'),
    none    => {},
);

my $ws = '127.0.0.1:' . Voltgate::free_port();
my $vg = Voltgate->start(env => { VG_CLIENT_CA => "$dir/ca.pem", VG_WS => $ws },
    extra => { http => 'voltgate_ocpp_reconnects off; voltgate_ocpp_organization Acme;' });
my $api = '/api/v1';
my $password = 'sixteen letters!';
for my $profile (1 .. 3) {
    is $vg->post("$api/charge-points", { id => "CP$profile", operatorId => 'o', password => $password,
        securityProfile => $profile })->{status}, 201;
}

sub answered {
    my ($identity, $how, $given, %opts) = @_;
    my $cp = Voltgate::Charger->connect($vg, $identity, $given, tls => { %{ $with{$how} }, %opts });
    my $status = $cp->status;
    $cp->close if $status == 101;
    return $status;
}

subtest 'profile 3 comes with a certificate of its own' => sub {
    is answered('CP3', 'good'), 101, 'which is good';
    is answered('CP3', 'good', $password), 101, 'a password beside it does not matter';
    is answered('CP3', 'good', 'wrong'), 101, 'whatever it is';
    is answered('CP3', 'none', $password), 401, 'a password does not replace it';
    is answered('CP3', 'none'), 401, 'nor does nothing';
    is answered('CP3', 'other'), 401, 'nor another charge point\'s';
    is answered('CP3', 'longer'), 401, 'nor one whose name begins so';
    is answered('CP3', 'twice'), 401, 'nor one of two names';
    is answered('CP3', 'nobody'), 401, 'nor one of none';
    is answered('CP3', 'strange'), 401, 'nor one of another organization';
    is answered('CP3', $_), 400, "nor one that is $_" for qw(foreign ended);
    is $vg->client(fresh => 1)->get($vg->url('/healthz'))->{status}, 200, 'people need none';
};

subtest 'profiles 1 and 2' => sub {
    is answered('CP2', 'none', $password), 101, 'a password over TLS';
    is answered('CP2', 'good'), 401, 'another\'s certificate is no password';
    is answered('CP2', 'none'), 401;
    is answered('CP1', 'none', $password), 101, 'more than it needs';
    my $plain = sub {
        my ($id) = @_;
        require HTTP::Tiny;
        require MIME::Base64;
        return HTTP::Tiny->new->get("http://$ws/ocpp/$id", { headers => { Connection => 'Upgrade', Upgrade => 'websocket',
            'Sec-WebSocket-Version' => 13, 'Sec-WebSocket-Key' => MIME::Base64::encode_base64('x' x 16, ''),
            'Sec-WebSocket-Protocol' => 'ocpp1.6', Authorization => 'Basic ' . MIME::Base64::encode_base64("$id:$password", '') } })->{status};
    };
    is $plain->('CP2'), 403, 'profile 2 without TLS';
    is $plain->('CP3'), 401, 'profile 3 without TLS';
};

sub profile { return $vg->get("$api/charge-points/$_[0]")->{json}{securityProfile} }

subtest 'a profile goes up over OCPP, and never down' => sub {
    my $cp = Voltgate::Charger->connect($vg, 'CP2', $password);
    my @asked;
    my $says = 'Accepted';
    $cp->answer(sub { push @asked, $_[1]{value}; return { status => $says } });
    my $set = sub {
        my ($value, $heard, $key) = @_;
        my ($r) = commanded($vg, $heard ? sub { $cp->serve(5) } : undef,
            [ 'CP2', 'ChangeConfiguration', { key => $key // 'SecurityProfile', value => $value } ]);
        return $r;
    };
    like $set->('1'), qr/^422 .*profile_lowered/, 'down';
    like $set->('1', 0, 'securityprofile'), qr/^422 .*profile_lowered/, 'names have no case';
    like $set->($_), qr/^400 /, "to '$_'" for '0', '4', '', '03', 'x', '-1';
    is_deeply \@asked, [], 'the charger heard nothing of it';
    is profile('CP2'), 2;
    $says = 'Rejected';
    like $set->('3', 1), qr/^200 .*Rejected/, 'up, but it does not want to';
    is profile('CP2'), 2, 'and stays where it is';
    $says = 'Accepted';
    like $set->('2', 1), qr/^200 /, 'the same again';
    is profile('CP2'), 2;
    like $set->('3', 1), qr/^200 .*Accepted/, 'up';
    is profile('CP2'), 3, 'is what it has to come with now';
    is_deeply \@asked, [ 3, 2, 3 ];
    like $set->('2'), qr/^422 .*profile_lowered/, 'there is no way back';
    $cp->close;
    is answered('CP2', 'none', $password), 401, 'also for who knows the password';
    is $vg->patch("$api/charge-points/CP2", { securityProfile => 2 })->{status}, 200, 'but by its operator';
    is answered('CP2', 'none', $password), 101;
};

subtest 'what was taken back does not come in by an old session' => sub {
    my $ctx = IO::Socket::SSL::SSL_Context->new(SSL_version => 'TLSv1_2', SSL_session_cache_size => 9, SSL_ca_file => $vg->ca,
        SSL_verifycn_name => 'localhost', SSL_hostname => 'localhost', %{ $with{good} });
    my $come = sub {
        my $cp = Voltgate::Charger->connect($vg, 'CP3', undef, tls => { SSL_reuse_ctx => $ctx, SSL_session_key => 'cp3' });
        my @said = ($cp->status, Net::SSLeay::session_reused($cp->{socket}->_get_ssl_object) ? 'again' : 'new');
        $cp->{socket}->close(SSL_fast_shutdown => 1); # or OpenSSL forgets the session
        return "@said";
    };
    is $come->(), '101 new';
    is $come->(), '101 again', 'a session is taken up';
    openssl('ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke good.pem');
    openssl('ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -out crl.pem');
    $vg->_conf(sub { my ($text) = @_; $text =~ s/^(\s*ssl_verify_depth.*)$/$1\nssl_crl $dir\/crl.pem;/m or die; return $text });
    $vg->reload;
    my $said = $come->();
    like $said, qr/^(?:401 again|400 new)$/, "a certificate that was revoked: $said";
    is answered('CP3', 'good'), 400, 'nor by a new one';
};

done_testing;
