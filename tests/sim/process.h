/* One worker's life: a real engine over simulated ports. It ends by engine_stop(), by an error, or by dying at a call:
 * from then on no call has an effect any more, and the engine is let run into its errors and freed.
 *
 * A turn runs on a stack of its own (fiber.h), so that a call may take long and the world goes on meanwhile: other workers
 * act between any two calls of this one, whatever they wait for themselves. */
#ifndef LEADSTREAM_SIM_PROCESS_H
#define LEADSTREAM_SIM_PROCESS_H

#include "sim/broker.h"
#include "sim/group.h"

#include <leadstream/engine.h>

struct sim;
struct disk;

enum { PROCESSES = 8, PROCESS_OUTBOX = 256, PROCESS_CALLS = 60000 /* in one turn: more is a hang */ };

/* What is read of one input partition. */
struct process_reader {
    size_t position, fetched;
    bool end_seen, waits;   /* waits: for a release, in the middle of an array */
};

struct process {
    struct sim *sim;
    bool used, dead, frozen;
    bool quiet;             /* it is being freed: nothing more happens in its calls */
    struct fiber *fiber;    /* the sim's, one for each place in its table */
    enum { PROCESS_STEP, PROCESS_STOP, PROCESS_ASK } task; /* what the fiber does */
    uint32_t asked;         /* the lead */
    bool ok;                /* how the task ended, and why */
    struct err why;
    int64_t wake_at;        /* a call that takes long goes on then */
    uint32_t number;        /* from 1, never again */
    uint32_t seat, instance;
    struct disk *disk;
    struct engine *engine;
    struct source source;
    struct sink sink;
    struct store store;
    uint64_t calls;         /* of this turn */
    enum plan_site site;    /* of the call that is made */
    const struct plan_fault *fault; /* that happens at the end of the call */
    bool worked;
    bool stop, leave;       /* to be stopped at the next turn; and to leave the group */

    /* the consumer */
    uint32_t member;
    bool holds[PLAN_SHARDS];
    bool any_held;
    struct process_reader readers[PLAN_TOPICS][PLAN_SHARDS];
    bool losing;            /* it is being told that its shards are lost */
    bool cramped;           /* little room: an array is cut until the next release */
    struct broker_claim claims[PLAN_SHARDS];
    size_t cap_claims[PLAN_SHARDS];

    /* the producer */
    bool has_id, open;
    bool broken;            /* a fatal error: of no more use */
    bool closed;            /* a connection was: something of this epoch may be on its way for long */
    uint32_t epoch, txn;
    struct group_metadata group;
    struct {
        enum broker_topic topic;
        uint32_t shard;
        struct broker_record record;
    } outbox[PROCESS_OUTBOX];
    size_t n_outbox;
    int64_t log_ends[PLAN_SHARDS];
    enum broker_answer refused; /* what the broker said of a record: the transaction can only be aborted */

    /* the reader of the changelog */
    bool reading;
    uint32_t read_shard;
    size_t read_at;
};

struct source process_source(struct process *process);
struct sink process_sink(struct process *process);

struct process *process_start(struct sim *sim, uint32_t seat, struct disk *disk);
/* One turn, or what is left of one. *over: its life has ended, with *e (code NONE: stopped). */
void process_turn(struct process *process, bool *over, struct err *e);
/* True in the middle of a turn. */
bool process_busy(const struct process *process);
/* Its call takes so long: others go on. frozen: all of the process stands still, its heart too. */
void process_pause(struct process *process, int64_t ms, bool frozen);
/* A question about a lead, between two turns, as `inspect` asks it. */
void process_ask(struct process *process, uint32_t lead);
/* What waits in its producer's queue arrives late, or never. */
void process_strand(struct process *process);
/* It dies now, with all workers of its instance. */
void process_die(struct process *process);
/* Gives back what one has that is dead or has ended. */
void process_free(struct process *process);

/* The wall clock as it sees it. */
int64_t process_wall(const struct process *process);

/* Begins a call of a port; false: it fails, with *e (which may be NULL where a call cannot fail). */
bool process_begins(struct process *process, enum plan_site site, struct err *e);
/* Ends it, `good` or not; false: it fails. */
bool process_ends(struct process *process, bool good, struct err *e);
/* The fault of this kind that is to happen in this call, NULL: none. */
const struct plan_fault *process_fault(struct process *process, enum plan_kind kind);

#endif
