# The payloads that may be sent to a charge point, against schemas that nobody
# here wrote: those of npm's ocpp-rpc. From each schema come a payload that
# fits and one that breaks it, for each thing that it demands. The charge point
# is away, so what fits is answered by 409, what does not by 400. Then one of
# the same makers is there, and takes all that fits.

use strict;
use warnings;

use File::Basename qw(dirname);
use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Strict;

my $vg   = Voltgate->start;
my $json = JSON::PP->new;
my $file = (split /:/, $ENV{NODE_PATH})[0] . '/ocpp-rpc/lib/schemas/ocpp1_6.json';
open my $in, '<', $file or die "$file: $!";
my %schema = map { $_->{'$id'} =~ /^urn:(\w+)\.(req|conf)$/ ? ($2 eq 'req' ? $1 : "$1.conf", $_) : () }
    @{ $json->decode(do { local $/ = undef; <$in> }) };

my @actions = qw(CancelReservation CertificateSigned ChangeAvailability ChangeConfiguration ClearCache
    ClearChargingProfile DataTransfer DeleteCertificate ExtendedTriggerMessage GetCompositeSchedule
    GetConfiguration GetDiagnostics GetInstalledCertificateIds GetLocalListVersion GetLog InstallCertificate
    RemoteStartTransaction RemoteStopTransaction ReserveNow Reset SendLocalList SetChargingProfile
    SignedUpdateFirmware TriggerMessage UnlockConnector UpdateFirmware);

my $password = 'sixteen letters!';
is $vg->post('/api/v1/charge-points', { id => 'CP1', operatorId => 'acme', password => $password })->{status}, 201;

sub sent {
    my ($action, $payload) = @_;
    return $vg->post('/api/v1/charge-points/CP1/commands', { action => $action, payload => $payload });
}

my $root; # of the schema at hand, for its definitions

