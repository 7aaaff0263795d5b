# Other plugins tell somebody by asking; what has the same key is said once.
# What a template's owner got wrong costs that notification, and nothing else.

use strict;
use warnings;

use utf8;

use Test::More;

use Voltgate::Notified;

my $lua = <<'END';
return {
    abi = 9, name = "teller", version = "1", about = "a test",
    routes = { { "POST", "/teller", about = "Tell", fields = { { "body", "what", "object", required = true }, { "body", "route", "text" } },
        handler = function(call)
            local said, err = ask(call.values.route or "notification.send", call.values.what)
            return { made = said and said.made, err = err }
        end } },
}
END
utf8::encode($lua);
my $n  = Voltgate::Notified->start(plugins => [qw(accounts notifications)], authored => { teller => { 'plugin.lua' => $lua } });
my $vg = $n->vg;
my $api = '/api/v1/notifications';
my $ann = $vg->post('/api/v1/customers', { name => 'Ann', email => 'ann@example.com' })->{json}{id};

sub template { my ($name, %text) = @_; my $r = $vg->post("$api/templates", { name => $name, locale => 'en', subject => 'x', text => 'x', %text });
    is $r->{status}, 201, "the template $name" or diag $r->{body}; return }
sub tells { my ($template, $key, %more) = @_; return $vg->post('/api/v1/teller', { what => { userId => $ann, channels => ['EMAIL'], template => $template,
    key => $key, data => { name => 'Eve', n => 3 }, %more } })->{json} }
sub status { my ($template) = @_; return $vg->sql(q{select string_agg(status || coalesce(' ' || reason, ''), ',') from notifications.notification where template = $1}, $template) // '' }

template('greeting', subject => 'Привет, {{name}}, это длинная тема ' . 'и ещё ' x 30, text => 'You have {{n}} of {{none}}them.', html => '<b>{{n}}</b>');
is_deeply tells('greeting', 'one'), { made => 1 }, 'somebody is told';
is_deeply tells('greeting', 'one'), { made => 0 }, 'once';
my $mail = $n->mail('ann@example.com', qr/Привет/) or diag $vg->log;
like $mail->{subject}, qr/^Привет, Ann, это длинная тема (?:и ещё )+/, 'by the name that accounts has, cut between two letters';
is $mail->{text}, 'You have 3 of them.';

template('bomb', text => '{{n}}' x 400);
is_deeply tells('bomb', 'two', data => { n => 'x' x 1_000 }), { made => 1 };
ok $vg->wait_for(sub { status('bomb') eq 'FAILED template' }, 15), 'a template that makes too much' or diag status('bomb');
is_deeply tells('nothing', 'three'), { made => 1 };
ok $vg->wait_for(sub { status('nothing') eq 'FAILED no_template' }, 15), 'or one that is not there';
template('blank', subject => '{{none}}');
tells('blank', 'four');
ok $n->mail('ann@example.com', qr/^blank$/), 'a mail has a subject';
is tells('greeting', 'five', userId => undef)->{err}, 'internal', 'who asks wrongly made a mistake: nobody is told';
is tells('greeting', 'six', channels => ['FAX'])->{err}, 'internal';

# at once, to whom nobody knows
sub mails { return $vg->post('/api/v1/teller', { route => 'notification.mail', what => { email => 'zoe@example.com', template => 'account.verify',
    data => { code => '123456', name => 'Zoë' }, @_ } })->{json}{err} }
is mails(locale => 'de-AT'), undef;
$mail = $n->mail('zoe@example.com', qr/^Ihr Code$/);
like $mail->{text}, qr/^Guten Tag Zoë,.*^123456$/ms, 'in a language that is asked for';
is mails(locale => 'fr'), undef;
ok $n->mail('zoe@example.com', qr/^Your code$/), 'or in English';
is mails(template => 'nothing'), 'unavailable', 'without a template there is none';
is mails(email => 'zoe at home'), 'unavailable', 'nor to what is no address';
is $vg->sql(q{select count(*) from notifications.notification where template = 'account.verify'}), 0, 'and nothing is kept';
is $vg->sql(q{select count(*) from vg.job where plugin = 'notifications'}), 0, 'nothing is left';

done_testing;
