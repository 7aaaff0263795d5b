# Rules: data that their owners write; windows over the time of events, in
# whatever order these come; and what a sample event would do.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;

use Voltgate::Notified;

my $n   = Voltgate::Notified->start(plugins => [qw(accounts notifications)]);
my $vg  = $n->vg;
my $api = '/api/v1/notifications';
my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => $_->[0], company => $_->[1]) } }
    [ north => $north ], [ south => $south ];

$vg->sql('update notifications.rule set enabled = false');
sub rule { my ($as, %more) = @_; return $vg->post("$api/rules", { name => 'A rule', eventType => 'credits.low.v1', actions =>
    [ { to => 'CUSTOMER', channels => ['IN_APP'], template => 'credits.low' } ], %more }, $as) }
sub told { my ($rule) = @_; return $vg->sql('select count(*) from notifications.notification where rule_id = $1', $rule) }

# an event of a subject's, and that all before it were heard
my $marks = rule($as{north}, name => 'mark', eventType => 'payment.succeeded.v1')->{json}{id};
my $count = 0;
sub heard {
    my $mark = 'mark-' . ++$count;
    $n->tell('payment.succeeded.v1', { customerId => $mark, operatorId => $north });
    $vg->wait_for(sub { $vg->sql('select count(*) from notifications.notification where user_id = $1', $mark) == 1 }, 15) or die "not heard\n", $vg->log;
    return;
}

subtest 'a rule is checked when it is written' => sub {
    my $action = { to => 'CUSTOMER', channels => ['EMAIL'], template => 'x' };
    my @wrong = (
        [ eventType => 'nothing.v1', 'eventType' ], [ condition => { field => 'x' }, 'condition' ], [ condition => { all => [] }, 'condition' ],
        [ window => { seconds => 60, count => 2 }, 'window.by' ], [ window => { seconds => 5, count => 2, by => 'x' }, 'window.seconds' ],
        [ actions => [], 'actions' ], [ actions => [ {} ], 'actions[0]' ], [ actions => [ { %$action, to => 'EVE' } ], 'actions[0].to' ],
        [ actions => [ { %$action, channels => ['FAX'] } ], 'actions[0].channels[0]' ],
        [ actions => [ { incident => { by => 'x', escalation => { seconds => 60 } } } ], 'actions[0].incident.escalation' ],
    );
    for my $case (@wrong) {
        my ($key, $value, $says) = @$case;
        my $r = rule($as{north}, $key => $value);
        is $r->{status}, 400, $says;
        ok $r->{json}{errors}{$says}, 'it says where' or diag explain $r->{json};
    }
};

subtest 'whose it is' => sub {
    my $r = rule($as{north});
    is $r->{status}, 201;
    is $r->{json}{companyId}, $north, 'its company\'s';
    is rule($as{north}, companyId => $south)->{status}, 403, 'not another\'s';
    is $vg->get("$api/rules/$r->{json}{id}", $as{south})->{status}, 404;
    is scalar(@{ $vg->get("$api/rules", $as{south})->{json}{items} }), 0;
    is $vg->patch("$api/rules/$r->{json}{id}", { enabled => JSON::PP::false() }, $as{north})->{json}{enabled}, JSON::PP::false();
    $n->tell('credits.low.v1', { customerId => 'c', operatorId => $north, balance => 1, currency => 'EUR' });
    heard();
    is told($r->{json}{id}), 0, 'one that is off tells nobody';
    $vg->patch("$api/rules/$r->{json}{id}", { enabled => JSON::PP::true(), condition => { field => 'balance', op => 'lt', value => 2 } }, $as{north});
    $n->tell('credits.low.v1', { customerId => "c$_->[0]", operatorId => $_->[1], balance => $_->[2], currency => 'EUR' })
        for [ 1, $north, 1 ], [ 2, $south, 1 ], [ 3, $north, 2 ];
    heard();
    is $vg->sql('select string_agg(user_id, \' \') from notifications.notification where rule_id = $1', $r->{json}{id}), 'c1', 'its company\'s events, if they fulfil it';
    is $vg->delete("$api/rules/$r->{json}{id}", $as{north})->{status}, 204;
    is $vg->get("$api/rules/$r->{json}{id}", $as{north})->{status}, 404, 'gone';
};

