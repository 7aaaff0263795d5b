/*
 * paper.c: see paper.h. Rows are wrapped, measured, and set one below the
 * other; a page that is full is followed by the next. What stands on all pages
 * comes last, when it is known how many there are.
 */

#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "paper.h"

#define LEFT      56.7f /* 2 cm                                            */
#define WIDTH     (VG_CANVAS_WIDTH - 2 * LEFT)
#define TOP       56.7f
#define RUNNING   26.0f /* more of it behind the first page                */
#define BOTTOM    (VG_CANVAS_HEIGHT - 92.0f)
#define FOOT      (VG_CANVAS_HEIGHT - 74.0f)
#define FEET      4
#define FOOT_LINE 9.0f /* from one to the next, also of running heads      */
#define LEADING   1.35f
#define GUTTER    8.0f /* between columns                                 */
#define PADDING   2.5f /* above and below a row of a block with lines     */
#define COLUMNS   8
#define GREY      0.38f

typedef struct {
    vg_cell_t cells[COLUMNS];
    bool      bold, rule;
    float     height;
} row_t;

typedef struct {
    size_t           columns;
    float            x[COLUMNS], width[COLUMNS];
    char             align[COLUMNS + 1];
    vg_pen_t         pen;
    bool             lines;
    const vg_json_t *head, *rows;
} block_t;

typedef struct {
    vg_pool_t       *pool;
    const vg_json_t *document;
    float            y;
    size_t           rows;
    bool             broken, nonsense, longer;
    vg_canvas_t      canvas;
    row_t            row, heading;
} paper_t;


static bool
paper_going(const paper_t *paper)
{
    return !paper->broken && !paper->nonsense && !paper->longer
           && !paper->canvas.failed;
}


static bool
is_true(const vg_json_t *node, const char *name)
{
    const vg_json_t *member = vg_json_get(node, name);

    return member != NULL && member->type == VG_JSON_TRUE;
}


/* a number of points, or a share; less than a thousand */
static float
number_of(const vg_json_t *node, float otherwise, float least, float most)
{
    char  text[16];
    float value;

    if (node == NULL || node->type != VG_JSON_NUMBER
        || node->text.len >= sizeof(text))
    {
        return otherwise;
    }
    memcpy(text, node->text.data, node->text.len);
    text[node->text.len] = '\0';
    value = strtof(text, NULL);
    return !(value >= least) ? least : value > most ? most : value;
}


/* ------------------------------------------------------------------- rows */

/* An array of texts, or an object with them as `cells`. */
static void
row_read(paper_t *paper, const block_t *block, const vg_json_t *node,
         row_t *row)
{
    size_t           i, most = 1;
    vg_pen_t         pen = block->pen;
    const vg_json_t *cells = node, *cell;

    row->bold = row->rule = false;
    if (node->type == VG_JSON_OBJECT) {
        cells = vg_json_get(node, "cells");
        row->bold = is_true(node, "bold");
        row->rule = is_true(node, "rule");
    }
    if (cells == NULL || cells->type != VG_JSON_ARRAY
        || cells->count > block->columns)
    {
        paper->nonsense = true;
        return;
    }
    pen.bold |= row->bold;
    cell = cells->first;
    for (i = 0; i < block->columns; i++) {
        paper->broken |=
            !vg_cell_wrap(paper->pool, &paper->canvas, &row->cells[i],
                          cell != NULL && cell->type == VG_JSON_STRING
                              ? cell->text
                              : (vg_str_t){ NULL, 0 },
                          block->width[i], &pen);
        most = row->cells[i].count > most ? row->cells[i].count : most;
        cell = cell != NULL ? cell->next : NULL;
    }
    row->height = (float) most * pen.size * LEADING
                  + (block->lines ? 2 * PADDING : 0) + (row->rule ? 4 : 0);
}


