/* Schemas: canonical forms and fingerprints as Apache Avro publishes them (share/test/data/schema-tests.txt), what is
 * refused, and the set under ids and fingerprints, also while others add. */
#include "codec/schema.h"
#include "support/suite.h"
#include <leadstream/err.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* As published: input, canonical form, fingerprint. */
static const struct {
    const char *input, *canonical;
    int64_t fingerprint;
} vectors[] = {
    {"\"null\"", "\"null\"", INT64_C(7195948357588979594)},
    {"{\"type\":\"null\"}", "\"null\"", INT64_C(7195948357588979594)},
    {"\"boolean\"", "\"boolean\"", INT64_C(-6970731678124411036)},
    {"\"int\"", "\"int\"", INT64_C(8247732601305521295)},
    {"\"long\"", "\"long\"", INT64_C(-3434872931120570953)},
    {"\"float\"", "\"float\"", INT64_C(5583340709985441680)},
    {"\"double\"", "\"double\"", INT64_C(-8181574048448539266)},
    {"\"bytes\"", "\"bytes\"", INT64_C(5746618253357095269)},
    {"{\"type\":\"string\"}", "\"string\"", INT64_C(-8142146995180207161)},
    {"[  ]", "[]", INT64_C(-1241056759729112623)},
    {"[ \"int\"  ]", "[\"int\"]", INT64_C(-5232228896498058493)},
    {"[ \"int\" , {\"type\":\"boolean\"} ]", "[\"int\",\"boolean\"]", INT64_C(5392556393470105090)},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\"}", "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}",
     INT64_C(-4824392279771201922)},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\", \"namespace\":\"x.y\"}",
     "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[]}", INT64_C(5916914534497305771)},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"a.b.foo\", \"namespace\":\"x.y\"}",
     "{\"name\":\"a.b.foo\",\"type\":\"record\",\"fields\":[]}", INT64_C(-4616218487480524110)},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\", \"doc\":\"foo\", \"aliases\":[\"foo\",\"bar\"]}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}", INT64_C(-4824392279771201922)},
    {"{\"fields\":[{\"type\":{\"type\":\"boolean\"}, \"name\":\"f1\"}], \"type\":\"record\", \"name\":\"foo\"}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"}]}",
     INT64_C(7843277075252814651)},
    {"{ \"fields\":[{\"type\":\"boolean\", \"aliases\":[], \"name\":\"f1\", \"default\":\"true\"},\n"
     "{\"order\":\"descending\",\"name\":\"f2\",\"doc\":\"Hello\",\"type\":\"int\"}], \"type\":\"record\","
     "\"name\":\"foo\"}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"},"
     "{\"name\":\"f2\",\"type\":\"int\"}]}",
     INT64_C(-4860222112080293046)},
    {"{\"type\":\"enum\", \"name\":\"foo\", \"symbols\":[\"A1\"]}",
     "{\"name\":\"foo\",\"type\":\"enum\",\"symbols\":[\"A1\"]}", INT64_C(-6342190197741309591)},
    {"{\"namespace\":\"x.y.z\", \"type\":\"enum\", \"name\":\"foo\", \"doc\":\"foo bar\","
     "\"symbols\":[\"A1\", \"A2\"]}",
     "{\"name\":\"x.y.z.foo\",\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"]}", INT64_C(-4448647247586288245)},
    {"{\"name\":\"foo\",\"type\":\"fixed\",\"size\":15}", "{\"name\":\"foo\",\"type\":\"fixed\",\"size\":15}",
     INT64_C(1756455273707447556)},
    {"{\"namespace\":\"x.y.z\", \"type\":\"fixed\", \"name\":\"foo\", \"doc\":\"foo bar\", \"size\":32}",
     "{\"name\":\"x.y.z.foo\",\"type\":\"fixed\",\"size\":32}", INT64_C(-3064184465700546786)},
    {"{ \"items\":{\"type\":\"null\"}, \"type\":\"array\"}", "{\"type\":\"array\",\"items\":\"null\"}",
     INT64_C(-589620603366471059)},
    {"{ \"values\":\"string\", \"type\":\"map\"}", "{\"type\":\"map\",\"values\":\"string\"}",
     INT64_C(-8732877298790414990)},
    {"{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\", \"type\":[\"null\", \"int\","
     "\"long\","
     "\"PigValue\"]}]}",
     "{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\",\"type\":[\"null\",\"int\",\"long\","
     "\"PigValue\"]}]}",
     INT64_C(-1759257747318642341)},
};

