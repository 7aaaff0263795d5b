package Voltgate;

# The harness: one gateway of two workers over TLS, on a database of its own,
# for one .t file. It is stopped at the end of the file however that ends, and
# what nginx or a sanitizer complained of fails the file, and so does an event
# that is not what its schema says.
#
#   my $vg = Voltgate->start;                    # as the admin
#   my $r  = $vg->post('/api/v1/stations', { … }, { 'Idempotency-Key' => 'a' });
#   is $r->{status}, 201;                        # status headers json body
#   my $token = $vg->token(role => 'operator', subject => 's', company => 'c');
#   $vg->get('/api/v1/stations', { Authorization => "Bearer $token" });
#   $vg->sql('select count(*) from stations.station where city = $1', 'Ulm');
#
# start(own_cluster => 1) gives a PostgreSQL that may be stopped; extra =>
# { http => '…', server => '…' } adds lines to the conf; env => {} to the
# environment of the scripts. start(beside => $vg) is another node on the
# database, the keys and the certificate of the first. plugins => [names]
# switches on these alone. authored => { name => { file => text } } adds plugins
# that the test writes (Voltgate::Author); elsewhere => { name => [plugins] }
# puts plugins into a cluster of their own: elsewhere('name') is a Voltgate
# without a gateway, for sql(), pg_stop() and the like. hold => 1: drivers need
# credit or a card to charge, as they do where no test runs. patience => 120: a client waits so many seconds, and not 30. slow => 1: timers and
# the clerk look as seldom as they do there; else a file would wait all day for
# what it wrote by sql(), which rings no bell, and for time that it let pass.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path     qw(make_path remove_tree);
use JSON::PP ();
use Test2::API ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate::Events;
use Voltgate::Ports;
use parent qw(Voltgate::Calls Voltgate::Database);

our $ROOT = abs_path(dirname(__FILE__) . '/../..');

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my @running;

sub start {
    my ($class, %opts) = @_;

    my $name = basename($0);
    $name =~ s/[^a-z0-9]+/_/gi;
    my $build = $ENV{B} || 'build';
    $build = "$ROOT/$build" if $build !~ m{^/};
    my $base = $ENV{VG_TEST} || "$build/test";
    make_path($base);

    my $self = bless {
        opts     => \%opts,
        build    => $build,
        port     => free_port(),
        owner    => $$,
        expected => [],
        state    => "$base/$name.$$." . scalar(@running),
    }, $class;
    make_path($self->{state});
    push @running, $self;

    if ($opts{beside}) {
        $self->_beside($opts{beside});
    } else {
        $self->_database($opts{own_cluster} || !$ENV{VG_TEST_OWNER_URL});
    }
    $self->_script('docker/configure');
    $self->_edit($_) for @{ $opts{beside} ? $opts{beside}{edits} || [] : [] };
    $self->_authored($opts{authored})   if $opts{authored};
    $self->_elsewhere($opts{elsewhere}) if $opts{elsewhere};
    $self->_conf(sub { _extra($opts{extra}, @_) })     if $opts{extra};
    $self->_conf(sub { _extra({ workers => $opts{workers} }, @_) }) if $opts{workers};    # also one alone
    $self->_conf(sub { _extra({ http => 'voltgate_setting billing.hold off;' }, @_) }) if !$opts{hold};
    $self->_conf(sub { _extra({ http => 'voltgate_events_look 100ms; voltgate_timer_longest 1s;' }, @_) }) if !$opts{slow};
    $self->_conf(sub { _plugins($opts{plugins}, @_) }) if $opts{plugins};
    # a binary upgrade hands over what it is told to
    $self->_conf(sub { join '', (map { "env $_;\n" } qw(LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS)), @_ })
        if $ENV{VG_PRELOAD};
    $self->start_gateway;
    return $self;
}

# ---------------------------------------------------------------- gateway

sub master { return _slurp("$_[0]{run}/nginx.pid") =~ /^(\d+)/ ? $1 : () }

