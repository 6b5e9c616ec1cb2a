/* One turn of the engine, and what the poll loop says about shards. See shard.h for the other rooms.
 *
 * A batch that is lost (aborted, fenced, outcome unknown, partitions lost) is dropped whole: leads in memory too, then
 * every shard is brought up to date again. What cannot be mended that way ends the process. */
#include "base/guard.h"
#include "engine/shard.h"

#include <leadstream/lead_bytes.h>
#include <stdlib.h>

#define ARENA_LIMIT ((size_t)256 * 1024 * 1024)
enum { REST_FIRST = 100, REST_LAST = 5000, FORGIVEN = 300 * 1000 /* ms */ };
enum { AUTH_PATIENCE = 60 * 1000, AUTH_QUIET = 20 * 1000 /* ms: for so long a right may be away; then it is news */ };

struct engine *engine_new(const struct engine_options *options) {
    MUST(options->source->n_topics > 0 && options->source->n_topics <= ENGINE_MAX_TOPICS);
    struct engine *engine = calloc(1, sizeof *engine);
    MUST(engine != NULL);
    engine->o = *options;
    engine->n_topics = options->source->n_topics;
    for (size_t t = 0; t < engine->n_topics; t++)
        engine->topic_hashes[t] = event_hash(options->topics[t]);
    engine->scorer = scorer_new(options->model);
    engine->cache = cache_new(options->model, options->cache_bytes);
    engine->arena = arena_new(ARENA_LIMIT);
    engine->cap_value = options->model->worst_value + LEAD_BYTES_OVERHEAD;
    engine->value = malloc(engine->cap_value);
    MUST(engine->value != NULL);
    engine->o.place = options->place ? options->place : &engine->nowhere;
    MUST(options->n_condemned <= ENGINE_MAX_CONDEMNED);
    engine->n_condemned = options->n_condemned;
    engine->condemned = malloc((options->n_condemned + 1) * sizeof engine->condemned[0]);
    MUST(engine->condemned != NULL);
    if (options->n_condemned)
        memcpy(engine->condemned, options->condemned, options->n_condemned * sizeof engine->condemned[0]);
    return engine;
}

static void shard_free(struct shard *shard) {
    timers_fini(&shard->timers);
    free(shard);
}

void engine_free(struct engine **engine) {
    if (!*engine)
        return;
    struct engine *g = *engine;
    for (size_t i = 0; i < g->n_shards; i++) {
        if (g->shards[i]->phase > SHARD_OPEN) /* it ended by an error: what is not written is in the changelog */
            g->o.store->close(g->o.store->self, g->shards[i]->number);
        shard_free(g->shards[i]);
    }
    scorer_free(&g->scorer);
    cache_free(&g->cache);
    arena_free(&g->arena);
    free(g->touched);
    free(g->condemned);
    free((void *)(uintptr_t)g->parts);
    free(g->value);
    free(g);
    *engine = NULL;
}

/* ---- a batch is lost ---- */

static void rest(struct engine *engine) {
    int64_t ms = (int64_t)REST_FIRST << (engine->failures < 6 ? engine->failures : 6);
    engine->rest_until = engine->mono + (ms < REST_LAST ? ms : REST_LAST);
}

/* A right that is taken away while all goes well may be given back: a password that is being changed, a rule set wrong.
 * Not for ever, so that a supervisor sees it; and not at the start, where it was never there. */
static bool bears(struct engine *engine, enum err_code code) {
    if (code != ERR_AUTH || !engine->counts.resyncs)
        return false;
    if (!engine->auth_seen || engine->mono - engine->auth_seen > AUTH_QUIET)
        engine->auth_since = engine->mono;
    engine->auth_seen = engine->mono;
    return engine->mono - engine->auth_since <= AUTH_PATIENCE;
}

/* Brokers that are slow, away, or too few are waited for as long as it takes; what else fails again and again is not
 * mended by doing it once more. */
static bool goes_on(struct engine *engine, enum err_code code) {
    bool slow = err_class(code) == ERR_CLASS_RETRY || code == ERR_STALLED || code == ERR_UNKNOWN_OUTCOME;
    bool often = GUARD(failures_end) && engine->failures > ENGINE_MAX_FAILURES;
    return bears(engine, code) || slow || (engine_recoverable(code) && !often);
}

/* Aborts, drops, and lets every shard resync. False: it cannot be mended that way (*why stays what it was). An item
 * that was condemned is a matter of its own: the next batch goes without it, so nothing needs a rest. */
