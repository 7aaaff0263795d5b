/*
 * command.c: a CALL to a charge point, on the worker where somebody waits for
 * its outcome. The worker with the socket is found in the table and asked by
 * the link: order.c. What no worker of this node holds, far.c asks for.
 */

#include "charger.h"
#include "module.h"

typedef struct {
    ngx_pool_t     *pool;
    vg_pool_t       arena;
    vg_str_t        identity;
    vg_holder_t     holder;
    vg_ocpp_done_pt done;
    void           *data;
    ngx_event_t     nobody;
} vg_command_t;

typedef struct {
    const char      *word;
    vg_ocpp_status_t status;
} vg_command_status_t;

/* the words of order.c */
static const vg_command_status_t vg_command_words[] = {
    { "ok", VG_OCPP_OK },
    { "error", VG_OCPP_ERROR },
    { "gone", VG_OCPP_NOT_CONNECTED },
    { "full", VG_OCPP_FULL },
    { NULL, VG_OCPP_SILENT },
};


static void
vg_command_end(vg_command_t *command, const vg_ocpp_outcome_t *outcome)
{
    command->done(command->data, outcome);
    ngx_destroy_pool(command->pool);
}


static void
vg_command_failed(vg_command_t *command, vg_ocpp_status_t status)
{
    vg_ocpp_outcome_t outcome = { .status = status };

    vg_command_end(command, &outcome);
}


static void
vg_command_told(vg_command_t *command, const vg_json_t *answer)
{
    const vg_json_t           *word, *code, *description;
    vg_ocpp_outcome_t          outcome;
    const vg_command_status_t *s = vg_command_words;

    if (answer == NULL || answer->count != 4) {
        vg_command_failed(command, VG_OCPP_SILENT);
        return;
    }
    word = answer->first;
    code = word->next;
    description = code->next;
    while (s->word != NULL && !vg_str_eq(word->text, s->word)) {
        s++;
    }
    outcome.status = s->status;
    outcome.code = code->text;
    outcome.description = description->text;
    outcome.result = description->next->raw;
    vg_command_end(command, &outcome);
}


/* A worker that is dead took its sockets with it; one that was leaving has
 * none after it to tell that. */
static void
vg_command_answered(void *data, vg_rc_t rc, vg_str_t bytes)
{
    vg_command_t *command = data;

    switch (rc) {

    case VG_OK:
        vg_command_told(command, vg_json_parse(&command->arena, bytes, NULL));
        return;

    case VG_DECLINED:
        if (command->holder.pid != 0 && kill(command->holder.pid, 0) == -1
            && ngx_errno == ESRCH)
        {
            vg_table_leave(command->identity, &command->holder);
            vg_farewell(command->identity, command->holder.epoch);
        }
        vg_command_failed(command, VG_OCPP_NOT_CONNECTED);
        return;

    default:
        vg_command_failed(command, VG_OCPP_SILENT);
    }
}


static void
vg_command_nobody(ngx_event_t *ev)
{
    vg_command_failed(ev->data, VG_OCPP_NOT_CONNECTED);
}


/* data NULL: no memory */
static vg_str_t
vg_command_message(vg_command_t *command, const char *action, vg_str_t payload)
{
    vg_out_t out;

    vg_out_init(&out, &command->arena);
    vg_out_open(&out, '[');
    vg_out_string(&out, command->identity);
    vg_out_int(&out, (int64_t) command->holder.number);
    vg_out_string(&out, vg_str(action));
    vg_out_raw(&out, payload);
    vg_out_close(&out, ']');
    return vg_out_str(&out);
}


/* VG_ERROR: nobody could be asked */
static vg_rc_t
vg_command_ask(vg_command_t *command, const char *action, vg_str_t payload,
               ngx_msec_t timeout)
{
    vg_str_t message;

    command->holder = vg_table_find(command->identity);
    if (command->holder.pid == 0) {
        return vg_far_command(command->pool, command->identity, action, payload,
                              timeout, vg_command_answered, command);
    }
    message = vg_command_message(command, action, payload);
    if (message.data == NULL
        || vg_link_ask(command->holder.pid, VG_LINK_CALL, message, timeout,
                       vg_command_answered, command)
               == NULL)
    {
        return VG_ERROR;
    }
    return VG_OK;
}


void
vg_ocpp_command(vg_str_t charge_point, const char *action, vg_str_t payload,
                ngx_msec_t timeout, vg_ocpp_done_pt done, void *data)
{
    ngx_pool_t       *pool = ngx_create_pool(1024, ngx_cycle->log);
    vg_command_t     *command = NULL;
    vg_ocpp_outcome_t none = { .status = VG_OCPP_NOT_CONNECTED };

    if (pool != NULL) {
        command = ngx_pcalloc(pool, sizeof(vg_command_t) + charge_point.len);
    }
    if (command == NULL) { /* nothing is left to wait with */
        if (pool != NULL) {
            ngx_destroy_pool(pool);
        }
        done(data, &none);
        return;
    }
    command->pool = pool;
    command->arena = vg_charger_arena(pool);
    command->identity = (vg_str_t){ (char *) (command + 1), charge_point.len };
    ngx_memcpy(command + 1, charge_point.data, charge_point.len);
    command->done = done;
    command->data = data;
    command->nobody.handler = vg_command_nobody;
    command->nobody.data = command;
    command->nobody.log = ngx_cycle->log;

    timeout = timeout ? timeout : vg_ocpp_conf()->call_timeout;
    if (vg_command_ask(command, action, payload, timeout) != VG_OK) {
        ngx_post_event(&command->nobody, &ngx_posted_events);
    }
}
