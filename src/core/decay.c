/* Half-lives, prepared so that a factor costs a few multiplications.
 *
 * at/h is split by a 64-bit reciprocal (one step of correction makes it exact); the rest of a half-life becomes a
 * fraction by the 128-bit reciprocal: rest * floor(2^128/h) / 2^64 is off by less than 2^-22 of a unit, so it is the
 * floor or one below it. */
#include "core/decay.h"

#include "core/exp2.h"
#include <leadstream/must.h>

/* ln 2 with 64 fractional bits, rounded up. */
#define LN2_CEILING UINT64_C(0xb17217f7d1cf79ac)

void decay_init(struct decay *decay, int64_t h) {
    MUST(h >= 1000 && h < INT64_C(1) << 42);
    uint64_t d = (uint64_t)h;
    uwide ones = ~(uwide)0;
    uwide inverse = ones / d;
    if (ones % d == d - 1)
        inverse++; /* h is a power of two: 2^128 itself divides */
    *decay = (struct decay){.h = h, .inverse = inverse, .rate = LN2_CEILING / d + 1, .at = -1};
}

/* What is left of a half-life as a fraction of it, 64 bits. */
static uint64_t fraction(const struct decay *decay, uint64_t rest) {
    uwide low = (uwide)rest * (uint64_t)decay->inverse;
    return (uint64_t)((uwide)rest * (uint64_t)(decay->inverse >> 64) + (low >> 64));
}

/* floor(t/h), and t mod h into *rest. */
static int64_t split(const struct decay *decay, int64_t t, uint64_t *rest) {
    MUST(t >= 0);
    uint64_t q = wide_high((uint64_t)t, (uint64_t)(decay->inverse >> 64));
    uint64_t r = (uint64_t)t - q * (uint64_t)decay->h;
    if (r >= (uint64_t)decay->h) {
        q++;
        r -= (uint64_t)decay->h;
    }
    MUST(r < (uint64_t)decay->h);
    *rest = r;
    return (int64_t)q;
}

struct decay_factor decay_factor(const struct decay *decay, int64_t age) {
    uint64_t rest;
    int64_t q = split(decay, age, &rest);
    if (rest == 0)
        return (struct decay_factor){UINT64_C(1) << 63, q};
    return (struct decay_factor){exp2_up(fraction(decay, (uint64_t)decay->h - rest)), q + 1};
}

void decay_set(struct decay *decay, int64_t at) {
    struct decay_factor f = decay_factor(decay, at);
    decay->at = at;
    decay->ceiling = f.halvings;
    decay->factor = f.value;
}

struct decay_bucket decay_bucket(const struct decay *decay, int64_t t) {
    uint64_t rest;
    int64_t q = split(decay, t, &rest);
    MUST(q <= UINT32_MAX);
    return (struct decay_bucket){(uint32_t)q, exp2_floor32(fraction(decay, rest), rest, (uint64_t)decay->h)};
}
