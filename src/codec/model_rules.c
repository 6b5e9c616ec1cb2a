/* Rules of a model file: engagement rules in their groups, with half-lives handed down from engagement to group to
 * rule, and limits; fit rules with a condition or with bands. */
#include "codec/model_rules.h"
#include "codec/model_when.h"
#include <leadstream/event.h>
#include <leadstream/when.h>

enum { MOST_WINDOWS = 1024, MOST_COUNT = 1000000 };

/* A half-life as it is handed down. */
struct half_life {
    bool known; /* given here or above, or given badly (which was told) */
    int64_t ms; /* 0: none */
};

static void read_half_life(struct walk *w, const struct yaml_node *map, struct half_life *half_life) {
    const struct yaml_node *node = yaml_tree_get(map, "half_life");
    if (!node)
        return;
    half_life->known = true;
    half_life->ms = 0;
    if (node->kind == YAML_TEXT && bytes_is(node->text, "none"))
        return;
    (void)walk_duration(w, map, "half_life", WHEN_SECOND, &half_life->ms);
}

/* ------------------------------------------------------------------------------------------------ ids */

static bool one_rule_too_many(struct walk *w, const struct yaml_node *node) {
    if (w->model->n_rules + w->model->n_fit_rules < MODEL_MAX_RULES)
        return false;
    walk_error(w, node, "more than %d rules, of engagement and fit together", MODEL_MAX_RULES);
    return true;
}

/* An id that no rule before has. */
static bool read_id(struct walk *w, const struct yaml_node *map, bool engagement, struct bytes *id) {
    const struct yaml_node *node = yaml_tree_get(map, "id");
    const struct model *model = w->model;
    if (!walk_name(w, map, "id", id))
        return false;
    for (uint16_t i = 0; i < model->n_rules; i++) {
        if (bytes_equal(model->rules[i].id, *id)) {
            walk_error(w, node, "id \"%s\" is given twice: each rule of engagement and fit needs its own",
                       yaml_quote(*id).text);
            return false;
        }
        if (engagement && model->rules[i].hash == model_hash(*id)) {
            walk_error(w, node, "id \"%s\" has the same hash as id \"%s\", and rules are remembered by it: rename one",
                       yaml_quote(*id).text, yaml_quote(model->rules[i].id).text);
            return false;
        }
    }
    for (uint16_t i = 0; i < model->n_fit_rules; i++)
        if (bytes_equal(model->fit_rules[i].id, *id)) {
            walk_error(w, node, "id \"%s\" is given twice: each rule of engagement and fit needs its own",
                       yaml_quote(*id).text);
            return false;
        }
    return true;
}

/* Problems of a rule say which: by its id as it stands, even a bad one. */
static void enter_rule(struct walk *w, const char *kind, const struct yaml_node *node) {
    const struct yaml_node *id = yaml_tree_get(node, "id");
    walk_enter(w, kind, id && id->kind == YAML_TEXT ? id->text : bytes_of("?"));
}

/* ------------------------------------------------------------------------------------------------ engagement */

static void read_type(struct walk *w, const struct yaml_node *node, uint16_t rule) {
    if (!walk_text(w, node, "on"))
        return;
    if (!event_is_type(node->text))
        walk_error(w, node, "on \"%s\" is no event type (1 to 64 of a-z 0-9 _ .)", yaml_quote(node->text).text);
    else if (!model_rule_on(w->model, rule, node->text))
        walk_error(w, node, "on \"%s\" is one type too many: a model names at most 65000", yaml_quote(node->text).text);
}

static void read_on(struct walk *w, const struct yaml_node *map, uint16_t rule) {
    const struct yaml_node *node = yaml_tree_get(map, "on");
    if (!node)
        return;
    if (node->kind != YAML_LIST) {
        read_type(w, node, rule);
        return;
    }
    if (!node->n)
        walk_error(w, node, "on is an empty list: name at least one event type");
    for (uint32_t i = 0; i < node->n; i++)
        read_type(w, node->items[i], rule);
}

