/*
 * message.c: OCPP-J frames that come in: answers to what was said, and the
 * gateway's own CALLs, which are answered at once or after --delay.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"


static void
message_result(station_t *st, const vg_json_t *payload)
{
    step_t      said = st->said;
    const char *wrong;

    figures_latency(&st->sim->figures, said, st->sim->now - st->said_at);
    st->sim->figures.last = st->sim->now;
    free(st->payload);
    st->payload = NULL;
    wrong = station_hear(st, said, payload);
    if (wrong != NULL) {
        station_fail(st, wrong, "");
    }
}


static void
message_error(station_t *st, vg_pool_t *pool, const vg_json_t *code)
{
    const vg_json_t *why = code->next ? code->next : code;
    vg_str_t         text;

    text = vg_printf(pool, "%.*s %.*s", (int) code->raw.len, code->raw.data,
                     (int) why->raw.len, why->raw.data);

    free(st->payload);
    st->payload = NULL;
    station_fail(st, "was answered with an error", text.data ? text.data : "");
}


void
message_reply(station_t *st)
{
    char *reply = st->reply;

    st->reply = NULL;
    st->reply_at = NEVER;
    if (cli_socket_send(&st->socket, reply, strlen(reply)) != 0) {
        station_error(st, "could not answer", "");
    } else {
        st->sim->figures.answered++;
    }
    free(reply);
}


/* What the answer sets in motion is said afterwards. A second CALL while one
 * waits for its answer is against the protocol; the first is answered then. */
static void
message_call(station_t *st, vg_pool_t *pool, const vg_json_t *id)
{
    const vg_json_t *action = id->next;
    vg_str_t         answer, text;

    if (st->reply != NULL) {
        message_reply(st);
    }
    answer = remote_answer(st, pool, action->text, action->next);
    text = vg_printf(
        pool,
        answer.data != NULL ? "[3,%.*s,%.*s]"
                            : "[4,%.*s,\"NotImplemented\",\"\",{}]",
        (int) id->raw.len, id->raw.data, (int) answer.len, answer.data);
    st->reply = text.data != NULL ? strndup(text.data, text.len) : NULL;
    if (st->reply == NULL) {
        station_error(st, "has no memory", "");
        return;
    }
    station_tell(st, "%.*s: %.*s", (int) action->text.len, action->text.data,
                 (int) text.len, text.data);
    if (st->sim->habits.delay_ms == 0) {
        message_reply(st);
        return;
    }
    st->reply_at = st->sim->now + st->sim->habits.delay_ms * 1000;
    station_wait(st, st->due);
}


/* [2,id,action,payload], [3,id,payload], [4,id,code,description,details] */
static void
message_read(station_t *st, vg_pool_t *pool, const vg_json_t *frame)
{
    const vg_json_t *kind = frame ? frame->first : NULL;
    const vg_json_t *id = kind ? kind->next : NULL;
    vg_str_t         type = kind ? kind->raw : (vg_str_t){ "", 0 };
    vg_str_t         ours;

    if (id == NULL || id->type != VG_JSON_STRING || id->next == NULL
        || (vg_str_eq(type, "2") && id->next->next == NULL))
    {
        station_error(st, "got what is no frame of OCPP", "");
        return;
    }
    if (vg_str_eq(type, "2")) {
        message_call(st, pool, id);
        return;
    }
    ours = vg_printf(pool, "%" PRIu64, st->message);
    if (st->payload == NULL || ours.data == NULL
        || !vg_str_eq(id->text, ours.data)) {
        station_error(st, "got an answer that it does not wait for", "");
    } else if (vg_str_eq(type, "3")) {
        message_result(st, id->next);
    } else {
        message_error(st, pool, id->next);
    }
}


void
message_received(station_t *st, const char *text, size_t len)
{
    const char *wrong = NULL;
    vg_pool_t  *pool = vg_arena_create();

    if (pool == NULL) {
        station_error(st, "has no memory", "");
        return;
    }
    message_read(st, pool,
                 vg_json_parse(pool, (vg_str_t){ text, len }, &wrong));
    vg_arena_destroy(pool);
}
