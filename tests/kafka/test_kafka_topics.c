/* The topics of a configuration on a real broker: all missing, made, good; then each thing that can be wrong. */
#include "adapters/kafka_topics.h"
#include "kafka_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char prefix[64];
static struct rig rig;
static struct kafka_conf_property bootstrap;
static const char *inputs[RIG_TOPICS];

static struct kafka_topics_options options(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(prefix, sizeof prefix, "c%ld-%ld-%ld", (long)getpid(), (long)t.tv_sec, t.tv_nsec / 1000);
    bootstrap = (struct kafka_conf_property){"bootstrap.servers", getenv("LEADSTREAM_KAFKA")};
    ck_assert_msg(bootstrap.value != NULL, "set LEADSTREAM_KAFKA=host:port (ops/kafka/kafka.sh start DIR)");
    rig = (struct rig){.bootstrap = bootstrap.value, .prefix = prefix, .partitions = 3};
    rig_names(&rig);
    for (size_t i = 0; i < RIG_TOPICS; i++)
        inputs[i] = rig.names[i];
    return (struct kafka_topics_options){
        .conf = {.properties = &bootstrap, .n_properties = 1, .app = prefix, .generation = "g1", .instance = "i"},
        .inputs = inputs,
        .n_inputs = RIG_TOPICS,
        .scores = rig.names[RIG_SCORES],
        .sales_ready = rig.names[RIG_SALES_READY],
        .dead_letters = rig.names[RIG_DEAD_LETTERS],
        .worst_value = 2000000,
        .worst_output = 10000,
        .partitions = 3,
    };
}

static enum kafka_topics_state state_of(const struct kafka_topics *topics, size_t name, const char *words) {
    size_t n;
    const struct kafka_topics_row *rows = kafka_topics_rows(topics, &n);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(rows[i].name, rig.names[name])) {
            ck_assert_msg(strstr(rows[i].words, words) != NULL, "%s", rows[i].words);
            return rows[i].state;
        }
    ck_abort_msg("%s is not among the rows", rig.names[name]);
    return KAFKA_TOPICS_GOOD;
}

START_TEST(missing_topics_are_made_and_are_then_good) {
    struct kafka_topics_options o = options();
    struct kafka_topics_facts facts;
    struct err e;
    ck_assert(!kafka_topics_check(&o, &facts, &e));
    ck_assert_int_eq(e.code, ERR_REFUSED);
    ck_assert_msg(strstr(e.words, "topics --create") && strstr(e.words, rig.names[RIG_CHANGELOG]), "%s", e.words);
    struct kafka_topics *topics = kafka_topics_look(&o, &e);
    ck_assert_msg(topics != NULL, "%s", e.words);
    ck_assert_int_eq(state_of(topics, RIG_INPUT_A, "does not exist"), KAFKA_TOPICS_MISSING);
    ck_assert_msg(kafka_topics_create(topics, &e), "%s: %s", e.where, e.words);
    for (size_t i = 0; i < RIG_NAMES; i++)
        ck_assert_int_eq(state_of(topics, i, ""), KAFKA_TOPICS_GOOD);
    kafka_topics_free(&topics);
    ck_assert_msg(kafka_topics_check(&o, &facts, &e), "%s", e.words);
    ck_assert_uint_eq(facts.partitions, 3);
    ck_assert_str_ne(facts.cluster, "");
    ck_assert_int_eq(facts.delete_retention, INT64_C(604800000));
    ck_assert_uint_gt(facts.max_record, 2000000);
    /* A model that grew: the changelog no longer takes its leads. */
    o.worst_value = 3000000;
    ck_assert(!kafka_topics_check(&o, &facts, &e));
    ck_assert_str_eq(e.where, rig.names[RIG_CHANGELOG]);
    ck_assert_msg(strstr(e.words, "max.message.bytes"), "%s", e.words);
}
END_TEST

START_TEST(what_differs_is_told_from_what_is_wrong) {
    struct kafka_topics_options o = options();
    struct kafka_topics_facts facts;
    struct err e;
    o.worst_value = 1000;
    rig_create(&rig, rig.names[RIG_INPUT_A], 3, "cleanup.policy", "compact");
    rig_create(&rig, rig.names[RIG_INPUT_B], 2, NULL, NULL);
    rig_create(&rig, rig.names[RIG_CHANGELOG], 3, "cleanup.policy", "compact,delete");
    rig_create(&rig, rig.names[RIG_SCORES], 1, "cleanup.policy", "compact");
    rig_create(&rig, rig.names[RIG_SALES_READY], 1, "max.message.bytes", "1000");
    rig_create(&rig, rig.names[RIG_DEAD_LETTERS], 2, NULL, NULL);
    struct kafka_topics *topics = kafka_topics_look(&o, &e);
    ck_assert_msg(topics != NULL, "%s", e.words);
    ck_assert_int_eq(state_of(topics, RIG_INPUT_A, "compacted"), KAFKA_TOPICS_DIFFERS);
    ck_assert_int_eq(state_of(topics, RIG_INPUT_B, "2 partitions"), KAFKA_TOPICS_WRONG);
    ck_assert_int_eq(state_of(topics, RIG_INPUT_B, rig.names[RIG_INPUT_A]), KAFKA_TOPICS_WRONG);
    ck_assert_int_eq(state_of(topics, RIG_CHANGELOG, "would be lost"), KAFKA_TOPICS_WRONG);
    ck_assert_int_eq(state_of(topics, RIG_SCORES, "min.compaction.lag.ms"), KAFKA_TOPICS_DIFFERS);
    ck_assert_int_eq(state_of(topics, RIG_SALES_READY, "max.message.bytes"), KAFKA_TOPICS_WRONG);
    ck_assert_int_eq(state_of(topics, RIG_DEAD_LETTERS, "fewer partitions"), KAFKA_TOPICS_DIFFERS);
    kafka_topics_free(&topics);
    ck_assert(!kafka_topics_check(&o, &facts, &e));
    ck_assert_str_eq(e.where, rig.names[RIG_INPUT_B]);
}
END_TEST

START_TEST(no_broker_is_no_verdict) {
    struct kafka_topics_options o = options();
    struct kafka_topics_facts facts;
    struct err e;
    bootstrap.value = "127.0.0.1:1";
    ck_assert(!kafka_topics_check(&o, &facts, &e));
    ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, missing_topics_are_made_and_are_then_good);
    tcase_add_test(all, what_differs_is_told_from_what_is_wrong);
    tcase_add_test(all, no_broker_is_no_verdict);
}

SUITE_MAIN("kafka_topics", add)
