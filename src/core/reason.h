/* The reasons of a total. Private to the core. */
#ifndef LEADSTREAM_CORE_REASON_H
#define LEADSTREAM_CORE_REASON_H

#include "core/scorer.h"

/* How many reasons a lead can have at most. */
size_t reason_most(const struct model *model);

/* The reasons of the total of a lead measured in `worth`, in the arena; NULL: it is exhausted. */
const struct reason *reason_list(struct scorer *scorer, const struct lead *lead, struct worth *worth,
                                 struct arena *arena, size_t *n);

#endif
