/*
 * outbound.h: calls to the world, as the files of this room share them.
 *
 * A target is whom we call, on terms of the conf; a post is one call of it
 * with all its tries. Plugins come by vg_http() and vg_mail() of vg.h; what
 * other rooms use is said below.
 */

#ifndef VG_OUTBOUND_H
#define VG_OUTBOUND_H

#include <curl/curl.h>

#include "address.h"
#include "allowance.h"
#include "breaker.h"
#include "host.h"

#define VG_OUTBOUND_NAMED    64    /* targets in the conf                 */
#define VG_OUTBOUND_USERS    256   /* that users named, known at once     */
#define VG_OUTBOUND_POSTS    512   /* under way, of a worker              */
#define VG_OUTBOUND_DEADLINE 40000 /* ms: for all tries of a post        */
#define VG_OUTBOUND_GUARD    2000  /* ms: beyond what libcurl was given   */
#define VG_OUTBOUND_HEADERS  65536 /* bytes of an answer's                */
#define VG_OUTBOUND_URL      2048  /* bytes                               */


/* ------------------------------------------------------------- targets */

/* on which terms a target is called; times in ms */
typedef struct {
    ngx_int_t rate, concurrent, tries, window, trials;
    ngx_int_t wait, backoff, timeout, open, answer;
    ngx_int_t private;  /* may have any address                      */
    ngx_int_t starttls; /* smtp:// alone                             */
    ngx_str_t ca;       /* PEM, read with the conf; len 0: Debian's  */
    ngx_str_t header, prefix, user, secret;
} vg_terms_t;

/* what all workers of the node share of a target */
typedef struct {
    uint64_t    key;  /* hash of its name; 0: free                        */
    uint64_t    used; /* ms: when a call was last begun                  */
    uint64_t    breaker, rate;
    vg_budget_t budget;
    uint32_t    permits[VG_PERMITS];
} vg_target_shared_t;

/* how a post can end; the words are errors of errors.def */
typedef enum {
    VG_END_OK,
    VG_END_UNREACHABLE,
    VG_END_SILENT,
    VG_END_TLS,
    VG_END_UPSTREAM,
    VG_END_REJECTED,
    VG_END_ANSWER_TOO_LARGE,
    VG_END_BREAKER_OPEN,
    VG_END_RATE,
    VG_END_BUSY,
    VG_END_REFUSED_URL,
    VG_END_REFUSED_ADDRESS,
    VG_END_INTERNAL,
    VG_ENDS,
} vg_end_t;

extern const char *const vg_end_words[VG_ENDS];

#define VG_OUTBOUND_BUCKETS 10

typedef struct {
    ngx_atomic_t ends[VG_ENDS];
    ngx_atomic_t tries, retries, unpaid; /* unpaid: beyond the budget     */
    ngx_atomic_t bucket[VG_OUTBOUND_BUCKETS + 1];
    ngx_atomic_t ms;
} vg_target_counts_t;

typedef struct {
    ngx_str_t           name; /* in logs and metrics                      */
    ngx_str_t           url;  /* scheme://host[:port][/base]              */
    vg_terms_t          terms;
    ngx_uint_t          mail;    /* smtp, smtps                           */
    ngx_uint_t          guarded; /* its addresses are looked at           */
    ngx_uint_t          users;   /* not of the conf: in no log            */
    ngx_uint_t          crowd;   /* many hosts in one: no breaker         */
    ngx_uint_t          place;   /* of a named one                        */
    vg_target_shared_t *shared;
    vg_target_counts_t *counts;
    ngx_queue_t         waiting; /* of vg_post_t, of this worker          */
} vg_target_t;

typedef struct {
    vg_terms_t  defaults;
    ngx_array_t targets;  /* of vg_target_t                              */
    ngx_array_t networks; /* of vg_network_t, that users' may have       */
    ngx_flag_t private;   /* users' may have any                         */
    ngx_shm_zone_t *zone;
} vg_outbound_conf_t;

/* terms.c: one directive's words, "key=value" from args[first] on. NULL or
 * what is wrong. */
char *vg_terms_read(ngx_conf_t *cf, vg_terms_t *terms, ngx_uint_t first,
                    ngx_str_t *url);
void  vg_terms_unset(vg_terms_t *terms);
void  vg_terms_merge(vg_terms_t *terms, const vg_terms_t *defaults);
extern const vg_terms_t vg_terms_default;

extern ngx_module_t ngx_http_voltgate_outbound_module;

/* target.c */
size_t       vg_targets_size(void);
void         vg_targets_place(vg_outbound_conf_t *conf);
void         vg_targets_start(vg_outbound_conf_t *conf);
vg_target_t *vg_target_named(const char *name);
/* by "scheme://host:port"; NULL: there is no conf */
vg_target_t *vg_target_of_users(ngx_str_t host);
ngx_uint_t   vg_target_may(const vg_target_t *target, const struct sockaddr *a,
                           socklen_t len);

/* for /metrics */
void vg_outbound_metrics(vg_out_t *out);


/* --------------------------------------------------------- of other rooms */

/* While the conf is read: one more target, cf->args being the words of a
 * voltgate_target. As the handler of a directive. */
char *vg_outbound_target(ngx_conf_t *cf);

