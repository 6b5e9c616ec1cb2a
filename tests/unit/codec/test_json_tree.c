/* JSON, strictly: what is taken, what is refused and in which words, and that no bytes do harm. */
#include "support/suite.h"

#include "codec/json_tree.h"
#include <stdio.h>

static struct arena *arena;
static struct err e;

static const struct json_node *parse(const char *text) {
    arena_reset(arena);
    return json_tree_parse(bytes_of(text), arena, &e);
}

static void setup(void) {
    arena = arena_new((size_t)16 << 20);
}

static void teardown(void) {
    arena_free(&arena);
}

START_TEST(reads_a_tree) {
    const struct json_node *root =
        parse(" {\"a\":[1,-0.50,1e3,true,false,null],\"b\":{\"c\":\"x\\u00e9\\ud83d\\ude00\\n\"},\"\":\"\"} ");
    ck_assert_msg(root != NULL, "%s", e.words);
    ck_assert_int_eq(root->kind, JSON_OBJECT);
    ck_assert_uint_eq(root->n, 3);
    const struct json_node *a = json_tree_get(root, bytes_of("a"));
    ck_assert(a && a->kind == JSON_ARRAY && a->n == 6);
    ck_assert_uint_eq(a->start, 6);
    ck_assert_uint_eq(a->end, 35);
    ck_assert_bytes_eq(a->first->text, "1");
    ck_assert_bytes_eq(a->first->next->text, "-0.50");
    ck_assert_bytes_eq(a->first->next->next->text, "1e3");
    ck_assert_int_eq(a->first->next->next->next->kind, JSON_TRUE);
    const struct json_node *c = json_tree_get(json_tree_get(root, bytes_of("b")), bytes_of("c"));
    ck_assert_bytes_eq(c->text, "x\xc3\xa9\xf0\x9f\x98\x80\n");
    const struct json_node *empty = json_tree_get(root, bytes_of(""));
    ck_assert(empty && empty->kind == JSON_STRING && !empty->text.n);
    ck_assert(!json_tree_get(root, bytes_of("c")));
    ck_assert(!json_tree_get(a, bytes_of("c")));
    ck_assert(!json_tree_get(NULL, bytes_of("c")));
}
END_TEST

START_TEST(a_value_alone_is_json) {
    ck_assert_int_eq(parse("17")->kind, JSON_NUMBER);
    ck_assert_bytes_eq(parse("17")->text, "17");
    ck_assert_bytes_eq(parse("\"a\\u0000b\"")->text.n == 3 ? bytes_of("yes") : bytes_of("no"), "yes");
    ck_assert_int_eq(parse("[]")->n, 0);
}
END_TEST

static const struct {
    const char *text;
    const char *words;
} bad[] = {
    {"", "not JSON"},
    {" ", "not JSON"},
    {"{", "not JSON"},
    {"{\"a\":1", "not JSON"},
    {"{\"a\":1}x", "trailing garbage"},
    {"{\"a\":1}{\"a\":1}", "trailing garbage"},
    {"{\"a\":1,}", "not JSON"},
    {"[1,]", "not JSON"},
    {"{a:1}", "not JSON"},
    {"{'a':1}", "not JSON"},
    {"{\"a\":01}", "not JSON"},
    {"{\"a\":+1}", "not JSON"},
    {"{\"a\":.5}", "not JSON"},
    {"{\"a\":5.}", "not JSON"},
    {"{\"a\":1e}", "not JSON"},
    {"{\"a\":NaN}", "not JSON"},
    {"{\"a\":\"\t\"}", "not JSON"},
    {"{\"a\":\"\\x\"}", "not JSON"},
    {"{\"a\":\"\\u12\"}", "not JSON"},
    {"{\"a\":1} // note", "not JSON"},
    {"/* note */ {}", "not JSON"},
    {"nul", "not JSON"},
    {"{\"a\":1}\f", "no blank"},
    {"{\v\"a\":1}", "no blank"},
    {"\xef\xbb\xbf{}", "byte-order mark"},
    {"{\"a\":\"\xff\"}", "not UTF-8"},
    {"{\"a\":\"\xc0\x80\"}", "not UTF-8"},
    {"{\"a\":\"\xed\xa0\x80\"}", "not UTF-8"},
    {"{\"a\":\"\\ud800\"}", "half a character"},
    {"{\"a\":\"\\ud800\\n\"}", "half a character"},
    {"{\"a\":\"\\ud800\\u0041\"}", "half a character"},
    {"{\"a\":\"\\uDC00\"}", "half a character"},
    {"{\"\\udfff\":1}", "half a character"},
    {"{\"a\":1,\"a\":2}", "key \"a\" is given twice"},
    {"{\"a\":1,\"b\":2,\"\\u0061\":2}", "key \"a\" is given twice"},
    {"{\"x\":[0,{\"y\":{\"k\":1,\"k\":1}}]}", "key \"k\" is given twice"},
    {"{\"\":1,\"\":1}", "key \"\" is given twice"},
};

