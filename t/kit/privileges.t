# What the gateway's login and the plugins' roles may do in the database, told
# by the database itself: nothing but their own.

use strict;
use warnings;

use DBD::Pg ();
use DBI;
use Test::More;

use Voltgate;

my $vg = Voltgate->start;

my ($dsn) = map { s/user=\S+//r =~ s/\s+/;/gr } $vg->{owner_url};
my $gate  = DBI->connect("dbi:Pg:$dsn", 'vg_gate', '', { RaiseError => 1, PrintError => 0 });
my @plugins = grep { -d "$Voltgate::ROOT/plugins/$_/sql" }
    map { m{([^/]+)\.conf$} } glob "$Voltgate::ROOT/conf/plugins.d/*.conf";
cmp_ok scalar @plugins, '>=', 5, 'there are plugins';

# The SQLSTATE of a statement in a role, in a transaction that is undone; ''
# when it works.
sub state_of {
    my ($role, $statement, @values) = @_;

    $gate->begin_work;
    my $good = eval {
        $gate->do("set local role $role") if $role;
        $gate->do($statement, undef, @values);
        1;
    };
    my $state = $good ? '' : $gate->state;
    $gate->rollback;
    return $state;
}

sub tables_of {
    return map { $_->{name} } $vg->rows(q{select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relkind in ('r', 'p', 'v')
        order by 1}, $_[0]);
}

my $denied = '42501';
my %tables = map { $_ => [ tables_of($_) ] } @plugins, 'vg';

subtest 'the login alone reads nothing' => sub {
    my ($login) = $vg->rows(q{select rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolbypassrls
        from pg_catalog.pg_roles where rolname = 'vg_gate'});
    is_deeply [ grep { $login->{$_} } sort keys %$login ], [], 'it has no powers, and inherits none';
    for my $schema (sort keys %tables) {
        cmp_ok scalar @{ $tables{$schema} }, '>', 0, "$schema has tables";
        is state_of('', "select from $_"), $denied, $_ for @{ $tables{$schema} };
    }
};

subtest 'a plugin reads its own, and nobody else\'s' => sub {
    for my $plugin (@plugins) {
        is state_of("vg_$plugin", "select from $_"), '', "$plugin: $_" for @{ $tables{$plugin} };
        for my $other (grep { $_ ne $plugin } @plugins) {
            my @open = grep { state_of("vg_$plugin", "select from $_") ne $denied } @{ $tables{$other} };
            is_deeply \@open, [], "$plugin reads nothing of $other";
        }
        my @open = grep { state_of("vg_$plugin", "select from $_") ne $denied } @{ $tables{vg} };
        is_deeply \@open, [], "$plugin reads nothing of the kit";
    }
};

subtest 'stations writes nothing of charging\'s' => sub {
    is state_of('vg_stations', $_), $denied, $_ for
        q{insert into charging.id_tag (id_tag) values ('x')},
        q{update charging.id_tag set status = 'Accepted'},
        q{delete from charging.session},
        q{truncate charging.session};
    is state_of('vg_charging', q{delete from charging.session}), '', 'charging itself may';
};

my $outbox = q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
    values (?, 'x.v1', 'a', '{}', 'c', 'u')};
my $answer = q{insert into vg.answer (caller, route, key, hash, plugin, status, correlation_id)
    values ('a', 'r', 'k', 'h', ?, 'ok', 'c')};

subtest 'a plugin tells and answers under its own name' => sub {
    for my $insert ($outbox, $answer) {
        for my $plugin (@plugins) {
            is state_of("vg_$plugin", $insert, $plugin), '', "$plugin as itself";
            for my $name ((grep { $_ ne $plugin } @plugins), 'kit', '', "vg_$plugin") {
                is state_of("vg_$plugin", $insert, $name), $denied, "$plugin as '$name'";
            }
        }
        is state_of('', $insert, 'stations'), $denied, 'the login alone as nobody';
    }
};

subtest 'what was told stays told' => sub {
    for my $table (qw(vg.outbox vg.answer vg.event vg.cursor vg.timer vg.parked vg.migration vg.audit vg.audit_seal)) {
        is state_of('vg_charging', $_), $denied, $_ for
            "delete from $table", "truncate $table", "drop table $table";
    }
    is state_of('vg_kit', "$_ vg.event"), $denied, "the kit does not $_ the log" for 'delete from', 'truncate';
    is state_of('vg_kit', q{update vg.event set type = 'x'}), $denied, 'nor change it';
    is state_of('vg_kit', q{delete from vg.migration}), $denied, 'nor what was migrated';
    is state_of('vg_kit', q{insert into vg.migration (plugin, file, checksum) values ('x', 'y', 'z')}),
        $denied, 'nor add to it';
};

