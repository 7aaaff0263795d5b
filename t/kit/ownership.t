# Whose rows are whose: each route of the registry, as each role, at one's own
# rows and at another's. A route without a rule in a *.owners file fails, and
# so does a rule without a route; Voltgate::Owners says how one is written.
# Long: each route as each role, one after the other.

use strict;
use warnings;

use Test::More;

use Voltgate::Owners;

my $o  = Voltgate::Owners->start;
my $vg = $o->{vg};

my %operations;    # "GET /stations/{id}" => its object in OpenAPI
my $paths = $vg->get('/openapi.json')->{json}{paths};
for my $path (sort keys %$paths) {
    (my $short = $path) =~ s{^/api/v1}{};
    $operations{ uc($_) . " $short" } = $paths->{$path}{$_} for keys %{ $paths->{$path} };
}

subtest 'each route has a rule of ownership, and each rule a route' => sub {
    cmp_ok scalar keys %operations, '>', 60, 'the registry was read';
    ok $o->{routes}{$_}, "$_ has a rule of ownership" for sort keys %operations;
    ok $operations{$_}, "$_ is a route, as $o->{file}{$_} says" for sort keys %{ $o->{routes} };
};

# What the product says of itself (x-owner: core/owner.c) and what the test's
# rule says are one.
subtest 'a rule is what the route declares' => sub {
    for my $route (sort grep { $o->{routes}{$_} } keys %operations) {
        my $declared = $operations{$route}{'x-owner'} // 'none';
        for my $rule ($o->rules($route)) {
            is $declared, 'everybody', "$route is everybody's" if $rule->{everybodys} && $declared ne 'none';
            is $declared, 'caller',    "$route is the caller's" if $rule->{row} && !$rule->{everybodys} && !$rule->{admins};
        }
    }
};

for my $route (sort grep { $o->{routes}{$_} } keys %operations) {
    subtest $route => sub {
        for my $rule ($o->rules($route)) {
            my ($how) = grep { $rule->{$_} } qw(proves everybodys admins list);
            $how ||= 'single';
            $how eq 'proves' ? $rule->{proves}->($o, sub { $o->ask($route, @_) })
                : $o->$how($route, $rule, !$operations{$route}{security});
        }
    };
}

subtest 'pages that need no identity tell of nobody' => sub {
    my @marks = ($o->company('north', 'operator'), $o->company('north', 'fleet'), 'driver-north', 'operator-north');
    for my $page (qw(/healthz /ready /metrics /info /openapi.json)) {
        my $r = $vg->get($page, { 'X-API-Key' => '' });
        is $r->{status}, 200, $page;
        is join(' ', grep { index($r->{body}, $_) >= 0 } @marks), '', "$page names nobody";
    }
};

done_testing;
