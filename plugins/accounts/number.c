/*
 * number.c: a whole number as JSON has it.
 */

#include <stdlib.h>
#include <string.h>

#include "accounts.h"


int64_t
number_of(vg_str_t text)
{
    char copy[24] = "";

    if (text.data != NULL && text.len < sizeof(copy)) {
        memcpy(copy, text.data, text.len);
    }
    return strtoll(copy, NULL, 10);
}
