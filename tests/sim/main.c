/* `leadstream_sim`: simulated worlds by their seeds; a seed that fails, made small and told. */
#include "base/guard.h"
#include "sim/options.h"
#include "sim/scenario.h"
#include "sim/shrink.h"
#include "sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { PROGRESS = 10000 /* ms */, MOST_FAILURES = 5, SWEEP_MOST = 20000 /* calls */ };

static int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct plan plan_of(const struct options *o, uint64_t seed) {
    struct plan plan = {.seed = seed, .mode = o->mode, .seats = o->seats, .faults_kept = o->faults};
    plan.events_kept = o->events;
    return plan;
}

/* ---- what is said ---- */

static void print_command(const struct plan *plan, const struct options *o) {
    char set[1000];
    printf("again: leadstream_sim --seed %" PRIu64 " --workers %u", plan->seed, plan->seats);
    if (o->mode < PLAN_MODES)
        printf(" --mode %s", plan_mode_name(o->mode));
    if (plan->faults_kept.given) {
        plan_set_print(&plan->faults_kept, set, sizeof set);
        printf(" --faults %s", set);
    }
    if (plan->events_kept.given) {
        plan_set_print(&plan->events_kept, set, sizeof set);
        printf(" --events %s", set);
    }
    printf(" --no-shrink\n");
}

/* The run again, told. */
static void tell(struct sim *sim, struct plan plan, const struct options *o) {
    struct story story = {NULL, 0, 0};
    plan_draw(&plan);
    printf("seed %" PRIu64 ": %s, %u workers on %u machines, %u topics of %u partitions, %u leads\n", plan.seed,
           plan_mode_name(plan.mode), plan.seats, plan.instances < plan.seats ? plan.instances : plan.seats,
           plan.topics, plan.shards, plan.leads);
    bool good = sim_run(sim, &plan, &story);
    story_print(&story, stdout);
    story_free(&story);
    printf("%s\n", good ? "all is as it must be" : sim->why);
    print_command(&plan, o);
}

static void report_failure(struct sim *sim, struct plan plan, const struct options *o) {
    printf("seed %" PRIu64 " fails: %s\n", plan.seed, sim->why);
    struct sim_counts counts = sim->counts; /* what follows is no part of the search */
    if (!o->no_shrink && !o->sweep) {
        struct plan small = plan_of(o, plan.seed);
        small.seats = plan.seats;
        small.n_faults = plan.n_faults;
        small.events = plan.events;
        unsigned runs = shrink(sim, &small);
        printf("made small in %u runs:\n", runs);
        tell(sim, small, o);
    } else if (!o->sweep) {
        tell(sim, plan_of(o, plan.seed), o);
    }
    sim->counts = counts;
    fflush(stdout);
}

static void print_counts(const struct sim *sim, FILE *to, int64_t ms) {
    const struct sim_counts *c = &sim->counts;
    double seconds = (double)(ms > 0 ? ms : 1) / 1000;
    fprintf(to,
            "%" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64 " calls, %" PRIu64 " crashes, %" PRIu64 " starts, %" PRIu64
            " commits, %" PRIu64 " rebalances in %.1f s (%.0f crashes/s)\n",
            c->runs, c->steps, c->calls, c->crashes, c->restarts, c->commits, c->rebalances, seconds,
            (double)c->crashes / seconds);
}

static void print_faults(const struct sim *sim) {
    printf("faults:");
    for (int kind = 0; kind < FAULTS; kind++)
        if (kind != FAULT_WORLD)
            printf("%s %s %" PRIu64, kind ? "," : "", plan_kind_name((enum plan_kind)kind), sim->counts.faults[kind]);
    printf("\n");
}

/* ---- what is run ---- */

/* A crash at every call of the seed's run, before and after its effect, and of the machine. Returns false at the first
 * one that fails. */
static bool sweep(struct sim *sim, struct plan plan) {
    static const struct {
        enum plan_kind kind;
        bool after;
    } ways[] = {{FAULT_CRASH, false}, {FAULT_CRASH, true}, {FAULT_POWER, true}};
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        for (uint32_t call = 0; call < SWEEP_MOST; call++) {
            plan_crash_at(&plan, call, ways[w].kind, ways[w].after);
            uint64_t before = sim->counts.crashes;
            if (!sim_run(sim, &plan, NULL)) {
                printf("%s at call %u, %s\n", plan_kind_name(ways[w].kind), call, ways[w].after ? "after" : "before");
                return false;
            }
            if (sim->counts.crashes == before)
                break; /* the run has no more calls */
        }
    }
    return true;
}

static bool run_seed(struct sim *sim, const struct options *o, uint64_t seed) {
    struct plan plan = plan_of(o, seed);
    plan.by_hand = o->sweep;
    plan_draw(&plan);
    if (o->sweep)
        plan.steps = 0; /* the run has no other end than being done */
    if (o->story && !o->sweep) {
        tell(sim, plan_of(o, seed), o);
        return !sim->why[0];
    }
    if (o->sweep ? sweep(sim, plan) : sim_run(sim, &plan, NULL))
        return true;
    report_failure(sim, plan, o);
    return false;
}

static int run_seeds(struct sim *sim, const struct options *o) {
    int64_t start = clock_ms(), said = start;
    unsigned failures = 0;
    uint64_t seed = o->from;
    for (;; seed++) {
        failures += !run_seed(sim, o, seed);
        int64_t now = clock_ms();
        if (seed == o->to || failures == MOST_FAILURES || (o->duration && now - start >= o->duration))
            break;
        if (now - said >= PROGRESS) {
            said = now;
            fprintf(stderr, "seed %" PRIu64 ": ", seed);
            print_counts(sim, stderr, now - start);
        }
    }
    printf("seeds %" PRIu64 "..%" PRIu64 ": %u fail; ", o->from, seed, failures);
    print_counts(sim, stdout, clock_ms() - start);
    print_faults(sim);
    return failures ? OPTIONS_FAILED : OPTIONS_DONE;
}

static int run_scenarios(struct sim *sim, const struct options *o) {
    int failed = scenario_run(sim, o->scenario, o->story);
    if (failed < 0)
        fprintf(stderr, "leadstream_sim: there is no scenario \"%s\" (see --list)\n", o->scenario);
    return failed < 0 ? OPTIONS_USAGE : failed ? OPTIONS_FAILED : OPTIONS_DONE;
}

static bool take_guard(const char *name) {
#ifdef LEADSTREAM_MUTANTS
    if (!name || guard_remove(name))
        return true;
    fprintf(stderr, "leadstream_sim: there is no guard \"%s\"\n", name);
#else
    if (!name)
        return true;
    fprintf(stderr, "leadstream_sim: guards can be taken away only in a build of the preset mutants\n");
#endif
    return false;
}

int main(int argc, char **argv) {
    struct options options;
    int code;
    if (!options_read(&options, argc, argv, &code))
        return code;
    if (!take_guard(options.without))
        return OPTIONS_USAGE;
    if (options.list) {
        scenario_list(stdout);
        return OPTIONS_DONE;
    }
    struct sim *sim = sim_new();
    code = options.scenario ? run_scenarios(sim, &options) : run_seeds(sim, &options);
    sim_free(&sim);
    return code;
}
