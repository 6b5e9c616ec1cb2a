/* Source and sink on a real broker (LEADSTREAM_KAFKA=host:port): groups and their rebalances, fences, offsets that are
 * not stable, aborted records, the ends of changelogs. Every test has topics of its own. */
#include "kafka_rig.h"

#include "host/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define T0 INT64_C(1700000000000)

static char prefix[64];
static struct rig one, two;
enum { TRIES = 20 };

static void open_one(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(prefix, sizeof prefix, "t%ld-%ld-%ld", (long)getpid(), (long)t.tv_sec, t.tv_nsec / 1000);
    one = rig_on_broker(prefix, "one");
    rig_create_all(&one);
    rig_open(&one);
}

/* As the engine does it: what was not answered in time is asked again. */
static bool again(struct rig *rig, bool (*call)(void *self, struct err *e), struct err *e) {
    bool good = false;
    e->code = ERR_TIMEOUT;
    for (int i = 0; i < TRIES && !good && err_class(e->code) == ERR_CLASS_RETRY; i++)
        good = call(rig->sink.self, e);
    return good;
}

static void begin(struct rig *rig) {
    struct err e;
    ck_assert_msg(again(rig, rig->sink.begin, &e), "%s", e.words);
}

static void log_text(struct rig *rig, uint32_t shard, const char *key, const char *value) {
    struct err e;
    ck_assert_msg(rig->sink.log(rig->sink.self, shard, bytes_of(key), bytes_of(value), &e), "%s", e.words);
}

static bool send_at(struct rig *rig, uint32_t shard, int64_t a, int64_t b, struct err *e) {
    int64_t offsets[RIG_TOPICS] = {a, b};
    struct sink_offsets sent = {shard, offsets};
    bool good = false;
    e->code = ERR_TIMEOUT;
    for (int i = 0; i < TRIES && !good && err_class(e->code) == ERR_CLASS_RETRY; i++)
        good = rig->sink.send_offsets(rig->sink.self, &sent, 1, e);
    return good;
}

static void commit(struct rig *rig) {
    struct err e;
    ck_assert_msg(again(rig, rig->sink.commit, &e), "%s", e.words);
}

static void transact(struct rig *rig, uint32_t shard, int64_t a, int64_t b) {
    struct err e;
    begin(rig);
    log_text(rig, shard, "S", "shard");
    ck_assert_msg(send_at(rig, shard, a, b, &e), "%s: %s", err_name(e.code), e.words);
    commit(rig);
}

static bool committed(struct rig *rig, uint32_t shard, int64_t *offsets, struct err *e) {
    return rig->source.committed(rig->source.self, shard, offsets, e);
}

/* The offsets once they are stable, which is some time after the commit. */
static void know(struct rig *rig, uint32_t shard, int64_t *offsets) {
    struct err e;
    bool good = false;
    for (int i = 0; i < TRIES && !good; i++) {
        good = committed(rig, shard, offsets, &e);
        ck_assert_msg(good || err_class(e.code) == ERR_CLASS_RETRY, "%s", e.words);
    }
    ck_assert_msg(good, "%s", e.words);
}

/* ---- tests ---- */

