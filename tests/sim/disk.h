/* The disk of one machine, and the store's port over it.
 *
 * Every write is atomic and goes into a log that is synced now and then: a process that dies loses nothing, a machine
 * loses any number of the last writes that were not synced. Answers as rocks_store does, stale timers included. */
#ifndef LEADSTREAM_SIM_DISK_H
#define LEADSTREAM_SIM_DISK_H

#include "sim/plan.h"

#include <leadstream/engine.h>

struct sim;
struct process;

enum {
    DISK_KEYS = 2 * PLAN_LEADS + 1,
    DISK_TIMERS = 400, /* a build leaves those of every value that it read */
    DISK_UNDO = 32,
    DISKS = PLAN_SEATS + 3, /* spare ones for processes that replace others */
    DISK_COPIES = 2
};

struct disk_table {
    struct store_shard state;
    uint32_t n, n_timers;
    struct {
        struct bytes key, value;
    } at[DISK_KEYS];
    struct store_due timers[DISK_TIMERS]; /* by due, then key */
};

struct disk {
    struct disk_table shards[PLAN_SHARDS];
    struct disk_table build[PLAN_SHARDS];
    bool building[PLAN_SHARDS];
    uint32_t owner[PLAN_SHARDS];    /* number of the process, 0: nobody */
    struct {
        uint32_t shard;
        struct disk_table table;    /* before the write */
    } undo[DISK_UNDO];              /* since the last sync */
    uint32_t n_undo;
    int64_t full_until;
    struct disk_table copies[DISK_COPIES][PLAN_SHARDS];
    uint32_t n_copies;
};

struct store disk_port(struct process *process);

void disk_wipe(struct disk *disk);
/* Nobody owns anything any more: the process is gone. */
void disk_let_go(struct disk *disk);
/* The last writes that were not synced are gone, at most `most`. */
uint32_t disk_power_cut(struct disk *disk, uint32_t most);
/* A copy for later. */
void disk_copy(struct disk *disk);
/* False: there is no copy. */
bool disk_restore(struct disk *disk, uint32_t copy);
/* `to` becomes what `from` is. */
void disk_clone(struct disk *to, const struct disk *from);
/* The value of a key; at == NULL: none. */
struct bytes disk_get(const struct disk_table *table, struct bytes key);

#endif
