/* What a terminal shows: aligned, cut where too long, and without control characters from outside. */
#include "support/suite.h"

#include "app/score_table.h"

static struct text out;
static struct model_stage stages[] = {{.name = {(const uint8_t *)"cold", 4}},
                                      {.name = {(const uint8_t *)"warmest", 7}}};
static struct model_route routes[] = {{.to = {(const uint8_t *)"nurture", 7}}};
static struct model model = {.n_stages = 2, .stages = stages, .n_routes = 1, .routes = routes, .n_grade_fit = 1};
static const struct reason reasons[] = {
    {.kind = REASON_RULE, .name = {(const uint8_t *)"pricing", 7}, .points = 2000},
    {.kind = REASON_CLAMP_GROUP, .name = {(const uint8_t *)"web", 3}, .points = -350},
    {.kind = REASON_ROUNDING, .points = 1}};

static void teardown(void) {
    text_free(&out);
}

static void expect(const char *expected) {
    text_put(&out, "", 1);
    ck_assert_str_eq(out.at, expected);
    out.n = 0;
}

START_TEST(leads) {
    struct score_table table;
    struct score score = {.total = 1651, .engagement = 1650, .fit = 0, .stage = 1, .grade = {'D', '2'}};
    struct lead_line line = {bytes_of("l-1"), &score, 0, 12, reasons, 3, NULL};
    score_table_init(&table, &model, 6);
    score_table_leads_head(&table, &out);
    score_table_lead(&table, &out, &line, 2);
    line.lead = bytes_of("\x1b[2Jx\xc3\xa9z");
    line.n_reasons = 0;
    score_table_lead(&table, &out, &line, 2);
    line.lead = bytes_of("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
    line.reasons = reasons;
    line.n_reasons = 3;
    score_table_lead(&table, &out, &line, SIZE_MAX);
    expect(
        "LEAD        TOTAL  GRADE  STAGE    ROUTE    ENGAGEMENT        FIT    EVENTS  WHY\n"
        "l-1         16.51  D2     warmest  nurture        16.5          0        12  pricing +20, clamp of web -3.5, "
        "..\n"
        "?[2Jx~      16.51  D2     warmest  nurture        16.5          0        12\n"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9      16.51  D2     warmest  nurture        16.5          0   "
        "     12  pricing +20, clamp of web -3.5, rounding +0.01\n");
}
END_TEST

START_TEST(records) {
    struct score_table table;
    struct record record = {.kind = RECORD_SCORE_CHANGED,
                            .trigger = TRIGGER_EVENT,
                            .lead = bytes_of("l-1"),
                            .cause = bytes_of("e-1"),
                            .at = INT64_C(1795341600000),
                            .score = {.total = 1200, .grade = {'A', '1'}},
                            .previous = {.total = -50}};
    score_table_init(&table, &model, 1);
    score_table_records_head(&table, &out);
    score_table_record(&table, &out, &record);
    record.kind = RECORD_SALES_READY;
    record.trigger = TRIGGER_TIME;
    record.cause = bytes_of("");
    score_table_record(&table, &out, &record);
    record.kind = RECORD_ERASED;
    score_table_record(&table, &out, &record);
    expect(
        "AT                        LEAD  WHAT               TOTAL     BEFORE  GRADE  STAGE    ROUTE    BECAUSE OF\n"
        "2026-11-22T10:00:00.000Z  l-1   score changed         12       -0.5  A1     cold     nurture  event e-1\n"
        "2026-11-22T10:00:00.000Z  l-1   sales ready           12             A1     cold     nurture  time passing\n"
        "2026-11-22T10:00:00.000Z  l-1   erased\n");
}
END_TEST

START_TEST(a_model_without_stages) {
    struct score_table table;
    struct model bare = {0};
    struct score score = {0};
    struct lead_line line = {.lead = bytes_of("l"), .score = &score};
    score_table_init(&table, &bare, 1);
    score_table_leads_head(&table, &out);
    score_table_lead(&table, &out, &line, 3);
    expect("LEAD      TOTAL  ENGAGEMENT        FIT    EVENTS  WHY\n"
           "l             0           0          0         0\n");
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, NULL, teardown);
    tcase_add_test(all, leads);
    tcase_add_test(all, records);
    tcase_add_test(all, a_model_without_stages);
}

SUITE_MAIN("score_table", add)
