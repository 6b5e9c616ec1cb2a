/* A shard built from nothing: puts are gathered in memory, and each full buffer becomes a sorted table of leads and one
 * of timers, which RocksDB takes over whole (ingests). That is several times cheaper than writing each lead through the
 * log, the memtable and its flush.
 *
 * Nothing of it is in force until rocks_store switches the shard's record to the new build. Later puts win: within a
 * buffer by sorting, across buffers by the order of ingestion. A timer whose lead came again in a later buffer with
 * another due time stays; the engine drops it when it comes up, as it does any stale timer. */
#ifndef LEADSTREAM_ROCKS_BUILD_H
#define LEADSTREAM_ROCKS_BUILD_H

#include "adapters/rocks_db.h"
#include "adapters/rocks_keys.h"

struct rocks_build;

/* Begins; buffer: bytes to gather before a table is written. Tables are made in `<db's directory>/build`, which is made
 * too. NULL: *e says why. */
struct rocks_build *rocks_build_new(struct rocks_db *db, struct rocks_range range, size_t buffer, struct err *e);
/* Also the tables that were not taken over; NULL is fine. */
void rocks_build_free(struct rocks_build **b);

/* Gathers; the bytes are copied. False: a table could not be written or taken over; the build is then good for nothing
 * but rocks_build_free. */
NODISCARD bool rocks_build_put(struct rocks_build *b, const struct store_put *puts, size_t n, struct err *e);
/* Writes what is left in the buffer. */
NODISCARD bool rocks_build_finish(struct rocks_build *b, struct err *e);

struct rocks_range rocks_build_range(const struct rocks_build *b);

#endif
