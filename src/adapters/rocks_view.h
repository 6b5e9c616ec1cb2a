/* What the store's rooms share of a worker's port: the port itself, and the shards that it owns.
 *
 * Private to rocks_store, rocks_read and rocks_write. */
#ifndef LEADSTREAM_ROCKS_VIEW_H
#define LEADSTREAM_ROCKS_VIEW_H

#include "adapters/erasure.h"
#include "adapters/rocks_build.h"
#include "adapters/rocks_sort.h"

#include <leadstream/arena.h>
#include <stdatomic.h>

enum { ROCKS_VIEW_MAX_WORKERS = 64 };

/* What its owner knows of a shard. */
struct rocks_shard {
    struct rocks_range range;  /* the build in force */
    struct rocks_build *build; /* the one being made, or NULL */
    struct rocks_key cursor;   /* no timer of the range is before it */
    int64_t cursor_due;        /* its due time; LEAD_NO_DUE: there is no timer */
};

struct rocks_store {
    uint32_t magic;
    bool read_only;
    size_t build_bytes;
    struct rocks_db db;
    struct erasure *erasure;
    _Atomic(uint16_t) owners[ROCKS_KEYS_MAX_SHARDS];   /* worker + 1; 0: nobody */
    struct rocks_shard *shards[ROCKS_KEYS_MAX_SHARDS]; /* made when first opened; touched by the owner only */
    struct rocks_view *views[ROCKS_VIEW_MAX_WORKERS];
    _Atomic(uint64_t) longest_write, stalls; /* ns; writes */
};

/* A worker's port. */
struct rocks_view {
    uint32_t magic;
    struct rocks_store *rs;
    uint16_t worker;
    struct erasure *erasure;
    struct arena *arena;      /* what is lent until the next call */
    struct rocks_item *items; /* of one write or load */
    struct rocks_item *spare;
    size_t room; /* of items and of spare */
    rocksdb_writebatch_t *batch;
};

struct rocks_view *rocks_view_new(struct rocks_store *rs, uint16_t worker);
void rocks_view_free(struct rocks_view **v);

/* The view behind a port's self. */
struct rocks_view *rocks_view_of(void *self);
/* The shard, which must be ours. */
struct rocks_shard *rocks_view_owned(const struct rocks_view *v, uint32_t shard);
/* Makes room for n items; what was in them is gone. */
void rocks_view_room(struct rocks_view *v, size_t n);
/* Timers are looked for from the shard's first again. */
void rocks_view_reset_cursor(struct rocks_shard *s);

#endif
