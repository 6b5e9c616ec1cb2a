/* One worker's thread: turns of the engine until it is asked to stop.
 *
 * Questions from outside (inspect) come through a mailbox of one: an atomic pointer that the asker sets and the worker
 * takes between two turns, when no lead is half changed. */
#include "app/worker.h"

#include "app/crash_watch.h"
#include "app/trouble.h"
#include "host/clock.h"
#include "host/log.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { WAIT = 100 /* ms that a turn may wait */, PUBLISH = 250 /* ms between two looks at the counters */ };

enum worker_metric {
#define X(symbol, name, kind, help) WORKER_##symbol,
    WORKER_METRICS(X)
#undef X
    WORKER_METRICS_END
};

static const struct metric_desc descs[] = {
#define X(symbol, name, kind, help) {name, METRIC_##kind, help},
    WORKER_METRICS(X)
#undef X
};
const struct metric_table worker_metrics = {descs, WORKER_METRICS_END};

static const struct metric_desc code_descs[] = {
#define X(symbol, name, kind, help) {name, METRIC_##kind, help},
    WORKER_CODE_METRICS(X)
#undef X
};
const struct metric_table worker_code_metrics = {code_descs, sizeof code_descs / sizeof *code_descs};

struct question {
    uint32_t shard;
    struct bytes lead;
    struct arena *arena;
    bool held, ok;
    struct bytes value;
    struct err err;
    _Atomic bool done;
};

struct worker {
    struct worker_options o;
    struct bytes topics[ENGINE_MAX_TOPICS];
    char changelog[KAFKA_CONF_NAME];
    struct kafka_source *source;
    struct kafka_sink *sink;
    struct source source_port;
    struct sink sink_port;
    struct engine *engine;
    volatile struct engine_place place; /* in the input, should the process fail */
    struct metric_set *metrics;
    struct metric_set *by_code[ERR_CODES_END];
    struct trouble trouble;
    uint64_t told[ERR_CODES_END]; /* errors that the engine told of, by code */
    uint64_t lost;
    int64_t published;
    pthread_t thread;
    bool started;
    _Atomic bool stop, ended, healthy, restored;
    _Atomic int64_t heard; /* when the last turn began */
    struct err why; /* valid once ended */
    _Atomic(struct question *) question;
};

static int64_t wall_ms(const struct worker *worker) {
    return worker->o.wall ? worker->o.wall(worker->o.clock) : clock_wall_ms();
}

static void random_bytes(void *host, uint8_t out[16]) {
    (void)host;
    FILE *from = fopen("/dev/urandom", "rb");
    MUST(from && fread(out, 1, 16, from) == 16);
    fclose(from);
}

static void hear(struct worker *worker, const char *event, const struct err *why) {
    if (err_class(why->code) == ERR_CLASS_REJECT) { /* about a record, which became a dead letter: the world is well */
        LOG_ERR(LOG_LEVEL_WARN, "batch_lost", why);
        return;
    }
    worker->told[why->code]++;
    trouble_hear(&worker->trouble, worker->o.index, event, why, clock_mono_ms());
}

static void tell(void *host, enum engine_event event, uint32_t shard, uint64_t count, const struct err *why) {
    struct worker *worker = host;
    unsigned index = worker->o.index;
    switch (event) {
    case ENGINE_ASSIGNED:
        LOG(LOG_LEVEL_INFO, "assigned", "worker=%u shard=%u", index, shard);
        break;
    case ENGINE_LIVE:
        LOG(LOG_LEVEL_INFO, "live", "worker=%u shard=%u restored=%" PRIu64, index, shard, count);
        break;
    case ENGINE_REVOKED:
        LOG(LOG_LEVEL_INFO, "revoked", "worker=%u shard=%u", index, shard);
        break;
    case ENGINE_RETRYING:
        hear(worker, "retrying", why);
        break;
    case ENGINE_CONDEMNED:
        LOG_ERR(LOG_LEVEL_ERROR, "condemned", why);
        break;
    case ENGINE_RESYNC:
        worker->lost++;
        hear(worker, "batch_lost", why);
        break;
    }
}

static void publish_errors(struct worker *worker) {
    const uint64_t *reading = kafka_source_errors(worker->source);
    const uint64_t *rejected = engine_counts(worker->engine)->committed.rejected;
    for (size_t i = ERR_NONE + 1; i < ERR_CODES_END; i++)
        metric_put(worker->by_code[i], 0, (int64_t)(worker->told[i] + reading[i] + rejected[i]));
}

