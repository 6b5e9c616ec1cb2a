/* The store in memory: two ordered maps a shard. */
#include "adapters/plain_store.h"

#include "adapters/plain_map.h"
#include "engine/changelog.h"

#include <leadstream/arena.h>
#include <stdlib.h>

#define MAGIC 0x706c6973u
#define VIEW_MAGIC 0x706c6976u
#define MAX_LENT ((size_t)1 << 30)
enum { DUE = 8, MAX_TIMER = DUE + CHANGELOG_MAX_KEY };

struct tables {
    struct plain_map leads;
    struct plain_map timers; /* eight bytes that sort as the due time does, then the key */
};

struct shard {
    unsigned owner; /* worker + 1; 0: nobody */
    struct store_shard state;
    struct tables now;
    struct tables build;
    bool building;
};

struct view {
    uint32_t magic;
    unsigned worker;
    struct plain_store *ps;
    struct arena *lent;
};

struct plain_store {
    uint32_t magic;
    struct erasure *erasure;
    struct shard shards[PLAIN_STORE_MAX_SHARDS];
    struct view views[PLAIN_STORE_MAX_WORKERS];
};

static void clear(struct tables *t) {
    plain_map_clear(&t->leads);
    plain_map_clear(&t->timers);
}

struct plain_store *plain_store_new(const struct erasure *erasure) {
    struct plain_store *ps = calloc(1, sizeof *ps);
    MUST(ps != NULL);
    ps->magic = MAGIC;
    ps->erasure = erasure_copy(erasure);
    for (size_t i = 0; i < PLAIN_STORE_MAX_SHARDS; i++)
        ps->shards[i].state.birth_offset = ENGINE_NO_OFFSET;
    return ps;
}

void plain_store_free(struct plain_store **ps) {
    if (!*ps)
        return;
    plain_store_crash(*ps);
    for (size_t i = 0; i < PLAIN_STORE_MAX_SHARDS; i++)
        clear(&(*ps)->shards[i].now);
    for (size_t i = 0; i < PLAIN_STORE_MAX_WORKERS; i++)
        arena_free(&(*ps)->views[i].lent);
    erasure_free(&(*ps)->erasure);
    (*ps)->magic = 0;
    free(*ps);
    *ps = NULL;
}

void plain_store_crash(struct plain_store *ps) {
    MUST(ps->magic == MAGIC);
    for (size_t i = 0; i < PLAIN_STORE_MAX_SHARDS; i++) {
        struct shard *s = &ps->shards[i];
        s->owner = 0;
        s->building = false;
        clear(&s->build);
    }
}

static struct view *view_of(void *self) {
    struct view *v = self;
    MUST(v->magic == VIEW_MAGIC);
    return v;
}

/* The shard, which must be ours. */
static struct shard *owned(struct view *v, uint32_t shard) {
    MUST(shard < PLAIN_STORE_MAX_SHARDS);
    struct shard *s = &v->ps->shards[shard];
    MUST(s->owner == v->worker + 1);
    return s;
}

static bool port_open(void *self, uint32_t shard, struct store_shard *state, struct err *e) {
    struct view *v = view_of(self);
    if (shard >= PLAIN_STORE_MAX_SHARDS)
        return err_set(e, ERR_REFUSED, "memory", "partition %u: at most %d partitions a topic can be stored",
                       (unsigned)shard, PLAIN_STORE_MAX_SHARDS);
    struct shard *s = &v->ps->shards[shard];
    MUST(s->owner != v->worker + 1);
    if (s->owner)
        return err_set(e, ERR_UNAVAILABLE, "memory", "shard %u is still held by worker %u", (unsigned)shard,
                       s->owner - 1);
    s->owner = v->worker + 1;
    *state = s->state;
    return true;
}

static void port_close(void *self, uint32_t shard) {
    struct shard *s = owned(view_of(self), shard);
    s->owner = 0;
    s->building = false;
    clear(&s->build);
}

static bool port_load(void *self, uint32_t shard, const struct bytes *keys, size_t n, struct bytes *values,
                      struct err *e) {
    struct view *v = view_of(self);
    struct shard *s = owned(v, shard);
    (void)e;
    arena_reset(v->lent);
    for (size_t i = 0; i < n; i++) {
        struct bytes found;
        MUST(keys[i].n > 0 && keys[i].n <= CHANGELOG_MAX_KEY);
        values[i] = (struct bytes){NULL, 0};
        if (plain_map_get(&s->now.leads, keys[i], &found))
            values[i] = (struct bytes){arena_copy(v->lent, found.at, found.n), found.n};
    }
    return true;
}

