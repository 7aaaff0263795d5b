/*
 * canvas.c: see canvas.h.
 *
 * libharu tells each error to a function, which may not jump out of it: its
 * lists would be left half changed. So the first one sticks, nothing is drawn
 * from then on, and vg_canvas_close() frees all that there is.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "glyph.h"


static void
canvas_error(HPDF_STATUS error, HPDF_STATUS detail, void *data)
{
    vg_canvas_t *canvas = data;

    (void) error;
    (void) detail;
    canvas->failed = true;
}


static HPDF_Font
canvas_font(vg_canvas_t *canvas, const char *folder, const char *name)
{
    char        path[512];
    const char *font;

    if (canvas->failed
        || snprintf(path, sizeof(path), "%s/%s", folder, name)
               >= (int) sizeof(path))
    {
        return NULL;
    }
    font = HPDF_LoadTTFontFromFile(canvas->doc, path, HPDF_TRUE);
    return font != NULL ? HPDF_GetFont(canvas->doc, font, "UTF-8") : NULL;
}


bool
vg_canvas_open(vg_canvas_t *canvas, const char *folder)
{
    memset(canvas, 0, sizeof(*canvas));
    canvas->doc = HPDF_New(canvas_error, canvas);
    if (canvas->doc == NULL) {
        canvas->failed = true;
        return false;
    }
    (void) HPDF_SetCompressionMode(canvas->doc, HPDF_COMP_ALL);
    (void) HPDF_UseUTFEncodings(canvas->doc);
    (void) HPDF_SetCurrentEncoder(canvas->doc, "UTF-8");
    canvas->fonts[0] = canvas_font(canvas, folder, "DejaVuSans.ttf");
    canvas->fonts[1] = canvas_font(canvas, folder, "DejaVuSans-Bold.ttf");
    canvas->failed |= canvas->fonts[0] == NULL || canvas->fonts[1] == NULL;
    return !canvas->failed;
}


void
vg_canvas_close(vg_canvas_t *canvas)
{
    if (canvas->doc != NULL) {
        HPDF_Free(canvas->doc);
        canvas->doc = NULL;
    }
}


const char *
vg_canvas_library(void)
{
    return HPDF_GetVersion();
}


void
vg_canvas_about(vg_canvas_t *canvas, const char *title, const char *author)
{
    if (!canvas->failed && title[0] != '\0') {
        (void) HPDF_SetInfoAttr(canvas->doc, HPDF_INFO_TITLE, title);
    }
    if (!canvas->failed && author[0] != '\0') {
        (void) HPDF_SetInfoAttr(canvas->doc, HPDF_INFO_AUTHOR, author);
    }
}


void
vg_canvas_page(vg_canvas_t *canvas)
{
    if (canvas->failed) {
        return;
    }
    if (canvas->count == VG_CANVAS_PAGES) {
        canvas->failed = true;
        return;
    }
    canvas->page = HPDF_AddPage(canvas->doc);
    if (canvas->page == NULL) {
        canvas->failed = true;
        return;
    }
    canvas->pages[canvas->count++] = canvas->page;
    (void) HPDF_Page_SetWidth(canvas->page, VG_CANVAS_WIDTH);
    (void) HPDF_Page_SetHeight(canvas->page, VG_CANVAS_HEIGHT);
}


void
vg_canvas_turn(vg_canvas_t *canvas, size_t page)
{
    canvas->page = canvas->pages[page];
}


float
vg_canvas_letter(const vg_canvas_t *canvas, const vg_pen_t *pen, uint32_t code)
{
    HPDF_INT width = HPDF_Font_GetUnicodeWidth(canvas->fonts[pen->bold],
                                               (HPDF_UNICODE) code);

    return (float) width * pen->size / 1000;
}


float
vg_canvas_width(const vg_canvas_t *canvas, const vg_pen_t *pen,
                const vg_letters_t *line)
{
    float  width = 0;
    size_t i;

    for (i = 0; i < line->count; i++) {
        width += vg_canvas_letter(canvas, pen, line->codes[i]);
    }
    return width;
}


static void
canvas_utf8(char *text, const vg_letters_t *line, size_t count)
{
    size_t   i;
    uint32_t c;

    for (i = 0; i < count; i++) {
        c = line->codes[i];
        if (c < 0x80) {
            *text++ = (char) c;
        } else if (c < 0x800) {
            *text++ = (char) (0xc0 | c >> 6);
            *text++ = (char) (0x80 | (c & 0x3f));
        } else {
            *text++ = (char) (0xe0 | c >> 12);
            *text++ = (char) (0x80 | (c >> 6 & 0x3f));
            *text++ = (char) (0x80 | (c & 0x3f));
        }
    }
    *text = '\0';
}


void
vg_canvas_text(vg_canvas_t *canvas, const vg_pen_t *pen, float x, float y,
               const vg_letters_t *line)
{
    char   text[VG_LETTERS_LINE * 3 + 1];
    size_t n = line->count < VG_LETTERS_LINE ? line->count : VG_LETTERS_LINE;

    if (canvas->failed || n == 0) {
        return;
    }
    canvas_utf8(text, line, n);
    (void) HPDF_Page_SetGrayFill(canvas->page, pen->grey);
    (void) HPDF_Page_SetFontAndSize(canvas->page, canvas->fonts[pen->bold],
                                    pen->size);
    (void) HPDF_Page_BeginText(canvas->page);
    (void) HPDF_Page_MoveTextPos(canvas->page, x, VG_CANVAS_HEIGHT - y);
    (void) HPDF_Page_ShowText(canvas->page, text);
    (void) HPDF_Page_EndText(canvas->page);
}


void
vg_canvas_rule(vg_canvas_t *canvas, float x, float y, float width, float thick,
               float grey)
{
    if (canvas->failed) {
        return;
    }
    (void) HPDF_Page_SetGrayStroke(canvas->page, grey);
    (void) HPDF_Page_SetLineWidth(canvas->page, thick);
    (void) HPDF_Page_MoveTo(canvas->page, x, VG_CANVAS_HEIGHT - y);
    (void) HPDF_Page_LineTo(canvas->page, x + width, VG_CANVAS_HEIGHT - y);
    (void) HPDF_Page_Stroke(canvas->page);
}


char *
vg_canvas_bytes(vg_canvas_t *canvas, size_t *len)
{
    char       *bytes;
    HPDF_UINT32 size;

    if (canvas->failed) {
        return NULL;
    }
    vg_glyphs_complete(canvas->fonts[0]);
    vg_glyphs_complete(canvas->fonts[1]);
    if (canvas->failed || HPDF_SaveToStream(canvas->doc) != HPDF_OK) {
        return NULL;
    }
    size = HPDF_GetStreamSize(canvas->doc);
    bytes = size > 0 ? malloc(size) : NULL;
    if (bytes == NULL) {
        return NULL;
    }
    (void) HPDF_ReadFromStream(canvas->doc, (HPDF_BYTE *) bytes, &size);
    if (canvas->failed) {
        free(bytes);
        return NULL;
    }
    *len = size;
    return bytes;
}
