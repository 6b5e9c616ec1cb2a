/* What a lead's memory is worth at an instant, unrounded. Private to the core.
 *
 * A *grain* is 2^-32 of 0.0001 point: what a rule's worth is kept to. A *cell* is rules of one half-life: their sum
 * fades as one, so bounds on the future are taken over cells. A *pool* is cells whose sum goes on as one: a group that
 * has a clamp, or on whose score something hangs, is a pool of its own; all other groups together are one. */
#ifndef LEADSTREAM_CORE_WORTH_H
#define LEADSTREAM_CORE_WORTH_H

#include "core/lead_tools.h"
#include <leadstream/score.h>

/* Grains of 0.01 point; a weighted sum has 10,000 times as many. */
#define WORTH_HUNDREDTH ((wide)100 << 32)
#define WORTH_WEIGHT 10000

/* What a cell is, for all leads. */
struct worth_kind {
    uint16_t half_life; /* index, or MODEL_NO_HALF_LIFE */
    bool fades;         /* false: half_life none */
    uint64_t rate;      /* of its half-life (core/decay.h); 0 if it does not fade */
};

struct worth_cell {
    wide positive;      /* grains of rules with points above 0 */
    wide negative;      /* of the others: 0 or below */
    uwide slack;        /* how far the sum may stray from a pure exponential: what is cut off after 32 half-lives .. */
    uwide grains;       /* .. and, always, the last grains */
};

struct worth_pool {
    uint16_t first, end;    /* its cells */
    uint16_t group;         /* MODEL_NO_GROUP: the pool of all groups without a clamp */
};

/* What the walk over a lead's sections needs of a rule, close together. */
struct worth_rule {
    uint32_t hash;
    uint32_t limit;     /* of MODEL_WINDOWS */
    uint16_t cell;
    uint16_t group;
    uint16_t half_life; /* index, or MODEL_NO_HALF_LIFE */
    bool negative;      /* points are 0 or below */
    uint64_t points;    /* without the sign */
};

/* A model's pools with their cells, and its rules, by hash as in the model. */
struct worth_plan {
    const struct model *model;
    uint16_t n_cells, n_pools;
    struct worth_kind *kinds;
    struct worth_pool *pools;
    struct worth_rule *rules;
    uint64_t per_weight;    /* floor(2^64 / weight of engagement), 0 if that is 0 */
    int64_t longest;        /* the greatest half-life, 0 if there is none */
};

void worth_plan_init(struct worth_plan *plan, const struct model *model);
void worth_plan_fini(struct worth_plan *plan);

/* One rule's part, for reasons. */
struct worth_part {
    uwide count;    /* C, 64 fractional bits */
    wide worth;     /* grains */
};

/* A lead's figures at an instant, before they are rounded: "open" is before the clamp. */
struct worth {
    int64_t at;
    int64_t whole_until;    /* nothing more is cut off up to then */
    struct worth_cell *cells;
    wide *groups;           /* open */
    wide engagement_open, engagement;
    wide fit_open, fit;
    wide total_open, total; /* weighted: 10,000 times as many grains */
};

void worth_init(struct worth *worth, const struct worth_plan *plan);
void worth_fini(struct worth *worth);

/* Fills cells and groups for the instant worth->at, which is not before the lead's newest event. parts: by rule, those
 * of which nothing is remembered 0; or NULL. */
void worth_measure(struct worth *worth, const struct worth_plan *plan, struct lead_tools *tools,
                   const struct lead *lead, struct worth_part *parts);
/* Fills the rest from the groups. fit: the sum of the fit rules' points. */
void worth_sum(struct worth *worth, const struct worth_plan *plan, int64_t fit);

/* A value in grains kept within a clamp, whose limits are in hundredths; `scale` grains of a hundredth. */
static inline wide worth_clamp(wide value, const struct model_clamp *clamp, wide scale) {
    if (clamp->has_max && value > clamp->max * scale)
        return clamp->max * scale;
    if (clamp->has_min && value < clamp->min * scale)
        return clamp->min * scale;
    return value;
}

/* value / (unit * 2^32), half away from zero. Figures that no traffic can reach saturate, so that differences of two
 * of them never overflow. */
static inline int64_t worth_round_by(wide value, uint64_t unit) {
    const uint64_t ceiling = UINT64_C(1) << 61;
    uwide whole = (wide_abs(value) + ((uwide)unit << 31)) >> 32;
    uint64_t n = ceiling;
    if (whole <= UINT64_MAX)
        n = (uint64_t)whole / unit;
    else if (whole / unit < ceiling)
        n = (uint64_t)(whole / unit);
    n = n < ceiling ? n : ceiling;
    return value < 0 ? -(int64_t)n : (int64_t)n;
}

/* Grains as hundredths; the second of a weighted sum. */
static inline int64_t worth_round(wide grains) {
    return worth_round_by(grains, 100);
}

static inline int64_t worth_round_weighted(wide grains) {
    return worth_round_by(grains, UINT64_C(100) * WORTH_WEIGHT);
}

#endif
