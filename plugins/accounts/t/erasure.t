# Erasure: what is personal goes from every plugin, what a law wants stays, and
# a report says which; through rounds, kills, and plugins that are away.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Person;

my $vg  = Voltgate->start(extra => { http => "
    voltgate_setting accounts.erasure_again 1;" });
my $api = '/api/v1';
my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer '
    . $vg->token(role => $_->[1], subject => $_->[0], company => $_->[2]) } }
    ([ north => 'operator', $north ], [ south => 'operator', $south ], [ map { $_ => 'driver' } 'dana' ],
    [ eve => 'driver' ], [ finn => 'driver' ]);

# a past of somebody: sessions that are over, one with a message that was not
# understood, a reservation, a tag, an invoice
sub past {
    my ($customer, %more) = @_;
    my $tag = $more{tag} // uc "$customer-TAG";
    $vg->sql(q{insert into charging.id_tag (id_tag, customer_id, company_id, created_at, updated_at)
        values ($1, $2, $3, now(), now())}, $tag, $customer, $north);
    for my $n (1 .. $more{sessions} // 2) {
        my $id = $vg->sql(q{insert into charging.session (id, status, charge_point_id, connector_number, customer_id,
            vehicle_id, operator_id, id_tag, requested_at) values (vg.uuid7(), 'STARTING', 'CP', 1, $1, $2, $3, $4, now())
            returning id}, $customer, '019393c0-0000-7000-8000-0000000000ff', $north, $tag);
        $vg->sql(q{update charging.session set status = 'FAILED', failure = 'test' where id = $1}, $id);
        $vg->sql(q{insert into charging.quarantine (id, charge_point_id, action, payload, reason, session_id, received_at)
            values (vg.uuid7(), 'CP', 'StopTransaction', $1, 'test', $2, now())},
            qq{{"idTag": "$tag", "n": "$id"}}, $id) if $n == 1;
    }
    my ($from, $to) = ('2026-01-01T10:00:00Z', '2026-01-01T11:00:00Z');
    $vg->sql(q{insert into reservations.reservation (id, status, connector_id, station_id, operator_id, customer_id, id_tag,
        one_time_tag, start_time, end_time, grace, ahead, free_for, holds_from, expires_at, created_at, updated_at)
        values (vg.uuid7(), 'COMPLETED', vg.uuid7(), vg.uuid7(), $1, $2, $3, false, $4, $5, '1h', '1h', '1h', $4, $5,
        now(), now())}, $north, $customer, $tag, $from, $to);
    $vg->sql(q{insert into billing.invoice (id, issuer, sequence, number, subject_kind, subject_id, part, customer_id, currency, minor_units,
        net, tax, total, tax_unknown, issued_at) values (vg.uuid7(), $1, (select count(*) + 1 from billing.invoice),
        'INV-' || (select count(*) + 1 from billing.invoice), 'SESSION', vg.uuid7(), '', $2, 'EUR', 2, 1, 0, 1, false, now())},
        $north, $customer);
    return $tag;
}

sub told { return $vg->sql('select count(*) from vg.event where type = $1 and aggregate_id = $2', @_) }

