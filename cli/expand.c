/*
 * expand.c: does a migration only add? While a plugin is swapped the old
 * version still runs over the new schema.
 *
 * A pass over words, not a parser: it knows comments, quotes and dollar
 * quotes. What it does not know it lets through; the old version's own
 * statements then fail, and are refused to their callers alone.
 */

#define _GNU_SOURCE

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

#define WORD_MAX 32

typedef struct {
    const char *at;
    char        word[WORD_MAX]; /* "" at the end; ";" ends a statement    */
} words_t;


/* behind a text that ends with what, or at the end of all */
static const char *
behind(const char *at, const char *what, size_t len)
{
    const char *end = memmem(at, strlen(at), what, len);

    return end != NULL ? end + len : at + strlen(at);
}


/* $tag$ ... $tag$ */
static const char *
behind_dollars(const char *at)
{
    const char *tag = at + 1;

    while (isalnum((unsigned char) *tag) || *tag == '_') {
        tag++;
    }
    if (*tag != '$') {
        return at + 1;
    }
    return behind(tag + 1, at, (size_t) (tag + 1 - at));
}


/* NULL: here begins something that is read */
static const char *
behind_quiet(const char *at)
{
    if (strncmp(at, "--", 2) == 0) {
        return behind(at, "\n", 1);
    }
    if (strncmp(at, "/*", 2) == 0) {
        return behind(at + 2, "*/", 2);
    }
    if (*at == '\'' || *at == '"') {
        return behind(at + 1, at, 1);
    }
    return *at == '$' ? behind_dollars(at) : NULL;
}


static void
next(words_t *w)
{
    size_t      len = 0;
    const char *quiet;

    w->word[0] = '\0';
    while (*w->at != '\0') {
        quiet = behind_quiet(w->at);
        if (quiet != NULL) {
            w->at = quiet;
        } else if (*w->at == ';') {
            w->at++;
            w->word[0] = ';';
            w->word[1] = '\0';
            return;
        } else if (isalpha((unsigned char) *w->at) || *w->at == '_') {
            break;
        } else {
            w->at++;
        }
    }
    for (; isalnum((unsigned char) *w->at) || *w->at == '_'; w->at++) {
        if (len < WORD_MAX - 1) {
            w->word[len++] = *w->at;
        }
    }
    w->word[len] = '\0';
}


const char *
cli_contracts(const char *sql)
{
    static const char *const verbs[] = { "drop",   "rename", "truncate",
                                         "delete", "revoke", NULL };
    words_t                  w = { .at = sql }, before = { .word = ";" };
    int                      alters = 0;

    for (next(&w); w.word[0] != '\0'; next(&w)) {
        for (size_t i = 0; verbs[i] != NULL; i++) {
            if (strcasecmp(w.word, verbs[i]) == 0
                && (alters || strcmp(before.word, ";") == 0))
            {
                return verbs[i];
            }
        }
        if (alters && strcasecmp(w.word, "type") == 0) {
            return "alter … type";
        }
        if (alters && strcasecmp(before.word, "set") == 0
            && strcasecmp(w.word, "not") == 0)
        {
            return "set not null";
        }
        if (strcmp(before.word, ";") == 0) {
            alters = strcasecmp(w.word, "alter") == 0;
        }
        before = w;
    }
    return NULL;
}
