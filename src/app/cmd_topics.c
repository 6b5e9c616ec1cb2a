/* `leadstream topics`: the topics that a configuration needs, as they are; with --create, what is missing is made. */
#include "app/cmd.h"

#include "adapters/kafka_topics.h"
#include "app/cmd_say.h"
#include "app/settings.h"
#include "codec/model_yaml.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

static const char name[] = "topics";
static const char help[] =
    "usage: leadstream topics -c CONFIG [OPTION..]\n"
    "\n"
    "Shows the topics that the configuration needs: partitions, settings, what is missing or differs.\n"
    "\n"
    "  -c, --config CONFIG   the configuration\n"
    "      --create          make what is missing, source topics too\n"
    "      --partitions N    of source topics to be made where none is there (default: 8)\n"
    "      --replication N   of topics to be made (default: the broker's)\n"
    "\n"
    "Exit codes: 0 all is well, 1 a topic is missing or wrong, or the configuration is, 2 usage, 3 the broker.\n"
    "\n"
    "example: leadstream topics -c config/leadstream.yaml --create\n";

struct options {
    const char *config;
    bool create;
    int partitions, replication;
};

static int read_number(const char *option, const char *text, int most, int *number) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 1 || value > most)
        return cmd_say(EXIT_USAGE, name, "%s \"%.200s\" is not a number from 1 to %d", option, text, most);
    *number = (int)value;
    return 0;
}

static int read_options(int argc, char **argv, struct options *o, bool *done) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"create", no_argument, NULL, 'C'},
        {"partitions", required_argument, NULL, 'p'},
        {"replication", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, code = 0;
    opterr = 0;
    optind = 1;
    while (!code && !*done && (option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': o->config = optarg; break;
        case 'C': o->create = true; break;
        case 'p': code = read_number("--partitions", optarg, 10000, &o->partitions); break;
        case 'r': code = read_number("--replication", optarg, 100, &o->replication); break;
        case 'h':
            fputs(help, stdout);
            *done = true;
            break;
        default: code = cmd_say_option(name, option, argv); break;
        }
    }
    if (!code && !*done && optind < argc)
        code = cmd_say(EXIT_USAGE, name, "\"%.200s\": no argument is expected", argv[optind]);
    if (!code && !*done && !o->config)
        code = cmd_say(EXIT_USAGE, name, "-c CONFIG is missing (see `leadstream topics --help`)");
    return code;
}

/* ---- the table ---- */

static const char *role_name(enum kafka_topics_role role) {
    static const char *const names[] = {"source", "scores", "sales-ready", "dead-letters", "changelog"};
    return names[role];
}

static const char *state_name(const struct kafka_topics_row *row) {
    static const char *const names[] = {"good", "missing", "differs", "wrong"};
    return row->made ? "made" : names[row->state];
}

static int print_table(const struct kafka_topics *topics) {
    size_t n, bad = 0;
    int widest = 5;
    const struct kafka_topics_row *rows = kafka_topics_rows(topics, &n);
    for (size_t i = 0; i < n; i++)
        if ((int)strlen(rows[i].name) > widest)
            widest = (int)strlen(rows[i].name);
    printf("cluster %s\n\n%-*s  %-12s  %10s  %-7s  %s\n", kafka_topics_cluster(topics), widest, "topic", "role",
           "partitions", "state", "settings");
    for (size_t i = 0; i < n; i++)
        printf("%-*s  %-12s  %10" PRIu32 "  %-7s  %s\n", widest, rows[i].name, role_name(rows[i].role),
               rows[i].partitions, state_name(&rows[i]), rows[i].settings);
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        bad += rows[i].state == KAFKA_TOPICS_MISSING || rows[i].state == KAFKA_TOPICS_WRONG;
        if (rows[i].words[0]) {
            printf("%s%s: %s\n", first ? "\n" : "", rows[i].name, rows[i].words);
            first = false;
        }
    }
    return bad ? EXIT_INPUT : EXIT_DONE;
}

/* ---- the configuration ---- */

static struct kafka_topics_options topics_options(const struct settings *settings, const struct model *model,
                                                  const struct options *o, const char **inputs) {
    struct kafka_topics_options options = settings_topics(settings, model, inputs);
    options.partitions = (uint32_t)o->partitions;
    options.replication = o->replication;
    return options;
}

static int look_and_make(const struct kafka_topics_options *options, bool create) {
    struct err e;
    struct kafka_topics *topics = kafka_topics_look(options, &e);
    int code = topics ? EXIT_DONE : cmd_say_err(e.code == ERR_CONFIG ? EXIT_INPUT : EXIT_WORLD, name, &e);
    if (topics && create && !kafka_topics_create(topics, &e))
        code = cmd_say_err(e.code == ERR_REFUSED ? EXIT_INPUT : EXIT_WORLD, name, &e);
    if (topics && !code)
        code = print_table(topics);
    kafka_topics_free(&topics);
    return code;
}

static int with_configuration(const struct options *o) {
    struct problems problems = {0};
    struct model *model = NULL;
    struct settings *settings = settings_load(o->config, &problems);
    if (settings) {
        problems_print(&problems, stderr);
        problems_fini(&problems);
        model = model_yaml_load(settings->model, &problems);
    }
    if (!model)
        problems_print(&problems, stderr);
    problems_fini(&problems);
    int code = EXIT_INPUT;
    if (model) {
        const char *inputs[SETTINGS_MAX_SOURCES];
        struct kafka_topics_options options = topics_options(settings, model, o, inputs);
        code = look_and_make(&options, o->create);
    }
    model_free(&model);
    settings_free(&settings);
    return code;
}

int cmd_topics(int argc, char **argv) {
    struct options o = {0};
    bool done = false;
    int code = read_options(argc, argv, &o, &done);
    return code || done ? code : with_configuration(&o);
}
