/* One batch: what one transaction holds.
 *
 * Events are taken as a replay takes them, the least (time, topic) among the heads of a shard's partitions; leads come
 * from the cache or by one load for a slice; records are published as they are decided. Leads are changed in place: if
 * the batch is lost, every lead in memory is dropped and read anew (resync), so nothing needs to be undone. Its end is in
 * commit.c. */
#include "base/guard.h"
#include "engine/shard.h"

#include <leadstream/lead_bytes.h>
#include <stdlib.h>

/* ---- the transaction ---- */

static bool begin(struct engine *engine, struct shard *shard, struct err *e) {
    shard->involved = true;
    if (engine->open)
        return true;
    if (!engine->o.sink->begin(engine->o.sink->self, e))
        return false;
    engine->open = true;
    engine->began = engine->mono;
    return true;
}

static void touch(struct engine *engine, struct shard *shard, struct cache_entry *entry) {
    if (!entry->touched) {
        if (engine->n_touched == engine->cap_touched) {
            engine->cap_touched = engine->cap_touched ? engine->cap_touched * 2 : 4096;
            engine->touched = realloc(engine->touched, engine->cap_touched * sizeof(struct cache_entry *));
            MUST(engine->touched != NULL);
        }
        entry->touched = true;
        engine->touched[engine->n_touched++] = entry;
    }
    writeback_mark(engine, shard, entry);
}

/* Publishes what was decided for a lead and remembers that it changed. */
static bool publish(struct engine *engine, struct shard *shard, struct cache_entry *entry,
                    const struct verdict *verdict, struct err *e) {
    const struct sink *sink = engine->o.sink;
    if (!verdict->changed) {
        MUST(!verdict->n_records);
        if (entry->unwritten || entry->lead.d.due != entry->disk_due)
            writeback_mark(engine, shard, entry);
        return true;
    }
    if (!begin(engine, shard, e))
        return false;
    for (size_t i = 0; i < verdict->n_records; i++) {
        if (!sink->emit(sink->self, &verdict->records[i], e))
            return false;
        engine->batch.changes += verdict->records[i].kind == RECORD_SCORE_CHANGED;
        engine->batch.ready += verdict->records[i].kind == RECORD_SALES_READY;
        engine->batch_timed += verdict->records[i].trigger == TRIGGER_TIME;
    }
    if (verdict->fate == FATE_ERASED) {
        entry->erasing = entry->erasing_store = true;
        engine->batch.erased++;
        if (!sink->forget(sink->self, entry->lead.key, e))
            return false;
    }
    touch(engine, shard, entry);
    return true;
}

/* ---- events ---- */

/* An event before another: bad items first (they wait for nothing), then by time; equal ones by topic. */
static bool item_before(const struct intake *a, const struct intake *b) {
    if (a->bad || b->bad)
        return a->bad && !b->bad;
    return a->event.time < b->event.time;
}

static void note_taken(struct engine *engine, struct shard *shard, const struct intake *item) {
    uint16_t t = item->topic;
    engine->mid_record = !item->last;
    engine->mid_topic = t;
    engine->mid_shard = shard->number;
    shard->took |= UINT32_C(1) << t;
    if (item->timestamp >= shard->live_since)
        shard->behind &= ~(UINT32_C(1) << t);
    if (item->last)
        shard->next[t] = item->offset + 1;
    if (!item->bad && item->event.time > shard->newest[t] && !condemned_why(engine, item))
        shard->newest[t] = item->event.time;
}

/* The topic to take from next: the rest of an array first (the source may want a release() before it gives more of it);
 * -1: nothing can be taken now. */
static int choose(const struct engine *engine, const struct shard *shard, const enum source_head *states,
                  const struct intake *const *heads) {
    if (engine->mid_record && engine->mid_shard == shard->number)
        return states[engine->mid_topic] == SOURCE_ITEM ? engine->mid_topic : -1;
    int best = -1;
    for (size_t t = 0; t < engine->n_topics; t++) {
        if (GUARD(order_waits) && states[t] == SOURCE_EMPTY)
            return -1;
        if (states[t] == SOURCE_ITEM && (best < 0 || item_before(heads[t], heads[best])))
            best = (int)t;
    }
    return best;
}

