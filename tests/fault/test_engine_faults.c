/* What the first faults do not reach: the store failing, arrays cut by the source's room, a cache for a handful of
 * leads, stale timers, shards that another worker still holds, failures that do not pass. */
#include "engine/changelog.h"
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/lead_bytes.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

#define WALL (SETTING_START + 60 * WHEN_DAY)
enum { SMALL_CACHE = 9000 /* its table takes 8192 */ };

/* A setting whose leads are nearly always evicted, so that the store is asked all the time. */
static void small_init(struct setting *s, uint64_t seed) {
    setting_init(s, seed);
    engine_free(&s->engine);
    s->cache_bytes = SMALL_CACHE;
    setting_start(s);
}

/* A run over a disk that is lost on the way, so that shards are built anew too. */
static void run_and_rebuild(struct setting *s, bool fatal) {
    struct err e;
    bool good = true;
    for (int turns = 0; turns < 60 && good; turns++)
        good = setting_turn(s, &e);
    if (!good)
        ck_assert_msg(fatal, "%s", e.words);
    struct faulty_store fault = s->faulty;
    setting_crash(s, true);
    if (good && fault.fail_at > fault.calls)
        faulty_store_fail(&s->faulty, fault.fail_at - fault.calls, fault.code, fault.after);
    for (int turns = 0; turns < 300; turns++) {
        if (setting_turn(s, &e))
            continue;
        ck_assert_msg(fatal, "%s", e.words);
        setting_crash(s, false);
        break;
    }
    setting_finish(s);
}

static uint64_t store_calls(uint64_t seed) {
    struct setting s;
    small_init(&s, seed);
    run_and_rebuild(&s, false);
    uint64_t calls = s.faulty.calls;
    setting_fini(&s);
    return calls;
}

START_TEST(any_store_call_may_fail) {
    static const struct {
        enum err_code code;
        bool after;
    } ways[] = {{ERR_FULL, false}, {ERR_FULL, true}, {ERR_DISK, false}, {ERR_DISK, true}};
    char *expected = setting_undisturbed(20, NULL);
    uint64_t calls = store_calls(20);
    ck_assert_uint_gt(calls, 60);
    for (uint64_t n = 1 + (uint64_t)_i; n <= calls; n += 4) {
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            struct setting s;
            small_init(&s, 20);
            faulty_store_fail(&s.faulty, n, ways[w].code, ways[w].after);
            run_and_rebuild(&s, ways[w].code == ERR_DISK);
            setting_same(&s, expected, err_name(ways[w].code), n);
            setting_fini(&s);
        }
    }
    free(expected);
}
END_TEST

/* A build that could not be ended, and then a lost batch: it must be begun again, not taken for done. */
START_TEST(a_build_that_was_not_ended_is_begun_again) {
    char *expected = setting_undisturbed(21, NULL);
    uint64_t calls = store_calls(21);
    for (uint64_t n = 1 + (uint64_t)_i; n <= calls; n += 4) {
        struct setting s;
        struct err e;
        small_init(&s, 21);
        for (int turns = 0; turns < 60; turns++)
            ck_assert(setting_turn(&s, &e));
        setting_crash(&s, true);
        faulty_store_fail(&s.faulty, n, ERR_FULL, false);
        uint64_t fail_at = s.faulty.fail_at;
        for (int turns = 0; turns < 300 && s.faulty.calls < fail_at; turns++)
            ck_assert(setting_turn(&s, &e));
        world_fail(s.world, 2, ERR_ABORTED, false);
        setting_finish(&s);
        setting_same(&s, expected, "store, then world", n);
        setting_fini(&s);
    }
    free(expected);
}
END_TEST

/* Arrays in a run of events. */
static void fill_arrays(struct world *world) {
    for (int i = 0; i < 12; i++) {
        char id[16];
        snprintf(id, sizeof id, "array%d", i);
        world_array(world, (uint16_t)(i % SETTING_TOPICS), (uint32_t)(i / 2 % SETTING_SHARDS),
                    SETTING_START + 50 * WHEN_DAY + i * 1000, id, "web.page_viewed", (uint32_t)(1 + i % 3));
    }
}

static char *arrays_undisturbed(uint64_t *calls) {
    struct setting s;
    setting_init(&s, 22);
    fill_arrays(s.world);
    setting_finish(&s);
    char *text = world_outputs(s.world);
    *calls = world_calls(s.world);
    setting_fini(&s);
    return text;
}

START_TEST(arrays_may_be_cut_by_the_sources_room) {
    uint64_t calls;
    char *expected = arrays_undisturbed(&calls);
    for (size_t max = 1; max < 20; max += 4) {
        struct setting s;
        setting_init(&s, 22);
        engine_free(&s.engine);
        s.max_events = max;
        setting_start(&s);
        fill_arrays(s.world);
        world_cramp(s.world);
        setting_finish(&s);
        setting_same(&s, expected, "batch size", max);
        setting_fini(&s);
    }
    for (uint64_t n = calls / 2 + (uint64_t)_i; n <= calls; n += 4) {
        struct setting s;
        setting_init(&s, 22);
        fill_arrays(s.world);
        world_cramp(s.world);
        world_fail(s.world, n, n % 2 ? ERR_TIMEOUT : ERR_FENCED, false);
        setting_finish(&s);
        setting_same(&s, expected, "arrays", n);
        setting_fini(&s);
    }
    free(expected);
}
END_TEST

