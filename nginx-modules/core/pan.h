/*
 * pan.h: is the number of a payment card in these bytes?
 *
 * Pure. Such a number (a primary account number, ISO/IEC 7812) is 13 to 19
 * digits of a known issuer's range with a right check digit, that stand for
 * themselves: README.md says what that means, and what is therefore none.
 */

#ifndef VG_PAN_H
#define VG_PAN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    VG_PAN_PLAIN, /* as the bytes stand; the others know more scripts     */
    VG_PAN_JSON,  /* \u0034 is a digit, and \n ends a word                */
    VG_PAN_URL,   /* so is %34; + is a space: paths, queries, forms       */
} vg_pan_form_t;

bool vg_pan_found(const char *bytes, size_t len, vg_pan_form_t form);

/* Makes the digits of each into X, as the bytes stand; how many there were. */
size_t vg_pan_mask(char *bytes, size_t len);

#endif /* VG_PAN_H */
