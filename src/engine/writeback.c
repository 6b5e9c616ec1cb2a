/* Committed leads into the store, later and together.
 *
 * The changelog has everything, so the store may lag: a lead that changes a hundred times in `lag` is written once.
 * Unwritten leads are in a list by `since`, the changelog's end before their first unwritten change; all before the
 * oldest's `since` is in the store, and that is where catch-up would start (`from`). */
#include "base/guard.h"
#include "engine/shard.h"

static void list_append(struct shard *shard, struct cache_entry *entry) {
    entry->older = shard->newest_entry;
    entry->newer = NULL;
    if (shard->newest_entry)
        shard->newest_entry->newer = entry;
    else
        shard->oldest = entry;
    shard->newest_entry = entry;
    shard->n_unwritten++;
}

static void list_remove(struct shard *shard, struct cache_entry *entry) {
    if (entry->older)
        entry->older->newer = entry->newer;
    else
        shard->oldest = entry->newer;
    if (entry->newer)
        entry->newer->older = entry->older;
    else
        shard->newest_entry = entry->older;
    entry->older = entry->newer = NULL;
    MUST(shard->n_unwritten > 0);
    shard->n_unwritten--;
}

void writeback_mark(struct engine *engine, struct shard *shard, struct cache_entry *entry) {
    if (!entry->unwritten) {
        entry->unwritten = true;
        entry->since = shard->log_end;
        entry->dirty_at = engine->mono;
        list_append(shard, entry);
    }
    timers_update(&shard->timers, entry);
    if (entry->disk_due <= shard->clock && !entry->urgent) {
        entry->urgent = true;
        shard->n_urgent++;
    }
}

void writeback_clear(struct shard *shard) {
    shard->oldest = shard->newest_entry = NULL;
    shard->n_unwritten = shard->n_urgent = 0;
}

/* The timer that the store is to have for the lead. */
static int64_t due_of(const struct lead *lead) {
    return changelog_forgotten(lead) ? LEAD_NO_DUE : lead->d.due;
}

/* The lead's put, and its erasure's if there is one to remember; false: the arena is full. */
static bool add_puts(struct engine *engine, const struct cache_entry *entry, struct store_put *puts, size_t *n) {
    const struct lead *lead = &entry->lead;
    size_t cap = changelog_lead_room(lead);
    uint8_t *key = arena_take(engine->arena, CHANGELOG_MAX_KEY), *value = arena_take(engine->arena, cap);
    if (!key || !value)
        return false;
    puts[(*n)++] = (struct store_put){changelog_lead_key(lead->key, key),
                                      changelog_lead_value(lead, engine->o.model, value, cap), due_of(lead),
                                      entry->disk_due};
    if (!entry->erasing_store)
        return true;
    uint8_t *erasure = arena_take(engine->arena, CHANGELOG_ERASURE_KEY + CHANGELOG_ERASURE_VALUE);
    if (!erasure)
        return false;
    puts[(*n)++] = (struct store_put){changelog_erasure_key(engine->o.store, lead->key, erasure),
                                      changelog_erasure_value(lead->d.erased, erasure + CHANGELOG_ERASURE_KEY),
                                      LEAD_NO_DUE, LEAD_NO_DUE};
    return true;
}

/* The next unwritten lead to write: any if `all`, else one that is urgent or old enough. The list is by age but for the
 * urgent ones, so the walk stops at the first young one once all urgent ones were seen. */
static struct cache_entry *next_due(const struct engine *engine, struct cache_entry *at, bool all, size_t urgent_left) {
    for (; at; at = at->newer) {
        if (all || at->urgent || engine->mono - at->dirty_at >= engine->o.lag)
            return at;
        if (!urgent_left)
            return NULL;
    }
    return NULL;
}

static void written(struct engine *engine, struct shard *shard, struct cache_entry *entry) {
    list_remove(shard, entry);
    timers_remove(&shard->timers, entry);
    if (entry->urgent) {
        MUST(shard->n_urgent > 0);
        shard->n_urgent--;
    }
    entry->unwritten = entry->urgent = entry->erasing_store = false;
    entry->disk_due = due_of(&entry->lead);
    if (entry->disk_due < shard->disk_due)
        shard->disk_due = entry->disk_due;
    engine->counts.written++;
}

/* One write of at most ENGINE_WRITES leads; *n is how many. */
static bool write_some(struct engine *engine, struct shard *shard, bool all, size_t *n, struct err *e) {
    arena_reset(engine->arena);
    struct store_put *puts = arena_take(engine->arena, (2 * ENGINE_WRITES + 1) * sizeof *puts);
    struct cache_entry **entries = arena_take(engine->arena, ENGINE_WRITES * sizeof(struct cache_entry *));
    MUST(puts && entries);
    size_t n_puts = 0, urgent_left = shard->n_urgent;
    bool erasures = shard->stored.erasures;
    struct cache_entry *entry = next_due(engine, shard->oldest, all, urgent_left);
    for (*n = 0; entry && *n < ENGINE_WRITES; (*n)++) {
        MUST(!entry->touched);
        if (!add_puts(engine, entry, puts, &n_puts))
            break;
        erasures = erasures || entry->erasing_store;
        urgent_left -= entry->urgent;
        entries[*n] = entry;
        entry = next_due(engine, entry->newer, all, urgent_left);
    }
    if (!*n)
        return true;
    uint8_t record[CHANGELOG_MAX_SHARD_RECORD], key = CHANGELOG_SHARD;
    puts[n_puts++] =
        (struct store_put){{&key, 1}, changelog_shard_value(&shard->record, record), LEAD_NO_DUE, LEAD_NO_DUE};

    /* What stays unwritten decides where catch-up starts: the list without these. */
    for (size_t i = 0; i < *n; i++)
        entries[i]->unwritten = false;
    const struct cache_entry *left = shard->oldest;
    while (left && !left->unwritten)
        left = left->newer;
    struct store_shard state = shard->stored;
    state.known = true;
    state.from = GUARD(from_waits) && left ? left->since : shard->log_end;
    state.upto = shard->log_end;
    state.written = engine->wall;
    state.erasures = erasures;
    if (!engine->o.store->write(engine->o.store->self, shard->number, puts, n_puts, &state, e))
        return false;
    shard->stored = state;
    for (size_t i = 0; i < *n; i++)
        written(engine, shard, entries[i]);
    return true;
}

/* After timers on disk have fired: when is the next? */
static bool ask_disk_due(struct engine *engine, struct shard *shard, struct err *e) {
    struct store_due first;
    size_t n;
    if (!engine->o.store->due(engine->o.store->self, shard->number, INT64_MAX, &first, 1, &n, e))
        return false;
    shard->disk_due = n ? first.due : LEAD_NO_DUE;
    shard->scanned = false;
    return true;
}

/* More are old than one write takes, so that the store falls behind its lag. */
static bool behind(const struct engine *engine, const struct shard *shard, size_t n) {
    return n == ENGINE_WRITES && shard->oldest && engine->mono - shard->oldest->dirty_at >= 2 * engine->o.lag;
}

bool writeback_run(struct engine *engine, struct shard *shard, bool all, struct err *e) {
    MUST(!engine->open && shard->phase == SHARD_LIVE);
    size_t n = ENGINE_WRITES;
    do {
        if (!write_some(engine, shard, all, &n, e))
            return false;
    } while (n && (all || shard->n_urgent || behind(engine, shard, n)));
    return shard->scanned ? ask_disk_due(engine, shard, e) : true;
}
