/*
 * http.h: a call that came by HTTP; shared with auth and observe.
 */

#ifndef VG_HTTP_H
#define VG_HTTP_H

#include "host.h"

/* Lies in the request's pool, so that the access log can read it last. */
typedef struct vg_http_s vg_http_t;
struct vg_http_s {
    ngx_http_request_t *request;
    vg_call_t          *call; /* NULL when it is over                    */
    ngx_str_t           correlation;
    char                traceparent[VG_TRACEPARENT + 1];
    ngx_str_t           trace; /* the id in it                           */
    ngx_str_t           user;
    ngx_str_t           role;
    ngx_str_t           route;
    const char         *challenge; /* why 401, for WWW-Authenticate      */
    ngx_uint_t          allow;     /* methods, for 405                   */
    void (*go)(vg_http_t *http, vg_rc_t rc); /* when it may          */
    const void *place;    /* access: whose question was answered            */
    unsigned    access:2; /* VG_ACCESS_*                                     */
    unsigned    entering:1; /* access: its phase is our caller               */
    unsigned    inside:1;   /* nginx is our caller, and goes on   */
    unsigned    basic:1;    /* a charge point's: RFC 7617         */
};

enum { VG_ACCESS_NONE, VG_ACCESS_ASKED, VG_ACCESS_MAY, VG_ACCESS_REFUSED };

/* The request's, made at the first call; NULL: no memory. */
vg_http_t *vg_http_get(ngx_http_request_t *r);

/* The first header of that name; NULL: there is none. *count grows by how many
 * there are. */
ngx_str_t *vg_http_header(ngx_http_request_t *r, const char *name);
ngx_str_t *vg_http_headers(ngx_http_request_t *r, const char *name,
                           ngx_uint_t *count);
ngx_int_t  vg_http_add(ngx_http_request_t *r, const char *name, vg_str_t value);

/* Sends one whole answer; gives what nginx's handlers return. */
ngx_int_t vg_http_send(ngx_http_request_t *r, ngx_int_t status,
                       const char *type, vg_str_t body);

/* An error of the kit, without a call. message: in plain words that JSON need
 * not escape, or NULL; retry in s, 0: as its status has it. */
ngx_int_t vg_http_problem(ngx_http_request_t *r, const vg_error_t *error);
ngx_int_t vg_http_refuse(ngx_http_request_t *r, const vg_error_t *error,
                         const char *message, ngx_uint_t retry);

/* Goes on with a call whose identity is known, or ends it: http.c */
void vg_http_identified(vg_http_t *http, vg_rc_t rc);

/* Ends the call whose body nginx refused while it came, and gives back its
 * reference on the request. */
void vg_http_cut(ngx_http_request_t *r, const vg_error_t *error);

/* condition.c: If-Match and If-None-Match of a change; VG_ERROR: refused */
vg_rc_t vg_condition_take(vg_http_t *http, vg_call_t *call);

/* condition.c: what an answer follows from, and nothing else, before it is made:
 * its tag is made of that. Whether who asks has it already, so that the text is
 * wanted by nobody: any that is not empty will do. */
ngx_uint_t vg_condition_known(vg_call_t *call, vg_str_t source);

/* condition.c: adds the ETag; status, or 304 or 412 in its place */
ngx_int_t vg_condition_answer(ngx_http_request_t *r, vg_call_t *call,
                              ngx_int_t status);

/* format.c: is this list to be CSV; and then its text. data NULL: broken */
ngx_uint_t vg_format_wanted(ngx_http_request_t *r, vg_call_t *call);
vg_str_t   vg_format_csv(ngx_http_request_t *r, vg_call_t *call);

/* rows.c: a body of many rows, each a call; features: GeoJSON, else CSV */
void vg_rows_start(vg_http_t *http, ngx_uint_t features);

/* body.c: is it of this type; is that one which the route takes; and its JSON,
 * in call->body, NULL for an empty one. VG_ERROR: refused */
