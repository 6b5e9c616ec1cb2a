/* The set of letters that were sent, against a table of booleans; and what a receipt may reach over. */
#include "app/redrive_ranges.h"
#include "support/suite.h"

enum { LETTERS = 400 };

START_TEST(a_set_has_what_was_added_in_any_order) {
    for (uint64_t seed = 0; seed < 60; seed++) {
        uint64_t state = seed;
        bool has[LETTERS] = {false};
        struct redrive_ranges set = {0};
        struct err e;
        for (uint32_t round = suite_below(&state, 80); round > 0; round--) {
            int64_t first = suite_below(&state, LETTERS - 20);
            struct dead_letter_range range = {first, first + suite_below(&state, 20)};
            ck_assert(redrive_ranges_add(&set, &range, 1, &e));
            for (int64_t i = range.first; i <= range.last; i++)
                has[i] = true;
            if (suite_below(&state, 5) == 0)
                ck_assert(redrive_ranges_has(&set, first));
        }
        for (int64_t i = 0; i < LETTERS; i++)
            ck_assert_msg(redrive_ranges_has(&set, i) == has[i], "seed %d, letter %d", (int)seed, (int)i);
        ck_assert(!redrive_ranges_has(&set, INT64_MAX) && !redrive_ranges_has(&set, LETTERS));
        redrive_ranges_fini(&set);
    }
}
END_TEST

START_TEST(the_last_of_all_offsets_is_one_like_others) {
    struct redrive_ranges set = {0};
    struct dead_letter_range ranges[] = {{5, INT64_MAX}, {0, 3}, {7, 9}};
    struct err e;
    ck_assert(redrive_ranges_add(&set, ranges, 3, &e));
    ck_assert(redrive_ranges_has(&set, INT64_MAX) && redrive_ranges_has(&set, 0) && !redrive_ranges_has(&set, 4));
    redrive_ranges_fini(&set);
}
END_TEST

START_TEST(a_set_has_a_limit_and_says_what_to_do) {
    enum { MANY = 1000 };
    static struct dead_letter_range ranges[MANY];
    struct redrive_ranges set = {0};
    struct err e;
    bool good = true;
    for (int64_t round = 0; good && round <= REDRIVE_RANGES_MOST / MANY; round++) {
        for (int64_t i = 0; i < MANY; i++)
            ranges[i].first = ranges[i].last = (round * MANY + i) * 2;
        good = redrive_ranges_add(&set, ranges, MANY, &e);
        ck_assert_int_eq(good, round < REDRIVE_RANGES_MOST / MANY);
    }
    ck_assert_int_eq(e.code, ERR_REFUSED);
    redrive_ranges_fini(&set);
    for (int64_t round = 0; round <= REDRIVE_RANGES_MOST / MANY; round++) { /* joined ones are few */
        for (int64_t i = 0; i < MANY; i++)
            ranges[i].first = ranges[i].last = round * MANY + i;
        ck_assert(redrive_ranges_add(&set, ranges, MANY, &e));
    }
    redrive_ranges_fini(&set);
}
END_TEST

START_TEST(a_receipt_reaches_over_gaps_but_not_over_letters_that_stay) {
    static struct redrive_receipt receipt;
    redrive_receipt_note(&receipt, 3);
    redrive_receipt_note(&receipt, 4);
    redrive_receipt_note(&receipt, 9); /* 5 to 8 were markers, receipts, letters of others or sent before */
    redrive_receipt_pass(&receipt);
    redrive_receipt_note(&receipt, 11);
    ck_assert_uint_eq(receipt.n, 2);
    ck_assert(receipt.ranges[0].first == 3 && receipt.ranges[0].last == 9);
    ck_assert(receipt.ranges[1].first == 11 && receipt.ranges[1].last == 11);
    ck_assert(!redrive_receipt_full(&receipt));
    for (int64_t i = 0; !redrive_receipt_full(&receipt); i++) {
        redrive_receipt_pass(&receipt);
        redrive_receipt_note(&receipt, 20 + i);
    }
    ck_assert_uint_eq(receipt.n, DEAD_LETTER_MAX_RANGES);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_set_has_what_was_added_in_any_order);
    tcase_add_test(all, the_last_of_all_offsets_is_one_like_others);
    tcase_add_test(all, a_set_has_a_limit_and_says_what_to_do);
    tcase_add_test(all, a_receipt_reaches_over_gaps_but_not_over_letters_that_stay);
}

SUITE_MAIN("redrive_ranges", add)
