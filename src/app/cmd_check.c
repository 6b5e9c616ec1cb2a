/* `leadstream check`: is this configuration good, is this model? Everything that is wrong with them, at once; what a
 * lead can grow to; and the tables of parameters and metrics, which are the documentation of both. */
#include "app/cmd.h"

#include "adapters/kafka_errors.h"
#include "adapters/rocks_store.h"
#include "app/check_files.h"
#include "app/cmd_say.h"
#include "app/settings.h"
#include "app/worker.h"
#include "codec/model_yaml.h"
#include <getopt.h>

static const char name[] = "check";
static const char help[] =
    "usage: leadstream check [OPTION..]\n"
    "\n"
    "Reads a configuration and the model and schemas that it names (or a model alone) and prints every error and\n"
    "warning, each with its place; then, of a good model, what a lead can grow to.\n"
    "\n"
    "  -c, --config CONFIG  the configuration\n"
    "  -m, --model MODEL    a model, in place of the configuration's\n"
    "      --broker         also ask the broker: can it be reached, are the topics as they must be?\n"
    "      --params         print every key of the configuration: bounds, default, what it is\n"
    "      --metrics        print every metric\n"
    "      --errors         print every code of an error with its class, and what each of Kafka's errors is to us\n"
    "\n"
    "Exit codes: 0 good (warnings are no errors), 1 an error in a file or a topic, 2 usage, 3 the broker is not there.\n"
    "\n"
    "example: leadstream check -c config/leadstream.yaml --broker\n";

struct options {
    const char *config, *model;
    bool broker, params, metrics, errors;
};

static int read_options(int argc, char **argv, struct options *o, bool *done) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"model", required_argument, NULL, 'm'},
                                            {"broker", no_argument, NULL, 'b'},
                                            {"params", no_argument, NULL, 'p'},
                                            {"metrics", no_argument, NULL, 'M'},
                                            {"errors", no_argument, NULL, 'E'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":c:m:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': o->config = optarg; break;
        case 'm': o->model = optarg; break;
        case 'b': o->broker = true; break;
        case 'p': o->params = true; break;
        case 'M': o->metrics = true; break;
        case 'E': o->errors = true; break;
        case 'h':
            fputs(help, stdout);
            *done = true;
            return EXIT_DONE;
        default: return cmd_say_option(name, option, argv);
        }
    }
    if (optind < argc)
        return cmd_say(EXIT_USAGE, name, "\"%.200s\" is not an option (for files: -c CONFIG, -m MODEL)", argv[optind]);
    if (o->broker && !o->config)
        return cmd_say(EXIT_USAGE, name, "--broker needs -c CONFIG, which says where the broker is");
    if (!o->config && !o->model && !o->params && !o->metrics && !o->errors)
        return cmd_say(EXIT_USAGE, name, "give -c CONFIG or -m MODEL (see `leadstream check --help`)");
    return EXIT_DONE;
}

static void say_good(const char *file, const struct problems *problems, const char *what) {
    printf("%s: %s%s\n", file, what, problems->n ? ", but see the warnings" : "");
}

/* The model's figures: how many of everything, and the worst that one lead can come to. */
static void describe(const struct model *model, const char *file, const struct problems *problems) {
    char value[PARAM_BYTES_TEXT], output[PARAM_BYTES_TEXT];
    say_good(file, problems, "good");
    printf("  model %.*s, version %u, fingerprint %016llx\n", (int)model->name.n, (const char *)model->name.at,
           model->version, (unsigned long long)model->fingerprint);
    printf("  %u rules in %u groups, %u fit rules, %u stages, %u routes; %u fields, %u attributes\n", model->n_rules,
           model->n_groups, model->n_fit_rules, model->n_stages, model->n_routes, model->n_fields, model->n_attrs);
    param_bytes_format((int64_t)(model->worst_value + 1023) / 1024 * 1024, value);
    param_bytes_format((int64_t)(model->worst_output + 1023) / 1024 * 1024, output);
    printf("  at worst a lead takes %s in store and changelog, and a record %s\n", value, output);
}

