# People: registered, verified, seen and changed by admins; passwords; mails.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Person;

my $vg     = Voltgate->start;
my $api    = '/api/v1';
my %nobody = ('X-API-Key' => '');
my $count  = 0;

sub post { my ($path, $body) = @_; return $vg->post("$api/auth/$path", $body, {%nobody}) }

sub register {
    my (%body) = @_;
    return post('register', { email => 'x' . ++$count . '@example.com', password => 'eight or more', name => 'X', %body });
}
sub mails { return Voltgate::Person::mails($vg, @_) }
sub code  { return Voltgate::Person::code($vg, @_) }

# another one, and still a text
sub not_code { my ($last) = $_[0] =~ /(.)$/; return substr($_[0], 0, -1) . ($last eq '7' ? '8' : '7') }

sub login {
    my ($email, $password) = @_;
    return Voltgate::Person::ask($vg, { grant_type => 'password', username => $email, password => $password });
}

sub is_void { my ($token, $name) = @_; return ok Voltgate::Person::is_void($vg, $token), $name }

subtest 'somebody registers, proves the address, and is in' => sub {
    my $r = register(email => 'Anna@Example.com', name => 'Anna', phone => '+491701234567');
    is $r->{status}, 201;
    my $anna = $r->{json};
    is_deeply { map { $_ => $anna->{$_} } qw(email name phone role companyId) },
        { email => 'Anna@Example.com', name => 'Anna', phone => '+491701234567', role => 'driver', companyId => undef };
    ok !$anna->{emailVerified}, 'the address is not proved';
    unlike $r->{body}, qr/password|argon|code/i, 'nothing of the password';
    like $vg->sql('select password from accounts.users where id = $1', $anna->{id}),
        qr/^\$argon2id\$v=19\$m=\d+,t=\d+,p=1\$/, 'which is kept as Argon2id';

    my $wait = login('anna@example.com', 'eight or more');
    is $wait->{status}, 400, 'no login before';
    is $wait->{json}{error}, 'invalid_grant';

    my $code = code('anna@example.com');
    like $code, qr/^\d{6}$/, 'six digits were mailed';
    my $wrong = not_code($code);
    is post('verify', { userId => $anna->{id}, code => $wrong })->{status}, 422, 'another code is none';
    is post('verify', { userId => $anna->{id}, code => $_ })->{json}{type}, 'https://voltgate.dev/problems/code_invalid', "so is '$_'"
        for ' 12345', '1234567', 'abcdef', "$code ";
    is post('verify', { userId => '019393c0-0000-7000-8000-000000000001', code => $code })->{status}, 422,
        'nor is it for somebody else';
    $r = post('verify', { userId => $anna->{id}, code => $code });
    is $r->{status}, 200, 'the code proves it';
    ok $r->{json}{emailVerified};
    is post('verify', { userId => $anna->{id}, code => $code })->{status}, 422, 'once';
    is $vg->get("/api/v1/customers/$anna->{id}")->{json}{name}, $anna->{name}, 'who drives is a customer from then on';

    $r = login('ANNA@example.COM', 'eight or more');
    is $r->{status}, 200, 'and anna logs in, in whatever case the address is written';
    my $me = $vg->get("$api/auth/me", { Authorization => "Bearer $r->{json}{access_token}" })->{json};
    is_deeply { map { $_ => $me->{$_} } qw(id role roles companyId email name phone scopes) },
        { id => $anna->{id}, role => 'driver', roles => ['driver'], companyId => undef, email => 'Anna@Example.com',
            name => 'Anna', phone => '+491701234567', scopes => undef };
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'user.registered.v1'
        and aggregate_id = $1}, $anna->{id}) == 1 }), 'user.registered.v1 is told, once';
    my $customer = $vg->get("$api/customers/$anna->{id}")->{json};
    is_deeply [ @$customer{qw(id name)} ], [ $anna->{id}, 'Anna' ], 'and who registers is a customer';
};