/* Crash after crash, the disk kept or wiped as a die says, with hardly any cache. */
START_TEST(many_generations_of_crashes) {
    for (uint64_t seed = 30; seed < 40; seed++) {
        char *expected = setting_undisturbed(seed, NULL);
        uint64_t die = seed * 7919 + (uint64_t)_i;
        struct setting s;
        small_init(&s, seed);
        for (int life = 0; life < 25; life++) {
            struct err e;
            world_fail(s.world, 1 + suite_below(&die, 120), ERR_DISK, suite_below(&die, 2));
            if (!suite_below(&die, 3))
                faulty_store_fail(&s.faulty, 1 + suite_below(&die, 40), ERR_DISK, suite_below(&die, 2));
            for (int turns = 0; turns < 200 && setting_turn(&s, &e); turns++)
                continue;
            setting_crash(&s, !suite_below(&die, 4));
        }
        setting_finish(&s);
        setting_same(&s, expected, "generations, seed", seed);
        setting_fini(&s);
        free(expected);
    }
}
END_TEST

/* A build leaves timers of values that later ones replaced; one that comes up while its lead has a later one is gone
 * with the next write, and does not come up for ever. */
START_TEST(stale_timers_go) {
    struct setting s;
    struct err e;
    struct store_shard state;
    struct store_due due;
    uint8_t buffer[CHANGELOG_MAX_KEY];
    struct bytes key = changelog_lead_key(bytes_of("lead-0"), buffer), value;
    size_t n;
    setting_init(&s, 40);
    world_event(s.world, 0, 0, WALL - WHEN_HOUR, "lead-0", "newest", "web.page_viewed", "");
    setting_finish(&s);
    ck_assert(s.store.open(s.store.self, 0, &state, &e) && s.store.load(s.store.self, 0, &key, 1, &value, &e));
    struct store_put put = {key, value, SETTING_START, LEAD_NO_DUE};
    ck_assert(value.at && lead_bytes_due(value, &due.due) && due.due > WALL);
    ck_assert(s.store.write(s.store.self, 0, &put, 1, &state, &e));
    s.store.close(s.store.self, 0);
    setting_crash(&s, false);
    setting_finish(&s);
    ck_assert(s.store.open(s.store.self, 0, &state, &e));
    ck_assert(s.store.due(s.store.self, 0, WALL, &due, 1, &n, &e));
    ck_assert_msg(n == 0, "a timer due at %lld is left", (long long)(n ? due.due : 0));
    ck_assert(s.store.due(s.store.self, 0, INT64_MAX, &due, 1, &n, &e));
    ck_assert_msg(n == 1, "the lead's own timer is gone");
    s.store.close(s.store.self, 0);
    setting_fini(&s);
}
END_TEST

START_TEST(a_shard_that_another_worker_holds_disturbs_nobody) {
    struct setting s;
    struct err e;
    struct store_shard state;
    char *expected = setting_undisturbed(23, NULL);
    setting_init(&s, 23);
    struct store other = plain_store_port(s.disk, 1);
    ck_assert(other.open(other.self, 1, &state, &e));
    engine_free(&s.engine);
    s.max_events = 7;
    setting_start(&s);
    for (int turns = 0; turns < 400; turns++)
        ck_assert_msg(setting_turn(&s, &e), "%s", e.words);
    ck_assert(engine_has(s.engine, 0) && !engine_has(s.engine, 1));
    ck_assert_uint_eq(engine_counts(s.engine)->resyncs, 1); /* shard 0 once: no batch was lost */
    other.close(other.self, 1);
    setting_finish(&s);
    setting_same(&s, expected, "held", 0);
    setting_fini(&s);
    free(expected);
}
END_TEST

START_TEST(a_question_that_fails_changes_nothing) {
    struct setting s;
    struct err e;
    char *expected = setting_undisturbed(24, NULL);
    setting_init(&s, 24);
    for (int turns = 0; turns < 40; turns++)
        ck_assert(setting_turn(&s, &e));
    setting_crash(&s, false);
    while (!engine_has(s.engine, 0) || !engine_has(s.engine, 1))
        ck_assert(setting_turn(&s, &e));
    struct arena *arena = arena_new(1 << 20);
    for (int l = 0; l < SETTING_LEADS; l++) {
        char lead[16];
        struct bytes value;
        snprintf(lead, sizeof lead, "lead-%d", l);
        faulty_store_fail(&s.faulty, 1, ERR_FULL, false);
        bool known = engine_peek(s.engine, (uint32_t)l % SETTING_SHARDS, bytes_of(lead), arena, &value, &e);
        ck_assert(known == (s.faulty.calls < s.faulty.fail_at)); /* it is in memory, or the store was asked */
    }
    faulty_store_fail(&s.faulty, 0, ERR_NONE, false);
    arena_free(&arena);
    setting_finish(&s);
    setting_same(&s, expected, "question", 0);
    setting_fini(&s);
    free(expected);
}
END_TEST

