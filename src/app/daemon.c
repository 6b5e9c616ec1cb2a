/* The parts of a running leadstream, put together. Order matters both ways: topics are checked before the store is
 * opened (it wants the cluster's name), the store before workers; they go in the opposite order. */
#include "app/daemon.h"

#include "adapters/kafka_topics.h"
#include "adapters/registry.h"
#include "adapters/rocks_store.h"
#include "app/cmd.h"
#include "app/crash_watch.h"
#include "app/inspect_socket.h"
#include "app/poison.h"
#include "app/schema_files.h"
#include "base/guard.h"
#include "codec/record_avro.h"
#include "host/clock.h"
#include "host/http.h"
#include "host/log.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SEARCH_BUDGET = 256, COMMIT_TRIES = 64 };
enum { REGISTRY_PAUSE = 200, REGISTRY_WAIT = 20 * 1000 /* ms that a start waits for a registry that will be well */,
       REGISTRY_SAID = 5 * 1000 /* ms between two lines that say so */ };

struct daemon {
    struct daemon_options o;
    struct schemas *schemas;
    struct registry *registry;
    struct erasure *erasure;
    struct rocks_store *store;
    struct metric_set *store_metrics;
    struct kafka_source_topic topics[SETTINGS_MAX_SOURCES];
    const char *inputs[SETTINGS_MAX_SOURCES];
    size_t n_topics;
    int32_t schema_ids[3];
    struct kafka_topics_facts facts;
    struct engine_condemned condemned[POISON_MOST]; /* by crashes before this start */
    size_t n_condemned;
    struct worker *workers[DAEMON_MAX_THREADS];
    size_t n_workers;
    bool restored; /* so the store was told */
    struct http *http;
    struct inspect_socket *inspect;
};

/* ---- schemas ---- */

/* Registers a schema; a registry that is starting too is waited for, but not for ever. */
static bool register_output(struct daemon *daemon, const char *subject, enum record_kind kind, struct err *e) {
    int64_t id;
    for (int waited = 0; !registry_register(daemon->registry, subject, record_avro_schema(kind), &id, e);
         waited += REGISTRY_PAUSE) {
        if (err_class(e->code) != ERR_CLASS_RETRY || waited >= REGISTRY_WAIT)
            return false;
        if (waited % REGISTRY_SAID == 0)
            LOG_ERR(LOG_LEVEL_WARN, "registry_awaited", e);
        nanosleep(&(struct timespec){0, REGISTRY_PAUSE * 1000000L}, NULL);
    }
    daemon->schema_ids[kind] = (int32_t)id;
    return true;
}

/* The subject of a topic's values, as the other clients of a registry name it. */
static bool register_outputs(struct daemon *daemon, struct err *e) {
    const struct settings *s = daemon->o.settings;
    const char *const topics[] = {[RECORD_SCORE_CHANGED] = s->outputs.scores,
                                  [RECORD_SALES_READY] = s->outputs.sales_ready,
                                  [RECORD_ERASED] = s->outputs.scores};
    for (int kind = 0; kind < 3; kind++) {
        char subject[600];
        snprintf(subject, sizeof subject, "%s-%s", topics[kind], kind == RECORD_ERASED ? "erased" : "value");
        if (!register_output(daemon, subject, (enum record_kind)kind, e))
            return false;
    }
    return true;
}

static bool open_schemas(struct daemon *daemon, struct err *e) {
    const struct settings *s = daemon->o.settings;
    daemon->schemas = schemas_new();
    if (!schema_files_shipped(daemon->schemas, e))
        return false;
    if (s->registry.url) {
        struct registry_options options = {.url = s->registry.url,
                                           .user = s->registry.user,
                                           .password = s->registry.password,
                                           .ca_file = s->registry.ca_file};
        daemon->registry = registry_new(&options, daemon->schemas, e);
        if (!daemon->registry)
            return false;
    }
    daemon->n_topics = s->n_sources;
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct settings_source *source = &s->sources[i];
        struct decoder_options decoder = {.format = source->format == SETTINGS_JSON ? DECODER_JSON
                                                    : source->schema               ? DECODER_AVRO_BARE
                                                                                   : DECODER_AVRO,
                                          .mapping = &source->mapping,
                                          .schemas = daemon->schemas,
                                          .model = daemon->o.model};
        if (source->schema && !(decoder.bare = schema_files_add(daemon->schemas, source->schema, -1, e)))
            return false;
        for (size_t k = 0; k < source->n_ids; k++)
            if (!schema_files_add(daemon->schemas, source->ids[k].path, source->ids[k].id, e))
                return false;
        daemon->topics[i] = (struct kafka_source_topic){source->topic, decoder, source->trust_partition};
        daemon->inputs[i] = source->topic;
    }
    bool framed = daemon->registry && s->outputs.format == SETTINGS_AVRO;
    return !framed || register_outputs(daemon, e);
}

