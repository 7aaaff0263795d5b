# What plugins count of themselves, in C and in Lua, stands in /metrics: of all
# workers, over a swap, and with no value that the manifest does not have.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Author;
use Voltgate::Cli;
use Voltgate::Worker;

my $once = '{ "calls", .about = "calls that came" }';
my $kind = '{ "kinds", "kind", "LARGE|small.1", "calls by kind" }';

sub c_files {
    my ($name, @counters) = @_;
    my $rows = join ",\n    ", @counters, '{ 0 }';
    return {
        'plugin.c' => <<"END",
#include "vg.h"

static const vg_field_t fields[] = {
    { VG_BODY, "name", VG_TEXT, VG_REQUIRED, .about = "of a counter" },
    { VG_BODY, "value", VG_TEXT, .about = "of its label" },
    { VG_BODY, "more", VG_INT, VG_REQUIRED, .about = "so many" },
    VG_FIELDS_END
};

static vg_rc_t
count(vg_call_t *call)
{
    const vg_json_t *value = vg_get(call, "value");
    int64_t          more = 0;
    const char      *p = vg_get(call, "more")->text.data;

    while (*p >= '0' && *p <= '9') {
        more = 10 * more + *p++ - '0';
    }
    return vg_reply(call, vg_count(call, vg_str_copy(vg_pool(call), vg_get(call, "name")->text).data,
                                   value ? vg_str_copy(vg_pool(call), value->text).data : NULL, (uint64_t) more)
                              ? VG_STR("{\\"counted\\":true}") : VG_STR("{\\"counted\\":false}"));
}

static const vg_route_t routes[] = {
    { VG_POST, "/$name", NULL, fields, .check = count, .flags = VG_EVERYBODYS, .about = "Count" },
    VG_ROUTES_END
};

static const vg_counter_t counters[] = {
    $rows
};

const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = "$name", .version = "1", .about = "x", .routes = routes, .counters = counters };
END
        "sql/001_$name.sql" => "create table $name.none (n int not null);\n",
    };
}

sub lua_files {
    my ($counters) = @_;
    return {
        'plugin.lua' => <<"END",
return {
    abi = 9, name = "abacus", version = "1", about = "x",
    routes = {
        { "POST", "/abacus", everybodys = true, about = "Count", fields = { { "body", "args", "array", item = { "any" }, max = 3 } }, check = function(call)
              local a = call.values.args
              local ok, why = pcall(call.count, call, a[1], a[2] ~= null and a[2] or nil, a[3])
              return { counted = ok, why = why }
          end },
    },
    counters = { $counters },
}
END
        'sql/001_none.sql' => "create table abacus.none (n int not null);\n",
    };
}

my $vg = Voltgate->start(own_cluster => 1, authored => { teller => c_files('teller', $once, $kind),
    abacus => lua_files('{ name = "beads", about = "beads that were moved" }, { name = "rods", label = "rod", values = "1|10", about = "by rod" }') });
$vg->expect(qr/there is no counter/);

sub lines { my ($plugin) = @_; return grep { /voltgate_${plugin}_/ } split /\n/, $vg->get('/metrics')->{body} }

