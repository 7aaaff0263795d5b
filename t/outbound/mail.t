# Mail over SMTP, to a server that we did not write (aiosmtpd) and read by a
# library that we did not write; and to servers on their bad days.
# Long: servers that say nothing for seconds.

use strict;
use warnings;

use utf8;

use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Caller;

my $dir = "/tmp/voltgate-mail.$$";
mkdir $dir or die "$dir: $!";
my %pids;
END { my $status = $?; kill 'KILL', map { -$_ } keys %pids; waitpid $_, 0 for keys %pids; system('rm', '-rf', $dir); $? = $status }
my $certificates = certificates({ state => $dir });

# the real one; port, and where its mails are
sub server {
    my ($name, @options) = @_;
    my $port = Voltgate::free_port();
    my $pid  = fork // die "fork: $!";
    if (!$pid) {
        setpgrp;    # ended with all that it began
        open STDERR, '>', "$dir/$name.log" or die $!;
        open STDOUT, '>&', \*STDERR or die $!;
        exec '/usr/bin/python3', '-m', 'aiosmtpd', '-n', '-d', '-l', "127.0.0.1:$port", '-c', 'aiosmtpd.handlers.Mailbox', @options, "$dir/$name"
            or POSIX::_exit(1);
    }
    $pids{$pid} = 1;
    for (1 .. 200) {
        last if IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
        sleep 0.05;
    }
    return $port;
}

# one that says these lines, one to each that comes; 'hang' says nothing more,
# 'nod' nothing for 5 s
sub script {
    my (@lines) = @_;
    my $listen = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die $!;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        setpgrp;
        $SIG{CHLD} = 'IGNORE';
        while (my $client = $listen->accept) {
            next if fork;
            my @left = @lines;
            while (@left) {
                my $line = shift @left;
                sleep 60 if $line eq 'hang';
                if ($line eq 'nod') {    # before the word after the final dot
                    sleep 5;
                    next;
                }
                $client->syswrite("$line\r\n");
                if ($line =~ /^354/) {
                    my $text = '';
                    sysread $client, $text, 65536, length $text or last until $text =~ /\r\n\.\r\n$/;
                } elsif (@left) {
                    my $word;
                    sysread $client, $word, 4096 or last;
                }
            }
            POSIX::_exit(0);
        }
        POSIX::_exit(0);
    }
    $pids{$pid} = 1;
    return $listen->sockport;
}

my %port = (
    tls   => server('tls', '--tlscert', $certificates->{good}{cert}, '--tlskey', $certificates->{good}{key}),
    smtps => server('smtps', '--smtpscert', $certificates->{good}{cert}, '--smtpskey', $certificates->{good}{key}),
    wrong => server('wrong', '--tlscert', $certificates->{wrong}{cert}, '--tlskey', $certificates->{wrong}{key}),
    plain => server('plain'),
);
my %script = (
    shut    => [ '421 closing' ],
    nouser  => [ '220 hello', '250 hello', '250 ok', '550 no such user' ],
    later   => [ '220 hello', '250 hello', '250 ok', '450 later' ],
    refused => [ '220 hello', '250 hello', '250 ok', '250 ok', '354 go on', '554 spam' ],
    hangs   => [ 'hang' ],
    packed  => [ 'hang' ],
    after   => [ '220 hello', '250 hello', '250 ok', '250 ok', '354 go on', 'hang' ],
    nodding => [ '220 hello', '250 hello', '250 ok', '250 ok', '354 go on', 'nod', '250 taken' ],
    sulks   => [ '220 hello', '250 hello', '250 ok', '550 no such user', 'hang' ],
    goodbye => [ '220 hello', '250 hello', '250 ok', '250 ok', '354 go on', '250 taken', 'hang' ],
);
$script{$_} = script(@{ $script{$_} }) for sort keys %script;

my $terms = 'rate=1000 window=20 tries=1 timeout=2s';
my $vg = Voltgate->start(extra => { http => join "\n",
    (map { "    voltgate_target $_ url=smtp://127.0.0.1:$port{$_} $terms ca=$certificates->{ca};" } qw(tls wrong plain)),
    "    voltgate_target smtps url=smtps://127.0.0.1:$port{smtps} $terms ca=$certificates->{ca};",
    "    voltgate_target bare url=smtp://127.0.0.1:$port{plain} $terms starttls=off;",
    "    voltgate_target http url=http://127.0.0.1:1 $terms;",
    (map { my $time = $_ eq 'nodding' ? $terms =~ s/2s/9s/r : $_ eq 'packed' ? $terms =~ s/2s/6s concurrent=64/r : $terms;
        "    voltgate_target $_ url=smtp://127.0.0.1:$script{$_} $time starttls=off;" } sort keys %script),
});
caller_of($vg);