/* Windows: each of 32 half-lives' worth is kept, so they must not be too many. */
static void read_window(struct walk *w, const struct yaml_node *limit, struct half_life half_life,
                        struct model_rule *rule) {
    const struct yaml_node *per = yaml_tree_get(limit, "per");
    rule->memory = MODEL_WINDOWS;
    if (!per || (per->kind == YAML_TEXT && bytes_is(per->text, "lifetime")))
        return;
    if (!walk_duration(w, limit, "per", WHEN_SECOND, &rule->window) || !half_life.known)
        return;
    const struct yaml_node *own = yaml_tree_get(limit, "per");
    if (!half_life.ms)
        walk_error(w, own, "a limit per \"%s\" needs a half_life, and this rule has none (or: per: lifetime)",
                   yaml_quote(own->text).text);
    else if (32 * half_life.ms > MOST_WINDOWS * rule->window)
        walk_error(w, own,
                   "per \"%s\": 32 half-lives hold %lld windows (rounded down), more than the %d that are kept: take a "
                   "longer window or a shorter half_life",
                   yaml_quote(own->text).text, (long long)(32 * half_life.ms / rule->window), MOST_WINDOWS);
}

static void read_once_per(struct walk *w, const struct yaml_node *limit, struct model_rule *rule) {
    const struct yaml_node *field = yaml_tree_get(limit, "once_per");
    rule->memory = MODEL_VALUES;
    if (yaml_tree_get(limit, "count") || yaml_tree_get(limit, "per"))
        walk_error(w, limit, "a limit is either {count: .., per: ..} or {once_per: FIELD}");
    if (!walk_text(w, field, "once_per"))
        return;
    int slot = model_intern_field(w->model, field->text);
    if (slot < 0)
        walk_error(w, field, "\"%s\" is one field too many: a model names at most 65535", yaml_quote(field->text).text);
    rule->field = (uint16_t)slot;
}

static void read_limit(struct walk *w, const struct yaml_node *map, struct half_life half_life,
                       struct model_rule *rule) {
    static const struct walk_key keys[] = {{"count", false}, {"per", false}, {"once_per", false}, {NULL, false}};
    static const struct walk_form counts = {0, 1, MOST_COUNT, "1 to 1000000"};
    const struct yaml_node *limit = yaml_tree_get(map, "limit");
    rule->memory = half_life.ms ? MODEL_BUCKETS : MODEL_COUNT;
    if (!limit || !walk_map(w, limit, "limit", keys))
        return;
    if (yaml_tree_get(limit, "once_per")) {
        read_once_per(w, limit, rule);
        return;
    }
    if (!yaml_tree_get(limit, "count") || !yaml_tree_get(limit, "per"))
        walk_error(w, limit,
                   "limit needs count and per, like {count: 3, per: 1d}, or once_per, like "
                   "{once_per: campaign}");
    int64_t count = 0;
    if (walk_integer(w, limit, "count", &counts, &count))
        rule->limit = (uint32_t)count;
    read_window(w, limit, half_life, rule);
}

static void read_machine(struct walk *w, const struct yaml_node *map, struct model_rule *rule) {
    const struct yaml_node *machine = yaml_tree_get(map, "machine");
    if (!machine || !walk_text(w, machine, "machine"))
        return;
    rule->machine = bytes_is(machine->text, "count");
    if (!rule->machine)
        walk_error(w, machine,
                   "machine \"%s\" is not known (only machine: count; left out, machine events do not "
                   "count)",
                   yaml_quote(machine->text).text);
}

