# What is held about a customer is exported, and forgotten when that is asked.

use strict;
use warnings;

use Test::More;

use Voltgate::Notified;

my $n   = Voltgate::Notified->start(plugins => [qw(accounts notifications)]);
my $vg  = $n->vg;
my $api = '/api/v1';
my %id  = map { $_ => $vg->post("$api/customers", { name => $_, email => "$_\@example.com" })->{json}{id} } qw(ann bob);
for my $name (sort keys %id) {
    $vg->put("$api/notifications/preferences/$id{$name}", { pushTokens => ["phone of $name"] });
    $n->tell('credits.low.v1', { customerId => $id{$name}, balance => \'1.50', currency => 'EUR' });
}
my $rows = sub { $vg->sql('select count(*) from notifications.notification where user_id = $1', $id{ $_[0] }) };
ok $vg->wait_for(sub { $vg->sql(q{select count(*) from notifications.notification where status in ('SENT', 'FAILED')}) >= 5 && $rows->('ann') == 3 }, 15), 'both were told';

my $made = $vg->post("$api/customers/$id{ann}/exports");
is $made->{status}, 202;
my $all;
ok $vg->wait_for(sub { $all = $vg->get($made->{headers}{location} // "$api/customers/$id{ann}/exports/$made->{json}{id}"); ($all->{json}{status} // '') eq 'COMPLETED' }, 20), 'an export'
    or diag $all->{body};
is scalar(@{ $all->{json}{data}{notifications}{notification} || [] }), 3, 'has what she was told';
is_deeply $all->{json}{data}{notifications}{preference}[0]{pushTokens}, ['phone of ann'], 'and how she wants to be';
unlike $all->{body}, qr/phone of bob/, 'and nobody else';

is $vg->delete("$api/customers/$id{ann}")->{status}, 202;
ok $vg->wait_for(sub { $rows->('ann') == 0 }, 15), 'she is forgotten';
is $vg->sql('select count(*) from notifications.preference where user_id = $1', $id{ann}), 0;
is $vg->sql('select count(*) from notifications.attempt as a where not exists (select from notifications.notification as n where n.id = a.of_id)'), 0, 'with each try';
is $rows->('bob'), 3, 'and nobody else';
$n->tell('credits.low.v1', { customerId => $id{ann}, balance => \'1.50', currency => 'EUR' });
ok $vg->wait_for(sub { $vg->sql(q{select count(*) from notifications.notification where user_id = $1 and channel = 'EMAIL' and reason = 'no_address'}, $id{ann}) == 1 }, 15),
    'and written to no more';
is scalar($n->{sink}->mails('ann@example.com')), 1;

done_testing;
