/* The world's turns: time passes, the broker and the group do what is theirs, one worker makes a turn. */
#ifndef LEADSTREAM_SIM_WORLD_H
#define LEADSTREAM_SIM_WORLD_H

#include "sim/plan.h"

struct sim;
struct process;

/* One step. */
void world_step(struct sim *sim);
/* All that has appeared is committed, and every shard is up to date in its worker. */
bool world_rests(const struct sim *sim);
/* Time passes; no worker makes a turn meanwhile. */
void world_wait(struct sim *sim, int64_t ms);
/* Faults have stopped: everything is brought up to date, timers fire, all is compared. */
void world_finish(struct sim *sim);
/* A process of this seat is started (again). */
struct process *world_start(struct sim *sim, uint32_t seat);
/* Dead processes are buried. */
void world_bury(struct sim *sim);

#endif
