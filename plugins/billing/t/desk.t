# Invoices by hand: drafts, their lines, and what becomes of them.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Load;

my $vg  = Voltgate->start;
my $url = '/api/v1/billing/invoices';

my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer ' . $vg->token(role => $_->[1], subject => $_->[0], company => $_->[2]) } }
    ([ north => 'operator', $north ], [ south => 'operator', $south ], [ dana => 'driver' ], [ fleet => 'fleet_manager', $south ]);

$vg->party('dana', company => $north);
$vg->party('foreign');

sub draft {
    my (%more) = @_;
    my $r = $vg->post($url, { customerId => 'dana', currency => 'EUR', country => 'DE', %more }, $as{north});
    $r->{status} == 201 or die $r->{body};
    return $r->{json};
}

my %line = (text => 'Lost cable', quantity => 1, price => 120);

subtest 'a draft, its lines, its number' => sub {
    my $draft = draft(lines => [ \%line ]);
    is_deeply [ @$draft{qw(status number issuer subjectKind version)} ], [ 'DRAFT', undef, $north, 'MANUAL', 1 ];
    cmp_ok $draft->{total}, '==', 142.8, 'taxed as its country does';
    my $more = $vg->post("$url/$draft->{id}/lines", { lines => [
        { text => 'Way there', quantity => 12.5, price => 0.333333, taxRate => 7 },
        { text => 'Lost cable', quantity => 1, price => 120 } ] }, $as{north});
    is $more->{status}, 201 or diag $more->{body};
    is scalar @{ $more->{json}{lines} }, 3, 'lines stay apart';
    cmp_ok $more->{json}{net}, '==', 244.17;
    is_deeply [ map { "$_->{rate} $_->{base} $_->{amount}" } @{ $more->{json}{taxes} } ], [ '19 240 45.6', '7 4.17 0.29' ];
    is_deeply $vg->get("$url/$draft->{id}", $as{north})->{json}, $more->{json}, 'it is read as it was answered';

    my $issued = $vg->post("$url/$draft->{id}/capture", undef, $as{north});
    is $issued->{status}, 200 or diag $issued->{body};
    my $invoice = $issued->{json};
    is_deeply [ @$invoice{qw(id number status version)} ], [ $draft->{id}, 'INV-00000001', 'ISSUED', 3 ];
    cmp_ok $invoice->{$_}, '==', $more->{json}{$_}, $_ for qw(net tax total);
    is_deeply [ map { "$_->{kind} $_->{text} $_->{amount}" } @{ $invoice->{lines} } ],
        [ 'MANUAL Lost cable 120', 'MANUAL Way there 4.17', 'MANUAL Lost cable 120' ];
    ok $vg->wait_for(sub { $vg->get("$url/$draft->{id}", $as{dana})->{json}{status} eq 'OVERDUE' }, 10), 'its customer sees it';
    is_deeply [ $vg->rows('select * from billing.fault') ], [];
};

subtest 'issued is issued, also here' => sub {
    my ($invoice) = @{ $vg->get("$url?subjectId=" . $vg->sql('select i.id from billing.invoice i'))->{json}{items} };
    my $path = "$url/$invoice->{id}";
    for my $r ($vg->post("$path/lines", { lines => [ \%line ] }, $as{north}), $vg->post("$path/capture", undef, $as{north}),
        $vg->delete($path, $as{north})) {
        is $r->{status}, 409;
        like $r->{json}{type}, qr/invoice_issued$/;
    }
    is_deeply $vg->get($path)->{json}, $invoice;
};

subtest 'a draft may go' => sub {
    my $path = "$url/" . draft()->{id};
    is $vg->delete($path, { %{ $as{north} }, 'If-Match' => '"7"' })->{status}, 412;
    is $vg->delete($path, { %{ $as{north} }, 'If-Match' => '"1"' })->{status}, 204;
    is $vg->get($path, $as{north})->{status}, 404;
    is $vg->post("$path/capture", undef, $as{north})->{status}, 404;
};

