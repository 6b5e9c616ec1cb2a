/* How a model is made: the builder's side of core/model.c, for codec/model_yaml.
 *
 * model_new gives an empty model whose tables have room for their maxima; the builder fills them and their counts in
 * any order, interns names (slots hold until model_finish) and adds conditions to model->conds (core/cond_table.h).
 * model_finish sorts, resolves and derives the rest; after it nothing changes. */
#ifndef LEADSTREAM_CORE_MODEL_BUILD_H
#define LEADSTREAM_CORE_MODEL_BUILD_H

#include "core/cond_table.h"
#include <leadstream/model.h>

/* With the defaults of a model that says nothing: no clamps, weights of 1, min_change 1, drift 5, 32 ids. */
struct model *model_new(void);

/* A copy of the text that lives as long as the model. */
struct bytes model_text(struct model *model, struct bytes text);

/* The slot of an event field or an attribute, made if it is new; -1: there are 65,535 fields, 256 attributes
 * already. */
int model_intern_field(struct model *model, struct bytes name);
int model_intern_attr(struct model *model, struct bytes name);
/* The index of a half-life. */
uint16_t model_intern_half_life(struct model *model, int64_t half_life);

/* XXH3, its low 32 bits: how memory names rules, stages and routes. */
uint32_t model_hash(struct bytes name);

/* A rule counts events of this type (the rule's index before model_finish). False: 65,000 types are named already. */
NODISCARD bool model_rule_on(struct model *model, uint16_t rule, struct bytes type);

/* Two entries of `routes` with one name become one that holds where either would have been the first to hold, so that
 * an index names a route. Called by model_finish. */
void model_finish(struct model *model);

#endif