/* What does not pass ends the process, with its reason. */
START_TEST(failures_that_stay_end_the_process) {
    static const struct {
        enum world_call call;
        enum err_code code;
    } ways[] = {
        {WORLD_POLL, ERR_FENCED}, {WORLD_POLL, ERR_BROKER}, {WORLD_COMMIT, ERR_ABORTED}, {WORLD_COMMIT, ERR_FENCED}};
    struct setting s;
    struct err e = {.code = ERR_NONE};
    setting_init(&s, 25);
    for (int turns = 0; turns < 20; turns++)
        ck_assert(setting_turn(&s, &e));
    world_break(s.world, ways[_i].call, ways[_i].code);
    int turns = 0;
    while (setting_turn(&s, &e))
        ck_assert_int_lt(turns++, 10000);
    ck_assert_int_eq(e.code, ways[_i].code);
    setting_fini(&s);
}
END_TEST

static void turns_for(struct setting *s, int64_t ms) {
    struct err e;
    for (int64_t end = s->mono + ms; s->mono < end;)
        ck_assert_msg(setting_turn(s, &e), "%s: %s", err_name(e.code), e.words);
}

/* A right that is taken away while all goes well is waited for, and nothing is lost by it; */
START_TEST(a_right_may_come_back) {
    static const enum world_call calls[] = {WORLD_POLL, WORLD_COMMIT};
    char *expected = setting_undisturbed(26, NULL);
    struct setting s;
    setting_init(&s, 26);
    turns_for(&s, 100);
    for (int i = 0; i < 3; i++) { /* each time anew */
        world_break(s.world, calls[_i], ERR_AUTH);
        turns_for(&s, 45000);
        world_break(s.world, WORLD_NONE, ERR_NONE);
        turns_for(&s, 21000);
    }
    setting_finish(&s);
    setting_same(&s, expected, "rights away", (uint64_t)_i);
    setting_fini(&s);
    free(expected);
}
END_TEST

/* but not for ever, */
START_TEST(a_right_that_stays_away_ends_the_process) {
    static const enum world_call calls[] = {WORLD_POLL, WORLD_COMMIT};
    struct setting s;
    struct err e = {.code = ERR_NONE};
    setting_init(&s, 27);
    turns_for(&s, 100);
    world_break(s.world, calls[_i], ERR_AUTH);
    int64_t began = s.mono;
    while (setting_turn(&s, &e))
        ck_assert_int_lt(s.mono - began, 100000);
    ck_assert_int_eq(e.code, ERR_AUTH);
    ck_assert_int_ge(s.mono - began, 59000);
    setting_fini(&s);
}
END_TEST

/* and not where it never was. */
START_TEST(without_rights_it_does_not_start) {
    struct setting s;
    struct err e = {.code = ERR_NONE};
    setting_init(&s, 28);
    world_break(s.world, WORLD_POLL, ERR_AUTH);
    ck_assert(!setting_turn(&s, &e));
    ck_assert_int_eq(e.code, ERR_AUTH);
    setting_fini(&s);
}
END_TEST

/* Brokers that are slow, or too few, are waited for as long as it takes. */
START_TEST(a_slow_world_is_waited_for) {
    static const enum err_code codes[] = {ERR_STALLED, ERR_UNKNOWN_OUTCOME, ERR_TIMEOUT};
    char *expected = setting_undisturbed(29, NULL);
    struct setting s;
    setting_init(&s, 29);
    turns_for(&s, 100);
    world_break(s.world, WORLD_COMMIT, codes[_i]);
    turns_for(&s, 600000);
    world_break(s.world, WORLD_NONE, ERR_NONE);
    setting_finish(&s);
    setting_same(&s, expected, err_name(codes[_i]), 0);
    setting_fini(&s);
    free(expected);
}
END_TEST

static void add(TCase *all) {
    tcase_add_loop_test(all, a_right_may_come_back, 0, 2);
    tcase_add_loop_test(all, a_right_that_stays_away_ends_the_process, 0, 2);
    tcase_add_test(all, without_rights_it_does_not_start);
    tcase_add_loop_test(all, a_slow_world_is_waited_for, 0, 3);
    tcase_add_loop_test(all, any_store_call_may_fail, 0, 4);
    tcase_add_loop_test(all, a_build_that_was_not_ended_is_begun_again, 0, 4);
    tcase_add_loop_test(all, arrays_may_be_cut_by_the_sources_room, 0, 4);
    tcase_add_loop_test(all, many_generations_of_crashes, 0, 4);
    tcase_add_test(all, stale_timers_go);
    tcase_add_test(all, a_shard_that_another_worker_holds_disturbs_nobody);
    tcase_add_test(all, a_question_that_fails_changes_nothing);
    tcase_add_loop_test(all, failures_that_stay_end_the_process, 0, 4);
}

SUITE_MAIN("engine, what fails besides", add)
