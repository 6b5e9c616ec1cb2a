/* What must be so, asked after every commit and every write, and at the end.
 *
 * A shadow of every lead is scored event by event, in the order in which the worker that committed had taken them, with
 * no cache, no batch and no store. At every commit:
 *   - its offsets begin where the last committed ones ended, and end where its events did (nothing lost, none twice);
 *   - the memory of every lead it logs is the shadow's, and no lead whose memory changed is left out;
 *   - the shard record says the same offsets and comes last; the shard's clock in it does not fall.
 * Where no event can be late (plan_mode backlog and live) what must be published is known from the start: every lead's
 * records so far are the first of those. Else every record goes on from the figures of the one before, no id comes twice.
 * At every write to a store: each value was committed before `upto`, and nothing committed before `from` is missing. */
#ifndef LEADSTREAM_SIM_ORACLE_H
#define LEADSTREAM_SIM_ORACLE_H

#include "sim/broker.h"

#include <leadstream/lead_bytes.h>

struct sim;
struct disk_table;

/* Lines: one for each lead, one for the dead letters of each input partition. */
enum { ORACLE_LINES = PLAN_LEADS + PLAN_TOPICS * PLAN_SHARDS };

struct oracle_line {
    struct broker_output *at;
    size_t n, cap;
};

/* Everything that was ever committed of one changelog key. */
struct oracle_key {
    struct bytes key;
    struct {
        int64_t offset;
        struct bytes value;
    } *at;
    size_t n, cap;
};

enum { ORACLE_KEYS = 2 * PLAN_LEADS + 2 };

struct oracle {
    struct scorer *scorer;
    struct arena *scratch;
    struct lead shadow[PLAN_LEADS];
    bool exact;                                     /* what must be published is known */
    struct oracle_line expected[ORACLE_LINES];
    struct oracle_line published[ORACLE_LINES];
    int64_t offsets[PLAN_SHARDS][PLAN_TOPICS];      /* committed, ENGINE_NO_OFFSET: never */
    int64_t clocks[PLAN_SHARDS];                    /* of the last shard records */
    struct oracle_key keys[PLAN_SHARDS][ORACLE_KEYS];
    uint64_t checks;
};

/* The memory in a lead's value. */
struct bytes oracle_memory(struct bytes value);
/* A record, a dead letter, as they are compared. */
struct broker_output oracle_output(const struct record *record);
struct broker_output oracle_dead_letter(const struct intake *item);

void oracle_reset(struct sim *sim);
void oracle_free(struct sim *sim);
/* Works out what must be published until this instant, which no clock will reach. */
void oracle_expect(struct sim *sim, int64_t until);

/* The coordinator has decided to commit. */
void oracle_committed(struct sim *sim, const struct broker_txn *txn, uint32_t number);
/* The shard was written to a disk. */
void oracle_written(struct sim *sim, uint32_t shard, const struct disk_table *table);
/* All input is done: everything that is due by the clock must have been published. */
bool oracle_has_fired(struct sim *sim, int64_t clock);
/* Where what must be published was not known before: all input is there by now, and was published in order. */
void oracle_compare(struct sim *sim);
/* The end: all input is committed, and all that must be published by the clock is. */
void oracle_finish(struct sim *sim, int64_t clock);

#endif
