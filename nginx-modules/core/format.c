/*
 * format.c: a list as CSV, for who would rather have that.
 *
 * Owns the choice by Accept and the headers that go with it. What cannot be
 * had otherwise is answered as JSON, errors always as problems: nothing here
 * is 406, since a client reads a form that it did not ask for better than none.
 */

#include "accept.h"
#include "csv.h"
#include "http.h"


/* the header may come in several lines, which are one list */
static vg_str_t
vg_format_accept(ngx_http_request_t *r, vg_pool_t *pool)
{
    vg_str_t         all = { NULL, 0 };
    ngx_uint_t       i;
    ngx_list_part_t *part;
    ngx_table_elt_t *h;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;
        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len != 6
                || ngx_strncasecmp(h[i].key.data, (u_char *) "Accept", 6) != 0)
            {
                continue;
            }
            all = all.data == NULL
                      ? vg_of(h[i].value)
                      : vg_printf(pool, "%.*s,%.*s", (int) all.len, all.data,
                                  (int) h[i].value.len, h[i].value.data);
        }
    }
    return all;
}


ngx_uint_t
vg_format_wanted(ngx_http_request_t *r, vg_call_t *call)
{
    vg_str_t accept;

    if (!(call->endpoint->row->flags & VG_LIST)) {
        return 0;
    }
    (void) vg_http_add(r, "Vary", VG_STR("Accept"));
    accept = vg_format_accept(r, &call->arena);
    return accept.data != NULL && vg_accept_csv(accept);
}


static char *
vg_format_escape(char *to, u_char c, ngx_uint_t all)
{
    static const char hex[] = "0123456789ABCDEF";

    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_'
        || c == '~'
        || (!all && c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>'))
    {
        *to++ = (char) c;
        return to;
    }
    *to++ = '%';
    *to++ = hex[c >> 4];
    *to++ = hex[c & 15];
    return to;
}


/* The next page, as RFC 8288 has it: this query with another cursor. */
static void
vg_format_next(ngx_http_request_t *r, vg_call_t *call, vg_str_t cursor)
{
    char   *link, *to;
    size_t  i;
    u_char *p = r->args.data, *end = p + r->args.len, *amp;

    link = vg_alloc(&call->arena, 3 * (r->args.len + cursor.len) + 64);
    if (link == NULL) {
        return;
    }
    to = (char *) ngx_cpymem(link, "<?", 2);
    for (; p < end; p = amp + 1) {
        amp = ngx_strlchr(p, end, '&');
        amp = amp ? amp : end;
        if (amp - p >= 7 && ngx_strncmp(p, "cursor=", 7) == 0) {
            continue;
        }
        for (; p < amp; p++) {
            to = vg_format_escape(to, *p, 0);
        }
        *to++ = '&';
    }
    to = (char *) ngx_cpymem(to, "cursor=", 7);
    for (i = 0; i < cursor.len; i++) {
        to = vg_format_escape(to, (u_char) cursor.data[i], 1);
    }
    to = (char *) ngx_cpymem(to, ">; rel=\"next\"", 13);
    (void) vg_http_add(r, "Link", (vg_str_t){ link, (size_t) (to - link) });
}


vg_str_t
vg_format_csv(ngx_http_request_t *r, vg_call_t *call)
{
    vg_str_t         none = { NULL, 0 };
    const vg_json_t *items, *next, *page;

    page = vg_json_parse(&call->arena, call->text, NULL);
    items = vg_json_get(page, "items");
    next = vg_json_get(page, "nextCursor");
    if (items == NULL || items->type != VG_JSON_ARRAY) {
        return none;
    }
    if (next != NULL && next->type == VG_JSON_STRING) {
        vg_format_next(r, call, next->text);
    }
    return vg_csv_write(&call->arena, items);
}
