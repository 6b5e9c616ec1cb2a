/* 2^x in fixed point: the one transcendental function of the core. No float, so every machine gives the same bits. */
#ifndef LEADSTREAM_CORE_EXP2_H
#define LEADSTREAM_CORE_EXP2_H

#include <stdint.h>

/* The result of exp2_up is never above the true value, and below it by less than this many units of its last place. */
enum { EXP2_ULPS = 8 };

/* 2^(x / 2^64) for 0 <= x/2^64 < 1, with 63 fractional bits (2^63 is 1). Exact at 0, never falling in x. */
uint64_t exp2_up(uint64_t x);

/* floor(2^32 * 2^(r/h)) of the true value, for 0 <= r < h; x must be floor(2^64 * r/h) or one below it. */
uint64_t exp2_floor32(uint64_t x, uint64_t r, uint64_t h);

/* The same from 128-bit arithmetic: slow, and what the other falls back on where its last bits leave doubt. */
uint64_t exp2_floor32_slow(uint64_t r, uint64_t h);

#endif