sub count {
    my ($name, $value, $more) = @_;
    return $vg->post('/api/v1/teller', { name => $name, defined $value ? (value => $value) : (), more => $more // 1 })->{json}{counted};
}

subtest 'in C' => sub {
    is_deeply [ lines('teller') ], [
        '# HELP voltgate_teller_calls_total calls that came', '# TYPE voltgate_teller_calls_total counter', 'voltgate_teller_calls_total 0',
        '# HELP voltgate_teller_kinds_total calls by kind',   '# TYPE voltgate_teller_kinds_total counter',
        'voltgate_teller_kinds_total{kind="LARGE"} 0',        'voltgate_teller_kinds_total{kind="small.1"} 0' ], 'all of them, from the beginning';
    my ($one, $other) = $vg->workers;
    for ([ $one, 1 ], [ $other, 40 ]) {
        my ($pid, $more) = @$_;
        Voltgate::Worker->only($vg, $pid, sub { delete $vg->{client}; ok count('calls', undef, $more), "$more more" });
    }
    ok count('kinds', 'small.1', 3);
    is_deeply [ grep { !/^#/ } lines('teller') ], [ 'voltgate_teller_calls_total 41', 'voltgate_teller_kinds_total{kind="LARGE"} 0',
        'voltgate_teller_kinds_total{kind="small.1"} 3' ], 'of both workers';
    ok !count(@$_), 'not ' . join ' of ', map { $_ // 'none' } @$_ for [ 'coins', undef ], [ 'calls', 'LARGE' ], [ 'kinds', undef ],
        [ 'kinds', 'SMALL' ], [ 'kinds', '' ], [ 'kinds', 'LARGE|small.1' ];
    like $vg->log, qr/there is no counter kinds of SMALL/, 'which the log says';
};

subtest 'in Lua' => sub {
    my $moved = sub { return $vg->post('/api/v1/abacus', { args => [@_] })->{json} };
    ok $moved->(@$_)->{counted} for ['beads'], [ 'beads', undef, 5 ], [ rods => '10' ];
    is_deeply [ grep { !/^#/ } lines('abacus') ], [ 'voltgate_abacus_beads_total 6', 'voltgate_abacus_rods_total{rod="1"} 0', 'voltgate_abacus_rods_total{rod="10"} 1' ];
    like $moved->('coins')->{why}, qr/there is no counter coins/, 'what is none is an error';
    like $moved->('rods', '100')->{why}, qr/there is no counter rods of 100/;
    like $moved->('beads', undef, $_)->{why}, qr/a counter grows by whole numbers/, "not by $_" for -1, 0.5;
};

sub reload {
    my ($plugin, $files) = @_;
    my $other = "$vg->{state}/other." . ++$vg->{others};
    Voltgate::Author::write_plugin($other, $plugin, $files);
    mkdir "$other/built" or die "$other/built: $!";
    Voltgate::Author::compile($Voltgate::ROOT, $other, $plugin);
    return cli($vg, plugin => 'reload', $plugin, '--built', "$other/built", '--sources', "$other/plugins");
}

subtest 'over a swap' => sub {
    my ($status, $out) = reload(teller => c_files('teller', '{ "more", .about = "new" }', $once));
    is $status, 0 or diag $out;
    ok $vg->wait_for(sub { count('more', undef, 2) }), 'a new one counts';
    my @lines = grep { !/^#/ } lines('teller');
    is pop @lines, 'voltgate_teller_calls_total 41', 'what goes on goes on';
    like "@lines", qr/^voltgate_teller_more_total [1-9]\d*$/, 'and what is gone is not shown';
    ($status, $out) = reload(teller => c_files('teller', $once, $kind));
    is $status, 0 or diag $out;
    ok $vg->wait_for(sub { join("\n", lines('teller')) =~ /small.1"\} 3$/ }), 'until it is there again';
};

subtest 'over a worker that died' => sub {
    my ($one) = $vg->workers;
    kill KILL => $one;
    $vg->expect(qr/exited on signal 9/);
    ok $vg->wait_for(sub { my @now = $vg->workers; @now == 2 && !grep { $_ == $one } @now });
    delete $vg->{client};
    is((grep { /calls_total \d/ } lines('teller'))[0], 'voltgate_teller_calls_total 41');
};

# [ what is said, the row in C ]
my @wrong = (
    [ 'counter Calls: its name is in snake_case, of at most 40 characters',           '{ "Calls", .about = "x" }' ],
    [ 'counter 1st: its name is in snake_case, of at most 40 characters',             '{ "1st", .about = "x" }' ],
    [ 'counter : its name is in snake_case, of at most 40 characters',                '{ "", .about = "x" }' ],
    [ "counter @{[ 'x' x 41 ]}: its name is in snake_case, of at most 40 characters", "{ \"@{[ 'x' x 41 ]}\", .about = \"x\" }" ],
    [ 'counter a: it says in one line what it is about',                              '{ "a" }' ],
    [ 'counter a: it says in one line what it is about',                              '{ "a", .about = "x\ny" }' ],
    [ 'counter a: it has label and values, or neither',                               '{ "a", "b", NULL, "x" }' ],
    [ 'counter a: it has label and values, or neither',                               '{ "a", NULL, "b", "x" }' ],
    [ 'counter a: it has label and values, or neither',                               '{ "a", "b c", "b", "x" }' ],
    [ q(counter a: a value is a word of letters, digits, '_', '.' and '-'),           '{ "a", "b", "", "x" }' ],
    [ q(counter a: a value is a word of letters, digits, '_', '.' and '-'),           '{ "a", "b", "one||two", "x" }' ],
    [ q(counter a: a value is a word of letters, digits, '_', '.' and '-'),           '{ "a", "b", "a\"b", "x" }' ],
    [ 'counter a: a value is there twice',                                            '{ "a", "b", "one|two|one", "x" }' ],
    [ 'counter a: a plugin has at most 64, each value one', '{ "a", "b", "' . join('|', map { "v$_" } 1 .. 65) . '", "x" }' ],
    [ 'counter a is there twice', '{ "a", .about = "x" }, { "a", .about = "y" }' ],
);

subtest 'what cannot be' => sub {
    for my $case (@wrong) {
        my ($status, $out) = reload(teller => c_files('teller', $case->[1]));
        is $status, 1, $case->[1];
        like $out, qr/\Q$case->[0]\E$/m, 'and it is told';
    }
    for ([ '{ name = "a" }' => qr/about/ ], [ '{ name = "a", about = "x", kind = 1 }' => qr/counters\[1\].*kind is not known/ ],
        [ '{ name = "A", about = "x" }' => qr/counter A: its name is in snake_case/ ]) {
        my ($status, $out) = reload(abacus => lua_files($_->[0]));
        is $status, 1, $_->[0];
        like $out, $_->[1], 'and it is told';
    }
    is((grep { /calls_total \d/ } lines('teller'))[0], 'voltgate_teller_calls_total 41', 'all is as it was');
};

done_testing;
