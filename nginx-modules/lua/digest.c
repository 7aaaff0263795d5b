/*
 * digest.c: what signs and what is written in letters: crypto.sha256,
 * crypto.hmac_sha256, crypto.equal, crypto.random, and encode and decode of
 * hex, base64 and base64url. Strings in, strings out; nothing of it waits.
 *
 * What these take is bounded by the machine's memory: hashing all of 8 MiB
 * takes some 20 ms, and so no single call outlasts its budget by more.
 */

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "vm.h"

#define VG_LUA_RANDOM 48 /* bytes at most, of random()                      */


static void
vg_lua_hex(lua_State *L, const u_char *bytes, size_t len)
{
    u_char *out = lua_newuserdata(L, 2 * len + 1);

    (void) ngx_hex_dump(out, (u_char *) bytes, len);
    lua_pushlstring(L, (const char *) out, 2 * len);
}


static int
vg_lua_sha256(lua_State *L)
{
    u_char      md[EVP_MAX_MD_SIZE];
    size_t      len;
    unsigned    n = 0;
    const char *text = luaL_checklstring(L, 1, &len);

    if (!EVP_Digest(text, len, md, &n, EVP_sha256(), NULL)) {
        return luaL_error(L, "SHA-256 cannot be made");
    }
    vg_lua_hex(L, md, n);
    return 1;
}


static int
vg_lua_hmac(lua_State *L)
{
    u_char      md[EVP_MAX_MD_SIZE];
    size_t      key_len, len;
    unsigned    n = 0;
    const char *key = luaL_checklstring(L, 1, &key_len);
    const char *text = luaL_checklstring(L, 2, &len);

    if (key_len == 0 || key_len > 4096) {
        return luaL_error(L, "a key has 1 to 4096 bytes");
    }
    if (HMAC(EVP_sha256(), key, (int) key_len, (const u_char *) text, len, md,
             &n)
        == NULL)
    {
        return luaL_error(L, "HMAC-SHA256 cannot be made");
    }
    vg_lua_hex(L, md, n);
    return 1;
}


/* as long, wherever they differ; how long they are is no secret */
static int
vg_lua_equal(lua_State *L)
{
    size_t      a_len, b_len;
    const char *a = luaL_checklstring(L, 1, &a_len);
    const char *b = luaL_checklstring(L, 2, &b_len);

    lua_pushboolean(L, a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0);
    return 1;
}


/* so many bytes, as base64url */
static int
vg_lua_random(lua_State *L)
{
    int        bytes = luaL_checkint(L, 1);
    vg_str_t   text;
    vg_call_t *call = vg_lua_vm_of(L)->call;

    if (bytes < 1 || bytes > VG_LUA_RANDOM) {
        return luaL_error(L, "1 to %d bytes", VG_LUA_RANDOM);
    }
    text = call ? vg_secret(call, (size_t) bytes) : (vg_str_t){ NULL, 0 };
    if (text.data == NULL) {
        return luaL_error(L, "there is no call to be random in");
    }
    lua_pushlstring(L, text.data, text.len);
    return 1;
}


/* ------------------------------------------------------------------ letters */

static int
vg_lua_encode_hex(lua_State *L)
{
    size_t      len;
    const char *text = luaL_checklstring(L, 1, &len);

    vg_lua_hex(L, (const u_char *) text, len);
    return 1;
}


static int
vg_lua_decode_hex(lua_State *L)
{
    size_t      i, len;
    ngx_int_t   byte;
    const char *text = luaL_checklstring(L, 1, &len);
    u_char     *out = lua_newuserdata(L, len / 2 + 1);

    for (i = 0; i + 1 < len; i += 2) {
        byte = ngx_hextoi((u_char *) text + i, 2);
        if (byte == NGX_ERROR) {
            return 0;
        }
        out[i / 2] = (u_char) byte;
    }
    if (len % 2) {
        return 0;
    }
    lua_pushlstring(L, (const char *) out, len / 2);
    return 1;
}


static int
vg_lua_encode(lua_State *L, void (*encode)(ngx_str_t *, ngx_str_t *))
{
    size_t    len;
    ngx_str_t in, out;

    in.data = (u_char *) luaL_checklstring(L, 1, &len);
    in.len = len;
    out.data = lua_newuserdata(L, ngx_base64_encoded_length(len) + 1);
    encode(&out, &in);
    lua_pushlstring(L, (const char *) out.data, out.len);
    return 1;
}


/* nil: it is none */
static int
vg_lua_decode(lua_State *L, ngx_int_t (*decode)(ngx_str_t *, ngx_str_t *))
{
    size_t    len;
    ngx_str_t in, out;

    in.data = (u_char *) luaL_checklstring(L, 1, &len);
    in.len = len;
    out.data = lua_newuserdata(L, ngx_base64_decoded_length(len) + 1);
    if (decode(&out, &in) != NGX_OK) {
        return 0;
    }
    lua_pushlstring(L, (const char *) out.data, out.len);
    return 1;
}


static int
vg_lua_encode_base64(lua_State *L)
{
    return vg_lua_encode(L, ngx_encode_base64);
}


static int
vg_lua_encode_base64url(lua_State *L)
{
    return vg_lua_encode(L, ngx_encode_base64url);
}


static int
vg_lua_decode_base64(lua_State *L)
{
    return vg_lua_decode(L, ngx_decode_base64);
}


static int
vg_lua_decode_base64url(lua_State *L)
{
    return vg_lua_decode(L, ngx_decode_base64url);
}


void
vg_lua_digest_open(lua_State *L)
{
    static const luaL_Reg crypto[] = { { "sha256", vg_lua_sha256 },
                                       { "hmac_sha256", vg_lua_hmac },
                                       { "equal", vg_lua_equal },
                                       { "random", vg_lua_random },
                                       { NULL, NULL } };
    static const luaL_Reg encode[] = { { "hex", vg_lua_encode_hex },
                                       { "base64", vg_lua_encode_base64 },
                                       { "base64url", vg_lua_encode_base64url },
                                       { NULL, NULL } };
    static const luaL_Reg decode[] = { { "hex", vg_lua_decode_hex },
                                       { "base64", vg_lua_decode_base64 },
                                       { "base64url", vg_lua_decode_base64url },
                                       { NULL, NULL } };

    luaL_register(L, "crypto", crypto);
    luaL_register(L, "encode", encode);
    luaL_register(L, "decode", decode);
    lua_pop(L, 3);
}
