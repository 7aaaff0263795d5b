# Codes by mail: notifications brings them at once, to an address that is
# nobody's yet, and what was mailed is written down nowhere.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Person;
use Voltgate::Sink;

my $sink = Voltgate::Sink->start;
my $vg   = Voltgate->start(plugins => ['notifications'], extra => { http => $sink->target('mail', 'open=1s') . q{
    voltgate_plugin accounts;
    voltgate_setting notifications.mail mail;
    voltgate_setting notifications.from house@example.com;} });
my $api      = '/api/v1/auth';
my %nobody   = ('X-API-Key' => '');
my $password = 'a quay in the rain';

sub registers { my ($email) = @_; return $vg->post("$api/register", { email => $email, password => $password, name => 'Anna' }, \%nobody) }
sub verifies  { return $vg->post("$api/verify", { userId => $_[0], code => $_[1] }, \%nobody)->{status} }

# jobs of accounts
sub waiting { my ($of) = @_; return $of->rows(q{select payload, error from vg.job where plugin = 'accounts'}) }

# the nth mail to that address, and its code, which is good as soon as the job is done
sub mailed {
    my ($email, $nth) = @_;
    my @mails;
    ok $vg->wait_for(sub { @mails = $sink->mails($email); @mails == $nth && !waiting($vg) }, 15), "mail $nth to $email" or diag $vg->log;
    my ($code) = ($mails[-1]{text} // '') =~ /^\s*([0-9]{6}|[0-9A-Z]{10})\s*$/m;
    return ($mails[-1], $code);
}

# tables of which a row has that text
sub tables_with {
    my ($text) = @_;
    return grep { $vg->sql(qq{select count(*) from $_ as t where position(\$1 in t::text) > 0}, $text) }
        map { $_->{name} } $vg->rows(q{select format('%I.%I', schemaname, tablename) as name from pg_tables
            where schemaname not in ('pg_catalog', 'information_schema') order by 1});
}

subtest 'who registers reads the code in a mail' => sub {
    my $r = registers('anna@example.com');
    is $r->{status}, 201;
    my ($mail, $code) = mailed('anna@example.com', 1);
    is $mail->{from}, 'house@example.com';
    like $mail->{text}, qr/Anna/, 'to whom';
    is verifies($r->{json}{id}, $code eq '000000' ? '000001' : '000000'), 422, 'any other is wrong';
    is verifies($r->{json}{id}, $code), 200, 'that one proves the address';
    is_deeply [ $vg->rows('select * from accounts.sandbox_mail') ], [], 'and no sandbox kept it';

    is registers('Anna@example.com')->{status}, 201, 'somebody wants the address once more';
    my ($known) = mailed('Anna@example.com', 1);
    unlike $known->{text}, qr/\d{6}/, 'its owner is told, without a code';
};

subtest 'the next code voids the last' => sub {
    my $id = registers('bob@example.com')->{json}{id};
    my (undef, $first) = mailed('bob@example.com', 1);
    is $vg->post("$api/verify/resend", { userId => $id }, \%nobody)->{status}, 202;
    my (undef, $second) = mailed('bob@example.com', 2);
    is verifies($id, $first), 422 if $first ne $second;
    is verifies($id, $second), 200;
};

subtest 'while there is no mail nobody waits for it, and no code lies about' => sub {
    $sink->stop;
    is $vg->post("$api/password/forgot", { email => 'anna@example.com' }, \%nobody)->{status}, 202;
    my $id = registers('cleo@example.com')->{json}{id};
    ok $id, 'registered all the same';
    ok $vg->wait_for(sub { (grep { $_->{error} } waiting($vg)) == 2 }, 15), 'two jobs were tried'
        or diag explain waiting($vg);
    unlike $_->{payload}, qr/"code"/, 'without a code' for waiting($vg);
    is $vg->sql('select count(*) from accounts.code where user_id = $1', $id), 0, 'nor is there one to be guessed';

    $sink = Voltgate::Sink->start(port => $sink->{port});
    $vg->wait_for(sub { $vg->hurry; !waiting($vg) }, 15);
    my (undef, $code) = mailed('cleo@example.com', 1);
    is verifies($id, $code), 200, 'then it comes';
};

subtest 'what was mailed is in no table, and in no log' => sub {
    my ($mail, $code) = mailed('anna@example.com', 1);
    is length $code, 10, 'a code for a password';
    is_deeply [ tables_with($code) ], [];
    unlike $vg->log, qr/\Q$code\E/;
    is_deeply [ tables_with('cleo@example.com') ], [ 'accounts.postage', 'accounts.users' ], 'an address is where its user is, and for an hour how many mails it got';

    my ($reset) = $mail->{text} =~ /([0-9a-f-]{36})/;
    is $vg->post("$api/password/reset", { resetId => $reset, code => $code, password => 'another quay in the sun' }, \%nobody)->{status}, 204, 'and it is good';
    is Voltgate::Person::ask($vg, { grant_type => 'password', username => 'anna@example.com', password => 'another quay in the sun' })->{status}, 200;
};

subtest 'where there is no notifications' => sub {
    my $alone = Voltgate->start(plugins => [], extra => { http => 'voltgate_plugin accounts;' });
    is $alone->post("$api/register", { email => 'dora@example.com', password => $password, name => 'Dora' }, \%nobody)->{status}, 201;
    ok $alone->wait_for(sub { my ($job) = waiting($alone); ($job->{error} // '') =~ /^plugin_out/ }, 15), 'the mail waits' or diag explain waiting($alone);
};

is $vg->sql('select count(*) from notifications.notification'), 0, 'none of them is a notification';
unlike $vg->log, qr/\.lua:\d+/, 'no fault';

done_testing;
