/* A binary heap that starts at 1, so that heap_at == 0 can mean "not there". Equal due times go by key, so that timers
 * fire in one order wherever the leads happen to be in memory. */
#include "engine/timers.h"

#include <stdlib.h>

static bool before(const struct cache_entry *a, const struct cache_entry *b) {
    if (a->lead.d.due != b->lead.d.due)
        return a->lead.d.due < b->lead.d.due;
    return bytes_compare(a->lead.key, b->lead.key) < 0;
}

static void place(struct timers *timers, uint32_t i, struct cache_entry *entry) {
    timers->at[i] = entry;
    entry->heap_at = i;
}

static void up(struct timers *timers, uint32_t i) {
    struct cache_entry *entry = timers->at[i];
    for (; i > 1 && before(entry, timers->at[i / 2]); i /= 2)
        place(timers, i, timers->at[i / 2]);
    place(timers, i, entry);
}

static void down(struct timers *timers, uint32_t i) {
    struct cache_entry *entry = timers->at[i];
    for (uint32_t child; (child = i * 2) <= timers->n; i = child) {
        if (child < timers->n && before(timers->at[child + 1], timers->at[child]))
            child++;
        if (!before(timers->at[child], entry))
            break;
        place(timers, i, timers->at[child]);
    }
    place(timers, i, entry);
}

void timers_fini(struct timers *timers) {
    free(timers->at);
    *timers = (struct timers){NULL, 0, 0};
}

void timers_clear(struct timers *timers) {
    for (uint32_t i = 1; i <= timers->n; i++)
        timers->at[i]->heap_at = 0;
    timers->n = 0;
}

void timers_remove(struct timers *timers, struct cache_entry *entry) {
    uint32_t i = entry->heap_at;
    if (!i)
        return;
    MUST(i <= timers->n && timers->at[i] == entry);
    entry->heap_at = 0;
    struct cache_entry *last = timers->at[timers->n--];
    if (last == entry)
        return;
    place(timers, i, last);
    up(timers, i);
    down(timers, last->heap_at);
}

void timers_update(struct timers *timers, struct cache_entry *entry) {
    if (entry->lead.d.due == LEAD_NO_DUE) {
        timers_remove(timers, entry);
        return;
    }
    if (!entry->heap_at) {
        if (timers->n + 1 >= timers->cap) {
            timers->cap = timers->cap ? timers->cap * 2 : 256;
            timers->at = realloc(timers->at, timers->cap * sizeof(struct cache_entry *));
            MUST(timers->at != NULL);
        }
        place(timers, ++timers->n, entry);
    }
    up(timers, entry->heap_at);
    down(timers, entry->heap_at);
}
