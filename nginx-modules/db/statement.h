/*
 * statement.h: a statement file turned into what PostgreSQL prepares. Pure C.
 */

#ifndef VG_STATEMENT_H
#define VG_STATEMENT_H

#include "vg_json.h"

#define VG_STATEMENT_PARAMS 64

typedef struct {
    vg_str_t    text; /* :names are $1 ...; NUL-terminated; without the last
                          line when change                               */
    vg_str_t    names[VG_STATEMENT_PARAMS];
    size_t      count;
    bool        change; /* ended in `select * from answer;`               */
    bool        each;   /* takes many calls at once: `from :each(a, b)`   */
    bool        plain;  /* has a :name outside of :each()                 */
    bool        jobs;   /* names vg.job, in its text or its head          */
    vg_str_t    refuses[16]; /* of the head                               */
    size_t      nrefuses;
    const char *source, *at; /* what was compiled, how far it was good    */
} vg_sql_t;

/* Compiles one file. NULL: good; else why not, for the log. The results lie
 * in pool. Quoted strings, identifiers, comments and casts are left alone;
 * comments are dropped. `:each(a, b)` becomes `unnest($1, $2) with ordinality`:
 * then each parameter is an array, with an element for each call. */
const char *vg_sql_compile(vg_pool_t *pool, vg_str_t source, vg_sql_t *sql);

/* of a name, a refusal, or sql->at: from 1 on */
size_t vg_sql_line(const vg_sql_t *sql, const char *at);

/* $n for a name, new or known; 0: too many */
size_t vg_sql_param(vg_sql_t *sql, vg_str_t name);

#endif /* VG_STATEMENT_H */
