# How somebody wants to be told: not by this channel, not at night, not one by
# one; in their language, by their clock. And what is urgent, at once.

use strict;
use warnings;

use Test::More;

use Voltgate::Notified;

my $n   = Voltgate::Notified->start(plugins => [qw(accounts notifications)]);
my $vg  = $n->vg;
my $api = '/api/v1/notifications';
$vg->sql('update notifications.rule set enabled = false');

sub person {
    my ($name) = @_;
    my $id = $vg->post('/api/v1/customers', { name => $name, email => "$name\@example.com" })->{json}{id};
    return { id => $id, as => { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $id) } };
}
sub wants { my ($p, %what) = @_; return $vg->put("$api/preferences/$p->{id}", \%what, $p->{as}) }
sub rule { my ($type, $priority, @channels) = @_; return $vg->post("$api/rules", { name => 'Test', eventType => $type, actions =>
    [ { to => 'CUSTOMER', channels => \@channels, template => 'credits.low', priority => $priority } ] })->{json}{id} }
sub low { my ($p, $type) = @_; $n->tell($type // 'credits.low.v1', { customerId => $p->{id}, balance => \'1.50', currency => 'EUR' }); return }
sub told { my ($p, %where) = @_; return grep { my $t = $_; !grep { $t->{$_} ne $where{$_} } keys %where } @{ $vg->get($api, $p->{as})->{json}{items} } }

rule('credits.low.v1', 'NORMAL', qw(EMAIL IN_APP));
rule('payment.failed.v1', 'CRITICAL', 'EMAIL');

subtest 'what may be wanted' => sub {
    my $p = person('gina');
    is_deeply $vg->get("$api/preferences/$p->{id}", $p->{as})->{json}, { userId => $p->{id}, muted => [], quietFrom => undef, quietTo => undef,
        timeZone => undef, locale => undef, batchMinutes => 0, pushTokens => [], version => 0 }, 'who said nothing wants all';
    for my $bad ([ quietFrom => '25:00' ], [ quietFrom => '22:00' ], [ muted => ['FAX'] ], [ batchMinutes => 5000 ], [ pushTokens => ['x' x 501] ]) {
        is wants($p, @$bad)->{status}, 400, "not $bad->[0] $bad->[1]";
    }
    for my $zone ('Europe/Nowhere', '; drop', 'posixrules', '+3') {
        my $r = wants($p, timeZone => $zone);
        is $r->{status}, 422, "no zone: $zone";
        like $r->{json}{type}, qr/time_zone_unknown$/;
    }
    is wants($p, timeZone => 'Europe/Berlin', quietFrom => '22:00', quietTo => '07:00')->{status}, 201;
    is wants(person('hugo'), timeZone => 'UTC')->{status}, 201;
    is $vg->put("$api/preferences/$p->{id}", {}, person('eve')->{as})->{status}, 404, 'each for oneself';
};

subtest 'muted' => sub {
    my $p = person('mia');
    wants($p, muted => ['EMAIL']);
    low($p);
    ok $vg->wait_for(sub { told($p, status => 'SENT') }, 15), 'what is not';
    is scalar(told($p, channel => 'EMAIL', status => 'MUTED')), 1, 'a channel that is off is off';
    is scalar($n->{sink}->mails('mia@example.com')), 0;
};

# quiet hours around now, wherever that is: the end is told by PostgreSQL
subtest 'quiet hours' => sub {
    my $p = person('quinn');
    my ($from, $to) = map { $vg->sql(q{select to_char(now() at time zone 'Asia/Tokyo' + make_interval(hours => $1::int), 'HH24:MI')}, $_) } -2, 3;
    wants($p, timeZone => 'Asia/Tokyo', quietFrom => $from, quietTo => $to);
    low($p);
    low($p, 'payment.failed.v1');
    ok $vg->wait_for(sub { told($p, channel => 'EMAIL', status => 'SENT', priority => 'CRITICAL') }, 15), 'what is critical comes through';
    ok $vg->wait_for(sub { told($p, channel => 'IN_APP', status => 'SENT') }, 15), 'what disturbs nobody is there';
    my ($held) = told($p, channel => 'EMAIL', status => 'HELD');
    ok $held, 'a mail waits';
    cmp_ok abs($vg->sql(q{select extract(epoch from $1::timestamptz - now())}, $held->{dueAt}) - 3 * 3600), '<', 120, 'until they end';
    is $vg->sql('select count(*) from vg.job where kind = \'notification.send\' and next_at = $1', $held->{dueAt}), 1;
    ok $n->soon(sub { told($p, channel => 'EMAIL', status => 'SENT', priority => 'NORMAL') }), 'then it is sent';
};

# moments and their ends, by hand; over both changes of the clock
subtest 'quiet hours, by the wall clock' => sub {
    my @cases = (
        # zone, from, to, moment => until
        [ 'Europe/Berlin', '22:00', '07:00', '2026-01-10 20:59+00', undef ],
        [ 'Europe/Berlin', '22:00', '07:00', '2026-01-10 21:00+00', '2026-01-11 06:00+00' ],
        [ 'Europe/Berlin', '22:00', '07:00', '2026-01-11 05:59+00', '2026-01-11 06:00+00' ],
        [ 'Europe/Berlin', '22:00', '07:00', '2026-01-11 06:00+00', undef ],
        [ 'Europe/Berlin', '22:00', '07:00', '2026-03-28 22:00+00', '2026-03-29 05:00+00' ],
        [ 'Europe/Berlin', '22:00', '07:00', '2026-10-24 21:00+00', '2026-10-25 06:00+00' ],
        [ 'Europe/Berlin', '01:00', '02:30', '2026-03-29 00:30+00', '2026-03-29 01:30+00' ],
        [ 'America/New_York', '12:00', '13:00', '2026-07-01 16:30+00', '2026-07-01 17:00+00' ],
        [ 'America/New_York', '12:00', '13:00', '2026-07-01 12:30+00', undef ],
        [ undef, '00:00', '06:00', '2026-07-01 05:30+00', '2026-07-01 06:00+00' ],
        [ 'UTC', '06:00', '06:00', '2026-07-01 06:00+00', undef ],
    );
    for my $case (@cases) {
        my ($zone, $from, $to, $moment, $until) = @$case;
        is $vg->sql(q{select to_char(notifications.quiet_until(p, $5::timestamptz) at time zone 'UTC', 'YYYY-MM-DD HH24:MI+00')
            from (select row('x', '[]', $1::text, $2::text, $3::text, null, 0, '[]', 1, now())::notifications.preference as p
                where $4::text is null) as one}, $from, $to, $zone, undef, $moment), $until, ($zone // 'none') . " $moment";
    }
};

subtest 'several in one mail' => sub {
    my $p = person('bea');
    wants($p, batchMinutes => 60);
    low($p) for 1 .. 3;
    ok $vg->wait_for(sub { told($p, status => 'BATCHED') == 3 }, 15), 'they wait' or diag explain [ told($p) ];
    is $vg->sql(q{select count(*) from vg.job where kind = 'notification.batch' and payload ->> 'userId' = $1}, $p->{id}), 1, 'for one job';
    $vg->sql(q{update notifications.notification set due_at = now() where user_id = $1 and status = 'BATCHED'}, $p->{id});
    ok $n->soon(sub { told($p, channel => 'EMAIL', status => 'SENT') == 3 }) or diag $vg->log;
    my @mails = $n->{sink}->mails('bea@example.com');
    is scalar(@mails), 1, 'one mail';
    is $mails[0]{subject}, '3 messages';
    is scalar(() = $mails[0]{text} =~ /You have 1\.50 EUR left/g), 3, 'with all of them';
    low($p, 'payment.failed.v1');
    ok $vg->wait_for(sub { $n->{sink}->mails('bea@example.com') == 2 }, 15), 'what cannot wait does not';
};

subtest 'read' => sub {
    my $p = person('rea');
    low($p);
    $vg->wait_for(sub { told($p, channel => 'IN_APP', status => 'SENT') }, 15);
    my ($it) = told($p, channel => 'IN_APP');
    is $it->{body}, 'You have 1.50 EUR left.', 'it is there to be read';
    is scalar(@{ $vg->get("$api?unread=true&channel=IN_APP", $p->{as})->{json}{items} }), 1;
    my $r = $vg->patch("$api/$it->{id}", { read => JSON::PP::true() }, $p->{as});
    is $r->{json}{read}, JSON::PP::true();
    is scalar(@{ $vg->get("$api?unread=true&channel=IN_APP", $p->{as})->{json}{items} }), 0;
    is $vg->patch("$api/$it->{id}", { read => JSON::PP::true() }, person('ned')->{as})->{status}, 404, 'by who it is for';
};

unlike $vg->log, qr/\.lua:\d+/, 'no fault';
done_testing;
