/* What a Kafka broker keeps of the outputs, the changelog and the group's offsets, and its transaction coordinator.
 *
 * As on a real one: the coordinator decides, and the control markers of each partition follow later, each in its own
 * time; until then readers of committed records stop before the transaction, and its offsets are unstable. A producer is
 * fenced by the epoch of its transactional id, which grows at every init() and when a transaction is too old. Requests
 * that are on their way arrive whenever they like, also after their sender is dead. */
#ifndef LEADSTREAM_SIM_BROKER_H
#define LEADSTREAM_SIM_BROKER_H

#include "sim/group.h"

#include <leadstream/engine.h>

struct sim;
struct input_item;

#define BROKER_NONE UINT32_MAX
enum { BROKER_TXN_TIMEOUT = 3000, BROKER_DELETE_RETENTION = 120000 /* ms */, BROKER_IDS = PLAN_SEATS };

enum broker_topic { BROKER_CHANGELOG, BROKER_OUTPUT, BROKER_TOPICS };

/* A published record, tombstone or dead letter, as far as it is compared. */
struct broker_output {
    enum { BROKER_RECORD, BROKER_TOMBSTONE, BROKER_DEAD_LETTER } what;
    uint32_t line;          /* whose order it stands in (oracle.h) */
    uint32_t kind, trigger; /* enum record_kind, enum record_trigger */
    uint8_t id[16];
    int64_t at, total, previous;
    uint8_t stage, previous_stage, route, previous_route;
    int64_t offset;         /* of a dead letter */
};

struct broker_record {
    uint32_t txn;
    bool marker, gone;      /* gone: compacted away */
    int64_t at;             /* ms of the world's time */
    struct bytes key, value;
    const struct broker_output *output;
};

struct broker_log {
    struct broker_record *at;
    size_t n, cap;
    size_t stable;          /* all before belongs to settled transactions */
};

enum broker_fate { BROKER_OPEN, BROKER_COMMITTED, BROKER_ABORTED };

/* What the worker that sent the commit says it has taken of a shard: for the oracle, not for the broker. */
struct broker_claim {
    bool given;
    int64_t base[PLAN_TOPICS];              /* where its reading began */
    const struct input_item **taken;
    size_t n;
};

struct broker_txn {
    uint32_t id;            /* which transactional id */
    uint32_t epoch;
    uint32_t process;       /* whose, for stories */
    enum broker_fate fate;
    int64_t began;
    bool touched[BROKER_TOPICS][PLAN_SHARDS];
    size_t from[BROKER_TOPICS][PLAN_SHARDS];    /* no record of it is before */
    int64_t settle[BROKER_TOPICS][PLAN_SHARDS]; /* when the marker will be written, -1: it is */
    bool group;             /* it has offsets */
    int64_t settle_group;
    int64_t offsets[PLAN_SHARDS][PLAN_TOPICS];  /* ENGINE_NO_OFFSET: none */
    struct broker_claim claims[PLAN_SHARDS];
    bool settled;
};

struct broker_id {
    uint32_t epoch;
    uint32_t txn;           /* the last one, BROKER_NONE: none yet */
};

struct broker_flight {
    bool used;
    int64_t at;
    enum { FLIGHT_PRODUCE, FLIGHT_OFFSETS, FLIGHT_END } what;
    uint32_t id, epoch, txn;
    enum broker_topic topic;
    uint32_t shard;
    struct broker_record record;
    int64_t offsets[PLAN_SHARDS][PLAN_TOPICS];
    struct group_metadata group;
    bool commit;
};

enum { BROKER_FLIGHTS = 64 };

struct broker {
    struct broker_log logs[BROKER_TOPICS][PLAN_SHARDS];
    struct broker_txn *txns;
    size_t n_txns, cap_txns;
    uint32_t unsettled;                         /* all before is settled */
    struct broker_id ids[BROKER_IDS];
    int64_t offsets[PLAN_SHARDS][PLAN_TOPICS];  /* the group's, stable */
    struct broker_flight flights[BROKER_FLIGHTS];
    int64_t down_until, slow_until;
};

enum broker_answer { BROKER_OK, BROKER_FENCED, BROKER_WRONG_STATE };

void broker_reset(struct sim *sim);
void broker_free(struct sim *sim);
/* Time has passed: flights arrive, markers are written, old transactions end. */
void broker_tick(struct sim *sim);

/* Fences the id and ends its transaction. False: not yet settled, ask again. */
bool broker_init(struct sim *sim, uint32_t id, uint32_t *epoch);
/* Would a new transaction be begun now? False: the id's last one is not settled yet. */
bool broker_ready(const struct sim *sim, uint32_t id);
/* Appends a record to a transaction of this id and epoch; *txn is the transaction, begun if BROKER_NONE. */
enum broker_answer broker_produce(struct sim *sim, uint32_t id, uint32_t epoch, uint32_t *txn, enum broker_topic topic,
                                  uint32_t shard, const struct broker_record *record, int64_t *offset);
enum broker_answer broker_send_offsets(struct sim *sim, uint32_t id, uint32_t epoch, uint32_t *txn,
                                       int64_t (*offsets)[PLAN_TOPICS]);
enum broker_answer broker_end(struct sim *sim, uint32_t id, uint32_t epoch, uint32_t txn, bool commit);
/* A request that arrives after `ms`. */
struct broker_flight *broker_send_later(struct sim *sim, int64_t ms);

/* The group's stable offsets of a shard; false: some are not stable. */
bool broker_committed(struct sim *sim, uint32_t shard, int64_t *offsets);
/* Where readers of committed records stop. */
size_t broker_stable(struct sim *sim, enum broker_topic topic, uint32_t shard);
/* True where the record's transaction was committed. */
bool broker_visible(const struct sim *sim, const struct broker_record *record);
/* Keeps the last record of every key of the changelogs, and tombstones for their time. */
void broker_compact(struct sim *sim);
/* Every partition's transactions are settled. */
bool broker_quiet(const struct sim *sim);

#endif
