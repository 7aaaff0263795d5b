/*
 * canvas.h: pages, texts and lines over libharu. Points of 1/72 inch, from the
 * upper left corner of an A4 page.
 */

#ifndef VG_CANVAS_H
#define VG_CANVAS_H

#include <hpdf.h>

#include "letters.h"

#define VG_CANVAS_PAGES  600
#define VG_CANVAS_WIDTH  595.276f
#define VG_CANVAS_HEIGHT 841.89f

typedef struct {
    HPDF_Doc  doc;
    HPDF_Font fonts[2]; /* regular, bold                                   */
    HPDF_Page pages[VG_CANVAS_PAGES];
    HPDF_Page page; /* that is drawn on                                    */
    size_t    count;
    bool      failed; /* sticks                                            */
} vg_canvas_t;

typedef struct {
    float size;
    float grey; /* 0 black to 1 white                                      */
    bool  bold;
} vg_pen_t;

/* folder: with DejaVuSans.ttf and DejaVuSans-Bold.ttf. False: cannot be had;
 * vg_canvas_close() all the same. */
bool vg_canvas_open(vg_canvas_t *canvas, const char *folder);
void vg_canvas_close(vg_canvas_t *canvas);

/* which version of the library draws */
const char *vg_canvas_library(void);

void vg_canvas_about(vg_canvas_t *canvas, const char *title,
                     const char *author);

/* A new page, which is drawn on from now on. */
void vg_canvas_page(vg_canvas_t *canvas);
void vg_canvas_turn(vg_canvas_t *canvas, size_t page); /* from 0 */

float vg_canvas_width(const vg_canvas_t *canvas, const vg_pen_t *pen,
                      const vg_letters_t *line);
float vg_canvas_letter(const vg_canvas_t *canvas, const vg_pen_t *pen,
                       uint32_t code);

/* x, y: where its base line begins */
void vg_canvas_text(vg_canvas_t *canvas, const vg_pen_t *pen, float x, float y,
                    const vg_letters_t *line);

void vg_canvas_rule(vg_canvas_t *canvas, float x, float y, float width,
                    float thick, float grey);

/* All of it as PDF, by malloc(); NULL: something went wrong on the way. */
char *vg_canvas_bytes(vg_canvas_t *canvas, size_t *len);

#endif /* VG_CANVAS_H */
