/* Scenarios of the store and the changelog: crashes between them, old disks, topics made again, erasures. */
#include "sim/scenario.h"

static void crash_between_commit_and_write(struct sim *sim) {
    for (int after = 0; after < 2; after++) {
        scenario_events(sim, 8);
        scenario_happens(sim, scenario_fault_at(sim, 0, FAULT_CRASH, SITE_COMMIT, true, 0));
        scenario_rest(sim);
        scenario_events(sim, 8);
        scenario_happens(sim, scenario_fault_at(sim, 0, FAULT_CRASH, SITE_WRITE, after, 0));
        scenario_rest(sim);
    }
}

static void power_cut(struct sim *sim) {
    for (int i = 0; i < 5; i++) {
        scenario_events(sim, 8);
        scenario_rest(sim);
        scenario_happens(sim, scenario_fault_at(sim, 0, FAULT_POWER, SITE_POLL, false, 1 + 8 * i));
    }
    scenario_rest(sim);
}

static void disk_wiped(struct sim *sim) {
    scenario_events(sim, 16);
    scenario_rest(sim);
    scenario_kill(sim, 0);
    disk_wipe(sim->seat_disks[0]);
    scenario_comes_back(sim, 0);
    scenario_events(sim, 16);
    scenario_rest(sim);
}

static void old_copy(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    disk_copy(sim->seat_disks[0]);
    scenario_events(sim, 16);
    scenario_event(sim, 1, "privacy.erased");
    scenario_rest(sim);
    scenario_kill(sim, 0);
    broker_compact(sim);
    if (!disk_restore(sim->seat_disks[0], 0))
        sim_fail(sim, "there is no copy");
    scenario_comes_back(sim, 0);
    scenario_events(sim, 16);
    scenario_rest(sim);
}

static void store_of_another_instance(struct sim *sim) {
    scenario_events(sim, 16);
    scenario_rest(sim);
    scenario_kill(sim, 0);
    scenario_rest(sim); /* the other has all shards now */
    disk_clone(sim->seat_disks[0], sim->seat_disks[1]);
    scenario_comes_back(sim, 0);
    scenario_events(sim, 16);
    scenario_rest(sim);
}

/* All is committed, and written too. */
static void settle(struct sim *sim) {
    scenario_rest(sim);
    scenario_steps(sim, 100);
}

/* Seat 0 is away while its lead 0 is erased elsewhere, for longer than the changelog remembers erasing it. */
static void sleep_past_tombstones(struct sim *sim) {
    scenario_events(sim, 8);
    settle(sim);
    scenario_kill(sim, 0);
    scenario_rest(sim);
    scenario_event(sim, 0, "privacy.erased");
    scenario_event(sim, 1, "privacy.erased");
    scenario_rest(sim);
    scenario_event(sim, 2, "web.page_viewed"); /* the tombstones are not the last records */
    scenario_event(sim, 3, "web.page_viewed");
    scenario_rest(sim);
    scenario_sleep(sim, BROKER_DELETE_RETENTION + 1000);
    scenario_steps(sim, 50);
    broker_compact(sim);
}

static void tombstone_compacted_away(struct sim *sim) {
    sleep_past_tombstones(sim);
    scenario_comes_back(sim, 0);
    scenario_rest(sim);
}

static void rebuild_fails_and_the_clock_steps_back(struct sim *sim) {
    sleep_past_tombstones(sim);
    struct plan_fault *f = scenario_fault_at(sim, 0, FAULT_ABORTABLE, SITE_LOG_READ, false, 0);
    f->skip = 1; /* the first finds the birth record, the second is a part of the rebuild */
    scenario_restart(sim, 0);
    scenario_happens(sim, f);
    sim->clock_offset[0] -= BROKER_DELETE_RETENTION;
    scenario_rest(sim);
}

/* Seat 0 catches up with many changes of a few leads, in two reads: at most two timers a lead come to the one that it had. */
static void catching_up_gives_one_timer_a_lead(struct sim *sim) {
    scenario_events(sim, 8);
    settle(sim);
    scenario_kill(sim, 0);
    scenario_rest(sim);
    for (int i = 0; i < 4; i++) {
        scenario_event(sim, 0, "form.submitted"); /* which moves its timer */
        scenario_events(sim, 8);
        scenario_rest(sim);
    }
    scenario_comes_back(sim, 0);
    scenario_rest(sim);
    for (uint32_t s = 0; s < sim->plan.shards; s++)
        if (sim->seat_disks[0]->shards[s].n_timers > 3 * sim->plan.leads / sim->plan.shards)
            sim_fail(sim, "the store has %u timers for %u leads", sim->seat_disks[0]->shards[s].n_timers,
                     sim->plan.leads / sim->plan.shards);
}

static void question_that_fails(struct sim *sim) {
    scenario_events(sim, 16);
    settle(sim);
    scenario_kill(sim, 0);
    scenario_comes_back(sim, 0);
    scenario_rest(sim);
    for (uint32_t l = 0; l < sim->plan.leads; l++) {
        struct plan_fault *f = scenario_fault(sim, FAULT_BUSY, SITE_LOAD, 1, 0);
        process_ask(scenario_process(sim, 0), l);
        f->done = true;
    }
    scenario_events(sim, 16);
    scenario_rest(sim);
}

