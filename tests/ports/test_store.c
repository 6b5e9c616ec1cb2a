/* What every store must do: one suite, run against the store in memory and the one on disk. */
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define NONE LEAD_NO_DUE

/* Each test runs once for each kind: Check's loop index. */
#define FOR_EACH(name)                                                                                                 \
    static void check_##name(struct fixture *f);                                                                       \
    START_TEST(name) {                                                                                                 \
        struct fixture f;                                                                                              \
        fixture_init(&f, (enum fixture_kind)_i);                                                                       \
        check_##name(&f);                                                                                              \
        fixture_fini(&f);                                                                                              \
    }                                                                                                                  \
    END_TEST                                                                                                           \
    static void check_##name(struct fixture *f)

FOR_EACH(a_shard_never_seen_is_not_known) {
    struct store_shard state = fixture_take(&f->a, 3);
    ck_assert(!state.known && !state.erasures);
    ck_assert(state.birth_offset == ENGINE_NO_OFFSET);
    fixture_expect(&f->a, 3, "Lx", NULL);
    fixture_expect_due(&f->a, 3, INT64_MAX - 1, "");
    f->a.close(f->a.self, 3);
}

FOR_EACH(what_was_written_is_read) {
    fixture_take(&f->a, 0);
    struct store_put puts[] = {fixture_put("Lb", "two", NONE, NONE), fixture_put("La", "one", NONE, NONE),
                               fixture_put("Eabcdefghijklmnop", "12345678", NONE, NONE),
                               fixture_put("Lempty", "", NONE, NONE)};
    fixture_write(&f->a, 0, puts, 4, 10);
    struct bytes keys[] = {bytes_of("Lempty"), bytes_of("La"), bytes_of("Lnone"), bytes_of("Eabcdefghijklmnop"),
                           bytes_of("Lb"),     bytes_of("La")};
    struct bytes values[6];
    ck_assert(f->a.load(f->a.self, 0, keys, 6, values, NULL));
    ck_assert(values[0].at != NULL && values[0].n == 0);
    ck_assert_bytes_eq(values[1], "one");
    ck_assert_ptr_null(values[2].at);
    ck_assert_bytes_eq(values[3], "12345678");
    ck_assert_bytes_eq(values[4], "two");
    ck_assert_bytes_eq(values[5], "one");
    f->a.close(f->a.self, 0);
}

FOR_EACH(deletes_and_overwrites) {
    fixture_take(&f->a, 0);
    struct store_put puts[] = {fixture_put("La", "one", NONE, NONE), fixture_put("Lb", "two", NONE, NONE)};
    fixture_write(&f->a, 0, puts, 2, 10);
    struct store_put more[] = {fixture_put("La", NULL, NONE, NONE), fixture_put("Lb", "deux", NONE, NONE)};
    fixture_write(&f->a, 0, more, 2, 11);
    fixture_expect(&f->a, 0, "La", NULL);
    fixture_expect(&f->a, 0, "Lb", "deux");
    struct store_put twice[] = {fixture_put("Lb", "un", NONE, NONE), fixture_put("La", "a", NONE, NONE),
                                fixture_put("Lb", "last", NONE, NONE)};
    fixture_write(&f->a, 0, twice, 3, 12);
    fixture_expect(&f->a, 0, "Lb", "last");
    f->a.close(f->a.self, 0);
}

FOR_EACH(shards_do_not_see_each_other) {
    fixture_take(&f->a, 0);
    fixture_take(&f->b, 1);
    struct store_put put = fixture_put("La", "of 0", 5, NONE);
    fixture_write(&f->a, 0, &put, 1, 1);
    fixture_expect(&f->b, 1, "La", NULL);
    fixture_expect_due(&f->b, 1, 100, "");
    fixture_expect_due(&f->a, 0, 100, "5 La");
    f->a.close(f->a.self, 0);
    f->b.close(f->b.self, 1);
}

