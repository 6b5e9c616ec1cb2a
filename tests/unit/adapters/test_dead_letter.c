/* What is ours among a letter's headers and what is the record's; receipts to and fro. */
#include "adapters/dead_letter.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 24 };

struct built {
    struct dead_letter_header headers[MOST];
    size_t n;
};

static void put(struct built *b, const char *name, const char *value) {
    ck_assert_uint_lt(b->n, MOST);
    b->headers[b->n++] = (struct dead_letter_header){name, value ? bytes_of(value) : (struct bytes){NULL, 0}};
}

static void put_ours(struct built *b) {
    static char own[8];
    snprintf(own, sizeof own, "%zu", b->n);
    put(b, "headers", own);
    put(b, "group", "app.g1");
    put(b, "topic", "events");
    put(b, "partition", "3");
    put(b, "offset", "17");
    put(b, "timestamp", "1795514400000");
    put(b, "code", "invalid");
    put(b, "words", "time \"yesterday\" is not RFC 3339");
}

static void set(struct built *b, const char *name, const char *value) {
    for (size_t i = b->n; i > 0; i--)
        if (!strcmp(b->headers[i - 1].name, name)) {
            b->headers[i - 1].value = value ? bytes_of(value) : (struct bytes){NULL, 0};
            return;
        }
    ck_abort_msg("no header %s", name);
}

START_TEST(a_letter_is_read) {
    struct built b = {.n = 0};
    struct dead_letter letter;
    put_ours(&b);
    ck_assert_int_eq(dead_letter_read(b.headers, b.n, &letter), DEAD_LETTER_IS_LETTER);
    ck_assert(letter.n_own == 0 && letter.partition == 3 && letter.offset == 17 && letter.timestamp == 1795514400000);
    ck_assert(bytes_is(letter.topic, "events") && bytes_is(letter.group, "app.g1") && bytes_is(letter.code, "invalid"));
    ck_assert(letter.lead.n == 0 && letter.sent == 0);
    ck_assert(letter.index == DEAD_LETTER_NONE && letter.schema_id == DEAD_LETTER_NONE);
    put(&b, "index", "2");
    put(&b, "schema-id", "7");
    put(&b, "lead", "l-1");
    put(&b, "cut-from", "2000000");
    set(&b, "timestamp", "-1");
    ck_assert_int_eq(dead_letter_read(b.headers, b.n, &letter), DEAD_LETTER_IS_LETTER);
    ck_assert(letter.index == 2 && letter.schema_id == 7 && letter.cut_from == 2000000 && letter.timestamp == -1);
    ck_assert(bytes_is(letter.lead, "l-1"));
}
END_TEST

START_TEST(what_a_record_brings_along_does_not_pass_for_ours) {
    struct built b = {.n = 0};
    struct dead_letter letter;
    put(&b, "topic", "elsewhere");
    put(&b, "headers", "1");
    put(&b, "lead", "someone");
    put(&b, "cut-from", "5");
    put(&b, "leadstream-receipt", "app.g1");
    put(&b, "traceparent", NULL);
    put_ours(&b);
    ck_assert_int_eq(dead_letter_read(b.headers, b.n, &letter), DEAD_LETTER_IS_LETTER);
    ck_assert(letter.n_own == 6 && bytes_is(letter.topic, "events") && letter.lead.n == 0);
    ck_assert_int_eq(letter.cut_from, DEAD_LETTER_NONE);
}
END_TEST

START_TEST(how_often_it_was_sent_is_the_records_own_last_word) {
    struct built b = {.n = 0};
    struct dead_letter letter;
    put(&b, "leadstream-redriven", "1");
    put(&b, "leadstream-redriven", "2");
    put_ours(&b);
    ck_assert_int_eq(dead_letter_read(b.headers, b.n, &letter), DEAD_LETTER_IS_LETTER);
    ck_assert_uint_eq(letter.sent, 2);
    set(&b, "leadstream-redriven", "many");
    ck_assert_int_eq(dead_letter_read(b.headers, b.n, &letter), DEAD_LETTER_IS_LETTER);
    ck_assert_uint_eq(letter.sent, 0);
}
END_TEST

static const struct {
    const char *name, *value;
} wrong[] = {
    {"headers", "1"},    {"headers", "-0"},   {"headers", NULL},    {"partition", "x"},
    {"partition", "2147483648"}, {"offset", "-1"}, {"offset", "017"}, {"offset", "9223372036854775808"},
    {"offset", ""},      {"timestamp", "-2"}, {"group", NULL},      {"topic", NULL},
    {"code", NULL},      {"words", NULL},
};

START_TEST(what_is_not_as_we_write_it_is_strange) {
    struct built b = {.n = 0};
    struct dead_letter letter;
    put_ours(&b);
    set(&b, wrong[_i].name, wrong[_i].value);
    ck_assert_int_eq(dead_letter_read(b.headers, b.n, &letter), DEAD_LETTER_IS_STRANGE);
}
END_TEST

