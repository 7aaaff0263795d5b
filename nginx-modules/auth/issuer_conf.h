/*
 * issuer_conf.h: the words of a voltgate_issuer block.
 */

#ifndef VG_ISSUER_CONF_H
#define VG_ISSUER_CONF_H

#include "identity.h"

/* What a word does with its arguments. NULL: taken; else what is wrong. */
typedef const char *(*vg_issuer_word_pt)(ngx_conf_t *cf, vg_issuer_t *issuer,
                                         ngx_str_t *args, ngx_uint_t n);

/* issuer_keys.c */
const char *vg_issuer_word_key(ngx_conf_t *cf, vg_issuer_t *issuer,
                               ngx_str_t *args, ngx_uint_t n);
const char *vg_issuer_word_jwks_file(ngx_conf_t *cf, vg_issuer_t *issuer,
                                     ngx_str_t *args, ngx_uint_t n);
const char *vg_issuer_word_jwks(ngx_conf_t *cf, vg_issuer_t *issuer,
                                ngx_str_t *args, ngx_uint_t n);
const char *vg_issuer_word_secret(ngx_conf_t *cf, vg_issuer_t *issuer,
                                  ngx_str_t *args, ngx_uint_t n);

#endif /* VG_ISSUER_CONF_H */
