/*
 * identity.h: what the files of this room share: roles and scopes, API keys,
 * issuers of tokens, revocations, remembered identities.
 */

#ifndef VG_IDENTITY_H
#define VG_IDENTITY_H

#include "address.h"
#include "claims.h"
#include "http.h"
#include "jwt_keys.h"
#include "revoked.h"

bool vg_role_known(vg_str_t role);

/* 401, and why, in words that hold nothing of what was shown */
vg_rc_t vg_auth_refuse(vg_http_t *http, const char *why);

/* 503: who must be asked cannot be */
vg_rc_t vg_auth_away(vg_call_t *call, ngx_uint_t retry_after);


/* ---------------------------------------------------------------- API keys */

#define VG_KEY_TRUSTED 10000000 /* us: so long after it was proved         */

/* X-API-Key: VG_OK, VG_ERROR, or VG_DONE when accounts must be asked */
vg_rc_t vg_key_identify(vg_http_t *http, vg_str_t key);

/* What a key is found by, inside of key; len 0: it is none. */
vg_str_t vg_key_prefix(vg_str_t key);

/* Is it still one? As vg_ask_start(): the answer of `api_key.find`. */
vg_call_t *vg_key_again(vg_str_t prefix, vg_str_t        correlation,
                        void (*done)(vg_call_t *), void *owner);


/* ----------------------------------------------------------------- issuers */

typedef struct vg_jwks_shared_s vg_jwks_shared_t;

/* Whose tokens are taken. What is of the conf is read by the master; the rest
 * is this worker's. */
typedef struct {
    ngx_str_t       name; /* of the conf; len 0: of this house             */
    vg_jwt_terms_t  terms;
    vg_claims_map_t map;
    ngx_array_t     roles; /* of vg_claims_role_t                          */
    unsigned        algorithms;
    ngx_flag_t      users;       /* identity.find knows its subjects */
    const char     *target;      /* of outbound; NULL: keys are of files */
    ngx_str_t       url, path;   /* path: behind the target's url    */
    ngx_msec_t      least, most; /* that fetched keys are kept       */

    vg_jwt_keys_t    *keys;    /* NULL: none so far                        */
    uint64_t          version; /* of keys: odd never                       */
    vg_jwks_shared_t *shared;
    ngx_atomic_uint_t key; /* of its place there                           */
    ngx_queue_t       waiting; /* of vg_issuer_guest_t                      */
    ngx_event_t       poll;
} vg_issuer_t;

/* by its tokens' iss; NULL: not one of ours */
vg_issuer_t *vg_issuer_of(vg_str_t iss);

/* Other keys from now on, in this worker; what was proved by those before is
 * proved anew. Takes the keys over. */
void vg_issuer_swap(vg_issuer_t *issuer, vg_jwt_keys_t *keys);

/* The house's own keys from now on, in this worker; takes them over. NULL: it
 * has none. */
void vg_auth_house(vg_jwt_keys_t *keys);

/* of the keys that are good now, in all workers */
uint64_t vg_issuer_version(const vg_issuer_t *issuer);

/* The keys as they are now; NULL: there are none. */
const vg_jwt_keys_t *vg_issuer_keys(vg_issuer_t *issuer);

/* A kid that is not known, or no keys at all: waits for a fetch, if one may
 * begin or is under way; then `done` is called, once, later. VG_DECLINED: there
 * is nothing to wait for. */
typedef struct vg_issuer_guest_s vg_issuer_guest_t;
struct vg_issuer_guest_s {
    ngx_queue_t       queue;
    ngx_msec_t        since;
    ngx_atomic_uint_t ended; /* fetches, when it began to wait          */
    void (*done)(vg_issuer_guest_t *guest);
};
vg_rc_t vg_issuer_wait(vg_issuer_t *issuer, vg_issuer_guest_t *guest);

/* the directives, and the room's start */
char        *vg_issuer_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
vg_issuer_t *vg_issuer_add(ngx_conf_t *cf, ngx_array_t *issuers);
void         vg_issuers_start(ngx_array_t *issuers);
void         vg_issuers_warn(ngx_array_t *issuers, ngx_log_t *log);

/* fetch.c */
void       vg_fetch_start(vg_issuer_t *issuer);
ngx_uint_t vg_fetch_due(vg_issuer_t *issuer);

/* bearer.c: Authorization: Bearer; as vg_key_identify() */
vg_rc_t vg_bearer_identify(vg_http_t *http, vg_str_t token);


/* ------------------------------------------------------------- revocations */

void          vg_revocations_start(void);
vg_revoked_t *vg_revocations(void);

/* Are those from before the start known? Until then nobody new is let in whom
 * they could concern. */
ngx_uint_t vg_revocations_known(void);

uint64_t vg_revocation_id(vg_str_t text); /* 0 for an empty one */


/* --------------------------------------------------- remembered identities */

/* How call->caller was proved. */
typedef struct {
    vg_proof_t          proof;
    uint64_t            moved;   /* revocations, before it was proved      */
    const vg_issuer_t  *issuer;  /* NULL: an API key                       */
    uint64_t            version; /* of the issuer's keys                   */
    int64_t             until;   /* us                                     */
    const vg_network_t *networks;
    size_t              count; /* 0: from everywhere                     */
} vg_proved_t;

/* What a key's row says of how often and from where its holder may call: plan,
 * quota, networks. 0: that cannot be read, or there is no memory. */
ngx_uint_t vg_key_terms(vg_call_t *call, const vg_json_t *row,
                        vg_proved_t *proved);

/* May who was proved so call from there? Refuses if not. */
vg_rc_t vg_proved_here(vg_http_t *http, const vg_proved_t *proved);

/* Identities seen before, by a hash of what was shown; per worker. */
ngx_uint_t vg_tokens_find(vg_call_t *call, vg_str_t token, vg_proved_t *proved);
void vg_tokens_keep(vg_call_t *call, vg_str_t token, const vg_proved_t *proved);

/* Revoked keys heard of so far: what was asked for before one is not kept. */
ngx_uint_t vg_tokens_drops(void);
void       vg_tokens_start(void);

#endif /* VG_IDENTITY_H */
