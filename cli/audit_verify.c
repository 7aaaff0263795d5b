/*
 * audit_verify.c: are the rows as they were sealed, and the seals as they were
 * chained?
 *
 * Rows come in the order in which they were sealed, so one pass beside the
 * seals is all; in memory is what one seal covers.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "audit.h"
#include "cli.h"

#define SEALS 8    /* fetched at once: the leaves of a large one are 640 KB  */
#define ROWS  1000 /* likewise                                               */

typedef struct {
    int64_t       id;
    unsigned char begin[8]; /* of the hash */
} leaf_t;

typedef struct {
    audit_t       *audit;
    audit_stream_t seals, rows;
    audit_seal_t   seal;
    audit_row_t    row; /* the next one                                   */
    bool           held;
    bool           first, known;           /* the seal before is             */
    bool           whole;                  /* from the first seal on         */
    int64_t        number, floor, last_id; /* of the seal before          */
    uint64_t       to;
    unsigned char  hash[AUDIT_HASH];
    leaf_t        *found;
    size_t         nfound, size;
} verify_t;


static int
by_id(const void *a, const void *b)
{
    const leaf_t *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}


/* ----------------------------------------------------------------- chain */

static void
chain_part(char **p, const char *text)
{
    *p += sprintf(*p, "%zu:%s", strlen(text), text);
}


static void
chain_hash(const audit_seal_t *s, const unsigned char *before,
           unsigned char *hash)
{
    char     hex[2 * AUDIT_HASH + 1], text[1024], *p = text;
    unsigned size;

    for (size_t i = 0; i < AUDIT_HASH; i++) {
        (void) sprintf(hex + 2 * i, "%02x", before[i]);
    }
    for (size_t i = 0; i < AUDIT_HASHED; i++) {
        chain_part(&p, s->hashed[i]);
    }
    chain_part(&p, hex);
    (void) EVP_Digest(text, (size_t) (p - text), hash, &size, EVP_sha256(),
                      NULL);
}


/* no more of them than fit above */
static bool
chain_sane(const audit_seal_t *s)
{
    size_t all = 0;

    for (size_t i = 0; i < AUDIT_HASHED; i++) {
        all += strlen(s->hashed[i]) + 8;
    }
    return all < 512;
}


static void
verify_chain(verify_t *v)
{
    audit_seal_t *s = &v->seal;
    unsigned char hash[AUDIT_HASH];

    if (!v->known) {
        return; /* it was retired */
    }
    if (s->number != v->number + 1) {
        if (s->number == v->number + 2) {
            audit_found(v->audit, "seal %" PRId64 " is missing", v->number + 1);
        } else {
            audit_found(v->audit,
                        "seals %" PRId64 " to %" PRId64 " are missing",
                        v->number + 1, s->number - 1);
        }
        return;
    }
    if (!chain_sane(s) || s->rows != (int64_t) s->nleaves) {
        audit_found(v->audit, "seal %" PRId64 " was changed", s->number);
        return;
    }
    chain_hash(s, v->hash, hash);
    if (memcmp(hash, s->hash, AUDIT_HASH) != 0) {
        audit_found(v->audit,
                    "seal %" PRId64 " was changed, or the one before it",
                    s->number);
    } else if (s->floor == v->floor ? s->from != v->to
                                    : s->floor != v->last_id || s->from != 0)
    {
        audit_found(v->audit,
                    "seal %" PRId64 " does not begin where the one before ends",
                    s->number);
    }
}


/* ------------------------------------------------------------------ rows */

static void
verify_leaf(verify_t *v, int64_t row, const char *what)
{
    audit_found(v->audit, "seal %" PRId64 ": row %" PRId64 " %s",
                v->seal.number, row, what);
}


static void
verify_missing(verify_t *v, int64_t row)
{
    if (v->seal.first_at < v->audit->cut) {
        v->audit->retired++;
    } else {
        verify_leaf(v, row, "is missing");
    }
}


