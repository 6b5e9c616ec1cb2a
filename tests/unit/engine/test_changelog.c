/* Keys and values of the changelog: what is written reads back, and any other bytes are refused. */
#include "engine/changelog.h"

#include "support/suite.h"

#include <leadstream/lead_bytes.h>
#include <leadstream/when.h>

START_TEST(a_shard_record_reads_back) {
    struct changelog_shard in = {.model = 1, .erasure_key = UINT64_MAX, .clock = LEAD_NEVER, .n = ENGINE_MAX_TOPICS}, out;
    for (uint32_t i = 0; i < in.n; i++) {
        in.topics[i] = UINT64_MAX - i;
        in.offsets[i] = i ? INT64_MAX - i : 0;
    }
    uint8_t buffer[CHANGELOG_MAX_SHARD_RECORD];
    struct err e;
    ck_assert(changelog_shard_read(&out, changelog_shard_value(&in, buffer), &e));
    ck_assert(out.model == in.model && out.erasure_key == in.erasure_key && out.clock == in.clock && out.n == in.n);
    ck_assert_mem_eq(out.topics, in.topics, sizeof in.topics);
    ck_assert_mem_eq(out.offsets, in.offsets, sizeof in.offsets);
}
END_TEST

START_TEST(other_bytes_are_no_shard_record) {
    struct changelog_shard record = {.n = 2, .offsets = {5, 6}};
    uint8_t buffer[CHANGELOG_MAX_SHARD_RECORD + 1] = {0};
    size_t n = changelog_shard_value(&record, buffer).n;
    struct err e;
    for (size_t cut = 0; cut <= n + 1; cut++) {
        bool good = changelog_shard_read(&record, (struct bytes){buffer, cut}, &e);
        ck_assert_msg(good == (cut == n), "%zu of %zu bytes", cut, n);
        ck_assert(good || e.code == ERR_CORRUPT);
    }
    buffer[n - 1] = 0xff; /* an offset below 0 */
    ck_assert(!changelog_shard_read(&record, (struct bytes){buffer, n}, &e));
    buffer[n - 1] = 0;
    buffer[0] = 2; /* another version */
    ck_assert(!changelog_shard_read(&record, (struct bytes){buffer, n}, &e));
}
END_TEST

START_TEST(random_bytes_are_refused_or_read) {
    uint64_t state = 1;
    uint8_t buffer[CHANGELOG_MAX_SHARD_RECORD];
    struct changelog_shard record;
    struct err e;
    for (int i = 0; i < 20000; i++) {
        size_t n = suite_below(&state, sizeof buffer + 1);
        for (size_t k = 0; k < n; k++)
            buffer[k] = (uint8_t)suite_random(&state);
        if (n > 26) {
            buffer[0] = 1;
            buffer[25] = (uint8_t)suite_below(&state, ENGINE_MAX_TOPICS + 4);
            buffer[26] = 0;
        }
        if (changelog_shard_read(&record, (struct bytes){buffer, n}, &e))
            ck_assert_uint_eq(n, 27 + 16 * (size_t)record.n);
    }
}
END_TEST

START_TEST(an_erasure_is_eight_bytes) {
    uint8_t bytes[9] = {1, 2};
    int64_t time;
    ck_assert(changelog_erasure_read((struct bytes){bytes, 8}, &time));
    ck_assert(time == 0x201);
    ck_assert(!changelog_erasure_read((struct bytes){bytes, 7}, &time));
    ck_assert(!changelog_erasure_read((struct bytes){bytes, 9}, &time));
    ck_assert(!changelog_erasure_read((struct bytes){NULL, 0}, &time));
}
END_TEST

static void hash(void *self, struct bytes lead, uint8_t out[16]) {
    MUST(lead.n <= 16);
    memset(out, *(const char *)self, 16);
    memcpy(out, lead.at, lead.n);
}

START_TEST(an_erasure_reads_back) {
    char filler = '.';
    struct store store = {.self = &filler, .erasure_key = hash};
    uint8_t key[CHANGELOG_ERASURE_KEY], value[CHANGELOG_ERASURE_VALUE];
    ck_assert_bytes_eq(changelog_erasure_key(&store, bytes_of("l-1"), key), "El-1.............");
    static const int64_t times[] = {0, 1, -1, WHEN_FIRST, WHEN_LAST, LEAD_NEVER};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t read;
        ck_assert(changelog_erasure_read(changelog_erasure_value(times[i], value), &read));
        ck_assert(read == times[i]);
    }
}
END_TEST

START_TEST(a_lead_of_which_nothing_is_remembered_is_a_tombstone) {
    uint8_t buffer[LEAD_BYTES_OVERHEAD];
    struct lead lead = {.d = {.t = LEAD_NEVER, .erased = 5}};
    struct model model = {.n_stages = 0};
    ck_assert(changelog_forgotten(&lead));
    ck_assert(!changelog_lead_value(&lead, &model, buffer, changelog_lead_room(&lead)).at);
    lead.d.t = 5;
    int64_t due;
    lead.d.due = 7;
    ck_assert(!changelog_forgotten(&lead));
    ck_assert(lead_bytes_due(changelog_lead_value(&lead, &model, buffer, changelog_lead_room(&lead)), &due));
    ck_assert(due == 7);
}
END_TEST

START_TEST(a_lead_key_begins_with_its_kind) {
    uint8_t buffer[CHANGELOG_MAX_KEY];
    ck_assert_bytes_eq(changelog_lead_key(bytes_of("l-1"), buffer), "Ll-1");
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_shard_record_reads_back);
    tcase_add_test(all, other_bytes_are_no_shard_record);
    tcase_add_test(all, random_bytes_are_refused_or_read);
    tcase_add_test(all, an_erasure_is_eight_bytes);
    tcase_add_test(all, an_erasure_reads_back);
    tcase_add_test(all, a_lead_of_which_nothing_is_remembered_is_a_tombstone);
    tcase_add_test(all, a_lead_key_begins_with_its_kind);
}

SUITE_MAIN("changelog", add)
