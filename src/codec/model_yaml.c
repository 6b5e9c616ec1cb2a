/* A model file, compiled: the order of reading, the sections beside the rules, and the file itself.
 *
 * Groups, stages and grade are read before the conditions that may name them. Reading goes on after an error, so that
 * all of them are told; model_finish runs only where there was none. */
#include "codec/model_yaml.h"
#include "codec/model_rules.h"
#include "codec/model_when.h"
#include <leadstream/when.h>

#include <errno.h>
#include <stdlib.h>

enum { MAX_FILE = 1024 * 1024 };
#define TREE_LIMIT ((size_t)64 * 1024 * 1024)

/* ------------------------------------------------------------------------------------------------ small sections */

static void read_head(struct walk *w) {
    static const struct walk_form versions = {0, 1, INT32_MAX, "1 to 2147483647"};
    const struct yaml_node *name = yaml_tree_get(w->root, "model");
    int64_t version = 1;
    if (name && walk_text(w, name, "model")) {
        bool good = name->text.n > 0;
        for (size_t i = 0; i < name->text.n; i++) {
            uint8_t c = name->text.at[i];
            good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
        }
        if (!good)
            walk_error(w, name, "model \"%s\" is not a name of a-z 0-9 -", yaml_quote(name->text).text);
        w->model->name = model_text(w->model, name->text);
    }
    (void)walk_integer(w, w->root, "version", &versions, &version);
    w->model->version = (uint32_t)version;
}

static void read_profile(struct walk *w) {
    static const struct walk_key keys[] = {{"keep", true}, {NULL, false}};
    const struct yaml_node *node = yaml_tree_get(w->root, "profile");
    if (!node || !walk_map(w, node, "profile", keys))
        return;
    const struct yaml_node *keep = walk_list(w, node, "keep");
    for (uint32_t i = 0; keep && i < keep->n; i++)
        (void)model_when_attr(w, keep->items[i], "keep");
}

static void read_total(struct walk *w) {
    static const struct walk_key keys[] = {
        {"engagement", false}, {"fit", false}, {"min", false}, {"max", false}, {NULL, false}};
    const struct yaml_node *node = yaml_tree_get(w->root, "total");
    if (!node || !walk_map(w, node, "total", keys))
        return;
    (void)walk_number(w, node, "engagement", &walk_weight, &w->model->weight_engagement);
    (void)walk_number(w, node, "fit", &walk_weight, &w->model->weight_fit);
    walk_clamp(w, node, &w->model->total);
}

static void read_publish(struct walk *w) {
    static const struct walk_key keys[] = {{"min_change", false}, {"drift", false}, {NULL, false}};
    static const struct walk_form changes = {2, 1, 100000000, "0.01 to 1000000"};
    const struct yaml_node *node = yaml_tree_get(w->root, "publish");
    struct model *model = w->model;
    if (!node || !walk_map(w, node, "publish", keys))
        return;
    bool good = !yaml_tree_get(node, "min_change") || walk_number(w, node, "min_change", &changes, &model->min_change);
    model->drift = model->min_change > model->drift ? model->min_change : model->drift;
    const struct yaml_node *drift = yaml_tree_get(node, "drift");
    if (drift && drift->kind == YAML_TEXT && bytes_is(drift->text, "none"))
        model->drift = MODEL_NONE;
    else if (drift && walk_number_in(w, drift, "drift", &changes, &model->drift) && good &&
             model->drift < model->min_change)
        walk_error(w, drift, "drift \"%s\" is below min_change (at least that, or none)", yaml_quote(drift->text).text);
}

static void read_dedupe(struct walk *w) {
    static const struct walk_key keys[] = {{"ids", true}, {NULL, false}};
    static const struct walk_form ids = {0, 0, MODEL_MAX_DEDUPE, "0 to 256"};
    const struct yaml_node *node = yaml_tree_get(w->root, "dedupe");
    int64_t k = w->model->dedupe;
    if (!node || !walk_map(w, node, "dedupe", keys))
        return;
    (void)walk_integer(w, node, "ids", &ids, &k);
    w->model->dedupe = (uint16_t)k;
}

/* ------------------------------------------------------------------------------------------------ grade */

/* The bands of one part, whose grades are first, first + 1, first + 2. */
static uint16_t read_grade_part(struct walk *w, const struct yaml_node *grade, const char *part, char first,
                                struct model_grade_band *bands) {
    const char names[3][2] = {{first, 0}, {(char)(first + 1), 0}, {(char)(first + 2), 0}};
    const struct walk_key keys[] = {{names[0], false}, {names[1], false}, {names[2], false}, {NULL, false}};
    const struct yaml_node *node = yaml_tree_get(grade, part);
    uint16_t n = 0;
    if (!node || !walk_map(w, node, part, keys))
        return 0;
    if (!node->n)
        walk_error(w, node, "%s has no band: give it at least one of %s, %s, %s", part, names[0], names[1], names[2]);
    for (size_t i = 0; i < 3; i++) {
        const struct yaml_node *from = yaml_tree_get(node, names[i]);
        struct model_grade_band band = {names[i][0], 0};
        if (!walk_number(w, node, names[i], &walk_score, &band.from))
            continue;
        if (n && band.from >= bands[n - 1].from)
            walk_error(w, from, "%s \"%s\" does not fall: it must be below that of %c", names[i],
                       yaml_quote(from->text).text, bands[n - 1].grade);
        bands[n++] = band;
    }
    return n;
}

