/* When will time alone change something?
 *
 * Stage, grade, route, readiness and drift hang on rounded scores: as long as each score stays inside its *box* (the
 * thresholds next to it, and the drift around what was published) nothing can change. So an instant of change is a
 * moment when a score leaves its box, or when a cooldown ends. Two questions:
 *
 * timer_bound, after every event: a moment before which nothing leaves, cheaply. A sum of fading parts moves fastest
 * now, so margin over speed is safe; speeds are summed over the cells (core/worth.h) that move the right way.
 *
 * timer_search, when a timer fires: the very millisecond. It keeps a left point up to which all is quiet, and a stack
 * of right ends. Between two measured points every score lies within bounds: a cell's positive rules only fall and its
 * negative ones only rise, so its sum is between their mixed ends; and since all of a cell fades alike, also between
 * its own two ends, give or take its slack. Where the bounds keep all scores inside, the stretch is quiet and the left
 * point moves on; where not, it is halved, the left half first; a stretch of one millisecond is decided by its end. To
 * get near at once, the left point also jumps by timer_bound's safe step, which is Newton's method here. */
#include "core/timer.h"

/* Measurements after which slack no longer counts: sums that cancel to the last grain could go on for ever. */
enum { EXACT_MEASUREMENTS = 4096 };

/* Jumps at first, before halvings take turns with them. */
enum { JUMPS = 12 };

/* A span of time with bounds on what a score can be in it, in grains. */
struct span {
    wide low, high;
};

struct boxes {
    struct timer_box total, engagement;
    struct timer_box *groups;
};

bool timer_drifted(const struct model *model, const struct lead *lead, int64_t total) {
    if (model->drift == MODEL_NONE)
        return false;
    int64_t moved = total - lead->d.pub_total;
    return (moved < 0 ? -moved : moved) >= model->drift;
}

/* ------------------------------------------------------------------------------------------------ boxes */

static struct timer_box box_around(const struct model_thresholds *flips, int64_t score) {
    struct timer_box box = {INT64_MIN, INT64_MAX};
    for (uint32_t i = 0; i < flips->n; i++) {
        if (flips->at[i] > score) {
            box.high = flips->at[i] - 1;
            break;
        }
        box.low = flips->at[i];
    }
    return box;
}

static struct boxes boxes_around(struct scorer *scorer, const struct lead *lead, const struct score *now) {
    const struct model *model = scorer->model;
    struct boxes boxes = {box_around(&model->total_flips, now->total),
                          box_around(&model->engagement_flips, now->engagement), scorer->group_boxes};
    for (uint16_t g = 0; g < model->n_groups; g++)
        boxes.groups[g] = box_around(&model->group_flips[g], now->groups[g]);
    if (model->drift != MODEL_NONE) {
        int64_t low = lead->d.pub_total - model->drift + 1, high = lead->d.pub_total + model->drift - 1;
        boxes.total.low = low > boxes.total.low ? low : boxes.total.low;
        boxes.total.high = high < boxes.total.high ? high : boxes.total.high;
    }
    return boxes;
}

static bool box_holds(const struct timer_box *box, int64_t score) {
    return box->low <= score && score <= box->high;
}

static bool box_is_open(const struct timer_box *box) {
    return box->low == INT64_MIN && box->high == INT64_MAX;
}

static bool all_hold(const struct model *model, const struct boxes *boxes, const struct score *score) {
    for (uint16_t g = 0; g < model->n_groups; g++)
        if (!box_holds(&boxes->groups[g], score->groups[g]))
            return false;
    return box_holds(&boxes->engagement, score->engagement) && box_holds(&boxes->total, score->total);
}

/* ------------------------------------------------------------------------------------------------ bounds */

static wide least(wide a, wide b) {
    return a < b ? a : b;
}

static wide greatest(wide a, wide b) {
    return a > b ? a : b;
}

