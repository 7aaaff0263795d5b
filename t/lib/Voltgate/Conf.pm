package Voltgate::Conf;

# What `nginx -t` says of a conf, and files that it names.
#
#   my $file = put($vg, 'secret', "s3cret\n", 0600);    # in the gateway's state folder
#   my ($status, $out, $line) = says($vg, $lines);      # the conf with these lines in http, the first on $line

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(put says);

sub put {
    my ($vg, $name, $text, $mode) = @_;

    open my $file, '>', "$vg->{state}/$name" or die "$name: $!";
    print {$file} $text;
    close $file or die "$name: $!";
    chmod $mode // 0600, "$vg->{state}/$name";
    return "$vg->{state}/$name";
}

sub says {
    my ($vg, $lines) = @_;

    open my $in, '<', "$vg->{state}/conf/nginx.conf" or die $!;
    my $conf = do { local $/ = undef; <$in> };
    $conf =~ s/\A.*?^(http \{\n)//ms or die 'no http';
    my $before = $&;
    my $path = put($vg, 'try.conf', "$before$lines\n$conf");
    my ($binary) = map { readlink "/proc/$_/exe" } $vg->master;
    my $preload = $ENV{VG_PRELOAD} ? "LD_PRELOAD=$ENV{VG_PRELOAD}" : '';
    my $out = `$preload $binary -t -c $path 2>&1`;
    return ($?, $out, 1 + ($before =~ tr/\n//));
}

1;