static void
row_set(paper_t *paper, const block_t *block, const row_t *row)
{
    float               x, y = paper->y;
    size_t              i, n;
    vg_pen_t            pen = block->pen;
    const vg_letters_t *line;

    pen.bold |= row->bold;
    if (row->rule) {
        for (i = 0; i + 1 < block->columns && row->cells[i].count == 0; i++) {
        }
        vg_canvas_rule(&paper->canvas, block->x[i], y + 1.5f,
                       LEFT + WIDTH - block->x[i], 0.7f, 0.2f);
        y += 4;
    }
    y += block->lines ? PADDING : 0;
    for (i = 0; i < block->columns; i++) {
        for (n = 0; n < row->cells[i].count; n++) {
            line = &row->cells[i].lines[n];
            x = block->x[i];
            if (block->align[i] != 'L') {
                x += (block->width[i]
                      - vg_canvas_width(&paper->canvas, &pen, line))
                     / (block->align[i] == 'C' ? 2 : 1);
            }
            vg_canvas_text(&paper->canvas, &pen, x,
                           y + ((float) n * LEADING + 0.98f) * pen.size, line);
        }
    }
    paper->y += row->height;
}


/* ----------------------------------------------------------------- blocks */

static bool
block_columns(block_t *block, const vg_json_t *node)
{
    float            x = LEFT, total = 0, share;
    size_t           i, n;
    vg_str_t         align = vg_json_text(node, "align");
    const vg_json_t *widths = vg_json_get(node, "widths"), *w;

    if (widths == NULL || widths->type != VG_JSON_ARRAY || widths->count == 0
        || widths->count > COLUMNS)
    {
        return false;
    }
    block->columns = n = widths->count;
    for (w = widths->first; w != NULL; w = w->next) {
        total += number_of(w, 1, 0.01f, 999);
    }
    for (i = 0, w = widths->first; w != NULL; w = w->next, i++) {
        share = number_of(w, 1, 0.01f, 999) * (WIDTH + GUTTER) / total;
        block->x[i] = x;
        block->width[i] = share - GUTTER;
        block->align[i] = i < align.len ? align.data[i] : 'L';
        if (block->width[i] < 2) {
            return false;
        }
        x += share;
    }
    return n > 0;
}


static bool
block_read(block_t *block, const vg_json_t *node)
{
    block->head = vg_json_get(node, "head");
    block->rows = vg_json_get(node, "rows");
    block->lines = is_true(node, "lines");
    block->pen.size = number_of(vg_json_get(node, "size"), 9, 6, 24);
    block->pen.bold = is_true(node, "bold");
    block->pen.grey = is_true(node, "grey") ? GREY : 0;
    return block->rows != NULL && block->rows->type == VG_JSON_ARRAY
           && block_columns(block, node);
}


static void
page_next(paper_t *paper)
{
    paper->longer |= paper->canvas.count == VG_CANVAS_PAGES;
    if (!paper->longer) {
        vg_canvas_page(&paper->canvas);
    }
    paper->y = TOP + (paper->canvas.count > 1 ? RUNNING : 0);
}


static void
block_head(paper_t *paper, const block_t *block)
{
    block_t head = *block;

    head.pen.grey = GREY;
    row_set(paper, &head, &paper->heading);
    vg_canvas_rule(&paper->canvas, LEFT, paper->y, WIDTH, 0.7f, 0.2f);
}


/* how high its rows are, as far as that matters */
static float
block_height(paper_t *paper, const block_t *block)
{
    float            height = 0;
    const vg_json_t *node;

    for (node = block->rows->first;
         node != NULL && height < VG_CANVAS_HEIGHT && paper_going(paper);
         node = node->next)
    {
        row_read(paper, block, node, &paper->row);
        height += paper->row.height;
    }
    return height;
}


