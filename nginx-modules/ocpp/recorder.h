/*
 * recorder.h: the flight recorder: the last messages of each charge point, in
 * one file of the node, a ring of fixed size for each.
 *
 * What is kept is redacted before it is written. No call waits for a disk as
 * long as the file lies in memory, and none fails: a message that cannot be
 * kept is not.
 */

#ifndef VG_RECORDER_H
#define VG_RECORDER_H

#include "table.h"

#define VG_RECORDER_LEAST 4096 /* bytes of a ring */
#define VG_RECORDER_MOST  65536

typedef enum {
    VG_RECORD_IN,
    VG_RECORD_OUT,
    VG_RECORD_OPENED,
    VG_RECORD_CLOSED,
    VG_RECORDS,
} vg_record_kind_t;

typedef struct {
    ngx_str_t path; /* len 0: <voltgate_run>/recorder                     */
    size_t    ring; /* bytes; 0: off                                      */
    ngx_int_t rings;
} vg_recorder_conf_t;

/* in the master, for the configuration that is taken into use */
void vg_recorder_open(ngx_cycle_t *cycle, const vg_recorder_conf_t *conf);

/* where one connection writes next; zeroed before its first note */
typedef struct {
    uint64_t   ring, head;
    uint64_t   saved; /* the head that is in the file                     */
    ngx_uint_t known;
} vg_recorder_place_t;

void vg_recorder_note(vg_recorder_place_t *place, vg_str_t identity,
                      vg_record_kind_t kind, vg_str_t text);

#endif /* VG_RECORDER_H */
