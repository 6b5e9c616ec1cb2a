/* A worker's port: its memory, and the check that a shard is its own. */
#include "adapters/rocks_view.h"

#include "adapters/rocks_store.h"

#include <stdlib.h>

#define MAGIC 0x76696577u

struct rocks_view *rocks_view_new(struct rocks_store *rs, uint16_t worker) {
    struct rocks_view *v = calloc(1, sizeof *v);
    MUST(v != NULL);
    v->magic = MAGIC;
    v->rs = rs;
    v->worker = worker;
    v->erasure = erasure_copy(rs->erasure);
    v->arena = arena_new(ROCKS_STORE_MAX_LOAD);
    v->batch = rocksdb_writebatch_create();
    return v;
}

void rocks_view_free(struct rocks_view **v) {
    if (!*v)
        return;
    MUST((*v)->magic == MAGIC);
    rocksdb_writebatch_destroy((*v)->batch);
    arena_free(&(*v)->arena);
    erasure_free(&(*v)->erasure);
    free((*v)->items);
    free((*v)->spare);
    (*v)->magic = 0;
    free(*v);
    *v = NULL;
}

struct rocks_view *rocks_view_of(void *self) {
    struct rocks_view *v = self;
    MUST(v->magic == MAGIC);
    /* RocksDB counts comparisons and the like for each thread, unless it is told not to: a twentieth of a write. */
    rocksdb_set_perf_level(rocksdb_disable);
    return v;
}

struct rocks_shard *rocks_view_owned(const struct rocks_view *v, uint32_t shard) {
    MUST(shard < ROCKS_KEYS_MAX_SHARDS);
    MUST(atomic_load_explicit(&v->rs->owners[shard], memory_order_relaxed) == v->worker + 1);
    return v->rs->shards[shard];
}

void rocks_view_room(struct rocks_view *v, size_t n) {
    MUST(n <= UINT32_MAX);
    if (n <= v->room)
        return;
    free(v->items);
    free(v->spare);
    v->room = n + n / 4;
    v->items = malloc(v->room * sizeof *v->items);
    v->spare = malloc(v->room * sizeof *v->spare);
    MUST(v->items && v->spare);
}

void rocks_view_reset_cursor(struct rocks_shard *s) {
    rocks_keys_first(&s->cursor, s->range);
    s->cursor_due = INT64_MIN;
}
