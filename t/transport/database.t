# PostgreSQL over TLS that is verified to the end, and a password that changes
# while calls go on.
# Long: a cluster of its own is stopped and started again and again.

use strict;
use warnings;

use IO::Socket::SSL::Utils qw(CERT_create PEM_cert2string PEM_key2string KEY_create_ec);
use Test::More;

use Voltgate;

my $api  = '/api/v1';
my $home = Voltgate->start(own_cluster => 1);
my $dba  = $home->dba;
my ($data) = $dba->selectrow_array('show data_directory');
my $address = '127.' . join '.', map { 1 + int rand 250 } 1 .. 3;    # a cluster of its own at the port of all
my $shared  = $home->{run};                                          # where workers may go

sub put {
    my ($path, $text, $owner, $mode) = @_;
    open my $out, '>', "$path.new" or die "$path: $!";
    chmod $mode // 0644, "$path.new" or die $!;
    chown +(getpwnam $owner)[ 2, 3 ], "$path.new" or die $! if $owner && $> == 0;
    print {$out} $text;
    close $out or die $!;
    rename "$path.new", $path or die $!;
    return;
}

# ---------------------------------------------------------- a server with TLS

my ($ca, $ca_key) = CERT_create(subject => { commonName => 'ours' }, CA => 1, key => KEY_create_ec('prime256v1'));
my ($stranger) = CERT_create(subject => { commonName => 'a stranger' }, CA => 1, key => KEY_create_ec('prime256v1'));
my ($cert, $key) = CERT_create(subject => { commonName => 'db.example' }, subjectAltNames => [ [ DNS => 'db.example' ] ],
    issuer => [ $ca, $ca_key ], key => KEY_create_ec('prime256v1'));
put("$shared/ca.pem", PEM_cert2string($ca));
put("$shared/stranger.pem", PEM_cert2string($stranger));
put("$data/server.crt", PEM_cert2string($cert), 'postgres', 0600);
put("$data/server.key", PEM_key2string($key), 'postgres', 0600);
my $hba = do { open my $in, '<', "$data/pg_hba.conf" or die $!; local $/ = undef; <$in> };

# whoever fell back to plain text would be let in
put("$data/pg_hba.conf", $hba . "hostssl all vg_gate 127.0.0.0/8 scram-sha-256\nhostnossl all vg_gate 127.0.0.0/8 trust\n", 'postgres', 0600);
$dba->do($_) for "alter system set listen_addresses = '$address'", "alter system set ssl = on",
    q{alter system set password_encryption = 'scram-sha-256'};

sub restart { $home->pg_stop; $home->pg_start; $dba = $home->dba; return }
restart();

sub password {
    my ($word) = @_;
    $dba->do("alter role vg_gate password '$word'");
    return;
}

sub passfile { put("$shared/gate.pass", "db.example:*:*:vg_gate:$_[0]\n", $> == 0 ? 'www-data' : undef, 0600); return }

password('the first');
passfile('the first');

sub url {
    my (%more) = @_;
    my %url = (host => 'db.example', hostaddr => $address, dbname => 'voltgate', user => 'vg_gate', sslmode => 'verify-full',
        sslrootcert => "$shared/ca.pem", passfile => "$shared/gate.pass", %more);
    return join ' ', map { "$_=$url{$_}" } sort keys %url;
}

