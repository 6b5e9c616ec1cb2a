/* YAML -> tree: plain scalars are text, places are exact, limits hold, words near each other are found. */
#include "codec/yaml_tree.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena *arena;
static struct problems problems;

static void setup(void) {
    arena = arena_new((size_t)64 * 1024 * 1024);
    problems = (struct problems){.file = "test"};
}

static void teardown(void) {
    arena_free(&arena);
    problems_fini(&problems);
}

static const struct yaml_node *parse(const char *text) {
    return yaml_tree_parse(bytes_of(text), arena, &problems);
}

START_TEST(plain_scalars_are_text) {
    static const char *const words[] = {"on",  "off",  "yes",  "NO",   "true",       "1",   "1.50",  "0x1F", "1e3",
                                        "007", "Null", "NULL", ".inf", "2026-11-22", "a b", "12:30", "-"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char text[64];
        snprintf(text, sizeof text, i == 16 ? "k: \"%s\"\n" : "k: %s\n", words[i]);
        const struct yaml_node *value = yaml_tree_get(parse(text), "k");
        ck_assert(value && value->kind == YAML_TEXT);
        ck_assert_bytes_eq(value->text, words[i]);
    }
    ck_assert_uint_eq(problems.n, 0);
}
END_TEST

START_TEST(three_ways_to_write_null) {
    const struct yaml_node *map = parse("a: null\nb: ~\nc:\nd: \"null\"\ne: '~'\nf: ''\n");
    ck_assert_int_eq(yaml_tree_get(map, "a")->kind, YAML_NULL);
    ck_assert_int_eq(yaml_tree_get(map, "b")->kind, YAML_NULL);
    ck_assert_int_eq(yaml_tree_get(map, "c")->kind, YAML_NULL);
    ck_assert_int_eq(yaml_tree_get(map, "d")->kind, YAML_TEXT);
    ck_assert_int_eq(yaml_tree_get(map, "e")->kind, YAML_TEXT);
    ck_assert_int_eq(yaml_tree_get(map, "f")->kind, YAML_TEXT);
    ck_assert(yaml_tree_get(map, "g") == NULL);
}
END_TEST

START_TEST(places_are_lines_and_columns) {
    const struct yaml_node *map = parse("# c\na:\n  - x\n  - {b: [c, \"d\"]}\n\xc3\xa9: y\n");
    const struct yaml_node *list = yaml_tree_get(map, "a");
    ck_assert_uint_eq(map->pairs[0].line, 2);
    ck_assert_uint_eq(map->pairs[0].column, 1);
    ck_assert_uint_eq(list->items[1]->line, 4);
    ck_assert_uint_eq(list->items[1]->column, 5);
    const struct yaml_node *inner = list->items[1]->pairs[0].value;
    ck_assert_uint_eq(inner->items[1]->column, 13);
    ck_assert_uint_eq(map->pairs[1].value->column, 4); /* of characters, not of bytes */
}
END_TEST

START_TEST(json_is_yaml) {
    const struct yaml_node *map = parse("{\"a\": [1, \"two\", {\"b\": true}], \"c\": \"\\u00e9\\n\"}");
    ck_assert_uint_eq(yaml_tree_get(map, "a")->n, 3);
    ck_assert_bytes_eq(yaml_tree_get(map, "c")->text, "\xc3\xa9\n");
}
END_TEST

/* Text, and the first problem's words ("": none). */
static const struct {
    const char *text, *words;
} refused[] = {
    {"a: &x 1\n", "an anchor"},
    {"a: *x\n", "an alias"},
    {"*x : 1\n", "an alias"},
    {"a: !t 1\n", "a tag"},
    {"a: !!str 1\n", "a tag"},
    {"a: ! 1\n", "a tag"},
    {"&x {a: 1}\n", "an anchor"},
    {"!!map {a: 1}\n", "a tag"},
    {"a: &x [1]\n", "an anchor"},
    {"<<: {a: 1}\n", "a merge key"},
    {"\"<<\": {a: 1}\n", ""},
    {"a: 1\na: 2\n", "key \"a\" is given twice"},
    {"{a: 1, 'a': 2}\n", "key \"a\" is given twice"},
    {"null: 1\n", "a key is empty"},
    {"~: 1\n", "a key is empty"},
    {"? \n: 1\n", "a key is empty"},
    {"'null': 1\n", ""},
    {"[a]: 1\n", "a key must be a text"},
    {"? {a: b}\n: 1\n", "a key must be a text"},
    {"a: 1\n---\nb: 2\n", "a second document"},
    {"a: 1\n...\n---\nb: 2\n", "a second document"},
    {"---\na: 1\n...\n", ""},
    {"", "the file is empty"},
    {"# only\n", "the file is empty"},
    {"a: [1\n", "not YAML"},
    {"a: 1\n b: 2\n", "not YAML"},
    {"a: \"\\q\"\n", "not YAML"},
    {"a: \x01\n", "not YAML"},
    {"a: \xff\n", "not YAML"},
    {"a: \xed\xa0\x80\n", "not YAML"},
    {"\xff\xfe\x61\x00", "not YAML"},
    {"a: @b\n", "not YAML"},
};

