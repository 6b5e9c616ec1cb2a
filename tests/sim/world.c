/* Steps, and the faults that happen between turns. */
#include "sim/world.h"

#include "sim/sim.h"

enum {
    WORLD_MAX_STEPS = 200000,
    WORLD_CATCH_UP = 8000,  /* steps, when all input is there */
    WORLD_FIRE = 1500,      /* steps from a timer's being due to its record's being committed */
    WORLD_LIVE_STALL = 100  /* ms: where no event may be late, less than grace */
};

/* ---- processes ---- */

struct process *world_start(struct sim *sim, uint32_t seat) {
    return process_start(sim, seat, sim->seat_disks[seat]);
}

void world_bury(struct sim *sim) {
    for (size_t i = 0; i < PROCESSES; i++)
        if (sim->processes[i].used && sim->processes[i].dead)
            process_free(&sim->processes[i]);
}

static bool seat_taken(const struct sim *sim, uint32_t seat) {
    for (size_t i = 0; i < PROCESSES; i++)
        if (sim->processes[i].used && !sim->processes[i].dead && sim->processes[i].seat == seat)
            return true;
    return false;
}

static void fill_seats(struct sim *sim) {
    for (uint32_t seat = 0; seat < sim->plan.seats; seat++) {
        bool due = sim->restart_at[seat] <= sim->now || sim->finishing;
        if (due && !seat_taken(sim, seat) && world_start(sim, seat))
            sim->counts.restarts++;
    }
}

/* A process that ended by itself, well or not. */
static void end(struct sim *sim, struct process *p, const struct err *e) {
    sim->ended = *e;
    if (!p->dead && e->code != ERR_NONE) {
        story_tell(sim, "worker %u ends: %s: %s", p->number, err_name(e->code), e->words);
        bool refusal = e->code == ERR_REFUSED || e->code == ERR_CORRUPT;
        if (refusal && !sim->refusals_wanted)
            sim_fail(sim, "worker %u refuses to go on: %s: %s", p->number, e->where, e->words);
    } else if (!p->dead) {
        story_tell(sim, "worker %u has stopped", p->number);
    }
    if (!p->dead) {
        process_strand(p);
        if (p->leave)
            group_remove(sim, p->seat);
        sim->restart_at[p->seat] = sim->now + dice_between(&sim->chance, 1, 800);
    }
    process_free(p);
}

static struct process *choose(struct sim *sim) {
    struct process *ready[PROCESSES];
    uint32_t n = 0;
    for (size_t i = 0; i < PROCESSES; i++) {
        struct process *p = &sim->processes[i];
        if (p->used && (!process_busy(p) || p->wake_at <= sim->now))
            ready[n++] = p;
    }
    return n ? ready[dice_below(&sim->schedule, n)] : NULL;
}

/* ---- faults between turns ---- */

static void kill_disk(struct sim *sim, const struct disk *disk) {
    for (size_t i = 0; i < PROCESSES; i++)
        if (sim->processes[i].used && !sim->processes[i].dead && sim->processes[i].disk == disk)
            process_die(&sim->processes[i]);
}

static void stop_seat(struct sim *sim, uint32_t seat, bool leave) {
    for (size_t i = 0; i < PROCESSES; i++) {
        struct process *p = &sim->processes[i];
        if (p->used && !p->dead && p->seat == seat) {
            p->stop = true;
            p->leave = leave;
        }
    }
}

static void strike_disk(struct sim *sim, const struct plan_fault *f, uint32_t seat) {
    struct disk *disk = sim->seat_disks[seat], *other = sim->seat_disks[(seat + 1) % sim->plan.seats];
    if (f->kind == FAULT_FULL_DISK) {
        disk->full_until = sim->now + f->arg;
        return;
    }
    kill_disk(sim, disk);
    if (f->kind == FAULT_WIPE)
        disk_wipe(disk);
    else if (f->kind == FAULT_OLD_COPY)
        disk_restore(disk, (uint32_t)f->arg);
    else if (other != disk)
        disk_clone(disk, other);
}

static void strike(struct sim *sim, const struct plan_fault *f) {
    uint32_t seat = f->seat % sim->plan.seats;
    sim->counts.faults[f->kind]++;
    story_tell(sim, "FAULT %u: %s (seat %u, %lld)", f->number, plan_kind_name(f->kind), seat, (long long)f->arg);
    switch ((int)f->kind) {
    case FAULT_REBALANCE:
        group_rebalance(sim);
        break;
    case FAULT_EVICT:
        group_remove(sim, seat);
        break;
    case FAULT_STOP:
        stop_seat(sim, seat, f->arg & 1);
        break;
    case FAULT_CLOCK:
        sim->clock_offset[seat % sim->plan.instances] += f->arg;
        break;
    case FAULT_SLEEP:
        sim->now += f->arg;
        if (f->arg > BROKER_DELETE_RETENTION)
            broker_compact(sim); /* it has not slept */
        break;
    case FAULT_COMPACT:
        broker_compact(sim);
        break;
    case FAULT_BROKER_DOWN:
        sim->broker.down_until = sim->now + f->arg;
        break;
    case FAULT_SLOW_MARKERS:
        sim->broker.slow_until = sim->now + f->arg;
        break;
    case FAULT_STALL:
        sim->stall_from = sim->now;
        sim->stall_until =
            sim->now + (sim->plan.mode == PLAN_LIVE && f->arg > WORLD_LIVE_STALL ? WORLD_LIVE_STALL : f->arg);
        break;
    default:
        strike_disk(sim, f, seat);
        break;
    }
}

