/*
 * revocations.c: where revoked.c's table comes from: what the plugin that
 * offers `identity.revoked` knows at the start, and what the log tells since.
 *
 * The clerk does both, and all workers read. What is asked is asked behind the
 * follower's place in the log, so that nothing falls between the two.
 */

#include <time.h>

#include "identity.h"

#define VG_REVOCATIONS_FIRST 100  /* ms until it is asked again            */
#define VG_REVOCATIONS_LAST  5000 /* ms, after doubling                    */

static ngx_event_t vg_revocations_timer;
static ngx_msec_t  vg_revocations_pause;
static ngx_uint_t  vg_revocations_asking, vg_revocations_again;

static void vg_revocations_ask(void);


size_t
vg_revoked_shared_size(void)
{
    return sizeof(vg_revoked_t);
}


vg_revoked_t *
vg_revocations(void)
{
    return vg_shared(VG_SHARED_REVOKED);
}


ngx_uint_t
vg_revocations_known(void)
{
    return __atomic_load_n(&vg_revocations()->known, __ATOMIC_ACQUIRE) != 0;
}


ngx_uint_t
vg_revoked(const vg_proof_t *proof)
{
    return proof != NULL
           && vg_revoked_is(vg_revocations(), proof, vg_time_now());
}


uint64_t
vg_revocation_id(vg_str_t text)
{
    ngx_str_t id = vg_ngx(text);

    return text.len ? vg_hash(&id, 1) : 0;
}


/* digits at the front, at most so many, as a number; -1: there is none */
static int
vg_revocations_digits(vg_str_t *rest, size_t most)
{
    int    n = 0;
    size_t len = 0;

    for (; len < most && len < rest->len && rest->data[len] >= '0'
           && rest->data[len] <= '9';
         len++)
    {
        n = n * 10 + (rest->data[len] - '0');
    }
    rest->data += len;
    rest->len -= len;
    return len > 0 ? n : -1;
}


/* RFC 3339 in UTC, as vg.z() writes it, in microseconds; false: it is not.
 * What is finer than a microsecond it does not write. */
static bool
vg_revocations_time(vg_str_t text, int64_t *us)
{
    int         part[6];
    bool        offset;
    size_t      i, before;
    int64_t     fraction = 0;
    struct tm   tm = { 0 };
    const char *marks = "--T::";

    if (!vg_instant(text, &offset) || text.data[text.len - 1] != 'Z') {
        return false;
    }
    for (i = 0; i < 6; i++) {
        part[i] = vg_revocations_digits(&text, i == 0 ? 4 : 2);
        if (part[i] < 0 || text.len == 0 || (i < 5 && *text.data != marks[i])) {
            return false;
        }
        text.data += i < 5;
        text.len -= i < 5;
    }
    if (*text.data == '.') {
        text.data++;
        before = --text.len;
        fraction = vg_revocations_digits(&text, 6);
        for (i = before - text.len; i < 6; i++) {
            fraction *= 10;
        }
    }
    tm.tm_year = part[0] - 1900;
    tm.tm_mon = part[1] - 1;
    tm.tm_mday = part[2];
    tm.tm_hour = part[3];
    tm.tm_min = part[4];
    tm.tm_sec = part[5];
    *us = (int64_t) timegm(&tm) * 1000000 + fraction;
    return true;
}


/* {id, before, until}; 0: it is none */
static ngx_uint_t
vg_revocations_add(const vg_json_t *row)
{
    int64_t  before, until;
    vg_str_t id = vg_json_text(row, "id");

    if (id.len == 0
        || !vg_revocations_time(vg_json_text(row, "before"), &before)
        || !vg_revocations_time(vg_json_text(row, "until"), &until))
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: a revocation cannot be read");
        return 0;
    }
    vg_revoked_add(vg_revocations(), vg_revocation_id(id), before, until,
                   vg_time_now());
    return 1;
}


/* nodes/follow.c: the log told of one */
void
vg_revoked_heard(vg_str_t payload)
{
    vg_pool_t   arena;
    ngx_pool_t *pool = ngx_create_pool(1024, ngx_cycle->log);

    if (pool == NULL) {
        /* what cannot be read is asked for again, and voids nothing less */
        vg_revoked_unheard();
        return;
    }
    arena = vg_arena_of(pool);
    (void) vg_revocations_add(vg_json_parse(&arena, payload, NULL));
    ngx_destroy_pool(pool);
}


/* ---------------------------------------------------------------- the start */

static void
vg_revocations_later(void)
{
    ngx_msec_t pause = vg_revocations_pause;

    vg_revocations_pause = ngx_min(pause * 2, VG_REVOCATIONS_LAST);
    if (!ngx_exiting) {
        ngx_add_timer(&vg_revocations_timer, pause);
    }
}


static void
vg_revocations_have(vg_call_t *answer)
{
    const vg_json_t *row, *all;

    vg_revocations_asking = 0;
    if (answer->error != NULL) {
        if (vg_revocations_pause == VG_REVOCATIONS_LAST) {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "voltgate: identity.revoked cannot be asked: %s",
                          answer->error->name);
        }
        vg_revocations_later();
        return;
    }
    all = vg_json_parse(&answer->arena, answer->text, NULL);
    if (all == NULL || all->type != VG_JSON_ARRAY) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: identity.revoked answered no array");
        vg_revocations_later();
        return;
    }
    for (row = all->first; row != NULL; row = row->next) {
        (void) vg_revocations_add(row);
    }
    if (vg_revocations_again) {
        vg_revocations_again = 0;
        vg_revocations_ask();
        return;
    }
    __atomic_store_n(&vg_revocations()->known, 1, __ATOMIC_RELEASE);
}


/* Where nobody offers it nothing can be revoked: plugins are there before
 * workers are, and one that comes later tells the log. */
static void
vg_revocations_ask(void)
{
    static const char route[] = "identity.revoked";

    if (vg_registry_find(VG_INTERNAL, route, sizeof(route) - 1) == NULL) {
        __atomic_store_n(&vg_revocations()->known, 1, __ATOMIC_RELEASE);
        return;
    }
    vg_revocations_asking = 1;
    if (vg_ask_start(route, VG_STR("{}"), VG_STR("start"), vg_revocations_have,
                     NULL)
        == NULL)
    {
        vg_revocations_asking = 0;
        vg_revocations_later();
    }
}


static void
vg_revocations_timed(ngx_event_t *ev)
{
    (void) ev;
    vg_revocations_ask();
}


/* nodes/follow.c: the follower begins at the log's end */
void
vg_revoked_unheard(void)
{
    __atomic_store_n(&vg_revocations()->known, 0, __ATOMIC_RELEASE);
    if (vg_revocations_asking) {
        vg_revocations_again = 1; /* that answer may be older */
    } else if (!vg_revocations_timer.timer_set) {
        vg_revocations_pause = VG_REVOCATIONS_FIRST;
        vg_revocations_ask();
    }
}


/* A clerk that was killed may have left the question open. */
void
vg_revocations_start(void)
{
    uint64_t word;

    vg_random(&word, sizeof(word));
    vg_revoked_seed(vg_revocations(), word);
    vg_revocations_pause = VG_REVOCATIONS_FIRST;
    vg_revocations_timer.handler = vg_revocations_timed;
    vg_revocations_timer.data = &vg_nobody;
    vg_revocations_timer.log = ngx_cycle->log;
    vg_revocations_timer.cancelable = 1;
    if (ngx_worker == 0 && !vg_revocations_known()) {
        ngx_add_timer(&vg_revocations_timer, VG_REVOCATIONS_FIRST);
    }
}