START_TEST(refuses_what_is_no_json) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!parse(bad[i].text), "took %s", bad[i].text);
        ck_assert_msg(strstr(e.words, bad[i].words) != NULL, "%s: %s", bad[i].text, e.words);
        ck_assert_int_eq(err_class(e.code), ERR_CLASS_REJECT);
    }
}
END_TEST

START_TEST(escaped_backslashes_hide_no_escape) {
    ck_assert(parse("\"\\\\ud800\"") != NULL);
    ck_assert(parse("\"\\\\\\ud800\"") == NULL);
    ck_assert(parse("\"\\ud83d\\ude00\"") != NULL);
}
END_TEST

/* Above 16 keys a table finds them: twice at any two places. */
START_TEST(finds_the_same_key_among_many) {
    for (int twice = -1; twice < 99; twice++) {
        static char text[4000];
        int n = sprintf(text, "{\"k99\":1");
        for (int i = 0; i < 99; i++)
            n += sprintf(text + n, ",\"k%d\":%d", i == twice ? 99 : i, i);
        sprintf(text + n, "}");
        ck_assert_msg((parse(text) == NULL) == (twice >= 0), "%d: %s", twice, e.words);
    }
}
END_TEST

START_TEST(depth_has_a_limit) {
    static char text[2 * JSON_TREE_DEPTH + 4];
    memset(text, '[', JSON_TREE_DEPTH);
    memset(text + JSON_TREE_DEPTH, ']', JSON_TREE_DEPTH);
    ck_assert_msg(parse(text) != NULL, "%s", e.words);
    memset(text, '[', JSON_TREE_DEPTH + 1);
    memset(text + JSON_TREE_DEPTH + 1, ']', JSON_TREE_DEPTH + 1);
    ck_assert(!parse(text));
    ck_assert_msg(strstr(e.words, "nested deeper than 512") != NULL, "%s", e.words);
}
END_TEST

/* With less memory than it needs, for every amount, it says so. */
START_TEST(little_memory_is_an_error) {
    static char text[80000];
    text[0] = '[';
    for (size_t i = 1; i < sizeof text - 3; i += 2)
        memcpy(text + i, "0,", 2);
    memcpy(text + sizeof text - 3, "0]", 3);
    for (size_t limit = 0; limit < (size_t)2 << 20; limit += 65536) {
        struct arena *small = arena_new(limit);
        const struct json_node *root = json_tree_parse(bytes_of(text), small, &e);
        ck_assert(!root);
        ck_assert_msg(e.code == ERR_TOO_LARGE, "%zu: %s", limit, e.words);
        arena_free(&small);
    }
    ck_assert_msg(parse(text) != NULL, "%s", e.words);
}
END_TEST

/* What yajl needs is set aside by a bound: the worst texts for its buffers stay within it, cut anywhere. */
START_TEST(long_texts_fit_what_is_set_aside) {
    static char text[70000];
    static const char *const fill[] = {"x", "\\n", "\\u0041", "1", "[", "{\"a\":", "\xf0\x9f\x98\x80"};
    for (size_t f = 0; f < sizeof fill / sizeof *fill; f++) {
        for (size_t n = 1; n < sizeof text; n = n * 3 / 2 + 1) {
            const char *one = fill[f];
            text[0] = f < 3 || f == 6 ? '"' : '1';
            size_t at = f == 4 || f == 5 ? 0 : 1;
            for (; at + strlen(one) + 1 < n; at += strlen(one))
                memcpy(text + at, one, strlen(one));
            arena_reset(arena);
            (void)json_tree_parse((struct bytes){(const uint8_t *)text, at}, arena, &e);
            text[at++] = '"';
            arena_reset(arena);
            (void)json_tree_parse((struct bytes){(const uint8_t *)text, at}, arena, &e);
        }
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, long_texts_fit_what_is_set_aside);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, reads_a_tree);
    tcase_add_test(all, a_value_alone_is_json);
    tcase_add_test(all, refuses_what_is_no_json);
    tcase_add_test(all, escaped_backslashes_hide_no_escape);
    tcase_add_test(all, finds_the_same_key_among_many);
    tcase_add_test(all, depth_has_a_limit);
    tcase_add_test(all, little_memory_is_an_error);
}

SUITE_MAIN("json_tree", add)
