/* What does not come at once: commits of a broker that is away, topics that are not there (yet). */
#include "mock_rig.h"

#include "host/clock.h"

#include <stdlib.h>
#include <time.h>

/* A transaction whose commit is asked for while the broker is away; all else of it is done. */
static void cut_off(const char *transaction_timeout, struct err *e) {
    mock_open(1);
    rig.extra[rig.n_extra++] = (struct kafka_conf_property){"transaction.timeout.ms", transaction_timeout};
    rig_open(&rig);
    rig_join(&rig);
    mock_init();
    mock_transaction();
    mock_begin();
    mock_log_shard();
    ck_assert(mock_send(e));
    rig_await(&rig, rig.names[RIG_CHANGELOG], 0, "read_uncommitted", 2);
    nanosleep(&(struct timespec){0, 100000000}, NULL); /* in which the producer hears that its record is there */
    rd_kafka_mock_broker_set_down(mock_cluster, 1);
    int64_t began = clock_mono_ms();
    ck_assert(!rig.sink.commit(rig.sink.self, e));
    bool late = clock_mono_ms() - began > atoi(transaction_timeout); /* the machine stood still */
    ck_assert_msg(e->code == ERR_TIMEOUT || late, "%s: %s", err_name(e->code), e->words);
}

START_TEST(a_commit_that_times_out_is_repeated) {
    struct err e;
    cut_off("30000", &e);
    rd_kafka_mock_broker_set_up(mock_cluster, 1);
    bool good = false;
    for (int i = 0; i < 20 && !good; i++)
        good = rig.sink.commit(rig.sink.self, &e);
    ck_assert_msg(good, "%s", e.words);
    mock_close();
}
END_TEST

START_TEST(a_commit_that_times_out_is_repeated_and_at_last_unknown) {
    struct err e;
    cut_off("3900", &e); /* the second call ends at 4 s */
    for (int i = 0; i < 3 && e.code == ERR_TIMEOUT; i++)
        ck_assert(!rig.sink.commit(rig.sink.self, &e));
    ck_assert_msg(e.code == ERR_UNKNOWN_OUTCOME, "%s: %s", err_name(e.code), e.words);
    rig.sink.retire(rig.sink.self);
    rd_kafka_mock_broker_set_up(mock_cluster, 1);
    for (int i = 0; i < 10 && !rig.sink.init(rig.sink.self, &e); i++)
        ck_assert_int_eq(err_class(e.code), ERR_CLASS_RETRY);
    mock_transaction();
    mock_close();
}
END_TEST

/* A late request of the last transaction could end the next one of the same epoch, so there is none: begin() asks for a
 * new epoch once a connection has closed, which here is refused the first time. */
START_TEST(a_connection_that_closed_costs_the_epoch) {
    enum { INIT_PRODUCER_ID = 22 };
    struct err e;
    mock_open(1);
    rig_open(&rig);
    mock_init();
    mock_transaction();
    rd_kafka_mock_broker_set_down(mock_cluster, 1);
    rd_kafka_mock_broker_set_up(mock_cluster, 1);
    rd_kafka_mock_push_request_errors(mock_cluster, INIT_PRODUCER_ID, 1,
                                      RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    bool begun = true;
    for (int i = 0; i < 60 && (begun || err_class(e.code) == ERR_CLASS_RETRY); i++) {
        if (i) /* the client has not seen it yet, or not all of the way back */
            nanosleep(&(struct timespec){0, 100000000}, NULL);
        begun = rig.sink.begin(rig.sink.self, &e);
        ck_assert_msg(!begun || rig.sink.abort(rig.sink.self, &e), "%s", e.words);
    }
    ck_assert_msg(!begun, "it went on with the old epoch");
    ck_assert_msg(e.code == ERR_AUTH, "%s: %s", err_name(e.code), e.words);
    rig.sink.retire(rig.sink.self);
    for (int i = 0; i < 10 && !rig.sink.init(rig.sink.self, &e); i++)
        ck_assert_int_eq(err_class(e.code), ERR_CLASS_RETRY);
    mock_transaction();
    mock_close();
}
END_TEST

START_TEST(a_missing_topic_names_the_remedy) {
    struct err e;
    mock_open(1);
    rig_open(&rig);
    rd_kafka_mock_topic_set_error(mock_cluster, rig.names[RIG_CHANGELOG], RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    ck_assert(!mock_again(rig.sink.init, &e));
    ck_assert_msg(e.code == ERR_REFUSED && strstr(e.words, "topics --create"), "%s: %s", err_name(e.code), e.words);
    ck_assert_str_eq(e.where, rig.names[RIG_CHANGELOG]);
    rd_kafka_mock_topic_set_error(mock_cluster, rig.names[RIG_CHANGELOG], RD_KAFKA_RESP_ERR_NO_ERROR);
    mock_init();
    mock_transaction();
    mock_close();
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_commit_that_times_out_is_repeated);
    tcase_add_test(all, a_commit_that_times_out_is_repeated_and_at_last_unknown);
    tcase_add_test(all, a_connection_that_closed_costs_the_epoch);
    tcase_add_test(all, a_missing_topic_names_the_remedy);
}

SUITE_MAIN("kafka waits on the mock", add)
