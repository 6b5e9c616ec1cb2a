/* The store in memory: the same port as rocks_store, for the engine's tests, and what rocks_store is compared with.
 *
 * It answers as the disk would: what was written is there after close() and open(), a build that was not done is not.
 * One thread at a time may use it, whatever the number of ports. */
#ifndef LEADSTREAM_PLAIN_STORE_H
#define LEADSTREAM_PLAIN_STORE_H

#include "adapters/erasure.h"

#include <leadstream/engine.h>

enum { PLAIN_STORE_MAX_WORKERS = 8, PLAIN_STORE_MAX_SHARDS = 64 };

struct plain_store;

struct plain_store *plain_store_new(const struct erasure *erasure);
/* Shards may still be open: this is how a crash looks. */
void plain_store_free(struct plain_store **ps);

/* The port of one worker, 0 <= worker < PLAIN_STORE_MAX_WORKERS; lives as long as the store. */
struct store plain_store_port(struct plain_store *ps, unsigned worker);

/* Every shard is let go, and builds that were not done are gone: as after a kill, the data stays. */
void plain_store_crash(struct plain_store *ps);

/* Leads and erasures of a shard, and timers. */
size_t plain_store_count(const struct plain_store *ps, uint32_t shard);
size_t plain_store_timers(const struct plain_store *ps, uint32_t shard);

#endif
