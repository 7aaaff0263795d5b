# Long: how long a handler may wait. Who asked a database first may wait for the
# world afterwards, as a step of a plugin in C does; the database itself is not
# waited for as long.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;

my $slow = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1') or die "listen: $!";
my $port = $slow->sockport;

my $lua = <<'END';
return {
    abi = 9, name = "patient", version = "1", about = "a test",
    routes = {
        { "GET", "/patient/world", queries = { "row" }, about = "A row, then the world", handler = function()
              local row = db.query("row")[1]
              local got, err = http.get { target = "slow", path = "/" }
              return { who = row.who, got = got and got.body.n, err = err, again = #db.query("row") }
          end },
        { "GET", "/patient/database", queries = { "sleep" }, about = "A database that sleeps", handler = function()
              local rows, err = db.query("sleep")
              return { n = rows and #rows, err = err }
          end },
    },
    queries = { row = {}, sleep = {} },
}
END
my $vg = Voltgate->start(own_cluster => 1, workers => 1, patience => 60, authored => { patient => {
        'plugin.lua'            => $lua,
        'sql/queries/row.sql'   => "-- in: nothing\n-- out: who asks\nselect json_build_object('who', :callerId::text) as body;\n",
        'sql/queries/sleep.sql' => "-- in: nothing\n-- out: who asks, after a while\n"
            . "select json_build_object('who', :callerId::text, 'rested', patient.nap()) as body;\n",
        'sql/001_nap.sql'       => "create function patient.nap() returns int language plpgsql as \$\$\nbegin\n    perform pg_catalog.pg_sleep(20);\n    return 1;\nend\n\$\$;\n",
    } },
    extra => { http => "voltgate_target slow url=http://127.0.0.1:$port private=on timeout=20s tries=1;" });

subtest 'the world takes its time' => sub {
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        IO::Select->new($slow)->can_read(20) or POSIX::_exit(1);
        my $peer = $slow->accept;
        sysread $peer, my $request, 65536;
        select undef, undef, undef, 12;    # is what is slow
        syswrite $peer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"n\":3}";
        POSIX::_exit(0);
    }
    my $r = $vg->get('/api/v1/patient/world');
    waitpid $pid, 0;
    is $?, 0, 'it was asked';
    is $r->{status}, 200, 'a handler waits for it' or diag $r->{body}, $vg->log;
    is_deeply [ @{ $r->{json} }{qw(got again)} ], [ 3, 1 ], '... and goes on with what it said';
};

subtest 'a database does not' => sub {
    my $began = time;
    my $r = $vg->get('/api/v1/patient/database');
    cmp_ok time - $began, '<', 15, 'nobody waits long for a row';
    is_deeply $r->{json}, { err => 'overdue' }, 'it is overdue' or diag $r->{body};
};

done_testing;
