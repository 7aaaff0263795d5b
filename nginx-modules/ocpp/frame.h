/*
 * frame.h: OCPP-J 1.6 text frames, in and out, and the actions they may name.
 *
 * Pure C over vg_json.h: knows neither sockets nor the kit, so that it can be
 * unit-tested and fuzzed alone.
 */

#ifndef VG_FRAME_H
#define VG_FRAME_H

#include "vg_json.h"

#define VG_FRAME_ID_MAX  36  /* characters, by the specification         */
#define VG_FRAME_ID_ECHO 255 /* bytes; a longer one is not repeated      */

typedef enum {
    VG_FRAME_CALL = 2,
    VG_FRAME_RESULT = 3,
    VG_FRAME_ERROR = 4,
} vg_frame_type_t;

/* the codes of a CALLERROR; names in vg_frame_code_name() */
typedef enum {
    VG_CODE_NONE,
    VG_CODE_NOT_IMPLEMENTED,
    VG_CODE_NOT_SUPPORTED,
    VG_CODE_INTERNAL,
    VG_CODE_PROTOCOL,
    VG_CODE_SECURITY,
    VG_CODE_FORMATION,
    VG_CODE_PROPERTY,
    VG_CODE_OCCURENCE,
    VG_CODE_TYPE,
    VG_CODE_GENERIC,
    VG_CODES,
} vg_code_t;

typedef enum {
    VG_FRAME_GOOD,
    VG_FRAME_REFUSED,    /* type and id are known, the rest is wrong: a CALL
                            is answered with code, an answer fails the
                            command that waits for it                     */
    VG_FRAME_IGNORED,    /* a message type of another version             */
    VG_FRAME_UNREADABLE, /* no id to answer to: to be logged              */
} vg_verdict_t;

typedef struct {
    vg_frame_type_t  type;
    vg_str_t         id;
    vg_str_t         action;      /* CALL                                 */
    vg_str_t         payload;     /* object; "{}" for null. CALL, RESULT  */
    const vg_json_t *body;        /* the same, parsed; NULL for null      */
    vg_str_t         error_code;  /* ERROR: as the charger wrote it       */
    vg_str_t         description; /* ERROR                                */
    vg_code_t        code;        /* REFUSED                              */
    const char      *why;         /* all but GOOD; static                 */
} vg_frame_t;

/* text must live as long as the frame; the rest lies in pool. */
vg_verdict_t vg_frame_parse(vg_pool_t *pool, vg_str_t text, vg_frame_t *frame);

/* data NULL: no memory. payload is an object's JSON text. */
vg_str_t vg_frame_call(vg_pool_t *pool, vg_str_t id, vg_str_t action,
                       vg_str_t payload);
vg_str_t vg_frame_result(vg_pool_t *pool, vg_str_t id, vg_str_t payload);
vg_str_t vg_frame_error(vg_pool_t *pool, vg_str_t id, vg_code_t code,
                        const char *description);

const char *vg_frame_code_name(vg_code_t code);


/* ---------------------------------------------------------------- actions */

#define VG_ACTION_IN     0x01 /* a charge point may call it              */
#define VG_ACTION_OUT    0x02 /* the central system may call it          */
#define VG_ACTION_BOOT   0x04 /* taken before the charger is accepted    */
#define VG_ACTION_REMOTE 0x08 /* not sent while the charger is pending   */

typedef struct {
    const char *name;
    unsigned    flags;
} vg_action_t;

#define VG_ACTIONS 39 /* DataTransfer goes both ways and stands once      */

extern const vg_action_t vg_actions[VG_ACTIONS];

/* NULL: no action of OCPP 1.6 or of its security extension */
const vg_action_t *vg_action_find(vg_str_t name);

#endif /* VG_FRAME_H */
