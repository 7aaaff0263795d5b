/*
 * registered.c: the charge points that a gateway knows, from its own API.
 *
 * The gateway keeps no password that could be read back. One that the file
 * names is used; a charge point that has none yet is given one, which is
 * added to the file before it is used; one that has a password which the file
 * does not hold is left out: it may be a real charger, and a new password
 * would lock that out.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "cli.h"
#include "simulate.h"

#define PASSWORD_SIZE 21 /* twenty characters are enough, and a NUL       */

typedef struct {
    fleet_t        *fleet;
    simulation_t   *sim;
    const choice_t *choice;
    api_t          *api;
    size_t          left_out;
} registered_t;

typedef int (*item_pt)(registered_t *reg, const vg_json_t *item);


/* each item of a list, page by page */
static int
registered_list(registered_t *reg, const char *path, item_pt take)
{
    vg_pool_t       *pool;
    const vg_json_t *body, *items;
    vg_str_t         cursor, page;
    char             next[512] = "";
    long             status;
    int              rc = 0;

    do {
        pool = vg_arena_create();
        if (pool == NULL) {
            return cli_fail("no memory");
        }
        page = vg_printf(pool, "/api/v1/%s?limit=200%s%s", path,
                         *next ? "&cursor=" : "", next);
        status = api_call(reg->api, pool, "GET", page.data,
                          (vg_str_t){ NULL, 0 }, &body);
        items = vg_json_get(body, "items");
        if (status != 200 || items == NULL) {
            vg_arena_destroy(pool);
            return cli_fail("GET /api/v1/%s was answered with %ld", path,
                            status);
        }
        for (items = items->first; items != NULL && rc == 0;
             items = items->next) {
            rc = take(reg, items);
        }
        cursor = vg_json_text(body, "nextCursor");
        (void) snprintf(next, sizeof(next), "%.*s", (int) cursor.len,
                        cursor.data != NULL ? cursor.data : "");
        vg_arena_destroy(pool);
    } while (rc == 0 && *next != '\0');
    return rc;
}


/* ---------------------------------------------------------------- passwords */

/* 20 characters, as many as an AuthorizationKey of OCPP 1.6 may have; added to
 * the file before the gateway hears of it, so that it cannot be lost. */
static int
password_make(const registered_t *reg, const char *identity, char *password)
{
    unsigned char random[15];
    FILE         *file;
    int           rc;

    if (RAND_bytes(random, sizeof(random)) != 1) {
        return cli_fail("no random numbers");
    }
    (void) EVP_EncodeBlock((unsigned char *) password, random, sizeof(random));
    file = fopen(reg->choice->password_file, "ae");
    if (file == NULL) {
        return cli_fail("%s: %s", reg->choice->password_file, strerror(errno));
    }
    rc = fprintf(file, "%s:%s\n", identity, password) < 0 || fflush(file) != 0
         || fsync(fileno(file)) != 0;
    rc |= fclose(file) != 0;
    return rc ? cli_fail("%s cannot be written", reg->choice->password_file)
              : 0;
}


static int
password_set(registered_t *reg, const char *identity, const char *password)
{
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *body;
    vg_str_t         path = vg_str("/api/v1/charge-points/");
    vg_out_t         send;
    long             status = 0;

    for (const char *c = identity; pool != NULL && *c != '\0'; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z')
                     || (*c >= 'a' && *c <= 'z');

        path = vg_printf(pool, plain ? "%.*s%c" : "%.*s%%%02X", (int) path.len,
                         path.data, (unsigned char) *c);
    }
    if (pool != NULL && path.data != NULL) {
        vg_out_init(&send, pool);
        vg_out_open(&send, '{');
        vg_out_member(&send, "password", vg_str(password));
        vg_out_close(&send, '}');
        if (vg_out_str(&send).data != NULL) {
            status = api_call(reg->api, pool, "PATCH", path.data,
                              vg_out_str(&send), &body);
        }
    }
    vg_arena_destroy(pool);
    return status == 200 ? 0
                         : cli_fail("%s could not be given a password: %ld",
                                    identity, status);
}


/* ------------------------------------------------------------ charge points */

static int
take_password(registered_t *reg, const char *identity, bool has,
              const char **password, char **made)
{
    *password = passwords_find(&reg->fleet->passwords, identity, false);
    *made = NULL;
    if (has) {
        return 0;
    }
    if (*password == NULL) {
        *password = *made = malloc(PASSWORD_SIZE);
        if (*made == NULL) {
            return cli_fail("no memory");
        }
        if (password_make(reg, identity, *made) != 0) {
            return 1;
        }
    }
    return password_set(reg, identity, *password);
}


