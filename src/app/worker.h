/* One worker: a thread with its own consumer, producer and engine, over the process's one store.
 *
 * Workers share nothing that they write but counters. A worker that cannot go on ends its thread and says why; the
 * process then stops (cmd_run). */
#ifndef LEADSTREAM_WORKER_H
#define LEADSTREAM_WORKER_H

#include "adapters/kafka_sink.h"
#include "adapters/kafka_source.h"
#include "host/metric.h"
#include <leadstream/engine.h>

/* X(symbol, name, kind, help); counters of the engine and of the adapters. */
#define WORKER_METRICS(X)                                                                                             \
    X(EVENTS, "leadstream_events_total", COUNTER, "events and bad records read")                                     \
    X(DUPLICATES, "leadstream_duplicates_total", COUNTER, "events whose id was remembered")                          \
    X(DROPPED, "leadstream_dropped_total", COUNTER, "events at or before their lead's erasure")                      \
    X(LATE, "leadstream_late_total", COUNTER, "events before their lead's T")                                        \
    X(MACHINE, "leadstream_machine_total", COUNTER, "events that a machine made")                                    \
    X(ERASED, "leadstream_erased_total", COUNTER, "erasures")                                                        \
    X(BELOW_IDS, "leadstream_below_ids_total", COUNTER, "events older than all ids remembered of their lead")        \
    X(NOT_A_NUMBER, "leadstream_not_a_number_total", COUNTER, "numeric tests and bands asked of texts that are none") \
    X(MATCH_LIMIT, "leadstream_match_limit_total", COUNTER, "regular expressions that gave up at their limit")       \
    X(REJECTS, "leadstream_dead_letters_total", COUNTER, "records that became dead letters")                         \
    X(POISONED, "leadstream_poisoned_total", COUNTER, "dead letters of records that made the program fail")          \
    X(TOO_LARGE, "leadstream_output_too_large_total", COUNTER, "dead letters of events whose output no topic takes")  \
    X(CHANGES, "leadstream_score_changes_total", COUNTER, "score changes published")                                 \
    X(READY, "leadstream_sales_ready_total", COUNTER, "sales-ready leads published")                                 \
    X(TIMERS, "leadstream_timers_total", COUNTER, "timers that changed a lead")                                      \
    X(TIMER_CHECKS, "leadstream_timer_checks_total", COUNTER, "timers that fired")                                   \
    X(BATCHES, "leadstream_batches_total", COUNTER, "transactions committed")                                        \
    X(COMMIT, "leadstream_commit_seconds", HISTOGRAM,                                                                 \
      "what a commit takes, from handing over the last records to the broker's answer")                              \
    X(LOST, "leadstream_batches_lost_total", COUNTER, "transactions aborted or of unknown outcome")                  \
    X(RENEWED, "leadstream_producers_renewed_total", COUNTER, "producers made anew after a connection closed")       \
    X(RESYNCS, "leadstream_resyncs_total", COUNTER, "shards brought up to date")                                     \
    X(RESTORED, "leadstream_restored_records_total", COUNTER, "changelog records read back")                         \
    X(CHANGELOG, "leadstream_changelog_records_total", COUNTER, "changelog records written")                         \
    X(HITS, "leadstream_cache_hits_total", COUNTER, "leads found in memory")                                         \
    X(MISSES, "leadstream_cache_misses_total", COUNTER, "leads looked up in the store")                              \
    X(WRITTEN, "leadstream_store_writes_total", COUNTER, "leads written to the store")                               \
    X(SHARDS, "leadstream_shards", GAUGE, "shards assigned")                                                         \
    X(LIVE, "leadstream_shards_live", GAUGE, "shards up to date and taking events")                                  \
    X(CACHE_BYTES, "leadstream_cache_bytes", GAUGE, "memory of leads in memory")                                     \
    X(CACHE_ENTRIES, "leadstream_cache_leads", GAUGE, "leads in memory")                                             \
    X(UNWRITTEN, "leadstream_unwritten_leads", GAUGE, "committed leads that the store does not have yet")            \
    X(CLOCK, "leadstream_clock_ms", GAUGE, "least clock of the live shards, ms since 1970; 0: none")                 \
    X(LAG, "leadstream_lag_records", GAUGE, "records that wait on the topics, as far as known")                      \
    X(UNREAD, "leadstream_unread", GAUGE, "partitions that may not be read and topics that are gone, for now")       \
    X(SCHEMA_WAITS, "leadstream_schema_waits", GAUGE, "partitions that wait for a schema")                           \
    X(TROUBLE, "leadstream_trouble_ms", GAUGE, "how long something has been in the way, 0: nothing is")

/* The same, once for each code of an error. */
#define WORKER_CODE_METRICS(X)                                                                                        \
    X(ERRORS, "leadstream_errors_total", COUNTER, "errors by code: dead letters, and what was in the way")

extern const struct metric_table worker_metrics, worker_code_metrics;

struct worker_options {
    unsigned index;
    struct kafka_source_options source;
    struct kafka_sink_options sink;         /* its source is made here */
    struct engine_options engine;           /* its ports, topics and host are made here */
    struct store store;                     /* this worker's port of the process's store */
    bool leave;                             /* give the seat in the group up when stopping */
    int64_t (*wall)(void *clock);           /* ms since 1970; NULL: the machine's */
    void *clock;
    /* Called on the worker's thread after a turn that read something; may be NULL (the demo's board). */
    void (*turned)(void *host, unsigned worker, const struct engine_counts *counts);
    void *host;
};

struct worker;

/* Makes the clients and starts the thread. Names in the options are lent until worker_free. NULL: *e. */
struct worker *worker_start(const struct worker_options *options, struct err *e);

/* Asks it to commit, write, let go and end; from any thread. */
void worker_stop(struct worker *worker);

/* True once the thread has ended; *e then says why, code NONE if it was asked to and all went well. */
bool worker_ended(const struct worker *worker, struct err *e);

/* When a turn last began (monotonic ms). */
int64_t worker_heard(const struct worker *worker);
/* The call to the broker that it is in, NULL: none that it would tell of. */
const char *worker_calling(const struct worker *worker);

/* Joins the thread (which must have been asked to stop or have ended) and frees everything. */
void worker_free(struct worker **worker);

/* Asks the worker for a lead's stored value, from another thread; waits up to `wait` ms. *held: the shard is live here.
 * value->at == NULL: the lead is not known. */
bool worker_peek(struct worker *worker, uint32_t shard, struct bytes lead, int wait, bool *held, struct arena *arena,
                 struct bytes *value, struct err *e);

/* True while every shard that is assigned is live and nothing serious is in the way. */
bool worker_healthy(const struct worker *worker);
/* It has had shards, and all of them up to date. */
bool worker_restored(const struct worker *worker);

#endif
