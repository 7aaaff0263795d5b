/*
 * dice.c: what a simulation leaves to chance, in integers, so that a seed
 * gives the same lots on each machine.
 */

#include "simulate.h"

/* splitmix64, by Steele, Lea and Flood: any state is a good one */
static uint64_t
dice_next(uint64_t *dice)
{
    uint64_t z = (*dice += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}


uint64_t
dice_seed(uint64_t seed, const char *name)
{
    for (; *name != '\0'; name++) {
        seed ^= (unsigned char) *name;
        (void) dice_next(&seed);
        seed ^= seed >> 29;
    }
    return seed;
}


int64_t
dice_below(uint64_t *dice, int64_t below)
{
    uint64_t lot = dice_next(dice) >> 1;

    return below > 0 ? (int64_t) (lot % (uint64_t) below) : 0;
}


/* The sum of twelve uniform lots has a variance of one lot's range squared.
 * sigma is at most 2^40, or the product does not fit. */
int64_t
dice_normal(uint64_t *dice, int64_t mean, int64_t sigma)
{
    int64_t sum = 0;

    for (int i = 0; i < 3; i++) {
        uint64_t lots = dice_next(dice);

        for (int j = 0; j < 4; j++) {
            sum += (int64_t) (lots & 0xffff);
            lots >>= 16;
        }
    }
    return mean + (sum - 6 * INT64_C(65535)) * sigma / 65536;
}
