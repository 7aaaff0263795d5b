# From an event to a mail: a rule finds it, a job sends it, a real mail server
# takes it; and nobody is told twice.

use strict;
use warnings;

use utf8;

use Test::More;

use Voltgate::Notified;

my $n  = Voltgate::Notified->start(plugins => [qw(accounts notifications)]);
my $vg = $n->vg;

my $ann = $vg->post('/api/v1/customers', { name => 'Ann <b>', email => 'ann@example.com', language => 'en' })->{json}{id};
my $bob = $vg->post('/api/v1/customers', { name => 'Bob', email => 'bob@example.com', language => 'de' })->{json}{id};

my %session = (sessionId => '019393c0-0000-7000-8000-000000000001', chargePointId => 'CP-1', energyKwh => \'12.30', costInclVat => \'7.10',
    currency => 'EUR', endTime => '2026-07-01T10:00:00Z', timeZone => 'Europe/Berlin', costs => { total => 1 });
$n->tell('charging.session.completed.v1', { %session, customerId => $ann });
$n->tell('charging.session.completed.v1', { %session, customerId => $bob });

my $mail = $n->mail('ann@example.com', qr/Your charge/);
is $mail->{subject}, 'Your charge: 12.30 kWh', 'the receipt is mailed';
like $mail->{text}, qr/^Hello Ann <b>,/, 'to who charged';
like $mail->{text}, qr/It costs 7\.10 EUR/, 'money as the event has it';
like $mail->{text}, qr/until 2026-07-01 12:00/, 'by the wall clock of the station';
like $mail->{html}, qr/Hello Ann &lt;b&gt;/, 'escaped';
my $german = $n->mail('bob@example.com', qr/Ladevorgang/);
is $german->{subject}, 'Ihr Ladevorgang: 12.30 kWh', 'in the language of the customer';
like $german->{text}, qr/einschließlich/;

ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'notification.sent.v1'}) >= 4 }, 15), 'that it was sent is told';
is_deeply [ $vg->rows('select channel, status, tries, reason from notifications.notification where user_id = $1 order by channel', $ann) ], [
    { channel => 'EMAIL',  status => 'SENT',   tries => 1, reason => undef },
    { channel => 'IN_APP', status => 'SENT',   tries => 1, reason => undef },
    { channel => 'PUSH',   status => 'FAILED', tries => 1, reason => 'no_device' },
], 'each channel by itself';
is $vg->sql(q{select count(*) from notifications.attempt}), 6, 'each try is in the log';
is $vg->sql(q{select subject from notifications.notification where user_id = $1 and channel = 'IN_APP'}, $ann), 'Your charge: 12.30 kWh', 'what is shown is kept';
is $vg->sql(q{select count(*) from vg.job where plugin = 'notifications'}), 0, 'nothing is left to do';

$n->tell('charging.session.completed.v1', { %session, customerId => $ann }, ago => 90_000);
$n->tell('charging.session.completed.v1', { %session });
$n->tell('credits.low.v1', { customerId => 'nobody', balance => \'0.5', currency => 'EUR' });
$n->tell('credits.low.v1', { customerId => $ann, balance => \'4.5', currency => 'EUR' });
is $n->mail('ann@example.com', qr/credit/)->{text}, 'You have 4.50 EUR left.', 'digits are filled up';
ok $vg->wait_for(sub { $vg->sql(q{select count(*) from notifications.notification where user_id = 'nobody' and status = 'FAILED' and reason = 'no_address'}) == 1 }, 10),
    'who has no address is not written to';
is $vg->sql(q{select count(*) from notifications.notification where template = 'session.completed'}), 6, 'old news are none, and what is nobody\'s is told to nobody';
is scalar(grep { $_->{subject} =~ /charge/ } $n->{sink}->mails('ann@example.com')), 1, 'once';
unlike $vg->log, qr/\.lua:\d+/, 'no fault';

done_testing;
