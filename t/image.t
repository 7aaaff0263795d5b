# The image's Dockerfile, step by step, in a folder for each stage: COPY copies
# what .dockerignore leaves, RUN and ENTRYPOINT run there, the latter as a user
# who is not root, until HEALTHCHECK is content. So the files of the last stage
# are enough, and need no rights.
#
# This is no container: packages are this machine's, and their installation and
# the user's making are only looked at. What was built here is lent to make.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;

use Voltgate;

my $file = "$Voltgate::ROOT/docker/Dockerfile";
my $base = tempdir('/tmp/voltgate-image.XXXXXX', CLEANUP => 1);
chmod 0755, $base or die "$base: $!";
my $port = Voltgate::free_port();
my (%stage, %env, @entry, $check, $user, $stage, $dir, $signal);

sub run { my (@command) = @_; return system(@command) == 0 }

# in the folder of the stage; B would be the sanitizers'
sub sh {
    my ($command) = @_;
    my $said = `cd "$stage$dir" && env -u B -u SANITIZE sh -c '$command' 2>&1`;
    return ($?, $said);
}

# what a build sees of the tree
sub context {
    my $to = "$base/context";
    make_path($to);
    open my $ignored, '<', "$Voltgate::ROOT/.dockerignore" or die $!;
    chomp(my @ignored = <$ignored>);
    run('tar', '-C', $Voltgate::ROOT, (map { "--exclude=./$_" } @ignored), '-cf', "$base/context.tar", '.')
        && run('tar', '-C', $to, '-xf', "$base/context.tar") or die "tar\n";
    return $to;
}

my $context = context();

my %does = (
    FROM => sub {
        my ($name) = $_[0] =~ / AS (\S+)$/;
        ($dir, $stage) = ('', "$base/" . ($name // 'last'));
        $stage{ $name // 'last' } = $stage;
        make_path($stage);
        like $_[0], qr/^debian:12/, 'Debian 12';
    },
    WORKDIR => sub { $dir = $_[0]; make_path("$stage$dir") },
    COPY => sub {
        my $from = $_[0] =~ s/^--from=(\S+) // ? $stage{$1} : "$context/";
        my @what = split ' ', $_[0];
        my $to   = "$stage$dir/" . pop @what;
        # as docker does it: of a folder what is in it
        for my $what (@what) {
            make_path($to =~ m{/$} || @what > 1 || -d "$from$what" ? $to : dirname($to));
            ok run('cp', '-a', -d "$from$what" ? "$from$what/." : "$from$what", $to), "COPY $what";
        }
    },
    RUN => sub {
        if ($_[0] =~ m{^docker/install ([a-z ]+)}) {
            my @sections = split ' ', $1;
            my $packages = do { local (@ARGV, $/) = "$stage$dir/docker/packages"; <> };
            like $packages, qr/^# $_\n\S/m, "packages to $_" for @sections;
        } elsif ($_[0] =~ /^useradd /) {
            like $_[0], qr/ --home-dir \/var\/lib\/voltgate .*voltgate$/, 'a user';
        } else {
            make_path("$stage$dir/build");
            run('cp', '-a', "$Voltgate::ROOT/build/$_", "$stage$dir/build/")
                for grep { -e "$Voltgate::ROOT/build/$_" } qw(nginx obj kit plugins docs voltgate
                    ngx_http_voltgate_module.so);
            my ($status, $said) = sh($_[0]);
            is $status, 0, "RUN $_[0]" or diag $said;
        }
    },
    USER       => sub { $user = $_[0] },
    ENV        => sub { %env = (%env, map { split /=/, $_, 2 } split ' ', $_[0]) },
    HEALTHCHECK => sub { ($check) = $_[0] =~ /CMD (.*)/ },
    ENTRYPOINT => sub { @entry = $_[0] =~ /"([^"]*)"/g },
    STOPSIGNAL => sub { ($signal) = $_[0] =~ /^SIG(\w+)$/ },
    VOLUME     => sub { is $_[0], '/var/lib/voltgate', 'the state is a volume' },
    EXPOSE     => sub { is $_[0], 8443, 'one port' },
);

open my $steps, '<', $file or die "$file: $!";
while (my $line = <$steps>) {
    $line =~ s/\s+\z//;
    next if $line =~ /^(?:#|$)/;
    my ($word, $rest) = split ' ', $line, 2;
    ($does{$word} or die "$file: $word is not known here\n")->($rest);
}
ok $user && $user ne 'root', 'it does not run as root';
like $env{VG_STATE}, qr{^/var/lib/voltgate/}, 'its state is in the volume';
ok !-e "$stage$dir/build/obj", 'what compiled stayed behind';

# not root, in a state folder that is its own
my $state = "$base/state";
make_path($state);
chmod 0755, $stage, "$stage$dir";
my ($uid, $gid) = $< == 0 ? (getpwnam 'www-data')[ 2, 3 ] : ($<, $( + 0);
chown $uid, $gid, $state or die "$state: $!";
delete @ENV{qw(DATABASE_URL DATABASE_OWNER_URL B SANITIZE VG_TEST VG_PRELOAD LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS)};
local %ENV = (%ENV, %env, VG_STATE => $state, VG_PORT => $port);

my $pid = fork // die "fork: $!";
if (!$pid) {
    chdir "$stage$dir" or POSIX::_exit(1);
    open STDOUT, '>', "$base/said" or POSIX::_exit(1);
    open STDERR, '>&', \*STDOUT or POSIX::_exit(1);
    $) = "$gid $gid" if $< == 0;
    POSIX::setgid($gid) && POSIX::setuid($uid) or POSIX::_exit(1);
    exec @entry or POSIX::_exit(1);
}
sub said { local (@ARGV, $/) = "$base/said"; return <> }
sub well { return system("($check) >/dev/null 2>&1") == 0 }
my $gone;
my $well = Voltgate->wait_for(sub { ($gone = waitpid($pid, POSIX::WNOHANG())) || well() }, 60);
ok $well && !$gone, 'HEALTHCHECK is content' or diag said();
my @its = grep { /\Q$base\E/ } split /\n/, `ps -eo user:20,args`;
is scalar(grep { /^root / } @its), 0, 'nothing of it is root\'s' or diag join "\n", @its;

$gone ||= leave($signal);
ok $gone, 'it takes its leave when told to';
ok !well(), 'and is not ready any more';
is scalar(grep { /\Q$base\E/ && /postgres|nginx/ } split /\n/, `ps -eo args`), 0, 'and nothing is left';

done_testing;

sub leave {
    my ($how) = @_;
    kill $how => $pid;
    return Voltgate->wait_for(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 40);
}

# a file that died leaves nobody behind
END {
    my $status = $?;
    leave('TERM') if $pid && !$gone;
    my $hash = substr sha256_hex($state // ''), 0, 12;
    remove_tree(grep { -d } map { "$_-$hash" } "/tmp/voltgate-$uid", '/run/voltgate') if defined $uid;
    $? = $status;
}
