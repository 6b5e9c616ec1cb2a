/* A life and its calls. What may happen in a call: others run (it is slow), it fails, its effect is hidden, the process
 * dies before or after it. */
#include "sim/process.h"

#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

static void random_bytes(void *host, uint8_t out[16]) {
    struct process *p = host;
    uint64_t births[2] = {p->sim->plan.seed, ++p->sim->birth};
    memcpy(out, births, 16);
}

static void tell(void *host, enum engine_event event, uint32_t shard, uint64_t count, const struct err *why) {
    struct process *p = host;
    if (event == ENGINE_LIVE)
        story_tell(p->sim, "worker %u has shard %u up to date (%u changelog records read)", p->number, shard,
                   (unsigned)count);
    else if (event == ENGINE_RESYNC)
        story_tell(p->sim, "worker %u loses its batch: %s (%s)", p->number, err_name(why->code), why->words);
}

static void make_engine(struct process *p) {
    const struct plan *plan = &p->sim->plan;
    p->source = process_source(p);
    p->sink = process_sink(p);
    p->store = disk_port(p);
    struct engine_options o = {.model = p->sim->model,
                               .source = &p->source,
                               .sink = &p->sink,
                               .store = &p->store,
                               .topics = p->sim->topics,
                               .changelog = "changelog",
                               .erasure_key = p->sim->erasure_key,
                               .max_events = plan->max_events,
                               .max_time = SIM_MAX_TIME,
                               .lag = plan->lag,
                               .grace = SIM_GRACE,
                               .idle = SIM_IDLE,
                               .stale_after = SIM_STALE_AFTER,
                               .cache_bytes = plan->cache_bytes,
                               .search_budget = plan->search_budget,
                               .commit_tries = plan->commit_tries,
                               .host = p,
                               .random = random_bytes,
                               .tell = tell};
    p->engine = engine_new(&o);
}

struct process *process_start(struct sim *sim, uint32_t seat, struct disk *disk) {
    struct process *p = sim->processes;
    while (p < sim->processes + PROCESSES && p->used)
        p++;
    if (p == sim->processes + PROCESSES)
        return NULL;
    *p = (struct process){.sim = sim,
                          .used = true,
                          .number = ++sim->last_process,
                          .seat = seat,
                          .instance = seat % sim->plan.instances,
                          .disk = disk,
                          .fiber = sim->fibers[p - sim->processes],
                          .txn = BROKER_NONE,
                          .cramped = sim->plan.seed % 3 == 0};
    make_engine(p);
    story_tell(sim, "worker %u starts on seat %u", p->number, seat);
    return p;
}

int64_t process_wall(const struct process *process) {
    const struct sim *sim = process->sim;
    return SIM_START + sim->now + sim->clock_offset[process->instance];
}

static void check_bounds(struct process *p) {
    const struct engine_counts *c = engine_counts(p->engine);
    size_t most = p->sim->plan.cache_bytes + (p->sim->model->worst_value + 2048) * (PLAN_LEADS + 1);
    if (c->cache_bytes > most)
        sim_fail(p->sim, "worker %u keeps %llu bytes of leads in memory, its limit is %zu", p->number,
                 (unsigned long long)c->cache_bytes, p->sim->plan.cache_bytes);
    if (c->unwritten > p->sim->plan.leads)
        sim_fail(p->sim, "worker %u has %llu unwritten leads of %u", p->number, (unsigned long long)c->unwritten,
                 p->sim->plan.leads);
}

/* ---- a turn ---- */

static void ask(struct process *p) {
    struct sim *sim = p->sim;
    struct bytes value;
    arena_reset(sim->oracle.scratch);
    p->ok = true;
    bool good = engine_peek(p->engine, p->asked % sim->plan.shards, input_lead(p->asked), sim->oracle.scratch, &value,
                            &p->why);
    p->why.code = ERR_NONE;
    if (good && !p->dead && value.at && !oracle_memory(value).n)
        sim_fail(sim, "worker %u shows lead %u, of which nothing is known", p->number, p->asked);
}

static void perform(void *self) {
    struct process *p = self;
    int64_t wall = process_wall(p);
    if (p->task == PROCESS_ASK)
        ask(p);
    else if (p->task == PROCESS_STOP)
        p->ok = engine_stop(p->engine, p->sim->now, wall, &p->why);
    else
        p->ok = engine_step(p->engine, p->sim->now, wall, p->worked ? 0 : 20, &p->worked, &p->why);
}

