/* `leadstream demo`: everything in one process, no server: an embedded broker, generated traffic, the engine, and a
 * live board that follows the output topics.
 *
 * Time is simulated and runs faster than the world's, so that one sees scores fade and leads go cold; the engine's wall
 * clock is the simulated one. Its store is a temporary folder that is removed at the end. */
#include "adapters/mock_kafka.h"
#include "app/board.h"
#include "app/cmd.h"
#include "app/cmd_say.h"
#include "app/daemon.h"
#include "app/traffic.h"
#include "codec/event_line.h"
#include "codec/model_yaml.h"
#include "codec/shipped.h"
#include "host/clock.h"
#include "host/log.h"

#include <getopt.h>
#include <leadstream/when.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PARTITIONS = 4, LOOK = 50 /* ms between two looks at everything */, BURST = 2000 /* events at once */ };
#define PACE (60 * WHEN_DAY) /* in so much simulated time `rate` holds on average */
#define FROM INT64_C(1767225600000) /* 2026-01-01 */
static const char *const input = "leadstream.events", *const outputs[] = {"leadstream.scores",
                                                                          "leadstream.sales-ready"};

static const char help[] =
    "usage: leadstream demo [--for DURATION] [--speed DURATION] [--rate N] [--leads N] [--seed N] [-m MODEL]\n\n"
    "Generated leads are scored live, in one process and without a server, on a board that follows the output topics.\n\n"
    "      --for 20s      end by itself, counted from the first event (default: at Ctrl-C)\n"
    "      --speed 3d     simulated time that passes in a second (default: 3d)\n"
    "      --rate N       events a second (default: 400)\n"
    "      --leads N      how many leads there are (default: 400; at most 5000)\n"
    "      --seed N       the same seed gives the same traffic (default: 1)\n"
    "  -m, --model FILE   score with this model (default: the one of config/model.yaml)\n\n"
    "Example: leadstream demo --for 20s\n";

struct demo {
    int64_t run_for;    /* ms; 0: until Ctrl-C */
    int64_t speed;      /* simulated ms in a second */
    int64_t rate, leads, seed;
    const char *model_path;

    struct model *model;
    struct settings *settings;
    struct mock_kafka *broker;
    struct daemon *daemon;
    struct board *board;
    struct traffic *traffic;
    struct traffic_item item;   /* the next to send */
    bool waiting;               /* it is there */
    struct arena *arena;
    uint64_t sent;
    char folder[64];
    _Atomic int64_t begun;      /* monotonic ms of the first event; 0: not yet */
};

static int64_t simulated(void *self) {
    struct demo *demo = self;
    int64_t begun = atomic_load(&demo->begun);
    return begun ? FROM + (clock_mono_ms() - begun) * demo->speed / 1000 : FROM;
}

/* ---- parts ---- */

static bool make_settings(struct demo *demo, struct err *e) {
    char text[1024];
    snprintf(
        text, sizeof text,
        "model: model.yaml\nthreads: 1\ninstance: demo\nkafka: {bootstrap.servers: \"%s\", fetch.wait.max.ms: \"20\"}\n"
        "sources: [{topic: %s, format: json}]\noutputs: {scores: %s, sales_ready: %s, format: json}\n"
        "store: {path: \"%s\", memory: 64MiB}\ntime: {grace: 5s, idle: 1s, future: 30d}\nhttp: {listen: none}\n",
        mock_kafka_bootstrap(demo->broker), input, outputs[0], outputs[1], demo->folder);
    struct problems problems = {.file = "demo"};
    demo->settings = settings_read(bytes_of(text), "demo.yaml", &problems);
    if (!demo->settings)
        problems_print(&problems, stderr);
    problems_fini(&problems);
    return demo->settings || err_set(e, ERR_CONFIG, "demo", "its own configuration is wrong");
}

