# What the house asks of accounts (identities, keys, revocations), what accounts
# asks of notifications, and what time takes away.

use strict;
use warnings;

use JSON::PP     ();
use MIME::Base64 qw(decode_base64url);
use Test::More;

use Voltgate;
use Voltgate::Person;

# asks what it is told to, and is a plugin of notifications
my $post = <<'C';
#include "vg.h"

static const vg_field_t ask_fields[] = {
    { VG_BODY, "route", VG_TEXT, VG_REQUIRED, 1, 50, .about = "whom" },
    { VG_BODY, "args", VG_OBJECT, VG_REQUIRED, .about = "what" },
    VG_FIELDS_END
};

static const vg_field_t send_fields[] = {
    { VG_BODY, "email", VG_TEXT, VG_REQUIRED, .about = "to whom" },
    { VG_BODY, "template", VG_TEXT, VG_REQUIRED, .about = "what" },
    { VG_BODY, "data", VG_OBJECT, VG_REQUIRED, .about = "with" },
    VG_FIELDS_END
};

static vg_rc_t
ask(vg_call_t *call)
{
    vg_str_t route = vg_get(call, "route")->text;

    route = vg_printf(vg_pool(call), "%.*s", (int) route.len, route.data);
    return vg_inquire(call, route.data, vg_get(call, "args")->raw);
}

static const vg_step_t steps[] = {
    { "ask", ask, NULL, NULL },
    { NULL, NULL, NULL, NULL }
};

static const vg_route_t routes[] = {
    { VG_POST, "/ask", NULL, ask_fields, .statement = "asked",
      .flags = VG_AWAIT | VG_EVERYBODYS, .steps = steps, .about = "Ask" },
    { VG_INTERNAL, "notification.mail", NULL, send_fields,
      .statement = "send", .about = "Keeps it" },
    VG_ROUTES_END
};

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI, .name = "post", .version = "1", .about = "a test",
    .routes = routes,
};
C

my $vg = Voltgate->start(
    own_cluster => 1,
    plugins  => [qw(billing charging pricing reservations stations)],    # plugins.d/accounts.conf has the sandbox on
    extra    => { http => 'voltgate_plugin accounts; voltgate_setting accounts.access_lifetime 300;' },
    authored => { post => {
        'plugin.c'             => $post,
        'sql/001_sent.sql'     => "create table post.sent (mail jsonb not null);\n",
        'sql/queries/send.sql' => <<'SQL',
-- in: body
-- out: accepted
with sent as (
    insert into post.sent (mail)
    values (:body)
), answer (status, body, events) as (
    select 'accepted', null::json, null::jsonb
)
select * from answer;
SQL
        'sql/queries/asked.sql' => <<'SQL',
-- in: nothing; :outcome
-- out: what was answered
select coalesce(:outcome, 'null'::jsonb)::json as body;
SQL
    } });
my $api    = '/api/v1';
my %nobody = ('X-API-Key' => '');

sub ask { my ($route, %args) = @_; return $vg->post("$api/ask", { route => $route, args => \%args }) }

sub mail_to {
    my ($email) = @_;
    my $mail;
    $vg->wait_for(sub { $mail = $vg->sql(q{select mail from post.sent where mail ->> 'email' = $1}, $email) }, 10);
    return $mail && JSON::PP->new->utf8->decode($mail);
}

my $user;

subtest 'notifications has the mail, and accounts keeps none' => sub {
    $user = $vg->post("$api/auth/register", { email => 'anna@example.com', password => 'eight or more', name => 'Anna' }, {%nobody})
        ->{json};
    my $mail = mail_to('anna@example.com');
    is $mail->{template}, 'account.verify';
    is $mail->{data}{name}, 'Anna';
    is $mail->{data}{id}, $user->{id};
    is $vg->sql('select count(*) from accounts.sandbox_mail'), 0;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.job') == 0 }), 'the job is gone: the code is good';
    is ask('identity.find', id => $user->{id})->{status}, 404, 'who has proved nothing is nobody yet';
    is $vg->post("$api/auth/verify", { userId => $user->{id}, code => $mail->{data}{code} }, {%nobody})->{status}, 200;
};

