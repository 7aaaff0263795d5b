/*
 * ngx_http_voltgate_paper_module: documents as PDF, drawn in a thread, as a
 * way out for a step: vg_paper() of vg.h.
 *
 * A page costs some 25 ms, most of it for the fonts, so the loop must not draw
 * it. The thread has the task from when it is posted until the loop hears that
 * it is done; whoever is told before that leaves the task to it.
 */

#define _GNU_SOURCE /* dladdr()                                          */
#include <dlfcn.h>

#include "canvas.h"
#include "host.h"
#include "http.h"
#include "paper.h"
#include "threads.h"

#define VG_PAPER_POOL    "voltgate_paper"
#define VG_PAPER_THREADS 1  /* of a worker                                   */
#define VG_PAPER_QUEUE   32 /* that may wait for it                          */
#define VG_PAPER_TIME    10000 /* ms: longer than a full queue of pages takes */
#define VG_PAPER_FONTS   "/usr/share/fonts/truetype/dejavu"

typedef struct {
    ngx_str_t fonts;
} vg_paper_conf_t;

typedef struct {
    ngx_thread_task_t *task; /* that this is part of                        */
    vg_call_t         *call;
    vg_said_pt    said; /* NULL: was told                                     */
    void         *data;
    const char   *error;
    ngx_event_t   timer;
    unsigned      posted:1;
    uint32_t      late; /* for the thread, too: nobody waits any more        */
    const char   *fonts;
    vg_str_t      document;
    char         *pdf;
    size_t        len;
    vg_paper_rc_t rc;
} vg_paper_task_t;

static void     *vg_paper_create(ngx_conf_t *cf);
static ngx_int_t vg_paper_ready(ngx_conf_t *cf);
static ngx_int_t vg_paper_start(ngx_cycle_t *cycle);

/* of this worker */
static ngx_thread_pool_t *vg_paper_pool;
static ngx_uint_t         vg_paper_under_way;
static const char        *vg_paper_fonts;
static char vg_paper_edition[256]; /* see vg_paper_edition_make() */

/* clang-format off */
static ngx_command_t  vg_paper_commands[] = {

    { ngx_string("voltgate_fonts"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_paper_conf_t, fonts), NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_paper_ctx = {
    NULL, vg_paper_ready, vg_paper_create, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_paper_module = {
    NGX_MODULE_V1,
    &vg_paper_ctx,
    vg_paper_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_paper_start,
    NULL, NULL, NULL,
    NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


static void *
vg_paper_create(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(vg_paper_conf_t));
}


static ngx_int_t
vg_paper_ready(ngx_conf_t *cf)
{
    vg_paper_conf_t *conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_paper_module);

    if (vg_host_conf(cf)->names.nelts == 0) {
        return NGX_OK; /* loaded, but not used */
    }
    if (conf->fonts.len == 0) {
        ngx_str_set(&conf->fonts, VG_PAPER_FONTS);
    } else if (access((char *) conf->fonts.data, X_OK) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "voltgate_fonts %V",
                           &conf->fonts);
        return NGX_ERROR;
    }
    return vg_threads_add(cf, VG_PAPER_POOL, VG_PAPER_THREADS,
                          VG_PAPER_THREADS + VG_PAPER_QUEUE);
}


static void
vg_paper_edition_add(const char *folder, const char *name)
{
    char        path[PATH_MAX];
    size_t      len = strlen(vg_paper_edition);
    struct stat st = { 0 };

    (void) snprintf(path, sizeof(path), "%s%s", folder, name);
    (void) stat(path, &st);
    (void) snprintf(vg_paper_edition + len, sizeof(vg_paper_edition) - len,
                    "/%lld.%lld", (long long) st.st_size,
                    (long long) st.st_mtime);
}


/* The same document gives the same bytes from the same code, library and fonts:
 * an ETag is made of all of them, so that it is known before anything is drawn. */
static void
vg_paper_edition_make(void)
{
    Dl_info kit;

    (void) snprintf(vg_paper_edition, sizeof(vg_paper_edition), "%s",
                    vg_canvas_library());
    vg_paper_edition_add(vg_paper_fonts, "/DejaVuSans.ttf");
    vg_paper_edition_add(vg_paper_fonts, "/DejaVuSans-Bold.ttf");
    if (dladdr(vg_paper_edition, &kit) != 0) {
        vg_paper_edition_add("", kit.dli_fname);
    }
}


static ngx_int_t
vg_paper_start(ngx_cycle_t *cycle)
{
    vg_paper_conf_t *conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_paper_module);

    if (conf != NULL && vg_host != NULL
        && (ngx_process == NGX_PROCESS_WORKER
            || ngx_process == NGX_PROCESS_SINGLE))
    {
        vg_paper_fonts = (const char *) conf->fonts.data;
        vg_paper_pool = vg_threads_get(VG_PAPER_POOL);
        vg_paper_under_way = 0;
        vg_paper_edition_make();
    }
    return NGX_OK;
}