static bool make_model(struct demo *demo, struct err *e) {
    struct problems problems = {.file = demo->model_path ? demo->model_path : "model.yaml"};
    demo->model = demo->model_path ? model_yaml_load(demo->model_path, &problems)
                                   : model_yaml_compile(shipped_model, "model.yaml", &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    return demo->model || err_set(e, ERR_CONFIG, demo->model_path, "the model has errors");
}

static bool start(struct demo *demo, struct err *e) {
    const char *const topics[] = {input, outputs[0], outputs[1], "leadstream.dead-letters", "leadstream.g1.changelog"};
    const char *tmp = getenv("TMPDIR");
    snprintf(demo->folder, sizeof demo->folder, "%.30s/leadstream-demo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!make_model(demo, e))
        return false;
    if (!mkdtemp(demo->folder)) {
        demo->folder[0] = 0;
        return err_set(e, ERR_DISK, "", "no temporary folder can be made (set TMPDIR)");
    }
    demo->broker = mock_kafka_new(topics, sizeof topics / sizeof *topics, PARTITIONS, e);
    if (!demo->broker || !make_settings(demo, e) || !mock_kafka_follow(demo->broker, outputs, 2, e))
        return false;
    struct traffic_options traffic = {.seed = (uint64_t)demo->seed,
                                      .leads = (uint32_t)demo->leads,
                                      .days = (uint32_t)(PACE / WHEN_DAY),
                                      .from = FROM,
                                      .duplicates = 10000,
                                      .late = 10000};
    traffic.events = (uint64_t)(demo->rate * (PACE / demo->speed));
    demo->traffic = traffic_new(&traffic);
    demo->arena = arena_new((size_t)1 << 20);
    demo->board = board_new(demo->model, stdout, isatty(STDOUT_FILENO), (size_t)demo->leads);
    struct daemon_options options = {.settings = demo->settings,
                                     .model = demo->model,
                                     .assign_all = true,
                                     .partitions = PARTITIONS,
                                     .wall = simulated,
                                     .clock = demo};
    demo->daemon = daemon_start(&options, e);
    return demo->daemon != NULL;
}

/* Two levels of files are all that a store has. */
static void remove_folder(const char *folder) {
    if (!*folder)
        return;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "leadstream demo: %s could not be removed\n", folder);
}

static bool stop(struct demo *demo, struct err *e) {
    bool late = false, ok = !demo->daemon || daemon_stop(demo->daemon, &late, e);
    if (late) {
        remove_folder(demo->folder);
        _exit(EXIT_WORLD);
    }
    daemon_free(&demo->daemon);
    mock_kafka_free(&demo->broker);
    board_free(&demo->board);
    traffic_free(&demo->traffic);
    arena_free(&demo->arena);
    settings_free(&demo->settings);
    model_free(&demo->model);
    remove_folder(demo->folder);
    return ok;
}

/* ---- the show ---- */

static bool send_one(struct demo *demo, struct err *e) {
    struct text line = {NULL, 0, 0};
    traffic_item_text(&line, &demo->item);
    struct bytes value = {(const uint8_t *)line.at, line.n};
    bool ok = mock_kafka_send(demo->broker, input, demo->item.event.lead, value, demo->item.at, e);
    text_free(&line);
    return ok;
}

/* Sends what has become due. */
static bool send_due(struct demo *demo, int64_t now, struct err *e) {
    for (int i = 0; i < BURST; i++) {
        if (!demo->waiting) {
            arena_reset(demo->arena);
            traffic_next(demo->traffic, demo->arena, &demo->item);
            demo->waiting = true;
        }
        if (demo->item.at > now)
            return true;
        if (!send_one(demo, e))
            return e->code == ERR_FULL;
        demo->waiting = false;
        demo->sent++;
    }
    return true;
}

static void seen(void *self, struct bytes json) {
    board_record(self, json);
}

static bool play(struct demo *demo, const sigset_t *set, struct err *e) {
    atomic_store(&demo->begun, clock_mono_ms());
    for (;;) {
        int64_t now = simulated(demo), passed = clock_mono_ms() - demo->begun;
        double seconds = (double)passed / 1000;
        if (!send_due(demo, now, e) || !daemon_running(demo->daemon, e))
            return false;
        mock_kafka_poll(demo->broker, 0, BURST, seen, demo->board);
        bool over = (demo->run_for && passed >= demo->run_for) ||
                    sigtimedwait(set, NULL, &(struct timespec){0, LOOK * 1000000L}) > 0;
        if (over) {
            board_summary(demo->board, now, seconds, demo->sent);
            return true;
        }
        board_show(demo->board, now, seconds, demo->sent);
    }
}

static int demo_run(struct demo *demo) {
    struct err e = {.code = ERR_NONE};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    log_set_level(LOG_LEVEL_ERROR);
    if (isatty(STDERR_FILENO))
        fputs("starting an embedded broker and the engine ..\n", stderr);
    bool ok = start(demo, &e);
    if (ok && isatty(STDOUT_FILENO))
        fputs("\033[2J", stdout);
    ok = ok && play(demo, &set, &e);
    int status = ok ? EXIT_DONE : cmd_say_err(e.code == ERR_CONFIG ? EXIT_INPUT : EXIT_WORLD, "demo", &e);
    struct err at_stop;
    if (!stop(demo, &at_stop) && ok)
        status = cmd_say_err(EXIT_WORLD, "demo", &at_stop);
    return status;
}

/* ---- the command line ---- */

static bool number(const char *text, int64_t least, int64_t most, int64_t *out) {
    char *end;
    long long v = strtoll(text, &end, 10);
    *out = v;
    return end != text && !*end && v >= least && v <= most;
}

static bool take_option(struct demo *demo, int option) {
    switch (option) {
    case 'f':
        return when_duration(bytes_of(optarg), &demo->run_for) && demo->run_for > 0;
    case 'p':
        return when_duration(bytes_of(optarg), &demo->speed) && demo->speed >= WHEN_SECOND && demo->speed <= PACE;
    case 'r':
        return number(optarg, 1, 20000, &demo->rate);
    case 'l':
        return number(optarg, 1, 5000, &demo->leads);
    case 's':
        return number(optarg, 0, INT64_MAX, &demo->seed);
    default:
        demo->model_path = optarg;
        return true;
    }
}

int cmd_demo(int argc, char **argv) {
    static const struct option options[] = {
        {"for", required_argument, NULL, 'f'},  {"speed", required_argument, NULL, 'p'},
        {"rate", required_argument, NULL, 'r'}, {"leads", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 's'}, {"model", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
    struct demo demo = {.speed = 3 * WHEN_DAY, .rate = 400, .leads = 400, .seed = 1};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":m:h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (c == ':' || c == '?')
            return cmd_say_option("demo", c, argv);
        if (!take_option(&demo, c))
            return cmd_say(EXIT_USAGE, "demo", "%.200s is not a value for that option (see --help)", optarg);
    }
    if (optind != argc)
        return cmd_say(EXIT_USAGE, "demo", "\"%.200s\" is one argument too many (see --help)", argv[optind]);
    return demo_run(&demo);
}