subtest 'who may call' => sub {
    is ask('identity.find', id => $user->{id})->{json}{id}, $user->{id};
    is ask('identity.find', id => $_)->{status}, 404, $_
        for '019393c0-0000-7000-8000-000000000001', 'driver-1', "' or true --", 'x' x 255;
    my $key = $vg->post("$api/api-keys", { name => 'k' })->{json};
    is ask('identity.find', id => $key->{id})->{status}, 200, 'a key';
    $vg->sql('update accounts.api_key set expires_at = now() where id = $1', $key->{id});
    is ask('identity.find', id => $key->{id})->{status}, 404, 'which is over';
    $vg->patch("$api/users/$user->{id}", { blocked => JSON::PP::true() });
    is ask('identity.find', id => $user->{id})->{status}, 404, 'not who is blocked';
    $vg->patch("$api/users/$user->{id}", { blocked => JSON::PP::false() });
};

subtest 'what is revoked, as long as it may be shown' => sub {
    my $list = ask('identity.revoked')->{json};
    is_deeply [ map { $_->{id} } @$list ], [ $user->{id} ], 'who was blocked';
    like $list->[0]{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, $_ for qw(before until);
    my ($lives) = $vg->sql(q{select extract(epoch from until - before)::int from accounts.revocation});
    cmp_ok $lives, '>=', 300, 'as long as a token lives, as the setting says';
    cmp_ok $lives, '<=', 365;
    $vg->sql(q{update accounts.revocation set until = now()});
    is_deeply ask('identity.revoked')->{json}, [];
};

subtest 'a key has a plan, a quota and networks' => sub {
    my %new  = (name => 'k', plan => 'gold', quota => 1000, networks => [ '192.0.2.0/24', '2001:db8::1' ]);
    my $made = $vg->post("$api/api-keys", {%new});
    is $made->{status}, 201;
    my $got = $vg->get("$api/api-keys/$made->{json}{id}");
    is_deeply { map { $_ => $got->{json}{$_} } keys %new }, \%new;
    is $got->{json}{lastUsedAt}, undef;
    unlike $got->{body}, qr/"(?:key|hash|salt)"/;
    my $found = ask('api_key.find', prefix => $made->{json}{prefix})->{json};
    is_deeply { map { $_ => $found->{$_} } qw(id plan quota networks) }, { id => $made->{json}{id}, %new{qw(plan quota networks)} };
    ok $found->{stale}, 'it was not used for a minute';
    is_deeply ask('identity.find', id => $made->{json}{id})->{json}, { id => $made->{json}{id}, %new{qw(plan quota networks)} },
        'and so are the tokens that are made of it';

    is ask('api_key.used', id => $made->{json}{id})->{status}, 200;
    my $used = $vg->get("$api/api-keys/$made->{json}{id}")->{json}{lastUsedAt};
    like $used, qr/^\d{4}-/, 'its use is noted';
    ok !ask('api_key.find', prefix => $made->{json}{prefix})->{json}{stale};
    ask('api_key.used', id => $made->{json}{id});
    is $vg->get("$api/api-keys/$made->{json}{id}")->{json}{lastUsedAt}, $used, 'once a minute';

    my $plain = $vg->post("$api/api-keys", { name => 'p' })->{json};
    is_deeply [ @$plain{qw(plan quota networks)} ], [ undef, undef, undef ];
    is_deeply ask('api_key.find', prefix => $plain->{prefix})->{json}{networks}, [], 'from anywhere';

    my $operator = { Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'o', company => 'c') };
    is $vg->post("$api/api-keys", { name => 'k', $_ => $new{$_} }, $operator)->{status}, 403, "$_ is an admin's to give"
        for qw(plan quota);
    is $vg->post("$api/api-keys", { name => 'k', networks => ['192.0.2.0/24'] }, $operator)->{status}, 201, 'networks are not';
    is $vg->get("$api/api-keys/$made->{json}{id}", $operator)->{status}, 404, 'not another\'s';
    my %bad = (plan => [ '', 'Gold', "a b", 'x' x 51, 7 ], quota => [ 0, -1, 1.5, 'many' ],
        networks => [ [], ['x'], ['192.0.2.1/24'], ['::/129'], ['10.0.0.0/8 '], 'any', [ ('10.0.0.0/8') x 51 ] ]);
    for my $field (sort keys %bad) {
        is $vg->post("$api/api-keys", { name => 'k', $field => $_ })->{status}, 400, $field for @{ $bad{$field} };
    }
};

