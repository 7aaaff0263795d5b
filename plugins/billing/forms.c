/*
 * forms.c: see forms.h.
 */

#include "forms.h"

#define DAY_LENGTH 10 /* of YYYY-MM-DD                                       */


vg_rc_t
capitals_check(vg_call_t *call, const char *field)
{
    size_t           i;
    const vg_json_t *node = vg_get(call, field);

    for (i = 0; node != NULL && i < node->text.len; i++) {
        if (node->text.data[i] < 'A' || node->text.data[i] > 'Z') {
            return vg_refuse_field(call, field, "must be capital letters");
        }
    }
    return VG_OK;
}


vg_rc_t
day_check(vg_call_t *call, const char *field)
{
    bool             offset;
    vg_str_t         noon;
    const vg_json_t *node = vg_get(call, field);

    if (node == NULL) {
        return VG_OK;
    }
    noon = vg_printf(vg_pool(call), "%.*sT12:00:00Z", (int) node->text.len,
                     node->text.data);
    return noon.data != NULL && node->text.len == DAY_LENGTH
                   && vg_instant(noon, &offset)
               ? VG_OK
               : vg_refuse_field(call, field, "must be a day, YYYY-MM-DD");
}
