/*
 * sieve.c: see sieve.h.
 */

#include <arpa/inet.h>
#include <string.h>

#include "sieve.h"


/* As GCRA: a word says until when what was taken is earned. */
static bool
vg_sieve_spend(vg_sieve_bucket_t *bucket, int64_t now, int64_t burst,
               int64_t rate)
{
    int64_t cost = 1000 / rate;
    int64_t spent = bucket->spent > now ? bucket->spent : now;

    if (spent + cost - now > burst * cost) {
        return false;
    }
    bucket->spent = spent + cost;
    return true;
}


/* its own, a free one, or that of who has been quiet for longest */
static vg_sieve_bucket_t *
vg_sieve_bucket(vg_sieve_t *sieve, uint64_t who)
{
    vg_sieve_bucket_t *set = sieve->buckets[who % VG_SIEVE_SETS], *best = set;

    for (size_t i = 0; i < VG_SIEVE_WAYS; i++) {
        if (set[i].who == who) {
            return &set[i];
        }
        if (set[i].spent < best->spent) {
            best = &set[i];
        }
    }
    best->who = who;
    /* what another has spent is kept: many who take turns in a set have what
     * one has, or each would come as a new one */
    return best;
}


static size_t
vg_sieve_slot(const vg_sieve_t *sieve, uint64_t what)
{
    size_t i, free = VG_SIEVE_SLOTS - 1;

    for (i = 0; i < VG_SIEVE_SLOTS - 1; i++) {
        if (sieve->slots[i].what == what) {
            return i;
        }
        if (sieve->slots[i].what == 0 && free == VG_SIEVE_SLOTS - 1) {
            free = i;
        }
    }
    return free;
}


vg_sieve_verdict_t
vg_sieve_take(vg_sieve_t *sieve, int64_t now, uint64_t who, uint64_t what,
              bool known, size_t *slot)
{
    size_t           i = vg_sieve_slot(sieve, what);
    vg_sieve_slot_t *s = &sieve->slots[i];

    *slot = i;
    if (s->what == what && what != 0) {
        s->calls++;
        return VG_SIEVE_COUNTED;
    }
    if (vg_sieve_spend(vg_sieve_bucket(sieve, who), now, VG_SIEVE_BURST, 1)
        && (known
            || vg_sieve_spend(&sieve->all, now, VG_SIEVE_ALL, VG_SIEVE_RATE)))
    {
        return VG_SIEVE_ROW;
    }
    if (s->what != 0) { /* the last one, which is open */
        s->calls++;
        return VG_SIEVE_COUNTED;
    }
    s->what = what ? what : 1;
    s->calls = 1;
    s->pause = VG_SIEVE_SHORTEST;
    s->due = now + s->pause;
    return VG_SIEVE_FIRST;
}


bool
vg_sieve_due(vg_sieve_t *sieve, int64_t now, size_t *slot, uint64_t *calls)
{
    vg_sieve_slot_t *s;

    for (; *slot < VG_SIEVE_SLOTS; (*slot)++) {
        s = &sieve->slots[*slot];
        if (s->what == 0 || s->due > now) {
            continue;
        }
        *calls = s->calls;
        if (s->calls == 0 || now == INT64_MAX) {
            s->what = 0;
        } else {
            s->pause = s->pause * 2 < VG_SIEVE_LONGEST ? s->pause * 2
                                                       : VG_SIEVE_LONGEST;
            s->due = now + s->pause;
        }
        s->calls = 0;
        if (*calls > 0) {
            return true;
        }
    }
    return false;
}


uint64_t
vg_sieve_network(const char *address)
{
    size_t        i, n = strlen(address);
    uint64_t      hash = 0xcbf29ce484222325u; /* FNV-1a */
    unsigned char bytes[16];

    if (inet_pton(AF_INET6, address, bytes) == 1
        && memcmp(bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) != 0)
    {
        address = (const char *) bytes;
        n = 8;
    }
    for (i = 0; i < n; i++) {
        hash = (hash ^ (unsigned char) address[i]) * 0x100000001b3u;
    }
    return hash ? hash : 1;
}
