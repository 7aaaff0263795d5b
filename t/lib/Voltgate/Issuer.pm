package Voltgate::Issuer;

# An issuer of tokens beside the gateway (issuer.js, npm's jose), over TLS:
#
#   my $issuer = Voltgate::Issuer->start($folder);
#   $issuer->make('one');                     # a key, ES256 or as said, published
#   my $token = $issuer->token('one', sub => 'u', …);
#   $issuer->drop('one');  $issuer->asked;    # not published; how often it was asked
#   $issuer->url('/jwks'), $issuer->ca

use strict;
use warnings;

use IO::Select;
use File::Basename qw(dirname);
use IPC::Open2 qw(open2);
use JSON::PP ();

use Voltgate::Child qw(reaped);

my $json = JSON::PP->new->utf8->canonical;

sub start {
    my ($class, $folder) = @_;

    my $self = bless { ca => "$folder/issuer.pem", owner => $$ }, $class;
    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -sha256"
        . " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout $folder/issuer.key -out $self->{ca} 2>/dev/null") == 0
        or die "no certificate\n";
    $self->{pid}  = open2($self->{out}, $self->{in}, 'node', dirname(__FILE__) . '/../issuer.js', $self->{ca}, "$folder/issuer.key");
    $self->{in}->autoflush(1);
    $self->{port} = $self->_line->{port};
    return $self;
}

sub url { my ($self, $path) = @_; return "https://localhost:$self->{port}" . ($path // '') }
sub ca  { return $_[0]{ca} }

sub tell {
    my ($self, %line) = @_;
    print { $self->{in} } $json->encode(\%line), "\n";
    my $answer = $self->_line;
    die "the issuer: $answer->{error}\n" if $answer->{error};
    return $answer;
}

sub make  { my ($self, $kid, $alg) = @_; return $self->tell(make => $kid, $alg ? (alg => $alg) : ())->{made} }
sub drop  { my ($self, $kid) = @_; $self->tell(drop => $kid); return }
sub asked { my ($self) = @_; return $self->tell(count => 1)->{asked} }

sub token {
    my ($self, $kid, %claims) = @_;
    my %all = (iss => $self->url, aud => 'voltgate', sub => 'u', iat => time, exp => time + 600, %claims);
    delete @all{ grep { !defined $all{$_} } keys %all };
    return $self->tell(sign => \%all, kid => $kid)->{token};
}

# its port stays nobody's
sub stop {
    my ($self) = @_;
    close delete $self->{in} if $self->{in};
    reaped(delete $self->{pid}, 20) if $self->{pid};
    return;
}

sub DESTROY { my ($self) = @_; local $?; $self->stop if $self->{owner} == $$; return }

sub _line {
    my ($self) = @_;
    while (($self->{bytes} //= '') !~ /\n/) {
        IO::Select->new($self->{out})->can_read(20) or die "the issuer says nothing\n";
        sysread $self->{out}, $self->{bytes}, 65_536, length $self->{bytes} or die "the issuer has ended\n";
    }
    $self->{bytes} =~ s/\A([^\n]*)\n//;
    return $json->decode($1);
}

1;
