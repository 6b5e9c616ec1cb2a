/* Model files, compiled: every file of tests/bad/models with the problems that it says of itself, the limits that would
 * make files too long to read, and what a good file's tables hold. */
#include "codec/model_yaml.h"
#include "support/expect.h"
#include "support/suite.h"
#include <leadstream/when.h>

#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------ bad files */

static void check_model(const char *path, struct expect_text *found) {
    struct problems problems = {0};
    struct model *model = model_yaml_load(path, &problems);
    for (size_t i = 0; i < problems.n; i++) {
        const struct problem *problem = &problems.list[i];
        if (problem->line)
            expect_put(found, "%u:%u: ", problem->line, problem->column);
        expect_put(found, "%s%s\n", problem->warning ? "warning: " : "", problem->words);
    }
    ck_assert((model == NULL) == (problems.errors > 0));
    model_free(&model);
    problems_fini(&problems);
}

START_TEST(bad_files_are_told_of) {
    ck_assert_int_ge(expect_folder(LEADSTREAM_SOURCE_DIR "/tests/bad/models", check_model), 100);
}
END_TEST

START_TEST(a_file_that_cannot_be_read) {
    struct problems problems = {0};
    ck_assert_ptr_null(model_yaml_load("/nowhere/model.yaml", &problems));
    ck_assert_str_eq(problems.list[0].words, "cannot be opened: No such file or directory");
    problems_fini(&problems);
    ck_assert_ptr_null(model_yaml_load(LEADSTREAM_SOURCE_DIR, &problems));
    ck_assert_str_eq(problems.list[0].words, "cannot be read: Is a directory");
    problems_fini(&problems);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ limits */

/* Compiles; *words gets the first error's words, "" if there is none. */
static struct model *compile(const char *text, char words[400]) {
    struct problems problems = {0};
    struct model *model = model_yaml_compile(bytes_of(text), "test.yaml", &problems);
    words[0] = 0;
    for (size_t i = 0; i < problems.n && !words[0]; i++)
        if (!problems.list[i].warning)
            memcpy(words, problems.list[i].words, sizeof problems.list[i].words);
    problems_fini(&problems);
    return model;
}

static struct model *good(const char *text) {
    char words[400];
    struct model *model = compile(text, words);
    ck_assert_msg(model != NULL, "%s\n%s", words, text);
    return model;
}

#define HEAD "model: m\nversion: 1\n"

static void limit_rules(struct expect_text *text, int n) {
    expect_put(text, HEAD "engagement:\n  half_life: 1d\n  groups:\n    g:\n      rules:\n");
    for (int i = 0; i < n / 2; i++)
        expect_put(text, "        - {id: r%d, on: t, points: 1}\n", i);
    expect_put(text, "fit:\n  rules:\n");
    for (int i = n / 2; i < n; i++)
        expect_put(text, "    - {id: r%d, when: {x: y}, points: 1}\n", i);
}

static void limit_groups(struct expect_text *text, int n) {
    expect_put(text, HEAD "engagement:\n  half_life: 1d\n  groups:\n");
    for (int i = 0; i < n; i++)
        expect_put(text, "    g%d: {rules: []}\n", i);
}

static void limit_routes(struct expect_text *text, int n) {
    expect_put(text, HEAD "routes:\n");
    for (int i = 0; i < n - 1; i++)
        expect_put(text, "  - {to: r%d, when: {total: {at_least: %d}}}\n", i, n - i);
    expect_put(text, "  - {to: rest}\n");
}

static void limit_stages(struct expect_text *text, int n) {
    expect_put(text, HEAD "stages:\n  - {name: s}\n");
    for (int i = 1; i < n; i++)
        expect_put(text, "  - {name: s%d, enter: %d}\n", i, i);
}

static void limit_attrs(struct expect_text *text, int n) {
    expect_put(text, HEAD "profile:\n  keep:\n");
    for (int i = 0; i < n; i++)
        expect_put(text, "    - a%d\n    - a%d\n", i, i / 2); /* one that is named again is no more */
}

static void limit_name(struct expect_text *text, int n) {
    expect_put(text, HEAD "fit: {rules: [{id: %0*d, when: {x: y}, points: 1}]}\n", n, 1);
}

static void limit_type(struct expect_text *text, int n) {
    expect_put(text, HEAD "engagement: {half_life: 1d, groups: {g: {rules: [{id: r, on: %0*d, points: 1}]}}}\n", n, 1);
}

static void limit_types(struct expect_text *text, int n) {
    expect_put(text, HEAD "engagement: {half_life: 1d, groups: {g: {rules: [{id: r, points: 1, on: [");
    for (int i = 0; i < n; i++)
        expect_put(text, "%sa%d", i ? ", " : "", i);
    expect_put(text, "]}]}}}\n");
}

static void limit_fields(struct expect_text *text, int n) {
    expect_put(text, HEAD "engagement: {half_life: 1d, groups: {g: {rules: [{id: r, points: 1, on: t, when: {");
    for (int i = 0; i < n; i++)
        expect_put(text, "%sa%d: 1", i ? ", " : "", i);
    expect_put(text, "}}]}}}\n");
}

static void limit_depth(struct expect_text *text, int n) {
    expect_put(text, HEAD "sales_ready: {when: ");
    for (int i = 0; i < n; i++)
        expect_put(text, i % 3 == 0 ? "{not: " : i % 3 == 1 ? "{any: [" : "{x: y, all: [");
    expect_put(text, "{x: y}");
    for (int i = n; i-- > 0;)
        expect_put(text, i % 3 == 0 ? "}" : "]}");
    expect_put(text, "}\n");
}

static void limit_bytes(struct expect_text *text, int n) {
    expect_put(text, HEAD);
    while (text->n + 1 < (size_t)n)
        expect_put(text, "%.*s", n - (int)text->n - 1 < 4096 ? n - (int)text->n - 1 : 4096, "#");
    expect_put(text, "\n");
}

static void limit_window(struct expect_text *text, int n) {
    /* 32 s half-life: 32 h / window = 1024 s / window */
    expect_put(text,
               HEAD "engagement: {groups: {g: {rules: [{id: r, on: t, points: 1, half_life: %ds, "
                    "limit: {count: 1, per: 1s}}]}}}\n",
               n);
}

START_TEST(limits_are_what_they_say) {
    static const struct {
        void (*make)(struct expect_text *text, int n);
        int most;
        const char *words; /* of one more */
    } limits[] = {
        {limit_rules, 256, "more than 256 rules"},
        {limit_groups, 64, "more than 64 groups"},
        {limit_routes, 64, "more than 64 routes"},
        {limit_stages, 16, "stage \"s16\": more than 16 stages"},
        {limit_attrs, 256, "\"a256\" is one attribute too many"},
        {limit_name, 64, "fit rule \"0000"},
        {limit_type, 64, "rule \"r\": on \"0000"},
        {limit_types, 65000, "rule \"r\": on \"a65000\" is one type too many"},
        {limit_fields, 65535, "rule \"r\": \"a65535\" is one field too many"},
        {limit_depth, 16, "sales_ready: more than 16 of any, all, not"},
        {limit_bytes, 1024 * 1024, "the file has 1048577 bytes"},
        {limit_window, 32, "rule \"r\": per \"1s\": 32 half-lives hold 1056 windows"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct expect_text text = {0};
        char words[400];
        limits[i].make(&text, limits[i].most);
        struct model *model = compile(text.at, words);
        ck_assert_msg(model != NULL, "limit %zu: %s", i, words);
        model_free(&model);
        text.n = 0;
        limits[i].make(&text, limits[i].most + 1);
        ck_assert_ptr_null(compile(text.at, words));
        ck_assert_msg(!strncmp(words, limits[i].words, strlen(limits[i].words)), "limit %zu: %s", i, words);
        free(text.at);
    }
}
END_TEST

/* What is just within a number's limits. */
START_TEST(numbers_at_their_limits) {
    struct model *model =
        good("model: a-9\nversion: '2147483647'\n"
             "engagement: {half_life: 36500d, min: -1000000, max: '1000000.00', groups: {g: {min: -0.01, rules: [\n"
             "  {id: a, on: t, points: -1000000, half_life: 1s},\n"
             "  {id: b, on: t, points: 000999999.99990000, limit: {count: 1000000, per: lifetime}},\n"
             "  {id: c, on: t, points: -0}]}}}\n"
             "fit: {rules: [{id: d, of: x, bands: [{from: 999999999999999.99, points: 1}, {from: -999999999999999.99,\n"
             "  points: 2}]}]}\n"
             "total: {engagement: 100, fit: 0.0001}\n"
             "sales_ready: {when: {fit: {at_least: 1000000}}, cooldown: 0s}\n"
             "publish: {min_change: 0.01, drift: 0.01}\ndedupe: {ids: 0}\n");
    ck_assert_uint_eq(model->version, 2147483647);
    ck_assert_int_eq(model->engagement.min, -100000000);
    ck_assert_int_eq(model->engagement.max, 100000000);
    ck_assert_int_eq(model->groups[0].clamp.min, -1);
    ck_assert(!model->groups[0].clamp.has_max);
    ck_assert_int_eq(model->weight_engagement, 1000000);
    ck_assert_int_eq(model->weight_fit, 1);
    ck_assert_int_eq(model->cooldown, 0);
    ck_assert_int_eq(model->drift, 1);
    ck_assert_uint_eq(model->dedupe, 0);
    ck_assert_int_eq(model->fit_rules[0].bands[1].from, INT64_C(-99999999999999999));
    model_free(&model);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ good files */

static const struct model_rule *rule_of(const struct model *model, const char *id) {
    for (uint16_t i = 0; i < model->n_rules; i++)
        if (bytes_is(model->rules[i].id, id))
            return &model->rules[i];
    ck_abort_msg("no rule %s", id);
    return NULL;
}

static int64_t half_life_of(const struct model *model, const char *id) {
    uint16_t half_life = rule_of(model, id)->half_life;
    return half_life == MODEL_NO_HALF_LIFE ? 0 : model->half_lives[half_life];
}

START_TEST(the_shipped_model) {
    struct problems problems = {0};
    struct model *model = model_yaml_load(LEADSTREAM_SOURCE_DIR "/config/model.yaml", &problems);
    ck_assert_uint_eq(problems.n, 0);
    ck_assert_bytes_eq(model->name, "b2b-saas");
    ck_assert_uint_eq(model->n_groups, 5);
    ck_assert_uint_eq(model->n_fit_rules, 5);
    ck_assert_uint_eq(model->n_attrs, 6);
    for (uint16_t i = 1; i < model->n_attrs; i++)
        ck_assert_uint_lt(model->attrs[i - 1].hash, model->attrs[i].hash);
    for (uint16_t i = 1; i < model->n_rules; i++)
        ck_assert_uint_lt(model->rules[i - 1].hash, model->rules[i].hash);
    ck_assert_int_eq(rule_of(model, "email-open")->memory, MODEL_WINDOWS);
    ck_assert_int_eq(rule_of(model, "email-open")->window, WHEN_DAY);
    ck_assert_int_eq(rule_of(model, "email-click")->memory, MODEL_VALUES);
    ck_assert_bytes_eq(model->fields[rule_of(model, "email-click")->field], "campaign");
    ck_assert_int_eq(rule_of(model, "unsubscribed")->window, 0);
    ck_assert_int_eq(rule_of(model, "unsubscribed")->half_life, MODEL_NO_HALF_LIFE);
    ck_assert_int_eq(rule_of(model, "pricing")->memory, MODEL_BUCKETS);
    ck_assert_int_eq(half_life_of(model, "email-open"), 14 * WHEN_DAY);
    ck_assert_int_eq(half_life_of(model, "pricing"), 7 * WHEN_DAY);
    ck_assert_int_eq(half_life_of(model, "webinar"), 30 * WHEN_DAY);
    ck_assert_int_eq(model->blank_route, 3);
    ck_assert_int_eq(model->cooldown, 14 * WHEN_DAY);
    model_free(&model);
}
END_TEST

START_TEST(everything_is_optional) {
    struct model *model = good("{\"model\": \"m\", \"version\": 1}");
    ck_assert(model->n_rules + model->n_fit_rules + model->n_groups + model->n_stages + model->n_routes == 0);
    ck_assert(model->n_grade_fit + model->n_grade_engagement == 0);
    ck_assert(!model->has_ready && !model->total.has_min && !model->total.has_max);
    ck_assert_int_eq(model->weight_engagement, 10000);
    ck_assert_int_eq(model->weight_fit, 10000);
    ck_assert_int_eq(model->min_change, 100);
    ck_assert_int_eq(model->drift, 500);
    ck_assert_uint_eq(model->dedupe, 32);
    ck_assert_uint_eq(model->n_types, 8);
    model_free(&model);
}
END_TEST

START_TEST(types_with_an_effect_are_there) {
    static const struct {
        const char *name;
        enum model_effect effect;
        unsigned rules;
    } types[] = {{"form.submitted", MODEL_EFFECT_PROFILE, 1},
                 {"privacy.consent_changed", MODEL_EFFECT_PROFILE, 0},
                 {"crm.profile_updated", MODEL_EFFECT_PROFILE_CLEAR, 0},
                 {"crm.accepted", MODEL_EFFECT_CLOSE, 0},
                 {"crm.won", MODEL_EFFECT_CLOSE, 0},
                 {"crm.lost", MODEL_EFFECT_CLOSE, 0},
                 {"crm.recycled", MODEL_EFFECT_RECYCLE, 0},
                 {"privacy.erased", MODEL_EFFECT_ERASE, 0},
                 {"web.page_viewed", MODEL_EFFECT_NONE, 2}};
    struct model *model = good(HEAD "engagement: {half_life: none, groups: {g: {rules: [{id: a, on: web.page_viewed, "
                                    "points: 1}, {id: b, on: [form.submitted, web.page_viewed, web.page_viewed], "
                                    "points: 1}]}}}\n");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct model_type *type = model_type(model, bytes_of(types[i].name));
        ck_assert_msg(type && type->effect == types[i].effect && type->n_rules == types[i].rules, "%s", types[i].name);
        for (uint16_t j = 1; j < type->n_rules; j++)
            ck_assert_uint_lt(type->rules[j - 1], type->rules[j]);
    }
    ck_assert_ptr_null(model_type(model, bytes_of("web.searched")));
    ck_assert_int_eq(rule_of(model, "a")->memory, MODEL_COUNT);
    ck_assert_int_eq(model_rule(model, rule_of(model, "b")->hash), rule_of(model, "b") - model->rules);
    ck_assert_int_eq(model_rule(model, 1), -1);
    ck_assert_int_eq(model_field(model, bytes_of("url")), -1);
    model_free(&model);
}
END_TEST

START_TEST(leave_defaults_to_enter_less_a_tenth) {
    static const struct {
        const char *enter;
        int64_t leave;
    } cases[] = {{"40", 3600},   {"0.05", 5},     {"0.15", 14}, {"0.25", 23},  {"-0.05", -6},
                 {"-40", -4400}, {"99.99", 8999}, {"0", 0},     {"-0.04", -4}, {"1000000", 90000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, HEAD "stages: [{name: a}, {name: b, enter: %s}]\n", cases[i].enter);
        struct model *model = good(text);
        ck_assert_msg(model->stages[1].leave == cases[i].leave, "%s: %lld", cases[i].enter,
                      (long long)model->stages[1].leave);
        model_free(&model);
    }
}
END_TEST

START_TEST(drift_defaults_to_the_greater) {
    static const struct {
        const char *publish;
        int64_t drift;
    } cases[] = {{"{min_change: 8}", 800},
                 {"{min_change: 2}", 500},
                 {"{}", 500},
                 {"{drift: none}", MODEL_NONE},
                 {"{min_change: 8, drift: none}", MODEL_NONE},
                 {"{drift: 1}", 100},
                 {"{min_change: 8, drift: 8.00}", 800}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, HEAD "publish: %s\n", cases[i].publish);
        struct model *model = good(text);
        ck_assert_msg(model->drift == cases[i].drift, "%s: %lld", cases[i].publish, (long long)model->drift);
        model_free(&model);
    }
}
END_TEST

static void check_flips(struct model_thresholds flips, size_t n, const int64_t *at) {
    ck_assert_uint_eq(flips.n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(flips.at[i], at[i]);
}

START_TEST(thresholds_are_sorted_and_single) {
    struct model *model = good(
        HEAD "engagement: {half_life: 1d, groups: {a: {rules: []}, b: {rules: []}}}\n"
             "grade: {fit: {A: 7}, engagement: {1: 60, 3: 10}}\n"
             "stages: [{name: cold}, {name: warm, enter: 40, leave: 30}, {name: hot, enter: 80, leave: 40}]\n"
             "sales_ready: {when: {total: {at_most: 79.99, above: 5}, engagement: {below: 60}, group.b: {above: 1}}}\n"
             "routes: [{to: x, when: {fit: {at_least: 3}, group.b: {not: {at_least: 2}}}}, {to: y}]\n");
    check_flips(model->total_flips, 4, (const int64_t[]){501, 3000, 4000, 8000});
    check_flips(model->engagement_flips, 2, (const int64_t[]){1000, 6000});
    check_flips(model->group_flips[0], 0, NULL);
    check_flips(model->group_flips[1], 2, (const int64_t[]){101, 200});
    ck_assert_uint_eq(model->n_grade_engagement, 2);
    ck_assert_int_eq(model->grade_engagement[1].grade, '3');
    model_free(&model);
}
END_TEST

START_TEST(the_route_of_a_lead_unknown) {
    struct model *model =
        good(HEAD "stages: [{name: cold}, {name: warm, enter: -5}]\n"
                  "grade: {fit: {A: -5}, engagement: {1: -5}}\n"
                  "routes: [{to: a, when: {stage: warm}}, {to: b, when: {country: {exists: true}}},\n"
                  "  {to: c, when: {total: {above: 0}}}, {to: d, when: {grade: D4, country: {not: DE}}}, {to: e}]\n");
    ck_assert_int_eq(model->blank_route, 3);
    ck_assert_int_eq(model_route_of(model, model->routes[4].hash), 4);
    ck_assert_int_eq(model_route_of(model, 12345), -1);
    ck_assert_int_eq(model_stage_of(model, model->stages[1].hash), 1);
    ck_assert_int_eq(model_stage_of(model, 12345), 0);
    model_free(&model);
}
END_TEST

/* The route that the first entry that holds gives, by name, whatever the entries' names. */
START_TEST(routes_of_one_name_are_one) {
    static const char to[] = "ABABCAB"; /* entry i asks for bit i of the total; the last takes the rest */
    enum { N = 7 };
    struct expect_text text = {0};
    expect_put(&text, HEAD "routes:\n");
    for (int i = 0; i < N; i++) {
        expect_put(&text, "  - {to: %c", to[i]);
        if (i + 1 < N)
            expect_put(&text, ", when: {a%d: x}", i);
        expect_put(&text, "}\n");
    }
    struct model *model = good(text.at);
    ck_assert_uint_eq(model->n_routes, 3);
    for (unsigned bits = 0; bits < 1u << (N - 1); bits++) {
        struct bytes texts[N] = {{NULL, 0}};
        int expected = 0;
        while (expected < N - 1 && !(bits >> expected & 1))
            expected++;
        for (int i = 0; i < N - 1; i++) {
            char name[8];
            snprintf(name, sizeof name, "a%d", i);
            texts[model_attr(model, bytes_of(name))] = bytes_of(bits >> i & 1 ? "x" : "");
        }
        struct cond_counts counts = {0};
        uint16_t route = 0;
        while (!cond_holds(model, model->routes[route].cond, &(struct cond_subject){.texts = texts}, &counts))
            route++;
        ck_assert_int_eq(model->routes[route].to.at[0], to[expected]);
    }
    model_free(&model);
    free(text.at);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ hashes */

#define DECISIONS                                                                                                      \
    "grade: {fit: {A: 6, B: 4}, engagement: {1: 9}}\n"                                                                 \
    "stages: [{name: cold}, {name: warm, enter: 40, leave: 31}]\n"                                                     \
    "sales_ready: {when: {stage: warm, c: k}, cooldown: 14d}\n"                                                        \
    "routes: [{to: sales, when: {grade: B1}}, {to: rest}]\n"

static const char ordered[] =
    HEAD "engagement: {half_life: 14d, groups: {a: {max: 5, rules: [{id: r1, on: [x, y], points: 1, when: {u: v, w: "
         "{contains: Z}}}, {id: r2, on: x, points: 2, limit: {count: 1, per: 1d}}]}, b: {rules: [{id: r3, on: y, "
         "points: 3}]}}}\n"
         "fit: {rules: [{id: f1, when: {c: d}, points: 1}, {id: f2, of: e, bands: [{from: 1, points: 1}]}]}\n"
         "profile: {keep: [p, q]}\n" DECISIONS;
static const char reordered[] = HEAD DECISIONS
    "profile: {keep: [q, p, c]}\n"
    "fit: {rules: [{id: f2, of: e, bands: [{from: 1.00, points: 1}]}, {points: 1.0, when: {c: D}, id: f1}]}\n"
    "engagement: {groups: {b: {half_life: 2w, rules: [{id: r3, on: [y, y], points: 3}]}, a: {half_life: 7d, max: 5, "
    "rules: [{id: r2, half_life: 336h, on: x, points: 2, limit: {per: 24h, count: 1}}, {id: r1, on: [y, x], "
    "points: 1, half_life: 14d, when: {all: [{w: {contains: z}}, {u: {in: [v, V]}}]}}]}}}\n";

START_TEST(the_order_of_a_file_means_nothing) {
    struct model *a = good(ordered), *b = good(reordered);
    ck_assert_uint_eq(a->fingerprint, b->fingerprint);
    for (uint16_t i = 0; i < a->n_rules; i++) {
        ck_assert_uint_eq(a->rules[i].hash, b->rules[i].hash);
        ck_assert_uint_eq(a->rules[i].signature, b->rules[i].signature);
    }
    model_free(&a);
    model_free(&b);
}
END_TEST

/* A word of the model above replaced: does r1's signature, does the fingerprint change? */
static const struct {
    const char *from, *to;
    bool signature, fingerprint;
} changes[] = {
    {"version: 1", "version: 2", false, true},
    {"model: m", "model: n", false, true},
    {"points: 1, when: {u", "points: 1.5, when: {u", false, true},
    {"max: 5", "max: 6", false, true},
    {"max: 5", "min: 5", false, true},
    {"on: [x, y]", "on: [x, z]", true, true},
    {"{u: v, w", "{u: vv, w", true, true},
    {"{u: v, w", "{uu: v, w", true, true},
    {"half_life: 14d", "half_life: 15d", true, true},
    {"when: {u: v", "machine: count, when: {u: v", true, true},
    {"when: {u: v", "limit: {once_per: u}, when: {u: v", true, true},
    {"when: {u: v", "limit: {once_per: k}, when: {u: v", true, true},
    {"when: {u: v", "limit: {count: 2, per: 1d}, when: {u: v", true, true},
    {"when: {u: v", "half_life: none, when: {u: v", true, true},
    {"{count: 1, per: 1d}", "{count: 2, per: 1d}", false, true},
    {"{count: 1, per: 1d}", "{count: 1, per: 2d}", false, true},
    {"{contains: Z}", "{ends_with: Z}", true, true},
    {"id: r3", "id: r4", false, true},
    {"from: 1,", "from: 2,", false, true},
    {"{c: d}", "{c: e}", false, true},
    {"of: e", "of: g", false, true},
    {"keep: [p, q]", "keep: [p]", false, true},
    {"profile:", "dedupe: {ids: 33}\nprofile:", false, true},
    {"profile:", "publish: {min_change: 2}\nprofile:", false, true},
    {"profile:", "publish: {drift: 6}\nprofile:", false, true},
    {"profile:", "total: {fit: 2}\nprofile:", false, true},
    {"profile:", "total: {max: 200}\nprofile:", false, true},
    {"profile:", "total: {engagement: 1.0, fit: 1}\ndedupe: {ids: 32}\nprofile:", false, false},
    {"enter: 40", "enter: 41", false, true},
    {"leave: 31", "leave: 32", false, true},
    {"leave: 31", "leave: 31.00", false, false},
    {"name: cold", "name: cool", false, true},
    {"A: 6", "A: 7", false, true},
    {"{1: 9}", "{2: 9}", false, true},
    {"c: k", "c: j", false, true},
    {"cooldown: 14d", "cooldown: 15d", false, true},
    {"cooldown: 14d", "cooldown: 2w", false, false},
    {"to: sales", "to: field", false, true},
    {"grade: B1", "grade: B2", false, true},
    {"grade: B1", "grade: {in: [B1]}", false, false},
};

START_TEST(each_change_tells_in_the_hashes) {
    struct model *before = good(ordered);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[2000];
        const char *at = strstr(ordered, changes[i].from);
        ck_assert_msg(at != NULL, "%s", changes[i].from);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - ordered), ordered, changes[i].to,
                 at + strlen(changes[i].from));
        struct model *after = good(text);
        bool signature = rule_of(before, "r1")->signature != rule_of(after, "r1")->signature;
        bool fingerprint = before->fingerprint != after->fingerprint;
        ck_assert_msg(signature == changes[i].signature && fingerprint == changes[i].fingerprint, "%s -> %s: %d %d",
                      changes[i].from, changes[i].to, signature, fingerprint);
        model_free(&after);
    }
    model_free(&before);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, bad_files_are_told_of);
    tcase_add_test(all, a_file_that_cannot_be_read);
    tcase_add_test(all, limits_are_what_they_say);
    tcase_add_test(all, numbers_at_their_limits);
    tcase_add_test(all, the_shipped_model);
    tcase_add_test(all, everything_is_optional);
    tcase_add_test(all, types_with_an_effect_are_there);
    tcase_add_test(all, leave_defaults_to_enter_less_a_tenth);
    tcase_add_test(all, drift_defaults_to_the_greater);
    tcase_add_test(all, thresholds_are_sorted_and_single);
    tcase_add_test(all, the_route_of_a_lead_unknown);
    tcase_add_test(all, routes_of_one_name_are_one);
    tcase_add_test(all, the_order_of_a_file_means_nothing);
    tcase_add_test(all, each_change_tells_in_the_hashes);
}

SUITE_MAIN("model_yaml", add)
