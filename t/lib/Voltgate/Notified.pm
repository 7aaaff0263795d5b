package Voltgate::Notified;

# A gateway that tells people: mails go into a sink, SMS and pushes to the
# world (Voltgate::World), events come from the test.
#
#   my $n = Voltgate::Notified->start(path => '/ok');
#   $n->tell('credits.low.v1', { customerId => 'ann', currency => 'EUR', balance => \'4.50', lowMark => 5 });
#   my $mail = $n->mail('ann@example.com', qr/low/);
#
# A reference to a string is a number of just these digits.

use strict;
use warnings;

use JSON::PP ();

use Voltgate;
use Voltgate::Sink;
use Voltgate::World;

my $json = JSON::PP->new->canonical->utf8;

# path: where of the world SMS and pushes go
sub start {
    my ($class, %opts) = @_;

    my $self = bless { sink => Voltgate::Sink->start, world => Voltgate::World->start }, $class;
    my $path = delete $opts{path} // '/ok';
    my $http = join "\n", $self->{sink}->target('mail'),
        (map { "voltgate_target $_ url=" . $self->{world}->url($path) . ' tries=1 backoff=10ms;' } qw(sms push)),
        'voltgate_outbound_private on;',
        (map { "voltgate_setting notifications.$_;" } 'mail mail', 'from house@example.com', 'sms sms', 'sms_account AC1',
            'sms_from +15550000', 'push push', 'push_project demo', 'house_email admin@example.com'), delete $opts{http} // '';
    $self->{vg} = Voltgate->start(own_cluster => 1, %opts, extra => { http => $http });
    return $self;
}

sub vg { return $_[0]{vg} }

sub _exact {
    my ($value) = @_;
    return $$value if ref $value eq 'SCALAR';
    return '{' . join(',', map { $json->encode("$_") =~ s/^\s+|\s+$//gr . ':' . _exact($value->{$_}) } sort keys %$value) . '}' if ref $value eq 'HASH';
    return '[' . join(',', map { _exact($_) } @$value) . ']' if ref $value eq 'ARRAY';
    return JSON::PP->new->allow_nonref->encode($value);
}

# an event as its plugin would tell it; at: seconds ago
sub tell {
    my ($self, $type, $payload, %opts) = @_;

    $self->{vg}->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id, at)
        values ('test', $1, 'test', $2::jsonb, 'test', '', now() - make_interval(secs => $3::float8))}, $type, _exact($payload), $opts{ago} // 0);
    return;
}

# wait_for() in a time in which what is to be done later is done now
sub soon {
    my ($self, $sub, $seconds) = @_;

    return $self->{vg}->wait_for(sub {
        $self->{vg}->hurry;
        return $sub->();
    }, $seconds // 20);
}

# the first mail there whose subject is so, within 15 s
sub mail {
    my ($self, $to, $subject) = @_;

    my $mail;
    $self->{vg}->wait_for(sub { ($mail) = grep { $_->{subject} =~ $subject } $self->{sink}->mails($to); $mail }, 15);
    return $mail;
}

1;
