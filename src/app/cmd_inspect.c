/* `leadstream inspect LEAD`: what is remembered of a lead, its score with reasons, its next timer. Asks the running
 * daemon through its socket, or reads a store at rest. */
#include "adapters/rocks_store.h"
#include "app/cmd.h"
#include "app/cmd_say.h"
#include "app/inspect_socket.h"
#include "app/settings.h"
#include "codec/model_yaml.h"
#include "codec/record_json.h"
#include "engine/changelog.h"
#include "host/clock.h"

#include <getopt.h>
#include <leadstream/decimal.h>
#include <leadstream/lead_bytes.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_LIMIT ((size_t)256 * 1024 * 1024)

static const char help[] =
    "usage: leadstream inspect LEAD [-c CONFIG] [--at TIME] [--output table|jsonl]\n\n"
    "What is remembered of a lead, its score with reasons, and the next instant at which it will change by itself: from\n"
    "the running daemon of this configuration, or from its store when none runs.\n\n"
    "  -c, --config FILE   the configuration (default: config/leadstream.yaml)\n"
    "      --at TIME       the score as of then (RFC 3339; default: now); not before the lead's newest event\n"
    "      --output FORM   table or jsonl (default: table on a terminal)\n\n"
    "Example: leadstream inspect l-17 -c config/leadstream.yaml --at 2026-12-01T00:00:00Z\n";

struct inspection {
    const char *config;
    struct bytes key;
    int64_t at;     /* LEAD_NEVER: now */
    bool json;
    struct settings *settings;
    struct model *model;
    struct arena *arena;
};

static int complain(const struct err *e, int status) {
    fprintf(stderr, "leadstream inspect: %s%s%s\n", e->where, *e->where ? ": " : "", e->words);
    return status;
}

/* ---- the value ---- */

/* Looks for the lead in every shard of a store at rest. */
static bool from_store(struct inspection *in, struct bytes *value, struct err *e) {
    struct erasure *erasure = erasure_new(NULL, e);
    struct rocks_store_options options = {.path = in->settings->store.path,
                                          .app = in->settings->app,
                                          .generation = in->settings->generation,
                                          .memory = (size_t)16 * 1024 * 1024,
                                          .read_only = true,
                                          .erasure = erasure};
    struct rocks_store *rs = erasure ? rocks_store_open(&options, e) : NULL;
    uint32_t shards[ENGINE_MAX_SHARDS];
    size_t n = 0;
    bool ok = rs && rocks_store_shards(rs, shards, ENGINE_MAX_SHARDS, &n, e);
    uint8_t buffer[CHANGELOG_MAX_KEY];
    struct bytes key = changelog_lead_key(in->key, buffer), found;
    *value = (struct bytes){NULL, 0};
    for (size_t i = 0; ok && i < n && !value->at; i++) {
        struct store port = rocks_store_port(rs, 0);
        struct store_shard state;
        ok = port.open(port.self, shards[i], &state, e) && port.load(port.self, shards[i], &key, 1, &found, e);
        if (ok && found.at)
            *value = (struct bytes){arena_copy(in->arena, found.at, found.n), found.n};
        port.close(port.self, shards[i]);
    }
    rocks_store_close(&rs);
    erasure_free(&erasure);
    return ok;
}

static bool find_value(struct inspection *in, struct bytes *value, struct err *e) {
    enum inspect_answer answer;
    if (!inspect_socket_ask(in->settings->store.path, in->key, in->arena, &answer, value, e))
        return false;
    if (answer == INSPECT_NOT_RUNNING)
        return from_store(in, value, e);
    if (answer == INSPECT_ELSEWHERE)
        return err_set(e, ERR_LOST, "", "the lead's shard is not live in this instance: ask the one that has it");
    return true;
}

/* ---- printing ---- */

static void print_time(const char *name, int64_t ms, const char *never) {
    char text[WHEN_TEXT];
    bool none = ms == LEAD_NEVER || ms == LEAD_NO_DUE;
    if (!none)
        when_format(ms, text);
    printf("%-14s %s\n", name, none ? never : text);
}

