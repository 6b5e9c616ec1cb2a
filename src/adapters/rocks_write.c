/* Writing the store. Changes are sorted by key before they are batched: a memtable then inserts each beside the last
 * one. */
#include "adapters/rocks_write.h"

#include <stdlib.h>
#include <time.h>

/* A write that meets a stall is repeated so long before the engine hears of it. */
enum { STALL_WAIT_MS = 2000, STALL_STEP_MS = 10 };
/* A batch that grew beyond this is given back rather than kept. */
#define KEEP_BATCH ((size_t)16 << 20)

static uint64_t now_ns(void) {
    struct timespec t;
    MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void put(struct rocks_view *v, enum rocks_family family, const struct rocks_key *key, struct bytes value) {
    rocksdb_writebatch_put_cf(v->batch, v->rs->db.family[family], (const char *)key->at, key->n, (const char *)value.at,
                              value.n);
}

static void delete (struct rocks_view *v, enum rocks_family family, const struct rocks_key *key) {
    rocksdb_writebatch_delete_cf(v->batch, v->rs->db.family[family], (const char *)key->at, key->n);
}

static void batch_leads(struct rocks_view *v, struct rocks_range range, const struct store_put *puts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        MUST(puts[i].key.n > 0 && puts[i].key.n <= CHANGELOG_MAX_KEY);
        v->items[i] = (struct rocks_item){.key = puts[i].key, .index = (uint32_t)i};
    }
    rocks_sort(v->items, v->spare, n);
    for (size_t i = 0; i < n; i++) {
        const struct store_put *p = &puts[v->items[i].index];
        struct rocks_key key;
        rocks_keys_in(&key, range, p->key);
        if (p->value.at)
            put(v, ROCKS_LEADS, &key, p->value);
        else
            delete (v, ROCKS_LEADS, &key);
    }
}

/* The item of a change to a timer: its stored key. index: 1 puts, 0 deletes. */
static void timer_item(struct rocks_view *v, struct rocks_item *item, struct rocks_range range, int64_t due,
                       const struct store_put *p) {
    struct rocks_key key;
    rocks_keys_timer(&key, range, due, p->key);
    item->key = (struct bytes){arena_copy(v->arena, key.at, key.n), key.n};
    MUST(item->key.at != NULL);
    item->index = due == p->due;
}

/* A timer whose due time stays is on disk already and costs nothing. */
static void batch_timers(struct rocks_view *v, struct rocks_shard *s, const struct store_put *puts, size_t n) {
    size_t changes = 0;
    for (size_t i = 0; i < n; i++) {
        const struct store_put *p = &puts[i];
        if (p->due == p->old_due)
            continue;
        if (p->old_due != LEAD_NO_DUE)
            timer_item(v, &v->items[changes++], s->range, p->old_due, p);
        if (p->due != LEAD_NO_DUE)
            timer_item(v, &v->items[changes++], s->range, p->due, p);
    }
    rocks_sort(v->items, v->spare, changes);
    for (size_t i = 0; i < changes; i++) {
        struct rocks_key key;
        memcpy(key.at, v->items[i].key.at, v->items[i].key.n);
        key.n = v->items[i].key.n;
        if (v->items[i].index)
            put(v, ROCKS_TIMERS, &key, (struct bytes){(const uint8_t *)"", 0});
        else
            delete (v, ROCKS_TIMERS, &key);
    }
}

/* The earliest timer that a write put may be before the cursor. */
static void lower_cursor(struct rocks_shard *s, const struct store_put *puts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (puts[i].due > s->cursor_due || puts[i].due == LEAD_NO_DUE)
            continue;
        struct rocks_key key;
        rocks_keys_timer(&key, s->range, puts[i].due, puts[i].key);
        if (bytes_compare((struct bytes){key.at, key.n}, (struct bytes){s->cursor.at, s->cursor.n}) < 0) {
            s->cursor = key;
            s->cursor_due = puts[i].due;
        }
    }
}

static void time_write(struct rocks_store *rs, uint64_t took) {
    uint64_t longest = atomic_load_explicit(&rs->longest_write, memory_order_relaxed);
    while (took > longest && !atomic_compare_exchange_weak(&rs->longest_write, &longest, took))
        ;
}

bool rocks_write_commit(struct rocks_view *v, struct err *e) {
    struct rocks_store *rs = v->rs;
    uint64_t begin = now_ns();
    struct err failed = {.code = ERR_NONE};
    for (int waited = 0;; waited += STALL_STEP_MS) {
        char *message = NULL;
        rocksdb_write(rs->db.db, rs->db.write, v->batch, &message);
        if (!message)
            break;
        rocks_db_error(&rs->db, message, &failed);
        if (failed.code != ERR_FULL || waited >= STALL_WAIT_MS)
            break;
        failed.code = ERR_NONE;
        atomic_fetch_add_explicit(&rs->stalls, waited == 0, memory_order_relaxed);
        nanosleep(&(struct timespec){0, STALL_STEP_MS * 1000000L}, NULL);
    }
    size_t bytes;
    rocksdb_writebatch_data(v->batch, &bytes);
    if (bytes > KEEP_BATCH) {
        rocksdb_writebatch_destroy(v->batch);
        v->batch = rocksdb_writebatch_create();
    }
    rocksdb_writebatch_clear(v->batch);
    time_write(rs, now_ns() - begin);
    if (failed.code != ERR_NONE && e)
        *e = failed;
    return failed.code == ERR_NONE;
}

void rocks_write_state(struct rocks_view *v, struct rocks_range range, const struct store_shard *state) {
    uint8_t value[ROCKS_KEYS_STATE];
    struct rocks_key key;
    struct writer w = writer_of(value, sizeof value);
    rocks_keys_state_write(&w, range.build, state);
    rocks_keys_shard(&key, range.shard);
    put(v, ROCKS_META, &key, writer_done(&w));
}

bool rocks_write(void *self, uint32_t shard, const struct store_put *puts, size_t n, const struct store_shard *state,
                 struct err *e) {
    struct rocks_view *v = rocks_view_of(self);
    struct rocks_shard *s = rocks_view_owned(v, shard);
    MUST(!v->rs->read_only && !s->build);
    arena_reset(v->arena);
    rocks_view_room(v, 2 * n);
    batch_leads(v, s->range, puts, n);
    batch_timers(v, s, puts, n);
    rocks_write_state(v, s->range, state);
    if (!rocks_write_commit(v, e))
        return false;
    lower_cursor(s, puts, n);
    return true;
}