/* What a cell can be between two points; b NULL: for ever after a. */
static struct span cell_span(const struct worth_kind *kind, const struct worth_cell *a, const struct worth_cell *b,
                             bool slack) {
    static const struct worth_cell faded = {0, 0, 0};
    wide now = a->positive + a->negative;
    if (!kind->fades)
        return (struct span){now, now};
    b = b ? b : &faded;
    struct span apart = {b->positive + a->negative, a->positive + b->negative};
    if (a->positive == 0 || a->negative == 0)
        return apart;
    wide later = b->positive + b->negative, stray = slack ? (wide)a->slack : 0;
    return (struct span){greatest(apart.low, least(now, later) - stray),
                         least(apart.high, greatest(now, later) + stray)};
}

static struct span group_span(const struct worth_plan *plan, uint16_t g, const struct worth *a, const struct worth *b,
                              bool slack) {
    struct span sum = {0, 0};
    for (uint16_t i = plan->group_first[g]; i < plan->group_first[g + 1]; i++) {
        struct span span = cell_span(&plan->kinds[i], &a->cells[i], b ? &b->cells[i] : NULL, slack);
        sum.low += span.low;
        sum.high += span.high;
    }
    const struct model_clamp *clamp = &plan->model->groups[g].clamp;
    return (struct span){worth_clamp(sum.low, clamp, WORTH_HUNDREDTH), worth_clamp(sum.high, clamp, WORTH_HUNDREDTH)};
}

static struct span engagement_span(const struct model *model, struct span open) {
    return (struct span){worth_clamp(open.low, &model->engagement, WORTH_HUNDREDTH),
                         worth_clamp(open.high, &model->engagement, WORTH_HUNDREDTH)};
}

/* engagement: a value of it in grains; gives the total's. */
static wide total_with(const struct model *model, const struct worth *worth, wide engagement) {
    return worth_clamp(engagement * model->weight_engagement + worth->fit * model->weight_fit, &model->total,
                       WORTH_HUNDREDTH * WORTH_WEIGHT);
}

static bool box_holds_span(const struct timer_box *box, struct span span) {
    return box_is_open(box) || (worth_round(span.low) >= box->low && worth_round(span.high) <= box->high);
}

static bool box_holds_total(const struct timer_box *box, const struct model *model, const struct worth *worth,
                            struct span engagement) {
    return box_is_open(box) ||
           (worth_round_weighted(total_with(model, worth, engagement.low)) >= box->low &&
            worth_round_weighted(total_with(model, worth, engagement.high)) <= box->high);
}

/* True where no score can leave its box between two points (b NULL: ever after a). */
static bool quiet(const struct worth_plan *plan, const struct boxes *boxes, const struct worth *a,
                  const struct worth *b, bool slack) {
    const struct model *model = plan->model;
    struct span open = {0, 0};
    for (uint16_t g = 0; g < model->n_groups; g++) {
        struct span group = group_span(plan, g, a, b, slack);
        if (!box_holds_span(&boxes->groups[g], group))
            return false;
        open.low += group.low;
        open.high += group.high;
    }
    struct span engagement = engagement_span(model, open);
    return box_holds_span(&boxes->engagement, engagement) && box_holds_total(&boxes->total, model, a, engagement);
}

/* ------------------------------------------------------------------------------------------------ safe steps */

/* What a group's sum, or all of them, can do from now on. */
struct outlook {
    uwide fall, rise;   /* at most so fast: grains per millisecond */
    uwide slack;        /* and so much at once */
    wide low, high;     /* and only so far */
};

/* How far a score is from leaving, down and up, in grains; negative: it cannot leave that way. */
struct margin {
    wide down, up;
};

static void look_at_cell(struct outlook *out, const struct worth_kind *kind, const struct worth_cell *cell) {
    wide now = cell->positive + cell->negative;
    if (!kind->fades) {
        out->low += now;
        out->high += now;
        return;
    }
    if (now > 0)
        out->fall += wide_scale((uwide)now, kind->rate) + 1;
    else
        out->rise += wide_scale(-(uwide)now, kind->rate) + 1;
    out->slack += cell->slack;
    if (cell->positive == 0 || cell->negative == 0) {
        out->low += cell->negative;
        out->high += cell->positive;
    } else {
        struct span span = cell_span(kind, cell, NULL, true);
        out->low += span.low;
        out->high += span.high;
    }
}

