/* Conditions of a model file, read.
 *
 *   condition   a map; every entry must hold: any: [condition, ..], all: [condition, ..], not: condition, NAME: test
 *   test        a value (equals), or a map of tests that must all hold: is: v, in: [v, ..], contains: v, .., not: test
 *
 * A name is resolved to a target first: a text (field or attribute), a score, the stage, or the grade; the target says
 * which tests it takes. */
#include "codec/model_when.h"
#include <leadstream/decimal.h>

#include <stdlib.h>

enum { MAX_DEPTH = 16 };

enum target_kind { TARGET_TEXT, TARGET_SCORE, TARGET_STAGE, TARGET_GRADE };

struct target {
    enum target_kind kind;
    struct cond_text text;
    enum cond_score score;
    uint16_t group;
};

/* Conditions that must be joined, while their number grows. */
struct parts {
    uint32_t *list;
    size_t n, cap;
};

static void push(struct parts *parts, uint32_t cond) {
    if (parts->n == parts->cap) {
        parts->cap = parts->cap ? parts->cap * 2 : 8;
        parts->list = realloc(parts->list, parts->cap * sizeof *parts->list);
        MUST(parts->list != NULL);
    }
    parts->list[parts->n++] = cond;
}

static uint32_t join(struct walk *w, struct parts *parts, bool any) {
    uint32_t cond = cond_add_join(w->model->conds, any, parts->list, parts->n);
    free(parts->list);
    return cond;
}

/* ------------------------------------------------------------------------------------------------ names */

static bool has_prefix(struct bytes text, const char *prefix) {
    size_t n = strlen(prefix);
    return text.n >= n && !memcmp(text.at, prefix, n);
}

static bool is_figure(struct bytes name) {
    return bytes_is(name, "stage") || bytes_is(name, "grade") || bytes_is(name, "total") ||
           bytes_is(name, "engagement") || bytes_is(name, "fit") || has_prefix(name, "group.");
}

static bool is_joint(struct bytes name) {
    return bytes_is(name, "any") || bytes_is(name, "all") || bytes_is(name, "not");
}

static int intern_attr(struct walk *w, const struct yaml_pair *at, struct bytes name) {
    int slot = model_intern_attr(w->model, name);
    if (slot < 0)
        walk_error_at(w, at, "\"%s\" is one attribute too many: a model names at most %d", yaml_quote(name).text,
                      MODEL_MAX_ATTRS);
    return slot;
}

int model_when_attr(struct walk *w, const struct yaml_node *node, const char *what) {
    if (!walk_text(w, node, what))
        return -1;
    if (is_figure(node->text) || is_joint(node->text)) {
        walk_error(w, node, "%s \"%s\" is a reserved name: no attribute may have it", what,
                   yaml_quote(node->text).text);
        return -1;
    }
    return intern_attr(w, &(struct yaml_pair){.line = node->line, .column = node->column}, node->text);
}

/* Names that would do, as many as fit a message. */
struct listed {
    char text[160];
    size_t n;
};

static void list_name(struct listed *listed, struct bytes name) {
    size_t left = sizeof listed->text - listed->n;
    int n =
        snprintf(listed->text + listed->n, left, "%s%.*s", listed->n ? ", " : "", (int)name.n, (const char *)name.at);
    if (n > 0 && (size_t)n < left)
        listed->n += (size_t)n;
    else
        listed->text[listed->n] = 0;
}

static bool group_target(struct walk *w, const struct yaml_pair *pair, struct target *target) {
    struct bytes name = {pair->key.at + strlen("group."), pair->key.n - strlen("group.")};
    for (uint16_t i = 0; i < w->model->n_groups; i++)
        if (bytes_equal(w->model->groups[i].name, name)) {
            *target = (struct target){.kind = TARGET_SCORE, .score = COND_GROUP, .group = i};
            return true;
        }
    struct listed known = {"", 0};
    for (uint16_t i = 0; i < w->model->n_groups; i++)
        list_name(&known, w->model->groups[i].name);
    walk_error_at(w, pair, "\"%s\" is no group of engagement (%s)", yaml_quote(name).text,
                  known.n ? known.text : "it has none");
    return false;
}

