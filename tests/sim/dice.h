/* Random numbers from a seed, the same on every machine. Each purpose has dice of its own (events, schedule, faults), so
 * that one rolled more often changes nothing for the others. */
#ifndef LEADSTREAM_SIM_DICE_H
#define LEADSTREAM_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

struct dice dice_new(uint64_t seed, const char *purpose);
uint64_t dice_roll(struct dice *dice);
/* 0 <= result < n; n > 0. */
uint32_t dice_below(struct dice *dice, uint32_t n);
/* low <= result <= high. */
int64_t dice_between(struct dice *dice, int64_t low, int64_t high);
/* True once in n times. */
bool dice_one_in(struct dice *dice, uint32_t n);

#endif
