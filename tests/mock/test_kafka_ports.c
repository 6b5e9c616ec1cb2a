/* Source and sink on the mock cluster: items in order, ends, arrays, bad records, seeking, and a transaction. */
#include "mock_rig.h"

#include <stdio.h>
#include <time.h>

/* Well before any clock that these tests run by: the mock stamps records with the time of their producing. */
#define T0 INT64_C(1700000000000)

static void take(uint16_t topic, uint32_t shard) {
    rig.source.take(rig.source.self, topic, shard);
}

/* ---- the source ---- */

START_TEST(items_come_in_order_and_ends_are_seen) {
    char lead[32], line[256];
    mock_open(2);
    rig_lead(lead, 1, 2);
    for (int i = 0; i < 3; i++) {
        char id[8];
        snprintf(id, sizeof id, "e%d", i);
        rig_produce(&rig, rig.names[RIG_INPUT_A], -1, lead, rig_event(line, lead, id, T0 + i));
    }
    rig_open(&rig);
    rig_join(&rig);
    ck_assert_uint_eq(rig.n_shards, 2);
    rig_rewind(&rig);
    const struct intake *item;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(rig_head(&rig, 0, 1, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
        ck_assert_msg(!item->bad, "%s", item->bad ? item->err->words : "");
        ck_assert_int_eq(item->offset, i);
        ck_assert(item->event.time == T0 + i && item->last);
        ck_assert_bytes_eq(item->key, lead);
        take(0, 1);
    }
    ck_assert_int_eq(rig_head(&rig, 0, 1, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_END);
    ck_assert_int_eq(rig_head(&rig, 1, 1, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_END);
    ck_assert_int_eq(rig_head(&rig, 0, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_END);
    /* A record after the end: END until it comes, and then no longer at the end until the end is seen again. */
    rig_produce(&rig, rig.names[RIG_INPUT_A], -1, lead, rig_event(line, lead, "e3", T0));
    ck_assert_int_eq(rig_head(&rig, 0, 1, &item, SOURCE_END, RIG_PATIENCE), SOURCE_ITEM);
    take(0, 1);
    ck_assert_int_eq(rig_head(&rig, 0, 1, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_END);
    ck_assert_int_eq(kafka_source_lag(rig.owned_source), 0);
    mock_close();
}
END_TEST

START_TEST(seek_goes_to_the_very_record) {
    char lead[32], line[256];
    mock_open(1);
    rig_lead(lead, 0, 1);
    for (int i = 0; i < 5; i++) {
        char id[8];
        snprintf(id, sizeof id, "e%d", i);
        rig_produce(&rig, rig.names[RIG_INPUT_B], -1, lead, rig_event(line, lead, id, T0));
    }
    rig_open(&rig);
    rig_join(&rig);
    const struct intake *item;
    for (int round = 0; round < 20; round++) {
        int64_t offsets[RIG_TOPICS] = {0, (round * 3) % 5};
        struct err e;
        ck_assert(rig.source.seek(rig.source.self, 0, offsets, &e));
        for (int64_t at = offsets[1]; at < 5; at++) {
            ck_assert_int_eq(rig_head(&rig, 1, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
            ck_assert_int_eq(item->offset, at);
            take(1, 0);
        }
        rig.source.release(rig.source.self);
    }
    mock_close();
}
END_TEST

START_TEST(an_array_is_several_items_and_survives_a_release_in_its_middle) {
    char lead[32], one[256], array[800];
    mock_open(1);
    rig_lead(lead, 0, 1);
    int n = snprintf(array, sizeof array, "[");
    for (int i = 0; i < 3; i++) {
        char id[8];
        snprintf(id, sizeof id, "e%d", i);
        n += snprintf(array + n, sizeof array - (size_t)n, "%s%s", i ? "," : "", rig_event(one, lead, id, T0 + i));
    }
    snprintf(array + n, sizeof array - (size_t)n, ",7]");
    rig_produce(&rig, rig.names[RIG_INPUT_A], -1, lead, array);
    rig_produce(&rig, rig.names[RIG_INPUT_A], -1, lead, "[]");
    rig_produce(&rig, rig.names[RIG_INPUT_A], -1, lead, rig_event(one, lead, "after", T0));
    rig_open(&rig);
    rig_join(&rig);
    rig_rewind(&rig);
    const struct intake *item;
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(rig_head(&rig, 0, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
        ck_assert_uint_eq(item->index, i);
        ck_assert_int_eq(item->offset, 0);
        ck_assert_int_eq(item->last, i == 3);
        ck_assert_int_eq(item->bad, i == 3);
        if (i < 3)
            ck_assert(item->event.time == T0 + i);
        take(0, 0);
        rig.source.release(rig.source.self);
    }
    ck_assert_int_eq(rig_head(&rig, 0, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
    ck_assert_int_eq(item->offset, 2);
    ck_assert_bytes_eq(item->event.id, "after");
    mock_close();
}
END_TEST

START_TEST(bad_records_say_why) {
    char lead[32], other[32], line[256];
    mock_open(2);
    rig_lead(lead, 0, 2);
    rig_lead(other, 1, 2);
    const char *topic = rig.names[RIG_INPUT_A];
    rig_produce(&rig, topic, 0, lead, "not json");
    rig_produce(&rig, topic, 0, other, rig_event(line, other, "e1", T0));
    rig_produce(&rig, topic, 0, NULL, rig_event(line, lead, "e2", INT64_C(4102444800000)));
    rig_produce(&rig, topic, 0, lead, NULL);
    rig_produce(&rig, topic, 0, NULL, rig_event(line, lead, "e4", T0));
    rig_open(&rig);
    rig_join(&rig);
    rig_rewind(&rig);
    static const enum err_code codes[] = {ERR_MALFORMED, ERR_MISPLACED, ERR_FUTURE, ERR_MALFORMED, ERR_NONE};
    const struct intake *item;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ck_assert_int_eq(rig_head(&rig, 0, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
        enum err_code code = item->bad ? item->err->code : ERR_NONE;
        ck_assert_msg(code == codes[i], "record %zu: %s (%s)", i, err_name(code), item->bad ? item->err->words : "");
        take(0, 0);
    }
    ck_assert_ptr_null(item->key.at);
    mock_close();
}
END_TEST

/* A registry that is away at first, and then knows nothing. */
static int asked;

static bool fetch_schema(void *registry, int64_t id, struct err *e) {
    ck_assert_ptr_eq(registry, &rig);
    ck_assert_int_eq(id, 7);
    if (asked++ == 0)
        return err_set(e, ERR_UNAVAILABLE, NULL, "the registry is away");
    return err_set(e, ERR_SCHEMA, NULL, "no such schema");
}

START_TEST(an_unknown_schema_is_waited_for_then_refused) {
    const struct intake *item;
    mock_open(1);
    asked = 0;
    rig.schemas = schemas_new();
    if (_i)
        rig.fetch_schema = fetch_schema;
    if (_i < 2) /* the id stands before the body, or beside it */
        rig_produce_bytes(&rig, rig.names[RIG_INPUT_A], 0, (struct bytes){(const uint8_t *)"\0\0\0\0\7body", 9});
    else
        rig_produce_beside(&rig, rig.names[RIG_INPUT_A], 0, bytes_of("body"), "__value_schema_id",
                           (struct bytes){(const uint8_t *)"\0\0\0\0\7", 5});
    rig_open(&rig);
    rig_join(&rig);
    rig_rewind(&rig);
    ck_assert_int_eq(rig_head(&rig, 0, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
    ck_assert(item->bad && item->last);
    ck_assert_int_eq(item->err->code, ERR_SCHEMA);
    ck_assert_int_eq(item->schema_id, 7);
    ck_assert_int_eq(asked, _i ? 2 : 0);
    rig_close(&rig, false);
    schemas_free(&rig.schemas);
    mock_close();
}
END_TEST

START_TEST(poll_sleeps_until_something_comes) {
    char lead[32], line[256];
    struct err e;
    mock_open(1);
    rig_lead(lead, 0, 1);
    rig_open(&rig);
    rig_join(&rig);
    rig_rewind(&rig);
    const struct intake *item;
    for (uint16_t t = 0; t < RIG_TOPICS; t++)
        ck_assert_int_eq(rig_head(&rig, t, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_END);
    struct timespec before, after, cpu_before, cpu_after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu_before);
    ck_assert(rig.source.poll(rig.source.self, &rig.listener, 300, &e));
    clock_gettime(CLOCK_MONOTONIC, &after);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu_after);
    double slept = (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6;
    double worked =
        (double)(cpu_after.tv_sec - cpu_before.tv_sec) * 1e3 + (double)(cpu_after.tv_nsec - cpu_before.tv_nsec) / 1e6;
    ck_assert_msg(slept > 250 && worked < 50, "%g ms, of them %g ms of work", slept, worked);
    rig_produce(&rig, rig.names[RIG_INPUT_A], -1, lead, rig_event(line, lead, "e", T0));
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert(rig.source.poll(rig.source.self, &rig.listener, RIG_PATIENCE, &e));
    ck_assert_int_eq(rig.source.head(rig.source.self, 0, 0, &item), SOURCE_ITEM);
    kafka_source_wake(rig.owned_source);
    ck_assert(rig.source.poll(rig.source.self, &rig.listener, RIG_PATIENCE, &e));
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_lt(after.tv_sec - before.tv_sec, RIG_PATIENCE / 1000);
    mock_close();
}
END_TEST

/* ---- the sink ---- */

START_TEST(a_transaction_writes_all_its_topics) {
    char lead[32], key[256], value[256];
    struct err e;
    mock_open(2);
    rig_lead(lead, 0, 2);
    rig_open(&rig);
    rig_join(&rig);
    mock_init();
    mock_begin();
    struct record record = {.kind = RECORD_ERASED, .lead = bytes_of(lead), .at = T0};
    ck_assert_msg(rig.sink.emit(rig.sink.self, &record, &e), "%s", e.words);
    ck_assert(rig.sink.forget(rig.sink.self, record.lead, &e));
    struct intake item = {
        .shard = 1, .offset = 5, .timestamp = 6, .key = bytes_of("k"), .value = bytes_of("bytes"), .schema_id = -1};
    struct err why;
    err_set(&why, ERR_MALFORMED, NULL, "no good");
    ck_assert(rig.sink.reject(rig.sink.self, &item, &why, &e));
    struct intake timer = {.topic = ENGINE_NO_TOPIC, .offset = 9, .timestamp = T0, .last = true, .schema_id = -1};
    timer.key = timer.event.lead = bytes_of(lead);
    err_set(&why, ERR_POISON, NULL, "a lead's timer");
    ck_assert(rig.sink.reject(rig.sink.self, &timer, &why, &e));
    ck_assert(rig.sink.log(rig.sink.self, 0, bytes_of("Llead"), bytes_of("value"), &e));
    mock_log_shard();
    ck_assert_msg(mock_send_and_commit(&e), "%s", e.words);
    ck_assert_int_eq(rig.sink.log_end(rig.sink.self, 0), 2);
    ck_assert_int_eq(rig.sink.log_end(rig.sink.self, 1), ENGINE_NO_OFFSET);

    ck_assert_uint_eq(rig_read(&rig, rig.names[RIG_SCORES], 0, "read_committed", key, value), 2);
    ck_assert_str_eq(key, lead);
    ck_assert_str_eq(value, "");
    ck_assert_uint_eq(rig_read(&rig, rig.names[RIG_DEAD_LETTERS], 1, "read_committed", key, value), 1);
    ck_assert_str_eq(value, "bytes");
    char text[256];
    ck_assert_str_eq(rig_header(&rig, rig.names[RIG_DEAD_LETTERS], 1, "code", text), "malformed");
    ck_assert_str_eq(rig_header(&rig, rig.names[RIG_DEAD_LETTERS], 1, "topic", text), rig.names[RIG_INPUT_A]);
    ck_assert_str_eq(rig_header(&rig, rig.names[RIG_DEAD_LETTERS], 1, "offset", text), "5");
    ck_assert_uint_eq(rig_read(&rig, rig.names[RIG_DEAD_LETTERS], 0, "read_committed", key, value), 1);
    ck_assert_str_eq(key, lead);
    ck_assert_str_eq(value, "");
    ck_assert_str_eq(rig_header(&rig, rig.names[RIG_DEAD_LETTERS], 0, "code", text), "poison");
    ck_assert_str_eq(rig_header(&rig, rig.names[RIG_DEAD_LETTERS], 0, "topic", text), rig.names[RIG_CHANGELOG]);
    ck_assert_str_eq(rig_header(&rig, rig.names[RIG_DEAD_LETTERS], 0, "lead", text), lead);
    ck_assert_uint_eq(rig_read(&rig, rig.names[RIG_CHANGELOG], 0, "read_committed", key, value), 2);
    ck_assert_str_eq(key, "S");

    int64_t offsets[RIG_TOPICS];
    ck_assert(rig.source.committed(rig.source.self, 0, offsets, &e));
    ck_assert(offsets[0] == 7 && offsets[1] == 8);
    ck_assert(rig.source.committed(rig.source.self, 1, offsets, &e));
    ck_assert(offsets[0] == ENGINE_NO_OFFSET);
    mock_close();
}
END_TEST

START_TEST(the_changelog_reads_back) {
    struct err e;
    mock_open(1);
    rig_fill(&rig, rig.names[RIG_CHANGELOG], 0, 2500);
    rig_open(&rig);
    mock_init();
    int64_t first, end, position = 0;
    ck_assert(rig.sink.log_bounds(rig.sink.self, 0, &first, &end, &e));
    ck_assert(first == 0 && end == 2500);
    ck_assert(rig.sink.log_open(rig.sink.self, 0, 100, &e));
    struct log_entry entries[64];
    size_t n, total = 0;
    for (int i = 0; i < 1000 && position < end; i++) {
        ck_assert_msg(rig.sink.log_read(rig.sink.self, 100, entries, 64, &n, &position, &e), "%s", e.words);
        for (size_t k = 0; k < n; k++) {
            char key[32];
            snprintf(key, sizeof key, "k%zu", 100 + total++);
            ck_assert_bytes_eq(entries[k].key, key);
        }
    }
    ck_assert_int_eq(position, 2500);
    ck_assert_uint_eq(total, 2400);
    ck_assert(rig.sink.log_read(rig.sink.self, 20, entries, 64, &n, &position, &e));
    ck_assert_uint_eq(n, 0);
    rig.sink.log_close(rig.sink.self);
    rig.sink.log_close(rig.sink.self);
    ck_assert(rig.sink.log_open(rig.sink.self, 0, 0, &e)); /* the consumer is used again */
    for (int i = 0; i == 0 || (n == 0 && i < 1000); i++)
        ck_assert_msg(rig.sink.log_read(rig.sink.self, 100, entries, 1, &n, &position, &e), "%s", e.words);
    ck_assert(n == 1 && position == 1);
    mock_close();
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, items_come_in_order_and_ends_are_seen);
    tcase_add_test(all, seek_goes_to_the_very_record);
    tcase_add_test(all, an_array_is_several_items_and_survives_a_release_in_its_middle);
    tcase_add_test(all, bad_records_say_why);
    tcase_add_loop_test(all, an_unknown_schema_is_waited_for_then_refused, 0, 3);
    tcase_add_test(all, poll_sleeps_until_something_comes);
    tcase_add_test(all, a_transaction_writes_all_its_topics);
    tcase_add_test(all, the_changelog_reads_back);
}

SUITE_MAIN("kafka ports on the mock", add)
