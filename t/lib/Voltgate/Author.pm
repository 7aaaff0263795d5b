package Voltgate::Author;

# Plugins that a test writes, beside ours, in folders of its own:
#
#   my $vg = Voltgate->start(own_cluster => 1, authored => { listener => {
#       'plugin.c'               => $c,
#       'sql/001_seen.sql'       => 'create table listener.seen (id uuid primary key);',
#       'sql/queries/listen.sql' => "with answer(status, body, events) as …",
#   } });
#
# listener($name, %opts) is one that writes down each event of a type.

use strict;
use warnings;

use Exporter       qw(import);
use File::Basename qw(basename dirname);
use File::Path     qw(make_path);

our @EXPORT_OK = qw(listener);

# { root, built }: a house of our plugins and theirs
sub house {
    my ($state, $root, $build, $authored) = @_;

    my $house = "$state/house";
    make_path("$house/plugins", "$house/built");
    symlink "$build/voltgate", "$house/voltgate" or die "$house/voltgate: $!";
    symlink "$root/$_", "$house/$_" or die "$house/$_: $!" for qw(sql lua);
    symlink $_, "$house/plugins/" . basename($_) or die "$_: $!" for grep { -d } glob "$root/plugins/*";
    symlink $_, "$house/built/" . basename($_) or die "$_: $!" for glob "$build/plugins/*.so";
    for my $name (sort keys %$authored) {
        write_plugin($house, $name, $authored->{$name});
        compile($root, $house, $name);
    }
    return $house;
}

sub write_plugin {
    my ($house, $name, $files) = @_;

    for my $file (sort keys %$files) {
        my $path = "$house/plugins/$name/$file";
        make_path(dirname($path));
        open my $out, '>', $path or die "$path: $!";
        print {$out} $files->{$file};
        close $out or die "$path: $!";
    }
    return;
}

sub compile {
    my ($root, $house, $name) = @_;

    return if -e "$house/plugins/$name/plugin.lua";
    system('gcc', '-shared', '-fPIC', '-O1', '-fvisibility=hidden', '-Wl,-Bsymbolic', '-iquote', "$root/nginx-modules/core",
        '-o', "$house/built/$name.so", glob "$house/plugins/$name/*.c") == 0 or die "gcc: $?\n";
    return;
}

# A plugin that takes events of a type, whose payloads have a number n. With
# tells => type it publishes as well: POST /api/v1/NAME { n }.
sub listener {
    my ($name, %opts) = @_;

    my $takes = $opts{takes} // 'test.told.v1';
    my $tells = $opts{tells} ? qq(    { VG_POST, "/$name", NULL, fields, .statement = "tell", .flags = VG_EVERYBODYS, .about = "Tell a number" },\n) : '';
    my $types = $opts{tells} ? qq("$opts{tells}", ) : '';
    my %files = (
        'plugin.c' => <<"END",
#include "vg.h"

static const vg_field_t fields[] = {
    { VG_BODY, "n", VG_INT, VG_REQUIRED, .about = "a number" },
    VG_FIELDS_END
};

static const vg_route_t routes[] = {
    { VG_EVENT, "$takes", NULL, fields, .statement = "hear", .about = "Write it down" },
$tells    VG_ROUTES_END
};

static const char *const publishes[] = { ${types}NULL };

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI, .name = "$name", .version = "1", .about = "a test", .routes = routes, .publishes = publishes,
};
END
        'sql/001_seen.sql' => <<"END",
create table $name.seen (
    event_id uuid        not null,
    n        bigint      not null,
    told_at  timestamptz not null,
    at       timestamptz not null,
    constraint seen_pkey primary key (event_id)
);
END
        'sql/queries/hear.sql' => $opts{hear} // <<"END",
-- in: n
-- out: ok
with heard as (
    insert into $name.seen (event_id, n, told_at, at)
    values (:eventId, :n, :eventTime, clock_timestamp())
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
        'sql/queries/tell.sql' => <<"END",
-- in: n
-- out: ok; tells $types
with answer (status, body, events) as (
    select 'ok', json_build_object('n', :n), jsonb_build_array(jsonb_build_object(
        'type', '@{[ $opts{tells} // '' ]}', 'aggregateId', (:n % 97)::text, 'payload', jsonb_build_object('n', :n)))
)
select * from answer;
END
    );
    delete $files{'sql/queries/tell.sql'} if !$opts{tells};
    $files{"events/$opts{tells}.json"} = <<"END" if $opts{tells};
{
    "title": "$opts{tells}",
    "description": "A number is told",
    "x-audience": "house",
    "type": "object",
    "properties": { "n": { "type": "integer", "description": "the number" } },
    "required": ["n"]
}
END
    return ($name => { %files, %{ $opts{files} || {} } });
}

1;
