/* When a batch ends: at its time, by what a commit takes sooner where nothing else is to be done, and never twice. */
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdio.h>

enum { MAX_TIME = 20 /* of a setting's engine */ };

static int64_t takes;

static int64_t commit_takes(void *self) {
    (void)self;
    return takes;
}

static void turn(struct setting *s) {
    struct err e;
    bool worked;
    s->mono++;
    ck_assert_msg(engine_step(s->engine, s->mono, SETTING_START + 60 * WHEN_DAY, 0, &worked, &e), "%s", e.words);
}

/* One more event, ms after the last of those that a setting has. */
static void add_event(struct setting *s, int ms) {
    char id[24];
    snprintf(id, sizeof id, "late-%d", ms);
    world_event(s->world, 0, 0, SETTING_START + 30 * WHEN_DAY + ms, "lead-0", id, "web.page_viewed", "");
}

/* ms from the turn that took an event to the end of the one that committed it; events that keep coming: one a turn. */
static int64_t batch_takes(bool known, int64_t ms, bool events_keep_coming) {
    struct setting s;
    takes = ms;
    setting_init(&s, 60);
    s.sink.commit_takes = known ? commit_takes : NULL;
    engine_free(&s.engine);
    s.max_events = 1000;
    setting_start(&s);
    for (int quiet = 0; quiet < 100; quiet = world_done(s.world) ? quiet + 1 : 0)
        turn(&s);
    uint64_t batches = engine_counts(s.engine)->committed.batches;
    add_event(&s, 0);
    turn(&s);
    int64_t begun = s.mono;
    for (int i = 1; engine_counts(s.engine)->committed.batches == batches && i < 100; i++) {
        if (events_keep_coming)
            add_event(&s, i);
        turn(&s);
    }
    int64_t took = s.mono - begun;
    ck_assert_uint_eq(engine_counts(s.engine)->committed.batches, batches + 1);
    setting_fini(&s);
    return took;
}

START_TEST(a_batch_lasts_its_time) {
    ck_assert_int_eq(batch_takes(false, 0, false), MAX_TIME);
    ck_assert_int_eq(batch_takes(false, 0, true), MAX_TIME);
}
END_TEST

START_TEST(a_commit_begins_sooner_by_what_it_takes) {
    ck_assert_int_eq(batch_takes(true, 0, false), MAX_TIME);
    ck_assert_int_eq(batch_takes(true, 7, false), MAX_TIME - 7);
}
END_TEST

START_TEST(slow_commits_do_not_become_many) {
    ck_assert_int_eq(batch_takes(true, 11, false), MAX_TIME / 2);
    ck_assert_int_eq(batch_takes(true, 5000, false), MAX_TIME / 2);
}
END_TEST

START_TEST(under_load_a_batch_is_as_long_as_it_may_be) {
    ck_assert_int_eq(batch_takes(true, 7, true), MAX_TIME);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_batch_lasts_its_time);
    tcase_add_test(all, a_commit_begins_sooner_by_what_it_takes);
    tcase_add_test(all, slow_commits_do_not_become_many);
    tcase_add_test(all, under_load_a_batch_is_as_long_as_it_may_be);
}

SUITE_MAIN("engine_times", add)
