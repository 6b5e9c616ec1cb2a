/* The store on disk: one RocksDB database for each instance and generation, in `<store.path>/<generation>`.
 *
 * One struct rocks_store is shared by all workers of the process; each worker has its own port onto it. A shard belongs
 * to one worker at a time: open() takes it (an atomic word), close() lets it go, any other call without it is a bug.
 * Keys are in rocks_keys.h, options and errors in rocks_db, the directory's checks in rocks_home, building a shard in
 * rocks_build, reading and writing in rocks_read and rocks_write. */
#ifndef LEADSTREAM_ROCKS_STORE_H
#define LEADSTREAM_ROCKS_STORE_H

#include "adapters/erasure.h"

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

/* The shards that the store knows, rising; at most max. */
NODISCARD bool rocks_store_shards(struct rocks_store *rs, uint32_t *shards, size_t max, size_t *n, struct err *e);

/* What it does, for the metrics; any thread. */
struct rocks_store_figures {
    uint64_t memory; /* bytes held by RocksDB */
    uint64_t disk;   /* bytes of tables */
    uint64_t behind; /* bytes waiting to be compacted */
    uint64_t writes; /* since open */
    uint64_t puts;
    uint64_t longest_write; /* ns */
    uint64_t stalls;        /* writes that had to wait for compaction */
};
void rocks_store_figures(struct rocks_store *rs, struct rocks_store_figures *out);

#endif
