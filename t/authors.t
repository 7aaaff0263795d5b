# The ten steps of plugins/README.md, to the letter, each kind in a folder of its own.
# Long: compiles, and runs the tests of what it made.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;

use Voltgate;

my $root  = $Voltgate::ROOT;
my $build = ($ENV{B} || 'build') =~ s{^(?!/)}{$root/}r;

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/ = undef;
    return scalar <$file>;
}

my $told = 'a note is there';

# heading of the steps; what they print; then [what it is about, lines, whether
# they end well, what they print, and what not]
my @kinds = (
    {
        heading => 'In C',
        prints  => [
            [ 'the endpoint works',        qr/"text" ?: ?"oil the gate"/ ],
            [ 'its test passes',           qr/^\d+ passed, 0 failed$/m ],
            [ 'it is swapped',             qr/^notes\s+0\.1\.0\s+[0-9a-f]{16}\s+ready$/m ],
            [ 'the second endpoint works', qr/"count" ?: ?1\b/ ],
            [ 'and is listed',             qr{^GET\s+/api/v1/notes/count\s+How many notes$}m ],
        ],
        then => [
            [ 'what an event is said to be is changed, and make up takes it',
                qq{make up; . .voltgate/env; sed -i 's/"description" *: *"[^"]*"/"description": "$told"/' plugins/notes/events/*.json
                make up && curl -sS --cacert "\$VG_STATE/tls/cert.pem" "https://localhost:\$VG_PORT/openapi.json" | grep -o '"$told"'}, 1 ],
            [ 'a folder that is there is not written over', 'build/voltgate plugin new notes --c', 0 ],
            (map { [ "no plugin is named $_", "build/voltgate plugin new $_ --c", 0 ] } qw(Notes kit a-b)),
            [ 'without its folder the gateway goes on', 'rm -r plugins/notes conf/plugins.d/notes.conf; make up && make routes', 1, undef, qr{/notes} ],
            [ 'down', 'make down', 1 ],
            [ 'a cluster that somebody broke does not start', '. docker/state; mv "$vg_data/voltgate.conf" "$vg_data/kept"; docker/cluster create', 0 ],
            [ 'and what it holds stays', '. docker/state; mv "$vg_data/kept" "$vg_data/voltgate.conf"; docker/cluster create &&
                as_dba "$vg_bin/psql" -h "$vg_run/pg" -U postgres -AtqXc "select text from notes.note" voltgate | grep oil', 1 ],
        ],
    },
    {
        heading => 'In Lua',
        prints  => [
            [ 'the endpoint works',        qr/"text" ?: ?"dear gate"/ ],
            [ 'its test passes',           qr/^\d+ passed, 0 failed$/m ],
            [ 'what is wrong is said',     qr/^voltgate: letters: .*routes\[2\]: handlr is not known$/m ],
            [ 'it is swapped',             qr/^letters\s+0\.1\.0\s+[0-9a-f]{16}\s+ready$/m ],
            [ 'the second endpoint works', qr/^(?=.*"count" ?: ?1\b)\{.*"longest" ?: ?9\b/m ],
            [ 'and is listed',             qr{^GET\s+/api/v1/letters/long\s+Long letters$}m ],
        ],
        then => [
            [ 'a plugin in Lua is changed, and make up takes it',
                'sed -i "s/List one.s notes/List one by one/" plugins/letters/plugin.lua; make up; make routes', 1, qr{/letters\s+List one by one$}m ],
            [ 'the editor is told where to look', 'cmp plugins/letters/.luarc.json plugins/example-lua/.luarc.json', 1 ],
            [ 'without its folder the gateway goes on', 'rm -r plugins/letters conf/plugins.d/letters.conf; make up && make routes', 1, undef, qr{/letters} ],
        ],
    },
);

# the tree as it is, with what is built, so that only the plugin is
sub clone {
    my ($to) = @_;
    make_path("$to/build");
    system('sh', '-c', 'cd "$1" && git ls-files -z --cached --others --exclude-standard |
        xargs -0 cp -a --parents -t "$2" && find build -mindepth 1 -maxdepth 1 ! -name test ! -name bench ! -name asan ! -name coverage \
            -exec cp -a -t "$2/build" {} +', 'sh', $root, $to) == 0 or die "cp: $?\n";
    return $to;
}

# a state folder and a port of its own; nothing of this run's cluster
sub in_clone {
    my ($clone, $port, $script) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die $!;
        delete @ENV{ grep { /^VG_|^DATABASE_|^B$|^SANITIZE$|^PERL5LIB$/ } keys %ENV };
        $ENV{VG_PORT} = $port;
        chdir $clone or die $!;
        exec 'timeout', 480, 'bash', '-e', '-c', $script, 'docker/x' or die $!;
    }
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe;
    return ($? >> 8, $out);
}

sub steps {
    my ($kind, $in) = @_;

    my ($lines) = slurp("$root/plugins/README.md") =~ /^### \Q$kind->{heading}\E\n.*?^```sh\n(.*?)^```$/ms;
    ok $lines, 'there are lines' or return;
    is_deeply [ $lines =~ /^# (\d+)\./mg ], [ 1 .. 10 ], 'of ten steps';
    my ($status, $out) = $in->($lines);
    is $status, 0, 'all ten end well' or diag $out;
    like $out, $_->[1], $_->[0] for @{ $kind->{prints} };
    for my $row (@{ $kind->{then} }) {
        my ($title, $script, $well, $prints, $not) = @$row;
        ($status, $out) = $in->($script);
        is !$status, !!$well, $title or diag $out;
        like $out,   $prints, '... as is seen' if $prints;
        unlike $out, $not,    '... as is seen' if $not;
    }
    return;
}

for my $kind (@kinds) {
    subtest $kind->{heading} => sub {
        my $clone = clone(($ENV{VG_TEST} || "$build/test") . "/authors.$$." . lc $kind->{heading} =~ s/ /./r);
        my $port  = Voltgate::free_port();
        my $in    = sub { return in_clone($clone, $port, @_) };
        eval { steps($kind, $in); 1 } or fail $@;
        $in->('make down');
        $in->('docker/cluster stop');
        $in->('. docker/state; rm -rf "$vg_far" "$vg_far.plugins" "$vg_run"');
        remove_tree($clone);
    };
}

done_testing;
