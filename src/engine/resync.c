/* Bringing a shard up to date: the only recovery there is, the same at start, after a rebalance, an aborted or unknown
 * commit, and kill -9. The order matters:
 *   1. the sink takes its transactional id (which ends whatever transaction was left open);
 *   2. the committed input offsets, stable ones only;
 *   3. only then the end of the changelog: whoever committed what (2) counts has written it before that end;
 *   4. the changelog from where the store stands to that end goes into the store;
 *   5. the last shard record's offsets must equal (2); reading begins there.
 * A changelog that has no record yet is given its birth record, together with the start offsets, in a transaction of
 * its own; then the steps begin again. What does not belong together is refused with the remedy: nothing is deleted,
 * nothing is guessed. */
#include "base/guard.h"
#include "engine/shard.h"

#include <inttypes.h>
#include <leadstream/lead_bytes.h>
#include <stdio.h>
#include <stdlib.h>

enum { READS_A_STEP = 32, READ_WAIT = 50 /* ms */ };

static bool refuse(struct engine *engine, const struct shard *shard, struct err *e, const char *words) {
    char where[160];
    return err_set(e, ERR_REFUSED, engine_where(engine, shard, where, sizeof where), "%s", words);
}

/* ---- steps 1 to 3 ---- */

static bool step_open(struct engine *engine, struct shard *shard, struct err *e) {
    if (!engine->o.store->open(engine->o.store->self, shard->number, &shard->stored, e))
        return false;
    shard->phase = SHARD_COMMITTED;
    return true;
}

static bool ask_committed(struct engine *engine, struct shard *shard, struct err *e) {
    if (!engine->o.source->committed(engine->o.source->self, shard->number, shard->committed, e))
        return false;
    shard->any_committed = false;
    for (size_t t = 0; t < engine->n_topics; t++)
        shard->any_committed = shard->any_committed || shard->committed[t] != ENGINE_NO_OFFSET;
    return true;
}

static bool step_committed(struct engine *engine, struct shard *shard, struct err *e) {
    if (GUARD(fence_first) && !engine->ready) {
        if (!engine->o.sink->init(engine->o.sink->self, e))
            return false;
        engine->ready = true;
    }
    if (GUARD(committed_first) && !ask_committed(engine, shard, e))
        return false;
    shard->phase = SHARD_BOUNDS;
    return true;
}

static bool step_bounds(struct engine *engine, struct shard *shard, struct err *e) {
    const struct sink *sink = engine->o.sink;
    if (!sink->log_bounds(sink->self, shard->number, &shard->log_first, &shard->log_target, e))
        return false;
    if (!GUARD(committed_first) && !ask_committed(engine, shard, e))
        return false;
    if (GUARD(store_ahead) && shard->stored.known && shard->stored.upto > shard->log_target) {
        char where[160];
        return err_set(e, ERR_REFUSED, engine_where(engine, shard, where, sizeof where),
                       "the store is ahead of the changelog (%" PRId64 " > %" PRId64
                       "): the changelog has lost records. If the topic was deleted and made again, use a new"
                       " `generation:`, which reads the topics from their start; if what it has is to be trusted, move"
                       " the store directory away and start again",
                       shard->stored.upto, shard->log_target);
    }
    if (!sink->log_open(sink->self, shard->number, shard->log_first, e))
        return false;
    shard->log_at = shard->log_first;
    shard->phase = SHARD_BIRTH;
    return true;
}

/* ---- birth ---- */

/* The first transaction of a shard: birth record, shard record, start offsets. */
static bool give_birth(struct engine *engine, struct shard *shard, struct err *e) {
    const struct sink *sink = engine->o.sink;
    uint8_t birth[16], key = CHANGELOG_BIRTH;
    if (!engine->o.source->first(engine->o.source->self, shard->number, shard->next, e))
        return false;
    for (size_t t = 0; t < engine->n_topics; t++)
        MUST(shard->next[t] >= 0);
    shard->clock = LEAD_NEVER;
    memset(&shard->record, 0, sizeof shard->record);
    engine->o.random(engine->o.host, birth);
    if (!sink->begin(sink->self, e))
        return false;
    engine->open = shard->involved = true;
    return sink->log(sink->self, shard->number, (struct bytes){&key, 1}, (struct bytes){birth, sizeof birth}, e) &&
           commit_batch(engine, e);
}

