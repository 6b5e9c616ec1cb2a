/* splitmix64. */
#include "sim/dice.h"

struct dice dice_new(uint64_t seed, const char *purpose) {
    struct dice dice = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    for (; *purpose; purpose++)
        dice.state = (dice.state ^ (uint8_t)*purpose) * UINT64_C(0x100000001b3);
    return dice;
}

uint64_t dice_roll(struct dice *dice) {
    uint64_t z = (dice->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t dice_below(struct dice *dice, uint32_t n) {
    return (uint32_t)((dice_roll(dice) >> 32) * n >> 32);
}

int64_t dice_between(struct dice *dice, int64_t low, int64_t high) {
    return low + (int64_t)dice_below(dice, (uint32_t)(high - low + 1));
}

bool dice_one_in(struct dice *dice, uint32_t n) {
    return dice_below(dice, n) == 0;
}
