/*
 * sip.c: see sip.h.
 */

#include <endian.h>
#include <string.h>

#include "sip.h"

typedef struct {
    uint64_t a, b, c, d;
} sip_state_t;


static uint64_t
sip_turn(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}


static inline void
sip_round(sip_state_t *s)
{
    s->a += s->b;
    s->b = sip_turn(s->b, 13) ^ s->a;
    s->a = sip_turn(s->a, 32);
    s->c += s->d;
    s->d = sip_turn(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = sip_turn(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = sip_turn(s->b, 17) ^ s->c;
    s->c = sip_turn(s->c, 32);
}


static inline void
sip_word(sip_state_t *s, uint64_t word)
{
    s->d ^= word;
    sip_round(s);
    sip_round(s);
    s->a ^= word;
}


static uint64_t
sip_half(sip_state_t *s)
{
    for (int i = 0; i < 4; i++) {
        sip_round(s);
    }

    return s->a ^ s->b ^ s->c ^ s->d;
}


vg_sip_t
vg_sip(const vg_sip_t *key, const void *data, size_t len)
{
    size_t      i;
    uint64_t    word, last = (uint64_t) len << 56;
    vg_sip_t    hash;
    sip_state_t s = { key->one ^ UINT64_C(0x736f6d6570736575),
                      key->two ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
                      key->one ^ UINT64_C(0x6c7967656e657261),
                      key->two ^ UINT64_C(0x7465646279746573) };

    const unsigned char *p = data;

    for (i = len / 8; i > 0; i--, p += 8) {
        memcpy(&word, p, 8);
        sip_word(&s, le64toh(word));
    }

    for (i = 0; i < len % 8; i++) {
        last |= (uint64_t) p[i] << (8 * i);
    }

    sip_word(&s, last);
    s.c ^= 0xee;
    hash.one = sip_half(&s);
    s.b ^= 0xdd;
    hash.two = sip_half(&s);

    return hash;
}
