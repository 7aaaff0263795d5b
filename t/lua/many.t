# Fifty plugins of three hundred lines: what they hold when nobody calls, and
# that each is one of its own.

use strict;
use warnings;

use Test::More;

use Voltgate;

sub large {
    my ($name) = @_;
    my $text = "local rules = {}\n";
    $text .= <<"END" for 1 .. 46;
function rules.rule_$_(values, from)
    local weight = values.weight or $_
    if weight > 500 then return nil, "too heavy" end
    for i = from, #values do weight = weight + values[i] end
    return { weight = weight, rule = "rule_$_" }
end
END
    return $text . <<"END";
COUNT = 0
return { abi = 9, name = "$name", version = "1", about = "a test", routes = {
    { "GET", "/$name", about = "How often, of this one in this worker", check = function(call)
          COUNT = COUNT + 1
          return { name = "$name", count = COUNT, rule = rules.rule_7({}, 1).weight }
      end },
    { "POST", "/$name", about = "A body", fields = { { "body", "weight", "int", min = 1, max = 9000, about = "in g" } },
      check = function(call) return rules.rule_9(call.values, 1) end },
} }
END
}

my @names = map { 'many' . chr(97 + int $_ / 10) . chr(97 + $_ % 10) } 0 .. 49;
is scalar(split /\n/, large('x')), 286, 'lines of a plugin';

# settled: what a worker does once it has done
sub held {
    my ($vg) = @_;
    $vg->client(fresh => 1)->get($vg->url('/ready')) for 1 .. 20;
    return $vg->resident / 2;
}

my $none = Voltgate->start(own_cluster => 1);
my $bare = held($none);
$none->finish;
my $vg   = Voltgate->start(own_cluster => 1, authored => { map { $_ => { 'plugin.lua' => large($_) } } @names });
my $full = held($vg);
diag sprintf '%.1f MiB a worker without, %.1f with fifty', $bare / 1024, $full / 1024;
cmp_ok $full - $bare, '<', ($ENV{SANITIZE} ? 8 : 1) * 10 * 1024, 'KiB a worker for fifty, idle';

my %seen;
for my $name (@names) {
    my $r = $vg->get("/api/v1/$name");
    is $r->{json}{name}, $name, $name;
    $seen{ $r->{json}{count} }++;
}
is_deeply [ keys %seen ], [1], 'nothing of one is another\'s';
my $used = held($vg);
diag sprintf '%.1f MiB once each was called', $used / 1024;
cmp_ok $used - $bare, '<', ($ENV{SANITIZE} ? 8 : 1) * 20 * 1024, 'KiB a worker when each was called';

done_testing;
