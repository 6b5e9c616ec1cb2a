/* How scores can move from here.
 *
 * A cell's positive rules only fall and its negative ones only rise, so between two measured points its sum is between
 * their mixed ends; and since all of a cell fades alike, it is also between its own two ends, give or take its slack
 * (core/worth.h). Groups, engagement and total follow, since clamps and weights keep the order.
 *
 * A sum of fading parts moves fastest now. So a margin divided by the speed of now, after what may come at once (the
 * slack) is taken off, is a time in which the margin cannot be used up: a safe step, no longer than the true one. */
#include "core/outlook.h"

/* Farther than any sum of grains. */
#define FAR ((wide)1 << 126)

/* A span of time with bounds on what a score can be in it, in grains. */
struct span {
    wide low, high;
};

static struct outlook_box box_around(const struct model_thresholds *flips, int64_t score) {
    struct outlook_box box = {INT64_MIN, INT64_MAX};
    for (uint32_t i = 0; i < flips->n; i++) {
        if (flips->at[i] > score) {
            box.high = flips->at[i] - 1;
            break;
        }
        box.low = flips->at[i];
    }
    return box;
}

struct outlook_boxes outlook_boxes(struct scorer *scorer, const struct lead *lead, const struct score *now) {
    const struct model *model = scorer->model;
    struct outlook_boxes boxes = {box_around(&model->total_flips, now->total),
                                  box_around(&model->engagement_flips, now->engagement), scorer->group_boxes};
    for (uint16_t p = 0; p < scorer->plan.n_pools; p++) {
        uint16_t g = scorer->plan.pools[p].group; /* on the other groups' scores nothing hangs: their boxes stay open */
        if (g != MODEL_NO_GROUP)
            boxes.groups[g] = box_around(&model->group_flips[g], now->groups[g]);
    }
    if (model->drift != MODEL_NONE) {
        int64_t low = lead->d.pub_total - model->drift + 1, high = lead->d.pub_total + model->drift - 1;
        boxes.total.low = low > boxes.total.low ? low : boxes.total.low;
        boxes.total.high = high < boxes.total.high ? high : boxes.total.high;
    }
    return boxes;
}

static bool box_holds(const struct outlook_box *box, int64_t score) {
    return box->low <= score && score <= box->high;
}

static bool box_is_open(const struct outlook_box *box) {
    return box->low == INT64_MIN && box->high == INT64_MAX;
}