/* Takes up to a slice of items, in order. */
static size_t gather(struct engine *engine, struct shard *shard) {
    const struct source *source = engine->o.source;
    const struct intake *heads[ENGINE_MAX_TOPICS] = {NULL};
    enum source_head states[ENGINE_MAX_TOPICS];
    for (uint16_t t = 0; t < engine->n_topics; t++)
        states[t] = source->head(source->self, t, shard->number, &heads[t]);
    size_t n = 0, limit = blame_limit(engine);
    while (n < ENGINE_SLICE && (engine->batch_events + n < limit || engine->mid_record)) {
        int t = choose(engine, shard, states, heads);
        if (t < 0)
            break;
        MUST(heads[t]->shard == shard->number && heads[t]->topic == t);
        engine->items[n++] = heads[t];
        note_taken(engine, shard, heads[t]);
        source->take(source->self, (uint16_t)t, shard->number);
        states[t] = source->head(source->self, (uint16_t)t, shard->number, &heads[t]);
    }
    for (size_t t = 0; t < engine->n_topics; t++) {
        shard->at_end[t] = states[t] == SOURCE_END && !(shard->took >> t & 1);
        if (states[t] == SOURCE_END)
            shard->behind &= ~(UINT32_C(1) << t);
    }
    return n;
}

bool batch_load(struct engine *engine, struct shard *shard, struct cache_entry **entries, size_t n, struct err *e) {
    const struct store *store = engine->o.store;
    struct bytes *keys = arena_take(engine->arena, n * sizeof *keys),
                 *values = arena_take(engine->arena, n * sizeof *values);
    uint8_t *buffer = arena_take(engine->arena, n * CHANGELOG_MAX_KEY);
    MUST(keys && values && buffer);
    for (size_t i = 0; i < n; i++)
        keys[i] = changelog_lead_key(entries[i]->lead.key, buffer + i * CHANGELOG_MAX_KEY);
    if (!store->load(store->self, shard->number, keys, n, values, e))
        return false;
    size_t missing = 0;
    for (size_t i = 0; i < n; i++) {
        if (!values[i].at)
            entries[missing++] = entries[i];
        else if (!lead_bytes_read(&entries[i]->lead, engine->o.model, values[i], e))
            return false;
        else
            entries[i]->disk_due = entries[i]->lead.d.due;
    }
    if (!missing || !(GUARD(erasures_asked) && shard->stored.erasures))
        return true;
    for (size_t i = 0; i < missing; i++)
        keys[i] = changelog_erasure_key(store, entries[i]->lead.key, buffer + i * CHANGELOG_MAX_KEY);
    if (!store->load(store->self, shard->number, keys, missing, values, e))
        return false;
    for (size_t i = 0; i < missing; i++)
        if (values[i].at && !changelog_erasure_read(values[i], &entries[i]->lead.d.erased))
            return err_set(e, ERR_CORRUPT, "", "an erasure in the store has %zu bytes", values[i].n);
    return true;
}

/* Finds the entry of every event of the slice, loading those that are not in memory; NULL for what is not applied. */
static bool find_leads(struct engine *engine, struct shard *shard, size_t n, struct err *e) {
    struct cache_entry *fresh[ENGINE_SLICE];
    size_t n_fresh = 0;
    for (size_t i = 0; i < n; i++) {
        engine->entries[i] = NULL;
        if (engine->items[i]->bad || condemned_why(engine, engine->items[i]))
            continue;
        struct bytes lead = engine->items[i]->event.lead;
        struct cache_entry *entry = cache_find(engine->cache, shard->number, lead);
        if (entry) {
            engine->counts.cache_hits++;
        } else {
            entry = cache_add(engine->cache, shard->number, lead);
            fresh[n_fresh++] = entry;
            engine->counts.cache_misses++;
        }
        engine->entries[i] = entry;
    }
    return !n_fresh || batch_load(engine, shard, fresh, n_fresh, e);
}

static void count_rejected(struct engine *engine, const struct err *why) {
    engine->batch.rejects++;
    engine->batch.rejected[why->code]++;
}

/* A timer that must not fire: the lead has none until its next event, which everybody hears of. Like all that changes a
 * lead that goes to the changelog, so no other owner of the shard fires it either. */
static bool put_aside(struct engine *engine, struct shard *shard, struct cache_entry *entry, const struct err *why,
                      struct err *e) {
    const struct intake letter = {.topic = ENGINE_NO_TOPIC,
                                  .shard = shard->number,
                                  .offset = shard->log_end,
                                  .timestamp = entry->lead.d.due,
                                  .last = true,
                                  .event = {.lead = entry->lead.key},
                                  .key = entry->lead.key,
                                  .schema_id = -1};
    engine->full = true;
    count_rejected(engine, why);
    engine_tell(engine, ENGINE_CONDEMNED, shard->number, 0, why);
    if (!begin(engine, shard, e) ||
        !(engine->o.sink->reject(engine->o.sink->self, &letter, why, e) || engine_stuck(e)))
        return false;
    entry->lead.d.due = LEAD_NO_DUE;
    touch(engine, shard, entry);
    return true;
}

