/*
 * numbers.c: which number has which prepared statement.
 *
 * A connection marks by number what it has prepared. Two generations of a
 * plugin share a number where they share a text, since the name holds the
 * text's hash. A name that nobody uses keeps its number for a while: the
 * version that is swapped in next often has it again.
 */

#include "host.h"

#define VG_NUMBERS_IDLE 256 /* unused names that are kept                  */

typedef struct {
    char      *name;
    ngx_uint_t refs;
    uint64_t   left; /* when it came out of use                            */
} vg_number_t;

static vg_number_t vg_numbers[VG_STATEMENTS];
static ngx_uint_t  vg_numbers_used, vg_numbers_idle;
static uint64_t    vg_numbers_clock;


static vg_number_t *
vg_number_find(const char *name)
{
    ngx_uint_t i;

    for (i = 0; i < vg_numbers_used; i++) {
        if (ngx_strcmp(vg_numbers[i].name, name) == 0) {
            return &vg_numbers[i];
        }
    }
    return NULL;
}


/* the one that is out of use for longest, if too many are */
static vg_number_t *
vg_number_oldest(void)
{
    ngx_uint_t   i;
    vg_number_t *oldest = NULL;

    if (vg_numbers_idle <= VG_NUMBERS_IDLE && vg_numbers_used < VG_STATEMENTS) {
        return NULL;
    }
    for (i = 0; i < vg_numbers_used; i++) {
        if (vg_numbers[i].refs == 0
            && (oldest == NULL || vg_numbers[i].left < oldest->left))
        {
            oldest = &vg_numbers[i];
        }
    }
    return oldest;
}


static vg_number_t *
vg_number_new(const char *name)
{
    size_t       size = ngx_strlen(name) + 1;
    char        *copy = ngx_alloc(size, ngx_cycle->log);
    vg_number_t *number = vg_number_oldest();

    if (copy == NULL || (number == NULL && vg_numbers_used == VG_STATEMENTS)) {
        ngx_free(copy);
        return NULL;
    }
    ngx_memcpy(copy, name, size);
    if (number == NULL) {
        number = &vg_numbers[vg_numbers_used++];
    } else {
        vg_db_forget(number - vg_numbers);
        ngx_free(number->name);
        vg_numbers_idle--;
    }
    number->name = copy;
    return number;
}


ngx_int_t
vg_number_take(const char *name)
{
    vg_number_t *number = vg_number_find(name);

    if (number != NULL) {
        vg_numbers_idle -= number->refs == 0;
    } else {
        number = vg_number_new(name);
    }
    if (number == NULL) {
        return NGX_ERROR;
    }
    number->refs++;
    return number - vg_numbers;
}


void
vg_number_give(ngx_uint_t n)
{
    if (--vg_numbers[n].refs == 0) {
        vg_numbers[n].left = ++vg_numbers_clock;
        vg_numbers_idle++;
    }
}
