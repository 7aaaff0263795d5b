# The rules alone: which step holds, how long, what is wrong with one (Lua);
# whose clock times of use are by, and what a price is multiplied by (SQL).

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

sub slurp { open my $file, '<', $_[0] or die "$_[0]: $!"; local $/ = undef; return scalar <$file> }

my $lua = <<'END';
local surge = require "surge"
return {
    abi = 9, name = "pure", version = "1", about = "a test",
    routes = {
        { "POST", "/pure/decide", about = "Decide", fields = { { "body", "ground", "any", required = true } },
          check = function(call)
              local step, wait = surge.decide(call.values.ground)
              return { step = step, wait = wait }
          end },
        { "POST", "/pure/wrong", about = "Check", fields = { { "body", "occupancy", "any" }, { "body", "timeOfUse", "any" } },
          check = function(call)
              local wrong = surge.wrong_steps(call.values.occupancy or {})
              for field, text in pairs(surge.wrong_times(call.values.timeOfUse or {})) do wrong[field] = text end
              return wrong
          end },
    },
}
END

my $vg = Voltgate->start(own_cluster => 1, plugins => [qw(accounts stations pricing dynamic_pricing)], authored => { pure => {
    'plugin.lua' => $lua, 'surge.lua' => slurp("$Voltgate::ROOT/plugins/dynamic_pricing/surge.lua") } });
my $api = '/api/v1';

