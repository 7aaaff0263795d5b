/*
 * remember.c: identities that were proved lately.
 *
 * A set-associative table per worker, keyed by a hash of the token or key under
 * a secret of this worker, so that what was shown is not kept and nobody can
 * make two that meet. The oldest of a set gives way. What was revoked since,
 * and other keys of the issuer, are seen by two numbers at each use.
 */

#include "identity.h"
#include "link.h"
#include "sip.h"

#define VG_SETS 4096 /* a power of two */
#define VG_WAYS 4
#define VG_TEXT 768 /* networks, then texts; longer is not kept */

enum {
    VG_KNOWN_ID,
    VG_KNOWN_ROLE,
    VG_KNOWN_COMPANY,
    VG_KNOWN_SCOPES,
    VG_KNOWN_SESSION,
    VG_KNOWN_PLAN,
    VG_KNOWN_TEXTS
};

typedef struct {
    vg_sip_t           hash;
    int64_t            until; /* microseconds                              */
    uint64_t           moved, version;
    const vg_issuer_t *issuer;
    vg_proof_t         proof;
    int64_t            quota;
    uint16_t           len[VG_KNOWN_TEXTS];
    uint16_t           networks;
    unsigned           scoped:1;
    char               text[VG_TEXT];
} vg_known_t;

static vg_known_t *vg_known;
static vg_sip_t    vg_known_secret;
static ngx_uint_t  vg_known_drops;


static vg_known_t *
vg_known_set(const vg_sip_t *hash)
{
    if (vg_known == NULL) { /* its pages come as they are used */
        vg_known = ngx_calloc((size_t) VG_SETS * VG_WAYS * sizeof(vg_known_t),
                              ngx_cycle->log);
        vg_random(&vg_known_secret, sizeof(vg_known_secret));
    }
    return vg_known ? &vg_known[(hash->one & (VG_SETS - 1)) * VG_WAYS] : NULL;
}


static vg_sip_t
vg_known_hash(vg_str_t token)
{
    (void) vg_known_set(&(vg_sip_t){ 0, 0 });
    return vg_sip(&vg_known_secret, token.data, token.len);
}


/* where the texts of an identity are, in the order of vg_known_t.len */
static void
vg_known_texts(vg_caller_t *who, vg_str_t **text)
{
    text[VG_KNOWN_ID] = &who->id;
    text[VG_KNOWN_ROLE] = &who->role;
    text[VG_KNOWN_COMPANY] = &who->company;
    text[VG_KNOWN_SCOPES] = &who->scopes;
    text[VG_KNOWN_SESSION] = &who->session;
    text[VG_KNOWN_PLAN] = &who->plan;
}


/* All in one piece of the call's memory; 0: there is none. */
static ngx_uint_t
vg_known_give(const vg_known_t *k, vg_call_t *call, vg_proved_t *proved)
{
    char      *p;
    size_t     size = k->networks * sizeof(vg_network_t);
    vg_str_t  *text[VG_KNOWN_TEXTS];
    ngx_uint_t i;

    for (i = 0; i < VG_KNOWN_TEXTS; i++) {
        size += k->len[i];
    }
    p = vg_alloc(&call->arena, size + sizeof(vg_proof_t) + 1);
    if (p == NULL) {
        return 0;
    }
    ngx_memcpy(p, &k->proof, sizeof(vg_proof_t));
    call->proof = (vg_proof_t *) p;
    p += sizeof(vg_proof_t);
    ngx_memcpy(p, k->text, size);
    proved->networks = (const vg_network_t *) p;
    proved->count = k->networks;
    p += k->networks * sizeof(vg_network_t);
    vg_known_texts(&call->caller, text);
    for (i = 0; i < VG_KNOWN_TEXTS; i++) {
        *text[i] = (vg_str_t){ p, k->len[i] };
        p += k->len[i];
    }
    if (!k->scoped) {
        call->caller.scopes = (vg_str_t){ NULL, 0 };
    }
    call->quota = k->quota;
    call->expires = k->until;
    return 1;
}


