/*
 * vg_ways.h: what a step's command() may ask of the outside, and what came of
 * it. Part of vg.h, which includes it.
 *
 * command() binds one of these. Strings must live as long as the call. What the
 * other side said is the step's :outcome; what went wrong is its :reason, an
 * error's name.
 */

#ifndef VG_WAYS_H
#define VG_WAYS_H

#include "vg.h"

#pragma GCC visibility push(default)

#define VG_COMMAND_MAX 65536 /* bytes of a payload; it passes the link   */

/* In a step's command(): the CALL to send. VG_ERROR: too long, refused. */
vg_rc_t vg_command(vg_call_t *call, vg_str_t charge_point, const char *action,
                   vg_str_t payload);

/* In a step's command(): the VG_INTERNAL route to ask, of any plugin, also one
 * with a statement, which is a commit of its own; args is a JSON object that
 * lives as long as the call. The same caller asks, within the time that is
 * left and 5 s. :outcome is its answer, null if that was empty. Its error is
 * the step's :reason, or what the caller is told: by its name where this
 * plugin or the kit has an error of that name and status, else as the kit's of
 * that status. A change is made once for one job, or one Idempotency-Key, by
 * each step.
 *
 * vg_inquire_or(): the :outcome is this JSON where the answer cannot be had
 * now (502 and above, or there is no such route). */
vg_rc_t vg_inquire(vg_call_t *call, const char *route, vg_str_t args);
vg_rc_t vg_inquire_or(vg_call_t *call, const char *route, vg_str_t args,
                      vg_str_t otherwise);

/* In a step's command(): the request to send. Strings must live as long as the
 * call. :outcome is {"status", "headers": {…}, "body"}: of the headers
 * content-type, location, etag, retry-after and cache-control, where they came;
 * the body as JSON if it is JSON, else as text, null if it is neither. A
 * :reason is
 *
 *   unreachable, silent, tls     nothing, or half of an answer
 *   upstream                     5xx, and what is safe to repeat was
 *   rejected                     any other status but 2xx
 *   answer_too_large             more than the target's `answer`, 64 KiB
 *   breaker_open, rate, busy     nothing was sent, so as to spare the target
 *   refused_url, refused_address nothing was sent: not for us to call
 *
 * Redirects are not followed. X-Correlation-ID and traceparent go along. */
typedef struct {
    const char *name;
    vg_str_t    value;
} vg_header_t;

#define VG_ANY_STATUS 0x01 /* each answer is an outcome, whatever its status */

typedef struct {
    const char        *target;  /* of the conf; NULL: the url names the host  */
    vg_str_t           url;     /* http or https, as users wrote it           */
    vg_str_t           path;    /* with target: what follows the target's url,
                                   from a / or ? on; no "." or ".." in it */
    vg_method_t        method;  /* VG_GET to VG_DELETE                        */
    const vg_header_t *headers; /* ends with a NULL name, or NULL            */
    vg_str_t           body;    /* data NULL: none                           */
    const char        *type;    /* of the body; NULL: application/json       */
    vg_str_t           idempotency_key; /* sent as Idempotency-Key, and makes
                                           any method safe to repeat; data
                                           NULL: a job's id (behind its first
                                           step "id/step"), else none; empty:
                                           none, it is sent once            */
    unsigned           flags;
} vg_request_t;

vg_rc_t vg_http(vg_call_t *call, const vg_request_t *request);

/* The same for a mail to one address, in UTF-8, as multipart/alternative where
 * there is html. :outcome is {"code"}, the server's last reply. A mail is only
 * sent again by itself while none of its content has left. */
typedef struct {
    const char *target; /* of the conf: smtp:// or smtps://               */
    vg_str_t    from, to;
    vg_str_t    subject;
    vg_str_t    text;
    vg_str_t    html;            /* data NULL: none                       */
    vg_str_t    idempotency_key; /* its Message-ID's; as above            */
} vg_mail_t;

vg_rc_t vg_mail(vg_call_t *call, const vg_mail_t *mail);

/* In a step's command(), with VG_AWAIT: Argon2id (RFC 9106) in a thread.
 * :outcome is {"hash": "$argon2id$…"}, or {"match": true|false}. A hash whose
 * data is NULL matches nothing, in the same time. :reason is busy when too many
 * wait already. */
vg_rc_t vg_password_hash(vg_call_t *call, vg_str_t password);
vg_rc_t vg_password_check(vg_call_t *call, vg_str_t password, vg_str_t hash);

/* Both: :outcome is {"match": true, "hash": …} of the next one, or
 * {"match": false}, after half of the time. */
vg_rc_t vg_password_change(vg_call_t *call, vg_str_t password, vg_str_t hash,
                           vg_str_t next);

/* In a step's command(), with VG_AWAIT: a document (JSON as paper.h of the room
 * paper has it) as PDF, drawn in a thread. :outcome is {}; its bytes are
 * vg_drawn(), for vg_reply_file() in render(). The same document gives the same
 * bytes. :reason is busy when too many wait already, answer_too_large for more
 * than 2 MiB of JSON or 600 pages. Who has it already (If-None-Match) is told so
 * by what vg_reply_file() makes of it, and nothing is drawn. */
vg_rc_t  vg_paper(vg_call_t *call, vg_str_t document);
vg_str_t vg_drawn(vg_call_t *call);

/* Of a VG_JOB row: the job's id, the same over all its tries; data NULL
 * elsewhere. */
vg_str_t vg_job_id(vg_call_t *call);

/* Which try of the job this is, from 1 on; before the second the other side
 * may have heard the first. 0 elsewhere. */
unsigned vg_job_try(vg_call_t *call);

/* With VG_AWAIT: what the other side said, JSON text; of a charge point the
 * payload of its CALLRESULT. */
vg_str_t vg_outcome(vg_call_t *call);

#pragma GCC visibility pop

#endif /* VG_WAYS_H */
