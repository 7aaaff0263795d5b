/*
 * issuer.c: whose tokens are taken, at run time: found by what a token says of
 * its issuer, with the keys of this moment.
 */

#include "identity.h"

static ngx_array_t *vg_issuers; /* of vg_issuer_t *, of this worker's conf */


vg_issuer_t *
vg_issuer_of(vg_str_t iss)
{
    ngx_uint_t    i;
    vg_issuer_t **issuer;

    if (vg_issuers == NULL || iss.len == 0) {
        return NULL;
    }
    issuer = vg_issuers->elts;
    for (i = 0; i < vg_issuers->nelts; i++) {
        if (issuer[i]->terms.issuer.len == iss.len
            && ngx_memcmp(issuer[i]->terms.issuer.data, iss.data, iss.len) == 0)
        {
            return issuer[i];
        }
    }
    return NULL;
}


void
vg_issuer_swap(vg_issuer_t *issuer, vg_jwt_keys_t *keys)
{
    vg_jwt_keys_free(issuer->keys);
    issuer->keys = keys;
    issuer->version++;
}


void
vg_issuers_start(ngx_array_t *issuers)
{
    ngx_uint_t    i;
    vg_issuer_t **issuer = issuers->elts;

    vg_issuers = issuers;
    for (i = 0; i < issuers->nelts; i++) {
        ngx_queue_init(&issuer[i]->waiting);
        if (issuer[i]->target != NULL) {
            vg_fetch_start(issuer[i]);
        }
    }
}


/* Who can verify such a token can sign one. */
void
vg_issuers_warn(ngx_array_t *issuers, ngx_log_t *log)
{
    ngx_uint_t    i;
    vg_issuer_t **issuer = issuers->elts;

    for (i = 0; i < issuers->nelts; i++) {
        if (issuer[i]->algorithms & VG_JWT_HS256) {
            ngx_log_error(NGX_LOG_WARN, log, 0,
                          "voltgate: issuer %V signs by a shared secret "
                          "(HS256): for development alone",
                          &issuer[i]->name);
        }
    }
}