/* A GET of a target of the conf, as a way out (outgoing.h) would. */
void vg_outbound_get(vg_call_t *call, const char *target, vg_str_t path,
                     vg_said_pt said, void *data);

/* counts.c */
void vg_counts_heads(vg_out_t *out);
void vg_counts_render(vg_out_t *out, const vg_target_t *target);
void vg_target_count(vg_target_t *target, vg_end_t end, ngx_msec_t ms);


/* --------------------------------------------------------------- posts */

typedef struct vg_post_s vg_post_t;

/* what a try came to */
typedef struct {
    vg_end_t         end;
    vg_breaker_end_t breaker;
    ngx_uint_t       again;  /* a moment's fault, and safe to repeat       */
    ngx_int_t        status; /* for the detail; 0: none                   */
} vg_verdict_t;

/* one of a kind of posts: HTTP, mail */
typedef struct {
    ngx_uint_t apart; /* in a thread, else on the loop                    */
    /* the request, anew for each try */
    vg_rc_t (*prepare)(vg_post_t *post);
    void (*judge)(vg_post_t *post, CURLcode rc, vg_verdict_t *verdict);
    /* after a try that went well: the outcome, as JSON */
    vg_str_t (*tell)(vg_post_t *post);
} vg_post_kind_t;

struct vg_post_s {
    ngx_pool_t           *pool;
    vg_pool_t             arena;
    const vg_post_kind_t *kind;
    const void           *what; /* in the call's arena                    */
    vg_call_t            *call; /* held by who asks until it is told      */
    vg_said_pt            said;
    void                 *data;
    vg_target_t          *target;
    ngx_str_t             url;

    ngx_queue_t       queue; /* of the target's waiting                   */
    ngx_event_t       timer; /* never cancelable: a worker waits for it   */
    ngx_msec_t        begun, asked;
    ngx_int_t         tries;
    int               permit;
    vg_breaker_pass_t pass;
    vg_verdict_t      verdict;

    CURL              *easy;
    void              *apart; /* what a thread has; NULL: none has       */
    struct curl_slist *headers;
    struct curl_slist *recipients;
    curl_mime         *mime;
    char              *answer;
    size_t             length, header_length;
    char               why[CURL_ERROR_SIZE];
    unsigned           waits:1;   /* in the queue                         */
    unsigned           running:1; /* libcurl has it                       */
    unsigned           refused:1; /* an address was                       */
    unsigned           opened:1;  /* one was not                          */
    unsigned           large:1;
    unsigned           stale:1; /* the connection was: see multi.c        */
    unsigned           fresh:1; /* none that was used before will do      */
    unsigned           late:1;  /* a thread has begun it: its last wait   */
    unsigned           left:1;  /* told, and to be freed by vg_post_back() */
};

/* post.c: said is told once, later; target NULL: end says why */
void vg_post_begin(vg_call_t *call, const vg_post_kind_t *kind,
                   vg_target_t *target, ngx_str_t url, vg_end_t end,
                   const void *what, vg_said_pt said, void *data);
void vg_post_ran(vg_post_t *post, CURLcode rc);
void vg_post_back(vg_post_t *post, CURLcode rc);

/* verdict.c: of a try that libcurl could not finish; again: as far as it was a
 * moment's fault */
vg_verdict_t vg_verdict_broken(const vg_post_t *post, CURLcode rc);

/* curl's option, whatever its type; VG_ERROR sticks in rc */
#define VG_POST_SET(rc, post, option, value)                                   \
    do {                                                                       \
        if (curl_easy_setopt((post)->easy, option, value) != CURLE_OK) {       \
            (rc) = VG_ERROR;                                                   \
        }                                                                      \
    } while (0)

/* headers.c: "name: value" behind the others; VG_ERROR: no memory */
vg_rc_t vg_post_header(vg_post_t *post, const char *name, vg_str_t value);
/* the header that libcurl would send by itself is not sent */
vg_rc_t vg_post_without(vg_post_t *post, const char *name);
/* the idempotency key: given, else a job's id; a step of it behind the first
 * has its name there, too. data NULL: none */
vg_str_t vg_post_key(vg_post_t *post, vg_str_t given);

/* multi.c: connections are kept apart, since one that was made without a look
 * at its address must not be used by those who need it */
enum { VG_MULTI_NAMED, VG_MULTI_GUARDED, VG_MULTIS };

ngx_int_t vg_multi_start(void);
void      vg_multi_stop(void);
void      vg_multi_hush(void); /* after each call of libcurl             */
vg_rc_t   vg_multi_add(vg_post_t *post);
void      vg_multi_remove(vg_post_t *post);
/* what all transfers have in common, also those of threads */
vg_rc_t vg_multi_options(vg_post_t *post);

/* apart.c */
ngx_int_t vg_apart_ready(ngx_conf_t *cf); /* if there is a target for mail */
void      vg_apart_start(void);
void      vg_apart_stop(void);
CURL     *vg_apart_open(const vg_target_t *target);
void      vg_apart_close(vg_post_t *post);
vg_rc_t   vg_apart_run(vg_post_t *post);
vg_rc_t   vg_apart_late(vg_post_t *post);

#endif /* VG_OUTBOUND_H */
