/* A consumer whose instance id went to another: a twin, or itself that joined twice. */
#include "mock_rig.h"

enum { HEARTBEAT = 12, LIMIT = 400 /* polls of 50 ms */, A_WHILE = 10, TRIES = 3 };

/* False: never. The mock throws out who waits to join while the machine stands still for a second, and does not say so:
 * then all is to be begun anew. */
static bool joins(void) {
    struct err e;
    for (int i = 0; i < LIMIT && !rig.n_shards; i++)
        ck_assert_msg(rig.source.poll(rig.source.self, &rig.listener, 50, &e), "%s", e.words);
    return rig.n_shards > 0;
}

static bool open_group(void) {
    mock_open(1);
    rig.group = true;
    rig.extra[rig.n_extra++] = (struct kafka_conf_property){"heartbeat.interval.ms", "100"};
    rig.extra[rig.n_extra++] = (struct kafka_conf_property){"session.timeout.ms", "4000"};
    rig_open(&rig);
    return joins();
}

/* Polls until the next heartbeat has been answered so: true if the seat was lost, false if a poll failed with *e. */
static bool answer_heartbeat(rd_kafka_resp_err_t answer, struct err *e) {
    unsigned before = rig.revoked;
    rd_kafka_mock_push_request_errors(mock_cluster, HEARTBEAT, 1, answer);
    for (int i = 0; i < LIMIT && rig.revoked == before; i++)
        if (!rig.source.poll(rig.source.self, &rig.listener, 50, e) && err_class(e->code) != ERR_CLASS_RETRY)
            return false;
    ck_assert_uint_eq(rig.revoked, before + 1);
    ck_assert(rig.lost);
    return true;
}

/* True if no poll fails. */
static bool go_on(int polls, struct err *e) {
    for (int i = 0; i < polls; i++)
        if (!rig.source.poll(rig.source.self, &rig.listener, 50, e) && err_class(e->code) != ERR_CLASS_RETRY)
            return false;
    return true;
}

/* The seat is lost first, and then, maybe in another poll, the fence is told. */
static bool is_fenced(struct err *e) {
    return !answer_heartbeat(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, e) || !go_on(LIMIT, e);
}

static bool survives_fence(struct err *e) {
    if (!answer_heartbeat(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, e))
        return false;
    for (int i = 0; i < LIMIT && !kafka_source_errors(rig.owned_source)[ERR_FENCED]; i++)
        if (!go_on(1, e))
            return false;
    return go_on(A_WHILE, e);
}

static void check_end(const struct err *e) {
    ck_assert_msg(e->code == ERR_FENCED && strstr(e->words, "same `instance`"), "%s: %s", err_name(e->code), e->words);
}

START_TEST(a_fence_out_of_the_blue_is_a_twin) {
    struct err e = {0};
    for (int tries = 1; !open_group(); tries++) {
        ck_assert_int_lt(tries, TRIES);
        mock_close();
    }
    ck_assert(is_fenced(&e));
    check_end(&e);
    mock_close();
}
END_TEST

/* False: who was to join did not. */
static bool play_two_fences(void) {
    struct err e = {0};
    const struct intake *item;
    if (!open_group())
        return false;
    const struct rd_kafka_s *first = kafka_source_consumer(rig.owned_source);
    ck_assert_msg(answer_heartbeat(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, &e), "%s", e.words);
    if (!joins())
        return false;
    ck_assert_msg(kafka_source_consumer(rig.owned_source) == first, "made anew without need");
    ck_assert_msg(survives_fence(&e), "%s: %s", err_name(e.code), e.words);
    ck_assert_uint_eq(kafka_source_errors(rig.owned_source)[ERR_FENCED], 1);
    if (!joins())
        return false;
    rig_rewind(&rig);
    ck_assert_int_eq(rig_head(&rig, 0, 0, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_END);
    ck_assert_msg(is_fenced(&e), "a second fence within a minute is a twin's");
    check_end(&e);
    return true;
}

START_TEST(a_fence_after_a_lost_seat_is_survived_once) {
    for (int tries = 1; !play_two_fences(); tries++) {
        ck_assert_int_lt(tries, TRIES);
        mock_close();
    }
    mock_close();
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_fence_out_of_the_blue_is_a_twin);
    tcase_add_test(all, a_fence_after_a_lost_seat_is_survived_once);
}

SUITE_MAIN("kafka fences on the mock", add)