/* Is it as it was when it was proved? What was revoked since is looked up once
 * for all that came meanwhile. */
static ngx_uint_t
vg_known_holds(vg_known_t *k, int64_t now)
{
    uint64_t      moved;
    vg_revoked_t *revoked = vg_revocations();

    if (k->issuer == NULL) {
        return 1; /* keys: vg_tokens_drop() */
    }
    if (k->version != vg_issuer_version(k->issuer)) {
        return 0;
    }
    moved = vg_revoked_moved(revoked);
    if (k->moved == moved) {
        return 1;
    }
    if (vg_revoked_is(revoked, &k->proof, now)) {
        return 0;
    }
    k->moved = moved;
    return 1;
}


ngx_uint_t
vg_tokens_find(vg_call_t *call, vg_str_t token, vg_proved_t *proved)
{
    vg_sip_t    hash = vg_known_hash(token);
    ngx_uint_t  i;
    vg_known_t *set = vg_known_set(&hash);

    for (i = 0; set != NULL && i < VG_WAYS; i++) {
        if (set[i].until > call->now && set[i].hash.one == hash.one
            && set[i].hash.two == hash.two)
        {
            if (vg_known_holds(&set[i], call->now)) {
                return vg_known_give(&set[i], call, proved);
            }
            set[i].until = 0;
        }
    }
    return 0;
}


/* a free one, or the one that ends first */
static vg_known_t *
vg_known_place(const vg_sip_t *hash)
{
    ngx_uint_t  i, at = 0;
    vg_known_t *set = vg_known_set(hash);

    for (i = 1; set != NULL && i < VG_WAYS; i++) {
        if (set[i].until < set[at].until) {
            at = i;
        }
    }
    return set ? &set[at] : NULL;
}


void
vg_tokens_keep(vg_call_t *call, vg_str_t token, const vg_proved_t *proved)
{
    char       *p;
    size_t      size = proved->count * sizeof(vg_network_t);
    vg_sip_t    hash = vg_known_hash(token);
    vg_str_t   *text[VG_KNOWN_TEXTS];
    ngx_uint_t  i;
    vg_known_t *k = vg_known_place(&hash);

    vg_known_texts(&call->caller, text);
    for (i = 0; i < VG_KNOWN_TEXTS; i++) {
        size += text[i]->len;
    }
    if (k == NULL || size > VG_TEXT) {
        return;
    }
    k->hash = hash;
    k->until = proved->until;
    k->moved = proved->moved;
    k->version = proved->version;
    k->issuer = proved->issuer;
    k->proof = proved->proof;
    k->quota = call->quota;
    k->networks = proved->count;
    k->scoped = call->caller.scopes.data != NULL;
    p = k->text;
    if (proved->count) {
        p = (char *) ngx_cpymem(p, proved->networks,
                                proved->count * sizeof(vg_network_t));
    }
    for (i = 0; i < VG_KNOWN_TEXTS; i++) {
        k->len[i] = text[i]->len;
        if (text[i]->len) {
            p = (char *) ngx_cpymem(p, text[i]->data, text[i]->len);
        }
    }
}


/* The id of a key that was revoked, or "" for all: rare, so all are looked at.
 * A token of the same id only has to be verified once more. */
static void
vg_tokens_drop(vg_link_ref_t ref, vg_str_t id, ngx_msec_t timeout)
{
    size_t      i;
    vg_known_t *k;

    (void) ref;
    (void) timeout;
    vg_known_drops++;
    for (i = 0; vg_known != NULL && i < (size_t) VG_SETS * VG_WAYS; i++) {
        k = &vg_known[i];
        if (k->until != 0
            && (id.len == 0
                || (k->len[VG_KNOWN_ID] == id.len
                    && ngx_memcmp(k->text + k->networks * sizeof(vg_network_t),
                                  id.data, id.len)
                           == 0)))
        {
            k->until = 0;
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
