/* Logs and the coordinator. A transaction is settled when each partition that it touched has its marker. */
#include "sim/broker.h"

#include "sim/sim.h"

#include <stdlib.h>

static void clear_offsets(int64_t (*offsets)[PLAN_TOPICS]) {
    for (uint32_t s = 0; s < PLAN_SHARDS; s++)
        for (uint16_t t = 0; t < PLAN_TOPICS; t++)
            offsets[s][t] = ENGINE_NO_OFFSET;
}

void broker_reset(struct sim *sim) {
    struct broker *b = &sim->broker;
    for (int topic = 0; topic < BROKER_TOPICS; topic++)
        for (uint32_t s = 0; s < PLAN_SHARDS; s++)
            b->logs[topic][s].n = b->logs[topic][s].stable = 0;
    b->n_txns = 0;
    b->unsettled = 0;
    for (uint32_t i = 0; i < BROKER_IDS; i++)
        b->ids[i] = (struct broker_id){0, BROKER_NONE};
    clear_offsets(b->offsets);
    for (size_t i = 0; i < BROKER_FLIGHTS; i++)
        b->flights[i].used = false;
    b->down_until = b->slow_until = 0;
}

void broker_free(struct sim *sim) {
    for (int topic = 0; topic < BROKER_TOPICS; topic++)
        for (uint32_t s = 0; s < PLAN_SHARDS; s++)
            free(sim->broker.logs[topic][s].at);
    free(sim->broker.txns);
}

/* ---- the end of a transaction ---- */

static int64_t marker_delay(struct sim *sim) {
    if (sim->now < sim->broker.slow_until)
        return dice_between(&sim->chance, 0, 800);
    return dice_one_in(&sim->chance, 3) ? dice_between(&sim->chance, 0, 12) : 0;
}

static void append(struct broker_log *log, const struct broker_record *record) {
    GROW(log->at, log->n, log->cap);
    log->at[log->n++] = *record;
}

static void settle_group(struct sim *sim, struct broker_txn *txn) {
    for (uint32_t s = 0; s < sim->plan.shards && txn->fate == BROKER_COMMITTED; s++)
        for (uint16_t t = 0; t < sim->plan.topics; t++)
            if (txn->offsets[s][t] != ENGINE_NO_OFFSET)
                sim->broker.offsets[s][t] = txn->offsets[s][t];
    txn->settle_group = -1;
}

/* Writes the markers whose time has come. */
static void settle(struct sim *sim, uint32_t number) {
    struct broker_txn *txn = &sim->broker.txns[number];
    bool all = true;
    for (int topic = 0; topic < BROKER_TOPICS; topic++) {
        for (uint32_t s = 0; s < sim->plan.shards; s++) {
            if (!txn->touched[topic][s] || txn->settle[topic][s] < 0)
                continue;
            if (txn->settle[topic][s] > sim->now) {
                all = false;
                continue;
            }
            struct broker_record marker = {.txn = number, .marker = true, .at = sim->now};
            append(&sim->broker.logs[topic][s], &marker);
            txn->settle[topic][s] = -1;
        }
    }
    if (txn->group && txn->settle_group >= 0 && txn->settle_group <= sim->now)
        settle_group(sim, txn);
    txn->settled = all && !(txn->group && txn->settle_group >= 0);
}

static void decide(struct sim *sim, uint32_t number, bool commit) {
    struct broker_txn *txn = &sim->broker.txns[number];
    MUST(txn->fate == BROKER_OPEN);
    txn->fate = commit ? BROKER_COMMITTED : BROKER_ABORTED;
    for (int topic = 0; topic < BROKER_TOPICS; topic++)
        for (uint32_t s = 0; s < sim->plan.shards; s++)
            txn->settle[topic][s] = sim->now + marker_delay(sim);
    txn->settle_group = sim->now + marker_delay(sim);
    story_tell(sim, "the coordinator %s transaction %u (of worker %u)", commit ? "commits" : "aborts", number,
               txn->process);
    if (commit) {
        sim->counts.commits++;
        oracle_committed(sim, txn, number);
    }
    settle(sim, number);
}

/* ---- flights ---- */

struct broker_flight *broker_send_later(struct sim *sim, int64_t ms) {
    for (size_t i = 0; i < BROKER_FLIGHTS; i++) {
        struct broker_flight *f = &sim->broker.flights[i];
        if (f->used)
            continue;
        *f = (struct broker_flight){.used = true, .at = sim->now + ms};
        return f;
    }
    struct broker_flight *oldest = &sim->broker.flights[0]; /* lost on the way */
    *oldest = (struct broker_flight){.used = true, .at = sim->now + ms};
    return oldest;
}

