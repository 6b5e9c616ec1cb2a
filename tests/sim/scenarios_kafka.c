/* Scenarios of transactions: answers that are lost, requests that come late, fencing, markers, retention. */
#include "sim/scenario.h"

enum { EVER = 30 /* more often than anybody tries again */ };

/* Some events are done; then one call fails in one way, some times, while others are in a batch. */
static void disturb(struct sim *sim, enum plan_kind kind, enum plan_site site, uint16_t times, int64_t arg) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    const struct plan_fault *f = scenario_fault(sim, kind, site, times, arg);
    scenario_events(sim, 8);
    scenario_happens(sim, f);
    scenario_events(sim, 8);
    scenario_rest(sim);
}

static void send_offsets_timed_out(struct sim *sim) {
    disturb(sim, FAULT_TIMEOUT, SITE_SEND, 1, 0);
}

static void send_offsets_never_answered(struct sim *sim) {
    disturb(sim, FAULT_TIMEOUT, SITE_SEND, 3, 0);
}

static void send_offsets_done_but_not_answered(struct sim *sim) {
    disturb(sim, FAULT_ANSWER_LOST, SITE_SEND, 3, 0);
}

static void commit_answer_lost(struct sim *sim) {
    disturb(sim, FAULT_ANSWER_LOST, SITE_COMMIT, 1, 0);
}

static void commit_done_but_never_answered(struct sim *sim) {
    disturb(sim, FAULT_ANSWER_LOST, SITE_COMMIT, 3, 0);
}

static void commit_never_arrives(struct sim *sim) {
    disturb(sim, FAULT_TIMEOUT, SITE_COMMIT, 3, 0);
}

static void commit_takes_effect_later(struct sim *sim) {
    disturb(sim, FAULT_LATER, SITE_COMMIT, 3, 30);
}

static void commit_takes_effect_much_later(struct sim *sim) {
    disturb(sim, FAULT_LATER, SITE_COMMIT, 3, 1500);
}

static void commit_says_abort(struct sim *sim) {
    disturb(sim, FAULT_ABORTABLE, SITE_COMMIT, 1, 0);
}

static void abort_is_not_answered(struct sim *sim) {
    scenario_fault(sim, FAULT_LATER, SITE_ABORT, EVER, 200);
    disturb(sim, FAULT_ABORTABLE, SITE_LOG, 1, 0);
}

static void init_is_not_answered(struct sim *sim) {
    scenario_fault(sim, FAULT_ANSWER_LOST, SITE_INIT, 4, 0);
    disturb(sim, FAULT_FATAL, SITE_EMIT, 1, 0);
}

/* The first commit of a batch is on its way, the second one done; then the first arrives while the next batch is half
 * sent. */
static void late_end_of_the_same_epoch(struct sim *sim) {
    scenario_events(sim, 4);
    scenario_rest(sim);
    scenario_fault(sim, FAULT_LATER, SITE_COMMIT, 1, 400);
    scenario_event(sim, 0, "web.page_viewed");
    scenario_rest(sim);
    const struct plan_fault *slow = scenario_fault(sim, FAULT_SLOW, SITE_SEND, 1, 900);
    scenario_event(sim, 0, "web.page_viewed");
    scenario_happens(sim, slow);
    scenario_rest(sim);
}

static void late_end_without_a_new_epoch(struct sim *sim) {
    sim->keeps_epoch = true;
    late_end_of_the_same_epoch(sim);
}

static void late_offsets_of_the_same_epoch(struct sim *sim) {
    scenario_events(sim, 4);
    scenario_rest(sim);
    scenario_fault(sim, FAULT_LATER, SITE_SEND, 1, 400);
    scenario_event(sim, 0, "web.page_viewed");
    scenario_rest(sim);
    const struct plan_fault *slow = scenario_fault(sim, FAULT_SLOW, SITE_COMMIT, 1, 900);
    scenario_event(sim, 0, "web.page_viewed");
    scenario_happens(sim, slow);
    scenario_rest(sim);
}

