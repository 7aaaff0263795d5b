# HTTP::Tiny writes head and body apart: with Nagle's algorithm each call that
# has a body waits for the acknowledgement of its head, some 40 ms.
package Voltgate::Calls::Prompt;

use strict;
use warnings;

use parent 'HTTP::Tiny';
use Socket qw(IPPROTO_TCP TCP_NODELAY);

sub _open_handle {
    my ($self, @rest) = @_;

    my $handle = $self->SUPER::_open_handle(@rest);
    setsockopt $handle->{fh}, IPPROTO_TCP, TCP_NODELAY, 1 or die "TCP_NODELAY: $!";
    return $handle;
}

package Voltgate::Calls;

# The harness's client: calls over HTTPS as the admin or as somebody else, and
# the tokens for that. Voltgate inherits it.

use strict;
use warnings;

use JSON::PP ();

my $json = JSON::PP->new->utf8->allow_nonref->canonical;

sub get    { my ($self, @rest) = @_; return $self->request(GET    => $rest[0], undef, $rest[1]) }
sub delete { my ($self, @rest) = @_; return $self->request(DELETE => $rest[0], undef, $rest[1]) }
sub post   { my ($self, @rest) = @_; return $self->request(POST   => @rest) }
sub put    { my ($self, @rest) = @_; return $self->request(PUT    => @rest) }
sub patch  { my ($self, @rest) = @_; return $self->request(PATCH  => @rest) }

# A body that is no reference is sent as it is. Without Authorization or
# X-API-Key among the headers the caller is the admin; X-API-Key => '' is
# nobody. A connection that broke is status 599, as HTTP::Tiny has it.
sub request {
    my ($self, $method, $path, $body, $headers) = @_;

    my %headers = %{ $headers || {} };
    my %lower   = map { lc() => $_ } keys %headers;
    if (!$lower{authorization} && !$lower{'x-api-key'}) {
        $headers{Authorization} = 'Bearer ' . $self->admin;
    }
    delete $headers{ $lower{'x-api-key'} }
        if $lower{'x-api-key'} && $headers{ $lower{'x-api-key'} } eq '';

    my %options = (headers => \%headers);
    if (defined $body) {
        $options{content} = ref $body ? $json->encode($body) : $body;
        $headers{'Content-Type'} = 'application/json'
            if !$lower{'content-type'};
    }

    my $answer = $self->client->request($method, $self->url($path), \%options);
    my $type   = $answer->{headers}{'content-type'} // '';
    return {
        status  => $answer->{status},
        headers => $answer->{headers},
        body    => $answer->{content},
        json    => scalar($type =~ /json/ ? eval { $json->decode($answer->{content}) } : undef),
    };
}

# One kept connection: calls in turn go to one worker. fresh => 1 gives a
# client of its own, so that both workers are met.
sub client {
    my ($self, %opts) = @_;

    return $self->{client} if $self->{client} && !$opts{fresh};
    my $client = Voltgate::Calls::Prompt->new(
        timeout      => $self->{opts}{patience} // 30,
        verify_SSL   => 1,
        max_redirect => 0,
        SSL_options  => { SSL_ca_file => $self->ca },
    );
    $self->{client} = $client if !$opts{fresh};
    return $client;
}

sub url  { my ($self, $path) = @_; return "https://localhost:$self->{port}" . ($path // '') }
sub port { return $_[0]{port} }
sub ca   { return "$_[0]{state}/tls/cert.pem" }

# token(role =>, subject =>, company =>, scopes => 'a b' or [], ttl => '1h')
sub token {
    my ($self, %claims) = @_;

    $claims{scopes} = join ' ', @{ $claims{scopes} } if ref $claims{scopes};
    $claims{subject} //= 'someone';
    my $token = $self->_read("$self->{build}/voltgate", 'token',
        map { ("--$_", $claims{$_}) } grep { defined $claims{$_} } sort keys %claims);
    chomp $token;
    return $token;
}

sub admin {
    my ($self) = @_;
    return $self->{admin} ||= $self->token(role => 'admin', subject => 'test-admin');
}

1;
