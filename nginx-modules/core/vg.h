/*
 * vg.h: the one header that a plugin includes, and the manual of the kit.
 *
 * A plugin is data and code: tables of routes, fields and errors, statements
 * in sql/queries, and hooks for what neither table nor SQL should decide.
 * The host owns connections, timers, sockets and memory. No hook ever waits.
 *
 * Lifetimes: what a hook gets from vg_* lives as long as the call and is freed
 * with it; nothing is freed by hand. Manifest tables are static and const.
 *
 * Results: VG_OK go on, VG_DONE answered (the kit sends what was answered),
 * VG_DECLINED not mine, VG_ERROR refused or broken (vg_refuse() said which).
 */

#ifndef VG_H
#define VG_H

#include <stddef.h>
#include <stdint.h>

#include "vg_json.h"

#define VG_ABI 9

#pragma GCC visibility push(default)

typedef enum {
    VG_OK = 0,
    VG_ERROR = -1,
    VG_DONE = -4,
    VG_DECLINED = -5,
} vg_rc_t;

#define VG_MUST_CHECK __attribute__((warn_unused_result))

typedef struct vg_call_s vg_call_t; /* one call, from route to answer */


/* ---------------------------------------------------------------- fields */

typedef enum {
    VG_TEXT,    /* string; min, max count characters; never holds a NUL  */
    VG_INT,     /* integer in 64 bits; min, max bound the value          */
    VG_DECIMAL, /* exact decimal, at most 18 digits and 9 behind the
                   point; min, max bound the value                       */
    VG_BOOL,
    VG_UUID,
    VG_TIME,   /* RFC 3339 with offset, years 1970 to 9999                 */
    VG_ENUM,   /* one of values, "A|B|C"                                   */
    VG_OBJECT, /* members are fields; bound as jsonb                     */
    VG_ARRAY,  /* items are like item; min, max count them; jsonb        */
    VG_ANY,    /* any JSON value, as deep as the kit allows; jsonb       */
} vg_type_t;

typedef enum {
    VG_BODY,    /* member of the JSON body, of an OCPP payload, of an
                 event's payload, of an ask's arguments              */
    VG_PATH,    /* "{name}" of the path: all of them, in its order     */
    VG_QUERY,   /* query parameter                                     */
    VG_BOUND,   /* not from outside: a hook binds it by vg_bind()      */
    VG_SETTING, /* not from outside: the plugin's setting of that name,
                   "holdAhead" of "hold_ahead", whose type is the same */
} vg_in_t;

#define VG_REQUIRED 0x01 /* absent is an error; else absent binds NULL   */
#define VG_NULLABLE 0x02 /* JSON null is taken and binds NULL            */
#define VG_SECRET   0x04 /* shown in no log and no error                 */
#define VG_LENIENT                                                             \
    0x08 /* VG_ENUM: another value is taken as it is;
                            VG_TIME: no offset means UTC                 */

typedef struct vg_field_s vg_field_t;
struct vg_field_s {
    vg_in_t           in;
    const char       *name; /* camelCase; ":name" in the statement       */
    vg_type_t         type;
    unsigned          flags;
    int64_t           min, max; /* both 0: the type's own limits         */
    const char       *values;   /* VG_ENUM                               */
    const vg_field_t *fields;   /* VG_OBJECT: its members                */
    const vg_field_t *item;     /* VG_ARRAY: the shape of one item       */
    const char       *about;    /* one line, with unit, for OpenAPI      */
};

/* ends a table of fields */
#define VG_FIELDS_END                                                          \
    {                                                                          \
        VG_BODY, NULL, VG_ANY, 0, 0, 0, NULL, NULL, NULL, NULL                 \
    }


/* ---------------------------------------------------------------- routes */

typedef enum {
    VG_GET,
    VG_POST,
    VG_PUT,
    VG_PATCH,
    VG_DELETE,
    VG_INTERNAL, /* path is "object.verb"; asked by vg_ask() alone       */
    VG_OCPP16,   /* path is the action of a CALL from a charge point     */
    VG_EVENT,    /* path is the event's type                             */
    VG_EVERY,    /* path is a period: "30s", "5m"                        */
    VG_JOB,      /* path is the kind of a row of vg.job: "webhook.deliver" */
    VG_HOOK,     /* path is another plugin's route: "POST /stations",
                    "OCPP16 MeterValues", "OCPP16 *"; see stands         */
    VG_KEEP,     /* made of the manifest's keeps: path is the table          */
} vg_method_t;

