/*
 * spelling.h: how plates, VINs, names, addresses of mail, telephone numbers,
 * countries and languages may be written. Pure: knows nothing of vg.h. Texts
 * are UTF-8, as the kit's JSON has checked.
 */

#ifndef SPELLING_H
#define SPELLING_H

#include <stdbool.h>
#include <stddef.h>

typedef bool (*spelling_pt)(const char *s, size_t len);

/* Something to be read: no control characters, none that turn or hide text,
 * no blank at either end. */
bool spelling_line(const char *s, size_t len);

bool spelling_vin(const char *s, size_t len);      /* ISO 3779, any case      */
bool spelling_country(const char *s, size_t len);  /* AA or AAA               */
bool spelling_phone(const char *s, size_t len);    /* 5 to 15 digits          */
bool spelling_email(const char *s, size_t len);    /* one @, a host with dots */
bool spelling_language(const char *s, size_t len); /* BCP 47, its shape       */

#endif /* SPELLING_H */
