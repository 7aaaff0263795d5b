# The schemas of events: what consumers read is what publishers tell; a version
# comes with its schemas, and one that breaks those who hear it stays out.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Cli;
use Voltgate::Variant;

my $vg = Voltgate->start;

sub webhooks { return $vg->get('/openapi.json')->{json}{webhooks} }
sub payload  { return $_[0]{post}{requestBody}{content}{'application/json'}{schema}{properties}{payload} }
sub types    { my ($schema) = @_; return sort ref $schema->{type} ? @{ $schema->{type} } : $schema->{type} // () }

# ------------------------------------------------- consumers and publishers

# what a consumer reads against what is told: lines of what does not fit
sub misread {
    my ($where, $reads, $told) = @_;

    my %required = map { $_ => 1 } @{ $told->{required} || [] };
    my %needs    = map { $_ => 1 } @{ $reads->{required} || [] };
    my @wrong;
    for my $name (sort keys %{ $reads->{properties} || {} }) {
        my ($read, $tell) = ($reads->{properties}{$name}, $told->{properties}{$name});
        my $at = "$where.$name";
        push @wrong, "$at is not told" and next if !$tell;
        push @wrong, "$at is needed, and may be missing" if $needs{$name} && !$required{$name};
        push @wrong, misfit($at, $read, $tell);
    }
    return @wrong;
}

sub misfit {
    my ($at, $read, $tell) = @_;

    my @takes = types($read) or return;    # any JSON
    my %takes = map { $_ => 1 } @takes, (grep { $_ eq 'number' } @takes) ? 'integer' : ();
    my @wrong = map { "$at is $_, and is read as @takes" } grep { !$takes{$_} } types($tell);
    push @wrong, "$at is " . ($tell->{format} // 'any text') . ", and is read as $read->{format}"
        if grep({ $_ eq 'string' } @takes) && ($read->{format} // '') ne '' && $read->{format} ne ($tell->{format} // '');
    if ($read->{enum}) {
        my %known = map { $_ => 1 } @{ $read->{enum} };
        push @wrong, map { "$at may be $_" } grep { !$known{$_} } @{ $tell->{enum} || ['any text'] };
    }
    push @wrong, misread($at, $read, $tell) if $read->{properties};
    push @wrong, $tell->{items} ? misfit("$at\[]", $read->{items}, $tell->{items}) : "$at has items of any kind"
        if $read->{items};
    return @wrong;
}

subtest 'the test of consumers sees what does not fit' => sub {
    my $uuid = { type => 'string', format => 'uuid' };
    my $told = { properties => { id => $uuid, n => { type => [ 'integer', 'null' ] }, text => { type => 'string' },
        list => { type => 'array', items => { type => 'object', properties => { a => $uuid } } } }, required => ['id'] };
    my @cases = (
        [ { id => $uuid }, ['id'] ], [ { n => { type => [ 'number', 'null' ] } }, [] ], [ { text => {} }, [] ],
        [ { gone => $uuid }, [], qr/^x\.gone is not told$/ ],
        [ { text => { type => 'string' } }, ['text'], qr/^x\.text is needed/ ],
        [ { n => { type => 'integer' } }, [], qr/^x\.n is null/ ],
        [ { n => { type => [ 'string', 'null' ] } }, [], qr/^x\.n is integer/ ],
        [ { text => $uuid }, [], qr/^x\.text is any text/ ],
        [ { text => { type => 'string', enum => ['A'] } }, [], qr/^x\.text may be any text$/ ],
        [ { list => { type => 'array', items => { type => 'object', properties => { b => $uuid } } } }, [],
            qr/^x\.list\[\]\.b is not told$/ ],
        [ { list => { type => 'array', items => { type => 'string' } } }, [], qr/^x\.list\[\] is object/ ],
    );
    for my $case (@cases) {
        my ($properties, $required, $says) = @$case;
        my @wrong = misread('x', { properties => $properties, required => $required }, $told);
        $says ? like("@wrong", $says) : is("@wrong", '');
    }
};

# of VG_EVENT in the manifests, whatever macros they are written by; of those in
# Lua as many as they say themselves
my %lua = (notifications => 19, quirks => 0, dynamic_pricing => 8);

sub rows {
    my $count = 0;
    for my $plugin (map { m{([^/]+)\.conf$} } glob "$Voltgate::ROOT/conf/plugins.d/*.conf") {
        $count += $lua{$plugin} // 0;
        next if exists $lua{$plugin};
        open my $pipe, '-|', 'gcc', '-E', '-P', '-iquote', "$Voltgate::ROOT/nginx-modules/core",
            "$Voltgate::ROOT/plugins/$plugin/plugin.c" or die "gcc: $!";
        my $source = do { local $/ = undef; <$pipe> };
        close $pipe or die "gcc: $?";
        $count += () = $source =~ /\{\s*VG_EVENT\s*,/g;
    }
    return $count;
}

subtest 'each consumer reads what is told' => sub {
    my $webhooks = webhooks();
    my $read     = 0;
    for my $type (sort keys %$webhooks) {
        for my $consumer (@{ $webhooks->{$type}{post}{'x-consumers'} }) {
            $read++;
            is_deeply [ misread('', $consumer->{reads}, payload($webhooks->{$type})) ], [], "$consumer->{plugin} $type";
        }
    }
    is $read, rows(), 'as many as the sources have';
    is_deeply $vg->get('/openapi.json')->{json}{'x-untold'}, [], 'and nobody waits for what nobody tells';
};

sub _slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/ = undef;
    return scalar <$file>;
}

subtest 'whose an event is' => sub {
    my $webhooks = webhooks();
    my %house = map { $_ => 1 } qw(charging.local_list.due.v1 reservation.due.v1 reservation.withdrawn.v1
        charging.session.metered.v1 hold.changed.v1 reservation.unpaid.v1
        reservation.lapsed.v1 event.failed.v1 identity.revoked.v1 login.failures.v1 user.registered.v1
        user.roles_changed.v1
        customer.erased.v1);
    for my $type (sort keys %$webhooks) {
        my $properties = payload($webhooks->{$type})->{properties};
        my @owners = grep { $properties->{$_} } qw(operatorId companyId customerId);
        is !!$webhooks->{$type}{post}{'x-audience'}, !!$house{$type}, "$type: " . (join(' ', @owners) || 'the house\'s');
        ok $house{$type} || @owners, 'is somebody\'s';
    }
};

# --------------------------------------------------------------- versions

sub reload  { my ($v) = @_; return cli($vg, plugin => 'reload', 'stations', $v->options) }
sub checked { my ($v) = @_; return cli($vg, plugin => 'check', 'stations', $v->options) }
sub used    { my ($p) = grep { $_->{name} eq 'stations' } @{ $vg->get('/api/v1/plugins')->{json}{items} }; return $p->{hash} }
my $n = 0;
sub variant {
    my $number = ++$n;
    return Voltgate::Variant->new($vg, 'stations', 'plugin.c' => sub { s/(\.version = ")[^"]+/${1}8.$number/ }, @_);
}

# s/// on the members of a station
sub station { my ($edit) = @_; return variant('events/station.json' => $edit) }

my $first = used();
my $more  = '"tier": { "type": ["string", "null"], "description": "how it is rated" },';

subtest 'what a version must not say' => sub {
    my %bad = (
        'a published type without a file' => [ qr/422.*publishes station\.lost\.v1, and has no/,
            'plugin.c' => sub { s/"station\.created\.v1",\n/"station.created.v1", "station.lost.v1",\n/ or die } ],
        'a file of no published type' => [ qr/422.*has events\/station\.lost\.v1\.json, and does not/,
            'events/station.lost.v1.json' => sub { $_ = '{"title":"station.lost.v1","description":"d","type":"object","x-audience":"house"}' } ],
        'a file that is no schema' => [ qr/station\.removed\.v1 cannot be read/, 'events/station.removed.v1.json' => sub { $_ = '{' } ],
        'a part that is not there' => [ qr/station\.created\.v1 has a \$ref/, 'events/station.created.v1.json' => sub { s/station\.json/nothing.json/ } ],
        'one that is nobody\'s' => [ qr/station\.removed\.v1 has neither operatorId/, 'events/station.removed.v1.json' => sub { s/operatorId/opId/g } ],
    );
    for my $name (sort keys %bad) {
        my ($says, @edits) = @{ $bad{$name} };
        my ($status, $out) = reload(variant(@edits));
        is $status, 1, $name;
        like $out, $says;
    }
    is used(), $first, 'the old one serves on';
};

subtest 'a type gains an optional member' => sub {
    my $v = station(sub { s/("name":)/$more\n$1/ });
    is((checked($v))[0], 0, 'is fine');
    my ($status, $out) = reload($v);
    is $status, 0, $out;
    ok payload(webhooks()->{'station.updated.v1'})->{properties}{tier}, 'and is described with its version';
    ($status, $out) = reload(variant());
    is $status, 1, 'it does not lose it again';
    like $out, qr/event station\.created\.v1 member tier is gone/;
    ($status, $out) = cli($vg, plugin => 'reload', 'stations', '--hash', $first);
    is $status, 0, 'but the version before may be gone back to' or diag $out;
    ok !payload(webhooks()->{'station.updated.v1'})->{properties}{tier}, 'as it was';
};

subtest 'what breaks those who hear it' => sub {
    my %bad = (
        'a member is gone'     => [ qr/station\.created\.v1 member country is gone/, sub { s/"country": \{.*\},\n//; s/"country", // } ],
        'one is of a new type' => [ qr/member connectors\[\]\.maxPowerKw has another type/, sub { s/("maxPowerKw": \{ "type": )"number"/$1"string"/ } ],
        'one may be missing'   => [ qr/member timeZone was required/, sub { s/, "timeZone", /, / } ],
        'a new one is needed'  => [ qr/member tier is new, and required/, sub { s/("name":)/"tier": { "type": "string" }, $1/; s/"name", /"tier", $&/ } ],
    );
    for my $name (sort keys %bad) {
        my ($says, $edit) = @{ $bad{$name} };
        my $v = station($edit);
        for ([ 'check', checked($v) ], [ 'reload', reload($v) ]) {
            my ($what, $status, $out) = @$_;
            is $status, 1, "$name: $what";
            like $out, $says;
        }
    }
    is used(), $first;
};

# a version that came there without the command line
subtest 'the gateway itself looks as well' => sub {
    my $hash = '0123456789abcdef';
    my ($installed) = _slurp("$vg->{state}/conf/nginx.conf") =~ /^ *voltgate_plugins_installed "?([^";]+)/m or die;
    my $copy = "$installed/stations.$hash";
    system('cp', '-r', "$installed/stations.$first", $copy) == 0 or die;
    my $path = "$copy/events/station.json";
    my $text = _slurp($path) =~ s/"format": "uuid", //r;
    open my $file, '>', $path or die "$path: $!";
    print {$file} $text;
    close $file or die;
    my $r = $vg->post('/api/v1/plugins/stations/reload', { hash => $hash });
    is $r->{status}, 422;
    is $r->{json}{why}, 'event station.created.v1 member stationId has another format or bound';
    is used(), $first;
};

# ---------------------------------------------- against what was published

subtest 'what our plugins published stands' => sub {
    my ($status, $out) = cli($vg, schema => 'check', map { glob "$Voltgate::ROOT/$_/*/events" } qw(plugins nginx-modules));
    is $status, 0, 'as `make publish` wrote it down' or diag $out;
};

subtest 'what was published is written down' => sub {
    my $folder = "$vg->{state}/events";
    mkdir $folder or die;
    my $put = sub {
        my ($properties, $required) = @_;
        open my $file, '>', "$folder/a.b.v1.json" or die;
        print {$file} JSON::PP::encode_json({ title => 'a.b.v1', description => 'd', type => 'object', 'x-audience' => 'house',
            properties => $properties, required => $required });
        close $file or die;
    };
    my $text = { type => 'string' };
    $put->({ a => $text }, ['a']);
    my $schema = sub { return cli($vg, schema => $_[0], $folder) };
    my ($status, $out) = $schema->('check');
    is $status, 1, 'not yet';
    like $out, qr/not in it yet: a\.b\.v1/;
    is(($schema->('publish'))[0], 0, 'now');
    is(($schema->('check'))[0], 0, 'it is as it was');
    $put->({ a => $text, b => $text }, ['a']);
    ($status, $out) = $schema->('check');
    is $status, 1, 'one that came since is not in it';
    like $out, qr/a\.b\.v1 member b is gone/;
    is(($schema->('publish'))[0], 0, 'and is put there');
    is(($schema->('check'))[0], 0);
    my $before = _slurp("$folder/published");
    $put->({ b => $text }, []);
    for my $verb (qw(check publish)) {
        ($status, $out) = $schema->($verb);
        is $status, 1, "what is gone is no $verb";
        like $out, qr/a\.b\.v1 member a is gone; a type only gains/;
    }
    is _slurp("$folder/published"), $before, 'and changes nothing';
    unlink "$folder/a.b.v1.json";
    is(($schema->('publish'))[0], 1, 'nor does a type go');
    is((cli($vg, schema => 'lose', $folder))[0], 2, 'there is no other verb');
};

done_testing;