START_TEST(canonical_forms_and_fingerprints_are_the_published_ones) {
    struct schemas *set = schemas_new();
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct err e = {0};
        const struct schema *schema = schemas_add(set, bytes_of(vectors[i].input), -1, &e);
        ck_assert_msg(schema != NULL, "%s: %s", vectors[i].input, e.words);
        ck_assert_bytes_eq(schema_canonical(schema), vectors[i].canonical);
        ck_assert_int_eq((int64_t)schema_fingerprint(schema), vectors[i].fingerprint);
        ck_assert(schemas_by_fingerprint(set, (uint64_t)vectors[i].fingerprint) == schema);
    }
    schemas_free(&set);
}
END_TEST

static const struct {
    const char *text, *words;
} bad[] = {
    {"", "schema: line"},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[]} x", "end of file expected"},
    {"{\"type\":\"int\",\"type\":\"int\"}", "duplicate object key"},
    {"\"strin\"", "unknown type \"strin\""},
    {"\"a b\"", "not a type: \"a b\""},
    {"7", "a type is a name, an object or a list"},
    {"{}", "an object without \"type\""},
    {"{\"type\":\"record\",\"name\":\"a\"}", "a record without \"fields\""},
    {"{\"type\":\"record\",\"fields\":[]}", "without a good name"},
    {"{\"type\":\"record\",\"name\":\"1a\",\"fields\":[]}", "without a good name: \"1a\""},
    {"{\"type\":\"record\",\"name\":\"a\",\"namespace\":\"x..y\",\"fields\":[]}", "not a namespace: \"x..y\""},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"x\"}]}", "record a, field x: a field needs"},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"x\",\"type\":\"b\"}]}",
     "record a, field x: unknown type \"b\""},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"},"
     "{\"name\":\"x\",\"type\":\"int\"}]}",
     "a field that is there twice"},
    {"[{\"type\":\"fixed\",\"name\":\"a\",\"size\":1},{\"type\":\"fixed\",\"name\":\"a\",\"size\":1}]",
     "a name defined twice: \"a\""},
    {"[\"int\",\"int\"]", "a branch twice: \"int\""},
    {"[\"int\",[\"null\"]]", "a union in a union"},
    {"{\"type\":\"enum\",\"name\":\"a\"}", "an enum without \"symbols\""},
    {"{\"type\":\"enum\",\"name\":\"a\",\"symbols\":[\"x-y\"]}", "not a symbol of an enum: \"x-y\""},
    {"{\"type\":\"enum\",\"name\":\"a\",\"symbols\":[\"x\",\"x\"]}", "a symbol that is there twice: \"x\""},
    {"{\"type\":\"fixed\",\"name\":\"a\",\"size\":-1}", "a fixed without a size"},
    {"{\"type\":\"array\"}", "an array without \"items\""},
    {"{\"type\":\"map\"}", "a map without \"values\""},
};

START_TEST(bad_schemas_are_refused_with_words) {
    struct schemas *set = schemas_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        ck_assert_msg(!schemas_add(set, bytes_of(bad[i].text), 1, &e), "%s was taken", bad[i].text);
        ck_assert_int_eq(e.code, ERR_SCHEMA);
        ck_assert_msg(strstr(e.words, bad[i].words) != NULL, "%s: \"%s\"", bad[i].text, e.words);
        ck_assert(!schemas_by_id(set, 1));
    }
    schemas_free(&set);
}
END_TEST

