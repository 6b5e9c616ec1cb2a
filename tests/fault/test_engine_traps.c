/* The traps of a log and its operators, one by one: what brokers lose, what comes in an unlucky order, what must be
 * noticed and refused. Each is here because a guard of the engine stands against it (tests/guards). */
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- helpers ---- */

static void turns(struct setting *s, int n) {
    struct err e;
    while (n-- > 0)
        ck_assert_msg(setting_turn(s, &e), "%s", e.words);
}

static void live(struct setting *s) {
    for (int n = 0; !engine_has(s->engine, 0) || !engine_has(s->engine, 1); n++) {
        ck_assert_int_lt(n, 400);
        turns(s, 1);
    }
}

/* The next start must refuse, and say so. */
static void refuses(struct setting *s, const char *words) {
    struct err e = {.code = ERR_NONE};
    for (int n = 0; setting_turn(s, &e); n++)
        ck_assert_msg(n < 400, "it was not refused");
    ck_assert_msg(e.code == ERR_REFUSED && strstr(e.words, words), "\"%s\" does not say \"%s\"", e.words, words);
    setting_fini(s);
}

/* A run that came to its end, and a process that died after it. */
static void run_and_die(struct setting *s, uint64_t seed, bool wipe) {
    setting_init(s, seed);
    setting_finish(s);
    setting_crash(s, wipe);
}

/* lead-0 and lead-2 are shard 0's. */
static void view(struct setting *s, const char *lead, int64_t time, const char *id) {
    world_event(s->world, 0, 0, time, lead, id, "web.page_viewed", "");
}

/* A setting with an empty world. */
static void empty_init(struct setting *s) {
    setting_init(s, 2);
    engine_free(&s->engine);
    world_free(&s->world);
    s->world = world_new(SETTING_TOPICS, SETTING_SHARDS);
    s->source = world_source(s->world);
    s->sink = world_sink(s->world);
    setting_start(s);
}

static void says(const struct setting *s, const char *words, bool so) {
    char *text = world_outputs(s->world);
    ck_assert_msg(!strstr(text, words) == !so, "%s\"%s\" in\n%s", so ? "no " : "", words, text);
    free(text);
}

/* ---- what belongs together ---- */

START_TEST(a_changelog_cut_short_is_refused) {
    struct setting s;
    run_and_die(&s, 8, false);
    world_cut_changelog(s.world, 0, 5);
    refuses(&s, "store is ahead");
}
END_TEST

START_TEST(a_changelog_of_another_birth_is_refused) {
    struct setting s;
    run_and_die(&s, 8, false);
    world_rebear_changelog(s.world, 1);
    refuses(&s, "built from another changelog");
}
END_TEST

START_TEST(a_changelog_that_expired_is_refused) {
    struct setting s;
    run_and_die(&s, 8, false);
    world_expire_changelog(s.world, 0);
    refuses(&s, "the changelog is empty but the store is not");
}
END_TEST

START_TEST(offsets_without_a_changelog_are_refused) {
    struct setting s;
    run_and_die(&s, 8, true);
    world_cut_changelog(s.world, 1, SIZE_MAX);
    refuses(&s, "has committed offsets but the changelog is empty");
}
END_TEST

START_TEST(another_erasure_key_is_refused) {
    struct setting s;
    setting_init(&s, 8);
    setting_finish(&s);
    s.erasure_key = 77;
    setting_crash(&s, false);
    refuses(&s, "erasure.key_file");
}
END_TEST

START_TEST(events_that_expired_unread_are_refused) {
    struct setting s;
    struct err e;
    setting_init(&s, 8);
    int64_t offsets[SETTING_TOPICS] = {0};
    for (int n = 0; offsets[1] <= 0; n++) {
        ck_assert_int_lt(n, 400);
        turns(&s, 1);
        ck_assert(s.source.committed(s.source.self, 0, offsets, &e));
    }
    setting_crash(&s, false);
    world_expire_input(s.world, 1, 0, (size_t)offsets[1] + 1);
    refuses(&s, "retention");
}
END_TEST

