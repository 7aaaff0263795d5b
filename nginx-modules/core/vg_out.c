/*
 * vg_out.c: JSON out; see vg_json.h.
 */

#include <stdio.h>
#include <string.h>

#include "vg_json.h"

#define OUT_FIRST 256


static char *
out_room(vg_out_t *out, size_t len)
{
    size_t size = out->size;
    char  *data;

    if (out->failed || len > SIZE_MAX / 4) {
        out->failed = true;
        return NULL;
    }

    if (size - out->len < len) {
        size = size * 2 > out->len + len ? size * 2 : out->len + len;
        data = vg_alloc(out->pool, size);
        if (data == NULL) {
            out->failed = true;
            return NULL;
        }
        if (out->len > 0) {
            memcpy(data, out->data, out->len);
        }
        out->data = data;
        out->size = size;
    }

    data = out->data + out->len;
    out->len += len;
    return data;
}


static void
out_bytes(vg_out_t *out, const char *bytes, size_t len)
{
    char *room = out_room(out, len);

    if (room != NULL && len > 0) {
        memcpy(room, bytes, len);
    }
}


static void
out_comma(vg_out_t *out)
{
    if (out->comma) {
        out_bytes(out, ",", 1);
    }
    out->comma = true;
}


static void
out_escape(vg_out_t *out, unsigned char c)
{
    static const char letters[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    const char       *p;
    char              escape[7];

    for (p = letters; *p != '\0'; p += 2) {
        if ((unsigned char) *p == c) {
            escape[0] = '\\';
            escape[1] = p[1];
            out_bytes(out, escape, 2);
            return;
        }
    }

    snprintf(escape, sizeof(escape), "\\u%04x", c);
    out_bytes(out, escape, 6);
}


static void
out_quoted(vg_out_t *out, vg_str_t value)
{
    size_t i, from = 0;

    if (!vg_str_utf8(value)) {
        out->failed = true;
        return;
    }

    out_bytes(out, "\"", 1);
    for (i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char) value.data[i];

        if (c < 0x20 || c == '"' || c == '\\') {
            out_bytes(out, value.data + from, i - from);
            out_escape(out, c);
            from = i + 1;
        }
    }
    out_bytes(out, value.data + from, i - from);
    out_bytes(out, "\"", 1);
}


void
vg_out_init(vg_out_t *out, vg_pool_t *pool)
{
    *out = (vg_out_t){ .pool = pool };
}


void
vg_out_open(vg_out_t *out, char bracket)
{
    out_comma(out);
    out_bytes(out, &bracket, 1);
    out->comma = false;
}


void
vg_out_close(vg_out_t *out, char bracket)
{
    out_bytes(out, &bracket, 1);
    out->comma = true;
}


void
vg_out_name(vg_out_t *out, vg_str_t key)
{
    out_comma(out);
    out_quoted(out, key);
    out_bytes(out, ":", 1);
    out->comma = false;
}


void
vg_out_key(vg_out_t *out, const char *key)
{
    vg_out_name(out, vg_str(key));
}


void
vg_out_string(vg_out_t *out, vg_str_t value)
{
    if (value.data == NULL) {
        vg_out_null(out);
        return;
    }

    out_comma(out);
    out_quoted(out, value);
}


void
vg_out_raw(vg_out_t *out, vg_str_t json)
{
    if (json.data == NULL) {
        out->failed = true;
        return;
    }

    out_comma(out);
    out_bytes(out, json.data, json.len);
}


void
vg_out_int(vg_out_t *out, int64_t value)
{
    char text[24];
    int  len = snprintf(text, sizeof(text), "%lld", (long long) value);

    vg_out_raw(out, (vg_str_t){ text, (size_t) len });
}


void
vg_out_bool(vg_out_t *out, bool value)
{
    vg_out_raw(out, value ? VG_STR("true") : VG_STR("false"));
}


void
vg_out_null(vg_out_t *out)
{
    vg_out_raw(out, VG_STR("null"));
}


void
vg_out_member(vg_out_t *out, const char *key, vg_str_t value)
{
    vg_out_key(out, key);
    vg_out_string(out, value);
}


void
vg_out_member_raw(vg_out_t *out, const char *key, vg_str_t json)
{
    vg_out_key(out, key);
    vg_out_raw(out, json);
}


vg_str_t
vg_out_str(const vg_out_t *out)
{
    if (out->failed) {
        return (vg_str_t){ NULL, 0 };
    }

    return (vg_str_t){ out->data != NULL ? out->data : "", out->len };
}
