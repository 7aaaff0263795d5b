# A short bad day for money; `make chaos` has longer ones.
# Long: half a minute of disturbances.

use strict;
use warnings;

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

$ENV{CHAOS_SESSIONS} ||= 40;
my $out = qx{@{[ abs_path(dirname(__FILE__)) ]}/money 2>&1};
is $?, 0, 'each session is billed once, and the books agree' or diag $out;
like $out, qr/^acknowledged [1-9]\d*, invoiced [1-9]\d*, lost 0, doubled 0, .* seed \d+$/m, 'and it says so';
diag $out;
done_testing;
