package Voltgate::Keeper;

# A plugin of a test's own in the place of accounts: who is a user, which keys
# there are, what was revoked; and a desk that hands out tokens of the house.
#
#   my $vg = Voltgate->start(plugins => [], authored => { keeper() });
#   person($vg, 'u1');                                   # identity.find knows u1
#   my $token = house($vg, subject => 'u1', role => 'driver', session => 's1');
#   revoke($vg, 's1');                                   # by an event, as accounts does
#   key($vg, 'secret', networks => '["10.0.0.0/8"]');    # → vg_…, see api_key.find
#   who($vg, $token);                                    # GET /api/v1/keeper/me

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter qw(import);

our @EXPORT = qw(keeper person house revoke key who);

my $source = <<'C';
#include "vg.h"

static vg_str_t
text(vg_call_t *call, const char *name)
{
    const vg_json_t *value = vg_get(call, name);

    return value ? value->text : (vg_str_t){ NULL, 0 };
}

static vg_rc_t
me(vg_call_t *call)
{
    vg_out_t           out;
    const vg_caller_t *who = vg_caller(call);

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "id", who->id);
    vg_out_member(&out, "role", who->role);
    vg_out_member(&out, "company", who->company);
    vg_out_member(&out, "scopes", who->scopes);
    vg_out_member(&out, "session", who->session);
    vg_out_member(&out, "plan", who->plan);
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}

static vg_rc_t
mint(vg_call_t *call)
{
    vg_out_t   out;
    vg_token_t asked = { .subject = text(call, "subject"), .role = text(call, "role"),
        .company = VG_STR(""), .scope = { NULL, 0 }, .session = text(call, "session"), .lifetime = 600 };

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "token", vg_token_mint(call, &asked));
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}

static vg_rc_t
look(vg_call_t *call)
{
    vg_str_t said = vg_token_read(call, text(call, "token"));

    return vg_reply(call, said.data ? said : VG_STR("{}"));
}

static const vg_field_t mint_fields[] = {
    { VG_BODY, "subject", VG_TEXT, VG_REQUIRED, 1, 50 }, { VG_BODY, "role", VG_TEXT, VG_REQUIRED, 1, 50 },
    { VG_BODY, "session", VG_TEXT, 0, 1, 50 }, VG_FIELDS_END };
static const vg_field_t look_fields[] = { { VG_BODY, "token", VG_TEXT, VG_REQUIRED, 1, 6000 }, VG_FIELDS_END };
static const vg_field_t id_fields[] = { { VG_BODY, "id", VG_TEXT, VG_REQUIRED, 1, 300 }, VG_FIELDS_END };
static const vg_field_t revoke_fields[] = {
    { VG_BODY, "id", VG_TEXT, VG_REQUIRED, 1, 300 }, { VG_BODY, "seconds", VG_INT, VG_REQUIRED }, VG_FIELDS_END };
static const vg_field_t prefix_fields[] = { { VG_BODY, "prefix", VG_TEXT, VG_REQUIRED, 1, 200 }, VG_FIELDS_END };
static const vg_field_t topic_fields[] = { { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 300 }, VG_FIELDS_END };

static const vg_route_t routes[] = {
    { VG_GET, "/keeper/me", .check = me, .flags = VG_EVERYBODYS },
    { VG_GET, "/keeper/cached/{id}", NULL, topic_fields, .statement = "fixed", .cache = "keeper:{id}", .flags = VG_EVERYBODYS },
    { VG_GET, "/keeper/open/{id}", VG_PUBLIC, topic_fields, .statement = "fixed", .cache = "keeper:{id}", .flags = VG_EVERYBODYS },
    { VG_GET, "/keeper/stream/{id}", NULL, topic_fields, .statement = "stream", .flags = VG_STREAM | VG_EVERYBODYS },
    { VG_POST, "/keeper/token", VG_PUBLIC, mint_fields, .render = mint, .flags = VG_EVERYBODYS },
    { VG_POST, "/keeper/look", VG_PUBLIC, look_fields, .render = look, .flags = VG_EVERYBODYS },
    { VG_POST, "/keeper/revoke", "accounts:write", revoke_fields, .statement = "revoke", .flags = VG_EVERYBODYS },
    { VG_INTERNAL, "identity.find", NULL, id_fields, .statement = "find" },
    { VG_INTERNAL, "identity.revoked", NULL, NULL, .statement = "revoked" },
    { VG_INTERNAL, "api_key.find", NULL, prefix_fields, .statement = "key" },
    VG_ROUTES_END
};