static struct bytes timer_key(int64_t due, struct bytes key, uint8_t *buffer) {
    struct writer w = writer_of(buffer, MAX_TIMER);
    writer_u64be(&w, (uint64_t)due ^ UINT64_C(1) << 63);
    writer_bytes(&w, key.at, key.n);
    MUST(w.ok);
    return writer_done(&w);
}

static void apply(struct tables *t, const struct store_put *p, bool timers_stay) {
    uint8_t buffer[MAX_TIMER];
    MUST(p->key.n > 0 && p->key.n <= CHANGELOG_MAX_KEY);
    if (p->value.at)
        plain_map_put(&t->leads, p->key, p->value);
    else
        plain_map_remove(&t->leads, p->key);
    if (p->due == p->old_due && timers_stay)
        return;
    if (p->old_due != LEAD_NO_DUE)
        plain_map_remove(&t->timers, timer_key(p->old_due, p->key, buffer));
    if (p->due != LEAD_NO_DUE)
        plain_map_put(&t->timers, timer_key(p->due, p->key, buffer), (struct bytes){NULL, 0});
}

static bool port_write(void *self, uint32_t shard, const struct store_put *puts, size_t n,
                       const struct store_shard *state, struct err *e) {
    struct shard *s = owned(view_of(self), shard);
    (void)e;
    MUST(!s->building);
    for (size_t i = 0; i < n; i++)
        apply(&s->now, &puts[i], true);
    s->state = *state;
    s->state.known = true;
    return true;
}

static bool port_due(void *self, uint32_t shard, int64_t until, struct store_due *out, size_t max, size_t *n,
                     struct err *e) {
    struct view *v = view_of(self);
    struct shard *s = owned(v, shard);
    struct bytes at = {NULL, 0};
    (void)e;
    arena_reset(v->lent);
    for (*n = 0; *n < max && plain_map_next(&s->now.timers, at, *n > 0, &at); (*n)++) {
        struct reader r = reader_of(at);
        int64_t due = (int64_t)(reader_u64be(&r) ^ UINT64_C(1) << 63);
        struct bytes key = reader_bytes(&r, reader_left(&r));
        if (due > until)
            break;
        out[*n] = (struct store_due){due, {arena_copy(v->lent, key.at, key.n), key.n}};
    }
    return true;
}

static bool port_build(void *self, uint32_t shard, struct err *e) {
    struct shard *s = owned(view_of(self), shard);
    (void)e;
    clear(&s->build);
    s->building = true;
    return true;
}

static bool port_build_put(void *self, uint32_t shard, const struct store_put *puts, size_t n, struct err *e) {
    struct shard *s = owned(view_of(self), shard);
    (void)e;
    MUST(s->building);
    for (size_t i = 0; i < n; i++)
        apply(&s->build, &puts[i], false);
    return true;
}

static bool port_build_done(void *self, uint32_t shard, const struct store_shard *state, struct err *e) {
    struct shard *s = owned(view_of(self), shard);
    (void)e;
    MUST(s->building);
    clear(&s->now);
    s->now = s->build;
    s->build = (struct tables){{NULL, 0}, {NULL, 0}};
    s->building = false;
    s->state = *state;
    s->state.known = true;
    return true;
}

static void port_erasure_key(void *self, struct bytes lead, uint8_t out[ERASURE_HASH]) {
    erasure_hash(view_of(self)->ps->erasure, lead, out);
}

struct store plain_store_port(struct plain_store *ps, unsigned worker) {
    MUST(ps->magic == MAGIC && worker < PLAIN_STORE_MAX_WORKERS);
    struct view *v = &ps->views[worker];
    if (!v->lent)
        *v = (struct view){VIEW_MAGIC, worker, ps, arena_new(MAX_LENT)};
    return (struct store){v,        port_open,  port_close,     port_load,       port_write,
                          port_due, port_build, port_build_put, port_build_done, port_erasure_key};
}

size_t plain_store_count(const struct plain_store *ps, uint32_t shard) {
    MUST(shard < PLAIN_STORE_MAX_SHARDS);
    return ps->shards[shard].now.leads.n;
}

size_t plain_store_timers(const struct plain_store *ps, uint32_t shard) {
    MUST(shard < PLAIN_STORE_MAX_SHARDS);
    return ps->shards[shard].now.timers.n;
}
