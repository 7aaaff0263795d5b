package Voltgate::Events;

# Each event that a test's gateways published, against its schema: the harness
# asks when the file ends (events.js does the work). What a test put into outbox
# or log itself bears the correlation id `test`, and may be anything.
#
#   my @wrong = Voltgate::Events::complaints($vg, @states);    # a line each
#
# states: the folders of all gateways of the file, which may have plugins of
# their own in them.

use strict;
use warnings;

use Digest::SHA;
use File::Temp;

# enough to see all that a file does; a flood repeats itself
my $MOST = 50_000;

sub complaints {
    my ($vg, @states) = @_;

    my $told = eval { $vg->_execute(q{
        select json_build_array(e.type, e.payload)::text
        from (
            select type, payload, correlation_id from vg.event
            union all
            select type, payload, correlation_id from vg.outbox) as e
        where e.correlation_id <> 'test'
        limit $1}, $MOST)->fetchall_arrayref }
        or return "what was published could not be read: $@";
    return if !@$told;

    my $input = File::Temp->new;
    binmode $input, ':encoding(UTF-8)';
    print {$input} "$_->[0]\n" for @$told;
    CORE::close $input or die "events: $!";
    return _node("$input", 'check', _program(_folders(@states)));
}

# of the tree, and of plugins and versions that the file made, where their
# events are others
sub _folders {
    my (@states) = @_;

    my @tree = map { glob "$Voltgate::ROOT/$_/*/events" } qw(plugins nginx-modules);
    my %seen = map { _digest($_) => 1 } @tree;
    return (@tree, grep { !$seen{ _digest($_) }++ } map { glob "'$_'/{variant.*,house}/plugins/*/events" } @states);
}

sub _digest {
    my ($folder) = @_;
    my $sha = Digest::SHA->new(256);
    for my $file (sort glob "'$folder'/*.json") {
        $sha->add($file =~ s{.*/}{}r);
        $sha->addfile($file);
    }
    return $sha->hexdigest;
}

# made once for all files of a run, and again when a schema changes
sub _program {
    my (@folders) = @_;

    my $sha = Digest::SHA->new(256);
    $sha->addfile("$Voltgate::ROOT/t/lib/events.js");
    $sha->add($_, _digest($_)) for @folders;
    my $program = "$Voltgate::ROOT/build/events/" . substr($sha->hexdigest, 0, 16) . '.js';
    if (!-e $program) {
        mkdir "$Voltgate::ROOT/build/events";
        my @bad = _node('/dev/null', 'compile', $program, @folders);
        die "events: @bad\n" if @bad;
    }
    return $program;
}

sub _node {
    my ($input, @arguments) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        $ENV{NODE_PATH} = "$Voltgate::ROOT/build/node/node_modules";
        delete $ENV{LD_PRELOAD};
        open STDIN,  '<',  $input   or die "$input: $!";
        open STDERR, '>&', \*STDOUT or die "dup: $!";
        exec 'node', "$Voltgate::ROOT/t/lib/events.js", @arguments or die "node: $!\n";
    }
    my @said = <$pipe>;
    chomp @said;
    CORE::close $pipe or @said or push @said, 'node: exit status ' . ($? >> 8);
    return @said;
}

1;
