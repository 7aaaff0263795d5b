/*
 * trust.c: whether a stream's caller is still who it was: a token's until its
 * end, unless it was revoked; a key's for as long as it is one, which is asked
 * again every now and then, and when the log told of a revocation.
 */

#include "identity.h"
#include "inside.h"

#define VG_TRUST_AWAY 2000000 /* us until who could not be asked is again */


/* In vain: it ends with the next sweep. */
static void
vg_trust_over(vg_stream_t *s)
{
    s->key.len = 0;
    s->expires = 1;
}


static void
vg_trust_told(vg_call_t *answer)
{
    vg_str_t     id;
    vg_stream_t *s = answer->owner;

    if (s == NULL) {
        return; /* the stream has ended */
    }
    s->trust = NULL;
    s->asking = 0;
    if (answer->error != NULL) {
        if (answer->error->status == NGX_HTTP_NOT_FOUND) {
            vg_trust_over(s);
        }
        return;
    }
    id = vg_json_text(vg_json_parse(&answer->arena, answer->text, NULL), "id");
    if (id.len != s->caller.id.len
        || ngx_memcmp(id.data, s->caller.id.data, id.len) != 0)
    {
        vg_trust_over(s);
        return;
    }
    s->expires = answer->now + VG_KEY_TRUSTED;
}


/* While nobody can be asked, nothing can be read either. */
static void
vg_trust_ask(vg_stream_t *s, int64_t now)
{
    vg_call_t *call;

    s->drops = vg_tokens_drops();
    s->expires = now + VG_TRUST_AWAY;
    s->asking = 1;
    call = vg_key_again(s->key, s->correlation, vg_trust_told, s);
    if (call == NULL) {
        s->asking = 0;
    } else if (s->asking) { /* else it is over, and gone */
        s->trust = call;
    }
}


ngx_uint_t
vg_trust(vg_stream_t *s)
{
    int64_t now = vg_time_now();

    if (vg_revoked(s->proof)) {
        return 0;
    }
    if (s->expires == 0 || s->asking) {
        return 1;
    }
    if (s->key.len == 0) {
        return now < s->expires;
    }
    if (now >= s->expires || s->drops != vg_tokens_drops()) {
        vg_trust_ask(s, now);
    }
    return 1;
}


void
vg_trust_leave(vg_stream_t *s)
{
    vg_call_t *call = s->trust;

    if (call != NULL) {
        s->trust = NULL;
        call->owner = NULL;
        vg_call_abandon(call);
    }
}
