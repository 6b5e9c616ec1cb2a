/* What a lead's memory is worth at an instant, unrounded. Private to the core.
 *
 * A *grain* is 2^-32 of 0.0001 point: what a rule's worth is kept to. A *cell* is one group's rules of one half-life:
 * their sum fades as one, so bounds on the future are taken over cells. */
#ifndef LEADSTREAM_CORE_WORTH_H
#define LEADSTREAM_CORE_WORTH_H

#include "core/lead_tools.h"
#include <leadstream/score.h>

/* Grains of 0.01 point; a weighted sum has 10,000 times as many. */
#define WORTH_HUNDREDTH ((wide)100 << 32)
#define WORTH_WEIGHT 10000

/* What a cell is, for all leads. */
struct worth_kind {
    uint16_t group;
    bool fades;         /* false: half_life none */
    uint64_t rate;      /* of its half-life (core/decay.h); 0 if it does not fade */
};

struct worth_cell {
    wide positive;      /* grains of rules with points above 0 */
    wide negative;      /* of the others: 0 or below */
    uwide slack;        /* how far the sum may stray from a pure exponential: cut-offs after 32 half-lives, and cuts */
};

/* A model's cells, by group; and what the walk over a lead's sections needs of each rule. */
struct worth_plan {
    const struct model *model;
    uint16_t n_cells;
    struct worth_kind *kinds;
    uint16_t *cell_of;      /* by rule */
    uint16_t *group_first;  /* by group: its first cell; one more entry at the end */
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
    struct worth_cell *cells;
    wide *groups;           /* open */
    wide engagement_open, engagement;
    wide fit_open, fit;
    wide total_open, total; /* weighted: 10,000 times as many grains */
};

void worth_init(struct worth *worth, const struct worth_plan *plan);
void worth_fini(struct worth *worth);

/* Fills *worth for the instant `at`, which is not before the lead's newest event. fit: the sum of the fit rules'
 * points. parts: by rule, or NULL. */
void worth_measure(struct worth *worth, const struct worth_plan *plan, struct lead_tools *tools,
                   const struct lead *lead, int64_t at);
void worth_sum(struct worth *worth, const struct worth_plan *plan, int64_t fit);

/* Every rule's part at an instant; those of which nothing is remembered are 0. */
void worth_parts(struct worth_part *parts, const struct model *model, struct lead_tools *tools,
                 const struct lead *lead, int64_t at);

/* A value in grains kept within a clamp, whose limits are in hundredths; `scale` grains of a hundredth. */
wide worth_clamp(wide value, const struct model_clamp *clamp, wide scale);

/* Grains as hundredths, half away from zero; the second of a weighted sum. */
int64_t worth_round(wide grains);
int64_t worth_round_weighted(wide grains);

#endif
