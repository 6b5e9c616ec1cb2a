/* A shard that is revoked: committed while the group waits, written only afterwards. */
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdlib.h>

static struct {
    struct setting s;
    const struct source_listener *engine; /* what the engine gave to this poll */
    struct source source;
    struct store store;
    unsigned revokes, writes, writes_within;
    uint64_t batches_within;
} t;

static bool count_write(void *self, uint32_t shard, const struct store_put *puts, size_t n,
                        const struct store_shard *state, struct err *e) {
    t.writes++;
    return t.store.write(self, shard, puts, n, state, e);
}

static void pass_assigned(void *self, const uint32_t *shards, size_t n) {
    (void)self;
    t.engine->assigned(t.engine->self, shards, n);
}

static void watch_revoked(void *self, const uint32_t *shards, size_t n, bool lost) {
    (void)self;
    unsigned writes = t.writes;
    uint64_t batches = engine_counts(t.s.engine)->committed.batches;
    t.engine->revoked(t.engine->self, shards, n, lost);
    t.revokes++;
    t.writes_within += t.writes - writes;
    t.batches_within += engine_counts(t.s.engine)->committed.batches - batches;
}

static bool watch_poll(void *self, const struct source_listener *listener, int wait, struct err *e) {
    const struct source_listener watch = {NULL, pass_assigned, watch_revoked};
    t.engine = listener;
    return t.source.poll(self, &watch, wait, e);
}

static void start(void) {
    setting_init(&t.s, 70);
    t.revokes = t.writes = t.writes_within = 0;
    t.batches_within = 0;
    t.source = t.s.source;
    t.store = t.s.store;
    t.s.source.poll = watch_poll;
    t.s.store.write = count_write;
    engine_free(&t.s.engine);
    setting_start(&t.s);
}

/* Turns until something is committed that is not written, and a batch is open; then the shards are taken away. */
static void revoke(bool lost) {
    struct err e;
    const struct engine_counts *counts = engine_counts(t.s.engine);
    for (int turns = 0; counts->committed.batches < 4 || !counts->unwritten; turns++) {
        ck_assert_msg(turns < 1000, "nothing is left unwritten");
        ck_assert_msg(setting_turn(&t.s, &e), "%s", e.words);
        counts = engine_counts(t.s.engine);
    }
    ck_assert_uint_gt(counts->unwritten, 0);
    unsigned writes = t.writes;
    world_rebalance(t.s.world, lost);
    ck_assert_msg(setting_turn(&t.s, &e), "%s", e.words);
    ck_assert_uint_eq(t.revokes, 1);
    ck_assert_uint_eq(t.writes_within, 0);
    ck_assert(lost ? t.writes == writes : t.writes > writes);
    ck_assert_uint_eq(engine_counts(t.s.engine)->unwritten, 0);
}

START_TEST(what_is_revoked_is_written_after_the_group_has_its_answer) {
    char *expected = setting_undisturbed(70, NULL);
    start();
    revoke(false);
    uint64_t restored = engine_counts(t.s.engine)->restored;
    setting_finish(&t.s);
    ck_assert_uint_eq(engine_counts(t.s.engine)->restored, restored); /* the store had all: nothing was to be read back */
    setting_same(&t.s, expected, "revoked", 0);
    setting_fini(&t.s);
    free(expected);
}
END_TEST

START_TEST(what_is_lost_is_not_written) {
    char *expected = setting_undisturbed(70, NULL);
    start();
    revoke(true);
    setting_finish(&t.s);
    setting_same(&t.s, expected, "lost", 0);
    setting_fini(&t.s);
    free(expected);
}
END_TEST

START_TEST(a_write_that_fails_after_a_revoke_loses_nothing) {
    char *expected = setting_undisturbed(70, NULL);
    struct err e;
    start();
    for (int turns = 0; engine_counts(t.s.engine)->committed.batches < 4 || !engine_counts(t.s.engine)->unwritten; turns++)
        ck_assert(turns < 1000 && setting_turn(&t.s, &e));
    world_rebalance(t.s.world, false);
    faulty_store_fail(&t.s.faulty, 1, ERR_FULL, false);
    setting_turn(&t.s, &e);
    setting_finish(&t.s);
    setting_same(&t.s, expected, "unwritten", 0);
    setting_fini(&t.s);
    free(expected);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, what_is_revoked_is_written_after_the_group_has_its_answer);
    tcase_add_test(all, what_is_lost_is_not_written);
    tcase_add_test(all, a_write_that_fails_after_a_revoke_loses_nothing);
}

SUITE_MAIN("engine_leaving", add)