/* ---- topics and store ---- */

static bool check_topics(struct daemon *daemon, struct err *e) {
    if (daemon->o.assign_all) {
        daemon->facts.partitions = daemon->o.partitions;
        return true;
    }
    struct kafka_topics_options options = settings_topics(daemon->o.settings, daemon->o.model, daemon->inputs);
    return kafka_topics_check(&options, &daemon->facts, e);
}

/* Leads in memory take five parts of eight of store.memory, RocksDB three. */
static size_t cache_memory(const struct settings *s) {
    return (size_t)s->store.memory / 8 * 5;
}

static bool open_store(struct daemon *daemon, struct err *e) {
    const struct settings *s = daemon->o.settings;
    daemon->erasure = erasure_new(s->erasure.key_file, e);
    if (!daemon->erasure)
        return false;
    struct rocks_store_options options = {.path = s->store.path,
                                          .app = s->app,
                                          .generation = s->generation,
                                          .cluster_id = daemon->o.assign_all ? NULL : daemon->facts.cluster,
                                          .memory = (size_t)s->store.memory - cache_memory(s),
                                          .erasure = daemon->erasure};
    daemon->store = rocks_store_open(&options, e);
    daemon->store_metrics = metric_set_new(&rocks_store_metrics, "");
    return daemon->store != NULL;
}

/* ---- records that make the program fail ---- */

static bool read_poison(struct daemon *daemon, struct err *e) {
    const struct settings *s = daemon->o.settings;
    char path[POISON_TEXT];
    struct bytes topics[SETTINGS_MAX_SOURCES];
    if (!daemon->o.watch_crashes || !s->poison.crashes)
        return true;
    for (size_t t = 0; t < daemon->n_topics; t++)
        topics[t] = bytes_of(daemon->inputs[t]);
    snprintf(path, sizeof path, "%s/%s.crashes", s->store.path, s->generation);
    struct poison_options options = {.path = path,
                                     .topics = topics,
                                     .n_topics = daemon->n_topics,
                                     .crashes = s->poison.crashes,
                                     .now = clock_wall_ms()};
    return poison_read(&options, daemon->condemned, &daemon->n_condemned, e) && crash_watch_begin(path, e);
}

/* ---- workers ---- */

/* A shard that was not written for longer is built anew: erased leads may have left no tombstone. Half of the time that
 * the changelog keeps them, so that catching up can take the other half. */
static int64_t stale_after(const struct daemon *daemon) {
    int64_t half = daemon->facts.delete_retention / 2;
    if (daemon->o.assign_all)
        return 0;
    return half > 0 ? half : 1;
}