static void print_number(const char *name, int64_t hundredths) {
    char text[DECIMAL_TEXT];
    decimal_format(hundredths, text);
    printf("%-14s %s\n", name, text);
}

static void print_reasons(const struct reason *reasons, size_t n) {
    static const char *const kinds[] = {
        [REASON_RULE] = "",
        [REASON_FIT] = "",
        [REASON_CLAMP_GROUP] = "clamp of group ",
        [REASON_CLAMP_ENGAGEMENT] = "clamp of engagement",
        [REASON_CLAMP_FIT] = "clamp of fit",
        [REASON_WEIGHT_ENGAGEMENT] = "weight of engagement",
        [REASON_WEIGHT_FIT] = "weight of fit",
        [REASON_CLAMP_TOTAL] = "clamp of total",
        [REASON_ROUNDING] = "rounding",
    };
    puts("reasons");
    for (size_t i = 0; i < n; i++) {
        char points[DECIMAL_TEXT], count[DECIMAL_TEXT];
        decimal_format(reasons[i].points, points);
        decimal_format(reasons[i].count, count);
        printf("  %10s  %s%.*s", points, kinds[reasons[i].kind], (int)reasons[i].name.n,
               (const char *)reasons[i].name.at);
        if (reasons[i].kind == REASON_RULE)
            printf("  (count %s)", count);
        putchar('\n');
    }
}

static void print_table(const struct inspection *in, const struct lead *lead, const struct lead_line *line,
                        int64_t next) {
    const struct model *model = in->model;
    const struct score *score = line->score;
    printf("%-14s %.*s\n", "lead", (int)lead->key.n, (const char *)lead->key.at);
    print_time("as of", line->as_of, "");
    print_number("total", score->total);
    print_number("engagement", score->engagement);
    print_number("fit", score->fit);
    if (model->n_grade_fit)
        printf("%-14s %c%c\n", "grade", score->grade[0], score->grade[1]);
    if (model->n_stages)
        printf("%-14s %.*s\n", "stage", (int)model->stages[score->stage].name.n,
               (const char *)model->stages[score->stage].name.at);
    if (model->n_routes)
        printf("%-14s %.*s\n", "route", (int)model->routes[score->route].to.n,
               (const char *)model->routes[score->route].to.at);
    printf("%-14s %llu\n", "events", (unsigned long long)line->events);
    print_time("newest event", lead_newest(lead), "none");
    print_time("next change", next, "none: nothing changes by itself");
    print_time("last ready", lead->d.fired_at, "never");
    printf("%-14s %s%s\n", "readiness", lead->d.armed ? "armed" : "fired", lead->d.closed ? ", closed by sales" : "");
    print_reasons(line->reasons, line->n_reasons);
    puts("profile");
    for (size_t i = 0; i < model->n_attrs; i++)
        if (line->profile[i].n)
            printf("  %.*s: %.*s\n", (int)model->attrs[i].name.n, (const char *)model->attrs[i].name.at,
                   (int)line->profile[i].n, (const char *)line->profile[i].at);
}

static void print_json(const struct inspection *in, const struct lead_line *line, int64_t next) {
    struct text text = {NULL, 0, 0};
    lead_line_json(&text, in->model, line);
    char when[WHEN_TEXT] = "";
    if (next != LEAD_NO_DUE)
        when_format(next, when);
    const char *quote = *when ? "\"" : "";
    printf("%.*s,\"next\":%s%s%s}\n", (int)text.n - 1, text.at, quote, *when ? when : "null", quote);
    text_free(&text);
}