sub over {
    my ($id, $seconds) = @_;
    my $r;
    $vg->wait_for(sub { $r = $vg->get("$api/erasures/$id"); $r->{json}{status} eq 'COMPLETED' }, $seconds // 60)
        or diag $r->{body};
    return $r->{json};
}

sub part { my ($report, $plugin) = @_; return (grep { $_->{plugin} eq $plugin } @{ $report->{plugins} })[0] }

# every row of every table but the log's, as text, in which a word stands
sub holds {
    my ($word, @but) = @_;
    my %but = map { $_ => 1 } @but;
    return sort grep { !$but{$_} && $vg->sql("select count(*) from $_ as t where t::text ilike \$1", "%$word%") }
        split /\n/, $vg->sql(q{select string_agg(format('%I.%I', n.nspname, c.relname), e'\n' order by 1)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)'});
}

subtest 'all of it goes, but invoices' => sub {
    my $dana = $vg->patch("$api/customers/dana", { name => 'Dana Drake', email => 'dana@example.org',
        phone => '+49 431 123456', billingAddress => { street => 'Quay 1', city => 'Kiel', postalCode => '24103',
        country => 'DE' } }, $as{dana});
    is $dana->{status}, 200 or diag $dana->{body};
    is $vg->post("$api/customers/dana/vehicles", { plate => 'KI-DD 1', vin => 'WVWZZZ1JZXW000001' },
        { %{ $as{dana} }, 'Idempotency-Key' => 'car' })->{status}, 201;
    my $tag = past('dana');
    past('other');

    my $r = $vg->delete("$api/customers/dana", $as{dana});
    is $r->{status}, 202 or diag $r->{body};
    my $id = $r->{json}{erasureId};
    is $r->{json}{status}, 'RUNNING';
    is_deeply [ sort @{ $r->{json}{waitingFor} } ], [qw(billing charging notifications reservations)], 'who is to answer';
    is $vg->delete("$api/customers/dana", $as{dana})->{json}{erasureId}, $id, 'asked for twice, it is the same';
    is $vg->get("$api/erasures/$id", $as{dana})->{status}, 200, 'who asked sees how far it is';
    is $vg->get("$api/erasures/$id", $as{$_})->{status}, 404, "$_ does not" for qw(eve south);

    my $report = over($id);
    is $report->{status}, 'COMPLETED';
    is_deeply $report->{waitingFor}, [];
    is_deeply part($report, 'charging')->{erased}, { idTag => 1, session => 2, quarantine => 1, partyCopy => 2 };
    is_deeply part($report, 'reservations')->{erased}, { reservation => 1, vehicleCopy => 1 };
    is_deeply part($report, 'billing'), { plugin => 'billing', status => 'DONE', erased => {}, kept => { invoice => 1 },
        open => {}, answeredAt => part($report, 'billing')->{answeredAt} };
    is_deeply part($report, 'accounts')->{erased}, { customer => 1, vehicle => 1 };

    is_deeply [ holds($_) ], ['billing.invoice_party'], "$_ is on what was invoiced, and nowhere else" for 'Dana Drake', 'Quay 1';
    is_deeply [ holds($_) ], [], "$_ is nowhere" for 'KI-DD 1', 'WVWZZZ1JZXW000001', 'dana@example', '49431123456';
    my @log = grep { /^vg\.event/ } holds($tag);
    is_deeply [ grep { !/^vg\.(event|audit)/ } holds($tag) ], [], 'nor the tag, but in the log';
    is_deeply [ grep { !/^vg\.(event|audit)/ } holds('dana') ],
        [qw(accounts.customer accounts.erasure accounts.revocation billing.invoice billing.invoice_party charging.party reservations.erased)],
        'where the id is left';
    is $vg->sql(q{select count(distinct customer_id) || ' ' || count(distinct id_tag) || ' ' || count(distinct vehicle_id)
        from charging.session where id_tag <> 'OTHER-TAG'}), '1 1 1', 'one pseudonym for all, so that statistics hold';
    isnt $vg->sql(q{select customer_id from charging.session where id_tag <> 'OTHER-TAG' limit 1}),
        $vg->sql(q{select customer_id from reservations.reservation where id_tag <> 'OTHER-TAG'}),
        'another in each plugin, and in no report';
    is_deeply [ map { $vg->sql("select count(*) from $_ where customer_id = 'other'") }
        qw(charging.session charging.id_tag reservations.reservation billing.invoice) ], [ 2, 1, 1, 1 ], 'of others nothing';

    is $vg->get("$api/customers/dana")->{json}{status}, 'ERASED', 'an admin sees that there was one';
    is $vg->delete("$api/customers/dana")->{json}{erasureId}, $id, 'and that it was erased';
    is told('identity.revoked.v1', 'dana'), 1, 'tokens of that subject are void';
};

subtest 'what runs is waited for' => sub {
    past('eve');
    my $id = $vg->sql(q{insert into charging.session (id, status, charge_point_id, connector_number, customer_id, operator_id,
        id_tag, requested_at) values (vg.uuid7(), 'STARTING', 'CP', 1, 'eve', $1, 'EVE-TAG', now()) returning id}, $north);
    $vg->sql(q{insert into charging.reservation (reservation_id, ocpp_reservation_id, connector_id, customer_id, id_tag,
        holds_from, expires_at) values (vg.uuid7(), 1, vg.uuid7(), 'eve', 'EVE-TAG', now(), now() + interval '1 hour')});
    my $erasure = $vg->delete("$api/customers/eve", $as{eve})->{json}{erasureId};
    my $part;
    ok $vg->wait_for(sub { $part = part($vg->get("$api/erasures/$erasure", $as{eve})->{json}, 'charging');
        $part->{status} eq 'POSTPONED' }, 10), 'a session runs' or diag explain $part;
    is_deeply $part->{open}, { session => 1, reservationCopy => 1 }, 'and the copy of a reservation';
    is_deeply [ @{ $part->{erased} }{qw(session idTag)} ], [ 2, 1 ], 'what is over is erased, and tags are gone at once';
    ok $vg->wait_for(sub { $vg->get("$api/erasures/$erasure", $as{eve})->{json}{round} > 2 }, 20), 'it is looked after';

    $vg->sql('insert into accounts.erasure_part (erasure_id, plugin) values ($1, $2)', $erasure, 'parking');
    $vg->sql('delete from accounts.erasure_part where erasure_id = $1 and plugin = $2', $erasure, 'billing');
    ok $vg->wait_for(sub {
        my $parts = $vg->get("$api/erasures/$erasure", $as{eve})->{json};
        !part($parts, 'parking') && (part($parts, 'billing') // {})->{answeredAt} }, 10),
        'who has nothing to say is not waited for, who came later is asked';

    my $round = sub { $vg->sql('select round from accounts.erasure where id = $1', $erasure) };
    my $dbh   = $vg->dbh->clone;
    $dbh->begin_work;
    $dbh->do('lock table billing.invoice');
    my $began = $round->();
    ok $vg->wait_for(sub { $round->() > $began + 2 }, 20), 'one that cannot answer holds up no other';
    ok $vg->wait_for(sub { my $waits = $vg->get("$api/erasures/$erasure", $as{eve})->{json}{waitingFor};
        grep { $_ eq 'billing' } @$waits }, 5);
    $dbh->rollback;
    $dbh->disconnect;

    $vg->sql(q{update charging.session set status = 'FAILED', failure = 'test' where id = $1}, $id);
    ok $vg->wait_for(sub { $part = part($vg->get("$api/erasures/$erasure", $as{eve})->{json}, 'charging');
        !$part->{open}{session} }, 10) or diag explain $part;
    is_deeply [ $part->{status}, $part->{open} ], [ 'POSTPONED', { reservationCopy => 1 } ], 'the copy is waited for';
    $vg->sql(q{update charging.reservation set expires_at = now() where customer_id = 'eve'});
    $part = part(over($erasure), 'charging');
    is_deeply [ @{ $part->{erased} }{qw(session reservationCopy)} ], [ 3, 1 ], 'and goes when it has ended';
    is $vg->sql('select $2 = all (flags) from charging.session where id = $1', $id, 'erased'), 1, 'marked, so that none is priced';
};

subtest 'more than a round may take, while workers die' => sub {
    past('finn', sessions => 1_200);
    my $erasure = $vg->delete("$api/customers/finn", $as{finn})->{json}{erasureId};
    for my $n (1 .. 4) {
        $vg->kill_worker(($vg->workers)[ $n % 2 ]);
        $vg->wait_for(sub { $vg->workers == 2 }, 10);
        $vg->wait_for(sub { $vg->sql('select round from accounts.erasure where id = $1', $erasure) > $n }, 8);
    }
    my $report = over($erasure, 90);
    is part($report, 'charging')->{erased}{session}, 1_200, 'each once';
    cmp_ok $report->{round}, '>=', 4, '500 a round, and one that finds nothing';
    is part($report, 'accounts')->{erased}{customer}, 1;
    is $vg->sql(q{select count(*) from vg.event where type = 'customer.erased.v1' and aggregate_id = 'finn'}),
        4 * $report->{round}, 'each plugin answers each round once';
    is $vg->sql('select count(*) from vg.parked'), 0;
};

subtest 'a user goes with its customer' => sub {
    my $user = Voltgate::Person->new($vg, email => 'gwen@example.org', name => 'Gwen Gale');
    my $gwen = $user->{id};
    my %gwen = %{ $user->headers };
    is $vg->get("$api/customers/$gwen", \%gwen)->{json}{name}, 'Gwen Gale';

    Voltgate::Person::ask($vg, { grant_type => 'password', username => $user->{email}, password => 'wrong' });
    my $guards = q{select count(*) from accounts.guard where user_id = $1};
    is $vg->sql($guards, $gwen), 2, 'a wrong password is counted';

    my $erasure = $vg->delete("$api/customers/$gwen", \%gwen)->{json}{erasureId};
    ok $vg->wait_for(sub { $vg->get("$api/auth/me", \%gwen)->{status} == 401 }, 20), 'her token is void';
    is $vg->get("$api/erasures/$erasure")->{json}{status}, 'RUNNING', 'before it is over';
    past($gwen, tag => 'LAST-TAG', sessions => 1);  # what a call that was under way may leave
    my $report = over($erasure);
    is part($report, 'charging')->{erased}{session}, 1, 'and what was begun by it till then goes too';
    is $vg->sql('select count(*) from charging.session where customer_id = $1', $gwen), 0;
    is $vg->sql($guards, $gwen), 0, 'and what was counted';
    is $user->login->{status}, 400, 'she cannot log in';
    is Voltgate::Person::ask($vg, { grant_type => 'refresh_token', refresh_token => $user->{refresh} })->{status}, 400,
        'nor go on';
    is_deeply [ holds('gwen@') ], [], 'her address is nowhere';
    is_deeply [ holds('Gwen') ], ['billing.invoice_party'], 'her name on what was invoiced';
};

subtest 'keys end with who made them' => sub {
    my $boss  = Voltgate::Person->new($vg, role => 'admin');
    my $make  = sub { my ($as, %new) = @_; $vg->post("$api/api-keys", { name => 'k', %new }, $as)->{json} };
    my $opens = sub { $vg->client(fresh => 1)->get($vg->url("$api/auth/me"), { headers => { 'X-API-Key' => $_[0]{key} } })->{status} };
    my %key   = (own => $make->($boss->headers, role => 'admin'), both => $make->($boss->headers, role => 'admin', companyId => $north),
        company => $make->($boss->headers, companyId => $north));
    $key{child} = $make->({ 'X-API-Key' => $key{own}{key} }, role => 'admin');
    my $token = Voltgate::Person::ask($vg, { grant_type => 'client_credentials', client_id => $key{child}{id},
        client_secret => $key{child}{key} })->{json}{access_token};
    is_deeply { map { $_ => $opens->($key{$_}) } keys %key }, { map { $_ => 200 } keys %key }, 'all are good';

    my $report = over($vg->delete("$api/customers/$boss->{id}")->{json}{erasureId});
    is part($report, 'accounts')->{erased}{apiKey}, 3, 'those that she made are told of';
    for my $which (qw(own both child)) {
        ok $vg->wait_for(sub { !grep { $opens->($key{$which}) != 401 } 1 .. 6 }, 3), "$which: nobody is an admin by it";
    }
    ok Voltgate::Person::is_void($vg, $token), 'nor by a token that was made of one';
    is $opens->($key{company}), 200, 'a company\'s is the company\'s';
    is $vg->sql('select count(*) from accounts.api_key where created_by = $1', $boss->{id}), 0, 'and names nobody';
};

done_testing;