static void late_offsets_without_a_new_epoch(struct sim *sim) {
    sim->keeps_epoch = true;
    late_offsets_of_the_same_epoch(sim);
}

static void records_of_a_dead_producer_arrive_late(struct sim *sim) {
    for (int i = 0; i < 6; i++)
        disturb(sim, FAULT_CRASH, i % 2 ? SITE_LOG : SITE_SEND, 1, 0);
}

static void offsets_settle_late(struct sim *sim) {
    sim->broker.slow_until = INT64_MAX;
    for (int i = 0; i < 4; i++) {
        scenario_events(sim, 8);
        scenario_happens(sim, scenario_fault_at(sim, PLAN_ANY_SEAT, FAULT_CRASH, SITE_COMMIT, true, 0));
    }
    scenario_rest(sim);
}

static void transaction_too_old(struct sim *sim) {
    disturb(sim, FAULT_FREEZE, SITE_COMMIT, 1, BROKER_TXN_TIMEOUT + 1000);
}

static void aborted_data_never_in_the_store(struct sim *sim) {
    sim->plan.lag = 0;
    for (int i = 0; i < 4; i++)
        disturb(sim, FAULT_ABORTABLE, SITE_COMMIT, 2, 0);
}

static void broker_away_for_long(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    scenario_events(sim, 8);
    sim->broker.down_until = sim->now + 8000;
    scenario_steps(sim, 1500);
    scenario_rest(sim);
}

static void retention_past_the_committed_offset(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    scenario_kill(sim, 0);
    scenario_events(sim, 8);
    for (uint32_t s = 0; s < sim->plan.shards; s++)
        sim->inputs[0][s].first = input_end(&sim->inputs[0][s]);
    scenario_restart(sim, 0);
    scenario_refused(sim, "retention");
}

static void group_offsets_lost(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    scenario_kill(sim, 0);
    while (!broker_quiet(sim))
        world_step(sim);
    for (uint16_t t = 0; t < sim->plan.topics; t++)
        sim->broker.offsets[0][t] = ENGINE_NO_OFFSET;
    scenario_restart(sim, 0);
    scenario_refused(sim, "reset or lost");
}

static void fatal_error_while_idle(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    uint32_t last = sim->last_process;
    const struct plan_fault *f = scenario_fault(sim, FAULT_FATAL, SITE_BEGIN, 1, 0);
    scenario_events(sim, 8);
    scenario_happens(sim, f);
    scenario_rest(sim);
    if (sim->last_process != last)
        sim_fail(sim, "a worker was needed that is new, not only a producer");
}

static void failures_that_stay(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    struct plan_fault *f = scenario_fault(sim, FAULT_ABORTABLE, SITE_COMMIT, 10000, 0);
    scenario_events(sim, 8);
    for (int i = 0; sim->ended.code != ERR_ABORTED; i++) {
        world_step(sim);
        if (i > 20000)
            sim_fail(sim, "a worker goes on for ever where nothing can be committed");
    }
    f->done = true;
    scenario_rest(sim);
}

/* A zombie's offsets have arrived and its last records have not, when another asks for the end of the changelog; it
 * commits, and dies. */
static void records_after_their_offsets(struct sim *sim) {
    sim->slow_producers = true;
    scenario_events(sim, 8);
    scenario_rest(sim);
    const struct plan_fault *f = scenario_fault_at(sim, 0, FAULT_FREEZE, SITE_COMMIT, false, GROUP_SESSION + 500);
    scenario_fault_at(sim, 1, FAULT_SLOW, SITE_COMMITTED, false, 1000);
    scenario_events(sim, 8);
    while (!f->done || process_busy(scenario_process(sim, 0)))
        world_step(sim);
    scenario_kill(sim, 0);
    scenario_rest(sim);
}

