/*
 * fleet.c: which charge points are played, with which passwords and tags.
 *
 * One tag charges at one place at a time: many have 0001 and so on added.
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "simulate.h"


/* Lines ID:PASSWORD; the ID * stands for all others. */
int
passwords_read(passwords_t *passwords, const char *path)
{
    size_t len, number = 0;
    char  *line, *next, *colon, *to;

    passwords->text = cli_read(path, &len);
    if (passwords->text == NULL) {
        return 1;
    }
    to = passwords->text;
    for (line = passwords->text; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        line[strcspn(line, "\r")] = '\0';
        number++;
        if (*line == '\0' || *line == '#') {
            continue;
        }
        colon = strchr(line, ':');
        if (colon == NULL || colon == line || colon[1] == '\0') {
            return cli_fail("%s: line %zu is not ID:PASSWORD", path, number);
        }
        *colon = '\0';
        /* what is skipped leaves a hole: the pairs move up */
        len = (size_t) (colon + 1 - line) + strlen(colon + 1) + 1;
        memmove(to, line, len);
        to += len;
        passwords->count++;
    }
    return 0;
}


const char *
passwords_find(const passwords_t *passwords, const char *identity, bool others)
{
    const char *at = passwords->text, *password, *rest = NULL;

    for (size_t i = 0; i < passwords->count; i++) {
        password = at + strlen(at) + 1;
        if (strcmp(at, identity) == 0) {
            return password;
        }
        if (others && strcmp(at, "*") == 0) {
            rest = password;
        }
        at = password + strlen(password) + 1;
    }
    return rest;
}


/* The stations move when there is no room, so none is begun before the last
 * is added. */
static station_t *
fleet_room(fleet_t *fleet)
{
    size_t     size = fleet->size > 0 ? fleet->size * 2 : 16;
    station_t *grown;

    if (fleet->count == fleet->size) {
        grown = realloc(fleet->stations, size * sizeof(station_t));
        if (grown == NULL) {
            return NULL;
        }
        fleet->stations = grown;
        fleet->size = size;
    }
    fleet->stations[fleet->count] = (station_t){ .connectors = 1 };
    return &fleet->stations[fleet->count];
}


station_t *
fleet_add(fleet_t *fleet, simulation_t *sim, char *identity,
          const char *password, const char *number)
{
    station_t *st = identity != NULL ? fleet_room(fleet) : NULL;
    int        len;

    if (st == NULL) {
        free(identity);
        (void) cli_fail("no memory");
        return NULL;
    }
    len = snprintf(st->own_tag, sizeof(st->own_tag), "%s%s", sim->habits.id_tag,
                   number);
    st->sim = sim;
    st->identity = identity;
    st->password = password;
    fleet->count++;
    if (len < 0 || (size_t) len >= sizeof(st->own_tag)) {
        (void) cli_fail("--id-tag: %s%s is longer than OCPP's 20 characters",
                        sim->habits.id_tag, number);
        return NULL;
    }
    return st;
}


static int
fleet_named(fleet_t *fleet, simulation_t *sim, const choice_t *choice,
            char *identity, const char *number)
{
    const char *password = NULL;

    if (identity != NULL) {
        password = passwords_find(&fleet->passwords, identity, true);
    }
    if (identity != NULL && (*identity == '\0' || password == NULL)) {
        (void) cli_fail(
            *identity == '\0' ? "--charge-point: one of them has no name%s%s"
                              : "%s: no password for %s",
            *identity == '\0' ? "" : choice->password_file, identity);
        free(identity);
        return 1;
    }
    return fleet_add(fleet, sim, identity, password, number) == NULL;
}


int
fleet_make(fleet_t *fleet, simulation_t *sim, const choice_t *choice)
{
    const char *from = choice->charge_points;
    size_t      n = (size_t) choice->count, len;
    char       *identity;
    char        number[24] = "";

    if (passwords_read(&fleet->passwords, choice->password_file) != 0) {
        return 1;
    }
    if (choice->registered) {
        return fleet_registered(fleet, sim, choice);
    }
    for (const char *c = from; c != NULL; c = strchr(c, ',')) {
        c += n++ > 0;
    }
    for (size_t i = 0; i < n; i++) {
        identity = NULL;
        if (n > 1 || from == NULL) {
            (void) snprintf(number, sizeof(number), "%04zu", i + 1);
        }
        if (from != NULL) {
            len = strcspn(from, ",");
            identity = strndup(from, len);
            from += len + (from[len] == ',');
        } else if (asprintf(&identity, "%s%s", choice->prefix, number) < 0) {
            identity = NULL;
        }
        if (fleet_named(fleet, sim, choice, identity, number) != 0) {
            return 1;
        }
    }
    return 0;
}


void
fleet_free(fleet_t *fleet)
{
    for (size_t i = 0; i < fleet->count; i++) {
        station_free(&fleet->stations[i]);
    }
    free(fleet->stations);
    free(fleet->passwords.text);
}
