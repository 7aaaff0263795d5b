# One plugin asks another in a step, with a statement: what it hears, by whose
# name it asks, what refuses, and what goes on when the other one is away.
# Long: who is asked hangs, until time is up.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Inquirer qw(inquirers);

my $vg = Voltgate->start(own_cluster => 1, authored => { inquirers() }, elsewhere => { away => ['well'] },
    extra => { http => "    voltgate_job guest.visit tries=2 concurrent=4 lease=50s;\n" });
my $well = $vg->elsewhere('away');
my $json = JSON::PP->new->canonical;

sub ask   { my ($route, $n, %rest) = @_; return $vg->post('/api/v1/guest', { route => $route, n => $n, %rest }) }
sub drawn { return $well->sql('select count(*) from well.drawn where n = $1', $_[0]) }
sub heard { return $vg->rows('select said, why from guest.heard where n = $1', $_[0]) }

subtest 'its answer is the outcome' => sub {
    my $r = $vg->post('/api/v1/guest', { route => 'well.look', n => 1 }, {
        Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'ola', company => 'c-1'),
        'X-Correlation-ID' => 'by-the-well',
    });
    is $r->{status}, 200 or diag $r->{body};
    my $said = $r->{json}{heard};
    is $said->{drawn}, 0, 'of a read';
    is_deeply [@$said{qw(by role company correlationId)}], ['ola', 'operator', 'c-1', 'by-the-well'], 'asked by the same caller';

    is_deeply ask('well.draw', 1)->{json}, { heard => { n => 1 } }, 'of a change';
    is drawn(1), 1, 'which is committed';
    is_deeply ask('well.still', 1)->{json}, { heard => { still => JSON::PP::true } }, 'of a route that has no statement';
    is_deeply $vg->post('/api/v1/guest', { n => 1 })->{json}, { heard => undef }, 'nobody has to be asked';
};

subtest 'its refusal ends the call, by a name that the asker knows' => sub {
    for my $case (
        ['well.look', 404, 'not_found', 404], ['well.draw', -1, 'well_dry', 409],
        ['well.draw', -2, 'unprocessable', 422], ['well.draw', -3, 'conflict', 409], ['well.closed', 1, 'conflict', 409],
        ['well.look', 1000, 'internal', 500], ['well.none', 1, 'plugin_out', 503],
    ) {
        my ($route, $n, $name, $status) = @$case;
        my $r = ask($route, $n);
        is $r->{status}, $status, "$route of $n";
        like $r->{json}{type}, qr{/\Q$name\E\z};
    }
    is ask('well.draw', -1)->{json}{title}, 'The guest is thirsty', 'in the words of the asker';
    is ask('well.draw', -1)->{json}{depth}, -1, 'with what it says of it';
    like $vg->log, qr/well\.look refused what it was asked: .*is out of range/, 'wrong arguments are our bug, and logged';
    is ask('well.draw', -1, otherwise => {})->{status}, 409, 'a refusal is an answer: nothing stands in for it';
    is scalar heard(404), 0, 'nothing was written';
};

subtest 'behind the answer' => sub {
    is $vg->post('/api/v1/guest/after', { route => 'well.draw', n => 20 })->{status}, 202;
    ok $vg->wait_for(sub { heard(20) }), 'it is heard';
    is_deeply $json->decode((heard(20))[0]{said}), { n => 20 };
    is $vg->post('/api/v1/guest/after', { route => 'well.draw', n => -1 })->{status}, 202;
    ok $vg->wait_for(sub { heard(-1) }), 'or missed';
    is +(heard(-1))[0]{why}, 'well_dry';
};

subtest 'behind an answer that has a key' => sub {
    my %key = ('Idempotency-Key' => 'behind');
    for my $time (qw(once again)) {
        my $r = $vg->post('/api/v1/guest/after', { route => 'well.draw', n => 21 }, \%key);
        is $r->{status}, 202, $time or diag $r->{body};
        is_deeply $r->{json}, { soon => JSON::PP::true }, 'the answer is the same';
        ok $vg->wait_for(sub { heard(21) }), 'what the step writes is not taken for it';
    }
    is drawn(21) . heard(21), '11', 'and the step is gone once';
};

subtest 'a change is made once' => sub {
    my %key = ('Idempotency-Key' => 'bucket');
    # the asker's own table is held, so that its ask is committed, and it is not
    my $dbh = $vg->_connect($vg->{owner_url});
    $dbh->begin_work;
    $dbh->do('lock table guest.heard in access exclusive mode');
    my $r = $vg->post('/api/v1/guest', { route => 'well.draw', n => 30 }, \%key);
    is $r->{status}, 503, 'the asker fails' or diag $r->{body};
    is drawn(30), 1, 'behind the change';
    $dbh->rollback;
    $dbh->disconnect;
    $r = $vg->post('/api/v1/guest', { route => 'well.draw', n => 30 }, \%key);
    is $r->{status}, 200, 'and comes again' or diag $r->{body};
    is_deeply $r->{json}, { heard => { n => 30 } }, 'with the same answer';
    is drawn(30), 1, 'which was not made twice';

    is $vg->post('/api/v1/guest/job', { route => 'well.draw', n => 31 })->{status}, 202;
    ok $vg->wait_for(sub { heard(31) }, 15), 'a job asks, too';
    is drawn(31), 1;
    is $vg->post('/api/v1/guest/job', { route => 'well.draw', n => -1 })->{status}, 202;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from guest.heard where n = -1 and why = 'well_dry'}) == 2 }, 10), 'and is undone when it is given up';
};

# whatever happens here, the processes go on
my @postgres;
END { kill CONT => @postgres if @postgres }

subtest 'the other one hangs' => sub {
    my $postmaster = $well->dba->selectrow_array(q{select split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int});
    open my $file, '<', "/proc/$postmaster/task/$postmaster/children" or die $!;
    @postgres = ($postmaster, split ' ', readline $file);
    kill STOP => @postgres;
    my $began = time;
    my $r = ask('well.look', 40);
    is $r->{status}, 504, 'no answer in time' or diag $r->{body};
    cmp_ok time - $began, '<', 7, 'which is 5 s, not the 10 of a call';
    $began = time;
    $r = ask('well.look', 40, otherwise => { drawn => -1 });
    is_deeply $r->{json}, { heard => { drawn => -1 } }, 'who can do without goes on' or diag $r->{body};
    cmp_ok time - $began, '<', 7;
    # three that could do without, one behind the other, are 15 s
    $began = time;
    $r = $vg->post('/api/v1/guest/tour', { n => 41, asks => [ map { { route => 'well.look', n => $_, otherwise => {} } } 1 .. 3 ] });
    is $r->{status}, 504, 'together they have no longer than a call has' or diag $r->{body};
    cmp_ok time - $began, '<', 12;
    is scalar heard(41), 0, 'and nothing is written';
    kill CONT => splice @postgres;
    ok $vg->wait_for(sub { ask('well.look', 40)->{status} == 200 }, 20), 'then it answers again';
    is scalar heard(41), 0, 'nor is it afterwards';
};

subtest 'the other one is away' => sub {
    $well->pg_stop;
    my $r = ask('well.look', 50);
    is $r->{status}, 503 or diag $r->{body};
    is_deeply ask('well.look', 50, otherwise => [])->{json}, { heard => [] }, 'who can do without goes on';
    is_deeply ask('well.none', 50, otherwise => 'x')->{json}, { heard => 'x' }, '... as where nobody is asked at all';
    $well->pg_start;
    ok $vg->wait_for(sub { ask('well.look', 50)->{status} == 200 }, 20), 'then it answers again';
};

done_testing;
