package Voltgate::Problem;

# The document of an error, from whichever layer it comes (RFC 9457).
#
#   is_problem($r, 404, 'not_found');            # or (…, 'its title')

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

use Voltgate;

our @EXPORT = qw(is_problem);

sub is_problem {
    my ($r, $status, $name, $title) = @_;

    my $json = $r->{json} || {};
    is $r->{status}, $status, "$name: status" or diag $r->{body};
    is $r->{headers}{'content-type'}, 'application/problem+json', "$name: type of the body";
    is $json->{type}, "https://voltgate.dev/problems/$name", "$name: type";
    is $json->{title}, $title, "$name: title" if defined $title;
    is $json->{status}, $status, "$name: status within";
    ok length($json->{message} // ''), "$name: message";
    like $json->{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, "$name: timestamp";
    like $json->{correlationId}, qr/^[\w.-]{1,64}$/, "$name: correlationId";
    is $r->{headers}{'x-correlation-id'}, $json->{correlationId}, "$name: the same in the header";
    like $r->{headers}{'retry-after'} // '', qr/^[1-9]\d*$/, "$name: Retry-After" if $status > 501;
    unlike $r->{body}, qr{select |\Q$Voltgate::ROOT\E|/build|\.c:|nginx}i, "$name: nothing of the inside";
    return;
}

1;
