/*
 * setting.c: settings that are a number, as fields of a call.
 */

#include <stdlib.h>
#include <string.h>

#include "accounts.h"

static const struct {
    const char *setting, *field;
    long        least, most;
} settings[] = {
    { "access_lifetime", "accessLifetime", 60, 86400 },
    { "refresh_lifetime", "refreshLifetime", 60, 31536000 },
    { "refresh_grace", "refreshGrace", 0, 600 },
    { "code_lifetime", "codeLifetime", 60, 86400 },
    { "attempts", "attempts", 1, 1000 },
    { "attempts_anywhere", "attemptsAnywhere", 1, 1000000 },
    { "mails", "mails", 1, 1000 },
    { "erasure_again", "erasureAgain", 0, 86400 },
    { "export_whole", "exportWhole", 0, 16777216 },
};


static bool
number_valid(const char *value, size_t i)
{
    char *end;
    long  number;

    if (value[0] < '0' || value[0] > '9') {
        return false;
    }
    number = strtol(value, &end, 10);
    return *end == '\0' && number >= settings[i].least
           && number <= settings[i].most;
}


static const char *
setting_default(const char *name)
{
    const vg_setting_t *s = vg_plugin.settings;

    while (strcmp(s->name, name) != 0) {
        s++;
    }
    return s->value;
}


/* What is no such number is as the manifest says. */
static vg_rc_t
setting_bind(vg_call_t *call, size_t i)
{
    const char *value = vg_setting(call, settings[i].setting);

    if (!number_valid(value, i)) {
        vg_log(call, VG_LOG_ERROR, "accounts.%s is not %ld to %ld",
               settings[i].setting, settings[i].least, settings[i].most);
        value = setting_default(settings[i].setting);
    }
    return vg_bind(call, settings[i].field, vg_str(value));
}


vg_rc_t
settings_bind(vg_call_t *call, const char *const *names)
{
    for (; *names != NULL; names++) {
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
            if (vg_str_eq(vg_str(*names), settings[i].setting)
                && setting_bind(call, i) != VG_OK)
            {
                return VG_ERROR;
            }
        }
    }
    return VG_OK;
}


int64_t
number_of(vg_str_t text)
{
    char copy[24] = "";

    if (text.data != NULL && text.len < sizeof(copy)) {
        memcpy(copy, text.data, text.len);
    }
    return strtoll(copy, NULL, 10);
}


int64_t
setting_bound(vg_call_t *call, const char *field)
{
    return number_of(vg_bound(call, field));
}


vg_rc_t
lifetime_check(vg_call_t *call)
{
    static const char *const names[] = { "access_lifetime", NULL };

    return settings_bind(call, names);
}
