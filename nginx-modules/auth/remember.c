/*
 * remember.c: identities that were proved lately.
 *
 * A small set-associative table per worker, keyed by SHA-256 of the token or
 * key, so that the secret itself is not kept. The oldest of a set gives way.
 */

#include <openssl/sha.h>

#include "identity.h"
#include "link.h"

#define VG_SETS 1024 /* a power of two */
#define VG_WAYS 4
#define VG_TEXT 640 /* id, role, company, scopes; longer is not kept */

typedef struct {
    u_char   hash[SHA256_DIGEST_LENGTH];
    int64_t  until;                     /* microseconds */
    uint16_t id, role, company, scopes; /* lengths                      */
    unsigned scoped:1;
    char     text[VG_TEXT];
} vg_known_t;

static vg_known_t *vg_known;
static ngx_uint_t  vg_known_drops;


static vg_known_t *
vg_known_set(const u_char *hash)
{
    size_t i = ((size_t) hash[0] << 8 | hash[1]) & (VG_SETS - 1);

    if (vg_known == NULL) {
        vg_known = ngx_calloc((size_t) VG_SETS * VG_WAYS * sizeof(vg_known_t),
                              ngx_cycle->log);
    }
    return vg_known ? &vg_known[i * VG_WAYS] : NULL;
}


static vg_str_t
vg_known_copy(vg_call_t *call, const char **p, size_t len)
{
    char *copy = vg_alloc(&call->arena, len + 1);

    if (copy == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    ngx_memcpy(copy, *p, len);
    *p += len;
    return (vg_str_t){ copy, len };
}


ngx_uint_t
vg_tokens_find(vg_call_t *call, vg_str_t token)
{
    u_char      hash[SHA256_DIGEST_LENGTH];
    ngx_uint_t  i;
    vg_known_t *set;
    const char *p;

    (void) SHA256((const u_char *) token.data, token.len, hash);
    set = vg_known_set(hash);
    for (i = 0; set != NULL && i < VG_WAYS; i++) {
        if (set[i].until <= call->now
            || ngx_memcmp(set[i].hash, hash, sizeof(hash)) != 0)
        {
            continue;
        }
        call->expires = set[i].until;
        p = set[i].text;
        call->caller.id = vg_known_copy(call, &p, set[i].id);
        call->caller.role = vg_known_copy(call, &p, set[i].role);
        call->caller.company = vg_known_copy(call, &p, set[i].company);
        call->caller.scopes = set[i].scoped
                                  ? vg_known_copy(call, &p, set[i].scopes)
                                  : (vg_str_t){ NULL, 0 };
        return 1;
    }
    return 0;
}


void
vg_tokens_keep(vg_call_t *call, vg_str_t token, int64_t until_us)
{
    size_t       size;
    u_char       hash[SHA256_DIGEST_LENGTH], *p;
    ngx_uint_t   i, at = 0;
    vg_known_t  *set, *k;
    vg_caller_t *who = &call->caller;

    size = who->id.len + who->role.len + who->company.len
           + call->caller.scopes.len;
    (void) SHA256((const u_char *) token.data, token.len, hash);
    set = vg_known_set(hash);
    if (set == NULL || size > VG_TEXT) {
        return;
    }
    for (i = 1; i < VG_WAYS; i++) {
        if (set[i].until < set[at].until) {
            at = i;
        }
    }
    k = &set[at];
    ngx_memcpy(k->hash, hash, sizeof(hash));
    k->until = until_us;
    k->id = who->id.len;
    k->role = who->role.len;
    k->company = who->company.len;
    k->scopes = call->caller.scopes.len;
    k->scoped = call->caller.scopes.data != NULL;
    p = ngx_cpymem(k->text, who->id.data, k->id);
    p = ngx_cpymem(p, who->role.data, k->role);
    if (k->company) {
        p = ngx_cpymem(p, who->company.data, k->company);
    }
    if (call->caller.scopes.data != NULL) {
        (void) ngx_cpymem(p, call->caller.scopes.data, k->scopes);
    }
}


/* The id of whose key was revoked, or "" for all: rare, so all are looked at.
 * A token of the same id only has to be verified once more. */
static void
vg_tokens_drop(vg_link_ref_t ref, vg_str_t id, ngx_msec_t timeout)
{
    size_t i;

    (void) ref;
    (void) timeout;
    vg_known_drops++;
    for (i = 0; vg_known != NULL && i < (size_t) VG_SETS * VG_WAYS; i++) {
        if (id.len == 0
            || (vg_known[i].id == id.len
                && ngx_memcmp(vg_known[i].text, id.data, id.len) == 0))
        {
            vg_known[i].until = 0;
        }
    }
}


ngx_uint_t
vg_tokens_drops(void)
{
    return vg_known_drops;
}


void
vg_tokens_start(void)
{
    vg_link_on(VG_LINK_DROP, vg_tokens_drop);
}
