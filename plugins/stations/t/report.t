# What charge points tell beyond the state of their connectors, and what an
# operator can read of it.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Cli;
use Voltgate::Command;
use Voltgate::Variant;

my $vg = Voltgate->start(extra => { http => 'voltgate_setting stations.data_transfer_vendors "acme,org.example";
    voltgate_ocpp_reconnects off;' });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ],
});
$vg->post('/api/v1/charge-points', { id => 'CP1', operatorId => $company, password => $password });
my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
is $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' })->[2]{status}, 'Accepted';

my $at     = '/api/v1/charge-points/CP1';
my $update = { location => 'ftp://me:secret@files.example/fw.bin', retrieveDate => '2026-11-21T10:00:00Z' };

sub listed { return $vg->get("$at/$_[0]")->{json}{items} }

# a command, while the charger answers and says more at once
sub told_to {
    my ($action, $payload, $answer) = @_;
    $cp->answer(ref $answer eq 'CODE' ? $answer : sub { return $answer });
    return (commanded($vg, sub { $cp->serve(10) }, ['CP1', $action, $payload]))[0];
}

subtest 'a firmware update, from asked to installed' => sub {
    like told_to('UpdateFirmware', $update, {}), qr/^200/;
    my ($t) = @{ listed('transfers') };
    is $t->{kind}, 'FIRMWARE';
    is $t->{status}, 'Asked';
    is $t->{location}, 'ftp://files.example/fw.bin', 'without the password';
    for my $status (qw(Downloading Downloaded Installing Installed)) {
        is_deeply $cp->call('FirmwareStatusNotification', { status => $status })->[2], {};
        ($t) = @{ listed('transfers') };
        is $t->{status}, $status;
    }
    is $t->{outcome}, 'DONE';
    ok $t->{endedAt};
    is_deeply [ map { $_->{status} } @{ $t->{reports} } ], [qw(Downloading Downloaded Installing Installed)];
    ok !(grep { !$_->{expected} } @{ $t->{reports} }), 'all of it expected';
    is $vg->get($at)->{json}{firmwareStatus}, 'Installed';
};

subtest 'what is no move is kept and changes nothing' => sub {
    $cp->call('FirmwareStatusNotification', { status => $_ }) for qw(Downloading Idle Nonsense);
    my ($t) = @{ listed('transfers') };
    is $t->{status}, 'Installed';
    is $t->{outcome}, 'DONE';
    is_deeply [ map { $_->{expected} ? 1 : 0 } @{ $t->{reports} }[4 .. 6] ], [ 0, 1, 0 ];
};

subtest 'a download that fails may be tried again' => sub {
    told_to('UpdateFirmware', $update, {});
    $cp->call('FirmwareStatusNotification', { status => 'DownloadFailed' });
    is listed('transfers')->[0]{outcome}, 'FAILED';
    $cp->call('FirmwareStatusNotification', { status => 'Downloading' });
    my $t = listed('transfers')->[0];
    is $t->{status}, 'Downloading';
    is $t->{outcome}, undef;
    is $t->{endedAt}, undef;
    told_to('UpdateFirmware', $update, {});
    is_deeply [ map { $_->{outcome} } @{ listed('transfers') }[0, 1] ], [ undef, 'SUPERSEDED' ],
        'and is over when another is asked for';
};

subtest 'the charger may be faster than its own answer is written down' => sub {
    like told_to('GetDiagnostics', { location => 'http://h/x' }, sub {
        my ($action, $payload, $id) = @_;
        $cp->send_raw(qq([3,"$id",{"fileName":"d.zip"}]));
        $cp->call('DiagnosticsStatusNotification', { status => $_ }) for qw(Uploading Uploaded);
        return;
    }), qr/^200/;
    my $t = listed('transfers')->[0];
    is $t->{kind}, 'DIAGNOSTICS';
    is $t->{fileName}, 'd.zip';
    is $t->{status}, 'Uploaded';
    is $t->{outcome}, 'DONE';
    is @{ $t->{reports} }, 2;
    my $count = @{ listed('transfers') };
    like told_to('GetDiagnostics', { location => 'http://h/x' }, {}), qr/^200/;
    is @{ listed('transfers') }, $count, 'no file, no upload';
};

