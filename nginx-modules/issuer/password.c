/*
 * password.c: Argon2id (RFC 9106) in threads, as a way out for a step.
 *
 * A hash costs 50 ms and 19 MiB on purpose, so few run at once, and few wait.
 * The thread has the task from when it is posted until the loop hears that it
 * is done; whoever is told before that leaves the task to it.
 */

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "issuer.h"
#include "threads.h"

#define VG_PASSWORD_POOL "voltgate_password"
#define VG_PASSWORD_TIME 10000 /* ms: longer than a full queue takes          */
#define VG_PASSWORD_MAX  1024  /* bytes                                       */
#define VG_PASSWORD_HASH 256
#define VG_PASSWORD_SALT 16
#define VG_PASSWORD_SIZE 32

/* what command() has bound */
typedef struct {
    vg_str_t   password, hash, next; /* next.data NULL: only looked at      */
    ngx_uint_t check;
} vg_password_ask_t;

typedef struct {
    ngx_thread_task_t *task; /* that this is part of                       */
    vg_said_pt  said; /* NULL: was told                                    */
    void       *data;
    const char *error;
    ngx_event_t timer;
    uint32_t    memory, passes;
    unsigned    check:1;
    unsigned    nobody:1; /* there is no hash: no password is right        */
    unsigned    change:1; /* if it is right, next is hashed                */
    int         rc;
    size_t      len, next_len;
    char        password[VG_PASSWORD_MAX];
    char        next[VG_PASSWORD_MAX];
    char        hash[VG_PASSWORD_HASH];
    u_char      salt[VG_PASSWORD_SALT];
} vg_password_task_t;

static ngx_thread_pool_t *vg_password_pool;
static ngx_uint_t         vg_password_under_way;


ngx_int_t
vg_password_ready(ngx_conf_t *cf, const vg_issuer_conf_t *conf)
{
    return vg_threads_add(cf, VG_PASSWORD_POOL, conf->threads,
                          conf->threads + conf->queue);
}


void
vg_password_start(void)
{
    vg_password_pool = vg_threads_get(VG_PASSWORD_POOL);
    vg_password_under_way = 0;
}


/* ------------------------------------------------------------ in a thread */

static int
vg_password_make(vg_password_task_t *t, const char *password, size_t len)
{
    return argon2id_hash_encoded(t->passes, t->memory, 1, password, len,
                                 t->salt, sizeof(t->salt), VG_PASSWORD_SIZE,
                                 t->hash, sizeof(t->hash));
}


static void
vg_password_wipe(vg_password_task_t *t)
{
    OPENSSL_cleanse(t->password, sizeof(t->password));
    OPENSSL_cleanse(t->next, sizeof(t->next));
}


static void
vg_password_work(void *data, ngx_log_t *log)
{
    u_char              raw[VG_PASSWORD_SIZE];
    vg_password_task_t *t = data;

    (void) log;
    if (t->nobody) {
        t->rc = argon2id_hash_raw(t->passes, t->memory, 1, t->password, t->len,
                                  t->salt, sizeof(t->salt), raw, sizeof(raw));
        t->rc = t->rc == ARGON2_OK ? ARGON2_VERIFY_MISMATCH : t->rc;
    } else if (t->check) {
        t->rc = argon2id_verify(t->hash, t->password, t->len);
    } else {
        t->rc = vg_password_make(t, t->password, t->len);
    }
    if (t->change && t->rc == ARGON2_OK) {
        t->rc = vg_password_make(t, t->next, t->next_len);
    }
    vg_password_wipe(t);
}


/* ------------------------------------------------------------- on the loop */

static void
vg_password_tell(vg_password_task_t *t, const char *error, const char *result)
{
    vg_said_t  said = { .error = error };
    vg_said_pt tell = t->said;

    t->said = NULL;
    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }
    if (error == NULL) {
        said.result = vg_str(result);
    }
    if (tell != NULL) {
        tell(t->data, &said);
    }
}


static void
vg_password_done(ngx_event_t *ev)
{
    char                text[VG_PASSWORD_HASH + 32];
    vg_password_task_t *t = ev->data;
    ngx_uint_t          wrong = t->rc == ARGON2_VERIFY_MISMATCH;

    vg_password_under_way--;
    if (t->check && (wrong || !t->change)) {
        (void) snprintf(text, sizeof(text), "{\"match\":%s}",
                        wrong ? "false" : "true");
    } else if (t->check) {
        (void) snprintf(text, sizeof(text), "{\"match\":true,\"hash\":\"%s\"}",
                        t->hash);
    } else {
        (void) snprintf(text, sizeof(text), "{\"hash\":\"%s\"}", t->hash);
    }
    if (t->rc != ARGON2_OK && !wrong) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "voltgate: Argon2id: %s",
                      argon2_error_message(t->rc));
        vg_password_tell(t, "internal", NULL);
    } else {
        vg_password_tell(t, NULL, text);
    }
    OPENSSL_cleanse(t->hash, sizeof(t->hash));
    ngx_free(t->task);
}