static struct outlook outlook_of(const struct worth_plan *plan, uint16_t g, const struct worth *worth) {
    struct outlook out = {0, 0, 0, 0, 0};
    for (uint16_t i = plan->group_first[g]; i < plan->group_first[g + 1]; i++)
        if (worth->cells[i].positive | worth->cells[i].negative)
            look_at_cell(&out, &plan->kinds[i], &worth->cells[i]);
    const struct model_clamp *clamp = &plan->model->groups[g].clamp;
    out.low = worth_clamp(out.low, clamp, WORTH_HUNDREDTH);
    out.high = worth_clamp(out.high, clamp, WORTH_HUNDREDTH);
    return out;
}

/* Values from `low` to `high` round to what the box holds, in units of `scale` grains a hundredth (one grain is given
 * away, so that halves do not matter). */
static struct span box_edges(const struct timer_box *box, wide scale) {
    const wide far = (wide)1 << 126;
    return (struct span){box->low == INT64_MIN ? -far : box->low * scale - scale / 2 + 1,
                         box->high == INT64_MAX ? far : box->high * scale + scale / 2 - 1};
}

/* The greatest d such that moving for d ms eats no more than the margin. */
static int64_t step_of(wide margin, uwide rate, uwide slack) {
    if (margin < 0)
        return INT64_MAX;
    if ((uwide)margin <= slack)
        return 0;
    uwide left = (uwide)margin - slack;
    if (rate == 0)
        return INT64_MAX;
    if ((left | rate) >> 64 == 0)
        left = (uint64_t)left / (uint64_t)rate;
    else
        left /= rate;
    return left < INT64_MAX ? (int64_t)left : INT64_MAX;
}

static int64_t step_within(struct margin margin, const struct outlook *out) {
    int64_t down = step_of(margin.down, out->fall, out->slack), up = step_of(margin.up, out->rise, out->slack);
    return down < up ? down : up;
}

/* The margins of a score that is `open` before its clamp, in a box that it can leave only as far as `span` says. */
static struct margin margin_of(const struct timer_box *box, wide open, struct span span) {
    struct span edges = box_edges(box, WORTH_HUNDREDTH);
    return (struct margin){span.low < edges.low ? greatest(open - edges.low, 0) : -1,
                           span.high > edges.high ? greatest(edges.high - open, 0) : -1};
}

/* Grains of the weighted total as grains of engagement, none below 0, cut. */
static wide unweighted(wide grains, const struct worth_plan *plan) {
    return grains <= 0 ? 0 : (wide)wide_scale((uwide)grains, plan->per_weight);
}

/* The same of the total, in grains of engagement before its clamp. */
static struct margin margin_of_total(const struct worth_plan *plan, const struct timer_box *box,
                                     const struct worth *worth, struct span engagement) {
    const struct model *model = plan->model;
    struct span edges = box_edges(box, WORTH_HUNDREDTH * WORTH_WEIGHT);
    struct margin margin = {-1, -1};
    wide beyond = worth->engagement_open - worth->engagement;
    if (model->weight_engagement == 0)
        return margin;
    if (total_with(model, worth, engagement.low) < edges.low)
        margin.down = unweighted(worth->total_open - edges.low, plan) + greatest(beyond, 0);
    if (total_with(model, worth, engagement.high) > edges.high)
        margin.up = unweighted(edges.high - worth->total_open, plan) + greatest(-beyond, 0);
    return margin;
}

