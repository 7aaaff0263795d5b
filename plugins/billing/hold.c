/*
 * hold.c: money kept for what is expected. How much that is follows from the
 * expected session's costs as an invoice would have it, tax and all.
 *
 * What is taken from where, raised, captured and let go is sql/005_hold.sql's.
 */

#include "hold.h"

#include "invoices.h"

/* clang-format off */

#define TOLD(name, type, what)                                                 \
    { VG_BODY, name, type, VG_NULLABLE, .about = (what) }

const vg_field_t hold_open_fields[] = {
    { VG_BODY, "subjectKind", VG_ENUM, VG_REQUIRED,
      .values = "SESSION|RESERVATION", .about = "what it is for" },
    { VG_BODY, "subject", VG_UUID, VG_REQUIRED, .about = "its id" },
    TOLD("reservationId", VG_UUID, "whose hold the session takes over"),
    TOLD("customerId", VG_TEXT, "who pays"),
    TOLD("companyId", VG_TEXT, "on whose account"),
    TOLD("operatorId", VG_TEXT, "the issuer"),
    TOLD("country", VG_TEXT, "ISO 3166-1, where it will be supplied"),
    TOLD("timeZone", VG_TEXT, "IANA name, where it will be supplied"),
    TOLD("costs", VG_ANY, "OCPI CDR costs of what is expected; or:"),
    { VG_BODY, "amount", VG_DECIMAL, VG_NULLABLE, .min = 0, .max = 1000000,
      .about = "to be held where they are not known" },
    TOLD("currency", VG_TEXT, "of amount, ISO 4217"),
    TOLD("expiresAt", VG_TIME, "let go then, once its subject is over"),
    TOLD("revision", VG_INT, "a reservation's version; an older one is late"),
    { VG_BOUND, "invoice", VG_ANY, .about = "as it would be; none: no hold" },
    VG_FIELDS_END
};

const vg_field_t hold_metered_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, .about = "the session" },
    TOLD("country", VG_TEXT, "ISO 3166-1, where it is supplied"),
    TOLD("timeZone", VG_TEXT, "IANA name, where it is supplied"),
    { VG_BODY, "costs", VG_ANY, VG_REQUIRED, .about = "OCPI CDR costs so far" },
    { VG_BODY, "part", VG_INT, VG_REQUIRED, 1, 100,
      .about = "per cent of the hold that it may cost" },
    { VG_BOUND, "invoice", VG_ANY, .about = "as it would be now" },
    VG_FIELDS_END
};

const vg_field_t hold_payable_fields[] = {
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "who would pay" },
    { VG_BOUND, "held", VG_BOOL, .about = "whether drivers' money is held" },
    VG_FIELDS_END
};

const vg_field_t hold_failed_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, .about = "the session" },
    VG_FIELDS_END
};

const vg_field_t hold_reservation_fields[] = {
    { VG_BODY, "reservationId", VG_UUID, VG_REQUIRED, .about = "which" },
    VG_FIELDS_END
};

const vg_field_t hold_stray_fields[] = {
    { VG_BODY, "subject", VG_UUID, VG_REQUIRED, .about = "whose hold" },
    { VG_BODY, "subjectKind", VG_TEXT, VG_REQUIRED,
      .about = "SESSION or RESERVATION" },
    VG_FIELDS_END
};

const vg_field_t hold_id_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "hold" },
    VG_FIELDS_END
};

const vg_field_t hold_list_fields[] = {
    { VG_QUERY, "subject", VG_UUID, .about = "of this session or reservation" },
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64, .about = "of this customer" },
    { VG_QUERY, "status", VG_ENUM,
      .values = "PENDING|HELD|REFUSED|CAPTURED|RELEASED",
      .about = "in this state" },
    VG_FIELDS_END
};

/* clang-format on */

/* Whether drivers' sessions are held at all: `drivers`, or `off`. */
static bool
hold_wanted(vg_call_t *call)
{
    return !vg_str_eq(vg_str(vg_setting(call, "hold")), "off");
}


/* The amount that was named stands for net and total: its tax is not known. */
static vg_rc_t
hold_bind_amount(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *amount = vg_get(call, "amount");
    const vg_json_t *currency = vg_get(call, "currency");

    if (amount == NULL || currency == NULL) {
        return vg_bind(call, "invoice", (vg_str_t){ NULL, 0 });
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "currency", currency->text);
    vg_out_member_raw(&out, "net", amount->raw);
    vg_out_member_raw(&out, "total", amount->raw);
    vg_out_close(&out, '}');
    return vg_bind(call, "invoice", vg_out_str(&out));
}


/* On a company's account, or for nobody, nothing is held. */
vg_rc_t
hold_open_check(vg_call_t *call)
{
    const vg_json_t *costs = vg_get(call, "costs");

    if (!hold_wanted(call) || vg_get(call, "customerId") == NULL
        || vg_get(call, "companyId") != NULL)
    {
        return vg_bind(call, "invoice", (vg_str_t){ NULL, 0 });
    }
    return costs != NULL ? invoice_check(call) : hold_bind_amount(call);
}


/* Who cannot be asked now is asked tomorrow. */
static vg_rc_t
stray_ask(vg_call_t *call)
{
    vg_out_t out;
    bool     session = vg_str_eq(vg_get(call, "subjectKind")->text, "SESSION");

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "id", vg_get(call, "subject")->text);
    vg_out_close(&out, '}');
    return vg_inquire_or(call,
                         session ? "charging.goes_on" : "reservations.goes_on",
                         vg_out_str(&out), VG_STR("{\"goesOn\":true}"));
}


vg_rc_t
hold_payable_check(vg_call_t *call)
{
    return vg_bind(call, "held",
                   hold_wanted(call) ? VG_STR("true") : VG_STR("false"));
}


/* clang-format off */
const vg_step_t hold_stray_steps[] = {
    { "whose", stray_ask, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
