/* What each injected failure is to the engine. The mock's answers are those of TxnOffsetCommit, EndTxn and Produce. */
#include "mock_rig.h"

#include "adapters/kafka_sendback.h"
#include "host/clock.h"

#include <time.h>

enum {
    PRODUCE = 0,
    FETCH = 1,
    INIT_PRODUCER = 22,
    ADD_PARTITIONS = 24,
    ADD_OFFSETS = 25,
    END_TXN = 26,
    TXN_OFFSET_COMMIT = 28
};

#define E(name) RD_KAFKA_RESP_ERR_##name

static const struct {
    int api;
    rd_kafka_resp_err_t error;
    enum err_code code; /* of send_offsets or commit */
    bool aborts;        /* abort() works afterwards, else the producer is retired */
} injected[] = {
    {TXN_OFFSET_COMMIT, E(ILLEGAL_GENERATION), ERR_ABORTED, true},
    {TXN_OFFSET_COMMIT, E(UNKNOWN_MEMBER_ID), ERR_ABORTED, true},
    {TXN_OFFSET_COMMIT, E(FENCED_INSTANCE_ID), ERR_ABORTED, true},
    {TXN_OFFSET_COMMIT, E(GROUP_AUTHORIZATION_FAILED), ERR_AUTH, true},
    {TXN_OFFSET_COMMIT, E(TOPIC_AUTHORIZATION_FAILED), ERR_AUTH, true},
    {TXN_OFFSET_COMMIT, E(COORDINATOR_LOAD_IN_PROGRESS), ERR_NONE, true},
    {TXN_OFFSET_COMMIT, E(COORDINATOR_NOT_AVAILABLE), ERR_NONE, true},
    {TXN_OFFSET_COMMIT, E(NOT_COORDINATOR), ERR_NONE, true},
    {TXN_OFFSET_COMMIT, E(REQUEST_TIMED_OUT), ERR_NONE, true},
    {ADD_OFFSETS, E(GROUP_AUTHORIZATION_FAILED), ERR_AUTH, true},
    {ADD_OFFSETS, E(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), ERR_AUTH, false},
    {ADD_OFFSETS, E(CONCURRENT_TRANSACTIONS), ERR_NONE, true},
    {ADD_OFFSETS, E(INVALID_PRODUCER_ID_MAPPING), ERR_ABORTED, true},
    {ADD_PARTITIONS, E(TOPIC_AUTHORIZATION_FAILED), ERR_AUTH, true},
    {ADD_PARTITIONS, E(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), ERR_AUTH, false},
    {ADD_PARTITIONS, E(INVALID_PRODUCER_ID_MAPPING), ERR_ABORTED, true},
    {ADD_PARTITIONS, E(PRODUCER_FENCED), ERR_FENCED, false},
    {END_TXN, E(INVALID_PRODUCER_EPOCH), ERR_FENCED, false},
    {END_TXN, E(PRODUCER_FENCED), ERR_FENCED, false},
    {END_TXN, E(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), ERR_AUTH, false},
    {END_TXN, E(INVALID_PRODUCER_ID_MAPPING), ERR_ABORTED, true},
    {END_TXN, E(INVALID_TXN_STATE), ERR_BROKER, false},
    {END_TXN, E(COORDINATOR_NOT_AVAILABLE), ERR_NONE, true},
    {END_TXN, E(NOT_COORDINATOR), ERR_NONE, true},
    {PRODUCE, E(MSG_SIZE_TOO_LARGE), ERR_ABORTED, false},
    {PRODUCE, E(TOPIC_AUTHORIZATION_FAILED), ERR_AUTH, false},
    {PRODUCE, E(INVALID_PRODUCER_EPOCH), ERR_FENCED, false},
    {PRODUCE, E(NOT_ENOUGH_REPLICAS), ERR_NONE, true},
    {PRODUCE, E(NOT_ENOUGH_REPLICAS_AFTER_APPEND), ERR_NONE, true},
    {PRODUCE, E(NOT_LEADER_FOR_PARTITION), ERR_NONE, true},
    {PRODUCE, E(LEADER_NOT_AVAILABLE), ERR_NONE, true},
    {PRODUCE, E(KAFKA_STORAGE_ERROR), ERR_NONE, true},
    {PRODUCE, E(REQUEST_TIMED_OUT), ERR_NONE, true},
};

START_TEST(each_failure_has_its_class) {
    struct err e = {0};
    mock_open(1);
    rig_open(&rig);
    rig_join(&rig);
    mock_init();
    mock_transaction(); /* metadata and connections are warm */
    mock_begin();
    rd_kafka_mock_push_request_errors(mock_cluster, (int16_t)injected[_i].api, 1, injected[_i].error);
    mock_log_shard();
    e.code = ERR_NONE;
    bool good = mock_send_and_commit(&e);
    ck_assert_msg(e.code == injected[_i].code, "case %d: %s (%s)", _i, err_name(e.code), e.words);
    ck_assert_int_eq(good, e.code == ERR_NONE);
    if (!good && injected[_i].aborts) {
        ck_assert_msg(mock_again(rig.sink.abort, &e), "%s", e.words);
    } else if (!good) {
        ck_assert(!rig.sink.abort(rig.sink.self, &e));
        ck_assert_int_eq(err_class(e.code), ERR_CLASS_FATAL);
        rig.sink.retire(rig.sink.self);
        mock_init();
    }
    mock_transaction();
    mock_close();
}
END_TEST

