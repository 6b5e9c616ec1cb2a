/* One run, and what fails in it: sim_fail jumps back to who began it, whatever calls are under way. */
#include "sim/sim.h"

#include <stdarg.h>
#include <stdlib.h>

/* The run that is under way, for must_fail. */
static struct sim *current;

struct sim *sim_new(void) {
    struct sim *sim = calloc(1, sizeof *sim);
    MUST(sim != NULL);
    sim->arena = arena_new((size_t)512 << 20);
    for (size_t i = 0; i < PROCESSES; i++)
        sim->fibers[i] = fiber_new();
    return sim;
}

static void drop_processes(struct sim *sim) {
    for (size_t i = 0; i < PROCESSES; i++) {
        struct process *p = &sim->processes[i];
        if (!p->used)
            continue;
        p->dead = true;
        fiber_abandon(p->fiber);
        if (!sim->bug)
            process_free(p);
        p->used = false;
    }
}

void sim_free(struct sim **at) {
    struct sim *sim = *at;
    drop_processes(sim);
    for (uint16_t t = 0; t < PLAN_TOPICS; t++)
        for (uint32_t s = 0; s < PLAN_SHARDS; s++)
            free(sim->inputs[t][s].at);
    broker_free(sim);
    oracle_free(sim);
    arena_free(&sim->arena);
    for (size_t i = 0; i < PROCESSES; i++)
        fiber_free(&sim->fibers[i]);
    free(sim);
    *at = NULL;
}

void sim_reset(struct sim *sim, const struct plan *plan) {
    drop_processes(sim);
    sim->plan = *plan;
    sim->now = 0;
    sim->step = 0;
    sim->failing = false;
    sim->finishing = sim->refusals_wanted = sim->keeps_epoch = sim->bug = false;
    sim->slow_producers = false;
    sim->meanwhile = NULL;
    sim->scenario_events = 0;
    sim->erasure_key = 1;
    sim->schedule = dice_new(plan->seed, "schedule");
    sim->chance = dice_new(plan->seed, "chance");
    arena_reset(sim->arena);
    sim->model = input_model(plan->mode == PLAN_BACKLOG);
    sim->last_process = sim->birth = 0;
    sim->stall_until = 0;
    sim->ended = (struct err){.code = ERR_NONE};
    sim->why[0] = 0;
    for (uint16_t t = 0; t < PLAN_TOPICS; t++) {
        sim->topics[t] = input_topic(t);
        for (uint32_t s = 0; s < PLAN_SHARDS; s++) {
            struct input_partition *p = &sim->inputs[t][s];
            p->n = p->there = 0;
            p->next = p->first = 0;
        }
    }
    for (size_t i = 0; i < DISKS; i++)
        disk_wipe(&sim->disks[i]);
    for (uint32_t i = 0; i < PLAN_SEATS; i++) {
        sim->seat_disks[i] = &sim->disks[i % plan->instances];
        sim->clock_offset[i] = sim->restart_at[i] = 0;
    }
    broker_reset(sim);
    group_reset(sim);
    oracle_reset(sim);
}

static void run_plan(struct sim *sim, void *self) {
    (void)self;
    input_fill(sim);
    if (sim->oracle.exact)
        oracle_expect(sim, SIM_START + (sim->plan.mode == PLAN_BACKLOG ? INT64_C(60) * 24 : INT64_C(24)) * 3600000);
    while (sim->step < sim->plan.steps)
        world_step(sim);
    world_finish(sim);
}

bool sim_catch(struct sim *sim, void (*f)(struct sim *sim, void *self), void *self) {
    current = sim;
    bool good = setjmp(sim->failed) == 0;
    if (good)
        f(sim, self);
    current = NULL;
    return good;
}

bool sim_run(struct sim *sim, const struct plan *plan, struct story *story) {
    sim->story = story;
    sim_reset(sim, plan);
    sim->counts.runs++;
    bool good = sim_catch(sim, run_plan, NULL);
    sim->story = NULL;
    return good;
}

void sim_fail(struct sim *sim, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(sim->why, sizeof sim->why, format, args);
    va_end(args);
    story_tell(sim, "WRONG: %s", sim->why);
    if (fiber_inside()) { /* no jump leaves a stack for another: whoever resumed it jumps */
        sim->failing = true;
        fiber_yield();
    }
    longjmp(sim->failed, 1);
}

void sim_check(struct sim *sim) {
    if (!sim->failing)
        return;
    sim->failing = false;
    longjmp(sim->failed, 1);
}

struct bytes sim_keep(struct sim *sim, struct bytes bytes) {
    if (!bytes.at)
        return bytes;
    void *copy = arena_copy(sim->arena, bytes.at, bytes.n);
    MUST(copy != NULL);
    return (struct bytes){copy, bytes.n};
}

/* Instead of the library's: a bug in an engine ends the run, not the program. */
void must_fail(const char *cond, const char *file, int line) {
    struct sim *sim = current;
    if (!sim) {
        fprintf(stderr, "leadstream_sim: bug: %s (%s:%d)\n", cond, file, line);
        abort();
    }
    sim->bug = true;
    const char *name = strrchr(file, '/');
    sim_fail(sim, "MUST(%s) in %s:%d", cond, name ? name + 1 : file, line);
}