/* of a task that is not posted, and of one that takes too long */
static void
vg_password_late(ngx_event_t *ev)
{
    vg_password_task_t *t = ev->data;
    ngx_uint_t          posted = t->error == NULL;

    vg_password_tell(t, posted ? "overdue" : t->error, NULL);
    if (!posted) {
        vg_password_wipe(t);
        ngx_free(t->task);
    }
}


/* no pool of a request: the thread may outlive it */
static ngx_thread_task_t *
vg_password_task(const vg_password_ask_t *ask)
{
    vg_password_task_t *t;
    ngx_thread_task_t  *task = ngx_calloc(
         sizeof(ngx_thread_task_t) + sizeof(vg_password_task_t), ngx_cycle->log);

    if (task == NULL) {
        return NULL;
    }
    t = (vg_password_task_t *) (task + 1);
    t->task = task;
    task->ctx = t;
    task->handler = vg_password_work;
    task->event.handler = vg_password_done;
    task->event.data = t;
    t->memory = vg_issuer->memory;
    t->passes = vg_issuer->passes;
    t->check = ask->check;
    t->nobody = ask->check && ask->hash.data == NULL;
    t->len = ask->password.len;
    ngx_memcpy(t->password, ask->password.data, t->len);
    t->change = ask->next.data != NULL;
    if (t->change) {
        t->next_len = ask->next.len;
        ngx_memcpy(t->next, ask->next.data, t->next_len);
    }
    if (ask->hash.data != NULL) {
        ngx_memcpy(t->hash, ask->hash.data, ask->hash.len);
    }
    if (RAND_bytes(t->salt, sizeof(t->salt)) != 1) {
        t->error = "internal";
    }
    t->timer.handler = vg_password_late;
    t->timer.data = t;
    t->timer.log = ngx_cycle->log;
    return task;
}


static void
vg_password_way(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    ngx_uint_t          room = vg_issuer->threads + vg_issuer->queue;
    vg_said_t           none = { .error = "internal" };
    ngx_thread_task_t  *task = vg_password_task(what);
    vg_password_task_t *t;

    if (task == NULL) {
        said(data, &none);
        return;
    }
    t = task->ctx;
    t->said = said;
    t->data = data;
    if (vg_password_under_way >= room) {
        t->error = "busy";
        call->retry_after = 1;
    } else if (t->error == NULL
               && ngx_thread_task_post(vg_password_pool, task) == NGX_OK)
    {
        vg_password_under_way++;
        ngx_add_timer(&t->timer, VG_PASSWORD_TIME);
        return;
    }
    t->error = t->error ? t->error : "busy";
    ngx_add_timer(&t->timer, 1); /* not before this returns */
}


static vg_rc_t
vg_password_bind(vg_call_t *call, const vg_password_ask_t *given)
{
    vg_password_ask_t *ask = vg_alloc(&call->arena, sizeof(vg_password_ask_t));

    if (ask == NULL || vg_password_pool == NULL
        || given->password.len > VG_PASSWORD_MAX
        || given->next.len > VG_PASSWORD_MAX
        || given->hash.len >= VG_PASSWORD_HASH)
    {
        return vg_refuse(call, "internal");
    }
    *ask = *given;
    call->outgoing.send = vg_password_way;
    call->outgoing.what = ask;
    return VG_OK;
}


vg_rc_t
vg_password_hash(vg_call_t *call, vg_str_t password)
{
    vg_password_ask_t ask = { .password = password };

    return vg_password_bind(call, &ask);
}


vg_rc_t
vg_password_check(vg_call_t *call, vg_str_t password, vg_str_t hash)
{
    vg_password_ask_t ask = { .password = password, .hash = hash, .check = 1 };

    return vg_password_bind(call, &ask);
}


vg_rc_t
vg_password_change(vg_call_t *call, vg_str_t password, vg_str_t hash,
                   vg_str_t next)
{
    vg_password_ask_t ask = {
        .password = password, .hash = hash, .next = next, .check = 1
    };

    return vg_password_bind(call, &ask);
}