/* The next fetches are answered so, and have been. */
static void fetched(size_t n, rd_kafka_resp_err_t answer) {
    size_t left = 1;
    int64_t deadline = clock_mono_ms() + RIG_PATIENCE;
    for (size_t i = 0; i < n; i++)
        rd_kafka_mock_broker_push_request_error_rtts(mock_cluster, 1, FETCH, 1, answer, 0);
    while (!rd_kafka_mock_broker_error_stack_cnt(mock_cluster, 1, FETCH, &left) && left) {
        ck_assert(clock_mono_ms() < deadline);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    ck_assert_uint_eq(left, 0);
}

/* What passes comes between the records, and takes none of them with it. A fetch brings a batch of records at least. */
START_TEST(a_changelog_is_read_past_what_passes) {
    struct err e;
    struct log_entry entries[64];
    int64_t position = 0;
    size_t n, total = 0;
    mock_open(1);
    rig_fill(&rig, rig.names[RIG_CHANGELOG], 0, 10);
    rig_open(&rig);
    mock_init();
    ck_assert(rig.sink.log_open(rig.sink.self, 0, 0, &e));
    fetched(12, E(NO_ERROR));
    fetched(1, E(REQUEST_TIMED_OUT));
    rig_fill(&rig, rig.names[RIG_CHANGELOG], 0, 10);
    fetched(12, E(NO_ERROR));
    for (int i = 0; i < 60 && position < 20; i++) {
        if (!rig.sink.log_read(rig.sink.self, 100, entries, 64, &n, &position, &e))
            ck_assert_int_eq(err_class(e.code), ERR_CLASS_RETRY);
        else
            total += n;
    }
    ck_assert_int_eq(position, 20);
    ck_assert_uint_eq(total, 20);
    mock_close();
}
END_TEST

/* Some records of a call may have been taken when one is refused: the call must not be repeated. */
START_TEST(what_was_refused_is_not_sent_again) {
    struct err e;
    mock_open(1);
    rig_open(&rig);
    rig_join(&rig);
    mock_init();
    mock_begin();
    ck_assert(rig.sink.log(rig.sink.self, 7, bytes_of("Llead"), bytes_of("no such partition"), &e));
    mock_log_shard();
    ck_assert(!mock_send(&e));
    ck_assert_msg(e.code == ERR_ABORTED, "%s: %s", err_name(e.code), e.words);
    mock_close();
}
END_TEST

/* Whatever was on its way when a connection closed might arrive in the next transaction: that one has a new epoch. */
START_TEST(after_a_connection_closed_a_transaction_has_a_new_epoch) {
    struct err e;
    mock_open(1);
    rig_open(&rig);
    rig_join(&rig);
    mock_init();
    const struct kafka_sink_counts *counts = kafka_sink_counts(rig.owned_sink);
    for (uint64_t round = 0; round < 6; round++) {
        mock_begin();
        ck_assert_uint_eq(counts->renewed, round / 2);
        mock_log_shard();
        if (round % 2) /* librdkafka asks again and knows that it is done */
            rd_kafka_mock_push_request_errors(mock_cluster, END_TXN, 1, E(_TRANSPORT));
        ck_assert_msg(mock_send_and_commit(&e), "%s", e.words);
    }
    mock_close();
}
END_TEST

/* The same of redrive; there all is to be begun anew, since another may have sent letters between two epochs. */
START_TEST(after_a_connection_closed_redrive_begins_anew) {
    struct err e = {.code = ERR_NONE};
    struct dead_letter_range range = {3, 3};
    mock_open(1);
    rig_open(&rig);
    const char *topics[] = {rig.names[RIG_INPUT_A]};
    struct kafka_sendback *sendback =
        kafka_sendback_new(&rig.sink_options.conf, topics, 1, rig.names[RIG_DEAD_LETTERS], &e);
    struct kafka_sendback_record record = {.timestamp = -1, .value = bytes_of("back"), .sent = 1, .letter = 3};
    for (int round = 0; round < 2; round++) {
        ck_assert_msg(kafka_sendback_init(sendback, &e), "%s", e.words);
        for (int i = 0; i < 2; i++) {
            ck_assert_msg(kafka_sendback_begin(sendback, &e), "%s", e.words);
            ck_assert_msg(kafka_sendback_record(sendback, &record, &e), "%s", e.words);
            if (i)
                rd_kafka_mock_push_request_errors(mock_cluster, END_TXN, 1, E(_TRANSPORT));
            ck_assert_msg(kafka_sendback_commit(sendback, 0, &range, 1, &e), "%s", e.words);
        }
        ck_assert(!kafka_sendback_begin(sendback, &e));
        ck_assert_int_eq(e.code, ERR_ABORTED);
    }
    kafka_sendback_free(&sendback);
    mock_close();
}
END_TEST

/* What init() says to each answer; then the answer is well again. */
START_TEST(each_failure_to_begin_has_its_class) {
    static const struct {
        rd_kafka_resp_err_t error;
        enum err_code code;
    } answers[] = {
        {E(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), ERR_AUTH},
        {E(CLUSTER_AUTHORIZATION_FAILED), ERR_AUTH},
        {E(INVALID_TRANSACTION_TIMEOUT), ERR_BROKER},
        {E(COORDINATOR_LOAD_IN_PROGRESS), ERR_NONE},
        {E(CONCURRENT_TRANSACTIONS), ERR_NONE},
        {E(NOT_COORDINATOR), ERR_NONE},
    };
    struct err e = {.code = ERR_NONE};
    mock_open(1);
    rig_open(&rig);
    rig_join(&rig);
    rd_kafka_mock_push_request_errors(mock_cluster, INIT_PRODUCER, 1, answers[_i].error);
    bool good = mock_again(rig.sink.init, &e);
    ck_assert_msg(e.code == answers[_i].code, "case %d: %s (%s)", _i, err_name(e.code), e.words);
    ck_assert_int_eq(good, e.code == ERR_NONE);
    if (!good) {
        rig.sink.retire(rig.sink.self);
        mock_init();
    }
    mock_transaction();
    mock_close();
}
END_TEST

/* What the topics have is looked at, and polled for once; false: *e says why not. */
static bool look(struct err *e) {
    const struct intake *item;
    rig.source.head(rig.source.self, 0, 0, &item);
    rig.source.head(rig.source.self, 1, 0, &item);
    return rig.source.poll(rig.source.self, &rig.listener, 50, e);
}

/* librdkafka tells of it once, and nothing when the right comes back to a partition that has nothing new. */
START_TEST(what_may_not_be_read_is_asked_for_again) {
    static rd_kafka_resp_err_t refusals[1000]; /* until they are cleared */
    struct err e;
    const struct intake *item;
    char text[256];
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        refusals[i] = E(TOPIC_AUTHORIZATION_FAILED);
    mock_open(1);
    rig_produce(&rig, rig.names[RIG_INPUT_A], 0, "l", rig_event(text, "l", "1", 1780000000000));
    rig_open(&rig);
    rig_join(&rig);
    rig_rewind(&rig);
    ck_assert_int_eq(rig_head(&rig, 0, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
    rig.source.take(rig.source.self, 0, 0);
    rig.source.release(rig.source.self);
    ck_assert_int_eq(rig_head(&rig, 0, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_END);
    rd_kafka_mock_push_request_errors_array(mock_cluster, FETCH, sizeof refusals / sizeof *refusals, refusals);
    bool told = false;
    for (int64_t end = clock_mono_ms() + RIG_PATIENCE; !told && clock_mono_ms() < end;)
        told = !look(&e);
    ck_assert(told);
    ck_assert_int_eq(e.code, ERR_AUTH);
    ck_assert_msg(strstr(e.words, "the user needs READ on inputs"), "%s", e.words);
    ck_assert_uint_gt(kafka_source_unread(rig.owned_source), 0);
    ck_assert_uint_gt(kafka_source_errors(rig.owned_source)[ERR_AUTH], 0);
    ck_assert_int_ne(rig.source.head(rig.source.self, 0, 0, &item), SOURCE_END); /* its shard waits */
    rd_kafka_mock_clear_request_errors(mock_cluster, FETCH);
    for (int64_t end = clock_mono_ms() + RIG_PATIENCE; kafka_source_unread(rig.owned_source) && clock_mono_ms() < end;)
        (void)look(&e);
    ck_assert_uint_eq(kafka_source_unread(rig.owned_source), 0);
    rig_produce(&rig, rig.names[RIG_INPUT_A], 0, "l", rig_event(text, "l", "2", 1780000000001));
    for (int64_t end = clock_mono_ms() + RIG_PATIENCE;
         rig.source.head(rig.source.self, 0, 0, &item) != SOURCE_ITEM && clock_mono_ms() < end;)
        (void)rig.source.poll(rig.source.self, &rig.listener, 50, &e);
    ck_assert_int_eq(rig.source.head(rig.source.self, 0, 0, &item), SOURCE_ITEM);
    ck_assert_int_eq(item->offset, 1);
    mock_close();
}
END_TEST

static void add(TCase *all) {
    tcase_add_loop_test(all, each_failure_has_its_class, 0, (int)(sizeof injected / sizeof *injected));
    tcase_add_loop_test(all, each_failure_to_begin_has_its_class, 0, 6);
    tcase_add_test(all, what_may_not_be_read_is_asked_for_again);
    tcase_add_test(all, a_changelog_is_read_past_what_passes);
    tcase_add_test(all, what_was_refused_is_not_sent_again);
    tcase_add_test(all, after_a_connection_closed_a_transaction_has_a_new_epoch);
    tcase_add_test(all, after_a_connection_closed_redrive_begins_anew);
}

SUITE_MAIN("kafka failures on the mock", add)