FOR_EACH(one_owner_at_a_time) {
    struct store_shard state;
    struct err e;
    fixture_take(&f->a, 2);
    ck_assert(!f->b.open(f->b.self, 2, &state, &e));
    ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
    ck_assert_int_eq(err_class(e.code), ERR_CLASS_RETRY);
    f->a.close(f->a.self, 2);
    fixture_take(&f->b, 2);
    f->b.close(f->b.self, 2);
}

FOR_EACH(the_state_is_kept) {
    fixture_take(&f->a, 1);
    struct store_shard state = {.known = true,
                                .birth = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6},
                                .birth_offset = 4,
                                .from = INT64_C(1) << 40,
                                .upto = INT64_MAX,
                                .written = -1,
                                .erasures = true};
    ck_assert(f->a.write(f->a.self, 1, NULL, 0, &state, NULL));
    f->a.close(f->a.self, 1);
    fixture_reopen(f);
    struct store_shard read = fixture_take(&f->b, 1);
    ck_assert(read.known && read.erasures);
    ck_assert_mem_eq(read.birth, state.birth, sizeof read.birth);
    ck_assert(read.birth_offset == 4 && read.from == state.from && read.upto == INT64_MAX && read.written == -1);
    f->b.close(f->b.self, 1);
}

FOR_EACH(timers_come_in_order_and_stay_until_removed) {
    fixture_take(&f->a, 0);
    struct store_put puts[] = {fixture_put("Lc", "3", 300, NONE), fixture_put("La", "1", 100, NONE),
                               fixture_put("Lb", "2", 100, NONE), fixture_put("Ld", "4", -5, NONE),
                               fixture_put("Le", "5", NONE, NONE)};
    fixture_write(&f->a, 0, puts, 5, 1);
    fixture_expect_due(&f->a, 0, -6, "");
    fixture_expect_due(&f->a, 0, 100, "-5 Ld, 100 La, 100 Lb");
    fixture_expect_due(&f->a, 0, 100, "-5 Ld, 100 La, 100 Lb");
    struct store_due out[2];
    size_t n;
    ck_assert(f->a.due(f->a.self, 0, 1000, out, 2, &n, NULL));
    ck_assert_uint_eq(n, 2);
    struct store_put fired[] = {fixture_put("Ld", "4", 400, -5), fixture_put("La", "1", NONE, 100)};
    fixture_write(&f->a, 0, fired, 2, 2);
    fixture_expect_due(&f->a, 0, 100, "100 Lb");
    fixture_expect_due(&f->a, 0, 1000, "100 Lb, 300 Lc, 400 Ld");
    f->a.close(f->a.self, 0);
}

FOR_EACH(an_earlier_timer_is_seen_after_a_look_past_it) {
    fixture_take(&f->a, 0);
    fixture_expect_due(&f->a, 0, 1000, "");
    struct store_put put = fixture_put("La", "1", 500, NONE);
    fixture_write(&f->a, 0, &put, 1, 1);
    fixture_expect_due(&f->a, 0, 499, "");
    fixture_expect_due(&f->a, 0, 500, "500 La");
    struct store_put earlier[] = {fixture_put("La", "1", 200, 500), fixture_put("Lb", "2", 200, NONE)};
    fixture_write(&f->a, 0, earlier, 2, 2);
    fixture_expect_due(&f->a, 0, 1000, "200 La, 200 Lb");
    struct store_put gone[] = {fixture_put("La", NULL, NONE, 200), fixture_put("Lb", "2", 200, 200)};
    fixture_write(&f->a, 0, gone, 2, 3);
    fixture_expect_due(&f->a, 0, 1000, "200 Lb");
    fixture_write(&f->a, 0, &(struct store_put){bytes_of("Lb"), {NULL, 0}, NONE, 200}, 1, 4);
    fixture_expect_due(&f->a, 0, 1000, "");
    f->a.close(f->a.self, 0);
}

