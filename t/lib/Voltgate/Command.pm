package Voltgate::Command;

# Commands to charge points, each in a process and a connection of its own, so
# that both workers are met, while a test serves what comes there. All are sent
# at once, when the last has its connection.
#
#   my ($r) = commanded($vg, sub { $cp->serve(5) }, ['CP1', 'ClearCache', {}]);
#   like $r, qr/^200 /;      # status, body, pid of the worker that was asked

use strict;
use warnings;

use Exporter qw(import);

use Voltgate::Worker;

our @EXPORT = qw(commanded);

# their answers, in order; serve may be undef
sub commanded {
    my ($vg, $serve, @commands) = @_;

    pipe(my $hear, my $go) or die "pipe: $!";
    my @pipes = map {
        my ($identity, $action, $payload) = @$_;
        my $pid = open(my $pipe, '-|') // die "fork: $!";
        if (!$pid) {
            delete $vg->{client};
            $vg->get('/healthz');
            my $worker = Voltgate::Worker->of($vg, $vg->client->{handle}{fh}) // 0;
            syswrite STDOUT, '!';
            close $go;
            sysread $hear, my $told, 1;
            my $r = $vg->post("/api/v1/charge-points/$identity/commands",
                { action => $action, payload => $payload });
            syswrite STDOUT, "$r->{status} $r->{body} $worker";
            kill KILL => $$; # no END of the harness here
        }
        $pipe;
    } @commands;
    sysread $_, my $there, 1 for @pipes;
    close $go;
    $serve->() if $serve;
    return map { local $/ = undef; my $text = <$_> // ''; close $_; $text } @pipes;
}

1;
