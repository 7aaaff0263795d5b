/*
 * erasure.c: all that is held about a customer, asked of each plugin, and
 * erased by each of them: who they are is the registry's to say. What they
 * hold, only they know.
 */

#include "accounts.h"
#include "parties.h"

#define REQUESTED  "customer.erasure_requested.v1"
#define EXPORT     "customer_export" /* "<plugin>.customer_export" */
#define EXPORT_MAX 500               /* rows of a page             */

/* clang-format off */

#define CUSTOMER                                                               \
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 64,                              \
      .about = "customer; a driver's is its subject" }
#define PLUGINS                                                                \
    { VG_BOUND, "plugins", VG_ARRAY, .about = "who holds something" }

const vg_field_t erasure_new_fields[] = { CUSTOMER, PLUGINS, VG_FIELDS_END };

const vg_field_t erasure_id_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "of the erasure" },
    VG_FIELDS_END
};

static const vg_field_t count_fields[] = {
    { VG_BODY, "what", VG_TEXT, VG_REQUIRED, 1, 64, .about = "kind of rows" },
    { VG_BODY, "rows", VG_INT, VG_REQUIRED, .about = "how many" },
    VG_FIELDS_END
};

static const vg_field_t count_item = {
    VG_BODY, "count", VG_OBJECT, .fields = count_fields
};

#define COUNTS(name, what)                                                     \
    { VG_BODY, name, VG_ARRAY, VG_REQUIRED, .item = &count_item, .about = (what) }

const vg_field_t erasure_told_fields[] = {
    { VG_BODY, "erasureId", VG_UUID, VG_REQUIRED, .about = "the erasure" },
    { VG_BODY, "plugin", VG_TEXT, VG_REQUIRED, .about = "who answers" },
    { VG_BODY, "round", VG_INT, VG_REQUIRED, .about = "which is answered" },
    { VG_BODY, "status", VG_ENUM, VG_REQUIRED, .values = "DONE|MORE|POSTPONED",
      .about = "whether something is left" },
    COUNTS("erased", "what went in this round"),
    COUNTS("kept", "what stays, since a law wants it"),
    COUNTS("open", "what has to end first"),
    { VG_SETTING, "erasureAgain", VG_INT,
      .about = "seconds between rounds" },
    LIFETIME,
    VG_FIELDS_END
};

const vg_field_t erasure_due_fields[] = {
    PLUGINS,
    { VG_SETTING, "erasureAgain", VG_INT,
      .about = "seconds between rounds of those that somebody holds up" },
    LIFETIME,
    VG_FIELDS_END
};

const vg_field_t export_new_fields[] = { CUSTOMER, PLUGINS, VG_FIELDS_END };

const vg_field_t export_get_fields[] = {
    CUSTOMER,
    { VG_PATH, "exportId", VG_UUID, VG_REQUIRED, .about = "of the export" },
    { VG_QUERY, "plugin", VG_TEXT, 0, 1, 32,
      .about = "data of this one, however long" },
    { VG_QUERY, "part", VG_INT, 0, 1, 1000000,
      .about = "this part of the plugin's alone, from 1" },
    { VG_SETTING, "exportWhole", VG_INT, .about = "bytes at most, undivided" },
    VG_FIELDS_END
};

const vg_field_t export_job_fields[] = {
    { VG_BODY, "exportId", VG_UUID, VG_REQUIRED, .about = "the export" },
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "about whom" },
    { VG_BODY, "plugin", VG_TEXT, VG_REQUIRED, .about = "who is asked" },
    { VG_BODY, "number", VG_INT, VG_REQUIRED, .about = "of the part, from 1" },
    { VG_BODY, "after", VG_TEXT, VG_NULLABLE, .about = "where it begins" },
    { VG_BODY, "tries", VG_INT, VG_REQUIRED, .about = "in vain, in a row" },
    PLUGINS,
    VG_FIELDS_END
};

const vg_field_t customer_export_fields[] = {
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "about whom" },
    { VG_BODY, "after", VG_TEXT, VG_NULLABLE, .about = "where it begins" },
    { VG_BODY, "most", VG_INT, VG_REQUIRED, 1, 1000, .about = "rows at most" },
    VG_FIELDS_END
};

/* clang-format on */


vg_rc_t
erasure_new_check(vg_call_t *call)
{
    return vg_bind(call, "plugins", vg_plugins_with(call, VG_EVENT, REQUESTED));
}


vg_rc_t
export_new_check(vg_call_t *call)
{
    return vg_bind(call, "plugins",
                   vg_plugins_with(call, VG_INTERNAL, "*." EXPORT));
}


vg_rc_t
export_get_check(vg_call_t *call)
{
    if (vg_get(call, "part") != NULL && vg_get(call, "plugin") == NULL) {
        return vg_refuse_field(call, "plugin", "is required with part");
    }
    return VG_OK;
}


/* Who is away is asked again later, by a job of its own: an outage is no
 * failure, however long it lasts. */
static vg_rc_t
export_ask(vg_call_t *call)
{
    vg_out_t         out;
    vg_str_t         plugin = vg_get(call, "plugin")->text;
    const vg_json_t *after = vg_get(call, "after");

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "customerId", vg_get(call, "customerId")->text);
    if (after != NULL) {
        vg_out_member(&out, "after", after->text);
    }
    vg_out_member_raw(&out, "most", vg_printf(vg_pool(call), "%d", EXPORT_MAX));
    vg_out_close(&out, '}');
    return vg_inquire_or(
        call,
        vg_printf(vg_pool(call), "%.*s." EXPORT, (int) plugin.len, plugin.data)
            .data,
        vg_out_str(&out), VG_STR("{\"away\":true}"));
}


const vg_step_t export_job_steps[] = {
    { "ask", export_ask, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
