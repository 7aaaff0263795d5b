# The login of relays, told by the database itself: it reads the log, moves
# places of relays, and does nothing else.

use strict;
use warnings;

use DBI;
use Test::More;

use Voltgate;

my $vg = Voltgate->start(plugins => [qw(accounts stations)]);

my ($dsn) = map { s/user=\S+//r =~ s/\s+/;/gr } $vg->{owner_url};
sub login { return DBI->connect("dbi:Pg:$dsn", $_[0], '', { RaiseError => 1, PrintError => 0 }) }

my %as = map { $_ => login($_) } qw(vg_relay vg_gate);

# the SQLSTATE of a statement in a transaction that is undone; '' when it works
sub state_of {
    my ($login, $role, $statement, @values) = @_;

    my $dbh = $as{$login};
    $dbh->begin_work;
    my $good  = eval { $dbh->do("set local role $role") if $role; $dbh->do($statement, undef, @values); 1 };
    my $state = $good ? '' : $dbh->state;
    $dbh->rollback;
    return $state;
}

my $denied = '42501';

subtest 'it may' => sub {
    is state_of('vg_relay', '', $_), '', $_ for
        q{select vg.event_json(e) from vg.event as e},
        q{select vg.relay_open('relay:x', 'home', true), vg.relay_place('relay:x', 'home')},
        q{select vg.relay_says('relay:x', 1, 1, 0, 0, null)};
};

subtest 'it may not' => sub {
    my ($login) = $vg->rows(q{select rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolbypassrls
        from pg_catalog.pg_roles where rolname = 'vg_relay'});
    is_deeply [ grep { $login->{$_} } sort keys %$login ], [], 'it has no powers';
    is $vg->sql(q{select count(*) from pg_catalog.pg_auth_members as m
        join pg_catalog.pg_roles as r on r.oid = m.member where r.rolname = 'vg_relay'}), 0, 'it becomes nobody else';

    my @tables = map { $_->{name} } $vg->rows(q{select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'S') and n.nspname !~ '^(pg_|information_schema)'
            and c.oid <> 'vg.event'::regclass
        order by 1});
    cmp_ok scalar @tables, '>', 30, 'there are tables';
    is_deeply [ grep { state_of('vg_relay', '', "select from $_") ne $denied } @tables ], [], 'it reads none of them';
    is state_of('vg_relay', '', $_), $denied, $_ for
        'delete from vg.event', 'truncate vg.event', q{update vg.event set type = 'x'},
        q{insert into vg.event (type) values ('x')}, q{update vg.cursor set pos = 0},
        q{insert into vg.cursor (consumer) values ('relay:x')}, 'delete from vg.relay',
        q{insert into vg.outbox (type) values ('x')}, 'create table vg.t ()', 'create temporary table t ()',
        'set role vg_kit', 'set role vg_gate', 'set role vg_stations',
        q{select vg.cursor_move('relay:x', 'home', 0, 1)}, q{select vg.event_retire('2020-01-01', 1)},
        q{select vg.plugin_ground('mine')}, q{copy (select 1) to '/tmp/x'};
};

subtest 'places are moved from where they are, and those of relays alone' => sub {
    $vg->sql(q{insert into vg.cursor (consumer, log, pos) values ('relay:x', 'home', 7), ('mine', 'home', 7)});
    is state_of('vg_relay', '', q{select vg.relay_move('relay:x', 'home', 7, 9)}), '',      'from 7';
    is state_of('vg_relay', '', q{select vg.relay_move('relay:x', 'home', 6, 9)}), '40001', 'not from elsewhere';
    is state_of('vg_relay', '', q{select vg.relay_move('relay:x', 'far', 7, 9)}),  '40001', 'nor in another log';
    is state_of('vg_relay', '', q{select vg.relay_move('mine', 'home', 7, 9)}),    '40001', 'nor a plugin\'s';
    is state_of('vg_relay', '', q{select vg.relay_open('mine', 'home', true)}),    '23514', 'nor is that opened';
    $vg->sql(q{update vg.cursor set paused = true where consumer = 'relay:x'});
    is state_of('vg_relay', '', q{select vg.relay_move('relay:x', 'home', 7, 9)}), '', 'what is confirmed counts while it rests';
};

subtest 'nobody else moves them' => sub {
    for my $call (q{select vg.relay_move('relay:x', 'home', 7, 9)}, q{select vg.relay_open('relay:x', 'home', true)},
        q{select vg.relay_says('relay:x', 1, 1, 0, 0, null)}, q{select * from vg.relay_place('relay:x', 'home')})
    {
        is state_of('vg_gate', $_, $call), $denied, "$_: $call" for 'vg_stations', 'vg_kit';
    }
    is state_of('vg_gate', 'vg_kit', 'select from vg.relay'), '', 'the gateway may show what they did';
};

$_->disconnect for values %as;
done_testing;
