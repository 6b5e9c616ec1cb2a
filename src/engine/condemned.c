/* Items of the input that cannot be applied, though they are events; and timers that must not fire.
 *
 * Two ways lead here. The host knows before the start that applying an item ended the process, more than once. Or what
 * an event would publish turns out to be more than its topic takes: by then its lead is half changed, so the item is
 * condemned and the batch lost; read again, it is a dead letter and its lead as if it had never come.
 *
 * The list is short and nearly always empty. An item leaves it when its shard's committed offset has passed it; a timer
 * stays in it, for nobody asks for it again once the lead's next due time is another. */
#include "engine/shard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const struct engine_condemned *engine_condemned_find(const struct engine_condemned *list, size_t n, uint16_t topic,
                                                     uint32_t shard, int64_t offset, uint32_t index) {
    for (size_t i = 0; i < n; i++) {
        const struct engine_condemned *at = &list[i];
        if (at->offset == offset && at->shard == shard && at->topic == topic &&
            (at->index == index || at->index == ENGINE_WHOLE_RECORD))
            return at;
    }
    return NULL;
}

const struct err *condemned_why(const struct engine *engine, const struct intake *item) {
    if (!engine->n_condemned)
        return NULL;
    const struct engine_condemned *found = engine_condemned_find(engine->condemned, engine->n_condemned, item->topic,
                                                                 item->shard, item->offset, item->index);
    return found ? &found->why : NULL;
}

const struct err *condemned_timer(const struct engine *engine, const struct cache_entry *entry) {
    for (size_t i = 0; i < engine->n_condemned; i++) {
        const struct engine_condemned *at = &engine->condemned[i];
        if (at->index == ENGINE_TIMER && at->offset == entry->lead.d.due && at->shard == entry->shard &&
            at->lead == event_hash(entry->lead.key))
            return &at->why;
    }
    return NULL;
}

static void drop(struct engine *engine, size_t i) {
    engine->n_condemned--;
    memmove(&engine->condemned[i], &engine->condemned[i + 1],
            (engine->n_condemned - i) * sizeof engine->condemned[0]);
}

/* The first one goes where there is no room. A record with that many bad entries is condemned as a whole, or its own
 * first one would be applied again, for ever. */
static void make_room(struct engine *engine, struct engine_condemned *added) {
    if (engine->n_condemned < ENGINE_MAX_CONDEMNED)
        return;
    const struct engine_condemned *first = &engine->condemned[0];
    if (first->offset == added->offset && first->shard == added->shard && first->topic == added->topic)
        added->index = ENGINE_WHOLE_RECORD;
    drop(engine, 0);
}

void condemned_add(struct engine *engine, const struct intake *item, const struct err *why) {
    struct engine_condemned added = {
        .topic = item->topic, .shard = item->shard, .index = item->index, .offset = item->offset, .why = *why};
    struct bytes topic = engine->o.topics[item->topic];
    snprintf(added.why.where, sizeof added.why.where, "%.*s/%" PRIu32 "/%" PRId64, (int)topic.n,
             (const char *)topic.at, item->shard, item->offset);
    make_room(engine, &added);
    engine->condemned = realloc(engine->condemned, (engine->n_condemned + 1) * sizeof added);
    MUST(engine->condemned != NULL);
    engine->condemned[engine->n_condemned++] = added;
    engine->condemning = true;
}

void condemned_passed(struct engine *engine, const struct shard *shard) {
    for (size_t i = engine->n_condemned; i-- > 0;)
        if (engine->condemned[i].index != ENGINE_TIMER && engine->condemned[i].shard == shard->number &&
            engine->condemned[i].offset < shard->next[engine->condemned[i].topic])
            drop(engine, i);
}