subtest 'nobody learns which addresses are known' => sub {
    my $bert = Voltgate::Person->new($vg, email => 'bert@example.com');
    my $new  = register(email => 'nobody-yet@example.com', name => 'N');
    my $old  = register(email => 'Bert@example.com', name => 'N', password => 'another password');
    is $old->{status}, $new->{status};
    is_deeply [ sort keys %{ $old->{json} } ], [ sort keys %{ $new->{json} } ], 'the same shape';
    my %same = map { $_ => $old->{json}{$_} } grep { !/^(?:id|email|createdAt)$/ } keys %{ $old->{json} };
    is_deeply \%same, { map { $_ => $new->{json}{$_} } keys %same }, 'and values';
    isnt $old->{json}{id}, $bert->{id}, 'under an id that is nobody\'s';
    is $vg->get("$api/users/$old->{json}{id}")->{status}, 404;
    my ($mail) = mails('bert@example.com');
    is $mail->{template}, 'account.known', 'bert hears of it';
    is $mail->{data}{code}, undef;
    is post('verify/resend', { userId => $_ })->{status}, 202, 'resend says nothing either'
        for $old->{json}{id}, $new->{json}{id}, $bert->{id};
    is post('password/forgot', { email => $_ })->{status}, 202, 'nor does forgot'
        for 'bert@example.com', 'unknown@example.com', 'nobody-yet@example.com';
    is scalar(mails('unknown@example.com')), 0;
    is $vg->sql(q{select count(*) from accounts.postage where purpose = 'reset' and email_key = $1}, $_), 1,
        'for which as much is flushed, or the clock would tell' for 'bert@example.com', 'unknown@example.com';
    is login('bert@example.com', $bert->{password})->{status}, 200, 'bert is as before';
    is login('bert@example.com', 'another password')->{status}, 400;
};

subtest 'an address is not taken in advance' => sub {
    my $thief = register(email => 'carl@example.com', password => 'of a thief')->{json};
    my $carl  = register(email => 'carl@example.com', password => 'of carl himself')->{json};
    my ($mine, $his) = mails('carl@example.com');
    is $mine->{data}{userId}, $carl->{id}, 'each registration has a code of its own';
    my $own = $vg->sql('select count(*) from accounts.users where email_key = $1', 'carl@example.com');
    is $own, 2;
    if ($mine->{data}{code} ne $his->{data}{code}) {
        is post('verify', { userId => $carl->{id}, code => $his->{data}{code} })->{status}, 422,
            'the code of the one does not prove the other';
    }
    is post('verify', { userId => $carl->{id}, code => $mine->{data}{code} })->{status}, 200;
    is post('verify', { userId => $thief->{id}, code => $his->{data}{code} })->{status}, 422, 'the thief\'s is gone';
    is login('carl@example.com', 'of carl himself')->{status}, 200;
    is login('carl@example.com', 'of a thief')->{status}, 400;
};

subtest 'of two who verify at once one has the address' => sub {
    for my $email (map { "dora-$_\@example.com" } 1 .. 6) {
        my @two  = map { register(email => $email)->{json}{id} } 1 .. 2;
        my %code = map { $_->{data}{userId} => $_->{data}{code} } mails($email);
        my $dbh  = $vg->dbh->clone;    # until both are there
        $dbh->begin_work;
        $dbh->do('select from accounts.users where id = $1 for update', undef, $_) for @two;
        my @pids;
        for my $id (@two) {
            my $pid = fork // die;
            if (!$pid) {
                $dbh->{AutoInactiveDestroy} = 1;
                my $r = $vg->client(fresh => 1)->post($vg->url("$api/auth/verify"), {
                    content => "{\"userId\":\"$id\",\"code\":\"$code{$id}\"}", headers => { 'Content-Type' => 'application/json' } });
                require POSIX;
                POSIX::_exit($r->{status} == 200 ? 0 : $r->{status} == 422 ? 1 : 2);
            }
            push @pids, $pid;
        }
        ok $vg->wait_for(sub { $vg->waiting >= 2 }), 'both wait';
        $dbh->rollback;
        $dbh->disconnect;
        is_deeply [ sort map { waitpid $_, 0; $? >> 8 } @pids ], [ 0, 1 ], $email;
        is $vg->sql('select count(*) from accounts.users where email_key = $1', $email), 1, 'there is one';
    }
};

