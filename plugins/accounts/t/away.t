# Erasure and export with a plugin in another cluster, which is away for a
# while: the reports say who is missing, and end when it is back.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg  = Voltgate->start(elsewhere => { far => ['billing'] }, extra => { http => "
    voltgate_setting accounts.erasure_again 1;" });
my $far = $vg->elsewhere('far');
my $api = '/api/v1';
my %dana = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'dana'));

$vg->patch("$api/customers/dana", { name => 'Dana Drake' }, \%dana);
$far->sql(q{insert into billing.invoice (id, issuer, sequence, number, subject_kind, subject_id, part, customer_id, currency, minor_units,
    net, tax, total, tax_unknown, issued_at) values (vg.uuid7(), 'x', 1, 'INV-1', 'SESSION', vg.uuid7(), '', 'dana', 'EUR', 2, 1, 0, 1,
    false, now())});

sub state_of {
    my ($url, $plugin) = @_;
    my $report = $vg->get($url)->{json};
    return "$report->{status} @{ $report->{waitingFor} }";
}

sub comes_to {
    my ($url, $wanted, $title) = @_;
    return ok($vg->wait_for(sub { state_of($url) eq $wanted }, 40), $title) || diag $vg->get($url)->{body};
}

$far->pg_stop('immediate');
$vg->expect(qr/billing|accounts/);
my $export = "$api/customers/dana/exports/" . $vg->post("$api/customers/dana/exports", undef, \%dana)->{json}{id};
comes_to($export, 'RUNNING billing', 'the export waits for who is away');
ok $vg->wait_for(sub { (grep { $_->{plugin} eq 'billing' } @{ $vg->get($export)->{json}{plugins} })[0]{awaySince} }, 10),
    'and says since when';
is $vg->get($export)->{json}{data}, undef, 'half an export is none';
is $vg->get("$export?plugin=accounts")->{json}{data}, undef, 'nor is a part';

$far->pg_start;
comes_to($export, 'COMPLETED ', 'it is asked again when it is back');
my $data = $vg->get($export)->{json}{data};
is $data->{billing}{invoice}[0]{number}, 'INV-1';
is $data->{accounts}{customer}[0]{name}, 'Dana Drake';

$far->pg_stop('immediate');
my $erasure = "$api/erasures/" . $vg->delete("$api/customers/dana", \%dana)->{json}{erasureId};
comes_to($erasure, 'RUNNING billing', 'so does the erasure');
is $vg->get("$api/customers/dana")->{json}{status}, 'ERASING', 'which is not over';
is $vg->sql(q{select name from accounts.customer where id = 'dana'}), 'Dana Drake';
$far->pg_start;
comes_to($erasure, 'COMPLETED ', 'it ends when all have answered');
is $vg->get("$api/customers/dana")->{json}{status}, 'ERASED';
is_deeply +(grep { $_->{plugin} eq 'billing' } @{ $vg->get($erasure)->{json}{plugins} })[0]{kept}, { invoice => 1 };
is $far->sql(q{select count(*) from vg.event where type = 'customer.erased.v1'}),
    $vg->get($erasure)->{json}{round}, 'each round answered once, in its own log';

done_testing;
