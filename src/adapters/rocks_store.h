/* The store on disk: one RocksDB database for each instance and generation, in `<store.path>/<generation>`.
 *
 * One struct rocks_store is shared by all workers of the process; each worker has its own port onto it. A shard belongs
 * to one worker at a time: open() takes it (an atomic word), close() lets it go, any other call without it is a bug.
 * Keys are in rocks_keys.h, options and errors in rocks_db, the directory's checks in rocks_home, building a shard in
 * rocks_build, reading and writing in rocks_read and rocks_write. */
#ifndef LEADSTREAM_ROCKS_STORE_H
#define LEADSTREAM_ROCKS_STORE_H

#include "adapters/erasure.h"
#include "host/metric.h"

#include <leadstream/engine.h>

/* The values of one load together. */
#define ROCKS_STORE_MAX_LOAD ((size_t)1 << 30)

struct rocks_store_options {
    const char *path; /* store.path; lent for the call, as all here */
    const char *app;
    const char *generation;
    const char *cluster_id; /* Kafka's; NULL: not compared */
    size_t memory;          /* bytes: all that RocksDB may take (a part of store.memory) */
    bool read_only;         /* for `inspect`: no lock is taken, nothing is written; sees what was there at open */
    const struct erasure *erasure;
};

struct rocks_store;

/* NULL: *e says why and what to do: REFUSED (another process, cluster, app, generation, a newer format), DISK (full,
 * read-only, another owner), CORRUPT. */
struct rocks_store *rocks_store_open(const struct rocks_store_options *options, struct err *e);
/* All shards must be closed. */
void rocks_store_close(struct rocks_store **rs);

/* The port of one worker, 0 to 63, used by one thread; lives as long as the store. Make them before the
 * threads start. */
struct store rocks_store_port(struct rocks_store *rs, unsigned worker);

/* The shards of this start are up to date: compaction of leads, which waited for that, goes on as usual. Any thread. */
NODISCARD bool rocks_store_restored(struct rocks_store *rs, struct err *e);

/* The shards that the store knows, rising; at most max. */
NODISCARD bool rocks_store_shards(struct rocks_store *rs, uint32_t *shards, size_t max, size_t *n, struct err *e);

/* What it does, as metrics: X(symbol, name, kind, help). */
#define ROCKS_STORE_METRICS(X)                                                                                         \
    X(MEMORY, "leadstream_store_memory_bytes", GAUGE, "memory that RocksDB holds: block cache, memtables, tables")     \
    X(DISK, "leadstream_store_disk_bytes", GAUGE, "size of the store's tables on disk")                                \
    X(BEHIND, "leadstream_store_compaction_bytes", GAUGE, "bytes of tables that wait to be compacted")                 \
    X(LONGEST, "leadstream_store_longest_write_ms", GAUGE, "longest write to the store since the start")               \
    X(STALLS, "leadstream_store_stalls_total", COUNTER, "writes that had to wait for compaction")

enum rocks_store_metric {
#define X(symbol, name, kind, help) ROCKS_STORE_##symbol,
    ROCKS_STORE_METRICS(X)
#undef X
        ROCKS_STORE_METRICS_END
};

extern const struct metric_table rocks_store_metrics;

/* Puts the figures as they are now into a set of that table; any thread. */
void rocks_store_report(struct rocks_store *rs, struct metric_set *set);

#endif
