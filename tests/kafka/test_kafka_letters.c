/* Dead letters read and sent back on a real broker (LEADSTREAM_KAFKA=host:port): open transactions, fences, receipts;
 * and a record that its topic does not take. */
#include "adapters/kafka_letters.h"
#include "adapters/kafka_sendback.h"
#include "kafka_rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char prefix[64];
static struct rig daemon_rig, other_rig;
static struct kafka_letters_source sources[RIG_TOPICS];

static void open_all(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(prefix, sizeof prefix, "l%ld-%ld-%ld", (long)getpid(), (long)t.tv_sec, t.tv_nsec / 1000);
    daemon_rig = rig_on_broker(prefix, "one");
    other_rig = rig_on_broker(prefix, "two");
    rig_create_all(&daemon_rig);
    rig_open(&daemon_rig);
    rig_open(&other_rig);
    rig_init(&daemon_rig);
    rig_init(&other_rig);
    sources[0] = (struct kafka_letters_source){.name = daemon_rig.names[RIG_INPUT_A]};
    sources[1] = (struct kafka_letters_source){.name = daemon_rig.names[RIG_INPUT_B]};
}

static void close_all(void) {
    rig_close(&daemon_rig, true);
    rig_close(&other_rig, true);
}

/* A letter of partition 0 in a transaction that stays open. */
static void begin_letter(struct rig *rig, const char *value) {
    struct err e, why;
    struct intake item = {.offset = 5, .timestamp = 1700000000000, .last = true, .schema_id = -1, .key = bytes_of("k")};
    item.value = bytes_of(value);
    err_set(&why, ERR_MALFORMED, NULL, "no good");
    ck_assert_msg(rig->sink.begin(rig->sink.self, &e), "%s", e.words);
    ck_assert_msg(rig->sink.reject(rig->sink.self, &item, &why, &e), "%s", e.words);
}

static void commit_letter(struct rig *rig, const char *value) {
    struct err e = {0};
    int64_t offsets[RIG_TOPICS] = {0, 0};
    struct sink_offsets sent = {0, offsets};
    begin_letter(rig, value);
    bool good = rig->sink.send_offsets(rig->sink.self, &sent, 1, &e);
    for (int i = 0; i < 20 && good && !rig->sink.commit(rig->sink.self, &e); i++)
        ck_assert_msg(err_class(e.code) == ERR_CLASS_RETRY, "%s", e.words);
    ck_assert_msg(good, "%s", e.words);
}

static struct kafka_sendback *new_sendback(void) {
    struct err e = {0};
    const char *topics[] = {sources[0].name, sources[1].name};
    struct kafka_sendback *made = kafka_sendback_new(&daemon_rig.sink_options.conf, topics, RIG_TOPICS,
                                                     daemon_rig.names[RIG_DEAD_LETTERS], &e);
    ck_assert_msg(made && kafka_sendback_init(made, &e), "%s", e.words);
    return made;
}

static struct kafka_letters *new_letters(void) {
    struct err e = {0};
    struct kafka_letters *made = kafka_letters_new(&daemon_rig.sink_options.conf, daemon_rig.names[RIG_DEAD_LETTERS],
                                                   sources, RIG_TOPICS, &e);
    ck_assert_msg(made, "%s", e.words);
    return made;
}

static void begin_sending(struct kafka_sendback *sendback, int64_t letter) {
    struct err e = {0};
    struct kafka_sendback_record record = {.topic = 0, .partition = 1, .timestamp = 1700000000000, .sent = 1,
                                           .key = bytes_of("k"), .value = bytes_of("back"), .letter = letter};
    ck_assert_msg(kafka_sendback_begin(sendback, &e), "%s", e.words);
    ck_assert_msg(kafka_sendback_record(sendback, &record, &e), "%s", e.words);
}

static const struct kafka_letter *next(struct kafka_letters *letters) {
    const struct kafka_letter *letter;
    struct err e = {0};
    ck_assert_msg(kafka_letters_next(letters, &letter, &e), "%s", e.words);
    return letter;
}

static void *abort_later(void *unused) {
    struct err e;
    nanosleep(&(struct timespec){1, 0}, NULL);
    other_rig.sink.abort(other_rig.sink.self, &e);
    return unused;
}

/* A daemon's transaction is open on the topic; the receipt is behind it. Who stopped where read_committed ends would
 * not see it, and send the letter again. */
