/*
 * form.c: see form.h.
 */

#include <string.h>

#include "form.h"

#define VG_FORM_FIELDS 100


static int
vg_form_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


bool
vg_form_decode(vg_pool_t *pool, vg_str_t in, vg_str_t *out)
{
    int    high, low;
    char  *data = vg_alloc(pool, in.len + 1);
    size_t i, len = 0;

    if (data == NULL) {
        return false;
    }
    for (i = 0; i < in.len; i++) {
        if (in.data[i] != '%') {
            data[len++] = in.data[i] == '+' ? ' ' : in.data[i];
            continue;
        }
        high = i + 2 < in.len ? vg_form_digit(in.data[i + 1]) : -1;
        low = i + 2 < in.len ? vg_form_digit(in.data[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        data[len++] = (char) (high << 4 | low);
        i += 2;
    }
    *out = (vg_str_t){ data, len };
    return vg_str_utf8(*out);
}


/* name=value, or a name alone */
static bool
vg_form_field(vg_out_t *out, vg_str_t field)
{
    vg_str_t    name = field, value = VG_STR("");
    const char *equals = memchr(field.data, '=', field.len);

    if (equals != NULL) {
        name.len = (size_t) (equals - field.data);
        value = (vg_str_t){ equals + 1, field.len - name.len - 1 };
    }
    if (!vg_form_decode(out->pool, name, &name)
        || !vg_form_decode(out->pool, value, &value))
    {
        return false;
    }
    vg_out_name(out, name);
    vg_out_string(out, value);
    return true;
}


vg_str_t
vg_form_json(vg_pool_t *pool, vg_str_t form, const char **wrong)
{
    size_t      fields = 0;
    vg_out_t    out;
    vg_str_t    field;
    const char *p = form.data, *end = p + form.len, *amp;

    *wrong = NULL;
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    for (; p < end; p = amp + 1) {
        amp = memchr(p, '&', (size_t) (end - p));
        amp = amp ? amp : end;
        field = (vg_str_t){ p, (size_t) (amp - p) };
        if (field.len == 0) {
            continue;
        }
        if (++fields > VG_FORM_FIELDS) {
            *wrong = "too many fields";
        } else if (!vg_form_field(&out, field)) {
            *wrong = "not a form in UTF-8";
        }
        if (*wrong != NULL) {
            return (vg_str_t){ NULL, 0 };
        }
    }
    vg_out_close(&out, '}');
    *wrong = "no memory";
    return vg_out_str(&out);
}
