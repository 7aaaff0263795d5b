package Voltgate::Point;

# A charge point and who charges at it, as stubborn as both are: what was not
# answered is asked again, on a new connection if need be, until it is.
#
#   my $point = Voltgate::Point->new($vg, 'CP1', $password, connectorId => $id);
#   my $told  = $point->charge(key => 's-1', token => $driver, meterStart => 1, wh => 4200);
#
# charge() is a whole session by the API: started, metered, stopped, at the
# charge point or by the API. It returns 'stopped' when the Stop was answered
# with success; else why there was no session: the error's name of the start,
# the session's failure, or 'refused' when the charge point was told not to.
# It dies after a minute without any of these.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use Voltgate::Charger;

my $PATIENCE = 90;   # s

sub new {
    my ($class, $vg, $identity, $password, %more) = @_;
    return bless { vg => $vg, identity => $identity, password => $password, asked => [], %more }, $class;
}

sub charge {
    my ($self, %charge) = @_;

    my $end = time + $PATIENCE;
    $self->{asked} = [];
    my $session = $self->_start($end, %charge);
    return $session->{refused} if $session->{refused};
    my $tag = $self->_wanted($end, $session->{id}, $charge{token});
    return $tag->{failed} if $tag->{failed};
    my $at    = _clock();
    my $begun = $self->_insist($end, StartTransaction => { connectorId => 1, idTag => $tag->{idTag},
        meterStart => $charge{meterStart}, timestamp => $at });
    my $accepted = $begun->{idTagInfo}{status} eq 'Accepted';
    my $wh       = $accepted ? $charge{wh} : 0;
    if ($accepted) {
        $self->_connected($end)->call(MeterValues => { connectorId => 1, transactionId => $begun->{transactionId}, meterValue => [
            { timestamp => _clock(), sampledValue => [ { value => '' . ($charge{meterStart} + int $wh / 2) } ] } ] }, timeout => 5);
        $self->_end($end, $session->{id}, %charge) if $charge{remotely};
    }
    $self->_insist($end, StopTransaction => { transactionId => $begun->{transactionId}, meterStop => $charge{meterStart} + $wh,
        timestamp => _clock(), reason => $accepted ? 'Local' : 'DeAuthorized' });
    return $accepted ? 'stopped' : 'refused';
}

# { id }, or { refused => the error's name }
sub _start {
    my ($self, $end, %charge) = @_;

    while (time < $end) {
        my $r = $self->_ask(POST => '/api/v1/charging/sessions/start', { connectorId => $self->{connectorId} }, $charge{token}, $charge{key});
        return { id => $r->{json}{id} } if $r->{status} == 202;
        # the connector is busy until the Stop before is priced; a node that comes up knows no connector yet
        my $name = ($r->{json}{type} // '') =~ s{.*/}{}r;
        return { refused => $name || "status $r->{status}" }
            if $r->{status} < 500 && $r->{status} != 429 && $name !~ /^connector_/;
        $charge{key} .= '+' if $r->{status} < 500;    # the refusal is stored under the old one
        $self->_listen(0.2);
    }
    die "$self->{identity}: no start in $PATIENCE s\n";
}

# { idTag } when the charge point was asked to start, or { failed => why }
sub _wanted {
    my ($self, $end, $id, $token) = @_;

    while (time < $end) {
        $self->_listen(0.3);
        if (my ($start) = grep { $_->[0] eq 'RemoteStartTransaction' } @{ $self->{asked} }) {
            return { idTag => $start->[1]{idTag} };
        }
        my $r = $self->_ask(GET => "/api/v1/charging/sessions/$id", undef, $token);
        return { failed => $r->{json}{failure} // 'failed' } if $r->{status} == 200 && $r->{json}{status} eq 'FAILED';
    }
    die "$self->{identity}: session $id neither begins nor fails in $PATIENCE s\n";
}

# asks the API to end it, and waits a while to be asked by it
sub _end {
    my ($self, $end, $id, %charge) = @_;

    for (1 .. 10) {
        my $r = $self->_ask(POST => "/api/v1/charging/sessions/$id/end", undef, $charge{token}, "$charge{key}-end");
        last if $r->{status} < 500;
        $self->_listen(0.2);
    }
    for (1 .. 10) {
        return if grep { $_->[0] eq 'RemoteStopTransaction' } @{ $self->{asked} };
        $self->_listen(0.3);
    }
    return;
}

sub _ask {
    my ($self, $method, $path, $body, $token, $key) = @_;
    my $r = $self->{vg}->request($method, $path, $body,
        { Authorization => "Bearer $token", $key ? ('Idempotency-Key' => $key) : () });
    delete $self->{vg}{client} if $r->{status} == 599;
    return $r;
}

# ------------------------------------------------------------------- OCPP

sub _connected {
    my ($self, $end) = @_;

    while (!$self->{socket} || $self->{socket}->closed) {
        die "$self->{identity}: not let in for $PATIENCE s\n" if time > $end;
        my $socket = eval { Voltgate::Charger->connect($self->{vg}, $self->{identity}, $self->{password}) };
        if (!$socket || $socket->status != 101) {
            sleep 0.2;
            next;
        }
        $socket->answer(sub {
            my ($action, $payload) = @_;
            push @{ $self->{asked} }, [ $action, $payload ];
            return { status => 'Accepted' };
        });
        $self->{socket} = $socket;
        $socket->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' }, timeout => 5);
    }
    return $self->{socket};
}

# answers what comes meanwhile
sub _listen {
    my ($self, $seconds) = @_;
    my $socket = $self->_connected(time + $PATIENCE);
    my $end = time + $seconds;
    while (time < $end && $socket->serve($end - time)) { }
    sleep 0.05 if $socket->closed;
    return;
}

# repeats a message until it is answered with success
sub _insist {
    my ($self, $end, $action, $payload) = @_;

    while (time < $end) {
        my $answer = $self->_connected($end)->call($action => $payload, timeout => 5);
        return $answer->[2] if $answer && $answer->[0] == 3;
        sleep 0.1;
    }
    die "$self->{identity}: $action is not answered in $PATIENCE s\n";
}

sub _clock {
    my @t = gmtime;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

1;