/* A changelog without a record: a first start, unless something else remembers one. */
static bool begin_anew(struct engine *engine, struct shard *shard, struct err *e) {
    if (GUARD(changelog_gone) && shard->stored.known)
        return refuse(engine, shard, e, "the changelog is empty but the store is not: the topic was deleted and made"
                      " again. If the state is to be built anew, use a new `generation:`; if the topic can be restored,"
                      " restore it");
    if (GUARD(offsets_alone) && shard->any_committed)
        return refuse(engine, shard, e,
                      "the group has committed offsets but the changelog is empty: the changelog topic"
                      " was deleted. Restore it, or use a new `generation:`, which reads the topics from their start");
    return give_birth(engine, shard, e);
}

/* Starts reading at `from`, into the store as it is or, if building, into a new one. */
static bool start_reading(struct engine *engine, struct shard *shard, int64_t from, struct err *e) {
    const struct sink *sink = engine->o.sink;
    shard->phase = SHARD_BOUNDS; /* where to go on if this fails: the changelog is no longer open */
    if (shard->building && !engine->o.store->build(engine->o.store->self, shard->number, e))
        return false;
    if (from < shard->log_target && !sink->log_open(sink->self, shard->number, from, e))
        return false;
    shard->log_at = from;
    shard->restored = 0;
    shard->phase = SHARD_READ;
    return true;
}

/* Reads up to the changelog's first record; *found says whether there is one. RETRY: not yet known. */
static bool first_record(struct engine *engine, struct shard *shard, struct log_entry *entry, bool *found,
                         struct err *e) {
    const struct sink *sink = engine->o.sink;
    *found = false;
    for (int i = 0; i < READS_A_STEP && !*found && shard->log_at < shard->log_target; i++) {
        size_t n;
        if (!sink->log_read(sink->self, READ_WAIT, entry, 1, &n, &shard->log_at, e))
            return false;
        *found = n > 0;
    }
    if (!*found && shard->log_at < shard->log_target)
        return err_set(e, ERR_TIMEOUT, "", "the changelog's first record did not come");
    return true;
}

static bool step_birth(struct engine *engine, struct shard *shard, struct err *e) {
    struct log_entry entry;
    bool found;
    if (!first_record(engine, shard, &entry, &found, e))
        return false;
    if (!found) {
        engine->o.sink->log_close(engine->o.sink->self);
        shard->phase = SHARD_COMMITTED;
        return begin_anew(engine, shard, e);
    }
    if (entry.key.n != 1 || entry.key.at[0] != CHANGELOG_BIRTH || entry.value.n != sizeof shard->stored.birth)
        return refuse(engine, shard, e, "the changelog does not begin with a birth record: it is not this program's, or"
                      " records were deleted from it. Use a new `generation:`");
    struct store_shard *stored = &shard->stored;
    bool same = !memcmp(stored->birth, entry.value.at, sizeof stored->birth) && stored->birth_offset == entry.offset;
    if (GUARD(birth_same) && stored->known && !same)
        return refuse(engine, shard, e, "the store was built from another changelog: the topic was deleted and made"
                      " again, or the store is another instance's. Move the store directory away and start again: it is"
                      " built anew from this changelog");
    /* A build that was begun is begun again, whatever the clock says by now. */
    bool stale = engine->o.stale_after > 0 && engine->wall - stored->written > engine->o.stale_after;
    shard->building = (GUARD(build_again) && shard->building) || !stored->known || (GUARD(stale_rebuilt) && stale);
    memcpy(stored->birth, entry.value.at, sizeof stored->birth);
    stored->birth_offset = entry.offset;
    engine->o.sink->log_close(engine->o.sink->self);
    return start_reading(engine, shard, shard->building ? shard->log_first : stored->from, e);
}

/* ---- step 4 ---- */