static void publish_counts(struct worker *worker) {
    const struct engine_counts *c = engine_counts(worker->engine);
    const int64_t values[WORKER_METRICS_END] = {
        [WORKER_EVENTS] = (int64_t)c->committed.events,
        [WORKER_DUPLICATES] = (int64_t)c->committed.duplicates,
        [WORKER_DROPPED] = (int64_t)c->committed.dropped,
        [WORKER_LATE] = (int64_t)c->committed.late,
        [WORKER_MACHINE] = (int64_t)c->committed.machine,
        [WORKER_ERASED] = (int64_t)c->committed.erased,
        [WORKER_BELOW_IDS] = (int64_t)c->scored.below_ids,
        [WORKER_NOT_A_NUMBER] = (int64_t)c->scored.cond.not_a_number,
        [WORKER_MATCH_LIMIT] = (int64_t)c->scored.cond.match_limit,
        [WORKER_REJECTS] = (int64_t)c->committed.rejects,
        [WORKER_POISONED] = (int64_t)c->committed.rejected[ERR_POISON],
        [WORKER_TOO_LARGE] = (int64_t)c->committed.rejected[ERR_OUTPUT_TOO_LARGE],
        [WORKER_CHANGES] = (int64_t)c->committed.changes,
        [WORKER_READY] = (int64_t)c->committed.ready,
        [WORKER_TIMERS] = (int64_t)c->committed.timers,
        [WORKER_TIMER_CHECKS] = (int64_t)c->timer_checks,
        [WORKER_BATCHES] = (int64_t)c->committed.batches,
        [WORKER_LOST] = (int64_t)worker->lost,
        [WORKER_RENEWED] = (int64_t)kafka_sink_counts(worker->sink)->renewed,
        [WORKER_RESYNCS] = (int64_t)c->resyncs,
        [WORKER_RESTORED] = (int64_t)c->restored,
        [WORKER_CHANGELOG] = (int64_t)c->committed.changelog_records,
        [WORKER_HITS] = (int64_t)c->cache_hits,
        [WORKER_MISSES] = (int64_t)c->cache_misses,
        [WORKER_WRITTEN] = (int64_t)c->written,
        [WORKER_SHARDS] = (int64_t)c->shards,
        [WORKER_LIVE] = (int64_t)c->shards_live,
        [WORKER_CACHE_BYTES] = (int64_t)c->cache_bytes,
        [WORKER_CACHE_ENTRIES] = (int64_t)c->cache_entries,
        [WORKER_UNWRITTEN] = (int64_t)c->unwritten,
        [WORKER_CLOCK] = c->clock_min == LEAD_NEVER ? 0 : c->clock_min,
        [WORKER_LAG] = kafka_source_lag(worker->source),
        [WORKER_UNREAD] = (int64_t)kafka_source_unread(worker->source),
        [WORKER_SCHEMA_WAITS] = (int64_t)kafka_source_schema_waits(worker->source),
        [WORKER_TROUBLE] = trouble_lasts(&worker->trouble, clock_mono_ms()),
    };
    for (size_t i = 0; i < WORKER_METRICS_END; i++)
        if (descs[i].kind != METRIC_HISTOGRAM)
            metric_put(worker->metrics, i, values[i]);
    publish_errors(worker);
    trouble_look(&worker->trouble, worker->o.index, clock_mono_ms());
    atomic_store(&worker->healthy, c->shards == c->shards_live && !trouble_serious(&worker->trouble));
    if (c->shards && c->shards == c->shards_live)
        atomic_store(&worker->restored, true);
    if (worker->o.turned)
        worker->o.turned(worker->o.host, worker->o.index, c);
}

static void committed(void *host, double ms) {
    struct worker *worker = host;
    metric_observe(worker->metrics, WORKER_COMMIT, ms);
}

/* ---- questions ---- */

static void answer(struct worker *worker) {
    struct question *q = atomic_exchange(&worker->question, NULL);
    if (!q)
        return;
    q->held = engine_has(worker->engine, q->shard);
    q->ok = engine_peek(worker->engine, q->shard, q->lead, q->arena, &q->value, &q->err);
    atomic_store(&q->done, true);
}

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

bool worker_peek(struct worker *worker, uint32_t shard, struct bytes lead, int wait, bool *held, struct arena *arena,
                 struct bytes *value, struct err *e) {
    struct question q = {.shard = shard, .lead = lead, .arena = arena};
    struct question *none = NULL;
    for (; !atomic_compare_exchange_strong(&worker->question, &none, &q); none = NULL, wait--) {
        if (wait <= 0)
            return err_set(e, ERR_TIMEOUT, "", "worker %u is busy", worker->o.index);
        sleep_ms(1);
    }
    kafka_source_wake(worker->source);
    for (; !atomic_load(&q.done); sleep_ms(1)) {
        struct question *mine = &q;
        if (wait-- <= 0 && atomic_compare_exchange_strong(&worker->question, &mine, NULL))
            return err_set(e, ERR_TIMEOUT, "", "worker %u did not answer", worker->o.index);
    }
    *held = q.held;
    *value = q.value;
    if (!q.ok)
        *e = q.err;
    return q.ok;
}

