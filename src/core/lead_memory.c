/* A lead's memory as a block of bytes: what all rooms that change it share. The layout is in core/lead.c. */
#include "core/lead_layout.h"

#include <stdlib.h>

int64_t lead_newest(const struct lead *lead) {
    return lead->n ? (int64_t)lead_load64(lead->memory + LEAD_AT_NEWEST) : LEAD_NEVER;
}

uint64_t lead_events(const struct lead *lead) {
    return lead->n ? lead_load64(lead->memory + LEAD_AT_EVENTS) : 0;
}

void lead_splice(struct lead *lead, uint32_t at, uint32_t remove, uint32_t insert) {
    MUST(at + remove <= lead->n);
    uint32_t n = lead->n - remove + insert;
    if (n > lead->cap) {
        size_t cap = lead->cap;
        lead->memory = lead->room->resize(lead->room->self, lead->memory, lead->n, n, &cap);
        MUST(lead->memory && cap >= n && cap <= UINT32_MAX);
        lead->cap = (uint32_t)cap;
    }
    if (remove != insert)
        memmove(lead->memory + at + insert, lead->memory + at + remove, lead->n - at - remove);
    lead->n = n;
}

static uint8_t *heap_resize(void *self, uint8_t *old, size_t keep, size_t need, size_t *cap) {
    (void)self;
    (void)keep; /* realloc keeps all of it */
    if (!need) {
        free(old);
        *cap = 0;
        return NULL;
    }
    *cap = need + need / 2;
    uint8_t *memory = realloc(old, *cap);
    MUST(memory);
    return memory;
}

const struct lead_room lead_heap = {NULL, heap_resize};