/* A process reads a part of the changelog into its old store and dies; then the changelog loses what it had read. */
START_TEST(a_store_says_how_far_it_has_read_before_it_has_all) {
    struct setting s;
    struct err e;
    empty_init(&s);
    view(&s, "lead-0", SETTING_START, "first");
    setting_finish(&s);
    struct plain_store *kept = s.disk; /* as a copy from then would be: the others' writes go to another disk */
    s.disk = plain_store_new(s.erasure);
    s.faulty.inner = plain_store_port(s.disk, 0);
    setting_crash(&s, false);
    view(&s, "lead-0", SETTING_START + WHEN_DAY, "second");
    setting_finish(&s);
    setting_crash(&s, false);
    plain_store_free(&s.disk);
    s.disk = kept;
    plain_store_crash(s.disk);
    s.faulty.inner = plain_store_port(s.disk, 0);
    faulty_store_fail(&s.faulty, 3, ERR_DISK, false); /* opened, written; then it dies */
    while (setting_turn(&s, &e))
        continue;
    ck_assert_int_eq(e.code, ERR_DISK);
    setting_crash(&s, false);
    world_cut_changelog(s.world, 0, 4);
    refuses(&s, "store is ahead");
}
END_TEST

/* ---- what must not come back, and what must not get lost ---- */

/* An erasure is known to the store alone; an event from before it comes late. */
START_TEST(an_erased_lead_stays_erased_after_a_crash) {
    struct setting s;
    empty_init(&s);
    view(&s, "lead-0", SETTING_START, "first");
    world_event(s.world, 0, 0, SETTING_START + WHEN_DAY, "lead-0", "gone", "privacy.erased", "");
    setting_finish(&s);
    setting_crash(&s, false);
    view(&s, "lead-0", SETTING_START + WHEN_HOUR, "late");
    setting_finish(&s);
    ck_assert_uint_eq(s.counts.committed.dropped, 1);
    says(&s, "cause=late", false);
    setting_fini(&s);
}
END_TEST

/* A store that was away for long: its lead was erased meanwhile, and the tombstone is compacted away. */
static void away(struct setting *s) {
    struct store_shard state;
    struct err e;
    empty_init(s);
    view(s, "lead-0", SETTING_START, "first");
    setting_finish(s);
    struct plain_store *kept = s->disk;
    s->disk = plain_store_new(s->erasure);
    s->faulty.inner = plain_store_port(s->disk, 0);
    setting_crash(s, false);
    world_event(s->world, 0, 0, SETTING_START + WHEN_DAY, "lead-0", "gone", "privacy.erased", "");
    setting_finish(s);
    world_compact_changelog(s->world, 0);
    setting_crash(s, false);
    plain_store_free(&s->disk);
    s->disk = kept;
    plain_store_crash(s->disk);
    s->faulty.inner = plain_store_port(s->disk, 0);
    s->wall += 2 * WHEN_DAY;
    s->stale_after = WHEN_DAY;
    engine_free(&s->engine);
    world_crash(s->world);
    setting_start(s);
    ck_assert_uint_eq(plain_store_count(s->disk, 0), 2); /* lead and shard record */
    ck_assert(s->store.open(s->store.self, 0, &state, &e) && state.written < s->wall - WHEN_DAY);
    s->store.close(s->store.self, 0);
}

START_TEST(a_store_that_missed_tombstones_is_rebuilt) {
    struct setting s;
    away(&s);
    setting_finish(&s);
    ck_assert_uint_eq(plain_store_count(s.disk, 0), 2); /* shard record and erasure */
    ck_assert(!world_lead(s.world, 0, "lead-0").at);
    setting_fini(&s);
}
END_TEST

/* The rebuilding fails, and the wall clock steps back before it is tried again. */
START_TEST(a_rebuild_is_not_forgotten_when_the_clock_steps_back) {
    struct setting s;
    away(&s);
    uint64_t begun = s.faulty.calls + 2, lost = s.told[ENGINE_RESYNC] + 1;
    while (s.faulty.calls < begun) /* opened, and a build begun */
        turns(&s, 1);
    world_fail(s.world, 2, ERR_ABORTED, false);
    for (int n = 0; s.told[ENGINE_RESYNC] < lost; n++) {
        ck_assert_int_lt(n, 200);
        turns(&s, 1);
    }
    s.wall -= 2 * WHEN_DAY;
    setting_finish(&s);
    ck_assert_uint_eq(plain_store_count(s.disk, 0), 2); /* shard record and erasure */
    setting_fini(&s);
}
END_TEST