typedef vg_rc_t (*vg_hook_pt)(vg_call_t *call);

/* A step that runs after the answer of its route was sent (and committed).
 * command() binds what is asked: an OCPP CALL by vg_command(), a request by
 * vg_http(), a mail by vg_mail(), another plugin by vg_inquire(); or nothing,
 * and where it is awaited the call goes on. Then done is run with :outcome
 * (what was said, as jsonb), or undo, with :reason (an error's name), when the
 * step fails, times out or is refused by command(). Where it is awaited, told()
 * comes before the statement: it may read vg_outcome(), bind what it means, or
 * refuse it. done and undo are statements of
 * the plugin, with the route's fields and row at hand. A process that dies
 * in between leaves the row in its starting state: a VG_EVERY route of the
 * plugin must end such rows by their deadline.
 *
 * A job is what a consumer leaves for later, since it calls nobody itself:
 *
 *   insert into vg.job (plugin, kind, payload, correlation_id)
 *   values (:vgPlugin, 'webhook.deliver', …, :correlationId)
 *
 * in any change of the plugin (also key, next_at, traceparent, actor_id; `on
 * conflict do nothing` where key says what must not be there twice). Where a
 * function of the plugin does it, the statement's head says vg.job, or it is
 * done seconds later. The VG_JOB row's fields check the payload, its steps are
 * awaited, then the statement is run with :outcome, and the job is gone in the
 * same commit. What fails is tried again, after 1 s doubling to 15 min; after
 * the last try steps[0].undo is run with :reason, and the job is kept as dead
 * in the same commit. At least once: the other side may be called again when a
 * worker dies, with the same idempotency key, which is the job's id (:jobId). */
typedef struct {
    const char *name;
    vg_hook_pt  command;
    const char *done;
    const char *undo;
    vg_hook_pt  told;
} vg_step_t;

#define VG_PUBLIC "-" /* scope: no identity needed                       */

#define VG_LIST 0x01 /* rows (body, cursor): answered as a page   */
#define VG_APPEND                                                              \
    0x02 /* many small rows: the append lane. The
                               statement may say `from :each(a, b) as t
                               (a, b, call)`: then it is run once for all
                               that came meanwhile, and its answer is
                               (call, status, body, wake), a row for each */
#define VG_TRANSACTION                                                         \
    0x04                /* OCPP: answered with success even when the
                               fields are wrong; then statement
                               `<statement>_quarantine` gets :payload,
                               and :reason where the statement answered
                               `quarantine` with one as its body         */
#define VG_NO_BODY 0x08 /* a POST that takes none                    */
#define VG_AWAIT                                                               \
    0x10 /* the steps run after check() and before the
                               statement, and the caller waits: what the
                               other side said is vg_outcome(); what it did
                               not say ends the call. Of several each is
                               asked when the one before has answered, and
                               it is {"name of a step": what was said}    */
#define VG_HERE                                                                \
    0x100 /* VG_EVENT: told to every node, to one of its workers, from the
                               log; only `drops` and check(), which puts
                               words: there is no statement              */

#define VG_FORM                                                                \
    0x200 /* POST: application/x-www-form-urlencoded is taken, too; each
                               of its fields is a string member of the body */
#define VG_OAUTH                                                               \
    0x400 /* an endpoint of OAuth 2.0: errors in the form of RFC 6749,
                               5.2, under the plugin's own names; no answer
                               is stored; HTTP Basic gives client_id and
                               client_secret (2.3.1). Its scope is VG_PUBLIC,
                               and who the client is, the plugin's to find */
#define VG_AUDITED                                                             \
    0x800 /* of HTTP: the audit trail has it, too, though it
                               changes nothing here; each change and each
                               refusal are in it as they are              */

#define VG_ROWS                                                                \
    0x20 /* POST of CSV or GeoJSON: the fields are
                               those of one row, and each row is a call
                               of its own: created, or ok when it was
                               there; answers {imported, unchanged,
                               failures, failed:[{row, errors}]}         */
#define VG_STREAM                                                              \
    0x40 /* a GET whose answer goes on: the statement, a
                               read, gives one row (body, id, over), and is
                               read anew when the topic moves, which is the
                               path's first value: an event about this
                               aggregateId, or {"wake": topic} in a change's
                               events. A frame whose id is the last one's is
                               not sent; over ends the stream after it. Who asks for
                               neither SSE nor WebSocket gets one frame   */
