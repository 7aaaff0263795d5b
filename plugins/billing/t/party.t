# Between whom invoices are: what an issuer says of itself, what accounts is
# asked for, what stays when who it names is erased; rates of tax by hand.

use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg   = Voltgate->start(extra => { http => 'voltgate_setting accounts.erasure_again 1;' });
my $api  = '/api/v1';
my $here = '019393c0-0000-7000-8000-0000000002';
my $issuer = "${here}01";
my $other  = "${here}02";
my $count  = 10;

sub as { my (@claims) = @_; return { Authorization => 'Bearer ' . $vg->token(subject => 'o', @claims) } }

my $operator = as(role => 'operator', company => $issuer);

sub told {
    my (%more) = @_;
    my $id = $here . ++$count;
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('charging', 'charging.session.completed.v1', $1, $2, 'test', '')}, $id, JSON::PP->new->canonical->encode({
        sessionId => $id, operatorId => $issuer, country => 'DE', startTime => '2026-11-21T01:00:00Z',
        endTime => '2026-11-21T02:30:00Z', energyKwh => 10, costs => { currency => 'EUR', lines => [
            { type => 'FLAT', element => 0, price => 1, volume => 1, unit => 'session', excl_vat => 1 } ] }, %more }));
    return $id;
}

sub invoice {
    my $id = told(@_);
    my $invoice;
    $vg->wait_for(sub { $invoice = $vg->sql('select id from billing.invoice where subject_id = $1', $id) }, 10) or die;
    return $invoice;
}

sub buyer_of { return $vg->sql('select buyer from billing.invoice_party where invoice_id = $1', $_[0]) }

sub named {
    my ($id) = @_;
    my $json;
    $vg->wait_for(sub { $json = buyer_of($id) }, 10) or die "no buyer\n";
    return JSON::PP->new->decode($json);
}

subtest 'an issuer says what its invoices show' => sub {
    my $url = "$api/billing/issuers/$issuer";
    is $vg->get($url, $operator)->{status}, 404, 'nothing is said yet';
    my %said = (name => 'Säulen GmbH', address => { street => 'Kai 1', postalCode => '24103', city => 'Kiel', country => 'Germany' },
        vatId => 'DE123456789', register => 'HRB 1, Kiel', bank => 'Bank', iban => 'DE89 3704 0044 0532 0130 00',
        bic => 'COBADEFFXXX', email => 'a@example.com', footer => 'Thank you', prefix => 'KI-');
    my $r = $vg->put($url, \%said, $operator);
    is $r->{status}, 201 or diag $r->{body};
    is_deeply $vg->get($url, $operator)->{json}, { %said, id => $issuer, lastNumber => 0, version => 1 };
    is $vg->put($url, { name => 'Säulen AG', address => {} }, { %$operator, 'If-Match' => '"1"' })->{status}, 200;
    my $now = $vg->get($url, $operator)->{json};
    is "$now->{name} $now->{prefix} $now->{version}", 'Säulen AG KI- 2', 'a prefix that is not named stays';
    is $now->{iban}, undef, 'the rest is as it was sent';
    is $vg->put($url, \%said, { %$operator, 'If-Match' => '"1"' })->{status}, 412;
    is $vg->put("$api/billing/issuers/$other", \%said, $operator)->{status}, 404, 'another is not its';
    is $vg->put("$api/billing/issuers/$other", \%said, { 'If-Match' => '"1"' })->{status}, 412, 'what is not there has no version';
    is $vg->put($url, \%said, as(role => 'driver'))->{status}, 404;
    my %wrong = (iban => 'DE88 3704 0044 0532 0130 00', prefix => 'A B', name => '', bic => 'X', address => { street => 1 });
    is_deeply [ sort keys %{ $vg->put($url, { %said, %wrong }, $operator)->{json}{errors} } ],
        [ 'address.street', 'bic', 'name' ], 'what the table refuses';
    delete @wrong{qw(name bic address)};
    is_deeply [ sort keys %{ $vg->put($url, { %said, %wrong }, $operator)->{json}{errors} } ], [ 'iban', 'prefix' ];
};

