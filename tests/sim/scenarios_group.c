/* Scenarios of the group: zombies, rebalances at bad moments, seats, records that are cut. */
#include "sim/scenario.h"

/* Seat 0 stands still at this call for longer than its session; the other worker takes its shards over and goes on. */
static void zombie_at(struct sim *sim, enum plan_site site) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    const struct plan_fault *f = scenario_fault_at(sim, 0, FAULT_FREEZE, site, false, 5000);
    scenario_events(sim, 8);
    scenario_happens(sim, f);
    scenario_events(sim, 8);
    scenario_rest(sim);
}

static void zombie_sends_offsets(struct sim *sim) {
    zombie_at(sim, SITE_SEND);
}

static void zombie_publishes(struct sim *sim) {
    zombie_at(sim, SITE_EMIT);
}

static void zombie_commits(struct sim *sim) {
    zombie_at(sim, SITE_COMMIT);
}

static void zombie_writes_its_store(struct sim *sim) {
    zombie_at(sim, SITE_WRITE);
}

/* No event comes: what seat 0 has begun when it freezes are timers alone. */
static void zombie_commits_timers_only(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    const struct plan_fault *f = scenario_fault_at(sim, 0, FAULT_FREEZE, SITE_LOG, false, 2500);
    scenario_happens(sim, f);
    scenario_steps(sim, 300);
}

static void replaced_in_a_commit(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    const struct plan_fault *f = scenario_fault_at(sim, 0, FAULT_REPLACE, SITE_COMMIT, false, 1200);
    scenario_events(sim, 8);
    scenario_happens(sim, f);
    scenario_events(sim, 8);
    scenario_rest(sim);
}

static void rebalance_in_a_batch(struct sim *sim) {
    for (int i = 0; i < 6; i++) {
        scenario_events(sim, 16);
        scenario_steps(sim, (uint32_t)i);
        group_rebalance(sim);
        scenario_rest(sim);
    }
}

static bool in_a_batch(struct sim *sim) {
    const struct process *p = scenario_process(sim, 0);
    return p && p->open;
}

static void lost_partitions_with_open_batch(struct sim *sim) {
    for (int i = 0; i < 4; i++) {
        scenario_events(sim, 3);
        for (int steps = 0; !in_a_batch(sim) && steps < 500; steps++)
            world_step(sim);
        group_remove(sim, 0);
        scenario_rest(sim);
    }
}

static void silent_for_too_long(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    const struct plan_fault *f = scenario_fault_at(sim, 0, FAULT_SLOW, SITE_EMIT, false, GROUP_MAX_POLL + 1000);
    scenario_events(sim, 8);
    scenario_happens(sim, f);
    scenario_rest(sim);
}

static void restart_in_its_session(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    uint32_t generation = sim->group.generation;
    scenario_kill(sim, 0);
    scenario_restart(sim, 0);
    scenario_events(sim, 8);
    scenario_rest(sim);
    if (sim->group.generation != generation)
        sim_fail(sim, "the restart of a static member moved the group");
}

static void two_workers_one_store(struct sim *sim) {
    for (int i = 0; i < 5; i++) {
        scenario_events(sim, 8);
        scenario_steps(sim, 10);
        if (i % 2)
            group_remove(sim, 0);
        else
            group_rebalance(sim);
    }
    scenario_rest(sim);
}

/* Seat 0 has taken a part of an array only: its room is used up until the next turn. */
static void begin_array(struct sim *sim, uint32_t entries) {
    scenario_events(sim, 4);
    scenario_rest(sim);
    scenario_process(sim, 0)->cramped = true;
    input_add_array(sim, 0, 0, SIM_START + sim->now, "web.page_viewed", "array", entries);
    for (int i = 0; !scenario_process(sim, 0)->claims[0].n; i++) {
        world_step(sim);
        if (i > 2000)
            sim_fail(sim, "nobody takes the array");
    }
}