START_TEST(limits_hold) {
    struct schemas *set = schemas_new();
    struct err e = {0};
    size_t n = 100000;
    char *text = malloc(n * 24 + 100);
    size_t at = 0;
    for (size_t i = 0; i < 100; i++)
        at += (size_t)sprintf(text + at, "{\"type\":\"array\",\"items\":");
    at += (size_t)sprintf(text + at, "\"int\"");
    for (size_t i = 0; i < 100; i++)
        text[at++] = '}';
    ck_assert(!schemas_add(set, (struct bytes){(uint8_t *)text, at}, -1, &e));
    ck_assert_int_eq(e.code, ERR_TOO_LARGE);
    at = (size_t)sprintf(text, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[");
    for (size_t i = 0; i < n / 2; i++)
        at += (size_t)sprintf(text + at, "%s\"s%zu\"", i ? "," : "", i);
    at += (size_t)sprintf(text + at, "]}");
    ck_assert(!schemas_add(set, (struct bytes){(uint8_t *)text, at}, -1, &e));
    ck_assert_int_eq(e.code, ERR_TOO_LARGE);
    memset(text, ' ', n * 24);
    ck_assert(!schemas_add(set, (struct bytes){(uint8_t *)text, n * 24}, -1, &e));
    ck_assert_int_eq(e.code, ERR_TOO_LARGE);
    free(text);
    schemas_free(&set);
}
END_TEST

START_TEST(the_same_again_is_the_same) {
    struct schemas *set = schemas_new();
    const struct schema *a = schemas_add(set, bytes_of("{\"type\":\"fixed\",\"name\":\"f\",\"size\":1}"), 1, NULL);
    const struct schema *b =
        schemas_add(set, bytes_of("{\"size\":1,\"name\":\"f\",\"type\":\"fixed\",\"doc\":\"?\"}"), 2, NULL);
    ck_assert(a != NULL && a == b);
    ck_assert(schemas_by_id(set, 1) == a && schemas_by_id(set, 2) == a && !schemas_by_id(set, 3));
    ck_assert_bytes_eq(schema_name(a), "f");
    struct err e;
    ck_assert(!schemas_add(set, bytes_of("\"int\""), 1, &e));
    ck_assert_int_eq(e.code, ERR_SCHEMA);
    ck_assert(schemas_by_id(set, 1) == a);
    schemas_free(&set);
}
END_TEST

/* The canonical form leaves logical types out; ids must not. */
START_TEST(another_logical_type_is_another_schema) {
    struct schemas *set = schemas_new();
    const struct schema *ms =
        schemas_add(set, bytes_of("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"), 1, NULL);
    const struct schema *us =
        schemas_add(set, bytes_of("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}"), 2, NULL);
    ck_assert(ms && us && ms != us);
    ck_assert(schema_fingerprint(ms) == schema_fingerprint(us));
    ck_assert(schemas_by_id(set, 1) == ms && schemas_by_id(set, 2) == us);
    ck_assert(schemas_by_fingerprint(set, schema_fingerprint(us)) == ms);
    schemas_free(&set);
}
END_TEST

START_TEST(a_schema_may_refer_to_others) {
    struct schemas *set = schemas_new();
    struct bytes texts[] = {
        bytes_of("{\"type\":\"enum\",\"name\":\"Kind\",\"namespace\":\"n\",\"symbols\":[\"a\"]}"),
        bytes_of("{\"type\":\"record\",\"name\":\"n.Inner\",\"fields\":[{\"name\":\"kind\",\"type\":\"Kind\"}]}"),
        bytes_of("{\"type\":\"record\",\"name\":\"Outer\",\"fields\":[{\"name\":\"x\",\"type\":\"n.Inner\"},"
                 "{\"name\":\"y\",\"type\":\"n.Kind\"}]}"),
    };
    struct err e = {0};
    const struct schema *schema = schemas_add_all(set, texts, 3, 9, &e);
    ck_assert_msg(schema != NULL, "%s", e.words);
    ck_assert_bytes_eq(schema_canonical(schema),
                       "{\"name\":\"Outer\",\"type\":\"record\",\"fields\":[{\"name\":\"x\",\"type\":{\"name\":"
                       "\"n.Inner\",\"type\":\"record\",\"fields\":[{\"name\":\"kind\",\"type\":{\"name\":\"n.Kind\","
                       "\"type\":\"enum\",\"symbols\":[\"a\"]}}]}},{\"name\":\"y\",\"type\":\"n.Kind\"}]}");
    ck_assert(!schemas_add_all(set, texts + 1, 2, 10, &e));
    schemas_free(&set);
}
END_TEST

enum { SHARED = 2000 };

static void *add_many(void *set) {
    for (int id = 0; id < SHARED; id++) {
        char text[80];
        int n = snprintf(text, sizeof text, "{\"type\":\"fixed\",\"name\":\"f\",\"size\":%d}", id);
        if (!schemas_add(set, (struct bytes){(uint8_t *)text, (size_t)n}, id, NULL))
            return NULL;
    }
    return set;
}

START_TEST(others_may_look_while_one_adds) {
    struct schemas *set = schemas_new();
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, add_many, set), 0);
    for (int id = 0; id < SHARED;)
        id += schemas_by_id(set, id) != NULL;
    void *done;
    pthread_join(thread, &done);
    ck_assert(done != NULL);
    schemas_free(&set);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, canonical_forms_and_fingerprints_are_the_published_ones);
    tcase_add_test(all, bad_schemas_are_refused_with_words);
    tcase_add_test(all, limits_hold);
    tcase_add_test(all, the_same_again_is_the_same);
    tcase_add_test(all, another_logical_type_is_another_schema);
    tcase_add_test(all, a_schema_may_refer_to_others);
    tcase_add_test(all, others_may_look_while_one_adds);
}

SUITE_MAIN("schema", add)
