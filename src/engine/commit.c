/* The end of a batch: every touched lead goes to the changelog once, then the shard records, then the offsets, then the
 * commit; or it is lost, and all that it changed in memory is dropped. */
#include "base/guard.h"
#include "engine/shard.h"

#include <inttypes.h>

static bool log_lead(struct engine *engine, struct cache_entry *entry, struct err *e) {
    const struct sink *sink = engine->o.sink;
    const struct lead *lead = &entry->lead;
    uint8_t key[CHANGELOG_MAX_KEY], time[CHANGELOG_ERASURE_VALUE];
    struct bytes value = changelog_lead_value(lead, engine->o.model, engine->value, engine->cap_value);
    engine->batch.changelog_records++;
    if (!sink->log(sink->self, entry->shard, changelog_lead_key(lead->key, key), value, e))
        return false;
    if (!entry->erasing)
        return true;
    struct bytes erasure = changelog_erasure_key(engine->o.store, lead->key, key);
    return sink->log(sink->self, entry->shard, erasure, changelog_erasure_value(lead->d.erased, time), e);
}

/* Today's offsets and clock into the record; topics that are no longer read keep theirs. */
static void fill_record(const struct engine *engine, struct shard *shard) {
    struct changelog_shard *r = &shard->record;
    r->model = engine->o.model->fingerprint;
    r->erasure_key = engine->o.erasure_key;
    r->clock = shard->clock;
    for (size_t t = 0; t < engine->n_topics; t++) {
        uint32_t i = 0;
        while (i < r->n && r->topics[i] != engine->topic_hashes[t])
            i++;
        MUST(i < ENGINE_MAX_TOPICS);
        r->n = i == r->n ? i + 1 : r->n;
        r->topics[i] = engine->topic_hashes[t];
        r->offsets[i] = shard->next[t];
    }
    shard->has_record = true;
}

static bool log_shards(struct engine *engine, struct sink_offsets *offsets, size_t *n, struct err *e) {
    const struct sink *sink = engine->o.sink;
    *n = 0;
    for (size_t i = 0; i < engine->n_shards; i++) {
        struct shard *shard = engine->shards[i];
        if (!shard->involved)
            continue;
        fill_record(engine, shard);
        uint8_t record[CHANGELOG_MAX_SHARD_RECORD], key = CHANGELOG_SHARD;
        struct bytes value = changelog_shard_value(&shard->record, record);
        if (!sink->log(sink->self, shard->number, (struct bytes){&key, 1}, value, e))
            return false;
        if (GUARD(offsets_always) || engine->batch_events || shard->phase != SHARD_LIVE)
            offsets[(*n)++] = (struct sink_offsets){shard->number, shard->next};
    }
    return true;
}

/* All that the batch has for the changelog. Should a check fail here, an item of the batch is to blame. */
static bool log_all(struct engine *engine, struct sink_offsets *offsets, size_t *n, struct err *e) {
    bool ok = true;
    if (engine->last.busy)
        blame_items(engine, engine->last, engine->batch_events);
    for (size_t i = 0; ok && i < engine->n_touched; i++)
        ok = log_lead(engine, engine->touched[i], e) || engine_stuck(e);
    ok = ok && log_shards(engine, offsets, n, e);
    blame_none(engine);
    return ok;
}

/* Calls that may time out are repeated: a transaction whose offsets timed out must never be committed, and one whose
 * commit timed out may well be. */
static bool send_and_commit(struct engine *engine, const struct sink_offsets *offsets, size_t n, struct err *e) {
    const struct sink *sink = engine->o.sink;
    uint32_t tries = 0;
    while (!sink->send_offsets(sink->self, offsets, n, e) && GUARD(offsets_first))
        if (err_class(e->code) != ERR_CLASS_RETRY || ++tries >= engine->o.commit_tries)
            return false;
    engine->asked = true;
    for (tries = 0; !sink->commit(sink->self, e);) {
        if (err_class(e->code) != ERR_CLASS_RETRY)
            return false;
        if (!GUARD(commit_known))
            break;
        if (++tries >= engine->o.commit_tries)
            return err_set(e, ERR_UNKNOWN_OUTCOME, "", "the broker did not say whether the transaction was committed");
    }
    return true;
}