static bool lose_batch(struct engine *engine, const struct err *why) {
    const struct sink *sink = engine->o.sink;
    struct err ignored;
    bool condemning = engine->condemning;
    bool keeps_id = condemning || err_class(why->code) == ERR_CLASS_RETRY || why->code == ERR_ABORTED ||
                    why->code == ERR_STALLED || why->code == ERR_LOST;
    bool was_open = engine->open;
    engine->condemning = false;
    commit_drop(engine);
    /* Also a producer that failed in init(). */
    if ((GUARD(unknown_retires) && !keeps_id) || (was_open && !sink->abort(sink->self, &ignored))) {
        sink->retire(sink->self);
        engine->ready = false;
    }
    engine_tell(engine, ENGINE_RESYNC, 0, 0, why);
    if (condemning)
        return true;
    if (engine->mono - engine->rest_until > FORGIVEN)
        engine->failures = 0; /* nothing may have come since that could be committed */
    engine->failures++;
    rest(engine);
    return goes_on(engine, why->code);
}

/* ---- what the poll loop says ---- */

static struct shard *find(const struct engine *engine, uint32_t number) {
    for (size_t i = 0; i < engine->n_shards; i++)
        if (engine->shards[i]->number == number)
            return engine->shards[i];
    return NULL;
}

/* Lets go of a shard; what of it is not written can be read from the changelog. */
static void let_go(struct engine *engine, struct shard *shard) {
    timers_clear(&shard->timers);
    writeback_clear(shard);
    cache_drop_shard(engine->cache, shard->number);
    if (shard->phase > SHARD_COMMITTED && shard->phase < SHARD_LIVE)
        engine->o.sink->log_close(engine->o.sink->self);
    if (shard->phase > SHARD_OPEN)
        engine->o.store->close(engine->o.store->self, shard->number);
    size_t i = 0;
    while (engine->shards[i] != shard)
        i++;
    engine->shards[i] = engine->shards[--engine->n_shards];
    engine_tell(engine, ENGINE_REVOKED, shard->number, 0, NULL);
    shard_free(shard);
}

/* Shards that were revoked are written when the group has its answer already: nobody waits for our disk. Should one come
 * back, only what others have added since is to be read. */
static void leavers_go(struct engine *engine) {
    struct err e;
    for (size_t i = engine->n_shards; i-- > 0;) {
        struct shard *shard = engine->shards[i];
        if (!shard->leaving)
            continue;
        if (!writeback_run(engine, shard, true, &e))
            engine->broken = e;
        let_go(engine, shard); /* puts the last in its place, which has been looked at */
    }
}

static void on_assigned(void *self, const uint32_t *numbers, size_t n) {
    struct engine *engine = self;
    leavers_go(engine);
    for (size_t i = 0; i < n; i++) {
        MUST(!find(engine, numbers[i]) && engine->n_shards < ENGINE_MAX_SHARDS);
        struct shard *shard = calloc(1, sizeof *shard);
        MUST(shard != NULL);
        shard->number = numbers[i];
        shard->phase = SHARD_OPEN;
        shard->clock = LEAD_NEVER;
        shard->disk_due = LEAD_NO_DUE;
        engine->shards[engine->n_shards++] = shard;
        engine_tell(engine, ENGINE_ASSIGNED, numbers[i], 0, NULL);
    }
}

/* Commits what is open; where its partitions have gone already, or in the middle of a record, it cannot be committed
 * and is lost. */
static bool finish_batch(struct engine *engine, bool gone, struct err *e) {
    if (!engine->open)
        return true;
    if (GUARD(lost_uncommitted) && gone)
        return err_set(e, ERR_LOST, "", "the group took the partitions away");
    if (GUARD(record_whole) && engine->mid_record)
        return err_set(e, ERR_LOST, "", "the partitions went in the middle of a record");
    return commit_batch(engine, e);
}

static void on_revoked(void *self, const uint32_t *numbers, size_t n, bool lost) {
    struct engine *engine = self;
    struct err e = {.code = ERR_NONE};
    if (!finish_batch(engine, lost, &e) && !lose_batch(engine, &e))
        engine->broken = e;
    for (size_t i = 0; i < n; i++) {
        struct shard *shard = find(engine, numbers[i]);
        if (!shard)
            continue;
        shard->leaving = !lost && shard->phase == SHARD_LIVE;
        if (!shard->leaving)
            let_go(engine, shard);
    }
}