START_TEST(a_receipt_is_known_by_its_last_header) {
    struct built b = {.n = 0};
    struct dead_letter letter;
    ck_assert_int_eq(dead_letter_read(b.headers, 0, &letter), DEAD_LETTER_IS_STRANGE);
    put(&b, "leadstream-receipt", "app.g1");
    ck_assert_int_eq(dead_letter_read(b.headers, b.n, &letter), DEAD_LETTER_IS_RECEIPT);
    ck_assert(bytes_is(letter.group, "app.g1"));
    put(&b, "more", "");
    ck_assert_int_eq(dead_letter_read(b.headers, b.n, &letter), DEAD_LETTER_IS_STRANGE);
}
END_TEST

START_TEST(receipts_come_back_as_they_were_written) {
    struct dead_letter_range ranges[DEAD_LETTER_MAX_RANGES], again[DEAD_LETTER_MAX_RANGES];
    struct err e;
    uint64_t seed = 5;
    for (size_t round = 0; round < 200; round++) {
        size_t n = 1 + suite_below(&seed, round % 10 ? 20 : DEAD_LETTER_MAX_RANGES), m;
        int64_t at = round % 3 ? 0 : INT64_MAX / 2;
        for (size_t i = 0; i < n; i++) {
            ranges[i].first = at + suite_below(&seed, 5);
            ranges[i].last = ranges[i].first + suite_below(&seed, 1000);
            at = ranges[i].last + 1;
        }
        char *text = malloc(dead_letter_receipt_size(n));
        size_t length = dead_letter_receipt_write(ranges, n, text);
        ck_assert_uint_lt(length, dead_letter_receipt_size(n));
        ck_assert(dead_letter_receipt_read((struct bytes){(uint8_t *)text, length}, again, &m, &e));
        ck_assert(m == n && !memcmp(ranges, again, n * sizeof *ranges));
        free(text);
    }
}
END_TEST

static const char *const unreadable[] = {"",    " ",    "5 ",   " 5",    "5  6",  "6 5",   "5 5",    "5-5", "6-5",
                                         "5-",  "-5",   "5-6-7", "05",   "a",     "5-6 6", "5,6",    "5\n", "1e3",
                                         "9223372036854775808", "9223372036854775807-9223372036854775807"};

START_TEST(a_receipt_that_cannot_be_read_is_an_error) {
    struct dead_letter_range ranges[DEAD_LETTER_MAX_RANGES];
    struct err e;
    size_t n;
    ck_assert_msg(!dead_letter_receipt_read(bytes_of(unreadable[_i]), ranges, &n, &e), "\"%s\"", unreadable[_i]);
    ck_assert_int_eq(e.code, ERR_CORRUPT);
}
END_TEST

static const struct {
    const char *key;
    bool ours;
} keys[] = {
    {"leadstream-receipt/app.g1/3/0", true},
    {"leadstream-receipt/app.g1/3/9223372036854775807", true},
    {"leadstream-receipt/app.g1/3/", false},
    {"leadstream-receipt/app.g1/3/-1", false},
    {"leadstream-receipt/app.g1/3/1 ", false},
    {"leadstream-receipt/app.g1/30/1", false},
    {"leadstream-receipt/app.g1/03/1", false},
    {"leadstream-receipt/app.g1/1", false},
    {"leadstream-receipt/app.g2/3/1", false},
    {"leadstream-receipt/app.g1", false},
    {"lead-17", false},
    {"", false},
};

START_TEST(a_receipt_is_ours_by_its_key) {
    char key[64];
    ck_assert_msg(dead_letter_receipt_ours(bytes_of(keys[_i].key), bytes_of("app.g1"), 3) == keys[_i].ours, "\"%s\"",
                  keys[_i].key);
    dead_letter_receipt_key("app.g1", 3, 17, key, sizeof key);
    ck_assert_str_eq(key, "leadstream-receipt/app.g1/3/17");
    ck_assert(dead_letter_receipt_ours(bytes_of(key), bytes_of("app.g1"), 3));
    ck_assert(!dead_letter_receipt_ours((struct bytes){NULL, 0}, bytes_of("app.g1"), 3));
}
END_TEST

START_TEST(what_is_shown_of_a_receipt_moves_no_cursor) {
    struct dead_letter_range ranges[DEAD_LETTER_MAX_RANGES];
    struct err e;
    size_t n;
    ck_assert(!dead_letter_receipt_read(bytes_of("\x1b[31m \xff"), ranges, &n, &e));
    ck_assert_msg(strstr(e.words, "(\"?[31m ?\")") != NULL, "%s", e.words);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_letter_is_read);
    tcase_add_test(all, what_a_record_brings_along_does_not_pass_for_ours);
    tcase_add_test(all, how_often_it_was_sent_is_the_records_own_last_word);
    tcase_add_loop_test(all, what_is_not_as_we_write_it_is_strange, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(all, a_receipt_is_known_by_its_last_header);
    tcase_add_test(all, receipts_come_back_as_they_were_written);
    tcase_add_loop_test(all, a_receipt_is_ours_by_its_key, 0, (int)(sizeof keys / sizeof *keys));
    tcase_add_test(all, what_is_shown_of_a_receipt_moves_no_cursor);
    tcase_add_loop_test(all, a_receipt_that_cannot_be_read_is_an_error, 0, (int)(sizeof unreadable / sizeof *unreadable));
}

SUITE_MAIN("dead_letter", add)