subtest 'a code has few tries, little time, and a few mails an hour' => sub {
    my $id = register(email => 'eve@example.com')->{json}{id};
    my $code = code('eve@example.com');
    my $wrong = not_code($code);
    post('verify', { userId => $id, code => $wrong }) for 1 .. 5;
    is post('verify', { userId => $id, code => $code })->{status}, 422, 'five wrong ones, and the right one is none';
    is post('verify/resend', { userId => $id })->{status}, 202;
    isnt scalar(mails('eve@example.com')), 1;
    $vg->sql(q{update accounts.code set expires_at = now() where user_id = $1}, $id);
    is post('verify', { userId => $id, code => code('eve@example.com') })->{status}, 422, 'nor is one whose time is over';
    is post('verify/resend', { userId => $id })->{status}, 202 for 1 .. 6;
    is scalar(mails('eve@example.com')), 5, 'five mails in an hour, and no more';
    is post('verify', { userId => $id, code => code('eve@example.com') })->{status}, 200, 'the last one counts';
};

subtest 'who registers an address often has no more guesses' => sub {
    my @r = map { register(email => 'greta@example.com', name => 'G') } 1 .. 7;
    is_deeply [ map { $_->{status} } @r ], [ (201) x 7 ], 'each is answered the same';
    is scalar(mails('greta@example.com')), 5, 'five mails';
    is $vg->sql(q{select count(*) from accounts.code as c join accounts.users as u on u.id = c.user_id
        where u.email_key = 'greta@example.com'}), 5, 'and five codes';
};

subtest 'bad input is told at once, and costs no hash' => sub {
    my %bad = (
        email    => [ '', 'x', "a\@b", "anna\@ex\x{430}mple.com", "\x{430}nna\@example.com", "\x{ff41}nna\@example.com",
            "ann\x{e4}\@example.com", 'a' x 300 . '@example.com', "a\@example.com\r\nBcc: b\@example.com", 7, undef, ['x'] ],
        password => [ '', 'seven..', 'x' x 129, 12345678, undef, {} ],
        name     => [ '', ' ', "a\nb", "\x7f", "a\x{202e}b", "a\x{2028}b", "a\x{85}b", 'n' x 101, 1 ],
        phone    => [ '0170123456', '+0170123456', '+49 170 1234567', '+4917012345678901', '+49', 49 ],
    );
    for my $field (sort keys %bad) {
        for my $value (@{ $bad{$field} }) {
            my $r = register($field => $value);
            is $r->{status}, 400, $field or diag $r->{body};
            ok $r->{json}{errors}{$field}, 'it says where';
        }
    }
    is_deeply [ sort keys %{ register(email => 'x', password => 'short', name => '', phone => '1', role => 'admin')
        ->{json}{errors} } ], [ qw(email name password phone role) ], 'all at once; a role cannot be asked for';
    is register(password => 'x' x 1_000_000)->{status}, 400, 'a long password';
    is register(password => 'x' x 1_100_000)->{status}, 413, 'one of more than 1 MiB';
    is register(password => "\x{1f512}" x 128)->{status}, 201, '128 characters of four bytes each';
    is post('verify', { userId => 'x', code => '123456' })->{status}, 400;
    is post('password/forgot', {})->{status}, 400;
    is $vg->post("$api/auth/register", 'email=a@b.de', { %nobody, 'Content-Type' => 'application/x-www-form-urlencoded' })
        ->{status}, 415, 'only OAuth takes forms';
};

subtest 'a password is changed by the old one' => sub {
    my $fay   = Voltgate::Person->new($vg);
    my $other = Voltgate::Person::ask($vg, { grant_type => 'password', username => $fay->{email}, password => $fay->{password} });
    my $change = sub { $vg->post("$api/auth/password", { oldPassword => $_[0], newPassword => $_[1] }, $fay->headers) };
    is $change->('not this one', 'another quay')->{status}, 422, 'a wrong one';
    is $change->($fay->{password}, 'short')->{status}, 400;
    $fay->goes_on;
    is $change->($fay->{password}, 'another quay')->{status}, 204;
    is $vg->get("$api/auth/me", $fay->headers)->{status}, 200, 'this session goes on';
    is $fay->goes_on->{status}, 200;
    is $fay->goes_on($other->{json}{refresh_token})->{json}{error}, 'invalid_grant', 'the others are over';
    is_void($other->{json}{access_token}, 'with their access tokens');
    is $fay->login->{status}, 400;
    $fay->{password} = 'another quay';
    is $fay->login->{status}, 200;
    is $vg->post("$api/auth/password", { oldPassword => 'x', newPassword => 'another quay' })->{status}, 404,
        'who is no user has none';
    is $vg->post("$api/auth/password", { oldPassword => 'x', newPassword => 'another quay' }, {%nobody})->{status}, 401;
};

