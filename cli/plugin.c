/*
 * plugin.c: `voltgate plugin`: which versions run, and another version while
 * calls go on.
 *
 * What is where is read from the conf of the gateway that runs: it is the one
 * copy. A reload is five steps, each of which may refuse: the shared object
 * is looked at, its events are held against those of the version in use,
 * pending migrations run as the owner, the version is installed under its own
 * name, and the gateway tries it. `check` needs no gateway: see check.c.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api.h"
#include "cli.h"
#include "install.h"

typedef struct {
    cli_places_t at;
    char         folder[PATH_MAX]; /* of its sources                         */
    const char  *name;
    const char  *hash; /* of an installed version; NULL: what was built     */
    const char  *like; /* new: what it is copied from                        */
    const char  *log;  /* watch: where its words go; NULL: where it stands   */
} plugin_t;

static plugin_t plugin; /* that was asked for                              */

static int plugin_new(plugin_t *p);
static int plugin_list(plugin_t *p);
static int plugin_check(plugin_t *p);
static int plugin_reload(plugin_t *p);
static int plugin_pause(plugin_t *p);
static int plugin_resume(plugin_t *p);
static int plugin_watch(plugin_t *p);

static const struct {
    const char *verb;
    int (*run)(plugin_t *p);
    int named;
} verbs[] = {
    { "new", plugin_new, 1 },     { "list", plugin_list, 0 },
    { "check", plugin_check, 1 }, { "reload", plugin_reload, 1 },
    { "pause", plugin_pause, 1 }, { "resume", plugin_resume, 1 },
    { "watch", plugin_watch, 0 },
};


/* ------------------------------------------------------------ the gateway */

static api_t *
gateway_open(void)
{
    char       *url = NULL, *ca = NULL, *key = NULL;
    api_t      *api = NULL;
    const char *port = getenv("VG_PORT");

    if (asprintf(&url, "https://localhost:%s",
                 port != NULL && *port != '\0' ? port : "8443")
            >= 0
        && asprintf(&ca, "%s/tls/cert.pem", cli_state()) >= 0
        && asprintf(&key, "%s/admin.key", cli_state()) >= 0)
    {
        api = api_open(url, ca, key);
    }
    free(url);
    free(ca);
    free(key);
    return api;
}


/* 0 when it was done; what the gateway said is printed either way */
static int
gateway_call(const char *method, const char *path, vg_str_t send,
             void (*show)(const vg_json_t *body))
{
    int              rc = 1;
    long             status;
    api_t           *api = gateway_open();
    vg_str_t         title, why;
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *body;

    if (api != NULL && pool != NULL) {
        status = api_call(api, pool, method, path, send, &body);
        rc = status < 200 || status > 299;
        if (!rc) {
            show(body);
        } else if (status != 0) {
            title = vg_json_text(body, "title");
            why = vg_json_text(body, "why");
            (void) cli_fail("%ld %.*s%s%.*s", status, (int) title.len,
                            title.len ? title.data : "", why.len ? ": " : "",
                            (int) why.len, why.len ? why.data : "");
        }
    }
    api_close(api);
    vg_arena_destroy(pool);
    return rc;
}


static void
show_one(const vg_json_t *one)
{
    static const char *const columns[] = { "name",  "version", "hash",
                                           "state", "why",     NULL };
    static const int         widths[] = { 15, 9, 17, 0, 0 };

    for (size_t i = 0; columns[i] != NULL; i++) {
        vg_str_t text = vg_json_text(one, columns[i]);

        if (text.len > 0) {
            printf("%s%-*.*s", i > 0 ? " " : "", widths[i], (int) text.len,
                   text.data);
        }
    }
    putchar('\n');
}


static void
show_all(const vg_json_t *body)
{
    const vg_json_t *items = vg_json_get(body, "items");

    for (const vg_json_t *p = items ? items->first : NULL; p; p = p->next) {
        show_one(p);
    }
}


static int
gateway_plugin(const plugin_t *p, const char *verb, vg_str_t send,
               void (*show)(const vg_json_t *body))
{
    char path[PATH_MAX];

    (void) snprintf(path, sizeof(path), "/api/v1/plugins/%s/%s", p->name, verb);
    return gateway_call("POST", path, send, show);
}


/* ---------------------------------------------------------------- verbs */