subtest 'the prefix stands from the first number on' => sub {
    my $url = "$api/billing/issuers/$issuer";
    my $id  = invoice(customerId => 'driver-1');
    is $vg->get("$api/billing/invoices/$id")->{json}{number}, 'KI-00000001';
    my $r = $vg->put($url, { name => 'x', address => {}, prefix => 'XX-' }, $operator);
    is $r->{status}, 409;
    like $r->{json}{type}, qr{/prefix_drawn$};
    is $vg->get($url, $operator)->{json}{name}, 'Säulen AG', 'nothing of it was done';
    is $vg->put($url, { name => 'Säulen AG', address => {}, prefix => 'KI-' }, $operator)->{status}, 200, 'the same is no change';
};

subtest 'many are asked for at once, each by what it is' => sub {
    my $company = $vg->post("$api/companies", { kind => 'FLEET', name => 'Vans', country => 'DE' })->{json}{id};
    my @people  = map { $vg->post("$api/customers", { name => "Person $_" })->{json}{id} } 1 .. 5;
    my @ids = map { told(customerId => $_) } @people, @people, 'nobody-knows';
    push @ids, told(customerId => $people[0], companyId => $company);
    my $all = sub { $vg->sql(q{select count(*) from billing.invoice_party p join billing.invoice i on i.id = p.invoice_id
        where i.subject_id = any ($1) and p.buyer is not null and p.seller is not null}, \@ids) };
    ok $vg->wait_for(sub { $all->() == @ids }, 15);
    my %name = map { @$_ } @{ $vg->dbh->selectall_arrayref(q{select i.subject_id, coalesce(p.buyer ->> 'name', p.buyer ->> 'id')
        from billing.invoice_party p join billing.invoice i on i.id = p.invoice_id}) };
    is_deeply [ @name{@ids} ], [ (map { "Person $_" } 1 .. 5) x 2, 'nobody-knows', 'Vans' ];
    is $vg->sql(q{select count(*) from vg.job where kind = 'party.copy' and dead_at is not null}), 0;
};

subtest 'while accounts does not answer the PDF waits, and the names come after' => sub {
    my $lock = $vg->dbh->clone;
    $lock->begin_work;
    $lock->do('lock table accounts.customer in access exclusive mode');
    my $id = invoice(customerId => 'driver-late');
    my $r = $vg->get("$api/billing/invoices/$id.pdf");
    is $r->{status}, 503;
    like $r->{json}{type}, qr{/parties_pending$};
    ok $r->{headers}{'retry-after'};
    $lock->rollback;
    $lock->disconnect;
    is named($id)->{id}, 'driver-late';
    is $vg->get("$api/billing/invoices/$id.pdf")->{status}, 200;
};