static void
verify_leaves(verify_t *v)
{
    size_t  i = 0, k = 0, n = v->seal.nleaves;
    leaf_t *leaves = calloc(n + 1, sizeof(leaf_t));

    if (leaves == NULL) {
        v->audit->broken = true;
        return;
    }
    for (; i < n; i++) {
        for (int b = 0; b < 8; b++) {
            leaves[i].id = (int64_t) ((uint64_t) leaves[i].id << 8)
                           | v->seal.leaves[i * AUDIT_LEAF + b];
        }
        memcpy(leaves[i].begin, v->seal.leaves + i * AUDIT_LEAF + 8, 8);
    }
    qsort(leaves, n, sizeof(leaf_t), by_id);
    if (v->nfound > 0) {
        qsort(v->found, v->nfound, sizeof(leaf_t), by_id);
    }
    for (i = 0; i < n || k < v->nfound;) {
        if (k == v->nfound || (i < n && leaves[i].id < v->found[k].id)) {
            verify_missing(v, leaves[i++].id);
        } else if (i == n || leaves[i].id > v->found[k].id) {
            verify_leaf(v, v->found[k++].id, "was inserted");
        } else {
            if (memcmp(leaves[i++].begin, v->found[k].begin, 8) != 0) {
                verify_leaf(v, v->found[k].id, "was changed");
            }
            k++;
        }
    }
    free(leaves);
}


static void
verify_hold(verify_t *v)
{
    v->held = audit_row_next(v->audit, &v->rows, &v->row);
}


static bool
verify_keep(verify_t *v)
{
    leaf_t *more;

    if (v->nfound == v->size) {
        v->size = v->size ? v->size * 2 : 1024;
        more = realloc(v->found, v->size * sizeof(leaf_t));
        if (more == NULL) {
            v->audit->broken = true;
            return false;
        }
        v->found = more;
    }
    v->found[v->nfound].id = v->row.id;
    memcpy(v->found[v->nfound++].begin, v->row.hash, 8);
    return true;
}


static void
verify_rows(verify_t *v)
{
    char          hex[2 * AUDIT_HASH + 1];
    int64_t       before = v->audit->findings, retired = v->audit->retired;
    EVP_MD_CTX   *digest = EVP_MD_CTX_new();
    unsigned char hash[AUDIT_HASH];

    if (digest == NULL || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL)) {
        v->audit->broken = true;
    }
    v->nfound = 0;
    while (!v->audit->broken && v->held && v->row.xid < v->seal.to) {
        if (!verify_keep(v)
            || !EVP_DigestUpdate(digest, v->row.hash, AUDIT_HASH)) {
            break;
        }
        v->audit->rows++;
        verify_hold(v);
    }
    if (!v->audit->broken) {
        verify_leaves(v);
        (void) EVP_DigestFinal_ex(digest, hash, NULL);
        for (size_t i = 0; i < AUDIT_HASH; i++) {
            (void) sprintf(hex + 2 * i, "%02x", hash[i]);
        }
        if (strcmp(hex, v->seal.digest) != 0 && before == v->audit->findings
            && retired == v->audit->retired)
        {
            audit_found(v->audit,
                        "seal %" PRId64
                        ": its rows are not those it was made of",
                        v->seal.number);
        }
    }
    EVP_MD_CTX_free(digest);
}


/* Rows of one numbering of transactions: ids above floor, up to where the next
 * one begins. Those that a part begins behind are not read. */
static void
verify_era(verify_t *v, bool begins)
{
    char        floor[24], from[24], text[1024];
    const char *values[] = { floor, from };

    while (v->held) { /* of the era before, behind its last seal */
        audit_found(v->audit, "row %" PRId64 " has no seal", v->row.id);
        verify_hold(v);
    }
    audit_close(&v->rows);
    (void) snprintf(floor, sizeof(floor), "%" PRId64, v->seal.floor);
    (void) snprintf(from, sizeof(from), "%" PRIu64, begins ? v->seal.from : 0);
    (void) snprintf(
        text, sizeof(text),
        "select %s from vg.audit a where a.id > $1::bigint and a.id <="
        " coalesce((select min(s.floor_id) from vg.audit_seal s"
        " where s.floor_id > $1::bigint), 9223372036854775807)"
        " and a.xid >= $2::text::xid8 order by a.xid, a.id",
        audit_row_columns);
    if (audit_open(v->audit, &v->rows, "audit_rows", text, 2, values, ROWS)) {
        verify_hold(v);
    }
}


/* ------------------------------------------------------------------- all */