/* ---- a turn ---- */

/* The shard to bring on: the one whose changelog is open, for the sink reads one at a time; else the `i`th. */
static struct shard *to_resync(const struct engine *engine, size_t i) {
    for (size_t k = 0; k < engine->n_shards; k++)
        if (GUARD(one_reader) && (engine->shards[k]->phase == SHARD_BIRTH || engine->shards[k]->phase == SHARD_READ))
            return engine->shards[k];
    return engine->shards[i];
}

/* True where the step may run now: transactions are ours alone, so those that need one wait for the open batch. */
static bool may_step(const struct engine *engine, const struct shard *shard) {
    return engine->mono >= engine->rest_until &&
           (!engine->open || shard->phase == SHARD_OPEN || shard->phase == SHARD_READ);
}

/* One step of one shard. *busy: it moved and has more to do, so events had better wait. */
static bool resync(struct engine *engine, bool *busy, struct err *e) {
    *busy = false;
    for (size_t i = 0; i < engine->n_shards; i++) {
        struct shard *shard = to_resync(engine, i);
        if (shard->phase == SHARD_LIVE || !may_step(engine, shard))
            continue;
        bool was_open = engine->open;
        if (resync_step(engine, shard, e)) {
            *busy = true;
            return true;
        }
        /* A transaction that the step itself began (a birth) is lost with it; another's batch has nothing to do with a
         * step that only has to wait. */
        if (err_class(e->code) != ERR_CLASS_RETRY || engine->open != was_open)
            return engine->open || goes_on(engine, e->code) ? lose_batch(engine, e) : false;
        engine_tell(engine, ENGINE_RETRYING, shard->number, 0, e);
        if (shard->phase == SHARD_BIRTH || shard->phase == SHARD_READ)
            return true; /* the others wait for the changelog that is open */
        /* Another shard may be ready while this one waits. */
    }
    return true;
}

static bool take_and_fire(struct engine *engine, bool *worked, struct err *e) {
    /* A full batch still takes the rest of a record that was begun in another turn, or it could never be committed. */
    for (size_t i = 0; i < engine->n_shards && (!engine->full || engine->mid_record); i++) {
        struct shard *shard = engine->shards[(engine->turn + i) % engine->n_shards];
        if (shard->phase != SHARD_LIVE || (engine->mid_record && engine->mid_shard != shard->number))
            continue;
        size_t n = 1;
        shard->took = 0;
        for (int slices = 0; n && slices < ENGINE_SLICES && !(engine->full && !engine->mid_record); slices++) {
            if (!batch_take(engine, shard, &n, e))
                return false;
            *worked = *worked || n;
        }
        bool careful = blame_careful(engine);
        if (!engine->mid_record && !(careful && engine->batch_events) && !batch_time(engine, shard, e))
            return false;
        engine->full = engine->full || (careful && engine->open); /* nor any item after timers, of whatever shard */
    }
    engine->turn++;
    return true;
}

/* ms until the open batch is to be committed; `idle`: there was nothing to read. */
static int64_t batch_left(const struct engine *engine, bool idle) {
    int64_t takes = 0;
    if (idle && engine->o.sink->commit_takes)
        takes = engine->o.sink->commit_takes(engine->o.sink->self);
    if (takes > engine->o.max_time / 2)
        takes = engine->o.max_time / 2; /* where commits are slow, more of them would not help */
    return engine->began + engine->o.max_time - takes - engine->mono;
}

static bool commit_and_write(struct engine *engine, bool idle, struct err *e) {
    bool due = engine->full || engine->batch_events >= blame_limit(engine) || batch_left(engine, idle) <= 0;
    if (engine->open && due && !(GUARD(record_unsplit) && engine->mid_record) && !commit_batch(engine, e))
        return false;
    if (GUARD(write_after_commit) && engine->open)
        return true;
    engine->full = false;
    bool all = !cache_shrink(engine->cache);
    for (size_t i = 0; i < engine->n_shards; i++)
        if (engine->shards[i]->phase == SHARD_LIVE && !writeback_run(engine, engine->shards[i], all, e))
            return false;
    if (all)
        cache_shrink(engine->cache);
    return true;
}

/* A sink that is fenced or refused is made anew. A source is not: what is no matter of waiting would leave a process
 * that lives, is well, and reads nothing. */
