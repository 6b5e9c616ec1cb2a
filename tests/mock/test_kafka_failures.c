/* What each injected failure is to the engine. The mock's answers are those of TxnOffsetCommit, EndTxn and Produce. */
#include "mock_rig.h"

#include <time.h>

enum { PRODUCE = 0, INIT_PRODUCER = 22, END_TXN = 26, TXN_OFFSET_COMMIT = 28 };

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

START_TEST(a_commit_that_times_out_is_repeated_and_at_last_unknown) {
    struct err e;
    mock_open(1);
    rig.extra[rig.n_extra++] = (struct kafka_conf_property){"transaction.timeout.ms", "3000"};
    rig_open(&rig);
    rig_join(&rig);
    mock_init();
    mock_begin();
    mock_log_shard();
    ck_assert(mock_send_and_commit(&e));
    mock_begin();
    mock_log_shard();
    ck_assert(mock_send(&e));
    nanosleep(&(struct timespec){0, 200000000}, NULL); /* the record itself is delivered */
    rd_kafka_mock_broker_set_down(mock_cluster, 1);
    ck_assert(!rig.sink.commit(rig.sink.self, &e));
    ck_assert_msg(e.code == ERR_TIMEOUT, "%s: %s", err_name(e.code), e.words);
    if (_i) {
        rd_kafka_mock_broker_set_up(mock_cluster, 1);
        bool good = false;
        for (int i = 0; i < 3 && !good; i++)
            good = rig.sink.commit(rig.sink.self, &e);
        ck_assert_msg(good, "%s", e.words);
    } else {
        ck_assert(!rig.sink.commit(rig.sink.self, &e));
        ck_assert_msg(e.code == ERR_UNKNOWN_OUTCOME, "%s: %s", err_name(e.code), e.words);
        rig.sink.retire(rig.sink.self);
        rd_kafka_mock_broker_set_up(mock_cluster, 1);
        for (int i = 0; i < 3 && !rig.sink.init(rig.sink.self, &e); i++)
            ck_assert_int_eq(err_class(e.code), ERR_CLASS_RETRY);
        mock_begin();
        mock_log_shard();
        ck_assert_msg(mock_send_and_commit(&e), "%s", e.words);
    }
    mock_close();
}
END_TEST

START_TEST(a_missing_topic_names_the_remedy) {
    struct err e;
    mock_open(1);
    rig_open(&rig);
    rd_kafka_mock_topic_set_error(mock_cluster, rig.names[RIG_CHANGELOG], RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    ck_assert(!rig.sink.init(rig.sink.self, &e));
    ck_assert_msg(e.code == ERR_REFUSED && strstr(e.words, "topics --create"), "%s: %s", err_name(e.code), e.words);
    ck_assert_str_eq(e.where, rig.names[RIG_CHANGELOG]);
    mock_close();
}
END_TEST

static void add(TCase *all) {
    tcase_set_timeout(all, 30);
    tcase_add_loop_test(all, each_failure_has_its_class, 0, (int)(sizeof injected / sizeof *injected));
    tcase_add_loop_test(all, a_commit_that_times_out_is_repeated_and_at_last_unknown, 0, 2);
    tcase_add_test(all, a_missing_topic_names_the_remedy);
}

SUITE_MAIN("kafka failures on the mock", add)
