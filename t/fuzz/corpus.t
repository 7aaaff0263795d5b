# Each target of the fuzzer takes its seeds: inputs of every kind, and those
# that once broke something. `make fuzz` goes on from there.
# Long: all seeds of all targets.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use Test::More;

my $here = dirname(__FILE__);
chdir "$here/../.." or die "$here: $!";

my @targets = sort map { basename($_, '.c') } glob 't/fuzz/*.c';
is system('make', '-s', 'fuzzers'), 0, 'the targets are built';
for my $target (@targets) {
    my @seeds = grep { -f } glob "t/fuzz/$target/*";
    cmp_ok scalar(@seeds), '>=', 3, "$target has seeds";
    my $said = `t/fuzz/run --corpus $target 2>&1`;
    is $?, 0, 'and takes them' or diag $said;
    my ($read) = $said =~ /seed corpus: files: (\d+)/;
    is $read, scalar(@seeds), 'all of them';
}

done_testing;
