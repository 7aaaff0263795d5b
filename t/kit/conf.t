# What the conf says of plugins: what would be without effect is refused, and a
# secret is a file that not all may read, and gone from memory with its turn.

use strict;
use warnings;
no warnings 'portable';    # addresses

use Test::More;

use Voltgate;
use Voltgate::Conf;

my $key = join '', map { chr(97 + int rand 26) } 1 .. 40;
my ($one, $next) = ("whsec_$key", 'whsec_' . reverse $key);
my $file = "/tmp/voltgate-conf.$$";
open my $out, '>', $file or die "$file: $!";
print {$out} "$one\n";
close $out or die;
chmod 0600, $file;
my $parent = $$;
END { unlink $file if $parent && $$ == $parent }

my $vg = Voltgate->start(extra => { http => "    voltgate_secret billing.other $file;" }, slow => 1);

sub good { my ($lines) = @_; my ($status, $said) = says($vg, $lines); is $status, 0, $lines or diag $said; return }

sub bad {
    my ($lines, $pattern) = @_;
    my ($status, $said) = says($vg, $lines);
    isnt $status, 0, $lines;
    like $said, $pattern;
    unlike $said, qr/s3cret/, 'and it shows nothing of a file';
    return;
}

subtest 'secrets' => sub {
    my $secret = put($vg, 'secret', "s3cret\r\n");
    my $second = put($vg, 'second', "s3cret2\n", 0640);
    good("voltgate_secret billing.stripe $secret;");
    good("voltgate_secret billing.stripe $secret $second;");
    good('voltgate_secret billing.stripe ' . put($vg, 'most', 's' x 1023 . "\n") . ';');
    bad("voltgate_secret billing.stripe $secret $second $secret;", qr/invalid number of arguments/);
    bad("voltgate_secret billing.stripe $secret; voltgate_secret billing.stripe $second;", qr/is there twice/);
    bad("voltgate_secret stripe $secret;", qr/wants plugin\.name/);
    my %wrong = (
        'may be read by all' => put($vg, 'open', "s3cret\n", 0644),
        'more than one line' => put($vg, 'two', "s3cret\ns3cret\n"),
        'is empty'           => put($vg, 'empty', ''),
        'is too large'       => put($vg, 'large', 's3cret' . 's' x 1017 . "\ns3cret\n"),
        'cannot be read'     => $vg->{state},
    );
    bad("voltgate_secret billing.stripe $wrong{$_};", qr/\[emerg\].*\Q$_\E/) for sort keys %wrong;
    bad('voltgate_secret billing.stripe ' . put($vg, 'line', "\n\n") . ';', qr/is empty/);
    bad("voltgate_secret billing.stripe $vg->{state}/none;", qr/cannot be read/);
    bad("voltgate_secret billing.stripe $secret $wrong{'may be read by all'};", qr/may be read by all/);
};

subtest 'settings and plugins' => sub {
    good('voltgate_setting billing.dunning "1d 2d cancel";');
    good('voltgate_setting parking.grace 3;');    # it is off
    bad('voltgate_setting billing.duning "1d 2d cancel";', qr/\[emerg\].*there is no "billing\.duning"/);
    bad('voltgate_setting billing "1d";', qr/wants plugin\.name/);
    bad('voltgate_setting billing.dunning "1d"; voltgate_setting billing.dunning "2d";', qr/is there twice/);
    bad('voltgate_setting accounts.sandbox off;', qr/is there twice/);    # plugins.d has it on, and would win or not by its place
    bad('voltgate_plugin billing;', qr/is there twice/);

    good("voltgate_setting $_;") for 'billing.payment_days 0', 'billing.payment_days 365', 'billing.credit_lifetime 3y',
        'charging.hold_without_tariff "0 EUR"', 'charging.hold_refused go', 'notifications.tries 1';
    my %wrong = (
        'billing.payment_days 366'    => 'is out of range: 0 to 365',
        'billing.payment_days ""'     => 'must be a whole number: 0 to 365',
        'billing.payment_days 1d'     => 'must be a whole number: 0 to 365',
        'charging.hold_refused maybe' => 'is not one of the known values: stop|go',
        'billing.credit_lifetime 0d'  => 'must be forever, or a span',
        'billing.dunning "2d 1d"'     => 'must be spans, each longer',
        'stations.heartbeat_interval 0' => 'is out of range: 1 to 999999',
        'notifications.tries 101'     => 'is out of range: 1 to 100',
        (map { ("charging.hold_without_tariff \"$_\"" => 'must be whole units and a currency') } '25', '2.5 EUR', '25 eur', '25 EURO', '1234567 EUR', ' EUR'),
    );
    bad("voltgate_setting $_;", qr/\[emerg\].*voltgate_setting: "[a-z_.]+" \Q$wrong{$_}\E/) for sort keys %wrong;
};

subtest 'how often is looked' => sub {
    for my $directive (qw(voltgate_events_look voltgate_timer_longest)) {
        good("$directive $_;") for qw(10ms 1h);
        bad("$directive $_;", qr/\[emerg\].*value must be/) for qw(9ms 3601s);
    }
};

# in what a process has of its own
sub has {
    my ($pid, $text) = @_;
    my $found = 0;
    open my $maps, '<', "/proc/$pid/maps" or die "maps of $pid: $!";
    open my $mem,  '<:raw', "/proc/$pid/mem" or die "memory of $pid: $!";
    while (my $line = <$maps>) {
        my ($from, $to) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
        ($from, $to) = map { hex } $from, $to;
        next if $to - $from > 1 << 30;    # the shadow of a sanitizer
        sysseek $mem, $from, 0 or next;
        my $bytes = '';
        next if !sysread $mem, $bytes, $to - $from;
        $found += () = $bytes =~ /\Q$text\E/g;
    }
    return $found;
}

subtest 'a secret that has had its turn is gone' => sub {
    ok has($vg->master, $one), 'the first is there';
    open my $new, '>', $file or die;
    print {$new} "$next\n";
    close $new or die;
    my @before = $vg->workers;
    $vg->reload;
    ok $vg->wait_for(sub { !Voltgate::alive(@before) }, 20), 'those who had it have gone';
    ok has($vg->master, $next), 'the next is there';
    is has($_, $one), 0, 'the first no more' for $vg->master, $vg->workers;
};

done_testing;