subtest 'the whitepaper\'s, by their requestId' => sub {
    my $firmware = { location => 'https://h/fw', retrieveDateTime => '2026-11-21T10:00:00Z',
        signingCertificate => 'PEM', signature => 'c2ln' };
    told_to('SignedUpdateFirmware', { requestId => 7, firmware => $firmware }, { status => 'Rejected' });
    isnt listed('transfers')->[0]{kind}, 'SIGNED_FIRMWARE', 'a refused one is none';
    told_to('SignedUpdateFirmware', { requestId => 8, firmware => $firmware }, { status => 'Accepted' });
    my $say = sub { $cp->call('SignedFirmwareStatusNotification', { status => $_[0], requestId => $_[1] }) };
    $say->('Downloading', 9);
    is listed('transfers')->[0]{status}, 'Asked', 'another\'s progress is not its';
    $say->($_, 8) for qw(DownloadScheduled Downloading DownloadPaused Downloading Downloaded SignatureVerified
        Installing InstallRebooting Installed);
    my $t = listed('transfers')->[0];
    is $t->{status}, 'Installed';
    ok !(grep { !$_->{expected} } @{ $t->{reports} });
    told_to('GetLog', { requestId => 9, logType => 'SecurityLog', log => { remoteLocation => 'https://u:p@h/l' } },
        { status => 'Accepted', filename => 'l.gz' });
    $cp->call('LogStatusNotification', { status => $_, requestId => 9 }) for qw(Uploading PermissionDenied);
    $t = listed('transfers')->[0];
    is_deeply [ @$t{qw(kind requestId location fileName status outcome)} ],
        [ 'LOG', 9, 'https://h/l', 'l.gz', 'PermissionDenied', 'FAILED' ];
};

subtest 'a security event is kept and told' => sub {
    is_deeply $cp->call('SecurityEventNotification', { type => 'TamperDetectionActivated',
        timestamp => '2026-11-21T10:00:00', techInfo => 'lid' })->[2], {};
    my ($n) = @{ listed('notices?action=SecurityEventNotification') };
    is $n->{payload}{techInfo}, 'lid';
    ok $vg->wait_for(sub {
        $vg->sql(q{select (payload ->> 'type') || (payload ->> 'at') from vg.event
            where type = 'charge_point.security_event.v1'}) eq 'TamperDetectionActivated2026-11-21T10:00:00Z';
    });
    is $cp->call('SecurityEventNotification', { type => 'x' })->[2], 'OccurenceConstraintViolation';
    is $cp->call('SecurityEventNotification', { type => 'x' x 51, timestamp => '2026-11-21T10:00:00Z' })->[2],
        'PropertyConstraintViolation';
};

subtest 'what vendors add' => sub {
    my $say = sub { $cp->call('DataTransfer', { vendorId => $_[0], data => 'd' })->[2]{status} };
    is $say->($_), 'Accepted', $_ for qw(acme org.example);
    is $say->($_), 'UnknownVendorId', "'$_'" for 'org', 'acme,org.example', '', 'Acme';
    is @{ listed('notices?action=DataTransfer') }, 6, 'is kept in either case';
};

subtest 'a certificate, asked for and answered by an operator' => sub {
    my $csr = sub { "-----BEGIN CERTIFICATE REQUEST-----\n$_[0]\n-----END CERTIFICATE REQUEST-----\n" };
    is $cp->call('SignCertificate', { csr => $csr->($_) })->[2]{status}, 'Accepted' for qw(MIIA MIIA MIIB);
    is $cp->call('SignCertificate', { csr => 'MIIA' })->[2]{status}, 'Rejected', 'what is no PEM is refused';
    is $cp->call('SignCertificate', { csr => 'x' x 5501 })->[2], 'PropertyConstraintViolation';
    my ($new, $old, @more) = @{ listed('certificate-requests') };
    is @more, 0, 'the same again is the same';
    is_deeply [ map { $_->{status} } $new, $old ], [qw(PENDING SUPERSEDED)], 'a new key ends the older wish';
    is $new->{csr}, $csr->('MIIB');

    my $answer = sub { $vg->post("$at/certificate-requests/$_[0]{id}/answer", { certificateChain => 'PEM' }) };
    is $answer->($old)->{json}{type}, 'https://voltgate.dev/problems/certificate_answered';
    is $vg->post("$at/certificate-requests/$new->{id}/answer", { certificateChain => 'x' x 10_001 })->{status}, 400;
    my $asked;
    my $pid = open(my $pipe, '-|') // die;
    if (!$pid) {
        delete $vg->{client};
        syswrite STDOUT, $answer->($new)->{body};
        kill KILL => $$;
    }
    $cp->answer(sub { $asked = [ @_[0, 1] ]; return { status => 'Accepted' } });
    $cp->serve(10);
    like do { local $/ = undef; <$pipe> }, qr/"status" ?: ?"ACCEPTED"/;
    is_deeply $asked, [ 'CertificateSigned', { certificateChain => 'PEM' } ];
    is listed('certificate-requests')->[0]{certificateChain}, 'PEM';
    is $answer->($new)->{status}, 409, 'once';
};

