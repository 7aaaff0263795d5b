package Voltgate::Caller;

# A plugin that calls whatever it is told to, made of accounts and the files of
# t/outbound; and a table accounts.heard of what came of it.
#
#   my $vg = Voltgate->start(extra => { http => '    voltgate_target …;' });
#   caller_of($vg);
#   $vg->post('/api/v1/call', { target => 'world', path => '/ok' });    # the outcome, or the problem
#   $vg->post('/api/v1/call-after', { … });     # 202; then heard, or undone
#   $vg->post('/api/v1/call-later', { …, note, once, after });  # 202; a job, then heard or undone
#   $vg->post('/api/v1/mail', { target, from, to, subject, text, html });

use strict;
use warnings;

use Exporter qw(import);
use POSIX ();

use Voltgate;
use Voltgate::Cli;
use Voltgate::Variant;

our @EXPORT = qw(at_once caller_of certificates metric said);

my $HEARD = q{
-- in: :outcome or :reason
-- out: nothing; what came of it is kept
with kept as (
    insert into accounts.heard (note, %s, correlation, job) values (:%s, :%s, :correlationId, :jobId)
), answer (status, body, events) as (
    select 'ok', null::jsonb, '[]'::jsonb
)
select * from answer;
};

my %STATEMENTS = (
    call_told => q{
-- in: :outcome
-- out: it
with answer (status, body, events) as (
    select 'ok', :outcome, '[]'::jsonb
)
select * from answer;
},
    call_begun => q{
-- in: nothing
-- out: nothing
with answer (status, body, events) as (
    select 'accepted', '{}'::jsonb, '[]'::jsonb
)
select * from answer;
},
    call_noted => sprintf($HEARD, "outcome", "path", "outcome"),
    call_later => q{
-- in: all that a call takes; note; once: a key; after: seconds
-- out: nothing; a job
with put as (
    insert into vg.job (plugin, kind, key, payload, correlation_id, traceparent, actor_id, next_at)
    values ('accounts', coalesce(:kind, 'call.deliver'), :once, :body - 'once' - 'after' - 'kind', :correlationId, :vgTraceparent,
        :callerId, :now + coalesce(:after, 0) * interval '1 second')
    on conflict do nothing
), answer (status, body, events) as (
    select 'accepted', '{}'::jsonb, '[]'::jsonb
)
select * from answer;
},
    call_heard => sprintf($HEARD, "outcome", "note", "outcome"),
    call_given_up => sprintf($HEARD, "reason", "note", "reason"),
    call_undone => sprintf($HEARD, "reason", "path", "reason"),
);