static void strike_due(struct sim *sim) {
    for (uint32_t i = 0; i < sim->plan.n_faults; i++) {
        struct plan_fault *f = &sim->plan.faults[i];
        if (f->done || f->kind < FAULT_WORLD || f->step > sim->step)
            continue;
        f->done = true;
        strike(sim, f);
    }
}

/* ---- steps ---- */

void world_wait(struct sim *sim, int64_t ms) {
    sim->now += ms;
    broker_tick(sim);
    group_tick(sim);
    input_tick(sim);
}

void world_step(struct sim *sim) {
    bool over;
    struct err e;
    sim->step++;
    sim->counts.steps++;
    if (sim->step > WORLD_MAX_STEPS)
        sim_fail(sim, "the run does not end");
    if (!sim->finishing)
        strike_due(sim);
    world_wait(sim, dice_one_in(&sim->schedule, 30) ? dice_between(&sim->schedule, 10, 60)
                                                    : dice_between(&sim->schedule, 1, 8));
    world_bury(sim);
    fill_seats(sim);
    struct process *p = choose(sim);
    if (!p)
        return;
    process_turn(p, &over, &e);
    if (over)
        end(sim, p, &e);
    else if (dice_one_in(&sim->schedule, 8))
        process_ask(p, dice_below(&sim->schedule, sim->plan.leads));
}

/* ---- the end ---- */

static bool caught_up(const struct sim *sim) {
    for (uint32_t s = 0; s < sim->plan.shards; s++)
        for (uint16_t t = 0; t < sim->plan.topics; t++)
            if (sim->oracle.offsets[s][t] < input_end(&sim->inputs[t][s]))
                return false;
    return input_complete(sim);
}

static void catch_up(struct sim *sim) {
    while (!input_complete(sim))
        world_step(sim);
    for (uint32_t i = 0; !caught_up(sim); i++) {
        world_step(sim);
        if (i > WORLD_CATCH_UP)
            sim_fail(sim, "nothing fails any more, but not all events are committed after %d steps (the last worker"
                     " that ended said: %s)", WORLD_CATCH_UP, sim->ended.words);
    }
}

/* Every shard is up to date in the worker that the group has given it to. */
static bool all_live(const struct sim *sim) {
    uint32_t live = 0;
    for (size_t i = 0; i < PROCESSES; i++) {
        const struct process *p = &sim->processes[i];
        const struct group_member *m = &sim->group.members[p->seat];
        for (uint32_t s = 0; p->used && m->used && m->id == p->member && s < sim->plan.shards; s++)
            live += m->shards[s] && engine_has(p->engine, s);
    }
    return live == sim->plan.shards && !sim->group.preparing;
}

bool world_rests(const struct sim *sim) {
    return caught_up(sim) && all_live(sim);
}

/* The clocks move on, and what is due by then must be published soon. */
static int64_t fire(struct sim *sim, int64_t hop) {
    int64_t clock = INT64_MAX;
    for (uint32_t i = 0; i < sim->plan.instances; i++) {
        sim->clock_offset[i] += hop;
        int64_t wall = SIM_START + sim->now + sim->clock_offset[i];
        clock = wall < clock ? wall : clock;
    }
    clock -= SIM_GRACE;
    for (uint32_t i = 0; i % 16 || !all_live(sim) || !oracle_has_fired(sim, clock); i++) {
        world_step(sim);
        if (i > WORLD_FIRE)
            sim_fail(sim, "a timer that is due by %lld has not fired after %d steps", (long long)(clock - SIM_START),
                     WORLD_FIRE);
    }
    return clock;
}

/* False: one of them had to drop its last batch. */
static bool stop_all(struct sim *sim) {
    struct err e;
    bool over, good = true;
    for (size_t i = 0; i < PROCESSES; i++) {
        struct process *p = &sim->processes[i];
        if (!p->used)
            continue;
        p->stop = true;
        do {
            sim->now = process_busy(p) && p->wake_at > sim->now ? p->wake_at : sim->now;
            process_turn(p, &over, &e);
        } while (!over);
        good = good && e.code == ERR_NONE;
        process_free(p);
    }
    return good;
}

/* Whoever had a shard last has written all of it. */
static void check_stores(struct sim *sim) {
    for (uint32_t s = 0; s < sim->plan.shards; s++) {
        const struct oracle_key *keys = sim->oracle.keys[s];
        int64_t last = 0;
        bool written = false;
        for (size_t i = 0; i < ORACLE_KEYS && keys[i].key.n; i++)
            if (keys[i].n && keys[i].key.at[0] == 'L' && keys[i].at[keys[i].n - 1].offset > last)
                last = keys[i].at[keys[i].n - 1].offset;
        for (size_t i = 0; i < DISKS; i++)
            written = written || sim->disks[i].shards[s].state.from > last;
        if (!written)
            sim_fail(sim, "no store has all of shard %u after a stop", s);
    }
}

void world_finish(struct sim *sim) {
    static const int64_t days[] = {0, 3 * 3600000, 12 * 3600000, 24 * 3600000, 3 * 24 * 3600000},
                         seconds[] = {0, 500, 2000, 8000, 40000};
    story_tell(sim, "no more faults");
    sim->finishing = true;
    sim->broker.down_until = sim->broker.slow_until = sim->stall_until = 0;
    for (size_t i = 0; i < DISKS; i++)
        sim->disks[i].full_until = 0;
    catch_up(sim);
    int64_t clock = 0;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        clock = fire(sim, sim->plan.mode == PLAN_BACKLOG ? days[i] : seconds[i]);
    uint64_t crashes = sim->counts.crashes;
    bool good = stop_all(sim);
    broker_tick(sim);
    if (good && sim->counts.crashes == crashes)
        check_stores(sim);
    oracle_finish(sim, clock);
}