static bool poll_passes(enum err_code code) {
    return err_class(code) == ERR_CLASS_RETRY || code == ERR_LOST;
}

static bool poll(struct engine *engine, int wait, struct err *e) {
    const struct source_listener listener = {engine, on_assigned, on_revoked};
    bool good = engine->o.source->poll(engine->o.source->self, &listener, wait, e);
    leavers_go(engine);
    if (!good) {
        if (!poll_passes(e->code) && !bears(engine, e->code))
            return false;
        engine_tell(engine, ENGINE_RETRYING, 0, 0, e);
    }
    if (engine->broken.code == ERR_NONE)
        return true;
    *e = engine->broken;
    engine->broken.code = ERR_NONE;
    return goes_on(engine, e->code);
}

bool engine_step(struct engine *engine, int64_t mono, int64_t wall, int wait, bool *worked, struct err *e) {
    engine->mono = mono;
    engine->wall = wall;
    *worked = false;
    if (engine->open) {
        int64_t left = batch_left(engine, true);
        wait = left < 0 ? 0 : left < wait ? (int)left : wait;
    }
    bool busy;
    if (!poll(engine, wait, e) || !resync(engine, &busy, e))
        return false;
    *worked = busy;
    if (busy && !engine->open)
        return true;
    if (!take_and_fire(engine, worked, e) || !commit_and_write(engine, !*worked, e))
        return lose_batch(engine, e);
    return true;
}

bool engine_stop(struct engine *engine, int64_t mono, int64_t wall, struct err *e) {
    engine->mono = mono;
    engine->wall = wall;
    bool ok = finish_batch(engine, false, e);
    if (!ok)
        lose_batch(engine, e);
    while (engine->n_shards) {
        struct shard *shard = engine->shards[0];
        if (ok && shard->phase == SHARD_LIVE && !writeback_run(engine, shard, true, e))
            ok = false;
        let_go(engine, shard);
    }
    return ok;
}

/* ---- questions ---- */

const struct engine_counts *engine_counts(struct engine *engine) {
    struct engine_counts *counts = &engine->counts;
    counts->shards = engine->n_shards;
    counts->shards_live = counts->unwritten = 0;
    counts->clock_min = LEAD_NEVER;
    for (size_t i = 0; i < engine->n_shards; i++) {
        const struct shard *shard = engine->shards[i];
        counts->unwritten += shard->n_unwritten;
        if (shard->phase != SHARD_LIVE)
            continue;
        if (!counts->shards_live++ || shard->clock < counts->clock_min)
            counts->clock_min = shard->clock;
    }
    counts->scored = *scorer_counts(engine->scorer);
    counts->cache_bytes = cache_bytes(engine->cache);
    counts->cache_entries = cache_entries(engine->cache);
    return counts;
}

bool engine_has(const struct engine *engine, uint32_t shard) {
    const struct shard *s = find(engine, shard);
    return s && s->phase == SHARD_LIVE;
}

void engine_shards(const struct engine *engine, void (*f)(void *self, uint32_t shard, bool live, int64_t clock),
                   void *self) {
    for (size_t i = 0; i < engine->n_shards; i++)
        f(self, engine->shards[i]->number, engine->shards[i]->phase == SHARD_LIVE, engine->shards[i]->clock);
}

bool engine_peek(struct engine *engine, uint32_t number, struct bytes lead, struct arena *arena, struct bytes *value,
                 struct err *e) {
    struct shard *shard = find(engine, number);
    *value = (struct bytes){NULL, 0};
    if (!shard || shard->phase != SHARD_LIVE)
        return true;
    struct cache_entry *entry = cache_find(engine->cache, number, lead);
    if (!entry) {
        entry = cache_add(engine->cache, number, lead);
        arena_reset(engine->arena);
        struct cache_entry *loaded = entry;
        if (!batch_load(engine, shard, &loaded, 1, e)) {
            if (GUARD(peek_leaves_nothing))
                cache_drop(engine->cache, entry); /* an event must not take it for a lead that is new */
            return false;
        }
    }
    size_t cap = changelog_lead_room(&entry->lead);
    uint8_t *at = arena_take(arena, cap);
    if (!at)
        return err_set(e, ERR_TOO_LARGE, "", "the lead's value has %zu bytes", cap);
    *value = changelog_lead_value(&entry->lead, engine->o.model, at, cap);
    return true;
}
