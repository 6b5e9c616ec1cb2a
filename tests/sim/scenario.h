/* Named scenarios: one trap each, a few lines over the same world and the same oracle.
 *
 * A scenario makes events and faults happen; after it everything must come to rest and be right, as after a random run.
 * To add one: a function in a scenarios_*.c, and its line in the table at the end of that file. */
#ifndef LEADSTREAM_SIM_SCENARIO_H
#define LEADSTREAM_SIM_SCENARIO_H

#include "sim/sim.h"

enum scenario_end {
    SCENARIO_RIGHT,     /* all comes to rest, and is right */
    SCENARIO_REFUSED,   /* a worker must refuse, which the scenario itself waits for */
    SCENARIO_WRONG      /* something must be found wrong: the scenario takes a precaution of the ports away */
};

struct scenario {
    const char *name;
    const char *trap;   /* what happens in it */
    void (*play)(struct sim *sim);
    uint32_t seats, instances, shards;
    enum scenario_end end;
};

/* The tables; each ends with a name that is NULL. */
extern const struct scenario scenarios_kafka[], scenarios_group[], scenarios_store[];

/* Runs one by name, or `all`; says what failed. The number of those that did; -1: there is none of that name. */
int scenario_run(struct sim *sim, const char *name, bool story);
void scenario_list(FILE *to);

/* ---- for scenarios ---- */

/* A fault, from now on; its `done` says when it has happened. */
struct plan_fault *scenario_fault(struct sim *sim, enum plan_kind kind, enum plan_site site, uint16_t times, int64_t arg);
/* The same at seat `seat` only; after: a crash after the call's effect. */
struct plan_fault *scenario_fault_at(struct sim *sim, uint8_t seat, enum plan_kind kind, enum plan_site site, bool after,
                                     int64_t arg);
/* An event of this lead, now. */
void scenario_event(struct sim *sim, uint32_t lead, const char *type);
/* n page views, one each of leads 0, 1, .. */
void scenario_events(struct sim *sim, uint32_t n);
/* Some steps. */
void scenario_steps(struct sim *sim, uint32_t n);
/* Until all that has appeared is committed and every shard is up to date in its worker. */
void scenario_rest(struct sim *sim);
/* Until the fault has happened (to its last time), and nobody stands still because of one. */
void scenario_happens(struct sim *sim, const struct plan_fault *fault);
/* Time passes without a turn of anybody, then everybody goes on. */
void scenario_sleep(struct sim *sim, int64_t ms);
/* The process of a seat (the newest), NULL: none lives. */
struct process *scenario_process(struct sim *sim, uint32_t seat);
/* It dies, and is not started again before scenario_restart. */
void scenario_kill(struct sim *sim, uint32_t seat);
void scenario_restart(struct sim *sim, uint32_t seat);
/* The same, and waits until it has its shards (or has ended again). */
void scenario_comes_back(struct sim *sim, uint32_t seat);
/* Until a worker refuses to go on, with these words. */
void scenario_refused(struct sim *sim, const char *words);

#endif
