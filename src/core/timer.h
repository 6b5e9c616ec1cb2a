/* When will time alone change something? Private to the core. */
#ifndef LEADSTREAM_CORE_TIMER_H
#define LEADSTREAM_CORE_TIMER_H

#include "core/scorer.h"

/* A lower bound, O(rules): no instant of change lies in (worth->at, result). worth and now: the lead's, measured and
 * judged at its T. LEAD_NO_DUE: none will ever come. */
int64_t timer_bound(struct scorer *scorer, const struct lead *lead, const struct worth *worth,
                    const struct score *now);

enum timer_end {
    TIMER_FOUND,    /* `at` is the first instant of change */
    TIMER_NONE,     /* none comes by `until` */
    TIMER_UNDECIDED /* the budget is spent: none comes before `at` */
};

struct timer_answer {
    enum timer_end end;
    int64_t at;
};

/* The first instant of change after the lead's T and by `until`, exactly. It is known that none comes before `from`
 * (LEAD_NEVER: nothing is known). budget: measurements. */
struct timer_answer timer_search(struct scorer *scorer, const struct lead *lead, int64_t from, int64_t until,
                                 size_t budget);

/* True where `now` is far enough from the last published total for time alone to publish it. */
bool timer_drifted(const struct model *model, const struct lead *lead, int64_t total);

#endif