static void read_rule(struct walk *w, const struct yaml_node *node, uint16_t group, struct half_life half_life) {
    static const struct walk_key keys[] = {{"id", true},         {"on", true},     {"when", false},    {"points", true},
                                           {"half_life", false}, {"limit", false}, {"machine", false}, {NULL, false}};
    if (one_rule_too_many(w, node))
        return;
    enter_rule(w, "rule", node);
    struct model_rule rule = {.group = group, .cond = COND_ALWAYS, .half_life = MODEL_NO_HALF_LIFE};
    if (walk_map(w, node, "a rule", keys)) {
        bool named = read_id(w, node, true, &rule.id);
        read_half_life(w, node, &half_life);
        if (!half_life.known)
            walk_error(w, node, "no half_life, here or in its group or in engagement (14d; none: it never fades)");
        read_on(w, node, w->model->n_rules);
        if (yaml_tree_get(node, "when"))
            rule.cond = model_when(w, yaml_tree_get(node, "when"), WHEN_EVENT);
        (void)walk_number(w, node, "points", &walk_points, &rule.points);
        read_limit(w, node, half_life, &rule);
        read_machine(w, node, &rule);
        if (half_life.ms)
            rule.half_life = model_intern_half_life(w->model, half_life.ms);
        rule.hash = named ? model_hash(rule.id) : 0;
        if (named)
            w->model->rules[w->model->n_rules++] = rule;
    }
    walk_leave(w);
}

static void read_group(struct walk *w, const struct yaml_pair *pair, struct half_life half_life) {
    static const struct walk_key keys[] = {
        {"half_life", false}, {"min", false}, {"max", false}, {"rules", true}, {NULL, false}};
    struct model *model = w->model;
    if (!walk_is_name(pair->key)) {
        walk_error_at(w, pair, "group \"%s\" is not a name (1 to 64 of A-Z a-z 0-9 _ . -)", yaml_quote(pair->key).text);
        return;
    }
    if (model->n_groups == MODEL_MAX_GROUPS) {
        walk_error_at(w, pair, "more than %d groups", MODEL_MAX_GROUPS);
        return;
    }
    uint16_t index = model->n_groups++;
    model->groups[index] = (struct model_group){.name = model_text(model, pair->key)};
    walk_enter(w, "group", pair->key);
    if (walk_map(w, pair->value, "a group", keys)) {
        read_half_life(w, pair->value, &half_life);
        walk_clamp(w, pair->value, &model->groups[index].clamp);
        const struct yaml_node *rules = walk_list(w, pair->value, "rules");
        for (uint32_t i = 0; rules && i < rules->n; i++)
            read_rule(w, rules->items[i], index, half_life);
    }
    walk_leave(w);
}

void model_rules_engagement(struct walk *w) {
    static const struct walk_key keys[] = {
        {"half_life", false}, {"min", false}, {"max", false}, {"groups", true}, {NULL, false}};
    const struct yaml_node *node = yaml_tree_get(w->root, "engagement");
    struct half_life half_life = {0};
    if (!node || !walk_map(w, node, "engagement", keys))
        return;
    read_half_life(w, node, &half_life);
    walk_clamp(w, node, &w->model->engagement);
    const struct yaml_node *groups = yaml_tree_get(node, "groups");
    if (groups && groups->kind == YAML_LIST)
        walk_error(w, groups, "groups must be a map of group names, not a list");
    else if (groups && groups->kind == YAML_TEXT)
        walk_error(w, groups, "groups must be a map of group names, not a text");
    for (uint32_t i = 0; groups && groups->kind == YAML_MAP && i < groups->n; i++)
        read_group(w, &groups->pairs[i], half_life);
}

/* ------------------------------------------------------------------------------------------------ fit */

