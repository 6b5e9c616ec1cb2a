/* What a model is, as hashes: whether what is remembered still answers it.
 *
 * A signature is the hash of all that a rule's memory depends on; the fingerprint, of all that any score or record
 * depends on. Both are taken of canonical forms, so the order of a file matters only where it means something (stages,
 * routes). */
#include "core/model_index.h"

#include <stdlib.h>

static void sign_rules(struct model *model);
static void make_fingerprint(struct model *model);

void model_make_hashes(struct model *model) {
    sign_rules(model);
    make_fingerprint(model);
}

static void put_clamp(struct blob *to, struct model_clamp clamp) {
    blob_u8(to, clamp.has_min);
    blob_u64(to, clamp.has_min ? (uint64_t)clamp.min : 0);
    blob_u8(to, clamp.has_max);
    blob_u64(to, clamp.has_max ? (uint64_t)clamp.max : 0);
}

static int compare_names(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* The types of a rule, sorted by name. */
static void put_on(const struct model *model, uint16_t rule, struct blob *to) {
    size_t n = 0;
    struct bytes *names = malloc((model->n_types + 1u) * sizeof *names);
    MUST(names != NULL);
    for (uint16_t i = 0; i < model->n_types; i++)
        for (uint16_t j = 0; j < model->types[i].n_rules; j++)
            if (model->types[i].rules[j] == rule)
                names[n++] = model->types[i].name;
    if (n)
        qsort(names, n, sizeof *names, compare_names);
    blob_u64(to, n);
    for (size_t i = 0; i < n; i++)
        blob_text(to, names[i]);
    free(names);
}

static void sign_rules(struct model *model) {
    for (uint16_t i = 0; i < model->n_rules; i++) {
        struct model_rule *rule = &model->rules[i];
        struct blob form = {0};
        put_on(model, i, &form);
        cond_canonical(model, rule->cond, &form);
        blob_u8(&form, (uint8_t)rule->memory);
        blob_u64(&form, rule->half_life == MODEL_NO_HALF_LIFE ? 0 : (uint64_t)model->half_lives[rule->half_life]);
        blob_u64(&form, rule->memory == MODEL_WINDOWS ? rule->limit : 0);
        blob_u64(&form, rule->memory == MODEL_WINDOWS ? (uint64_t)rule->window : 0);
        blob_text(&form, rule->memory == MODEL_VALUES ? model->fields[rule->field] : bytes_of(""));
        blob_u8(&form, rule->machine);
        rule->signature = blob_hash(&form);
        blob_fini(&form);
    }
}

static void put_engagement(const struct model *model, struct blob *to) {
    blob_u64(to, model->n_rules);
    for (uint16_t i = 0; i < model->n_rules; i++) {
        const struct model_rule *rule = &model->rules[i];
        blob_text(to, rule->id);
        blob_text(to, model->groups[rule->group].name);
        blob_u64(to, (uint64_t)rule->points);
        blob_u64(to, rule->signature);
    }
    uint64_t sum = 0; /* of hashes: groups have no order */
    for (uint16_t i = 0; i < model->n_groups; i++) {
        struct blob group = {0};
        blob_text(&group, model->groups[i].name);
        put_clamp(&group, model->groups[i].clamp);
        sum += blob_hash(&group);
        blob_fini(&group);
    }
    blob_u64(to, model->n_groups);
    blob_u64(to, sum);
    put_clamp(to, model->engagement);
}

static void put_fit(const struct model *model, struct blob *to) {
    uint64_t sum = 0; /* nor have fit rules */
    for (uint16_t i = 0; i < model->n_fit_rules; i++) {
        const struct model_fit_rule *rule = &model->fit_rules[i];
        struct blob form = {0};
        blob_text(&form, rule->id);
        blob_u64(&form, rule->n_bands);
        if (rule->n_bands) {
            blob_text(&form, model->attrs[rule->attr].name);
            for (uint16_t j = 0; j < rule->n_bands; j++) {
                blob_u64(&form, (uint64_t)rule->bands[j].from);
                blob_u64(&form, (uint64_t)rule->bands[j].points);
            }
        } else {
            cond_canonical(model, rule->cond, &form);
            blob_u64(&form, (uint64_t)rule->points);
        }
        sum += blob_hash(&form);
        blob_fini(&form);
    }
    blob_u64(to, model->n_fit_rules);
    blob_u64(to, sum);
    put_clamp(to, model->fit);
}

static void put_bands(struct blob *to, const struct model_grade_band *bands, uint16_t n) {
    blob_u64(to, n);
    for (uint16_t i = 0; i < n; i++) {
        blob_u8(to, (uint8_t)bands[i].grade);
        blob_u64(to, (uint64_t)bands[i].from);
    }
}

static void put_decisions(const struct model *model, struct blob *to) {
    put_bands(to, model->grade_fit, model->n_grade_fit);
    put_bands(to, model->grade_engagement, model->n_grade_engagement);
    blob_u64(to, model->n_stages);
    for (uint16_t i = 0; i < model->n_stages; i++) {
        blob_text(to, model->stages[i].name);
        blob_u64(to, (uint64_t)model->stages[i].enter);
        blob_u64(to, (uint64_t)model->stages[i].leave);
    }
    blob_u8(to, model->has_ready);
    if (model->has_ready)
        cond_canonical(model, model->ready, to);
    blob_u64(to, (uint64_t)model->cooldown);
    blob_u64(to, model->n_routes);
    for (uint16_t i = 0; i < model->n_routes; i++) {
        blob_text(to, model->routes[i].to);
        cond_canonical(model, model->routes[i].cond, to);
    }
}

static void make_fingerprint(struct model *model) {
    struct blob form = {0};
    blob_text(&form, model->name);
    blob_u64(&form, model->version);
    blob_u64(&form, model->n_attrs);
    for (uint16_t i = 0; i < model->n_attrs; i++)
        blob_text(&form, model->attrs[i].name);
    put_engagement(model, &form);
    put_fit(model, &form);
    blob_u64(&form, (uint64_t)model->weight_engagement);
    blob_u64(&form, (uint64_t)model->weight_fit);
    put_clamp(&form, model->total);
    put_decisions(model, &form);
    blob_u64(&form, (uint64_t)model->min_change);
    blob_u64(&form, (uint64_t)model->drift);
    blob_u64(&form, model->dedupe);
    model->fingerprint = blob_hash(&form);
    blob_fini(&form);
}