#define VG_EVERYBODYS                                                          \
    0x1000 /* of HTTP: the same for all who have the scope. Without
                               it a statement names :callerId, :callerRole
                               or :callerCompany, or the plugin stays out */

#define VG_RAW                                                                 \
    0x2000 /* a POST whose body is taken as it comes, of any type: nothing
                               of it is a field, see vg_raw_body()        */

#define VG_OPTIONAL                                                            \
    0x4000 /* VG_HOOK: where it fails (500 and above, or its plugin is
                               out or paused) the call goes on without it   */

/* A VG_HOOK row stands at another plugin's route, of HTTP or of a charge point.
 * Its fields are what it looks at of what came there (others may be there, too,
 * and a path's values are in the path's order); caller, body, payload and
 * correlation are that call's. It may load, read, and wait as any row, and
 * changes nothing by its statement. What it refuses is refused. Where:
 *
 *   "before fields"   what vg_reply() says takes the body's place
 *   else              behind the fields and before the route: it looks
 *   "after PLUGIN"    the route's own: vg_row() is the answer, if that is
 *                     JSON, and what vg_reply() says takes its place
 *
 * `stands` says more of them, by comma: before or after auth, fields, the
 * route's plugin, others with hooks there. Before auth there is no place, and
 * a circle is an error of the conf. */
typedef struct {
    vg_method_t       method;
    const char       *path;
    const char       *scope; /* "stations:write"; NULL: any identity     */
    const vg_field_t *fields;
    const char       *load;  /* a read, before check(): see vg_row()     */
    vg_hook_pt        check; /* after the fields, before the statement   */
    const char       *lock;  /* one row that serialises the decision     */
    const char       *statement;
    vg_hook_pt        render; /* makes the answer from the row           */
    unsigned          flags;
    const vg_step_t  *steps; /* ends with a NULL name                    */
    const char       *about;
    const char       *cache;  /* VG_GET: the statement's row is the same for
                                all who may ask, and is kept under these
                                tags: "station:{id}"                     */
    const char       *drops;  /* tags whose answers a change makes old, or
                                an event that is told here               */
    const char       *stands; /* VG_HOOK: "after auth, before charging"   */
} vg_route_t;

/* ends a table of routes */
#define VG_ROUTES_END                                                          \
    {                                                                          \
        VG_GET, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, \
            NULL, NULL, NULL                                                   \
    }

/* The plugin's own refusals. The kit's (errors.def) may be used by name too:
 * validation, not_found, conflict, forbidden, unprocessable ... A violated
 * constraint that is named like an error is answered with that error. */
typedef struct {
    const char *name; /* snake_case                                      */
    int         status;
    const char *title;
} vg_error_t;

/* A setting of the plugin: `voltgate_setting plugin.name value;`. A value that
 * its type does not take is refused when the conf is read, and so is a version
 * of the plugin that the conf's values do not fit. Statements have it as a
 * field in VG_SETTING, hooks by vg_setting(). */
typedef struct {
    const char *name;     /* snake_case                                      */
    vg_type_t   type;     /* VG_TEXT, VG_INT, VG_DECIMAL, VG_BOOL (on, off)
                         or VG_ENUM                                      */
    const char *value;    /* the default                                    */
    const char *about;    /* what it is, with unit, and what follows when it
                          is changed                                     */
    int64_t     min, max; /* as a field's                                */
    const char *values;   /* VG_ENUM                                     */
    const char *(*wrong)(const char *value); /* VG_TEXT with a grammar: NULL,
                                                or what is wrong, as the end
                                                of "it ..."              */
} vg_setting_t;


#include "vg_tables.h"

typedef struct {
    int                 abi; /* VG_ABI */
    const char         *name;
    const char         *version;
    const char         *about;
    const vg_route_t   *routes;
    const vg_error_t   *errors;    /* ends with a NULL name, or NULL      */
    const vg_setting_t *settings;  /* ends with a NULL name, or NULL      */
    const char *const  *publishes; /* event types, NULL-ended, or NULL   */
    const char *(*probe)(void);    /* before a version is taken into use: NULL,
                                   or why it cannot be; NULL: no probe   */
    const vg_saga_t    *sagas;     /* ends with a NULL name, or NULL         */
    const vg_keep_t    *keeps;     /* ends with a NULL table, or NULL        */
    const vg_counter_t *counters;  /* ends with a NULL name, or NULL         */
} vg_plugin_t;

