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
    like $out, qr/not ok 2 - the logs hold no complaint.*?\n.*\[alert\] oh/s, 'and says why';
    ($status, $out) = script("$write \$vg->expect(qr/alert. oh/); done_testing");
    is $status, 0, 'unless it was expected' or diag $out;
};

subtest 'an event that is not what its schema says' => sub {
    my $tell = sub {
        my ($type, $payload, $correlation) = @_;
        return script(qq{my \$vg = Voltgate->start; ok 1;
            \$vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
                values ('accounts', '$type', 'a', '$payload', '$correlation', '')}); done_testing});
    };
    my $good = '"keyId":"019393c0-0000-7000-8000-000000000001"';
    for ([ 'a member that is no uuid', 'api_key.revoked.v1', '{"keyId":"x"}', 'api_key.revoked.v1/keyId' ],
        [ 'nothing of what is required', 'api_key.revoked.v1', '{}', 'api_key.revoked.v1: must have' ],
        [ 'a member that it does not name', 'api_key.revoked.v1', "{$good,\"secret\":1}", '\(secret\)' ],
        [ 'a type that nobody describes', 'api_key.lost.v1', "{$good}", 'api_key.lost.v1 has no schema' ])
    {
        my ($name, $type, $payload, $says) = @$_;
        my ($status, $out) = $tell->($type, $payload, 'c');
        isnt $status, 0, $name;
        like $out, qr/not ok 2 - .*\n.*$says/s, 'is named';
    }
    is(($tell->('api_key.revoked.v1', "{$good}", 'c'))[0], 0, 'one that is passes');
    is(($tell->('api_key.revoked.v1', '{"keyId":"x"}', 'test'))[0], 0, 'and so does what a test put there itself');
};

subtest 'a file that dies' => sub {
    my ($status, $out) = script(q{my $vg = Voltgate->start; print $vg->master, "\n"; die "so\n"});
    isnt $status, 0, 'fails';
    my ($master) = $out =~ /^(\d+)$/m;
    ok !Voltgate::alive($master), 'and leaves no gateway behind';
};

done_testing;
