/* Records and lead lines, letter by letter: the order of keys and the form of numbers are promises to consumers. */
#include "support/suite.h"

#include "codec/record_json.h"

static struct text out;
static int64_t groups[] = {1250, -25};
static struct model_group model_groups[2];
static struct model_stage stages[2];
static struct model_route routes[2];
static struct model_attr attrs[3];
static struct model model;
static struct record record;
static const struct reason reasons[] = {
    {.kind = REASON_RULE, .points = 2000, .count = 200},
    {.kind = REASON_FIT, .points = -1050},
    {.kind = REASON_CLAMP_GROUP, .points = -5},
    {.kind = REASON_CLAMP_ENGAGEMENT, .points = -100},
    {.kind = REASON_CLAMP_FIT, .points = -100},
    {.kind = REASON_WEIGHT_ENGAGEMENT, .points = 100},
    {.kind = REASON_WEIGHT_FIT, .points = 100},
    {.kind = REASON_CLAMP_TOTAL, .points = 1},
    {.kind = REASON_ROUNDING, .points = -1},
};
static struct reason named[sizeof reasons / sizeof *reasons];

static void setup(void) {
    model_groups[0].name = bytes_of("email");
    model_groups[1].name = bytes_of("web");
    stages[0].name = bytes_of("cold");
    stages[1].name = bytes_of("warm");
    routes[0].to = bytes_of("sales");
    routes[1].to = bytes_of("nurture");
    attrs[0].name = bytes_of("title");
    attrs[1].name = bytes_of("country");
    attrs[2].name = bytes_of("phone");
    static struct model_grade_band band = {'A', 100};
    model = (struct model){.name = bytes_of("b2b-saas"),
                           .version = 3,
                           .n_groups = 2,
                           .groups = model_groups,
                           .n_grade_fit = 1,
                           .n_grade_engagement = 1,
                           .grade_fit = &band,
                           .grade_engagement = &band,
                           .n_stages = 2,
                           .stages = stages,
                           .n_routes = 2,
                           .routes = routes,
                           .n_attrs = 3,
                           .attrs = attrs};
    memcpy(named, reasons, sizeof reasons);
    named[0].name = bytes_of("pricing");
    named[1].name = bytes_of("size");
    named[2].name = bytes_of("email");
    record = (struct record){.kind = RECORD_SCORE_CHANGED,
                             .trigger = TRIGGER_EVENT,
                             .id = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x8c, 0xef, 0x81, 1, 2, 3, 4, 5, 6, 0xff},
                             .lead = bytes_of("l-17"),
                             .cause = bytes_of("e-9001"),
                             .at = INT64_C(1795341600000),
                             .score = {.total = 5250,
                                       .engagement = 2750,
                                       .fit = 2500,
                                       .groups = groups,
                                       .stage = 1,
                                       .route = 0,
                                       .grade = {'C', '2'}},
                             .previous = {.total = 0, .stage = 0, .route = 1, .grade = {'D', '4'}},
                             .n_reasons = sizeof named / sizeof *named,
                             .reasons = named};
}

static void teardown(void) {
    text_free(&out);
}

static void expect(const char *expected) {
    text_put(&out, "", 1);
    ck_assert_str_eq(out.at, expected);
    out.n = 0;
}

START_TEST(score_changed) {
    record_json(&out, &model, &record);
    expect(
        "{\"kind\":\"score_changed\",\"id\":\"01234567-89ab-8cef-8101-0203040506ff\",\"lead\":\"l-17\",\"at\":"
        "\"2026-11-22T10:00:00.000Z\",\"trigger\":\"event\",\"cause\":\"e-9001\",\"total\":52.5,\"engagement\":27.5,"
        "\"fit\":25,\"groups\":{\"email\":12.5,\"web\":-0.25},\"grade\":\"C2\",\"stage\":\"warm\",\"route\":\"sales\","
        "\"previous\":{\"total\":0,\"grade\":\"D4\",\"stage\":\"cold\",\"route\":\"nurture\"},\"model\":\"b2b-saas\","
        "\"version\":3}");
}
END_TEST

START_TEST(what_the_model_has_not_is_left_out) {
    model.n_grade_fit = model.n_grade_engagement = 0;
    model.n_stages = model.n_routes = model.n_groups = 0;
    record.trigger = TRIGGER_TIME;
    record.cause = (struct bytes){NULL, 0};
    record_json(&out, &model, &record);
    expect("{\"kind\":\"score_changed\",\"id\":\"01234567-89ab-8cef-8101-0203040506ff\",\"lead\":\"l-17\",\"at\":"
           "\"2026-11-22T10:00:00.000Z\",\"trigger\":\"time\",\"cause\":null,\"total\":52.5,\"engagement\":27.5,"
           "\"fit\":25,\"groups\":{},\"previous\":{\"total\":0},\"model\":\"b2b-saas\",\"version\":3}");
}
END_TEST

