/* A worker that never comes to the end of a turn (librdkafka has calls that wait for ever) is noticed, and the call is
 * named. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "adapters/mock_kafka.h"
#include "app/daemon.h"
#include "codec/model_yaml.h"
#include "host/clock.h"
#include "support/suite.h"

#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FIRST = 500, LAST = 16000, SLACK = 10000 /* ms */ };

static _Atomic bool hold, hold_call;

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* On the worker's thread, within a turn. */
static void turned(void *host, unsigned worker, const struct engine_counts *counts) {
    (void)host;
    (void)worker;
    (void)counts;
    while (atomic_load(&hold))
        sleep_ms(10);
}

/* In the way of librdkafka's. */
rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk) {
    static rd_kafka_error_t *(*next)(rd_kafka_t *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "rd_kafka_begin_transaction");
    while (atomic_load(&hold_call))
        sleep_ms(10);
    return next(rk);
}

/* It goes on where it was held, and ends; a machine that is busy may take more than our patience for that. */
static void stop(struct daemon *daemon) {
    struct err e = {.code = ERR_NONE};
    int64_t end = clock_mono_ms() + SLACK + LAST;
    bool late, ok;
    while (!(ok = daemon_stop(daemon, &late, &e)) && late && clock_mono_ms() < end)
        sleep_ms(20);
    ck_assert_msg(ok, "%s", e.words);
}

/* What is said of a daemon whose worker is held from the start. */
static void hear(_Atomic bool *held, int patience, struct err *e) {
    const char *const topics[] = {"in", "app.scores", "app.sales-ready", "app.dead-letters", "app.g1.changelog"};
    char folder[] = "/tmp/leadstream-hangs-XXXXXX", text[1024];
    struct problems problems = {.file = "test"};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    struct mock_kafka *broker = mock_kafka_new(topics, sizeof topics / sizeof *topics, 1, e);
    ck_assert_ptr_nonnull(broker);
    snprintf(text, sizeof text,
             "app: app\nmodel: model.yaml\nthreads: 1\ninstance: test\nkafka: {bootstrap.servers: \"%s\"}\n"
             "sources: [{topic: in, format: json}]\noutputs: {format: json}\n"
             "store: {path: \"%s\", memory: 64MiB}\nhttp: {listen: none}\n",
             mock_kafka_bootstrap(broker), folder);
    struct settings *settings = settings_read(bytes_of(text), "test.yaml", &problems);
    struct model *model = model_yaml_compile(bytes_of("model: test\nversion: 1\n"
                                                      "fit: {rules: [{id: de, when: {country: DE}, points: 10}]}\n"),
                                             "model.yaml", &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    ck_assert(settings && model);
    struct daemon_options options = {.settings = settings,
                                     .model = model,
                                     .assign_all = true,
                                     .partitions = 1,
                                     .patience = patience,
                                     .turned = turned};
    atomic_store(held, true);
    struct daemon *daemon = daemon_start(&options, e);
    ck_assert_msg(daemon != NULL, "%s", e->words);
    int64_t end = clock_mono_ms() + SLACK + 2 * patience;
    for (; daemon_running(daemon, e); sleep_ms(20))
        ck_assert_msg(clock_mono_ms() < end, "nobody noticed");
    atomic_store(held, false);
    stop(daemon);
    daemon_free(&daemon);
    settings_free(&settings);
    model_free(&model);
    mock_kafka_free(&broker);
}

/* On a machine that is busy the worker may already be too slow in a call before: with more patience it gets further. */
static void hangs(_Atomic bool *held, const char *words) {
    struct err e = {.code = ERR_NONE};
    for (int patience = FIRST; patience <= LAST; patience *= 2) {
        hear(held, patience, &e);
        if (e.code == ERR_TIMEOUT && strstr(e.words, words))
            return;
    }
    ck_abort_msg("%s", e.words);
}

START_TEST(a_worker_that_hangs_is_noticed) {
    hangs(&hold, "worker 0 hangs: its turn has not ended");
}
END_TEST

START_TEST(the_call_that_it_hangs_in_is_named) {
    hangs(&hold_call, "worker 0 hangs in begin_transaction: its turn has not ended");
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_worker_that_hangs_is_noticed);
    tcase_add_test(all, the_call_that_it_hangs_in_is_named);
}

SUITE_MAIN("a daemon that hangs", add)
