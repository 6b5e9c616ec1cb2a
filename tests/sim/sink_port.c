/* The sink's port: a transactional producer and a reader of the changelog.
 *
 * Records wait in the producer's queue and go out whenever they like, at the latest before the end of the transaction:
 * so some may come after its offsets. The group's metadata is taken when the transaction begins, as kafka_sink does. */
#include "sim/sim.h"

enum { INIT_TRIES = 8 };

/* ---- the producer's queue ---- */

static bool refused(struct process *p, enum broker_answer answer, struct err *e) {
    if (answer == BROKER_OK)
        return true;
    p->broken = answer == BROKER_FENCED;
    return answer == BROKER_FENCED ? err_set(e, ERR_FENCED, "sim", "a newer producer has the transactional id")
                                   : err_set(e, ERR_ABORTED, "sim", "the broker refuses the transaction");
}

/* Sends what waits, all of it if `all`. False: not yet possible, or refused. */
static bool pump(struct process *p, bool all, struct err *e) {
    struct sim *sim = p->sim;
    size_t sent = 0;
    if (sim->slow_producers && !all)
        return true;
    if (p->txn == BROKER_NONE && p->n_outbox && !broker_ready(sim, p->seat))
        return !all || err_set(e, ERR_TIMEOUT, "sim", "the last transaction is not settled yet");
    if (sim->now < sim->broker.down_until)
        return !all || err_set(e, ERR_TIMEOUT, "sim", "the broker does not answer");
    while (sent < p->n_outbox && p->refused == BROKER_OK && (all || !dice_one_in(&sim->chance, 4))) {
        const struct broker_record *r = &p->outbox[sent].record;
        uint32_t shard = p->outbox[sent].shard;
        int64_t offset;
        p->refused = broker_produce(sim, p->seat, p->epoch, &p->txn, p->outbox[sent].topic, shard, r, &offset);
        if (p->refused == BROKER_OK && r->key.n == 1 && r->key.at[0] == 'S')
            p->log_ends[shard] = offset + 1;
        sim->broker.txns[p->txn == BROKER_NONE ? 0 : p->txn].process = p->number;
        sent++;
    }
    p->n_outbox -= sent;
    memmove(p->outbox, p->outbox + sent, p->n_outbox * sizeof *p->outbox);
    return refused(p, p->refused, e);
}

static bool send(struct process *p, enum broker_topic topic, uint32_t shard, struct broker_record record,
                 struct err *e) {
    if (!p->open)
        sim_fail(p->sim, "worker %u publishes outside of a transaction", p->number);
    if (p->n_outbox == PROCESS_OUTBOX && !pump(p, true, e))
        return false;
    p->outbox[p->n_outbox].topic = topic;
    p->outbox[p->n_outbox].shard = shard;
    p->outbox[p->n_outbox++].record = record;
    return dice_one_in(&p->sim->chance, 2) || pump(p, false, e);
}

/* What every call of an open transaction begins with. */
static bool begins(struct process *p, enum plan_site site, struct err *e) {
    if (!process_begins(p, site, e)) {
        p->broken = p->broken || (!p->dead && e->code == ERR_FENCED);
        return false;
    }
    return !p->broken || err_set(e, ERR_FENCED, "sim", "the producer has failed for good");
}

/* ---- init, begin ---- */

/* Takes the id, which is a new epoch. */
static bool take_id(struct process *p, struct err *e) {
    bool good = p->has_id;
    for (int i = 0; i < INIT_TRIES && !good && !p->dead; i++) {
        good = broker_init(p->sim, p->seat, &p->epoch);
        if (!good)
            world_wait(p->sim, 20);
    }
    if (process_fault(p, FAULT_LATER) || process_fault(p, FAULT_ANSWER_LOST))
        good = false; /* the id is taken all the same */
    if (!good)
        return err_set(e, ERR_TIMEOUT, "sim", "init_transactions timed out");
    p->has_id = true;
    p->closed = false;
    p->txn = BROKER_NONE;
    return true;
}

static bool sink_init(void *self, struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_INIT, e))
        return false;
    if (p->open)
        sim_fail(p->sim, "worker %u takes its id in the middle of a transaction", p->number);
    p->closed = p->closed && p->has_id;
    return process_ends(p, take_id(p, e), e);
}

static bool sink_begin(void *self, struct err *e) {
    struct process *p = self;
    if (!begins(p, SITE_BEGIN, e))
        return false;
    if (p->closed && !p->sim->keeps_epoch) { /* as kafka_sink does it: what may be on its way is fenced by a new epoch */
        p->has_id = false;
        if (!take_id(p, e))
            return process_ends(p, false, e);
    }
    if (!p->has_id || p->open)
        sim_fail(p->sim, "worker %u begins a transaction %s", p->number, p->open ? "in another" : "without an id");
    p->open = true;
    p->txn = BROKER_NONE;
    p->n_outbox = 0;
    p->refused = BROKER_OK;
    p->group = (struct group_metadata){p->seat, p->member, p->sim->group.members[p->seat].generation};
    for (uint32_t s = 0; s < PLAN_SHARDS; s++)
        p->log_ends[s] = ENGINE_NO_OFFSET;
    return process_ends(p, true, e);
}

