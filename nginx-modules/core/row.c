/*
 * row.c: see row.h.
 */

#include "row.h"


static const vg_field_t *
row_field(const vg_field_t *fields, vg_str_t name)
{
    const vg_field_t *f;

    for (f = fields; f->name != NULL; f++) {
        if (f->in == VG_BODY && vg_str_eq(name, f->name)) {
            return f;
        }
    }
    return NULL;
}


const char *
vg_row_head(vg_pool_t *pool, vg_row_head_t *head, const vg_csv_row_t *row,
            vg_str_t *field)
{
    bool              seen[VG_CSV_COLUMNS] = { false };
    size_t            i;
    const vg_field_t *f;

    for (i = 0; i < row->count; i++) {
        *field =
            vg_printf(pool, "%.*s",
                      (int) (row->cells[i].len > 64 ? 64 : row->cells[i].len),
                      row->cells[i].data);
        f = row_field(head->fields, row->cells[i]);
        if (f == NULL) {
            return "is no known column";
        }
        if (seen[f - head->fields]) {
            return "comes twice in the header row";
        }
        seen[f - head->fields] = true;
        head->column[i] = (size_t) (f - head->fields);
    }
    head->count = row->count;
    for (f = head->fields; f->name != NULL; f++) {
        if (f->in == VG_BODY && (f->flags & VG_REQUIRED)
            && !seen[f - head->fields]) {
            *field = vg_str(f->name);
            return "is needed in the header row";
        }
    }
    return NULL;
}


/* as JSON spells a number, without an exponent */
static bool
row_number(vg_str_t text)
{
    size_t i = 0, from;

    i += text.len > 0 && text.data[0] == '-';
    from = i;
    while (i < text.len && text.data[i] >= '0' && text.data[i] <= '9') {
        i++;
    }
    if (i == from || (i - from > 1 && text.data[from] == '0')) {
        return false;
    }
    if (i < text.len && text.data[i] == '.') {
        from = ++i;
        while (i < text.len && text.data[i] >= '0' && text.data[i] <= '9') {
            i++;
        }
        if (i == from) {
            return false;
        }
    }
    return i == text.len;
}


vg_str_t
vg_row_csv(vg_pool_t *pool, const vg_row_head_t *head, const vg_csv_row_t *row,
           const char **error)
{
    size_t            i;
    vg_out_t          out;
    const vg_field_t *f;

    if (row->count > head->count) {
        *error = "has more cells than the header";
        return (vg_str_t){ NULL, 0 };
    }
    *error = "out of memory";
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    for (i = 0; i < row->count; i++) {
        if (row->cells[i].len == 0) {
            continue;
        }
        if (!vg_str_utf8(row->cells[i])) {
            *error = "is not UTF-8";
            return (vg_str_t){ NULL, 0 };
        }
        f = &head->fields[head->column[i]];
        if ((f->type == VG_INT || f->type == VG_DECIMAL)
            && row_number(row->cells[i])) {
            vg_out_member_raw(&out, f->name, row->cells[i]);
        } else {
            vg_out_member(&out, f->name, row->cells[i]);
        }
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


vg_str_t
vg_row_feature(vg_pool_t *pool, vg_str_t feature, const char **error)
{
    vg_out_t         out;
    const vg_json_t *node, *m, *geometry, *at;

    node = vg_json_parse(pool, feature, error);
    if (node == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    m = vg_json_get(node, "properties");
    for (m = m && m->type == VG_JSON_OBJECT ? m->first : NULL; m; m = m->next) {
        if (m->type != VG_JSON_NULL && !vg_str_eq(m->key, "lat")
            && !vg_str_eq(m->key, "lon"))
        {
            vg_out_name(&out, m->key);
            vg_out_raw(&out, m->raw);
        }
    }
    geometry = vg_json_get(node, "geometry");
    at = vg_json_get(geometry, "coordinates");
    if (vg_str_eq(vg_json_text(geometry, "type"), "Point") && at != NULL
        && at->type == VG_JSON_ARRAY && at->count >= 2)
    {
        vg_out_member_raw(&out, "lat", at->first->next->raw);
        vg_out_member_raw(&out, "lon", at->first->raw);
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}
