/*
 * outcome.c: rows and errors of the database as the call's answer.
 */

#include "outcome.h"

vg_statement_t *vg_outcome_lookup;

/* what a change may answer, and how HTTP says it */
static const struct {
    const char *word;
    ngx_int_t   status;
} vg_outcome_words[] = { { "ok", NGX_HTTP_OK },
                         { "created", NGX_HTTP_CREATED },
                         { "accepted", NGX_HTTP_ACCEPTED },
                         { "empty", NGX_HTTP_NO_CONTENT },
                         { NULL, NGX_HTTP_OK } };

/* SQLSTATE classes that are about the moment, not about the call */
typedef struct {
    const char *prefix;
    const char *error;
} vg_outcome_class_t;

static const vg_outcome_class_t vg_outcome_classes[] = {
    { "57014", "overdue" },
    { "57P", "unavailable" },
    { "53", "unavailable" },
    { "08", "unavailable" },
    { "55P03", "busy" },
    { "40", "busy" },
    { "25006", "unavailable" },
    { "VG001", "busy" },
    { NULL, NULL },
};


ngx_int_t
vg_outcome_init(ngx_conf_t *cf)
{
    static const vg_bind_t binds[] = { VG_BIND_CALLER_ID, VG_BIND_ROUTE,
                                       VG_BIND_KEY };
    ngx_uint_t             i;

    /* of any age: what the clerk has not yet swept still bars a new one */
    vg_statement_kit(
        cf, &vg_outcome_lookup, "answer_find",
        "select hash, status, body, correlation_id, vg.z(at) from vg.answer"
        " where caller = $1::text and route = $2::text and key = $3::text",
        3);
    if (vg_outcome_lookup == NULL) {
        return NGX_ERROR;
    }
    vg_outcome_lookup->firm = 1; /* who stored it may not have been flushed */
    for (i = 0; i < 3; i++) {
        vg_outcome_lookup->params[i].what = binds[i];
    }
    return NGX_OK;
}


vg_str_t
vg_outcome_text(vg_call_t *call, PGresult *rows, int row, int column)
{
    char    *data;
    vg_str_t text = { NULL, 0 };

    if (PQgetisnull(rows, row, column)) {
        return text;
    }
    text.len = PQgetlength(rows, row, column);
    data = vg_alloc(&call->arena, text.len + 1);
    if (data == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    ngx_memcpy(data, PQgetvalue(rows, row, column), text.len);
    data[text.len] = '\0';
    text.data = data;
    return text;
}


/* the status word of a change: how it went, or the name of an error */
static void
vg_outcome_word(vg_call_t *call, vg_str_t word, vg_str_t body)
{
    ngx_uint_t i;

    if (call->endpoint->quarantine != NULL && !call->quarantine
        && vg_str_eq(word, "quarantine"))
    {
        call->quarantine = 1; /* and goes on there */
        call->in.reason = body;
        return;
    }
    for (i = 0; vg_outcome_words[i].word != NULL; i++) {
        if (vg_str_eq(word, vg_outcome_words[i].word)) {
            call->status = vg_outcome_words[i].word;
            call->text = body;
            return;
        }
    }
    call->error = vg_registry_error(call->endpoint->plugin,
                                    word.data ? word.data : "", word.len);
    call->detail = body;
    if (call->error == NULL) {
        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "voltgate: %V answered an unknown status \"%*s\"",
                      &call->endpoint->label, word.len, word.data);
        (void) vg_refuse(call, "internal");
    }
}


ngx_int_t
vg_call_status(vg_call_t *call)
{
    ngx_uint_t i = 0;

    if (call->error != NULL) {
        return call->error->status;
    }
    while (call->status != NULL && vg_outcome_words[i].word != NULL
           && ngx_strcmp(call->status, vg_outcome_words[i].word) != 0)
    {
        i++;
    }
    return vg_outcome_words[i].status;
}


/* the tail's third column counts the events, the fourth says what moved, a
 * fifth which sagas were begun, or may go on */
void
vg_outcome_told(vg_call_t *call, PGresult *rows, int row)
{
    if (PQntuples(rows) <= row || PQnfields(rows) < 4) {
        return;
    }
    if (PQgetvalue(rows, row, 2)[0] != '0') {
        vg_events_bell(call->endpoint->plugin->database);
    }
    if (!PQgetisnull(rows, row, 3)) {
        vg_stream_moved(
            (vg_str_t){ PQgetvalue(rows, row, 3), PQgetlength(rows, row, 3) });
    }
    if (PQnfields(rows) == 5 && !PQgetisnull(rows, row, 4)) {
        vg_sagas_told(call, (vg_str_t){ PQgetvalue(rows, row, 4),
                                        PQgetlength(rows, row, 4) });
    }
}