static int
take_charge_point(registered_t *reg, const vg_json_t *item)
{
    const vg_json_t *has = vg_json_get(item, "hasPassword");
    const vg_json_t *pending = vg_json_get(item, "pending");
    vg_str_t         id = vg_json_text(item, "id");
    const char      *password = NULL;
    char            *identity, *made = NULL, number[24];
    station_t       *st;
    int              rc;

    if (pending == NULL || pending->type != VG_JSON_FALSE
        || vg_str_eq(vg_json_text(item, "securityProfile"), "3"))
    {
        return 0; /* it stands nowhere, or comes with a certificate */
    }
    identity = strndup(id.data, id.len);
    if (identity == NULL) {
        return cli_fail("no memory");
    }
    rc = take_password(reg, identity, has != NULL && has->type == VG_JSON_TRUE,
                       &password, &made);
    if (rc != 0 || password == NULL) {
        reg->left_out += rc == 0;
        free(identity);
        free(made);
        return rc;
    }
    (void) snprintf(number, sizeof(number), "%04zu", reg->fleet->count + 1);
    st = fleet_add(reg->fleet, reg->sim, identity, password, number);
    if (st == NULL) {
        free(made);
        return 1;
    }
    st->made = made;
    return 0;
}


/* Whole kW are exact enough for a car; no number is as good as 22. */
static int64_t
power_watts(vg_str_t kw)
{
    char digits[8] = "";

    if (kw.len > 0 && kw.len < sizeof(digits)) {
        memcpy(digits, kw.data, kw.len);
    }
    return *digits != '\0' ? strtoll(digits, NULL, 10) * 1000 : 22000;
}


/* Its connectors are numbered from 1, so the greatest number is how many. */
static int
take_station(registered_t *reg, const vg_json_t *item)
{
    const vg_json_t *connector = vg_json_get(item, "connectors");

    connector = connector != NULL ? connector->first : NULL;
    for (; connector != NULL; connector = connector->next) {
        vg_str_t id = vg_json_text(connector, "chargePointId");
        vg_str_t power = vg_json_text(connector, "maxPowerKw");
        int64_t  number = 1;

        (void) says_int(connector, "connectorNumber", &number);
        for (size_t i = 0; i < reg->fleet->count; i++) {
            station_t *st = &reg->fleet->stations[i];

            if (vg_str_eq(id, st->identity)) {
                st->connectors = number > st->connectors && number < 100
                                     ? (int) number
                                     : st->connectors;
                st->power_max = power_watts(power);
                break;
            }
        }
    }
    return 0;
}


/* A tag that is there already is as good: 409. */
static int
registered_tags(registered_t *reg)
{
    const vg_json_t *body;
    vg_pool_t       *pool;
    vg_str_t         send;
    long             status;

    for (size_t i = 0; i < reg->fleet->count; i++) {
        const char *tag = reg->fleet->stations[i].own_tag;

        pool = vg_arena_create();
        if (pool == NULL) {
            return cli_fail("no memory");
        }
        send = vg_printf(pool, "{\"idTag\":\"%s\"}", tag);
        status =
            api_call(reg->api, pool, "POST", "/api/v1/id-tags", send, &body);
        vg_arena_destroy(pool);
        if (status != 201 && status != 409) {
            return cli_fail("the tag %s was answered with %ld", tag, status);
        }
    }
    return 0;
}


static int
registered_all(registered_t *reg)
{
    if (registered_list(reg, "charge-points", take_charge_point) != 0
        || registered_list(reg, "stations", take_station) != 0
        || (!reg->sim->habits.remote && registered_tags(reg) != 0))
    {
        return 1;
    }
    if (reg->left_out > 0) {
        fprintf(stderr,
                "%zu charge points are left out: %s does not hold their"
                " passwords\n",
                reg->left_out, reg->choice->password_file);
    }
    return reg->fleet->count > 0 ? 0
                                 : cli_fail("no charge point is registered that"
                                            " could be played");
}


int
fleet_registered(fleet_t *fleet, simulation_t *sim, const choice_t *choice)
{
    registered_t reg = { .fleet = fleet, .sim = sim, .choice = choice };
    char        *url = NULL;
    int          rc;

    if (choice->api != NULL) {
        url = strdup(choice->api);
    } else if (asprintf(&url, "http%s://%s:%s", sim->to.tls != NULL ? "s" : "",
                        sim->to.host, sim->to.port)
               < 0)
    {
        url = NULL;
    }
    reg.api = url != NULL ? api_open(url, choice->ca, choice->key_file) : NULL;
    rc = reg.api == NULL || registered_all(&reg);
    api_close(reg.api);
    free(url);
    return rc;
}
