/*
 * new.c: `voltgate plugin new NAME --c`, or --lua: a copy of
 * plugins/example-c, or -lua, under a name of its own, and the switch for it.
 */

#define _GNU_SOURCE

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define WORD      "example"
#define NAME_SIZE 32 /* as part of roles, schemas and events                */

/* nftw() hands nothing through */
static const char *new_name, *new_like;


static int
is_part_of_word(int c)
{
    return isalnum((unsigned char) c) || c == '_' || c == '-';
}


/* the word alone, not where it is part of another; also in names of files */
static void
write_renamed(FILE *to, const char *text)
{
    const char *at = text, *found;
    size_t      len = strlen(WORD);

    while ((found = strstr(at, WORD)) != NULL) {
        (void) fwrite(at, 1, (size_t) (found - at), to);
        at = found + len;
        if (is_part_of_word(*at)
            || (found > text && is_part_of_word(found[-1]))) {
            (void) fputs(WORD, to);
        } else {
            (void) fputs(new_name, to);
        }
    }
    (void) fputs(at, to);
}


static int
write_file(const char *path, const char *text)
{
    FILE *to = fopen(path, "wxe");
    int   bad;

    if (to == NULL) {
        return cli_fail("%s: %s", path, strerror(errno));
    }
    write_renamed(to, text);
    bad = ferror(to);
    bad |= fclose(to);
    return bad ? cli_fail("%s: %s", path, strerror(errno)) : 0;
}


static int
copy_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    char   to[PATH_MAX] = "", name[PATH_MAX] = "";
    char  *text;
    size_t len;
    int    rc;
    FILE  *below = fmemopen(name, sizeof(name) - 1, "w");

    (void) st;
    (void) at;
    if (below == NULL) {
        return cli_fail("no memory");
    }
    write_renamed(below, path + strlen(new_like));
    (void) fclose(below);
    (void) snprintf(to, sizeof(to), "plugins/%s%.3000s", new_name, name);
    if (type == FTW_D) {
        return mkdir(to, 0777) == 0 ? 0
                                    : cli_fail("%s: %s", to, strerror(errno));
    }
    text = cli_read(path, &len);
    rc = text == NULL ? 1 : write_file(to, text);
    free(text);
    return rc;
}


static int
check_name(const char *name)
{
    static const char *const taken[] = { "kit", "vg", "voltgate", WORD, NULL };
    const char              *c;

    for (c = name; islower((unsigned char) *c) || (c > name && *c == '_'); c++)
    {
    }
    if (*c != '\0' || c == name || c - name > NAME_SIZE) {
        return cli_fail("a plugin's name is 1 to %d of a to z and _: %s",
                        NAME_SIZE, name);
    }
    for (size_t i = 0; taken[i] != NULL; i++) {
        if (strcmp(name, taken[i]) == 0) {
            return cli_fail("the name is taken: %s", name);
        }
    }
    return 0;
}


int
cli_plugin_new(const char *name, const char *like)
{
    char conf[PATH_MAX], line[64];

    if (check_name(name) != 0) {
        return 1;
    }
    if (access(like, R_OK) != 0) {
        return cli_fail("no %s here: this is run in a clone", like);
    }
    new_name = name;
    new_like = like;
    (void) snprintf(conf, sizeof(conf), "conf/plugins.d/%s.conf", name);
    (void) snprintf(line, sizeof(line), "voltgate_plugin %s;\n", name);
    if (nftw(like, copy_one, 8, FTW_PHYS) != 0 || write_file(conf, line) != 0) {
        return 1;
    }
    printf("plugins/%s is there, and %s switches it on: make build, make up\n",
           name, conf);
    return 0;
}
