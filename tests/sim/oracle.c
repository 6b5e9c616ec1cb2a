/* Commits and outputs. What is written to disks is in oracle_store.c, what must be published in oracle_expect.c. */
#include "sim/oracle.h"

#include "sim/sim.h"

#include "engine/changelog.h"
#include <stdlib.h>

void oracle_reset(struct sim *sim) {
    struct oracle *o = &sim->oracle;
    if (!o->scratch)
        o->scratch = arena_new((size_t)64 << 20);
    if (o->scorer && scorer_model(o->scorer) != sim->model)
        scorer_free(&o->scorer);
    if (!o->scorer)
        o->scorer = scorer_new(sim->model);
    for (uint32_t l = 0; l < PLAN_LEADS; l++) {
        lead_fini(&o->shadow[l]);
        lead_init(&o->shadow[l], &lead_heap, input_lead(l), sim->model);
    }
    for (size_t i = 0; i < ORACLE_LINES; i++)
        o->expected[i].n = o->published[i].n = 0;
    for (uint32_t s = 0; s < PLAN_SHARDS; s++) {
        for (uint16_t t = 0; t < PLAN_TOPICS; t++)
            o->offsets[s][t] = ENGINE_NO_OFFSET;
        for (size_t k = 0; k < ORACLE_KEYS; k++)
            o->keys[s][k].key.n = o->keys[s][k].n = 0;
        o->clocks[s] = LEAD_NEVER;
    }
    o->exact = sim->plan.mode != PLAN_WILD;
    o->checks = 0;
}

void oracle_free(struct sim *sim) {
    struct oracle *o = &sim->oracle;
    scorer_free(&o->scorer);
    arena_free(&o->scratch);
    for (uint32_t l = 0; l < PLAN_LEADS; l++)
        if (o->shadow[l].room)
            lead_fini(&o->shadow[l]);
    for (size_t i = 0; i < ORACLE_LINES; i++) {
        free(o->expected[i].at);
        free(o->published[i].at);
    }
    for (uint32_t s = 0; s < PLAN_SHARDS; s++)
        for (size_t k = 0; k < ORACLE_KEYS; k++)
            free(o->keys[s][k].at);
}

/* ---- what was published ---- */

struct broker_output oracle_output(const struct record *record) {
    struct broker_output out;
    memset(&out, 0, sizeof out); /* padding too: they are compared as bytes */
    out.what = BROKER_RECORD;
    out.line = input_lead_number(record->lead);
    out.kind = record->kind;
    out.trigger = record->trigger;
    memcpy(out.id, record->id, sizeof out.id);
    out.at = record->at;
    out.total = record->score.total;
    out.stage = record->score.stage;
    out.route = record->score.route;
    out.previous = record->previous.total;
    out.previous_stage = record->previous.stage;
    out.previous_route = record->previous.route;
    return out;
}

struct broker_output oracle_dead_letter(const struct intake *item) {
    struct broker_output out;
    memset(&out, 0, sizeof out);
    out.what = BROKER_DEAD_LETTER;
    out.line = PLAN_LEADS + (uint32_t)item->topic * PLAN_SHARDS + item->shard;
    out.offset = item->offset;
    return out;
}

static void print_output(const struct broker_output *o, char *text, size_t n) {
    static const char *const kinds[] = {"score_changed", "sales_ready", "erased"};
    if (o->what == BROKER_TOMBSTONE)
        snprintf(text, n, "a tombstone");
    else if (o->what == BROKER_DEAD_LETTER)
        snprintf(text, n, "the dead letter of offset %lld", (long long)o->offset);
    else
        snprintf(text, n, "%s at %lld by %s: total %lld (before: %lld)", kinds[o->kind],
                 (long long)(o->at - SIM_START), o->trigger == TRIGGER_TIME ? "time" : "event", (long long)o->total,
                 (long long)o->previous);
}

