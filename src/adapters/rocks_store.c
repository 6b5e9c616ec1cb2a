/* The store over RocksDB: opened, shared by the workers, and its shards' owners. Reading is in rocks_read, writing in
 * rocks_write. */
#include "adapters/rocks_store.h"

#include "adapters/rocks_home.h"
#include "adapters/rocks_read.h"
#include "adapters/rocks_write.h"
#include "base/guard.h"

#include <stdio.h>
#include <stdlib.h>

#define MAGIC 0x726f636bu
/* A shard that fits the buffer is one table, which nothing has to be merged with afterwards: half the cost. */
#define LEAST_BUILD ((size_t)2 << 20)
#define MOST_BUILD ((size_t)64 << 20)

struct rocks_store *rocks_store_open(const struct rocks_store_options *options, struct err *e) {
    MUST(options->path && options->app && options->generation && options->erasure);
    struct rocks_identity ours = {.format = ROCKS_KEYS_FORMAT};
    snprintf(ours.app, sizeof ours.app, "%s", options->app);
    snprintf(ours.generation, sizeof ours.generation, "%s", options->generation);
    snprintf(ours.cluster, sizeof ours.cluster, "%s", options->cluster_id ? options->cluster_id : "");
    char dir[ROCKS_DB_MAX_PATH];
    if (!rocks_home_prepare(options->path, options->generation, options->read_only, dir, e))
        return NULL;
    struct rocks_store *rs = calloc(1, sizeof *rs);
    MUST(rs != NULL);
    rs->magic = MAGIC;
    rs->read_only = options->read_only;
    size_t build = options->memory / 2;
    rs->build_bytes = build < LEAST_BUILD ? LEAST_BUILD : build > MOST_BUILD ? MOST_BUILD : build;
    rs->erasure = erasure_copy(options->erasure);
    if (!rocks_db_open(&rs->db, dir, options->memory, options->read_only, e) ||
        !rocks_home_claim(&rs->db, &ours, options->read_only, e))
        rocks_store_close(&rs);
    return rs;
}

void rocks_store_close(struct rocks_store **rs) {
    if (!*rs)
        return;
    MUST((*rs)->magic == MAGIC);
    for (size_t i = 0; i < ROCKS_KEYS_MAX_SHARDS; i++) {
        MUST((*rs)->owners[i] == 0);
        free((*rs)->shards[i]);
    }
    for (size_t i = 0; i < ROCKS_VIEW_MAX_WORKERS; i++)
        rocks_view_free(&(*rs)->views[i]);
    rocks_db_close(&(*rs)->db);
    erasure_free(&(*rs)->erasure);
    (*rs)->magic = 0;
    free(*rs);
    *rs = NULL;
}

static const struct store port;

static const struct metric_desc descs[] = {
#define X(symbol, name, kind, help) {name, METRIC_##kind, help},
    ROCKS_STORE_METRICS(X)
#undef X
};
const struct metric_table rocks_store_metrics = {descs, ROCKS_STORE_METRICS_END};

struct store rocks_store_port(struct rocks_store *rs, unsigned worker) {
    MUST(rs->magic == MAGIC && worker < ROCKS_VIEW_MAX_WORKERS);
    if (!rs->views[worker])
        rs->views[worker] = rocks_view_new(rs, (uint16_t)worker);
    struct store made = port;
    made.self = rs->views[worker];
    return made;
}

bool rocks_store_restored(struct rocks_store *rs, struct err *e) {
    MUST(rs->magic == MAGIC);
    return rs->read_only || rocks_db_restored(&rs->db, e);
}