static void read_grade(struct walk *w) {
    static const struct walk_key keys[] = {{"fit", true}, {"engagement", true}, {NULL, false}};
    const struct yaml_node *node = yaml_tree_get(w->root, "grade");
    struct model *model = w->model;
    if (!node || !walk_map(w, node, "grade", keys))
        return;
    snprintf(w->context, sizeof w->context, "grade: ");
    model->n_grade_fit = read_grade_part(w, node, "fit", 'A', model->grade_fit);
    model->n_grade_engagement = read_grade_part(w, node, "engagement", '1', model->grade_engagement);
    w->context[0] = 0;
}

/* ------------------------------------------------------------------------------------------------ stages */

/* enter less 10 % of its size, rounded to 0.01, half away from zero. */
static int64_t default_leave(int64_t enter) {
    int64_t tenths = enter * 10 - (enter < 0 ? -enter : enter);
    return tenths < 0 ? -((-tenths + 5) / 10) : (tenths + 5) / 10;
}

static void check_enter(struct walk *w, const struct yaml_node *node, int64_t value) {
    const struct model *model = w->model;
    const struct model_stage *before = &model->stages[model->n_stages - 1];
    if (model->n_stages > 1 && value <= before->enter)
        walk_error(w, node, "enter \"%s\" does not rise: it must be above that of stage \"%s\"",
                   yaml_quote(node->text).text, yaml_quote(before->name).text);
    if (model->total.has_min && value < model->total.min)
        walk_error(w, node, "enter \"%s\" is below the total's min: the stage is never left",
                   yaml_quote(node->text).text);
    if (model->total.has_max && value > model->total.max)
        walk_error(w, node, "enter \"%s\" is above the total's max: the stage is never entered",
                   yaml_quote(node->text).text);
}

static void read_bounds(struct walk *w, const struct yaml_node *node, struct model_stage *stage) {
    const struct yaml_node *enter = yaml_tree_get(node, "enter"), *leave = yaml_tree_get(node, "leave");
    if (!enter)
        walk_error(w, node, "only the first stage has no enter: give this one its least total");
    if (!enter || !walk_number_in(w, enter, "enter", &walk_score, &stage->enter))
        return;
    check_enter(w, enter, stage->enter);
    stage->leave = default_leave(stage->enter);
    if (leave && !walk_number_in(w, leave, "leave", &walk_score, &stage->leave))
        return;
    const struct yaml_node *at = leave ? leave : enter;
    if (stage->leave > stage->enter)
        walk_error(w, at, "leave \"%s\" is above enter \"%s\"", yaml_quote(at->text).text,
                   yaml_quote(enter->text).text);
    else if (stage->leave == stage->enter)
        walk_warning(w, at, "leave equals enter: a total around it will enter and leave the stage again and again");
}

static void read_stage(struct walk *w, const struct yaml_node *node) {
    static const struct walk_key keys[] = {{"name", true}, {"enter", false}, {"leave", false}, {NULL, false}};
    struct model *model = w->model;
    struct model_stage stage = {.enter = INT64_MIN, .leave = INT64_MIN};
    if (!walk_map(w, node, "a stage", keys) || !walk_name(w, node, "name", &stage.name))
        return;
    walk_enter(w, "stage", stage.name);
    stage.hash = model_hash(stage.name);
    for (uint16_t i = 0; i < model->n_stages; i++)
        if (model->stages[i].hash == stage.hash)
            walk_error(w, yaml_tree_get(node, "name"), "name \"%s\" %s stage \"%s\": rename one",
                       yaml_quote(stage.name).text,
                       bytes_equal(stage.name, model->stages[i].name) ? "is already that of" : "has the hash of",
                       yaml_quote(model->stages[i].name).text);
    const struct yaml_node *extra = yaml_tree_get(node, "enter");
    extra = extra ? extra : yaml_tree_get(node, "leave");
    if (model->n_stages)
        read_bounds(w, node, &stage);
    else if (extra)
        walk_error(w, extra, "the first stage has neither enter nor leave: every lead begins there");
    if (model->n_stages == MODEL_MAX_STAGES)
        walk_error(w, node, "more than %d stages", MODEL_MAX_STAGES);
    else
        model->stages[model->n_stages++] = stage;
    walk_leave(w);
}

