/* When will time alone change something?
 *
 * As long as each rounded score stays inside its box (core/outlook.h) nothing can change. So an instant of change is a
 * moment when a score leaves its box, or when a cooldown ends. Two questions:
 *
 * timer_bound, after every event: a moment before which nothing leaves, cheaply: one safe step.
 *
 * timer_search, when a timer fires: the very millisecond. It keeps a left point up to which all is quiet, and a stack
 * of right ends. Where the bounds between the left point and the nearest right end keep all scores inside, the stretch
 * is quiet and the left point moves on; where not, it is halved, the left half first; a stretch of one millisecond is
 * decided by its end. To get near at once, the left point also jumps by a safe step, which is Newton's method here. */
#include "core/timer.h"

#include "core/outlook.h"

/* Measurements after which slack no longer counts, or half of the budget: sums that cancel to the last grain just where
 * rounding turns could go on for ever. */
enum { EXACT_MEASUREMENTS = 4096 };

/* Jumps at first, before halvings take turns with them. */
enum { JUMPS = 12 };

bool timer_drifted(const struct model *model, const struct lead *lead, int64_t total) {
    if (model->drift == MODEL_NONE)
        return false;
    int64_t moved = total - lead->d.pub_total;
    return (moved < 0 ? -moved : moved) >= model->drift;
}

/* The end of the cooldown that a ready lead waits for; LEAD_NO_DUE: it waits for none. */
static int64_t cooldown_end(const struct model *model, const struct lead *lead, const struct score *now) {
    if (!now->ready || !lead->d.armed || lead->d.closed || lead->d.fired_at == LEAD_NEVER)
        return LEAD_NO_DUE;
    int64_t end = lead->d.fired_at + model->cooldown;
    return end > lead->d.t ? end : LEAD_NO_DUE;
}

/* The last moment at which anything can still fade. */
static int64_t horizon(const struct worth_plan *plan, const struct lead *lead) {
    return lead_newest(lead) + DECAY_LIVES * plan->longest + 1;
}

int64_t timer_bound(struct scorer *scorer, const struct lead *lead, const struct worth *worth,
                    const struct score *now) {
    if (!lead->n)
        return LEAD_NO_DUE;
    struct outlook_boxes boxes = outlook_boxes(scorer, lead, now);
    int64_t step = outlook_step(&scorer->plan, &boxes, worth);
    int64_t last = horizon(&scorer->plan, lead), cooldown = cooldown_end(scorer->model, lead, now);
    int64_t bound = step >= last - worth->at ? LEAD_NO_DUE : worth->at + step + 1;
    return bound < cooldown ? bound : cooldown;
}

/* ------------------------------------------------------------------------------------------------ the search */

struct search {
    struct scorer *scorer;
    const struct lead *lead;
    int64_t fit;
    size_t budget, used;
    struct outlook_boxes boxes;
    struct worth *left; /* all is quiet up to it */
    uint32_t n_right;   /* right ends: points[0] is the farthest; those behind are free */
    struct worth *points;
};

static void measure(struct search *s, struct worth *worth, int64_t at) {
    s->used++;
    worth->at = at;
    worth_measure(worth, &s->scorer->plan, s->scorer->tools, s->lead, NULL);
    worth_sum(worth, &s->scorer->plan, s->fit);
}

static void swap(struct worth *a, struct worth *b) {
    struct worth keep = *a;
    *a = *b;
    *b = keep;
}

/* The left point moves to the nearest right end, which is done with. */
static void move_left(struct search *s) {
    swap(s->left, &s->points[--s->n_right]);
}

static void push_right(struct search *s, int64_t at) {
    MUST(s->n_right + 1 < SCORER_POINTS);
    measure(s, &s->points[s->n_right++], at);
}

static bool outside(struct search *s, const struct worth *worth) {
    struct score *score = &s->scorer->then;
    judge(s->scorer, s->lead, worth, score);
    return !outlook_holds(s->scorer->model, &s->boxes, score);
}

static bool differs(const struct score *a, const struct score *b) {
    return a->stage != b->stage || a->route != b->route || a->ready != b->ready || a->grade[0] != b->grade[0] ||
           a->grade[1] != b->grade[1];
}

/* Moves the left point to a moment before which, as the caller knows, no instant comes; back to T if what hangs on the
 * scores is not there as it is at T after all. */
