/*
 * glyph.c: see glyph.h. The table `glyf` of TrueType, read from the stream
 * that libharu has of the font.
 */

#include <stdbool.h>
#include <stdint.h>

#include "glyph.h"

#include <hpdf_font.h>

#define COMPOSITE   (-1)
#define WORDS       0x0001
#define SCALE       0x0008
#define MORE        0x0020
#define SCALES      0x0040
#define TWO_BY_TWO  0x0080
#define PARTS       64 /* of one glyph                                     */
#define GENERATIONS 8
#define HEAD        10 /* contours, and the box around them                */


static bool
glyph_word(HPDF_Stream stream, uint16_t *word)
{
    HPDF_BYTE bytes[2];
    HPDF_UINT size = sizeof(bytes);

    if (HPDF_Stream_Read(stream, bytes, &size) != HPDF_OK
        || size != sizeof(bytes)) {
        return false;
    }
    *word = (uint16_t) (bytes[0] << 8 | bytes[1]);
    return true;
}


static long
glyph_at(const HPDF_TTFontDefAttr_Rec *font, unsigned glyph)
{
    long at = (long) font->glyph_tbl.offsets[glyph];

    return (long) font->glyph_tbl.base_offset
           + (font->header.index_to_loc_format == 0 ? 2 * at : at);
}


/* how many bytes follow the two words of a part */
static long
part_rest(uint16_t flags)
{
    long rest = (flags & WORDS) ? 4 : 2;

    rest += (flags & SCALE) ? 2 : (flags & SCALES) ? 4 : 0;
    return rest + ((flags & TWO_BY_TWO) ? 8 : 0);
}


/* Takes along what a glyph is made of; true: something new. */
static bool
glyph_parts(const HPDF_TTFontDefAttr_Rec *font, unsigned glyph)
{
    int      n;
    bool     fresh = false;
    long     at = glyph_at(font, glyph);
    uint16_t contours, flags = MORE, part;

    if (glyph_at(font, glyph + 1) == at
        || HPDF_Stream_Seek(font->stream, (HPDF_INT) at, HPDF_SEEK_SET)
               != HPDF_OK
        || !glyph_word(font->stream, &contours)
        || (int16_t) contours != COMPOSITE)
    {
        return false;
    }
    at += HEAD;
    for (n = 0; n < PARTS && (flags & MORE); n++) {
        if (HPDF_Stream_Seek(font->stream, (HPDF_INT) at, HPDF_SEEK_SET)
                != HPDF_OK
            || !glyph_word(font->stream, &flags)
            || !glyph_word(font->stream, &part))
        {
            break;
        }
        if (part < font->num_glyphs && !font->glyph_tbl.flgs[part]) {
            font->glyph_tbl.flgs[part] = 1;
            fresh = true;
        }
        at += 4 + part_rest(flags);
    }
    return fresh;
}


void
vg_glyphs_complete(HPDF_Font font)
{
    int                           n;
    bool                          fresh = true;
    unsigned                      glyph;
    const HPDF_FontAttr_Rec      *attr = font->attr;
    const HPDF_TTFontDefAttr_Rec *def = attr->fontdef->attr;

    for (n = 0; n < GENERATIONS && fresh; n++) {
        fresh = false;
        for (glyph = 0; glyph + 1 < def->num_glyphs; glyph++) {
            if (def->glyph_tbl.flgs[glyph]) {
                fresh |= glyph_parts(def, glyph);
            }
        }
    }
}
