/* The table of conditions: searching texts against a plain loop, costs that do not change answers, canonical forms, a
 * limit on matching, and several threads that ask one table. */
#include "core/model_build.h"
#include "support/plain_text.h"
#include "support/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed_of_run(void) {
    const char *given = getenv("SEED");
    return given ? strtoull(given, NULL, 10) : 20261123;
}

static struct model *model;
static struct cond_text url;

static void setup(void) {
    model = model_new();
    url = (struct cond_text){COND_FIELD, (uint16_t)model_intern_field(model, bytes_of("url"))};
}

static void teardown(void) {
    model_free(&model);
}

static bool holds(uint32_t cond, struct bytes text, struct cond_counts *counts) {
    struct cond_counts own = {0};
    return cond_holds(model, cond, &(struct cond_subject){.texts = &text}, counts ? counts : &own);
}

static struct bytes random_text(uint64_t *state, uint8_t *buffer, uint32_t most) {
    static const char letters[] = "aAbBzZ/.@[`{\x00\xc3\xa9";
    uint32_t n = suite_below(state, most + 1);
    for (uint32_t i = 0; i < n; i++)
        buffer[i] = (uint8_t)letters[suite_below(state, sizeof letters - 1)];
    return (struct bytes){buffer, n};
}

START_TEST(text_tests_agree_with_plain_loops) {
    uint64_t seed = seed_of_run(), state = seed;
    static const enum cond_op ops[] = {COND_CONTAINS, COND_STARTS_WITH, COND_ENDS_WITH, COND_IN};
    for (int i = 0; i < 4000; i++) {
        uint8_t word_bytes[4], text_bytes[40];
        struct bytes word = random_text(&state, word_bytes, 4);
        enum cond_op op = ops[suite_below(&state, 4)];
        uint32_t cond =
            op == COND_IN ? cond_add_in(model->conds, url, &word, 1) : cond_add_text(model->conds, op, url, word);
        for (int j = 0; j < 20; j++) {
            struct bytes text = random_text(&state, text_bytes, j % 2 ? 40 : 5);
            ck_assert_msg(holds(cond, text, NULL) == plain_text_holds(op, text, word),
                          "op %d, \"%.*s\" in \"%.*s\", SEED=%llu",
                          (int)op, (int)word.n, (const char *)word.at, (int)text.n, (const char *)text.at,
                          (unsigned long long)seed);
        }
    }
}
END_TEST

START_TEST(a_long_list_agrees_with_its_words) {
    uint64_t seed = seed_of_run(), state = seed;
    enum { N = 60 };
    uint8_t bytes[N][6], text_bytes[6];
    struct bytes words[N];
    for (int i = 0; i < N; i++)
        words[i] = random_text(&state, bytes[i], 5);
    uint32_t cond = cond_add_in(model->conds, url, words, N);
    for (int i = 0; i < 5000; i++) {
        struct bytes text = random_text(&state, text_bytes, 6);
        bool expected = false;
        for (int j = 0; j < N; j++)
            expected = expected || plain_text_holds(COND_IN, text, words[j]);
        ck_assert_msg(holds(cond, text, NULL) == expected, "\"%.*s\", SEED=%llu", (int)text.n, (const char *)text.at,
                      (unsigned long long)seed);
    }
}
END_TEST

START_TEST(a_short_list_word_longer_than_the_text) {
    struct bytes words[] = {bytes_of("de"), bytes_of("DEU")};
    uint32_t cond = cond_add_in(model->conds, url, words, 2);
    ck_assert(holds(cond, bytes_of("De"), NULL));
    ck_assert(holds(cond, bytes_of("deu"), NULL));
    ck_assert(!holds(cond, bytes_of("d"), NULL));
    ck_assert(!holds(cond, bytes_of("deut"), NULL));
}
END_TEST

/* ---- regular expressions ---- */

static uint32_t matching(const char *pattern) {
    uint32_t cond = COND_ALWAYS;
    struct err e;
    ck_assert_msg(cond_add_matches(model->conds, url, bytes_of(pattern), &cond, &e), "%s", e.words);
    return cond;
}

