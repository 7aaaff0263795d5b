/*
 * discovery.c: what others need to take our tokens: the public keys, and where
 * which endpoint is. Which paths those have is the contract's (API.md 2).
 */

#include "issuer.h"

typedef vg_str_t (*vg_discovery_pt)(vg_pool_t *pool);


static vg_str_t
vg_discovery_keys(vg_pool_t *pool)
{
    size_t              i;
    int64_t             now = vg_time_now() / 1000000;
    vg_out_t            out;
    const vg_signing_t *keys = vg_keyring();

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_key(&out, "keys");
    vg_out_open(&out, '[');
    for (i = 0; i < keys->count; i++) {
        if (vg_signing_shown(keys, i, now, vg_issuer->announce,
                             vg_issuer->keep)) {
            vg_out_raw(&out, vg_str(keys->key[i].jwk));
        }
    }
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static void
vg_discovery_url(vg_out_t *out, const char *name, const char *path)
{
    vg_out_member(out, name,
                  vg_printf(out->pool, "%.*s%s", (int) vg_host->url.len,
                            vg_host->url.data, path));
}


static vg_str_t
vg_discovery_server(vg_pool_t *pool)
{
    vg_out_t out;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_discovery_url(&out, "issuer", "");
    vg_discovery_url(&out, "token_endpoint", "/api/v1/auth/token");
    vg_discovery_url(&out, "revocation_endpoint", "/api/v1/auth/revoke");
    vg_discovery_url(&out, "introspection_endpoint", "/api/v1/auth/introspect");
    vg_discovery_url(&out, "jwks_uri", "/.well-known/jwks.json");
    vg_out_member_raw(&out, "grant_types_supported",
                      VG_STR("[\"password\",\"refresh_token\","
                             "\"client_credentials\"]"));
    vg_out_member_raw(&out, "token_endpoint_auth_methods_supported",
                      VG_STR("[\"client_secret_basic\","
                             "\"client_secret_post\",\"none\"]"));
    /* there is no page to log in at, so there are no codes */
    vg_out_member_raw(&out, "response_types_supported", VG_STR("[]"));
    vg_out_member_raw(&out, "subject_types_supported", VG_STR("[\"public\"]"));
    vg_out_member_raw(&out, "id_token_signing_alg_values_supported",
                      VG_STR("[\"ES256\",\"RS256\"]"));
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


/* Whoever keeps them for less than a key is announced meets no unknown one. */
static ngx_int_t
vg_discovery_send(ngx_http_request_t *r, vg_pool_t *pool, vg_discovery_pt page)
{
    ngx_int_t age;

    if (vg_keyring() == NULL) {
        return vg_http_problem(r, vg_kit_error("not_found", 9));
    }
    age = ngx_min(ngx_max(vg_issuer->announce / 2, 0), 3600);
    (void) vg_http_add(r, "Cache-Control",
                       vg_printf(pool, "public, max-age=%d", (int) age));
    return vg_http_send(r, NGX_HTTP_OK, "application/json", page(pool));
}


ngx_int_t
vg_discovery_jwks(ngx_http_request_t *r, vg_pool_t *pool)
{
    return vg_discovery_send(r, pool, vg_discovery_keys);
}


ngx_int_t
vg_discovery_metadata(ngx_http_request_t *r, vg_pool_t *pool)
{
    return vg_discovery_send(r, pool, vg_discovery_server);
}
