/* The last step of making a model: what memory names is sorted by hash, entries of `routes` that share a name are made
 * one, thresholds are collected, and it is worked out how much a lead can come to. Its hashes are in
 * core/model_hash.c. */
#include "core/lead_layout.h"
#include "core/model_index.h"
#include <leadstream/lead_bytes.h>

#include <stdlib.h>

static void *room(struct model *model, size_t n, size_t size) {
    void *list = arena_take(model->arena, n * size);
    MUST(list != NULL);
    return list;
}

/* ------------------------------------------------------------------------------------------------ routes */

/* Route `later` has the name of route `first`: first now also holds where no route between them does and later does. */
static void join_routes(struct model *model, uint16_t first, uint16_t later) {
    struct model_conds *conds = model->conds;
    uint32_t all[MODEL_MAX_ROUTES];
    size_t n = 0;
    for (uint16_t i = (uint16_t)(first + 1); i < later; i++)
        all[n++] = cond_add_not(conds, model->routes[i].cond);
    if (model->routes[later].cond != COND_ALWAYS)
        all[n++] = model->routes[later].cond;
    uint32_t any[2] = {model->routes[first].cond, cond_add_join(conds, false, all, n)};
    model->routes[first].cond = cond_add_join(conds, true, any, 2);
    model->n_routes--;
    memmove(model->routes + later, model->routes + later + 1,
            (size_t)(model->n_routes - later) * sizeof *model->routes);
}

/* The last route is what is left: it asks nothing. */
static void unite_routes(struct model *model) {
    for (uint16_t later = model->n_routes; later-- > 1;)
        for (uint16_t first = later; first-- > 0;)
            if (model->routes[first].hash == model->routes[later].hash) {
                join_routes(model, first, later);
                break;
            }
    if (model->n_routes)
        model->routes[model->n_routes - 1].cond = COND_ALWAYS;
}

/* ------------------------------------------------------------------------------------------------ sorting */

