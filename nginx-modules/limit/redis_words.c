/*
 * redis_words.c: what is said to Redis, and what it answers.
 *
 * The limiter there is the same as here (gcra.c), as a script: all keys of a
 * call in one round trip, on Redis' own clock, so that nodes need not agree
 * on the time. A key is gone when its time has passed.
 */

#include <hiredis/hiredis.h>

#include "redis.h"

#define VG_REDIS_ARGS (3 + 3 * VG_LIMIT_KEYS)

const char vg_redis_script[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local out = {0}\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local step, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])\n"
    "  local ahead = tonumber(redis.call('GET', key) or '0') - now\n"
    "  if ahead < 0 or ahead > 3600000000 then ahead = 0 end\n"
    "  out[i + 1] = math.min(ahead, window)\n"
    "  if out[1] == 0 and out[i + 1] + step > window then out[1] = i end\n"
    "end\n"
    "if out[1] > 0 then return out end\n"
    "for i, key in ipairs(KEYS) do\n"
    "  out[i + 1] = out[i + 1] + tonumber(ARGV[2 * i - 1])\n"
    "  redis.call('SET', key, string.format('%.0f', now + out[i + 1]),\n"
    "    'PX', math.ceil(out[i + 1] / 1000))\n"
    "end\n"
    "return out\n";


static bool
redis_room(vg_redis_out_t *out, size_t more)
{
    char  *data;
    size_t size = out->size ? out->size : 4096;

    while (size < out->len + more) {
        size *= 2;
    }
    if (size != out->size) {
        data = realloc(out->data, size);
        if (data == NULL) {
            return false;
        }
        out->data = data;
        out->size = size;
    }
    return true;
}


bool
vg_redis_say(vg_redis_out_t *out, int argc, const char **argv,
             const size_t *lens)
{
    bool  good;
    char *text = NULL;
    int   len = redisFormatCommandArgv(&text, argc, argv, lens);

    if (len < 0) {
        return false;
    }
    good = redis_room(out, (size_t) len);
    if (good) {
        ngx_memcpy(out->data + out->len, text, (size_t) len);
        out->len += (size_t) len;
    }
    ngx_explicit_memzero(text, (size_t) len);
    redisFreeCommand(text);
    return good;
}


bool
vg_redis_say_ask(vg_redis_out_t *out, const char *sha, const ngx_str_t *prefix,
                 const vg_redis_ask_t *ask)
{
    int                   argc = 0;
    char                  count[4], numbers[2 * VG_LIMIT_KEYS][24];
    char                  keys[VG_LIMIT_KEYS][1024];
    size_t                lens[VG_REDIS_ARGS];
    ngx_uint_t            i;
    const char           *argv[VG_REDIS_ARGS];
    const vg_gcra_rule_t *rule;

#define VG_REDIS_ARG(text, n) (argv[argc] = (text), lens[argc++] = (size_t) (n))

    VG_REDIS_ARG("EVALSHA", 7);
    VG_REDIS_ARG(sha, strlen(sha));
    VG_REDIS_ARG(count,
                 snprintf(count, sizeof(count), "%u", (unsigned) ask->nkeys));
    for (i = 0; i < ask->nkeys; i++) {
        VG_REDIS_ARG(keys[i],
                     ngx_snprintf((u_char *) keys[i], sizeof(keys[i]), "%V%*s",
                                  prefix, ask->keys[i].text.len,
                                  ask->keys[i].text.data)
                         - (u_char *) keys[i]);
    }
    for (i = 0; i < ask->nkeys; i++) {
        rule = ask->keys[i].rule;
        VG_REDIS_ARG(numbers[2 * i],
                     snprintf(numbers[2 * i], sizeof(numbers[0]), "%lu",
                              (unsigned long) rule->step));
        VG_REDIS_ARG(numbers[2 * i + 1],
                     snprintf(numbers[2 * i + 1], sizeof(numbers[0]), "%lu",
                              (unsigned long) rule->window));
    }
#undef VG_REDIS_ARG
    return vg_redis_say(out, argc, argv, lens);
}


/* {which key refused, or 0; of each key how far it is ahead, us} */
bool
vg_redis_take(vg_redis_ask_t *ask, const void *data)
{
    ngx_uint_t        i;
    const redisReply *reply = data, *n;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != ask->nkeys + 1) {
        return false;
    }
    for (i = 0; i <= ask->nkeys; i++) {
        n = reply->element[i];
        if (n->type != REDIS_REPLY_INTEGER || n->integer < 0
            || n->integer > VG_GCRA_AHEAD)
        {
            return false;
        }
    }
    for (i = 0; i < ask->nkeys; i++) {
        ask->keys[i].ahead = (uint64_t) reply->element[i + 1]->integer;
        ask->keys[i].refused = reply->element[0]->integer == (long long) i + 1;
    }
    return true;
}
