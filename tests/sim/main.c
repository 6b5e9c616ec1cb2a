/* `leadstream_sim`: runs of the simulated world, by their seeds. */
#include "sim/sim.h"

#include <stdlib.h>

int main(int argc, char **argv) {
    struct sim *sim = sim_new();
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, to = argc > 2 ? strtoull(argv[2], NULL, 10) : from;
    int bad = 0;
    static struct plan plan;
    for (uint64_t seed = from; seed <= to; seed++) {
        struct story story = {NULL, 0, 0};
        plan = (struct plan){.seed = seed, .mode = argc > 3 ? (enum plan_mode)atoi(argv[3]) : PLAN_MODES};
        plan_draw(&plan);
        if (sim_run(sim, &plan, from == to ? &story : NULL)) {
            if (from == to)
                story_print(&story, stdout);
            story_free(&story);
            continue;
        }
        bad++;
        printf("seed %llu (%s): %s\n", (unsigned long long)seed, plan_mode_name(plan.mode), sim->why);
        if (from == to)
            story_print(&story, stdout);
        story_free(&story);
        if (bad > 20) break;
    }
    printf("runs %llu steps %llu calls %llu crashes %llu commits %llu rebalances %llu\n", (unsigned long long)sim->counts.runs,
           (unsigned long long)sim->counts.steps, (unsigned long long)sim->counts.calls, (unsigned long long)sim->counts.crashes,
           (unsigned long long)sim->counts.commits, (unsigned long long)sim->counts.rebalances);
    sim_free(&sim);
    return bad != 0;
}
