/* A set of schemas under their ids and fingerprints. Readers never wait: a table is an array of atomic slots that only
 * fill up; one that is too full is copied into a larger one, and the old stays until the set ends, for those who are
 * still looking at it (all old tables together are smaller than the newest).
 *
 * The canonical form leaves logical types out, so two schemas of one fingerprint may read a time differently: what is
 * "the same schema" is decided by the full form, and a fingerprint names the first that came. */
#include "codec/schema.h"
#include "codec/schema_tree.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 64 };
#define ARENA_LIMIT ((size_t)16 * 1024 * 1024)

struct schema {
    const struct schema_node *root;
    struct bytes canonical, full;
    uint64_t fingerprint;
    struct arena *arena;
    struct schema *next; /* all of the set */
};

struct entry {
    uint64_t key;
    const struct schema *schema;
};

struct table {
    size_t n_slots; /* a power of two */
    size_t used;    /* under the lock */
    struct table *older;
    struct slot {
        _Atomic(const struct entry *) entry;
    } slots[];
};

struct schemas {
    pthread_mutex_t lock;
    _Atomic(struct table *) ids, fingerprints;
    struct schema *first; /* under the lock, as is n */
    size_t n;
};

static struct table *table_new(size_t n_slots, struct table *older) {
    struct table *t = calloc(1, sizeof *t + n_slots * sizeof t->slots[0]);
    MUST(t != NULL);
    t->n_slots = n_slots;
    t->older = older;
    return t;
}

struct schemas *schemas_new(void) {
    struct schemas *s = calloc(1, sizeof *s);
    MUST(s != NULL && pthread_mutex_init(&s->lock, NULL) == 0);
    atomic_init(&s->ids, table_new(FIRST_SLOTS, NULL));
    atomic_init(&s->fingerprints, table_new(FIRST_SLOTS, NULL));
    return s;
}

static void schema_free(struct schema *schema) {
    arena_free(&schema->arena);
    free(schema);
}

/* Entries are shared by a table and those older than it: the newest has them all. */
static void table_free(struct table *t) {
    for (size_t i = 0; i < t->n_slots; i++) {
        const struct entry *entry = atomic_load(&t->slots[i].entry);
        free((void *)(uintptr_t)entry);
    }
    while (t) {
        struct table *older = t->older;
        free(t);
        t = older;
    }
}