# pids of the workers that take calls, oldest first
sub workers {
    my ($self) = @_;

    my $master = $self->master or return;
    return grep {
        my $title = '';
        if (open my $file, '<', "/proc/$_/cmdline") { $title = <$file> // '' }
        $title =~ /worker process/ && $title !~ /shutting down/;
    } split ' ', _slurp("/proc/$master/task/$master/children");
}

# of these pids, those that run: one whom nobody has waited for yet does not
sub alive { return grep { _slurp("/proc/$_/status") =~ /^State:\s+[^ZX\s]/m } @_ }

# KiB of the workers; a page that several share counts once
sub resident {
    my ($self) = @_;

    my $sum = 0;
    $sum += (_slurp("/proc/$_/smaps_rollup") =~ /^Pss:\s+(\d+)/m)[0] // 0 for $self->workers;
    return $sum;
}

# kill_worker($pid, $signal): the log may then say that it died so
sub kill_worker {
    my ($self, $pid, $signal) = @_;

    $signal ||= 'KILL';
    $self->expect(qr/worker process $pid exited on signal/);
    kill $signal, $pid;
    return;
}

# expect(qr/…/): lines that the check of the log lets pass
sub expect {
    my ($self, @patterns) = @_;
    push @{ $self->{expected} }, @patterns;
    return;
}

sub reload {
    my ($self) = @_;

    my @before = $self->workers;
    kill 'HUP', $self->master;
    $self->wait_for(sub {
        my %now = map { $_ => 1 } $self->workers;
        return keys %now == $self->_all && !grep { $now{$_} } @before;
    }, 10) or die "the reload did not come about\n";
    delete $self->{client};
    return;
}

# all of this node, as a loss of power would
sub kill_node {
    my ($self) = @_;

    my $master = $self->master or die "it does not run\n";
    my @pids = ($master, split ' ', _slurp("/proc/$master/task/$master/children"));
    kill 'KILL', @pids;
    delete $self->{client};
    return $self->wait_for(sub { !alive(@pids) });
}

sub start_gateway {
    my ($self) = @_;

    $self->_script('docker/gateway', 'start');
    my $ready = $self->wait_for(sub {
        $self->client->get($self->url('/ready'))->{status} == 200 && $self->workers == $self->_all;
    }, $self->{opts}{ready_seconds} // 20);
    if (!$ready && !$self->{opts}{not_ready}) {
        die "not ready:\n", $self->log, "\n";
    }
    return;
}

# how many workers the conf wants
sub _all { return (_slurp("$_[0]{state}/conf/nginx.conf") =~ /^worker_processes +(\d+)/m)[0] }

sub stop_gateway {
    my ($self) = @_;
    delete $self->{client};
    $self->_script('docker/gateway', 'stop');
    return;
}

sub log        { return _slurp("$_[0]{state}/log/error.log") }
# the last line may be half written
sub access_log { return map { $json->decode($_) } _slurp("$_[0]{state}/log/access.log") =~ /^(.*)\n/mg }

# wait_for(sub, seconds): true as soon as sub is; false when time is up, which
# over a sanitizer takes four times as long
sub wait_for {
    my ($self, $sub, $seconds) = @_;

    my $end = time + ($seconds // 5) * ($ENV{SANITIZE} ? 4 : 1);
    while (1) {
        my $result = $sub->();
        return $result if $result;
        return 0 if time > $end;
        sleep 0.05;
    }
}

# Stops all and tests that the logs are clean. done_testing() calls it, so
# that files need not.
sub finish {
    my ($self) = @_;

    return if $self->{closed};
    $self->{finishing} = 1;
    my @bad = $self->close;
    ok !@bad, 'the logs hold no complaint, events are as described' or diag join "\n", @bad;
    return;
}

# Stops all; returns what the logs complain of. VG_KEEP=1 keeps the folder.
sub close {
    my ($self) = @_;

    return if $self->{closed}++;
    delete $self->{dbh};
    my @bad;
    my @steps = -e "$self->{state}/conf/nginx.conf" ? sub { $self->stop_gateway } : ();
    push @steps, sub { push @bad, Voltgate::Events::complaints($self, map { $_->{state} } @running); delete $self->{dbh} }
        if $self->{finishing} && !$self->{opts}{beside};
    if ($self->{cluster}) {
        push @steps, sub { $self->_script('docker/cluster', 'stop', 'immediate') };
    } elsif ($self->{database}) {
        # an autovacuum's worker in there is not ours to end, but it ends
        push @steps, sub {
            $self->wait_for(sub {
                eval { $self->_maintenance("drop database $self->{database} with (force)"); 1 }
            }, 20) or die $@;
        };
    }
    for my $step (@steps) {
        eval { $step->(); 1 } or push @bad, "stopping: $@";
    }
    push @bad, $self->complaints;
    if ($self->{cluster} && -d $self->{data}) {
        system('cp', "$self->{data}/server.log", "$self->{state}/log/") if @bad || $ENV{VG_KEEP};
        remove_tree($self->{data});
    }
    remove_tree($self->{run}, "$self->{far}.plugins", "$self->{far}.signing");
    if (@bad || $ENV{VG_KEEP}) {
        diag "kept: $self->{state}";
    } else {
        remove_tree($self->{state});
    }
    return @bad;
}

# lines of the error log that must not be, and what sanitizers wrote
sub complaints {
    my ($self) = @_;

    my @bad = grep {
        my $line = $_;
        $line =~ /\[(?:alert|emerg|crit)\]|exited on signal|runtime error:/
            && !grep { $line =~ $_ } @{ $self->{expected} };
    } split /\n/, $self->log;
    for my $file (glob "'$self->{run}/sanitizer/*'") {
        push @bad, _slurp($file);
    }
    return @bad;
}

# ------------------------------------------------------------------ within

sub _places {
    my ($self) = @_;

    my %places = $self->_read('sh', '-c',
        '. docker/state; printf "%s\n" run "$vg_run" far "$vg_far" data "$vg_data"'
            . ' owner_url "$DATABASE_OWNER_URL" signing "$VG_SIGNING_KEYS"', 'docker/x') =~ /(.*)\n(.*)\n/g;
    @$self{qw(run far data owner_url signing)} = @places{qw(run far data owner_url signing)};
    return;
}

# The other's database; one who is known to one node is known to all.
sub _beside {
    my ($self, $other) = @_;

    $self->_places;
    ($self->{owner_url} = my $url = $other->{owner_url}) =~ s/\s+\z//;
    $url =~ s/user=\S+/user=vg_gate/;
    $self->{env} = { DATABASE_URL => $url, VG_SIGNING_KEYS => $other->{signing},
        VG_URL => "https://localhost:$other->{port}", %{ $other->{env} || {} } };
    for my $folder (qw(keys tls)) {
        system('cp', '-a', "$other->{state}/$folder", $self->{state}) == 0
            or die "$folder cannot be copied\n";
    }
    return;
}

# who stands beside has it in its conf as well
sub _edit {
    my ($self, $change) = @_;
    push @{ $self->{edits} }, $change;
    return $self->_conf($change);
}

# plugins of the test's own stand beside ours, in a house that links to them
sub _authored {
    my ($self, $authored) = @_;

    require Voltgate::Author;
    my $house = $self->{house} = Voltgate::Author::house($self->{state}, $ROOT, $self->{build}, $authored);
    my @names = sort keys %$authored;
    my %away  = map { $_ => 1 } map { @$_ } values %{ $self->{opts}{elsewhere} || {} };
    $self->_script("$self->{build}/voltgate", 'migrate', '--root', $house, grep { !$away{$_} } @names);
    my $switches = join "\n", map { "voltgate_plugin $_;" } @names;
    $self->_edit(sub {
        my ($conf) = @_;
        $conf =~ s{^( *voltgate_plugins_root\s+)\S+;}{$1$house/plugins;\n$switches}m or die 'no root';
        $conf =~ s{^( *voltgate_plugins_built\s+)\S+;}{$1$house/built;}m or die 'no built';
        return $conf;
    });
    return;
}

# other clusters, for some plugins
sub _elsewhere {
    my ($self, $elsewhere) = @_;

    for my $name (sort keys %$elsewhere) {
        my $there = $self->{elsewhere}{$name} = bless {
            opts => {}, build => $self->{build}, owner => $$, expected => [], port => 0,
            state => "$self->{state}.$name",
        }, ref $self;
        make_path($there->{state});
        $there->{cluster} = 1;
        $there->{env} = { VG_CLUSTER_LIKE => '' };    # what others own is not there
        $there->_places;
        push @running, $there;
        $there->_script('docker/cluster', 'create');
        $there->_script("$self->{build}/voltgate", 'migrate', '--root', $self->{house} // $ROOT, @{ $elsewhere->{$name} });
        (my $url = $there->{owner_url}) =~ s/user=\S+/user=vg_gate/;
        $url =~ s/\s+\z//;
        $self->_edit(sub {
            my ($conf) = @_;
            $conf =~ s{^( *voltgate_database .*)}{$1\nvoltgate_database "$url" $name @{ $elsewhere->{$name} };}m or die 'no database';
            return $conf;
        });
    }
    return;
}

sub elsewhere { return $_[0]{elsewhere}{ $_[1] } }

# _conf(sub): the conf becomes what it makes of it
sub _conf {
    my ($self, $change) = @_;

    my $path = "$self->{state}/conf/nginx.conf";
    my $conf = $change->(_slurp($path));
    open my $file, '>', $path or die "$path: $!";
    print {$file} $conf;
    CORE::close $file or die "$path: $!";
    return;
}

sub _extra {
    my ($extra, $conf) = @_;

    $conf =~ s/^(worker_processes )/$extra->{main}\n$1/m     if $extra->{main};
    $conf =~ s/^(worker_processes +)\d+/$1$extra->{workers}/m if $extra->{workers};
    $conf =~ s/^(http \{\n)/$1$extra->{http}\n/m         if $extra->{http};
    $conf =~ s/^(    server \{\n)/$1$extra->{server}\n/m if $extra->{server};
    return $conf;
}

sub _plugins {
    my ($names, $conf) = @_;

    $conf =~ s{^( *include +\S*/conf/plugins\.d/)\*(\.conf;)$}
              {join "\n", map { "$1$_$2" } @$names}me or die 'no plugins are included';
    return $conf;
}

sub _environment {
    my ($self, $command) = @_;

    my %env = (
        %ENV,
        VG_STATE           => $self->{state},
        VG_PORT            => $self->{port},
        VG_WORKERS         => 2,
        B                  => $self->{build},
        DATABASE_URL       => '',
        VG_SIGNING_KEYS    => '',
        VG_URL             => '',
        DATABASE_OWNER_URL => $self->{owner_url} // '',
        VG_CLUSTERS        => $self->{cluster} && $ENV{VG_TEST_CLUSTERS} || '',
        VG_CLUSTER_LIKE    => $self->{cluster} && $ENV{VG_TEST_CLUSTER_LIKE} || '',
        VG_LIMIT           => 'rate=100000r/s burst=100000',    # t/limit has the true ones
        %{ $self->{env} || {} },
        %{ $self->{opts}{env} || {} },
    );
    delete $env{LD_PRELOAD} if $command ne 'docker/cluster'; # PostgreSQL's, see t/disk
    # the workers' own folder, for they write the reports; slow unwinding,
    # because Debian's nginx has no frame pointers
    if ($ENV{VG_PRELOAD} && $command eq 'docker/gateway') {
        my $log = "$self->{run}/sanitizer/report";
        $env{ASAN_OPTIONS}  = "detect_leaks=0:quarantine_size_mb=32:fast_unwind_on_malloc=0:log_path=$log:" . ($self->{opts}{env}{ASAN_OPTIONS} // '');
        $env{UBSAN_OPTIONS} = "print_stacktrace=1:log_path=$log";
    }
    return %env;
}

sub _script {
    my ($self, @command) = @_;
    $self->_read(@command);
    return;
}

sub _read {
    my ($self, @command) = @_;

    my %env = $self->_environment($command[0]);
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        chdir $ROOT or die "$ROOT: $!";
        %ENV = %env;
        exec { $command[0] } @command or die "$command[0]: $!\n";
    }
    my $out = do { local $/ = undef; <$pipe> } // '';
    CORE::close $pipe or die "@command: exit status ", $? >> 8, "\n";
    return $out;
}

sub _slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/ = undef;
    return <$file> // '';
}

# The check of the logs is a test of its own, so it has to come before
# done_testing() counts; subtests have theirs too, and are let through.
{
    no warnings 'redefine';
    my $done = \&Test::Builder::done_testing;
    *Test::Builder::done_testing = sub {
        my ($builder, @rest) = @_;
        if (!Test2::API::test2_stack()->top->isa('Test2::Hub::Subtest')) {
            # whoever stands beside another leaves its database first
            $_->finish for reverse grep { $_->{owner} == $$ } @running;
        }
        return $builder->$done(@rest);
    };
}

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);
$SIG{PIPE} = sub { };    # the write fails and says so; commands do not inherit it

# a file that died, or has a plan of its own
END {
    my $status = $?;
    for my $self (reverse grep { $_->{owner} == $$ } @running) {
        my @bad = $self->close or next;
        diag join "\n", @bad;
        $status ||= 1;
    }
    $? = $status;
}

1;
