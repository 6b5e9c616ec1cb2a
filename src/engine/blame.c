/* What of the input is to blame should the process fail now; whoever handles the crash finds it in the options' place.
 *
 * While an event is applied that is clear. Where leads of a slice are loaded, or those of a batch written to the
 * changelog, it may be any item of many: then it is only noted that it was in the batch. A start that knows of such a
 * crash takes items one by one up to that batch's last, each with a transaction of its own and no timers in it, so that
 * the next crash has one item to blame.
 *
 * A batch holds items of several shards, and of a shard's topics; how far it came in one partition says nothing of the
 * others, in which the next start may be slower or be given records in another order. So the last of each is noted. */
#include "engine/shard.h"

#include <stdlib.h>

static volatile struct engine_place *part_of(struct engine *engine, const struct intake *item) {
    for (size_t i = 0; i < engine->n_parts; i++)
        if (engine->parts[i].shard == item->shard && engine->parts[i].topic == item->topic)
            return &engine->parts[i];
    if (engine->n_parts == engine->cap_parts) {
        engine->cap_parts = engine->cap_parts ? engine->cap_parts * 2 : 16;
        engine->parts = realloc((void *)(uintptr_t)engine->parts, engine->cap_parts * sizeof *engine->parts);
        MUST(engine->parts != NULL);
    }
    return &engine->parts[engine->n_parts++];
}

void blame_took(struct engine *engine, const struct intake *const *items, size_t n) {
    const struct intake *last[ENGINE_MAX_TOPICS] = {NULL};
    for (size_t i = 0; i < n; i++)
        last[items[i]->topic] = items[i];
    for (size_t t = 0; t < engine->n_topics; t++)
        if (last[t])
            *part_of(engine, last[t]) = blame_place(last[t]);
}

static void set(struct engine *engine, struct engine_place at, uint32_t index) {
    volatile struct engine_place *place = engine->o.place;
    place->topic = at.topic;
    place->shard = at.shard;
    place->index = index;
    place->offset = at.offset;
    place->lead = at.lead;
    place->n_parts = index == ENGINE_WHOLE_BATCH ? engine->n_parts : 0;
    place->parts = engine->parts;
    place->busy = true;
}

struct engine_place blame_place(const struct intake *item) {
    return (struct engine_place){.busy = true,
                                 .topic = item->topic,
                                 .shard = item->shard,
                                 .index = item->index,
                                 .offset = item->offset};
}

void blame_item(struct engine *engine, const struct intake *item) {
    set(engine, blame_place(item), item->index);
}

void blame_items(struct engine *engine, struct engine_place last, size_t n) {
    if (!blame_careful(engine))
        set(engine, last, ENGINE_WHOLE_BATCH);
    else
        set(engine, last, n == 1 ? last.index : ENGINE_WHOLE_RECORD); /* then they are entries of one record */
}

void blame_timer(struct engine *engine, const struct cache_entry *entry) {
    const struct engine_place at = {
        .shard = entry->shard, .offset = entry->lead.d.due, .lead = event_hash(entry->lead.key)};
    set(engine, at, ENGINE_TIMER);
}

void blame_none(struct engine *engine) {
    engine->o.place->busy = false;
}

static bool is_live(const struct engine *engine, uint32_t number) {
    for (size_t i = 0; i < engine->n_shards; i++)
        if (engine->shards[i]->number == number)
            return engine->shards[i]->phase == SHARD_LIVE;
    return false;
}

/* Is there a batch that a crash was in, and that is not behind us yet (condemned_passed)? */
bool blame_careful(const struct engine *engine) {
    for (size_t i = 0; i < engine->n_condemned; i++)
        if (engine->condemned[i].index == ENGINE_WHOLE_BATCH && is_live(engine, engine->condemned[i].shard))
            return true;
    return false;
}

size_t blame_limit(const struct engine *engine) {
    return blame_careful(engine) ? 1 : engine->o.max_events;
}