/* ---- records ---- */

static bool put_output(struct process *p, struct broker_output output, uint32_t shard, struct err *e) {
    struct broker_output *kept = arena_copy(p->sim->arena, &output, sizeof output);
    MUST(kept != NULL);
    return send(p, BROKER_OUTPUT, shard, (struct broker_record){.output = kept}, e);
}

static bool sink_emit(void *self, const struct record *r, struct err *e) {
    struct process *p = self;
    if (!begins(p, SITE_EMIT, e))
        return false;
    bool good = put_output(p, oracle_output(r), input_lead_number(r->lead) % p->sim->plan.shards, e);
    return process_ends(p, good, e);
}

static bool sink_forget(void *self, struct bytes lead, struct err *e) {
    struct process *p = self;
    uint32_t number = input_lead_number(lead);
    if (!begins(p, SITE_FORGET, e))
        return false;
    struct broker_output output = {.what = BROKER_TOMBSTONE, .line = number};
    return process_ends(p, put_output(p, output, number % p->sim->plan.shards, e), e);
}

static bool sink_reject(void *self, const struct intake *item, const struct err *why, struct err *e) {
    struct process *p = self;
    (void)why;
    if (!begins(p, SITE_REJECT, e))
        return false;
    return process_ends(p, put_output(p, oracle_dead_letter(item), item->shard, e), e);
}

static bool sink_log(void *self, uint32_t shard, struct bytes key, struct bytes value, struct err *e) {
    struct process *p = self;
    if (!begins(p, SITE_LOG, e))
        return false;
    struct broker_record record = {.key = sim_keep(p->sim, key), .value = sim_keep(p->sim, value)};
    return process_ends(p, send(p, BROKER_CHANGELOG, shard, record, e), e);
}

/* ---- the end of a transaction ---- */

static void list_offsets(const struct process *p, const struct sink_offsets *offsets, size_t n,
                         int64_t (*out)[PLAN_TOPICS]) {
    for (uint32_t s = 0; s < PLAN_SHARDS; s++)
        for (uint16_t t = 0; t < PLAN_TOPICS; t++)
            out[s][t] = ENGINE_NO_OFFSET;
    for (size_t i = 0; i < n; i++)
        memcpy(out[offsets[i].shard], offsets[i].offsets, p->sim->plan.topics * sizeof(int64_t));
}

/* The transaction has reached the coordinator, or may now. */
static bool begun(struct process *p, struct err *e) {
    if (p->txn != BROKER_NONE || broker_ready(p->sim, p->seat))
        return true;
    world_wait(p->sim, 10);
    return err_set(e, ERR_TIMEOUT, "sim", "the last transaction is not settled yet");
}

static bool send_now(struct process *p, int64_t (*list)[PLAN_TOPICS], struct err *e) {
    if (!group_accepts(p->sim, &p->group))
        return err_set(e, ERR_ABORTED, "sim", "the group has moved on (ILLEGAL_GENERATION)");
    return refused(p, broker_send_offsets(p->sim, p->seat, p->epoch, &p->txn, list), e);
}

static bool sink_send_offsets(void *self, const struct sink_offsets *offsets, size_t n, struct err *e) {
    struct process *p = self;
    int64_t list[PLAN_SHARDS][PLAN_TOPICS];
    if (!begins(p, SITE_SEND, e))
        return false;
    if (p->losing)
        sim_fail(p->sim, "worker %u commits for partitions that it has lost", p->number);
    list_offsets(p, offsets, n, list);
    if (!pump(p, !p->sim->slow_producers && dice_one_in(&p->sim->chance, 2), e) || !begun(p, e))
        return process_ends(p, false, e);
    const struct plan_fault *later = process_fault(p, FAULT_LATER);
    if (!later)
        return process_ends(p, send_now(p, list, e), e);
    struct broker_flight *f = broker_send_later(p->sim, later->arg);
    p->closed = true;
    f->what = FLIGHT_OFFSETS;
    f->id = p->seat;
    f->epoch = p->epoch;
    f->txn = p->txn;
    f->group = p->group;
    memcpy(f->offsets, list, sizeof list);
    err_set(e, ERR_TIMEOUT, "sim", "send_offsets is on its way");
    return process_ends(p, false, e);
}

/* What the worker took, for the oracle. */
static void put_claims(struct process *p) {
    struct broker_txn *txn = &p->sim->broker.txns[p->txn];
    for (uint32_t s = 0; s < p->sim->plan.shards; s++) {
        struct broker_claim *claim = &txn->claims[s];
        *claim = p->claims[s];
        claim->taken = arena_copy(p->sim->arena, p->claims[s].taken, claim->n * sizeof *claim->taken);
    }
}

/* The claims begin again where the transaction ended. */
static void move_claims(struct process *p) {
    const struct broker_txn *txn = &p->sim->broker.txns[p->txn];
    for (uint32_t s = 0; s < p->sim->plan.shards; s++) {
        if (txn->offsets[s][0] == ENGINE_NO_OFFSET)
            continue;
        memcpy(p->claims[s].base, txn->offsets[s], sizeof txn->offsets[s]);
        p->claims[s].n = 0;
    }
}