static void read_stages(struct walk *w) {
    const struct yaml_node *list = walk_list(w, w->root, "stages");
    if (list && !list->n)
        walk_error(w, list, "stages is an empty list: give it a stage, or leave the key out");
    for (uint32_t i = 0; list && i < list->n; i++)
        read_stage(w, list->items[i]);
}

/* ------------------------------------------------------------------------------------------------ who gets it */

static void read_ready(struct walk *w) {
    static const struct walk_key keys[] = {{"when", true}, {"cooldown", false}, {NULL, false}};
    const struct yaml_node *node = yaml_tree_get(w->root, "sales_ready");
    if (!node || !walk_map(w, node, "sales_ready", keys))
        return;
    snprintf(w->context, sizeof w->context, "sales_ready: ");
    w->model->has_ready = true;
    if (yaml_tree_get(node, "when"))
        w->model->ready = model_when(w, yaml_tree_get(node, "when"), WHEN_LEAD);
    (void)walk_duration(w, node, "cooldown", 0, &w->model->cooldown);
    w->context[0] = 0;
}

static void read_route(struct walk *w, const struct yaml_node *node, bool last) {
    static const struct walk_key keys[] = {{"to", true}, {"when", false}, {NULL, false}};
    struct model *model = w->model;
    struct model_route route = {.cond = COND_ALWAYS};
    if (!walk_map(w, node, "a route", keys))
        return;
    bool named = walk_name(w, node, "to", &route.to);
    const struct yaml_node *when = yaml_tree_get(node, "when");
    walk_enter(w, "route", named ? route.to : bytes_of("?"));
    route.hash = model_hash(route.to);
    for (uint16_t i = 0; named && i < model->n_routes; i++)
        if (model->routes[i].hash == route.hash && !bytes_equal(model->routes[i].to, route.to))
            walk_error(w, yaml_tree_get(node, "to"), "has the hash of route \"%s\": rename one",
                       yaml_quote(model->routes[i].to).text);
    if (!when && !last)
        walk_error(w, node, "no when: only the last route has none (those after it would never be taken)");
    if (when && last)
        walk_error(w, when, "the last route has a when: it must take what is left, so it has none");
    if (when)
        route.cond = model_when(w, when, WHEN_LEAD);
    if (named)
        model->routes[model->n_routes++] = route;
    walk_leave(w);
}

static void read_routes(struct walk *w) {
    const struct yaml_node *list = walk_list(w, w->root, "routes");
    if (list && !list->n)
        walk_error(w, list, "routes is an empty list: give it a route, or leave the key out");
    if (list && list->n > MODEL_MAX_ROUTES)
        walk_error(w, list->items[MODEL_MAX_ROUTES], "more than %d routes", MODEL_MAX_ROUTES);
    for (uint32_t i = 0; list && i < list->n && i < MODEL_MAX_ROUTES; i++)
        read_route(w, list->items[i], i + 1 == list->n);
}

/* ------------------------------------------------------------------------------------------------ the whole */

static void read_model(struct walk *w) {
    static const struct walk_key keys[] = {
        {"model", true},    {"version", true}, {"profile", false}, {"engagement", false},  {"fit", false},
        {"total", false},   {"grade", false},  {"stages", false},  {"sales_ready", false}, {"routes", false},
        {"publish", false}, {"dedupe", false}, {NULL, false}};
    walk_nulls(w, w->root);
    if (!walk_map(w, w->root, "a model", keys))
        return;
    read_head(w);
    read_total(w);
    read_grade(w);
    read_stages(w);
    model_rules_engagement(w);
    model_rules_fit(w);
    read_profile(w);
    read_ready(w);
    read_routes(w);
    read_publish(w);
    read_dedupe(w);
}

struct model *model_yaml_compile(struct bytes text, const char *file, struct problems *problems) {
    size_t errors = problems->errors;
    problems->file = file;
    struct arena *arena = arena_new(TREE_LIMIT);
    struct walk w = {.problems = problems};
    struct model *model = model_new();
    w.model = model;
    w.root = yaml_tree_parse(text, arena, problems);
    if (w.root && w.root->kind == YAML_NULL)
        problems_add(problems, 0, 0, false, "the file is empty: a model needs at least model: and version:");
    else if (w.root)
        read_model(&w);
    arena_free(&arena);
    problems_sort(problems);
    if (problems->errors > errors)
        model_free(&model);
    else
        model_finish(model);
    return model;
}

struct model *model_yaml_load(const char *path, struct problems *problems) {
    size_t n;
    problems->file = path;
    uint8_t *text = yaml_tree_file(path, MAX_FILE, &n, problems);
    struct model *model = text ? model_yaml_compile((struct bytes){text, n}, path, problems) : NULL;
    free(text);
    return model;
}