void schemas_free(struct schemas **schemas) {
    struct schemas *s = *schemas;
    if (!s)
        return;
    table_free(atomic_load(&s->ids));
    table_free(atomic_load(&s->fingerprints));
    while (s->first) {
        struct schema *next = s->first->next;
        schema_free(s->first);
        s->first = next;
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
    *schemas = NULL;
}

/* ---- tables ---- */

/* The slot where the key is or would be. */
static struct slot *table_slot(struct table *t, uint64_t key) {
    size_t i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
    for (;; i++) {
        struct slot *slot = &t->slots[i & (t->n_slots - 1)];
        const struct entry *entry = atomic_load_explicit(&slot->entry, memory_order_acquire);
        if (!entry || entry->key == key)
            return slot;
    }
}

static const struct schema *table_find(struct table *t, uint64_t key) {
    const struct entry *entry = atomic_load_explicit(&table_slot(t, key)->entry, memory_order_acquire);
    return entry ? entry->schema : NULL;
}

/* A key that is not there yet; under the lock. */
static void table_put(_Atomic(struct table *) *at, uint64_t key, const struct schema *schema) {
    struct table *t = atomic_load(at);
    if (t->used >= t->n_slots / 2) {
        struct table *larger = table_new(t->n_slots * 2, t);
        for (size_t i = 0; i < t->n_slots; i++) {
            const struct entry *entry = atomic_load(&t->slots[i].entry);
            if (entry)
                atomic_store(&table_slot(larger, entry->key)->entry, entry);
        }
        larger->used = t->used;
        atomic_store_explicit(at, larger, memory_order_release);
        t = larger;
    }
    struct entry *entry = malloc(sizeof *entry);
    MUST(entry != NULL);
    *entry = (struct entry){key, schema};
    atomic_store_explicit(&table_slot(t, key)->entry, entry, memory_order_release);
    t->used++;
}

const struct schema *schemas_by_id(const struct schemas *schemas, int64_t id) {
    return id < 0 ? NULL : table_find(atomic_load_explicit(&schemas->ids, memory_order_acquire), (uint64_t)id);
}

const struct schema *schemas_by_fingerprint(const struct schemas *schemas, uint64_t fingerprint) {
    return table_find(atomic_load_explicit(&schemas->fingerprints, memory_order_acquire), fingerprint);
}

/* ---- adding ---- */

/* Prints a form of the schema into its arena, by way of `room`. */
static bool print(struct schema *schema, bool full, uint8_t *room, struct bytes *out) {
    struct writer w = writer_of(room, SCHEMA_MAX_TEXT);
    schema_print(&w, schema->root, full);
    *out = writer_done(&w);
    out->at = arena_copy(schema->arena, out->at, out->n);
    return w.ok && out->at;
}

/* A schema of its own, in no set yet. */
static struct schema *schema_new(const struct bytes *texts, size_t n, struct err *e) {
    struct schema *schema = calloc(1, sizeof *schema);
    uint8_t *room = malloc(SCHEMA_MAX_TEXT);
    MUST(schema != NULL && room != NULL);
    schema->arena = arena_new(ARENA_LIMIT);
    schema->root = schema_parse(texts, n, schema->arena, e);
    bool ok = schema->root != NULL;
    if (ok && !(print(schema, false, room, &schema->canonical) && print(schema, true, room, &schema->full)))
        ok = err_set(e, ERR_TOO_LARGE, NULL, "schema: its canonical form is larger than %d bytes", SCHEMA_MAX_TEXT);
    free(room);
    if (!ok) {
        schema_free(schema);
        return NULL;
    }
    schema->fingerprint = schema_crc(schema->canonical);
    return schema;
}

/* The set's own schema that is like this one, or NULL; under the lock. */
static struct schema *find_like(const struct schemas *schemas, const struct schema *schema) {
    for (struct schema *other = schemas->first; other; other = other->next)
        if (other->fingerprint == schema->fingerprint && bytes_equal(other->full, schema->full))
            return other;
    return NULL;
}

/* Takes `fresh` into the set, or frees it for the one that is there; under the lock. */
static const struct schema *take_in(struct schemas *schemas, struct schema *fresh, int64_t id, struct err *e) {
    struct schema *schema = find_like(schemas, fresh);
    if (schema) {
        schema_free(fresh);
    } else if (schemas->n == SCHEMA_MAX_SET) {
        schema_free(fresh);
        err_set(e, ERR_TOO_LARGE, NULL, "more than %d schemas", SCHEMA_MAX_SET);
        return NULL;
    } else {
        schema = fresh;
        schema->next = schemas->first;
        schemas->first = schema;
        schemas->n++;
        if (!schemas_by_fingerprint(schemas, schema->fingerprint))
            table_put(&schemas->fingerprints, schema->fingerprint, schema);
    }
    const struct schema *named = schemas_by_id(schemas, id);
    if (named && named != schema) {
        err_set(e, ERR_SCHEMA, NULL, "schema id %lld already names another schema: was the registry made anew?",
                (long long)id);
        return NULL;
    }
    if (id >= 0 && !named)
        table_put(&schemas->ids, (uint64_t)id, schema);
    return schema;
}

const struct schema *schemas_add_all(struct schemas *schemas, const struct bytes *texts, size_t n, int64_t id,
                                     struct err *e) {
    struct schema *fresh = schema_new(texts, n, e);
    if (!fresh)
        return NULL;
    pthread_mutex_lock(&schemas->lock);
    const struct schema *schema = take_in(schemas, fresh, id, e);
    pthread_mutex_unlock(&schemas->lock);
    return schema;
}

const struct schema *schemas_add(struct schemas *schemas, struct bytes json, int64_t id, struct err *e) {
    return schemas_add_all(schemas, &json, 1, id, e);
}

/* ---- one schema ---- */

uint64_t schema_fingerprint(const struct schema *schema) {
    return schema->fingerprint;
}

struct bytes schema_canonical(const struct schema *schema) {
    return schema->canonical;
}

struct bytes schema_name(const struct schema *schema) {
    return schema->root->name;
}

const struct schema_node *schema_root(const struct schema *schema) {
    return schema->root;
}