sub caller_of {
    my ($vg, %more) = @_;

    $vg->sql('create table accounts.heard (id bigint generated always as identity, note text, outcome jsonb,
        reason text, correlation text, job uuid, at timestamptz not null default clock_timestamp())');
    $vg->sql('grant select, insert on accounts.heard to vg_accounts');
    my %files = (%STATEMENTS, %{ $more{statements} || {} });
    my $rows = q{
    { VG_POST, "/call", WRITE, call_fields, .statement = "call_told",
      .flags = VG_AWAIT | VG_EVERYBODYS, .steps = call_steps },
    { VG_POST, "/call-after", WRITE, call_fields, .statement = "call_begun",
      .flags = VG_EVERYBODYS, .steps = call_after_steps },
    { VG_POST, "/call-later", WRITE, call_later_fields, .statement = "call_later" },
    { VG_JOB, "call.deliver", NULL, call_job_fields, .statement = "call_heard",
      .steps = call_job_steps },
    { VG_POST, "/mail", WRITE, mail_fields, .statement = "call_told",
      .flags = VG_AWAIT | VG_EVERYBODYS, .steps = mail_steps },
} . ($more{rows} // '');
    my $v = Voltgate::Variant->new($vg, 'accounts',
        'caller.c' => sub { $_ = _slurp('caller.c') },
        'caller.h' => sub { $_ = _slurp('caller.h') },
        'plugin.c' => sub {
            s/(#include "accounts.h"\n)/$1#include "caller.h"\n/;
            s/(    VG_ROUTES_END)/$rows\n$1/;
            s/(\.version = ")[^"]+/${1}9.9.9/;
        },
        map { my $name = $_; ("sql/queries/$name.sql" => sub { $_ = $files{$name} =~ s/^\n//r }) } keys %files);
    my ($status, $out) = cli($vg, plugin => 'reload', 'accounts', $v->options);
    die "the plugin is not taken: $out\n" if $status;
    return $v;
}

sub _slurp {
    my ($name) = @_;
    open my $in, '<', "$Voltgate::ROOT/t/outbound/$name" or die "$name: $!";
    local $/ = undef;
    return scalar <$in>;
}

# A CA, and certificates of it and beside it, in a folder of the test:
# { ca, good, wrong, expired, self } with { cert, key } each, ca a file.
sub certificates {
    my ($vg) = @_;

    my $dir = "$vg->{state}/certificates";
    mkdir $dir or die "$dir: $!";
    my $run = sub { system("cd '$dir' && { $_[0]; } >openssl.log 2>&1") == 0 or die "openssl: see $dir/openssl.log\n" };
    my $key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256';
    $run->("openssl req -x509 $key -days 30 -subj /CN=Test-CA -keyout ca.key -out ca.pem");
    my %names = (good => 'IP:127.0.0.1,DNS:localhost', wrong => 'DNS:elsewhere.example', expired => 'IP:127.0.0.1,DNS:localhost');
    for my $name (sort keys %names) {
        my $days = $name eq 'expired' ? '-startdate 20200101000000Z -enddate 20200201000000Z' : '-days 30';
        $run->("openssl req $key -subj /CN=$name -keyout $name.key -out $name.csr"
            . " && mkdir -p $name.d && : >$name.d/index && echo 01 >$name.d/serial"
            . " && printf '[ca]\\ndefault_ca=d\\n[d]\\nnew_certs_dir=$name.d\\ndatabase=$name.d/index\\nserial=$name.d/serial\\ndefault_md=sha256\\npolicy=p\\nx509_extensions=e\\n[p]\\ncommonName=supplied\\n[e]\\nsubjectAltName=$names{$name}\\n' >$name.cnf"
            . " && openssl ca -batch -notext -config $name.cnf -cert ca.pem -keyfile ca.key $days -in $name.csr -out $name.pem");
    }
    $run->("openssl req -x509 $key -days 30 -subj /CN=self -addext subjectAltName=IP:127.0.0.1 -keyout self.key -out self.pem");
    return { ca => "$dir/ca.pem", map { $_ => { cert => "$dir/$_.pem", key => "$dir/$_.key" } } qw(good wrong expired self) };
}

# said($r): the status of a call that went well, else the name of the error; of
# one that came to no answer, why
sub said { my ($r) = @_; return $r->{status} < 400 ? $r->{status} : ($r->{json}{type} // "$r->{status} $r->{body}") =~ s{.*/}{}r }

# at_once($vg, @calls): what each came to, by a client of its own, all together
sub at_once {
    my ($vg, @calls) = @_;

    my $admin = $vg->admin;
    my @pipes = map {
        my $call = $_;
        my $pid = open(my $pipe, '-|') // die "fork: $!";
        if (!$pid) {
            $vg->{client} = undef;
            my $said = eval { said($vg->post('/api/v1/call', $call)) } // "died: $@";
            syswrite STDOUT, $said;
            POSIX::_exit(0);
        }
        $pipe;
    } @calls;
    return map { my $pipe = $_; local $/ = undef; my $said = <$pipe>; close $pipe; $said } @pipes;
}

# metric($vg, 'voltgate_outbound_retries_total', target => 'world')
sub metric {
    my ($vg, $name, @labels) = @_;
    my $labels = '';
    $labels .= qq{,$labels[$_]="$labels[$_ + 1]"} for grep { $_ % 2 == 0 } 0 .. $#labels;
    $labels =~ s/^,//;
    return $vg->get('/metrics')->{body} =~ /^\Q$name\E\{\Q$labels\E\} (\S+)$/m ? $1 : undef;
}

1;