my %mail = (from => 'no-reply@volt.example', to => 'driver@mail.example', subject => 'Your charge', text => "Hello.\n.\nFrom here on.\n");

sub mail { my ($target, %more) = @_; return $vg->post('/api/v1/mail', { target => $target, %mail, %more }) }

# what lies in a server's mailbox, read by Python
sub box {
    my ($name) = @_;
    open my $pipe, '-|', '/usr/bin/python3', '-c', <<'END', "$dir/$name" or die $!;
import email, email.policy, glob, json, re, sys
out = []
for path in sorted(glob.glob(sys.argv[1] + '/new/*'), key=lambda path: int(re.search(r'Q(\d+)', path).group(1))):
    with open(path, 'rb') as file:
        raw = file.read()
    m = email.message_from_bytes(raw, policy=email.policy.default)
    out.append({'subject': m['subject'], 'from': m['from'], 'to': m['to'], 'id': m['message-id'], 'date': m['date'],
        'rcpt': m['x-rcptto'], 'sender': m['x-mailfrom'], 'names': [n.lower() for n in m.keys()],
        'longest': max(len(l) for l in raw.split(b'\n')), 'defects': [str(d) for p in m.walk() for d in p.defects],
        'parts': [[p.get_content_type(), p.get_content()] for p in m.walk() if not p.is_multipart()]})
print(json.dumps(out))
END
    local $/ = undef;
    return @{ JSON::PP->new->utf8->decode(scalar <$pipe>) };
}

# how many it has had, by what it says itself
sub connections {
    my ($name) = @_;
    open my $file, '<', "$dir/$name.log" or die $!;
    return scalar grep { /Peer: / } <$file>;
}

subtest 'a mail arrives' => sub {
    my $r = mail('tls');
    is $r->{status}, 200 or diag $r->{body};
    is_deeply $r->{json}, { code => 250 };
    my @box = box('tls');
    is scalar @box, 1;
    my ($m) = @box;
    is $m->{subject}, 'Your charge';
    is $m->{from}, $mail{from};
    is $m->{to}, $mail{to};
    is $m->{rcpt}, $mail{to};
    is $m->{sender}, $mail{from};
    like $m->{id}, qr/^<[0-9a-f-]{36}\@volt\.example>$/;
    like $m->{date}, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/;
    is_deeply $m->{defects}, [];
    is_deeply $m->{parts}, [ [ 'text/plain', $mail{text} ] ], 'byte for byte';
};

subtest 'in any language, with HTML' => sub {
    my $subject = 'Ladevorgang beendet: 12,50 € für die Säule am Überseering 🔌 ' x 4;
    $subject =~ s/ $//;
    my $r = mail('smtps', subject => $subject, text => "Grüße\n", html => '<p>Grüße</p>');
    is $r->{status}, 200 or diag $r->{body};
    my ($m) = box('smtps');
    is $m->{subject}, $subject;
    is_deeply $m->{parts}, [ [ 'text/plain', "Grüße\n" ], [ 'text/html', '<p>Grüße</p>' ] ];
    cmp_ok $m->{longest}, '<', 999, 'no line is too long';
    is_deeply $m->{defects}, [];
    is mail('tls', subject => '=?UTF-8?Q?not_decoded?=')->{status}, 200;
    is +(box('tls'))[-1]{subject}, '=?UTF-8?Q?not_decoded?=', 'what looks encoded is what was written';
};

subtest 'many on one connection' => sub {
    ok my $before = connections('tls');
    is mail('tls', text => "$_\n")->{status}, 200 for 1 .. 10;
    is scalar box('tls'), 12;
    cmp_ok connections('tls') - $before, '<=', 2, 'of each worker';
};

subtest 'TLS is asked for, and verified' => sub {
    is said(mail('wrong')), 'tls', 'of another name';
    is said(mail('plain')), 'tls', 'a server that has none';
    is mail('bare')->{status}, 200, 'but where the conf says so';
    is scalar box('wrong'), 0;
    is scalar box('plain'), 1;
};

subtest 'each way of failing has its name' => sub {
    my %ways = (shut => 'upstream', nouser => 'rejected', later => 'upstream', refused => 'rejected', hangs => 'silent', after => 'silent', http => 'internal',
        unknown => 'internal');
    for my $target (sort keys %ways) {
        my $began = time;
        my $r = mail($target);
        is said($r), $ways{$target}, $target;
        cmp_ok time - $began, '<', 5, 'in time';
    }
    is mail('nouser')->{json}{answered}, 550, 'with the code';
};