static void read_bands(struct walk *w, const struct yaml_node *list, struct model_fit_rule *rule) {
    static const struct walk_key keys[] = {{"from", true}, {"points", true}, {NULL, false}};
    struct model_band *bands = arena_take(w->model->arena, (list->n + 1u) * sizeof *bands);
    MUST(bands != NULL);
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct yaml_node *entry = list->items[i], *from = NULL;
        struct model_band band = {0, 0};
        if (!walk_map(w, entry, "a band", keys))
            continue;
        (void)walk_number(w, entry, "points", &walk_points, &band.points);
        if (!walk_number(w, entry, "from", &walk_value, &band.from))
            continue;
        from = yaml_tree_get(entry, "from");
        if (n && band.from >= bands[n - 1].from)
            walk_error(w, from, "from \"%s\" does not fall: bands go from the highest down",
                       yaml_quote(from->text).text);
        bands[n++] = band;
    }
    if (!list->n)
        walk_error(w, list, "bands is an empty list: give it at least one {from: .., points: ..}");
    if (list->n > UINT16_MAX)
        walk_error(w, list, "more than 65535 bands");
    rule->n_bands = (uint16_t)n;
    rule->bands = bands;
}

static void read_fit_value(struct walk *w, const struct yaml_node *node, struct model_fit_rule *rule) {
    const struct yaml_node *of = yaml_tree_get(node, "of"), *when = yaml_tree_get(node, "when");
    bool by_bands = of || yaml_tree_get(node, "bands");
    if (by_bands && (when || yaml_tree_get(node, "points"))) {
        walk_error(w, node, "a fit rule has either when and points, or of and bands");
        return;
    }
    if (by_bands) {
        const struct yaml_node *bands = walk_list(w, node, "bands");
        int slot = of ? model_when_attr(w, of, "of") : 0;
        if (!of || !yaml_tree_get(node, "bands"))
            walk_error(w, node, "a fit rule by bands needs both of and bands");
        if (bands)
            read_bands(w, bands, rule);
        rule->attr = (uint16_t)slot;
        return;
    }
    if (!when || !yaml_tree_get(node, "points"))
        walk_error(w, node, "a fit rule needs when and points, or of and bands");
    if (when)
        rule->cond = model_when(w, when, WHEN_FIT);
    (void)walk_number(w, node, "points", &walk_points, &rule->points);
}

/* Who gives nothing away should not get points for it. */
static void warn_of_empty_profile(struct walk *w, const struct yaml_node *node, const struct model_fit_rule *rule) {
    const struct yaml_node *when = yaml_tree_get(node, "when");
    if (!when)
        return;
    static const struct bytes nothing[MODEL_MAX_ATTRS];
    struct cond_counts counts = {0};
    if (cond_holds(w->model, rule->cond, &(struct cond_subject){.texts = nothing}, &counts))
        walk_warning(w, when, "a lead of which nothing is known satisfies this (add exists: true?)");
}

static void read_fit_rule(struct walk *w, const struct yaml_node *node) {
    static const struct walk_key keys[] = {{"id", true},  {"when", false},  {"points", false},
                                           {"of", false}, {"bands", false}, {NULL, false}};
    if (one_rule_too_many(w, node))
        return;
    enter_rule(w, "fit rule", node);
    struct model_fit_rule rule = {.cond = COND_ALWAYS};
    if (walk_map(w, node, "a fit rule", keys)) {
        bool named = read_id(w, node, false, &rule.id);
        size_t errors = w->problems->errors;
        read_fit_value(w, node, &rule);
        if (w->problems->errors == errors)
            warn_of_empty_profile(w, node, &rule);
        if (named)
            w->model->fit_rules[w->model->n_fit_rules++] = rule;
    }
    walk_leave(w);
}

void model_rules_fit(struct walk *w) {
    static const struct walk_key keys[] = {{"min", false}, {"max", false}, {"rules", true}, {NULL, false}};
    const struct yaml_node *node = yaml_tree_get(w->root, "fit");
    if (!node || !walk_map(w, node, "fit", keys))
        return;
    walk_clamp(w, node, &w->model->fit);
    const struct yaml_node *rules = walk_list(w, node, "rules");
    for (uint32_t i = 0; rules && i < rules->n; i++)
        read_fit_rule(w, rules->items[i]);
}
