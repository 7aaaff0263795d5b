# The harness: what a test survives, and what fails it.

use strict;
use warnings;

use File::Path qw(remove_tree);
use Test::More;

use Voltgate;

# its exit status, and what it printed
sub script {
    my ($text) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die $!;
        exec $^X, "-I$Voltgate::ROOT/t/lib", '-MVoltgate', '-MTest::More', '-e', $text or die $!;
    }
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe;
    remove_tree($out =~ /^# kept: (.*)$/mg);
    return ($?, $out);
}

subtest 'a write to who has gone' => sub {
    my ($status, $out) = script(q{pipe my $from, my $to; close $from;
        print defined syswrite($to, 'x') ? 'went' : "failed: $!"});
    is $out, 'failed: Broken pipe', 'fails';
    is $status, 0, 'and the test goes on';
    ($status, $out) = script(q{exec 'grep', 'SigIgn', '/proc/self/status'});
    like $out, qr/^SigIgn:\s+[0-9a-f]+[02468ace][0-9a-f]{3}$/ms, 'commands are told of it as ever';
};

subtest 'a complaint in the log' => sub {
    my $write = q{my $vg = Voltgate->start; ok 1;
        open my $log, '>>', "$vg->{state}/log/error.log"; print {$log} "[alert] oh\n"; close $log;};
    my ($status, $out) = script("$write done_testing");
    isnt $status, 0, 'fails the file';
    like $out, qr/not ok 2 - the logs hold no complaint\n.*\[alert\] oh/s, 'and says why';
    ($status, $out) = script("$write \$vg->expect(qr/alert. oh/); done_testing");
    is $status, 0, 'unless it was expected' or diag $out;
};

subtest 'a file that dies' => sub {
    my ($status, $out) = script(q{my $vg = Voltgate->start; print $vg->master, "\n"; die "so\n"});
    isnt $status, 0, 'fails';
    my ($master) = $out =~ /^(\d+)$/m;
    ok !-e "/proc/$master", 'and leaves no gateway behind';
};

done_testing;
