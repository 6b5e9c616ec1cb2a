/* Gathered records: all arrive, in order, whatever the rooms and bounds. */
#include "adapters/kafka_stage.h"
#include "mock_rig.h"

#include <stdio.h>
#include <stdlib.h>

START_TEST(a_stage_has_bounds) {
    static uint8_t large[KAFKA_STAGE_BLOCK + 1];
    struct kafka_stage *stage = kafka_stage_new();
    kafka_stage_start(stage, NULL);
    ck_assert(!kafka_stage_add(stage, 0, bytes_of("k"), (struct bytes){large, sizeof large}, NULL));
    for (int i = 0; i < KAFKA_STAGE_BLOCKS; i++)
        ck_assert(kafka_stage_add(stage, 0, (struct bytes){NULL, 0}, (struct bytes){large, KAFKA_STAGE_BLOCK}, NULL));
    ck_assert(!kafka_stage_add(stage, 0, bytes_of("k"), bytes_of("v"), NULL));
    kafka_stage_start(stage, NULL);
    for (int i = 0; i < KAFKA_STAGE_RECORDS; i++)
        ck_assert(kafka_stage_add(stage, 0, bytes_of("k"), (struct bytes){NULL, 0}, NULL));
    ck_assert(!kafka_stage_add(stage, 0, bytes_of("k"), bytes_of("v"), NULL));
    ck_assert_ptr_null(stage->records[0].payload);
    kafka_stage_free(&stage);
}
END_TEST

/* More records than a stage or librdkafka's queue hold, some too large to be staged: the changelog has them in order. */
START_TEST(order_is_kept_through_full_queues) {
    static uint8_t large[KAFKA_STAGE_BLOCK + 100];
    struct err e;
    mock_open(1);
    rig.extra[rig.n_extra++] = (struct kafka_conf_property){"queue.buffering.max.messages", "700"};
    rig_open(&rig);
    rig_join(&rig);
    mock_init();
    mock_begin();
    enum { N = 9000 };
    for (int i = 0; i < N; i++) {
        char key[32];
        snprintf(key, sizeof key, "L%d", i);
        struct bytes value = i % 4000 == 3999 ? (struct bytes){large, sizeof large} : bytes_of("value");
        while (!rig.sink.log(rig.sink.self, 0, bytes_of(key), value, &e))
            ck_assert_msg(e.code == ERR_FULL, "%s", e.words);
    }
    mock_log_shard();
    while (!mock_send(&e))
        ck_assert_msg(e.code == ERR_FULL, "%s", e.words);
    while (!rig.sink.commit(rig.sink.self, &e))
        ck_assert_msg(err_class(e.code) == ERR_CLASS_RETRY, "%s", e.words);
    ck_assert_int_eq(rig.sink.log_end(rig.sink.self, 0), N + 1);
    ck_assert_uint_gt(kafka_sink_counts(rig.owned_sink)->full, 0);
    struct log_entry entries[100];
    int64_t position = 0;
    int seen = 0;
    ck_assert(rig.sink.log_open(rig.sink.self, 0, 0, &e));
    for (int tries = 0; seen < N && tries < 2000; tries++) {
        size_t n;
        ck_assert_msg(rig.sink.log_read(rig.sink.self, 50, entries, 100, &n, &position, &e), "%s", e.words);
        for (size_t i = 0; i < n && seen < N; i++, seen++) {
            char key[32];
            snprintf(key, sizeof key, "L%d", seen);
            ck_assert_bytes_eq(entries[i].key, key);
        }
    }
    ck_assert_int_eq(seen, N);
    mock_close();
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_stage_has_bounds);
    tcase_add_test(all, order_is_kept_through_full_queues);
}

SUITE_MAIN("kafka_stage", add)