static void erase_some(struct sim *sim) {
    scenario_event(sim, 0, "privacy.erased");
    scenario_event(sim, 1, "privacy.erased");
}

/* The same, but seat 0 sleeps in the middle of catching up, and wakes with a store that looks fresh. */
static void asleep_while_catching_up(struct sim *sim) {
    scenario_events(sim, 8);
    settle(sim);
    scenario_kill(sim, 0);
    scenario_rest(sim);
    scenario_events(sim, 8);
    scenario_rest(sim);
    const struct plan_fault *f =
        scenario_fault_at(sim, 0, FAULT_FREEZE, SITE_LOG_READ, false, 2 * BROKER_DELETE_RETENTION);
    sim->meanwhile = erase_some;
    scenario_restart(sim, 0);
    scenario_happens(sim, f);
    while (sim->now < 2 * BROKER_DELETE_RETENTION)
        world_step(sim);
    broker_compact(sim);
    scenario_steps(sim, 500);
    scenario_rest(sim);
    scenario_kill(sim, 1);
    scenario_rest(sim);
}

static void erased_lead_stays_away(struct sim *sim) {
    scenario_events(sim, 16);
    scenario_rest(sim);
    int64_t before = SIM_START + sim->now;
    scenario_steps(sim, 20);
    scenario_event(sim, 0, "privacy.erased");
    scenario_event(sim, 3, "privacy.erased");
    scenario_rest(sim);
    for (int i = 0; i < 2; i++) {
        scenario_kill(sim, 0);
        if (i)
            disk_wipe(sim->seat_disks[0]);
        scenario_comes_back(sim, 0);
        input_add(sim, 0, 0, before, "web.page_viewed", i ? "late-b" : "late-a"); /* from before the erasure */
        scenario_events(sim, 4);
        scenario_rest(sim);
    }
}

static void busy_while_catching_up(struct sim *sim) {
    scenario_events(sim, 16);
    scenario_rest(sim);
    scenario_kill(sim, 0);
    disk_copy(sim->seat_disks[0]);
    disk_wipe(sim->seat_disks[0]);
    scenario_fault(sim, FAULT_BUSY, SITE_BUILD_PUT, 2, 0);
    scenario_fault(sim, FAULT_BUSY, SITE_BUILD_DONE, 1, 0);
    scenario_comes_back(sim, 0);
    scenario_rest(sim);
    scenario_events(sim, 16);
    scenario_happens(sim, scenario_fault_at(sim, 0, FAULT_CRASH, SITE_COMMIT, true, 0));
    scenario_fault(sim, FAULT_BUSY, SITE_LOAD, 1, 0);
    scenario_fault(sim, FAULT_BUSY, SITE_WRITE, 3, 0);
    scenario_rest(sim);
}

/* The second time its changelog does not open again; another shard's may be opened then, but only one at once. */
static void busy_and_not_opened_again(struct sim *sim) {
    scenario_events(sim, 16);
    scenario_rest(sim);
    scenario_kill(sim, 0);
    disk_wipe(sim->seat_disks[0]);
    const struct plan_fault *busy = scenario_fault(sim, FAULT_BUSY, SITE_BUILD_PUT, 1, 0);
    scenario_restart(sim, 0);
    scenario_happens(sim, busy);
    scenario_fault(sim, FAULT_BUSY, SITE_BUILD_PUT, 1, 0);
    scenario_fault(sim, FAULT_TIMEOUT, SITE_LOG_OPEN, 3, 0);
    scenario_rest(sim);
}

static void disk_full(struct sim *sim) {
    scenario_events(sim, 8);
    scenario_rest(sim);
    sim->seat_disks[0]->full_until = sim->now + 2000;
    scenario_events(sim, 16);
    scenario_steps(sim, 300);
    scenario_rest(sim);
}

static void full_batches_of_reads_fail(struct sim *sim) {
    for (int i = 0; i < 4; i++) {
        scenario_events(sim, 8);
        scenario_fault(sim, FAULT_DISK, i % 2 ? SITE_LOAD : SITE_DUE, 1, 0);
        scenario_rest(sim);
    }
}

/* ---- refusals ---- */

static void stop_after_some(struct sim *sim) {
    scenario_events(sim, 16);
    scenario_rest(sim);
    scenario_steps(sim, 100); /* all of it is written */
    scenario_kill(sim, 0);
    while (!broker_quiet(sim))
        scenario_steps(sim, 1);
}

/* Deleted, made again and filled by somebody to the very same length: only the birth record tells. */
static void topic_made_again(struct sim *sim) {
    static const uint8_t other[16] = "another birth..";
    stop_after_some(sim);
    sim->broker.logs[BROKER_CHANGELOG][0].at[0].value = (struct bytes){other, sizeof other};
    scenario_restart(sim, 0);
    scenario_refused(sim, "another changelog");
}

