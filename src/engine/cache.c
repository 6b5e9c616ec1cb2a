/* The table of leads: open addressing with linear probing over (tag, entry number), entries in blocks that never move,
 * keys and memory from a slab. Deleting shifts the followers back, so that there are no tombstones to clean up. */
#include "base/guard.h"
#include "engine/cache.h"
#include "engine/slab.h"

#include <stdlib.h>

enum { BLOCK_BITS = 10, BLOCK_ENTRIES = 1 << BLOCK_BITS, MAX_BLOCKS = 1 << 15, FIRST_SLOTS = 1024 };
#define NO_ENTRY UINT32_MAX

struct slot {
    uint32_t tag;
    uint32_t entry; /* NO_ENTRY: empty */
};

struct cache {
    const struct model *model;
    struct slab *slab;
    struct lead_room room;
    size_t limit;
    struct slot *slots;
    size_t n_slots; /* a power of two */
    struct cache_entry *blocks[MAX_BLOCKS];
    uint32_t n_made; /* entries in blocks, used or free */
    uint32_t n_used;
    uint32_t hand;
    uint32_t *free; /* numbers of free entries */
    uint32_t n_free, cap_free;
};

static uint8_t *room_resize(void *self, uint8_t *old, size_t keep, size_t need, size_t *cap) {
    struct cache *cache = self;
    size_t old_cap = *cap;
    uint8_t *piece = NULL;
    if (need) {
        piece = slab_take(cache->slab, need, cap);
        if (keep)
            memcpy(piece, old, keep);
    }
    if (old)
        slab_give(cache->slab, old, old_cap);
    return piece;
}

static struct slot *slots_new(size_t n) {
    struct slot *slots = malloc(n * sizeof *slots);
    MUST(slots != NULL);
    for (size_t i = 0; i < n; i++)
        slots[i].entry = NO_ENTRY;
    return slots;
}

struct cache *cache_new(const struct model *model, size_t bytes) {
    struct cache *cache = calloc(1, sizeof *cache);
    MUST(cache != NULL);
    cache->model = model;
    cache->slab = slab_new();
    cache->room = (struct lead_room){cache, room_resize};
    cache->limit = bytes;
    cache->n_slots = FIRST_SLOTS;
    cache->slots = slots_new(FIRST_SLOTS);
    return cache;
}

static struct cache_entry *entry_at(const struct cache *cache, uint32_t index) {
    return &cache->blocks[index >> BLOCK_BITS][index & (BLOCK_ENTRIES - 1)];
}

void cache_free(struct cache **cache) {
    if (!*cache)
        return;
    struct cache *c = *cache;
    for (uint32_t i = 0; i < c->n_made; i++)
        if (entry_at(c, i)->used)
            lead_fini(&entry_at(c, i)->lead);
    for (size_t i = 0; i < MAX_BLOCKS && c->blocks[i]; i++)
        free(c->blocks[i]);
    slab_free(&c->slab);
    free(c->slots);
    free(c->free);
    free(c);
    *cache = NULL;
}

static uint32_t tag_of(uint32_t shard, struct bytes lead) {
    uint64_t h = event_hash(lead) ^ (uint64_t)shard * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h ^ h >> 32);
}

static bool entry_is(const struct cache_entry *entry, uint32_t shard, struct bytes lead) {
    return entry->shard == shard && bytes_equal(entry->lead.key, lead);
}

struct cache_entry *cache_find(struct cache *cache, uint32_t shard, struct bytes lead) {
    uint32_t tag = tag_of(shard, lead);
    for (size_t i = tag & (cache->n_slots - 1);; i = (i + 1) & (cache->n_slots - 1)) {
        struct slot s = cache->slots[i];
        if (s.entry == NO_ENTRY)
            return NULL;
        if (s.tag != tag)
            continue;
        struct cache_entry *entry = entry_at(cache, s.entry);
        if (entry_is(entry, shard, lead)) {
            entry->referenced = true;
            return entry;
        }
    }
}

static void slot_put(struct slot *slots, size_t n, struct slot s) {
    size_t i = s.tag & (n - 1);
    while (slots[i].entry != NO_ENTRY)
        i = (i + 1) & (n - 1);
    slots[i] = s;
}

static void grow_slots(struct cache *cache) {
    struct slot *slots = slots_new(cache->n_slots * 2);
    for (size_t i = 0; i < cache->n_slots; i++)
        if (cache->slots[i].entry != NO_ENTRY)
            slot_put(slots, cache->n_slots * 2, cache->slots[i]);
    free(cache->slots);
    cache->slots = slots;
    cache->n_slots *= 2;
}