/* in a thread */
static void
vg_paper_work(void *data, ngx_log_t *log)
{
    vg_paper_task_t *t = data;

    (void) log;
    if (__atomic_load_n(&t->late, __ATOMIC_RELAXED)) {
        t->rc = VG_PAPER_OK; /* and nothing: its turn came too late */
        return;
    }
    t->rc = vg_paper_draw(t->fonts, t->document, &t->pdf, &t->len);
}


static void
vg_paper_tell(vg_paper_task_t *t, const char *error)
{
    vg_said_t  said = { .error = error, .result = VG_STR("{}") };
    vg_said_pt tell = t->said;

    t->said = NULL;
    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }
    if (tell != NULL) {
        tell(t->data, &said);
    }
}


/* Its bytes go into the arena of the call, if somebody waits still. */
static const char *
vg_paper_keep(vg_paper_task_t *t)
{
    char *bytes;

    if (t->rc == VG_PAPER_LONG) {
        return "answer_too_large";
    }
    if (t->rc != VG_PAPER_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      t->rc == VG_PAPER_NONSENSE
                          ? "voltgate: what was to be drawn is no document"
                          : "voltgate: no PDF: fonts are in %s?",
                      t->fonts);
        return t->rc == VG_PAPER_NONSENSE ? "internal" : "unavailable";
    }
    if (t->said == NULL) {
        return NULL;
    }
    bytes = vg_alloc(&t->call->arena, t->len);
    if (bytes == NULL) {
        return "internal";
    }
    ngx_memcpy(bytes, t->pdf, t->len);
    t->call->drawn = (vg_str_t){ bytes, t->len };
    return NULL;
}


static void
vg_paper_done(ngx_event_t *ev)
{
    vg_paper_task_t *t = ev->data;

    vg_paper_under_way--;
    vg_paper_tell(t, vg_paper_keep(t));
    free(t->pdf);
    ngx_free(t->task);
}


/* of a task that is not posted, and of one that takes too long */
static void
vg_paper_late(ngx_event_t *ev)
{
    vg_paper_task_t *t = ev->data;
    ngx_uint_t       posted = t->posted;

    __atomic_store_n(&t->late, 1, __ATOMIC_RELAXED);
    vg_paper_tell(t, posted ? "overdue" : "busy");
    if (!posted) {
        ngx_free(t->task);
    }
}


/* no pool of a request: the thread may outlive it */
static ngx_thread_task_t *
vg_paper_task(const vg_str_t *document)
{
    char              *text;
    vg_paper_task_t   *t;
    ngx_thread_task_t *task = ngx_alloc(
        sizeof(ngx_thread_task_t) + sizeof(vg_paper_task_t) + document->len,
        ngx_cycle->log);

    if (task == NULL) {
        return NULL;
    }
    ngx_memzero(task, sizeof(ngx_thread_task_t) + sizeof(vg_paper_task_t));
    t = (vg_paper_task_t *) (task + 1);
    text = (char *) (t + 1);
    ngx_memcpy(text, document->data, document->len);
    t->document = (vg_str_t){ text, document->len };
    t->fonts = vg_paper_fonts;
    t->task = task;
    task->ctx = t;
    task->handler = vg_paper_work;
    task->event.handler = vg_paper_done;
    task->event.data = t;
    t->timer.handler = vg_paper_late;
    t->timer.data = t;
    t->timer.log = ngx_cycle->log;
    return task;
}


static void
vg_paper_way(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    vg_said_t          none = { .error = "internal" };
    ngx_thread_task_t *task = vg_paper_task(what);
    vg_paper_task_t   *t;

    if (task == NULL) {
        said(data, &none);
        return;
    }
    t = task->ctx;
    t->call = call;
    t->said = said;
    t->data = data;
    if (vg_paper_under_way < VG_PAPER_THREADS + VG_PAPER_QUEUE
        && ngx_thread_task_post(vg_paper_pool, task) == NGX_OK)
    {
        t->posted = 1;
        vg_paper_under_way++;
        ngx_add_timer(&t->timer, VG_PAPER_TIME);
        return;
    }
    call->retry_after = 1;
    ngx_add_timer(&t->timer, 1); /* not before this returns */
}


vg_rc_t
vg_paper(vg_call_t *call, vg_str_t document)
{
    vg_str_t  source;
    vg_str_t *what = vg_alloc(&call->arena, sizeof(vg_str_t));

    if (what == NULL || document.data == NULL || vg_paper_pool == NULL) {
        return vg_refuse(call, "internal");
    }
    if (document.len > VG_PAPER_MAX) {
        return vg_refuse(call, "answer_too_large");
    }
    source = vg_printf(&call->arena, "%.*s\n%s", (int) document.len,
                       document.data, vg_paper_edition);
    if (source.data == NULL) {
        return vg_refuse(call, "internal");
    }
    if (vg_condition_known(call, source)) {
        call->drawn = VG_STR("%PDF");
        return VG_OK;
    }
    *what = document;
    call->outgoing.send = vg_paper_way;
    call->outgoing.what = what;
    return VG_OK;
}


vg_str_t
vg_drawn(vg_call_t *call)
{
    return call->drawn;
}
