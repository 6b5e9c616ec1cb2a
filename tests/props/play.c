/* Random models and events. */
#include "play.h"

#include "codec/model_yaml.h"
#include <stdio.h>
#include <stdlib.h>

/* Text that grows in play->text. */
struct pen {
    struct play *play;
    size_t n;
};

static void put(struct pen *pen, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct pen *pen, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(pen->play->text + pen->n, sizeof pen->play->text - pen->n, format, args);
    va_end(args);
    MUST(n >= 0 && pen->n + (size_t)n < sizeof pen->play->text);
    pen->n += (size_t)n;
}

static uint32_t below(struct play *play, uint32_t n) {
    return suite_below(&play->random, n);
}

static const char *one_of(struct play *play, const char *const *list, uint32_t n) {
    return list[below(play, n)];
}

#define ONE_OF(play, ...)                                                                                              \
    one_of(play, (const char *const[]){__VA_ARGS__}, sizeof(const char *const[]){__VA_ARGS__} / sizeof(char *))

/* A rule's text, without its group. */
static void make_rule(struct play *play, bool positive, int number, char *out, size_t cap) {
    const char *half_life = ONE_OF(play, "1s", "1s", "2s", "3s", "none");
    const char *points = ONE_OF(play, "1", "2", "4.5", "10", "0.005", "7.3331", "1000");
    const char *sign = !positive && below(play, 3) == 0 ? "-" : "";
    const char *limit = ONE_OF(play, "", "", ", limit: {count: 2, per: lifetime}", ", limit: {once_per: campaign}",
                               ", limit: {count: 1, per: 1s}", ", limit: {count: 3, per: 7s}");
    if (strcmp(half_life, "none") == 0 && strstr(limit, "s}"))
        limit = "";
    const char *on = ONE_OF(play, "email.opened", "email.clicked", "[email.opened, email.clicked]", "form.submitted");
    const char *when = ONE_OF(play, "", "", ", when: {url: {contains: pricing}}");
    int n = snprintf(out, cap, "{id: r%d, on: %s, points: %s%s, half_life: %s%s%s%s}", number, on, sign, points,
                     half_life, limit, when, below(play, 4) == 0 ? ", machine: count" : "");
    MUST(n > 0 && (size_t)n < cap);
}

static void put_clamp(struct pen *pen, const char *before) {
    static const char *const clamps[] = {"", "", "", "min: 0", "max: 12", "min: -3, max: 20.5"};
    const char *clamp = one_of(pen->play, clamps, sizeof clamps / sizeof *clamps);
    if (*clamp)
        put(pen, "%s%s, ", before, clamp);
}

static void put_engagement(struct pen *pen, bool positive, bool backwards) {
    struct play *play = pen->play;
    uint32_t n_groups = 1 + below(play, 3);
    char rules[3][4][256];
    uint32_t n_rules[3];
    put(pen, "engagement: {");
    put_clamp(pen, "");
    put(pen, "groups: {");
    for (uint32_t g = 0; g < n_groups; g++) {
        n_rules[g] = 1 + below(play, 4);
        for (uint32_t r = 0; r < n_rules[g]; r++)
            make_rule(play, positive, (int)(g * 10 + r), rules[g][r], sizeof rules[g][r]);
    }
    uint64_t clamps = play->random;
    for (uint32_t i = 0; i < n_groups; i++) {
        uint32_t g = backwards ? n_groups - 1 - i : i;
        play->random = clamps + g; /* a group's clamp does not hang on its place */
        put(pen, "%sg%u: {", i ? ", " : "", g);
        put_clamp(pen, "");
        put(pen, "rules: [");
        for (uint32_t r = 0; r < n_rules[g]; r++)
            put(pen, "%s%s", r ? ", " : "", rules[g][backwards ? n_rules[g] - 1 - r : r]);
        put(pen, "]}");
    }
    play->random = clamps + n_groups;
    put(pen, "}}\n");
}

