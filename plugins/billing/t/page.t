# An invoice as PDF, read by programs that others wrote: each field is there,
# letters of all scripts are, and are embedded; names and addresses are those of
# the day on which it was issued.

use strict;
use warnings;
use utf8;

use File::Temp ();
use JSON::PP ();
use Test::More;

use Voltgate;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $dir   = File::Temp->newdir;
my $fonts = File::Temp->newdir;
chmod 0755, "$fonts";
system('cp', glob('/usr/share/fonts/truetype/dejavu/DejaVuSans*.ttf'), "$fonts") == 0 or die 'no fonts';

my $vg  = Voltgate->start(extra => { http => "voltgate_fonts $fonts;" });
my $api = '/api/v1';

my $session = '019393c0-0000-7000-8000-0000000001%02d';
my $count   = 0;

sub made {
    my ($r) = @_;
    $r->{status} =~ /^20[01]$/ or die $r->{body};
    return $r->{json};
}

my $issuer = made($vg->post("$api/companies", { kind => 'OPERATOR', name => 'Ladesäulen Nord', country => 'DE',
    vatId => 'DE111111111', email => 'nord@example.com',
    billingAddress => { street => 'Am Kai 1', postalCode => '24103', city => 'Kiel' } }))->{id};
my $fleet = made($vg->post("$api/companies", { kind => 'FLEET', name => 'Flotą Łódź sp. z o.o.', country => 'PL',
    vatId => 'PL5260001246',
    billingAddress => { street => 'ul. Piotrkowska 1', postalCode => '90-001', city => 'Łódź', country => 'PL' } }))->{id};

# An invoice by the event alone; its id.
sub invoiced {
    my (%more) = @_;
    my $id = sprintf $session, ++$count;
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('charging', 'charging.session.completed.v1', $1, $2, 'test', '')}, $id, JSON::PP->new->canonical->encode({
        sessionId => $id, operatorId => $issuer, country => 'DE',
        startTime => '2026-11-21T01:00:00Z', endTime => '2026-11-21T02:30:00Z', energyKwh => 10,
        costs => { currency => 'EUR', total_cost => { excl_vat => 6 }, lines => [
            { type => 'ENERGY', element => 0, price => 0.5, volume => 10.125, unit => 'kWh', excl_vat => 5.0625 },
            { type => 'TIME', element => 1, price => 2, volume => 0.5, unit => 'h', excl_vat => 1, vat => 7 } ] },
        %more }));
    my $invoice;
    $vg->wait_for(sub { $invoice = $vg->sql('select id from billing.invoice where subject_id = $1', $id) }, 10)
        or die "no invoice\n";
    return $invoice;
}