static bool start_worker(struct daemon *daemon, unsigned index, struct err *e) {
    const struct settings *s = daemon->o.settings;
    struct kafka_conf conf = settings_kafka(s, index);
    size_t threads = (size_t)s->threads;
    conf.prefetch = KAFKA_CONF_PREFETCH / threads;
    conf.queues = (unsigned)(daemon->n_topics * ((daemon->facts.partitions + threads - 1) / threads));
    conf.max_record = daemon->o.model->worst_value > daemon->o.model->worst_output ? daemon->o.model->worst_value
                                                                                 : daemon->o.model->worst_output;
    conf.no_transactions = daemon->o.no_transactions;
    struct worker_options o = {.index = index,
                               .leave = s->stop == SETTINGS_STOP_LEAVE,
                               .store = rocks_store_port(daemon->store, index),
                               .wall = daemon->o.wall,
                               .clock = daemon->o.clock,
                               .turned = daemon->o.turned,
                               .host = daemon->o.host};
    o.source = (struct kafka_source_options){.conf = conf,
                                             .topics = daemon->topics,
                                             .n_topics = daemon->n_topics,
                                             .partitions = daemon->facts.partitions,
                                             .future = s->time.future,
                                             .fetch_schema = daemon->registry ? registry_fetch : NULL,
                                             .registry = daemon->registry,
                                             .condemned = daemon->condemned,
                                             .n_condemned = daemon->n_condemned,
                                             .assign_all = daemon->o.assign_all};
    o.sink = (struct kafka_sink_options){.conf = conf,
                                         .inputs = daemon->inputs,
                                         .n_inputs = daemon->n_topics,
                                         .scores = s->outputs.scores,
                                         .sales_ready = s->outputs.sales_ready,
                                         .dead_letters = s->outputs.dead_letters,
                                         .model = daemon->o.model,
                                         .format = s->outputs.format == SETTINGS_JSON ? KAFKA_SINK_JSON
                                                   : daemon->registry                ? KAFKA_SINK_AVRO_FRAMED
                                                                                     : KAFKA_SINK_AVRO_SINGLE,
                                         .cloudevents = s->outputs.headers == SETTINGS_HEADERS_CLOUDEVENTS};
    memcpy(o.sink.schema_ids, daemon->schema_ids, sizeof o.sink.schema_ids);
    o.engine = (struct engine_options){.model = daemon->o.model,
                                       .erasure_key = erasure_fingerprint(daemon->erasure),
                                       .max_events = (size_t)s->batch.max_events,
                                       .max_time = s->batch.max_time,
                                       .lag = s->store.lag,
                                       .grace = s->time.grace,
                                       .idle = s->time.idle,
                                       .stale_after = stale_after(daemon),
                                       .cache_bytes = cache_memory(s) / threads,
                                       .search_budget = SEARCH_BUDGET,
                                       .commit_tries = COMMIT_TRIES,
                                       .condemned = daemon->condemned,
                                       .n_condemned = daemon->n_condemned};
    daemon->workers[index] = worker_start(&o, e);
    daemon->n_workers += daemon->workers[index] != NULL;
    return daemon->workers[index] != NULL;
}

/* ---- pages ---- */

static bool page_metrics(void *self, FILE *to) {
    const struct daemon *daemon = self;
    rocks_store_report(daemon->store, daemon->store_metrics);
    metric_print(to);
    return true;
}

static bool page_health(void *self, FILE *to) {
    const struct daemon *daemon = self;
    bool all = true;
    for (size_t i = 0; i < daemon->n_workers; i++)
        all = all && worker_healthy(daemon->workers[i]);
    fprintf(to, "{\"status\":\"%s\",\"workers\":[", all ? "ok" : "not ready");
    for (size_t i = 0; i < daemon->n_workers; i++)
        fprintf(to, "%s{\"worker\":%zu,\"live\":%s}", i ? "," : "", i,
                worker_healthy(daemon->workers[i]) ? "true" : "false");
    fputs("]}\n", to);
    return all;
}

static bool start_pages(struct daemon *daemon, struct err *e) {
    const struct settings *s = daemon->o.settings;
    daemon->inspect =
        inspect_socket_start(s->store.path, daemon->workers, daemon->n_workers, daemon->facts.partitions, e);
    if (!daemon->inspect)
        return false;
    if (!s->http.listen)
        return true;
    static const char text[] = "text/plain; version=0.0.4; charset=utf-8";
    const struct http_page pages[] = {{"/metrics", text, daemon, page_metrics},
                                      {"/health", "application/json", daemon, page_health}};
    daemon->http = http_start(s->http.listen, pages, 2, e);
    return daemon->http != NULL;
}

/* ---- the whole ---- */

static void starting(const struct daemon *daemon, const char *what) {
    if (daemon->o.starting)
        daemon->o.starting(what);
}

