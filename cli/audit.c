/*
 * audit.c: `voltgate audit`: is the trail as it was sealed? An anchor is a
 * seal's number and hash, kept where who could change the trail cannot.
 *
 * It reads alone, in one snapshot, as whoever DATABASE_AUDIT_URL names, or
 * DATABASE_OWNER_URL.
 */

#define _GNU_SOURCE

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "cli.h"

#define TOLD 1000 /* findings that are printed                              */

enum { UNTOUCHED = 0, FAILED = 1, USAGE = 2, TAMPERED = 3 };


void
audit_found(audit_t *audit, const char *fmt, ...)
{
    va_list args;

    if (audit->findings++ >= TOLD) {
        return;
    }
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
}


static bool
audit_connect(audit_t *audit)
{
    const char *url = getenv("DATABASE_AUDIT_URL");
    PGresult   *rows;

    if (url == NULL || *url == '\0') {
        url = getenv("DATABASE_OWNER_URL");
    }
    if (url == NULL || *url == '\0') {
        cli_fail("DATABASE_AUDIT_URL or DATABASE_OWNER_URL is needed");
        return false;
    }
    audit->db = cli_connect(url);
    if (PQstatus(audit->db) != CONNECTION_OK) {
        cli_fail("the database: %s", PQerrorMessage(audit->db));
        return false;
    }
    rows = audit_ask(audit,
                     "select set_config('search_path', '', false),"
                     " set_config('timezone', 'UTC', false)",
                     0, NULL);
    PQclear(rows);
    if (rows == NULL) {
        return false;
    }
    rows = audit_ask(audit,
                     "begin transaction isolation level repeatable read,"
                     " read only",
                     0, NULL);
    PQclear(rows);
    return rows != NULL;
}


/* Rows of months that were dropped cannot be looked at; but nothing of them may
 * be left, save what came when there was no table for that month. */
static void
audit_left(audit_t *audit)
{
    char        cut[24];
    PGresult   *rows;
    const char *values[] = { cut };

    (void) snprintf(cut, sizeof(cut), "%" PRId64, audit->cut);
    rows = audit_ask(audit,
                     "select a.id from vg.audit a where a.at <"
                     " 'epoch'::timestamptz + $1::bigint * interval '1 us'"
                     " and a.tableoid <> 'vg.audit_rest'::regclass"
                     " order by a.id limit 1000",
                     1, values);
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        audit_found(audit, "row %s is of a month that was retired",
                    PQgetvalue(rows, i, 0));
    }
    PQclear(rows);
}


/* Months that the trail says were dropped. It is believed if that was sealed,
 * and might be done then. */
static void
audit_retired(audit_t *audit)
{
    char      month[16] = "";
    PGresult *rows = audit_ask(
        audit,
        "select a.id, a.object, (extract(epoch from m.ended) * 1000000)"
        "::bigint, s.sealed_at is not null, coalesce(a.plugin = 'voltgate' and"
        " m.ended + interval '31 days' <= least(a.at, s.sealed_at), false)"
        " from vg.audit a cross join lateral (select case when a.object ~"
        " '^[1-9][0-9]{3}-(0[1-9]|1[0-2])$' then ((a.object || "
        "'-01')::timestamp"
        " + interval '1 month') at time zone 'UTC' end) m (ended)"
        " left join lateral (select s.sealed_at from vg.audit_seal s"
        " where s.floor_id < a.id and s.from_xid <= a.xid and s.to_xid > a.xid"
        " order by s.floor_id desc limit 1) s on true"
        " where a.route = 'AUDIT retire' order by m.ended, a.id",
        0, NULL);

    audit->cut = INT64_MIN;
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        if (PQgetvalue(rows, i, 3)[0] != 't') {
            audit_found(audit,
                        "row %s says that a month was retired, and has no seal"
                        " yet",
                        PQgetvalue(rows, i, 0));
        } else if (PQgetvalue(rows, i, 4)[0] != 't') {
            audit_found(audit,
                        "row %s says that a month was retired, which could not"
                        " be then",
                        PQgetvalue(rows, i, 0));
        } else {
            audit->cut = strtoll(PQgetvalue(rows, i, 2), NULL, 10);
            (void) snprintf(month, sizeof(month), "%s", PQgetvalue(rows, i, 1));
        }
    }
    PQclear(rows);
    if (audit->cut != INT64_MIN) {
        printf("months up to %s were retired, says the trail\n", month);
        audit_left(audit);
    }
}


