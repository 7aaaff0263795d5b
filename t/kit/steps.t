# Awaited steps, one behind the other: what each knows of those before it, what
# told() may do with it, and what becomes of a call that ends in the middle.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Inquirer qw(inquirers);
use Voltgate::Wire;
use Voltgate::World;

my $world = Voltgate::World->start;
my $vg = Voltgate->start(authored => { inquirers() }, extra => { http => <<"END" });
    voltgate_target world url=@{[ $world->url ]} rate=10000 concurrent=64 tries=1 timeout=20s window=20;
    voltgate_job    guest.tour tries=2 concurrent=4 lease=50s;
END
my $json = JSON::PP->new->canonical;

sub body  { my ($n, @asks) = @_; return { n => $n, asks => \@asks } }
sub tour  { my ($n, $asks, $headers) = @_; return $vg->post('/api/v1/guest/tour', body($n, @$asks), $headers || {}) }
sub drawn { return $vg->sql('select count(*) from well.drawn where n = $1', $_[0]) }
sub kept  { return $vg->sql('select count(*) from guest.kept where n = $1', $_[0]) }
sub heard { return $vg->rows('select said, why, seen, try from guest.heard where n = $1', $_[0]) }
sub keep  { return { route => 'guest.keep', n => $_[0] } }
sub draw  { return { route => 'well.draw', n => $_[0] } }
sub type  { return ($_[0]{json}{type} // '') =~ s{.*/}{}r }

subtest 'each is asked when the one before has answered' => sub {
    my $r = tour(1, [ keep(1), draw(1), { route => 'well.still', n => 1 } ]);
    is $r->{status}, 200 or diag $r->{body};
    is_deeply $r->{json}{heard}, { first => { n => 1 }, second => { n => 1 }, third => { still => JSON::PP::true } },
        'the statement has all that was said, by the name of who asked';
    is_deeply $r->{json}{seen}, { first => { n => 1 }, second => { n => 1 } }, 'told() what was said till then';
    is kept(1) . drawn(1), '11', 'each was done once';
};

subtest 'who asks nobody is passed over' => sub {
    my $r = tour(2, [ keep(2), {}, draw(2) ]);
    is_deeply $r->{json}, { heard => { first => { n => 2 }, third => { n => 2 } }, seen => undef },
        'and is told nothing' or diag $r->{body};
    is_deeply tour(3, [ {}, draw(3), {} ])->{json}{heard}, { second => { n => 3 } }, 'one alone has its name, too';
    is_deeply tour(4, [ {}, {}, {} ])->{json}, { heard => undef, seen => undef }, 'nobody said nothing';
};

subtest 'two that ask the same of one are two' => sub {
    my %key = ('Idempotency-Key' => 'two buckets');
    my $asks = [ draw(20), draw(21), draw(21) ];
    for my $time (qw(once again)) {
        my $r = tour(20, $asks, \%key);
        is_deeply $r->{json}{heard}, { first => { n => 20 }, second => { n => 21 }, third => { n => 21 } },
            "$time: each hears of its own" or diag $r->{body};
        is drawn(20) . drawn(21), '12', 'and each is done';
    }
};

subtest 'one in the middle refuses' => sub {
    my %key = ('Idempotency-Key' => 'dry');
    for (1, 2) {
        my $r = tour(30, [ keep(30), draw(-1), draw(30) ], \%key);
        is $r->{status}, 409 or diag $r->{body};
        is type($r), 'well_dry', 'that ends the call';
        is drawn(30), 0, 'whoever is behind it is not asked';
        is scalar heard(30), 0, 'nothing is written';
        is kept(30), 1, 'who was before it did it once, however often the call comes';
    }
    my $r = tour(31, [ keep(31), { route => '/close' }, draw(31) ]);
    is_deeply [ $r->{status}, type($r), drawn(31), scalar heard(31) ], [ 502, 'unreachable', 0, 0 ], 'or is away' or diag $r->{body};
};

subtest 'a key is for one body, also where nothing was stored' => sub {
    my %key = ('Idempotency-Key' => 'changed');
    is tour(35, [ keep(35), draw(-1), {} ], \%key)->{status}, 409, 'nothing came of it';
    my $r = tour(36, [ keep(36), draw(36), {} ], \%key);
    is_deeply [ $r->{status}, type($r) ], [ 422, 'key_reused' ], 'so its first step is not taken for that of another' or diag $r->{body};
    is kept(36) . drawn(36) . heard(36), '000';
    is tour(36, [ keep(36), draw(36), {} ], { 'Idempotency-Key' => 'another' })->{status}, 200, 'which has a key of its own';
};

subtest 'what was said is not liked' => sub {
    my $r = tour(40, [ keep(40), draw(13), draw(40) ]);
    is $r->{status}, 409 or diag $r->{body};
    is type($r), 'well_dry', 'told() refuses by name';
    is kept(40) . drawn(13) . drawn(40) . heard(40), '1100', 'and nobody is asked any more';
};

subtest 'a step that breaks without a word, and one that finds a field wrong' => sub {
    my %what = (command => [ 500, 'internal' ], told => [ 500, 'internal' ],
        field => [ 400, 'validation' ], field_told => [ 400, 'validation' ]);
    my $n = 50;
    for my $fault (sort keys %what) {
        $n++;
        my $r = tour($n, [ keep($n), { %{ draw($n) }, fault => $fault }, draw($n + 100) ]);
        is_deeply [ $r->{status}, type($r) ], $what{$fault}, "$fault: it ends the call" or diag $r->{body};
        is_deeply [ drawn($n + 100), scalar heard($n) ], [ 0, 0 ], 'and nothing comes of it';
    }
};

# a client of its own that asks and does not wait
sub ask_and_leave {
    my ($key, $body) = @_;
    return Voltgate::Wire->post($vg, '/api/v1/guest/tour', $body, 'Idempotency-Key' => $key);
}

subtest 'the client goes in the middle' => sub {
    my $wire = ask_and_leave('gone', body(60, keep(60), { route => '/slow/700?gone' }, draw(60)));
    ok $vg->wait_for(sub { $world->requests(qr{gone}) }), 'it is in the middle';
    undef $wire;
    ok $vg->wait_for(sub { heard(60) }, 10), 'the call goes on to its end';
    is kept(60) . drawn(60), '11', 'all is done once';
    my $r = tour(60, [ keep(60), { route => '/slow/700?gone' }, draw(60) ], { 'Idempotency-Key' => 'gone' });
    is $r->{status}, 200, 'who comes back has the answer' or diag $r->{body};
    is scalar(my @asked = $world->requests(qr{gone})), 1, 'and nobody is asked for it';
};

subtest 'the worker dies in the middle' => sub {
    my $asks = [ keep(70), { route => '/slow/1500?killed' }, draw(70) ];
    my $wire = ask_and_leave('killed', body(70, @$asks));
    ok $vg->wait_for(sub { $world->requests(qr{killed}) }), 'it is in the middle';
    my @before = $vg->workers;
    $vg->kill_worker($_) for @before;
    ok $vg->wait_for(sub { my %now = map { $_ => 1 } $vg->workers; keys %now == 2 && !grep { $now{$_} } @before }, 10), 'others come';
    is kept(70) . drawn(70) . heard(70), '100', 'the first step is done, no other';
    delete $vg->{client};
    my $r = tour(70, $asks, { 'Idempotency-Key' => 'killed' });
    is $r->{status}, 200, 'it is asked again' or diag $r->{body};
    is_deeply $r->{json}{heard}{first}, { n => 70 }, 'the first step says what it said';
    is kept(70) . drawn(70) . heard(70), '111', 'and all is done once';
};

sub job { my ($n, @asks) = @_; is $vg->post('/api/v1/guest/tour-job', body($n, @asks))->{status}, 202; return }

subtest 'a job has several, too' => sub {
    job(80, keep(80), { route => '/ok?eighty' }, { route => '/ok?eighty-one' });
    ok $vg->wait_for(sub { heard(80) }), 'and is done';
    my ($row) = heard(80);
    is $row->{try}, 1, 'at the first try';
    is_deeply [ sort keys %{ $json->decode($row->{said}) } ], [qw(first second third)], 'with all that was said';
    my ($one, $other) = map { $_->{headers}{'idempotency-key'} } $world->requests(qr{eighty});
    isnt $one, $other, 'each request has a key of its own';
};

subtest 'a job that fails in the middle is tried again' => sub {
    job(81, keep(81), { route => '/fail/1/tour' }, draw(81));
    ok $vg->wait_for(sub { heard(81) }, 15), 'and is done';
    is +(heard(81))[0]{try}, 2, 'vg_job_try() says the second';
    is kept(81) . drawn(81), '11', 'each once';
    my @keys = map { $_->{headers}{'idempotency-key'} } $world->requests(qr{fail/1/tour});
    is scalar @keys, 2, 'the world was asked twice';
    is $keys[0], $keys[1], 'under one key';

    job(82, keep(82), draw(-1), draw(82));
    ok $vg->wait_for(sub { $vg->hurry; heard(82) }, 15), 'and given up';
    is +(heard(82))[0]{why}, 'well_dry', 'its undo knows why';
    is kept(82) . drawn(82), '10', 'nobody behind it was asked';
};

subtest 'a worker dies in the middle of a job' => sub {
    job(90, keep(90), { route => '/slow/1500?job' }, draw(90));
    ok $vg->wait_for(sub { $world->requests(qr{slow/1500\?job}) }), 'it is in the middle';
    my @before = $vg->workers;
    $vg->kill_worker($_) for @before;
    ok $vg->wait_for(sub { my %now = map { $_ => 1 } $vg->workers; keys %now == 2 && !grep { $now{$_} } @before }, 10), 'others come';
    delete $vg->{client};
    ok $vg->wait_for(sub { heard(90) }, 15), 'it is done, long before the lease is over';
    is_deeply [ map { $_->{try} } heard(90) ], [2], 'at the second try';
    is kept(90) . drawn(90), '11', 'each once';
};

subtest 'who asked a plugin first may wait for the world behind it' => sub {
    my $began = time;
    my $r = tour(100, [ draw(100), { route => '/slow/11000' }, draw(101) ]);
    is $r->{status}, 200, 'longer than the 10 s of who waits for plugins alone' or diag $r->{body};
    cmp_ok time - $began, '>', 10;
};

done_testing;