bool rocks_store_shards(struct rocks_store *rs, uint32_t *shards, size_t max, size_t *n, struct err *e) {
    char *message = NULL;
    *n = 0;
    rocksdb_iterator_t *all = rocksdb_create_iterator_cf(rs->db.db, rs->db.read, rs->db.family[ROCKS_META]);
    rocksdb_iter_seek(all, ROCKS_KEYS_SHARD, strlen(ROCKS_KEYS_SHARD));
    for (; rocksdb_iter_valid(all) && *n < max; rocksdb_iter_next(all)) {
        uint16_t shard;
        size_t length;
        const char *key = rocksdb_iter_key(all, &length);
        if (!rocks_keys_shard_read((struct bytes){(const uint8_t *)key, length}, &shard))
            break;
        shards[(*n)++] = shard;
    }
    rocksdb_iter_get_error(all, &message);
    rocksdb_iter_destroy(all);
    return !message || rocks_db_error(&rs->db, message, e);
}

void rocks_store_report(struct rocks_store *rs, struct metric_set *set) {
    uint64_t disk = 0, behind = 0;
    for (int i = 0; i < ROCKS_FAMILIES; i++) {
        disk += rocks_db_figure(&rs->db, (enum rocks_family)i, "rocksdb.total-sst-files-size");
        behind += rocks_db_figure(&rs->db, (enum rocks_family)i, "rocksdb.estimate-pending-compaction-bytes");
    }
    uint64_t longest = atomic_load_explicit(&rs->longest_write, memory_order_relaxed);
    uint64_t stalls = atomic_load_explicit(&rs->stalls, memory_order_relaxed);
    metric_put(set, ROCKS_STORE_MEMORY, (int64_t)rocks_db_memory(&rs->db));
    metric_put(set, ROCKS_STORE_DISK, (int64_t)disk);
    metric_put(set, ROCKS_STORE_BEHIND, (int64_t)behind);
    metric_put(set, ROCKS_STORE_LONGEST, (int64_t)(longest / 1000000));
    metric_put(set, ROCKS_STORE_STALLS, (int64_t)stalls);
}

/* ------------------------------------------------------------------------------------------------ owners */

static bool read_state(struct rocks_store *rs, uint16_t shard, uint16_t *build, struct store_shard *state,
                       struct err *e) {
    struct rocks_key key;
    char *message = NULL;
    *state = (struct store_shard){.birth_offset = ENGINE_NO_OFFSET};
    *build = 0;
    rocks_keys_shard(&key, shard);
    rocksdb_pinnableslice_t *found =
        rocksdb_get_pinned_cf(rs->db.db, rs->db.read, rs->db.family[ROCKS_META], (const char *)key.at, key.n, &message);
    if (message)
        return rocks_db_error(&rs->db, message, e);
    if (!found)
        return true;
    size_t n;
    const char *value = rocksdb_pinnableslice_value(found, &n);
    bool good = rocks_keys_state_read((struct bytes){(const uint8_t *)value, n}, build, state);
    rocksdb_pinnableslice_destroy(found);
    return good || err_set(e, ERR_CORRUPT, rs->db.dir, "the record of shard %u cannot be read: " ROCKS_DB_REBUILD,
                           (unsigned)shard);
}

static bool store_open(void *self, uint32_t shard, struct store_shard *state, struct err *e) {
    struct rocks_view *v = rocks_view_of(self);
    struct rocks_store *rs = v->rs;
    if (shard >= ROCKS_KEYS_MAX_SHARDS)
        return err_set(e, ERR_REFUSED, rs->db.dir, "partition %u: at most %u partitions a topic can be stored",
                       (unsigned)shard, (unsigned)ROCKS_KEYS_MAX_SHARDS);
    uint16_t nobody = 0;
    if (!atomic_compare_exchange_strong(&rs->owners[shard], &nobody, (uint16_t)(v->worker + 1)) && GUARD(one_owner)) {
        MUST(nobody != v->worker + 1);
        return err_set(e, ERR_UNAVAILABLE, rs->db.dir, "shard %u is still held by worker %u", (unsigned)shard,
                       (unsigned)nobody - 1);
    }
    uint16_t build;
    if (!read_state(rs, (uint16_t)shard, &build, state, e)) {
        atomic_store(&rs->owners[shard], 0);
        return false;
    }
    if (!rs->shards[shard])
        rs->shards[shard] = calloc(1, sizeof(struct rocks_shard));
    struct rocks_shard *s = rs->shards[shard];
    MUST(s != NULL && s->build == NULL);
    s->range = (struct rocks_range){(uint16_t)shard, build};
    rocks_view_reset_cursor(s);
    return true;
}

