# Each quirk by its fixture: what came from the charge point, and what goes on to
# the fields. fixtures/NAME.json: boot (none for quirks of generic.lua, whose name
# is in `also`), and messages of action, came, goesOn (none: as it came).

use strict;
use warnings;

use File::Basename qw(basename dirname);
use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Charger;

my $witness = <<'LUA';
return { abi = 9, name = "witness", version = "1", about = "a test",
    routes = { { "HOOK", "OCPP16 *", stands = "before fields, after quirks", about = "Write it down", handler = function(call)
        db.change("note", { point = call.charge_point, seen = call.body })
    end } },
    queries = { note = { { "bound", "point", "text", required = true }, { "bound", "seen", "any", required = true } } } }
LUA
my $note = "-- in: point, seen\n-- out: ok\nwith noted as (\n    insert into witness.seen (point, seen)\n    values (:point, :seen)\n), answer (status, body, events) as (\n"
    . "    select 'ok', null::json, null::jsonb\n)\nselect * from answer;\n";

my $json = JSON::PP->new->canonical->allow_bignum;
my %fixture;
for my $file (glob dirname(__FILE__) . '/fixtures/*.json') {
    open my $in, '<:raw', $file or die "$file: $!";
    $fixture{ basename($file, '.json') } = $json->decode(do { local $/ = undef; <$in> });
}
my %also = map { $_ => { chargePointVendor => "Of $_", chargePointModel => 'M 1' } } grep { $fixture{$_}{also} } keys %fixture;
my $also = join '; ', map { "$fixture{$_}{also}=Of $_/m*" } sort keys %also;

my $vg = Voltgate->start(extra => { http => qq(voltgate_setting quirks.also "$also";) }, authored => { witness => {
    'plugin.lua' => $witness, 'sql/queries/note.sql' => $note,
    'sql/001_seen.sql' => "create table witness.seen (id bigint generated always as identity primary key, point text not null, seen jsonb not null);\n" } });

my @names    = sort keys %fixture;
my $password = 'sixteen letters!';
my %company  = (operatorId => '019393c0-0000-7000-8000-000000000001');
$vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin', %company,
    connectors => [ map { { chargePointId => $_, connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } @names ] })->{json}{id}
    or die "no station\n";

sub last_seen { return $vg->sql('select seen::text from witness.seen where point = $1 order by id desc limit 1', $_[0]) }

for my $name (@names) {
    my $fixture = $fixture{$name};
    $vg->patch("/api/v1/charge-points/$name", { password => $password });
    my $cp = Voltgate::Charger->connect($vg, $name, $password);
    is $cp->call(BootNotification => $fixture->{boot} // $also{$name})->[2]{status}, 'Accepted', "$name boots";
    my $transaction = -1;
    for my $message (@{ $fixture->{messages} }) {
        my ($came, $due) = map { my $text = $json->encode($_); $text =~ s/"\$transaction"/$transaction/g; $text } $message->{came}, $message->{goesOn} // $message->{came};
        my $answer = $cp->call($message->{action}, $came);
        is_deeply $json->decode(last_seen($name)), $json->decode($due), "$name: " . ($message->{about} // $message->{action});
        $transaction = $answer->[2]{transactionId} if $message->{action} eq 'StartTransaction';
    }
}

# ---------------------------------------------------------- each has its fixture

my %quirk;
for my $file (glob dirname(__FILE__) . '/../{vendor_*,generic}.lua') {
    open my $in, '<', $file or die "$file: $!";
    my $text = do { local $/ = undef; <$in> };
    $quirk{$_} = 1 for $text =~ /\{ name = "(\w+)"/g;
}
is_deeply [ grep { !$fixture{$_} } sort keys %quirk ], [], 'each quirk has a fixture of its name';

unlike $vg->log, qr{goes on without it|quirks: \w+\.lua:\d+}, 'no quirk failed';
done_testing;
