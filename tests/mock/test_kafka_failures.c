/* What each injected failure is to the engine. The mock's answers are those of TxnOffsetCommit, EndTxn and Produce. */
#include "mock_rig.h"

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

static void add(TCase *all) {
    tcase_set_timeout(all, 30);
    tcase_add_loop_test(all, each_failure_has_its_class, 0, (int)(sizeof injected / sizeof *injected));
}

SUITE_MAIN("kafka failures on the mock", add)
