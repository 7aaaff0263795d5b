/*
 * check.c: may this call go now? What it is counted under, in which order
 * that is asked, and the headers that say how it stands.
 *
 * A call is counted under its identity, or, of nobody, under its address; and
 * under its route as well where the plan has a limit for that. The node's own
 * words are asked first, so what floods costs Redis nothing.
 */

#include "limit.h"

#define VG_LIMIT_TEXT 512 /* of a key; longer ones are hashed            */

typedef struct {
    vg_call_t     *call; /* a reference is held while Redis is asked     */
    vg_plan_t     *plan;
    vg_limit_key_t keys[VG_LIMIT_KEYS];
    ngx_uint_t     nkeys;
    vg_caller_t    who;
    ngx_uint_t     refused; /* identity was, as error says: nobody's call  */
    vg_str_t       quota;   /* id that it is counted for; data NULL: none  */
    uint64_t       left, reset; /* of the quota; reset 0: there is none    */
    vg_redis_ask_t ask;
} vg_limit_check_t;

const char *const vg_limit_words[VG_LIMIT_ENDS] = {
    [VG_LIMIT_RATE] = "rate",         [VG_LIMIT_ROUTE] = "route",
    [VG_LIMIT_FAILURES] = "failures", [VG_LIMIT_CONCURRENT] = "concurrent",
    [VG_LIMIT_QUOTA] = "quota",
};


/* us; it does not go back when somebody sets the clock */
static uint64_t
vg_limit_now(void)
{
    struct timespec t;

    (void) clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}


void
vg_limit_count(vg_plan_t *plan, vg_limit_end_t end)
{
    (void) ngx_atomic_fetch_add(&plan->refused[end], 1);
}


/* ------------------------------------------------------------------ keys */

/* An IPv4 address, or the network that one customer has of IPv6: a /64. */
static vg_str_t
vg_limit_address(vg_pool_t *pool, const struct sockaddr *sa)
{
    const u_char              *b;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) sa;

    if (sa->sa_family == AF_INET) {
        b = (const u_char *) &((const struct sockaddr_in *) sa)->sin_addr;
        return vg_printf(pool, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    }
    if (sa->sa_family != AF_INET6) {
        return VG_STR("local");
    }
    b = in6->sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        return vg_printf(pool, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
    }
    return vg_printf(pool, "%x:%x:%x:%x::", b[0] << 8 | b[1], b[2] << 8 | b[3],
                     b[4] << 8 | b[5], b[6] << 8 | b[7]);
}


/* kind, a name that others chose, and what stands behind it */
static void
vg_limit_key(vg_limit_check_t *check, char kind, vg_str_t name,
             const ngx_str_t *label, const vg_gcra_rule_t *rule,
             vg_limit_end_t end)
{
    vg_pool_t      *pool = &check->call->arena;
    vg_limit_key_t *key = &check->keys[check->nkeys];

    if (name.len > VG_LIMIT_TEXT) {
        name = vg_sha256(check->call, VG_STR(""), name);
    }
    key->text =
        vg_printf(pool, "%c:%.*s%s%.*s", kind, (int) name.len, name.data,
                  label ? ":" : "", label ? (int) label->len : 0,
                  label ? (const char *) label->data : "");
    if (key->text.data == NULL) {
        return; /* no memory: the call ends by that soon enough */
    }
    key->hash =
        vg_gcra_hash(vg_limit_shared->seed, key->text.data, key->text.len);
    key->rule = rule;
    key->end = end;
    vg_gcra_fetch(&vg_limit_table, key->hash);
    check->nkeys++;
}


/* i: an identity, a: an address */
static void
vg_limit_keys(vg_limit_check_t *check, ngx_http_request_t *r)
{
    char             kind = 'i';
    vg_str_t         name = check->who.id;
    vg_plan_t       *plan = check->plan;
    const ngx_str_t *label = &check->call->endpoint->label;
    vg_plan_route_t *route = vg_plan_route(plan, label);

    if (name.len == 0) {
        kind = 'a';
        name = vg_limit_address(&check->call->arena, r->connection->sockaddr);
    }
    vg_limit_key(check, kind, name, NULL, &plan->rule, VG_LIMIT_RATE);
    if (route != NULL) {
        vg_limit_key(check, kind, name, label, &route->rule, VG_LIMIT_ROUTE);
    }
}


/* --------------------------------------------------------------- headers */

/* in whole seconds, and never too early */
static uint64_t
vg_limit_seconds(uint64_t us)
{
    return (us + 999999) / 1000000;
}


static void
vg_limit_header(ngx_http_request_t *r, const char *name, uint64_t value)
{
    u_char  text[NGX_INT64_LEN];
    u_char *end = ngx_sprintf(text, "%uL", value);

    (void) vg_http_add(r, name, (vg_str_t){ (char *) text, end - text });
}


static void
vg_limit_headers(ngx_http_request_t *r, uint64_t limit, uint64_t left,
                 uint64_t reset)
{
    vg_limit_header(r, "RateLimit-Limit", limit);
    vg_limit_header(r, "RateLimit-Remaining", left);
    vg_limit_header(r, "RateLimit-Reset", reset);
}


