# Wrong passwords: how long one waits, who does not, what is told; floods.

use strict;
use warnings;

use JSON::PP ();
use List::Util qw(min);
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Person;

my $vg   = Voltgate->start(extra => { http => 'voltgate_password threads=1 queue=3;' });
my $json = JSON::PP->new->utf8;

# as from another address of this machine
sub login {
    my ($email, $password, $from) = @_;

    my $client = $vg->client(fresh => 1);
    $client->{local_address} = $from // '127.0.0.1';
    my $r = $client->post_form($vg->url('/api/v1/auth/token'),
        { grant_type => 'password', username => $email, password => $password });
    return { %$r, json => eval { $json->decode($r->{content}) } };
}

sub guard {
    my ($id, $place) = @_;
    return ($vg->rows('select *, extract(epoch from locked_until - failed_at) as wait from accounts.guard
        where user_id = $1 and place = $2', $id, $place))[0];
}

# so much longer than the next lines take, on whatever machine
sub waits {
    my ($id, $long) = @_;
    return $vg->sql(q{update accounts.guard set locked_until = now() + $2::interval where user_id = $1
        and locked_until is not null}, $id, $long);
}

sub told { return $vg->sql(q{select count(*) from vg.event where type = 'login.failures.v1' and aggregate_id = $1}, $_[0]) }

subtest 'after five wrong passwords the next waits, and then a right one is in' => sub {
    my $p = Voltgate::Person->new($vg);
    is login($p->{email}, 'wrong')->{status}, 400 for 1 .. 4;
    is login($p->{email}, $p->{password})->{status}, 200, 'four are nothing';
    is guard($p->{id}, '127.0.0.1'), undef, 'and are forgiven';
    my $wrong = login($p->{email}, 'wrong');
    login($p->{email}, 'wrong') for 1 .. 4;
    is guard($p->{id}, '127.0.0.1')->{wait} + 0, 1, '1 s';
    waits($p->{id}, '3 s');
    my $right = login($p->{email}, $p->{password});
    is $right->{status}, 400, 'five, and the right one waits, too';
    is_deeply $right->{json}, $wrong->{json}, 'in the same words as a wrong one';
    ok $vg->wait_for(sub { login($p->{email}, $p->{password})->{status} == 200 }, 10), 'then it is in';
};

subtest 'the wait doubles, to 15 minutes; knocking does not make it longer' => sub {
    my $p = Voltgate::Person->new($vg);
    login($p->{email}, 'wrong') for 1 .. 5;
    my @waits;
    for (1 .. 12) {
        $vg->sql(q{update accounts.guard set locked_until = now() - interval '1 ms' where user_id = $1 and place <> ''}, $p->{id});
        login($p->{email}, 'wrong');
        push @waits, guard($p->{id}, '127.0.0.1')->{wait} + 0;
    }
    is_deeply \@waits, [ 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900 ];
    is guard($p->{id}, '')->{failed}, 5, 'for other places it counts no more than its own limit';
    my $before = guard($p->{id}, '127.0.0.1');
    login($p->{email}, $_) for 'wrong', $p->{password}, 'wrong';
    my $after = guard($p->{id}, '127.0.0.1');
    is_deeply [ @$after{qw(failed locked_until)} ], [ @$before{qw(failed locked_until)} ], 'it is as it was';
    $vg->sql(q{update accounts.guard set failed_at = now() - interval '61 min', locked_until = now() - interval '46 min'
        where user_id = $1}, $p->{id});
    login($p->{email}, 'wrong');
    is guard($p->{id}, '127.0.0.1')->{failed}, 1, 'an hour later it begins anew';
};

subtest 'who guesses elsewhere does not keep the owner out' => sub {
    my $p = Voltgate::Person->new($vg);
    login($p->{email}, 'wrong', '127.0.0.2') for 1 .. 5;
    waits($p->{id}, '1 hour');
    login($p->{email}, 'wrong', '127.0.0.2') for 1 .. 3;
    is login($p->{email}, $p->{password}, '127.0.0.2')->{status}, 400, 'there one waits';
    is login($p->{email}, $p->{password}, '127.0.0.3')->{status}, 200, 'not here';
    is guard($p->{id}, '')->{failed}, 5, 'all places together are counted, too; knocking is not';

    $vg->sql(q{update accounts.guard set failed = 50, locked_until = now() + interval '1 hour' where user_id = $1 and place = ''},
        $p->{id});
    is login($p->{email}, $p->{password}, '127.0.0.4')->{status}, 400, 'after many, a new place waits';
    is login($p->{email}, $p->{password}, '127.0.0.3')->{status}, 200, 'but not one where the owner was';
    is login($p->{email}, 'wrong', '127.0.0.3')->{status}, 400;
    $vg->sql('delete from accounts.session where user_id = $1', $p->{id});
    is login($p->{email}, $p->{password}, '127.0.0.3')->{status}, 200, 'also when that session is swept';
    $vg->sql(q{update accounts.known_place set at = now() - interval '2 days' where user_id = $1}, $p->{id});
    is login($p->{email}, $p->{password}, '127.0.0.3')->{status}, 200;
    ok $vg->sql(q{select at > now() - interval '1 hour' from accounts.known_place where user_id = $1
        and place = '127.0.0.3'}, $p->{id}), 'which goes on as it is used';
    $vg->sql(q{update accounts.known_place set at = now() - interval '91 days' where user_id = $1}, $p->{id});
    is login($p->{email}, $p->{password}, '127.0.0.3')->{status}, 400, 'within 90 days';
};

subtest 'passwords guessed at their change are counted as well' => sub {
    my $p = Voltgate::Person->new($vg);
    my $change = sub { $vg->post('/api/v1/auth/password', { oldPassword => $_[0], newPassword => 'eight or more' }, $p->headers)
        ->{status} };
    is $change->('wrong'), 422 for 1 .. 5;
    waits($p->{id}, '3 s');
    is $change->($p->{password}), 422, 'and wait';
    is login($p->{email}, $p->{password})->{status}, 400;
    ok $vg->wait_for(sub { $change->($p->{password}) == 204 }, 10);
};

subtest 'more than five failures in a minute are told, once' => sub {
    my $p = Voltgate::Person->new($vg);
    login($p->{email}, 'wrong') for 1 .. 5;
    is $vg->sql(q{select count(*) from vg.outbox where type = 'login.failures.v1' and aggregate_id = $1}, $p->{id})
        + told($p->{id}), 0, 'not of five';
    login($p->{email}, 'wrong') for 1 .. 3;
    ok $vg->wait_for(sub { told($p->{id}) == 1 }), 'of six';
    my $payload = $json->decode($vg->sql(q{select payload from vg.event where type = 'login.failures.v1' and aggregate_id = $1},
        $p->{id}));
    is_deeply [ sort keys %$payload ], [ qw(count since userId) ], 'without anything personal';
    is $payload->{count}, 6;
    $vg->sql(q{update accounts.guard set since = since - interval '1 minute', locked_until = null where user_id = $1}, $p->{id});
    login($p->{email}, 'wrong') for 1 .. 7;
    ok $vg->wait_for(sub { told($p->{id}) == 2 }), 'and again in the next minute';
};

# A hash takes tens of ms, all the rest a few. Noise only adds; in turns, so that a
# busy machine is as busy for both.
subtest 'nobody learns by the clock who is known' => sub {
    my $p = Voltgate::Person->new($vg);
    my $blocked = Voltgate::Person->new($vg);
    $vg->patch("/api/v1/users/$blocked->{id}", { blocked => JSON::PP::true() });
    my $took = sub {
        my %took;
        for my $turn (1 .. 5) {
            push @{ $took{$_} }, do { my $at = time; login($_, 'wrong'); time - $at } for @_;
        }
        return map { min @{ $took{$_} } } @_;
    };
    for ([ unknown => 'nobody@example.com' ], [ 'no address' => 'x' ], [ blocked => $blocked->{email} ]) {
        my ($name, $email) = @$_;
        my ($known, $other) = $took->($p->{email}, $email);
        cmp_ok $known, '>', 0.01, 'a password is hashed';
        cmp_ok $other, '>', $known / 2, "$name: it is hashed as well";
    }
    ok guard($p->{id}, '127.0.0.1')->{locked_until};
    waits($p->{id}, '1 hour');
    my ($waits, $blocks) = $took->($p->{email}, $blocked->{email});
    cmp_ok $waits, '>', $blocks / 2, 'and while one waits';
};

# many at once; what each was answered
sub flood {
    my ($times, $email) = @_;

    my @pipes;
    for my $n (1 .. $times) {
        pipe my $out, my $in or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $r = login($email->($n), 'wrong');
            syswrite $in, $json->encode({ status => $r->{status}, error => $r->{json}{error} // $r->{json}{type},
                retry => $r->{headers}{'retry-after'} });
            require POSIX;
            POSIX::_exit(0);
        }
        push @pipes, [ $pid, $out ];
    }
    return map {
        my ($pid, $out) = @$_;
        waitpid $pid, 0;
        sysread $out, my $text, 65_536;
        $json->decode($text);
    } @pipes;
}

subtest 'who is unknown is counted alike, and told to nobody' => sub {
    my $before = $vg->sql('select count(*) from accounts.guard');
    login($_, 'wrong') for ('Stranger@example.com') x 6, 'stranger@example.com';
    is $vg->sql('select count(*) from accounts.guard'), $before + 2, 'here and anywhere, whatever the case';
    my $id = $vg->sql(q{select accounts.nobody('stranger@example.com')});
    is guard($id, '')->{in_minute}, 7;
    ok guard($id, '127.0.0.1')->{locked_until}, 'it waits';
    is $vg->sql(q{select count(*) from vg.outbox where type = 'login.failures.v1' and aggregate_id = $1}, $id) + told($id), 0,
        'but no event tells of it';
};

subtest 'a flood of logins is bounded' => sub {
    my $p = Voltgate::Person->new($vg);
    for ([ 'of unknown people' => sub { "nobody-$_[0]\@example.com" } ], [ 'of one' => sub { $p->{email} } ]) {
        my ($name, $email) = @$_;
        my $before = $vg->resident;
        my @all    = flood(40, $email);
        my %times;
        $times{"$_->{status} $_->{error}"}++ for @all;
        is_deeply [ grep { !/^(?:400 invalid_grant|503 temporarily_unavailable|429 .*)$/ } sort keys %times ], [], $name
            or diag explain \%times;
        ok $times{'400 invalid_grant'}, 'some are answered';
        ok $times{'503 temporarily_unavailable'} || $times{'429 temporarily_unavailable'}, 'some are told to come again';
        is_deeply [ grep { $_->{status} != 400 && ($_->{retry} // 0) < 1 } @all ], [], 'and when';
        cmp_ok $vg->resident - $before, '<', 200_000, 'in bounded memory';
    }
    ok $vg->wait_for(sub { login($p->{email}, $p->{password})->{status} == 200 }, 20), 'then people are in again';
};

done_testing;