static void
block_row(paper_t *paper, const block_t *block, const vg_json_t *node)
{
    bool first = node == block->rows->first;

    row_read(paper, block, node, &paper->row);
    if (++paper->rows > VG_PAPER_ROWS) {
        paper->longer = true;
    }
    if (!paper_going(paper)) {
        return;
    }
    if (paper->y + paper->row.height
            + (first && block->head != NULL ? paper->heading.height : 0)
        > BOTTOM)
    {
        page_next(paper);
        first |= block->head != NULL;
    }
    if (first && block->head != NULL) {
        block_head(paper, block);
    }
    row_set(paper, block, &paper->row);
    if (block->lines && node->next != NULL) {
        vg_canvas_rule(&paper->canvas, LEFT, paper->y, WIDTH, 0.3f, 0.8f);
    }
}


static void
block_set(paper_t *paper, const vg_json_t *node)
{
    float            height;
    block_t          block = { 0 };
    const vg_json_t *row;

    if (!block_read(&block, node)) {
        paper->nonsense = true;
        return;
    }
    paper->y += number_of(vg_json_get(node, "before"), 0, 0, 200);
    if (is_true(node, "together")) {
        height = block_height(paper, &block);
        if (paper->y + height > BOTTOM && height < BOTTOM - TOP - RUNNING) {
            page_next(paper);
        }
    }
    if (block.head != NULL) {
        row_read(paper, &block, block.head, &paper->heading);
    }
    for (row = block.rows->first; row != NULL && paper_going(paper);
         row = row->next)
    {
        block_row(paper, &block, row);
    }
}


/* ------------------------------------------------------- what all pages have */

/* A text in its part of the width, from x on, on so many lines at most; how many
 * it took. align: 0 left, 0.5 in the middle, 1 right. */
static size_t
text_set(paper_t *paper, vg_str_t text, float x, float width, float y,
         const vg_pen_t *pen, float align, size_t most)
{
    size_t              n;
    vg_cell_t          *cell = &paper->row.cells[0];
    const vg_canvas_t  *canvas = &paper->canvas;
    const vg_letters_t *line = cell->lines;

    paper->broken |= !vg_cell_wrap(paper->pool, canvas, cell, text, width, pen);
    for (n = 0; n < cell->count && n < most && paper_going(paper); n++, line++)
    {
        vg_canvas_text(&paper->canvas, pen,
                       x + (width - vg_canvas_width(canvas, pen, line)) * align,
                       y + (float) n * FOOT_LINE, line);
    }
    return n;
}


/* "{page}" and "{pages}" in the words of the document */
static vg_str_t
number_words(paper_t *paper, const char *words, size_t page)
{
    vg_str_t    number;
    const char *of = strstr(words, "{page}");
    const char *all = strstr(words, "{pages}");

    if (of == NULL || all == NULL || all < of) {
        return vg_str(words);
    }
    number = vg_printf(paper->pool, "%.*s%zu%.*s%zu%s", (int) (of - words),
                       words, page, (int) (all - of) - 6, of + 6,
                       paper->canvas.count, all + 7);
    paper->broken |= number.data == NULL;
    return number;
}


/* Each text of the foot has a line at least, and what the others leave. */
static void
foot_set(paper_t *paper)
{
    size_t           left = FEET, others;
    vg_pen_t         pen = { .size = 6.5f, .grey = GREY };
    const vg_json_t *foot = vg_json_get(paper->document, "foot"), *text;

    text = foot != NULL && foot->type == VG_JSON_ARRAY ? foot->first : NULL;
    for (others = text != NULL ? foot->count : 0; text != NULL && left > 0;
         text = text->next)
    {
        others--;
        left -= text_set(paper, text->text, LEFT, WIDTH,
                         FOOT + FOOT_LINE * (float) (FEET - left), &pen, 0.5f,
                         left > others ? left - others : 1);
    }
}


