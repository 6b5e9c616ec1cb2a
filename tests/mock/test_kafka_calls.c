/* Whichever of librdkafka's calls a worker may be caught in, it can be said from outside which one it is: the watchdog
 * names it. The calls are put in the way here, and look at what is told while they run. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "mock_rig.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

enum { MOST = 32 };

static struct {
    pthread_t thread; /* the worker's, here the test's */
    bool on;
    unsigned depth; /* calls within another's: the library's own, which are not told, or a callback's, which are */
    const char *seen[MOST];
    size_t n;
} watch;

static bool is(const char *told, const char *name) {
    return told && !strcmp(told, name);
}

static void begin(const char *name) {
    if (!watch.on || !pthread_equal(watch.thread, pthread_self()))
        return;
    const char *sink = kafka_sink_calling(rig.owned_sink), *source = kafka_source_calling(rig.owned_source);
    bool told = is(sink, name) || is(source, name);
    if (watch.depth++ && !told)
        return;
    ck_assert_msg(told, "in %s: the sink tells %s, the source %s", name,
                  sink ? sink : "nothing", source ? source : "nothing");
    size_t i = 0;
    while (i < watch.n && strcmp(watch.seen[i], name))
        i++;
    ck_assert_uint_lt(i, MOST);
    watch.seen[i] = name;
    watch.n += i == watch.n;
}

static void end(void) {
    if (watch.on && pthread_equal(watch.thread, pthread_self()))
        watch.depth--;
}

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

