/*
 * message.h: what OCPP 1.6 and its security whitepaper let a payload to a
 * charge point be. Pure: knows neither calls nor sockets.
 */

#ifndef STATIONS_MESSAGE_H
#define STATIONS_MESSAGE_H

#include "vg_json.h"

typedef enum {
    MESSAGE_TEXT,   /* max characters; 0: any length                      */
    MESSAGE_INT,    /* min to max; both 0: 32 bits                        */
    MESSAGE_TENTH,  /* decimal, not negative, one digit behind the point  */
    MESSAGE_TIME,   /* RFC 3339 with an offset                            */
    MESSAGE_URI,    /* with a scheme                                      */
    MESSAGE_ENUM,   /* one of values, "A|B|C"                             */
    MESSAGE_OBJECT, /* members are parts                                  */
    MESSAGE_LIST,   /* min to max items (max 0: any), each like parts[0]  */
} message_type_t;

typedef struct message_part_s message_part_t;
struct message_part_s {
    const char           *name;
    message_type_t        type;
    bool                  required;
    int64_t               min, max;
    const char           *values;
    const message_part_t *parts; /* ends with a NULL name                 */
};

typedef struct {
    const char           *action;
    const message_part_t *parts; /* NULL: none                            */
} message_t;

/* message_basic.c, message_security.c; end with a NULL action */
extern const message_t message_basic[];
extern const message_t message_security[];

/* wrong() hears of each fault: path is "member.member[2].member" and lives in
 * pool, text is static. False when there was one, when the action is none of
 * OCPP 1.6, or when memory ran out. */
typedef void (*message_wrong_pt)(void *data, const char *path,
                                 const char *text);

bool message_check(vg_pool_t *pool, vg_str_t action, const vg_json_t *payload,
                   message_wrong_pt wrong, void *data);

/* RFC 3339, with an offset, a day that there is */
bool message_time(vg_str_t text);

#endif /* STATIONS_MESSAGE_H */