START_TEST(what_is_not_ours_is_refused) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        problems_fini(&problems);
        (void)parse(refused[i].text);
        const char *words = problems.n ? problems.list[0].words : "";
        size_t n = strlen(refused[i].words);
        ck_assert_msg(problems.errors == problems.n && !strncmp(words, refused[i].words, n) && (n || !*words),
                      "\"%s\": \"%s\"", refused[i].text, words);
    }
}
END_TEST

START_TEST(a_byte_order_mark_is_no_text) {
    ck_assert_bytes_eq(yaml_tree_get(parse("\xef\xbb\xbf"
                                           "a: b\nc: d\n"),
                                     "c")
                           ->text,
                       "d");
    ck_assert_uint_eq(problems.n, 0);
}
END_TEST

static char *repeated(const char *piece, size_t n) {
    size_t length = strlen(piece);
    char *text = malloc(n * length + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * length, piece, length);
    text[n * length] = 0;
    return text;
}

START_TEST(limits_hold) {
    static const struct {
        const char *piece;
        size_t n;
        const char *words;
    } cases[] = {{"[", 65, "more than 64 levels"},
                 {"[", 500000, "more than 64 levels"},
                 {"{a: ", 70, "more than 64"},
                 {"- a\n", 250001, "more than 250000 values"},
                 {"# 345678\n", 120000, "the file has 1080000 bytes"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = repeated(cases[i].piece, cases[i].n);
        problems_fini(&problems);
        arena_reset(arena);
        ck_assert_ptr_null(parse(text));
        ck_assert_msg(!strncmp(problems.list[0].words, cases[i].words, strlen(cases[i].words)), "%s",
                      problems.list[0].words);
        free(text);
    }
}
END_TEST

/* A map of as many keys as fit is read in a moment, twins and all. */
START_TEST(large_maps_are_read) {
    enum { N = 100000 };
    char *text = malloc(N * 10);
    ck_assert_ptr_nonnull(text);
    size_t n = 0;
    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, 16, "k%d: 1\n", i % (N - 1));
    const struct yaml_node *map = yaml_tree_parse((struct bytes){(const uint8_t *)text, n}, arena, &problems);
    ck_assert_uint_eq(map->n, N);
    ck_assert_uint_eq(problems.n, 1);
    free(text);
}
END_TEST

START_TEST(near_words_are_found) {
    static const char *const names[] = {"half_life", "min", "max", "groups", "stages", NULL};
    static const struct {
        const char *word, *nearest;
    } cases[] = {{"half_live", "half_life"},
                 {"halflife", "half_life"},
                 {"stage", "stages"},
                 {"gruops", "groups"},
                 {"mix", "min"},
                 {"colour", ""},
                 {"x", ""},
                 {"", ""},
                 {"maximum_of_everything_that_there_is_and_more", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = yaml_tree_nearest(bytes_of(cases[i].word), names);
        ck_assert_str_eq(nearest ? nearest : "", cases[i].nearest);
    }
}
END_TEST

START_TEST(quoted_text_is_bounded) {
    ck_assert_str_eq(yaml_quote(bytes_of("a\nb\x7f")).text, "a?b?");
    char *text = repeated("\xe2\x82\xac", 50);
    struct yaml_quoted q = yaml_quote(bytes_of(text));
    ck_assert_uint_eq(strlen(q.text), 62);
    ck_assert_str_eq(q.text + 57, "\xe2\x82\xac..");
    text[62] = 0;
    q = yaml_quote(bytes_of(text + 1)); /* 61 bytes that begin within a character */
    ck_assert_str_eq(q.text + strlen(q.text) - 2, "..");
    free(text);
}
END_TEST

START_TEST(problems_are_sorted_and_bounded) {
    problems_add(&problems, 7, 3, false, "c");
    problems_add(&problems, 7, 2, true, "b");
    problems_add(&problems, 0, 0, false, "a %d", 5);
    char *out = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&out, &n);
    problems_print(&problems, to);
    fclose(to);
    ck_assert_str_eq(out, "test: a 5\ntest:7:2: warning: b\ntest:7:3: c\n");
    free(out);
    for (int i = 0; i < 2000; i++)
        problems_add(&problems, 1, 1, false, "more");
    ck_assert_uint_eq(problems.n, 1000);
    ck_assert_uint_eq(problems.more, 1003);
    ck_assert_uint_eq(problems.errors, 2002);
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, plain_scalars_are_text);
    tcase_add_test(all, three_ways_to_write_null);
    tcase_add_test(all, places_are_lines_and_columns);
    tcase_add_test(all, json_is_yaml);
    tcase_add_test(all, what_is_not_ours_is_refused);
    tcase_add_test(all, a_byte_order_mark_is_no_text);
    tcase_add_test(all, limits_hold);
    tcase_add_test(all, large_maps_are_read);
    tcase_add_test(all, near_words_are_found);
    tcase_add_test(all, quoted_text_is_bounded);
    tcase_add_test(all, problems_are_sorted_and_bounded);
}

SUITE_MAIN("yaml_tree", add)