static int compare_attrs(const void *a, const void *b) {
    const struct model_attr *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static void sort_attrs(struct model *model) {
    struct names old = model->index->attrs;
    uint16_t slots[MODEL_MAX_ATTRS];
    model->index->attrs = (struct names){0};
    qsort(model->attrs, model->n_attrs, sizeof *model->attrs, compare_attrs);
    for (uint16_t i = 0; i < model->n_attrs; i++)
        slots[names_find(&old, model->attrs[i].name)] = names_add(&model->index->attrs, model->attrs[i].name);
    cond_table_move_attrs(model->conds, slots);
    for (uint16_t i = 0; i < model->n_fit_rules; i++)
        if (model->fit_rules[i].n_bands)
            model->fit_rules[i].attr = slots[model->fit_rules[i].attr];
    names_fini(&old);
}

static int compare_rules(const void *a, const void *b) {
    const struct model_rule *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Rules move, and `on` follows them. */
static void sort_rules(struct model *model) {
    struct model_index *index = model->index;
    uint32_t old[MODEL_MAX_RULES];
    for (uint16_t i = 0; i < model->n_rules; i++)
        old[i] = model->rules[i].hash;
    qsort(model->rules, model->n_rules, sizeof *model->rules, compare_rules);
    for (uint16_t i = 0; i < model->n_rules; i++) {
        uint32_t at = model->rules[i].hash % MODEL_RULE_SLOTS;
        while (index->rules[at])
            at = (at + 1) % MODEL_RULE_SLOTS;
        index->rules[at] = (uint16_t)(i + 1);
    }
    for (size_t i = 0; i < index->n_on; i++)
        index->on[i].rule = (uint16_t)model_rule(model, old[index->on[i].rule]);
}

static int compare_on(const void *a, const void *b) {
    const struct model_on *x = a, *y = b;
    return x->type != y->type ? x->type - y->type : x->rule - y->rule;
}

/* ------------------------------------------------------------------------------------------------ types */

static const struct {
    const char *name;
    enum model_effect effect;
} effects[] = {
    {"form.submitted", MODEL_EFFECT_PROFILE},
    {"privacy.consent_changed", MODEL_EFFECT_PROFILE},
    {"crm.profile_updated", MODEL_EFFECT_PROFILE_CLEAR},
    {"crm.accepted", MODEL_EFFECT_CLOSE},
    {"crm.won", MODEL_EFFECT_CLOSE},
    {"crm.lost", MODEL_EFFECT_CLOSE},
    {"crm.recycled", MODEL_EFFECT_RECYCLE},
    {"privacy.erased", MODEL_EFFECT_ERASE},
};
enum { N_EFFECTS = sizeof effects / sizeof *effects };

static enum model_effect effect_of(struct bytes type) {
    for (size_t i = 0; i < N_EFFECTS; i++)
        if (bytes_is(type, effects[i].name))
            return effects[i].effect;
    return MODEL_EFFECT_NONE;
}

static void make_types(struct model *model) {
    struct model_index *index = model->index;
    const char *names[N_EFFECTS + 1] = {NULL};
    for (size_t i = 0; i < N_EFFECTS; i++)
        names[i] = effects[i].name;
    model_intern_effects(model, names);
    model->n_types = (uint16_t)index->types.n;
    model->types = room(model, model->n_types, sizeof *model->types);
    for (uint16_t i = 0; i < model->n_types; i++)
        model->types[i] = (struct model_type){.name = index->types.list[i], .effect = effect_of(index->types.list[i])};
    if (index->n_on)
        qsort(index->on, index->n_on, sizeof *index->on, compare_on);
    uint16_t *rules = room(model, index->n_on, sizeof *rules);
    for (size_t i = 0; i < index->n_on; i++) {
        struct model_type *type = &model->types[index->on[i].type];
        if (type->n_rules && type->rules[type->n_rules - 1] == index->on[i].rule)
            continue;
        type->rules = type->n_rules ? type->rules : rules + i;
        rules[(size_t)(type->rules - rules) + type->n_rules++] = index->on[i].rule;
    }
}

/* ------------------------------------------------------------------------------------------------ thresholds */

struct flips {
    int64_t *list;
    size_t n, cap;
};

static void take_flip(void *self, int64_t at) {
    struct flips *flips = self;
    if (flips->n == flips->cap) {
        flips->cap = flips->cap ? flips->cap * 2 : 32;
        flips->list = realloc(flips->list, flips->cap * sizeof *flips->list);
        MUST(flips->list != NULL);
    }
    flips->list[flips->n++] = at;
}

static int compare_flips(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static struct model_thresholds sorted_flips(struct model *model, struct flips *flips) {
    if (flips->n)
        qsort(flips->list, flips->n, sizeof *flips->list, compare_flips);
    uint32_t kept = 0;
    for (size_t i = 0; i < flips->n; i++)
        if (!kept || flips->list[kept - 1] != flips->list[i])
            flips->list[kept++] = flips->list[i];
    int64_t *at = arena_copy(model->arena, flips->list, kept * sizeof *at);
    MUST(at != NULL);
    free(flips->list);
    return (struct model_thresholds){kept, at};
}

static void make_thresholds(struct model *model) {
    struct flips total = {0}, engagement = {0};
    cond_table_flips(model->conds, COND_TOTAL, 0, take_flip, &total);
    cond_table_flips(model->conds, COND_ENGAGEMENT, 0, take_flip, &engagement);
    for (uint16_t i = 1; i < model->n_stages; i++) {
        take_flip(&total, model->stages[i].enter);
        take_flip(&total, model->stages[i].leave);
    }
    for (uint16_t i = 0; i < model->n_grade_engagement; i++)
        take_flip(&engagement, model->grade_engagement[i].from);
    model->total_flips = sorted_flips(model, &total);
    model->engagement_flips = sorted_flips(model, &engagement);
    model->group_flips = room(model, model->n_groups, sizeof *model->group_flips);
    for (uint16_t i = 0; i < model->n_groups; i++) {
        struct flips group = {0};
        cond_table_flips(model->conds, COND_GROUP, i, take_flip, &group);
        model->group_flips[i] = sorted_flips(model, &group);
    }
}

/* ------------------------------------------------------------------------------------------------ sizes */

/* Bytes of memory that one rule can take. */
static size_t worst_of_rule(const struct model *model, const struct model_rule *rule) {
    switch (rule->memory) {
    case MODEL_BUCKETS: return LEAD_SECTION + (size_t)LEAD_BUCKET * LEAD_MAX_BUCKETS;
    case MODEL_COUNT: return LEAD_SECTION + LEAD_COUNT;
    case MODEL_VALUES: return LEAD_SECTION + (size_t)LEAD_VALUE * MODEL_MAX_VALUES;
    case MODEL_WINDOWS: break;
    }
    if (!rule->window)
        return LEAD_SECTION + LEAD_WINDOW;
    int64_t windows = 32 * model->half_lives[rule->half_life] / rule->window + 2;
    return LEAD_SECTION + LEAD_WINDOW * (size_t)windows;
}

/* Bytes of a record beside its lists; of an entry of each list beside its name. As JSON with every byte of an id
 * escaped, which is longer than the Avro form. */
enum { RECORD = 1024, ESCAPED = 6, ENTRY = 96 };

static size_t worst_record(const struct model *model) {
    size_t n = RECORD + model->name.n + (size_t)ESCAPED * (EVENT_MAX_LEAD + EVENT_MAX_ID);
    for (uint16_t i = 0; i < model->n_groups; i++)
        n += 2 * (ENTRY + model->groups[i].name.n); /* its score, and a clamp among the reasons */
    for (uint16_t i = 0; i < model->n_rules; i++)
        n += ENTRY + model->rules[i].id.n;
    for (uint16_t i = 0; i < model->n_fit_rules; i++)
        n += ENTRY + model->fit_rules[i].id.n;
    return n;
}

static void make_sizes(struct model *model) {
    size_t n = LEAD_HEAD + (size_t)LEAD_ID * model->dedupe + (size_t)(EVENT_MAX_VALUE + LEAD_ATTR) * model->n_attrs;
    for (uint16_t i = 0; i < model->n_rules; i++)
        n += worst_of_rule(model, &model->rules[i]);
    model->worst_memory = n;
    model->worst_value = n + LEAD_BYTES_OVERHEAD;
    model->worst_output = worst_record(model);
}

/* ------------------------------------------------------------------------------------------------ all of it */

static void find_blank_route(struct model *model) {
    struct bytes *texts = calloc(model->n_attrs + 1u, sizeof *texts);
    int64_t *groups = calloc(model->n_groups + 1u, sizeof *groups);
    MUST(texts && groups);
    struct cond_subject blank = {.texts = texts, .groups = groups, .grade = {'D', '4'}};
    struct cond_counts counts = {0};
    model->blank_route = 0;
    while (model->blank_route + 1 < model->n_routes &&
           !cond_holds(model, model->routes[model->blank_route].cond, &blank, &counts))
        model->blank_route++;
    free(texts);
    free(groups);
}

void model_finish(struct model *model) {
    struct model_index *index = model->index;
    model->fields = arena_copy(model->arena, index->fields.list, index->fields.n * sizeof *model->fields);
    MUST(model->fields != NULL);
    model->n_fields = (uint16_t)index->fields.n;
    unite_routes(model);
    sort_attrs(model);
    sort_rules(model);
    make_types(model);
    make_thresholds(model);
    model_make_hashes(model);
    make_sizes(model);
    find_blank_route(model);
    free(index->on);
    index->on = NULL;
    index->n_on = index->cap_on = 0;
}
