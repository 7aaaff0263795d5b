/*
 * fetch.c: the keys of an issuer, fetched from where the conf says, and from
 * nowhere else: what a token names is never called.
 *
 * A node fetches once: the text lies in shared memory, and each worker reads
 * it anew when its version has moved. It is fetched again before its max-age
 * ends; what is there stays while the issuer is away, up to a day longer. A kid
 * that is not there has it fetched at once, but not more than once a minute.
 */

#include "identity.h"
#include "jwks.h"
#include "outbound.h"

#define VG_FETCH_PLACES  16
#define VG_FETCH_GAP     60000    /* ms between fetches for unknown kids     */
#define VG_FETCH_AGAIN   2000     /* ms after a failure, doubling to GAP     */
#define VG_FETCH_KEPT    86400000 /* ms beyond its end, while it is away      */
#define VG_FETCH_DEFAULT 600000   /* ms, where there is no max-age            */
#define VG_FETCH_WAIT    8000     /* ms that a call waits for one             */
#define VG_FETCH_POLL    20       /* ms between looks at another worker's     */
#define VG_FETCH_GUESTS  256      /* that wait at once, of one worker         */

/* A place is an issuer's by the hash of its name and url, so that a reload
 * finds it again. Times are of ngx_current_msec, one clock for all workers. */
struct vg_jwks_shared_s {
    ngx_atomic_t key;
    ngx_atomic_t version; /* odd: it is being written                     */
    ngx_atomic_t begun;   /* the last fetch; 0: none                      */
    ngx_atomic_t running; /* since when; 0: none is                       */
    ngx_atomic_t ended;   /* how many have                                */
    ngx_atomic_t asked;   /* for an unknown kid, when; 0: never           */
    ngx_atomic_t due;     /* when it is fetched again; 0: now             */
    ngx_atomic_t void_at; /* when it is too old to be believed            */
    ngx_atomic_t failures;
    size_t       len;
    char         text[VG_JWKS_MAX];
};

typedef struct {
    vg_issuer_t *issuer;
    vg_call_t   *call;
} vg_fetch_t;

static ngx_uint_t vg_fetch_guests;

static void vg_fetch_polled(ngx_event_t *ev);
static void vg_fetch_wake(vg_issuer_t *issuer);


size_t
vg_jwks_shared_size(void)
{
    return VG_FETCH_PLACES * sizeof(vg_jwks_shared_t);
}


/* The issuer's own, a free one, or the one that was not used for longest:
 * readers see by the key that it is theirs no more. */
static vg_jwks_shared_t *
vg_fetch_place(uint64_t key)
{
    ngx_uint_t        i;
    ngx_atomic_uint_t had;
    vg_jwks_shared_t *all = vg_shared(VG_SHARED_JWKS), *place = &all[0];

    for (i = 0; i < VG_FETCH_PLACES; i++) {
        if (all[i].key == key) {
            return &all[i];
        }
        if (place->key != 0 && (all[i].key == 0 || all[i].begun < place->begun))
        {
            place = &all[i];
        }
    }
    had = place->key;
    place->void_at = 0;
    place->due = 0;
    return ngx_atomic_cmp_set(&place->key, had, key) ? place
                                                     : vg_fetch_place(key);
}


/* this worker's; a reload may have another url under the same name */
void
vg_fetch_start(vg_issuer_t *issuer)
{
    ngx_str_t parts[] = { issuer->url, vg_ngx(issuer->terms.issuer) };

    issuer->key = vg_hash(parts, 2);
    issuer->shared = vg_fetch_place(issuer->key);
    issuer->poll.handler = vg_fetch_polled;
    issuer->poll.data = issuer;
    issuer->poll.log = ngx_cycle->log;
}


static ngx_uint_t
vg_fetch_running(const vg_jwks_shared_t *shared)
{
    ngx_atomic_uint_t since = shared->running;

    return since != 0 && ngx_current_msec - since < VG_FETCH_WAIT;
}


uint64_t
vg_issuer_version(const vg_issuer_t *issuer)
{
    return issuer->shared ? issuer->shared->version : issuer->version;
}


/* ------------------------------------------------------------ what is there */

/* A writer that was killed left it odd, and the next one goes on from there. */
static void
vg_fetch_write(vg_jwks_shared_t *shared, vg_str_t text)
{
    ngx_atomic_uint_t version = shared->version | 1;

    if (shared->version == version - 1 && shared->len == text.len
        && ngx_memcmp(shared->text, text.data, text.len) == 0)
    {
        return;
    }
    shared->version = version;
    ngx_memory_barrier();
    shared->len = text.len;
    ngx_memcpy(shared->text, text.data, text.len);
    ngx_memory_barrier();
    shared->version = version + 1;
}


