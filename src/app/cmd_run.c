/* `leadstream run`: the daemon. Starts, watches, and on SIGTERM or SIGINT commits, writes and leaves within ten
 * seconds; a second signal ends it at once, which loses nothing either (crash-only: starting is recovering). */
#include "app/cmd.h"
#include "app/cmd_say.h"
#include "app/daemon.h"
#include "app/keeper.h"
#include "codec/model_yaml.h"
#include "host/limits.h"
#include "host/log.h"
#include "host/secrecy.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

enum { WATCH = 200 /* ms between two looks at the workers */ };

/* Open files: the store's tables, pages and logs, and what a worker's four Kafka clients take (each has pipes and sockets
 * for every broker). */
enum { FILES = 256 + 64, FILES_PER_WORKER = 64 };

static const char help[] =
    "usage: leadstream run -c CONFIG\n\n"
    "Scores the events of the configured topics and publishes score changes and sales-ready leads, exactly once, until\n"
    "SIGTERM or SIGINT. Logs (logfmt) go to stderr; /metrics and /health are served at `http.listen`.\n\n"
    "  -c, --config FILE   the configuration (see config/leadstream.yaml)\n"
    "      --no-transactions   publish without transactions: for measuring what they cost, never for use\n\n"
    "Before the first start: leadstream topics -c CONFIG --create\n"
    "Example: leadstream run -c config/leadstream.yaml\n";

/* Waits for a signal or a worker's end; true: asked to stop. */
static bool watch(struct daemon *daemon, struct err *e) {
    while (!keeper_asked(WATCH))
        if (!daemon_running(daemon, e))
            return false;
    return true;
}

/* why: what ended a worker, if none asked. */
static int stop(struct daemon *daemon, bool asked, const struct err *why) {
    bool late = false;
    struct err e = {.code = ERR_NONE};
    if (!daemon_stop(daemon, &late, &e) && asked)
        LOG_ERR(LOG_LEVEL_ERROR, "not_stopped", &e);
    if (late)
        _exit(EXIT_WORLD); /* nothing is lost: what was not written is in the changelog */
    int status = asked && e.code == ERR_NONE ? EXIT_DONE : why->code == ERR_CONFIG ? EXIT_INPUT : EXIT_WORLD;
    keeper_done(status);
    daemon_free(&daemon);
    LOG(LOG_LEVEL_INFO, "stopped", "%s", "");
    return status;
}

static int run(const struct settings *settings, const struct model *model, bool no_transactions) {
    struct err e = {.code = ERR_NONE};
    struct daemon_options options = {.settings = settings,
                                     .model = model,
                                     .no_transactions = no_transactions,
                                     .watch_crashes = true,
                                     .starting = keeper_starting};
    bool allowed = limits_files(FILES + FILES_PER_WORKER * (unsigned long)settings->threads, &e);
    struct daemon *daemon = allowed ? daemon_start(&options, &e) : NULL;
    if (!daemon) {
        LOG_ERR(LOG_LEVEL_ERROR, "not_started", &e);
        return e.code == ERR_CONFIG ? EXIT_INPUT : EXIT_WORLD;
    }
    keeper_running();
    LOG(LOG_LEVEL_INFO, "started", "app=%s generation=%s instance=%s threads=%lld model=%.*s version=%u", settings->app,
        settings->generation, settings->instance, (long long)settings->threads, (int)model->name.n,
        (const char *)model->name.at, model->version);
    bool asked = watch(daemon, &e);
    keeper_stopping();
    if (!asked)
        LOG_ERR(LOG_LEVEL_ERROR, "worker_ended", &e);
    return stop(daemon, asked, &e);
}

static int load_and_run(const char *config, bool no_transactions) {
    struct problems problems = {.file = config};
    struct model *model = NULL;
    struct settings *settings = settings_load(config, &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    int status = EXIT_INPUT;
    if (settings) {
        problems = (struct problems){.file = settings->model};
        model = model_yaml_load(settings->model, &problems);
        problems_print(&problems, stderr);
        problems_fini(&problems);
    }
    if (model) {
        keeper_begin();
        log_set_level((enum log_level)settings->log.level);
        if (settings->core_files)
            secrecy_allow_core();
        if (secrecy_is_root())
            LOG(LOG_LEVEL_WARN, "root",
                "words=\"this runs as root, which it needs for nothing: give it a user of its own\"");
        status = run(settings, model, no_transactions);
    }
    model_free(&model);
    settings_free(&settings);
    return status;
}

int cmd_run(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"no-transactions", no_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL;
    bool no_transactions = false;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (c == 'c') {
            config = optarg;
        } else if (c == 'n') {
            no_transactions = true;
        } else if (c == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        } else {
            return cmd_say_option(argv[0], c, argv);
        }
    }
    if (!config)
        return cmd_say(EXIT_USAGE, argv[0], "-c CONFIG is missing (see `leadstream run --help`)");
    if (optind != argc)
        return cmd_say(EXIT_USAGE, argv[0], "\"%.200s\": no argument is expected", argv[optind]);
    return load_and_run(config, no_transactions);
}