/* The exported function of that name, in the way of librdkafka's. */
#define WATCHED(type, name, parameters, arguments)                                                                     \
    type rd_kafka_##name parameters {                                                                                  \
        static type(*next) parameters;                                                                                 \
        if (!next)                                                                                                     \
            *(void **)&next = real("rd_kafka_" #name);                                                                 \
        begin(#name);                                                                                                  \
        type result = next arguments;                                                                                  \
        end();                                                                                                         \
        return result;                                                                                                 \
    }

typedef const struct rd_kafka_metadata **metadata_out;

WATCHED(rd_kafka_error_t *, init_transactions, (rd_kafka_t * rk, int ms), (rk, ms))
WATCHED(rd_kafka_error_t *, begin_transaction, (rd_kafka_t * rk), (rk))
WATCHED(rd_kafka_error_t *, send_offsets_to_transaction,
        (rd_kafka_t * rk, const rd_kafka_topic_partition_list_t *list,
         const rd_kafka_consumer_group_metadata_t *group, int ms),
        (rk, list, group, ms))
WATCHED(rd_kafka_error_t *, commit_transaction, (rd_kafka_t * rk, int ms), (rk, ms))
WATCHED(rd_kafka_error_t *, abort_transaction, (rd_kafka_t * rk, int ms), (rk, ms))
WATCHED(rd_kafka_resp_err_t, flush, (rd_kafka_t * rk, int ms), (rk, ms))
WATCHED(rd_kafka_resp_err_t, purge, (rd_kafka_t * rk, int flags), (rk, flags))
WATCHED(rd_kafka_consumer_group_metadata_t *, consumer_group_metadata, (rd_kafka_t * rk), (rk))
WATCHED(rd_kafka_resp_err_t, metadata,
        (rd_kafka_t * rk, int all, rd_kafka_topic_t *topic, metadata_out out, int ms), (rk, all, topic, out, ms))
WATCHED(rd_kafka_resp_err_t, query_watermark_offsets,
        (rd_kafka_t * rk, const char *topic, int32_t partition, int64_t *low, int64_t *high, int ms),
        (rk, topic, partition, low, high, ms))
WATCHED(rd_kafka_resp_err_t, committed, (rd_kafka_t * rk, rd_kafka_topic_partition_list_t *list, int ms),
        (rk, list, ms))
WATCHED(rd_kafka_resp_err_t, subscribe, (rd_kafka_t * rk, const rd_kafka_topic_partition_list_t *list), (rk, list))
WATCHED(rd_kafka_resp_err_t, assign, (rd_kafka_t * rk, const rd_kafka_topic_partition_list_t *list), (rk, list))
WATCHED(rd_kafka_resp_err_t, pause_partitions, (rd_kafka_t * rk, rd_kafka_topic_partition_list_t *list), (rk, list))
WATCHED(rd_kafka_resp_err_t, resume_partitions, (rd_kafka_t * rk, rd_kafka_topic_partition_list_t *list), (rk, list))
WATCHED(rd_kafka_error_t *, seek_partitions, (rd_kafka_t * rk, rd_kafka_topic_partition_list_t *list, int ms),
        (rk, list, ms))
WATCHED(rd_kafka_message_t *, consumer_poll, (rd_kafka_t * rk, int ms), (rk, ms))
WATCHED(int, consume_start_queue, (rd_kafka_topic_t * topic, int32_t partition, int64_t from, rd_kafka_queue_t *queue),
        (topic, partition, from, queue))
WATCHED(int, consume_stop, (rd_kafka_topic_t * topic, int32_t partition), (topic, partition))

static bool was_seen(const char *name) {
    for (size_t i = 0; i < watch.n; i++)
        if (is(watch.seen[i], name))
            return true;
    return false;
}

static void watch_on(void) {
    watch.thread = pthread_self();
    watch.n = 0;
    watch.on = true;
}

static void told_all(const char *const *names, size_t n) {
    watch.on = false;
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(was_seen(names[i]), "%s was never called", names[i]);
    ck_assert_ptr_null(kafka_sink_calling(rig.owned_sink));
    ck_assert_ptr_null(kafka_source_calling(rig.owned_source));
}

START_TEST(every_call_of_the_sink_is_told) {
    static const char *const names[] = {
        "init_transactions", "begin_transaction", "send_offsets_to_transaction", "commit_transaction",
        "abort_transaction", "consumer_group_metadata", "metadata", "query_watermark_offsets", "consume_start_queue",
        "consume_stop"};
    struct err e;
    int64_t first, last;
    mock_open(1);
    rig_open(&rig);
    watch_on();
    mock_init();
    ck_assert(rig.sink.log_bounds(rig.sink.self, 0, &first, &last, &e));
    ck_assert(rig.sink.log_open(rig.sink.self, 0, first, &e));
    rig.sink.log_close(rig.sink.self);
    mock_transaction();
    mock_begin();
    mock_log_shard();
    ck_assert_msg(mock_again(rig.sink.abort, &e), "%s", e.words);
    mock_begin();
    mock_log_shard();
    rig.sink.retire(rig.sink.self);
    told_all(names, sizeof names / sizeof *names);
    mock_close();
}
END_TEST

START_TEST(so_is_every_call_of_the_source) {
    static const char *const names[] = {
        "subscribe", "consumer_poll", "pause_partitions", "assign", "resume_partitions", "seek_partitions", "committed",
        "query_watermark_offsets"};
    struct err e;
    int64_t offsets[RIG_TOPICS];
    mock_open(1);
    rig.group = true;
    rig_open(&rig);
    watch_on();
    rig_join(&rig);
    bool known = false;
    for (int i = 0; i < 20 && !known; i++) /* each waits for a second */
        known = rig.source.committed(rig.source.self, 0, offsets, &e);
    ck_assert_msg(known, "%s", e.words);
    ck_assert_msg(rig.source.first(rig.source.self, 0, offsets, &e), "%s", e.words);
    ck_assert_msg(rig.source.seek(rig.source.self, 0, offsets, &e), "%s", e.words);
    told_all(names, sizeof names / sizeof *names);
    ck_assert(!was_seen("metadata")); /* a slow broker would hold the worker up by that */
    mock_close();
}
END_TEST

START_TEST(without_transactions_flushing_is_told) {
    static const char *const names[] = {"flush", "purge"};
    struct err e;
    mock_open(1);
    rig.no_transactions = true;
    rig_open(&rig);
    watch_on();
    mock_init();
    mock_begin();
    mock_log_shard();
    ck_assert_msg(mock_again(rig.sink.abort, &e), "%s", e.words);
    told_all(names, sizeof names / sizeof *names);
    mock_close();
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, every_call_of_the_sink_is_told);
    tcase_add_test(all, so_is_every_call_of_the_source);
    tcase_add_test(all, without_transactions_flushing_is_told);
}

SUITE_MAIN("the calls that a worker may be caught in", add)
