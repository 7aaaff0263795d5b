/*
 * paper.h: a document, as JSON, on pages of A4, as PDF. Pure C; whatever the
 * texts hold, its time and memory are bounded by how long the document is.
 *
 *   { "title", "author",         what the file says of itself
 *     "running": [left, right],  at the top of each page but the first
 *     "foot": [line, …],         at the bottom of each; 4 at most
 *     "number": "{page}/{pages}",
 *     "blocks": [ {
 *         "widths": [3, 1],      a column each, as shares of the page; 8
 *         "align": "LR",         L, R, C
 *         "size": 9,             points; 6 to 24
 *         "before": 12,          points above it
 *         "bold", "grey", "lines": true,   lines: under each row
 *         "together": true,      not across pages, unless it has to
 *         "head": [text, …],     again on each page that it goes on to
 *         "rows": [ [text, …], { "bold": true, "rule": true, "cells": […] } ]
 *     } ] }                    rule: above the row, from its first text on
 *
 * A text may have lines ("\n"); what is wider than its column is wrapped, and
 * behind 40 lines cut. The same document gives the same bytes.
 */

#ifndef VG_PAPER_H
#define VG_PAPER_H

#include "vg_json.h"

#define VG_PAPER_MAX                                                           \
    ((size_t) 2 * 1024 * 1024) /* bytes of a document               */
#define VG_PAPER_ROWS 20000

typedef enum {
    VG_PAPER_OK,
    VG_PAPER_NONSENSE, /* not such a document                           */
    VG_PAPER_LONG,     /* more than the bounds above, or 600 pages      */
    VG_PAPER_BROKEN,   /* no fonts, no memory                           */
} vg_paper_rc_t;

/* folder: where DejaVuSans.ttf and DejaVuSans-Bold.ttf are. *pdf is by
 * malloc(). */
vg_paper_rc_t vg_paper_draw(const char *folder, vg_str_t document, char **pdf,
                            size_t *len);

#endif /* VG_PAPER_H */
