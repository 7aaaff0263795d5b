# Who may connect, and what the others are told.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

use Voltgate;
use Voltgate::Charger;

# a test comes more often than a charge point may
my $vg = Voltgate->start(extra => { http => 'voltgate_ocpp_reconnects off;' });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = "16 raw bytes:\x01\xff!";

# the API takes text; a charger's password is bytes
$vg->post('/api/v1/charge-points', { id => 'CP1', operatorId => $company,
    password => 'sixteen letters!' });
$vg->post('/api/v1/charge-points', { id => $_, operatorId => $company,
    password => 'sixteen letters!' }) for 'CP|2', 'P3', 'RAW';
$vg->sql(q{update stations.charge_point set security_profile = 3 where id = 'P3'});
$vg->sql(q{update stations.charge_point
    set hash = encode(sha256(convert_to(salt, 'UTF8') || $1::bytea), 'hex')
    where id = 'RAW'}, '\\x' . unpack 'H*', $password);

sub answered {
    my ($identity, $given, %opts) = @_;
    my $cp = Voltgate::Charger->connect($vg, $identity, $given, %opts);
    my $status = $cp->status;
    $cp->close if $status == 101;
    return $status;
}

sub with { return answered('CP1', 'sixteen letters!', headers => {@_}) }

subtest 'who' => sub {
    is answered('CP1', 'sixteen letters!'), 101, 'identity and password';
    is answered('CP|2', 'sixteen letters!'), 101, 'a sign that is encoded in the path';
    is answered('CP/2', 'sixteen letters!'), 404, 'an encoded slash parts no path';
    is answered('RAW', $password), 101, 'a password of bytes, with a colon';
    is answered('CP1', 'sixteen letters?'), 401, 'a wrong password';
    is answered('CP1', ''), 401, 'an empty password';
    is answered('CP1', undef), 401, 'no password';
    is answered('nobody', 'sixteen letters!'), 404, 'an unknown identity';
    is answered('nobody', undef), 404, 'an unknown identity without a password';
    is answered('', 'sixteen letters!'), 404, 'no identity';
    is answered('x' x 49, 'a'), 404, 'an identity that is too long';
    is answered("CP1\0", 'sixteen letters!'), 400, 'a NUL in the path';
    is answered("CP\xff", 'sixteen letters!'), 404, 'no text in the identity';
    is answered('CP1:', 'sixteen letters!'), 404, 'a colon in the identity';
    is answered('P3', 'sixteen letters!'), 401,
        'a password where a certificate is wanted';
    is with(Authorization => 'Basic ' . encode_base64('CP|2:sixteen letters!', '')),
        401, "somebody else's name";
    is with(Authorization => 'Basic !!!'), 401, 'no base64';
    is with(Authorization => 'Bearer x'), 401, 'another scheme';
};

subtest 'what a refusal says' => sub {
    my $cp = Voltgate::Charger->connect($vg, 'CP1', 'wrong');
    is $cp->headers->{'www-authenticate'}, 'Basic realm="voltgate"';
    is $cp->headers->{'content-type'}, 'application/problem+json', 'a problem, as every error';
    is $cp->json->{type}, 'https://voltgate.dev/problems/unauthorized';
    like $cp->json->{message}, qr/password/, 'in words';
    $cp = Voltgate::Charger->connect($vg, 'CP1', 'sixteen letters!',
        headers => { 'Sec-WebSocket-Version' => 8 });
    is $cp->status, 426;
    is $cp->headers->{'sec-websocket-version'}, 13;
    is $cp->headers->{upgrade}, 'websocket';
    is $cp->json->{type}, 'https://voltgate.dev/problems/upgrade_required';
    is $vg->post('/ocpp/CP1', {})->{headers}{allow}, 'GET';
};

subtest 'what is no WebSocket request' => sub {
    is with('Sec-WebSocket-Version' => undef), 426, 'no version';
    is with('Upgrade' => undef), 426, 'no Upgrade';
    is with('Upgrade' => 'h2c'), 426, 'another Upgrade';
    is with('Connection' => 'close'), 426, 'no Connection: Upgrade';
    is with('Connection' => 'keep-alive, upgrade'), 101, 'a list of them';
    is with('Sec-WebSocket-Key' => undef), 400, 'no key';
    is with('Sec-WebSocket-Key' => 'c2hvcnQ='), 400, 'a short key';
    is with('Sec-WebSocket-Key' => '!' x 24), 400, 'a key that is no base64';
    is $vg->get('/ocpp/CP1')->{status}, 426, 'a plain GET';
    is $vg->post('/ocpp/CP1', {})->{status}, 405, 'a POST';
    is $vg->get('/ocpp/')->{status}, 404, 'the folder';
    is $vg->get('/ocpp/x/CP1')->{status}, 404, 'a folder deeper';
};

subtest 'subprotocols' => sub {
    for (['ocpp1.6'], ['ocpp2.0.1', 'ocpp1.6'], ['ocpp1.6', 'ocpp2.0.1']) {
        my $cp = Voltgate::Charger->connect($vg, 'CP1', 'sixteen letters!',
            subprotocols => $_);
        is $cp->status, 101;
        is $cp->protocol, 'ocpp1.6', "of @$_";
        $cp->close;
    }
    for ([], ['ocpp2.0.1'], ['ocpp1.6x']) {
        my $cp = Voltgate::Charger->connect($vg, 'CP1', 'sixteen letters!',
            subprotocols => $_);
        is $cp->status, 101, "of (@$_): completed";
        is $cp->protocol, undef, 'without naming one';
        $cp->recv(5);
        ok $cp->closed, 'and closed at once';
        is $cp->close_code, 1002;
        $cp->drop;
    }
    ok !$vg->get('/api/v1/charge-points/CP1')->{json}{connected},
        'which is no connection';
};

done_testing;
