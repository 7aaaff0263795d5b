package Voltgate::Owners;

# Whose rows are these? Two parties, north and south, each an operator's
# company, a fleet's and a driver; a caller of each role of each of them, and
# some of none; and the rules, which stand in files *.owners beside the tests
# of each plugin (the kit's: t/kit/house.owners):
#
#   return {
#       rows => { note => sub {             # one of a party's
#           my ($o, $party) = @_;
#           my $id = $o->{vg}->post(…)->{json}{id};
#           return { id => $id, marks => ['oil the gate'], tables => ['notes.note'] };
#       } },
#       routes => {
#           'GET /notes'        => { row => 'note', list => 1, may => [qw(driver)] },
#           'GET /notes/{id}'   => { row => 'note', may => [qw(driver)] },
#           'PATCH /notes/{id}' => { row => 'note', may => [qw(driver)], body => { text => 'x' } },
#           'GET /notes/count'  => { everybodys => 1 },
#           'POST /notes/purge' => { admins => 1, status => 409 },
#           'POST /notes'       => { proves => sub { my ($o, $ask) = @_; … } },
#       },
#   };
#
# may: which roles of the row's party; an admin may, too, unless `admin => 0`.
# Nobody else gets a byte of `marks` or changes a byte of `tables`: where the
# house itself moves other rows of a table (sagas, timers, events), only what is
# of this row stands there ($o->of). A path's
# {id} is the row's id, {name} its member of that name. body may be a sub of
# the row, query is a string. status is what who may is answered with, where
# that is not 2xx; same => 1: the tables stay as they are all the same.
# A public route says everybodys or proves, too.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $api = '/api/v1';

my %company = (
    north => { operator => '01939333-0000-7000-8000-0000000000a1', fleet => '01939333-0000-7000-8000-0000000000a2' },
    south => { operator => '01939333-0000-7000-8000-0000000000b1', fleet => '01939333-0000-7000-8000-0000000000b2' },
);

sub start {
    my ($class, %opts) = @_;

    my $vg   = Voltgate->start(%opts);
    my $self = bless { vg => $vg, count => 0, rows => {}, routes => {}, file => {} }, $class;
    $self->_callers;
    my @on = map { m{([^/]+)\.conf$} } glob "$Voltgate::ROOT/conf/plugins.d/*.conf";
    for my $path (map { glob "$Voltgate::ROOT/$_/*.owners" } 't/kit', map { "plugins/$_/t" } @on) {
        my $spec = _read($path);
        for my $name (sort keys %{ $spec->{routes} }) {
            die "$path: $name is in $self->{file}{$name}, too\n" if $self->{file}{$name};
            $self->{file}{$name}   = $path;
            $self->{routes}{$name} = $spec->{routes}{$name};
        }
        %{ $self->{rows} } = (%{ $self->{rows} }, %{ $spec->{rows} || {} });
    }
    return $self;
}

# each in a package of its own, so that names in two of them do not meet
sub _read {
    my ($path) = @_;

    my $text = Voltgate::_slurp($path);
    (my $name = $path) =~ s/\W/_/g;
    my $spec = eval "package Voltgate::Owners::$name;\n# line 1 \"$path\"\n$text";    ## no critic
    ref $spec eq 'HASH' or die "$path: ", $@ || 'is no hash', "\n";
    return $spec;
}

sub _callers {
    my ($self) = @_;

    my $vg  = $self->{vg};
    my $add = sub {
        my ($name, $party, $role, %claims) = @_;
        $self->{callers}{$name} = { name => $name, party => $party, role => $role, subject => $claims{subject},
            headers => { Authorization => 'Bearer ' . $vg->token(role => $role, %claims) } };
    };
    for my $party (sort keys %company) {
        my $of = $company{$party};
        $add->("$party driver",        $party, 'driver',        subject => "driver-$party");
        $add->("$party operator",      $party, 'operator',      subject => "operator-$party", company => $of->{operator});
        $add->("$party fleet manager", $party, 'fleet_manager', subject => "fleet-$party",    company => $of->{fleet});
        $add->("$party partner",       $party, 'partner',       subject => "partner-$party",  company => $of->{fleet});
    }
    $add->('admin',   '', 'admin',   subject => 'an-admin');
    $add->('planner', '', 'planner', subject => 'a-planner');
    $add->('operator of no company',    '', 'operator', subject => 'lone');
    $add->('operator of an empty name', '', 'operator', subject => 'lone', company => '');
    $add->("driver named as a company", '', 'driver', subject => $company{north}{operator});
    $self->{callers}{nobody} = { name => 'nobody', party => '', role => '', headers => { 'X-API-Key' => '' } };
    return;
}