static bool figure_target(struct walk *w, const struct yaml_pair *pair, struct target *target) {
    struct bytes name = pair->key;
    *target = (struct target){.kind = TARGET_SCORE};
    if (has_prefix(name, "group."))
        return group_target(w, pair, target);
    bool stage = bytes_is(name, "stage");
    if (stage || bytes_is(name, "grade")) {
        target->kind = stage ? TARGET_STAGE : TARGET_GRADE;
        const char *section = stage ? "stages" : "grade";
        if (!yaml_tree_get(w->root, section))
            walk_error_at(w, pair, "the model has no `%s:`, so no condition can ask for the %s", section,
                          stage ? "stage" : "grade");
        return yaml_tree_get(w->root, section) != NULL;
    }
    target->score = bytes_is(name, "total") ? COND_TOTAL : bytes_is(name, "fit") ? COND_FIT : COND_ENGAGEMENT;
    return true;
}

static bool find_target(struct walk *w, const struct yaml_pair *pair, enum model_when_place place,
                        struct target *target) {
    struct bytes name = pair->key;
    if (place != WHEN_EVENT && is_figure(name)) {
        if (place == WHEN_LEAD)
            return figure_target(w, pair, target);
        walk_error_at(w, pair, "\"%s\" is a reserved name: fit rules see the profile's attributes only",
                      yaml_quote(name).text);
        return false;
    }
    if (place == WHEN_EVENT && has_prefix(name, "field."))
        name = (struct bytes){name.at + strlen("field."), name.n - strlen("field.")};
    int slot = place == WHEN_EVENT ? model_intern_field(w->model, name) : intern_attr(w, pair, name);
    if (slot < 0 && place == WHEN_EVENT)
        walk_error_at(w, pair, "\"%s\" is one field too many: a model names at most 65535", yaml_quote(name).text);
    *target = (struct target){.kind = TARGET_TEXT, .text.space = place == WHEN_EVENT ? COND_FIELD : COND_ATTR};
    target->text.slot = (uint16_t)slot;
    return slot >= 0;
}

/* ------------------------------------------------------------------------------------------------ values */

static size_t skip_digits(struct bytes text, size_t at) {
    while (at < text.n && text.at[at] >= '0' && text.at[at] <= '9')
        at++;
    return at;
}

static bool looks_like_number(struct bytes text) {
    size_t at = text.n && (text.at[0] == '-' || text.at[0] == '+') ? 1 : 0;
    size_t end = skip_digits(text, at);
    if (end == at)
        return false;
    at = end;
    if (at < text.n && text.at[at] == '.') {
        end = skip_digits(text, at + 1);
        if (end == at + 1)
            return false;
        at = end;
    }
    if (at < text.n && (text.at[at] | 0x20) == 'e') {
        at += at + 1 < text.n && (text.at[at + 1] == '-' || text.at[at + 1] == '+') ? 2 : 1;
        end = skip_digits(text, at);
        return end > at && end == text.n;
    }
    return at == text.n;
}

/* Numbers of events become plain text (250.0 is 250), so some texts can never be met by one. */
static void warn_of_value(struct walk *w, const struct yaml_node *node) {
    if (!node->text.n) {
        walk_warning(w, node, "\"\" is no value, so nothing ever equals it (to ask for none: exists: false)");
        return;
    }
    if (!looks_like_number(node->text))
        return;
    uint8_t plain[64];
    size_t n = decimal_plain(node->text, plain, sizeof plain);
    if (n && bytes_equal((struct bytes){plain, n}, node->text))
        return;
    if (n)
        walk_warning(w, node, "no JSON number gives \"%s\", only a text does (the number gives %.*s)",
                     yaml_quote(node->text).text, (int)n, (const char *)plain);
    else
        walk_warning(w, node, "no JSON number gives \"%s\", only a text does", yaml_quote(node->text).text);
}