/* A commit makes the changelog longer. One that is shorter after it is not the one that was read. */
static bool note_end(struct engine *engine, struct shard *shard, struct err *e) {
    int64_t before = shard->log_end;
    shard->log_end = engine->o.sink->log_end(engine->o.sink->self, shard->number);
    MUST(shard->log_end >= 0);
    if (!GUARD(changelog_grows) || shard->phase != SHARD_LIVE || shard->log_end > before)
        return true;
    char where[160];
    return err_set(e, ERR_REFUSED, engine_where(engine, shard, where, sizeof where),
                   "the changelog ends at %" PRId64 " after a commit and ended at %" PRId64
                   " before it: the topic was deleted and made again. Use a new `generation:`, which reads the topics"
                   " from their start",
                   shard->log_end, before);
}

static void add(struct engine_tally *sum, const struct engine_tally *more) {
    _Static_assert(sizeof *sum % sizeof(uint64_t) == 0, "all of it are counts");
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)more;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

static void start_count(struct engine *engine) {
    memset(&engine->batch, 0, sizeof engine->batch);
    engine->asked = false;
}

/* The first of the batch's shards that is brought up to date will know. A doubt about an earlier batch, whose shards
 * are all still waiting, is given up: that batch is not counted. */
static void doubt(struct engine *engine) {
    engine->doubted = engine->batch;
    for (size_t i = 0; i < engine->n_shards; i++)
        engine->shards[i]->doubtful = engine->shards[i]->involved;
}

void commit_told(struct engine *engine, const struct shard *shard, bool committed) {
    if (!shard->doubtful)
        return;
    if (committed)
        add(&engine->counts.committed, &engine->doubted);
    for (size_t i = 0; i < engine->n_shards; i++)
        engine->shards[i]->doubtful = false;
}

bool commit_batch(struct engine *engine, struct err *e) {
    MUST(engine->open && !engine->mid_record);
    struct sink_offsets offsets[ENGINE_MAX_SHARDS];
    size_t n;
    engine->batch.batches = 1;
    if (!log_all(engine, offsets, &n, e) || !send_and_commit(engine, offsets, n, e))
        return false;
    add(&engine->counts.committed, &engine->batch);
    start_count(engine);
    for (size_t i = 0; i < engine->n_touched; i++)
        engine->touched[i]->touched = engine->touched[i]->erasing = false;
    for (size_t i = 0; i < engine->n_shards; i++) {
        struct shard *shard = engine->shards[i];
        if (!shard->involved)
            continue;
        shard->involved = false;
        if (!note_end(engine, shard, e))
            return false;
        if (engine->n_condemned)
            condemned_passed(engine, shard);
    }
    engine->n_touched = engine->batch_events = engine->batch_timed = engine->n_parts = 0;
    engine->open = engine->full = engine->last.busy = false;
    engine->failures = 0;
    return true;
}

void commit_drop(struct engine *engine) {
    engine->o.source->release(engine->o.source->self);
    if (engine->asked)
        doubt(engine);
    start_count(engine);
    for (size_t i = 0; i < engine->n_shards; i++) {
        struct shard *shard = engine->shards[i];
        timers_clear(&shard->timers);
        writeback_clear(shard);
        if (GUARD(lost_leads_go))
            cache_drop_shard(engine->cache, shard->number);
        shard->involved = shard->scanned = shard->has_record = false;
        if (GUARD(lost_resyncs) && shard->phase > SHARD_COMMITTED)
            shard->phase = SHARD_COMMITTED;
    }
    engine->o.sink->log_close(engine->o.sink->self);
    engine->n_touched = engine->batch_events = engine->batch_timed = engine->n_parts = 0;
    engine->open = engine->full = engine->mid_record = engine->last.busy = false;
}