START_TEST(a_receipt_behind_an_open_transaction_is_waited_for) {
    struct err e = {0};
    int64_t first, end;
    pthread_t thread;
    struct dead_letter_range range = {0, 0};
    open_all();
    commit_letter(&daemon_rig, "a letter");
    begin_letter(&other_rig, "never committed");
    rig_await(&daemon_rig, daemon_rig.names[RIG_DEAD_LETTERS], 0, "read_uncommitted", 2);
    struct kafka_sendback *sendback = new_sendback();
    begin_sending(sendback, 0);
    ck_assert_msg(kafka_sendback_commit(sendback, 0, &range, 1, &e), "%s", e.words);
    struct kafka_letters *letters = new_letters();
    ck_assert_uint_eq(kafka_letters_partitions(letters), 2);
    ck_assert_uint_eq(sources[1].partitions, 2);
    for (int i = 0; i == 0 || (end < 5 && i < 300); i++) { /* a marker is written some time after the commit */
        nanosleep(&(struct timespec){0, 100000000}, NULL);
        ck_assert(kafka_letters_bounds(letters, 0, &first, &end, &e));
    }
    ck_assert_int_eq(end, 5); /* a letter, its marker, a letter, a receipt, its marker */
    ck_assert(kafka_letters_open(letters, 0, end, &e));
    const struct kafka_letter *letter = next(letters);
    ck_assert(letter && letter->kind == DEAD_LETTER_IS_LETTER && bytes_is(letter->value, "a letter"));
    ck_assert(letter->offset == 0 && letter->says.offset == 5 && letter->says.timestamp == 1700000000000);
    ck_assert_int_eq(letter->says.index, DEAD_LETTER_NONE);
    ck_assert(!pthread_create(&thread, NULL, abort_later, NULL));
    letter = next(letters);
    ck_assert(letter && letter->kind == DEAD_LETTER_IS_RECEIPT && bytes_is(letter->value, "0"));
    ck_assert(next(letters) == NULL);
    pthread_join(thread, NULL);
    kafka_letters_free(&letters);
    kafka_sendback_free(&sendback);
    close_all();
}
END_TEST

START_TEST(who_comes_later_takes_over_and_nothing_of_the_other_is_seen) {
    struct err e = {0};
    char value[256] = "";
    struct dead_letter_range range = {0, 0};
    open_all();
    commit_letter(&daemon_rig, "a letter");
    struct kafka_sendback *first = new_sendback();
    begin_sending(first, 0);
    struct kafka_sendback *second = new_sendback();
    ck_assert(!kafka_sendback_commit(first, 0, &range, 1, &e));
    ck_assert_msg(e.code == ERR_FENCED, "%s: %s", err_name(e.code), e.words);
    ck_assert_uint_eq(rig_read(&daemon_rig, sources[0].name, 1, "read_committed", NULL, NULL), 0);
    begin_sending(second, 0);
    ck_assert_msg(kafka_sendback_commit(second, 0, &range, 1, &e), "%s", e.words);
    rig_await(&daemon_rig, sources[0].name, 1, "read_committed", 1);
    rig_await(&daemon_rig, daemon_rig.names[RIG_DEAD_LETTERS], 0, "read_committed", 2);
    ck_assert_uint_eq(rig_read(&daemon_rig, sources[0].name, 1, "read_committed", NULL, value), 1);
    ck_assert_str_eq(value, "back");
    ck_assert_uint_eq(rig_read(&daemon_rig, daemon_rig.names[RIG_DEAD_LETTERS], 0, "read_committed", NULL, value), 2);
    ck_assert_str_eq(value, "0");
    kafka_sendback_free(&first);
    kafka_sendback_free(&second);
    close_all();
}
END_TEST

START_TEST(a_record_that_the_topic_does_not_take_is_named) {
    struct err e = {0};
    static uint8_t large[200000];
    struct dead_letter_range range = {7, 7};
    open_all();
    char small[128];
    snprintf(small, sizeof small, "%s.small", prefix);
    rig_create(&daemon_rig, small, 2, "max.message.bytes", "50000");
    sources[0].name = small;
    struct kafka_sendback *sendback = new_sendback();
    struct kafka_sendback_record record = {.sent = 1, .value = {large, sizeof large}, .timestamp = -1, .letter = 7};
    ck_assert_msg(kafka_sendback_begin(sendback, &e), "%s", e.words);
    ck_assert_msg(kafka_sendback_record(sendback, &record, &e), "%s", e.words);
    ck_assert(!kafka_sendback_commit(sendback, 0, &range, 1, &e));
    ck_assert_msg(e.code == ERR_REFUSED, "%s: %s", err_name(e.code), e.words);
    ck_assert_msg(strstr(e.where, "letter at offset 7") != NULL, "%s", e.where);
    kafka_sendback_free(&sendback);
    close_all();
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_receipt_behind_an_open_transaction_is_waited_for);
    tcase_add_test(all, who_comes_later_takes_over_and_nothing_of_the_other_is_seen);
    tcase_add_test(all, a_record_that_the_topic_does_not_take_is_named);
}

SUITE_MAIN("kafka_letters", add)