sub meant {
    my ($s) = @_;
    return $s unless $s->{'$ref'};
    my ($name) = $s->{'$ref'} =~ m{^#/definitions/(\w+)$} or die;
    return $root->{definitions}{$name};
}

# a value that fits, with all that may be in it
sub fit {
    my $s = meant(@_);
    return $s->{enum}[0] if $s->{enum};
    if ($s->{type} eq 'object') {
        return { map { $_ => fit($s->{properties}{$_}) } keys %{ $s->{properties} || {} } };
    }
    return [ fit($s->{items}) ] if $s->{type} eq 'array';
    return JSON::PP::true if $s->{type} eq 'boolean';
    return 1 if $s->{type} eq 'integer';
    return 1.5 if $s->{type} eq 'number';
    my $format = $s->{format} // '';
    return '2026-11-21T10:00:00Z' if $format eq 'date-time';
    return 'ftp://files.example/x' if $format eq 'uri';
    return 'x' x ($s->{maxLength} // 12);
}

# what breaks it: [path, the value to have there]; undef takes it away
sub breaks {
    my ($given, @path) = @_;
    my $s   = meant($given);
    my @out = ([ [@path], $s->{type} eq 'string' ? 7 : 'seven' ]);
    push @out, [ [@path], 'x' . fit($s) ] if $s->{maxLength} || $s->{enum};
    push @out, [ [@path], 'not so' ] if $s->{format};
    push @out, [ [@path], 1.25 ] if $s->{multipleOf};
    push @out, [ [@path], 1.5 ], [ [@path], 3_000_000_000 ] if $s->{type} eq 'integer';
    if ($s->{type} eq 'object') {
        push @out, [ [ @path, $_ ], undef ] for @{ $s->{required} || [] };
        push @out, [ [ @path, 'unheardOf' ], 1 ] if exists $s->{additionalProperties};
        push @out, map { breaks($s->{properties}{$_}, @path, $_) } sort keys %{ $s->{properties} || {} };
    }
    push @out, breaks($s->{items}, @path, 0) if $s->{type} eq 'array';
    return @out;
}

sub put_at {
    my ($payload, $path, $value) = @_;
    my @path = @$path;
    my $last = pop @path;
    my $at   = $payload;
    $at = $_ eq '0' ? $at->[0] : $at->{$_} for @path;
    if    (!defined $value) { delete $at->{$last} }
    elsif ($last eq '0')    { $at->[0] = $value }
    else                    { $at->{$last} = $value }
    my $name = join '.', 'payload', @$path;
    $name =~ s/\.0/[0]/g;
    return $name;
}

my $count = 0;
for my $action (@actions) {
    subtest $action => sub {
        $root = $schema{$action} or die "no schema of $action";
        my $r = sent($action, fit($root));
        is $r->{status}, 409, 'what fits is sent' or diag $r->{body};
        for my $break (breaks($root)) {
            my ($path, $value) = @$break;
            next unless @$path;
            my $payload = fit($root);
            my $name = put_at($payload, $path, $value);
            $r = sent($action, $payload);
            my $said = $json->encode([$value]);
            is $r->{status}, 400, "$name $said is not";
            is_deeply [ keys %{ $r->{json}{errors} } ], [$name], '... and it is named' or diag $r->{body};
            $count++;
        }
    };
}
cmp_ok $count, '>', 200, "$count ways to be wrong";

subtest 'all faults in one answer' => sub {
    my $r = sent('SetChargingProfile', { connectorId => -1, csChargingProfiles => { stackLevel => '0',
        chargingProfileId => 1, chargingProfilePurpose => 'TxProfile', chargingProfileKind => 'absolute',
        chargingSchedule => { chargingRateUnit => 'A', chargingSchedulePeriod => [
            { startPeriod => 0, limit => 16 }, { startPeriod => 60, limit => -1 } ] } } });
    is $r->{status}, 400;
    is_deeply [ sort keys %{ $r->{json}{errors} } ], [ map { "payload.$_" }
        qw(connectorId csChargingProfiles.chargingProfileKind
            csChargingProfiles.chargingSchedule.chargingSchedulePeriod[1].limit csChargingProfiles.stackLevel) ];
};

subtest 'times are times, locations are locations' => sub {
    my $at = sub { sent('UpdateFirmware', { location => 'http://a/b', retrieveDate => $_[0] })->{status} };
    is $at->($_), 409, $_ for qw(2028-02-29T23:59:59.123Z 2026-11-21T10:00:00+05:30);
    is $at->($_), 400, $_ for qw(2027-02-29T10:00:00Z 2026-11-21T10:00:00 2026-13-01T10:00:00Z 2026-11-21T24:00:00Z
        2026-11-21T10:00:00.Z 2026-11-21T10:00:00.5 2026-11-21), '2026-11-21 10:00:00Z';
    my $to = sub { sent('GetDiagnostics', { location => $_[0] })->{status} };
    is $to->($_), 409, $_ for qw(ftp://u:p@h/x https://h/x?y=1 sftp://h);
    is $to->($_), 400, $_ for '', ':', 'h/x', 'ftp:', 'http://h/a b', '1ttp://h', "http://h/\x{e9}";
};

subtest 'no payload is {}' => sub {
    is $vg->post('/api/v1/charge-points/CP1/commands', { action => 'ClearCache' })->{status}, 409;
    my $r = $vg->post('/api/v1/charge-points/CP1/commands', { action => 'Reset' });
    is $r->{status}, 400;
    is $r->{json}{errors}{'payload.type'}, 'is required';
};

subtest 'all that fits is taken, and what is answered comes back' => sub {
    $vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 },
        address => { country => 'DE' }, timeZone => 'Europe/Berlin', operatorId => 'acme', connectors => [ {
            chargePointId => 'CP1', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] });
    my $cp = Voltgate::Strict->connect($vg, 'CP1', $password);
    $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' });
    for my $action (@actions) {
        my $answer = fit($root = $schema{"$action.conf"});
        $cp->answers($action => $answer);
        $root = $schema{$action};
        my $r = sent($action, fit($root));
        is $r->{status}, 200, $action or diag $r->{body};
        is_deeply $r->{json}{result}, $answer;
        my ($asked, $payload) = $cp->asked;
        is_deeply [ $asked, $payload ], [ $action, fit($root) ];
    }
    for my $action (qw(DataTransfer DiagnosticsStatusNotification FirmwareStatusNotification LogStatusNotification
        SecurityEventNotification SignCertificate SignedFirmwareStatusNotification))
    {
        my $r = $cp->call($action, fit($root = $schema{$action}));
        is $r->{error}, undef, "$action is answered";
    }
    is_deeply $cp->wrong, [], 'and nothing broke a schema, either way';
};

done_testing;
