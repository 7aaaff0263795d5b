/* with: nginx-modules/paper/paper.c nginx-modules/paper/cell.c nginx-modules/paper/letters.c nginx-modules/paper/canvas.c nginx-modules/paper/glyph.c | -lhpdf -lfribidi
 *
 * unit_paper.c: documents on paper: what is refused, what is cut, that the same
 * one gives the same bytes.
 * What can be read in them is looked at by plugins/billing/t/page.t.
 */

#include "letters.h"
#include "paper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define FONTS "/usr/share/fonts/truetype/dejavu"

static int tests, failures;


static void
ok(bool good, const char *what)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}


/* ---------------------------------------------------------------- letters */

static float
ten(void *data, uint32_t code)
{
    (void) data;
    return code == 0x301 ? 0 : 10;
}


/* the lines of a text, by "|" */
static void
breaks(const char *text, float width, const char *wanted)
{
    char         got[256];
    size_t       from, next, end, n = 0;
    vg_pool_t   *pool = vg_arena_create();
    vg_letters_t letters;

    (void) vg_letters_read(pool, vg_str(text), strlen(text), &letters);
    for (from = 0; from < letters.count; from = next) {
        end = vg_letters_break(&letters, from, width, ten, NULL, &next);
        for (; from < end && n < sizeof(got) - 2; from++) {
            got[n++] = (char) letters.codes[from];
        }
        got[n++] = '|';
    }
    got[n] = '\0';
    ok(strcmp(got, wanted) == 0, wanted);
    if (strcmp(got, wanted) != 0) {
        printf("# %s\n", got);
    }
    vg_arena_destroy(pool);
}


static void
read_as(const char *text, size_t len, const uint32_t *wanted, size_t count,
        const char *what)
{
    vg_pool_t   *pool = vg_arena_create();
    vg_letters_t letters;

    ok(vg_letters_read(pool, (vg_str_t){ text, len }, len, &letters)
           && letters.count == count
           && memcmp(letters.codes, wanted, count * sizeof(uint32_t)) == 0,
       what);
    vg_arena_destroy(pool);
}


static void
ordered(const uint32_t *codes, const uint32_t *wanted, size_t count,
        const char *what)
{
    vg_pool_t   *pool = vg_arena_create();
    vg_letters_t line;

    ok(vg_letters_order(pool, codes, count, &line) && line.count == count
           && memcmp(line.codes, wanted, count * sizeof(uint32_t)) == 0,
       what);
    vg_arena_destroy(pool);
}


static void
letters_are(void)
{
    size_t      i, next;
    uint32_t    many[VG_LETTERS_LINE + 50];
    const char *turned = "a\xe2\x80\xae"
                         "b\x01\x7f\xc2\x85\xf0\x9f\x9a\x97\xef\xbb\xbf";

    breaks("one two three", 75, "one two|three|");
    breaks("one two three", 30, "one|two|thr|ee|");
    breaks("incomprehensible", 50, "incom|prehe|nsibl|e|");
    breaks("a\n\nb\n", 50, "a||b|");
    breaks("   ", 10, " | |");
    breaks("x", 1, "x|");
    breaks("", 10, "");
    read_as(turned, strlen(turned), (uint32_t[]){ 'a', 'b', '\n', 0xfffd }, 4,
            "what turns, controls and is behind the basic plane");
    read_as("a\0b", 3, (uint32_t[]){ 'a', 'b' }, 2, "a NUL is left out");
    read_as("\xff\xfe", 2, (uint32_t[]){ 0 }, 0, "what is no UTF-8 is nothing");
    read_as("\xc2\xa0\t", 3, (uint32_t[]){ ' ', ' ' }, 2, "blanks are blanks");
    ordered((uint32_t[]){ 'a', ' ', 0x5d0, 0x5d1, ' ', '1', '2' },
            (uint32_t[]){ 'a', ' ', '1', '2', ' ', 0x5d1, 0x5d0 }, 7,
            "Hebrew from right to left, its numbers not");
    ordered((uint32_t[]){ 0x628, 0x646 }, (uint32_t[]){ 0xfee6, 0xfe91 }, 2,
            "Arabic letters are joined");

    for (i = 0; i < VG_LETTERS_LINE + 50; i++) {
        many[i] = 0x301;
    }
    i = vg_letters_break(&(vg_letters_t){ many, VG_LETTERS_LINE + 50 }, 0, 50,
                         ten, NULL, &next);
    ok(i == VG_LETTERS_LINE && next == i, "letters without a width end, too");
}


/* -------------------------------------------------------------- documents */

static vg_paper_rc_t
draw(const char *folder, const char *document, char **pdf, size_t *len)
{
    *pdf = NULL;
    *len = 0;
    return vg_paper_draw(folder, vg_str(document), pdf, len);
}


