/*
 * check.c: a version is opened as a gateway opens it, without one: nginx -t
 * over a small conf that is made for it. So each rule about manifests,
 * statements and events is the kit's, and there is no second copy. Nothing
 * listens, no database is asked.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

#define TRIAL_SECONDS                                                          \
    "60" /* a version's files have one, its probe no bound   */
#define NGINX "/usr/sbin/nginx"

typedef struct {
    const char *name, *folder, *built, *sources;
    char        at[256]; /* a folder of its own                        */
    char       *kit;     /* where the kit's shared objects are           */
} trial_t;


static int
trial_link(const trial_t *t, const char *target, const char *name)
{
    char path[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%s/%.3000s", t->at, name);
    return symlink(target, path) == 0
               ? 0
               : cli_fail("%s: %s", path, strerror(errno));
}


char *
cli_beside(const char *name)
{
    char   *path = NULL, self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[n > 0 ? n : 0] = '\0';
    if (strrchr(self, '/') == NULL) {
        (void) cli_fail("/proc/self/exe: %s", strerror(errno));
        return NULL;
    }
    *strrchr(self, '/') = '\0';
    if (asprintf(&path, "%s/%s", self, name) < 0) {
        (void) cli_fail("no memory");
        return NULL;
    }
    return path;
}


static int
trial_kit(trial_t *t)
{
    t->kit = cli_beside("kit");
    if (t->kit == NULL) {
        return 1;
    }
    return access(t->kit, R_OK) == 0
               ? 0
               : cli_fail("there is no %s: make build", t->kit);
}


static int
trial_load(const trial_t *t, FILE *conf, const char *link)
{
    char  *path = NULL, *name = NULL;
    size_t len;

    if (asprintf(&path, "%s/%s", t->kit, link) >= 0) {
        name = cli_read(path, &len);
    }
    if (name != NULL) {
        fprintf(conf, "load_module \"%s/%.*s\";\n", t->kit,
                (int) strcspn(name, "\n"), name);
    }
    free(path);
    free(name);
    return name == NULL;
}


/* Those that are switched on beside it: a route may be there already, a hook
 * stand where there is no order. What is wrong with them is not said. */
static int
trial_others(const trial_t *t, FILE *conf)
{
    char   pattern[PATH_MAX], link[PATH_MAX], *name;
    int    rc = 0;
    glob_t found = { 0 };

    (void) snprintf(pattern, sizeof(pattern),
                    "%.3000s/../conf/plugins.d/*.conf", t->sources);
    (void) glob(pattern, 0, NULL, &found);
    for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++) {
        name = strrchr(found.gl_pathv[i], '/') + 1;
        *strrchr(name, '.') = '\0';
        if (strcmp(name, t->name) != 0) {
            (void) snprintf(pattern, sizeof(pattern), "%.3000s/%.255s",
                            t->sources, name);
            (void) snprintf(link, sizeof(link), "plugins/%.255s", name);
            rc = trial_link(t, pattern, link);
            fprintf(conf, "voltgate_plugin %s;\n", name);
        }
    }
    globfree(&found);
    return rc;
}


static int
trial_conf(const trial_t *t)
{
    static const char *const tmp[] = { "client_body", "proxy", "fastcgi",
                                       "uwsgi", "scgi" };
    char                     path[PATH_MAX];
    int                      rc;
    FILE                    *conf;

    (void) snprintf(path, sizeof(path), "%s/nginx.conf", t->at);
    conf = fopen(path, "wxe");
    if (conf == NULL) {
        return cli_fail("%s: %s", path, strerror(errno));
    }
    rc = trial_load(t, conf, "current") | trial_load(t, conf, "lua");
    fprintf(conf, "pid %s/pid;\nevents {}\nhttp {\naccess_log off;\n", t->at);
    for (size_t i = 0; i < sizeof(tmp) / sizeof(tmp[0]); i++) {
        fprintf(conf, "%s_temp_path %s/tmp;\n", tmp[i], t->at);
    }
    fprintf(conf,
            "voltgate_plugins_root %s/plugins;\n"
            "voltgate_plugins_built \"%s\";\n"
            "voltgate_plugins_installed %s/installed;\n"
            "voltgate_run %s;\n",
            t->at, t->built, t->at, t->at);
    rc |= trial_others(t, conf);
    fprintf(conf, "voltgate_plugin %s;\n}\n", t->name);
    rc |= ferror(conf) | fclose(conf);
    return rc;
}