FOR_EACH(leads_and_timers_are_there_after_a_restart) {
    fixture_take(&f->a, 0);
    struct store_put puts[] = {fixture_put("La", "1", 10, NONE), fixture_put("Lb", "2", 20, NONE)};
    fixture_write(&f->a, 0, puts, 2, 1);
    f->a.close(f->a.self, 0);
    fixture_reopen(f);
    struct store_shard state = fixture_take(&f->a, 0);
    ck_assert(state.known && state.upto == 1);
    fixture_expect(&f->a, 0, "Lb", "2");
    fixture_expect_due(&f->a, 0, 20, "10 La, 20 Lb");
    f->a.close(f->a.self, 0);
}

FOR_EACH(a_build_replaces_what_was_there) {
    struct store_shard state = {.known = true, .upto = 99};
    fixture_take(&f->a, 0);
    fixture_take(&f->b, 1);
    struct store_put before[] = {fixture_put("La", "old", 10, NONE), fixture_put("Lold", "old", 11, NONE)};
    fixture_write(&f->a, 0, before, 2, 1);
    fixture_write(&f->b, 1, before, 2, 1);
    ck_assert(f->a.build(f->a.self, 0, NULL));
    struct store_put puts[] = {fixture_put("Lz", "z", 30, NONE), fixture_put("La", "first", 50, NONE),
                               fixture_put("Ldead", "x", NONE, NONE), fixture_put("La", "new", 20, NONE),
                               fixture_put("Ldead", NULL, NONE, NONE)};
    ck_assert(f->a.build_put(f->a.self, 0, puts, 3, NULL));
    ck_assert(f->a.build_put(f->a.self, 0, puts + 3, 2, NULL));
    ck_assert(f->a.build_done(f->a.self, 0, &state, NULL));
    fixture_expect(&f->a, 0, "La", "new");
    fixture_expect(&f->a, 0, "Lz", "z");
    fixture_expect(&f->a, 0, "Lold", NULL);
    fixture_expect(&f->a, 0, "Ldead", NULL);
    fixture_expect_due(&f->a, 0, 29, "20 La");
    fixture_expect(&f->b, 1, "Lold", "old");
    fixture_expect_due(&f->b, 1, 100, "10 La, 11 Lold");
    struct store_put after = fixture_put("La", "newer", 25, 20);
    fixture_write(&f->a, 0, &after, 1, 100);
    f->a.close(f->a.self, 0);
    f->b.close(f->b.self, 1);
    fixture_reopen(f);
    ck_assert(fixture_take(&f->a, 0).upto == 100);
    fixture_expect(&f->a, 0, "La", "newer");
    fixture_expect(&f->a, 0, "Lold", NULL);
    fixture_expect_due(&f->a, 0, 30, "25 La, 30 Lz");
    f->a.close(f->a.self, 0);
}

FOR_EACH(a_build_that_was_not_done_leaves_no_trace) {
    struct store_shard state = {.known = true, .upto = 5};
    fixture_take(&f->a, 0);
    struct store_put before = fixture_put("La", "old", 10, NONE), half = fixture_put("Lhalf", "x", 1, NONE);
    fixture_write(&f->a, 0, &before, 1, 1);
    for (int again = 0; again < 2; again++) {
        ck_assert(f->a.build(f->a.self, 0, NULL));
        ck_assert(f->a.build_put(f->a.self, 0, &half, 1, NULL));
        f->a.close(f->a.self, 0);
        ck_assert(fixture_take(&f->a, 0).upto == 1);
        fixture_expect(&f->a, 0, "La", "old");
        fixture_expect(&f->a, 0, "Lhalf", NULL);
        fixture_expect_due(&f->a, 0, 10, "10 La");
    }
    ck_assert(f->a.build(f->a.self, 0, NULL));
    ck_assert(f->a.build_done(f->a.self, 0, &state, NULL));
    fixture_expect(&f->a, 0, "La", NULL);
    fixture_expect(&f->a, 0, "Lhalf", NULL);
    fixture_expect_due(&f->a, 0, 10, "");
    f->a.close(f->a.self, 0);
}