/* The record goes on from the last one of its lead, and is no second copy of any. */
static void check_chain(struct sim *sim, const struct oracle_line *line, const struct broker_output *output) {
    const struct broker_output *last = NULL;
    if (output->what != BROKER_RECORD)
        return;
    for (size_t i = 0; i < line->n; i++) {
        const struct broker_output *other = &line->at[i];
        if (other->what == BROKER_RECORD && !memcmp(other->id, output->id, sizeof output->id))
            sim_fail(sim, "a record of lead %u was published twice", output->line);
        if (other->what == BROKER_TOMBSTONE)
            last = NULL;
        else if (other->kind == RECORD_SCORE_CHANGED)
            last = other;
    }
    if (output->kind == RECORD_SCORE_CHANGED && output->previous != (last ? last->total : 0))
        sim_fail(sim, "lead %u: a record says that the total before was %lld, the record before says %lld",
                 output->line, (long long)output->previous, (long long)(last ? last->total : 0));
}

static void publish(struct sim *sim, const struct broker_output *output) {
    struct oracle *o = &sim->oracle;
    struct oracle_line *line = &o->published[output->line], *expected = &o->expected[output->line];
    if (!o->exact) {
        check_chain(sim, line, output);
    } else if (line->n >= expected->n || memcmp(&expected->at[line->n], output, sizeof *output)) {
        char is[200], must[200] = "nothing more";
        print_output(output, is, sizeof is);
        if (line->n < expected->n)
            print_output(&expected->at[line->n], must, sizeof must);
        sim_fail(sim, "record %zu of %s %u is %s; it must be %s", line->n,
                 output->line < PLAN_LEADS ? "lead" : "dead letters", output->line, is, must);
    }
    GROW(line->at, line->n, line->cap);
    line->at[line->n++] = *output;
}

/* ---- a commit ---- */

static void tell_claim(struct sim *sim, const struct broker_claim *claim, uint32_t shard) {
    char list[200] = "";
    size_t at = 0;
    for (size_t i = 0; sim->story && i < claim->n && at + 16 < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, " %u", claim->taken[i]->number);
    story_tell(sim, "  shard %u: %zu events%s%s", shard, claim->n, claim->n ? ":" : "", list);
}

/* Where the committed reading of a shard went on and ended; the shadow takes what was taken. */
static void check_claim(struct sim *sim, const struct broker_txn *txn, uint32_t shard) {
    struct oracle *o = &sim->oracle;
    const struct broker_claim *claim = &txn->claims[shard];
    const int64_t *sent = txn->offsets[shard];
    for (uint16_t t = 0; t < sim->plan.topics; t++) {
        int64_t at = claim->given ? claim->base[t] : ENGINE_NO_OFFSET;
        if (at != o->offsets[shard][t])
            sim_fail(sim, "worker %u commits shard %u of topic %u from offset %lld on; committed was %lld",
                     txn->process, shard, t, (long long)at, (long long)o->offsets[shard][t]);
        o->offsets[shard][t] = at == ENGINE_NO_OFFSET ? sim->inputs[t][shard].first : at;
    }
    const struct input_item *last = NULL;
    tell_claim(sim, claim, shard);
    for (size_t i = 0; i < claim->n; i++) {
        const struct input_item *item = last = claim->taken[i];
        struct verdict verdict;
        struct err e;
        if (item->item.last)
            o->offsets[shard][item->item.topic] = item->item.offset + 1;
        if (item->item.bad)
            continue;
        arena_reset(o->scratch);
        do
            MUST(score_event(o->scorer, &o->shadow[input_lead_number(item->item.event.lead)], &item->item.event,
                             SCORE_UNBOUNDED, o->scratch, &verdict, &e));
        while (verdict.more);
    }
    if (last && !last->item.last)
        sim_fail(sim, "worker %u commits in the middle of a record", txn->process);
    for (uint16_t t = 0; t < sim->plan.topics; t++)
        if (sent[t] != o->offsets[shard][t])
            sim_fail(sim, "worker %u commits offset %lld of topic %u, shard %u; it has taken events up to %lld",
                     txn->process, (long long)sent[t], t, shard, (long long)o->offsets[shard][t]);
}

static struct oracle_key *history(struct sim *sim, uint32_t shard, struct bytes key) {
    struct oracle_key *keys = sim->oracle.keys[shard];
    size_t i = 0;
    while (keys[i].key.n && !bytes_equal(keys[i].key, key))
        i++;
    MUST(i < ORACLE_KEYS);
    keys[i].key = key;
    return &keys[i];
}

struct bytes oracle_memory(struct bytes value) {
    struct reader r = reader_of(value);
    reader_u8(&r);
    return reader_bytes(&r, reader_u32(&r));
}