sub pdf_of {
    my ($id, $as, $wait) = @_;
    my $r;
    $vg->wait_for(sub {
        $r = $vg->get("$api/billing/invoices/$id.pdf", $as // {});
        return $r->{status} != 503;
    }, $wait // 10);
    return $r;
}

sub text_of {
    my ($body, @options) = @_;
    my $file = "$dir/invoice.pdf";
    open my $out, '>:raw', $file or die "$file: $!\n";
    print {$out} $body;
    close $out or die "$file: $!\n";
    open my $in, '-|:encoding(UTF-8)', "pdftotext -layout @options $file - 2>/dev/null" or die "pdftotext: $!\n";
    local $/ = undef;
    my $text = <$in>;
    close $in or die "pdftotext: $?\n";
    return $text;
}

sub says {
    my ($text, @rows) = @_;
    for my $row (@rows) {
        my $like = join '\s*', map { quotemeta } ref $row ? @$row : split ' ', $row;
        like $text, qr/$like/, ref $row ? "@$row" : $row;
    }
    return;
}

my $customer = made($vg->post("$api/customers", { name => 'Ελένη Παπαδοπούλου', email => 'eleni@example.com',
    billingAddress => { street => 'Οδός Ερμού 12', postalCode => '105 63', city => 'Αθήνα', country => 'GR' } }))->{id};
my %seller = (name => 'Зарядка Київ ТОВ', address => { street => 'вул. Хрещатик 22', postalCode => '01001',
        city => 'Київ', country => 'Україна' }, vatId => 'UA123456789', register => 'ЄДР 12345678', bank => 'ПриватБанк',
    iban => 'DE89 3704 0044 0532 0130 00', bic => 'COBADEFFXXX', email => 'rechnung@example.com',
    footer => 'Дякуємо за заряджання');

my $first = invoiced(customerId => $customer);
my $old   = pdf_of($first);

subtest 'without a word of the issuer: the company as accounts knows it' => sub {
    is $old->{status}, 200 or diag $old->{body};
    my $text = text_of($old->{body});
    says($text, 'Ladesäulen Nord', 'Am Kai 1', '24103 Kiel', 'VAT ID DE111111111', 'Ελένη Παπαδοπούλου');
};

my $put = $vg->put("$api/billing/issuers/$issuer", \%seller);
is $put->{status}, 201, 'the issuer says who it is' or diag $put->{body};
my $id = invoiced(customerId => $customer);
my $r  = pdf_of($id);

subtest 'each field can be read' => sub {
    is $r->{status}, 200 or diag $r->{body};
    is $r->{headers}{'content-type'}, 'application/pdf';
    my $number = $vg->get("$api/billing/invoices/$id")->{json}{number};
    is $r->{headers}{'content-disposition'}, "inline; filename=\"$number.pdf\"";
    my $text = text_of($r->{body});
    says($text, 'Зарядка Київ ТОВ', 'вул. Хрещатик 22', '01001 Київ', 'Україна', 'VAT ID UA123456789',
        'rechnung@example.com', 'Invoice', [ 'Number', $number ], [ 'Supplied', '2026-11-21 01:00 – 02:30 UTC' ],
        'Bill to', 'Ελένη Παπαδοπούλου', 'Οδός Ερμού 12', '105 63 Αθήνα', 'GR',
        '# Description Quantity Unit price Tax Amount EUR',
        '1 Charging, by energy 10.125 kWh 0.50 19 % 5.06', '2 Charging, by time 0.5 h 2.00 7 % 1.00',
        'Net 6.06', 'Tax 19 % of 5.06 0.96', 'Tax 7 % of 1.00 0.07', 'Total EUR 7.09',
        "Please pay 7.09 EUR", $number, 'Зарядка Київ ТОВ · Register ЄДР 12345678',
        'ПриватБанк · IBAN DE89 3704 0044 0532 0130 00 · BIC COBADEFFXXX', 'Дякуємо за заряджання', 'Page 1 of 1');
    my ($day) = $vg->sql('select (issued_at at time zone $1)::date from billing.invoice where id = $2', 'UTC', $id);
    says($text, [ 'Date', $day ]);
};

subtest 'letters are embedded, a subset of them' => sub {
    my @fonts = grep { /DejaVu/ } `pdffonts $dir/invoice.pdf 2>/dev/null`;
    is scalar(@fonts), 2;
    like $_, qr/CID TrueType\s+Identity-H\s+yes yes yes/ for @fonts;
    cmp_ok length $r->{body}, '<', 400_000;
    like `pdfinfo $dir/invoice.pdf 2>/dev/null`, qr/Page size:\s+595\.\d+ x 841\.\d+ pts \(A4\)/;
};

subtest 'the same bytes each time, so 304 for who has them' => sub {
    my $again = pdf_of($id);
    ok $again->{body} eq $r->{body};
    is $again->{headers}{etag}, $r->{headers}{etag};
    like $r->{headers}{etag}, qr/^"-[0-9a-f]{16}"$/;
    my $none = pdf_of($id, { 'If-None-Match' => $r->{headers}{etag} });
    is $none->{status}, 304;
    is $none->{body} // '', '';
    rename "$fonts/DejaVuSans.ttf", "$fonts/away" or die $!;
    is pdf_of($id, {}, 0.1)->{status}, 503, 'it can be drawn no more';
    is pdf_of($id, { 'If-None-Match' => $r->{headers}{etag} }, 0.1)->{status}, 304, 'and need not be for who has it';
    is pdf_of($id, { 'If-None-Match' => '"-0123456789abcdef"' }, 0.1)->{status}, 503;
    rename "$fonts/away", "$fonts/DejaVuSans.ttf" or die $!;
    is pdf_of($id)->{status}, 200;
};

subtest 'what it said stands, whoever is called what since' => sub {
    is $vg->patch("$api/customers/$customer", { name => 'Ελένη Γεωργίου' })->{status}, 200;
    is $vg->put("$api/billing/issuers/$issuer", { %seller, name => 'Зарядка Львів ТОВ', iban => undef })->{status}, 200;
    ok pdf_of($id)->{body} eq $r->{body}, 'the second';
    ok pdf_of($first)->{body} eq $old->{body}, 'the first';
    my $text = text_of(pdf_of(invoiced(customerId => $customer))->{body});
    says($text, 'Зарядка Львів ТОВ', 'Ελένη Γεωργίου', 'ПриватБанк · BIC');
    unlike $text, qr/IBAN/;
};

subtest 'on a company\'s account: it is the buyer' => sub {
    says(text_of(pdf_of(invoiced(customerId => $customer, companyId => $fleet))->{body}),
        'Flotą Łódź sp. z o.o.', 'ul. Piotrkowska 1', '90-001 Łódź', 'PL', 'VAT ID PL5260001246');
};

subtest 'of who is not known, its id; of nobody, nothing' => sub {
    says(text_of(pdf_of(invoiced(customerId => 'driver-9'))->{body}), 'Bill to Customer driver-9');
    is pdf_of(invoiced())->{status}, 200;
};

subtest 'credit notes are called so, and say of what' => sub {
    my $note = sub {
        my $made = made($vg->post("$api/billing/invoices/$id/credit-notes", {@_}));
        my $r    = $vg->get("$api/billing/credit-notes/$made->{id}.pdf");
        is $r->{status}, 200 or diag $r->{body};
        is $r->{headers}{'content-disposition'}, "inline; filename=\"$made->{number}.pdf\"";
        return ($made, text_of($r->{body}));
    };
    my $number = $vg->get("$api/billing/invoices/$id")->{json}{number};
    my ($made, $text) = $note->(lines => [ { position => 2 } ], reason => 'The clock was wrong');
    says($text, 'Credit note', [ 'Number', $made->{number} ], [ 'Corrects', $number ], 'Ελένη Παπαδοπούλου',
        '1 Charging, by time 7 % 1.00', 'Net 1.00', 'Tax 7 % of 1.00 0.07', 'Total EUR 1.07', 'Reason: The clock was wrong');
    unlike $text, qr/Please pay|settled/;
    ($made, $text) = $note->();
    says($text, '1 Credit 19 % 5.06', 'Net 5.06', 'Total EUR 6.02');
    says(text_of(pdf_of($id)->{body}), 'Total EUR 7.09', 'Credited -7.09', 'To pay EUR 0.00', 'settled');
};

subtest 'who may' => sub {
    my $as = sub { return { Authorization => 'Bearer ' . $vg->token(subject => 'o', @_) } };
    is pdf_of($id, $as->(role => 'operator', company => $issuer))->{status}, 200;
    is pdf_of($id, $as->(role => 'driver', subject => $customer))->{status}, 200;
    is pdf_of($id, $as->(role => 'driver', subject => 'driver-9'))->{status}, 404;
    is pdf_of('019393c0-0000-7000-8000-00000000000f')->{status}, 404;
    is pdf_of('nothing')->{status}, 400;
    is $vg->get("$api/billing/invoices/.pdf")->{status}, 400, 'no id and a suffix is an id that is none';
};

subtest 'no currency\'s digit is lost or made up' => sub {
    my $yen = pdf_of(invoiced(customerId => $customer, country => 'JP', costs => { currency => 'JPY', lines => [
        { type => 'FLAT', element => 0, price => 1000, volume => 1, unit => 'session', excl_vat => 1000 } ] }));
    says(text_of($yen->{body}), '1 Fee for the session 1 session 1000 10 % 1000', 'Total JPY 1100');
    my $dinar = pdf_of(invoiced(customerId => $customer, country => 'BH', costs => { currency => 'BHD', lines => [
        { type => 'ENERGY', element => 0, price => 0.0055, volume => 3, unit => 'kWh', excl_vat => 0.0165 } ] }));
    says(text_of($dinar->{body}), '1 Charging, by energy 3 kWh 0.0055 10 % 0.017', 'Total BHD 0.019');
};

subtest 'a thousand lines: each is there, pages have heads and numbers' => sub {
    my $r = pdf_of(invoiced(customerId => $customer, costs => { currency => 'EUR', lines => [
        map { { type => 'ENERGY', element => $_, price => $_ / 1000, volume => 1, unit => 'kWh', excl_vat => 1 } } 1 .. 1000 ] }), undef, 20);
    is $r->{status}, 200 or diag $r->{body};
    my @pages = split /\f/, text_of($r->{body});
    cmp_ok scalar(@pages), '>', 20;
    my $number = 0;
    for my $i (0 .. $#pages) {
        my @rows = $pages[$i] =~ /^\s*(\d+) Charging, by energy\s+1 kWh\s+(\d\.\d+)\s+19\s*%\s+1\.00$/mg;
        while (my ($row, $price) = splice @rows, 0, 2) {
            ++$number == $row && $price == $row / 1000 or fail("line $number: $row $price");
        }
        like $pages[$i], qr/Page ${\($i + 1)} of ${\scalar @pages}\b/ or last;
        like $pages[$i], qr/#\s*Description\s*Quantity/ if $pages[$i] =~ /Charging/;
        like $pages[$i], qr/\AInvoice INV-\d+\s+Зарядка Львів ТОВ/ if $i > 0;
    }
    is $number, 1000;
    says("@pages[-2, -1]", 'Total EUR 1190.00');
};

# Words that stand on others, of all pages
sub overlaps {
    my ($body) = @_;
    text_of($body);
    open my $in, '-|:encoding(UTF-8)', "pdftotext -bbox $dir/invoice.pdf - 2>/dev/null" or die "pdftotext: $!\n";
    my (@words, @over);
    while (my $line = <$in>) {
        @words = () if $line =~ /<page/;
        my @box = $line =~ /<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*)</ or next;
        push @over, grep { $_->[0] < $box[2] - 1 && $box[0] < $_->[2] - 1 && $_->[1] < $box[3] - 3 && $box[1] < $_->[3] - 3 } @words;
        push @words, \@box;
    }
    close $in or die "pdftotext: $?\n";
    return map { $_->[4] } @over;
}

subtest 'long names and long numbers: no word stands on another, no number is torn' => sub {
    my $long = join ' ', map { "Gesellschaft$_ zum Laden am Kai" } 1 .. 6;
    is $vg->put("$api/billing/issuers/$issuer", { %seller, name => $long, register => 'Amtsgericht Kiel HRB 12345', footer => undef })->{status}, 200;
    my $draft = made($vg->post("$api/billing/invoices", { issuer => $issuer, customerId => $customer, currency => 'EUR', country => 'DE', lines => [
        { text => 'dear ' x 20, quantity => 700000, price => 999999.999999 },
        map { { text => "no $_", quantity => $_, price => 1.1 } } 1 .. 99 ] }));
    made($vg->post("$api/billing/invoices/$draft->{id}/capture"));
    my $body = pdf_of($draft->{id})->{body};
    is_deeply [ overlaps($body) ], [];
    my $text = text_of($body);
    says($text, '699999999999.30', 'Tax 19 % of 700000005444.30', 'Total EUR 833000006478.72', 'Please pay 833000006478.72 EUR');
    my @pages = split /\f/, $text;
    cmp_ok scalar(@pages), '>', 2;
    like $pages[1], qr/\A\s*Invoice INV-\d+\s+Gesellschaft1 zum Laden/;
    says($pages[1], 'Gesellschaft6 zum Laden am Kai · Register Amtsgericht Kiel HRB 12345', 'IBAN DE89 3704 0044 0532 0130 00');
    is $vg->post("$api/billing/invoices", { issuer => $issuer, customerId => $customer, currency => 'EUR',
        lines => [ { text => 'dear', quantity => 1_000_000, price => 1_000_000, taxRate => 0 } ] })->{status}, 422, 'thirteen digits are none';
};

subtest 'names that mean ill' => sub {
    my $ill = "\x{202e}\x{2066}Evil\x{200b} \n9.99\t\x{301}" . "\x{301}" x 60 . 'W' x 120;
    is $vg->put("$api/billing/issuers/$issuer", { %seller, name => $ill, footer => ")\\(" . "\x{202b}" x 90 . 'x' x 200,
        email => '</Type>>', bank => "%%EOF\nendobj" })->{status}, 200;
    my $r = pdf_of(invoiced(customerId => $customer));
    is $r->{status}, 200 or diag $r->{body};
    my $text = text_of($r->{body});
    says($text, 'Net 6.06', 'Total EUR 7.09', 'Evil 9.99', '</Type>>', '%%EOF endobj');
    unlike $text, qr/[\x{202a}-\x{202e}\x{2066}-\x{2069}\x{200b}]/, 'nothing turns what follows';
    like `pdfinfo $dir/invoice.pdf 2>/dev/null`, qr/^Pages:\s+1$/m;
};

subtest 'many at once: each is drawn, or told to come again' => sub {
    my ($ca, $token, $url) = ($vg->ca, $vg->admin, $vg->url("$api/billing/invoices/$first.pdf"));
    my @told = `curl -sS -Z --parallel-max 200 --parallel-immediate --max-time 60 --cacert $ca -H 'Authorization: Bearer $token' -o '$dir/#1' -w '%{http_code}\n' '$url#[1-200]' 2>/dev/null`;
    my %status;
    $status{ $_ + 0 }++ for @told;
    my $told = join ' ', map { "$_: $status{$_}" } sort keys %status;
    my $late = $ENV{VG_PRELOAD} ? $status{504} // 0 : 0;    # a page takes ten times as long there
    is $status{200} + $status{503} + $late, 200, $told;
    cmp_ok $status{200}, '>=', 33, 'as many as may wait';
    my $whole = 0;
    for my $n (1 .. 200) {
        open my $in, '<:raw', "$dir/$n" or die "$dir/$n: $!\n";
        local $/ = undef;
        my $body = <$in>;
        $whole++ if $body eq $old->{body};
        $body eq $old->{body} || $body =~ m{/problems/(?:busy|overdue)"} or fail "answer $n is neither";
    }
    is $whole, $status{200}, 'whole, or busy';
};

done_testing;