subtest 'tokens that were made of a key end with it' => sub {
    my $key = $vg->post("$api/api-keys", { name => 'k' })->{json};
    my $r = Voltgate::Person::ask($vg, { grant_type => 'client_credentials', client_id => $key->{id}, client_secret => $key->{key} });
    is $r->{json}{expires_in}, 300, 'they live as the setting says';
    is $vg->delete("$api/api-keys/$key->{id}")->{status}, 204;
    is_deeply [ map { $_->{id} } @{ ask('identity.revoked')->{json} } ], [ $key->{id} ];
    for my $type (qw(api_key.revoked.v1 identity.revoked.v1)) {
        ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.event where type = $1 and aggregate_id = $2', $type, $key->{id}) == 1 }),
            "$type is told";
    }
};

subtest 'what has had its time is taken away, and nothing else' => sub {
    my @person = map { my $n = $_; my $email = "sweep-$n\@example.com";
        $vg->post("$api/auth/register", { email => $email, password => 'eight or more', name => 'X' }, {%nobody})->{json}{id} } 1 .. 2;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.job') == 0 }), 'their codes are mailed';
    $vg->sql(q{update accounts.users set created_at = now() - interval '25 hours' where id = $1}, $person[0]);
    my @session = map { Voltgate::Person::ask($vg, { grant_type => 'password', username => 'anna@example.com',
        password => 'eight or more' })->{json}{refresh_token} } 1 .. 3;
    my @id = map { $_->{id} } $vg->rows('select id from accounts.session order by id');
    is scalar(@id), 3;
    $vg->sql(q{update accounts.session set expires_at = now() - interval '1 s' where id = $1}, $id[0]);
    $vg->sql(q{update accounts.session set ended_at = now() - interval '25 hours' where id = $1}, $id[1]);
    $vg->sql(q{insert into accounts.guard (user_id, place, failed, failed_at, since, in_minute)
        select id, p.place, 1, now() - p.ago, now(), 1 from accounts.users, (values ('old', interval '25 hours'), ('new', '1 hour'))
        as p (place, ago) where id = $1}, $user->{id});
    $vg->sql(q{insert into accounts.known_place select id, p.place, now() - p.ago from accounts.users,
        (values ('old', interval '91 days'), ('new', '89 days')) as p (place, ago) where id = $1}, $user->{id});
    $vg->sql(q{insert into accounts.postage values ('old', 'verify', now() - interval '61 min', 5), ('new', 'reset', now(), 5)});
    $vg->sql(q{insert into accounts.sandbox_mail select vg.uuid7(), e, e, 't', '{}', now() - ago
        from (values ('old', interval '25 hours'), ('new', '1 hour')) as m (e, ago)});
    $vg->sql(q{update accounts.code set expires_at = now() - interval '1 s' where user_id = $1}, $person[1]);
    # last, since a turn that takes it away takes all of it away
    $vg->sql(q{insert into accounts.revocation values ('old', now(), now() - interval '1 s'), ('new', now(), now() + interval '1 hour')});

    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from accounts.revocation where id = 'old'}) == 0 }, 30), 'within its time';
    is_deeply [ map { $_->{id} } $vg->rows('select id from accounts.users where id = any ($1)', [@person]) ], [ $person[1] ],
        'who did not prove an address';
    is $vg->sql('select count(*) from accounts.code where user_id = $1', $person[1]), 0, 'a code';
    is_deeply [ map { $_->{id} } $vg->rows('select id from accounts.session') ], [ $id[2] ], 'sessions';
    is $vg->sql(q{select string_agg(id, '') from accounts.revocation where id in ('old', 'new')}), 'new';
    is $vg->sql(q{select string_agg(place, '') from accounts.guard where place in ('old', 'new')}), 'new';
    is $vg->sql(q{select string_agg(place, '') from accounts.known_place where place in ('old', 'new')}), 'new';
    is $vg->sql(q{select string_agg(email_key, '') from accounts.postage where email_key in ('old', 'new')}), 'new';
    is $vg->sql(q{select string_agg(email, '') from accounts.sandbox_mail}), 'new';
};

done_testing;
