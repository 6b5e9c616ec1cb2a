/* The counters say what was committed: whichever call fails, events, records and dead letters are counted once, as in
 * a run that nothing disturbed, and no counter ever falls. Among the events is one whose record the topics do not take,
 * so that there are batches that are lost by themselves. */
#include "support/setting.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEED = 50 };
static const char refused[] = "e6";

/* What does not depend on where batches end. */
static void once(struct engine_tally *tally) {
    tally->timers = tally->changelog_records = tally->batches = 0;
}

static void grows(const struct engine_tally *before, const struct engine_tally *after) {
    const uint64_t *from = (const uint64_t *)before, *to = (const uint64_t *)after;
    for (size_t i = 0; i < sizeof *before / sizeof *from; i++)
        if (to[i] < from[i]) /* each assertion is a message to another process */
            ck_abort_msg("count %zu fell", i);
}

/* Turns to the end; for a while a rebalance every so many turns, 0: none. */
static struct engine_tally run(struct setting *s, int every) {
    struct engine_tally seen = {0};
    struct err e;
    for (int turns = 1, quiet = 0; !quiet; turns++) {
        if (every && turns % every == 0 && turns < 200)
            world_rebalance(s->world, turns / every % 2);
        if (!setting_turn(s, &e))
            ck_abort_msg("%s: %s", e.where, e.words);
        const struct engine_tally *now = &engine_counts(s->engine)->committed;
        grows(&seen, now);
        seen = *now;
        quiet = world_done(s->world);
    }
    setting_finish(s);
    grows(&seen, &s->counts.committed);
    once(&s->counts.committed);
    return s->counts.committed;
}

static size_t lines_with(const struct setting *s, const char *word) {
    char *text = world_outputs(s->world);
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        n++;
    free(text);
    return n;
}

static void start(struct setting *s) {
    setting_init(s, SEED);
    world_refuse(s->world, refused);
}

static struct engine_tally undisturbed(uint64_t *calls) {
    struct setting s;
    start(&s);
    struct engine_tally all = run(&s, 0);
    *calls = world_calls(s.world);
    setting_fini(&s);
    return all;
}

static void same(const struct setting *s, const struct engine_tally *all, const char *how, uint64_t n) {
    const struct engine_tally *got = &s->counts.committed;
    ck_assert_msg(!memcmp(got, all, sizeof *got),
                  "%s at %llu: %llu events, %llu changes, %llu ready, %llu letters; not %llu, %llu, %llu, %llu", how,
                  (unsigned long long)n, (unsigned long long)got->events, (unsigned long long)got->changes,
                  (unsigned long long)got->ready, (unsigned long long)got->rejects, (unsigned long long)all->events,
                  (unsigned long long)all->changes, (unsigned long long)all->ready, (unsigned long long)all->rejects);
}

START_TEST(the_counts_are_what_is_on_the_topics) {
    struct setting s;
    start(&s);
    struct engine_tally all = run(&s, 0);
    ck_assert_uint_ge(s.told[ENGINE_RESYNC], 1); /* batches were lost */
    ck_assert_uint_eq(all.changes, lines_with(&s, "kind=0 "));
    ck_assert_uint_eq(all.ready, lines_with(&s, "kind=1 "));
    ck_assert_uint_eq(all.rejects, lines_with(&s, " dead letter "));
    ck_assert_uint_eq(all.rejected[ERR_OUTPUT_TOO_LARGE], lines_with(&s, " output-too-large"));
    ck_assert(all.changes && all.ready && all.duplicates && all.erased && all.rejected[ERR_OUTPUT_TOO_LARGE]);
    ck_assert_uint_gt(all.rejects, all.rejected[ERR_OUTPUT_TOO_LARGE]);
    setting_fini(&s);
}
END_TEST

/* Each call in one way. */
START_TEST(any_call_may_fail_and_all_is_counted_once) {
    static const struct {
        enum err_code code;
        bool after;
    } ways[] = {{ERR_TIMEOUT, false},
                {ERR_ABORTED, false},
                {ERR_FENCED, false},
                {ERR_UNKNOWN_OUTCOME, false},
                {ERR_UNKNOWN_OUTCOME, true}};
    uint64_t calls;
    struct engine_tally all = undisturbed(&calls);
    for (uint64_t n = 1 + 5 * (uint64_t)_i; n <= calls; n += 20) {
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            struct setting s;
            start(&s);
            world_fail(s.world, n + w, ways[w].code, ways[w].after);
            run(&s, 0);
            same(&s, &all, err_name(ways[w].code), n + w);
            setting_fini(&s);
        }
    }
}
END_TEST

/* Every commit of these turns is lost, whether it was made or not. */
START_TEST(many_commits_of_unknown_outcome_are_counted_once) {
    uint64_t calls, die = 17 + (uint64_t)_i;
    struct engine_tally all = undisturbed(&calls);
    for (int round = 0; round < 10; round++) {
        struct setting s;
        struct err e;
        start(&s);
        for (int turns = 0; turns < 200; turns++) {
            world_fail(s.world, 1 + suite_below(&die, 60), ERR_UNKNOWN_OUTCOME, suite_below(&die, 2));
            ck_assert_msg(setting_turn(&s, &e), "%s", e.words);
        }
        world_fail(s.world, 0, ERR_NONE, false);
        run(&s, 0);
        same(&s, &all, "round", (uint64_t)round);
        setting_fini(&s);
    }
}
END_TEST

START_TEST(shards_come_and_go_and_all_is_counted_once) {
    uint64_t calls;
    struct engine_tally all = undisturbed(&calls);
    for (int every = 3; every < 30; every += 3) {
        struct setting s;
        start(&s);
        run(&s, every);
        same(&s, &all, "every", (uint64_t)every);
        setting_fini(&s);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, the_counts_are_what_is_on_the_topics);
    tcase_add_loop_test(all, any_call_may_fail_and_all_is_counted_once, 0, 4);
    tcase_add_loop_test(all, many_commits_of_unknown_outcome_are_counted_once, 0, 2);
    tcase_add_test(all, shards_come_and_go_and_all_is_counted_once);
}

SUITE_MAIN("engine, what is counted", add)
