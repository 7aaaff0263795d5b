# A short bad day; `make chaos` has longer ones.
# Long: half a minute of disturbances.

use strict;
use warnings;

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

$ENV{CHAOS_SECONDS} ||= 15;
my $out = qx{@{[ abs_path(dirname(__FILE__)) ]}/run 2>&1};
is $?, 0, 'nothing is lost, nothing happens twice' or diag $out;
like $out, qr/^acknowledged [1-9]\d*, published [1-9]\d*, handled .* lost 0, doubled 0, seed \d+$/m, 'and it says so';
diag $out;
done_testing;