struct daemon *daemon_start(const struct daemon_options *options, struct err *e) {
    const struct settings *s = options->settings;
    struct daemon *daemon = calloc(1, sizeof *daemon);
    MUST(daemon != NULL);
    daemon->o = *options;
    static bool (*const steps[])(struct daemon *, struct err *) = {open_schemas, check_topics, open_store, read_poison};
    static const char *const names[] = {"schemas and registry", "checking the topics", "opening the store",
                                        "reading crash notes"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof steps / sizeof *steps; i++) {
        starting(daemon, names[i]);
        ok = steps[i](daemon, e);
    }
    starting(daemon, "starting the workers");
    MUST(s->threads > 0 && s->threads <= DAEMON_MAX_THREADS);
    for (unsigned i = 0; ok && i < (unsigned)s->threads; i++)
        ok = start_worker(daemon, i, e);
    if (ok && start_pages(daemon, e))
        return daemon;
    struct err ignored;
    bool late = false;
    daemon_stop(daemon, &late, &ignored);
    if (late) {
        LOG_ERR(LOG_LEVEL_ERROR, "not_started", e);
        _exit(EXIT_WORLD); /* threads still use what the caller would free */
    }
    daemon_free(&daemon);
    return NULL;
}

/* Some of librdkafka's calls wait for a broker whatever their time-out says: a process that hangs in one is ended, and
 * loses nothing by it. A turn may well take twice a transaction's time-out: for the offsets, then for the commit. */
static int64_t patience(const struct daemon *daemon) {
    if (daemon->o.patience)
        return daemon->o.patience;
    struct kafka_conf conf = settings_kafka(daemon->o.settings, 0);
    return 2 * (int64_t)kafka_conf_transaction_timeout(&conf) + daemon->o.settings->watchdog;
}

/* How long (ms) the worker has been in a turn that takes too long; 0: it is not. */
static int64_t hangs(const struct daemon *daemon, size_t i) {
    int64_t silent = clock_mono_ms() - worker_heard(daemon->workers[i]);
    return silent > patience(daemon) ? silent : 0;
}

/* Tells the store, once, when no shard of this start is being brought up to date any more. */
static void watch_restores(struct daemon *daemon) {
    struct err e;
    bool any = false;
    for (size_t i = 0; i < daemon->n_workers && !daemon->restored; i++) {
        if (!worker_healthy(daemon->workers[i]))
            return;
        any = any || worker_restored(daemon->workers[i]);
    }
    if (!any)
        return;
    daemon->restored = true;
    LOG(LOG_LEVEL_INFO, "restored", "%s", "");
    if (!rocks_store_restored(daemon->store, &e))
        LOG_ERR(LOG_LEVEL_WARN, "compaction_late", &e);
}

bool daemon_running(struct daemon *daemon, struct err *e) {
    for (size_t i = 0; i < daemon->n_workers; i++) {
        if (worker_ended(daemon->workers[i], e))
            return false;
        int64_t silent = hangs(daemon, i);
        const char *call = worker_calling(daemon->workers[i]);
        if (GUARD(watchdog) && silent)
            return err_set(e, ERR_TIMEOUT, "", "worker %zu hangs%s%s: its turn has not ended for %" PRId64 " s", i,
                           call ? " in " : "", call ? call : "", silent / 1000);
    }
    watch_restores(daemon);
    return true;
}

bool daemon_stop(struct daemon *daemon, bool *late, struct err *e) {
    int64_t end = clock_mono_ms() + DAEMON_STOP;
    bool ok = true;
    *late = false;
    inspect_socket_stop(&daemon->inspect);
    http_stop(&daemon->http);
    for (size_t i = 0; i < daemon->n_workers; i++)
        worker_stop(daemon->workers[i]);
    for (size_t i = 0; i < daemon->n_workers; i++) {
        struct err why = {.code = ERR_NONE};
        bool ended;
        while (!(ended = worker_ended(daemon->workers[i], &why)) && clock_mono_ms() <= end && !hangs(daemon, i))
            nanosleep(&(struct timespec){0, 2000000}, NULL);
        if (!ended) {
            *late = true;
            err_set(&why, ERR_TIMEOUT, "", "worker %zu did not stop within %d s", i, DAEMON_STOP / 1000);
        }
        if (why.code != ERR_NONE && ok) {
            ok = false;
            *e = why;
        }
    }
    return ok;
}

void daemon_free(struct daemon **daemon) {
    struct daemon *d = *daemon;
    if (!d)
        return;
    for (size_t i = 0; i < d->n_workers; i++)
        worker_free(&d->workers[i]);
    rocks_store_close(&d->store);
    metric_set_free(&d->store_metrics);
    erasure_free(&d->erasure);
    registry_free(&d->registry);
    schemas_free(&d->schemas);
    free(d);
    *daemon = NULL;
}
