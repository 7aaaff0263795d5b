package Voltgate::Person;

# Somebody who registers, proves the address by the code that a sandbox kept,
# and logs in, as an app would.
#
#   my $anna = Voltgate::Person->new($vg, email => 'anna@example.com');
#   my $r = $vg->get('/api/v1/auth/me', $anna->headers);
#   $anna->becomes('operator', $company);        # an admin's doing; logs in anew

use strict;
use warnings;

my $count = 0;
my $api   = '/api/v1';
my %nobody = ('X-API-Key' => '');

sub new {
    my ($class, $vg, %is) = @_;

    my $self = bless { vg => $vg, email => 'person-' . ++$count . '@example.com', password => 'a quay in the rain',
        name => 'Somebody', %is }, $class;
    my $r = $vg->post("$api/auth/register", { map { $_ => $self->{$_} } qw(email password name) }, \%nobody);
    $r->{status} == 201 or die "register: $r->{body}\n";
    $self->{id} = $r->{json}{id};
    $r = $vg->post("$api/auth/verify", { userId => $self->{id}, code => code($vg, $self->{email}) }, \%nobody);
    $r->{status} == 200 or die "verify: $r->{body}\n";
    $self->becomes($is{role}, $is{company}) if $is{role};
    $self->login if !$is{role};
    return $self;
}

# mails($vg, email): what went there, newest first
sub mails {
    my ($vg, $email) = @_;
    $email =~ s/\+/%2B/g;
    return @{ $vg->get("$api/auth/sandbox/mails?email=$email")->{json}{items} };
}

# code($vg, email): of the last mail
sub code { my ($mail) = mails(@_); return $mail->{data}{code} }

# ask($vg, { form }, { headers }): the token endpoint, as OAuth has it
sub ask {
    my ($vg, $form, $headers, $path) = @_;
    my $client = $vg->client;
    return $vg->request('POST', "$api/auth/" . ($path // 'token'), $client->www_form_urlencode($form),
        { %nobody, 'Content-Type' => 'application/x-www-form-urlencoded', %{ $headers || {} } });
}

sub login {
    my ($self, %more) = @_;

    my $r = ask($self->{vg}, { grant_type => 'password', username => $self->{email}, password => $self->{password},
        %more });
    @$self{qw(access refresh)} = @{ $r->{json} }{qw(access_token refresh_token)} if $r->{status} == 200;
    return $r;
}

# The next tokens; or of an older refresh token, which are not kept.
sub goes_on {
    my ($self, $token, %more) = @_;

    my $r = ask($self->{vg}, { grant_type => 'refresh_token', refresh_token => $token // $self->{refresh}, %more });
    @$self{qw(access refresh)} = @{ $r->{json} }{qw(access_token refresh_token)} if $r->{status} == 200 && !$token;
    return $r;
}

# is_void($vg, token): on both workers, soon
sub is_void {
    my ($vg, $token) = @_;

    my %as = (Authorization => "Bearer $token");
    return $vg->wait_for(sub {
        !grep { $_->get($vg->url("$api/auth/me"), { headers => \%as })->{status} != 401 } map { $vg->client(fresh => 1) } 1 .. 6;
    }, 10);
}

sub headers { return { Authorization => "Bearer $_[0]{access}" } }

sub becomes {
    my ($self, $role, $company) = @_;

    my $r = $self->{vg}->put("$api/users/$self->{id}/roles",
        { roles => [$role], defined $company ? (companyId => $company) : () });
    $r->{status} == 200 or die "role: $r->{body}\n";
    return $self->login;
}

1;
