/* 128-bit integers, and the two products that the compiler does not give in one operator. */
#ifndef LEADSTREAM_CORE_WIDE_H
#define LEADSTREAM_CORE_WIDE_H

#include <stdint.h>

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;

/* The high 64 bits of a * b. */
static inline uint64_t wide_high(uint64_t a, uint64_t b) {
    return (uint64_t)((uwide)a * b >> 64);
}

/* floor(a * b / 2^64), which must fit in 128 bits. */
static inline uwide wide_scale(uwide a, uint64_t b) {
    return (uwide)(uint64_t)(a >> 64) * b + wide_high((uint64_t)a, b);
}

static inline uwide wide_abs(wide v) {
    return v < 0 ? -(uwide)v : (uwide)v;
}

#endif