subtest 'nothing of a mail becomes a line of its header' => sub {
    my $before = box('tls');
    for my $bad ({ to => "a\@b.example\r\nBcc: c\@d.example" }, { to => 'a@b.example>, <c@d.example' }, { to => 'a b@c.example' }, { to => 'nobody' }, { to => 'a@b@c' },
        { to => '' }, { from => "a\@b.example\nX: y" }, { from => '<a@b.example>' }, { subject => "x\r\nBcc: c\@d.example" }, { subject => "x\0" },
        { subject => 'x' x 501 }, { to => 'ä@b.example' })
    {
        my $r = mail('tls', %$bad);
        like said($r), qr/^(?:internal|validation)$/, JSON::PP->new->canonical->ascii->encode($bad);
    }
    is scalar box('tls'), $before, 'none was sent';
};

# mails by clients of their own; from each pipe comes what became of one
sub mails {
    my ($target, $count, $pause) = @_;
    my $admin = $vg->admin;
    return map {
        my $pid = open(my $pipe, '-|') // die "fork: $!";
        if (!$pid) {
            $vg->{client} = undef;
            my $said = eval { my $r = mail($target); $r->{status} == 599 ? 'died' : said($r) } // "died: $@";
            syswrite STDOUT, $said;
            POSIX::_exit(0);
        }
        sleep $pause // 0.2;
        $pipe;
    } 1 .. $count;
}

# A mail for each worker: one that waits takes no connection, so the second is
# the other's. What became of them, how long others waited meanwhile, and how
# often they were served.
sub meanwhile {
    my ($target) = @_;
    my @pipes = mails($target, 2);
    my ($most, $asked, $ready) = (0, 0, '');
    vec($ready, fileno $pipes[0], 1) = 1;
    until (select my $now = $ready, undef, undef, 0.02) {
        my $began = time;
        delete $vg->{client} if $asked++ % 2;
        $vg->get('/healthz')->{status} == 200 or die 'not healthy';
        my $took = time - $began;
        $most = $took if $took > $most;
    }
    my @said = map { scalar <$_> } @pipes;
    close $_ for @pipes;
    return ("@said", $most, $asked);
}

subtest 'who waits for a mail server holds up nobody else of the worker' => sub {
    for ([ nodding => 200 ], [ after => 'silent' ], [ sulks => 'rejected' ], [ hangs => 'silent' ]) {
        my ($target, $expected) = @$_;
        my ($said, $most, $asked) = meanwhile($target);
        is $said, "$expected $expected", $target;
        cmp_ok $asked, '>', 5, 'others were served';
        cmp_ok $most, '<', 1, 'at once: none of them is silent for less than two seconds';
    }
};

subtest 'more than there are threads: the others are not sent, and say so' => sub {
    my @pipes = mails('packed', 40, 0);
    my %said;
    for my $pipe (@pipes) { $said{ scalar <$pipe> }++; close $pipe }
    is $said{busy} + $said{silent}, 40 or diag explain \%said;
    cmp_ok $said{busy}, '>=', 8, 'two workers have 16 each';
    cmp_ok $said{silent}, '>=', 16;
    is mail('bare')->{status}, 200, 'threads are free again';
};

subtest 'a worker that must go at once does not wait for a mail server' => sub {
    my ($pipe) = mails('nodding', 1);
    ok $vg->wait_for(sub { metric($vg, 'voltgate_outbound_running', target => 'nodding') }), 'it is under way';
    my @before = $vg->workers;
    my $began = time;
    kill 'TERM', @before;
    ok $vg->wait_for(sub { !Voltgate::alive(@before) }, 10), 'gone';
    cmp_ok time - $began, '<', 4, 'before the server said a word';
    like scalar <$pipe>, qr/^died/, 'who waited was not told';
    close $pipe;
    delete $vg->{client};
    ok $vg->wait_for(sub { eval { mail('bare')->{status} == 200 } }, 10), 'others have come';
};

# last: the new workers run accounts as it was built
subtest 'one that is told to go ends what it has, and waits for no goodbye' => sub {
    is mail('goodbye')->{status}, 200;
    my ($pipe) = mails('nodding', 1);
    ok $vg->wait_for(sub { metric($vg, 'voltgate_outbound_running', target => 'nodding') }), 'one is under way';
    my @before = $vg->workers;
    my $began = time;
    $vg->reload;
    ok $vg->wait_for(sub { !Voltgate::alive(@before) }, 10), 'the old workers are gone';
    cmp_ok time - $began, '<', 9, 'when it was taken';
    is scalar <$pipe>, 200, 'and it was';
    close $pipe;
};

done_testing;