static void
drawn(const char *document, vg_paper_rc_t wanted, const char *what)
{
    char  *first = NULL, *second = NULL;
    bool   good;
    size_t len, again;

    good = draw(FONTS, document, &first, &len) == wanted
           && draw(FONTS, document, &second, &again) == wanted;
    if (good && wanted == VG_PAPER_OK) {
        good = len > 100 && len == again && memcmp(first, second, len) == 0
               && memcmp(first, "%PDF-1.", 7) == 0;
    }
    if (wanted != VG_PAPER_OK) {
        good &= first == NULL;
    }
    ok(good, what);
    free(first);
    free(second);
}


/* rows of a block, each with this text */
static char *
of_rows(size_t rows, const char *text)
{
    char  *document = malloc(rows * (strlen(text) + 8) + 128), *p;
    size_t i;

    p = document + sprintf(document, "{\"blocks\":[{\"widths\":[1],\"rows\":[");
    for (i = 0; i < rows; i++) {
        p += sprintf(p, "%s[\"%s\"]", i ? "," : "", text);
    }
    (void) sprintf(p, "]}]}");
    return document;
}


/* a row that has a page for itself */
#define PAGE                                                                   \
    "1\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n9\\n1\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n9\\n" \
    "1\\n2\\n"                                                                 \
    "3\\n4\\n5\\n6\\n7\\n8\\n9\\n1\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n9\\n1\\n2"


/* What stands at the foot of each page is long. */
static void
long_foot(void)
{
    size_t        room = (size_t) 2 * 1024 * 1024 - 131072, len;
    char         *rows = of_rows(600, PAGE), *pdf, *p;
    char         *document = malloc(room + strlen(rows) + 64);
    struct rusage before, after;

    p = document + sprintf(document, "{\"foot\":[\"");
    memset(p, 'w', room);
    (void) sprintf(p + room, "\"],%s", rows + 1);
    (void) getrusage(RUSAGE_SELF, &before);
    ok(draw(FONTS, document, &pdf, &len) == VG_PAPER_OK,
       "nearly 2 MiB at the foot of 600 pages");
    (void) getrusage(RUSAGE_SELF, &after);
    ok(after.ru_maxrss - before.ru_maxrss < 1024L * 1024,
       "cost less than a GiB");
    free(pdf);
    free(document);
    free(rows);
}


static void
long_ones(void)
{
    char *text = malloc(10001), *document;

    memset(text, 'w', 10000);
    text[10000] = '\0';
    document = of_rows(3, text);
    drawn(document, VG_PAPER_OK, "10,000 letters without a space");
    free(document);
    document = of_rows(VG_PAPER_ROWS + 1, "");
    drawn(document, VG_PAPER_LONG, "more rows than may be");
    free(document);
    document = of_rows(600, PAGE);
    drawn(document, VG_PAPER_OK, "as many pages as may be");
    free(document);
    document = of_rows(601, PAGE);
    drawn(document, VG_PAPER_LONG, "more pages than may be");
    free(document);
    document = of_rows(300, text);
    drawn(document, VG_PAPER_LONG, "more bytes than may be");
    free(document);
    free(text);
}


int
main(void)
{
    char  *pdf;
    size_t len;

    letters_are();
    drawn("{\"blocks\":[]}", VG_PAPER_OK, "an empty page");
    drawn(
        "{\"title\":\"Łódź\",\"author\":\"Київ\",\"running\":[\"a\",\"b\"],"
        "\"foot\":[\"1\",\"2\",\"3\",\"4\",\"5\"],\"number\":\"{page} of "
        "{pages}\",\"blocks\":[{\"widths\":[1,2.5],\"align\":\"RC\",\"size\":"
        "9,\"lines\":true,\"together\":true,\"head\":[\"a\"],\"rows\":[[\"ї\","
        "\"שלום\"],{\"bold\":true,\"rule\":true,\"cells\":[\"بن\"]},[]]}]}",
        VG_PAPER_OK, "all that a document may have");
    drawn("{\"number\":\"{pages}{page}\",\"blocks\":[{\"widths\":[1e9,0],"
          "\"size\":-1,\"before\":1e300,\"rows\":[[1,null]]}]}",
          VG_PAPER_NONSENSE, "columns that leave no room");
    drawn("{", VG_PAPER_NONSENSE, "no JSON");
    drawn("[]", VG_PAPER_NONSENSE, "no object");
    drawn("{\"blocks\":[1]}", VG_PAPER_NONSENSE, "no block");
    drawn("{\"blocks\":[{\"widths\":[],\"rows\":[]}]}", VG_PAPER_NONSENSE,
          "no column");
    drawn("{\"blocks\":[{\"widths\":[1],\"rows\":[[\"a\",\"b\"]]}]}",
          VG_PAPER_NONSENSE, "more cells than columns");
    drawn("{\"blocks\":[{\"widths\":[1],\"rows\":[\"a\"]}]}", VG_PAPER_NONSENSE,
          "a row that is none");
    long_ones();
    long_foot();
    ok(draw("/nowhere", "{\"blocks\":[]}", &pdf, &len) == VG_PAPER_BROKEN
           && pdf == NULL,
       "no fonts");
    printf("1..%d\n", tests);
    return failures != 0;
}
