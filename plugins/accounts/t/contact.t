# How somebody is written to: a customer by what is in its record, and who
# registered by the address that was proved; nobody who is erased, or to be.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Person;

my $lua = <<'END';
return {
    abi = 9, name = "writer", version = "1", about = "a test",
    routes = { { "POST", "/writer", about = "Whom", fields = { { "body", "customerId", "text" }, { "body", "companyId", "text" } },
        handler = function(call) return (assert(ask("contact.show", call.values))) end } },
}
END

my $vg = Voltgate->start(own_cluster => 1, plugins => ['accounts'], authored => { writer => { 'plugin.lua' => $lua } });
sub contact { return $vg->post('/api/v1/writer', {@_})->{json} }

my $customer = $vg->post('/api/v1/customers', { name => 'Dana', email => 'dana@example.com', phone => '+4943112345', language => 'de' })->{json}{id};
is_deeply contact(customerId => $customer), { customer => { id => $customer, name => 'Dana', email => 'dana@example.com',
    phone => '+4943112345', language => 'de' } }, 'a customer' or diag $vg->log;

my $person = Voltgate::Person->new($vg);
is contact(customerId => $person->{id})->{customer}{email}, $person->{email}, 'who registered';
$vg->sql('update accounts.users set verified_at = null where id = $1', $person->{id});
is contact(customerId => $person->{id})->{customer}{email}, undef, 'but by no address that is not proved';
is_deeply contact(customerId => 'nobody'), {}, 'nobody';

my $company = $vg->post('/api/v1/companies', { kind => 'OPERATOR', name => 'Lights', email => 'desk@example.com' })->{json}{id};
is_deeply contact(companyId => $company), { company => { id => $company, name => 'Lights', email => 'desk@example.com' } }, 'a company';
is_deeply contact(companyId => 'none'), {};

$vg->delete("/api/v1/customers/$customer");
is_deeply contact(customerId => $customer), {}, 'who is to be erased is written to no more';

done_testing;
