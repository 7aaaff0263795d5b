/*
 * audit_stream.c: seals and rows of the trail as they come out of the
 * database, a few at a time, each with its hash.
 *
 * The hashes are made here: a function of the database could be another one
 * by now.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "audit.h"
#include "cli.h"

/* clang-format off */

#define US(column) "(extract(epoch from " column ") * 1000000)::bigint"

const char audit_seal_columns[] =
    "s.number, s.floor_id, s.from_xid, s.to_xid, s.last_id, s.rows,"
    " " US("s.first_at") ", " US("s.last_at") ", " US("s.sealed_at") ","
    " encode(s.digest, 'hex'), encode(s.hash, 'hex'),"
    " encode(s.leaves, 'hex')";

/* in the order in which they are hashed */
const char audit_row_columns[] =
    "a.id, a.xid, " US("a.at") ", a.caller_id, a.caller_role, a.company_id,"
    " a.route, a.object, a.status, a.error, a.calls, a.correlation_id,"
    " a.address, a.node, a.plugin";

/* clang-format on */

enum { ROW_COLUMNS = 15 };


static bool
stream_failed(audit_t *audit, PGresult *rows)
{
    audit->broken = true;
    cli_fail("the database: %s", PQerrorMessage(audit->db));
    PQclear(rows);
    return false;
}


PGresult *
audit_ask(audit_t *audit, const char *text, int count,
          const char *const *values)
{
    PGresult *rows =
        PQexecParams(audit->db, text, count, NULL, values, NULL, NULL, 0);

    if (PQresultStatus(rows) == PGRES_TUPLES_OK
        || PQresultStatus(rows) == PGRES_COMMAND_OK)
    {
        return rows;
    }
    (void) stream_failed(audit, rows);
    return NULL;
}


bool
audit_open(audit_t *audit, audit_stream_t *stream, const char *name,
           const char *text, int count, const char *const *values, int batch)
{
    char     *declare;
    PGresult *rows;

    if (asprintf(&declare, "declare %s no scroll cursor for %s", name, text)
        < 0) {
        audit->broken = true;
        return false;
    }
    rows = audit_ask(audit, declare, count, values);
    free(declare);
    PQclear(rows);
    *stream = (audit_stream_t){ .db = audit->db, .name = name, .batch = batch };
    return rows != NULL;
}


void
audit_close(audit_stream_t *stream)
{
    char text[64];

    if (stream->batch != 0) {
        (void) snprintf(text, sizeof(text), "close %s", stream->name);
        PQclear(PQexec(stream->db, text));
        PQclear(stream->rows);
        stream->batch = 0;
    }
}


/* the number of the row at hand; -1: there is no other */
static int
stream_next(audit_t *audit, audit_stream_t *stream)
{
    char text[64];

    if (stream->over || audit->broken) {
        return -1;
    }
    if (stream->rows == NULL || stream->next == PQntuples(stream->rows)) {
        PQclear(stream->rows);
        (void) snprintf(text, sizeof(text), "fetch %d from %s", stream->batch,
                        stream->name);
        stream->rows = audit_ask(audit, text, 0, NULL);
        stream->next = 0;
        if (stream->rows == NULL || PQntuples(stream->rows) == 0) {
            stream->over = true;
            return -1;
        }
    }
    return stream->next++;
}


bool
audit_hex(const char *hex, unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const char       *high, *low;

    if (strlen(hex) != size * 2) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        high = strchr(digits, hex[2 * i]);
        low = strchr(digits, hex[2 * i + 1]);
        if (high == NULL || low == NULL) {
            return false;
        }
        bytes[i] = (unsigned char) ((high - digits) << 4 | (low - digits));
    }
    return true;
}


bool
audit_seal_next(audit_t *audit, audit_stream_t *stream, audit_seal_t *seal)
{
    int         i = stream_next(audit, stream);
    const char *leaves;
    const char *field[12];

    if (i < 0) {
        return false;
    }
    for (int c = 0; c < 12; c++) {
        field[c] = PQgetvalue(stream->rows, i, c);
    }
    leaves = field[11];
    *seal = (audit_seal_t){
        .number = strtoll(field[0], NULL, 10),
        .floor = strtoll(field[1], NULL, 10),
        .from = strtoull(field[2], NULL, 10),
        .to = strtoull(field[3], NULL, 10),
        .last_id = strtoll(field[4], NULL, 10),
        .rows = strtoll(field[5], NULL, 10),
        .first_at = strtoll(field[6], NULL, 10),
        .last_at = strtoll(field[7], NULL, 10),
        .digest = field[9],
    };
    memcpy(seal->hashed, field, sizeof(seal->hashed));
    (void) audit_hex(field[10], seal->hash, AUDIT_HASH); /* else zeros */
    seal->nleaves = strlen(leaves) / 2 / AUDIT_LEAF;
    seal->leaves = malloc(seal->nleaves * AUDIT_LEAF + 1);
    if (seal->leaves == NULL) {
        audit->broken = true;
        return false;
    }
    if (!audit_hex(leaves, seal->leaves, seal->nleaves * AUDIT_LEAF)) {
        seal->nleaves = 0; /* which no seal has: it is found as changed */
    }
    return true;
}


/* of a value its length in bytes, a colon, itself; of NULL a hyphen */
static bool
row_hash(const PGresult *rows, int row, unsigned char *hash)
{
    int         length;
    bool        good;
    char        number[24];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();

    good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    for (int c = 0; good && c < ROW_COLUMNS; c++) {
        if (PQgetisnull(rows, row, c)) {
            good = EVP_DigestUpdate(digest, "-", 1);
            continue;
        }
        length =
            snprintf(number, sizeof(number), "%d:", PQgetlength(rows, row, c));
        good = EVP_DigestUpdate(digest, number, (size_t) length)
               && EVP_DigestUpdate(digest, PQgetvalue(rows, row, c),
                                   (size_t) PQgetlength(rows, row, c));
    }
    good = good && EVP_DigestFinal_ex(digest, hash, NULL);
    EVP_MD_CTX_free(digest);
    return good;
}


bool
audit_row_next(audit_t *audit, audit_stream_t *stream, audit_row_t *row)
{
    int i = stream_next(audit, stream);

    if (i < 0) {
        return false;
    }
    row->id = strtoll(PQgetvalue(stream->rows, i, 0), NULL, 10);
    row->xid = strtoull(PQgetvalue(stream->rows, i, 1), NULL, 10);
    if (!row_hash(stream->rows, i, row->hash)) {
        audit->broken = true;
        return false;
    }
    return true;
}