bool outlook_holds(const struct model *model, const struct outlook_boxes *boxes, const struct score *score) {
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

/* What makes a cell's sum stray from fading as one: nothing, its last grains, or also what is cut off meanwhile. */
enum stray { STRAY_NONE, STRAY_GRAINS, STRAY_ALL };

static enum stray stray_between(const struct worth *a, const struct worth *b) {
    return b && b->at <= a->whole_until ? STRAY_GRAINS : STRAY_ALL;
}

static wide stray_of(const struct worth_cell *cell, enum stray stray) {
    if (stray == STRAY_NONE)
        return 0;
    return (wide)(cell->grains + (stray == STRAY_ALL ? cell->slack : 0));
}

/* What a cell can be between two points; b NULL: for ever after a. */
static struct span cell_span(const struct worth_kind *kind, const struct worth_cell *a, const struct worth_cell *b,
                             enum stray how) {
    static const struct worth_cell faded = {0, 0, 0, 0};
    wide now = a->positive + a->negative;
    if (!kind->fades)
        return (struct span){now, now};
    b = b ? b : &faded;
    struct span apart = {b->positive + a->negative, a->positive + b->negative};
    if (a->positive == 0 || a->negative == 0)
        return apart;
    wide later = b->positive + b->negative, stray = stray_of(a, how);
    return (struct span){greatest(apart.low, least(now, later) - stray),
                         least(apart.high, greatest(now, later) + stray)};
}

/* A sum of cells between two points, where it bends only a little. What fades toward zero from above lies above its
 * tangent of now and below its chord, what fades from below the other way round. So the sum lies above one straight
 * line and below another, which both start where it is now: their ends are all that has to be looked at. */
struct bend {
    wide now, later;
    wide below, above; /* how far the lines' other ends are from `later` */
    wide stray;
    bool far; /* a tangent has come down to zero: the lines say nothing */
};

static void bend_add(struct bend *bend, const struct bend *other) {
    bend->now += other->now;
    bend->later += other->later;
    bend->below += other->below;
    bend->above += other->above;
    bend->stray += other->stray;
    bend->far = bend->far || other->far;
}

static struct bend bend_of(const struct worth_plan *plan, const struct worth_pool *pool, const struct worth *a,
                           const struct worth *b) {
    struct bend bend = {0, 0, 0, 0, 0, false};
    for (uint16_t i = pool->first; i < pool->end; i++) {
        wide from = a->cells[i].positive + a->cells[i].negative, to = b->cells[i].positive + b->cells[i].negative;
        uwide fades = (uwide)plan->kinds[i].rate * (uint64_t)(b->at - a->at);
        wide drop = (wide)wide_scale(wide_abs(from), (uint64_t)fades) + 1;
        bend.far = bend.far || fades >> 64;
        bend.now += from;
        bend.later += to;
        if (from > 0)
            bend.below += to - from + drop;
        else if (from < 0)
            bend.above += from - to + drop;
        bend.stray += 2 * stray_of(&a->cells[i], stray_between(a, b));
    }
    return bend;
}

static struct span bend_span(const struct bend *bend) {
    if (bend->far)
        return (struct span){-FAR, FAR};
    return (struct span){least(bend->now, bend->later - bend->below) - bend->stray,
                         greatest(bend->now, bend->later + bend->above) + bend->stray};
}

static struct span span_both(struct span a, struct span b) {
    return (struct span){greatest(a.low, b.low), least(a.high, b.high)};
}

/* The sum of a pool's cells, cell by cell. */
static struct span pool_span(const struct worth_plan *plan, const struct worth_pool *pool, const struct worth *a,
                             const struct worth *b, enum stray how) {
    struct span sum = {0, 0};
    for (uint16_t i = pool->first; i < pool->end; i++) {
        struct span span = cell_span(&plan->kinds[i], &a->cells[i], b ? &b->cells[i] : NULL, how);
        sum.low += span.low;
        sum.high += span.high;
    }
    return sum;
}

/* Within the clamp of the pool's group. */
static struct span clamped(const struct model *model, const struct worth_pool *pool, struct span span) {
    if (pool->group == MODEL_NO_GROUP)
        return span;
    const struct model_clamp *clamp = &model->groups[pool->group].clamp;
    return (struct span){worth_clamp(span.low, clamp, WORTH_HUNDREDTH), worth_clamp(span.high, clamp, WORTH_HUNDREDTH)};
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

static bool box_holds_span(const struct outlook_box *box, struct span span) {
    return box_is_open(box) || (worth_round(span.low) >= box->low && worth_round(span.high) <= box->high);
}

static bool box_holds_total(const struct outlook_box *box, const struct model *model, const struct worth *worth,
                            struct span engagement) {
    return box_is_open(box) || (worth_round_weighted(total_with(model, worth, engagement.low)) >= box->low &&
                                worth_round_weighted(total_with(model, worth, engagement.high)) <= box->high);
}

/* True where no score can leave its box between two points (b NULL: ever after a). Pools that no clamp holds back are
 * bounded together too: what one loses another may gain. */
bool outlook_quiet(const struct worth_plan *plan, const struct outlook_boxes *boxes, const struct worth *a,
                   const struct worth *b, bool slack) {
    struct span open = {0, 0}, held = {0, 0};
    struct bend free = {0, 0, 0, 0, 0, !b};
    for (uint16_t p = 0; p < plan->n_pools; p++) {
        const struct worth_pool *pool = &plan->pools[p];
        struct span span = pool_span(plan, pool, a, b, slack ? stray_between(a, b) : STRAY_NONE);
        struct bend bend = {0, 0, 0, 0, 0, true};
        if (b) {
            bend = bend_of(plan, pool, a, b);
            span = span_both(span, bend_span(&bend));
        }
        struct span kept = clamped(plan->model, pool, span);
        if (pool->group != MODEL_NO_GROUP && !box_holds_span(&boxes->groups[pool->group], kept))
            return false;
        open = (struct span){open.low + kept.low, open.high + kept.high};
        if (kept.low == span.low && kept.high == span.high)
            bend_add(&free, &bend);
        else
            held = (struct span){held.low + kept.low, held.high + kept.high};
    }
    struct span together = bend_span(&free);
    open = span_both(open, (struct span){together.low + held.low, together.high + held.high});
    struct span engagement = engagement_span(plan->model, open);
    return box_holds_span(&boxes->engagement, engagement) && box_holds_total(&boxes->total, plan->model, a, engagement);
}

/* ------------------------------------------------------------------------------------------------ safe steps */

/* What a pool's sum, or all of them, can do from now on. */
struct motion {
    uwide fall, rise; /* at most so fast: grains per millisecond */
    uwide slack;      /* and so much at once */
    wide low, high;   /* and only so far */
};

/* How far a score is from leaving, down and up, in grains; negative: it cannot leave that way. */
struct margin {
    wide down, up;
};

static void look_at_cell(struct motion *out, const struct worth_kind *kind, const struct worth_cell *cell) {
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
    out->slack += cell->slack + cell->grains;
    if (cell->positive == 0 || cell->negative == 0) {
        out->low += cell->negative;
        out->high += cell->positive;
    } else {
        struct span span = cell_span(kind, cell, NULL, STRAY_ALL);
        out->low += span.low;
        out->high += span.high;
    }
}

static struct motion motion_of(const struct worth_plan *plan, const struct worth_pool *pool,
                               const struct worth *worth) {
    struct motion out = {0, 0, 0, 0, 0};
    for (uint16_t i = pool->first; i < pool->end; i++)
        if (worth->cells[i].positive | worth->cells[i].negative)
            look_at_cell(&out, &plan->kinds[i], &worth->cells[i]);
    struct span span = clamped(plan->model, pool, (struct span){out.low, out.high});
    out.low = span.low;
    out.high = span.high;
    return out;
}

/* Values from `low` to `high` round to what the box holds, in units of `scale` grains a hundredth (one grain is given
 * away, so that halves do not matter). */
static struct span box_edges(const struct outlook_box *box, wide scale) {
    return (struct span){box->low == INT64_MIN ? -FAR : box->low * scale - scale / 2 + 1,
                         box->high == INT64_MAX ? FAR : box->high * scale + scale / 2 - 1};
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

static int64_t step_within(struct margin margin, const struct motion *out) {
    int64_t down = step_of(margin.down, out->fall, out->slack), up = step_of(margin.up, out->rise, out->slack);
    return down < up ? down : up;
}

/* The margins of a score that is `open` before its clamp, in a box that it can leave only as far as `span` says. */
static struct margin margin_of(const struct outlook_box *box, wide open, struct span span) {
    struct span edges = box_edges(box, WORTH_HUNDREDTH);
    return (struct margin){span.low < edges.low ? greatest(open - edges.low, 0) : -1,
                           span.high > edges.high ? greatest(edges.high - open, 0) : -1};
}

/* Grains of the weighted total as grains of engagement, none below 0, cut. */
static wide unweighted(wide grains, const struct worth_plan *plan) {
    return grains <= 0 ? 0 : (wide)wide_scale((uwide)grains, plan->per_weight);
}

/* The same of the total, in grains of engagement before its clamp. */
static struct margin margin_of_total(const struct worth_plan *plan, const struct outlook_box *box,
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
int64_t outlook_step(const struct worth_plan *plan, const struct outlook_boxes *boxes, const struct worth *worth) {
    const struct model *model = plan->model;
    struct motion all = {0, 0, 0, 0, 0};
    int64_t step = INT64_MAX, d;
    for (uint16_t p = 0; p < plan->n_pools; p++) {
        uint16_t g = plan->pools[p].group;
        struct motion own = motion_of(plan, &plan->pools[p], worth);
        if (g != MODEL_NO_GROUP && !box_is_open(&boxes->groups[g])) {
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