static int find_stage(struct walk *w, const struct yaml_node *node) {
    for (uint16_t i = 0; i < w->model->n_stages; i++)
        if (bytes_equal(w->model->stages[i].name, node->text))
            return i;
    struct listed known = {"", 0};
    for (uint16_t i = 0; i < w->model->n_stages; i++)
        list_name(&known, w->model->stages[i].name);
    walk_error(w, node, "\"%s\" is no stage of this model (%s)", yaml_quote(node->text).text, known.text);
    return -1;
}

static int find_grade(struct walk *w, const struct yaml_node *node) {
    const uint8_t *at = node->text.at;
    if (node->text.n == 2 && at[0] >= 'A' && at[0] <= 'D' && at[1] >= '1' && at[1] <= '4')
        return (at[0] - 'A') * 4 + (at[1] - '1');
    walk_error(w, node, "\"%s\" is no grade (A1 to D4)", yaml_quote(node->text).text);
    return -1;
}

/* One of n values equals the target's. */
static uint32_t equals(struct walk *w, const struct target *target, struct yaml_node *const *items, uint32_t n) {
    uint32_t bits = 0;
    struct bytes *words = malloc((n + 1u) * sizeof *words);
    MUST(words != NULL);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!walk_text(w, items[i], "a value"))
            continue;
        if (target->kind == TARGET_TEXT) {
            warn_of_value(w, items[i]);
            words[kept++] = items[i]->text;
        } else {
            int bit = target->kind == TARGET_STAGE ? find_stage(w, items[i]) : find_grade(w, items[i]);
            bits |= bit < 0 ? 0 : 1u << bit;
        }
    }
    uint32_t cond = target->kind == TARGET_TEXT
                        ? cond_add_in(w->model->conds, target->text, words, kept)
                        : cond_add_bits(w->model->conds, target->kind == TARGET_STAGE ? COND_STAGE : COND_GRADE, bits);
    free(words);
    return cond;
}

/* ------------------------------------------------------------------------------------------------ tests */

enum test { TEST_IS, TEST_IN, TEST_TEXT, TEST_MATCHES, TEST_ORDER, TEST_EXISTS, TEST_NOT };

static const struct {
    const char *name;
    enum test test;
    enum cond_op op;
} tests[] = {
    {"is", TEST_IS, COND_IN},
    {"in", TEST_IN, COND_IN},
    {"contains", TEST_TEXT, COND_CONTAINS},
    {"starts_with", TEST_TEXT, COND_STARTS_WITH},
    {"ends_with", TEST_TEXT, COND_ENDS_WITH},
    {"matches", TEST_MATCHES, COND_MATCHES},
    {"at_least", TEST_ORDER, COND_AT_LEAST},
    {"above", TEST_ORDER, COND_ABOVE},
    {"at_most", TEST_ORDER, COND_AT_MOST},
    {"below", TEST_ORDER, COND_BELOW},
    {"exists", TEST_EXISTS, COND_EXISTS},
    {"not", TEST_NOT, COND_NOT},
};
enum { N_TESTS = sizeof tests / sizeof *tests };

static bool takes(enum target_kind kind, enum test test) {
    switch (kind) {
    case TARGET_TEXT: return true;
    case TARGET_SCORE: return test == TEST_ORDER || test == TEST_NOT;
    case TARGET_STAGE: return test == TEST_IS || test == TEST_IN || test == TEST_NOT || test == TEST_ORDER;
    case TARGET_GRADE: return test == TEST_IS || test == TEST_IN || test == TEST_NOT;
    }
    return false;
}

static const char *what_takes(enum target_kind kind) {
    switch (kind) {
    case TARGET_SCORE: return "a score takes at_least, above, at_most, below (and not of them)";
    case TARGET_STAGE: return "a stage takes is, in, not, at_least, above, at_most, below";
    case TARGET_GRADE: return "a grade takes is, in, not";
    case TARGET_TEXT: break;
    }
    return "";
}