static struct bytes last_value(const struct oracle_key *key) {
    return key->n ? key->at[key->n - 1].value : (struct bytes){NULL, 0};
}

static void check_lead(struct sim *sim, const struct broker_txn *txn, uint32_t lead) {
    uint8_t buffer[CHANGELOG_MAX_KEY];
    struct bytes key = sim_keep(sim, changelog_lead_key(input_lead(lead), buffer));
    struct bytes value = last_value(history(sim, lead % sim->plan.shards, key));
    struct bytes memory = value.at ? oracle_memory(value) : value;
    sim->oracle.checks++;
    if (!bytes_equal(memory, lead_memory(&sim->oracle.shadow[lead])))
        sim_fail(sim, "after the commit of worker %u the changelog does not hold what lead %u did (%zu bytes, must be"
                 " %zu)", txn->process, lead, memory.n, lead_memory(&sim->oracle.shadow[lead]).n);
}

static void check_shard_record(struct sim *sim, const struct broker_txn *txn, uint32_t shard, struct bytes value) {
    struct changelog_shard record;
    struct err e;
    if (!changelog_shard_read(&record, value, &e))
        sim_fail(sim, "the shard record of shard %u cannot be read: %s", shard, e.words);
    if (record.clock < sim->oracle.clocks[shard])
        sim_fail(sim, "the clock of shard %u falls by %lld ms", shard,
                 (long long)(sim->oracle.clocks[shard] - record.clock));
    sim->oracle.clocks[shard] = record.clock;
    for (uint16_t t = 0; t < sim->plan.topics; t++) {
        uint64_t topic = event_hash(input_topic(t));
        for (uint32_t i = 0; i < record.n; i++)
            if (record.topics[i] == topic && record.offsets[i] != txn->offsets[shard][t])
                sim_fail(sim, "the shard record of shard %u says offset %lld of topic %u, %lld is committed", shard,
                         (long long)record.offsets[i], t, (long long)txn->offsets[shard][t]);
    }
}

/* The transaction's records in one shard's changelog become history. */
static void take_changelog(struct sim *sim, const struct broker_txn *txn, uint32_t number, uint32_t shard) {
    const struct broker_log *log = &sim->broker.logs[BROKER_CHANGELOG][shard];
    const struct broker_record *last = NULL;
    for (size_t i = txn->from[BROKER_CHANGELOG][shard]; i < log->n; i++) {
        const struct broker_record *r = &log->at[i];
        if (r->txn != number)
            continue;
        last = r;
        struct oracle_key *key = history(sim, shard, r->key);
        GROW(key->at, key->n, key->cap);
        key->at[key->n].offset = (int64_t)i;
        key->at[key->n++].value = r->value;
    }
    if (last->key.at[0] != CHANGELOG_SHARD)
        sim_fail(sim, "the transaction of worker %u does not end with the shard record of shard %u", txn->process,
                 shard);
    check_shard_record(sim, txn, shard, last->value);
}

static void take_outputs(struct sim *sim, const struct broker_txn *txn, uint32_t number, uint32_t shard) {
    const struct broker_log *log = &sim->broker.logs[BROKER_OUTPUT][shard];
    for (size_t i = txn->from[BROKER_OUTPUT][shard]; i < log->n; i++)
        if (log->at[i].txn == number)
            publish(sim, log->at[i].output);
}

void oracle_committed(struct sim *sim, const struct broker_txn *txn, uint32_t number) {
    for (uint32_t s = 0; s < sim->plan.shards; s++) {
        bool touched = txn->touched[BROKER_CHANGELOG][s] || txn->touched[BROKER_OUTPUT][s];
        if (txn->offsets[s][0] == ENGINE_NO_OFFSET) {
            if (touched)
                sim_fail(sim, "worker %u commits records of shard %u without its offsets", txn->process, s);
            continue;
        }
        if (!txn->touched[BROKER_CHANGELOG][s])
            sim_fail(sim, "worker %u commits offsets of shard %u without its shard record", txn->process, s);
        check_claim(sim, txn, s);
        take_changelog(sim, txn, number, s);
        if (txn->touched[BROKER_OUTPUT][s])
            take_outputs(sim, txn, number, s);
        for (uint32_t l = s; l < sim->plan.leads; l += sim->plan.shards)
            check_lead(sim, txn, l);
    }
}