sub company { return $company{ $_[1] }{ $_[2] } }
sub number  { return ++$_[0]{count} }
sub callers { my ($self) = @_; return map { $self->{callers}{$_} } sort keys %{ $self->{callers} } }
sub caller_named { return $_[0]{callers}{ $_[1] } || die "no caller $_[1]\n" }

# a route may have several: one for each kind of row
sub rules { my ($self, $route) = @_; my $rule = $self->{routes}{$route}; return ref $rule eq 'ARRAY' ? @$rule : $rule }

# a row of a party's, with what is the party's in its marks
sub row {
    my ($self, $name, $party, @more) = @_;

    my $make = $self->{rows}{$name} or die "no row $name\n";
    my $row  = $make->($self, $party, @more);
    push @{ $row->{marks} }, $row->{id}, "driver-$party", values %{ $company{$party} };
    return $row;
}

# as the admin, or the caller of that name; dies of what is not 2xx
sub made {
    my ($self, $method, $path, $body, $name) = @_;
    my $r = $self->{vg}->request($method, "$api$path", $body, $self->caller_named($name // 'admin')->{headers});
    $r->{status} < 300 or die "$method $path: $r->{status} $r->{body}\n";
    return $r->{json};
}

# $o->ask('GET /notes/{id}', $caller, $row, $rule): the answer
sub ask {
    my ($self, $route, $caller, $row, $rule) = @_;

    my ($method, $path) = split / /, $route;
    $path =~ s/\{(\w+)\}/$row->{$1} \/\/ $row->{id}/ge;
    my $body = $rule->{body};
    $body = $body->($row, $caller, $self) if ref $body eq 'CODE';
    my %headers = (%{ $caller->{headers} }, $rule->{type} ? ('Content-Type' => $rule->{type}) : ());
    return $self->{vg}->request($method, $api . $path . ($rule->{query} // ''), $body, \%headers);
}

# of a table only what has the row's id there, for `tables`
sub of { my ($self, $table, $column, $id) = @_; return "(select * from $table where $column = '$id')" }

# all that stands in some tables
sub seen {
    my ($self, @tables) = @_;
    return join ' ', map {
        $self->{vg}->sql("select count(*) || ':' || coalesce(md5(string_agg(t::text, '' order by t::text)), '') from $_ t")
    } @tables;
}

sub may {
    my ($rule, $caller, $party) = @_;
    return $rule->{admin} // 1 if $caller->{role} eq 'admin';
    return $caller->{party} eq $party && grep { $_ eq $caller->{role} } @{ $rule->{may} || [] };
}

# --------------------------------------------------------------------- rules

sub denied {
    my ($r, $caller, $what, @marks) = @_;

    if (!$caller->{role}) {
        is $r->{status}, 401, "$what: not without an identity" or diag $r->{body};
    } else {
        like $r->{status}, qr/^40[34]$/, "$what: not $caller->{name}" or diag $r->{body};
    }
    my @told = grep { index($r->{body} // '', $_) >= 0 } @marks;
    is "@told", '', "$what: $caller->{name} learns nothing";
    return;
}

sub allowed {
    my ($r, $caller, $what, $rule) = @_;
    my $ok = $rule->{status} ? $r->{status} == $rule->{status} : int($r->{status} / 100) == 2;
    return ok($ok, "$what: $caller->{name} may") || diag "$r->{status} " . ($r->{body} // '');
}

# One row: who may has it, others get nothing and change nothing.
sub single {
    my ($self, $route, $rule) = @_;

    my $reads = $route =~ /^GET /;
    my $row   = $self->row($rule->{row}, 'north');
    my $before = $self->seen(@{ $row->{tables} });
    for my $caller (grep { !may($rule, $_, 'north') } $self->callers) {
        denied($self->ask($route, $caller, $row, $rule), $caller, $route, @{ $row->{marks} });
        is $self->seen(@{ $row->{tables} }), $before, "$route: $caller->{name} changes nothing"
            or $before = $self->seen(@{ $row->{tables} });
    }
    for my $caller (grep { may($rule, $_, 'north') } $self->callers) {
        $row = $self->row($rule->{row}, 'north') if !$reads;
        $before = $self->seen(@{ $row->{tables} });
        my $r = $self->ask($route, $caller, $row, $rule);
        allowed($r, $caller, $route, $rule);
        if ($route =~ /^GET /) {
            my $shows = $rule->{shows} // $row->{shows} // $row->{id};
            like $r->{body}, qr/\Q$shows\E/, "$route: $caller->{name} is shown it" if !$rule->{status};
        } elsif (!$reads && !$rule->{status}) {
            isnt $self->seen(@{ $row->{tables} }), $before, "$route: $caller->{name} has changed something";
        }
    }
    return;
}

# A list: each party's rows to whom of it may see them, and to nobody else.
sub list {
    my ($self, $route, $rule) = @_;

    my %row = map { $_ => $self->row($rule->{row}, $_) } sort keys %company;
    for my $caller ($self->callers) {
        my $any = 0;
        my $r;
        for my $party (sort keys %row) {
            my $row   = $row{$party};
            my $shows = $row->{shows} // $row->{id};
            $r = $self->ask($route, $caller, $row, $rule);
            if (may($rule, $caller, $party)) {
                $any++;
                like $r->{body}, qr/\Q$shows\E/, "$route: ${party}'s to $caller->{name}";
            } else {
                my @told = grep { $caller->{party} ne $party && index($r->{body}, $_) >= 0 } @{ $row->{marks} };
                is "@told", '', "$route: nothing of ${party}'s to $caller->{name}";
                unlike $r->{body}, qr/"\Q$shows\E"/, "$route: not its row";
            }
        }
        my $empty = $r->{status} == 200 && ref $r->{json}{items} eq 'ARRAY' && !@{ $r->{json}{items} };
        if (!$caller->{role}) {
            is $r->{status}, 401, "$route: not without an identity";
        } elsif (!$any && $self->rules($route) == 1) {    # else they may be of another rule's
            ok $r->{status} == 403 || $r->{status} == 404 || $empty, "$route: nothing at all for $caller->{name}"
                or diag "$r->{status} $r->{body}";
        }
    }
    return;
}

# The same bytes for all who have the scope.
sub everybodys {
    my ($self, $route, $rule, $public) = @_;

    my $row = $rule->{row} ? $self->row($rule->{row}, 'north') : {};
    my %bodies;
    for my $caller ($self->callers) {
        my $r = $self->ask($route, $caller, $row, $rule);
        if (!$caller->{role} && !$public) {
            is $r->{status}, 401, "$route: not without an identity";
        } elsif ($r->{status} == 403) {
            like $r->{body}, qr/"scope \S+ is needed"/, "$route: $caller->{name} lacks the scope, and no more";
        } else {
            allowed($r, $caller, $route, $rule);
            push @{ $bodies{ $r->{body} } }, $caller->{name};
        }
    }
    is scalar keys %bodies, 1, "$route: what it says does not depend on who asks" or diag explain \%bodies;
    cmp_ok scalar(map { @$_ } values %bodies), '>=', $rule->{least} // 8, "$route: most have been answered";
    return;
}

# Of no role but the admin's.
sub admins {
    my ($self, $route, $rule) = @_;

    my $row = $rule->{row} ? $self->row($rule->{row}, 'north') : { id => '01939333-0000-7000-8000-0000000000ff', %$rule };
    for my $caller ($self->callers) {
        my $r = $self->ask($route, $caller, $row, $rule);
        if ($caller->{role} eq 'admin') {
            allowed($r, $caller, $route, $rule);
        } else {
            denied($r, $caller, $route, @{ $row->{marks} || [] });
        }
    }
    return;
}

1;
