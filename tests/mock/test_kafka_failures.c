/* What each injected failure is to the engine. The mock's answers are those of TxnOffsetCommit, EndTxn and Produce. */
#include "mock_rig.h"

#include <time.h>

enum { PRODUCE = 0, FETCH = 1, INIT_PRODUCER = 22, END_TXN = 26, TXN_OFFSET_COMMIT = 28 };

static const struct {
    int api;
    rd_kafka_resp_err_t error;
    enum err_code code; /* of send_offsets or commit */
    bool aborts;        /* abort() works afterwards, else the producer is retired */
} injected[] = {
    {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, ERR_ABORTED, true},
    {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, ERR_ABORTED, true},
    {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, ERR_ABORTED, true},
    {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ERR_ABORTED, true},
    {END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERR_FENCED, false},
    {PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERR_ABORTED, false},
    {PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_ABORTED, false},
    {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ERR_NONE, true},
};

START_TEST(each_failure_has_its_class) {
    struct err e = {0};
    mock_open(1);
    rig_open(&rig);
    rig_join(&rig);
    mock_init();
    mock_begin();
    mock_log_shard();
    ck_assert_msg(mock_send_and_commit(&e), "%s", e.words); /* metadata and connections are warm */
    mock_begin();
    rd_kafka_mock_push_request_errors(mock_cluster, (int16_t)injected[_i].api, 1, injected[_i].error);
    mock_log_shard();
    e.code = ERR_NONE;
    bool good = mock_send_and_commit(&e);
    ck_assert_msg(e.code == injected[_i].code, "case %d: %s (%s)", _i, err_name(e.code), e.words);
    ck_assert_int_eq(good, e.code == ERR_NONE);
    if (!good && injected[_i].aborts) {
        ck_assert_msg(rig.sink.abort(rig.sink.self, &e), "%s", e.words);
    } else if (!good) {
        ck_assert(!rig.sink.abort(rig.sink.self, &e));
        ck_assert_int_eq(err_class(e.code), ERR_CLASS_FATAL);
        rig.sink.retire(rig.sink.self);
        mock_init();
    }
    mock_begin();
    mock_log_shard();
    ck_assert_msg(mock_send_and_commit(&e), "%s", e.words);
    mock_close();
}
END_TEST

/* What passes comes between the records, and takes none of them with it. */
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
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    rd_kafka_mock_push_request_errors(mock_cluster, FETCH, 1, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    rig_fill(&rig, rig.names[RIG_CHANGELOG], 0, 10);
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    for (int i = 0; i < 50 && position < 20; i++) {
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

static void add(TCase *all) {
    tcase_set_timeout(all, 30);
    tcase_add_loop_test(all, each_failure_has_its_class, 0, (int)(sizeof injected / sizeof *injected));
    tcase_add_test(all, a_changelog_is_read_past_what_passes);
    tcase_add_test(all, what_was_refused_is_not_sent_again);
}

SUITE_MAIN("kafka failures on the mock", add)
