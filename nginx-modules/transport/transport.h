/*
 * transport.h: what the files of this room share. What others ask of it
 * stands in core/http.h and core/rooms.h.
 */

#ifndef VG_TRANSPORT_H
#define VG_TRANSPORT_H

#include "http.h"

typedef struct {
    ngx_array_t origins; /* of ngx_str_t: who may read answers in a browser */
    time_t      max_age; /* seconds for which a preflight holds             */
    unsigned    any:1;   /* `*`: everybody, without credentials             */
    unsigned    credentials:1;
    ngx_int_t   least; /* TLS version for people, as OpenSSL counts them  */
    ngx_array_t certificates; /* of vg_certificate_t                        */
} vg_transport_t;

extern const vg_transport_t *vg_transport;

/* cors.c: the words of the directive; what each answer says */
char     *vg_cors_set(ngx_conf_t *cf, vg_transport_t *conf);
ngx_int_t vg_cors_headers(ngx_http_request_t *r);

/* certificate.c: those of all servers; a look once a second, in each worker */
ngx_int_t vg_certificates_find(ngx_conf_t *cf, vg_transport_t *conf);
void      vg_certificates_watch(ngx_cycle_t *cycle, vg_transport_t *conf);

#endif /* VG_TRANSPORT_H */