/* True where the request may still act: late ones of an older epoch are fenced. Records have sequence numbers, so they
 * are taken by their own transaction only; offsets and ends know no more than the epoch, and act on whatever transaction
 * of it is open. */
static bool still_open(const struct sim *sim, struct broker_flight *f) {
    const struct broker_id *id = &sim->broker.ids[f->id];
    if (id->epoch != f->epoch || id->txn == BROKER_NONE || sim->broker.txns[id->txn].fate != BROKER_OPEN)
        return false;
    if (f->what != FLIGHT_PRODUCE)
        f->txn = id->txn;
    return id->txn == f->txn;
}

static void arrive(struct sim *sim, struct broker_flight *f) {
    static const char *const names[] = {"a record", "offsets", "the end"};
    bool open = still_open(sim, f);
    int64_t offset;
    f->used = false;
    story_tell(sim, "%s of transaction %d arrives late: %s", names[f->what], (int)f->txn, open ? "taken" : "refused");
    if (!open)
        return;
    if (f->what == FLIGHT_PRODUCE)
        broker_produce(sim, f->id, f->epoch, &f->txn, f->topic, f->shard, &f->record, &offset);
    else if (f->what == FLIGHT_OFFSETS && group_accepts(sim, &f->group))
        broker_send_offsets(sim, f->id, f->epoch, &f->txn, f->offsets);
    else if (f->what == FLIGHT_END)
        broker_end(sim, f->id, f->epoch, f->txn, f->commit);
}

void broker_tick(struct sim *sim) {
    struct broker *b = &sim->broker;
    if (sim->now < b->down_until)
        return;
    for (size_t i = 0; i < BROKER_FLIGHTS; i++)
        if (b->flights[i].used && b->flights[i].at <= sim->now)
            arrive(sim, &b->flights[i]);
    for (uint32_t i = 0; i < BROKER_IDS; i++) {
        uint32_t txn = b->ids[i].txn;
        if (txn == BROKER_NONE || b->txns[txn].fate != BROKER_OPEN || sim->now - b->txns[txn].began < BROKER_TXN_TIMEOUT)
            continue;
        story_tell(sim, "transaction %u is too old", txn);
        b->ids[i].epoch++; /* its producer is fenced */
        decide(sim, txn, false);
    }
    for (uint32_t i = b->unsettled; i < b->n_txns; i++)
        if (b->txns[i].fate != BROKER_OPEN && !b->txns[i].settled)
            settle(sim, i);
    while (b->unsettled < b->n_txns && b->txns[b->unsettled].settled)
        b->unsettled++;
}

/* ---- requests ---- */

bool broker_init(struct sim *sim, uint32_t id, uint32_t *epoch) {
    struct broker_id *at = &sim->broker.ids[id];
    at->epoch++;
    *epoch = at->epoch;
    if (at->txn == BROKER_NONE)
        return true;
    if (sim->broker.txns[at->txn].fate == BROKER_OPEN)
        decide(sim, at->txn, false);
    return sim->broker.txns[at->txn].settled;
}

bool broker_ready(const struct sim *sim, uint32_t id) {
    uint32_t txn = sim->broker.ids[id].txn;
    return txn == BROKER_NONE || sim->broker.txns[txn].fate == BROKER_OPEN || sim->broker.txns[txn].settled;
}

static uint32_t begin(struct sim *sim, uint32_t id, uint32_t epoch) {
    struct broker *b = &sim->broker;
    GROW(b->txns, b->n_txns, b->cap_txns);
    struct broker_txn *txn = &b->txns[b->n_txns];
    *txn = (struct broker_txn){.id = id, .epoch = epoch, .began = sim->now};
    clear_offsets(txn->offsets);
    b->ids[id].txn = (uint32_t)b->n_txns++;
    return b->ids[id].txn;
}

/* Finds or begins the transaction that a request belongs to. */
static enum broker_answer admit(struct sim *sim, uint32_t id, uint32_t epoch, uint32_t *txn) {
    const struct broker_id *at = &sim->broker.ids[id];
    if (epoch != at->epoch)
        return BROKER_FENCED;
    if (*txn == BROKER_NONE)
        *txn = begin(sim, id, epoch);
    return *txn == at->txn && sim->broker.txns[*txn].fate == BROKER_OPEN ? BROKER_OK : BROKER_WRONG_STATE;
}