/* the one symbol that a plugin exports */
extern const vg_plugin_t vg_plugin;


/* ------------------------------------------------------- inside of a hook */

/* The call's arena, for vg_json_* and vg_out_*. */
vg_pool_t *vg_pool(vg_call_t *call);

/* The checked value of a field, by name; NULL when absent or JSON null.
 * Path and query values are strings, whatever their field's type. */
const vg_json_t *vg_get(vg_call_t *call, const char *name);

/* The whole checked body (payload, arguments); NULL when there is none. */
const vg_json_t *vg_body(vg_call_t *call);

/* In check(): the `body` of the loaded row. In render(): the `body` of the
 * statement's row, else of the loaded row. NULL when there is none. */
const vg_json_t *vg_row(vg_call_t *call);

/* The text that vg_row() would parse; data NULL when there is none. */
vg_str_t vg_row_text(vg_call_t *call);

/* Binds a VG_BOUND field. value.data NULL binds NULL. The bytes must live as
 * long as the call (vg_alloc, vg_out_*, literals). */
vg_rc_t vg_bind(vg_call_t *call, const char *name,
                vg_str_t value) VG_MUST_CHECK;

/* What was bound so; data NULL when nothing was (also in a replayed answer:
 * a secret that is shown once is bound, rendered, and never stored). */
vg_str_t vg_bound(vg_call_t *call, const char *name);

/* Refuses the call by an error's name; always returns VG_ERROR. */
vg_rc_t vg_refuse(vg_call_t *call, const char *error);

/* The same with members for the problem document: detail is a JSON object. */
vg_rc_t vg_refuse_with(vg_call_t *call, const char *error, vg_str_t detail);

/* Adds "field": "message" to the validation answer; returns VG_ERROR. May be
 * called for several fields before the hook returns VG_ERROR. */
vg_rc_t vg_refuse_field(vg_call_t *call, const char *field,
                        const char *message);

/* In render() of a row with `cache`: this answer came out of the cache. Then
 * render() may return VG_DECLINED, and the statement is asked after all. */
bool vg_kept(vg_call_t *call);

/* Words beside the cache: numbers below VG_WORD_MAX by name, the plugin's own,
 * of this node, for what changes more often than the answers around it. `at`
 * says since when it is so, in microseconds; the later one stays, in whatever
 * order they come. Both return what it is now; -1: not known, or no room. */
#define VG_WORD_MAX 4095
int vg_word_put(vg_call_t *call, vg_str_t name, int64_t at, int word);
int vg_word(vg_call_t *call, vg_str_t name);

/* Answers with 200 (or, after a statement, with the status that it chose)
 * and this JSON text; returns VG_DONE. */
vg_rc_t vg_reply(vg_call_t *call, vg_str_t body);

/* Asks a route that waits for nobody (a VG_INTERNAL one without load, statement
 * and steps), in process. args is a JSON object. VG_OK: *answer is its JSON;
 * VG_DECLINED: no plugin has that route, or it refused, which is logged: what
 * that means is the hook's to say; VG_ERROR: broken, and so is the call. */
vg_rc_t vg_ask(vg_call_t *call, const char *route, vg_str_t args,
               vg_str_t *answer) VG_MUST_CHECK;

/* The names of the plugins that have such a row, as a JSON array; `*` in the
 * path is the plugin's own name: who hears (VG_EVENT, "customer.moved.v1"), who
 * offers (VG_INTERNAL, "*.customer_export"). One that could not be read is
 * among them: what it has is not known. */
vg_str_t vg_plugins_with(vg_call_t *call, vg_method_t method, const char *path);

/* So many random bytes, as base64url without padding. data NULL: broken. */
vg_str_t vg_secret(vg_call_t *call, size_t bytes);

/* SHA-256 over salt and text, in lower-case hex. data NULL: broken. */
vg_str_t vg_sha256(vg_call_t *call, vg_str_t salt, vg_str_t text);

/* In check() of a route without load or awaited step: the body's bytes, and
 * the first header of that name; data NULL: there is none. */
vg_str_t vg_raw_body(vg_call_t *call);
vg_str_t vg_header(vg_call_t *call, const char *name);