subtest 'what was sent, without what it carried' => sub {
    told_to('ChangeConfiguration', { key => 'AuthorizationKey', value => 'deadbeef' x 4 }, { status => 'Accepted' });
    my ($c) = @{ listed('commands') };
    is $c->{action}, 'ChangeConfiguration';
    is_deeply $c->{result}, { status => 'Accepted' };
    is $vg->sql(q{select count(*) from stations.command c where c::text like '%deadbeef%'}), 0;
    is @{ listed('commands?action=UpdateFirmware') }, 3;
};

subtest 'a password that a command changed is the one that counts, as text or as its bytes' => sub {
    my $key  = '00ff3a' . '0a0b' x 8;
    my $come = sub { return Voltgate::Charger->connect($vg, 'CP2', $_[0])->status == 101 };
    $vg->post('/api/v1/charge-points', { id => 'CP2', operatorId => $company, password => $password });
    my $other = Voltgate::Charger->connect($vg, 'CP2', $password);
    my $set   = sub {
        my ($value, $status) = @_;
        $other->answer(sub { return { status => $status } });
        return (commanded($vg, sub { $other->serve(10) },
            [ 'CP2', 'ChangeConfiguration', { key => 'authorizationKey', value => $value } ]))[0];
    };
    like $set->($key, 'Rejected'), qr/^200/;
    ok $come->($password), 'what it did not take changes nothing';
    ok !$come->($key);
    $other = Voltgate::Charger->connect($vg, 'CP2', $password);
    like $set->($key, 'Accepted'), qr/^200/;
    ok !$come->($password), 'the old one is over';
    ok $come->($key), 'some send it as it was written';
    ok $come->(pack 'H*', $key), 'others the bytes that it stands for';
    ok !$come->(pack 'H*', substr($key, 0, -2) . '0c'), 'and no others';
    $other = Voltgate::Charger->connect($vg, 'CP2', $key);
    like $set->(uc $key, 'RebootRequired'), qr/^200/;
    ok $come->(pack 'H*', $key), 'in either case';
    like $vg->post('/api/v1/charge-points/CP2/commands', { action => 'ChangeConfiguration',
        payload => { key => 'AuthorizationKey', value => 'short' } })->{json}{errors}{'payload.value'}, qr/16 to 40/;
};

subtest 'others do not see it' => sub {
    my $other = $vg->token(role => 'operator', company => '019393c0-0000-7000-8000-000000000002');
    for my $path (qw(commands transfers notices certificate-requests)) {
        is $vg->get("$at/$path", { Authorization => "Bearer $other" })->{status}, 404, $path;
    }
};

subtest 'what was told long ago is forgotten' => sub {
    my $long = q{now() - interval '91 days'};
    my ($told) = @{ listed('notices') };
    ok $told, 'something was told';
    $cp->call('SignCertificate', { csr => "-----BEGIN CERTIFICATE REQUEST-----\n$_" }) for qw(OLD NEW);
    my ($new, $old) = @{ listed('certificate-requests') };
    is $old->{status}, 'SUPERSEDED';
    $vg->sql("update stations.notice set received_at = $long where id = \$1", $told->{id});
    $vg->sql("update stations.certificate_request set received_at = $long where id in (\$1, \$2)", $new->{id}, $old->{id});
    my $variant = Voltgate::Variant->new($vg, 'stations', 'plugin.c' => sub { s/"10m"/"1s"/ });
    my ($status, $said) = cli($vg, plugin => 'reload', 'stations', $variant->options);
    is $status, 0, 'with a shorter period' or diag $said;
    ok $vg->wait_for(sub { !$vg->sql('select count(*) from stations.notice where id = $1', $told->{id}) }, 15), 'a notice';
    is scalar(grep { $_->{id} eq $told->{id} } @{ listed('notices') }), 0;
    my @left = map { $_->{id} } @{ listed('certificate-requests') };
    is scalar(grep { $_ eq $old->{id} } @left), 0, 'a request that a newer one ended';
    is scalar(grep { $_ eq $new->{id} } @left), 1, 'not one that still waits for its answer';
};

done_testing;