my @steps = ({ enterPercent => 50, leavePercent => 30, multiplier => 1.2 }, { enterPercent => 80, leavePercent => 60, multiplier => 1.5 });
sub decide {
    my ($percent, $step, %more) = @_;
    my $r = $vg->post("$api/pure/decide", { ground => { occupancy => \@steps, percent => $percent, step => $step, holdSeconds => 0, %more } });
    return join ' ', map { $_ // '-' } @{ $r->{json} }{qw(step wait)};
}

subtest 'hysteresis, at its edges' => sub {
    is decide(@$_[0, 1]), "$_->[2] -", "$_->[0] % in step $_->[1]" for
        [ 0, 0, 0 ], [ 49, 0, 0 ], [ 50, 0, 1 ], [ 79, 0, 1 ], [ 80, 0, 2 ], [ 100, 0, 2 ],
        [ 50, 1, 1 ], [ 49, 1, 1 ], [ 30, 1, 1 ], [ 29, 1, 0 ], [ 79, 1, 1 ], [ 80, 1, 2 ],
        [ 79, 2, 2 ], [ 60, 2, 2 ], [ 59, 2, 1 ], [ 30, 2, 1 ], [ 29, 2, 0 ], [ 0, 2, 0 ];
    is decide(40, 3), '1 -', 'a step that is no more';
    is decide(90, 0, occupancy => []), '0 -', 'a rule without steps';
};

subtest 'two changes are apart' => sub {
    is decide(@$_[0, 1], holdSeconds => 600, heldSeconds => $_->[2]), $_->[3], "$_->[0] % in step $_->[1], held " . ($_->[2] // 'never') for
        [ 90, 0, undef, '2 -' ], [ 90, 1, 0, '1 600' ], [ 90, 1, 599, '1 1' ], [ 90, 1, 600, '2 -' ],
        [ 0, 1, 10, '1 590' ], [ 40, 1, 10, '1 -' ], [ 0, 0, 10, '0 -' ];
};

subtest 'what is wrong with a rule' => sub {
    my $wrong = sub { join ' ', sort keys %{ $vg->post("$api/pure/wrong", {@_})->{json} } };
    is $wrong->(occupancy => \@steps), '';
    is $wrong->(occupancy => [ { enterPercent => 50, leavePercent => 50 } ]), 'occupancy[0].leavePercent';
    is $wrong->(occupancy => [ $steps[1], $steps[0] ]), 'occupancy[1].enterPercent occupancy[1].leavePercent';
    is $wrong->(occupancy => [ $steps[0], { enterPercent => 50, leavePercent => 30 } ]), 'occupancy[1].enterPercent';
    is $wrong->(timeOfUse => [ { startTime => '00:00', endTime => '23:59' }, { startTime => '22:00', endTime => '06:00' } ]), '';
    is $wrong->(timeOfUse => [ { startTime => $_, endTime => '23:59' } ]), 'timeOfUse[0].startTime', $_ for '24:00', '12:60', '7:00', '12:00:00', 'noon', '';
    is $wrong->(timeOfUse => [ { startTime => '12:00', endTime => '12:00' } ]), 'timeOfUse[0].endTime';
};

# a rule's row, for functions that take one
sub rule {
    my (%r) = @_;
    my $json = JSON::PP->new->canonical;
    return sprintf q{jsonb_populate_record(null::dynamic_pricing.rule, '{"id": "019393c0-0000-7000-8000-000000000001", "min_multiplier": %s,
        "max_multiplier": %s, "occupancy": %s, "time_of_use": %s}')}, $r{min} // 0, $r{max} // 10, map { $json->encode($_ // []) } @r{qw(occupancy times)};
}
sub times { my ($rule, $zone, $at) = @_; return $vg->sql("select dynamic_pricing.multiplier_at($rule, 0, \$1, \$2)", $zone, $at) }
sub edge  { my ($rule, $zone, $at) = @_; return $vg->sql("select vg.z(dynamic_pricing.edge_after($rule, \$1, \$2))", $zone, $at) }

subtest 'by the clock of the station' => sub {
    my $evening = rule(times => [ { startTime => '17:00', endTime => '20:00', multiplier => 1.25 } ]);
    is main::times($evening, @$_[0, 1]), $_->[2], "@$_[0, 1]" for
        [ 'Europe/Berlin', '2026-07-01T14:59:59Z', 1 ], [ 'Europe/Berlin', '2026-07-01T15:00:00Z', 1.25 ],
        [ 'Europe/Berlin', '2026-07-01T17:59:59Z', 1.25 ], [ 'Europe/Berlin', '2026-07-01T18:00:00Z', 1 ],
        [ 'Europe/Berlin', '2026-01-01T16:00:00Z', 1.25 ], [ 'UTC', '2026-07-01T15:00:00Z', 1 ];
    is edge($evening, 'Europe/Berlin', '2026-07-01T14:59:59Z'), '2026-07-01T15:00:00Z';
    is edge($evening, 'Europe/Berlin', '2026-07-01T15:00:00Z'), '2026-07-01T18:00:00Z';
    is edge($evening, 'Europe/Berlin', '2026-10-24T18:00:00Z'), '2026-10-25T16:00:00Z', 'a day of 25 hours';

    # 2026-07-03 is a Friday
    my $night = rule(times => [ { dayOfWeek => ['FRIDAY'], startTime => '22:00', endTime => '06:00', multiplier => 0.8 } ]);
    is main::times($night, 'UTC', $_->[0]), $_->[1], $_->[0] for
        [ '2026-07-03T05:59:00Z', 0.8 ], [ '2026-07-03T06:00:00Z', 1 ], [ '2026-07-03T22:00:00Z', 0.8 ], [ '2026-07-04T00:00:00Z', 1 ];
    is edge($night, 'UTC', '2026-07-03T22:00:00Z'), '2026-07-04T00:00:00Z', 'a day ends at midnight';

    # the hour from 2 to 3 comes twice in Berlin on 2026-10-25: from 00:00Z and from 01:00Z
    my $twice = rule(times => [ { startTime => '02:30', endTime => '02:45', multiplier => 2 } ]);
    is main::times($twice, 'Europe/Berlin', $_->[0]), $_->[1], $_->[0] for
        [ '2026-10-25T00:30:00Z', 2 ], [ '2026-10-25T00:45:00Z', 1 ], [ '2026-10-25T01:30:00Z', 2 ], [ '2026-10-25T01:45:00Z', 1 ];
    my ($at, @edges) = '2026-10-25T00:00:00Z';
    push @edges, $at = edge($twice, 'Europe/Berlin', $at) for 1 .. 4;
    is join(' ', @edges), join(' ', map { "2026-10-25T${_}:00Z" } qw(00:30 00:45 01:30 01:45)), 'both passes have their edges';
    # ... and never comes on 2026-03-29
    is main::times($twice, 'Europe/Berlin', '2026-03-29T01:30:00Z'), 1;
    is edge($twice, 'Europe/Berlin', '2026-03-29T00:00:00Z'), '2026-03-30T00:30:00Z', 'a time that there is not is no edge';
    is edge(rule(), 'UTC', '2026-07-01T00:00:00Z'), undef, 'nothing to wait for';
};

subtest 'multipliers are decimals, within bounds' => sub {
    my $of = sub { $vg->sql('select dynamic_pricing.multiplier_at(' . rule(@_) . q{, 1, 'UTC', '2026-07-01T12:00:00Z')}) };
    my @noon = (times => [ { startTime => '11:00', endTime => '13:00', multiplier => 1.1 }, { startTime => '12:00', endTime => '13:00', multiplier => 9 } ]);
    my $busy = sub { return (occupancy => [ { multiplier => $_[0] } ]) };
    is $of->($busy->(1.1), @noon), '1.21', 'times each other, of times the first';
    is $of->($busy->(1.1), @noon, max => 1.2), '1.2';
    is $of->($busy->(0.1), min => 0.7), '0.7';
    is $of->(@noon), '1.1';
    is $of->(min => 1.5), '1.5', 'a lower bound holds always';
    is $vg->sql(q{select dynamic_pricing.multiplier_at(null, 3, 'UTC', now())}), 1, 'without a rule';
};

done_testing;