START_TEST(a_match_is_utf_not_ucp_and_unanchored) {
    ck_assert(holds(matching("b+"), bytes_of("abbc"), NULL));
    ck_assert(!holds(matching("B+"), bytes_of("abbc"), NULL));
    ck_assert(holds(matching("(?i)B+"), bytes_of("abbc"), NULL));
    ck_assert(holds(matching("^.$"), bytes_of("\xc3\xa9"), NULL));
    ck_assert(!holds(matching("\\w"), bytes_of("\xc3\xa9"), NULL));
    ck_assert(!holds(matching("\\d"), bytes_of("\xd9\xa3"), NULL));
    ck_assert(
        holds(matching("caf\xc3\xa9\\b"), bytes_of("caf\xc3\xa9s"), NULL)); /* no ASCII letter before s: a border */
    ck_assert(holds(matching("(?i)\xc3\x89"), bytes_of("\xc3\xa9"), NULL));
    ck_assert(!holds(matching("x"), (struct bytes){NULL, 0}, NULL));
    ck_assert(!holds(matching("."), (struct bytes){(const uint8_t *)"\xff", 1}, NULL));
    ck_assert(holds(matching("\\\\C"), bytes_of("a\\Cb"), NULL));
}
END_TEST

START_TEST(a_match_past_its_limit_fails_and_is_counted) {
    uint32_t cond = matching("^(a+)+$");
    struct cond_counts counts = {0};
    ck_assert(!holds(cond, bytes_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &counts));
    ck_assert_uint_eq(counts.match_limit, 1);
    ck_assert(holds(cond_add_not(model->conds, cond), bytes_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &counts));
    ck_assert_uint_eq(counts.match_limit, 2);
    ck_assert(holds(cond, bytes_of("aaaa"), &counts));
    ck_assert_uint_eq(counts.match_limit, 2);
    /* What would take some milliseconds is past it too: PCRE2's own limit is a hundred times as high. */
    ck_assert(!holds(cond, bytes_of("aaaaaaaaaaaaaaaaaab"), &counts));
    ck_assert_uint_eq(counts.match_limit, 3);
}
END_TEST

START_TEST(a_number_that_cannot_be_read_is_counted) {
    struct cond_counts counts = {0};
    uint32_t cond = cond_add_number(model->conds, COND_BELOW, url, 500);
    ck_assert(!holds(cond, bytes_of("four"), &counts));
    ck_assert_uint_eq(counts.not_a_number, 1);
    ck_assert(!holds(cond, bytes_of(""), &counts)); /* absent is not unreadable */
    ck_assert_uint_eq(counts.not_a_number, 1);
    ck_assert(holds(cond, bytes_of("+4.99"), &counts));
}
END_TEST

/* Cheap tests come first, so the dear one is not asked where they decide. */
START_TEST(regular_expressions_are_asked_last) {
    uint32_t all[2] = {matching("^(a+)+$"), cond_add_text(model->conds, COND_STARTS_WITH, url, bytes_of("x"))};
    uint32_t cond = cond_add_join(model->conds, false, all, 2);
    struct cond_counts counts = {0};
    ck_assert(!holds(cond, bytes_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &counts));
    ck_assert_uint_eq(counts.match_limit, 0);
}
END_TEST

/* ---- joins ---- */

START_TEST(joins_of_none_and_one) {
    uint32_t test = cond_add_text(model->conds, COND_EXISTS, url, bytes_of(""));
    ck_assert_uint_eq(cond_add_join(model->conds, false, NULL, 0), COND_ALWAYS);
    ck_assert(!holds(cond_add_join(model->conds, true, NULL, 0), bytes_of("x"), NULL));
    ck_assert_uint_eq(cond_add_join(model->conds, true, &test, 1), test);
    ck_assert_uint_eq(cond_add_not(model->conds, cond_add_not(model->conds, test)), test);
    ck_assert(!holds(cond_add_not(model->conds, COND_ALWAYS), bytes_of("x"), NULL));
}
END_TEST

static uint64_t form(uint32_t cond) {
    struct blob blob = {0};
    cond_canonical(model, cond, &blob);
    uint64_t hash = blob_hash(&blob);
    blob_fini(&blob);
    return hash;
}

