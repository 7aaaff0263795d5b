/*
 * text.c: see text.h.
 */

#include <string.h>

#include "exact.h"
#include "text.h"


bool
text_is(vg_str_t text)
{
    return text.data != NULL && text.len > 0;
}


static vg_str_t
text_joined(vg_pool_t *pool, vg_str_t a, const char *between, vg_str_t b)
{
    if (!text_is(a) || !text_is(b)) {
        return text_is(a) ? a : b;
    }
    return vg_printf(pool, "%.*s%s%.*s", (int) a.len, a.data, between,
                     (int) b.len, b.data);
}


vg_str_t
text_with_blank(vg_pool_t *pool, vg_str_t a, vg_str_t b)
{
    return text_joined(pool, a, " ", b);
}


vg_str_t
text_dotted(vg_pool_t *pool, vg_str_t a, vg_str_t b)
{
    return text_joined(pool, a, " \xc2\xb7 ", b);
}


vg_str_t
text_with_line(vg_pool_t *pool, vg_str_t text, vg_str_t line)
{
    return text_joined(pool, text, "\n", line);
}


vg_str_t
text_one_line(vg_pool_t *pool, vg_str_t text)
{
    char  *copy;
    size_t i;

    if (!text_is(text) || (copy = vg_alloc(pool, text.len)) == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    memcpy(copy, text.data, text.len);
    for (i = 0; i < text.len; i++) {
        if (copy[i] == '\n' || copy[i] == '\r' || copy[i] == '\0') {
            copy[i] = ' ';
        }
    }
    return (vg_str_t){ copy, text.len };
}


vg_str_t
text_line_of(vg_pool_t *pool, const vg_json_t *node, const char *name)
{
    return text_one_line(pool, vg_json_text(node, name));
}


vg_str_t
text_labelled(vg_pool_t *pool, const char *label, vg_str_t text)
{
    return text_is(text) ? text_with_blank(pool, vg_str(label), text) : text;
}


vg_str_t
text_number(vg_pool_t *pool, vg_str_t text, int places, int least)
{
    exact_t value;

    return exact_read(text, places, &value)
               ? exact_print(pool, value, places, least)
               : text;
}
