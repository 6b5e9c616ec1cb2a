/* RocksDB's options and errors.
 *
 * What is set apart from the defaults, and why:
 *   memtables     one writer at a time without concurrent inserts: a sorted batch then finds each place beside the last
 *                 one; before leads a bloom filter, because most gets are for leads that are not there;
 *   stalls        triggers far apart, and writes that would stall come back at once (no_slowdown): the poll loop must
 *                 not wait for a compaction; rocks_store retries for a bounded time;
 *   at a start    leads are compacted later still, until the shards are up to date: the compaction that the last process
 *                 left behind, and that of what is caught up with, would take near half of a restart;
 *   info log      none: Debian builds RocksDB with its assertions on, and a line that does not fit the disk makes the
 *                 next line abort the process (WritableFileWriter after an error), where we want to refuse in words;
 *   write log     never synced, since the changelog is the truth, but recovered to a point in time, so that a shard's
 *                 state is never ahead of its leads;
 *   files         few open, all checksums on, lz4. */
#include "adapters/rocks_db.h"

#include "base/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[ROCKS_FAMILIES] = {"default", "leads", "timers"};

/* How many of the eighths of `memory` each part may take. */
enum { CACHE_EIGHTHS = 4, MEMTABLE_EIGHTHS = 3 };
/* Memtables of one family: one is filled while others are flushed. */
enum { MEMTABLES = 3 };
enum { MAX_OPEN_FILES = 256, BLOOM_BITS = 10, BLOCK_BYTES = 4096 };
enum { LEVEL0_COMPACT = 8, LEVEL0_RESTORING = 20, LEVEL0_SLOW = 40, LEVEL0_STOP = 80 };
#define LEAST_CACHE_SHARD ((size_t)8 << 20)
enum { MOST_CACHE_BITS = 4 };
#define MAX_MANIFEST_BYTES ((size_t)16 << 20)
#define SYNC_BYTES ((uint64_t)1 << 20)
enum { POINT_IN_TIME_RECOVERY = 2, LOG_NOTHING = 6 };