/* More than a table's worth, so that a later table must win over an earlier one, values and deletes. */
FOR_EACH(in_a_build_of_many_tables_the_last_value_wins) {
    enum { LEADS = 20000, ROUNDS = 3 };
    struct store_shard state = {.known = true, .upto = 1};
    fixture_take(&f->a, 0);
    ck_assert(f->a.build(f->a.self, 0, NULL));
    char key[32], value[200];
    memset(value, 'v', sizeof value);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LEADS; i++) {
            snprintf(key, sizeof key, "L%05d", i * 7919 % LEADS);
            value[0] = (char)('0' + round);
            bool dead = round == ROUNDS - 1 && i * 7919 % LEADS % 10 == 0;
            struct store_put put = {bytes_of(key), {dead ? NULL : (uint8_t *)value, sizeof value}, NONE, NONE};
            ck_assert(f->a.build_put(f->a.self, 0, &put, 1, NULL));
        }
    }
    ck_assert(f->a.build_done(f->a.self, 0, &state, NULL));
    for (int i = 0; i < LEADS; i++) {
        snprintf(key, sizeof key, "L%05d", i);
        struct bytes name = bytes_of(key), found;
        ck_assert(f->a.load(f->a.self, 0, &name, 1, &found, NULL));
        ck_assert_msg(i % 10 == 0 ? found.at == NULL : found.n == sizeof value && found.at[0] == '0' + ROUNDS - 1, "%s",
                      key);
    }
    f->a.close(f->a.self, 0);
}

FOR_EACH(the_last_shard_and_the_longest_keys) {
    uint32_t shard = f->kind == FIXTURE_PLAIN ? PLAIN_STORE_MAX_SHARDS - 1 : 65535;
    char longest[1 + EVENT_MAX_LEAD + 1];
    memset(longest, 0xff, sizeof longest - 1);
    longest[0] = 'L';
    longest[sizeof longest - 1] = 0;
    fixture_take(&f->a, shard);
    struct store_put put = fixture_put(longest, "long", INT64_MAX - 1, NONE);
    fixture_write(&f->a, shard, &put, 1, 1);
    fixture_expect(&f->a, shard, longest, "long");
    struct store_due out[1];
    size_t n;
    ck_assert(f->a.due(f->a.self, shard, INT64_MAX - 1, out, 1, &n, NULL));
    ck_assert(n == 1 && bytes_is(out[0].key, longest));
    f->a.close(f->a.self, shard);
    struct store_shard state;
    struct err e;
    ck_assert(!f->a.open(f->a.self, shard + 1, &state, &e));
    ck_assert_int_eq(e.code, ERR_REFUSED);
}

FOR_EACH(erasure_keys_are_the_same_for_all_workers) {
    uint8_t a[16], b[16], c[16];
    f->a.erasure_key(f->a.self, bytes_of("l-17"), a);
    f->b.erasure_key(f->b.self, bytes_of("l-17"), b);
    f->b.erasure_key(f->b.self, bytes_of("l-18"), c);
    ck_assert_mem_eq(a, b, 16);
    ck_assert_mem_ne(a, c, 16);
}

static void add(TCase *all) {
    const TTest *tests[] = {a_shard_never_seen_is_not_known,
                            what_was_written_is_read,
                            deletes_and_overwrites,
                            shards_do_not_see_each_other,
                            one_owner_at_a_time,
                            the_state_is_kept,
                            timers_come_in_order_and_stay_until_removed,
                            an_earlier_timer_is_seen_after_a_look_past_it,
                            leads_and_timers_are_there_after_a_restart,
                            a_build_replaces_what_was_there,
                            a_build_that_was_not_done_leaves_no_trace,
                            in_a_build_of_many_tables_the_last_value_wins,
                            the_last_shard_and_the_longest_keys,
                            erasure_keys_are_the_same_for_all_workers};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_loop_test(all, tests[i], 0, FIXTURE_KINDS);
}

SUITE_MAIN("store", add)
