/* What brokers and their operators do to topics behind the program's back. */
#include "support/world_parts.h"

#include <stdlib.h>

void world_cut_changelog(struct world *world, uint32_t shard, size_t n) {
    struct log *log = &world->logs[shard];
    for (; n && log->n; n--) {
        struct entry *last = &log->at[--log->n];
        free(last->key);
        free(last->value);
    }
}

void world_expire_changelog(struct world *world, uint32_t shard) {
    struct log *log = &world->logs[shard];
    for (size_t i = 0; i < log->n; i++)
        log->at[i].fate = ABORTED;
    world->log_firsts[shard] = log->n;
}

void world_rebear_changelog(struct world *world, uint32_t shard) {
    struct log *log = &world->logs[shard];
    MUST(log->n && log->at[0].n_value == 16);
    log->at[0].value[0] ^= 1;
}

static bool same_key(const struct entry *a, const struct entry *b) {
    return !b->marker && b->fate == COMMITTED && a->n_key == b->n_key && !memcmp(a->key, b->key, a->n_key);
}

void world_compact_changelog(struct world *world, uint32_t shard) {
    struct log *log = &world->logs[shard];
    for (size_t i = 0; i < log->n; i++) {
        struct entry *entry = &log->at[i];
        if (entry->marker || entry->fate != COMMITTED)
            continue;
        bool last = !entry->tombstone;
        for (size_t j = i + 1; j < log->n && last; j++)
            last = !same_key(entry, &log->at[j]);
        if (!last)
            entry->fate = ABORTED;
    }
}

void world_expire_input(struct world *world, uint16_t topic, uint32_t shard, size_t first) {
    MUST(first <= world->inputs[topic][shard].n);
    world->firsts[topic][shard] = first;
}

void world_hide(struct world *world, uint16_t topic, bool hidden) {
    world->hidden[topic] = hidden;
}
