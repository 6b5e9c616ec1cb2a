/* What must be published, and whether it was: all events in the order of a replay, one lead after the other, by the
 * scorer alone. */
#include "sim/oracle.h"

#include "sim/sim.h"

#include "engine/changelog.h"
#include <stdlib.h>

static void expect(struct sim *sim, const struct broker_output *output) {
    struct oracle_line *line = &sim->oracle.expected[output->line];
    GROW(line->at, line->n, line->cap);
    line->at[line->n++] = *output;
}

static void expect_all(struct sim *sim, const struct verdict *verdict, uint32_t lead) {
    for (size_t i = 0; i < verdict->n_records; i++) {
        struct broker_output output = oracle_output(&verdict->records[i]);
        expect(sim, &output);
    }
    if (verdict->fate != FATE_ERASED)
        return;
    struct broker_output tombstone;
    memset(&tombstone, 0, sizeof tombstone);
    tombstone.what = BROKER_TOMBSTONE;
    tombstone.line = lead;
    expect(sim, &tombstone);
}

static bool before(const struct intake *a, const struct intake *b) {
    return a->bad || b->bad ? a->bad && !b->bad : a->event.time < b->event.time;
}

/* The next item of a shard as a replay takes them; NULL: none is left. */
static const struct input_item *next(const struct sim *sim, uint32_t shard, size_t *at) {
    int best = -1;
    for (int t = 0; t < sim->plan.topics; t++) {
        const struct input_partition *p = &sim->inputs[t][shard];
        if (at[t] == p->n)
            continue;
        if (at[t] && !p->at[at[t] - 1].item.last) { /* the rest of an array */
            best = t;
            break;
        }
        if (best < 0 || before(&p->at[at[t]].item, &sim->inputs[best][shard].at[at[best]].item))
            best = t;
    }
    return best < 0 ? NULL : &sim->inputs[best][shard].at[at[best]++];
}

void oracle_expect(struct sim *sim, int64_t until) {
    struct oracle *o = &sim->oracle;
    struct verdict verdict;
    struct err e;
    for (size_t i = 0; i < ORACLE_LINES; i++)
        o->expected[i].n = 0;
    for (uint32_t s = 0; s < sim->plan.shards; s++) {
        size_t at[PLAN_TOPICS] = {0};
        const struct input_item *item;
        while ((item = next(sim, s, at)) != NULL) {
            arena_reset(o->scratch);
            if (item->item.bad) {
                struct broker_output output = oracle_dead_letter(&item->item);
                expect(sim, &output);
                continue;
            }
            uint32_t lead = input_lead_number(item->item.event.lead);
            do {
                MUST(score_event(o->scorer, &o->shadow[lead], &item->item.event, SCORE_UNBOUNDED, o->scratch, &verdict,
                                 &e));
                expect_all(sim, &verdict, lead);
            } while (verdict.more);
        }
    }
    for (uint32_t l = 0; l < sim->plan.leads; l++) {
        do {
            arena_reset(o->scratch);
            MUST(score_advance(o->scorer, &o->shadow[l], until, SCORE_UNBOUNDED, o->scratch, &verdict, &e));
            expect_all(sim, &verdict, l);
        } while (verdict.n_records);
        lead_fini(&o->shadow[l]); /* and from the start again, as events are committed */
        lead_init(&o->shadow[l], &lead_heap, input_lead(l), sim->model);
    }
}

void oracle_compare(struct sim *sim) {
    struct oracle *o = &sim->oracle;
    for (uint32_t l = 0; l < sim->plan.leads; l++)
        lead_forget(&o->shadow[l], sim->model, LEAD_NEVER);
    oracle_expect(sim, SIM_START + INT64_C(24) * 3600000);
    for (size_t i = 0; i < ORACLE_LINES; i++) {
        const struct oracle_line *is = &o->published[i], *must = &o->expected[i];
        for (size_t k = 0; k < is->n; k++)
            if (k >= must->n || memcmp(&is->at[k], &must->at[k], sizeof is->at[k]))
                sim_fail(sim, "record %zu of %s %zu is not what it must be", k, i < PLAN_LEADS ? "lead" : "dead letters",
                         i);
    }
}

/* ---- the end ---- */

/* The lead as the changelog has it; false: it is forgotten. */
static bool committed_lead(struct sim *sim, uint32_t number, struct lead *lead) {
    uint8_t buffer[CHANGELOG_MAX_KEY];
    struct bytes key = changelog_lead_key(input_lead(number), buffer), value = {NULL, 0};
    const struct oracle_key *keys = sim->oracle.keys[number % sim->plan.shards];
    struct err e;
    for (size_t i = 0; i < ORACLE_KEYS && keys[i].key.n; i++)
        if (bytes_equal(keys[i].key, key) && keys[i].n)
            value = keys[i].at[keys[i].n - 1].value;
    lead_init(lead, &lead_heap, input_lead(number), sim->model);
    if (!value.at)
        return false;
    if (!lead_bytes_read(lead, sim->model, value, &e))
        sim_fail(sim, "the value of lead %u cannot be read: %s", number, e.words);
    return true;
}

bool oracle_has_fired(struct sim *sim, int64_t clock) {
    bool all = true;
    for (uint32_t l = 0; l < sim->plan.leads && all; l++) {
        struct lead lead;
        if (committed_lead(sim, l, &lead) && lead.d.t <= clock)
            all = score_next_instant(sim->oracle.scorer, &lead, clock) == LEAD_NO_DUE;
        lead_fini(&lead);
    }
    return all;
}

void oracle_finish(struct sim *sim, int64_t clock) {
    struct oracle *o = &sim->oracle;
    if (!oracle_has_fired(sim, clock))
        sim_fail(sim, "a timer that was due has not fired");
    for (size_t i = 0; i < ORACLE_LINES && o->exact; i++) {
        size_t due = o->published[i].n;
        if (due < o->expected[i].n && o->expected[i].at[due].at <= clock)
            sim_fail(sim, "%s %zu has %zu records, more are due", i < PLAN_LEADS ? "lead" : "dead letters", i, due);
    }
    for (uint32_t s = 0; s < sim->plan.shards; s++)
        for (uint16_t t = 0; t < sim->plan.topics; t++)
            if (o->offsets[s][t] < input_end(&sim->inputs[t][s]))
                sim_fail(sim, "topic %u, shard %u: not all is committed", t, s);
}
