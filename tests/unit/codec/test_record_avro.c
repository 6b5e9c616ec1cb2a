/* Published records as Avro are what their schemas say: avro-c reads them by the schemas, to the JSON that is expected.
 * */
#include "codec/record_avro.h"
#include "codec/schema.h"
#include "support/suite.h"

#include <avro.h>
#include <jansson.h>
#include <stdlib.h>

static struct model_group groups[] = {{.name = {(const uint8_t *)"email", 5}}, {.name = {(const uint8_t *)"web", 3}}};
static struct model_stage stages[] = {{.name = {(const uint8_t *)"cold", 4}}, {.name = {(const uint8_t *)"warm", 4}}};
static struct model_route routes[] = {{.to = {(const uint8_t *)"sales", 5}}, {.to = {(const uint8_t *)"nurture", 7}}};
static struct model_grade_band band = {'A', 0};
static const struct model full = {
    .name = {(const uint8_t *)"b2b-saas", 8}, .version = 3, .n_groups = 2, .groups = groups, .n_stages = 2,
    .stages = stages, .n_routes = 2, .routes = routes, .n_grade_fit = 1, .n_grade_engagement = 1, .grade_fit = &band,
    .grade_engagement = &band};
static const struct model plain = {.name = {(const uint8_t *)"m", 1}, .version = 2147483647};

static int64_t group_scores[] = {2750, -5};
static const struct reason reasons[] = {
    {REASON_RULE, {(const uint8_t *)"pricing", 7}, 2000, 200},
    {REASON_FIT, {(const uint8_t *)"decider", 7}, 2500, 0},
    {REASON_CLAMP_GROUP, {(const uint8_t *)"email", 5}, -125, 0},
    {REASON_CLAMP_ENGAGEMENT, {NULL, 0}, -1, 0},
    {REASON_CLAMP_FIT, {NULL, 0}, 1, 0},
    {REASON_WEIGHT_ENGAGEMENT, {NULL, 0}, 2, 0},
    {REASON_WEIGHT_FIT, {NULL, 0}, 3, 0},
    {REASON_CLAMP_TOTAL, {NULL, 0}, 4, 0},
    {REASON_ROUNDING, {NULL, 0}, 5, 0},
};

static struct record record_of(enum record_kind kind) {
    struct record r = {.kind = kind, .trigger = TRIGGER_EVENT, .lead = bytes_of("l-17"), .cause = bytes_of("e-1"),
                       .at = INT64_C(1795341600123)};
    for (int i = 0; i < 16; i++)
        r.id[i] = (uint8_t)(i * 17);
    r.score = (struct score){.total = 5250, .engagement = 2745, .fit = 2505, .groups = group_scores, .stage = 1,
                             .route = 1, .grade = {'C', '2'}};
    r.previous.grade[0] = 'D';
    r.previous.grade[1] = '4';
    r.n_reasons = sizeof reasons / sizeof *reasons;
    r.reasons = reasons;
    return r;
}

