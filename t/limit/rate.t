# How often: by identity and address, by route, on all workers together; what
# the headers say, and what a refusal is.

use strict;
use warnings;

use Test::More;

use Voltgate::Till qw(somebody nobody from ask tally left figure);
use Voltgate::Wire;
use Voltgate::Worker;

# a call in six minutes: whatever the machine does, none comes back meanwhile
my $vg = Voltgate::Till->start(http => <<'END');
voltgate_plan few rate=10r/h burst=5;
voltgate_plan few "route=GET /till/rare" rate=10r/h burst=3;
voltgate_plan few "route=GET /till/rare" burst=2;
voltgate_plan brisk rate=2r/s burst=1;
voltgate_plan anonymous rate=10r/h burst=4;
voltgate_plan anonymous "route=POST /till/login" rate=10r/h burst=2;
voltgate_limit role=driver plan=few;
voltgate_limit role=planner plan=brisk;
END

subtest 'what each answer says' => sub {
    my $ann = somebody($vg, 'ann');
    my $r   = ask($vg, '/mine', $ann);
    is $r->{status}, 200, 'she may call';
    is left($r), '5/4/360', 'five at once, four are left, all of them in six minutes';
    is left(ask($vg, '/mine', $ann)), '5/3/720', 'then three';
    $r = ask($vg, '/admin', $ann);
    is $r->{status}, 403, 'what she may not counts as well';
    is left($r), '5/2/1080', 'and says so';
    $r = $vg->post('/api/v1/till/slow', {}, $ann);
    is $r->{status}, 400, 'so does what is wrong';
    is left($r), '5/1/1440', 'and says so';
    ask($vg, '/mine', $ann);

    $r = ask($vg, '/mine', $ann);
    is $r->{status}, 429, 'the sixth is refused';
    is $r->{headers}{'content-type'}, 'application/problem+json', 'as a problem';
    like $r->{json}{type}, qr{/limited$}, 'that says what it is';
    ok $r->{json}{correlationId}, 'with the id of its call';
    is left($r), '5/0/1800', 'none is left';
    ok $r->{headers}{'retry-after'} > 350 && $r->{headers}{'retry-after'} <= 360, 'and when one will be'
        or diag $r->{headers}{'retry-after'};
    is ask($vg, '/mine', somebody($vg, 'ben'))->{status}, 200, 'another one may call';
};

subtest 'what comes back' => sub {
    my $eva = somebody($vg, 'eva', role => 'planner');
    is ask($vg, '/mine', $eva)->{status}, 200, 'one';
    my $r = ask($vg, '/mine', $eva);
    is $r->{status}, 429, 'not two';
    is $r->{headers}{'retry-after'}, 1, 'in a second at the latest';
    ok $vg->wait_for(sub { ask($vg, '/mine', $eva)->{status} == 200 }, 2), 'then another one';
};

subtest 'a route of its own' => sub {
    my $cat = somebody($vg, 'cat');
    is left(ask($vg, '/rare', $cat)), '2/1/360', 'the tighter limit is told';
    is tally($vg, 3, '/rare', $cat), '1 of 200, 2 of 429', 'the third is refused';
    is left(ask($vg, '/mine', $cat)), '5/2/1080', 'what was refused is counted nowhere';
};