/* this worker's keys, made of the text as it is now */
static void
vg_fetch_read(vg_issuer_t *issuer)
{
    char             *copy;
    size_t            len;
    vg_pool_t         arena;
    ngx_pool_t       *pool;
    const char       *why;
    vg_jwt_keys_t    *keys = NULL;
    vg_jwks_shared_t *shared = issuer->shared;
    ngx_atomic_uint_t version = shared->version;

    if (version == issuer->version || version % 2) {
        return;
    }
    pool = ngx_create_pool(4096, ngx_cycle->log);
    len = ngx_min(shared->len, (size_t) VG_JWKS_MAX);
    copy = pool ? ngx_palloc(pool, len + 1) : NULL;
    if (copy != NULL) {
        ngx_memcpy(copy, shared->text, len);
        ngx_memory_barrier();
        arena = vg_arena_of(pool);
        if (shared->version == version && shared->key == issuer->key) {
            keys = vg_jwks_read(&arena, (vg_str_t){ copy, len },
                                issuer->algorithms, &why);
        }
    }
    if (keys != NULL) {
        vg_issuer_swap(issuer, keys);
        issuer->version = version;
    }
    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }
}


const vg_jwt_keys_t *
vg_issuer_keys(vg_issuer_t *issuer)
{
    if (issuer->shared != NULL) {
        if (issuer->shared->void_at < ngx_current_msec) {
            return NULL;
        }
        vg_fetch_read(issuer);
    }
    return issuer->keys;
}


/* ---------------------------------------------------------------- one fetch */

/* of Cache-Control; 0: it does not say */
static ngx_msec_t
vg_fetch_age(const vg_json_t *headers)
{
    u_char   *at;
    ngx_int_t age;
    ngx_str_t text = vg_ngx(vg_json_text(headers, "cache-control"));
    size_t    len;

    if (text.data == NULL) {
        return 0;
    }
    at = ngx_strlcasestrn(text.data, text.data + text.len,
                          (u_char *) "max-age=", 8 - 1);
    if (at == NULL) {
        return 0;
    }
    at += 8;
    for (len = 0; at + len < text.data + text.len && at[len] >= '0'
                  && at[len] <= '9' && len < 8;
         len++)
    {
    }
    age = len ? ngx_atoi(at, len) : 0;
    return age > 0 ? (ngx_msec_t) age * 1000 : 0;
}


static void
vg_fetch_log(const vg_issuer_t *issuer, const char *why)
{
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "voltgate: the keys of issuer %V were not taken: %s",
                  &issuer->name, why);
}


/* NULL, or why not. What cannot be used leaves what is there. */
static const char *
vg_fetch_take(vg_fetch_t *fetch, const vg_json_t *said)
{
    ngx_msec_t        age;
    const char       *why;
    vg_issuer_t      *issuer = fetch->issuer;
    vg_jwt_keys_t    *keys;
    const vg_json_t  *body = vg_json_get(said, "body");
    vg_jwks_shared_t *shared = issuer->shared;

    if (body == NULL || body->type != VG_JSON_OBJECT) {
        return "they are no JSON";
    }
    if (shared->key != issuer->key) {
        return "another issuer has their place";
    }
    keys =
        vg_jwks_read(&fetch->call->arena, body->raw, issuer->algorithms, &why);
    if (keys == NULL) {
        return why;
    }
    vg_jwt_keys_free(keys); /* each worker makes its own, of the text */
    age = vg_fetch_age(vg_json_get(said, "headers"));
    age = ngx_min(ngx_max(age ? age : VG_FETCH_DEFAULT, issuer->least),
                  issuer->most);
    vg_fetch_write(shared, body->raw);
    shared->void_at = ngx_current_msec + age + VG_FETCH_KEPT;
    shared->due = ngx_current_msec + age / 5 * 4;
    shared->failures = 0;
    return NULL;
}


