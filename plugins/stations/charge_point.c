/*
 * charge_point.c: charge points and their passwords.
 *
 * A password is kept as a salted SHA-256: it is random, or belongs to a
 * machine, so a slow hash would protect nothing. One that we made is shown
 * in the answer that made it and nowhere else; one that was given, never.
 */

#include <stdlib.h>
#include <string.h>

#include "stations.h"

/* 15 bytes are 20 characters: the most that an AuthorizationKey of OCPP 1.6
 * may have, and 120 bits */
#define PASSWORD_BYTES 15
#define SALT_BYTES     16

/* clang-format off */

#define CHARGE_POINT                                                           \
    { VG_BODY, "stationId", VG_UUID, VG_NULLABLE,                              \
      .about = "where it stands; without one it is pending" },                 \
    { VG_BODY, "password", VG_TEXT, VG_NULLABLE | VG_SECRET,                    \
      PASSWORD_MIN, PASSWORD_MAX,           \
      .about = "HTTP Basic's; null: make one and show it once" },              \
    { VG_BODY, "securityProfile", VG_INT, 0, 1, 3,                             \
      .about = "of OCPP; default 2" },                                         \
    { VG_BOUND, "salt", VG_TEXT, VG_SECRET, .about = "of the password" },      \
    { VG_BOUND, "hash", VG_TEXT, VG_SECRET, .about = "of the password" },      \
    { VG_BOUND, "made", VG_TEXT, VG_SECRET,                                    \
      .about = "the password that we made" }

#define CHARGE_POINT_ID                                                        \
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 48, .about = "OCPP identity" }

const vg_field_t charge_point_new_fields[] = {
    { VG_BODY, "id", VG_TEXT, VG_REQUIRED, 1, 48, .about = "OCPP identity" },
    { VG_BODY, "operatorId", VG_TEXT, 0, 1, 64,
      .about = "company; the caller's or the station's by default" },
    { VG_BOUND, "owner", VG_TEXT, .about = "company that will own it" },
    CHARGE_POINT,
    VG_FIELDS_END
};

const vg_field_t charge_point_change_fields[] = {
    CHARGE_POINT_ID, CHARGE_POINT, VG_FIELDS_END
};

const vg_field_t charge_point_id_fields[] = { CHARGE_POINT_ID, VG_FIELDS_END };

const vg_field_t charge_point_messages_fields[] = {
    CHARGE_POINT_ID,
    { VG_QUERY, "from", VG_TIME, .about = "not before" },
    { VG_QUERY, "to", VG_TIME, .about = "before" },
    VG_FIELDS_END
};

const vg_field_t charge_point_list_fields[] = {
    { VG_QUERY, "stationId", VG_UUID, .about = "at this station" },
    { VG_QUERY, "connected", VG_BOOL, .about = "with a socket, or without" },
    VG_FIELDS_END
};

/* clang-format on */

bool
charge_point_identity(vg_str_t text)
{
    static const char more[] = IDENTITY_SIGNS;

    if (text.len == 0 || text.len > 48) {
        return false;
    }

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z')
            && !(c >= '0' && c <= '9')
            && memchr(more, c, sizeof(more) - 1) == NULL)
        {
            return false;
        }
    }

    return true;
}

vg_rc_t
password_bind(vg_call_t *call, vg_str_t password)
{
    vg_str_t salt = vg_secret(call, SALT_BYTES);
    vg_str_t hash = vg_sha256(call, salt, password);

    if (salt.data == NULL || hash.data == NULL
        || vg_bind(call, "salt", salt) != VG_OK
        || vg_bind(call, "hash", hash) != VG_OK)
    {
        return vg_refuse(call, "internal");
    }

    return VG_OK;
}

/* The one that was given, or one that is made and shown. */
static vg_rc_t
password_take(vg_call_t *call)
{
    vg_str_t         made;
    const vg_json_t *given = vg_get(call, "password");

    if (given != NULL) {
        return password_bind(call, given->text);
    }

    made = vg_secret(call, PASSWORD_BYTES);
    if (made.data == NULL || vg_bind(call, "made", made) != VG_OK) {
        return vg_refuse(call, "internal");
    }

    return password_bind(call, made);
}

vg_rc_t
charge_point_create_check(vg_call_t *call)
{
    if (!charge_point_identity(vg_get(call, "id")->text)) {
        return vg_refuse_field(call, "id", IDENTITY_RULE);
    }

    if (owner_bind(call) != VG_OK) {
        return VG_ERROR;
    }

    return password_take(call);
}

vg_rc_t
charge_point_change_check(vg_call_t *call)
{
    /* null asks for a new password, absent for none */
    if (vg_json_get(vg_body(call), "password") == NULL) {
        return VG_OK;
    }

    return password_take(call);
}

static int64_t
number(const vg_json_t *row, const char *name)
{
    vg_str_t text = vg_json_text(row, name);
    char     copy[24] = "";

    if (text.data != NULL && text.len < sizeof(copy)) {
        memcpy(copy, text.data, text.len);
    }

    return strtoll(copy, NULL, 10);
}

vg_rc_t
charge_point_messages_check(vg_call_t *call)
{
    const vg_json_t *row = vg_row(call);
    vg_str_t         page;

    page = vg_messages(call, vg_get(call, "id")->text, number(row, "from"),
                       number(row, "to"));

    return page.data == NULL ? vg_refuse(call, "internal")
                             : vg_reply(call, page);
}

/* Adds the password that was made here to the answer. */
vg_rc_t
charge_point_render(vg_call_t *call)
{
    vg_str_t         body, made = vg_bound(call, "made");
    const vg_json_t *row = vg_row(call);

    if (made.data == NULL || row == NULL || row->raw.len < 2) {
        return VG_OK;
    }

    /* base64url needs no escapes */
    body = vg_printf(vg_pool(call), "%.*s, \"password\" : \"%.*s\"}",
                     (int) row->raw.len - 1, row->raw.data, (int) made.len,
                     made.data);

    return body.data == NULL ? vg_refuse(call, "internal")
                             : vg_reply(call, body);
}
