/*
 * issuer.h: the house as an issuer of tokens, for its own files and for auth.
 */

#ifndef VG_ISSUER_H
#define VG_ISSUER_H

#include "http.h"
#include "jwt.h"
#include "signing.h"

typedef struct {
    ngx_str_t folder;   /* voltgate_signing_keys; len 0: no tokens         */
    ngx_int_t announce; /* s: a key is shown so long before it signs       */
    ngx_int_t keep;     /* s: and so long after another signs              */
    ngx_int_t memory;   /* KiB of a hash (RFC 9106: m)                     */
    ngx_int_t passes;   /* t                                               */
    ngx_int_t threads;  /* of a worker                                     */
    ngx_int_t queue;    /* that may wait for one                           */
} vg_issuer_conf_t;

/* of this worker; NULL: there is none */
extern const vg_issuer_conf_t *vg_issuer;

/* keyring.c: of this worker, read anew when the folder has changed; auth gets
 * their public halves. NULL without a folder; lives until the next turn of the
 * loop. */
void                vg_keyring_start(const vg_issuer_conf_t *conf);
void                vg_keyring_stop(void);
const vg_signing_t *vg_keyring(void);

/* password.c */
ngx_int_t vg_password_ready(ngx_conf_t *cf, const vg_issuer_conf_t *conf);
void      vg_password_start(void);

#endif /* VG_ISSUER_H */
