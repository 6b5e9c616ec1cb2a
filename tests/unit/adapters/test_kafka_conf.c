/* What passes through, what is refused and why, and what each role is made of. */
#include "adapters/kafka_conf.h"
#include "support/suite.h"

#include <librdkafka/rdkafka.h>

static const char *words_of(const char *name, const char *value) {
    static struct err e;
    struct kafka_conf_property property = {name, value};
    e = (struct err){0};
    return kafka_conf_check(&property, &e) ? "" : e.words;
}

static const struct {
    const char *name, *value;
    const char *words; /* part of them; NULL: it is taken */
} cases[] = {
    {"bootstrap.servers", "localhost:9092", NULL},
    {"security.protocol", "sasl_ssl", NULL},
    {"sasl.password", "hush", NULL},
    {"isolation.level", "read_committed", NULL},
    {"isolation.level", "read_uncommitted", "must be read_committed: records of aborted transactions"},
    {"enable.auto.commit", "true", "offsets are committed inside the transaction"},
    {"partition.assignment.strategy", "cooperative-sticky", "must meet in one worker"},
    {"group.id", "mine", "made of app and generation"},
    {"transactional.id", "mine", "made of app"},
    {"auto.offset.reset", "earliest", "refused, never guessed"},
    {"partitioner", "consistent", "Java's clients"},
    {"linger.mss", "5", "No such configuration property: \"linger.mss\""},
    {"linger.ms", "soon", "linger.ms"},
    {"session.timeout.ms", "0", "session.timeout.ms"},
    {"sasl.oauthbearer.config", "x", NULL},
};

START_TEST(properties_pass_or_are_refused_in_words) {
    const char *words = words_of(cases[_i].name, cases[_i].value);
    if (cases[_i].words)
        ck_assert_msg(strstr(words, cases[_i].words), "%s: \"%s\"", cases[_i].name, words);
    else
        ck_assert_str_eq(words, "");
}
END_TEST

static const struct kafka_conf_property mine[] = {{"bootstrap.servers", "h:1"},
                                                  {"session.timeout.ms", "7000"},
                                                  {"linger.ms", "3"},
                                                  {"isolation.level", "read_committed"}};

static const struct kafka_conf conf = {.properties = mine,
                                       .n_properties = 4,
                                       .app = "app",
                                       .generation = "g1",
                                       .instance = "host-a",
                                       .worker = 2,
                                       .fetch_wait = 7,
                                       .max_record = 2000000};

static void expect(enum kafka_conf_role role, const char *name, const char *value) {
    struct err e;
    char text[256] = "";
    size_t n = sizeof text;
    rd_kafka_conf_t *made = kafka_conf_new(&conf, role, &e);
    ck_assert_msg(made != NULL, "%s", e.words);
    ck_assert(!rd_kafka_conf_get(made, name, text, &n));
    ck_assert_str_eq(text, value);
    rd_kafka_conf_destroy(made);
}

/* The group would give whoever comes back to a seat what it had, whatever he asks for now. */
START_TEST(who_asks_for_other_topics_has_another_seat) {
    struct kafka_conf one = {.app = "app", .generation = "g1", .instance = "host-a", .worker = 2};
    char name[KAFKA_CONF_NAME];
    ck_assert_str_eq(kafka_conf_instance_id(&one, name), "2.host-a");
    one.topics = 0x00abcdef;
    ck_assert_str_eq(kafka_conf_instance_id(&one, name), "2.host-a.00abcdef");
}
END_TEST

START_TEST(roles_have_their_own) {
    expect(KAFKA_CONF_SOURCE, "group.id", "app.g1");
    expect(KAFKA_CONF_SOURCE, "group.instance.id", "2.host-a");
    expect(KAFKA_CONF_SOURCE, "session.timeout.ms", "7000");
    expect(KAFKA_CONF_SOURCE, "isolation.level", "read_committed");
    expect(KAFKA_CONF_SOURCE, "auto.offset.reset", "error");
    expect(KAFKA_CONF_SOURCE, "fetch.wait.max.ms", "7");
    expect(KAFKA_CONF_SOURCE, "topic.metadata.refresh.interval.ms", "10000");
    expect(KAFKA_CONF_READER, "fetch.wait.max.ms", "5");
    expect(KAFKA_CONF_SINK, "transactional.id", "app.g1.host-a.2");
    expect(KAFKA_CONF_SINK, "linger.ms", "3");
    expect(KAFKA_CONF_SINK, "message.max.bytes", "2001024");
    expect(KAFKA_CONF_SINK, "isolation.level", "read_uncommitted");
    expect(KAFKA_CONF_READER, "isolation.level", "read_committed");
    expect(KAFKA_CONF_READER, "enable.partition.eof", "true");
}
END_TEST

/* librdkafka's own default, 1,000,000, is less than a topic takes: dead letters would be cut for nothing. */
START_TEST(a_record_may_be_as_large_as_topics_take_by_default) {
    struct kafka_conf small = conf, users = conf;
    struct kafka_conf_property own[] = {{"message.max.bytes", "5000"}};
    char text[32];
    size_t n = sizeof text;
    struct err e;
    small.max_record = 300;
    users.properties = own;
    users.n_properties = 1;
    rd_kafka_conf_t *made = kafka_conf_new(&small, KAFKA_CONF_SINK, &e);
    ck_assert(made && !rd_kafka_conf_get(made, "message.max.bytes", text, &n));
    ck_assert_str_eq(text, "1048500");
    rd_kafka_conf_destroy(made);
    ck_assert_uint_eq(kafka_conf_max_record(&small), 1048500);
    ck_assert_uint_eq(kafka_conf_max_record(&users), 5000);
}
END_TEST

START_TEST(prefetch_is_divided_among_the_queues) {
    struct kafka_conf few = conf, many = conf;
    few.prefetch = many.prefetch = 32 * 1024 * 1024;
    few.queues = 8;
    many.queues = 1000;
    ck_assert_uint_eq(kafka_conf_queue(&few).bytes, 1024 * 1024);
    ck_assert_uint_eq(kafka_conf_queue(&many).bytes, 64 * 1024);
    ck_assert_uint_ge(kafka_conf_queue(&many).messages, 256);
}
END_TEST

START_TEST(a_secret_is_not_quoted) {
    ck_assert_ptr_null(strstr(words_of("ssl.key.password.not", "hush-hush"), "hush-hush"));
    ck_assert_str_ne(words_of("ssl.key.password.not", "hush-hush"), "");
}
END_TEST

START_TEST(the_transaction_timeout_is_known) {
    struct kafka_conf_property longer[] = {{"transaction.timeout.ms", "20000"}};
    struct kafka_conf changed = conf;
    ck_assert_int_eq(kafka_conf_transaction_timeout(&conf), 10000);
    changed.properties = longer;
    changed.n_properties = 1;
    ck_assert_int_eq(kafka_conf_transaction_timeout(&changed), 20000);
}
END_TEST

static void add(TCase *all) {
    tcase_add_loop_test(all, properties_pass_or_are_refused_in_words, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(all, roles_have_their_own);
    tcase_add_test(all, who_asks_for_other_topics_has_another_seat);
    tcase_add_test(all, a_record_may_be_as_large_as_topics_take_by_default);
    tcase_add_test(all, prefetch_is_divided_among_the_queues);
    tcase_add_test(all, a_secret_is_not_quoted);
    tcase_add_test(all, the_transaction_timeout_is_known);
}

SUITE_MAIN("kafka_conf", add)
