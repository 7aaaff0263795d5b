package Voltgate::Tally;

# prove's own output, what files that failed complained of (lib/timed keeps it:
# their own lines are far up by then), the files that took longest, and one more
# line that a script can read.

use strict;
use warnings;
use parent 'TAP::Formatter::Console';

my $MOST = 2000;    # bytes of one file's complaints

sub summary {
    my ($self, $all, @rest) = @_;

    $self->SUPER::summary($all, @rest);

    # a file that died may have no failed test of its own: it counts as one
    my %failed;
    for my $file ($all->descriptions) {
        my ($parser) = $all->parsers($file);
        my $count = () = $parser->failed;
        $failed{$file} = $count || 1 if $parser->has_problems;
    }
    $self->_output("$_:\n" . _said($_)) for sort keys %failed;
    my %took = map { my ($parser) = $all->parsers($_); $_ => $parser->end_time - $parser->start_time } $all->descriptions;
    my @long = grep { defined } (sort { $took{$b} <=> $took{$a} } keys %took)[ 0 .. 14 ];
    $self->_output(sprintf "longest: %s\n", join ', ', map { sprintf '%s %.0f s', $_, $took{$_} } @long) if @long > 1;
    my $failed = 0;
    $failed += $_ for values %failed;

    $self->_output(sprintf "%d passed, %d failed\n",
        scalar $all->passed, $failed);
    return;
}

sub _said {
    my ($file) = @_;

    open my $said, '<', "$ENV{VG_TEST}/said/" . $file =~ tr{/}{.}r or return '';
    local $/ = undef;
    my $text = <$said> // '';
    return length $text > $MOST ? substr($text, 0, $MOST) . "...\n" : $text;
}

1;
