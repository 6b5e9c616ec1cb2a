/* Delta debugging: pieces of a set are left out, halves first, then smaller ones; what still fails stays. */
#include "sim/shrink.h"

#include "sim/sim.h"

enum { MOST_RUNS = 1500 };

struct shrinking {
    struct sim *sim;
    struct plan *plan;
    unsigned runs;
};

/* Does it still fail with this set of faults or events? */
static bool fails(struct shrinking *s, struct plan_set *set, const struct plan_set *tried) {
    struct plan_set before = *set;
    if (s->runs++ >= MOST_RUNS)
        return false;
    *set = *tried;
    struct plan plan = *s->plan;
    plan_draw(&plan);
    if (!sim_run(s->sim, &plan, NULL))
        return true;
    *set = before;
    return false;
}

static uint32_t count(const struct plan_set *set) {
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof set->has; i++)
        n += set->has[i];
    return n;
}

/* The set without members `from` up to `to`, counted among those that it has. */
static struct plan_set without(const struct plan_set *set, uint32_t from, uint32_t to) {
    struct plan_set less = *set;
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof set->has; i++) {
        if (!set->has[i])
            continue;
        less.has[i] = n < from || n >= to;
        n++;
    }
    return less;
}

static void shrink_set(struct shrinking *s, struct plan_set *set, uint32_t size) {
    if (!set->given) {
        *set = (struct plan_set){.given = true};
        for (uint32_t i = 0; i < size; i++)
            set->has[i] = true;
    }
    for (uint32_t piece = (count(set) + 1) / 2; piece; piece = piece > 1 ? (piece + 1) / 2 : 0) {
        for (uint32_t at = 0; at < count(set);) {
            struct plan_set less = without(set, at, at + piece);
            if (!fails(s, set, &less))
                at += piece;
        }
    }
}

static void shrink_seats(struct shrinking *s) {
    uint32_t seats = s->plan->seats;
    for (uint32_t fewer = 1; fewer < seats; fewer++) {
        s->plan->seats = fewer;
        if (fails(s, &s->plan->faults_kept, &s->plan->faults_kept))
            return;
    }
    s->plan->seats = seats;
}

unsigned shrink(struct sim *sim, struct plan *plan) {
    struct shrinking s = {sim, plan, 0};
    unsigned before;
    do {
        before = count(&plan->faults_kept) + count(&plan->events_kept);
        shrink_set(&s, &plan->faults_kept, plan->n_faults);
        shrink_seats(&s);
        shrink_set(&s, &plan->events_kept, plan->events);
    } while (count(&plan->faults_kept) + count(&plan->events_kept) != before && s.runs < MOST_RUNS);
    return s.runs;
}