subtest 'a window of event time' => sub {
    my $r = rule(undef, window => { seconds => 3600, count => 3, by => 'customerId', lateness => 600 });
    is $r->{status}, 201 or diag $r->{body};
    my $id   = $r->{json}{id};
    my $hour = time % 3600;          # since the present window began
    my $at   = sub { my ($who, $ago) = @_; $n->tell('credits.low.v1', { customerId => $who, balance => 1, currency => 'EUR' }, ago => $ago) };
    my $back = 3 * 3600 + $hour;     # the beginning of the one before the last two
    $at->('dan', $back - $_) for 10, 1000;
    heard();
    is told($id), 0, 'two are too few';
    $at->('dan', $back - 500);
    heard();
    is told($id), 1, 'the third fills it, whatever their order';
    $at->('dan', $back - $_) for 600, 700, 800, 900;
    heard();
    is told($id), 1, 'and what follows says no more';
    $at->('dan', $back - 3600 - $_) for 10, 20;
    $at->('eve', $back - 3600 - $_) for 10;
    heard();
    is told($id), 1, 'each window and each key counts by itself';
    $at->('dan', $back - 3600 - 300);
    heard();
    is told($id), 2, 'the next window is full';
    # fred: two, then time goes on beyond the lateness, then the third
    $at->('fred', $back - 10);
    $at->('fred', $back - 20);
    $at->('fred', $back - 3600 - 500);
    $at->('fred', $back - 30);
    heard();
    is told($id), 3, 'late, but not too late';
    $at->('gus', $back - 10);
    $at->('gus', $back - 20);
    $at->('gus', $back - 3600 - 700);
    $at->('gus', $back - 30);
    heard();
    is told($id), 3, 'what comes later than the window and the lateness is not counted';
};

subtest 'once for each subject within a while' => sub {
    my $r = rule(undef, eventType => 'login.failures.v1', actions => [ { to => 'HOUSE', channels => ['IN_APP'], template => 'login.failures',
        once => { by => 'userId', seconds => 2_678_400 } } ]);
    $n->tell('login.failures.v1', { userId => $_, count => 6, since => '2026-01-01T00:00:00Z' }) for qw(a a b a);
    heard();
    is told($r->{json}{id}), 2;
};

subtest 'what a rule would do' => sub {
    my $r = rule($as{north}, condition => { field => 'balance', op => 'lt', value => 5 }, actions => [ { to => 'CUSTOMER', channels => [qw(EMAIL PUSH)], template => 'credits.low', priority => 'HIGH' } ]);
    my $test = sub { return $vg->post('/api/v1/alerts/test', $_[0], $_[1] // $as{north}) };
    my $said = $test->({ ruleId => $r->{json}{id}, payload => { balance => 4, customerId => 'ann' } });
    is $said->{status}, 200 or diag $said->{body};
    is_deeply $said->{json}, { matches => JSON::PP::true(), notifications => [ map { { userId => 'ann', channel => $_, priority => 'HIGH', template => 'credits.low' } } qw(EMAIL PUSH) ] };
    is_deeply $test->({ ruleId => $r->{json}{id}, payload => { balance => 6, customerId => 'ann' } })->{json}, { matches => JSON::PP::false(), notifications => [] };
    is $test->({ ruleId => $r->{json}{id}, payload => {} }, $as{south})->{status}, 404, 'not another\'s';
    is $test->({ condition => { field => 'n', op => 'gt', value => 1 }, payload => { n => 2 } })->{json}{matches}, JSON::PP::true(), 'or one that is not written yet';
    is $test->({ condition => { op => 'gt' }, payload => {} })->{status}, 400;
};

unlike $vg->log, qr/\.lua:\d+/, 'no fault';
done_testing;