static struct model *check_model(const char *path) {
    struct problems problems = {0};
    struct model *model = model_yaml_load(path, &problems);
    problems_print(&problems, stderr);
    if (model)
        describe(model, path, &problems);
    problems_fini(&problems);
    return model;
}

static void print_params(void) {
    size_t n;
    const struct param *params = settings_params(&n);
    param_print(params, n, stdout);
}

/* The page docs/errors.md is held against this. */
static void print_errors(void) {
    const char *kafka, *remedy;
    enum err_code code;
    for (size_t i = ERR_NONE + 1; i < ERR_CODES_END; i++)
        printf("%-18s %-7s %s\n", err_name((enum err_code)i), err_class_name((enum err_code)i),
               err_meaning((enum err_code)i));
    for (size_t i = 0; kafka_errors_row(i, &kafka, &code, &remedy); i++)
        printf("kafka %-38s %-12s %s\n", kafka, err_name(code), remedy ? remedy : "");
}

/* *good: neither the configuration nor a file that it names has an error. The model is read whatever is wrong here. */
static struct settings *check_config(const char *path, bool *good) {
    struct problems problems = {0};
    struct settings *settings = settings_look(path, &problems);
    problems_print(&problems, stderr);
    *good = settings && !problems.errors && !check_files(settings, stderr);
    if (*good)
        say_good(path, &problems, "good");
    problems_fini(&problems);
    return settings;
}

/* The topics that are not as they must be. */
static int check_broker(const struct settings *settings, const struct model *model) {
    const char *inputs[SETTINGS_MAX_SOURCES];
    struct kafka_topics_options options = settings_topics(settings, model, inputs);
    struct err e;
    struct kafka_topics *topics = kafka_topics_look(&options, &e);
    if (!topics)
        return cmd_say_err(e.code == ERR_CONFIG ? EXIT_INPUT : EXIT_WORLD, name, &e);
    size_t n, bad = 0, missing = 0;
    const struct kafka_topics_row *rows = kafka_topics_rows(topics, &n);
    for (size_t i = 0; i < n; i++) {
        bool wrong = rows[i].state == KAFKA_TOPICS_MISSING || rows[i].state == KAFKA_TOPICS_WRONG;
        if (rows[i].state != KAFKA_TOPICS_GOOD)
            fprintf(stderr, "topic %s: %s%s\n", rows[i].name, wrong ? "" : "warning: ", rows[i].words);
        bad += wrong;
        missing += rows[i].state == KAFKA_TOPICS_MISSING;
    }
    if (!bad)
        printf("cluster %s: good, %zu topics of %u partitions\n", kafka_topics_cluster(topics), n,
               kafka_topics_partitions(topics));
    else if (missing)
        fprintf(stderr, "`leadstream topics -c %s --create` makes what is missing\n", settings->file);
    kafka_topics_free(&topics);
    return bad ? EXIT_INPUT : EXIT_DONE;
}

static int check_all(const struct options *o) {
    bool good = true;
    struct settings *settings = o->config ? check_config(o->config, &good) : NULL;
    const char *path = o->model ? o->model : settings ? settings->model : NULL;
    struct model *model = path ? check_model(path) : NULL;
    good = good && (!path || model);
    int code = good ? EXIT_DONE : EXIT_INPUT;
    if (good && settings && model && o->broker)
        code = check_broker(settings, model);
    model_free(&model);
    settings_free(&settings);
    return code;
}

int cmd_check(int argc, char **argv) {
    struct options o = {0};
    bool done = false;
    int code = read_options(argc, argv, &o, &done);
    if (code || done)
        return code;
    if (o.params)
        print_params();
    if (o.metrics) {
        metric_print_table(&worker_metrics, stdout);
        metric_print_table(&worker_code_metrics, stdout);
        metric_print_table(&rocks_store_metrics, stdout);
    }
    if (o.errors)
        print_errors();
    return check_all(&o);
}
