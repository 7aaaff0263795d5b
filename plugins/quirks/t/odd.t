# Messages that are no OCPP at all go on and are answered, whatever cures look at
# them; and while nobody says what a charge point is, what was known holds, and
# who is not known goes on as it came.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my @generic = do {
    open my $in, '<', "$Voltgate::ROOT/plugins/quirks/generic.lua" or die $!;
    do { local $/ = undef; <$in> } =~ /\{ name = "(\w+)"/g;
};
cmp_ok scalar(@generic), '>', 9, 'all of them at once';
my $vg = Voltgate->start(extra => { http => 'voltgate_setting quirks.known 1; voltgate_setting quirks.also "' . join('; ', map { "$_=All" } @generic) . '";' });

my $password = 'sixteen letters!';
$vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1 .. 3 ] })->{json}{id}
    or die "no station\n";
my %cp;
for my $id (qw(CP1 CP2 CP3)) {
    $vg->patch("/api/v1/charge-points/$id", { password => $password });
    $cp{$id} = Voltgate::Charger->connect($vg, $id, $password);
    is $cp{$id}->call(BootNotification => { chargePointVendor => $id eq 'CP3' ? 'None' : 'All', chargePointModel => 'M' })->[2]{status}, 'Accepted';
}

# --------------------------------------------------------------- what is no OCPP

my @values  = ('null', 'true', '0', '-1', '1e400', '123456789012345678901234567890', '0.1234567890123456789', '""', '" "', '"x"', '"12"', '"1e3"', '"\\u0000"',
    '"99999999999999999999"', '{}', '[]', '[1]', '{"a":1}', '[[]]', '[null]', '[{}]', '"9223372036854775807"', '"2024-02-30T00:00:00Z"', '"2024-06-15T12:00:00"', '"0000-01-01T00:00:00Z"',
    '"2024-06-15T12:00:00.1234567890123456789Z"', '"' . 'Z' x 60_000 . '"');
my @members = qw(connectorId idTag meterStart meterStop timestamp transactionId meterValue transactionData reason);
my @samples = qw(value context format measurand phase location unit);
my $wrong   = 0;

# a transaction's message is answered with success, whatever it is
sub says {
    my ($action, $payload) = @_;
    my $answer = $cp{CP1}->call($action, $payload, timeout => 20);
    return if $answer && $answer->[0] == 3;
    $wrong++;
    return diag "$action ", substr $payload, 0, 200;
}

for my $value (@values) {
    for my $action (qw(StartTransaction MeterValues StopTransaction)) {
        for my $member (@members) {
            my %payload = (connectorId => 1, idTag => '"A"', meterStart => 1, meterStop => 2, timestamp => '"2024-06-15T12:00:00Z"', transactionId => -1, $member => $value);
            says($action, '{' . join(',', map { qq("$_":$payload{$_}) } sort keys %payload) . '}');
        }
    }
    my $moments = sub { return qq([{"timestamp":$_[0],"sampledValue":$_[1]}]) };
    for my $payload ($moments->($value, '[{"value":"1"}]'), $moments->('"2024-06-15T12:00:00Z"', $value),
        map { my $member = $_; $moments->('"2024-06-15T12:00:00Z"', '[' . join(',', '{' . join(',', ($member eq 'value' ? () : '"value":"1"'), qq("$member":$value)) . '}', '{"value":"2"}') . ']') } @samples)
    {
        says(MeterValues => qq({"connectorId":1,"meterValue":$payload}));
        says(StopTransaction => qq({"transactionId":-1,"meterStop":1,"timestamp":"2024-06-15T12:00:00Z","transactionData":$payload}));
    }
    last if $wrong > 5;
}
is $wrong, 0, 'each is answered with success';
is_deeply [ grep { /quirks: .*\.lua:\d+|goes on (?:without it|as it came)/ } split /^/, $vg->log ], [], 'and no cure stumbles';
is $cp{CP1}->call(Heartbeat => {})->[0], 3, 'it is connected still';

# ------------------------------------------------------------ nobody knows who it is

sub unit {
    my ($id, $n) = @_;
    my $when = sprintf '2024-06-15T12:%02d:00Z', $n;
    is $cp{$id}->call(MeterValues => { connectorId => 1, meterValue => [ { timestamp => $when, sampledValue => [ { value => $n, measurand => 'Power.Active.Import', unit => 'W' } ] } ] })->[0], 3;
    return $vg->sql(q{select unit from charging.meter_value where charge_point_id = $1 and raw = $2 and measurand = 'Power.Active.Import'}, $id, $n);
}
is unit('CP2', 1), 'kW', 'what it is is known';
$vg->sql('alter table stations.link rename to away');
select undef, undef, undef, 1.1;    # as old as quirks.known says
is unit('CP2', 2), 'kW', 'while stations cannot say that holds, old as it is';
is unit('CP3', 3), 'W', 'who is not known goes on as it came';
like $vg->log, qr/quirks: CP3: nobody says what it is/, '... which is logged';
$vg->sql('alter table stations.away rename to link');
$vg->sql(q{update stations.link set vendor = 'all' where charge_point_id = 'CP3'});
is unit('CP3', 4), 'kW', 'and is asked for with the next';

# ------------------------------------------------------------------ a cure that fails

$vg->sql('alter table quirks.register rename to away');
my $start = sub { $cp{CP2}->call(StartTransaction => { connectorId => 1, idTag => 'A', meterStart => $_[0], timestamp => sprintf '2024-06-15T12:00:%02dZ', $_[0] })->[0] };
is_deeply [ map { $start->($_) } 1 .. 25 ], [ (3) x 25 ], 'a message whose cure fails goes on';
like $vg->log, qr/quirks: register_resets: StartTransaction of CP2 goes on as it came: /, '... as it came, which is logged';
my $numbers = $vg->get('/metrics')->{body};
like $numbers, qr/^voltgate_quirks_failures_total 25$/m, '... and counted';
like $numbers, qr/^voltgate_quirks_corrections_total\{cure="unit"\} [1-9]/m, 'as is what was put right';
is unit('CP3', 5), 'kW', 'and takes nobody else\'s cures away, however often';
$vg->sql('alter table quirks.away rename to register');
is $start->(30), 3;
cmp_ok $vg->sql(q{select shown_wh from quirks.register where charge_point_id = 'CP2'}), '==', 30_000, 'its own come back';

done_testing;
