# `voltgate migrate`, as an operator runs it: each file once, in order, whole or
# not at all; what is wrong is named, and the others go on.

use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use Voltgate;
use Voltgate::Cli;

my $vg   = Voltgate->start(own_cluster => 1);
my $root = "$vg->{state}/house";

sub file {
    my ($path, $text) = @_;
    make_path("$root/$path" =~ s{/[^/]+$}{}r);
    open my $out, '>', "$root/$path" or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    return;
}

sub migrate { return cli($vg, 'migrate', '--root', $root, @_) }

sub there { return $vg->sql('select to_regclass($1) is not null', $_[0]) }

make_path($root);
symlink "$Voltgate::ROOT/sql", "$root/sql" or die $!;
for my $name (qw(large small)) {
    file("conf/plugins.d/$name.conf", "voltgate_plugin $name;\n");
    file("plugins/$name/sql/001_first.sql", "create table $name.first (id int);\n");
}

subtest 'those of conf/plugins.d, each file once' => sub {
    my ($status, $out) = migrate();
    is $status, 0 or diag $out;
    is $out, "large 001_first.sql applied\nsmall 001_first.sql applied\n";
    ok there('large.first') && there('small.first'), 'their tables are there';
    is_deeply [ migrate() ], [ 0, '' ], 'nothing is left to do';
    is $vg->sql(q{select pg_has_role('vg_gate', 'vg_large', 'member')}), 1, 'the gateway may act for it';
};

subtest 'a plugin that there is not' => sub {
    for my $name (qw(lrge Large large/x)) {
        my ($status, $out) = migrate($name);
        is $status, 1, $name;
        like $out, qr/^voltgate: (?:there is no plugin lrge: no plugins\/lrge|not a plugin's name: $name)/, 'is named';
    }
    is $vg->sql(q{select count(*) from pg_roles where rolname = 'vg_lrge'}), 0, 'and has no role';
    is $vg->sql(q{select count(*) from pg_namespace where nspname = 'lrge'}), 0, 'nor a schema';
};

subtest 'a file that fails leaves nothing behind' => sub {
    file('plugins/large/sql/002_second.sql', "create table large.second (id int);\nselect nothing;\n");
    file('plugins/large/sql/003_third.sql', "create table large.third (id int);\n");
    file('plugins/small/sql/002_second.sql', "create table small.second (id int);\n");
    my ($status, $out) = migrate();
    is $status, 1;
    like $out, qr{^voltgate: plugins/large/sql/002_second.sql: failed$}m, 'it is named';
    ok !there('large.second'), 'none of it';
    ok !there('large.third'), 'nor what comes behind it';
    ok there('small.second'), 'others go on';
    file('plugins/large/sql/002_second.sql', "create table large.second (id int);\n");
    is_deeply [ migrate('large') ], [ 0, "large 002_second.sql applied\nlarge 003_third.sql applied\n" ], 'it is mended';
    file('plugins/large/sql/004_end.sql', "select 1;\ncommit;\n");
    ($status, $out) = migrate('large');
    is $status, 1;
    like $out, qr/004_end.sql: ends the transaction that it is part of/;
    unlink "$root/plugins/large/sql/004_end.sql" or die $!;
};

subtest 'a file that was changed' => sub {
    file('plugins/large/sql/001_first.sql', "create table large.first (id bigint);\n");
    file('plugins/large/sql/005_more.sql', "create table large.more (id int);\n");
    file('plugins/small/sql/003_more.sql', "create table small.more (id int);\n");
    my ($status, $out) = migrate();
    is $status, 1;
    like $out, qr/^voltgate: large: 001_first.sql was changed after it was applied$/m, 'is named';
    ok !there('large.more'), 'its plugin goes no further';
    ok there('small.more'), 'others do';
    file('plugins/large/sql/001_first.sql', "create table large.first (id int);\n");
};

subtest 'noted alone' => sub {
    my ($status, $out) = migrate('--baseline', 'large');
    is_deeply [ $status, $out ], [ 0, "large 005_more.sql noted\n" ];
    ok !there('large.more'), 'not run';
    is_deeply [ migrate('large') ], [ 0, '' ], 'nor by the next';
};

subtest 'one at a time, and nobody waits for a table behind it' => sub {
    file('plugins/small/sql/004_wide.sql', "alter table small.first add column wide int;\nselect pg_sleep(1);\n");
    $vg->sql('insert into small.first values (1)');
    my $held = $vg->dbh->clone;
    $held->begin_work;
    $held->do('select from small.first');
    my @pipes = map {
        my $pid = open(my $pipe, '-|') // die "fork: $!";
        if (!$pid) {
            $held->{AutoInactiveDestroy} = 1;
            my ($status, $out) = migrate('small');
            syswrite STDOUT, "$status $out";
            require POSIX;
            POSIX::_exit(0);
        }
        $pipe;
    } 1 .. 2;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from pg_locks where not granted and locktype = $1', 'relation') }, 10),
        'it wants the table';
    is $vg->sql('select count(*) from small.first'), 1, 'who reads it gets in between' for 1 .. 3;
    $held->rollback;
    $held->disconnect;
    is_deeply [ sort map { local $/ = undef; scalar <$_> } @pipes ], [ '0 ', "0 small 004_wide.sql applied\n" ], 'one of two has done it';
};

subtest 'whose database' => sub {
    local $vg->{opts}{env} = { DATABASE_OWNER_URL => '' };
    is_deeply [ migrate() ], [ 1, "voltgate: DATABASE_OWNER_URL is not set\n" ];
    $vg->{opts}{env} = { DATABASE_OWNER_URL => 'host=/nowhere dbname=x' };
    is((migrate())[0], 1, 'nobody is there');
};

done_testing;
