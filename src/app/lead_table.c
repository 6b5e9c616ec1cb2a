/* All leads in memory: an open-addressing table of numbers beside the keys' hashes (a probe rarely touches a lead), and
 * leads in blocks that never move, so that records can name their lead by pointer. */
#include "app/lead_table.h"

#include <stdlib.h>

enum { BLOCK = 1024 };            /* leads */
#define KEYS ((size_t)256 * 1024) /* bytes of keys taken from the heap at once */
#define EMPTY UINT32_MAX

struct slot {
    uint32_t number;
    uint32_t tag; /* high half of the key's hash */
};

struct lead_table {
    const struct model *model;
    struct slot *slots;
    size_t mask;
    size_t n;
    struct lead **blocks;
    uint8_t **keys; /* blocks of keys */
    size_t n_keys;
    size_t key_at; /* in the last of them */
};

static void grow(struct lead_table *table);
static struct lead *add(struct lead_table *table, struct bytes key);
static void *grown(void *old, size_t n);

struct lead_table *lead_table_new(const struct model *model) {
    struct lead_table *table = calloc(1, sizeof *table);
    MUST(table != NULL);
    table->model = model;
    table->key_at = KEYS;
    grow(table);
    return table;
}

void lead_table_free(struct lead_table **table) {
    struct lead_table *t = *table;
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        lead_fini(lead_table_at(t, i));
    for (size_t i = 0; i * BLOCK < t->n; i++)
        free(t->blocks[i]);
    for (size_t i = 0; i < t->n_keys; i++)
        free(t->keys[i]);
    free(t->blocks);
    free(t->keys);
    free(t->slots);
    free(t);
    *table = NULL;
}

struct lead *lead_table_get(struct lead_table *table, struct bytes key) {
    uint64_t hash = event_hash(key);
    uint32_t tag = (uint32_t)(hash >> 32);
    size_t at = hash & table->mask;
    for (; table->slots[at].number != EMPTY; at = (at + 1) & table->mask) {
        if (table->slots[at].tag != tag)
            continue;
        struct lead *lead = lead_table_at(table, table->slots[at].number);
        if (bytes_equal(lead->key, key))
            return lead;
    }
    MUST(table->n < EMPTY);
    table->slots[at] = (struct slot){(uint32_t)table->n, tag};
    struct lead *lead = add(table, key);
    if (table->n * 2 > table->mask)
        grow(table);
    return lead;
}

size_t lead_table_count(const struct lead_table *table) {
    return table->n;
}

struct lead *lead_table_at(struct lead_table *table, size_t number) {
    MUST(number < table->n);
    return &table->blocks[number / BLOCK][number % BLOCK];
}

/* Doubles the slots and puts every lead into its new one. */
static void grow(struct lead_table *table) {
    size_t slots = table->slots ? (table->mask + 1) * 2 : 4096;
    free(table->slots);
    table->slots = grown(NULL, slots * sizeof *table->slots);
    table->mask = slots - 1;
    memset(table->slots, 0xff, slots * sizeof *table->slots); /* EMPTY */
    for (size_t i = 0; i < table->n; i++) {
        uint64_t hash = event_hash(lead_table_at(table, i)->key);
        size_t at = hash & table->mask;
        while (table->slots[at].number != EMPTY)
            at = (at + 1) & table->mask;
        table->slots[at] = (struct slot){(uint32_t)i, (uint32_t)(hash >> 32)};
    }
}

/* Keys lie one behind the other, in blocks of which only the last has room. */
static struct bytes keep_key(struct lead_table *table, struct bytes key) {
    MUST(key.n <= KEYS);
    if (key.n > KEYS - table->key_at) {
        table->keys = grown(table->keys, (table->n_keys + 1) * sizeof *table->keys);
        table->keys[table->n_keys++] = grown(NULL, KEYS);
        table->key_at = 0;
    }
    uint8_t *at = table->keys[table->n_keys - 1] + table->key_at;
    memcpy(at, key.at, key.n);
    table->key_at += key.n;
    return (struct bytes){at, key.n};
}

static struct lead *add(struct lead_table *table, struct bytes key) {
    if (table->n % BLOCK == 0) {
        table->blocks = grown(table->blocks, (table->n / BLOCK + 1) * sizeof *table->blocks);
        table->blocks[table->n / BLOCK] = grown(NULL, BLOCK * sizeof(struct lead));
    }
    table->n++;
    struct lead *lead = lead_table_at(table, table->n - 1);
    lead_init(lead, &lead_heap, keep_key(table, key), table->model);
    return lead;
}

static void *grown(void *old, size_t n) {
    void *p = realloc(old, n);
    MUST(p != NULL);
    return p;
}
