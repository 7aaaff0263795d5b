# What is sealed is what was written: whoever changes, takes out or adds a row
# or a seal is found, by `voltgate audit verify` and by other hands.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Audit;
use Voltgate::Cli;

my $vg      = Voltgate->start(own_cluster => 1);
my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';
my $count   = 0;

sub change {
    my $r = $vg->post("$api/charge-points", { id => 'CP-' . ++$count, operatorId => $company });
    $r->{status} == 201 or die $r->{body};
    return;
}

sub check { return cli($vg, 'audit', 'verify', @_) }

# rounds of changes, each with a seal of its own
for (1 .. 4) {
    change() for 1 .. 5;
    ok sealed($vg), "round $_ is sealed";
}

check(); # makes its key, which is a change
ok sealed($vg);

subtest 'an untouched trail is as it was sealed' => sub {
    my ($status, $out) = check();
    is $status, 0 or diag $out;
    my ($seals, $rows) = $out =~ /^(\d+) seals, (\d+) rows: as they were sealed$/m or diag $out;
    cmp_ok $seals, '>=', 4;
    is $rows, $vg->sql('select count(*) from vg.audit');
    is_deeply [ verify($vg) ], [], 'by Perl and its Digest::SHA as well';
};

subtest 'a transaction that stays open loses nothing' => sub {
    my $late  = $vg->dba;
    my $newest = $vg->sql('select max(number) from vg.audit_seal');
    $late->begin_work;
    $late->do(q{insert into vg.audit (caller_id, caller_role, company_id, route, status, correlation_id, address, node, plugin)
        values ('late', 'admin', '', 'POST /late', 200, 'late', '', '', 'voltgate')});
    my $id = $late->selectrow_array('select currval(pg_get_serial_sequence(\'vg.audit\', \'id\'))');
    change() for 1 .. 3;
    my $last = $vg->sql('select max(id) from vg.audit');
    cmp_ok $last, '>', $id, 'later rows are committed before it';
    ok $vg->wait_for(sub {
        $vg->get('/metrics')->{body} =~ /^voltgate_audit_unsealed_seconds\{database="home"\} ([\d.]+)$/m && $1 > 1.5 }, 10),
        'none of them is sealed meanwhile, and figures say so';
    is $vg->sql('select max(number) from vg.audit_seal'), $newest;
    $late->commit;
    ok sealed($vg), 'then all are';
    is $vg->sql('select count(*) from vg.audit_seal s join vg.audit a on a.xid >= s.from_xid and a.xid < s.to_xid
        where a.id in ($1, $2)', $id, $last), 2, 'each under a seal';
    is_deeply [ verify($vg) ], [];
    is +(check())[0], 0;
};

subtest 'when sealing fails the gauge rises' => sub {
    my $gauge = sub { ($vg->get('/metrics')->{body} =~ /^voltgate_audit_unsealed_seconds\{database="home"\} ([\d.]+)$/m)[0] };
    $vg->sql('revoke execute on function vg.audit_seal_next(int) from vg_kit');
    ok $vg->wait_for(sub { $gauge->() > 2.5 }, 15);
    $vg->sql('grant execute on function vg.audit_seal_next(int) to vg_kit');
    ok $vg->wait_for(sub { $gauge->() < 2 }, 15), 'and falls when it goes on';
};

# A change by the owner, what is found, and the change taken back.
sub tampered {
    my ($name, $do, $undo, @found) = @_;
    subtest $name => sub {
        $vg->sql($_) for ref $do ? @$do : $do;
        my ($status, $out) = check();
        is $status, 3, 'it is found';
        like $out, $_ for @found;
        isnt scalar(verify($vg)), 0, 'by others as well';
        $vg->sql($_) for ref $undo ? @$undo : $undo;
        ($status, $out) = check();
        is $status, 0, 'and taken back it is gone' or diag $out;
    };
    return;
}

$vg->stop_gateway;
my @ids = map { $_->{id} } $vg->rows('select id from vg.audit order by id');
my ($a, $b) = @ids[ 7, 8 ];
my $columns = 'id, xid, at, caller_id, caller_role, company_id, route, object, status, error, calls, correlation_id, address, node, plugin';
my $of = sub { $vg->sql('select min(number) from vg.audit_seal s join vg.audit a on a.xid >= s.from_xid and a.xid < s.to_xid where a.id = $1', $_[0]) };
my ($seal, $end) = ($of->($a), $vg->sql('select max(number) from vg.audit_seal'));
$vg->sql("create table public.kept as select * from vg.audit");
$vg->sql("create table public.seals as select * from vg.audit_seal");
my $again = [ 'delete from vg.audit', "insert into vg.audit ($columns) overriding system value select $columns from public.kept",
    'delete from vg.audit_seal', 'insert into vg.audit_seal select * from public.seals' ];

for my $column (qw(caller_id caller_role company_id route object error correlation_id address node plugin)) {
    tampered("a row's $column", "update vg.audit set $column = coalesce($column, '') || 'x' where id = $a", $again,
        qr/^seal $seal: row $a was changed$/m, qr/: 1 findings$/m);
}
tampered("a row's $_->[0]", "update vg.audit set $_->[0] = $_->[1] where id = $a", $again, qr/^seal $seal: row $a was changed$/m)
    for [ status => 'status + 1' ], [ calls => 'calls + 1' ], [ at => q{at + interval '1 microsecond'} ];
tampered('a row is taken out', "delete from vg.audit where id = $a", $again, qr/^seal $seal: row $a is missing$/m);
tampered('a row is put in', "insert into vg.audit ($columns) overriding system value select 1000000, xid, " . $columns =~ s/^id, xid, //r
    . " from public.kept where id = $a", $again, qr/^seal $seal: row 1000000 was inserted$/m);
tampered('a row is put in where nothing was', "insert into vg.audit ($columns) overriding system value select 1000001, '3', "
    . $columns =~ s/^id, xid, //r . " from public.kept where id = $a", $again, qr/row 1000001 was inserted/);
tampered('two rows are swapped', [
    "delete from vg.audit where id in ($a, $b)",
    map { my ($as, $from) = @$_; "insert into vg.audit ($columns) overriding system value select $as, $columns from public.kept where id = $from"
        =~ s/select $as, id, /select $as, /r } [ $a, $b ], [ $b, $a ] ],
    $again, qr/^seal $seal: row $a was changed$/m, qr/row $b was changed$/m);
tampered('a row goes to another seal', "update vg.audit set xid = (select max(xid) from public.kept) where id = $a", $again,
    qr/^seal $seal: row $a is missing$/m, qr/^seal \d+: row $a was inserted$/m);
tampered('a row loses its seal', "update vg.audit set xid = '9999999999' where id = $a", $again, qr/^seal $seal: row $a is missing$/m);
tampered("a seal's $_->[0]", "update vg.audit_seal set $_->[0] = $_->[1] where number = $seal", $again, qr/^seal $seal was changed/m)
    for [ hash => q{sha256('x')} ], [ digest => q{sha256('x')} ], [ sealed_at => q{sealed_at + interval '1 second'} ],
    [ last_id => 'last_id + 1' ], [ rows => 'rows + 1' ], [ first_at => q{first_at - interval '1 second'} ];
tampered("a seal's leaves", "update vg.audit_seal set leaves = set_byte(leaves, 15, (get_byte(leaves, 15) + 1) % 256) where number = $seal",
    $again, qr/^seal $seal: row \d+ was changed$/m);
tampered('a row and its leaf', [ "update vg.audit set node = 'x' where id = $a",
    "update vg.audit_seal s set leaves = l.leaves from (select string_agg(int8send(r.id) || substr(r.h, 1, 8), '' order by r.xid, r.id) as leaves
        from (select a.id, a.xid, sha256(convert_to(vg.audit_text(a), 'UTF8')) as h from vg.audit a, vg.audit_seal t
            where t.number = $seal and a.xid >= t.from_xid and a.xid < t.to_xid) r) l where s.number = $seal" ],
    $again, qr/^seal $seal: its rows are not those it was made of$/m);
tampered('a seal is taken out', "delete from vg.audit_seal where number = $seal", $again, qr/^seal $seal is missing$/m);
tampered('the first seals are taken out', "delete from vg.audit_seal where number <= $seal", $again, qr/^seals 1 to $seal are missing$/m);

tampered('a row is put in below all ids', "insert into vg.audit ($columns) overriding system value select -1, xid, " . $columns =~ s/^id, xid, //r
    . " from public.kept where id = $a", $again, qr/^row -1 is before the first seal$/m);

# as the sealer and the retirer would have it, but that it is of this month
my $retire = sub { "insert into vg.audit (at, caller_id, caller_role, company_id, route, object, status, correlation_id, address, node, plugin)
    values ($_[1], 'system', 'system', '', 'AUDIT retire', '$_[0]', 200, '', '', '', 'voltgate')" };
my $now = $vg->sql(q{select to_char(now() at time zone 'UTC', 'YYYY-MM')});
my $gone = [ "delete from vg.audit where id in ($a, $b)", "delete from vg.audit_seal where number <= $seal" ];
tampered('a month is said to be retired, without a seal', [ $retire->($now, 'now()'), @$gone ], $again,
    qr/says that a month was retired, and has no seal yet$/m);
tampered('this month is said to be retired', [ $retire->($now, 'now()'), 'select vg.audit_seal_next(1000)', @$gone ], $again,
    qr/says that a month was retired, which could not be then$/m, qr/^seals 1 to $seal are missing$/m);
tampered('this month is said to be retired in another one', [ $retire->($now, q{now() + interval '90 days'}), 'select vg.audit_seal_next(1000)', @$gone ],
    $again, qr/which could not be then$/m, qr/^seals 1 to $seal are missing$/m);
tampered('more goes than was retired', [ $retire->('2020-01', 'now()'), 'select vg.audit_seal_next(1000)', @$gone ], $again,
    qr/^months up to 2020-01 were retired/m, qr/^seals 1 to $seal are missing$/m);

subtest 'what is cut off at the end is found by an anchor' => sub {
    my ($status, $anchor) = cli($vg, 'audit', 'anchor');
    is $status, 0;
    like $anchor, qr/^$end [0-9a-f]{64}\n\z/, 'which is the newest seal';
    my $path = "$vg->{state}/anchor";
    open my $file, '>', $path or die "$path: $!";
    print {$file} "# kept elsewhere\n$anchor";
    close $file or die "$path: $!";
    is +(check('--anchor', $path))[0], 0, 'all is there';
    $vg->sql($_) for "delete from vg.audit a using vg.audit_seal s where s.number = $end and a.xid >= s.from_xid",
        "delete from vg.audit_seal where number = $end";
    is +(check())[0], 0, 'without it nobody could tell';
    ($status, my $out) = check('--anchor', $path);
    is $status, 3;
    like $out, qr/^seal $end, of the anchor, is missing: the trail was cut off$/m;
    $vg->sql($_) for @$again;
    $vg->sql("update vg.audit_seal set hash = sha256('x') where number = $end");
    ($status, $out) = check('--anchor', $path);
    is $status, 3;
    like $out, qr/^seal $end is not that of the anchor: the trail was written anew$/m;
    $vg->sql($_) for @$again;

    for ([ '', 'holds no anchor' ], [ "# only this\n\n", 'holds no anchor' ], [ "nothing is sealed yet\n", 'holds no anchor' ],
        [ "${anchor}7 abc\n", 'a line of it is no anchor' ])
    {
        my ($text, $says) = @$_;
        open $file, '>', $path or die "$path: $!";
        print {$file} $text;
        close $file or die "$path: $!";
        ($status, $out) = check('--anchor', $path);
        is $status, 1, 'what is no anchor shows nothing';
        like $out, qr/^voltgate: \Q$path: $says\E$/m;
    }
};

subtest 'a part of it' => sub {
    my $from = $vg->sql('select sealed_at from vg.audit_seal where number = $1', $seal + 1);
    $vg->sql("delete from vg.audit where id = $a");
    is +(check('--from', $from))[0], 0, 'what is before is not looked at';
    is +(check('--to', $from))[0], 3, 'up to there it is';
    $vg->sql($_) for @$again;
    my ($status, $out) = check('--from', 'yesterday evening');
    is $status, 1, 'no time';
    is +(check('--nonsense'))[0], 2, 'no option';
    is +(cli($vg, 'audit'))[0], 2, 'no command';
};

subtest 'whoever may only read can verify' => sub {
    local $vg->{opts}{env} = { DATABASE_AUDIT_URL => $vg->{owner_url} =~ s/user=\S+/user=vg_gate/r };
    is +(check())[0], 1, 'the gateway\'s login alone cannot';
    $vg->sql('grant vg_auditor to vg_relay');
    $vg->sql('alter role vg_relay inherit');
    local $vg->{opts}{env} = { DATABASE_AUDIT_URL => $vg->{owner_url} =~ s/user=\S+/user=vg_relay/r };
    my ($status, $out) = check();
    is $status, 0 or diag $out;
    local $vg->{opts}{env} = { DATABASE_AUDIT_URL => 'host=/nowhere' };
    is +(check())[0], 1, 'without a database there is no verdict';
};

subtest 'nobody of the gateway changes what is there' => sub {
    require DBI;
    my ($dsn) = map { s/user=\S+//r =~ s/\s+/;/gr } $vg->{owner_url};
    my $gate = DBI->connect("dbi:Pg:$dsn", 'vg_gate', '', { RaiseError => 1, PrintError => 0 });
    my $state = sub {
        my ($role, $sql) = @_;
        $gate->begin_work;
        my $good = eval { $gate->do("set local role $role"); $gate->do($sql); 1 };
        my $was = $good ? '' : $gate->state;
        $gate->rollback;
        return $was;
    };
    for my $role (qw(vg_kit vg_stations)) {
        is $state->($role, $_), '42501', "$role: $_" for 'update vg.audit set status = 1', 'delete from vg.audit', 'truncate vg.audit',
            'delete from vg.audit_seal', 'update vg.audit_seal set rows = 0', 'drop table vg.audit', 'alter table vg.audit disable row level security',
            q{insert into vg.audit_seal select s.* from vg.audit_seal s};
    }
    my $insert = q{insert into vg.audit (caller_id, caller_role, company_id, route, status, correlation_id, address, node, plugin)
        values ('', '', '', '', 200, '', '', '', '%s')};
    is $state->('vg_stations', sprintf $insert, 'stations'), '', 'a plugin appends under its name';
    is $state->('vg_stations', sprintf $insert, 'billing'), '42501', 'and under no other';
    is $state->('vg_stations', 'insert into vg.audit (at) values (now())'), '42501', 'and does not say when';
    is $state->('vg_kit', q{insert into vg.audit (xid) values ('1')}), '42501', 'nor does the kit say in which transaction';
    is $state->('vg_stations', 'select from vg.audit'), '42501', 'a plugin does not read it';
    is $state->('vg_stations', 'select vg.audit_seal_next(1)'), '42501', 'nor seal it';
    $gate->disconnect;
};

done_testing;
