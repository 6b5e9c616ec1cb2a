/* How scores can move from here: what bounds there are on the future of a measured lead. Private to the core. */
#ifndef LEADSTREAM_CORE_OUTLOOK_H
#define LEADSTREAM_CORE_OUTLOOK_H

#include "core/scorer.h"

/* As long as each rounded score stays inside its box, stage, grade, route, readiness and drift stay as they are: a box
 * reaches to the thresholds on either side, the total's also to the drift around what was published. */
struct outlook_boxes {
    struct outlook_box total, engagement;
    struct outlook_box *groups; /* lent by the scorer: one set of boxes at a time */
};

struct outlook_boxes outlook_boxes(struct scorer *scorer, const struct lead *lead, const struct score *now);

bool outlook_holds(const struct model *model, const struct outlook_boxes *boxes, const struct score *score);

/* True where no score can leave its box between two measured points (b NULL: ever after a). slack: count that of cells
 * with points of both signs; without it, a score may leave for as little as a cut-off or a last grain. */
bool outlook_quiet(const struct worth_plan *plan, const struct outlook_boxes *boxes, const struct worth *a,
                   const struct worth *b, bool slack);

/* A number of milliseconds after worth->at in which nothing can leave its box; INT64_MAX: nothing ever can. */
int64_t outlook_step(const struct worth_plan *plan, const struct outlook_boxes *boxes, const struct worth *worth);

#endif