/* Whether signature is HMAC-SHA256, in lower-case hex, over before and text,
 * with a secret of this plugin's that the conf names so (`voltgate_secret
 * plugin.name FILE [FILE];`, two while one takes over). Takes as long whatever
 * is wrong with it. VG_OK; VG_ERROR: not; VG_DECLINED: there is no secret. */
vg_rc_t vg_signed(vg_call_t *call, vg_str_t name, vg_str_t before,
                  vg_str_t text, vg_str_t signature) VG_MUST_CHECK;

/* vg_reply() of another type; data NULL as there. */
vg_rc_t vg_reply_as(vg_call_t *call, const char *type,
                    vg_str_t body) VG_MUST_CHECK;

/* ... of a file, which clients show or save under this name; of what is no
 * letter, digit, '.', '-' or '_' in it a '_' is made. */
vg_rc_t vg_reply_file(vg_call_t *call, const char *type, vg_str_t name,
                      vg_str_t body) VG_MUST_CHECK;

/* An array of objects as lines of CSV; data NULL: no memory. */
vg_str_t vg_csv(vg_call_t *call, const vg_json_t *items);

/* A signed access token of this house (RFC 7519), valid from now on; data
 * NULL: there is no key, or it is broken, which was logged. Strings need no
 * escapes. */
typedef struct {
    vg_str_t subject;
    vg_str_t role;
    vg_str_t company;  /* empty: none                                     */
    vg_str_t scope;    /* words by one space; data NULL: all of the role's */
    vg_str_t session;  /* what it can be revoked by, beside its subject    */
    int64_t  lifetime; /* s                                               */
} vg_token_t;

vg_str_t vg_token_mint(vg_call_t *call, const vg_token_t *token);

/* What a token says that is valid now, as an object: iss, aud, sub, role,
 * company, scope, sid, jti, iat, exp, those that it has; data NULL: it is not
 * valid. */
vg_str_t vg_token_read(vg_call_t *call, vg_str_t token);

/* What the flight recorder of this node holds of a charge point, from us to us
 * of Unix time, newest first, as a page: {"items":[…],"nextCursor":null}. That
 * the caller may see it is the plugin's to know. data NULL: no memory. */
vg_str_t vg_messages(vg_call_t *call, vg_str_t charge_point, int64_t from,
                     int64_t to);

/* Who is calling. Never NULL; empty strings for chargers and events. */
typedef struct {
    vg_str_t id;      /* subject                                         */
    vg_str_t role;    /* driver, operator, fleet_manager, planner,
                         partner, admin; charger; system                 */
    vg_str_t company; /* id of the company, or empty                     */
    vg_str_t scopes;  /* that the identity is narrowed to, by one space;
                         data NULL: all of the role's                    */
    vg_str_t session; /* what it is revoked by beside id: a token's sid, a
                         key's id; or empty                              */
    vg_str_t plan;    /* how often it may call, by name; empty: the role's */
} vg_caller_t;

const vg_caller_t *vg_caller(vg_call_t *call);

/* Whether those of a role may have a scope at all. */
bool vg_role_may(vg_call_t *call, vg_str_t role, vg_str_t scope);

/* From where: the client's IP address; data NULL: it did not come by HTTP. */
vg_str_t vg_address(vg_call_t *call);

/* Who it turned out to be, where no identity came with the call: who logs in,
 * well or not. For the audit trail alone. */
void vg_acts(vg_call_t *call, vg_str_t id);

/* When the call began: microseconds since 1970-01-01T00:00:00Z. */
int64_t vg_now(vg_call_t *call);

/* The value of one of the plugin's settings; never NULL for a known name. */
const char *vg_setting(vg_call_t *call, const char *name);

/* The same of one that is VG_INT; 0 for a name that is not known. */
int64_t vg_setting_int(vg_call_t *call, const char *name);

typedef enum { VG_LOG_ERROR, VG_LOG_WARN, VG_LOG_INFO } vg_level_t;

/* So many more of one of the plugin's counters; value: of its label, NULL where
 * it has none. At once, and whatever becomes of the call. false: the manifest
 * has no such counter or value, which is logged. */
bool vg_count(vg_call_t *call, const char *name, const char *value,
              uint64_t more);

/* One line in the error log, with plugin and correlation id. No secrets. */
void vg_log(vg_call_t *call, vg_level_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#pragma GCC visibility pop

#include "vg_ways.h"

#endif /* VG_H */