subtest 'a password is set by a code' => sub {
    my $gus = Voltgate::Person->new($vg);
    my $forgot = sub { post('password/forgot', { email => $_[0] }) };
    my $r = $forgot->(uc $gus->{email});
    is $r->{status}, 202;
    my $id   = $r->{json}{resetId};
    my $code = code($gus->{email});
    like $code, qr/^[0-9A-HJKMNP-TV-Z]{10}$/, 'ten characters were mailed';
    is((mails($gus->{email}))[0]{data}{resetId}, $id, 'and which reset it is');
    my $nobody = $forgot->('unknown@example.com');
    like $nobody->{json}{resetId}, qr/^[0-9a-f]{8}-[0-9a-f]{4}-4/, 'an unknown address has an id as well';
    my $reset = sub { post('password/reset', { resetId => $_[2] // $id, code => $_[0], password => $_[1] }) };

    my $stranger = $forgot->($gus->{email})->{json}{resetId};
    isnt $stranger, $id, 'a stranger who asks has another';
    is $reset->('0123456789', 'of a stranger', $stranger)->{status}, 422, 'and tries it' for 1 .. 6;
    is $reset->($code, 'of a stranger', $_)->{status}, 422, 'a code is for one reset' for $stranger, $nobody->{json}{resetId}, $gus->{id};
    is post('password/reset', { email => $gus->{email}, code => $code, password => 'set anew, too' })->{status}, 400,
        'an address is none';
    is $reset->($_, 'set anew, too')->{status}, 422, 'what cannot be one' for '123456', "${code}0", "\x{20ac}" x 10, ' ' x 10;
    is $reset->(not_code($code), 'set anew, too')->{status}, 422, 'his own tries are left' for 1 .. 4;
    is $reset->(lc $code, 'set anew, too')->{status}, 204, 'in whatever case';
    is $vg->sql(q{select count(*) from accounts.code where user_id = $1 and tries < 5}, $gus->{id}), 0, 'no other is good any more';
    is $reset->($code, 'and once more')->{status}, 422, 'a code is good once';
    is $gus->goes_on->{status}, 400, 'all sessions are over';
    is_void($gus->{access}, 'and their access tokens void');
    is $gus->login->{status}, 400;
    $gus->{password} = 'set anew, too';
    is $gus->login->{status}, 200;
};

subtest 'resets have few tries, and mails of their own' => sub {
    my $gil   = Voltgate::Person->new($vg);
    register(email => $gil->{email}, name => 'Not Gil') for 1 .. 6;
    my $id    = post('password/forgot', { email => $gil->{email} })->{json}{resetId};
    my $code  = code($gil->{email});
    like $code, qr/^.{10}$/, 'who registers an address keeps nobody from a reset';
    my $reset = sub { post('password/reset', { resetId => $id, code => $_[0], password => 'eight or more' })->{status} };
    is $reset->(not_code($code)), 422 for 1 .. 5;
    is $reset->($code), 422, 'five wrong ones, and the right one is none';
    like post('password/forgot', { email => $gil->{email} })->{json}{resetId}, qr/./, 'there is always an id' for 1 .. 6;
    is scalar(grep { $_->{template} eq 'password.reset' } mails($gil->{email})), 5, 'five mails in an hour';
};

subtest 'roles are an admin\'s to give' => sub {
    my $hal = Voltgate::Person->new($vg);
    my $url = "$api/users/$hal->{id}/roles";
    is_deeply { %{ $vg->get($url)->{json} } }, { userId => $hal->{id}, roles => ['driver'], companyId => undef, version => 2 };
    is $vg->get($url, $hal->headers)->{status}, 403, 'not to be seen by others';
    is $vg->put($url, { roles => ['admin'] }, $hal->headers)->{status}, 403, 'nor given';
    my $operator = { Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'o', company => 'c') };
    is $vg->put($url, { roles => ['admin'] }, $operator)->{status}, 403;
    is $vg->put($url, $_)->{status}, 400 for {}, { roles => [] }, { roles => 'driver' }, { roles => ['king'] },
        { roles => ['partner'] }, { roles => [qw(driver planner)] }, { roles => ['operator'] };
    is $vg->put($url, { roles => ['operator'], companyId => 'north' })->{status}, 200;
    is_void($hal->{access}, 'tokens of the old role are void');
    is $hal->goes_on->{status}, 200, 'the session goes on';
    my $me = $vg->get("$api/auth/me", $hal->headers)->{json};
    is $me->{role}, 'operator', 'in the new role';
    is $me->{companyId}, 'north';
    is $vg->put("$api/users/019393c0-0000-7000-8000-000000000001/roles", { roles => ['driver'] })->{status}, 404;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'user.roles_changed.v1'
        and aggregate_id = $1}, $hal->{id}) == 1 }), 'user.roles_changed.v1 is told';
};