subtest 'nothing to pay is no invoice' => sub {
    my $draft = draft();
    my $r = $vg->post("$url/$draft->{id}/capture", undef, $as{north});
    is $r->{status}, 422;
    like $r->{json}{type}, qr/invoice_empty$/;
    is $vg->get("$url/$draft->{id}", $as{north})->{json}{status}, 'DRAFT';
};

subtest 'whose it is' => sub {
    my $draft = draft(lines => [ \%line ]);
    for my $who (qw(south dana fleet)) {
        is $vg->get("$url/$draft->{id}", $as{$who})->{status}, 404, $who;
        is scalar(grep { $_->{status} eq 'DRAFT' } @{ $vg->get($url, $as{$who})->{json}{items} }), 0;
        is $vg->post("$url/$draft->{id}/lines", { lines => [ \%line ] }, $as{$who})->{status}, 404;
        is $vg->post("$url/$draft->{id}/capture", undef, $as{$who})->{status}, 404;
        is $vg->delete("$url/$draft->{id}", $as{$who})->{status}, 404;
    }
    my %new = (customerId => 'dana', currency => 'EUR');
    is $vg->post($url, \%new, $as{dana})->{status}, 403, 'a driver issues none';
    is $vg->post($url, \%new, $as{fleet})->{status}, 403;
    is $vg->post($url, { %new, issuer => $south }, $as{north})->{status}, 403, 'nor an operator for another';
    is $vg->post($url, { %new, customerId => $_ }, $as{north})->{status}, 404, 'nor to another\'s customer' for 'foreign', 'nobody';
    is $vg->post($url, { currency => 'EUR', companyId => $south }, $as{north})->{status}, 403, 'nor on a company\'s account';
    is $vg->post($url, \%new)->{status}, 400, 'an admin says for whom';
    is $vg->post($url, { %new, issuer => $south })->{json}{issuer}, $south;
    is scalar(@{ $vg->get("$url?status=DRAFT", $as{south})->{json}{items} }), 1;
};

subtest 'what is no invoice' => sub {
    my %good = (customerId => 'dana', currency => 'EUR');
    for my $bad (
        { %good, currency => 'eur' }, { currency => 'EUR' }, { %good, currency => 'EURO' },
        { %good, lines => [ { %line, price => -1 } ] }, { %good, lines => [ { %line, price => 0.1234567 } ] },
        { %good, lines => [ { %line, quantity => 0.1234567 } ] }, { %good, lines => [ { %line, taxRate => 101 } ] },
        { %good, lines => [ { %line, text => '' } ] }, { %good, lines => [ (\%line) x 201 ] })
    {
        is $vg->post($url, $bad, $as{north})->{status}, 400, JSON::PP->new->canonical->encode($bad) =~ s/(.{80}).*/$1/r;
    }
};

subtest 'the currency has its own digits' => sub {
    my $yen = draft(currency => 'JPY', lines => [ { text => 'Tea', quantity => 3, price => 33.5, taxRate => 10 } ]);
    is "$yen->{net} $yen->{tax} $yen->{total}", '101 10 111';
    my $dinar = draft(currency => 'KWD', lines => [ { text => 'Tea', quantity => 1, price => 0.0005, taxRate => 0 } ]);
    cmp_ok $dinar->{total}, '==', 0.001;
    my $unknown = draft(country => 'XX', lines => [ \%line ]);
    ok $unknown->{taxUnknown}, 'no rate is known';
};

subtest 'lines at once: each is kept or refused' => sub {
    my $draft = draft();
    my $load = Voltgate::Load->start($vg, 8, sub { (POST => "$url/$draft->{id}/lines", { lines => [ \%line ] }, 'line', $as{north}) },
        calls => 3);
    my @said = $load->wait;
    my $kept = grep { $_->{status} == 201 } @said;
    is scalar(@said), 24;
    is scalar(grep { $_->{status} != 201 && $_->{status} != 409 } @said), 0;
    cmp_ok $kept, '>', 0;
    is scalar @{ $vg->get("$url/$draft->{id}", $as{north})->{json}{lines} }, $kept;
};

done_testing;
