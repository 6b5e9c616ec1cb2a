/* Parameters as tables: what texts are taken, what is said of the others, and how the table prints. */
#include "host/param.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdlib.h>

static const char *const colours[] = {"red", "green", NULL};

struct values {
    const char *text, *name, *secret;
    int64_t integer, bytes, duration;
    bool flag;
    int choice;
};

static const struct param table[] = {
    {"a.text", PARAM_TEXT, "some", 0, 0, NULL, offsetof(struct values, text), "any"},
    {"a.name", PARAM_NAME, NULL, 0, 0, NULL, offsetof(struct values, name), "one"},
    {"a.secret", PARAM_SECRET, NULL, 0, 0, NULL, offsetof(struct values, secret), "hidden"},
    {"a.integer", PARAM_INTEGER, "7", 0, 10, NULL, offsetof(struct values, integer), "up to ten"},
    {"a.bytes", PARAM_BYTES, "64KiB", 1024, 1 << 30, NULL, offsetof(struct values, bytes), "some memory"},
    {"a.duration", PARAM_DURATION, "90s", 1000, WHEN_DAY, NULL, offsetof(struct values, duration), "some time"},
    {"a.flag", PARAM_BOOL, "true", 0, 0, NULL, offsetof(struct values, flag), "whether"},
    {"a.choice", PARAM_CHOICE, "green", 0, 0, colours, offsetof(struct values, choice), "which"},
};
enum { TEXT, NAME, SECRET, INTEGER, BYTES, DURATION, FLAG, CHOICE, N };

static const struct {
    int param;
    const char *text, *words; /* "": taken */
} cases[] = {
    {TEXT, "x y", ""},
    {TEXT, "", "a.text is empty"},
    {NAME, "a.B_9-", ""},
    {NAME, "a b", "a.name \"a b\" is not a name (1 to 64 of A-Z a-z 0-9 . _ -)"},
    {SECRET, "hunter2", ""},
    {SECRET, "", "a.secret is empty"},
    {INTEGER, "10", ""},
    {INTEGER, "0010", ""},
    {INTEGER, "11", "a.integer \"11\" is out of range (0 to 10)"},
    {INTEGER, "99999999999999999999", "a.integer \"99999999999999999999\" is out of range (0 to 10)"},
    {INTEGER, "-1", "a.integer \"-1\" is not an integer"},
    {INTEGER, "1.0", "a.integer \"1.0\" is not an integer"},
    {INTEGER, "", "a.integer \"\" is not an integer"},
    {BYTES, "65536", ""},
    {BYTES, "1GiB", ""},
    {BYTES, "2GiB", "a.bytes \"2GiB\" is out of range (1KiB to 1GiB)"},
    {BYTES, "99999999999GiB", "a.bytes \"99999999999GiB\" is out of range (1KiB to 1GiB)"},
    {BYTES, "1MB", "a.bytes \"1MB\" is not a size (like 65536, 64KiB, 256MiB, 2GiB)"},
    {BYTES, "MiB", "a.bytes \"MiB\" is not a size (like 65536, 64KiB, 256MiB, 2GiB)"},
    {BYTES, "1 MiB", "a.bytes \"1 MiB\" is not a size (like 65536, 64KiB, 256MiB, 2GiB)"},
    {DURATION, "1500ms", ""},
    {DURATION, "999ms", "a.duration \"999ms\" is out of range (1s to 1d)"},
    {DURATION, "1y", "a.duration \"1y\" is not a duration (like 100ms, 5s, 15m, 12h, 14d; at most 36500d)"},
    {FLAG, "false", ""},
    {FLAG, "yes", "a.flag \"yes\" is neither true nor false"},
    {CHOICE, "red", ""},
    {CHOICE, "blue", "a.choice \"blue\" is not one of: red, green"},
};

START_TEST(texts_are_taken_or_told_of) {
    struct arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct values values = {0};
        struct err e = {0};
        bool taken = param_set(&table[cases[i].param], &values, bytes_of(cases[i].text), arena, &e);
        ck_assert_msg(taken == !*cases[i].words && !strcmp(e.words, cases[i].words), "\"%s\": %s", cases[i].text,
                      e.words);
        ck_assert(!strstr(e.words, "hunter2"));
    }
    arena_free(&arena);
}
END_TEST

START_TEST(values_go_where_the_table_says) {
    struct arena *arena = arena_new(1 << 20);
    struct values values;
    memset(&values, 0x55, sizeof values);
    for (size_t i = 0; i < N; i++)
        param_set_default(&table[i], &values, arena);
    ck_assert_str_eq(values.text, "some");
    ck_assert(!values.name && !values.secret);
    ck_assert_int_eq(values.integer, 7);
    ck_assert_int_eq(values.bytes, 65536);
    ck_assert_int_eq(values.duration, 90000);
    ck_assert(values.flag && values.choice == 1);
    struct err e;
    ck_assert(param_set(&table[BYTES], &values, bytes_of("3MiB"), arena, &e));
    ck_assert_int_eq(values.bytes, 3 << 20);
    ck_assert(!param_set(&table[TEXT], &values, (struct bytes){(const uint8_t *)"a\0b", 3}, arena, &e));
    arena_free(&arena);
}
END_TEST

START_TEST(sizes_print_short) {
    static const struct {
        int64_t bytes;
        const char *text;
    } sizes[] = {{0, "0"},
                 {1, "1"},
                 {1023, "1023"},
                 {1024, "1KiB"},
                 {1536, "1536"},
                 {INT64_C(3) << 30, "3GiB"},
                 {INT64_C(256) << 20, "256MiB"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char text[PARAM_BYTES_TEXT];
        int64_t back = 0;
        param_bytes_format(sizes[i].bytes, text);
        ck_assert_str_eq(text, sizes[i].text);
        ck_assert(param_bytes(bytes_of(text), &back) && back == sizes[i].bytes);
    }
}
END_TEST

START_TEST(the_table_prints) {
    char *out = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&out, &n);
    param_print(table, N, to);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(out, "a.duration                 duration 1s..1d              90s"));
    ck_assert_ptr_nonnull(strstr(out, "a.choice                   choice: red|green            green"));
    ck_assert_ptr_nonnull(strstr(out, "a.secret                   secret                       -"));
    free(out);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, texts_are_taken_or_told_of);
    tcase_add_test(all, values_go_where_the_table_says);
    tcase_add_test(all, sizes_print_short);
    tcase_add_test(all, the_table_prints);
}

SUITE_MAIN("param", add)