static const char *const publishes[] = { "identity.revoked.v1", NULL };

const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = "keeper", .version = "1", .routes = routes, .publishes = publishes };
C

my %files = (
    'plugin.c'            => $source,
    'sql/001_keeper.sql'  => <<'SQL',
create table keeper.person (id text not null, constraint person_pkey primary key (id));
create table keeper.revoked (id text not null, before timestamptz not null, until timestamptz not null);
create table keeper.key (prefix text not null, body json not null, constraint key_pkey primary key (prefix));
create table keeper.broken (why text not null);
create function keeper.works() returns boolean language plpgsql stable as '
begin
    if exists (select from keeper.broken) then
        raise ''out of order'';
    end if;
    return true;
end';
SQL
    'sql/queries/find.sql' => <<'SQL',
-- in: id
-- out: id; no row: nobody of that name
select json_build_object('id', p.id) as body
from keeper.person as p
where p.id = :id;
SQL
    'sql/queries/revoked.sql' => <<'SQL',
-- in: nothing
-- out: all that is in force
select coalesce(json_agg(json_build_object('id', r.id, 'before', vg.z(r.before), 'until', vg.z(r.until))), '[]') as body
from keeper.revoked as r
where r.until > :now
    and keeper.works();
SQL
    'sql/queries/revoke.sql' => <<'SQL',
-- in: id, seconds
-- out: ok; tells identity.revoked.v1
with revoked as (
    insert into keeper.revoked (id, before, until)
    values (:id, :now, :now + :seconds * interval '1 second')
    returning id, before, until
), answer (status, body, events) as (
    select 'ok', json_build_object('id', r.id), jsonb_build_array(jsonb_build_object('type', 'identity.revoked.v1',
        'aggregateId', r.id, 'payload', jsonb_build_object('id', r.id, 'before', vg.z(r.before), 'until', vg.z(r.until))))
    from revoked as r
)
select * from answer;
SQL
    'sql/queries/key.sql' => <<'SQL',
-- in: prefix
-- out: what a presented key is checked against
select k.body
from keeper.key as k
where k.prefix = :prefix;
SQL
    'sql/queries/fixed.sql' => <<'SQL',
-- in: id
-- out: the same for all
select json_build_object('id', :id, 'words', repeat('word ', 40)) as body;
SQL
    'sql/queries/stream.sql' => <<'SQL',
-- in: id
-- out: one frame
select json_build_object('id', :id) as body, 'f' as id, false as over;
SQL
    'events/identity.revoked.v1.json' => <<'JSON',
{
    "title": "identity.revoked.v1",
    "description": "What was issued for an id before a moment is void",
    "x-audience": "house",
    "type": "object",
    "properties": {
        "id": { "type": "string", "description": "of a subject, a session or a token" },
        "before": { "type": "string", "format": "date-time", "description": "when what is void was issued" },
        "until": { "type": "string", "format": "date-time", "description": "when the last of it has expired" }
    },
    "required": ["id", "before", "until"]
}
JSON
);

sub keeper { return (keeper => {%files}) }

sub person { my ($vg, @ids) = @_; $vg->sql('insert into keeper.person (id) values ($1)', $_) for @ids; return }

sub house {
    my ($vg, %claims) = @_;
    my $r = $vg->post('/api/v1/keeper/token', { role => 'driver', %claims });
    die "no token: $r->{status} $r->{body}\n" if $r->{status} != 200;
    return $r->{json}{token};
}

sub revoke {
    my ($vg, $id, $seconds) = @_;
    my $r = $vg->post('/api/v1/keeper/revoke', { id => $id, seconds => $seconds // 900 });
    die "not revoked: $r->{status} $r->{body}\n" if $r->{status} != 200;
    return;
}

# key($vg, $secret, member => JSON text): a key with these members beside its own
sub key {
    my ($vg, $secret, %more) = @_;

    my $prefix = substr sha256_hex($secret), 0, 12;
    my $key    = "vg_${prefix}_$secret";
    my %row    = (id => '"key-1"', salt => '"salt"', hash => '"' . sha256_hex("salt$key") . '"', role => '"partner"', %more);
    $vg->sql('insert into keeper.key (prefix, body) values ($1, $2::json)', $prefix,
        '{' . join(',', map { qq("$_":$row{$_}) } sort keys %row) . '}');
    return $key;
}

sub who {
    my ($vg, $token, %headers) = @_;
    return $vg->get('/api/v1/keeper/me', { $token ? (Authorization => "Bearer $token") : (), %headers });
}

1;