/* One lead is written, a younger one is not, then the process dies: catch-up must begin before the younger's change. */
START_TEST(what_was_not_written_is_caught_up) {
    struct setting s;
    empty_init(&s);
    live(&s);
    view(&s, "lead-0", SETTING_START, "a");
    turns(&s, 5);
    view(&s, "lead-2", SETTING_START + 1, "b");
    while (engine_counts(s.engine)->written == 0)
        turns(&s, 1);
    ck_assert_uint_eq(engine_counts(s.engine)->written, 1);
    ck_assert_uint_eq(engine_counts(s.engine)->unwritten, 1);
    setting_crash(&s, false);
    view(&s, "lead-2", SETTING_START + 2, "c");
    setting_finish(&s);
    says(&s, "lead-2 kind=0 trigger=0 at=1780000000002 total=2400", true);
    setting_fini(&s);
}
END_TEST

/* A store with one lead and its timer, which comes back after others had the shard, and is live. */
static void comes_back(struct setting *s, void (*meanwhile)(struct setting *s)) {
    empty_init(s);
    view(s, "lead-0", s->wall - WHEN_DAY, "first");
    setting_finish(s);
    ck_assert_uint_eq(plain_store_timers(s->disk, 0), 1);
    struct plain_store *kept = s->disk;
    s->disk = plain_store_new(s->erasure);
    s->faulty.inner = plain_store_port(s->disk, 0);
    setting_crash(s, false);
    meanwhile(s);
    setting_crash(s, false);
    plain_store_free(&s->disk);
    s->disk = kept;
    plain_store_crash(s->disk);
    s->faulty.inner = plain_store_port(s->disk, 0);
    live(s);
}

static void four_changes(struct setting *s) {
    for (int i = 0; i < 4; i++) {
        char id[16];
        snprintf(id, sizeof id, "more%d", i);
        view(s, "lead-0", s->wall - (4 - i) * WHEN_HOUR, id);
        turns(s, 10);
    }
}

/* Its lead changed again and again: it keeps the timer that it had, until it is due, and gets one. */
START_TEST(catching_up_gives_one_timer_a_lead) {
    struct setting s;
    comes_back(&s, four_changes);
    ck_assert_uint_eq(plain_store_timers(s.disk, 0), 2);
    for (int hours = 0; plain_store_timers(s.disk, 0) == 2; hours++) {
        ck_assert_int_lt(hours, 400);
        s.wall += WHEN_HOUR;
        turns(&s, 20);
    }
    setting_fini(&s);
}
END_TEST

static void erasure(struct setting *s) {
    world_event(s->world, 0, 0, s->wall - WHEN_HOUR, "lead-0", "gone", "privacy.erased", "");
    turns(s, 40);
}

/* A timer has the id of its lead: it must not be there for weeks after an erasure. */
START_TEST(catching_up_with_an_erasure_takes_the_timer_too) {
    struct setting s;
    comes_back(&s, erasure);
    ck_assert_uint_eq(plain_store_timers(s.disk, 0), 0);
    ck_assert_uint_eq(plain_store_count(s.disk, 0), 2); /* the erasure and the shard record */
    setting_fini(&s);
}
END_TEST

/* ---- order and time ---- */

/* One topic is fetched later than the other: its events come first all the same where they are older. */
START_TEST(a_partition_without_a_head_is_waited_for) {
    char *expected = setting_undisturbed(12, NULL);
    struct setting s;
    setting_init(&s, 12);
    world_hide(s.world, 1, true);
    live(&s);
    turns(&s, 30);
    world_hide(s.world, 1, false);
    setting_finish(&s);
    setting_same(&s, expected, "hidden topic", 0);
    free(expected);
    setting_fini(&s);
}
END_TEST

/* The end is seen, and a moment later there is more: the wall's time must not have come in between. */
START_TEST(a_short_silence_is_no_end) {
    struct setting s;
    empty_init(&s);
    view(&s, "lead-0", SETTING_START, "a");
    for (int n = 0; !world_done(s.world); n++)
        turns(&s, 1);
    turns(&s, 10); /* 100 ms of the 200 that are silence */
    view(&s, "lead-0", SETTING_START + 1000, "b");
    setting_finish(&s);
    says(&s, "lead-0 kind=0 trigger=0 at=1780000001000 total=2400", true);
    setting_fini(&s);
}
END_TEST

static void note_clock(void *self, uint32_t shard, bool is_live, int64_t clock) {
    if (is_live)
        ((int64_t *)self)[shard] = clock;
}

/* The clock has come to the wall; late events, and a restart, do not turn it back. (That its records never fall is
 * asked by the world in every test.) */