/* body, id, over */
void
vg_outcome_frame(vg_call_t *call, PGresult *rows)
{
    if (PQnfields(rows) != 3) {
        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "voltgate: %V does not give body, id and over",
                      &call->endpoint->label);
        (void) vg_refuse(call, "internal");
        return;
    }
    call->text = vg_outcome_text(call, rows, 0, 0);
    call->frame = vg_outcome_text(call, rows, 0, 1);
    call->over = PQgetvalue(rows, 0, 2)[0] == 't';
}


void
vg_outcome_change(vg_call_t *call, vg_unit_t *unit)
{
    int       row = (int) unit->row;
    PGresult *rows = unit->rows;

    if (PQntuples(rows) != (int) unit->calls) {
        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "voltgate: %V answered %d rows for %ui calls",
                      &call->endpoint->label, PQntuples(rows), unit->calls);
        (void) vg_refuse(call, "internal");
        return;
    }
    vg_outcome_told(call, rows, row);
    if (unit->statement->jobs) {
        vg_jobs_bell(call->endpoint->plugin);
    }
    call->committed = 1;
    vg_outcome_word(call, vg_outcome_text(call, rows, row, 0),
                    vg_outcome_text(call, rows, row, 1));
}


void
vg_outcome_page(vg_call_t *call, PGresult *rows)
{
    int      i, n = PQntuples(rows), limit = (int) call->in.limit;
    vg_out_t out;

    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '{');
    vg_out_key(&out, "items");
    vg_out_open(&out, '[');
    for (i = 0; i < n && i < limit; i++) {
        vg_out_raw(&out, (vg_str_t){ PQgetvalue(rows, i, 0),
                                     PQgetlength(rows, i, 0) });
    }
    vg_out_close(&out, ']');
    vg_out_key(&out, "nextCursor");
    if (n > limit) {
        vg_out_string(&out, (vg_str_t){ PQgetvalue(rows, limit - 1, 1),
                                        PQgetlength(rows, limit - 1, 1) });
    } else {
        vg_out_null(&out);
    }
    vg_out_close(&out, '}');
    call->text = vg_out_str(&out);
}


/* what a handler asked for: it holds all of them at once */
void
vg_outcome_rows(vg_call_t *call, PGresult *rows)
{
    int      i, n = PQntuples(rows);
    vg_out_t out;

    if (n > VG_OUTCOME_ROWS) {
        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "voltgate: %V gives more than %d rows",
                      &call->endpoint->label, VG_OUTCOME_ROWS);
        (void) vg_refuse(call, "internal");
        return;
    }
    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '[');
    for (i = 0; i < n; i++) {
        vg_out_raw(&out, (vg_str_t){ PQgetvalue(rows, i, 0),
                                     PQgetlength(rows, i, 0) });
    }
    vg_out_close(&out, ']');
    call->text = vg_out_str(&out);
}


void
vg_outcome_stored(vg_call_t *call, PGresult *rows)
{
    if (!vg_str_eq(vg_of(call->key.hash), PQgetvalue(rows, 0, 0))) {
        (void) vg_refuse(call, "key_reused");
        return;
    }
    call->error = NULL;
    call->nproblems = 0;
    call->detail = (vg_str_t){ NULL, 0 };
    call->key.replayed = 1;
    vg_outcome_word(call, vg_outcome_text(call, rows, 0, 1),
                    vg_outcome_text(call, rows, 0, 2));
    call->key.correlation = vg_outcome_text(call, rows, 0, 3);
    call->key.at = vg_outcome_text(call, rows, 0, 4);
}


static void
vg_outcome_refused(vg_call_t *call, vg_unit_t *unit)
{
    const vg_error_t *e = NULL;
    const vg_outcome_class_t *class;

    if (unit->constraint[0] != '\0') {
        e = vg_registry_error(call->endpoint->plugin, unit->constraint,
                              ngx_strlen(unit->constraint));
    }
    if (e != NULL) {
        call->error = e;
        return;
    }
    if (ngx_strcmp(unit->constraint, "vg_answer_key") == 0) {
        (void) vg_refuse(call, "key_running"); /* and is looked up next */
        return;
    }
    for (class = vg_outcome_classes; class->prefix != NULL; class ++) {
        if (ngx_strncmp(unit->sqlstate, class->prefix,
                        ngx_strlen(class->prefix))
            == 0) {
            call->retry_after = 1;
            (void) vg_refuse(call, class->error);
            return;
        }
    }
    ngx_log_error(NGX_LOG_ERR, call->log, 0,
                  "voltgate: %V failed: %s %s, correlation %*s",
                  &call->endpoint->label, unit->sqlstate, unit->constraint,
                  call->correlation.len, call->correlation.data);
    (void) vg_refuse(call, "internal");
}


void
vg_outcome_error(vg_call_t *call, vg_unit_t *unit)
{
    switch (unit->result) {

    case VG_UNIT_REFUSED:
        vg_outcome_refused(call, unit);
        return;

    case VG_UNIT_FULL:
        call->away = 1;
        call->retry_after = 1;
        (void) vg_refuse(call, "busy");
        return;

    default:
        call->away = 1;
        call->retry_after = 2;
        (void) vg_refuse(call, "unavailable");
    }
}