/* of the tightest: of which fewest are left */
static void
vg_limit_tell(vg_limit_check_t *check, ngx_http_request_t *r)
{
    uint64_t        left, least = UINT64_MAX;
    ngx_uint_t      i;
    vg_limit_key_t *key, *tight = NULL;

    for (i = 0; i < check->nkeys; i++) {
        key = &check->keys[i];
        left = key->refused ? 0 : vg_gcra_left(key->rule, key->ahead);
        if (tight == NULL || left < least || key->refused) {
            tight = key;
            least = left;
        }
        if (key->refused) {
            break;
        }
    }
    if (check->reset && (tight == NULL || check->left < least)) {
        vg_limit_headers(r, (uint64_t) check->call->quota, check->left,
                         check->reset);
    } else if (tight != NULL) {
        vg_limit_headers(r, tight->rule->window / tight->rule->step, least,
                         vg_limit_seconds(tight->ahead));
    }
}


/* ----------------------------------------------------------------- order */

static vg_rc_t
vg_limit_refuse(vg_limit_check_t *check, vg_limit_end_t end, uint64_t retry)
{
    vg_call_t *call = check->call;

    vg_limit_count(check->plan, end);
    if (check->quota.data != NULL && end != VG_LIMIT_QUOTA) {
        vg_quota_give(check->quota);
    }
    call->retry_after = retry ? retry : 1;
    call->nproblems = 0; /* it is not looked at any more */
    return vg_refuse(call, end == VG_LIMIT_QUOTA ? "quota_used" : "limited");
}


static void
vg_limit_give(vg_limit_check_t *check, ngx_uint_t count)
{
    uint64_t        now = vg_limit_now();
    vg_limit_key_t *key;

    for (key = check->keys; key < check->keys + count; key++) {
        vg_gcra_give(&vg_limit_table, key->hash, key->rule, now);
        key->ahead -= ngx_min(key->ahead, key->rule->step);
    }
}


/* All of them, or none is counted. NULL: it may go. */
static vg_limit_key_t *
vg_limit_take(vg_limit_check_t *check)
{
    uint64_t        now = vg_limit_now();
    ngx_uint_t      i;
    vg_gcra_end_t   end;
    vg_limit_key_t *key;

    for (i = 0; i < check->nkeys; i++) {
        key = &check->keys[i];
        end = vg_gcra_take(&vg_limit_table, key->hash, key->rule, now);
        key->ahead = end.ahead;
        key->refused = end.refused;
        if (end.displaced && !end.refused) {
            (void) ngx_atomic_fetch_add(&vg_limit_shared->counts.displaced, 1);
        }
        if (end.refused) {
            vg_limit_give(check, i);
            return key;
        }
    }
    return NULL;
}


static vg_rc_t
vg_limit_over(vg_limit_check_t *check, ngx_http_request_t *r,
              const vg_limit_key_t *key)
{
    vg_rc_t rc = vg_limit_refuse(
        check, key->end, vg_limit_seconds(vg_gcra_wait(key->rule, key->ahead)));

    vg_limit_tell(check, r);
    return rc;
}


static void
vg_limit_leave(void *data)
{
    vg_place_give(&vg_limit_places, *(int *) data);
}


/* until the request is gone, with all that its client is slow to take */
static vg_rc_t
vg_limit_enter(vg_limit_check_t *check, ngx_http_request_t *r)
{
    int                 place;
    ngx_pool_cleanup_t *cln;
    unsigned            most = (unsigned) check->plan->terms.concurrent;

    if (most == 0) {
        return VG_OK;
    }
    cln = ngx_pool_cleanup_add(r->pool, sizeof(int));
    if (cln == NULL) {
        return vg_refuse(check->call, "internal");
    }
    place = vg_place_take(&vg_limit_places, check->keys[0].hash, most);
    if (place == VG_PLACE_FULL) {
        return vg_limit_refuse(check, VG_LIMIT_CONCURRENT, 1);
    }
    if (place == VG_PLACE_NONE) {
        (void) ngx_atomic_fetch_add(&vg_limit_shared->counts.uncounted, 1);
        return VG_OK;
    }
    *(int *) cln->data = place;
    cln->handler = vg_limit_leave;
    return VG_OK;
}


/* a key's own, else its plan's */
static vg_rc_t
vg_limit_quota(vg_limit_check_t *check)
{
    vg_rc_t    rc;
    vg_call_t *call = check->call;
    vg_str_t   id = call->caller.id;

    call->quota = call->quota > 0 ? call->quota : check->plan->terms.quota;
    if (call->quota == 0 || check->who.id.len == 0) {
        return VG_OK;
    }
    if (id.len >= VG_QUOTA_ID) {
        id = vg_sha256(call, VG_STR(""), id);
        if (id.data == NULL) {
            return vg_refuse(call, "internal");
        }
    }
    rc = vg_quota_take(id, call->quota, call->now, &check->left, &check->reset);
    if (rc == VG_DECLINED) {
        return vg_limit_refuse(check, VG_LIMIT_QUOTA, check->reset);
    }
    check->quota = id;
    return VG_OK;
}


