/* What core/model.c and core/model_finish.c share: how a model's names and hashes are found, and what is only needed
 * until it is finished. */
#ifndef LEADSTREAM_CORE_MODEL_INDEX_H
#define LEADSTREAM_CORE_MODEL_INDEX_H

#include "core/model_build.h"
#include "core/names.h"
#include <leadstream/arena.h>

enum { MODEL_RULE_SLOTS = 1024 }; /* four times the rules that there can be */

/* A rule counts events of a type. */
struct model_on {
    uint16_t type; /* number in index->types */
    uint16_t rule;
};

struct model_index {
    struct names fields, attrs, types;
    uint16_t rules[MODEL_RULE_SLOTS]; /* by hash, open addressing: index + 1, 0 is empty */
    struct model_on *on;
    size_t n_on, cap_on;
};

/* Types that exist even if no rule names them. */
void model_intern_effects(struct model *model, const char *const *names);

/* Signatures and fingerprint, of a model whose tables are sorted. */
void model_make_hashes(struct model *model);

#endif
