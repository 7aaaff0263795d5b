# What is wanted of an intent, by SQL: how it is opened, and how wishes go on.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg = Voltgate->start(plugins => ['billing']);

my $method = '019393c0-0000-7000-8000-0000000000a1';
$vg->sql(q{insert into billing.payer (id, kind, terms) values ('driver-1', 'CUSTOMER', 'PREPAID')});
$vg->sql(q{insert into billing.method (id, payer, provider, token, created_at) values ($1, 'driver-1', 'sandbox', 'tok_ok', now())}, $method);

my $number = 0;

sub opened {
    my (%more) = @_;
    my $id   = sprintf '019393c0-0000-7000-8000-%012d', ++$number;
    my %with = (purpose => 'CHARGE', payer => 'driver-1', method => $method, amount => 10, currency => 'EUR', wanted => 'CAPTURED', %more);
    $vg->dbh->begin_work;
    eval { $vg->sql(q{select billing.intent_open($1, $2, $1, $3, $3, null, null, $4, $5, $6, $7, now(), 'test')},
        $more{id} // $id, @with{qw(purpose payer method amount currency wanted)}); 1 } or do { my $why = $@; $vg->dbh->rollback; die $why };
    $vg->sql('delete from vg.job where key = $1', $more{id} // $id);    # nobody asks
    $vg->dbh->commit;
    return $more{id} // $id;
}

sub wish { my ($id, @wish) = @_; return $vg->sql('select billing.intent_wish($1, $2, $3, $4, now())', $id, @wish) }
sub so { my ($id) = @_; return join ' ', map { $_ // '-' } $vg->dbh->selectrow_array(
    'select wanted, to_capture, to_refund, version from billing.intent where id = $1', undef, $id) }
sub refused { my ($code) = @_; local $@ = ''; eval { $code->(); 1 } and return 'went'; return $@ =~ s/ at .*//sr }

subtest 'it is opened once for an id, by a method of its payer' => sub {
    my $id = opened();
    is so($id), 'CAPTURED - 0 1';
    opened(id => $id, amount => 20);
    is $vg->sql('select amount from billing.intent where id = $1', $id), 10, 'the first stays';
    like refused(sub { opened(payer => 'driver-2') }), qr/no way to pay/, 'another payer\'s method is not for it';
    like refused(sub { opened(method => undef) }), qr/no way to pay/, 'none is known';
    $vg->sql(q{update billing.payer set method_id = $1 where id = 'driver-1'}, $method);
    is $vg->sql('select method_id from billing.intent where id = $1', opened(method => undef)), $method, 'its own, unless it says otherwise';
    like refused(sub { opened(amount => '1.001') }), qr/no amount of money/;
    like refused(sub { opened(amount => '1.5', currency => 'JPY') }), qr/no amount of money/;
    $vg->sql('update billing.method set removed_at = now() where id = $1', $method);
    like refused(sub { opened() }), qr/no way to pay/, 'one that was removed is none';
    $vg->sql('update billing.method set removed_at = null where id = $1', $method);
};

subtest 'wishes go forward' => sub {
    my $id = opened(wanted => 'AUTHORISED');
    wish($id, 'CAPTURED', 4, undef);
    is so($id), 'CAPTURED 4 0 2';
    wish($id, 'AUTHORISED', undef, undef);
    is so($id), 'CAPTURED 4 0 2', 'an older one changes nothing';
    like refused(sub { wish($id, undef, 11, undef) }), qr/intent_amounts/, 'not above the amount';
    like refused(sub { wish($id, undef, undef, '4.01') }), qr/more than is captured/, 'nor back more than is to be captured';
    like refused(sub { wish($id, undef, '3.999', undef) }), qr/no amount/;
    $vg->sql(q{select billing.intent_said($1, '{"op": "CAPTURE", "verdict": "READ", "status": "CAPTURED", "captured": 4}', now(), 'test')}, $id);
    wish($id, undef, 3, 1);
    is so($id), 'CAPTURED 4 1 4', 'what was captured stands';
    wish($id, undef, undef, '0.5');
    is so($id), 'CAPTURED 4 1 4', 'what is to be given back does not shrink';
    wish($id, 'CANCELLED', undef, undef);
    is so($id), 'CANCELLED 4 4 5', 'all of it, when it is cancelled';
    like refused(sub { wish('019393c0-0000-7000-8000-ffffffffffff', 'CANCELLED', undef, undef) }), qr/there is no intent/;
};

done_testing;
