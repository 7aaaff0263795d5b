# A PostgreSQL that somebody else runs: `make up` on the two addresses of it.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;

use Voltgate;

my $vg = Voltgate->start(own_cluster => 1);    # their server; and a gateway beside it
my $state = "$vg->{state}/theirs";
my $port  = Voltgate::free_port();
make_path($state);

# a name, as a password may be
my $name = q{it's "odd" \ $1};
$vg->dbh->do('create database ' . $vg->dbh->quote_identifier($name));
(my $quoted = $name) =~ s/(['\\])/\\$1/g;
my %server = map { $_->[0] => "host=$vg->{run}/pg dbname='$quoted' user=$_->[1]" }
    [ DATABASE_URL => 'vg_gate' ], [ DATABASE_OWNER_URL => 'voltgate' ];

# its status and what it printed
sub run {
    my ($env, @command) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        chdir $Voltgate::ROOT or die $!;
        open STDERR, '>&', \*STDOUT or die $!;
        delete @ENV{qw(DATABASE_URL DATABASE_OWNER_URL)};
        %ENV = (%ENV, B => $vg->{build}, VG_STATE => $state, VG_PORT => $port, VG_WORKERS => 2, %$env);
        exec @command or die "$command[0]: $!";
    }
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe;
    return ($? >> 8, $out);
}

chomp(my $run = (run({}, 'sh', '-c', '. docker/state; echo "$vg_run"', 'docker/x'))[1]);

sub workers_there {
    return $vg->sql(q{select count(*) from pg_stat_activity where datname = $1 and usename = 'vg_gate'}, $name);
}

subtest 'one address is half of it' => sub {
    for my $one (sort keys %server) {
        my ($status, $out) = run({ $one => $server{$one} }, 'docker/up');
        is $status, 1, $one;
        is $out, "voltgate: DATABASE_URL and DATABASE_OWNER_URL name one database: set both, or neither\n";
    }
};

subtest 'both of them' => sub {
    my ($status, $out) = run(\%server, 'docker/up');
    is $status, 0, 'it is up' or diag $out;
    cmp_ok workers_there(), '>', 0, 'on their server';
    ok !-e "$state/pg", 'and nothing private was made';
    ($status, $out) = run({}, 'sh', '-c',
        qq{. "$state/env"; printf '%s\n' "\$DATABASE_URL" "\$DATABASE_OWNER_URL"});
    is $out, "$server{DATABASE_URL}\n$server{DATABASE_OWNER_URL}\n", 'env says so';
    is sprintf('%o', (stat "$state/$_")[2] & 0777), '600', "$_ is for its owner's eyes" for qw(env server);
};

subtest 'who has read the env of one folder, and names another' => sub {
    my $says = 'printf "%s\n" "$VG_ENV" "$DATABASE_URL" "$DATABASE_OWNER_URL" "$VG_SIGNING_KEYS" "$vg_run" "$vg_signing"';
    my $ask  = sub { return split /\n/, (run($_[0], 'sh', '-c', ". docker/state; $says", 'docker/x'))[1] };
    my %of   = map { my @is = $ask->({ VG_STATE => "$vg->{state}/$_" }); ($_ => { VG_STATE => "$vg->{state}/$_",
        VG_ENV => "$vg->{state}/$_", DATABASE_URL => $is[1], DATABASE_OWNER_URL => $is[2], VG_SIGNING_KEYS => $is[3] }) } qw(one two);
    my @two = $ask->({ %{ $of{one} }, VG_STATE => "$vg->{state}/two" });
    is_deeply [ @two[1 .. 3] ], [ @{ $of{two} }{qw(DATABASE_URL DATABASE_OWNER_URL VG_SIGNING_KEYS)} ],
        'has the cluster and the keys of that one';
    my @one = $ask->($of{one});
    is_deeply [ @one[1 .. 3] ], [ @{ $of{one} }{qw(DATABASE_URL DATABASE_OWNER_URL VG_SIGNING_KEYS)} ], 'as the first has its own';
    @two = $ask->({ %{ $of{one} }, VG_STATE => "$vg->{state}/two", %server });
    is_deeply [ @two[1, 2] ], [ @server{qw(DATABASE_URL DATABASE_OWNER_URL)} ], 'a server that is nobody\'s alone stays';
    is((run({}, 'sh', '-c', qq{. "$state/env"; printf %s "\$VG_ENV"}))[1], $state, 'env says whose it is');
};

subtest 'again, without a word of it' => sub {
    my ($status, $out) = run({}, 'docker/down');
    is $status, 0, 'down' or diag $out;
    is $vg->sql('select 1'), 1, 'their server stays';
    ($status, $out) = run({}, 'docker/up');
    is $status, 0, 'and up' or diag $out;
    cmp_ok workers_there(), '>', 0, 'on their server as before';
    ok !-e "$state/pg", 'not on a new one';
};

is((run({}, 'docker/down'))[0], 0, 'down');
remove_tree($run);

done_testing;