static int
plugin_new(plugin_t *p)
{
    return p->like != NULL ? cli_plugin_new(p->name, p->like)
                           : cli_fail("say --c or --lua");
}


static int
plugin_list(plugin_t *p)
{
    (void) p;
    return gateway_call("GET", "/api/v1/plugins", (vg_str_t){ NULL, 0 },
                        show_all);
}


static int
plugin_pause(plugin_t *p)
{
    return gateway_plugin(p, "pause", VG_STR(""), show_one);
}


static int
plugin_resume(plugin_t *p)
{
    return gateway_plugin(p, "resume", VG_STR(""), show_one);
}


/* the events of what was built, against those of the version `hash`, or else
 * what was written down when it was published */
static int
plugin_events(const plugin_t *p, const char *hash)
{
    char is[PATH_MAX], was[PATH_MAX];

    (void) snprintf(is, sizeof(is), "%.3000s/events", p->folder);
    (void) snprintf(was, sizeof(was), "%.3000s/%s.%s/events", p->at.into,
                    p->name, hash != NULL ? hash : "");
    return hash != NULL ? cli_schemas_follow(is, was)
                        : cli_schemas_published(is);
}


/* its folder: that of its name, or one that is named by its path, whose last
 * part is the name */
static int
plugin_find(plugin_t *p, int alone)
{
    int by_path = alone && (strchr(p->name, '/') != NULL || *p->name == '.');

    if (by_path && realpath(p->name, p->folder) == NULL) {
        return cli_fail("%s: %s", p->name, strerror(errno));
    }
    if (cli_places(&p->at, alone) != 0) {
        return 1;
    }
    if (by_path) {
        p->name = strrchr(p->folder, '/') + 1;
    } else {
        (void) snprintf(p->folder, sizeof(p->folder), "%.3000s/%s",
                        p->at.sources, p->name);
    }
    return access(p->folder, X_OK) == 0
               ? 0
               : cli_fail("%s: %s", p->folder, strerror(errno));
}


static int
plugin_look(plugin_t *p)
{
    char        path[PATH_MAX], what[64];
    const char *wrong;

    (void) snprintf(path, sizeof(path), "%.3000s/" VG_INSTALL_LUA, p->folder);
    if (access(path, R_OK) == 0) {
        return 0; /* nothing is built; the gateway that tries it reads it */
    }
    (void) snprintf(path, sizeof(path), "%.3000s/%s.so", p->at.built, p->name);
    wrong = vg_install_check(path, what, sizeof(what));
    return wrong != NULL ? cli_fail("%s %s %s", path, wrong, what) : 0;
}


/* Which version others hear; -1: no gateway says so, 0: none. What was
 * installed last may have been refused. */
static int
used_find(const plugin_t *p, char *hash)
{
    int              found = -1;
    api_t           *api = gateway_open();
    vg_str_t         text;
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *body = NULL, *items, *one;

    if (api != NULL && pool != NULL) {
        api_hush(api);
        (void) api_call(api, pool, "GET", "/api/v1/plugins",
                        (vg_str_t){ NULL, 0 }, &body);
    }
    items = vg_json_get(body, "items");
    found += items != NULL;
    for (one = items ? items->first : NULL; one != NULL; one = one->next) {
        text = vg_json_text(one, "hash");
        if (vg_str_eq(vg_json_text(one, "name"), p->name)
            && text.len == VG_INSTALL_HASH)
        {
            memcpy(hash, text.data, text.len);
            hash[text.len] = '\0';
            found = 1;
        }
    }
    api_close(api);
    vg_arena_destroy(pool);
    return found;
}


/* beside a gateway that does not run, what was installed last stands for what
 * it will run */
static int
plugin_promises(plugin_t *p)
{
    char hash[VG_INSTALL_HASH + 1], *path = NULL;
    int  used = -1;

    if (asprintf(&path, "%s/admin.key", cli_state()) >= 0) {
        used = access(path, R_OK) == 0 ? used_find(p, hash) : -1;
        free(path);
    }
    if (used == -1) {
        used = vg_installed(p->at.into, p->name, hash) == NULL;
    }
    return plugin_events(p, used ? hash : NULL);
}


static int
plugin_check(plugin_t *p)
{
    return plugin_find(p, 1) != 0
           || cli_plugin_try(p->name, p->folder, p->at.built, p->at.sources)
                  != 0
           || plugin_promises(p) != 0;
}


