package Voltgate::Cli;

# `voltgate` beside a test's gateway, as an operator runs it.
#
#   my ($status, $out) = cli($vg, plugin => 'list');     # both streams

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(cli);

sub cli {
    my ($vg, @arguments) = @_;

    _admin_key($vg);
    my %env = $vg->_environment('voltgate');
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        chdir $Voltgate::ROOT or die "$Voltgate::ROOT: $!";
        %ENV = %env;
        open STDERR, '>&', \*STDOUT or die "dup: $!";
        exec "$vg->{build}/voltgate", @arguments or die "voltgate: $!\n";
    }
    my $out = do { local $/ = undef; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $out);
}

# the file that `make up` makes, with a key of its own
sub _admin_key {
    my ($vg) = @_;

    my $path = "$vg->{state}/admin.key";
    return if -e $path;
    my $key = $vg->post('/api/v1/api-keys', { name => 'cli', role => 'admin' })->{json}{key}
        or die "no key\n";
    open my $file, '>', $path or die "$path: $!";
    print {$file} "$key\n";
    close $file or die "$path: $!";
    return;
}

1;
