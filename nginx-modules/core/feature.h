/*
 * feature.h: the features of a GeoJSON FeatureCollection (RFC 7946), one by
 * one from a text that comes in parts. Pure C over vg_json.h.
 */

#ifndef VG_FEATURE_H
#define VG_FEATURE_H

#include "vg_json.h"

typedef enum {
    VG_FEATURE_ONE,
    VG_FEATURE_MORE, /* text ends inside of one, and last is false       */
    VG_FEATURE_END,
    VG_FEATURE_WRONG /* no collection of features                        */
} vg_feature_rc_t;

/* Takes one feature off the front of text; begun is false at first, and kept
 * by the caller. The feature points into text, and need not be good JSON. */
vg_feature_rc_t vg_feature_next(vg_str_t *text, bool last, bool *begun,
                                vg_str_t *feature);

#endif /* VG_FEATURE_H */
