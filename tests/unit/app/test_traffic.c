/* Generated traffic: the same from the same seed, in the order of arrival, all of it events but what is rubbish, and
 * about as much of each kind as was asked for. */
#include "support/suite.h"

#include "app/traffic.h"
#include "codec/event_json.h"
#include "codec/event_line.h"
#include <leadstream/when.h>
#include <stdio.h>

static struct arena *arena;
static const struct traffic_options plain = {
    .seed = 5, .leads = 300, .events = 20000, .days = 60, .from = INT64_C(1767225600000)};

static void setup(void) {
    arena = arena_new((size_t)1 << 20);
}

static void teardown(void) {
    arena_free(&arena);
}

/* A hash of the first n items. */
static uint64_t hash_of(const struct traffic_options *options, size_t n) {
    struct traffic *traffic = traffic_new(options);
    struct text text = {0};
    uint64_t hash = 0;
    for (size_t i = 0; i < n; i++) {
        struct traffic_item item;
        arena_reset(arena);
        traffic_next(traffic, arena, &item);
        text.n = 0;
        traffic_item_text(&text, &item);
        hash = hash * 31 + event_hash((struct bytes){(const uint8_t *)text.at, text.n});
    }
    text_free(&text);
    traffic_free(&traffic);
    return hash;
}

START_TEST(the_seed_decides) {
    struct traffic_options options = plain;
    options.duplicates = options.late = options.rubbish = 20000;
    uint64_t first = hash_of(&options, 5000);
    ck_assert(hash_of(&options, 5000) == first);
    options.seed++;
    ck_assert(hash_of(&options, 5000) != first);
    /* What one version wrote the next must write too: examples and benchmarks name seeds. */
    ck_assert_msg(hash_of(&plain, 1000) == UINT64_C(0xe6bc923df29fb50e), "the traffic of a seed has changed: 0x%llx",
                  (unsigned long long)hash_of(&plain, 1000));
}
END_TEST

START_TEST(events_come_in_time_and_are_events) {
    struct traffic *traffic = traffic_new(&plain);
    int64_t last = plain.from;
    size_t machines = 0, won = 0, submitted = 0;
    for (size_t i = 0; i < plain.events; i++) {
        struct traffic_item item;
        struct err e;
        arena_reset(arena);
        traffic_next(traffic, arena, &item);
        ck_assert(!item.rubbish && item.at == item.event.time && item.at >= last);
        ck_assert_msg(event_check(&item.event, &e), "%s", e.words);
        ck_assert_uint_lt(arena_used(arena), 4096);
        last = item.at;
        machines += item.event.machine;
        won += bytes_is(item.event.type, "crm.won");
        submitted += bytes_is(item.event.type, "form.submitted");
    }
    ck_assert_msg(machines > 200 && won > 10 && submitted > 200, "%zu %zu %zu", machines, won, submitted);
    int64_t days = (last - plain.from) / WHEN_DAY;
    ck_assert_msg(days > 40 && days < 90, "%lld days", (long long)days);
    traffic_free(&traffic);
}
END_TEST

START_TEST(duplicates_late_and_rubbish_by_share) {
    struct traffic_options options = plain;
    options.duplicates = 30000;
    options.late = 50000;
    options.rubbish = 20000;
    struct traffic *traffic = traffic_new(&options);
    static const struct mapping shipped = {.shipped = true};
    struct event_json *json = event_json_new(&shipped, NULL);
    static uint8_t seen[40000];
    size_t twice = 0, late = 0, rubbish = 0;
    int64_t last = 0;
    for (size_t i = 0; i < options.events; i++) {
        struct traffic_item item;
        struct err e;
        arena_reset(arena);
        traffic_next(traffic, arena, &item);
        ck_assert(item.at >= last);
        last = item.at;
        if (item.rubbish) {
            struct event event;
            uint32_t entry;
            rubbish++;
            bool read = event_json_start(json, item.text, arena, &e);
            ck_assert_msg(!read || event_json_next(json, &event, &entry, &e) == DECODER_BAD, "%.*s", (int)item.text.n,
                          (const char *)item.text.at);
            continue;
        }
        ck_assert_msg(event_check(&item.event, &e), "%s", e.words);
        unsigned number;
        char id[64];
        snprintf(id, sizeof id, "%.*s", (int)item.event.id.n, (const char *)item.event.id.at);
        ck_assert(sscanf(id, "e5-%u", &number) == 1 && number < sizeof seen);
        twice += seen[number];
        late += !seen[number] && item.event.time < item.at;
        seen[number] = 1;
    }
    ck_assert_msg(twice > 450 && twice < 750, "%zu of 600 twice", twice);
    ck_assert_msg(late > 800 && late < 1200, "%zu of 1000 late", late);
    ck_assert_msg(rubbish > 320 && rubbish < 480, "%zu of 400 rubbish", rubbish);
    event_json_free(&json);
    traffic_free(&traffic);
}
END_TEST

START_TEST(one_lead_alone) {
    struct traffic_options options = plain;
    options.leads = 1;
    options.late = options.duplicates = 1000000;
    ck_assert(hash_of(&options, 2000) != 0);
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_seed_decides);
    tcase_add_test(all, events_come_in_time_and_are_events);
    tcase_add_test(all, duplicates_late_and_rubbish_by_share);
    tcase_add_test(all, one_lead_alone);
}

SUITE_MAIN("traffic", add)