static int
plugin_install(plugin_t *p)
{
    static char  hash[VG_INSTALL_HASH + 1];
    const char  *wrong;
    vg_install_t what = { p->name, p->at.built, p->at.sources, p->at.into };

    wrong = vg_install(&what, hash);
    p->hash = hash;
    return wrong != NULL
               ? cli_fail("%s: %s: %s", p->name, wrong, strerror(errno))
               : 0;
}


/* without the owner's address the gateway says whether one is pending */
static int
plugin_migrate(plugin_t *p)
{
    char       *root = NULL;
    const char *url = getenv("DATABASE_OWNER_URL");
    int         rc;

    if (url == NULL || *url == '\0') {
        return 0;
    }
    if (asprintf(&root, "%s/..", p->at.sources) < 0) {
        return cli_fail("no memory");
    }
    rc = cli_migrate_plugin(p->name, root, 1);
    free(root);
    return rc;
}


/* it runs: what is too old to go back to is taken away */
static void
plugin_reloaded(const vg_json_t *body)
{
    char                     hashes[2][VG_INSTALL_HASH + 1];
    vg_str_t                 text;
    const char              *keep[] = { hashes[0], hashes[1], NULL };
    static const char *const members[] = { "hash", "previousHash" };

    show_one(body);
    for (size_t i = 0; i < 2; i++) {
        text = vg_json_text(body, members[i]);
        (void) snprintf(hashes[i], sizeof(hashes[i]), "%.*s", (int) text.len,
                        text.len ? text.data : "");
    }
    if (*plugin.at.into != '\0') {
        vg_install_prune(plugin.at.into, plugin.name, keep);
    }
}


static int
plugin_reload(plugin_t *p)
{
    char send[64];

    if (p->hash == NULL
        && (plugin_find(p, 0) != 0 || plugin_look(p) != 0
            || plugin_promises(p) != 0 || plugin_migrate(p) != 0
            || plugin_install(p) != 0))
    {
        return 1;
    }
    (void) snprintf(send, sizeof(send), "{\"hash\":\"%.32s\"}", p->hash);
    return gateway_plugin(p, "reload", vg_str(send), plugin_reloaded);
}


static int
plugin_changed(const char *name)
{
    plugin.name = name;
    return plugin_reload(&plugin);
}


static int
plugin_watch(plugin_t *p)
{
    vg_install_t what = { NULL, p->at.built, p->at.sources, p->at.into };

    return cli_places(&p->at, 0) != 0
               ? 1
               : cli_plugin_watch(&what, p->log, plugin_changed);
}


/* absolute, since migrations change the working folder */
static int
plugin_place(char *to, const char *path)
{
    return realpath(path, to) == NULL
               ? cli_fail("%s: %s", path, strerror(errno))
               : 0;
}


int
cli_plugin(int argc, char **argv)
{
    static const struct option options[] = {
        { "built", required_argument, NULL, 'b' },
        { "sources", required_argument, NULL, 's' },
        { "hash", required_argument, NULL, 'h' },
        { "c", no_argument, NULL, 'c' },
        { "lua", no_argument, NULL, 'l' },
        { "log", required_argument, NULL, 'o' },
        { NULL, 0, NULL, 0 },
    };
    int option, rc = 0;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b':
            rc |= plugin_place(plugin.at.built, optarg);
            break;
        case 's':
            rc |= plugin_place(plugin.at.sources, optarg);
            break;
        case 'h':
            plugin.hash = optarg;
            break;
        case 'c':
            plugin.like = "plugins/example-c";
            break;
        case 'o':
            plugin.log = optarg;
            break;
        case 'l':
            plugin.like = "plugins/example-lua";
            break;
        default:
            return 2;
        }
    }
    if (rc != 0) {
        return rc;
    }
    plugin.name = argc - optind > 1 ? argv[optind + 1] : NULL;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (argc > optind && strcmp(argv[optind], verbs[i].verb) == 0
            && argc - optind == 1 + verbs[i].named)
        {
            return verbs[i].run(&plugin);
        }
    }
    (void) cli_fail("plugin new NAME --c|--lua | list | check NAME|PATH | "
                    "reload NAME | pause NAME | resume NAME | watch");
    return 2;
}
