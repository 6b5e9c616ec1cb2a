/* What scenarios are made of, and how they are run. */
#include "sim/scenario.h"

#include <leadstream/when.h>

enum { PATIENCE = 6000 /* steps */, NEVER = INT32_MAX, ROOM = 512 /* items a partition */ };

static const struct scenario *const tables[] = {scenarios_kafka, scenarios_group, scenarios_store};

/* ---- for scenarios ---- */

struct plan_fault *scenario_fault_at(struct sim *sim, uint8_t seat, enum plan_kind kind, enum plan_site site, bool after,
                                     int64_t arg) {
    struct plan *plan = &sim->plan;
    MUST(plan->n_faults < PLAN_FAULTS);
    struct plan_fault *f = &plan->faults[plan->n_faults];
    *f = (struct plan_fault){.number = plan->n_faults++,
                             .step = sim->step,
                             .kind = kind,
                             .site = site,
                             .seat = seat,
                             .times = 1,
                             .after = after,
                             .arg = arg};
    return f;
}

struct plan_fault *scenario_fault(struct sim *sim, enum plan_kind kind, enum plan_site site, uint16_t times,
                                  int64_t arg) {
    struct plan_fault *f = scenario_fault_at(sim, PLAN_ANY_SEAT, kind, site, false, arg);
    f->times = times;
    return f;
}

void scenario_event(struct sim *sim, uint32_t lead, const char *type) {
    char id[16];
    snprintf(id, sizeof id, "s%u", ++sim->scenario_events);
    uint16_t topic = (uint16_t)(lead / sim->plan.shards % sim->plan.topics);
    input_add(sim, topic, lead, SIM_START + sim->now, type, id);
}

void scenario_events(struct sim *sim, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        scenario_event(sim, i % sim->plan.leads, "web.page_viewed");
}

void scenario_steps(struct sim *sim, uint32_t n) {
    while (n--)
        world_step(sim);
}

void scenario_rest(struct sim *sim) {
    for (int i = 0; !world_rests(sim); i++) {
        world_step(sim);
        if (i > PATIENCE)
            sim_fail(sim, "the scenario waits in vain for all to be committed");
    }
}

/* Somebody stands still in a call. */
static bool paused(const struct sim *sim) {
    bool any = false;
    for (size_t i = 0; i < PROCESSES; i++)
        any = any || (sim->processes[i].used && process_busy(&sim->processes[i]));
    return any;
}

void scenario_happens(struct sim *sim, const struct plan_fault *fault) {
    for (int i = 0; !fault->done || paused(sim); i++) {
        world_step(sim);
        if (i > PATIENCE && !fault->done)
            sim_fail(sim, "the scenario waits in vain for its fault: %s in %s", plan_kind_name(fault->kind),
                     plan_site_name(fault->site));
    }
}

void scenario_sleep(struct sim *sim, int64_t ms) {
    sim->now += ms;
    story_tell(sim, "%lld ms pass", (long long)ms);
}

struct process *scenario_process(struct sim *sim, uint32_t seat) {
    struct process *found = NULL;
    for (size_t i = 0; i < PROCESSES; i++) {
        struct process *p = &sim->processes[i];
        if (p->used && !p->dead && p->seat == seat && (!found || p->number > found->number))
            found = p;
    }
    return found;
}

void scenario_kill(struct sim *sim, uint32_t seat) {
    struct process *p = scenario_process(sim, seat);
    if (p)
        process_die(p);
    sim->restart_at[seat] = NEVER;
    world_bury(sim);
}

void scenario_restart(struct sim *sim, uint32_t seat) {
    sim->restart_at[seat] = 0;
}

void scenario_comes_back(struct sim *sim, uint32_t seat) {
    const struct group_member *m = &sim->group.members[seat];
    scenario_restart(sim, seat);
    for (int i = 0;; i++) {
        const struct process *p = scenario_process(sim, seat);
        if (p && m->used && m->id == p->member && m->generation == sim->group.generation && !sim->group.preparing)
            return;
        world_step(sim);
        if (i > PATIENCE)
            sim_fail(sim, "seat %u does not come back", seat);
    }
}

void scenario_refused(struct sim *sim, const char *words) {
    sim->refusals_wanted = true;
    sim->ended.code = ERR_NONE;
    for (int i = 0; sim->ended.code != ERR_REFUSED; i++) {
        world_step(sim);
        if (i > PATIENCE)
            sim_fail(sim, "nobody refuses; it should say \"%s\"", words);
    }
    if (!strstr(sim->ended.words, words))
        sim_fail(sim, "the refusal \"%s\" does not say \"%s\"", sim->ended.words, words);
}

/* ---- running ---- */

static void play(struct sim *sim, void *self) {
    const struct scenario *s = self;
    sim->oracle.exact = false; /* what must be published is not known before */
    for (uint16_t t = 0; t < sim->plan.topics; t++)
        for (uint32_t shard = 0; shard < sim->plan.shards; shard++)
            input_reserve(&sim->inputs[t][shard], ROOM);
    s->play(sim);
    if (s->end == SCENARIO_REFUSED)
        return;
    for (uint32_t seat = 0; seat < sim->plan.seats; seat++)
        sim->restart_at[seat] = 0;
    world_finish(sim);
    oracle_compare(sim);
}

static bool run_one(struct sim *sim, const struct scenario *s, struct story *story) {
    union {
        const struct scenario *lent;
        void *self;
    } scenario = {.lent = s};
    struct plan plan = {.seed = 5, .mode = PLAN_LIVE, .seats = s->seats, .by_hand = true};
    plan_draw(&plan);
    plan.instances = s->instances;
    plan.shards = s->shards;
    plan.topics = 2;
    plan.leads = 8;
    plan.events = 0;
    plan.yield = 0;
    plan.max_events = 8;
    plan.cache_bytes = 1 << 20;
    plan.lag = 100;
    plan.commit_tries = 3;
    sim->story = story;
    sim_reset(sim, &plan);
    bool good = sim_catch(sim, play, scenario.self);
    if (s->end == SCENARIO_WRONG && good)
        snprintf(sim->why, sizeof sim->why, "nothing was found wrong");
    sim->story = NULL;
    return good == (s->end != SCENARIO_WRONG);
}

static void report(struct sim *sim, const struct scenario *s, bool good, bool always) {
    if (good && !always) {
        printf("ok    %s\n", s->name);
        return;
    }
    struct story story = {NULL, 0, 0};
    char why[sizeof sim->why];
    memcpy(why, sim->why, sizeof why);
    run_one(sim, s, &story);
    story_print(&story, stdout);
    story_free(&story);
    printf("%s %s: %s%s%s\n", good ? "ok   " : "WRONG", s->name, s->trap, good ? "" : ": ", good ? "" : why);
}

int scenario_run(struct sim *sim, const char *name, bool story) {
    int found = 0, failed = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const struct scenario *s = tables[t]; s->name; s++) {
            if (strcmp(name, "all") && strcmp(name, s->name))
                continue;
            found++;
            bool good = run_one(sim, s, NULL);
            failed += !good;
            report(sim, s, good, story);
        }
    }
    return found ? failed : -1;
}

void scenario_list(FILE *to) {
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct scenario *s = tables[t]; s->name; s++)
            fprintf(to, "%-52s %s\n", s->name, s->trap);
}
