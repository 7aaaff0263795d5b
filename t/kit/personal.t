# Whatever may be personal has a line in plugins/README.md: which table, what
# of it an export gives, what erasure does, how long it is kept. Columns are
# found by their names, so that a new table cannot be forgotten.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg = Voltgate->start;

open my $file, '<', "$Voltgate::ROOT/plugins/README.md" or die $!;
my %line;
while (<$file>) {
    $line{$1} = [ split /\s*\|\s*/, $2 ] if /^\| (\w+\.\w+) \| (.*) \|$/;
}
close $file;

# what a person's name, contact, card, car, act or words stand under
my $suspicious = join '|', qw(customer driver user subject caller actor author _by$ person
    id_tag tag_key vehicle plate regnum ^vin$ email phone street billing_address ^address$ ^place$ licence
    payload ^data$ ^body$ ^raw$ ^bytes$ password);

# a column by such a name that is nobody's
my %nobody = map { $_ => 1 } qw(stations.station.street stations.station.place accounts.export_plugin.bytes
    charging.charging_profile.created_by notifications.template.subject);

my %tables;
for my $row ($vg->rows(q{select c.table_schema || '.' || c.table_name as name, c.column_name
    from information_schema.columns c
    join information_schema.tables t using (table_schema, table_name)
    where t.table_type = 'BASE TABLE'
        and c.table_schema !~ '^(pg_|information_schema$)'
        and c.table_name !~ '(_rest|_\d{4}_\d\d)$'})) {
    $tables{ $row->{name} } ||= [];
    push @{ $tables{ $row->{name} } }, $row->{column_name}
        if $row->{column_name} =~ /$suspicious/ && !$nobody{"$row->{name}.$row->{column_name}"};
}

cmp_ok scalar(keys %tables), '>', 40, 'all tables are looked at';
for my $name (sort grep { @{ $tables{$_} } } keys %tables) {
    ok $line{$name}, "$name (@{ $tables{$name} }) stands in plugins/README.md, What is personal";
}
ok $tables{$_}, "$_ of plugins/README.md is there" for sort keys %line;
is scalar(@{ $line{$_} }), 4, "$_ says what, export, erasure and how long" for sort keys %line;

# what is said to be kept so long is a row of the manifest, and so is the other way round
my %kept = map { $_ => 1 } map { /(\w+\.\w+) \d+[hdwy]/ ? $1 : () } map { $_->[3] } values %line;
my %keeps;
for my $path (glob "$Voltgate::ROOT/plugins/*/*.{c,lua}") {
    my ($plugin) = $path =~ m{([^/]+)/[^/]+$};
    open my $in, '<', $path or die $!;
    my ($table) = do { local $/ = undef; <$in> } =~ /\bkeeps(?:\[\])? = \{(.*?)\n\s*\}[;,]/s or next;
    $keeps{"$plugin.$1"} = $2 while $table =~ /\{ (?:table = )?"(\w+)", (?:keep = )?"(\w+)"/g;
}
delete $keeps{'charging.connector_status'};    # nobody's
is_deeply [ sort keys %kept ], [ sort keys %keeps ], 'what is kept for a while';
for my $name (sort keys %keeps) {
    ok +(grep { $_->[3] =~ /\b\Q$name\E \Q$keeps{$name}\E\b/ } values %line), "$name: $keeps{$name}";
}

# who has something that erasure takes answers, and who exports answers
my $api = $vg->get('/openapi.json')->{json};
my %hears = map { $_->{plugin} => 1 } @{ $api->{webhooks}{'customer.erasure_requested.v1'}{post}{'x-consumers'} };
my %has = map { /^(\w+)\./ ? ($1 => 1) : () } grep { $line{$_}[2] !~ /^nobody/ && !/^(vg|accounts)\./ } keys %line;
is_deeply [ sort keys %hears ], [ sort keys %has ], 'plugins with customers\' rows hear of erasures';

my @schemas = map { open my $in, '<', $_ or die $!; local $/ = undef; <$in> }
    glob "$Voltgate::ROOT/plugins/*/events/customer.erased.v1.json";
cmp_ok scalar(@schemas), '>', 1;
is scalar(grep { $_ ne $schemas[0] } @schemas), 0, 'and tell what they did by the same schema';

done_testing;