/* Begins the task or goes on with it. True: it has ended. */
static bool go(struct process *p) {
    if (fiber_active(p->fiber)) {
        fiber_resume(p->fiber);
    } else {
        p->calls = 0;
        p->why.code = ERR_NONE;
        fiber_start(p->fiber, perform, p);
    }
    sim_check(p->sim);
    return !fiber_active(p->fiber);
}

bool process_busy(const struct process *process) {
    return fiber_active(process->fiber);
}

void process_turn(struct process *process, bool *over, struct err *e) {
    *over = false;
    if (!fiber_active(process->fiber))
        process->task = process->stop ? PROCESS_STOP : PROCESS_STEP;
    if (!go(process))
        return;
    *e = process->why;
    if (process->ok)
        e->code = ERR_NONE;
    *over = !process->ok || process->task == PROCESS_STOP || process->dead;
    if (!process->dead && process->ok)
        check_bounds(process);
}

void process_ask(struct process *process, uint32_t lead) {
    if (fiber_active(process->fiber))
        return;
    process->task = PROCESS_ASK;
    process->asked = lead;
    go(process);
}

void process_pause(struct process *process, int64_t ms, bool frozen) {
    struct sim *sim = process->sim;
    if (process->dead || process->quiet)
        return;
    process->wake_at = sim->now + ms;
    process->frozen = frozen;
    if (frozen && sim->meanwhile) {
        void (*meanwhile)(struct sim *) = sim->meanwhile;
        sim->meanwhile = NULL;
        meanwhile(sim);
    }
    fiber_yield();
    process->frozen = false;
}

/* ---- its end ---- */

void process_strand(struct process *process) {
    struct process *p = process;
    for (size_t i = 0; i < p->n_outbox && p->txn != BROKER_NONE; i++) {
        if (dice_one_in(&p->sim->chance, 2))
            break; /* a connection keeps its order */
        struct broker_flight *f = broker_send_later(p->sim, dice_between(&p->sim->chance, 1, 500));
        f->what = FLIGHT_PRODUCE;
        f->id = p->seat;
        f->epoch = p->epoch;
        f->txn = p->txn;
        f->topic = p->outbox[i].topic;
        f->shard = p->outbox[i].shard;
        f->record = p->outbox[i].record;
    }
    p->n_outbox = 0;
}

static void die_alone(struct process *p) {
    if (p->dead)
        return;
    p->dead = true;
    process_strand(p);
    disk_let_go(p->disk); /* another worker on it dies in the same moment */
    p->sim->counts.crashes++;
    struct sim *sim = p->sim;
    if (sim->restart_at[p->seat] < sim->now)
        sim->restart_at[p->seat] = sim->now + dice_between(&sim->chance, 0, dice_one_in(&sim->chance, 5) ? 3000 : 60);
}

void process_die(struct process *process) {
    struct sim *sim = process->sim;
    struct disk *disk = process->disk;
    story_tell(sim, "worker %u dies", process->number);
    for (size_t i = 0; i < PROCESSES; i++)
        if (sim->processes[i].used && sim->processes[i].disk == disk)
            die_alone(&sim->processes[i]);
}

void process_free(struct process *process) {
    process->quiet = true;
    if (process->dead)
        while (fiber_active(process->fiber)) /* it runs into its errors */
            go(process);
    MUST(!fiber_active(process->fiber));
    engine_free(&process->engine);
    for (uint32_t s = 0; s < PLAN_SHARDS; s++)
        free(process->claims[s].taken);
    process->used = false;
}

/* ---- calls ---- */

static bool matches(const struct process *p, const struct plan_fault *f, enum plan_site site) {
    return !f->done && f->kind < FAULT_WORLD && f->step <= p->sim->step &&
           (f->seat == PLAN_ANY_SEAT || f->seat == p->seat) && (f->site == SITE_ANY || f->site == site) &&
           (f->kind == FAULT_CRASH || f->kind == FAULT_POWER || plan_site_fails(site));
}

/* The first fault whose moment this call is. */
static const struct plan_fault *due_fault(struct process *p, enum plan_site site) {
    struct plan *plan = &p->sim->plan;
    for (uint32_t i = 0; i < plan->n_faults && (!p->sim->finishing || plan->by_hand); i++) {
        struct plan_fault *f = &plan->faults[i];
        if (!matches(p, f, site))
            continue;
        if (f->skip) {
            f->skip--;
            continue;
        }
        if (f->times)
            f->times--;
        f->done = !f->times;
        p->sim->counts.faults[f->kind]++;
        story_tell(p->sim, "FAULT %u: %s, in %s of worker %u%s", f->number, plan_kind_name(f->kind),
                   plan_site_name(site), p->number,
                   f->kind > FAULT_POWER ? "" : f->after ? ", after its effect" : ", before its effect");
        return f;
    }
    return NULL;
}

