/* A simulated world around real engines: one run of it.
 *
 *   plan       what the seed decides          input      the events
 *   broker     logs, transactions             group      who has which shard
 *   disk       what a machine keeps           process    one worker's life, on a fiber; source_port, sink_port: its ports
 *   world      steps, faults between turns    oracle     what must be so
 *   story      what happened, in sentences    shrink     a failing run made small
 *
 * Single-threaded; nothing but the plan decides anything. */
#ifndef LEADSTREAM_SIM_H
#define LEADSTREAM_SIM_H

#include "sim/broker.h"
#include "sim/disk.h"
#include "sim/fiber.h"
#include "sim/group.h"
#include "sim/input.h"
#include "sim/oracle.h"
#include "sim/plan.h"
#include "sim/process.h"
#include "sim/story.h"
#include "sim/world.h"
#include "support/grow.h"

#include <leadstream/arena.h>
#include <setjmp.h>

/* The wall clock when the world begins. */
#define SIM_START INT64_C(1780000000000)
enum { SIM_GRACE = 300, SIM_IDLE = 150, SIM_MAX_TIME = 20, SIM_STALE_AFTER = BROKER_DELETE_RETENTION / 2 /* ms */ };

struct sim_counts {
    uint64_t runs, steps, calls, crashes, commits, rebalances, restarts;
    uint64_t faults[FAULTS];
};

struct sim {
    struct plan plan;
    int64_t now;            /* ms since the world began */
    uint32_t step;
    bool finishing;         /* no more faults */
    struct dice schedule, chance;
    struct arena *arena;    /* of everything that lives as long as the run */
    const struct model *model;
    struct bytes topics[PLAN_TOPICS];

    struct input_partition inputs[PLAN_TOPICS][PLAN_SHARDS];
    struct broker broker;
    struct group group;
    struct disk disks[DISKS];
    struct disk *seat_disks[PLAN_SEATS];
    struct process processes[PROCESSES];
    struct fiber *fibers[PROCESSES];
    struct oracle oracle;
    struct story *story;    /* NULL: none is told */

    uint32_t last_process;
    int64_t clock_offset[PLAN_SEATS];   /* of the instances' wall clocks */
    int64_t stall_from, stall_until;    /* what appeared between these is not fetched before the second */
    int64_t restart_at[PLAN_SEATS];     /* when a seat without a process gets one */
    struct err ended;                   /* why the last process ended by itself */
    bool refusals_wanted;               /* a scenario waits for one */
    bool slow_producers;                /* records go out with the end of the transaction only */
    bool keeps_epoch;                   /* sinks do not renew their epoch after a connection closed */
    void (*meanwhile)(struct sim *sim); /* happens when the next worker freezes, once; NULL: nothing does */
    uint32_t scenario_events;
    uint64_t erasure_key;               /* of the workers that are started */
    uint32_t birth;

    struct sim_counts counts;
    jmp_buf failed;
    bool failing;           /* something failed on a worker's stack */
    bool bug;               /* it was a MUST: what engines hold cannot be trusted */
    char why[600];
};

/* For the life of the program: the memory is used again by every run. */
struct sim *sim_new(void);
void sim_free(struct sim **sim);

/* Prepares a run of the plan. Everything must happen inside sim_run or a function that set sim->failed. */
void sim_reset(struct sim *sim, const struct plan *plan);
/* One run. False: something is not as it must be, sim->why says what. */
bool sim_run(struct sim *sim, const struct plan *plan, struct story *story);
/* Calls f(sim, self) and catches what fails in it. */
bool sim_catch(struct sim *sim, void (*f)(struct sim *sim, void *self), void *self);

/* Ends the run: something is not as it must be. */
_Noreturn void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the run if something failed on a worker's stack. */
void sim_check(struct sim *sim);

/* A copy that lives as long as the run; NULL stays NULL. */
struct bytes sim_keep(struct sim *sim, struct bytes bytes);

#endif