static bool not_ours(const struct shard *shard, const struct log_entry *entry, const char *what, struct err *e) {
    return err_set(e, ERR_CORRUPT, "",
                   "changelog of shard %u, offset %" PRId64 ": %s. Something else writes to the changelog, or its disk is"
                   " damaged: mend that, and use a new `generation:`",
                   shard->number, entry->offset, what);
}

/* What a changelog record becomes in the store; false: it is not one of ours. */
static bool put_of(struct shard *shard, const struct log_entry *entry, struct store_put *put, bool *skip,
                   struct err *e) {
    *skip = false;
    *put = (struct store_put){entry->key, entry->value, LEAD_NO_DUE, LEAD_NO_DUE};
    int64_t time;
    switch (entry->key.n ? entry->key.at[0] : 0) {
    case CHANGELOG_BIRTH:
        *skip = true;
        return true;
    case CHANGELOG_SHARD:
        shard->has_record = true;
        shard->record_at = entry->offset;
        return changelog_shard_read(&shard->record, entry->value, NULL) ||
               not_ours(shard, entry, "not a shard record of this version", e);
    case CHANGELOG_ERASURE:
        shard->stored.erasures = true;
        if (entry->key.n == CHANGELOG_ERASURE_KEY && changelog_erasure_read(entry->value, &time))
            return true;
        return not_ours(shard, entry, "not an erasure", e);
    case CHANGELOG_LEAD:
        if (entry->key.n <= CHANGELOG_MAX_KEY && (!entry->value.at || lead_bytes_due(entry->value, &put->due)))
            return true;
        return not_ours(shard, entry, "not a lead's value", e);
    default:
        return not_ours(shard, entry, "not a key of ours", e);
    }
}

/* A put and its place among its fellows, since qsort is not stable. */
struct ranked {
    struct store_put put;
    size_t place;
};

static int by_key_and_place(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    int c = bytes_compare(x->put.key, y->put.key);
    return c ? c : (x->place > y->place) - (x->place < y->place);
}

/* Keeps the last put of every key, so that a lead that changed often gets one timer of this read. That of its value in the
 * store stays: when it fires it finds nothing. */
static size_t last_of_each(struct engine *engine, struct store_put *puts, size_t n) {
    struct ranked *sorted = arena_take(engine->arena, n * sizeof *sorted);
    MUST(sorted != NULL);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct ranked){puts[i], i};
    qsort(sorted, n, sizeof *sorted, by_key_and_place);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!GUARD(last_of_each) || i + 1 == n || !bytes_equal(sorted[i].put.key, sorted[i + 1].put.key))
            puts[kept++] = sorted[i].put;
    return kept;
}

/* The id of a lead that was erased should not stay in a timer until that is due, so the one that its value in the store
 * has goes with it. There are few such leads; that of each lead would cost a quarter of a restart. */
static bool take_timers_of_erased(struct engine *engine, const struct shard *shard, struct store_put *puts, size_t n,
                                  struct err *e) {
    const struct store *store = engine->o.store;
    for (size_t i = 0; i < n; i++) {
        struct bytes value;
        if (puts[i].value.at || puts[i].key.at[0] != CHANGELOG_LEAD)
            continue;
        if (!store->load(store->self, shard->number, &puts[i].key, 1, &value, e))
            return false;
        if (value.at && !lead_bytes_due(value, &puts[i].old_due))
            return err_set(e, ERR_CORRUPT, "", "a lead's value in the store cannot be read");
    }
    return true;
}

static bool store_entries(struct engine *engine, struct shard *shard, const struct log_entry *entries, size_t n,
                          struct err *e) {
    const struct store *store = engine->o.store;
    arena_reset(engine->arena);
    struct store_put *puts = arena_take(engine->arena, n * sizeof *puts);
    MUST(puts != NULL);
    size_t n_puts = 0;
    for (size_t i = 0; i < n; i++) {
        bool skip;
        if (!put_of(shard, &entries[i], &puts[n_puts], &skip, e))
            return false;
        n_puts += !skip;
    }
    if (shard->record_at >= shard->log_end)
        commit_told(engine, shard, true);
    if (shard->building)
        return store->build_put(store->self, shard->number, puts, n_puts, e);
    n_puts = last_of_each(engine, puts, n_puts);
    if (!take_timers_of_erased(engine, shard, puts, n_puts, e))
        return false;
    /* `upto` goes first and `from` stays: should we die here, catch-up starts at the same place again. */
    if (GUARD(upto_first) && shard->log_at > shard->stored.upto)
        shard->stored.upto = shard->log_at;
    return store->write(store->self, shard->number, puts, n_puts, &shard->stored, e);
}

