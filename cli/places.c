/*
 * places.c: where plugins are: their sources, what was built of them, and what
 * is installed. The conf of the state folder's gateway says so, the one copy.
 */

#define _GNU_SOURCE

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"


/* the value of a directive that stands on a line of its own */
static int
conf_value(const char *conf, const char *name, char *value, size_t size)
{
    const char *at = conf, *end;
    size_t      len = strlen(name);

    while ((at = strstr(at, name)) != NULL) {
        at += len;
        if (*at != ' ') {
            continue;
        }
        at += strspn(at, " ");
        end = strchr(at, ';');
        if (end == NULL || (size_t) (end - at) >= size) {
            break;
        }
        memcpy(value, at, (size_t) (end - at));
        value[end - at] = '\0';
        return 0;
    }
    return cli_fail("the gateway's conf has no %s", name);
}


/* where no gateway was configured yet: this clone, and where this program is */
static int
places_default(cli_places_t *p)
{
    char *built = cli_beside("plugins");
    int   rc = built == NULL;

    if (*p->built == '\0' && !rc) {
        (void) snprintf(p->built, sizeof(p->built), "%s", built);
    }
    free(built);
    if (*p->sources == '\0' && realpath("plugins", p->sources) == NULL) {
        rc = cli_fail("no plugins here: this is run in a clone");
    }
    return rc;
}


int
cli_places(cli_places_t *p, int alone)
{
    char  *path = NULL, *conf = NULL;
    size_t len;
    int    rc = 1;

    if (asprintf(&path, "%s/conf/nginx.conf", cli_state()) < 0) {
        return cli_fail("no memory");
    }
    if (alone && access(path, F_OK) != 0) {
        free(path);
        return places_default(p);
    }
    conf = cli_read(path, &len);
    if (conf != NULL) {
        rc = conf_value(conf, "voltgate_plugins_installed", p->into,
                        sizeof(p->into));
        if (*p->built == '\0') {
            rc |= conf_value(conf, "voltgate_plugins_built", p->built,
                             sizeof(p->built));
        }
        if (*p->sources == '\0') {
            rc |= conf_value(conf, "voltgate_plugins_root", p->sources,
                             sizeof(p->sources));
        }
    }
    free(conf);
    free(path);
    return rc;
}