static bool end(struct process *p, bool commit, struct err *e) {
    if (commit && !pump(p, true, e))
        return false;
    if (commit && p->txn != BROKER_NONE)
        put_claims(p);
    const struct plan_fault *later = process_fault(p, FAULT_LATER), *lost = process_fault(p, FAULT_ANSWER_LOST);
    if (!later) {
        enum broker_answer answer = broker_end(p->sim, p->seat, p->epoch, p->txn, commit);
        if (!lost)
            return refused(p, answer, e);
    }
    /* Where the answer was lost the request was sent twice: the second may still be on its way. */
    struct broker_flight *f = broker_send_later(p->sim, later ? later->arg : dice_between(&p->sim->chance, 1, 2000));
    p->closed = true;
    f->what = FLIGHT_END;
    f->id = p->seat;
    f->epoch = p->epoch;
    f->txn = p->txn;
    f->commit = commit;
    return err_set(e, ERR_TIMEOUT, "sim", "the end of the transaction is on its way");
}

static bool sink_commit(void *self, struct err *e) {
    struct process *p = self;
    if (!begins(p, SITE_COMMIT, e))
        return false;
    if (!p->open)
        sim_fail(p->sim, "worker %u commits no transaction", p->number);
    bool good = process_ends(p, end(p, true, e), e);
    if (good) {
        if (p->txn != BROKER_NONE)
            move_claims(p);
        p->open = false;
    }
    return good;
}

static bool sink_abort(void *self, struct err *e) {
    struct process *p = self;
    if (!begins(p, SITE_ABORT, e))
        return false;
    bool good = process_ends(p, !p->open || end(p, false, e), e);
    if (good) {
        p->open = false;
        p->n_outbox = 0;
        p->refused = BROKER_OK;
    }
    return good;
}

static int64_t sink_log_end(void *self, uint32_t shard) {
    const struct process *p = self;
    return p->log_ends[shard];
}

static void sink_retire(void *self) {
    struct process *p = self;
    process_begins(p, SITE_RETIRE, NULL);
    if (!p->dead) {
        process_strand(p);
        p->has_id = p->open = p->broken = p->closed = false;
        p->txn = BROKER_NONE;
        p->refused = BROKER_OK;
    }
    process_ends(p, true, NULL);
}

/* ---- the changelog read back ---- */

static bool sink_log_bounds(void *self, uint32_t shard, int64_t *first, int64_t *last, struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_LOG_BOUNDS, e))
        return false;
    *first = 0;
    *last = (int64_t)p->sim->broker.logs[BROKER_CHANGELOG][shard].n;
    return process_ends(p, true, e);
}

static bool sink_log_open(void *self, uint32_t shard, int64_t from, struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_LOG_OPEN, e))
        return false;
    if (p->reading && p->read_shard != shard)
        sim_fail(p->sim, "worker %u reads two changelogs at once", p->number);
    p->reading = true;
    p->read_shard = shard;
    p->read_at = (size_t)from;
    return process_ends(p, true, e);
}

static bool sink_log_read(void *self, int wait, struct log_entry *entries, size_t max, size_t *n, int64_t *position,
                          struct err *e) {
    struct process *p = self;
    struct sim *sim = p->sim;
    if (!process_begins(p, SITE_LOG_READ, e))
        return false;
    if (!p->reading)
        sim_fail(sim, "worker %u reads a changelog that it has not opened", p->number);
    const struct broker_log *log = &sim->broker.logs[BROKER_CHANGELOG][p->read_shard];
    size_t stable = broker_stable(sim, BROKER_CHANGELOG, p->read_shard);
    max = dice_one_in(&sim->chance, 3) && max > 1 ? 1 + dice_below(&sim->chance, 5) : max;
    for (*n = 0; *n < max && p->read_at < stable; p->read_at++) {
        const struct broker_record *r = &log->at[p->read_at];
        if (broker_visible(sim, r))
            entries[(*n)++] = (struct log_entry){(int64_t)p->read_at, r->key, r->value};
    }
    *position = (int64_t)p->read_at;
    if (!*n && wait > 0 && p->read_at >= stable && stable < log->n)
        world_wait(sim, dice_between(&sim->chance, 1, wait));
    return process_ends(p, true, e);
}

static void sink_log_close(void *self) {
    struct process *p = self;
    process_begins(p, SITE_LOG_CLOSE, NULL);
    p->reading = false;
    process_ends(p, true, NULL);
}

struct sink process_sink(struct process *process) {
    return (struct sink){.self = process,
                         .init = sink_init,
                         .begin = sink_begin,
                         .emit = sink_emit,
                         .forget = sink_forget,
                         .reject = sink_reject,
                         .log = sink_log,
                         .send_offsets = sink_send_offsets,
                         .commit = sink_commit,
                         .abort = sink_abort,
                         .log_end = sink_log_end,
                         .retire = sink_retire,
                         .log_bounds = sink_log_bounds,
                         .log_open = sink_log_open,
                         .log_read = sink_log_read,
                         .log_close = sink_log_close};
}