/* What the store did not take was read for nothing. */
static void read_again(struct engine *engine, struct shard *shard, int64_t from) {
    const struct sink *sink = engine->o.sink;
    struct err ignored;
    shard->log_at = from;
    if (sink->log_open(sink->self, shard->number, from, &ignored))
        return;
    sink->log_close(sink->self); /* so that another shard may open it meanwhile */
    shard->phase = SHARD_BOUNDS;
}

/* Records behind the target are another owner's, who has the shard while we were frozen: the store must not know them, as
 * its `upto` and our offsets are those of the target. */
static void to_target(struct shard *shard, const struct log_entry *entries, size_t *n) {
    while (*n && entries[*n - 1].offset >= shard->log_target)
        --*n;
    if (shard->log_at > shard->log_target)
        shard->log_at = shard->log_target;
}

static bool step_read(struct engine *engine, struct shard *shard, struct err *e) {
    const struct sink *sink = engine->o.sink;
    struct log_entry entries[ENGINE_ENTRIES];
    for (int i = 0; i < READS_A_STEP && shard->log_at < shard->log_target; i++) {
        size_t n;
        int64_t from = shard->log_at;
        if (!sink->log_read(sink->self, READ_WAIT, entries, ENGINE_ENTRIES, &n, &shard->log_at, e))
            return false;
        to_target(shard, entries, &n);
        if (n && !store_entries(engine, shard, entries, n, e)) {
            if (GUARD(unstored_reread))
                read_again(engine, shard, from);
            return false;
        }
        shard->restored += n;
        engine->counts.restored += n;
    }
    if (shard->log_at >= shard->log_target) {
        sink->log_close(sink->self);
        shard->phase = SHARD_VERIFY;
    }
    return true;
}

/* ---- step 5 ---- */

static bool load_record(struct engine *engine, struct shard *shard, struct err *e) {
    uint8_t byte = CHANGELOG_SHARD;
    struct bytes key = {&byte, 1}, value;
    if (shard->has_record)
        return true;
    if (!engine->o.store->load(engine->o.store->self, shard->number, &key, 1, &value, e))
        return false;
    if (!value.at)
        return refuse(engine, shard, e, "neither the changelog nor the store has a shard record");
    shard->has_record = true;
    return changelog_shard_read(&shard->record, value, e);
}

/* The offset that the record has for a topic, ENGINE_NO_OFFSET if it does not know it. */
static int64_t recorded(const struct engine *engine, const struct shard *shard, size_t topic) {
    for (uint32_t i = 0; i < shard->record.n; i++)
        if (shard->record.topics[i] == engine->topic_hashes[topic])
            return shard->record.offsets[i];
    return ENGINE_NO_OFFSET;
}