subtest 'nobody makes, takes or becomes what is not theirs' => sub {
    for my $role ('', 'vg_stations', 'vg_kit') {
        my $who = $role || 'vg_gate';
        is state_of($role, $_), $denied, "$who: $_" for
            'create schema mine', 'create table public.t ()', 'create table vg.t ()',
            'create temporary table t ()', 'create role mine', 'create extension dblink',
            'alter role vg_gate superuser', "copy (select 1) to program 'true'",
            "copy (select 1) to '/tmp/x'", 'alter table vg.outbox disable row level security',
            'set session_replication_role = replica';
    }
    is state_of('vg_stations', 'create table stations.t ()'), $denied, 'not even in its own schema';
    is state_of('vg_stations', 'alter table stations.station add x int'), $denied;
    is state_of('vg_stations', 'drop table stations.station'), $denied;
    isnt state_of('', "set role $_"), '', "vg_gate does not become $_" for 'postgres', 'voltgate';
    isnt state_of('vg_stations', 'select vg.plugin_ground(\'mine\')'), '', 'no plugin grounds another';
    isnt state_of('vg_stations', q{select vg.event_months('2026-01-01', 1)}), '', 'nor makes months';
};

subtest 'no plugin is called as what is ours' => sub {
    for my $name (qw(kit gate auditor relay vg voltgate public information_schema pg_catalog)) {
        ok !eval { $vg->sql('select vg.plugin_ground($1)', $name); 1 }, $name;
        like $@, qr/taken, so no plugin name: $name/;
    }
    my $source = '#include "vg.h"' . "\n" . 'const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = "alike", .version = "1", .about = "None" };';
    my $other  = Voltgate->start(plugins => [], authored => { alike => { 'plugin.c' => $source } });
    $other->stop_gateway;
    for my $old (sort { length $b <=> length $a } glob "$other->{house}/plugins/alike $other->{house}/built/alike* $other->{house}/built/*/alike*") {
        rename $old, $old =~ s{alike([^/]*)\z}{auditor$1}r or die "$old: $!" if -e $old;
    }
    $other->_conf(sub { $_[0] =~ s/voltgate_plugin alike;/voltgate_plugin auditor;/r });
    @{ $other->{opts} }{qw(ready_seconds not_ready)} = (0, 1);
    $other->start_gateway;
    ok $other->wait_for(sub { $other->log =~ /auditor[^\n]*its name is that of a role/ }, 20), 'it is not loaded';
    my $r = $other->get('/ready');
    is $r->{status}, 503, 'so it is not ready';
    like $r->{body}, qr/auditor/, 'because of that';
};

subtest 'the tables of the kit that plugins fill are fenced by rows' => sub {
    my @open = map { $_->{relname} } $vg->rows(q{select relname from pg_catalog.pg_class
        where oid in ('vg.outbox'::regclass, 'vg.answer'::regclass, 'vg.job'::regclass, 'vg.audit'::regclass) and not relrowsecurity});
    is_deeply \@open, [];
    my @theirs = map { $_->{name} } $vg->rows(q{select c.relname as name from pg_catalog.pg_class c
        join pg_catalog.pg_roles r on r.oid = c.relowner where r.rolname like 'vg\_%'});
    is_deeply \@theirs, [], 'no role that the gateway takes on owns a table';
};

$gate->disconnect;

subtest 'two databases of one cluster make the role of one plugin at once' => sub {
    my $other = Voltgate->start;
    my ($mine, $theirs) = map { $_->_connect($_->{owner_url}) } $vg, $other;
    $mine->begin_work;
    $mine->do(q{select vg.plugin_ground('raced')});
    $theirs->do(q{select vg.plugin_ground('raced')}, { pg_async => DBD::Pg::PG_ASYNC() });
    ok $vg->wait_for(sub { $vg->sql('select exists (select from pg_locks where pid = $1 and not granted)', $theirs->{pg_pid}) }, 10),
        'the second waits';
    $mine->commit;
    ok eval { $theirs->pg_result }, 'and has it' or diag $@;
    is $other->sql(q{select count(*) from pg_auth_members m join pg_roles r on r.oid = m.roleid where r.rolname = 'vg_raced'}), 1;
    $_->disconnect for $mine, $theirs;
};

done_testing;
