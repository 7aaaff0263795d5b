package Voltgate::Bench;

# What benchmarks share: a gateway on a cluster of its own, loads, the CPU that
# processes took meanwhile, and rows. A benchmark is a file *.bench in t/bench
# or a plugin's t/, whose value is one hash:
#
#   use Voltgate::Bench qw(at_least at_most);
#   return {
#       title => 'GET /api/v1/stations/{id}',
#       start => { … },                          # more for Voltgate->start, if anything
#       setup => sub { my ($b) = @_; … },         # once, before the three runs
#       run   => sub {
#           my ($b) = @_;
#           my ($load, $cpu) = $b->cpu(sub { $b->wrk('-c64', $b->{tls} . '/ready') });
#           $b->say_load('ready', $load);
#           return at_least('ready', $load->{rate} / 1000, 0.9, 'x of …'),
#               at_most('ready: CPU', $cpu->{us} / $load->{count}, 45, 'us a call');
#       },
#   };
#
# Each run gives the same rows; what counts is the median of each.

use strict;
use warnings;

use Exporter   qw(import);
use JSON::PP   ();
use List::Util qw(max sum0);
use POSIX      ();
use Time::HiRes qw(sleep time);

use Voltgate;

our @EXPORT_OK = qw(at_least at_most median);

my $COMPANY  = '019393c0-0000-7000-8000-000000000001';
my $PASSWORD = 'thirty-two bytes of a password!!';
my $PGBENCH  = '/usr/lib/postgresql/15/bin/pgbench';
my $TICKS    = POSIX::sysconf(POSIX::_SC_CLK_TCK());
my %begun;                # pids of simulators that go on
my $json     = JSON::PP->new->utf8->canonical->space_after;

# seconds: how long one load lasts; more: what another one had noted
sub start {
    my ($class, $seconds, %more) = @_;

    my $ws    = '127.0.0.1:' . Voltgate::free_port();
    my $plain = '127.0.0.1:' . Voltgate::free_port();
    my $vg = Voltgate->start(%{ delete $more{start} || {} }, own_cluster => 1, slow => 1, workers => 2, env => { VG_WS => $ws }, extra => { server => <<"END" });
        listen $plain;
        location = /bench-200 {
            default_type application/json;
            return 200 '{"status":"ok"}';
        }
END
    my $self = bless {
        vg => $vg, seconds => $seconds, tls => $vg->url(''), plain => "http://$plain",
        ws => "ws://$ws", wss => 'wss://localhost:' . $vg->port,
        work => "$vg->{state}/work", root => $Voltgate::ROOT, seen => {}, commands => [], others => [], company => $COMPANY,
        %more,
    }, $class;
    mkdir $self->{work} or die "$self->{work}: $!\n";
    $self->write_file('passwords', "*:$PASSWORD\n");
    my $key = $self->expect(201, $vg->post('/api/v1/api-keys', { name => 'bench', role => 'admin' }));
    $ENV{BENCH_KEY} = $self->{key} = $key->{json}{key};
    $self->{postmaster} = $self->_parent($vg->sql('select pg_backend_pid()'));
    return $self;
}

# what others left behind is not measured
sub anew {
    my ($self, %start) = @_;
    $self->{vg}->stop_gateway;
    $self->{vg}->pg_stop('fast');
    return (ref $self)->start($self->{seconds}, used => 1, start => \%start,
        map { $_ => $self->{$_} } qw(seen commands others fdatasync_us));
}

# -------------------------------------------------------------------- rows

sub at_least { my ($name, $value, $goal, $unit) = @_; return _row($name, $value, $goal, "$unit, at least", $value >= $goal) }
sub at_most  { my ($name, $value, $goal, $unit) = @_; return _row($name, $value, $goal, "$unit, at most",  $value <= $goal) }

sub _row {
    my ($name, $value, $goal, $unit, $holds) = @_;
    return { name => $name, ratio => $value, goal => $goal, unit => $unit, holds => $holds };
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[ @sorted / 2 ];
}

# ------------------------------------------------------------------- seeds

sub expect {
    my ($self, $status, $r) = @_;
    $r->{status} == $status or die "answered $r->{status}, not $status: $r->{body}\n";
    return $r;
}

