# The shape of Razorpay on its bad days: each fault at each step; in the end what
# is wanted is so, both books say the same, and nothing came about twice.

use strict;
use warnings;

use Test::More;

use Voltgate::Payments;

my $p = Voltgate::Payments->start;
$p->bad_days('razorpay');

done_testing;