static bool verify_offsets(struct engine *engine, struct shard *shard, struct err *e) {
    int64_t first[ENGINE_MAX_TOPICS];
    if (!engine->o.source->first(engine->o.source->self, shard->number, first, e))
        return false;
    for (size_t t = 0; t < engine->n_topics; t++) {
        int64_t ours = recorded(engine, shard, t);
        char where[160];
        if (GUARD(offsets_agree) && ours != shard->committed[t])
            return err_set(e, ERR_REFUSED, engine_where(engine, shard, where, sizeof where),
                           "topic %.*s: the group's committed offset is %" PRId64
                           " (-1: none), the changelog says %" PRId64
                           ". If the topic was deleted and made again, use a new `generation:`; if someone reset or lost"
                           " the group's offsets, set them back to that (kafka-consumer-groups --reset-offsets)",
                           (int)engine->o.topics[t].n, (const char *)engine->o.topics[t].at, shard->committed[t], ours);
        if (GUARD(retention_seen) && ours != ENGINE_NO_OFFSET && ours < first[t])
            return err_set(
                e, ERR_REFUSED, engine_where(engine, shard, where, sizeof where),
                "topic %.*s: offset %" PRId64 " is to be read next but the topic begins at %" PRId64
                ": its retention deleted events that were never scored. Bring them back, or go on without them in a"
                " new `generation:`, which reads what is left",
                (int)engine->o.topics[t].n, (const char *)engine->o.topics[t].at, ours, first[t]);
        /* A topic added to the sources begins at its start. */
        shard->next[t] = ours == ENGINE_NO_OFFSET ? first[t] : ours;
    }
    return true;
}

static bool verify_makers(struct engine *engine, struct shard *shard, struct err *e) {
    if (GUARD(model_same) && shard->record.model != engine->o.model->fingerprint)
        return refuse(engine, shard, e,
                      "this generation was built with another model. Use the model it was built with, or"
                      " a new `generation:`, which reads the topics from their start");
    if (GUARD(erasure_key_same) && shard->record.erasure_key != engine->o.erasure_key)
        return refuse(engine, shard, e,
                      "leads were erased under another `erasure.key_file`: with a new key they would not"
                      " be recognised. Use the key that this generation was built with");
    return true;
}

/* The store now reflects the changelog up to the target. */
static bool close_reading(struct engine *engine, struct shard *shard, struct err *e) {
    const struct store *store = engine->o.store;
    if (shard->stored.known && !shard->building && shard->stored.from == shard->log_target)
        return true;
    struct store_shard state = shard->stored;
    state.known = true;
    state.from = state.upto = shard->log_target;
    state.written = engine->wall;
    if (shard->building ? !store->build_done(store->self, shard->number, &state, e)
                        : !store->write(store->self, shard->number, NULL, 0, &state, e))
        return false;
    shard->stored = state;
    shard->building = false;
    return true;
}

static bool step_verify(struct engine *engine, struct shard *shard, struct err *e) {
    struct store_due first;
    size_t n;
    if (!close_reading(engine, shard, e) || !load_record(engine, shard, e) || !verify_makers(engine, shard, e) ||
        !verify_offsets(engine, shard, e))
        return false;
    if (!engine->o.store->due(engine->o.store->self, shard->number, INT64_MAX, &first, 1, &n, e))
        return false;
    shard->disk_due = n ? first.due : LEAD_NO_DUE;
    if (!engine->o.source->seek(engine->o.source->self, shard->number, shard->next, e))
        return false;
    if (GUARD(clock_kept))
        shard->clock = shard->record.clock;
    shard->log_end = shard->log_target;
    shard->ended_at = -1;
    shard->scanned = false;
    shard->live_since = engine->wall;
    shard->behind = (uint32_t)((UINT64_C(1) << engine->n_topics) - 1);
    for (size_t t = 0; t < engine->n_topics; t++) {
        shard->newest[t] = LEAD_NEVER;
        shard->at_end[t] = false;
    }
    shard->phase = SHARD_LIVE;
    commit_told(engine, shard, false); /* it would have been read */
    condemned_passed(engine, shard);
    engine->counts.resyncs++;
    engine_tell(engine, ENGINE_LIVE, shard->number, shard->restored, NULL);
    return true;
}

bool resync_step(struct engine *engine, struct shard *shard, struct err *e) {
    switch (shard->phase) {
    case SHARD_OPEN:
        return step_open(engine, shard, e);
    case SHARD_COMMITTED:
        return step_committed(engine, shard, e);
    case SHARD_BOUNDS:
        return step_bounds(engine, shard, e);
    case SHARD_BIRTH:
        return step_birth(engine, shard, e);
    case SHARD_READ:
        return step_read(engine, shard, e);
    case SHARD_VERIFY:
        return step_verify(engine, shard, e);
    case SHARD_LIVE:
        break;
    }
    MUST(false);
    return false;
}
