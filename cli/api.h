/*
 * api.h: calls to the gateway's HTTP interface, one at a time.
 */

#ifndef VG_CLI_API_H
#define VG_CLI_API_H

#include "vg_json.h"

typedef struct api_s api_t;

/* url: https://HOST:PORT; ca: PEM file of whom to trust, NULL: whom the system
 * trusts; key_file: its first line is the API key. NULL: reported */
api_t *api_open(const char *url, const char *ca, const char *key_file);

/* The status, or 0 with the reason told; *body is parsed into pool, NULL if
 * it is no JSON. send.data NULL: nothing is sent. */
long api_call(api_t *api, vg_pool_t *pool, const char *method, const char *path,
              vg_str_t send, const vg_json_t **body);
/* from now on a gateway that is not there is not told of */
void api_hush(api_t *api);

void api_close(api_t *api);

#endif /* VG_CLI_API_H */
