/* Any bytes as a model file: problems, each with words, or a model that is whole: sorted, looked up, asked, and the
 * same when it is compiled again. */
#include "codec/model_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_tables(const struct model *model) {
    for (uint16_t i = 0; i < model->n_rules; i++) {
        MUST(model_rule(model, model->rules[i].hash) == i);
        MUST(model->rules[i].group < model->n_groups);
        MUST(model->rules[i].half_life == MODEL_NO_HALF_LIFE || model->rules[i].half_life < model->n_half_lives);
    }
    for (uint16_t i = 0; i < model->n_attrs; i++)
        MUST(model_attr(model, model->attrs[i].name) == i);
    for (uint16_t i = 0; i < model->n_fields; i++)
        MUST(model_field(model, model->fields[i]) == i);
    for (uint16_t i = 0; i < model->n_types; i++)
        MUST(model_type(model, model->types[i].name) == &model->types[i]);
    for (uint16_t i = 2; i < model->n_stages; i++)
        MUST(model->stages[i].enter > model->stages[i - 1].enter && model->stages[i].leave <= model->stages[i].enter);
    for (uint32_t i = 1; i < model->total_flips.n; i++)
        MUST(model->total_flips.at[i - 1] < model->total_flips.at[i]);
    MUST(!model->n_routes || model->routes[model->n_routes - 1].cond == COND_ALWAYS);
    MUST(model->worst_value > model->worst_memory);
}

/* Every condition of the model, over texts that are all alike. */
static void ask_all(const struct model *model, const char *text) {
    enum { MOST = 4096 };
    static struct bytes texts[MOST];
    static int64_t groups[MODEL_MAX_GROUPS];
    struct cond_subject subject = {.texts = texts, .groups = groups, .grade = {'A', '1'}};
    struct cond_counts counts = {0};
    if (model->n_fields > MOST)
        return;
    for (size_t i = 0; i < MOST; i++)
        texts[i] = bytes_of(text);
    for (uint16_t i = 0; i < model->n_rules; i++)
        (void)cond_holds(model, model->rules[i].cond, &subject, &counts);
    for (uint16_t i = 0; i < model->n_fit_rules; i++)
        if (!model->fit_rules[i].n_bands)
            (void)cond_holds(model, model->fit_rules[i].cond, &subject, &counts);
    for (uint16_t i = 0; i < model->n_routes; i++)
        (void)cond_holds(model, model->routes[i].cond, &subject, &counts);
    if (model->has_ready)
        (void)cond_holds(model, model->ready, &subject, &counts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct problems problems = {0};
    struct model *model = model_yaml_compile((struct bytes){data, n}, "fuzz.yaml", &problems);
    MUST((model == NULL) == (problems.errors > 0));
    for (size_t i = 0; i < problems.n; i++)
        MUST(problems.list[i].words[0]);
    problems_fini(&problems);
    if (!model)
        return 0;
    check_tables(model);
    ask_all(model, "");
    ask_all(model, "250.50");
    struct model *again = model_yaml_compile((struct bytes){data, n}, "fuzz.yaml", &problems);
    MUST(again && again->fingerprint == model->fingerprint);
    model_free(&again);
    model_free(&model);
    problems_fini(&problems);
    return 0;
}
