/* with: nginx-modules/paper/paper.c nginx-modules/paper/cell.c nginx-modules/paper/letters.c nginx-modules/paper/canvas.c nginx-modules/paper/glyph.c | -lhpdf -lfribidi
 *
 * paper.c: any document on paper: PDF, or a refusal.
 */

#include "fuzz.h"
#include "paper.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         *copy = fuzz_copy(data, size), *pdf = NULL;
    size_t        len = 0;
    vg_paper_rc_t rc = vg_paper_draw("/usr/share/fonts/truetype/dejavu",
                                     (vg_str_t){ copy, size }, &pdf, &len);

    REQUIRE((rc == VG_PAPER_OK) == (pdf != NULL));
    REQUIRE(rc != VG_PAPER_BROKEN);
    REQUIRE(pdf == NULL || (len > 100 && memcmp(pdf, "%PDF-1.", 7) == 0));
    free(pdf);
    free(copy);
    return 0;
}