sub env { return { DATABASE_URL => $_[0], DATABASE_OWNER_URL => $home->{owner_url} =~ s/\s+\z//r } }

sub connected { return $dba->selectrow_array(q{select count(*) from pg_stat_activity where usename = 'vg_gate' and client_addr is not null}) }

# -------------------------------------------------------------------- refused

subtest 'the test\'s own ground: plain text would be let in' => sub {
    my $in = DBI->connect("dbi:Pg:host=$address;dbname=voltgate;sslmode=disable", 'vg_gate', '', { PrintError => 0 });
    ok $in, 'without TLS, without a password';
    $in->disconnect if $in;
};

subtest 'who cannot be verified is not spoken to' => sub {
    my %bad = (
        'signed by a stranger'      => url(sslrootcert => "$shared/stranger.pem"),
        'another name'              => url(host => 'other.example'),
        'an authority that is gone' => url(sslrootcert => "$shared/none.pem"),
    );
    for my $name (sort keys %bad) {
        my $vg = Voltgate->start(beside => $home, env => env($bad{$name}), not_ready => 1, ready_seconds => 2);
        my $r = $vg->get('/ready');
        is $r->{status}, 503, $name;
        is $r->{json}{lacks}, 'database', "$name: says what lacks";
        is connected(), 0, "$name: nobody is connected";
        like $vg->log, qr/cannot connect to the database/, "$name: is logged";
        $vg->stop_gateway;
    }
};

subtest 'a server without TLS is none' => sub {
    $dba->do('alter system set ssl = off');
    restart();
    my $vg = Voltgate->start(beside => $home, env => env(url()), not_ready => 1, ready_seconds => 2);
    is $vg->get('/ready')->{status}, 503;
    is connected(), 0, 'plain text, which would be let in, is not spoken';
    $vg->stop_gateway;
    $dba->do('alter system set ssl = on');
    restart();
};

# ---------------------------------------------------------------------- spoken

my $vg = Voltgate->start(beside => $home, env => env(url(channel_binding => 'require')));

subtest 'verified, encrypted, bound to its channel' => sub {
    is $vg->get("$api/stations")->{status}, 200;
    is $vg->post("$api/id-tags", { idTag => 'TLS' })->{status}, 201;
    cmp_ok connected(), '>', 0;
    is $dba->selectrow_array(q{select count(*) from pg_stat_activity a left join pg_stat_ssl s using (pid)
        where a.usename = 'vg_gate' and a.client_addr is not null and (s.ssl is not true or s.version not in ('TLSv1.2', 'TLSv1.3'))}), 0,
        'all of it by TLS';
};

# ---------------------------------------------------------------- its password

my $count = 0;

# reads and changes until time is up: those that were not answered as ever
sub calls {
    my ($seconds) = @_;
    my $end = time + $seconds;
    my @bad;
    while (time < $end) {
        my $read = $vg->get("$api/stations");
        my $made = $vg->post("$api/id-tags", { idTag => 'T-' . ++$count });
        push @bad, grep { $_ !~ /^2/ } $read->{status}, $made->{status};
    }
    return @bad;
}

sub cut { return $dba->do(q{select pg_terminate_backend(pid) from pg_stat_activity where usename = 'vg_gate' and client_addr is not null}) }

subtest 'a password changes while calls go on' => sub {
    my @workers = $vg->workers;
    password('the second');
    is_deeply [ calls(1) ], [], 'what is connected stays';
    passfile('the second');
    cmp_ok cut(), '>', 0, 'all connections are ended';
    is_deeply [ calls(3) ], [], 'and no call that comes then fails';
    cmp_ok connected(), '>', 0, 'by new ones';
    is_deeply [ $vg->workers ], \@workers, 'of the same workers';
};

subtest 'a file that comes late is found' => sub {
    password('the third');
    cut();
    ok $vg->wait_for(sub { $vg->get("$api/stations", { 'Cache-Control' => 'no-cache' })->{status} == 503 }, 10), 'away: 503';
    passfile('the third');
    ok $vg->wait_for(sub { $vg->get('/ready')->{status} == 200 && $vg->get("$api/stations")->{status} == 200 }, 20), 'and there again by itself';
    is_deeply [ calls(1) ], [];
};

subtest 'the password is in no conf, no log and no environment' => sub {
    my $master = $vg->master;
    for my $file ("$vg->{state}/conf/nginx.conf", "$vg->{state}/log/error.log", map { ("/proc/$_/environ", "/proc/$_/cmdline") } $master, $vg->workers) {
        open my $in, '<', $file or die "$file: $!";
        local $/ = undef;
        unlike scalar <$in> // '', qr/the (?:first|second|third)/, $file =~ m{^/proc} ? 'of a process' : $file;
    }
};

done_testing;