START_TEST(a_group_reads_commits_and_remembers) {
    char lead[32], line[256];
    struct err e;
    int64_t offsets[RIG_TOPICS];
    open_one();
    rig_lead(lead, 1, 2);
    for (int i = 0; i < 3; i++)
        rig_produce(&one, one.names[RIG_INPUT_A], -1, lead, rig_event(line, lead, "e", T0 + i));
    rig_join(&one);
    ck_assert_uint_eq(one.n_shards, 2);
    rig_init(&one);
    know(&one, 1, offsets);
    ck_assert(offsets[0] == ENGINE_NO_OFFSET && offsets[1] == ENGINE_NO_OFFSET);
    ck_assert(one.source.first(one.source.self, 1, offsets, &e));
    ck_assert(offsets[0] == 0 && offsets[1] == 0);
    rig_rewind(&one);
    const struct intake *item;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(rig_head(&one, 0, 1, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
        ck_assert(item->event.time == T0 + i);
        one.source.take(one.source.self, 0, 1);
    }
    ck_assert_int_eq(rig_head(&one, 0, 1, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_END);
    transact(&one, 1, 2, 0);
    know(&one, 1, offsets);
    ck_assert(offsets[0] == 2 && offsets[1] == 0);
    /* Again from what was committed; then a seat that was kept is found again. */
    ck_assert(one.source.seek(one.source.self, 1, offsets, &e));
    ck_assert_int_eq(rig_head(&one, 0, 1, &item, SOURCE_EMPTY, RIG_PATIENCE), SOURCE_ITEM);
    ck_assert_int_eq(item->offset, 2);
    rig_close(&one, false);
    rig_open(&one);
    int64_t before = clock_mono_ms();
    rig_join(&one);
    ck_assert_int_lt(clock_mono_ms() - before, 9000); /* a new seat would wait for the end of the old one's session */
    rig_init(&one);
    know(&one, 1, offsets);
    ck_assert(offsets[0] == 2);
    rig_close(&one, true);
}
END_TEST

START_TEST(offsets_of_an_open_transaction_are_not_stable) {
    struct err e;
    int64_t offsets[RIG_TOPICS];
    open_one();
    rig_join(&one);
    rig_init(&one);
    transact(&one, 0, 5, 5);
    begin(&one);
    log_text(&one, 0, "S", "shard");
    ck_assert(send_at(&one, 0, 9, 9, &e));
    ck_assert(!committed(&one, 0, offsets, &e));
    ck_assert_int_eq(e.code, ERR_TIMEOUT);
    ck_assert_msg(one.sink.abort(one.sink.self, &e), "%s", e.words);
    know(&one, 0, offsets);
    ck_assert(offsets[0] == 5 && offsets[1] == 5);
    rig_close(&one, true);
}
END_TEST

/* Until the end of shard 0's changelog is that; or it never is, and what it was is returned. */
static int64_t end_of_changelog(struct rig *rig, int64_t awaited) {
    struct err e;
    int64_t first, end = -1, deadline = clock_mono_ms() + RIG_PATIENCE;
    do {
        ck_assert_msg(rig->sink.log_bounds(rig->sink.self, 0, &first, &end, &e), "%s", e.words);
        ck_assert_int_eq(first, 0);
    } while (end < awaited && clock_mono_ms() < deadline);
    return end;
}

/* Reads shard 0 of the changelog from `from` to `end`; counts entries. */
static size_t read_back(struct rig *rig, int64_t from, int64_t end, int64_t *position) {
    struct log_entry entries[16];
    struct err e;
    size_t n, total = 0;
    ck_assert(rig->sink.log_open(rig->sink.self, 0, from, &e));
    *position = from;
    for (int i = 0; i < 100 && *position < end; i++) {
        ck_assert_msg(rig->sink.log_read(rig->sink.self, 100, entries, 16, &n, position, &e), "%s", e.words);
        for (size_t k = 0; k < n; k++)
            ck_assert_msg(entries[k].value.n != 7 || memcmp(entries[k].value.at, "aborted", 7), "an aborted record");
        total += n;
    }
    rig->sink.log_close(rig->sink.self);
    return total;
}

/* Entries that come in a second, after which the position must be the same. */
static size_t read_on(struct rig *rig, int64_t from) {
    struct log_entry entries[16];
    struct err e;
    size_t n, total = 0;
    int64_t position = from;
    ck_assert(rig->sink.log_open(rig->sink.self, 0, from, &e));
    for (int64_t end = clock_mono_ms() + 1000; clock_mono_ms() < end; total += n)
        ck_assert_msg(rig->sink.log_read(rig->sink.self, 100, entries, 16, &n, &position, &e), "%s", e.words);
    rig->sink.log_close(rig->sink.self);
    ck_assert_int_eq(position, from);
    return total;
}

START_TEST(the_changelog_is_read_to_its_true_end) {
    struct err e;
    int64_t position;
    open_one();
    rig_join(&one);
    rig_init(&one);
    for (int i = 0; i < 2; i++) {
        begin(&one);
        for (int k = 0; k < 4; k++)
            log_text(&one, 0, "Llead", "kept");
        log_text(&one, 0, "S", "shard");
        ck_assert(send_at(&one, 0, i, i, &e));
        commit(&one);
        ck_assert_int_eq(one.sink.log_end(one.sink.self, 0), i * 6 + 5);
    }
    begin(&one);
    for (int k = 0; k < 10; k++)
        log_text(&one, 0, "Llead", "aborted");
    ck_assert(send_at(&one, 0, 9, 9, &e));
    rig_await(&one, one.names[RIG_CHANGELOG], 0, "read_uncommitted", 20);
    ck_assert_msg(one.sink.abort(one.sink.self, &e), "%s", e.words);
    ck_assert_int_eq(end_of_changelog(&one, 23), 23); /* 2 x (5 + marker), 10 aborted, marker */
    ck_assert_uint_eq(read_back(&one, 0, 23, &position), 10);
    ck_assert_int_eq(position, 23);
    ck_assert_uint_eq(read_back(&one, 23, 23, &position), 0);
    /* An open transaction counts in the end, and hides what is behind it from who reads committed records. */
    begin(&one);
    log_text(&one, 0, "S", "shard");
    ck_assert(send_at(&one, 0, 9, 9, &e));
    ck_assert_int_eq(end_of_changelog(&one, 24), 24);
    ck_assert_uint_eq(read_back(&one, 20, 23, &position), 0);
    ck_assert_int_eq(position, 23);
    ck_assert_uint_eq(read_on(&one, 23), 0);
    commit(&one);
    ck_assert_uint_eq(read_back(&one, 23, 25, &position), 1);
    ck_assert_int_eq(position, 25);
    /* Beyond the end: refused, not guessed. */
    struct log_entry entry;
    size_t n;
    ck_assert(one.sink.log_open(one.sink.self, 0, 1000, &e));
    bool good = true;
    for (int i = 0; i < 300 && good; i++)
        good = one.sink.log_read(one.sink.self, 100, &entry, 1, &n, &position, &e);
    ck_assert(!good && e.code == ERR_REFUSED);
    rig_close(&one, true);
}
END_TEST

START_TEST(a_second_producer_fences_the_first) {
    struct err e;
    int64_t offsets[RIG_TOPICS];
    open_one();
    rig_join(&one);
    rig_init(&one);
    transact(&one, 0, 3, 3);
    begin(&one);
    log_text(&one, 0, "S", "zombie");
    ck_assert(send_at(&one, 0, 9, 9, &e));
    two = rig_on_broker(prefix, "one");
    two.group = false;
    rig_open(&two);
    rig_init(&two);
    ck_assert(!again(&one, one.sink.commit, &e));
    ck_assert_msg(e.code == ERR_FENCED, "%s: %s", err_name(e.code), e.words);
    ck_assert(!one.sink.abort(one.sink.self, &e));
    ck_assert_int_eq(err_class(e.code), ERR_CLASS_FATAL);
    one.sink.retire(one.sink.self);
    know(&one, 0, offsets);
    ck_assert(offsets[0] == 3);
    rig_init(&one); /* and takes it back */
    transact(&one, 0, 4, 4);
    rig_close(&two, false);
    rig_close(&one, true);
}
END_TEST

static void poll_both(int ms) {
    struct err e;
    for (int i = 0; i < ms / 20; i++) {
        ck_assert_msg(one.source.poll(one.source.self, &one.listener, 10, &e), "%s", e.words);
        ck_assert_msg(two.source.poll(two.source.self, &two.listener, 10, &e), "%s", e.words);
    }
}

static void join_second(void) {
    two = rig_on_broker(prefix, "two");
    rig_open(&two);
    for (int i = 0; i < 600 && !(one.n_shards == 1 && two.n_shards == 1); i++)
        poll_both(100);
    ck_assert_uint_eq(one.n_shards, 1);
    ck_assert_uint_eq(two.n_shards, 1);
    ck_assert_uint_ne(one.shards[0], two.shards[0]);
}

START_TEST(offsets_of_an_earlier_assignment_are_refused) {
    struct err e;
    open_one();
    rig_join(&one);
    rig_init(&one);
    transact(&one, 0, 1, 1);
    begin(&one);
    log_text(&one, 0, "S", "old");
    join_second();
    ck_assert_uint_eq(one.revoked, 1);
    ck_assert(!one.lost);
    ck_assert(!send_at(&one, 0, 7, 7, &e));
    ck_assert_msg(e.code == ERR_ABORTED, "%s: %s", err_name(e.code), e.words);
    ck_assert_msg(one.sink.abort(one.sink.self, &e), "%s", e.words);
    transact(&one, one.shards[0], 2, 2);
    rig_close(&two, true);
    for (int i = 0; i < 600 && one.n_shards != 2; i++) /* who leaves gives the seat up at once */
        one.source.poll(one.source.self, &one.listener, 50, &e);
    ck_assert_uint_eq(one.n_shards, 2);
    rig_close(&one, true);
}
END_TEST

static void commit_now(struct rig *rig) {
    struct err e;
    log_text(rig, 0, "S", "last words");
    ck_assert_msg(send_at(rig, 0, 6, 6, &e), "%s: %s", err_name(e.code), e.words);
    commit(rig);
}

START_TEST(a_commit_inside_the_revoke_counts) {
    int64_t offsets[RIG_TOPICS];
    open_one();
    rig_join(&one);
    rig_init(&one);
    begin(&one);
    one.on_revoked = commit_now;
    join_second();
    know(&two, 0, offsets);
    ck_assert(offsets[0] == 6);
    one.on_revoked = NULL;
    rig_close(&two, true);
    rig_close(&one, true);
}
END_TEST

/* The benchmark's mode: the same calls, without a transaction around them. */
START_TEST(without_transactions_offsets_are_committed_all_the_same) {
    struct err e;
    int64_t offsets[RIG_TOPICS];
    snprintf(prefix, sizeof prefix, "t%ld-%ld-n", (long)getpid(), (long)time(NULL));
    one = rig_on_broker(prefix, "one");
    one.no_transactions = true;
    rig_create_all(&one);
    rig_open(&one);
    rig_join(&one);
    rig_init(&one);
    transact(&one, 0, 3, 4);
    ck_assert_int_eq(one.sink.log_end(one.sink.self, 0), 1);
    know(&one, 0, offsets);
    ck_assert(offsets[0] == 3 && offsets[1] == 4);
    begin(&one);
    log_text(&one, 0, "S", "dropped");
    ck_assert(one.sink.abort(one.sink.self, &e));
    transact(&one, 0, 5, 5);
    rig_close(&one, true);
}
END_TEST

/* What a member with other sources than ours brings about for a moment, here for good: shard 1 lacks a topic. */
START_TEST(a_torn_shard_is_left_then_refused) {
    struct err e = {0};
    snprintf(prefix, sizeof prefix, "t%ld-%ld-u", (long)getpid(), (long)time(NULL));
    one = rig_on_broker(prefix, "one");
    one.extra[one.n_extra++] = (struct kafka_conf_property){"session.timeout.ms", "1500"};
    one.extra[one.n_extra++] = (struct kafka_conf_property){"heartbeat.interval.ms", "200"};
    rig_names(&one);
    rig_create(&one, one.names[RIG_INPUT_A], 2, NULL, NULL);
    rig_create(&one, one.names[RIG_INPUT_B], 1, NULL, NULL);
    rig_open(&one);
    rig_join(&one);
    ck_assert_uint_eq(one.n_shards, 1);
    ck_assert_uint_eq(one.shards[0], 0);
    ck_assert_uint_eq(kafka_source_unread(one.owned_source), 1);
    int64_t joined = clock_mono_ms();
    while (one.source.poll(one.source.self, &one.listener, 50, &e) && clock_mono_ms() - joined < 30000)
        continue;
    ck_assert_int_ge(clock_mono_ms() - joined, 3000);
    ck_assert_int_lt(clock_mono_ms() - joined, 30000);
    ck_assert(e.code == ERR_REFUSED);
    ck_assert_str_eq(e.where, one.names[RIG_INPUT_B]);
    rig_close(&one, true);
}
END_TEST

START_TEST(a_record_that_the_topic_refuses_aborts) {
    static char large[200 * 1024];
    struct err e;
    snprintf(prefix, sizeof prefix, "t%ld-%ld-l", (long)getpid(), (long)time(NULL));
    one = rig_on_broker(prefix, "one");
    rig_names(&one);
    for (size_t i = 0; i < RIG_NAMES; i++)
        rig_create(&one, one.names[i], 2, i == RIG_CHANGELOG ? "max.message.bytes" : NULL, "100000");
    rig_open(&one);
    rig_join(&one);
    rig_init(&one);
    begin(&one);
    memset(large, 'x', sizeof large - 1);
    log_text(&one, 0, "Llead", large);
    log_text(&one, 0, "S", "shard");
    bool good = send_at(&one, 0, 1, 1, &e) && again(&one, one.sink.commit, &e);
    ck_assert(!good);
    ck_assert_msg(e.code == ERR_ABORTED, "%s: %s", err_name(e.code), e.words);
    ck_assert(!one.sink.abort(one.sink.self, &e)); /* not to be trusted with another transaction */
    one.sink.retire(one.sink.self);
    rig_init(&one);
    transact(&one, 0, 1, 1);
    rig_close(&one, true);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_group_reads_commits_and_remembers);
    tcase_add_test(all, offsets_of_an_open_transaction_are_not_stable);
    tcase_add_test(all, the_changelog_is_read_to_its_true_end);
    tcase_add_test(all, a_second_producer_fences_the_first);
    tcase_add_test(all, offsets_of_an_earlier_assignment_are_refused);
    tcase_add_test(all, a_commit_inside_the_revoke_counts);
    tcase_add_test(all, without_transactions_offsets_are_committed_all_the_same);
    tcase_add_test(all, a_torn_shard_is_left_then_refused);
    tcase_add_test(all, a_record_that_the_topic_refuses_aborts);
}

SUITE_MAIN("kafka ports on a real broker", add)