/* ---- the thread ---- */

static void *run(void *self) {
    struct worker *worker = self;
    struct err e = {.code = ERR_NONE};
    bool worked = false, ok = true;
    crash_watch_thread(&worker->place, worker->topics);
    while (ok && !atomic_load(&worker->stop)) {
        int64_t mono = clock_mono_ms();
        atomic_store(&worker->heard, mono);
        ok = engine_step(worker->engine, mono, wall_ms(worker), worked ? 0 : WAIT, &worked, &e);
        answer(worker);
        if (mono - worker->published >= PUBLISH) {
            publish_counts(worker);
            worker->published = mono;
        }
    }
    struct err at_stop;
    if (ok && !engine_stop(worker->engine, clock_mono_ms(), wall_ms(worker), &at_stop)) {
        ok = false;
        e = at_stop;
    }
    answer(worker);
    publish_counts(worker);
    worker->why = e;
    if (ok)
        worker->why.code = ERR_NONE;
    atomic_store(&worker->healthy, false);
    crash_watch_thread_end();
    atomic_store(&worker->ended, true);
    return NULL;
}

static bool make(struct worker *worker, struct err *e) {
    const struct worker_options *o = &worker->o;
    worker->o.source.place = &worker->place;
    worker->source = kafka_source_new(&o->source, e);
    if (!worker->source)
        return false;
    worker->o.sink.source = worker->source;
    worker->o.sink.committed = committed;
    worker->o.sink.host = worker;
    worker->sink = kafka_sink_new(&worker->o.sink, e);
    if (!worker->sink)
        return false;
    worker->source_port = kafka_source_port(worker->source);
    worker->sink_port = kafka_sink_port(worker->sink);
    for (size_t t = 0; t < o->source.n_topics; t++)
        worker->topics[t] = bytes_of(o->source.topics[t].name);
    struct engine_options *engine = &worker->o.engine;
    engine->source = &worker->source_port;
    engine->sink = &worker->sink_port;
    engine->store = &worker->o.store;
    engine->topics = worker->topics;
    engine->changelog = kafka_conf_changelog(&o->source.conf, worker->changelog);
    engine->place = &worker->place;
    engine->host = worker;
    engine->random = random_bytes;
    engine->tell = tell;
    worker->engine = engine_new(engine);
    char label[32];
    snprintf(label, sizeof label, "worker=\"%u\"", o->index);
    worker->metrics = metric_set_new(&worker_metrics, label);
    for (size_t i = ERR_NONE + 1; i < ERR_CODES_END; i++) {
        char pair[64];
        snprintf(pair, sizeof pair, "%s,code=\"%s\"", label, err_name((enum err_code)i));
        worker->by_code[i] = metric_set_new(&worker_code_metrics, pair);
    }
    return true;
}

struct worker *worker_start(const struct worker_options *options, struct err *e) {
    struct worker *worker = calloc(1, sizeof *worker);
    MUST(worker != NULL);
    worker->o = *options;
    if (make(worker, e)) {
        atomic_store(&worker->heard, clock_mono_ms());
        int rc = pthread_create(&worker->thread, NULL, run, worker);
        worker->started = rc == 0;
        if (worker->started)
            return worker;
        err_set(e, ERR_UNAVAILABLE, "", "worker %u: no thread: %s", options->index, strerror(rc));
    }
    worker_free(&worker);
    return NULL;
}

void worker_stop(struct worker *worker) {
    atomic_store(&worker->stop, true);
    kafka_source_wake(worker->source);
}

bool worker_ended(const struct worker *worker, struct err *e) {
    if (!atomic_load(&worker->ended))
        return false;
    *e = worker->why;
    return true;
}

int64_t worker_heard(const struct worker *worker) {
    return atomic_load(&worker->heard);
}

const char *worker_calling(const struct worker *worker) {
    const char *call = kafka_sink_calling(worker->sink); /* first: it may be within the consumer's, which revokes */
    return call ? call : kafka_source_calling(worker->source);
}

bool worker_restored(const struct worker *worker) {
    return atomic_load(&worker->restored);
}

bool worker_healthy(const struct worker *worker) {
    return atomic_load(&worker->healthy);
}

void worker_free(struct worker **worker) {
    struct worker *w = *worker;
    if (!w)
        return;
    if (w->started)
        pthread_join(w->thread, NULL);
    if (w->sink)
        kafka_sink_free(&w->sink);
    if (w->source)
        kafka_source_free(&w->source, w->o.leave);
    engine_free(&w->engine);
    metric_set_free(&w->metrics);
    for (size_t i = 0; i < ERR_CODES_END; i++)
        metric_set_free(&w->by_code[i]);
    free(w);
    *worker = NULL;
}