/* a house of links, in which the folder has the plugin's name */
static int
trial_house(trial_t *t)
{
    static const char *const shared[] = { "lua", "sql" };
    char                     path[PATH_MAX], link[PATH_MAX];
    int                      rc;
    const char              *tmp = getenv("TMPDIR");

    (void) snprintf(t->at, sizeof(t->at), "%.200s/voltgate-check.XXXXXX",
                    tmp != NULL && *tmp == '/' ? tmp : "/tmp");
    if (mkdtemp(t->at) == NULL) {
        rc = cli_fail("%s: %s", t->at, strerror(errno));
        t->at[0] = '\0';
        return rc;
    }
    (void) snprintf(path, sizeof(path), "%s/plugins", t->at);
    rc = mkdir(path, 0700) != 0;
    (void) snprintf(link, sizeof(link), "plugins/%s", t->name);
    rc = rc || trial_link(t, t->folder, link) != 0;
    for (size_t i = 0; rc == 0 && i < sizeof(shared) / sizeof(shared[0]); i++) {
        (void) snprintf(path, sizeof(path), "%.3000s/../%s", t->sources,
                        shared[i]);
        rc = trial_link(t, path, shared[i]);
    }
    return rc;
}


/* Debian's nginx is not instrumented: a sanitizer's runtime has to be named */
static FILE *
trial_begin(const trial_t *t, pid_t *pid)
{
    char        conf[sizeof(t->at) + 16];
    int         fds[2];
    const char *preload = getenv("VG_PRELOAD");

    (void) snprintf(conf, sizeof(conf), "%s/nginx.conf", t->at);
    if (pipe(fds) == -1) {
        return NULL;
    }
    *pid = fork();
    if (*pid == 0) {
        (void) dup2(fds[1], STDERR_FILENO);
        (void) close(fds[0]);
        (void) close(fds[1]);
        if (preload != NULL) {
            (void) setenv("LD_PRELOAD", preload, 1);
        }
        (void) execl("/usr/bin/timeout", "timeout", TRIAL_SECONDS, NGINX, "-t",
                     "-e", "stderr", "-p", t->at, "-c", conf, (char *) NULL);
        _exit(127);
    }
    (void) close(fds[1]);
    if (*pid == -1) {
        (void) close(fds[0]);
        return NULL;
    }
    return fdopen(fds[0], "r");
}


/* what nginx said: why the plugin is out, or why there is no conf */
static int
trial_told(const trial_t *t, FILE *said)
{
    char  *line = NULL, *why, needle[128];
    int    bad = 0;
    size_t size = 0;

    (void) snprintf(needle, sizeof(needle),
                    "voltgate: plugin %s is out: ", t->name);
    while (getline(&line, &size, said) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if ((why = strstr(line, needle)) != NULL) {
            bad = cli_fail("%s: %s", t->name, why + strlen(needle));
        } else if ((why = strstr(line, "[emerg] ")) != NULL) {
            bad = cli_fail("%s: %s", t->name, why + strlen("[emerg] "));
        }
    }
    free(line);
    return bad;
}


static int
trial_run(const trial_t *t)
{
    int   bad, status = 0;
    pid_t pid = -1;
    FILE *said = trial_begin(t, &pid);

    if (said == NULL) {
        return cli_fail("nginx does not begin: %s", strerror(errno));
    }
    bad = trial_told(t, said);
    (void) fclose(said);
    (void) waitpid(pid, &status, 0);
    if (!bad && status != 0) {
        return cli_fail("%s: %s ended with status %d", t->name, NGINX,
                        WIFEXITED(status) ? WEXITSTATUS(status)
                                          : 128 + WTERMSIG(status));
    }
    return bad;
}


static int
entry_drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void) st;
    (void) kind;
    (void) at;
    return remove(path);
}


int
cli_plugin_try(const char *name, const char *folder, const char *built,
               const char *sources)
{
    int     rc;
    trial_t t = {
        .name = name, .folder = folder, .built = built, .sources = sources
    };

    rc = trial_kit(&t) != 0 || trial_house(&t) != 0 || trial_conf(&t) != 0
         || trial_run(&t) != 0;
    if (t.at[0] != '\0') {
        (void) nftw(t.at, entry_drop, 8, FTW_DEPTH | FTW_PHYS);
    }
    free(t.kit);
    return rc;
}
