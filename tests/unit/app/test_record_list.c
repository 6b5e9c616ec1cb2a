/* Records come back as they were kept, by (at, lead), and within one at and lead in the order in which they came. */
#include "support/suite.h"

#include "app/record_list.h"
#include <stdio.h>
#include <stdlib.h>

enum { RECORDS = 20000, GROUPS = 3 };

static struct model model = {.n_groups = GROUPS};
static int64_t groups[GROUPS];
static char causes[RECORDS][16];
static const struct reason reasons[] = {{.kind = REASON_RULE, .points = 2000, .count = 200},
                                        {.kind = REASON_ROUNDING, .points = -1}};

/* Record number i: its parts follow from i, its place (at, lead) is random but little, so that many are equal. */
static struct record make(size_t i, uint64_t *seed) {
    static const char *const leads[] = {"a", "ab", "b", "\xc3\xa9"};
    for (size_t g = 0; g < GROUPS; g++)
        groups[g] = (int64_t)(i * (g + 1)) - 5000;
    snprintf(causes[i], sizeof causes[i], "e-%zu", i);
    bool ready = i % 7 == 0;
    struct record record = {
        .kind = ready         ? RECORD_SALES_READY
                : i % 11 == 0 ? RECORD_ERASED
                              : RECORD_SCORE_CHANGED,
        .trigger = i % 3 == 0 ? TRIGGER_TIME : TRIGGER_EVENT,
        .lead = bytes_of(leads[suite_below(seed, 4)]),
        .cause = bytes_of(i % 3 == 0 ? "" : causes[i]),
        .at = INT64_C(1795341600000) + suite_below(seed, 50),
        .score = {.total = (int64_t)i, .engagement = -(int64_t)i, .fit = INT64_MIN, .groups = groups},
        .n_reasons = ready ? 2 : 0,
        .reasons = reasons};
    record.id[0] = (uint8_t)i, record.id[1] = (uint8_t)(i >> 8), record.id[2] = (uint8_t)(i >> 16);
    record.score.stage = (uint8_t)(i % 16), record.score.route = (uint8_t)(i % 64);
    memcpy(record.score.grade, "B2", 2);
    record.previous.total = INT64_MAX;
    memcpy(record.previous.grade, "D4", 2);
    return record;
}

static size_t number_of(const struct record *record) {
    return record->id[0] | (size_t)record->id[1] << 8 | (size_t)record->id[2] << 16;
}

static void same(const struct record *got, const struct record *put) {
    ck_assert_int_eq(got->kind, put->kind);
    ck_assert_int_eq(got->trigger, put->trigger);
    ck_assert(got->at == put->at && bytes_equal(got->lead, put->lead));
    if (put->kind == RECORD_ERASED)
        return;
    ck_assert(bytes_equal(got->cause, put->cause));
    ck_assert(got->score.total == put->score.total && got->score.fit == put->score.fit);
    ck_assert(got->score.engagement == put->score.engagement);
    ck_assert(!memcmp(got->score.groups, put->score.groups, sizeof groups));
    ck_assert(got->score.stage == put->score.stage && got->score.route == put->score.route);
    ck_assert(!memcmp(got->score.grade, "B2", 2) && !memcmp(got->previous.grade, "D4", 2));
    ck_assert(got->previous.total == put->previous.total);
    ck_assert_uint_eq(got->n_reasons, put->n_reasons);
    for (size_t i = 0; i < put->n_reasons; i++)
        ck_assert(got->reasons[i].points == reasons[i].points && got->reasons[i].kind == reasons[i].kind);
}

START_TEST(records_come_back_in_order) {
    struct arena *arena = arena_new((size_t)1 << 20);
    struct record_list *list = record_list_new(&model);
    uint64_t seed = 3;
    for (size_t i = 0; i < RECORDS; i++) {
        struct record record = make(i, &seed);
        record_list_add(list, &record);
    }
    ck_assert_uint_eq(record_list_count(list), RECORDS);
    record_list_sort(list);
    struct record *made = calloc(RECORDS, sizeof *made);
    seed = 3;
    for (size_t i = 0; i < RECORDS; i++)
        made[i] = make(i, &seed);
    struct record before = {.at = INT64_MIN};
    for (size_t i = 0; i < RECORDS; i++) {
        struct record record;
        arena_reset(arena);
        record_list_get(list, i, arena, &record);
        size_t number = number_of(&record);
        ck_assert(number < RECORDS);
        for (size_t g = 0; g < GROUPS; g++)
            groups[g] = (int64_t)(number * (g + 1)) - 5000;
        same(&record, &made[number]);
        int order = before.at != record.at ? (before.at < record.at ? -1 : 1) : bytes_compare(before.lead, record.lead);
        ck_assert(order < 0 || (order == 0 && number_of(&before) < number));
        before = record;
    }
    free(made);
    record_list_free(&list);
    arena_free(&arena);
}
END_TEST

START_TEST(an_empty_list) {
    struct record_list *list = record_list_new(&model);
    record_list_sort(list);
    ck_assert_uint_eq(record_list_count(list), 0);
    record_list_free(&list);
    record_list_free(&list);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, records_come_back_in_order);
    tcase_add_test(all, an_empty_list);
}

SUITE_MAIN("record_list", add)