static rocksdb_block_based_table_options_t *table_options(rocksdb_cache_t *cache) {
    rocksdb_block_based_table_options_t *o = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(o, cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(o, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(o, 1);
    rocksdb_block_based_options_set_block_size(o, BLOCK_BYTES);
    rocksdb_block_based_options_set_format_version(o, 5);
    return o;
}

/* RocksDB divides a cache into shards of half a MiB, up to 64; a table's bloom filter and index, some hundred KiB each,
 * then push one another out and are read and unpacked anew at nearly every lookup. Few threads need few shards. */
static rocksdb_cache_t *make_cache(size_t bytes) {
    int bits = 0;
    while (bits < MOST_CACHE_BITS && bytes >> (bits + 1) >= LEAST_CACHE_SHARD)
        bits++;
    rocksdb_lru_cache_options_t *o = rocksdb_lru_cache_options_create();
    rocksdb_lru_cache_options_set_capacity(o, bytes);
    rocksdb_lru_cache_options_set_num_shard_bits(o, bits);
    rocksdb_cache_t *cache = rocksdb_cache_create_lru_opts(o);
    rocksdb_lru_cache_options_destroy(o);
    return cache;
}

static void make_tables(struct rocks_db *db, size_t memory) {
    db->cache = make_cache(memory / 8 * CACHE_EIGHTHS);
    db->scanned = table_options(db->cache);
    db->looked_up = table_options(db->cache);
    rocksdb_block_based_options_set_filter_policy(db->looked_up, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
    rocksdb_block_based_options_set_data_block_index_type(
        db->looked_up, rocksdb_block_based_table_data_block_index_type_binary_search_and_hash);
    rocksdb_block_based_options_set_data_block_hash_ratio(db->looked_up, 0.75);
}

/* What belongs to the database as a whole; RocksDB takes it from the options it is opened with. */
static void database_options(rocksdb_options_t *o, size_t memory, bool read_only) {
    size_t memtables = memory / 8 * MEMTABLE_EIGHTHS;
    rocksdb_options_set_create_if_missing(o, !read_only);
    rocksdb_options_set_create_missing_column_families(o, !read_only);
    rocksdb_options_set_db_write_buffer_size(o, memtables);
    rocksdb_options_set_max_total_wal_size(o, memtables);
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0);
    /* A reader beside the writer must hold its files open, because the writer removes what it has compacted. */
    rocksdb_options_set_max_open_files(o, read_only ? -1 : MAX_OPEN_FILES);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_bytes_per_sync(o, SYNC_BYTES);
    rocksdb_options_set_wal_recovery_mode(o, POINT_IN_TIME_RECOVERY);
    rocksdb_options_set_info_log_level(o, LOG_NOTHING);
    rocksdb_options_set_keep_log_file_num(o, 1);
    rocksdb_options_set_max_manifest_file_size(o, MAX_MANIFEST_BYTES);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
    rocksdb_options_set_paranoid_checks(o, 1);
}

static rocksdb_options_t *family_options(size_t memtable, bool read_only, size_t memory) {
    rocksdb_options_t *o = rocksdb_options_create();
    database_options(o, memory, read_only);
    rocksdb_options_set_write_buffer_size(o, memtable);
    rocksdb_options_set_max_write_buffer_number(o, MEMTABLES);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
    rocksdb_options_set_level0_file_num_compaction_trigger(o, LEVEL0_COMPACT);
    rocksdb_options_set_level0_slowdown_writes_trigger(o, LEVEL0_SLOW);
    rocksdb_options_set_level0_stop_writes_trigger(o, LEVEL0_STOP);
    return o;
}

static void make_options(struct rocks_db *db, size_t memory, bool read_only) {
    size_t most = memory / 8 * MEMTABLE_EIGHTHS / MEMTABLES;
    make_tables(db, memory);
    db->options[ROCKS_META] = family_options(most / 16, read_only, memory);
    db->options[ROCKS_LEADS] = family_options(most, read_only, memory);
    db->options[ROCKS_TIMERS] = family_options(most / 4, read_only, memory);
    rocksdb_options_set_block_based_table_factory(db->options[ROCKS_META], db->looked_up);
    rocksdb_options_set_block_based_table_factory(db->options[ROCKS_LEADS], db->looked_up);
    rocksdb_options_set_block_based_table_factory(db->options[ROCKS_TIMERS], db->scanned);
    rocksdb_options_set_memtable_whole_key_filtering(db->options[ROCKS_LEADS], 1);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(db->options[ROCKS_LEADS], 0.05);
    rocksdb_options_set_level0_file_num_compaction_trigger(db->options[ROCKS_LEADS], LEVEL0_RESTORING);
    db->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_no_slowdown(db->write, 1);
    rocksdb_writeoptions_disable_WAL(db->write, !GUARD(log_ahead));
    db->read = rocksdb_readoptions_create();
}

static void free_options(struct rocks_db *db) {
    rocksdb_readoptions_destroy(db->read);
    rocksdb_writeoptions_destroy(db->write);
    for (size_t i = 0; i < ROCKS_FAMILIES; i++)
        rocksdb_options_destroy(db->options[i]);
    rocksdb_block_based_options_destroy(db->looked_up);
    rocksdb_block_based_options_destroy(db->scanned);
    rocksdb_cache_destroy(db->cache);
}

bool rocks_db_open(struct rocks_db *db, const char *dir, size_t memory, bool read_only, struct err *e) {
    memory = memory < ROCKS_DB_MIN_MEMORY ? ROCKS_DB_MIN_MEMORY : memory;
    memset(db, 0, sizeof *db);
    snprintf(db->dir, sizeof db->dir, "%s", dir);
    make_options(db, memory, read_only);
    const rocksdb_options_t *options[ROCKS_FAMILIES] = {db->options[0], db->options[1], db->options[2]};
    char *message = NULL;
    /* A file that the list of files names may be compacted away before a reader beside the writer has opened it: the
     * list is then newer at the next try. */
    for (int tries = 0; tries < (read_only ? 5 : 1) && !db->db; tries++) {
        free(message);
        message = NULL;
        db->db = read_only ? rocksdb_open_for_read_only_column_families(options[ROCKS_META], dir, ROCKS_FAMILIES, names,
                                                                        options, db->family, 0, &message)
                           : rocksdb_open_column_families(options[ROCKS_META], dir, ROCKS_FAMILIES, names, options,
                                                          db->family, &message);
    }
    if (db->db)
        return true;
    free_options(db);
    return rocks_db_error(db, message, e);
}

bool rocks_db_restored(struct rocks_db *db, struct err *e) {
    char trigger[16], *message = NULL;
    snprintf(trigger, sizeof trigger, "%d", LEVEL0_COMPACT);
    const char *name = "level0_file_num_compaction_trigger", *value = trigger;
    rocksdb_set_options_cf(db->db, db->family[ROCKS_LEADS], 1, &name, &value, &message);
    return !message || rocks_db_error(db, message, e);
}

void rocks_db_close(struct rocks_db *db) {
    if (!db->db)
        return;
    for (size_t i = 0; i < ROCKS_FAMILIES; i++)
        rocksdb_column_family_handle_destroy(db->family[i]);
    rocksdb_close(db->db);
    free_options(db);
    db->db = NULL;
}

/* What RocksDB says, what that is for us, and what to do about it; the first whose text is found. */
static const struct {
    const char *text;
    enum err_code code;
    const char *remedy;
} known[] = {
    {"While lock file", ERR_REFUSED,
     "another process has this store open: stop it, or give this instance its own store.path"},
    {"lock hold by current process", ERR_REFUSED,
     "this process has the store open already: two instances need a store.path each"},
    {"Column families not opened", ERR_REFUSED,
     "the store has parts that this version does not know: run the newer leadstream that wrote it"},
    {"No space left", ERR_DISK, "the disk is full: make room and start again; nothing is lost"},
    {"Disk quota", ERR_DISK, "the disk quota is used up: raise it and start again; nothing is lost"},
    {"File too large", ERR_DISK, "a file may not grow further (ulimit -f, or the file system's limit): raise it"},
    {"Read-only file system", ERR_DISK, "the file system is read-only: mount it writable, or set another store.path"},
    {"Permission denied", ERR_DISK, "permission denied: give the files to the user that runs leadstream"},
    {"Too many open files", ERR_DISK, "too many open files: raise the limit (ulimit -n 1024)"},
    {"No such file", ERR_CORRUPT, "a file of the store is missing: " ROCKS_DB_REBUILD},
    {"Corruption", ERR_CORRUPT, "the store's files are damaged: check the disk, " ROCKS_DB_REBUILD},
    {"does not match", ERR_CORRUPT, "the store's files are damaged: check the disk, " ROCKS_DB_REBUILD},
    {"Write stall", ERR_FULL, "compaction is behind"},
};

bool rocks_db_error(const struct rocks_db *db, char *message, struct err *e) {
    const char *said = message ? message : "no reason given";
    enum err_code code = ERR_DISK;
    const char *remedy = "the disk or the file system fails: see the system's log";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strstr(said, known[i].text)) {
            code = known[i].code;
            remedy = known[i].remedy;
            break;
        }
    }
    err_set(e, code, db->dir, "%s (RocksDB: %.150s)", remedy, said);
    free(message);
    return false;
}

size_t rocks_db_memory(const struct rocks_db *db) {
    size_t bytes = rocksdb_cache_get_usage(db->cache);
    for (int i = 0; i < ROCKS_FAMILIES; i++) {
        bytes += rocks_db_figure(db, (enum rocks_family)i, "rocksdb.size-all-mem-tables");
        bytes += rocks_db_figure(db, (enum rocks_family)i, "rocksdb.estimate-table-readers-mem");
    }
    return bytes;
}

uint64_t rocks_db_figure(const struct rocks_db *db, enum rocks_family family, const char *property) {
    uint64_t value = 0;
    return rocksdb_property_int_cf(db->db, db->family[family], property, &value) == 0 ? value : 0;
}
