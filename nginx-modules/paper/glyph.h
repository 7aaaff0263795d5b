/*
 * glyph.h: which glyphs of a font have to be in the file.
 */

#ifndef VG_GLYPH_H
#define VG_GLYPH_H

#include <hpdf.h>

/* Before the document is written: of glyphs that are made of others, those,
 * too. libharu takes along only what the used ones name themselves, and leaves
 * out what these are made of in turn (in DejaVu, of the letter yi the i without
 * a dot). */
void vg_glyphs_complete(HPDF_Font font);

#endif /* VG_GLYPH_H */