static void partial_record_at_revoke(struct sim *sim) {
    begin_array(sim, 24);
    group_rebalance(sim);
    scenario_rest(sim);
}

static void partial_record_at_stop(struct sim *sim) {
    begin_array(sim, 24);
    scenario_process(sim, 0)->stop = true;
    scenario_steps(sim, 50);
    scenario_rest(sim);
}

static void partial_record_at_crash(struct sim *sim) {
    begin_array(sim, 24);
    scenario_kill(sim, 0);
    scenario_restart(sim, 0);
    scenario_rest(sim);
}

static void long_array_fills_the_batch(struct sim *sim) {
    sim->plan.cache_bytes = 9000; /* too little for the leads of the array: the batch is full before it is whole */
    scenario_kill(sim, 0);
    scenario_restart(sim, 0);
    begin_array(sim, 48);
    scenario_rest(sim);
}

/* Events of some time ago come one by one: no silence between them is the end, after which the wall's time counts. */
static void short_silence_is_no_end(struct sim *sim) {
    enum { BEHIND = 8 * SIM_GRACE };
    char id[16];
    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "q%d", i);
        input_add(sim, 0, (uint32_t)i % 2, SIM_START + sim->now - BEHIND, "web.page_viewed", id);
        scenario_steps(sim, 4);
    }
    scenario_rest(sim);
}

const struct scenario scenarios_group[] = {
    {"zombie_sends_offsets", "a frozen worker goes on with offsets of shards that another has", zombie_sends_offsets, 2,
     2, 2, SCENARIO_RIGHT},
    {"zombie_publishes", "the same, earlier in its batch", zombie_publishes, 2, 2, 2, SCENARIO_RIGHT},
    {"zombie_commits", "its transaction is too old by then", zombie_commits, 2, 2, 2, SCENARIO_RIGHT},
    {"zombie_writes_its_store", "it writes what was committed before it froze", zombie_writes_its_store, 2, 2, 2,
     SCENARIO_RIGHT},
    {"zombie_commits_timers_only", "a batch without an event has no other fence than its offsets",
     zombie_commits_timers_only, 2, 2, 2, SCENARIO_RIGHT},
    {"replaced_in_a_commit", "another process has the instance's name", replaced_in_a_commit, 1, 1, 2, SCENARIO_RIGHT},
    {"rebalance_in_a_batch", "the batch is committed while the shards go", rebalance_in_a_batch, 2, 2, 2,
     SCENARIO_RIGHT},
    {"lost_partitions_with_open_batch", "the shards have gone already", lost_partitions_with_open_batch, 2, 2, 2,
     SCENARIO_RIGHT},
    {"silent_for_too_long", "max.poll.interval: told of a revoke, not of a loss", silent_for_too_long, 2, 2, 2,
     SCENARIO_RIGHT},
    {"restart_in_its_session", "a static member comes back, no rebalance", restart_in_its_session, 2, 2, 2,
     SCENARIO_RIGHT},
    {"two_workers_one_store", "a shard moves between workers of one process", two_workers_one_store, 2, 1, 4,
     SCENARIO_RIGHT},
    {"partial_record_at_revoke", "the shards go in the middle of an array", partial_record_at_revoke, 1, 1, 1,
     SCENARIO_RIGHT},
    {"partial_record_at_stop", "so does the worker", partial_record_at_stop, 1, 1, 1, SCENARIO_RIGHT},
    {"partial_record_at_crash", "and dies", partial_record_at_crash, 1, 1, 1, SCENARIO_RIGHT},
    {"short_silence_is_no_end", "old events come one by one", short_silence_is_no_end, 1, 1, 1, SCENARIO_RIGHT},
    {"long_array_fills_the_batch", "a batch is full before its record is whole", long_array_fills_the_batch, 1, 1, 1,
     SCENARIO_RIGHT},
    {.name = NULL}};