subtest 'a body that is not read' => sub {
    my $dan = somebody($vg, 'dan');
    is tally($vg, 5, '/mine', $dan), '5 of 200', 'all that he has';
    my $wire = Voltgate::Wire->connect($vg);
    $wire->send("POST /api/v1/till/slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        . "Content-Length: 500000\r\nAuthorization: $dan->{Authorization}\r\n\r\n");
    is $wire->answer(5)->{status}, 429, 'it is refused before any of it has come';
};

subtest 'two workers' => sub {
    my $fay = somebody($vg, 'fay');
    my %by;
    $vg->wait_for(sub {
        my $wire = Voltgate::Wire->connect($vg);
        push @{ $by{ Voltgate::Worker->of($vg, $wire->{socket}) // 'none' } }, $wire;
        keys %by > 1;
    }, 10);
    is scalar(keys %by), 2, 'both have a connection';
    my %seen;
    for (1 .. 4) {
        for my $wire (map { $_->[0] } values %by) {
            $wire->send("GET /api/v1/till/mine HTTP/1.1\r\nHost: localhost\r\nAuthorization: $fay->{Authorization}\r\n\r\n");
            $seen{ $wire->answer(5)->{status} }++;
        }
    }
    is_deeply \%seen, { 200 => 5, 429 => 3 }, 'they share one word';
};

subtest 'nobody' => sub {
    is left(ask($vg, '/open', from(nobody, '192.0.2.1'))), '4/3/360', 'is limited by address';
    is tally($vg, 5, '/open', from(nobody, '192.0.2.1')), '3 of 200, 2 of 429', 'four at once';
    is tally($vg, 1, '/open', from(nobody, '192.0.2.2')), '1 of 200', 'each address by itself';
    is tally($vg, 1, '/open', from(nobody, '::ffff:192.0.2.1')), '1 of 429', 'however it is written';
    is tally($vg, 3, '/open', from(nobody, '2001:db8:1:2::1')), '3 of 200', 'of IPv6';
    is tally($vg, 3, '/open', from(nobody, '2001:db8:1:2:ffff::9')), '1 of 200, 2 of 429', 'a /64 is one';
    is tally($vg, 1, '/open', from(nobody, '2001:db8:1:3::1')), '1 of 200', 'the next one another';
    is tally($vg, 1, '/mine', from(somebody($vg, 'gus'), '192.0.2.1')), '1 of 200',
        'who is somebody is not held up by who calls from the same address';
    my %seen;
    $seen{ $vg->post('/api/v1/till/login', { text => 'x' }, from(nobody, '192.0.2.3'))->{status} }++ for 1 .. 4;
    is_deeply \%seen, { 200 => 2, 429 => 2 }, 'a route of theirs may be rarer';
};

subtest 'identities that are refused' => sub {
    my $bad = { Authorization => 'Bearer nothing.of.that' };
    is tally($vg, 6, '/mine', from($bad, '192.0.2.10')), '4 of 401, 2 of 429', 'four guesses';
    my $good = somebody($vg, 'hal');
    my $r = ask($vg, '/mine', from($good, '192.0.2.10'));
    is $r->{status}, 429, 'then no identity is looked for there';
    is left($r), '4/0/1440', 'by the limit of nobody';
    is tally($vg, 1, '/mine', from($good, '192.0.2.11')), '1 of 200', 'elsewhere it is';
    is ask($vg, '/mine', from($good, '192.0.2.10'))->{status}, 200, 'and who is known by then is let through';
    is tally($vg, 6, '/mine', from({ 'X-API-Key' => 'vg_no_key' }, '192.0.2.12')), '4 of 401, 2 of 429',
        'keys are guessed no more often';
    is tally($vg, 4, '/open', from(nobody, '192.0.2.13')), '4 of 200', 'who has called as nobody, as often as that';
    is tally($vg, 3, '/mine', from($bad, '192.0.2.13')), '3 of 429', 'may not guess';
};

subtest 'the pages of the kit' => sub {
    for my $page (qw(/healthz /ready /metrics /info /openapi.json)) {
        my %seen;
        for (1 .. 8) {
            my $r = $vg->get($page, from(nobody, '192.0.2.20'));
            $seen{"$r->{status} " . left($r)}++;
        }
        is_deeply \%seen, { '200 -/-/-' => 8 }, "$page is not limited";
    }
};

subtest 'a reload' => sub {
    my $ida = somebody($vg, 'ida');
    is tally($vg, 4, '/mine', $ida), '4 of 200', 'four';
    $vg->reload;
    ok $vg->wait_for(sub { $vg->get('/ready')->{status} == 200 }, 20), 'another conf';
    is tally($vg, 2, '/mine', $ida), '1 of 200, 1 of 429', 'has forgotten none of them';
};

subtest 'what is seen of it' => sub {
    my $metrics = $vg->get('/metrics')->{body};
    like $metrics, qr/^voltgate_limited_total\{plan="few",reason="rate"\} [1-9]/m, 'by plan and reason';
    like $metrics, qr/^voltgate_limited_total\{plan="few",reason="route"\} 2$/m, 'of a route';
    like $metrics, qr/^voltgate_limited_total\{plan="anonymous",reason="failures"\} [1-9]/m, 'of refused identities';
    unlike $metrics, qr/192\.0\.2|\bann\b/, 'and nobody who called';
    is figure($vg, 'voltgate_limit_displaced_total'), 0, 'nobody was displaced';
};

done_testing;
