/* Timers of leads that are in memory and not on disk as they are: a binary heap by (due, lead).
 *
 * An entry knows its place (heap_at), so that it can be moved or taken out when its lead's due changes. */
#ifndef LEADSTREAM_TIMERS_H
#define LEADSTREAM_TIMERS_H

#include "engine/cache.h"

struct timers {
    struct cache_entry **at; /* at[1] is the earliest */
    uint32_t n, cap;
};

void timers_fini(struct timers *timers);
/* All entries are forgotten (they are about to be dropped from the cache). */
void timers_clear(struct timers *timers);
/* Puts the entry where its lead's due says; takes it out if that is LEAD_NO_DUE. */
void timers_update(struct timers *timers, struct cache_entry *entry);
void timers_remove(struct timers *timers, struct cache_entry *entry);
/* The earliest entry, NULL if there is none. */
static inline struct cache_entry *timers_first(const struct timers *timers) {
    return timers->n ? timers->at[1] : NULL;
}

#endif
