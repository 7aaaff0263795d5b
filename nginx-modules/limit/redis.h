/*
 * redis.h: one connection of each worker to Redis, as the conf has it.
 */

#ifndef VG_REDIS_H
#define VG_REDIS_H

#include "limit.h"

struct vg_redis_conf_s {
    ngx_str_t   host; /* as the certificate has to have it                */
    ngx_addr_t *addrs;
    ngx_uint_t  naddrs;
    ngx_str_t   user;     /* len 0: the default one                       */
    ngx_str_t   password; /* file; read at each connect                   */
    ngx_str_t   prefix;   /* of keys                                      */
    ngx_str_t   ca;       /* PEM file; len 0: Debian's                    */
    ngx_msec_t  timeout;  /* of a question                                */
    ngx_ssl_t  *ssl;      /* NULL: without                                */
};

/* redis_words.c: commands as Redis reads them; false: no memory. */
typedef struct {
    char  *data;
    size_t len, size, sent;
} vg_redis_out_t;

extern const char vg_redis_script[];

bool vg_redis_say(vg_redis_out_t *out, int argc, const char **argv,
                  const size_t *lens);
bool vg_redis_say_ask(vg_redis_out_t *out, const char *sha,
                      const ngx_str_t *prefix, const vg_redis_ask_t *ask);

/* an answer to an ask; false: it is none */
bool vg_redis_take(vg_redis_ask_t *ask, const void *reply);


typedef enum { VG_REDIS_DOWN, VG_REDIS_GREETS, VG_REDIS_UP } vg_redis_state_t;

/* of this worker */
typedef struct {
    vg_redis_conf_t    *conf;
    vg_redis_state_t    state;
    ngx_connection_t   *connection;
    struct redisReader *reader;
    size_t              fed; /* to it since the last whole answer        */
    vg_redis_out_t      out;
    ngx_queue_t         waiting; /* of vg_redis_ask_t, the first one first */
    ngx_uint_t          length;
    ngx_uint_t          answers; /* of the greeting that are still to come */
    ngx_msec_t          greeted;
    ngx_uint_t          failures; /* in a row                             */
    ngx_uint_t          address;  /* the next one                          */
    char                sha[41];  /* of the script                         */
    ngx_event_t         timer;    /* of the first question, or the next try  */
    ngx_event_t         flush;
} vg_redis_t;

extern vg_redis_t vg_redis;

/* redis_link.c; greeted: NULL, or what is wrong with the answer */
struct redisReply;
void        vg_redis_open(void);
void        vg_redis_close(void);
void        vg_redis_timer_set(ngx_msec_t ms);
const char *vg_redis_greeted(const struct redisReply *reply);

/* redis.c */
void vg_redis_read(ngx_event_t *ev);
void vg_redis_write(ngx_event_t *ev);
void vg_redis_watch(void);
void vg_redis_fail(const char *why);

#endif /* VG_REDIS_H */
