package Voltgate::Saga;

# Faults for sagas, and a driver of all that are in the registry. What a saga
# needs to be played is in a file *.saga beside its plugin's tests, or in
# t/sagas; one that has none fails the tests.
#
#   my $s = Voltgate::Saga->start($_) for Voltgate::Saga->files;
#   $s->fault('seat', 'fail');                    # or block, unblock, none
#   my $id = $s->begin;
#   is $s->drive($id), 'UNDONE';                  # until it is over
#   like $s->effects($id), $s->{undone};
#
# Faults are what a database may do: a trigger on vg.answer, into which each
# step writes its answer in the commit of its effects, raises, or waits for a
# lock that the test holds. A sequence, which no rollback takes back, counts
# how often a step came so far.

use strict;
use warnings;

use File::Basename qw(basename);
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Worker;

my $LOCK = 4711;

# those of the tree, as name => path
sub files {
    my %files;
    for my $path (glob("$Voltgate::ROOT/plugins/*/t/*.saga $Voltgate::ROOT/t/sagas/*.saga")) {
        my $spec = do $path;
        ref $spec eq 'HASH' or die "$path: ", $@ || $! || 'is no hash', "\n";
        $files{ $spec->{saga} } = $spec;
    }
    return %files;
}

# a gateway with all of them set up, and one object for each of the registry
sub all {
    my ($class, %opts) = @_;

    my %files = files();
    my %authored = map { %{ $_->{authored} || {} } } values %files;
    # roles are a cluster's: two files that make the same ones would meet
    my $vg     = Voltgate->start(own_cluster => 1, authored => \%authored, %opts);
    my %states = map { $_ => $files{$_}{setup}->($vg) } sort keys %files;
    fault_ground($_) for grep { $_ } $vg, $vg->elsewhere('far');
    my @registry = map { @{ $_->{sagas} || [] } } @{ $vg->get('/api/v1/plugins')->{json}{items} };
    my @all;
    for my $saga (@registry) {
        my $spec = $files{ $saga->{name} };
        ok $spec, "$saga->{name} can be played: there is a .saga file for it" or next;
        push @all, bless { %$spec, vg => $vg, state => $states{ $saga->{name} },
            steps => [ grep { $_->{ask} } @{ $saga->{steps} } ] }, $class;
    }
    is scalar(@all), scalar(keys %files), 'and each file is of one that there is';
    return ($vg, @all);
}

sub fault_ground {
    my ($vg) = @_;
    $vg->sql($_) for 'create sequence vg.fault_tries',
        qq{create function vg.fault() returns trigger language plpgsql security definer as \$\$
        begin
            perform pg_catalog.nextval('vg.fault_tries');
            if tg_argv[0] = 'fail' then
                raise exception 'a fault' using errcode = '23514', constraint = 'unprocessable';
            elsif tg_argv[0] = 'block' then
                perform pg_catalog.pg_advisory_xact_lock_shared($LOCK);
            end if;
            return new;
        end \$\$};
    return;
}

sub steps { return @{ $_[0]{steps} } }
sub row   { return ($_[0]{vg}->rows('select * from vg.saga where id = $1', $_[1]))[0] }
sub tries { return $_[0]{vg}->sql('select case when is_called then last_value else 0 end from vg.fault_tries') }

# what becomes of a step: fail, block (until unblock), count, none
sub fault {
    my ($self, $step, $how) = @_;

    my $vg = $self->{vg};
    $vg->dbh->do('drop trigger fault on vg.answer') if $vg->sql(q{select count(*) from pg_trigger where tgname = 'fault'});
    $self->unblock;
    return if $how eq 'none';
    if ($how eq 'block') {
        $self->{held} = $vg->_connect($vg->{owner_url});
        $self->{held}->do("select pg_advisory_lock($LOCK)");
    }
    $vg->dbh->do(qq{create trigger fault before insert on vg.answer for each row
        when (new.key like '%/$step' and new.status <> 'saga_undone') execute function vg.fault('$how')});
    return;
}

sub unblock {
    my ($self) = @_;
    delete($self->{held})->disconnect if $self->{held};
    return;
}

# a step waits for the lock now
sub blocked {
    my ($self) = @_;
    return $self->{vg}->waiting("locktype = 'advisory' and w.objid = $LOCK");
}

sub begin {
    my ($self) = @_;
    delete $self->{arrived};
    return $self->{begin}->($self->{state});
}

sub tend    { my ($self)      = @_; $self->{tend}->($self->{state}) if $self->{tend}; return }
sub effects { my ($self, $id) = @_; return $self->{effects}->($self->{state}, $id) }

sub arrive {
    my ($self, $id) = @_;
    $self->{arrive}->($self->{state}, $id);
    return;
}

# Until sub is true, while the world goes on; false when time is up.
sub until {
    my ($self, $sub, $seconds) = @_;
    return $self->{vg}->wait_for(sub { $self->tend; $sub->() }, $seconds // 20);
}

# Until it is over: its state. What a step waits for comes, unless overdue =>
# 'a step' let time pass before: that step's, and all that is after it.
sub drive {
    my ($self, $id, %opts) = @_;

    my (%came, $passing);
    my %waits = map { $_->{name} => 1 } grep { $_->{waits} } $self->steps;
    $self->until(sub {
        my $row = $self->row($id);
        return 1 if $row->{status} =~ /^(?:COMPLETED|UNDONE|STUCK)$/;
        my $at = $row->{step} || $self->{steps}[0]{name};
        $passing ||= $opts{overdue} && $at eq $opts{overdue};
        if ($waits{$at} && $row->{status} eq 'RUNNING' && !$passing && !$came{$at}++) {
            $self->arrive($id);
        }
        $self->{vg}->sql(q{update vg.saga set step_at = now() - interval '1 day' where id = $1
            and status = 'RUNNING'}, $id) if $passing;
        return 0;
    }, $opts{seconds} // 30) or diag explain $self->row($id);
    return $self->row($id)->{status};
}

# its end, its effects, and what the API says are the same story
sub told {
    my ($self, $id, @may) = @_;

    my $row = $self->row($id);
    my $vg  = $self->{vg};
    ok scalar(grep { $_ eq $row->{status} } @may), "it is @may" or diag explain $row;
    like $self->effects($id), $row->{status} eq 'COMPLETED' ? $self->{completed} : $self->{undone},
        $row->{status} eq 'COMPLETED' ? 'each effect is there, once' : 'no effect is left';
    my $shown;    # a worker may have its connections not yet again
    $vg->wait_for(sub { my $r = $vg->get("/api/v1/sagas/$id"); $shown = $r->{json}; $r->{status} != 503 }, 10);
    is $shown->{status}, $row->{status}, 'and so the API says';
    is !!defined $shown->{error}, $row->{status} eq 'UNDONE', 'with why, if it is undone';
    is $row->{pid}, undef, 'nobody holds it';
    return;
}

# worker 0 polls; the other one
sub clerk  { return (sort { $a <=> $b } $_[0]{vg}->workers)[0] }
sub second { return (sort { $a <=> $b } $_[0]{vg}->workers)[1] }

# calls go to that worker from now on
sub through {
    my ($self, $pid) = @_;

    my $vg = $self->{vg};
    Voltgate::Worker->only($vg, $pid, sub { delete $vg->{client}; $vg->get('/healthz') });
    return;
}

1;