static uint32_t read_order(struct walk *w, const struct target *target, const struct yaml_node *value, size_t test) {
    struct model_conds *conds = w->model->conds;
    int64_t number = 0;
    if (target->kind == TARGET_STAGE) {
        int stage = walk_text(w, value, tests[test].name) ? find_stage(w, value) : -1;
        if (stage < 0)
            return COND_ALWAYS;
        uint32_t from = ~UINT32_C(0) << stage, past = from << 1; /* the stage and those above it; those alone */
        switch ((int)tests[test].op) {
        case COND_AT_LEAST: return cond_add_bits(conds, COND_STAGE, from);
        case COND_ABOVE: return cond_add_bits(conds, COND_STAGE, past);
        case COND_AT_MOST: return cond_add_bits(conds, COND_STAGE, ~past);
        default: return cond_add_bits(conds, COND_STAGE, ~from);
        }
    }
    const struct walk_form *form = target->kind == TARGET_SCORE ? &walk_score : &walk_value;
    if (!walk_number_in(w, value, tests[test].name, form, &number))
        return COND_ALWAYS;
    return target->kind == TARGET_SCORE ? cond_add_score(conds, tests[test].op, target->score, target->group, number)
                                        : cond_add_number(conds, tests[test].op, target->text, number);
}

static uint32_t read_matches(struct walk *w, const struct target *target, const struct yaml_node *value) {
    uint32_t cond = COND_ALWAYS;
    struct err e;
    if (walk_text(w, value, "matches") && !cond_add_matches(w->model->conds, target->text, value->text, &cond, &e))
        walk_error(w, value, "matches \"%s\" is not a regular expression: %s", yaml_quote(value->text).text, e.words);
    return cond;
}

static uint32_t read_exists(struct walk *w, const struct target *target, const struct yaml_node *value) {
    if (!walk_text(w, value, "exists"))
        return COND_ALWAYS;
    uint32_t cond = cond_add_text(w->model->conds, COND_EXISTS, target->text, bytes_of(""));
    if (bytes_is(value->text, "true"))
        return cond;
    if (!bytes_is(value->text, "false"))
        walk_error(w, value, "exists \"%s\" is neither true nor false", yaml_quote(value->text).text);
    return cond_add_not(w->model->conds, cond);
}

static uint32_t read_in(struct walk *w, const struct target *target, const struct yaml_node *value) {
    if (value->kind == YAML_LIST && value->n)
        return equals(w, target, value->items, value->n);
    if (value->kind == YAML_LIST)
        walk_error(w, value, "in is an empty list: give it at least one value");
    else if (value->kind != YAML_NULL)
        walk_error(w, value, "in must be a list of values, like in: [DE, FR]");
    return COND_ALWAYS;
}

static bool too_deep(struct walk *w, const struct yaml_pair *pair, int depth) {
    if (depth < MAX_DEPTH)
        return false;
    walk_error_at(w, pair, "more than %d of any, all, not one in another", MAX_DEPTH);
    return true;
}

static uint32_t read_test(struct walk *w, const struct target *target, const struct yaml_node *value, int depth);