enum broker_answer broker_produce(struct sim *sim, uint32_t id, uint32_t epoch, uint32_t *txn, enum broker_topic topic,
                                  uint32_t shard, const struct broker_record *record, int64_t *offset) {
    enum broker_answer answer = admit(sim, id, epoch, txn);
    if (answer != BROKER_OK)
        return answer;
    struct broker_record kept = *record;
    kept.txn = *txn;
    kept.at = sim->now;
    *offset = (int64_t)sim->broker.logs[topic][shard].n;
    append(&sim->broker.logs[topic][shard], &kept);
    struct broker_txn *at = &sim->broker.txns[*txn];
    if (!at->touched[topic][shard])
        at->from[topic][shard] = (size_t)*offset;
    at->touched[topic][shard] = true;
    return BROKER_OK;
}

enum broker_answer broker_send_offsets(struct sim *sim, uint32_t id, uint32_t epoch, uint32_t *txn,
                                       int64_t (*offsets)[PLAN_TOPICS]) {
    enum broker_answer answer = admit(sim, id, epoch, txn);
    if (answer != BROKER_OK)
        return answer;
    struct broker_txn *at = &sim->broker.txns[*txn];
    at->group = true;
    for (uint32_t s = 0; s < sim->plan.shards; s++)
        for (uint16_t t = 0; t < sim->plan.topics; t++)
            if (offsets[s][t] != ENGINE_NO_OFFSET)
                at->offsets[s][t] = offsets[s][t];
    return BROKER_OK;
}

enum broker_answer broker_end(struct sim *sim, uint32_t id, uint32_t epoch, uint32_t txn, bool commit) {
    const struct broker_id *at = &sim->broker.ids[id];
    if (epoch != at->epoch)
        return BROKER_FENCED;
    if (txn == BROKER_NONE)
        return BROKER_OK; /* nothing was ever sent */
    if (txn != at->txn)
        return BROKER_WRONG_STATE;
    enum broker_fate fate = sim->broker.txns[txn].fate;
    if (fate == BROKER_OPEN) {
        decide(sim, txn, commit);
        return BROKER_OK;
    }
    return (fate == BROKER_COMMITTED) == commit ? BROKER_OK : BROKER_WRONG_STATE;
}

/* ---- questions ---- */

bool broker_committed(struct sim *sim, uint32_t shard, int64_t *offsets) {
    const struct broker *b = &sim->broker;
    for (uint32_t i = b->unsettled; i < b->n_txns; i++)
        if (b->txns[i].group && b->txns[i].settle_group >= 0 && b->txns[i].offsets[shard][0] != ENGINE_NO_OFFSET)
            return false;
    memcpy(offsets, b->offsets[shard], sim->plan.topics * sizeof *offsets);
    return true;
}

/* True where this partition has the marker of the record's transaction. */
static bool is_settled(const struct sim *sim, enum broker_topic topic, uint32_t shard, uint32_t number) {
    const struct broker_txn *txn = &sim->broker.txns[number];
    return txn->fate != BROKER_OPEN && txn->settle[topic][shard] < 0;
}

size_t broker_stable(struct sim *sim, enum broker_topic topic, uint32_t shard) {
    struct broker_log *log = &sim->broker.logs[topic][shard];
    while (log->stable < log->n && is_settled(sim, topic, shard, log->at[log->stable].txn))
        log->stable++;
    return log->stable;
}

bool broker_visible(const struct sim *sim, const struct broker_record *record) {
    return !record->marker && !record->gone && sim->broker.txns[record->txn].fate == BROKER_COMMITTED;
}

void broker_compact(struct sim *sim) {
    for (uint32_t s = 0; s < sim->plan.shards; s++) {
        struct broker_log *log = &sim->broker.logs[BROKER_CHANGELOG][s];
        size_t end = broker_stable(sim, BROKER_CHANGELOG, s);
        for (size_t i = 0; i < end; i++) {
            struct broker_record *r = &log->at[i];
            if (!broker_visible(sim, r)) {
                r->gone = r->gone || !r->marker;
                continue;
            }
            bool later = false;
            for (size_t k = i + 1; k < end && !later; k++)
                later = broker_visible(sim, &log->at[k]) && bytes_equal(log->at[k].key, r->key);
            r->gone = later || (!r->value.at && sim->now - r->at >= BROKER_DELETE_RETENTION);
        }
    }
}

bool broker_quiet(const struct sim *sim) {
    for (uint32_t i = sim->broker.unsettled; i < sim->broker.n_txns; i++)
        if (!sim->broker.txns[i].settled)
            return false;
    return true;
}