/* Lets the lead's timers up to `at` happen and shows it. */
static int show(struct inspection *in, struct scorer *scorer, struct lead *lead) {
    struct err e;
    int64_t at = in->at != LEAD_NEVER ? in->at : clock_wall_ms();
    if (in->at != LEAD_NEVER && at < lead->d.t) {
        char t[WHEN_TEXT];
        when_format(lead->d.t, t);
        err_set(&e, ERR_INVALID, "--at",
                "the lead's newest event or change is at %s: a time before it cannot be shown, the"
                " memory is of then",
                t);
        return complain(&e, EXIT_INPUT);
    }
    at = at < lead->d.t ? lead->d.t : at;
    struct verdict verdict;
    if (!score_advance(scorer, lead, at, SCORE_UNBOUNDED, in->arena, &verdict, &e))
        return complain(&e, EXIT_WORLD);
    struct score score = {.groups = arena_take(in->arena, (in->model->n_groups + 1u) * sizeof(int64_t))};
    struct bytes *profile = arena_take(in->arena, (in->model->n_attrs + 1u) * sizeof *profile);
    MUST(score.groups && profile);
    score_read(scorer, lead, at, &score);
    lead_profile(lead, in->model, profile);
    struct lead_line line = {
        .lead = lead->key, .score = &score, .as_of = at, .events = lead_events(lead), .profile = profile};
    line.reasons = score_reasons(scorer, lead, at, in->arena, &line.n_reasons);
    MUST(line.reasons != NULL);
    int64_t next = score_next_instant(scorer, lead, WHEN_LAST + 100 * 365 * WHEN_DAY);
    if (in->json)
        print_json(in, &line, next);
    else
        print_table(in, lead, &line, next);
    return EXIT_DONE;
}

static int inspect(struct inspection *in) {
    struct bytes value;
    struct err e;
    if (!find_value(in, &value, &e))
        return complain(&e, EXIT_WORLD);
    if (!value.at) {
        fprintf(stderr, "leadstream inspect: \"%.*s\" is not known\n", (int)in->key.n, (const char *)in->key.at);
        return EXIT_INPUT;
    }
    struct lead lead;
    lead_init(&lead, &lead_heap, in->key, in->model);
    int status = EXIT_WORLD;
    if (lead_bytes_read(&lead, in->model, value, &e)) {
        struct scorer *scorer = scorer_new(in->model);
        status = show(in, scorer, &lead);
        scorer_free(&scorer);
    } else {
        complain(&e, status);
    }
    lead_fini(&lead);
    return status;
}

static int load_and_inspect(struct inspection *in) {
    struct problems problems = {.file = in->config};
    in->settings = settings_load(in->config, &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    if (in->settings) {
        problems = (struct problems){.file = in->settings->model};
        in->model = model_yaml_load(in->settings->model, &problems);
        problems_print(&problems, stderr);
        problems_fini(&problems);
    }
    in->arena = arena_new(ARENA_LIMIT);
    int status = in->model ? inspect(in) : EXIT_INPUT;
    arena_free(&in->arena);
    model_free(&in->model);
    settings_free(&in->settings);
    return status;
}

int cmd_inspect(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"at", required_argument, NULL, 'a'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct inspection in = {.config = "config/leadstream.yaml", .at = LEAD_NEVER, .json = !isatty(STDOUT_FILENO)};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (c == 'c') {
            in.config = optarg;
        } else if (c == 'a') {
            if (!when_parse(bytes_of(optarg), &in.at))
                return cmd_say(EXIT_USAGE, argv[0], "--at \"%.200s\" is not RFC 3339 (try 2026-12-01T00:00:00Z)",
                               optarg);
            if (in.at < WHEN_FIRST || in.at > WHEN_LAST)
                return cmd_say(EXIT_USAGE, argv[0], "--at \"%.200s\" is not within 2000-01-01 to 2100-01-01", optarg);
        } else if (c == 'o' && (!strcmp(optarg, "table") || !strcmp(optarg, "jsonl"))) {
            in.json = optarg[0] == 'j';
        } else if (c == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        } else if (c == 'o') {
            return cmd_say(EXIT_USAGE, argv[0], "--output \"%.200s\" is neither table nor jsonl", optarg);
        } else {
            return cmd_say_option(argv[0], c, argv);
        }
    }
    if (optind + 1 != argc)
        return cmd_say(EXIT_USAGE, argv[0], "one LEAD is to be given (see `leadstream inspect --help`)");
    if (!*argv[optind] || strlen(argv[optind]) > EVENT_MAX_LEAD)
        return cmd_say(EXIT_USAGE, argv[0], "a lead's id has 1 to %d bytes", EVENT_MAX_LEAD);
    in.key = bytes_of(argv[optind]);
    return load_and_inspect(&in);
}