static void put_decisions(struct pen *pen) {
    struct play *play = pen->play;
    put(pen, "fit: {rules: [{id: f1, when: {title: {contains: vp}}, points: 5.005}, {id: f2, of: size, bands: "
             "[{from: 100, points: 4}, {from: 10, points: -2}]}]}\n");
    if (below(play, 2))
        put(pen, "total: {engagement: %s, fit: %s}\n", ONE_OF(play, "1", "0.5", "2.3333", "0"),
            ONE_OF(play, "1", "0.5"));
    if (below(play, 2))
        put(pen, "grade: {fit: {A: 5, B: 2}, engagement: {1: 10, 2: 5, 3: 1}}\n");
    put(pen, "stages: [{name: cold}, {name: warm, enter: %s}, {name: hot, enter: 10, leave: %s}]\n",
        ONE_OF(play, "2", "4.51", "5"), ONE_OF(play, "6", "9.99", "10", "-1"));
    put(pen, "sales_ready: {when: %s, cooldown: %s}\n",
        ONE_OF(play, "{stage: hot}", "{total: {above: 3}}", "{engagement: {at_most: 4}}",
               "{group.g0: {at_least: 1}, title: {exists: false}}"),
        ONE_OF(play, "0s", "1s", "3s", "20s"));
    put(pen, "routes: [{to: a, when: {stage: hot, group.g0: {above: 2.5}}}, {to: b, when: {engagement: {below: 1}}}, "
             "{to: c}]\n");
    put(pen, "publish: {min_change: %s\n", ONE_OF(play, "1, drift: none}", "0.5, drift: 2}", "1, drift: 1}"));
}

static void put_model(struct play *play, enum play_kind kind) {
    struct pen pen = {play, 0};
    put(&pen, "model: play\nversion: 1\nprofile: {keep: [title, size, phone]}\n");
    put_engagement(&pen, kind == PLAY_POSITIVE, kind == PLAY_REORDERED);
    put_decisions(&pen);
    put(&pen, "dedupe: {ids: 256}\n");
}

struct model *play_model(const char *text) {
    struct problems problems = {0};
    struct model *model = model_yaml_compile(bytes_of(text), "play.yaml", &problems);
    if (!model)
        problems_print(&problems, stderr);
    ck_assert_msg(model != NULL, "the model is wrong:\n%s", text);
    problems_fini(&problems);
    return model;
}

static struct event_field field(const char *name, const char *value) {
    return (struct event_field){bytes_of(name), bytes_of(value)};
}

static void make_event(struct play *play, uint32_t i, int64_t time) {
    static const char *const types[] = {"email.opened",        "email.opened",  "email.clicked", "email.clicked",
                                        "form.submitted",      "crm.won",       "crm.recycled",  "web.other",
                                        "crm.profile_updated", "email.clicked", "form.submitted"};
    struct event *event = &play->events[i];
    struct event_field *fields = play->fields[i];
    snprintf(play->ids[i], sizeof play->ids[i], "e%u", i);
    *event = (struct event){.lead = bytes_of("l-1"),
                            .id = bytes_of(play->ids[i]),
                            .type = bytes_of(one_of(play, types, sizeof types / sizeof *types)),
                            .time = time,
                            .machine = below(play, 8) == 0,
                            .n_fields = 3,
                            .fields = fields};
    bool profile = event->type.at[0] == 'f' || bytes_is(event->type, "crm.profile_updated");
    fields[0] = profile ? field("title", ONE_OF(play, "VP Sales", "clerk", "", "zz"))
                        : field("url", ONE_OF(play, "/pricing", "/docs"));
    fields[1] = field("campaign", ONE_OF(play, "a", "b", "c", "d", ""));
    fields[2] = profile ? field("size", ONE_OF(play, "5", "50", "500", "many", "")) : field("phone", "1");
}

void play_init(struct play *play, enum play_kind kind, uint64_t seed, uint32_t n) {
    MUST(n <= PLAY_EVENTS);
    *play = (struct play){.seed = seed, .random = seed, .n = n};
    put_model(play, kind);
    play->model = play_model(play->text);
    int64_t time = PLAY_START;
    uint32_t pace = 1 + below(play, 4000);
    for (uint32_t i = 0; i < n; i++) {
        make_event(play, i, time);
        time += below(play, 10) == 0 ? 40000 : below(play, pace);
    }
}

void play_fini(struct play *play) {
    model_free(&play->model);
}

void play_shuffle(struct play *play, uint32_t *order, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = below(play, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}
