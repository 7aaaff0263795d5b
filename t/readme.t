# What the READMEs promise: the charge of the first one, as it is printed, and
# that they name the files that there are.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use File::Spec;
use JSON::PP ();
use Test::More;

use Voltgate;

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/ = undef;
    return <$file>;
}

my $root    = $Voltgate::ROOT;
my @readmes = grep { -f } map { glob "$root/$_" }
    qw(README.md CONTRIBUTING.md */README.md nginx-modules/*/README.md plugins/*/README.md);

subtest 'links lead somewhere' => sub {
    for my $readme (@readmes) {
        for my $link (slurp($readme) =~ /\]\((?!https?:)([^)#]+)/g) {
            ok -e File::Spec->catfile(dirname($readme), $link), "$readme: $link";
        }
    }
};

subtest 'a room\'s README names all of its files, and no others' => sub {
    for my $room (glob "$root/nginx-modules/* $root/cli") {
        my $text  = slurp("$room/README.md");
        my %named = map { $_ => 1 } map { /`([\w.]+\.(?:c|h|def))`/g } $text =~ /^\|(.*?)\|/mg;
        my %there = map { basename($_) => 1 } glob "$room/*.[ch] $room/*.def";
        is_deeply [ grep { !$there{$_} } sort keys %named ], [], "$room: each is there";
        is_deeply [ grep { /[.]c$/ && !$named{$_} } sort keys %there ], [], "$room: each is named";
    }
};

subtest 'that of the conf names each directive, and no others' => sub {
    my %named = map { $_ => 1 } map { /`(voltgate\w*)`/g } map { /^\|([^|]*)\|/ } split /\n/, slurp("$root/conf/README.md");
    my %there = map { $_ => 1 } map { slurp($_) =~ /ngx_string\("(voltgate\w*)"\),\s*NGX_/g } glob "$root/nginx-modules/*/*.c";
    is_deeply [ sort keys %named ], [ sort keys %there ];
};

subtest 'that of the tests names what they have, and the rules say each thing to make' => sub {
    my $text  = slurp("$root/t/README.md");
    my @there = map { s{^\Q$root\E/}{}r } glob "$root/t/*.t $root/t/lib/Voltgate.pm";
    push @there, map { s{^\Q$root\E/}{}r . '/' } grep { -d && !m{/lib$} } glob "$root/t/*";
    push @there, map { s{^\Q$root\E/t/lib/Voltgate/}{}r } glob "$root/t/lib/Voltgate/*.pm";
    is_deeply [ grep { $text !~ m{[`/]\Q$_\E|`t/lib/Voltgate/\Q$_\E} } @there ], [], 'each file of all, each folder';
    my $rules = slurp("$root/CONTRIBUTING.md") . slurp("$root/README.md");
    my @made  = slurp("$root/Makefile") =~ /^([a-z]+):.*##/mg;
    is_deeply [ grep { $rules !~ /`make \Q$_\E\b/ } @made ], [], 'each thing to make';
};

subtest 'the first README has a line for each folder that has a README' => sub {
    my $text = slurp("$root/README.md");
    for my $readme (grep { dirname($_) ne $root } @readmes) {
        my $path = File::Spec->abs2rel($readme, $root);
        like $text, qr/\Q($path)\E/, $path;
    }
};

my $vg    = Voltgate->start;
my $state = $vg->{state};

# what `make up` leaves behind for those who call
sub write_state {
    my ($name, $text) = @_;
    open my $file, '>', "$state/$name" or die "$state/$name: $!\n";
    print {$file} $text;
    close $file or die "$state/$name: $!\n";
    return;
}

write_state('env', "export VG_STATE='$state' VG_PORT='" . $vg->port . "' DATABASE_OWNER_URL='$vg->{owner_url}'\n");
write_state('admin.key', $vg->post('/api/v1/api-keys', { name => 'admin', role => 'admin' })->{json}{key});

my ($charge, $callers, $money, $events, $audit) = map { slurp("$root/README.md") =~ /^## $_.*?^```sh\n(.*?)^```$/ms }
    'A charge', 'Who may call', 'Money', 'Events, as', 'Who did what';

# what these lines print, in the shell of the charge, at whose end they are
sub printed {
    my ($lines) = @_;

    my ($known) = $charge =~ /^(api=.*?\n\n)/ms;
    my $rest = 'station=$(vg "$api/stations" | field id) session=$(vg "$api/charging/sessions" | field id)';
    my $all  = ". '$state/env'\nset -e\n$known$rest\n$lines" =~ s{build/voltgate}{$vg->{build}/voltgate}gr;
    open my $pipe, '-|', 'timeout', 50, 'bash', '-c', "exec 2>&1; cd '$root'; $all" or die $!;
    my $out = do { local $/ = undef; <$pipe> };
    ok close $pipe, 'all of them end' or diag $out;
    return $out;
}

subtest 'a charge, line by line, as it is printed' => sub {
    my $lines = $charge;
    ok $lines, 'there are lines';

    # the state folder and what was built are this run's
    is $lines =~ s{^[.] \.voltgate/env$}{. '$state/env'}m, 1, 'the first one reads env';
    is $lines =~ s{^build/voltgate simulate}{'$vg->{build}/voltgate' simulate}m, 1, 'one simulates';
    # a tariff reaches charging by an event: hands are slow enough for it,
    # this is not
    is $lines =~ s{^(?=# a card)}{until [ -e '$state/heard' ]; do sleep 0.05; done\n}m, 1, 'one makes a card';

    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die $!;
        chdir $root or die $!;
        exec 'timeout', 50, 'bash', '-c', $lines or die $!;
    }
    ok $vg->wait_for(sub {
        $vg->sql(q{select count(*) from charging.tariff}) == 1
            && $vg->sql(q{select count(*) from charging.connector where charge_point_id = 'KIEL-1'}) == 1;
    }, 15), 'charging has heard of station and tariff';
    write_state('heard', '');

    my $out = do { local $/ = undef; <$pipe> };
    ok close $pipe, 'all of them end' or diag $out;
    like $out, qr/"hasPassword" ?: ?true/, 'a password is set';
    like $out, qr/"currency" ?: ?"EUR"/, 'so is a price';
    like $out, qr/"idTag" ?: ?"CARD-1"/, 'there is a card';
    like $out, qr/ errors=0$/m, 'the charger has no complaint';
    my ($invoice) = $out =~ /^(\{"items".*INV-.*)$/m;
    ok $invoice, 'an invoice comes' or diag $out;

    # 1,100 Wh at 0.49 are 0.539, and 1 for the session: 1.54, and 19 % of it
    my ($one) = @{ JSON::PP->new->decode($invoice // '{"items":[{}]}')->{items} };
    is sprintf('%.2f', $one->{net}), '1.54', 'net';
    is sprintf('%.2f', $one->{tax}), '0.29', 'tax';
    is sprintf('%.2f', $one->{total}), '1.83', 'total';
};

subtest 'who may call, line by line, as it is printed' => sub {
    my $out = printed($callers);
    like $out, qr/"access_token" ?: ?"/, 'who logs in has a token';
    like $out, qr/"quota" ?: ?1000\b/, 'the key is limited';
    is $vg->sql('select count(*) from accounts.api_key where revoked_at is not null'), 1, 'and revoked';
};

subtest 'money, line by line, as it is printed' => sub {
    my $out = printed($money);
    like $out, qr/"status" ?: ?"ACTIVE"/, 'a subscription is paid and active';
    like $out, qr/"status" ?: ?"CAPTURED"/, 'a payment too';
    like $out, qr/REFUND/, 'and given back in part';
    like slurp("$state/invoice.pdf"), qr/^%PDF-/, 'the invoice is on paper';
};

subtest 'who did what, line by line, as it is printed' => sub {
    my $out = printed($audit);
    like $out, qr{"route" ?: ?"POST /stations"}, 'the station was made';
    like $out, qr/^\d+ seals, \d+ rows: as they were sealed$/m, 'and the trail is whole';
};

subtest 'events, line by line, as it is printed' => sub {
    my $out = printed($events);
    like $out, qr/^data:\{.*"station\.created\.v1"/m, 'a partner hears of the station';
    like $out, qr/"consumer" ?: ?"billing"/, 'consumers are listed';
    like $out, qr/"paused" ?: ?true.*"paused" ?: ?false/s, 'one rests and goes on';
    like $out, qr/"replays":\[\{"id"/, 'a replay begins';
};

done_testing;