static void changelog_deleted(struct sim *sim) {
    stop_after_some(sim);
    sim->broker.logs[BROKER_CHANGELOG][0].n = sim->broker.logs[BROKER_CHANGELOG][0].stable = 0;
    scenario_restart(sim, 0);
    scenario_refused(sim, "ahead of the changelog");
}

static void changelog_expired(struct sim *sim) {
    stop_after_some(sim);
    for (size_t i = 0; i < sim->broker.logs[BROKER_CHANGELOG][0].n; i++)
        sim->broker.logs[BROKER_CHANGELOG][0].at[i].gone = true;
    scenario_restart(sim, 0);
    scenario_refused(sim, "changelog is empty but the store is not");
}

static void another_model(struct sim *sim) {
    stop_after_some(sim);
    sim->model = input_model(true);
    scenario_restart(sim, 0);
    scenario_refused(sim, "another model");
}

static void another_erasure_key(struct sim *sim) {
    stop_after_some(sim);
    sim->erasure_key = 2;
    scenario_restart(sim, 0);
    scenario_refused(sim, "erasure.key_file");
}

static void changelog_deleted_store_too(struct sim *sim) {
    stop_after_some(sim);
    sim->broker.logs[BROKER_CHANGELOG][0].n = sim->broker.logs[BROKER_CHANGELOG][0].stable = 0;
    disk_wipe(sim->seat_disks[0]);
    scenario_restart(sim, 0);
    scenario_refused(sim, "changelog is empty");
}

static void store_ahead(struct sim *sim) {
    stop_after_some(sim);
    struct broker_log *log = &sim->broker.logs[BROKER_CHANGELOG][0];
    log->n -= 3;
    log->stable = log->n;
    scenario_restart(sim, 0);
    scenario_refused(sim, "ahead of the changelog");
}

const struct scenario scenarios_store[] = {
    {"crash_between_commit_and_write", "the changelog has it, the store has not", crash_between_commit_and_write, 1, 1, 2,
     SCENARIO_RIGHT},
    {"power_cut", "the last writes are gone", power_cut, 1, 1, 2, SCENARIO_RIGHT},
    {"disk_wiped", "the store is built from the changelog", disk_wiped, 1, 1, 2, SCENARIO_RIGHT},
    {"old_copy_of_the_store", "somebody restored a copy of the disk", old_copy, 1, 1, 2, SCENARIO_RIGHT},
    {"store_of_another_instance", "somebody copied the disk of another machine", store_of_another_instance, 2, 2, 2,
     SCENARIO_RIGHT},
    {"tombstone_compacted_away_while_instance_slept", "the changelog no longer says that a lead was erased",
     tombstone_compacted_away, 2, 2, 2, SCENARIO_RIGHT},
    {"rebuild_fails_and_the_clock_steps_back", "the store is still to be built anew",
     rebuild_fails_and_the_clock_steps_back, 2, 2, 2, SCENARIO_RIGHT},
    {"catching_up_gives_one_timer_a_lead", "many changes of a lead in a read, and the timer that it had", catching_up_gives_one_timer_a_lead, 2, 2, 2,
     SCENARIO_RIGHT},
    {"question_that_fails_changes_nothing", "a lead that could not be loaded is not taken for a new one",
     question_that_fails, 1, 1, 2, SCENARIO_RIGHT},
    {"asleep_while_catching_up", "the same, asleep in the middle of catching up", asleep_while_catching_up, 2, 2, 2,
     SCENARIO_RIGHT},
    {"erased_lead_does_not_come_back", "late events of an erased lead, after a crash, on an empty disk",
     erased_lead_stays_away, 1, 1, 2, SCENARIO_RIGHT},
    {"store_busy_while_catching_up", "what was read of the changelog does not come again", busy_while_catching_up, 1, 1,
     1, SCENARIO_RIGHT},
    {"store_busy_and_changelog_not_opened_again", "another shard's is opened meanwhile", busy_and_not_opened_again, 1, 1, 2,
     SCENARIO_RIGHT},
    {"disk_full", "writes fail until there is room", disk_full, 1, 1, 2, SCENARIO_RIGHT},
    {"reads_of_the_disk_fail", "each ends the process", full_batches_of_reads_fail, 1, 1, 2, SCENARIO_RIGHT},
    {"topic_deleted_and_made_again_same_length", "only the birth record tells", topic_made_again, 1, 1, 1,
     SCENARIO_REFUSED},
    {"changelog_deleted", "the store remembers it", changelog_deleted, 1, 1, 1, SCENARIO_REFUSED},
    {"changelog_expired", "its topic was not compacted but deleted by time", changelog_expired, 1, 1, 1,
     SCENARIO_REFUSED},
    {"another_model", "the generation was built with another", another_model, 1, 1, 1, SCENARIO_REFUSED},
    {"another_erasure_key", "erased leads would not be known again", another_erasure_key, 1, 1, 1, SCENARIO_REFUSED},
    {"changelog_and_store_deleted", "the group remembers it", changelog_deleted_store_too, 1, 1, 1, SCENARIO_REFUSED},
    {"store_ahead", "the changelog lost its last records", store_ahead, 1, 1, 1, SCENARIO_REFUSED},
    {.name = NULL}};
