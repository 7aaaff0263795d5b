/*
 * kept.c: what a plugin keeps for a while, as rows like all else that can
 * happen. How long is events/keep.c's.
 */

#include "endpoint.h"
#include "span.h"

static const vg_field_t vg_kept_fields[] = {
    { VG_BOUND, "before", VG_TIME, .about = "what is older may go" },
    { VG_BOUND, "batch", VG_INT, .about = "rows at most" },
    { VG_BOUND, "besides", VG_OBJECT, .about = "before, by key" },
    VG_FIELDS_END
};


/* its span stands where other rows have a scope */
const vg_route_t *
vg_kept_row(vg_plugin_slot_t *plugin, const vg_keep_t *keep)
{
    vg_span_t   span;
    vg_route_t *row = ngx_pcalloc(plugin->pool, sizeof(vg_route_t));

    if (!vg_span_read(&span, keep->keep, ngx_strlen(keep->keep))) {
        vg_plugin_out(plugin, "%s is kept for \"%s\", which is no time",
                      keep->table, keep->keep);
        return NULL;
    }
    if (row != NULL) {
        row->method = VG_KEEP;
        row->path = keep->table;
        row->scope = keep->keep;
        row->fields = vg_kept_fields;
        row->statement = keep->statement;
        row->about = keep->about;
    }
    return row;
}