/* what the first of those that are looked at follows */
static void
verify_begin(verify_t *v)
{
    PGresult   *rows;
    char        number[24];
    const char *values[] = { number };

    v->known = v->seal.number <= 1;
    if (v->known) {
        return;
    }
    (void) snprintf(number, sizeof(number), "%" PRId64, v->seal.number - 1);
    rows = audit_ask(v->audit,
                     "select s.floor_id, s.last_id, s.to_xid,"
                     " encode(s.hash, 'hex') from vg.audit_seal s"
                     " where s.number = $1::bigint",
                     1, values);
    if (rows != NULL && PQntuples(rows) > 0) {
        v->known = true;
        v->number = v->seal.number - 1;
        v->floor = strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
        v->last_id = strtoll(PQgetvalue(rows, 0, 1), NULL, 10);
        v->to = strtoull(PQgetvalue(rows, 0, 2), NULL, 10);
        (void) audit_hex(PQgetvalue(rows, 0, 3), v->hash, AUDIT_HASH);
    } else if (rows != NULL && v->seal.last_at >= v->audit->cut) {
        /* of what was retired the last seal is kept */
        audit_found(v->audit, "seals 1 to %" PRId64 " are missing",
                    v->seal.number - 1);
    }
    PQclear(rows);
}


/* rows that none of the seals to come can be of, nor one that was retired */
static void
verify_outside(verify_t *v)
{
    char        floor[24], from[24], cut[24];
    PGresult   *rows;
    const char *values[] = { floor, from, cut };

    (void) snprintf(floor, sizeof(floor), "%" PRId64, v->seal.floor);
    (void) snprintf(from, sizeof(from), "%" PRIu64, v->seal.from);
    (void) snprintf(cut, sizeof(cut), "%" PRId64, v->audit->cut);
    values[2] = v->audit->cut == INT64_MIN ? NULL : cut;
    rows = audit_ask(
        v->audit,
        "select a.id from vg.audit a where a.id <= 0 or (($3::bigint is null"
        " or a.at >= 'epoch'::timestamptz + $3::bigint * interval '1 us')"
        " and (a.id <= $1::bigint or (a.xid < $2::text::xid8 and a.id <="
        " coalesce((select min(s.floor_id) from vg.audit_seal s"
        " where s.floor_id > $1::bigint), 9223372036854775807))))"
        " order by a.id limit 1000",
        3, values);
    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        audit_found(v->audit, "row %s is before the first seal",
                    PQgetvalue(rows, i, 0));
    }
    PQclear(rows);
}


static void
verify_seal(verify_t *v)
{
    audit_seal_t *s = &v->seal;

    if (v->first) {
        verify_begin(v);
        if (v->whole) {
            verify_outside(v);
        }
    }
    if (v->first || s->floor != v->floor) {
        verify_era(v, v->first);
    }
    verify_chain(v);
    verify_rows(v);
    v->audit->seals++;
    v->first = false;
    v->known = true;
    v->number = s->number;
    v->floor = s->floor;
    v->last_id = s->last_id;
    v->to = s->to;
    memcpy(v->hash, s->hash, AUDIT_HASH);
    free(s->leaves);
}


static void
verify_rest(verify_t *v)
{
    int64_t open = 0;

    while (v->held && !v->audit->broken) {
        open++;
        verify_hold(v);
    }
    if (open > 0) {
        printf("%" PRId64 " rows are not sealed yet\n", open);
    }
}


void
audit_verify(audit_t *audit, const char *from, const char *to)
{
    char        text[1024];
    verify_t    v = { .audit = audit, .first = true, .whole = from == NULL };
    const char *values[] = { from, to };

    (void) snprintf(
        text, sizeof(text),
        "select %s from vg.audit_seal s"
        " where ($1::text is null or s.sealed_at >= $1::timestamptz)"
        " and ($2::text is null or s.sealed_at < $2::timestamptz)"
        " order by s.number",
        audit_seal_columns);
    if (!audit_open(audit, &v.seals, "audit_seals", text, 2, values, SEALS)) {
        return;
    }
    while (audit_seal_next(audit, &v.seals, &v.seal)) {
        verify_seal(&v);
    }
    if (v.first && from == NULL && to == NULL) {
        v.seal = (audit_seal_t){ 0 };
        verify_outside(&v);
        verify_era(&v, true);
    }
    if (to == NULL) {
        verify_rest(&v);
    }
    audit_close(&v.rows);
    audit_close(&v.seals);
    free(v.found);
}
