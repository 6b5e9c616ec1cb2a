/* Reading the store. Keys are sorted before a multi-get, which then visits each table block once.
 *
 * Timers are read from a cursor: no timer of the shard lies before it, so what has fired and is only a tombstone yet is
 * passed over once, and a shard with nothing due is answered without asking RocksDB. A timer comes again at each call
 * until a write has removed it. */
#include "adapters/rocks_read.h"

#include "adapters/rocks_store.h"
#include "adapters/rocks_view.h"

#include <stdlib.h>

/* A multi-get pins the blocks of its values until they are copied: so many keys at a time bound that. */
enum { GET_CHUNK = 128 };

/* Copies the values of a chunk and gives RocksDB's back; false: *message or the arena's limit. */
static bool copy_values(struct rocks_view *v, size_t n, rocksdb_pinnableslice_t **found, const struct rocks_item *items,
                        struct bytes *values) {
    bool room = true;
    for (size_t i = 0; i < n; i++) {
        struct bytes *value = &values[items[i].index];
        *value = (struct bytes){NULL, 0};
        if (!found[i])
            continue;
        size_t length;
        const char *at = rocksdb_pinnableslice_value(found[i], &length);
        *value = (struct bytes){arena_copy(v->arena, at, length), length};
        room = room && value->at;
        rocksdb_pinnableslice_destroy(found[i]);
    }
    return room;
}

static bool load_chunk(struct rocks_view *v, struct rocks_range range, const struct rocks_item *items, size_t n,
                       struct bytes *values, struct err *e) {
    struct rocks_store *rs = v->rs;
    struct rocks_key keys[GET_CHUNK];
    const char *at[GET_CHUNK];
    size_t lengths[GET_CHUNK];
    rocksdb_pinnableslice_t *found[GET_CHUNK];
    char *messages[GET_CHUNK];
    char *message = NULL;
    for (size_t i = 0; i < n; i++) {
        rocks_keys_in(&keys[i], range, items[i].key);
        at[i] = (const char *)keys[i].at;
        lengths[i] = keys[i].n;
    }
    rocksdb_batched_multi_get_cf(rs->db.db, rs->db.read, rs->db.family[ROCKS_LEADS], n, at, lengths, found, messages,
                                 true);
    for (size_t i = 0; i < n; i++) {
        if (message)
            free(messages[i]);
        else
            message = messages[i];
    }
    bool room = copy_values(v, n, found, items, values);
    if (message)
        return rocks_db_error(&rs->db, message, e);
    return room || err_set(e, ERR_REFUSED, rs->db.dir,
                           "the values of one batch are more than %zu bytes: lower "
                           "batch.max_events",
                           ROCKS_STORE_MAX_LOAD);
}

bool rocks_read_load(void *self, uint32_t shard, const struct bytes *keys, size_t n, struct bytes *values,
                     struct err *e) {
    struct rocks_view *v = rocks_view_of(self);
    const struct rocks_shard *s = rocks_view_owned(v, shard);
    arena_reset(v->arena);
    rocks_view_room(v, n);
    for (size_t i = 0; i < n; i++) {
        MUST(keys[i].n > 0 && keys[i].n <= CHANGELOG_MAX_KEY);
        v->items[i] = (struct rocks_item){.key = keys[i], .index = (uint32_t)i};
    }
    rocks_sort(v->items, v->spare, n);
    for (size_t i = 0; i < n; i += GET_CHUNK) {
        if (!load_chunk(v, s->range, v->items + i, n - i < GET_CHUNK ? n - i : GET_CHUNK, values, e))
            return false;
    }
    return true;
}

/* Adds a timer to out, its key copied; false: the arena is full. */
static bool add_due(struct rocks_view *v, struct store_due *out, int64_t due, struct bytes key) {
    *out = (struct store_due){due, {arena_copy(v->arena, key.at, key.n), key.n}};
    return out->key.at != NULL;
}

/* Reads on from the cursor, which moves to the first timer that is there. */
static bool scan(struct rocks_view *v, struct rocks_shard *s, rocksdb_iterator_t *timers, int64_t until,
                 struct store_due *out, size_t max, size_t *n) {
    bool first = true;
    rocksdb_iter_seek(timers, (const char *)s->cursor.at, s->cursor.n);
    for (; rocksdb_iter_valid(timers); rocksdb_iter_next(timers), first = false) {
        size_t length;
        const char *at = rocksdb_iter_key(timers, &length);
        int64_t due;
        struct bytes key;
        if (length > sizeof s->cursor.at ||
            !rocks_keys_timer_read((struct bytes){(const uint8_t *)at, length}, &due, &key))
            return false;
        if (first) {
            memcpy(s->cursor.at, at, length);
            s->cursor.n = length;
            s->cursor_due = due;
        }
        if (due > until || *n == max)
            return true;
        if (!add_due(v, &out[(*n)++], due, key))
            return false;
    }
    if (first) {
        rocks_keys_past(&s->cursor, s->range);
        s->cursor_due = LEAD_NO_DUE;
    }
    return true;
}

bool rocks_read_due(void *self, uint32_t shard, int64_t until, struct store_due *out, size_t max, size_t *n,
                    struct err *e) {
    struct rocks_view *v = rocks_view_of(self);
    struct rocks_store *rs = v->rs;
    struct rocks_shard *s = rocks_view_owned(v, shard);
    *n = 0;
    arena_reset(v->arena);
    if (s->cursor_due > until || s->cursor_due == LEAD_NO_DUE)
        return true;
    struct rocks_key past;
    rocks_keys_past(&past, s->range);
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)past.at, past.n);
    rocksdb_iterator_t *timers = rocksdb_create_iterator_cf(rs->db.db, options, rs->db.family[ROCKS_TIMERS]);
    bool read = scan(v, s, timers, until, out, max, n);
    char *message = NULL;
    rocksdb_iter_get_error(timers, &message);
    rocksdb_iter_destroy(timers);
    rocksdb_readoptions_destroy(options);
    if (message) {
        rocks_view_reset_cursor(s);
        return rocks_db_error(&rs->db, message, e);
    }
    return read || err_set(e, ERR_CORRUPT, rs->db.dir, "a timer of shard %u cannot be read: " ROCKS_DB_REBUILD,
                           (unsigned)shard);
}
