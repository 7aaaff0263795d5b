/*
 * schema.c: `voltgate schema`: are the schemas of events still what was
 * published? What was is a file beside them, `published`: a line for each
 * type, its name and its schema. See nginx-modules/core/schema.h for the rule.
 */

#define _GNU_SOURCE

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "schema.h"

typedef struct {
    vg_pool_t   *pool;
    const char  *folder;
    char         path[PATH_MAX]; /* of its `published`                     */
    vg_schemas_t now, was;
} schemas_t;

static int schemas_check(schemas_t *s);
static int schemas_publish(schemas_t *s);

static const struct {
    const char *verb;
    int (*run)(schemas_t *s);
} verbs[] = { { "check", schemas_check }, { "publish", schemas_publish } };


static int
published_line(schemas_t *s, vg_str_t line)
{
    const char *space = memchr(line.data, ' ', line.len);
    vg_str_t    type = { line.data, 0 }, text;

    if (space == NULL) {
        return cli_fail("%s: a line without a schema", s->path);
    }
    type.len = (size_t) (space - line.data);
    text = (vg_str_t){ space + 1, line.len - type.len - 1 };
    return vg_schemas_add(&s->was, s->pool, type, text)
               ? 0
               : cli_fail("%s: %s", s->path, s->was.wrong);
}


/* none yet: nothing was published */
static int
published_read(schemas_t *s)
{
    int    rc = 0;
    char  *all, *line, *end;
    size_t len;

    if (access(s->path, F_OK) != 0) {
        return 0;
    }
    all = cli_read(s->path, &len);
    if (all == NULL) {
        return 1;
    }
    /* what was read lives as long as the pool */
    line = (char *) vg_printf(s->pool, "%s", all).data;
    free(all);
    while (rc == 0 && line != NULL && (end = strchr(line, '\n')) != NULL) {
        rc = published_line(s, (vg_str_t){ line, (size_t) (end - line) });
        line = end + 1;
    }
    return line != NULL ? rc : cli_fail("no memory");
}


static int
schemas_read(schemas_t *s)
{
    (void) snprintf(s->path, sizeof(s->path), "%.4000s/published", s->folder);
    if (!vg_schemas_read(&s->now, s->pool, s->folder)) {
        return cli_fail("%s/%s", s->folder, s->now.wrong);
    }
    if (published_read(s) != 0) {
        return 1;
    }
    return vg_schemas_follow(&s->now, &s->was, false)
               ? 0
               : cli_fail("%s: %s; a type only gains optional members, anything"
                          " else is its next version",
                          s->folder, s->now.wrong);
}


/* both ways: what came since must be written down, or nobody would notice
 * when it goes */
static int
schemas_check(schemas_t *s)
{
    return vg_schemas_follow(&s->was, &s->now, false)
               ? 0
               : cli_fail("%s: not in it yet: %s (make publish)", s->path,
                          s->was.wrong);
}


static int
schemas_publish(schemas_t *s)
{
    char   aside[PATH_MAX + 8];
    int    bad = 0;
    FILE  *file;
    size_t i;

    if (vg_schemas_follow(&s->was, &s->now, false)) {
        return 0;
    }
    (void) snprintf(aside, sizeof(aside), "%s.new", s->path);
    file = fopen(aside, "we");
    if (file == NULL) {
        return cli_fail("%s cannot be written", aside);
    }
    for (i = 0; i < s->now.count; i++) {
        bad |= fprintf(file, "%.*s %.*s\n", (int) s->now.all[i].type.len,
                       s->now.all[i].type.data, (int) s->now.all[i].text.len,
                       s->now.all[i].text.data)
               < 0;
    }
    bad |= fclose(file) != 0;
    bad |= !bad && rename(aside, s->path) != 0;
    return bad ? cli_fail("%s cannot be written", s->path) : 0;
}


static int
schemas_run(const char *folder, int (*run)(schemas_t *s))
{
    int        rc = 1;
    schemas_t *s = calloc(1, sizeof(schemas_t));

    if (s != NULL && (s->pool = vg_arena_create()) != NULL) {
        s->folder = folder;
        rc = schemas_read(s) != 0 || run(s) != 0;
        vg_arena_destroy(s->pool);
    } else {
        (void) cli_fail("no memory");
    }
    free(s);
    return rc;
}


int
cli_schema(int argc, char **argv)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (argc > 2 && strcmp(argv[1], verbs[i].verb) == 0) {
            for (int a = 2; a < argc; a++) {
                rc |= schemas_run(argv[a], verbs[i].run);
            }
            return rc;
        }
    }
    (void) cli_fail("schema check|publish FOLDER...");
    return 2;
}


static int
schemas_unbroken(schemas_t *s)
{
    (void) s; /* schemas_read() has looked */
    return 0;
}


int
cli_schemas_published(const char *folder)
{
    return schemas_run(folder, schemas_unbroken);
}


int
cli_schemas_follow(const char *is, const char *was)
{
    int           rc = 1;
    vg_pool_t    *pool = vg_arena_create();
    vg_schemas_t *both = calloc(2, sizeof(vg_schemas_t));

    if (pool == NULL || both == NULL) {
        (void) cli_fail("no memory");
    } else if (!vg_schemas_read(&both[0], pool, is)) {
        (void) cli_fail("%s/%s", is, both[0].wrong);
    } else if (was != NULL && !vg_schemas_read(&both[1], pool, was)) {
        (void) cli_fail("%s/%s", was, both[1].wrong);
    } else if (!vg_schemas_follow(&both[0], &both[1], false)) {
        (void) cli_fail("event %s", both[0].wrong);
    } else {
        rc = 0;
    }
    free(both);
    vg_arena_destroy(pool);
    return rc;
}
