/* Leads in memory, decoded: a hash table by (shard, lead) in front of the store.
 *
 * An entry that the store does not hold as it is (touched in this batch, or committed and not yet written) stays; the
 * others go by second chance when the cache is above its bytes. Entries never move while they are in the cache. */
#ifndef LEADSTREAM_CACHE_H
#define LEADSTREAM_CACHE_H

#include <leadstream/lead.h>

struct cache_entry {
    struct lead lead;                   /* key and memory are the cache's */
    struct cache_entry *older, *newer;  /* neighbours in the shard's list of unwritten leads (engine/shard.h) */
    int64_t since;                      /* unwritten: the changelog's end before its first unwritten change */
    int64_t dirty_at;                   /* unwritten: when that was (monotonic ms) */
    int64_t disk_due;                   /* the timer that the store has for it, LEAD_NO_DUE: none */
    uint32_t shard;
    uint32_t tag;                       /* low bits of the key's hash */
    uint32_t index;                     /* the cache's own number of the entry */
    uint32_t heap_at;                   /* place in the shard's timers, 0: not there (engine/timers.h) */
    bool used;                          /* the entry holds a lead */
    bool referenced;                    /* second chance */
    bool touched;                       /* changed in the batch that is open */
    bool unwritten;                     /* the store does not have it as it is */
    bool urgent;                        /* to be written right after the commit: its timer on disk has fired */
    bool erasing;                       /* an erasure of it is to be remembered by the next changelog record */
    bool erasing_store;                 /* the same, by the next write to the store */
};

struct cache;

struct cache *cache_new(const struct model *model, size_t bytes);
void cache_free(struct cache **cache);

/* NULL: not there. */
struct cache_entry *cache_find(struct cache *cache, uint32_t shard, struct bytes lead);
/* A new entry for a lead that is not there, its lead empty. */
struct cache_entry *cache_add(struct cache *cache, uint32_t shard, struct bytes lead);
/* The entry goes; it must not be in a list or among timers. */
void cache_drop(struct cache *cache, struct cache_entry *entry);
/* Every entry of a shard, written or not, goes. */
void cache_drop_shard(struct cache *cache, uint32_t shard);
/* Clean entries go until the cache is within its bytes. False: too many are not clean. No entry pointer that the caller
 * holds to a clean entry survives. */
bool cache_shrink(struct cache *cache);
/* Bytes used, tables included; entries. */
size_t cache_bytes(const struct cache *cache);
size_t cache_entries(const struct cache *cache);

#endif