/* The lead's timers that come before the event: that they make the program fail, or publish what no topic takes, is not
 * the event's doing. */
static bool fire_before(struct engine *engine, struct shard *shard, const struct event *event,
                        struct cache_entry *entry, struct err *e) {
    struct arena_mark mark = arena_mark(engine->arena);
    struct verdict verdict;
    bool ok = true;
    while (ok && score_fires_first(engine->scorer, &entry->lead, event)) {
        const struct err *why = engine->n_condemned ? condemned_timer(engine, entry) : NULL;
        if (why)
            return put_aside(engine, shard, entry, why, e);
        blame_timer(engine, entry);
        ok = score_fire_first(engine->scorer, &entry->lead, event, engine->o.search_budget, engine->arena, &verdict, e) &&
             publish(engine, shard, entry, &verdict, e);
        ok = ok || engine_stuck(e);
        blame_none(engine);
        arena_rewind(engine->arena, mark);
    }
    return ok;
}

/* Applies an event, after the timers before it. */
static bool apply(struct engine *engine, struct shard *shard, const struct intake *item, struct cache_entry *entry,
                  struct err *e) {
    struct arena_mark mark = arena_mark(engine->arena);
    struct verdict verdict;
    bool ok = fire_before(engine, shard, &item->event, entry, e);
    blame_item(engine, item);
    ok = ok && score_event(engine->scorer, &entry->lead, &item->event, engine->o.search_budget, engine->arena, &verdict,
                           e) &&
         publish(engine, shard, entry, &verdict, e);
    blame_none(engine);
    arena_rewind(engine->arena, mark);
    MUST(!ok || !verdict.more);
    if (!ok) {
        if (err_class(e->code) == ERR_CLASS_REJECT)
            condemned_add(engine, item, e);
        return false;
    }
    engine->batch.duplicates += verdict.fate == FATE_DUPLICATE;
    engine->batch.dropped += verdict.fate == FATE_DROPPED;
    engine->batch.late += verdict.late;
    engine->batch.machine += item->event.machine;
    return true;
}

/* What is known of a condemned item is told, and the batch ends soon: what was found out about it is not to be found
 * out again. */
static bool reject(struct engine *engine, const struct intake *item, struct err *e) {
    const struct err *why = item->bad ? item->err : condemned_why(engine, item);
    count_rejected(engine, why);
    if (!item->bad || why->code == ERR_POISON) {
        engine->full = true;
        engine_tell(engine, ENGINE_CONDEMNED, item->shard, 0, why);
    }
    return engine->o.sink->reject(engine->o.sink->self, item, why, e) || engine_stuck(e);
}

static bool apply_all(struct engine *engine, struct shard *shard, size_t n, struct err *e) {
    const struct intake *last = NULL; /* that was applied */
    bool ok = begin(engine, shard, e);
    blame_took(engine, engine->items, n);
    blame_items(engine, blame_place(engine->items[n - 1]), engine->batch_events);
    ok = ok && find_leads(engine, shard, n, e);
    blame_none(engine);
    for (size_t i = 0; ok && i < n; i++) {
        const struct intake *item = engine->items[i];
        if (!engine->entries[i]) {
            ok = reject(engine, item, e);
            continue;
        }
        ok = apply(engine, shard, item, engine->entries[i], e);
        last = item;
    }
    if (last)
        engine->last = blame_place(last);
    return ok;
}

bool batch_take(struct engine *engine, struct shard *shard, size_t *n, struct err *e) {
    *n = gather(engine, shard);
    if (!*n) {
        engine->o.source->release(engine->o.source->self); /* heads that were only looked at may fill its memory */
        return true;
    }
    arena_reset(engine->arena);
    engine->batch_events += *n;
    engine->batch.events += *n;
    shard->ended_at = -1;
    bool ok = apply_all(engine, shard, *n, e);
    engine->o.source->release(engine->o.source->self);
    if (!cache_shrink(engine->cache))
        engine->full = true; /* too much of it is unwritten: commit, then write */
    return ok;
}

/* ---- time ---- */

/* With input left, the least over the partitions not at their end of the newest time taken there; when all have stayed
 * at their end for a while, the wall. Never falling. (A partition that was emptied in this turn had input left, so that
 * the clock moves also where events come one by one.)
 *
 * While a shard works off what was on its topics before it went live, its clock stands: there a lead's timers fire
 * before its own next event, as in a replay, so that a backlog gives the same records on every run, late or not. */