START_TEST(canonical_forms_forget_order_case_and_nesting) {
    struct model_conds *t = model->conds;
    struct bytes fields[] = {bytes_of("url")};
    model->fields = fields;
    uint32_t a = cond_add_text(t, COND_CONTAINS, url, bytes_of("Pricing"));
    uint32_t a2 = cond_add_text(t, COND_CONTAINS, url, bytes_of("pricing"));
    uint32_t b = cond_add_text(t, COND_ENDS_WITH, url, bytes_of("pricing"));
    uint32_t c = matching("x");
    ck_assert_uint_eq(form(a), form(a2));
    ck_assert_uint_ne(form(a), form(b));
    ck_assert_uint_ne(form(matching("X")), form(c));
    uint32_t flat = cond_add_join(t, false, (uint32_t[]){a, b, c}, 3);
    uint32_t nested = cond_add_join(t, false, (uint32_t[]){c, cond_add_join(t, false, (uint32_t[]){b, a2, b}, 3)}, 2);
    ck_assert_uint_eq(form(flat), form(nested));
    ck_assert_uint_ne(form(flat), form(cond_add_join(t, true, (uint32_t[]){a, b, c}, 3)));
    ck_assert_uint_eq(form(cond_add_join(t, true, (uint32_t[]){a, a2}, 2)), form(a));
    struct bytes list[] = {bytes_of("de"), bytes_of("FR"), bytes_of("fr")};
    ck_assert_uint_eq(form(cond_add_in(t, url, list, 3)),
                      form(cond_add_in(t, url, (struct bytes[]){list[1], list[0]}, 2)));
    ck_assert_uint_ne(form(cond_add_not(t, a)), form(a));
}
END_TEST

START_TEST(score_tests_are_whole_hundredths) {
    static const struct {
        enum cond_op op;
        int64_t total;
        bool holds;
    } cases[] = {{COND_AT_LEAST, 499, false}, {COND_AT_LEAST, 500, true}, {COND_ABOVE, 500, false},
                 {COND_ABOVE, 501, true},     {COND_AT_MOST, 500, true},  {COND_AT_MOST, 501, false},
                 {COND_BELOW, 499, true},     {COND_BELOW, 500, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t cond = cond_add_score(model->conds, cases[i].op, COND_TOTAL, 0, 500);
        struct cond_counts counts = {0};
        struct cond_subject subject = {.total = cases[i].total};
        ck_assert_msg(cond_holds(model, cond, &subject, &counts) == cases[i].holds, "case %zu", i);
    }
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 4, ASKS = 20000 };
static uint32_t shared[2];

static void *ask_often(void *failures) {
    struct cond_counts counts = {0};
    for (int i = 0; i < ASKS; i++) {
        bool good =
            holds(shared[0], bytes_of("head of sales"), &counts) && !holds(shared[0], bytes_of("intern"), &counts);
        *(int *)failures += !good;
        if (i % 4000 == 0)
            *(int *)failures += holds(shared[1], bytes_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &counts);
    }
    *(int *)failures += counts.match_limit != ASKS / 4000;
    return NULL;
}

START_TEST(threads_share_a_table) {
    pthread_t threads[THREADS];
    int failures[THREADS] = {0};
    shared[0] = matching("(?i)\\b(vp|head|chief)\\b");
    shared[1] = matching("^(a+)+$");
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, &failures[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(failures[i], 0);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, text_tests_agree_with_plain_loops);
    tcase_add_test(all, a_long_list_agrees_with_its_words);
    tcase_add_test(all, a_short_list_word_longer_than_the_text);
    tcase_add_test(all, a_match_is_utf_not_ucp_and_unanchored);
    tcase_add_test(all, a_match_past_its_limit_fails_and_is_counted);
    tcase_add_test(all, a_number_that_cannot_be_read_is_counted);
    tcase_add_test(all, regular_expressions_are_asked_last);
    tcase_add_test(all, joins_of_none_and_one);
    tcase_add_test(all, canonical_forms_forget_order_case_and_nesting);
    tcase_add_test(all, score_tests_are_whole_hundredths);
    tcase_add_test(all, threads_share_a_table);
}

SUITE_MAIN("cond", add)
