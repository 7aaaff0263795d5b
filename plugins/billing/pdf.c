/*
 * pdf.c: an invoice as PDF. What stands on it is page.c's, drawing it the kit's.
 */

#include "page.h"
#include "papers.h"


/* whom accounts has not named yet: some moments after it was issued */
vg_rc_t
pdf_check(vg_call_t *call)
{
    const vg_json_t *seller = vg_json_get(vg_row(call), "seller");
    const vg_json_t *buyer = vg_json_get(vg_row(call), "buyer");

    if (vg_str_eq(vg_json_text(vg_json_get(vg_row(call), "invoice"), "status"),
                  "DRAFT"))
    {
        return vg_refuse(call, "invoice_draft");
    }
    if (seller == NULL || seller->type != VG_JSON_OBJECT || buyer == NULL
        || buyer->type != VG_JSON_OBJECT)
    {
        return vg_refuse(call, "parties_pending");
    }
    return VG_OK;
}


static vg_rc_t
pdf_draw(vg_call_t *call)
{
    return vg_paper(call, page_make(vg_pool(call), vg_row(call)));
}


vg_rc_t
pdf_render(vg_call_t *call)
{
    vg_str_t number =
        vg_json_text(vg_json_get(vg_row(call), "invoice"), "number");

    return vg_reply_file(
        call, "application/pdf",
        vg_printf(vg_pool(call), "%.*s.pdf", (int) number.len, number.data),
        vg_drawn(call));
}


/* clang-format off */
const vg_step_t pdf_steps[] = {
    { "draw", pdf_draw, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
