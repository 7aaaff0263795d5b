package Voltgate::Till;

# A gateway with limits, and a plugin of a few routes to be limited: a till.
#
#   my $vg = Voltgate::Till->start(http => 'voltgate_plan few rate=10r/h burst=5; …');
#   my $as = somebody($vg, 'ann');                 # headers; role driver
#   from($as, '192.0.2.7');                        # and from that address
#   ask($vg, '/mine', $as)                         # the answer
#   left($r)                                       # Limit/Remaining/Reset, as one text
#
# Its keys are vg_NAME_secretsecret: what is behind the last dash of NAME is
# the plan, or a number, which is the quota: vg_a-gold_…, vg_b-30_….

use strict;
use warnings;

use Exporter qw(import);

use Voltgate;

our @EXPORT_OK = qw(somebody key nobody from ask tally left figure);

my $source = <<'C';
#include <stdlib.h>
#include <string.h>
#include "vg.h"

static vg_rc_t
told(vg_call_t *call)
{
    vg_out_t out;

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "id", vg_caller(call)->id);
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}

static vg_rc_t
find(vg_call_t *call)
{
    vg_out_t    out;
    vg_str_t    name = vg_get(call, "prefix")->text;
    const char *dash = memrchr(name.data, '-', name.len);
    vg_str_t    key, plan = VG_STR("");
    long        quota = 0;

    if (dash != NULL) {
        plan = (vg_str_t){ dash + 1, name.data + name.len - dash - 1 };
        quota = strtol(plan.data, NULL, 10);
    }
    key = vg_printf(vg_pool(call), "vg_%.*s_secretsecret", (int) name.len, name.data);
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "id", vg_printf(vg_pool(call), "key-%.*s", (int) name.len, name.data));
    vg_out_member(&out, "salt", VG_STR("s"));
    vg_out_member(&out, "hash", vg_sha256(call, VG_STR("s"), key));
    vg_out_member(&out, "role", VG_STR("partner"));
    vg_out_member(&out, "plan", quota ? (vg_str_t){ NULL, 0 } : plan);
    if (quota) {
        vg_out_key(&out, "quota");
        vg_out_int(&out, quota);
    }
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}

static const vg_field_t find_fields[] = { { VG_BODY, "prefix", VG_TEXT, VG_REQUIRED, 1, 100 }, VG_FIELDS_END };
static const vg_field_t slow_fields[] = { { VG_BODY, "text", VG_TEXT, VG_REQUIRED, 1, 100000 }, VG_FIELDS_END };

static const vg_route_t routes[] = {
    { VG_GET, "/till/open", VG_PUBLIC, .check = told, .about = "For all" },
    { VG_POST, "/till/login", VG_PUBLIC, slow_fields, .check = told, .about = "For all" },
    { VG_GET, "/till/mine", NULL, .check = told, .about = "For anybody" },
    { VG_GET, "/till/rare", NULL, .check = told, .about = "For anybody" },
    { VG_GET, "/till/admin", "pricing:write", .check = told, .about = "For some" },
    { VG_POST, "/till/slow", NULL, slow_fields, .check = told, .about = "For anybody" },
    { VG_INTERNAL, "api_key.find", NULL, find_fields, .check = find, .about = "Its keys" },
    VG_ROUTES_END };

const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = "till", .version = "1", .about = "To be limited", .routes = routes };
C

# server => '…', env => {}, beside => as Voltgate has them. Addresses are what
# X-Real-IP says.
sub start {
    my ($class, %opts) = @_;

    $source =~ s/^#include/#define _GNU_SOURCE\n#include/ if $source !~ /_GNU_SOURCE/;
    my $own = $opts{beside} ? {} : { authored => { till => { 'plugin.c' => $source } } };
    return Voltgate->start(
        plugins => [], %$own,
        env   => { VG_LIMIT => '', %{ $opts{env} || {} } },
        extra => {
            http   => "set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;\n" . ($opts{http} // ''),
            server => $opts{server} // '',
        },
        map { defined $opts{$_} ? ($_ => $opts{$_}) : () } qw(beside own_cluster),
    );
}

sub somebody {
    my ($vg, $name, %claims) = @_;
    return { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $name, %claims) };
}

sub key { my ($name) = @_; return { 'X-API-Key' => "vg_${name}_secretsecret" } }

sub nobody { return { 'X-API-Key' => '' } }

sub from { my ($headers, $address) = @_; return { %$headers, 'X-Real-IP' => $address } }

sub ask { my ($vg, $path, $headers) = @_; return $vg->get("/api/v1/till$path", $headers) }

# how many of so many calls were answered with what: "5 of 200, 3 of 429"
sub tally {
    my ($vg, $count, $path, $headers) = @_;

    my %seen;
    $seen{ ask($vg, $path, $headers)->{status} }++ for 1 .. $count;
    return join ', ', map { "$seen{$_} of $_" } sort keys %seen;
}

# the time to ten seconds, so that a slow machine makes no other text of it
sub left {
    my ($r) = @_;
    my ($limit, $left, $reset) = map { $r->{headers}{"ratelimit-$_"} // '-' } qw(limit remaining reset);
    $reset = 10 * int(($reset + 9) / 10) if $reset =~ /^\d+$/;
    return "$limit/$left/$reset";
}

# a figure of /metrics; 0: it is not there
sub figure {
    my ($vg, $name) = @_;
    return $vg->get('/metrics')->{body} =~ /^\Q$name\E (\d+)$/m ? $1 : 0;
}

1;