static bool gone(struct err *e) {
    return e ? err_set(e, ERR_CONFIG, "sim", "the process is dead") : false;
}

static void die_of(struct process *p, const struct plan_fault *f) {
    if (f->kind == FAULT_POWER) {
        uint32_t lost = disk_power_cut(p->disk, (uint32_t)f->arg);
        story_tell(p->sim, "the disk loses its last %u writes", lost);
    }
    process_die(p);
}

static void replace(struct process *p, int64_t ms) {
    for (size_t i = PLAN_SEATS; i < DISKS; i++) {
        bool taken = false;
        for (size_t k = 0; k < PROCESSES; k++)
            taken = taken || (p->sim->processes[k].used && p->sim->processes[k].disk == &p->sim->disks[i]);
        for (size_t k = 0; k < PLAN_SEATS; k++)
            taken = taken || p->sim->seat_disks[k] == &p->sim->disks[i];
        if (taken)
            continue;
        disk_wipe(&p->sim->disks[i]);
        p->sim->seat_disks[p->seat] = &p->sim->disks[i];
        process_start(p->sim, p->seat, &p->sim->disks[i]);
        break;
    }
    process_pause(p, ms, true);
}

/* Faults before the call's effect. False: it fails. */
static bool strike(struct process *p, const struct plan_fault *f, struct err *e) {
    switch ((int)f->kind) {
    case FAULT_CRASH:
    case FAULT_POWER:
        if (f->after)
            return true;
        die_of(p, f);
        return gone(e);
    case FAULT_TIMEOUT:
        return err_set(e, ERR_TIMEOUT, "sim", "%s timed out", plan_site_name(p->site));
    case FAULT_ABORTABLE:
        return err_set(e, ERR_ABORTED, "sim", "%s failed, the transaction must be aborted", plan_site_name(p->site));
    case FAULT_FATAL:
        return err_set(e, ERR_FENCED, "sim", "%s failed for good", plan_site_name(p->site));
    case FAULT_SLOW:
    case FAULT_FREEZE:
        process_pause(p, f->arg, f->kind == FAULT_FREEZE);
        return !p->dead || gone(e);
    case FAULT_REPLACE:
        replace(p, f->arg);
        return !p->dead || gone(e);
    case FAULT_DISK:
        return f->after || p->site == SITE_OPEN || err_set(e, ERR_DISK, "sim", "%s failed", plan_site_name(p->site));
    case FAULT_BUSY:
        return err_set(e, ERR_FULL, "sim", "%s: compaction is behind", plan_site_name(p->site));
    default:
        return true; /* the call itself knows what to do of it */
    }
}

bool process_begins(struct process *process, enum plan_site site, struct err *e) {
    struct sim *sim = process->sim;
    if (process->dead)
        return gone(e);
    if (++process->calls > PROCESS_CALLS)
        sim_fail(sim, "a turn of worker %u does not end", process->number);
    sim->counts.calls++;
    process->site = site;
    if (process->quiet)
        return true;
    if (sim->plan.yield && !sim->finishing && dice_one_in(&sim->chance, sim->plan.yield))
        process_pause(process, dice_between(&sim->chance, 1, 15), false);
    if (process->dead)
        return gone(e);
    process->fault = due_fault(process, site);
    if (process->fault && !strike(process, process->fault, e))
        return false;
    bool remote = site < SITE_OPEN && plan_site_fails(site) && site != SITE_BEGIN && site != SITE_POLL &&
                  site != SITE_LOG && site != SITE_EMIT && site != SITE_FORGET && site != SITE_REJECT;
    if (remote && sim->now < sim->broker.down_until) {
        world_wait(sim, 5);
        return err_set(e, ERR_TIMEOUT, "sim", "the broker does not answer");
    }
    return true;
}

bool process_ends(struct process *process, bool good, struct err *e) {
    const struct plan_fault *f = process->fault;
    process->fault = NULL;
    if (process->dead)
        return gone(e);
    if (!f)
        return good;
    if ((f->kind == FAULT_CRASH || f->kind == FAULT_POWER) && f->after) {
        die_of(process, f);
        return gone(e);
    }
    if (good && f->kind == FAULT_ANSWER_LOST)
        return err_set(e, ERR_TIMEOUT, "sim", "no answer to %s", plan_site_name(process->site));
    if (good && f->kind == FAULT_DISK && e)
        return err_set(e, ERR_DISK, "sim", "%s failed after its effect", plan_site_name(process->site));
    return good;
}

const struct plan_fault *process_fault(struct process *process, enum plan_kind kind) {
    return process->fault && process->fault->kind == kind ? process->fault : NULL;
}