/* A number of milliseconds after worth->at in which nothing can leave its box; INT64_MAX: nothing ever can. */
static int64_t safe_step(const struct worth_plan *plan, const struct boxes *boxes, const struct worth *worth) {
    const struct model *model = plan->model;
    struct outlook all = {0, 0, 0, 0, 0};
    int64_t step = INT64_MAX, d;
    for (uint16_t g = 0; g < model->n_groups; g++) {
        struct outlook own = outlook_of(plan, g, worth);
        if (!box_is_open(&boxes->groups[g])) {
            struct margin margin = margin_of(&boxes->groups[g], worth->groups[g], (struct span){own.low, own.high});
            d = step_within(margin, &own);
            step = d < step ? d : step;
        }
        all.fall += own.fall;
        all.rise += own.rise;
        all.slack += own.slack;
        all.low += own.low;
        all.high += own.high;
    }
    struct span engagement = engagement_span(model, (struct span){all.low, all.high});
    if (!box_is_open(&boxes->engagement)) {
        d = step_within(margin_of(&boxes->engagement, worth->engagement_open, engagement), &all);
        step = d < step ? d : step;
    }
    if (!box_is_open(&boxes->total)) {
        d = step_within(margin_of_total(plan, &boxes->total, worth, engagement), &all);
        step = d < step ? d : step;
    }
    return step;
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
    struct boxes boxes = boxes_around(scorer, lead, now);
    int64_t step = safe_step(&scorer->plan, &boxes, worth);
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
    struct boxes boxes;
    struct worth *left;     /* all is quiet up to it */
    uint32_t n_right;       /* right ends: points[0] is the farthest; those behind are free */
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
    return !all_hold(s->scorer->model, &s->boxes, score);
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
    s->boxes = boxes_around(scorer, s->lead, &scorer->then);
}

/* Moves the left point to the first millisecond by `stop` at which a score is outside its box (FOUND), or to `stop`
 * (NONE). UNDECIDED: the budget is spent, and nothing is outside up to the left point. No instant comes up to `known`. */
static enum timer_end first_exit(struct search *s, int64_t stop, int64_t known) {
    const struct worth_plan *plan = &s->scorer->plan;
    int64_t stride = 2;
    bool turn = false;
    if (stop <= s->left->at || quiet(plan, &s->boxes, s->left, NULL, true))
        return TIMER_NONE;
    s->n_right = 0;
    push_right(s, stop);
    if (quiet(plan, &s->boxes, s->left, &s->points[0], true)) {
        move_left(s);
        return TIMER_NONE;
    }
    skip_to(s, known);
    for (int jumps = 0; s->n_right > 0;) {
        struct worth *right = &s->points[s->n_right - 1];
        int64_t gap = right->at - s->left->at;
        if (quiet(plan, &s->boxes, s->left, right, s->used < EXACT_MEASUREMENTS)) {
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
        int64_t step = safe_step(plan, &s->boxes, s->left);
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
    scorer->counts.searches++;
    measure(&s, s.left, lead->d.t);
    judge(scorer, lead, s.left, &scorer->now);
    s.boxes = boxes_around(scorer, lead, &scorer->now);
    int64_t cooldown = cooldown_end(scorer->model, lead, &scorer->now), last = horizon(&scorer->plan, lead);
    int64_t stop = until < last ? until : last;
    stop = cooldown < stop ? cooldown : stop;
    for (bool first = true;; first = false) {
        enum timer_end end = first_exit(&s, stop, first && from != LEAD_NEVER ? from - 1 : LEAD_NEVER);
        if (end == TIMER_UNDECIDED) {
            scorer->counts.undecided++;
            return (struct timer_answer){end, s.left->at + 1};
        }
        if (end == TIMER_NONE)
            return cooldown <= until && cooldown != LEAD_NO_DUE ? (struct timer_answer){TIMER_FOUND, cooldown} : none;
        judge(scorer, lead, s.left, &scorer->then);
        if (s.left->at == cooldown || differs(&scorer->now, &scorer->then) ||
            timer_drifted(scorer->model, lead, scorer->then.total))
            return (struct timer_answer){TIMER_FOUND, s.left->at};
        s.boxes = boxes_around(scorer, lead, &scorer->then);
    }
}
