package Voltgate::Jws;

# Tokens made by hand, by openssl's command line: good ones, and their
# neighbours.
#
#   my $jws = Voltgate::Jws->new($vg);                   # the operator's own key
#   $jws->token({ header }, { claims }, sub { signature of text });
#
# What is given changes what is good; undef takes a member away; a header or
# payload that is a string is taken as it is.

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64url);

my $json = JSON::PP->new->utf8->canonical;

sub new {
    my ($class, $vg, %opts) = @_;

    my $kid = $opts{kid} // $json->decode(decode_base64url((split /\./, $vg->admin)[0]))->{kid};
    return bless { state => $vg->{state}, keys => "$vg->{state}/keys", kid => $kid,
        key => $opts{key} // "$vg->{state}/keys/private.pem", claims => $opts{claims} || {} }, $class;
}

sub openssl {
    my ($self, $input, @command) = @_;

    my $file = "$self->{state}/to-sign";
    open my $out, '>:raw', $file or die "$file: $!";
    print {$out} $input;
    close $out or die $!;
    open my $pipe, '-|', 'openssl', @command, $file or die "openssl: $!";
    local $/ = undef;
    return <$pipe>;
}

# ECDSA's DER as the two numbers side by side that JWS wants.
sub es256 {
    my ($self, $text, $key) = @_;

    my $der = $self->openssl($text, 'dgst', '-sha256', '-sign', $key // $self->{key});
    my ($r, $s) = unpack 'x3 C/a x C/a', $der;
    return join '', map { substr "\0" x 32 . $_, -32 } $r, $s;
}

sub token {
    my ($self, $header, $claims, $sign) = @_;

    my %header = (alg => 'ES256', typ => 'JWT', kid => $self->{kid}, ref $header ? %$header : ());
    my %claims = (iss => 'voltgate', aud => 'voltgate', sub => 'someone', role => 'admin', iat => time,
        exp => time + 600, %{ $self->{claims} }, ref $claims ? %$claims : ());
    for my $part (\%header, \%claims) { delete @$part{ grep { !defined $part->{$_} } keys %$part } }
    my @parts = (ref $header ? $json->encode(\%header) : $header, ref $claims ? $json->encode(\%claims) : $claims);
    my $text  = join '.', map { encode_base64url($_) } @parts;
    return "$text." . encode_base64url($sign ? $sign->($text) : $self->es256($text));
}

1;
