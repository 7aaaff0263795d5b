/*
 * audit.h: what the files of `voltgate audit` share.
 */

#ifndef VG_CLI_AUDIT_H
#define VG_CLI_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#define AUDIT_HASH 32 /* bytes of SHA-256                                 */
#define AUDIT_LEAF                                                             \
    16 /* bytes of a seal for each row: id, and the first 8
                         of the row's hash                                */

#define AUDIT_HASHED 10 /* columns of a seal, beside the hash before it      */

/* numbers of xids are unsigned, of ids and seals not */
typedef struct {
    int64_t        number, floor, last_id, rows;
    uint64_t       from, to;
    int64_t        first_at, last_at;    /* us since 1970                    */
    const char    *hashed[AUDIT_HASHED]; /* as they are, in order         */
    const char    *digest;
    unsigned char  hash[AUDIT_HASH];
    unsigned char *leaves; /* of malloc                                   */
    size_t         nleaves;
} audit_seal_t;

typedef struct {
    int64_t       id;
    uint64_t      xid;
    unsigned char hash[AUDIT_HASH];
} audit_row_t;

/* a cursor of the database, some rows of it at hand */
typedef struct {
    PGconn     *db;
    const char *name;
    int         batch; /* 0: not open                                     */
    PGresult   *rows;
    int         next;
    bool        over;
} audit_stream_t;

typedef struct {
    PGconn *db;
    int64_t findings, seals, rows, retired;
    int64_t cut; /* us: what is older was retired, says the trail         */
    bool    broken;
} audit_t;

/* audit.c: one line of what was found; only so many are printed */
void audit_found(audit_t *audit, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* audit_stream.c. false: the database failed, which was told; broken is set */
PGresult *audit_ask(audit_t *audit, const char *text, int count,
                    const char *const *values);
bool      audit_open(audit_t *audit, audit_stream_t *stream, const char *name,
                     const char *text, int count, const char *const *values,
                     int batch);
void      audit_close(audit_stream_t *stream);
bool      audit_seal_next(audit_t *audit, audit_stream_t *stream,
                          audit_seal_t *seal);
bool audit_row_next(audit_t *audit, audit_stream_t *stream, audit_row_t *row);

/* exactly so many bytes; false: it is something else */
bool audit_hex(const char *hex, unsigned char *bytes, size_t size);

/* columns of both */
extern const char audit_seal_columns[], audit_row_columns[];

/* audit_verify.c: from, to: of seals, NULL: all. Nothing is told of a database
 * that failed but broken. */
void audit_verify(audit_t *audit, const char *from, const char *to);

#endif /* VG_CLI_AUDIT_H */