const struct scenario scenarios_kafka[] = {
    {"send_offsets_timed_out_then_commit", "librdkafka would commit the records without them", send_offsets_timed_out, 1,
     1, 2, SCENARIO_RIGHT},
    {"send_offsets_never_answered", "the batch is given up", send_offsets_never_answered, 1, 1, 2, SCENARIO_RIGHT},
    {"send_offsets_done_but_not_answered", "the broker has them, the worker gives up",
     send_offsets_done_but_not_answered, 1, 1, 2, SCENARIO_RIGHT},
    {"commit_answer_lost", "the same call again says that it is done", commit_answer_lost, 1, 1, 2, SCENARIO_RIGHT},
    {"commit_done_but_never_answered", "the outcome is unknown, and was a commit", commit_done_but_never_answered, 1, 1,
     2, SCENARIO_RIGHT},
    {"commit_never_arrives", "the outcome is unknown, and was none", commit_never_arrives, 1, 1, 2, SCENARIO_RIGHT},
    {"commit_answer_lost_then_effect_later", "the outcome is unknown, then it is a commit", commit_takes_effect_later, 1,
     1, 2, SCENARIO_RIGHT},
    {"commit_arrives_after_its_successor", "a new producer has the id by then", commit_takes_effect_much_later, 1, 1, 2,
     SCENARIO_RIGHT},
    {"commit_says_abort", "an abortable error of a commit", commit_says_abort, 1, 1, 2, SCENARIO_RIGHT},
    {"abort_is_not_answered", "the producer is given up", abort_is_not_answered, 1, 1, 2, SCENARIO_RIGHT},
    {"init_is_not_answered", "a fatal error, then an id that is taken without a word", init_is_not_answered, 1, 1, 2,
     SCENARIO_RIGHT},
    {"fatal_error_while_idle", "a producer that fails outside of a transaction is made anew", fatal_error_while_idle, 1,
     1, 2, SCENARIO_RIGHT},
    {"failures_that_stay_end_the_process", "nothing can be committed: somebody must hear of it", failures_that_stay, 1,
     1, 2, SCENARIO_RIGHT},
    {"records_after_their_offsets", "the end of the changelog is asked for while a zombie still sends",
     records_after_their_offsets, 2, 2, 2, SCENARIO_RIGHT},
    {"late_end_of_the_same_epoch", "an EndTxn arrives in the next transaction", late_end_of_the_same_epoch, 1, 1, 1,
     SCENARIO_RIGHT},
    {"late_end_without_a_new_epoch", "the same, with a sink that keeps its epoch: half a transaction is committed",
     late_end_without_a_new_epoch, 1, 1, 1, SCENARIO_WRONG},
    {"late_offsets_of_the_same_epoch", "offsets arrive in the next transaction", late_offsets_of_the_same_epoch, 1, 1, 1,
     SCENARIO_RIGHT},
    {"late_offsets_without_a_new_epoch", "the same, with a sink that keeps its epoch: older offsets are committed",
     late_offsets_without_a_new_epoch, 1, 1, 1, SCENARIO_WRONG},
    {"records_of_a_dead_producer_arrive_late", "its transaction is over by then, or open",
     records_of_a_dead_producer_arrive_late, 1, 1, 2, SCENARIO_RIGHT},
    {"watermark_asked_before_offsets_settle", "markers come late, each partition's in its own time", offsets_settle_late,
     2, 2, 2, SCENARIO_RIGHT},
    {"transaction_timed_out_by_the_broker", "a worker is frozen before its commit", transaction_too_old, 1, 1, 2,
     SCENARIO_RIGHT},
    {"aborted_data_never_in_store", "batches are aborted, the store is written at once", aborted_data_never_in_the_store,
     1, 1, 2, SCENARIO_RIGHT},
    {"broker_away_for_long", "longer than every time-out", broker_away_for_long, 2, 2, 2, SCENARIO_RIGHT},
    {"retention_past_the_committed_offset", "events were deleted that nobody had read",
     retention_past_the_committed_offset, 1, 1, 1, SCENARIO_REFUSED},
    {"group_offsets_lost", "somebody reset the group", group_offsets_lost, 1, 1, 1, SCENARIO_REFUSED},
    {.name = NULL}};