static void move_clock(struct engine *engine, struct shard *shard) {
    if (GUARD(clock_stands) && shard->behind)
        return;
    int64_t least = INT64_MAX;
    bool ended = true;
    for (size_t t = 0; t < engine->n_topics; t++) {
        if (shard->at_end[t])
            continue;
        ended = false;
        least = shard->newest[t] < least ? shard->newest[t] : least;
    }
    if (!ended) {
        shard->ended_at = -1;
    } else if (shard->ended_at < 0) {
        shard->ended_at = engine->mono;
        return;
    } else if (!GUARD(clock_idles) || engine->mono - shard->ended_at >= engine->o.idle) {
        least = engine->wall;
    } else {
        return;
    }
    if (least != LEAD_NEVER && (!GUARD(clock_rises) || least - engine->o.grace > shard->clock))
        shard->clock = least - engine->o.grace;
}

/* Lets the lead's instants up to the clock happen, as many as one call takes. */
static bool fire(struct engine *engine, struct shard *shard, struct cache_entry *entry, struct err *e) {
    struct arena_mark mark = arena_mark(engine->arena);
    struct verdict verdict;
    engine->counts.timer_checks++;
    if (!score_advance(engine->scorer, &entry->lead, shard->clock, engine->o.search_budget, engine->arena, &verdict, e))
        return engine_stuck(e);
    engine->batch.timers += verdict.changed;
    bool ok = publish(engine, shard, entry, &verdict, e);
    arena_rewind(engine->arena, mark);
    return ok || engine_stuck(e);
}

static bool advance(struct engine *engine, struct shard *shard, struct cache_entry *entry, struct err *e) {
    const struct err *why = engine->n_condemned ? condemned_timer(engine, entry) : NULL;
    if (why)
        return put_aside(engine, shard, entry, why, e);
    blame_timer(engine, entry);
    bool ok = fire(engine, shard, entry, e);
    blame_none(engine);
    return ok;
}

/* Fires timers that only the store knows: at most ENGINE_FIRES, once between two writes. */
static bool fire_disk(struct engine *engine, struct shard *shard, struct err *e) {
    if (shard->scanned || shard->disk_due > shard->clock)
        return true;
    const struct store *store = engine->o.store;
    struct store_due *due = arena_take(engine->arena, ENGINE_FIRES * sizeof *due);
    struct cache_entry **entries = arena_take(engine->arena, ENGINE_FIRES * sizeof(struct cache_entry *));
    struct cache_entry **fresh = arena_take(engine->arena, ENGINE_FIRES * sizeof(struct cache_entry *));
    MUST(due && entries && fresh);
    size_t n, n_fresh = 0;
    if (!store->due(store->self, shard->number, shard->clock, due, ENGINE_FIRES, &n, e))
        return false;
    shard->scanned = true;
    engine->full = engine->full || n == ENGINE_FIRES; /* there may be more: they come after this batch */
    for (size_t i = 0; i < n; i++) {
        MUST(due[i].key.n > 1 && due[i].key.at[0] == CHANGELOG_LEAD);
        struct bytes lead = {due[i].key.at + 1, due[i].key.n - 1};
        entries[i] = cache_find(engine->cache, shard->number, lead);
        if (!entries[i])
            entries[i] = fresh[n_fresh++] = cache_add(engine->cache, shard->number, lead);
    }
    if (n_fresh && !batch_load(engine, shard, fresh, n_fresh, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        entries[i]->disk_due = due[i].due; /* maybe a stale one, beside the lead's own: it goes with the next write */
        /* Where the batch has enough already, the lead waits among those in memory for the next one. */
        bool now = entries[i]->lead.d.due <= shard->clock && engine->batch_timed < ENGINE_TIMED;
        if (now && !advance(engine, shard, entries[i], e))
            return false;
        writeback_mark(engine, shard, entries[i]);
    }
    return true;
}

bool batch_time(struct engine *engine, struct shard *shard, struct err *e) {
    move_clock(engine, shard);
    arena_reset(engine->arena);
    for (size_t fired = 0; fired < ENGINE_FIRES && engine->batch_timed < ENGINE_TIMED; fired++) {
        struct cache_entry *entry = timers_first(&shard->timers);
        if (!entry || entry->lead.d.due > shard->clock)
            return fire_disk(engine, shard, e);
        if (!advance(engine, shard, entry, e))
            return false;
    }
    engine->full = true;
    return true;
}