START_TEST(sales_ready) {
    record.kind = RECORD_SALES_READY;
    record.trigger = TRIGGER_MERGE;
    record_json(&out, &model, &record);
    expect(
        "{\"kind\":\"sales_ready\",\"id\":\"01234567-89ab-8cef-8101-0203040506ff\",\"lead\":\"l-17\",\"at\":"
        "\"2026-11-22T10:00:00.000Z\",\"trigger\":\"merge\",\"cause\":null,\"total\":52.5,\"engagement\":27.5,"
        "\"fit\":25,\"groups\":{\"email\":12.5,\"web\":-0.25},\"grade\":\"C2\",\"stage\":\"warm\",\"route\":\"sales\","
        "\"model\":\"b2b-saas\",\"version\":3,\"reasons\":[{\"rule\":\"pricing\",\"points\":20,\"count\":2},"
        "{\"rule\":\"size\",\"points\":-10.5},{\"clamp\":\"group.email\",\"points\":-0.05},"
        "{\"clamp\":\"engagement\",\"points\":-1},{\"clamp\":\"fit\",\"points\":-1},"
        "{\"weight\":\"engagement\",\"points\":1},{\"weight\":\"fit\",\"points\":1},"
        "{\"clamp\":\"total\",\"points\":0.01},{\"rounding\":\"total\",\"points\":-0.01}]}");
}
END_TEST

START_TEST(erased) {
    record.kind = RECORD_ERASED;
    record_json(&out, &model, &record);
    expect("{\"kind\":\"erased\",\"id\":\"01234567-89ab-8cef-8101-0203040506ff\",\"lead\":\"l-17\",\"at\":"
           "\"2026-11-22T10:00:00.000Z\"}");
}
END_TEST

START_TEST(lead_lines) {
    struct lead_line line = {bytes_of("l-17"), &record.score, record.at, 7, NULL, 0, NULL};
    lead_line_json(&out, &model, &line);
    expect(
        "{\"lead\":\"l-17\",\"total\":52.5,\"engagement\":27.5,\"fit\":25,\"groups\":{\"email\":12.5,\"web\":-0.25},"
        "\"grade\":\"C2\",\"stage\":\"warm\",\"route\":\"sales\",\"as_of\":\"2026-11-22T10:00:00.000Z\",\"events\":7}");
    struct bytes profile[] = {bytes_of("VP"), bytes_of("DE"), bytes_of("")};
    line.reasons = named;
    line.n_reasons = 1;
    line.profile = profile;
    model.n_groups = model.n_stages = model.n_routes = model.n_grade_fit = 0;
    lead_line_json(&out, &model, &line);
    expect("{\"lead\":\"l-17\",\"total\":52.5,\"engagement\":27.5,\"fit\":25,\"groups\":{},\"as_of\":"
           "\"2026-11-22T10:00:00.000Z\",\"events\":7,\"reasons\":[{\"rule\":\"pricing\",\"points\":20,\"count\":2}],"
           "\"profile\":{\"country\":\"DE\",\"title\":\"VP\"}}");
    line.n_reasons = 0;
    profile[0] = profile[1] = bytes_of("");
    lead_line_json(&out, &model, &line);
    expect("{\"lead\":\"l-17\",\"total\":52.5,\"engagement\":27.5,\"fit\":25,\"groups\":{},\"as_of\":"
           "\"2026-11-22T10:00:00.000Z\",\"events\":7,\"reasons\":[],\"profile\":{}}");
}
END_TEST

START_TEST(strings_are_escaped) {
    text_json_string(&out, (struct bytes){(const uint8_t *)"a\"b\\c\b\f\n\r\t\x01\x1f\x7f\0/", 14});
    expect("\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\"");
    text_json_string(&out, bytes_of("\xc3\xa9\xf0\x9f\x98\x80"));
    expect("\"\xc3\xa9\xf0\x9f\x98\x80\"");
    text_json_string(&out, bytes_of("a\xff\xc3\xa9\xed\xa0\x80\xc3"));
    expect("\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    text_json_string(&out, (struct bytes){NULL, 0});
    expect("\"\"");
}
END_TEST

START_TEST(texts_grow) {
    static char many[100000];
    memset(many, 'x', sizeof many);
    text_put(&out, "ab", 2);
    text_put(&out, many, sizeof many);
    ck_assert_uint_eq(out.n, sizeof many + 2);
    ck_assert(out.cap >= out.n && !memcmp(out.at, "abx", 3));
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, score_changed);
    tcase_add_test(all, what_the_model_has_not_is_left_out);
    tcase_add_test(all, sales_ready);
    tcase_add_test(all, erased);
    tcase_add_test(all, lead_lines);
    tcase_add_test(all, strings_are_escaped);
    tcase_add_test(all, texts_grow);
}

SUITE_MAIN("record_json", add)