static void skip_to(struct search *s, int64_t at) {
    struct scorer *scorer = s->scorer;
    if (at <= s->lead->d.t || at >= s->points[0].at)
        return;
    measure(s, s->left, at);
    judge(scorer, s->lead, s->left, &scorer->then);
    if (differs(&scorer->now, &scorer->then) || timer_drifted(scorer->model, s->lead, scorer->then.total)) {
        measure(s, s->left, s->lead->d.t);
        judge(scorer, s->lead, s->left, &scorer->then);
    }
    s->boxes = outlook_boxes(scorer, s->lead, &scorer->then);
}

static bool counts_slack(const struct search *s) {
    return s->used < EXACT_MEASUREMENTS && s->used < s->budget / 2;
}

/* Moves the left point to the first millisecond by `stop` at which a score is outside its box (FOUND), or to `stop`
 * (NONE). UNDECIDED: the budget is spent, and nothing is outside up to the left point. No instant comes up to
 * `known`. */
static enum timer_end first_exit(struct search *s, int64_t stop, int64_t known) {
    const struct worth_plan *plan = &s->scorer->plan;
    int64_t stride = 2;
    bool turn = false;
    if (stop <= s->left->at || outlook_quiet(plan, &s->boxes, s->left, NULL, true))
        return TIMER_NONE;
    s->n_right = 0;
    push_right(s, stop);
    if (outlook_quiet(plan, &s->boxes, s->left, &s->points[0], true)) {
        move_left(s);
        return TIMER_NONE;
    }
    skip_to(s, known);
    for (int jumps = 0; s->n_right > 0;) {
        struct worth *right = &s->points[s->n_right - 1];
        int64_t gap = right->at - s->left->at;
        if (outlook_quiet(plan, &s->boxes, s->left, right, counts_slack(s))) {
            move_left(s);
            continue;
        }
        if (gap == 1) {
            bool found = outside(s, right);
            move_left(s);
            if (found)
                return TIMER_FOUND;
            continue;
        }
        if (s->used >= s->budget)
            return TIMER_UNDECIDED;
        int64_t step = outlook_step(plan, &s->boxes, s->left);
        turn = !turn;
        if (step >= gap) {
            move_left(s);
        } else if (step > 0 && (jumps < JUMPS || turn)) {
            jumps++;
            measure(s, &s->points[s->n_right], s->left->at + step);
            swap(s->left, &s->points[s->n_right]);
        } else {
            push_right(s, s->left->at + (stride < gap / 2 ? stride : gap / 2));
            stride = stride < INT64_MAX / 4 ? 2 * stride : stride;
        }
    }
    return TIMER_NONE;
}

struct timer_answer timer_search(struct scorer *scorer, const struct lead *lead, int64_t from, int64_t until,
                                 size_t budget) {
    const struct timer_answer none = {TIMER_NONE, LEAD_NO_DUE};
    if (!lead->n || lead->d.t == LEAD_NEVER || until <= lead->d.t)
        return none;
    struct search s = {.scorer = scorer,
                       .lead = lead,
                       .fit = judge_fit(scorer, lead),
                       .budget = budget < SCORER_POINTS ? SCORER_POINTS : budget,
                       .left = &scorer->worth,
                       .points = scorer->points};
    measure(&s, s.left, lead->d.t);
    judge(scorer, lead, s.left, &scorer->now);
    s.boxes = outlook_boxes(scorer, lead, &scorer->now);
    int64_t cooldown = cooldown_end(scorer->model, lead, &scorer->now), last = horizon(&scorer->plan, lead);
    int64_t stop = until < last ? until : last;
    stop = cooldown < stop ? cooldown : stop;
    for (bool first = true;; first = false) {
        enum timer_end end = first_exit(&s, stop, first && from != LEAD_NEVER ? from - 1 : LEAD_NEVER);
        if (end == TIMER_UNDECIDED)
            return (struct timer_answer){end, s.left->at + 1};
        if (end == TIMER_NONE)
            return cooldown <= until && cooldown != LEAD_NO_DUE ? (struct timer_answer){TIMER_FOUND, cooldown} : none;
        judge(scorer, lead, s.left, &scorer->then);
        if (s.left->at == cooldown || differs(&scorer->now, &scorer->then) ||
            timer_drifted(scorer->model, lead, scorer->then.total))
            return (struct timer_answer){TIMER_FOUND, s.left->at};
        s.boxes = outlook_boxes(scorer, lead, &scorer->then);
    }
}
