/* What is in a worker's way, told rarely: at once, then after 1 s, 2 s, 4 s .. up to once a minute, with how long it has
 * lasted; and once when it is over. A broker that is away for a night makes some hundred lines, not millions. */
#ifndef LEADSTREAM_TROUBLE_H
#define LEADSTREAM_TROUBLE_H

#include <leadstream/err.h>
#include <stdint.h>

/* Zeros: all is well. One thread's. Times are monotonic ms, above 0. */
struct trouble {
    int64_t since, last;    /* since when, and the last that was heard of it; 0: all is well */
    int64_t next;           /* when it is told again */
    int64_t pause;          /* until the time after that */
    uint64_t seen;          /* how often it was heard */
    enum err_code code;     /* that was told last */
};

/* Hears of an error, and may log it as `event`. */
void trouble_hear(struct trouble *trouble, unsigned worker, const char *event, const struct err *why, int64_t now);

/* To be called now and then: what has not been heard of for 15 s is over. */
void trouble_look(struct trouble *trouble, unsigned worker, int64_t now);

/* For how long something has been in the way, ms, at least 1; 0: nothing is. */
int64_t trouble_lasts(const struct trouble *trouble, int64_t now);

/* It was heard of for a second or more: no passing thing, as a shard that another thread still has when shards move. */
bool trouble_serious(const struct trouble *trouble);

#endif
