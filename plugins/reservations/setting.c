/*
 * setting.c: settings that are a number, of seconds or of reservations, as
 * fields of a call.
 */

#include "reservations.h"

#define NUMBER_MAX 100000000 /* in seconds three years */

static const struct {
    const char *setting, *field, *otherwise;
} settings[] = {
    { "grace", "grace", "900" },
    { "ahead", "ahead", "300" },
    { "warning", "warning", "300" },
    { "free_cancellation", "freeCancellation", "900" },
    { "hold_ahead", "holdAhead", "259200" },
    { "longest", "longest", "86400" },
    { "furthest", "furthest", "7776000" },
    { "per_customer", "perCustomer", "20" },
    { "per_company", "perCompany", "1000" },
    { "waitlist", "waiting", "100" },
};


static bool
number_valid(const char *value)
{
    size_t i;
    long   number = 0;

    for (i = 0; value[i] >= '0' && value[i] <= '9' && i < 10; i++) {
        number = number * 10 + (value[i] - '0');
    }
    return i > 0 && value[i] == '\0' && number <= NUMBER_MAX;
}


/* What is no such number is as the default says. */
static vg_rc_t
setting_bind(vg_call_t *call, size_t i)
{
    const char *value = vg_setting(call, settings[i].setting);

    if (!number_valid(value)) {
        vg_log(call, VG_LOG_ERROR, "reservations.%s is not 0 to %d",
               settings[i].setting, NUMBER_MAX);
        value = settings[i].otherwise;
    }
    return vg_bind(call, settings[i].field, vg_str(value));
}


vg_rc_t
settings_bind(vg_call_t *call, const char *const *names)
{
    size_t i;

    for (; *names != NULL; names++) {
        for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
            if (vg_str_eq(vg_str(*names), settings[i].setting)
                && setting_bind(call, i) != VG_OK)
            {
                return VG_ERROR;
            }
        }
    }
    return VG_OK;
}