static void store_close(void *self, uint32_t shard) {
    struct rocks_view *v = rocks_view_of(self);
    rocks_build_free(&rocks_view_owned(v, shard)->build);
    atomic_store(&v->rs->owners[shard], 0);
}

/* ------------------------------------------------------------------------------------------------ building a shard */

/* True where a family has any key of the range. */
static bool has_keys(struct rocks_store *rs, enum rocks_family family, struct rocks_range range) {
    struct rocks_key first, past;
    rocks_keys_first(&first, range);
    rocks_keys_past(&past, range);
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)past.at, past.n);
    rocksdb_iterator_t *keys = rocksdb_create_iterator_cf(rs->db.db, options, rs->db.family[family]);
    rocksdb_iter_seek(keys, (const char *)first.at, first.n);
    bool has = rocksdb_iter_valid(keys);
    rocksdb_iter_destroy(keys);
    rocksdb_readoptions_destroy(options);
    return has;
}

/* Adds the removal of all that is in a range to the view's batch. */
static void drop_range(struct rocks_view *v, struct rocks_range range) {
    struct rocks_key first, past;
    rocks_keys_first(&first, range);
    rocks_keys_past(&past, range);
    for (int i = ROCKS_LEADS; i < ROCKS_FAMILIES; i++) {
        if (has_keys(v->rs, (enum rocks_family)i, range))
            rocksdb_writebatch_delete_range_cf(v->batch, v->rs->db.family[i], (const char *)first.at, first.n,
                                               (const char *)past.at, past.n);
    }
}

static bool store_build(void *self, uint32_t shard, struct err *e) {
    struct rocks_view *v = rocks_view_of(self);
    struct rocks_shard *s = rocks_view_owned(v, shard);
    MUST(!v->rs->read_only);
    rocks_build_free(&s->build);
    struct rocks_range next = {s->range.shard,
                               (uint16_t)(s->range.build == ROCKS_KEYS_LAST_BUILD ? 0 : s->range.build + 1)};
    /* What a build that came to nothing left behind. */
    if (GUARD(build_from_nothing))
        drop_range(v, next);
    if (!rocks_write_commit(v, e))
        return false;
    s->build = rocks_build_new(&v->rs->db, next, v->rs->build_bytes, e);
    return s->build != NULL;
}

static bool store_build_put(void *self, uint32_t shard, const struct store_put *puts, size_t n, struct err *e) {
    struct rocks_shard *s = rocks_view_owned(rocks_view_of(self), shard);
    MUST(s->build != NULL);
    return rocks_build_put(s->build, puts, n, e);
}

static bool store_build_done(void *self, uint32_t shard, const struct store_shard *state, struct err *e) {
    struct rocks_view *v = rocks_view_of(self);
    struct rocks_shard *s = rocks_view_owned(v, shard);
    MUST(s->build != NULL);
    struct rocks_range next = rocks_build_range(s->build);
    if (!rocks_build_finish(s->build, e))
        return false;
    rocks_write_state(v, next, state);
    drop_range(v, s->range);
    if (!rocks_write_commit(v, e))
        return false;
    rocks_build_free(&s->build);
    s->range = next;
    rocks_view_reset_cursor(s);
    return true;
}

static void store_erasure_key(void *self, struct bytes lead, uint8_t out[ERASURE_HASH]) {
    erasure_hash(rocks_view_of(self)->erasure, lead, out);
}

static const struct store port = {
    .open = store_open,
    .close = store_close,
    .load = rocks_read_load,
    .write = rocks_write,
    .due = rocks_read_due,
    .build = store_build,
    .build_put = store_build_put,
    .build_done = store_build_done,
    .erasure_key = store_erasure_key,
};
