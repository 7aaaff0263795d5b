# Who logs in, stays logged in and logs out, and who tries to.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Audit;
use Voltgate::Person;

my $vg    = Voltgate->start;
my $anna  = Voltgate::Person->new($vg, email => 'anna@example.com');
my %login = (grant_type => 'password', username => 'anna@example.com', password => $anna->{password});
my $key   = $vg->post('/api/v1/api-keys', { name => 'a client', scopes => [qw(stations:read)], companyId => 'north' })->{json};

# asks, and the rows that came of it: caller, role, route, object, status, error
sub asked {
    my ($form, $path) = @_;
    my $last = $vg->sql('select coalesce(max(id), 0) from vg.audit');
    my $r = Voltgate::Person::ask($vg, $form, undef, $path);
    my @rows;
    $vg->wait_for(sub { @rows = rows_of($vg, q{id > $1 and plugin = 'accounts'}, $last) });
    return ($r, map { [ @$_{qw(caller_id caller_role route object status error)} ] } @rows);
}

my ($r, @rows) = asked({%login});
is $r->{status}, 200;
is @rows, 1, 'a login is one row';
my $session = $vg->sql('select id from accounts.session where user_id = $1 order by id desc limit 1', $anna->{id});
is_deeply $rows[0], [ $anna->{id}, 'driver', 'POST /auth/token', $session, 200, undef ], 'whose session it is';

my $refresh = $r->{json}{refresh_token};
($r, @rows) = asked({ grant_type => 'refresh_token', refresh_token => $refresh });
is $r->{status}, 200;
is_deeply \@rows, [ [ $anna->{id}, 'driver', 'POST /auth/token', $session, 200, undef ] ], 'a refresh';

($r, @rows) = asked({ grant_type => 'client_credentials', client_id => $key->{id}, client_secret => $key->{key} });
is $r->{status}, 200;
is_deeply \@rows, [ [ $key->{id}, 'partner', 'POST /auth/token', $key->{id}, 200, undef ] ], 'a client';

($r, @rows) = asked({ %login, password => 'not hers at all' });
is_deeply [ $r->{status}, @rows ], [ 400, [ $anna->{id}, '', 'POST /auth/token', undef, 400, 'invalid_grant' ] ],
    'a wrong password, for whose account';
($r, @rows) = asked({ %login, username => 'nobody@example.com' });
is_deeply [ $r->{status}, @rows ], [ 400, [ '', '', 'POST /auth/token', undef, 400, 'invalid_grant' ] ], 'nobody\'s';
($r, @rows) = asked({ grant_type => 'refresh_token', username => 'anna@example.com', refresh_token => 'vgr_none' });
is_deeply [ $r->{status}, @rows ], [ 400, [ '', '', 'POST /auth/token', undef, 400, 'invalid_grant' ] ], 'who is named is not blamed';

($r, @rows) = asked({ token => $refresh }, 'revoke');
is $r->{status}, 200;
is_deeply [ map { @$_[ 2, 4 ] } @rows ], [ 'POST /auth/revoke', 200 ], 'the end of a session';

my $all = join "\n", map { $_->{line} } $vg->rows('select a::text as line from vg.audit a');
unlike $all, qr/\Q$_\E/, 'not in the trail: ' . substr $_, 0, 8 for $anna->{password}, 'anna@example.com', $refresh, $key->{key}, 'not hers';

done_testing;
