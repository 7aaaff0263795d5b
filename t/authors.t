# The ten steps of plugins/README.md, to the letter, in a folder of their own.
# Long: compiles, and runs the tests of what it made.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;

use Voltgate;

my $root  = $Voltgate::ROOT;
my $build = ($ENV{B} || 'build') =~ s{^(?!/)}{$root/}r;
my $clone = ($ENV{VG_TEST} || "$build/test") . "/authors.$$";

# the tree as it is, with what is built, so that only the plugin is
make_path("$clone/build");
system('sh', '-c', 'cd "$1" && git ls-files -z --cached --others --exclude-standard |
    xargs -0 cp -a --parents -t "$2" && find build -mindepth 1 -maxdepth 1 ! -name test ! -name bench ! -name asan ! -name coverage \
        -exec cp -a -t "$2/build" {} +', 'sh', $root, $clone) == 0 or die "cp: $?\n";

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/ = undef;
    return scalar <$file>;
}

my ($lines) = slurp("$root/plugins/README.md") =~ /^## Ten steps.*?^```sh\n(.*?)^```$/ms;
ok $lines, 'there are lines';
is_deeply [ $lines =~ /^# (\d+)\./mg ], [ 1 .. 10 ], 'of ten steps';

# a state folder and a port of its own; nothing of this run's cluster
sub in_clone {
    my ($script) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die $!;
        delete @ENV{ grep { /^VG_|^DATABASE_|^B$|^SANITIZE$|^PERL5LIB$/ } keys %ENV };
        $ENV{VG_PORT} = $main::port;
        chdir $clone or die $!;
        exec 'timeout', 480, 'bash', '-e', '-c', $script, 'docker/x' or die $!;
    }
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe;
    return ($? >> 8, $out);
}

our $port = Voltgate::free_port();
my ($status, $out) = in_clone($lines);
is $status, 0, 'all ten end well' or diag $out;
like $out, qr/"text" ?: ?"oil the gate"/, 'the endpoint works';
like $out, qr/^\d+ passed, 0 failed$/m, 'its test passes';
like $out, qr/^notes\s+0\.1\.0\s+[0-9a-f]{16}\s+ready$/m, 'it is swapped';
like $out, qr/"count" ?: ?1\b/, 'the second endpoint works';
like $out, qr{^GET\s+/api/v1/notes/count\s+How many notes$}m, 'and is listed';

my $told = 'a note is there';
($status, $out) = in_clone(qq{make up; . .voltgate/env; sed -i 's/"description" *: *"[^"]*"/"description": "$told"/' plugins/notes/events/*.json
    make up && curl -sS --cacert "\$VG_STATE/tls/cert.pem" "https://localhost:\$VG_PORT/openapi.json" | grep -o '"$told"'});
is $status, 0, 'what an event is said to be is changed, and make up takes it' or diag $out;

($status, $out) = in_clone('build/voltgate plugin new letters --lua; make up; sed -i "s/List one.s notes/List one by one/" plugins/letters/plugin.lua
    make up; make routes; rm -r plugins/letters conf/plugins.d/letters.conf');
is $status, 0, 'a plugin in Lua is changed' or diag $out;
like $out, qr{/letters\s+List one by one$}m, 'and make up takes it';

my ($twice, $said) = in_clone('build/voltgate plugin new notes --c');
is $twice, 1, 'a folder that is there is not written over';
is((in_clone("build/voltgate plugin new $_ --c"))[0], 1, "no plugin is named $_") for qw(Notes kit a-b);

($status, $out) = in_clone('rm -r plugins/notes conf/plugins.d/notes.conf; make up && make routes');
is $status, 0, 'without its folder the gateway goes on' or diag $out;
unlike $out, qr{/notes}, 'and the routes are gone';

($status, $out) = in_clone('make down');
is $status, 0, 'down' or diag $out;
($status, $out) = in_clone('. docker/state; mv "$vg_data/voltgate.conf" "$vg_data/kept"; docker/cluster create');
isnt $status, 0, 'a cluster that somebody broke does not start';
is((in_clone('. docker/state; mv "$vg_data/kept" "$vg_data/voltgate.conf"; docker/cluster create &&
    as_dba "$vg_bin/psql" -h "$vg_run/pg" -U postgres -AtqXc "select text from notes.note" voltgate | grep oil'))[0], 0,
    'and what it holds stays');
in_clone('docker/cluster stop');
in_clone('. docker/state; echo "$vg_far" "$vg_run"; rm -rf "$vg_far" "$vg_far.plugins" "$vg_run"');
remove_tree($clone);

done_testing;
