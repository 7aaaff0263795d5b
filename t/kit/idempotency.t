# The same Idempotency-Key: one effect, one answer, whoever comes when.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use Voltgate;
use Voltgate::Wire;

my $vg = Voltgate->start;

my $api  = '/api/v1';
my $tags = "$api/id-tags";
my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %token = map { $_->[0] => $vg->token(role => 'operator', subject => $_->[0], company => $_->[1]) }
    ([ anna => $north ], [ ben => $north ], [ carl => $south ]);

sub keyed {
    my ($key, $body, $who, $path) = @_;
    my %headers = ('Idempotency-Key' => $key);
    $headers{Authorization} = "Bearer $token{$who}" if $who;
    return $vg->post($path // $tags, $body, \%headers);
}

sub tags_like { return $vg->sql('select count(*) from charging.id_tag where id_tag like $1', $_[0]) }

# A request as bytes, for many at once.
sub request_of {
    my ($key, $body, $who, $path) = @_;
    return "POST " . ($path // $tags) . " HTTP/1.1\r\nHost: x\r\nIdempotency-Key: $key\r\n"
        . "Authorization: Bearer $token{$who}\r\nContent-Length: " . length($body)
        . "\r\nConnection: close\r\n\r\n$body";
}

sub replayed { return ($_[0]{headers}{'idempotent-replayed'} // '') eq 'true' }

subtest 'the same call again gets the same bytes' => sub {
    my $first = keyed(same => { idTag => 'SAME' });
    is $first->{status}, 201;
    ok !replayed($first), 'the first is no replay';
    for (1 .. 3) {
        my $again = $vg->client(fresh => 1)->request(POST => $vg->url($tags), {
            headers => { Authorization => 'Bearer ' . $vg->admin, 'Idempotency-Key' => 'same',
                'Content-Type' => 'application/json' },
            content => '{"idTag":"SAME"}' });
        is $again->{status}, 201;
        is $again->{content}, $first->{body}, 'byte for byte';
        is $again->{headers}{'idempotent-replayed'}, 'true';
    }
    is tags_like('SAME'), 1;
};

subtest 'another body under the same key is refused' => sub {
    my $r = keyed(same => { idTag => 'OTHER' });
    is $r->{status}, 422;
    like $r->{json}{type}, qr{/key_reused$};
    ok !replayed($r);
    is keyed(same => '{"idTag":"SAME" }')->{status}, 422, 'a blank more is another body';
    is tags_like('OTHER'), 0;
    is keyed(same => { idTag => 'SAME' })->{status}, 201, 'the first answer is still there';
};

subtest 'a refusal is an answer too' => sub {
    my $first = keyed(refused => { idTag => 'SAME' });
    is $first->{status}, 409;
    $vg->sql(q{delete from charging.id_tag where id_tag = 'SAME'});
    my $again = keyed(refused => { idTag => 'SAME' });
    is $again->{status}, 409, 'also when the rules would now let it pass';
    is $again->{body}, $first->{body}, 'byte for byte, with its time and id';
    ok replayed($again);
    isnt $again->{headers}{'x-correlation-id'}, $again->{json}{correlationId},
        'the header is of this call';
};

subtest 'what was not understood is not kept' => sub {
    is keyed(later => { idTag => '' })->{status}, 400;
    is keyed(later => '{')->{status}, 400;
    is keyed(later => { idTag => 'LATER' })->{status}, 201, 'the key is free for the right call';
    is keyed(later => { idTag => 'LATER' })->{status}, 201;
};

subtest 'a key is of 1 to 255 printable characters' => sub {
    for my $key ('', 'x' x 256, "a\tb", "\xe4", "a\x7f") {
        my $r = Voltgate::Wire->ask($vg, request_of($key, '{"idTag":"BAD"}', 'anna'));
        is $r->{status}, 400, length $key > 50 ? 'too long' : 'not printable, or none';
        is_deeply [ keys %{ $r->{json}{errors} } ], ['Idempotency-Key'];
    }
    is tags_like('BAD'), 0;
    is keyed('x' x 255, { idTag => 'LONG' })->{status}, 201;
    is keyed('x' x 255, { idTag => 'LONG' })->{headers}{'idempotent-replayed'}, 'true';
    is keyed(q{'; drop -- "\\ :a $1}, { idTag => 'SQL' })->{status}, 201;
    is keyed(q{'; drop -- "\\ :a $1}, { idTag => 'SQL' })->{status}, 201;
};

subtest 'callers do not meet in a key' => sub {
    my %made = map { $_ => keyed(shared => { idTag => "OF-$_" }, $_) } sort keys %token;
    is $made{$_}{status}, 201, $_ for sort keys %made;
    is $made{$_}{json}{idTag}, "OF-$_" for sort keys %made;
    ok !replayed(keyed(shared2 => { idTag => 'NEW' }, 'carl'));
};

subtest 'routes do not meet in a key' => sub {
    my $tag = keyed(routes => { idTag => 'ROUTE' });
    my $cp  = keyed(routes => { id => 'CP-ROUTE', operatorId => $north }, undef, "$api/charge-points");
    is "$tag->{status} $cp->{status}", '201 201';
    ok !replayed($cp);
};

subtest 'a key on one thing says nothing of another' => sub {
    my @id = map { $vg->sql(q{insert into charging.quarantine (id, charge_point_id, action, payload,
        reason, received_at) values (vg.uuid7(), $1, 'StopTransaction', '{}', 'x', now()) returning id},
        "CP$_") } 1, 2;
    my @r = map { keyed(settle => { note => 'done' }, undef, "$api/charging/quarantine/$_/resolve") } @id;
    is $r[0]{status}, 200;
    is $r[1]{status}, 422, 'the same key, another message';
    like $r[1]{json}{type}, qr{/key_reused$};
    is $vg->sql('select resolved_at is null from charging.quarantine where id = $1', $id[1]), 1;
};

subtest 'only POST has keys' => sub {
    my %key = ('Idempotency-Key' => 'same');
    is $vg->get($tags, \%key)->{status}, 200;
    ok !replayed($vg->get($tags, \%key));
};

subtest 'twenty at once make one row' => sub {
    for my $round (1 .. 3) {
        my $body = qq({"idTag":"RACE$round"});
        my @wires = map { Voltgate::Wire->connect($vg) } 1 .. 20;
        $_->send(request_of("race$round", $body, 'anna')) for @wires;
        my @r = map { $_->answer } @wires;
        my %count;
        $count{ $_->{status} }++ for @r;
        is_deeply [ grep { $_ != 201 && $_ != 409 } keys %count ], [], 'made, or running';
        cmp_ok $count{201} // 0, '>=', 1;
        is scalar(grep { $_->{status} == 201 && !replayed($_) } @r), 1, 'one made it';
        my %bodies = map { $_->{body} => 1 } grep { $_->{status} == 201 } @r;
        is scalar keys %bodies, 1, 'all that were answered read the same';
        like $_->{json}{type}, qr{/key_running$} for grep { $_->{status} == 409 } @r;
        is tags_like("RACE$round"), 1, 'one row';
        is keyed("race$round", $body, 'anna')->{status}, 201, 'and later all get it';
    }
};

subtest 'a call whose client left is finished, and found again' => sub {
    my $dbh = $vg->dbh->clone;
    $dbh->begin_work;
    $dbh->do('lock table charging.id_tag in share mode');
    my $wire = Voltgate::Wire->connect($vg);
    $wire->send(request_of('gone', '{"idTag":"GONE"}', 'anna'));
    ok $vg->wait_for(sub { $vg->waiting }), 'it waits for the table';
    $wire->drop;
    $dbh->rollback;
    $dbh->disconnect;
    ok $vg->wait_for(sub { tags_like('GONE') == 1 }), 'it was finished';
    my $again = keyed(gone => '{"idTag":"GONE"}', 'anna');
    is $again->{status}, 201;
    ok replayed($again);
};

subtest 'a worker that dies takes no key with it' => sub {
    for my $round (1 .. 2) {
        my $body = qq({"idTag":"KILL$round"});
        my $dbh  = $vg->dbh->clone;
        $dbh->begin_work;
        $dbh->do('lock table charging.id_tag in share mode');
        my @wires = map { Voltgate::Wire->connect($vg) } 1 .. 4;
        $_->send(request_of("kill$round", $body, 'anna')) for @wires;
        ok $vg->wait_for(sub { $vg->waiting }), 'they wait for the table';
        my @old = $vg->workers;
        $vg->kill_worker($_) for @old;
        $dbh->rollback;
        $dbh->disconnect;
        $_->drop for @wires;
        delete $vg->{client};
        my $r;
        ok $vg->wait_for(sub {
            $r = keyed("kill$round", $body, 'anna');
            $r->{status} == 201;
        }, 15), 'the key is answered' or diag "$r->{status} $r->{body}";
        is tags_like("KILL$round"), 1, 'one row, whoever made it';
    }
};

subtest 'an answer is kept for a day' => sub {
    keyed(old => { idTag => 'OLD' });
    $vg->sql(q{update vg.answer set at = now() - interval '23 hours 59 minutes' where key = 'old'});
    is keyed(old => { idTag => 'OLD' })->{status}, 201;
    $vg->sql(q{update vg.answer set at = now() - interval '25 hours' where key = 'old'});
    # and those of sagas' steps for 8, whose sagas may be stuck
    $vg->sql(q{insert into vg.answer (caller, route, key, hash, plugin, status, correlation_id, at)
        select 'x', 'x', h || ' ' || d, h, 'charging', 'ok', 'x', now() - d::interval
        from unnest(array['saga', 'other']) h, unnest(array['23 hours', '25 hours', '7 days', '9 days']) d});
    $vg->kill_worker((sort { $a <=> $b } $vg->workers)[0]); # the next clerk looks soon after its start
    delete $vg->{client};
    ok $vg->wait_for(sub { !$vg->sql(q{select count(*) from vg.answer where key = 'old'}) }, 30), 'the clerk takes it away';
    is $vg->sql(q{select string_agg(key, ',' order by key) from vg.answer where caller = 'x'}),
        'other 23 hours,saga 23 hours,saga 25 hours,saga 7 days', 'and no other';
    my $r = keyed(old => { idTag => 'OLD' });
    is $r->{status}, 409;
    like $r->{json}{type}, qr{/id_tag_taken$}, 'then the call is a new one';
};

done_testing;