/* the seal of that number, and whether it is what it was */
static void
audit_anchored(audit_t *audit, const char *number, const char *hash)
{
    PGresult   *rows;
    const char *values[] = { number };

    rows = audit_ask(audit,
                     "select encode(s.hash, 'hex'),"
                     " (select min(m.number) from vg.audit_seal m) > $1::bigint"
                     " from (select) one left join vg.audit_seal s"
                     " on s.number = $1::bigint",
                     1, values);
    if (rows == NULL) {
        return;
    }
    if (PQgetisnull(rows, 0, 0) && PQgetvalue(rows, 0, 1)[0] == 't'
        && audit->cut != INT64_MIN)
    {
        printf("seal %s, of the anchor, was retired\n", number);
    } else if (PQgetisnull(rows, 0, 0)) {
        audit_found(audit,
                    "seal %s, of the anchor, is missing: the trail was"
                    " cut off",
                    number);
    } else if (strcmp(PQgetvalue(rows, 0, 0), hash) != 0) {
        audit_found(audit,
                    "seal %s is not that of the anchor: the trail was"
                    " written anew",
                    number);
    }
    PQclear(rows);
}


/* "NUMBER HASH", one a line; more words on it, and lines with #, are let be.
 * What holds none would say of any trail that it is whole. */
static bool
audit_anchors(audit_t *audit, const char *path)
{
    FILE  *file = fopen(path, "re");
    char  *line = NULL, number[19], hash[2 * AUDIT_HASH + 1];
    size_t size = 0, count = 0;
    bool   good = file != NULL;

    if (!good) {
        cli_fail("%s: %s", path, strerror(errno));
    }
    while (good && getline(&line, &size, file) > 0) {
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0') {
            continue;
        }
        good = sscanf(line, "%18[0-9] %64[0-9a-f]", number, hash) == 2
               && strlen(hash) == sizeof(hash) - 1;
        if (good) {
            audit_anchored(audit, number, hash);
            count++;
        }
    }
    if (file != NULL) {
        if (!good || count == 0) {
            good = false;
            cli_fail("%s: %s", path,
                     count == 0 ? "holds no anchor"
                                : "a line of it is no anchor");
        }
        (void) fclose(file);
    }
    free(line);
    return good;
}


static int
audit_anchor(audit_t *audit)
{
    int       status = FAILED;
    PGresult *rows = audit_ask(audit,
                               "select s.number, encode(s.hash, 'hex')"
                               " from vg.audit_seal s order by s.number desc"
                               " limit 1",
                               0, NULL);

    if (rows != NULL && PQntuples(rows) == 1) {
        printf("%s %s\n", PQgetvalue(rows, 0, 0), PQgetvalue(rows, 0, 1));
        status = UNTOUCHED;
    } else if (rows != NULL) {
        cli_fail("nothing is sealed yet");
    }
    PQclear(rows);
    return status;
}


static int
audit_check(audit_t *audit, const char *from, const char *to,
            const char *anchors)
{
    audit_retired(audit);
    if (audit->broken || (anchors != NULL && !audit_anchors(audit, anchors))) {
        return FAILED;
    }
    audit_verify(audit, from, to);
    if (audit->broken) {
        return FAILED;
    }
    printf("%" PRId64 " seals, %" PRId64 " rows: ", audit->seals, audit->rows);
    if (audit->findings > 0) {
        printf("%" PRId64 " findings\n", audit->findings);
        return TAMPERED;
    }
    printf("as they were sealed\n");
    return UNTOUCHED;
}


int
cli_audit(int argc, char **argv)
{
    static const struct option options[] = {
        { "from", required_argument, NULL, 'f' },
        { "to", required_argument, NULL, 't' },
        { "anchor", required_argument, NULL, 'a' },
        { NULL, 0, NULL, 0 },
    };
    audit_t     audit = { NULL };
    const char *what, *from = NULL, *to = NULL, *anchors = NULL;
    int         option, status = FAILED;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'f':
            from = optarg;
            break;
        case 't':
            to = optarg;
            break;
        case 'a':
            anchors = optarg;
            break;
        default:
            return USAGE;
        }
    }
    what = optind < argc ? argv[optind] : "";
    if (optind + 1 != argc
        || (strcmp(what, "verify") != 0
            && (strcmp(what, "anchor") != 0 || from || to || anchors)))
    {
        cli_fail("audit verify [--from T] [--to T] [--anchor FILE], or anchor");
        return USAGE;
    }
    if (audit_connect(&audit)) {
        status = what[0] == 'a' ? audit_anchor(&audit)
                                : audit_check(&audit, from, to, anchors);
    }
    PQfinish(audit.db);
    return status;
}