subtest 'who is erased stays on its invoices, and is told so' => sub {
    my $id  = $vg->post("$api/customers", { name => 'Geht Bald', email => 'geht@example.com' })->{json}{id};
    my $inv = invoice(customerId => $id);
    is named($inv)->{name}, 'Geht Bald';
    my $export = $vg->post("$api/customers/$id/exports", {});
    is $export->{status}, 202 or diag $export->{body};
    my $done;
    ok $vg->wait_for(sub {
        $done = $vg->get("$api/customers/$id/exports/$export->{json}{id}");
        ($done->{json}{status} // '') eq 'COMPLETED';
    }, 15) or diag $done->{body};
    like $done->{body}, qr/"buyer":\s*\{[^}]*"Geht Bald"/, 'the export has it';
    my $erasure = $vg->delete("$api/customers/$id")->{json}{erasureId};
    is $vg->erased($erasure)->{status}, 'COMPLETED';
    is named($inv)->{name}, 'Geht Bald';
    is $vg->sql('select name from accounts.customer where id = $1', $id), undef, 'which accounts has forgotten';
    my $late = invoice(customerId => $id);
    is_deeply named($late), { id => $id }, 'who is gone when it is issued has no name';
};

subtest 'issued is issued' => sub {
    my ($id) = $vg->sql('select invoice_id from billing.invoice_party where buyer is not null and seller is not null limit 1');
    for my $try (q{update billing.invoice_party set buyer = '{}' where invoice_id = $1},
        q{update billing.invoice_party set buyer = null where invoice_id = $1},
        q{update billing.invoice_party set seller = '{"name":"x"}' where invoice_id = $1},
        q{delete from billing.invoice_party where invoice_id = $1})
    {
        ok !eval { $vg->dbh->do($try, undef, $id); 1 }, $try;
        like $@, qr/an issued invoice does not change/;
    }
};

subtest 'a rate is added from a day on, and the past stays' => sub {
    my $url = "$api/billing/tax-rates";
    my $add = sub { return $vg->post($url, {@_}) };
    is $add->(country => 'DE', validFrom => '2099-07-01', rate => 21)->{status}, 201;
    my $r = $add->(country => 'DE', kind => 'ENERGY', validFrom => '2099-01-01', rate => 5.5);
    is $r->{status}, 201 or diag $r->{body};
    is_deeply $r->{json}, { country => 'DE', alpha3 => 'DEU', kind => 'ENERGY', validFrom => '2099-01-01', rate => 5.5,
        id => 'DE/ENERGY/2099-01-01' };
    is $add->(country => 'DE', kind => 'ENERGY', validFrom => '2099-10-01', rate => undef)->{status}, 201;
    my $rate = sub { return $vg->sql('select billing.tax_rate_at($1, $2, $3, null)', @_) };
    is_deeply [ map { $rate->('DE', 'ENERGY', $_) } '2098-12-31', '2099-01-01', '2099-09-30', '2099-10-01' ], [ 19, 5.5, 5.5, 21 ];
    is $add->(country => 'XK', validFrom => '2099-01-01', rate => 18)->{status}, 422, 'a new country wants three letters, too';
    is $add->(country => 'XK', alpha3 => 'DEU', validFrom => '2099-01-01', rate => 18)->{status}, 422, 'of its own';
    is $add->(country => 'XK', alpha3 => 'XKX', validFrom => '2099-01-01', rate => 18)->{status}, 201;
    is $rate->('XKX', 'TIME', '2099-06-01'), 18;
    is $add->(country => 'DE', validFrom => '2099-07-01', rate => 22)->{status}, 409;
    my ($today) = $vg->sql(q{select (now() at time zone 'Pacific/Kiritimati')::date});
    is $add->(country => 'DE', validFrom => $today, rate => 22)->{status}, 422, 'a day that has begun somewhere';
    my ($next) = $vg->sql(q{select (now() at time zone 'Pacific/Kiritimati')::date + 1});
    is $add->(country => 'DE', validFrom => $next, rate => 22)->{status}, 201;
    is_deeply [ sort keys %{ $add->(country => 'de', alpha3 => 'deu', kind => '_a', validFrom => '2099-02-29')->{json}{errors} } ],
        [qw(alpha3 country kind validFrom)];
    is_deeply [ keys %{ $add->(country => 'DE', validFrom => '2099-02-28')->{json}{errors} } ], ['rate'], 'STANDARD wants a rate';
    is $add->(country => 'DE', validFrom => '2099-01-02', rate => 100)->{status}, 400;
    is scalar(@{ $vg->get("$url?country=EST")->{json}{items} }), 3;
    is scalar(@{ $vg->get("$url?country=IE&kind=ENERGY")->{json}{items} }), 3;
    is $vg->post($url, { country => 'DE', validFrom => '2098-01-01', rate => 1 }, $operator)->{status}, 403;
    is $vg->get($url, $operator)->{status}, 403;
    ok !eval { my $dbh = $vg->dbh; $dbh->begin_work; $dbh->do('set local role vg_billing');
        $dbh->do('update billing.tax_rate set rate = 1'); 1 }, 'the plugin itself cannot change one';
    like $@, qr/permission denied/;
    $vg->dbh->rollback;
};

done_testing;
