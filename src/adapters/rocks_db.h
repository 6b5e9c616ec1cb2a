/* RocksDB, opened and bounded as leadstream wants it, and its errors in our words.
 *
 * The rooms above (rocks_store, rocks_build) read and write; this one knows the options. Everything that RocksDB takes
 * is cut from one figure, `memory`, whatever the number of shards: half is the block cache, which also holds indexes
 * and filters; three eighths are memtables; the last eighth is for reading and writing tables. While a worker builds a
 * shard it takes up to half as much again (at most 64 MiB), when leads in memory are few. */
#ifndef LEADSTREAM_ROCKS_DB_H
#define LEADSTREAM_ROCKS_DB_H

#include <leadstream/err.h>
#include <rocksdb/c.h>
#include <stddef.h>

enum rocks_family { ROCKS_META, ROCKS_LEADS, ROCKS_TIMERS, ROCKS_FAMILIES };

/* The remedy of everything that is damaged: the store can always be made again. */
#define ROCKS_DB_REBUILD "move the directory away and start again to rebuild from the changelog"

enum { ROCKS_DB_MAX_PATH = 3072 };
#define ROCKS_DB_MIN_MEMORY ((size_t)8 << 20)

struct rocks_db {
    rocksdb_t *db; /* NULL: not open */
    rocksdb_column_family_handle_t *family[ROCKS_FAMILIES];
    rocksdb_options_t *options[ROCKS_FAMILIES];
    rocksdb_block_based_table_options_t *looked_up; /* tables that are asked for one key or many, */
    rocksdb_block_based_table_options_t *scanned;   /* and those that are only read in order: timers */
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write; /* logged, not synced, never waits for compaction */
    rocksdb_readoptions_t *read;
    char dir[ROCKS_DB_MAX_PATH];
};

/* Opens the database in `dir`, which exists; makes one there if there is none, unless read_only. A read-only one takes
 * no lock and sees what was there when it was opened. False: *db needs no closing. */
NODISCARD bool rocks_db_open(struct rocks_db *db, const char *dir, size_t memory, bool read_only, struct err *e);
void rocks_db_close(struct rocks_db *db);

/* What was behind is up to date: leads are compacted as usual from now on, which waited until here. */
NODISCARD bool rocks_db_restored(struct rocks_db *db, struct err *e);

/* Fills *e with what RocksDB says, as a code with a remedy, and takes the message. Returns false. */
bool rocks_db_error(const struct rocks_db *db, char *message, struct err *e);

/* Bytes that RocksDB holds now: block cache, memtables, open tables. */
size_t rocks_db_memory(const struct rocks_db *db);
/* An integer property of one family ("rocksdb.…"), 0 where there is none. */
uint64_t rocks_db_figure(const struct rocks_db *db, enum rocks_family family, const char *property);

#endif
