/* Random plays for property tests: a model, and events on one lead, the same from the same seed.
 *
 * Half-lives are a few seconds and times are near each other, so that thresholds are crossed often and every
 * millisecond until all has faded can be looked at. */
#ifndef LEADSTREAM_TESTS_PLAY_H
#define LEADSTREAM_TESTS_PLAY_H

#include "support/suite.h"
#include <leadstream/score.h>

enum { PLAY_EVENTS = 64, PLAY_LONGEST = 3000 /* ms: the greatest half-life */ };

/* When plays begin: a moment that no window or bucket begins at. */
#define PLAY_START INT64_C(1795514400123)

struct play {
    uint64_t seed;          /* to print */
    uint64_t random;        /* the generator's state */
    struct model *model;
    char text[16384];       /* the model's YAML */
    uint32_t n;
    struct event events[PLAY_EVENTS];   /* by rising time */
    struct event_field fields[PLAY_EVENTS][3];
    char ids[PLAY_EVENTS][12];
};

/* What a play's model may have. */
enum play_kind {
    PLAY_ANY,
    PLAY_POSITIVE,  /* no points below 0 */
    PLAY_REORDERED  /* the same model as PLAY_ANY's of that seed, its groups and rules written in the other order */
};

/* Makes the play of a seed with n events. */
void play_init(struct play *play, enum play_kind kind, uint64_t seed, uint32_t n);
void play_fini(struct play *play);

/* The model of a text, which must be right. */
struct model *play_model(const char *text);

/* Puts indices 0..n-1 into an order of the play's own. */
void play_shuffle(struct play *play, uint32_t *order, uint32_t n);

/* ck_assert with the seed and the model. */
#define play_assert(play, cond)                                                                                       \
    ck_assert_msg((cond), "%s: seed %llu, model:\n%s", #cond, (unsigned long long)(play)->seed, (play)->text)

#endif
