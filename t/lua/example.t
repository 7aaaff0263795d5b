# What the example does in C, the example does in Lua: the same statements and
# events, and the same test over both.

use strict;
use warnings;

use File::Find qw(find);
use Test::More;

use Voltgate;

# all of a plugin's folder but its tests, as Voltgate::Author takes it
sub files_of {
    my ($folder) = @_;
    my %files;
    find({ no_chdir => 1, wanted => sub {
        return if !-f || m{/t/|README|/\.};
        open my $file, '<', $_ or die "$_: $!";
        local $/ = undef;
        $files{ substr $_, 1 + length $folder } = <$file>;
    } }, $folder);
    return \%files;
}

my %kinds = map { $_ => files_of("$Voltgate::ROOT/plugins/example-$_") } qw(c lua);
is_deeply [ grep { !/^plugin\./ } sort keys %{ $kinds{lua} } ], [ grep { !/^plugin\./ } sort keys %{ $kinds{c} } ], 'both have the same files';
is $kinds{lua}{$_}, $kinds{c}{$_}, "$_ is the same" for grep { !/^plugin\./ } sort keys %{ $kinds{c} };

my %openapi;
for my $kind (sort keys %kinds) {
    subtest $kind => sub {
        my $vg  = Voltgate->start(own_cluster => 1, authored => { example => $kinds{$kind} });
        my $api = '/api/v1/example';
        my %as  = map { $_ => { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $_) } } qw(ann ben);

        my $note = $vg->post($api, { text => 'oil the gate' }, { %{ $as{ann} }, 'Idempotency-Key' => 'once' });
        is $note->{status}, 201, 'a note is kept' or diag $note->{content} // '', $vg->log;
        is $note->{json}{text}, 'oil the gate';
        is_deeply $vg->post($api, { text => 'oil the gate' }, { %{ $as{ann} }, 'Idempotency-Key' => 'once' })->{json}, $note->{json}, 'once';
        is_deeply $vg->get("$api/$note->{json}{id}", $as{ann})->{json}, $note->{json}, 'it is found again';
        is_deeply $vg->get($api, $as{ann})->{json}{items}, [ $note->{json} ], 'and listed';
        is $vg->get("$api/$note->{json}{id}", $as{ben})->{status}, 404, 'by who wrote it alone';
        is_deeply $vg->get($api, $as{ben})->{json}{items}, [];
        my $empty = $vg->post($api, { text => '' }, $as{ann});
        is $empty->{status}, 400;
        ok $empty->{json}{errors}{text}, 'what is wrong is said';
        ok $vg->wait_for(sub {
            $vg->sql(q{select payload->>'noteId' from vg.event where type = 'example.created.v1'}) eq $note->{json}{id};
        }), 'and it was told';
        my $doc = $vg->get('/openapi.json')->{json};
        $openapi{$kind} = { map { $_ => $doc->{paths}{$_} } grep { /example/ } keys %{ $doc->{paths} } };
        my ($plugin) = grep { $_->{name} eq 'example' } @{ $vg->get('/api/v1/plugins')->{json}{items} };
        is $plugin->{state}, 'ready';
        is $plugin->{language}, $kind eq 'lua' ? 'Lua' : undef;
        $vg->finish;
    };
}
is_deeply $openapi{lua}, $openapi{c}, 'and OpenAPI describes it alike';
ok %{ $openapi{c} };

# who wants no Lua loads none of it: its plugins are out, and say why
my $none = Voltgate->start(own_cluster => 1, plugins => ['accounts']);
my $conf = "$none->{state}/conf/nginx.conf";
my $text = do { open my $file, '<', $conf or die "$conf: $!"; local $/ = undef; <$file> };
mkdir "$none->{state}/sources" or die $!;
system('cp', '-r', "$Voltgate::ROOT/plugins/example-lua", "$none->{state}/sources/example") == 0 or die 'cp';
$text =~ s/^load_module .*lua_module.*\n//m;
$text =~ s/voltgate_plugins_root [^;]+/voltgate_plugins_root $none->{state}\/sources/;
$text =~ s/^(\s*)include .*plugins\.d.*$/$1voltgate_plugin example;/m or $text =~ s/voltgate_plugin accounts;/voltgate_plugin example;/;
open my $out, '>', "$conf.none" or die $!;
print {$out} $text;
close $out or die $!;
my $said = `LD_PRELOAD=@{[ $ENV{VG_PRELOAD} // '' ]} /usr/sbin/nginx -t -e stderr -c $conf.none 2>&1`;
like $said, qr/plugin example is out: it is Lua, and ngx_http_voltgate_lua_module is not loaded/, 'without the module';
like $said, qr/test is successful/, 'and the gateway starts';

done_testing;
