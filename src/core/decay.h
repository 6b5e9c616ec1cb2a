/* Half-lives: how an age becomes a factor, without a division in the hot path.
 *
 * All ages and instants are milliseconds; instants are not negative. */
#ifndef LEADSTREAM_CORE_DECAY_H
#define LEADSTREAM_CORE_DECAY_H

#include "core/wide.h"
#include <stdbool.h>

/* Half-lives after which something counts as 0. */
enum { DECAY_LIVES = 32 };

/* One half-life, prepared; and where the instant last asked about stands in its buckets (a cache). */
struct decay {
    int64_t h;
    uwide inverse;      /* floor(2^128 / h) */
    uint64_t rate;      /* ceil(2^64 * ln(2) / h): what a worth loses in a millisecond, at most */
    int64_t at;         /* the instant that the following belong to; negative: none yet */
    int64_t ceiling;    /* ceil(at / h): a bucket n counts where ceiling - n <= 32 */
    uint64_t factor;    /* 2^(ceiling - at/h), 63 fractional bits */
};

/* A factor 2^(-age/h) = value * 2^-63 * 2^-halvings; exact where age is a multiple of h. */
struct decay_factor {
    uint64_t value;
    int64_t halvings;
};

/* h: 1000 to 2^42. */
void decay_init(struct decay *decay, int64_t h);

/* Moves the cache to an instant. */
void decay_set(struct decay *decay, int64_t at);
static inline void decay_at(struct decay *decay, int64_t at) {
    if (decay->at != at)
        decay_set(decay, at);
}

struct decay_factor decay_factor(const struct decay *decay, int64_t age);

/* The bucket of an instant, floor(t/h), and what an event at t adds to it: floor(2^32 * 2^((t mod h)/h)). */
struct decay_bucket {
    uint32_t n;
    uint64_t w;
};
struct decay_bucket decay_bucket(const struct decay *decay, int64_t t);

#endif
