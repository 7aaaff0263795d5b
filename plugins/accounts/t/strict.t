# Refresh tokens without grace, as RFC 9700 has them for clients that lose no
# answer: whoever shows one twice ends the session, also at the same moment.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Person;

my $vg = Voltgate->start(extra => { http => 'voltgate_setting accounts.refresh_grace 0;' });
my $json = JSON::PP->new->utf8;

sub refresh { return Voltgate::Person::ask($vg, { grant_type => 'refresh_token', refresh_token => $_[0] }) }

my $person = Voltgate::Person->new($vg);

subtest 'one that was used ends the session' => sub {
    my $old = $person->{refresh};
    is $person->goes_on->{status}, 200;
    is refresh($old)->{json}{error}, 'invalid_grant', 'at once';
    is $person->goes_on->{json}{error}, 'invalid_grant', 'for both';
};

subtest 'of two at the same moment one wins' => sub {
    for my $round (1 .. 5) {
        $person->login;
        my @pipes;
        for (1 .. 3) {
            pipe my $out, my $in or die "pipe: $!";
            my $pid = fork // die "fork: $!";
            if (!$pid) {
                delete $vg->{client};
                syswrite $in, refresh($person->{refresh})->{status};
                require POSIX;
                POSIX::_exit(0);
            }
            push @pipes, [ $pid, $out ];
        }
        my @status = sort map { waitpid $_->[0], 0; sysread $_->[1], my $text, 100; $text } @pipes;
        is_deeply \@status, [ 200, 400, 400 ], "round $round";
        is $vg->sql('select count(*) from accounts.session where ended_at is null'), 0, 'and the session is over';
    }
};

done_testing;
