/*
 * api.c: calls to the gateway's HTTP interface, one at a time, over one
 * connection: what a command needs before its work begins.
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "api.h"
#include "cli.h"
#include "socket.h"

#define API_SECONDS 30L
#define BODY_MAX    (16U << 20)

struct api_s {
    CURL              *curl;
    struct curl_slist *headers;
    char              *url;
    cli_bytes_t        body;
    int                hushed;
};


static size_t
api_body(char *data, size_t size, size_t count, void *user)
{
    api_t *api = user;

    if (api->body.len + size * count > BODY_MAX
        || cli_bytes_add(&api->body, data, size * count) != 0)
    {
        return 0;
    }
    return size * count;
}


/* the key is the file's first line */
static int
api_headers(api_t *api, const char *key_file)
{
    struct curl_slist *more;
    size_t             len;
    char              *key = cli_read(key_file, &len), *header = NULL;
    int                rc = 1;

    if (key == NULL) {
        return 1;
    }
    key[strcspn(key, "\r\n")] = '\0';
    if (asprintf(&header, "X-API-Key: %s", key) >= 0) {
        api->headers =
            curl_slist_append(NULL, "Content-Type: application/json");
        more = curl_slist_append(api->headers, header);
        rc = api->headers == NULL || more == NULL;
        free(header);
    }
    free(key);
    return rc ? cli_fail("no memory") : 0;
}


api_t *
api_open(const char *url, const char *ca, const char *key_file)
{
    api_t *api = calloc(1, sizeof(api_t));

    if (api == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(api);
        (void) cli_fail("no memory");
        return NULL;
    }
    api->curl = curl_easy_init();
    api->url = strdup(url);
    if (api->curl == NULL || api->url == NULL
        || api_headers(api, key_file) != 0) {
        api_close(api);
        return NULL;
    }
    (void) curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, api->headers);
    (void) curl_easy_setopt(api->curl, CURLOPT_TIMEOUT, API_SECONDS);
    (void) curl_easy_setopt(api->curl, CURLOPT_NOSIGNAL, 1L);
    (void) curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, api_body);
    (void) curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, api);
    if (ca != NULL) {
        (void) curl_easy_setopt(api->curl, CURLOPT_CAINFO, ca);
    }
    return api;
}


long
api_call(api_t *api, vg_pool_t *pool, const char *method, const char *path,
         vg_str_t send, const vg_json_t **body)
{
    char    *url = NULL, *copy;
    long     status = 0;
    CURLcode rc;

    *body = NULL;
    if (asprintf(&url, "%s%s", api->url, path) < 0) {
        (void) cli_fail("no memory");
        return 0;
    }
    api->body.len = api->body.at = 0;
    (void) curl_easy_setopt(api->curl, CURLOPT_URL, url);
    (void) curl_easy_setopt(api->curl, CURLOPT_POSTFIELDSIZE, (long) send.len);
    (void) curl_easy_setopt(api->curl, CURLOPT_COPYPOSTFIELDS, send.data);
    if (send.data == NULL) {
        (void) curl_easy_setopt(api->curl, CURLOPT_HTTPGET, 1L);
    }
    (void) curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, method);
    rc = curl_easy_perform(api->curl);
    if (rc != CURLE_OK) {
        (void) (api->hushed ? 0
                            : cli_fail("%s: %s", url, curl_easy_strerror(rc)));
    } else {
        (void) curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &status);
        copy = vg_alloc(pool, api->body.len + 1);
        if (copy != NULL && api->body.len > 0) {
            memcpy(copy, api->body.data, api->body.len);
            *body =
                vg_json_parse(pool, (vg_str_t){ copy, api->body.len }, NULL);
        }
    }
    free(url);
    return status;
}


void
api_hush(api_t *api)
{
    api->hushed = 1;
}


void
api_close(api_t *api)
{
    if (api != NULL) {
        curl_slist_free_all(api->headers);
        curl_easy_cleanup(api->curl);
        cli_bytes_free(&api->body);
        free(api->url);
        free(api);
        curl_global_cleanup();
    }
}
