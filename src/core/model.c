/* A model's tables: made, ended, looked up. The builder's side is core/model_build.h; what is derived
 * from what the builder gave is in core/model_finish.c and core/model_hash.c. */
#include "core/model_index.h"

#include <stdlib.h>
#include <xxhash.h>

#define TEXT_LIMIT ((size_t)64 * 1024 * 1024)

static void *room(struct model *model, size_t n, size_t size) {
    void *list = arena_take(model->arena, n * size);
    MUST(list != NULL);
    memset(list, 0, n * size);
    return list;
}

struct model *model_new(void) {
    struct model *model = calloc(1, sizeof *model);
    MUST(model != NULL);
    model->arena = arena_new(TEXT_LIMIT);
    model->conds = cond_table_new();
    model->index = calloc(1, sizeof *model->index);
    MUST(model->index != NULL);
    model->attrs = room(model, MODEL_MAX_ATTRS, sizeof *model->attrs);
    model->half_lives = room(model, MODEL_MAX_RULES, sizeof *model->half_lives);
    model->rules = room(model, MODEL_MAX_RULES, sizeof *model->rules);
    model->groups = room(model, MODEL_MAX_GROUPS, sizeof *model->groups);
    model->fit_rules = room(model, MODEL_MAX_RULES, sizeof *model->fit_rules);
    model->grade_fit = room(model, 3, sizeof *model->grade_fit);
    model->grade_engagement = room(model, 3, sizeof *model->grade_engagement);
    model->stages = room(model, MODEL_MAX_STAGES, sizeof *model->stages);
    model->routes = room(model, MODEL_MAX_ROUTES, sizeof *model->routes);
    model->weight_engagement = 10000;
    model->weight_fit = 10000;
    model->min_change = 100;
    model->drift = 500;
    model->dedupe = 32;
    return model;
}

void model_free(struct model **model) {
    struct model *m = *model;
    if (!m)
        return;
    cond_table_free(&m->conds);
    names_fini(&m->index->fields);
    names_fini(&m->index->attrs);
    names_fini(&m->index->types);
    free(m->index->on);
    free(m->index);
    arena_free(&m->arena);
    free(m);
    *model = NULL;
}

struct bytes model_text(struct model *model, struct bytes text) {
    uint8_t *copy = arena_copy(model->arena, text.at, text.n);
    MUST(copy != NULL);
    return (struct bytes){copy, text.n};
}

int model_intern_field(struct model *model, struct bytes name) {
    struct names *fields = &model->index->fields;
    int slot = names_find(fields, name);
    if (slot >= 0 || fields->n == NAMES_MAX)
        return slot;
    return names_add(fields, model_text(model, name));
}

int model_intern_attr(struct model *model, struct bytes name) {
    struct names *attrs = &model->index->attrs;
    int slot = names_find(attrs, name);
    if (slot >= 0 || attrs->n == MODEL_MAX_ATTRS)
        return slot;
    struct bytes copy = model_text(model, name);
    model->attrs[model->n_attrs++] = (struct model_attr){copy, XXH3_64bits(copy.at, copy.n)};
    return names_add(attrs, copy);
}

uint16_t model_intern_half_life(struct model *model, int64_t half_life) {
    for (uint16_t i = 0; i < model->n_half_lives; i++)
        if (model->half_lives[i] == half_life)
            return i;
    MUST(model->n_half_lives < MODEL_MAX_RULES);
    model->half_lives[model->n_half_lives] = half_life;
    return model->n_half_lives++;
}

uint32_t model_hash(struct bytes name) {
    return (uint32_t)XXH3_64bits(name.at, name.n);
}

static uint16_t intern_type(struct model *model, struct bytes name) {
    int type = names_find(&model->index->types, name);
    return type >= 0 ? (uint16_t)type : names_add(&model->index->types, model_text(model, name));
}

bool model_rule_on(struct model *model, uint16_t rule, struct bytes type) {
    enum { MOST_TYPES = 65000 }; /* leaves numbers for those that have an effect */
    struct model_index *index = model->index;
    MUST(rule < MODEL_MAX_RULES);
    if (index->types.n >= MOST_TYPES)
        return false;
    if (index->n_on == index->cap_on) {
        index->cap_on = index->cap_on ? index->cap_on * 2 : 64;
        index->on = realloc(index->on, index->cap_on * sizeof *index->on);
        MUST(index->on != NULL);
    }
    index->on[index->n_on++] = (struct model_on){intern_type(model, type), rule};
    return true;
}

void model_intern_effects(struct model *model, const char *const *names) {
    for (; *names; names++)
        (void)intern_type(model, bytes_of(*names));
}

/* ------------------------------------------------------------------------------------------------ looking up */

const struct model_type *model_type(const struct model *model, struct bytes name) {
    int type = names_find(&model->index->types, name);
    return type >= 0 ? &model->types[type] : NULL;
}

int model_field(const struct model *model, struct bytes name) {
    return names_find(&model->index->fields, name);
}

int model_attr(const struct model *model, struct bytes name) {
    return names_find(&model->index->attrs, name);
}

int model_rule(const struct model *model, uint32_t hash) {
    const uint16_t *slots = model->index->rules;
    for (uint32_t at = hash % MODEL_RULE_SLOTS; slots[at]; at = (at + 1) % MODEL_RULE_SLOTS)
        if (model->rules[slots[at] - 1u].hash == hash)
            return slots[at] - 1;
    return -1;
}

uint8_t model_stage_of(const struct model *model, uint32_t hash) {
    for (uint8_t i = 0; i < model->n_stages; i++)
        if (model->stages[i].hash == hash)
            return i;
    return 0;
}

int model_route_of(const struct model *model, uint32_t hash) {
    for (int i = 0; i < model->n_routes; i++)
        if (model->routes[i].hash == hash)
            return i;
    return -1;
}
