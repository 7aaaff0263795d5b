# An operator turns on nginx's debug log to look for something: it says a lot,
# and nothing breaks.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Person;

my $vg = Voltgate->start;
$vg->_conf(sub { $_[0] =~ s/^(error_log \S+) notice;/$1 debug;/mr });
$vg->reload;
my @workers = sort $vg->workers;

subtest 'all goes on' => sub {
    my $person = Voltgate::Person->new($vg);
    is $vg->get('/api/v1/auth/me', $person->headers)->{status}, 200, 'a password, a token';
    is $vg->post('/api/v1/companies', { kind => 'FLEET', name => 'Vans' })->{status}, 201, 'a change, its events';
    is $vg->get('/api/v1/stations', { Authorization => 'Bearer x' })->{status}, 401, 'a refusal';
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.audit_seal') > 0 }, 10), 'timers, for a while';
    is_deeply [ sort $vg->workers ], \@workers, 'by the same workers';
};

$vg->_conf(sub { $_[0] =~ s/^(error_log \S+) debug;/$1 notice;/mr });
$vg->reload;

done_testing;