/* What avro-c reads of the record, as JSON; all bytes must be read. */
static json_t *read_back(const struct model *model, const struct record *record) {
    uint8_t room[4096];
    struct writer w = writer_of(room, sizeof room);
    record_avro_write(&w, model, record);
    ck_assert(w.ok);
    struct bytes text = record_avro_schema(record->kind);
    avro_schema_t schema;
    ck_assert_int_eq(avro_schema_from_json_length((const char *)text.at, text.n, &schema), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_value_t value;
    avro_generic_value_new(iface, &value);
    avro_reader_t reader = avro_reader_memory((const char *)room, (int64_t)writer_done(&w).n);
    ck_assert_msg(avro_value_read(reader, &value) == 0, "%s", avro_strerror());
    ck_assert_int_ne(avro_skip(reader, 1), 0);
    char *json;
    ck_assert_int_eq(avro_value_to_json(&value, 1, &json), 0);
    json_t *tree = json_loads(json, 0, NULL);
    ck_assert(tree != NULL);
    free(json);
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    return tree;
}

static void expect(const struct model *model, const struct record *record, const char *expected) {
    json_t *got = read_back(model, record), *want = json_loads(expected, 0, NULL);
    ck_assert_msg(want != NULL, "not JSON: %s", expected);
    char *text = json_dumps(got, JSON_SORT_KEYS);
    ck_assert_msg(json_equal(got, want), "%s", text);
    free(text);
    json_decref(got);
    json_decref(want);
}

START_TEST(a_change_of_score) {
    struct record r = record_of(RECORD_SCORE_CHANGED);
    expect(&full, &r,
           "{\"kind\":\"score_changed\",\"id\":\"00112233-4455-6677-8899-aabbccddeeff\",\"lead\":\"l-17\","
           "\"at\":1795341600123,\"trigger\":\"event\",\"cause\":{\"string\":\"e-1\"},\"total\":52.5,"
           "\"engagement\":27.45,\"fit\":25.05,\"groups\":{\"email\":27.5,\"web\":-0.05},\"grade\":{\"string\":\"C2\"},"
           "\"stage\":{\"string\":\"warm\"},\"route\":{\"string\":\"nurture\"},\"previous\":{\"total\":0.0,"
           "\"grade\":{\"string\":\"D4\"},\"stage\":{\"string\":\"cold\"},\"route\":{\"string\":\"sales\"}},"
           "\"model\":\"b2b-saas\",\"version\":3}");
}
END_TEST

START_TEST(a_lead_is_sales_ready_and_why) {
    struct record r = record_of(RECORD_SALES_READY);
    expect(&full, &r,
           "{\"kind\":\"sales_ready\",\"id\":\"00112233-4455-6677-8899-aabbccddeeff\",\"lead\":\"l-17\","
           "\"at\":1795341600123,\"trigger\":\"event\",\"cause\":{\"string\":\"e-1\"},\"total\":52.5,"
           "\"engagement\":27.45,\"fit\":25.05,\"groups\":{\"email\":27.5,\"web\":-0.05},\"grade\":{\"string\":\"C2\"},"
           "\"stage\":{\"string\":\"warm\"},\"route\":{\"string\":\"nurture\"},\"model\":\"b2b-saas\",\"version\":3,"
           "\"reasons\":["
           "{\"RuleReason\":{\"rule\":\"pricing\",\"points\":20.0,\"count\":2.0}},"
           "{\"FitReason\":{\"rule\":\"decider\",\"points\":25.0}},"
           "{\"ClampReason\":{\"clamp\":\"group.email\",\"points\":-1.25}},"
           "{\"ClampReason\":{\"clamp\":\"engagement\",\"points\":-0.01}},"
           "{\"ClampReason\":{\"clamp\":\"fit\",\"points\":0.01}},"
           "{\"WeightReason\":{\"weight\":\"engagement\",\"points\":0.02}},"
           "{\"WeightReason\":{\"weight\":\"fit\",\"points\":0.03}},"
           "{\"ClampReason\":{\"clamp\":\"total\",\"points\":0.04}},"
           "{\"RoundingReason\":{\"rounding\":\"total\",\"points\":0.05}}]}");
}
END_TEST

START_TEST(what_the_model_has_not_is_null) {
    struct record r = record_of(RECORD_SCORE_CHANGED);
    r.trigger = TRIGGER_TIME;
    r.cause = (struct bytes){NULL, 0};
    expect(&plain, &r,
           "{\"kind\":\"score_changed\",\"id\":\"00112233-4455-6677-8899-aabbccddeeff\",\"lead\":\"l-17\","
           "\"at\":1795341600123,\"trigger\":\"time\",\"cause\":null,\"total\":52.5,\"engagement\":27.45,\"fit\":25.05,"
           "\"groups\":{},\"grade\":null,\"stage\":null,\"route\":null,"
           "\"previous\":{\"total\":0.0,\"grade\":null,\"stage\":null,\"route\":null},"
           "\"model\":\"m\",\"version\":2147483647}");
}
END_TEST

START_TEST(a_lead_is_erased) {
    struct record r = record_of(RECORD_ERASED);
    expect(&full, &r, "{\"kind\":\"erased\",\"id\":\"00112233-4455-6677-8899-aabbccddeeff\",\"lead\":\"l-17\","
                      "\"at\":1795341600123}");
}
END_TEST

START_TEST(a_record_that_does_not_fit_leaves_the_writer_sick) {
    struct record r = record_of(RECORD_SALES_READY);
    uint8_t small[100];
    struct writer w = writer_of(small, sizeof small);
    record_avro_write(&w, &full, &r);
    ck_assert(!w.ok);
}
END_TEST

START_TEST(fingerprints_are_those_of_the_schemas) {
    struct schemas *set = schemas_new();
    for (enum record_kind kind = RECORD_SCORE_CHANGED; kind <= RECORD_ERASED; kind++) {
        const struct schema *schema = schemas_add(set, record_avro_schema(kind), -1, NULL);
        ck_assert(schema != NULL);
        ck_assert_msg(record_avro_fingerprint(kind) == schema_fingerprint(schema), "%.*s: 0x%016llx",
                      (int)schema_name(schema).n, (const char *)schema_name(schema).at,
                      (unsigned long long)schema_fingerprint(schema));
    }
    schemas_free(&set);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_change_of_score);
    tcase_add_test(all, a_lead_is_sales_ready_and_why);
    tcase_add_test(all, what_the_model_has_not_is_null);
    tcase_add_test(all, a_lead_is_erased);
    tcase_add_test(all, a_record_that_does_not_fit_leaves_the_writer_sick);
    tcase_add_test(all, fingerprints_are_those_of_the_schemas);
}

SUITE_MAIN("record_avro", add)