static uint32_t read_named_test(struct walk *w, const struct target *target, const struct yaml_pair *pair, int depth) {
    const char *names[N_TESTS + 1] = {NULL};
    size_t i = 0;
    for (; i < N_TESTS && !bytes_is(pair->key, tests[i].name); i++)
        names[i] = tests[i].name;
    if (i == N_TESTS) {
        const char *nearest = yaml_tree_nearest(pair->key, names);
        walk_error_at(w, pair, "unknown test \"%s\" (%s%s%s)", yaml_quote(pair->key).text,
                      nearest ? "did you mean "
                              : "known: is, in, contains, starts_with, ends_with, matches, at_least, "
                                "above, at_most, below, exists, not",
                      nearest ? nearest : "", nearest ? "?" : "");
        return COND_ALWAYS;
    }
    if (!takes(target->kind, tests[i].test)) {
        walk_error_at(w, pair, "%s does not go here: %s", tests[i].name, what_takes(target->kind));
        return COND_ALWAYS;
    }
    struct yaml_node *value = pair->value;
    switch (tests[i].test) {
    case TEST_IS: return equals(w, target, &value, 1);
    case TEST_IN: return read_in(w, target, value);
    case TEST_TEXT:
        if (!walk_text(w, value, tests[i].name))
            return COND_ALWAYS;
        return cond_add_text(w->model->conds, tests[i].op, target->text, value->text);
    case TEST_MATCHES: return read_matches(w, target, value);
    case TEST_ORDER: return read_order(w, target, value, i);
    case TEST_EXISTS: return read_exists(w, target, value);
    case TEST_NOT: break;
    }
    if (too_deep(w, pair, depth))
        return COND_ALWAYS;
    return cond_add_not(w->model->conds, read_test(w, target, value, depth + 1));
}

/* A value, or a map of tests. */
static uint32_t read_test(struct walk *w, const struct target *target, const struct yaml_node *value, int depth) {
    if (value->kind == YAML_MAP) {
        struct parts parts = {0};
        for (uint32_t i = 0; i < value->n; i++)
            push(&parts, read_named_test(w, target, &value->pairs[i], depth));
        return join(w, &parts, false);
    }
    if (value->kind == YAML_LIST) {
        walk_error(w, value, "a list is no test (for one of several values: in: [..])");
        return COND_ALWAYS;
    }
    if (value->kind == YAML_TEXT && target->kind == TARGET_SCORE) {
        walk_error(w, value, "a score cannot equal \"%s\": %s", yaml_quote(value->text).text, what_takes(TARGET_SCORE));
        return COND_ALWAYS;
    }
    struct yaml_node copy = *value, *item = &copy;
    return value->kind == YAML_TEXT ? equals(w, target, &item, 1) : COND_ALWAYS;
}

/* ------------------------------------------------------------------------------------------------ conditions */

static uint32_t read_condition(struct walk *w, const struct yaml_node *node, enum model_when_place place, int depth);

static uint32_t read_joint(struct walk *w, const struct yaml_pair *pair, enum model_when_place place, int depth) {
    const struct yaml_node *value = pair->value;
    if (too_deep(w, pair, depth))
        return COND_ALWAYS;
    if (bytes_is(pair->key, "not"))
        return cond_add_not(w->model->conds, read_condition(w, value, place, depth + 1));
    bool any = bytes_is(pair->key, "any");
    if (value->kind != YAML_LIST || !value->n) {
        if (value->kind != YAML_NULL)
            walk_error(w, value, "%s must be a list of at least one condition, like %s: [{country: DE}, ..]",
                       any ? "any" : "all", any ? "any" : "all");
        return COND_ALWAYS;
    }
    struct parts parts = {0};
    for (uint32_t i = 0; i < value->n; i++)
        push(&parts, read_condition(w, value->items[i], place, depth + 1));
    return join(w, &parts, any);
}

static uint32_t read_condition(struct walk *w, const struct yaml_node *node, enum model_when_place place, int depth) {
    if (node->kind != YAML_MAP) {
        if (node->kind != YAML_NULL)
            walk_error(w, node, "a condition must be a map of names and tests, like {country: DE}");
        return COND_ALWAYS;
    }
    struct parts parts = {0};
    for (uint32_t i = 0; i < node->n; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        struct target target;
        if (is_joint(pair->key))
            push(&parts, read_joint(w, pair, place, depth));
        else if (find_target(w, pair, place, &target))
            push(&parts, read_test(w, &target, pair->value, depth));
    }
    return join(w, &parts, false);
}

uint32_t model_when(struct walk *w, const struct yaml_node *node, enum model_when_place place) {
    return read_condition(w, node, place, 0);
}