/* of the second and later pages: left and right */
static void
running_set(paper_t *paper)
{
    float            half = (WIDTH - GUTTER) / 2;
    vg_pen_t         pen = { .size = 8, .grey = GREY };
    const vg_json_t *texts = vg_json_get(paper->document, "running"), *text;

    text = texts != NULL && texts->type == VG_JSON_ARRAY ? texts->first : NULL;
    if (text != NULL) {
        (void) text_set(paper, text->text, LEFT, half, TOP, &pen, 0, 2);
    }
    if (text != NULL && text->next != NULL) {
        (void) text_set(paper, text->next->text, LEFT + WIDTH - half, half, TOP,
                        &pen, 1, 2);
    }
}


static void
pages_end(paper_t *paper)
{
    size_t   page;
    vg_pen_t pen = { .size = 8, .grey = GREY };
    vg_str_t words = vg_json_text(paper->document, "number");

    if (words.data == NULL) {
        words = VG_STR("{page}/{pages}");
    }
    words = vg_printf(paper->pool, "%.*s", (int) words.len, words.data);
    paper->broken |= words.data == NULL;
    for (page = 0; page < paper->canvas.count && paper_going(paper); page++) {
        vg_canvas_turn(&paper->canvas, page);
        vg_canvas_rule(&paper->canvas, LEFT, FOOT - 12, WIDTH, 0.3f, 0.8f);
        foot_set(paper);
        (void) text_set(paper, number_words(paper, words.data, page + 1), LEFT,
                        WIDTH, FOOT + 40, &pen, 0.5f, 1);
        if (page > 0) {
            running_set(paper);
        }
    }
}


/* ------------------------------------------------------------------ the whole */

static void
about_set(paper_t *paper)
{
    vg_str_t title = vg_json_text(paper->document, "title");
    vg_str_t author = vg_json_text(paper->document, "author");

    title =
        vg_printf(paper->pool, "%.*s", (int) (title.len < 500 ? title.len : 0),
                  title.data != NULL ? title.data : "");
    author = vg_printf(paper->pool, "%.*s",
                       (int) (author.len < 500 ? author.len : 0),
                       author.data != NULL ? author.data : "");
    if (title.data == NULL || author.data == NULL) {
        paper->broken = true;
        return;
    }
    vg_canvas_about(&paper->canvas, title.data, author.data);
}


static void
document_set(paper_t *paper)
{
    const vg_json_t *blocks = vg_json_get(paper->document, "blocks"), *block;

    if (blocks == NULL || blocks->type != VG_JSON_ARRAY) {
        paper->nonsense = true;
        return;
    }
    about_set(paper);
    page_next(paper);
    for (block = blocks->first; block != NULL && paper_going(paper);
         block = block->next)
    {
        block_set(paper, block);
    }
    pages_end(paper);
}


static vg_paper_rc_t
paper_end(paper_t *paper, char **pdf, size_t *len)
{
    if (paper->nonsense) {
        return VG_PAPER_NONSENSE;
    }
    if (paper->longer) {
        return VG_PAPER_LONG;
    }
    *pdf = paper->broken ? NULL : vg_canvas_bytes(&paper->canvas, len);
    return *pdf != NULL ? VG_PAPER_OK : VG_PAPER_BROKEN;
}


vg_paper_rc_t
vg_paper_draw(const char *folder, vg_str_t document, char **pdf, size_t *len)
{
    paper_t      *paper;
    vg_pool_t    *pool;
    vg_paper_rc_t rc = VG_PAPER_BROKEN;

    if (document.len > VG_PAPER_MAX) {
        return VG_PAPER_LONG;
    }
    pool = vg_arena_create();
    paper = pool != NULL ? vg_calloc(pool, sizeof(paper_t)) : NULL;
    if (paper != NULL) {
        paper->pool = pool;
        paper->document = vg_json_parse(pool, document, NULL);
        if (paper->document == NULL) {
            rc = VG_PAPER_NONSENSE;
        } else {
            if (vg_canvas_open(&paper->canvas, folder)) {
                document_set(paper);
                rc = paper_end(paper, pdf, len);
            }
            vg_canvas_close(&paper->canvas);
        }
    }
    if (pool != NULL) {
        vg_arena_destroy(pool);
    }
    return rc;
}