static void
vg_fetch_said(void *data, const vg_said_t *said)
{
    const char       *why = said->error;
    vg_fetch_t       *fetch = data;
    vg_call_t        *call = fetch->call;
    vg_issuer_t      *issuer = fetch->issuer;
    vg_jwks_shared_t *shared = issuer->shared;

    if (why == NULL) {
        why = vg_fetch_take(fetch,
                            vg_json_parse(&call->arena, said->result, NULL));
    }
    if (why != NULL) {
        vg_fetch_log(issuer, why);
        shared->due = ngx_current_msec
                      + ngx_min(VG_FETCH_AGAIN << ngx_min(shared->failures, 5),
                                VG_FETCH_GAP);
        shared->failures++;
    }
    shared->running = 0;
    (void) ngx_atomic_fetch_add(&shared->ended, 1);
    vg_call_release(call);
    vg_fetch_wake(issuer);
}


/* Of the workers one begins; 0: another one did just now, or it cannot. */
static ngx_uint_t
vg_fetch_begin(vg_issuer_t *issuer, ngx_atomic_t *when, ngx_msec_t gap)
{
    vg_call_t        *call;
    vg_fetch_t       *fetch;
    ngx_atomic_uint_t last = *when, now = ngx_max(ngx_current_msec, 1);

    if ((last != 0 && now - last < gap) || !ngx_atomic_cmp_set(when, last, now))
    {
        return 0;
    }
    issuer->shared->begun = now;
    issuer->shared->running = now;
    call = vg_call_create(NULL);
    fetch = call ? vg_calloc(&call->arena, sizeof(vg_fetch_t)) : NULL;
    if (fetch == NULL) {
        if (call != NULL) {
            vg_call_release(call);
        }
        issuer->shared->running = 0;
        return 0;
    }
    call->correlation = vg_call_new_id(call);
    fetch->issuer = issuer;
    fetch->call = call;
    vg_outbound_get(call, issuer->target, vg_of(issuer->path), vg_fetch_said,
                    fetch);
    return 1;
}


/* the clerk's, each second; and who finds no keys at all */
ngx_uint_t
vg_fetch_due(vg_issuer_t *issuer)
{
    vg_jwks_shared_t *shared = issuer->shared;

    return shared != NULL && shared->due <= ngx_current_msec
           && !vg_fetch_running(shared)
           && vg_fetch_begin(issuer, &shared->begun, VG_FETCH_AGAIN);
}


/* -------------------------------------------------------------- who waits */

/* one for whom a fetch has ended, or who waited long enough; NULL: none */
static vg_issuer_guest_t *
vg_fetch_ready(vg_issuer_t *issuer)
{
    ngx_queue_t       *q;
    vg_issuer_guest_t *guest;

    for (q = ngx_queue_head(&issuer->waiting);
         q != ngx_queue_sentinel(&issuer->waiting); q = ngx_queue_next(q))
    {
        guest = ngx_queue_data(q, vg_issuer_guest_t, queue);
        if (guest->ended != issuer->shared->ended
            || ngx_current_msec - guest->since > VG_FETCH_WAIT)
        {
            return guest;
        }
    }
    return NULL;
}


/* Looked for anew each time: who goes on may end others, or bring some. */
static void
vg_fetch_wake(vg_issuer_t *issuer)
{
    vg_issuer_guest_t *guest;

    while ((guest = vg_fetch_ready(issuer)) != NULL) {
        ngx_queue_remove(&guest->queue);
        vg_fetch_guests--;
        guest->done(guest);
    }
}


/* not cancelable: a worker that is told to go answers them first */
static void
vg_fetch_polled(ngx_event_t *ev)
{
    vg_issuer_t *issuer = ev->data;

    vg_fetch_wake(issuer);
    if (!ngx_queue_empty(&issuer->waiting)) {
        ngx_add_timer(ev, VG_FETCH_POLL);
    }
}


/* Without keys the fetch is the one that is due; with keys it is one for an
 * unknown kid, which is begun once a minute, whatever is shown. */
vg_rc_t
vg_issuer_wait(vg_issuer_t *issuer, vg_issuer_guest_t *guest)
{
    vg_jwks_shared_t *shared = issuer->shared;

    if (shared == NULL || vg_fetch_guests >= VG_FETCH_GUESTS) {
        return VG_DECLINED;
    }
    guest->since = ngx_current_msec;
    guest->ended = shared->ended;
    if (!vg_fetch_running(shared)
        && !(vg_issuer_keys(issuer)
                 ? vg_fetch_begin(issuer, &shared->asked, VG_FETCH_GAP)
                 : vg_fetch_due(issuer)))
    {
        return VG_DECLINED;
    }
    ngx_queue_insert_tail(&issuer->waiting, &guest->queue);
    vg_fetch_guests++;
    if (!issuer->poll.timer_set) {
        ngx_add_timer(&issuer->poll, VG_FETCH_POLL);
    }
    return VG_DONE;
}
