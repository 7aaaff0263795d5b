package Voltgate::Sink;

# A mail server that takes all that comes (Debian's aiosmtpd), and what came:
#
#   my $sink = Voltgate::Sink->start;
#   Voltgate->start(extra => { http => $sink->target('mail') });
#   my ($mail) = $sink->mails('ann@example.com');    # { from to subject id text html }
#   $sink->stop; $sink = Voltgate::Sink->start(port => $sink->{port});    # empty again

use strict;
use warnings;

use Encode qw(decode);
use File::Path qw(remove_tree);
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Time::HiRes qw(sleep);

use Voltgate;

my @running;

sub start {
    my ($class, %opts) = @_;

    my $self = bless { port => $opts{port} // Voltgate::free_port(), owner => $$ }, $class;
    $self->{dir} = "/tmp/voltgate-sink.$$." . @running;
    mkdir $self->{dir} or die "$self->{dir}: $!\n";
    push @running, $self;
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        setpgrp;
        open STDERR, '>', "$self->{dir}/log" or die $!;
        open STDOUT, '>&', \*STDERR or die $!;
        exec '/usr/bin/python3', '-m', 'aiosmtpd', '-n', '-d', '-l', "127.0.0.1:$self->{port}", '-c', 'aiosmtpd.handlers.Mailbox',
            "$self->{dir}/box" or POSIX::_exit(1);
    }
    for (1 .. 200) {
        return $self if IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}");
        sleep 0.05;
    }
    die "the sink does not listen\n";
}

# a line of the conf
sub target {
    my ($self, $name, @more) = @_;
    return "voltgate_target $name url=smtp://127.0.0.1:$self->{port} starttls=off @more;";
}

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    kill 'KILL', -$self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

# those to that address, the oldest first; or all
sub mails {
    my ($self, $to) = @_;

    my @mails = map { _read($_) } sort { _when($a) <=> _when($b) } glob "$self->{dir}/box/new/*";
    return grep { !defined $to || $_->{to} eq $to } @mails;
}

# a Maildir's name has the microseconds without their zeros
sub _when { my ($path) = @_; return $path =~ m{/(\d+)\.M(\d+)P[^/]*$} ? $1 * 1_000_000 + $2 : die "$path\n" }

sub _read {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!";
    my $text = do { local $/ = undef; <$file> };
    my ($head, $body) = split /\r?\n\r?\n/, $text, 2;
    $head =~ s/\r?\n[ \t]+/ /g;
    my %header = map { /^([^:]+):\s*(.*?)\r?$/ ? (lc $1 => $2) : () } split /\n/, $head;
    my %mail = (from => $header{from}, to => $header{to}, id => $header{'message-id'}, subject => decode('MIME-Header', $header{subject}));
    # parts within parts; base64 has no line that begins so
    my @parts = ($header{'content-type'} // '') =~ /^multipart/ ? split(/^--.*\n/m, $body) : ("$head\n\n$body");
    for my $part (@parts) {
        my ($kind) = $part =~ m{^Content-Type: text/(plain|html)}mi or next;
        my (undef, $coded) = split /\r?\n\r?\n/, $part, 2;
        $mail{ $kind eq 'plain' ? 'text' : 'html' } = decode('UTF-8', decode_base64($coded));
    }
    return \%mail;
}

END {
    my $status = $?;
    for my $self (grep { $_->{owner} == $$ } @running) {
        $self->stop;
        remove_tree($self->{dir});
    }
    $? = $status;
}

1;
