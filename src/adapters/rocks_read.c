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

/* One load: where the values go. */
struct load {
    struct rocks_view *v;
    struct rocks_range range;
    struct bytes *values;
};

/* Copies the values of a chunk and gives RocksDB's back; false: the arena is full. */
static bool copy_values(const struct load *load, const struct rocks_item *items, size_t n,
                        rocksdb_pinnableslice_t **found) {
    bool room = true;
    for (size_t i = 0; i < n; i++) {
        struct bytes *value = &load->values[items[i].index];
        *value = (struct bytes){NULL, 0};
        if (!found[i])
            continue;
        size_t length;
        const char *at = rocksdb_pinnableslice_value(found[i], &length);
        *value = (struct bytes){arena_copy(load->v->arena, at, length), length};
        room = room && value->at;
        rocksdb_pinnableslice_destroy(found[i]);
    }
    return room;
}

/* The first of many messages; the others are given back. */
static char *first_of(char **messages, size_t n) {
    char *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (first)
            free(messages[i]);
        else
            first = messages[i];
    }
    return first;
}

static bool load_chunk(const struct load *load, const struct rocks_item *items, size_t n, struct err *e) {
    const struct rocks_db *db = &load->v->rs->db;
    struct rocks_key keys[GET_CHUNK];
    const char *at[GET_CHUNK];
    size_t lengths[GET_CHUNK];
    rocksdb_pinnableslice_t *found[GET_CHUNK];
    char *messages[GET_CHUNK];
    for (size_t i = 0; i < n; i++) {
        rocks_keys_in(&keys[i], load->range, items[i].key);
        at[i] = (const char *)keys[i].at;
        lengths[i] = keys[i].n;
    }
    rocksdb_batched_multi_get_cf(db->db, db->read, db->family[ROCKS_LEADS], n, at, lengths, found, messages, true);
    char *message = first_of(messages, n);
    bool room = copy_values(load, items, n, found);
    if (message)
        return rocks_db_error(db, message, e);
    return room ||
           err_set(e, ERR_REFUSED, db->dir, "the values of one batch are more than %zu bytes: lower batch.max_events",
                   ROCKS_STORE_MAX_LOAD);
}

bool rocks_read_load(void *self, uint32_t shard, const struct bytes *keys, size_t n, struct bytes *values,
                     struct err *e) {
    struct rocks_view *v = rocks_view_of(self);
    const struct load load = {v, rocks_view_owned(v, shard)->range, values};
    arena_reset(v->arena);
    rocks_view_room(v, n);
    for (size_t i = 0; i < n; i++) {
        MUST(keys[i].n > 0 && keys[i].n <= CHANGELOG_MAX_KEY);
        v->items[i] = (struct rocks_item){.key = keys[i], .index = (uint32_t)i};
    }
    rocks_sort(v->items, v->spare, n);
    for (size_t i = 0; i < n; i += GET_CHUNK) {
        if (!load_chunk(&load, v->items + i, n - i < GET_CHUNK ? n - i : GET_CHUNK, e))
            return false;
    }
    return true;
}

/* One look for timers: what is asked, and what was found. */
struct look {
    struct rocks_view *v;
    struct rocks_shard *shard;
    int64_t until;
    struct store_due *out;
    size_t max, n;
};

/* Reads on from the cursor, which moves to the first timer that is there. False: a key that is no timer's, or no
 * room. */
static bool scan(struct look *look, rocksdb_iterator_t *timers) {
    struct rocks_shard *s = look->shard;
    bool first = true;
    rocksdb_iter_seek(timers, (const char *)s->cursor.at, s->cursor.n);
    for (; rocksdb_iter_valid(timers); rocksdb_iter_next(timers), first = false) {
        struct bytes stored, key;
        int64_t due;
        stored.at = (const uint8_t *)rocksdb_iter_key(timers, &stored.n);
        if (stored.n > sizeof s->cursor.at || !rocks_keys_timer_read(stored, &due, &key))
            return false;
        if (first) {
            memcpy(s->cursor.at, stored.at, stored.n);
            s->cursor.n = stored.n;
            s->cursor_due = due;
        }
        if (due > look->until || look->n == look->max)
            return true;
        const void *copy = arena_copy(look->v->arena, key.at, key.n);
        if (!copy)
            return false;
        look->out[look->n++] = (struct store_due){due, {copy, key.n}};
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
    const struct rocks_db *db = &v->rs->db;
    struct look look = {v, rocks_view_owned(v, shard), until, out, max, 0};
    *n = 0;
    arena_reset(v->arena);
    if (look.shard->cursor_due > until || look.shard->cursor_due == LEAD_NO_DUE)
        return true;
    struct rocks_key past;
    rocks_keys_past(&past, look.shard->range);
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)past.at, past.n);
    rocksdb_iterator_t *timers = rocksdb_create_iterator_cf(db->db, options, db->family[ROCKS_TIMERS]);
    bool read = scan(&look, timers);
    char *message = NULL;
    rocksdb_iter_get_error(timers, &message);
    rocksdb_iter_destroy(timers);
    rocksdb_readoptions_destroy(options);
    *n = look.n;
    if (message) {
        rocks_view_reset_cursor(look.shard);
        return rocks_db_error(db, message, e);
    }
    return read ||
           err_set(e, ERR_CORRUPT, db->dir, "a timer of shard %u cannot be read: " ROCKS_DB_REBUILD, (unsigned)shard);
}