subtest 'an admin finds, blocks and unblocks' => sub {
    my $ida = Voltgate::Person->new($vg, email => 'ida@example.com', name => 'Ida');
    my $url = "$api/users/$ida->{id}";
    is $vg->get($url)->{json}{name}, 'Ida';
    is_deeply [ map { $_->{id} } @{ $vg->get("$api/users?email=IDA\@example.com")->{json}{items} } ], [ $ida->{id} ];
    is_deeply [ grep { $_ ne 'driver' } map { $_->{role} } @{ $vg->get("$api/users?role=driver&limit=200")->{json}{items} } ], [];
    is $vg->get($_, $ida->headers)->{status}, 403, $_ for $url, "$api/users", "$api/auth/sandbox/mails";
    is $vg->patch($url, { blocked => \1 }, $ida->headers)->{status}, 403;
    is $vg->get("$api/auth/sandbox/mails", { Authorization => 'Bearer ' . $vg->token(role => 'admin', subject => 'reader',
        scope => 'admin:read') })->{status}, 403, 'codes are not for who only reads';

    my $r = $vg->patch($url, { phone => '+491701234567', name => 'Ida B' });
    is_deeply [ @{ $r->{json} }{qw(name phone)} ], [ 'Ida B', '+491701234567' ];
    is $vg->patch($url, { phone => undef })->{json}{phone}, undef;
    is $vg->patch($url, { phone => 'x', name => "\n" })->{status}, 400;

    is $vg->patch($url, { blocked => JSON::PP::true() })->{json}{blocked}, JSON::PP::true();
    is_void($ida->{access}, 'blocked: tokens are void');
    is $ida->goes_on->{json}{error}, 'invalid_grant', 'sessions are over';
    is $ida->login->{json}{error}, 'invalid_grant', 'and none begins';
    is post('password/forgot', { email => $ida->{email} })->{status}, 202;
    is scalar(grep { $_->{template} eq 'password.reset' } mails($ida->{email})), 0, 'nor by a code';
    is $vg->patch($url, { blocked => JSON::PP::false() })->{json}{blocked}, JSON::PP::false();
    is $ida->login->{status}, 200, 'unblocked';
};

subtest 'an Idempotency-Key keeps no digest that has the password in it' => sub {
    my @r = map { $vg->post("$api/auth/register", qq({"email":"keyed\@example.com","password":"$_","name":"K"}),
        { %nobody, 'Idempotency-Key' => 'one' }) } 'eight or more', 'eight or less';
    is_deeply [ map { $_->{status} } @r ], [ 201, 201 ];
    is $r[1]{headers}{'idempotent-replayed'}, 'true', 'another password is the same call';
    my $other = $vg->post("$api/auth/register", '{"email":"keyed@example.com","password":"eight or more","name":"L"}',
        { %nobody, 'Idempotency-Key' => 'one' });
    is $other->{status}, 422, 'another name is not';
    is $vg->sql('select count(*) from accounts.users where email_key = $1', 'keyed@example.com'), 1;
};

subtest 'nothing of this is in the logs' => sub {
    my $all = $vg->log . join '', map { JSON::PP::encode_json($_) } $vg->access_log;
    unlike $all, qr/\Q$_\E/, 'no secret' for 'a quay in the rain', 'eight or more', 'set anew, too', 'argon2id', 'vgr_';
    my @codes = map { $_->[0] } @{ $vg->dbh->selectall_arrayref(
        q{select data ->> 'code' from accounts.sandbox_mail where data ? 'code'}) };
    cmp_ok scalar @codes, '>', 10;
    is_deeply [ grep { $all =~ /"$_"|code.{0,3}$_/ } @codes ], [], 'no code';
};

done_testing;