ngx_uint_t vg_body_is(ngx_http_request_t *r, const char *name);
ngx_uint_t vg_body_taken(ngx_http_request_t *r, const vg_route_t *row);
vg_rc_t    vg_body_read(vg_http_t *http);
vg_str_t   vg_body_plain(vg_call_t *call); /* without its secrets */

/* card.c: no number of a card in a body; form: of a form's bytes, else JSON or
 * CSV. VG_ERROR: refused. Heads are looked at by its handler. */
vg_rc_t   vg_card_check(vg_call_t *call, vg_str_t bytes, ngx_uint_t form);
ngx_int_t vg_card_init(ngx_conf_t *cf);

/* secret.c, setting.c: the directives voltgate_secret and voltgate_setting */
char *vg_secret_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *vg_setting_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* setting.c: those of the conf are the plugins'; NGX_ERROR: told */
ngx_int_t vg_settings_check(ngx_conf_t *cf, vg_host_t *host);

/* oauth.c: of a VG_OAUTH route: the client that Basic names, as members of the
 * body's text; VG_ERROR: refused. And call->error in RFC 6749's form. */
vg_rc_t  vg_oauth_client(vg_http_t *http, vg_str_t *json);
vg_str_t vg_oauth_error(vg_call_t *call);

/* answer.c */
ngx_int_t vg_http_answer(vg_http_t *http, vg_call_t *call);

/* A call of this request, and the search for who makes it: VG_DONE, or what
 * vg_http_identified() is to be told. */
vg_call_t *vg_http_call(vg_http_t *http, vg_endpoint_t *e, ngx_str_t *values);
vg_rc_t    vg_http_identify(vg_http_t *http);

void vg_http_run(vg_http_t *http);
void vg_http_hash(vg_call_t *call);

/* auth: fills call->caller and scopes. VG_OK, VG_ERROR (call->error says),
 * VG_DONE: vg_http_identified() comes later. */
vg_rc_t vg_auth_identify(vg_http_t *http);
vg_rc_t vg_auth_scope(vg_call_t *call, const char *scope);

/* issuer: /.well-known/jwks.json (RFC 7517), openid-configuration (OpenID
 * Connect Discovery 1.0) and oauth-authorization-server (RFC 8414) */
ngx_int_t vg_discovery_jwks(ngx_http_request_t *r, vg_pool_t *pool);
ngx_int_t vg_discovery_metadata(ngx_http_request_t *r, vg_pool_t *pool);
/* The identity was proved lately: to find it costs no signature, and asks
 * nobody. */
ngx_uint_t vg_auth_remembered(vg_http_t *http);
/* Its route asks for no identity. */
ngx_uint_t vg_auth_public(const vg_call_t *call);

/* limit: before an identity is looked for, and when it is known or refused
 * (rc). VG_OK, VG_ERROR (call->error says), VG_DONE: vg_http_limited() comes
 * later. It adds the headers. */
vg_rc_t vg_limit_before(vg_http_t *http);
vg_rc_t vg_limit_check(vg_http_t *http, vg_rc_t rc);

/* Goes on with a call that was asked about elsewhere: http.c */
void vg_http_limited(vg_http_t *http, vg_rc_t rc);

/* transport: is the caller's TLS too old for people; does a page of others ask
 * for a WebSocket; a preflight of CORS, NGX_DECLINED: it is none */
ngx_uint_t vg_tls_too_old(ngx_http_request_t *r);
ngx_uint_t vg_cors_foreign(ngx_http_request_t *r);
ngx_int_t  vg_cors_preflight(ngx_http_request_t *r, ngx_uint_t allow);

/* answer.c: "GET, PUT" of a set of methods */
#define VG_HTTP_METHODS 64
void vg_http_methods(char *text, ngx_uint_t allow);

/* observe: the kit's own pages. NGX_DECLINED: none of them */
ngx_int_t vg_page_handler(ngx_http_request_t *r);

/* pages.c and problem locations */
ngx_int_t vg_http_handler(ngx_http_request_t *r);
ngx_int_t vg_http_problem_handler(ngx_http_request_t *r);

#endif /* VG_HTTP_H */
