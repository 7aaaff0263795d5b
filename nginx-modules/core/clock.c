/*
 * clock.c: time as microseconds of Unix time, ids, random bytes.
 */

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <time.h>

#include "host.h"


int64_t
vg_time_now(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


vg_str_t
vg_time_text(vg_pool_t *pool, int64_t us)
{
    char      text[40];
    time_t    sec = us / 1000000;
    size_t    n;
    struct tm tm;

    if (gmtime_r(&sec, &tm) == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    if (us % 1000000 == 0) {
        return vg_printf(pool, "%.*sZ", (int) n, text);
    }
    n += (size_t) snprintf(text + n, sizeof(text) - n, ".%06d",
                           (int) (us % 1000000));
    while (text[n - 1] == '0') {
        n--; /* as vg.z() prints it */
    }
    return vg_printf(pool, "%.*sZ", (int) n, text);
}


/* A worker without randomness must not hand out ids or secrets. */
void
vg_random(void *data, size_t size)
{
    if (RAND_bytes(data, (int) size) != 1) {
        ngx_log_error(NGX_LOG_EMERG, ngx_cycle->log, 0,
                      "voltgate: no random bytes");
        abort();
    }
}


/* For ids alone: each call has some, and OpenSSL's generator takes a
 * microsecond for 16 bytes as for 4,096. What was given out is wiped; a forked
 * process does not go on with its parent's. */
void
vg_random_id(void *id, size_t size)
{
    static u_char    store[4096];
    static size_t    left;
    static ngx_pid_t owner;

    if (left < size || owner != ngx_pid) {
        vg_random(store, sizeof(store));
        left = sizeof(store);
        owner = ngx_pid;
    }
    left -= size;
    ngx_memcpy(id, store + left, size);
    ngx_memzero(store + left, size);
}


/* RFC 9562 version 7, with the fraction of the millisecond in rand_a (6.2,
 * method 3): what came one after the other sorts so within a millisecond. */
void
vg_uuid7(char *text37, int64_t us)
{
    int           i, fraction = (int) (us % 1000 * 4096 / 1000);
    u_char        b[16], *p = (u_char *) text37;
    uint64_t      ms = us / 1000;
    static u_char hex[] = "0123456789abcdef";

    vg_random_id(b, sizeof(b));
    for (i = 0; i < 6; i++) {
        b[i] = (u_char) (ms >> (40 - 8 * i));
    }
    b[6] = (u_char) (0x70 | fraction >> 8);
    b[7] = (u_char) fraction;
    b[8] = (b[8] & 0x3f) | 0x80;
    for (i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }
        *p++ = hex[b[i] >> 4];
        *p++ = hex[b[i] & 15];
    }
    *p = '\0';
}


vg_str_t
vg_secret(vg_call_t *call, size_t bytes)
{
    u_char    raw[64];
    ngx_str_t in = { bytes, raw }, out;

    if (bytes > sizeof(raw)) {
        return (vg_str_t){ NULL, 0 };
    }
    vg_random(raw, bytes);
    out.data = vg_alloc(&call->arena, ngx_base64_encoded_length(bytes));
    if (out.data == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    ngx_encode_base64url(&out, &in);
    OPENSSL_cleanse(raw, sizeof(raw));
    return vg_of(out);
}


vg_str_t
vg_sha256(vg_call_t *call, vg_str_t salt, vg_str_t text)
{
    u_char      md[EVP_MAX_MD_SIZE], *hex;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned    n = 0;

    if (ctx == NULL || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL)
        || !EVP_DigestUpdate(ctx, salt.data, salt.len)
        || !EVP_DigestUpdate(ctx, text.data, text.len)
        || !EVP_DigestFinal_ex(ctx, md, &n))
    {
        n = 0;
    }
    EVP_MD_CTX_free(ctx);
    hex = n ? vg_alloc(&call->arena, 64) : NULL;
    if (hex == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    ngx_hex_dump(hex, md, 32);
    return (vg_str_t){ (char *) hex, 64 };
}