sub station {
    my ($self, $name, @charge_points) = @_;
    return {
        name => $name, location => { lat => 48.1, lon => 11.5 },
        address => { street => 'Street 1', city => 'Ulm', postalCode => '89073', country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => $COMPANY,
        connectors => [ map { { chargePointId => $_, connectorNumber => 1, type => 'IEC_62196_T2',
            powerType => 'AC_3_PHASE', maxPowerKw => 22 } } @charge_points ],
    };
}

# PREFIX0001 and so on with one password, and tags TAG0001 and so on. The hash
# of one is copied to all: it knows its password, not its charge point.
sub chargers {
    my ($self, $prefix, $count, %opts) = @_;

    my $vg  = $self->{vg};
    my @ids = map { sprintf "$prefix%04d", $_ } 1 .. $count;
    for (my $from = 0; $from < $count; $from += 100) {
        my $to = $from + 99 < $count ? $from + 99 : $count - 1;
        $self->expect(201, $vg->post('/api/v1/stations', $self->station("$prefix $from", @ids[ $from .. $to ])));
    }
    $self->expect(200, $vg->patch("/api/v1/charge-points/$ids[0]", { password => $PASSWORD }));
    # profile 1: with TLS or without
    $vg->sql(q{update stations.charge_point set security_profile = 1, salt = o.salt, hash = o.hash from stations.charge_point as o
        where o.id = $1 and stations.charge_point.id like $2 || '%'}, $ids[0], $prefix);
    if ($opts{tag}) {
        $self->expect(201, $vg->post('/api/v1/id-tags', { idTag => sprintf '%s%04d', $opts{tag}, $_ })) for 1 .. $count;
    }
    $self->drained;
    return @ids;
}

# Until the events of the last run are all told: they are not the next one's.
sub drained {
    my ($self) = @_;
    my $vg   = $self->{vg};
    my $from = time;
    $vg->wait_for(sub {
        $vg->sql('select not exists (select from vg.outbox) and not exists (
            select from vg.cursor c where c.pos < (select max(e.pos) from vg.event e))') }, 300)
        or die "events of the last run are not told after 300 s\n";
    printf "    events were behind by %.1f s\n", time - $from if time - $from > 1;
    return;
}

# ------------------------------------------------------------------- loads

# { rate, count, p50, p95, p99 (ms) }
sub wrk {
    my ($self, @options) = @_;

    my $out = $self->run('wrk', '-t1', "-d$self->{seconds}s", '--latency', @options);
    die "wrk met errors: $out\n" if $out =~ /Non-2xx|Socket errors/;
    my ($rate)  = $out =~ m{^Requests/sec:\s+([\d.]+)}m or die "wrk: $out\n";
    my ($count) = $out =~ /^\s+(\d+) requests in/m;
    my %ms = (us => 0.001, ms => 1, s => 1000);
    my %at = map { /^\s+(\d+)%\s+([\d.]+)(us|ms|s)/ ? ("p$1" => $2 * $ms{$3}) : () } split /\n/, $out;
    return { rate => $rate, count => $count, %at };
}

sub _simulator {
    my ($self, @options) = @_;
    return ("$self->{vg}{build}/voltgate", 'simulate', '--ca', $self->{vg}->ca,
        '--password-file', "$self->{work}/passwords", @options);
}

# what its last line says, and table => { action => { count, p50, p95, p99 } }
sub simulate {
    my ($self, @options) = @_;
    return $self->simulated($self->run($self->_simulator(@options)));
}

sub simulated {
    my ($self, $out) = @_;

    my ($line) = $out =~ /^(messages=.*)$/m or die "simulate: $out\n";
    my %figures = $line =~ /(\w+)=(\S+)/g;
    while ($out =~ /^([A-Z]\w+)\s+(\d+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)$/mg) {
        $figures{table}{$1} = { count => $2, p50 => $3, p95 => $4, p99 => $5 };
    }
    return \%figures;
}

# One that goes on meanwhile: { pid, file }, until told with end().
sub begin {
    my ($self, @options) = @_;

    my $file    = "$self->{work}/simulate." . ++$self->{begun};
    my @command = $self->_simulator(@options);
    $self->_shown(@command);
    $self->write_file("simulate.$self->{begun}", '');    # it may be looked at before the child runs
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', $file or POSIX::_exit(1);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(1);
        exec { $command[0] } @command or POSIX::_exit(1);
    }
    $begun{$pid} = 1;
    return { pid => $pid, file => $file };
}

# a benchmark that died leaves nobody behind
END { my $status = $?; kill TERM => keys %begun; $? = $status }

sub told {
    my ($self, $begun, $pattern, $seconds, $times) = @_;

    $times ||= 1;
    $self->{vg}->wait_for(sub { $times <= (() = $self->read_file($begun->{file}) =~ /$pattern/mg) }, $seconds)
        or die "not told in $seconds s: $pattern\n" . substr $self->read_file($begun->{file}), -2000;
    my @found = $self->read_file($begun->{file}) =~ /$pattern/mg;
    return $found[-1];
}

# signal undef: it ends by itself
sub end {
    my ($self, $begun, $signal) = @_;

    kill $signal => $begun->{pid} if $signal;
    $self->{vg}->wait_for(sub { waitpid($begun->{pid}, POSIX::WNOHANG()) != 0 }, 60)
        or do { kill KILL => $begun->{pid}; waitpid $begun->{pid}, 0; die "the simulator did not end\n" };
    delete $begun{ $begun->{pid} };
    return $self->simulated($self->read_file($begun->{file}));
}

# With limits or without, from now on.
sub limits {
    my ($self, $on) = @_;
    my $vg = $self->{vg};
    $vg->_conf(sub { my ($conf) = @_; $conf =~ s/^ *voltgate_limit off;\n//m; $conf =~ s/^(http \{\n)/$1    voltgate_limit off;\n/m if !$on; $conf });
    $vg->reload;
    $vg->wait_for(sub { $vg->get('/ready')->{status} == 200 }, 60) or die "not ready\n";
    my $said = exists $vg->get('/api/v1/stations?limit=1')->{headers}{'ratelimit-limit'};
    $said == $on or die "limits are not as they should be\n";
    return;
}

# -------------------------------------------------------------- PostgreSQL

# A plugin's statement as the gateway prepares it: with the kit's tail.
sub statement {
    my ($self, $plugin, $name) = @_;

    my $text = $self->read_file("$self->{root}/plugins/$plugin/sql/queries/$name.sql");
    $text =~ s/--.*//g;
    $text =~ s/\s+\z//;
    return $text if $text !~ s/select \* from answer;\z//;
    my $tail = $self->read_file("$self->{root}/nginx-modules/core/tail.c");
    my ($others, $who, @parts) = map {
        $tail =~ /vg_tail_$_\[\]\s*=\s*((?:"[^"]*"\s*)+);/ or die "no vg_tail_$_ in tail.c\n";
        join '', $1 =~ /"([^"]*)"/g;
    } qw(others who told audit kept);
    return $text . join('', map { s/select %s/select $who/r =~ s/'%s'/'id'/r =~ s/%s/$others/r } @parts) . " from answer a;\n";
}

# what the tail of a change needs besides the plugin's name
sub told_values {
    return (correlationId => "'bench'::text", callerId => "'bench'::text", vgRoute => "''::text",
        vgKey => 'null::text', vgKeyHash => 'null::text', vgTraceparent => 'null::text',
        vgActor => "'bench'::text", callerRole => "'admin'::text", callerCompany => "''::text",
        vgObject => 'null::text', vgAddress => "'127.0.0.1'::text", vgNode => "'bench'::text");
}

# With values in the place of :names. pgbench knows no quotes: a colon before
# a letter or digit is a variable to it wherever it stands.
sub bound {
    my ($self, $text, %values) = @_;
    $text =~ s/(?<!:):([a-zA-Z]\w*)/$values{$1} \/\/ die "no value for :$1\n"/ge;
    my @left = grep { $_ ne 'n' } $text =~ /(?<!:):(\w+)/g;
    die "pgbench would take :$left[0] for a variable\n" if @left;
    return $text;
}

# The best of some numbers of connections, anew each time, for the machine's
# other work changes which that is. In all as long as one load.
sub pgbench {
    my ($self, $role, $counts, @files) = @_;

    my $seconds = max(1, int($self->{seconds} / @$counts + 0.5));
    my %rates;
    $self->{transactions} = 0;
    local $ENV{PGOPTIONS} = "-c role=$role -c search_path=";
    for my $count (@$counts) {
        my ($out) = $self->cpu(sub {
            $self->run($PGBENCH, '-n', '-M', 'prepared', '-c', $count, '-j', $count > 1 ? 2 : 1, '-T', $seconds,
                '-h', "$self->{vg}{run}/pg", '-U', 'vg_gate', (map { ('-f', $_) } @files), 'voltgate') });
        die "pgbench met errors: $out\n" if $out !~ /^number of failed transactions: 0 /m;
        $self->{transactions} += ($out =~ /^number of transactions actually processed: (\d+)/m)[0];
        ($rates{$count}) = $out =~ /^tps = ([\d.]+)/m or die "pgbench: $out\n";
    }
    my ($best) = sort { $rates{$b} <=> $rates{$a} } keys %rates;
    printf "    %8d a second: pgbench -M prepared -c %d (%s; load %s)\n", $rates{$best}, $best,
        join(', ', map { sprintf 'c=%d %d', $_, $rates{$_} } @$counts), $self->load;
    return $rates{$best};
}

# The same of changes, each of which is to make a row of the table: to pgbench
# a refusal is an answer like others.
sub changes {
    my ($self, $table, @rest) = @_;
    my $rows = sub { return $self->{vg}->sql("select count(*) from $table") };
    my $had  = $rows->();
    my $rate = $self->pgbench(@rest);
    my $made = $rows->() - $had;
    $made >= 0.99 * $self->{transactions} or die "of $self->{transactions} changes $made made a row of $table\n";
    return $rate;
}

# ------------------------------------------------------------------- costs

# ($what, { nginx, postgres, us, seconds, others }): what sub gives, CPU in us
# of the gateway, of PostgreSQL, of both; others: the part of all cores that
# neither they nor the load used.
sub cpu {
    my ($self, $sub) = @_;

    my ($from, $busy, @own) = (time, _busy(), (times)[ 0 .. 3 ], map { $self->_spent($_) } keys %begun);
    my %before = (nginx => $self->_spent($self->{vg}->master), postgres => $self->_spent($self->{postmaster}));
    my $what   = $sub->();
    my %cpu    = (seconds => time - $from);
    $cpu{nginx}    = 1e6 * ($self->_spent($self->{vg}->master) - $before{nginx});
    $cpu{postgres} = 1e6 * ($self->_spent($self->{postmaster}) - $before{postgres});
    $cpu{us}       = $cpu{nginx} + $cpu{postgres};
    my $ours = $cpu{us} / 1e6 + sum0((times)[ 0 .. 3 ], map { $self->_spent($_) } keys %begun) - sum0(@own);
    my $all  = (_busy() - $busy);
    $cpu{others} = max(0, $all - $ours) / ($cpu{seconds} * cores());
    push @{ $self->{others} }, $cpu{others};
    return ($what, \%cpu);
}

# Seconds of a process and of all its children, also of those that ended.
sub _spent {
    my ($self, $pid) = @_;
    my $ticks = 0;
    for my $one ($pid, split ' ', $self->read_file("/proc/$pid/task/$pid/children")) {
        my $stat = eval { $self->read_file("/proc/$one/stat") } || next;    # or it ends just then
        my @field = split ' ', $stat =~ s/^.*\) //sr;
        $ticks += $field[11] + $field[12] + ($one == $pid ? $field[13] + $field[14] : 0);
    }
    return $ticks / $TICKS;
}

sub _parent {
    my ($self, $pid) = @_;
    return (split ' ', $self->read_file("/proc/$pid/stat") =~ s/^.*\) //sr)[1];
}

sub _busy {
    open my $file, '<', '/proc/stat' or die "/proc/stat: $!\n";
    my @ticks = split ' ', scalar <$file>;
    return ($ticks[1] + $ticks[2] + $ticks[3] + $ticks[6] + $ticks[7] + ($ticks[8] // 0)) / $TICKS;
}

sub cores { return scalar(() = _slurp('/proc/cpuinfo') =~ /^processor/mg) || 1 }

# resident KiB of the workers
sub resident {
    my ($self) = @_;
    return sum0(map { $self->read_file("/proc/$_/status") =~ /^VmRSS:\s+(\d+)/m } $self->{vg}->workers);
}

sub load { return (split ' ', _slurp('/proc/loadavg'))[0] }

sub say {
    my ($self, $format, @values) = @_;
    printf "    $format (load %s)\n", @values, $self->load;
    return;
}

# ------------------------------------------------------------------ within

# The output, both kinds; a status that is not 0 ends all.
sub run {
    my ($self, @command) = @_;

    $self->_shown(@command);
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die $!;
        exec { $command[0] } @command or die "$command[0]: $!\n";
    }
    my $out = do { local $/ = undef; <$pipe> } // '';
    close $pipe or die "@command\n$out\n";
    return $out;
}

sub _shown {
    my ($self, @command) = @_;
    my $shown = join ' ', @command;
    $shown =~ s/( -f \S+)( -f \S+)+/$1 .../;
    $shown =~ s/\bvg_[\w-]{40,}/KEY/g;
    $shown = "PGOPTIONS='$ENV{PGOPTIONS}' $shown" if $ENV{PGOPTIONS};
    (my $kind = $shown) =~ s/-[cj] \d+|\d+//g;
    push @{ $self->{commands} }, $shown if !$self->{seen}{$kind}++;
    return;
}

sub read_file { return _slurp($_[1]) }

sub _slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/ = undef;
    return scalar(<$file>) // '';
}

# in the folder of the run; its path
sub write_file {
    my ($self, $name, @text) = @_;
    my $path = "$self->{work}/$name";
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} @text;
    close $file or die "$path: $!\n";
    return $path;
}

1;