static uint32_t entry_take(struct cache *cache) {
    if (cache->n_free)
        return cache->free[--cache->n_free];
    uint32_t index = cache->n_made;
    size_t block = index >> BLOCK_BITS;
    MUST(block < MAX_BLOCKS);
    if (!cache->blocks[block]) {
        cache->blocks[block] = calloc(BLOCK_ENTRIES, sizeof(struct cache_entry));
        MUST(cache->blocks[block] != NULL);
    }
    cache->n_made++;
    return index;
}

struct cache_entry *cache_add(struct cache *cache, uint32_t shard, struct bytes lead) {
    MUST(lead.n > 0 && lead.n <= EVENT_MAX_LEAD);
    if ((size_t)(cache->n_used + 1) * 10 > cache->n_slots * 7)
        grow_slots(cache);
    uint32_t index = entry_take(cache), tag = tag_of(shard, lead);
    struct cache_entry *entry = entry_at(cache, index);
    memset(entry, 0, sizeof *entry);
    size_t cap;
    uint8_t *key = slab_take(cache->slab, lead.n, &cap);
    memcpy(key, lead.at, lead.n);
    lead_init(&entry->lead, &cache->room, (struct bytes){key, lead.n}, cache->model);
    entry->index = index;
    entry->tag = tag;
    entry->shard = shard;
    entry->disk_due = LEAD_NO_DUE;
    entry->used = entry->referenced = true;
    slot_put(cache->slots, cache->n_slots, (struct slot){tag, index});
    cache->n_used++;
    return entry;
}

/* Empties slot i and moves back those behind it that would no longer be found. */
static void slot_clear(struct cache *cache, size_t i) {
    size_t mask = cache->n_slots - 1;
    for (size_t j = (i + 1) & mask; cache->slots[j].entry != NO_ENTRY; j = (j + 1) & mask) {
        size_t home = cache->slots[j].tag & mask;
        if (((j - home) & mask) >= ((j - i) & mask)) {
            cache->slots[i] = cache->slots[j];
            i = j;
        }
    }
    cache->slots[i].entry = NO_ENTRY;
}

void cache_drop(struct cache *cache, struct cache_entry *entry) {
    size_t mask = cache->n_slots - 1, i = entry->tag & mask;
    while (cache->slots[i].entry != entry->index) {
        MUST(cache->slots[i].entry != NO_ENTRY);
        i = (i + 1) & mask;
    }
    slot_clear(cache, i);
    union {
        const uint8_t *lent;
        void *owned;
    } key = {.lent = entry->lead.key.at};
    size_t n = entry->lead.key.n;
    lead_fini(&entry->lead);
    slab_give(cache->slab, key.owned, slab_size(cache->slab, n));
    entry->used = false;
    if (cache->n_free == cache->cap_free) {
        cache->cap_free = cache->cap_free ? cache->cap_free * 2 : 1024;
        cache->free = realloc(cache->free, cache->cap_free * sizeof *cache->free);
        MUST(cache->free != NULL);
    }
    cache->free[cache->n_free++] = entry->index;
    cache->n_used--;
}

void cache_drop_shard(struct cache *cache, uint32_t shard) {
    for (uint32_t i = 0; i < cache->n_made; i++) {
        struct cache_entry *entry = entry_at(cache, i);
        if (entry->used && entry->shard == shard)
            cache_drop(cache, entry);
    }
}

bool cache_shrink(struct cache *cache) {
    uint64_t tries = (uint64_t)cache->n_made * 2; /* twice round: the first takes the second chances away */
    for (; cache_bytes(cache) > cache->limit && tries; tries--) {
        cache->hand = cache->hand + 1 < cache->n_made ? cache->hand + 1 : 0;
        struct cache_entry *entry = entry_at(cache, cache->hand);
        if (!entry->used || (GUARD(unwritten_stay) && (entry->touched || entry->unwritten)))
            continue;
        if (entry->referenced)
            entry->referenced = false;
        else
            cache_drop(cache, entry);
    }
    return cache_bytes(cache) <= cache->limit;
}

size_t cache_bytes(const struct cache *cache) {
    return slab_used(cache->slab) + (size_t)cache->n_used * sizeof(struct cache_entry) +
           cache->n_slots * sizeof *cache->slots;
}

size_t cache_entries(const struct cache *cache) {
    return cache->n_used;
}