/* -------------------------------------------------------- several nodes */

/* what Redis refused the node has not let go either */
static void
vg_limit_asked(vg_redis_ask_t *ask, ngx_uint_t answered)
{
    vg_rc_t           rc = VG_OK;
    ngx_uint_t        i;
    vg_http_t        *http;
    vg_limit_check_t *check = ask->data;
    vg_call_t        *call = check->call;

    http = call->owner; /* NULL: the client went */
    for (i = 0; answered && i < check->nkeys; i++) {
        if (check->keys[i].refused) {
            if (http != NULL) {
                rc = vg_limit_over(check, http->request, &check->keys[i]);
            }
            vg_limit_give(check, check->nkeys);
            break;
        }
    }
    if (http != NULL) {
        if (rc == VG_OK) {
            vg_limit_tell(check, http->request);
            rc = check->refused ? VG_ERROR : VG_OK;
        }
        vg_http_limited(http, rc);
    }
    vg_call_release(call);
}


static vg_rc_t
vg_limit_together(vg_limit_check_t *check)
{
    check->ask.keys = check->keys;
    check->ask.nkeys = check->nkeys;
    check->ask.done = vg_limit_asked;
    check->ask.data = check;
    if (vg_redis_ask(&check->ask) != VG_OK) {
        return VG_OK;
    }
    vg_call_ref(check->call);
    return VG_DONE;
}


/* ---------------------------------------------------- refused identities */

/* f: they are counted under their address once more, by the limit of nobody.
 * Over that, none is looked for but those that are remembered: the database is
 * spared a guess, and who is known does not pay for others behind his address.
 */
static vg_limit_check_t *
vg_limit_failures(vg_call_t *call, ngx_http_request_t *r)
{
    vg_limit_check_t *check = vg_calloc(&call->arena, sizeof(*check));

    if (check == NULL) {
        return NULL;
    }
    check->call = call;
    check->plan = vg_plan_of(vg_limit_conf, &check->who);
    vg_limit_key(check, 'f',
                 vg_limit_address(&call->arena, r->connection->sockaddr), NULL,
                 &check->plan->rule, VG_LIMIT_FAILURES);
    return check->nkeys ? check : NULL;
}


static void
vg_limit_failed(vg_call_t *call, ngx_http_request_t *r)
{
    vg_limit_check_t *check = vg_limit_failures(call, r);

    if (check != NULL) {
        (void) vg_limit_take(check);
    }
}


/* ----------------------------------------------------------- from outside */

vg_rc_t
vg_limit_before(vg_http_t *http)
{
    vg_call_t        *call = http->call;
    vg_gcra_end_t     end;
    vg_limit_key_t   *key;
    vg_limit_check_t *check;

    if (vg_limit_conf == NULL || vg_auth_public(call)) {
        return VG_OK;
    }
    check = vg_limit_failures(call, http->request);
    if (check == NULL) {
        return vg_refuse(call, "internal");
    }
    key = &check->keys[0];
    end = vg_gcra_look(&vg_limit_table, key->hash, key->rule, vg_limit_now());
    if (!end.refused || vg_auth_remembered(http)) {
        return VG_OK;
    }
    key->ahead = end.ahead;
    key->refused = true;
    return vg_limit_over(check, http->request, key);
}


/* something of ours was wrong, not who it is */
static ngx_uint_t
vg_limit_ours(const vg_call_t *call)
{
    return call->error == NULL
           || (call->error->status != NGX_HTTP_UNAUTHORIZED
               && call->error->status != NGX_HTTP_FORBIDDEN);
}


vg_rc_t
vg_limit_check(vg_http_t *http, vg_rc_t rc)
{
    vg_call_t        *call = http->call;
    vg_limit_key_t   *key;
    vg_limit_check_t *check;

    if (vg_limit_conf == NULL || (rc != VG_OK && vg_limit_ours(call))) {
        return rc;
    }
    check = vg_calloc(&call->arena, sizeof(vg_limit_check_t));
    if (check == NULL) {
        return vg_refuse(call, "internal");
    }
    check->call = call;
    check->refused = rc != VG_OK;
    if (check->refused) {
        vg_limit_failed(call, http->request);
    } else {
        check->who = call->caller;
    }
    check->plan = vg_plan_of(vg_limit_conf, &check->who);
    vg_limit_keys(check, http->request);
    key = vg_limit_take(check);
    if (key != NULL) {
        return vg_limit_over(check, http->request, key);
    }
    if (!check->refused
        && (vg_limit_quota(check) != VG_OK
            || vg_limit_enter(check, http->request) != VG_OK))
    {
        vg_limit_give(check, check->nkeys);
        vg_limit_tell(check, http->request);
        return VG_ERROR;
    }
    if (vg_limit_together(check) == VG_DONE) {
        return VG_DONE;
    }
    vg_limit_tell(check, http->request);
    return rc;
}