START_TEST(the_clock_does_not_fall) {
    struct setting s;
    int64_t before[SETTING_SHARDS], after[SETTING_SHARDS];
    empty_init(&s);
    live(&s);
    turns(&s, 40);
    engine_shards(s.engine, note_clock, before);
    ck_assert_int_eq(before[0], s.wall - 5000);
    view(&s, "lead-0", SETTING_START, "late");
    turns(&s, 4);
    engine_shards(s.engine, note_clock, after);
    ck_assert_int_eq(after[0], before[0]);
    setting_crash(&s, false);
    live(&s);
    engine_shards(s.engine, note_clock, after);
    ck_assert_int_eq(after[0], before[0]);
    setting_fini(&s);
}
END_TEST

/* ---- one thing at a time ---- */

/* A shard waits for its changelog while the other becomes free: the sink reads one changelog at a time. */
START_TEST(one_changelog_is_read_at_a_time) {
    struct setting s;
    struct err e;
    struct store_shard state;
    run_and_die(&s, 23, true);
    struct store other = plain_store_port(s.disk, 1);
    ck_assert(other.open(other.self, 0, &state, &e));
    world_break(s.world, WORLD_LOG_READ, ERR_TIMEOUT);
    turns(&s, 40);
    other.close(other.self, 0);
    turns(&s, 40);
    world_break(s.world, WORLD_NONE, ERR_NONE);
    live(&s);
    setting_fini(&s);
}
END_TEST

/* The commit of a worker that is gone is still on its way when the shard's new owner (with another transactional id)
 * comes: what the committed offsets count must be below the changelog's end that it reads up to. */
START_TEST(the_end_of_the_changelog_is_asked_for_last) {
    struct setting s;
    char *expected = setting_undisturbed(4, NULL);
    setting_init(&s, 4);
    live(&s);
    turns(&s, 3);
    world_commit_late(s.world);
    while (!s.told[ENGINE_RESYNC])
        turns(&s, 1);
    setting_crash(&s, false);
    setting_finish(&s);
    setting_same(&s, expected, "late commit", 0);
    setting_fini(&s);
    free(expected);
}
END_TEST

/* An array of which a turn takes only a part: nothing is committed before its last entry, nor when the shards go. */
START_TEST(long_arrays_are_committed_whole) {
    for (int rebalance = 0; rebalance < 2; rebalance++) {
        struct setting s;
        empty_init(&s);
        live(&s);
        world_array(s.world, 0, 0, SETTING_START, "long", "web.page_viewed", 100);
        world_cramp(s.world);
        turns(&s, 2);
        const struct engine_counts *counts = engine_counts(s.engine);
        ck_assert_uint_gt(counts->cache_hits + counts->cache_misses, 0);
        ck_assert_uint_lt(counts->cache_hits + counts->cache_misses, 100);
        if (rebalance)
            world_rebalance(s.world, false);
        setting_finish(&s);
        char *text = world_outputs(s.world);
        size_t n = 0;
        for (const char *at = text; (at = strstr(at, "trigger=0")); at++)
            n++;
        ck_assert_uint_eq(n, 100);
        free(text);
        setting_fini(&s);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_changelog_cut_short_is_refused);
    tcase_add_test(all, a_changelog_of_another_birth_is_refused);
    tcase_add_test(all, a_changelog_that_expired_is_refused);
    tcase_add_test(all, offsets_without_a_changelog_are_refused);
    tcase_add_test(all, another_erasure_key_is_refused);
    tcase_add_test(all, events_that_expired_unread_are_refused);
    tcase_add_test(all, a_store_says_how_far_it_has_read_before_it_has_all);
    tcase_add_test(all, an_erased_lead_stays_erased_after_a_crash);
    tcase_add_test(all, a_store_that_missed_tombstones_is_rebuilt);
    tcase_add_test(all, a_rebuild_is_not_forgotten_when_the_clock_steps_back);
    tcase_add_test(all, what_was_not_written_is_caught_up);
    tcase_add_test(all, catching_up_gives_one_timer_a_lead);
    tcase_add_test(all, catching_up_with_an_erasure_takes_the_timer_too);
    tcase_add_test(all, a_partition_without_a_head_is_waited_for);
    tcase_add_test(all, a_short_silence_is_no_end);
    tcase_add_test(all, the_clock_does_not_fall);
    tcase_add_test(all, one_changelog_is_read_at_a_time);
    tcase_add_test(all, the_end_of_the_changelog_is_asked_for_last);
    tcase_add_test(all, long_arrays_are_committed_whole);
}

SUITE_MAIN("engine, the traps of a log", add)
