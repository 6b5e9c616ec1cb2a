/* Keys sort as they should, and what is stored is read back; the bytes themselves are pinned, since stores outlive
 * versions. */
#include "adapters/rocks_keys.h"
#include "support/suite.h"

static struct bytes of(const struct rocks_key *key) {
    return (struct bytes){key->at, key->n};
}

START_TEST(the_bytes_of_keys_are_pinned) {
    struct rocks_key key;
    struct rocks_range range = {0x0102, 0x0304};
    rocks_keys_in(&key, range, bytes_of("Labc"));
    ck_assert_mem_eq(key.at, "\1\2\3\4Labc", 8);
    ck_assert_uint_eq(key.n, 8);
    rocks_keys_timer(&key, range, 5, bytes_of("Lx"));
    ck_assert_mem_eq(key.at, "\1\2\3\4\x80\0\0\0\0\0\0\5Lx", 14);
    ck_assert_uint_eq(key.n, 14);
    rocks_keys_shard(&key, 0x0a0b);
    ck_assert_mem_eq(key.at, "shard\x0a\x0b", 7);
}
END_TEST

START_TEST(timers_sort_by_time) {
    const int64_t dues[] = {INT64_MIN, -1, 0, 1, 255, 256, INT64_MAX - 1};
    struct rocks_key last, key;
    rocks_keys_first(&last, (struct rocks_range){1, 1});
    for (size_t i = 0; i < sizeof dues / sizeof dues[0]; i++) {
        int64_t due;
        struct bytes lead;
        rocks_keys_timer(&key, (struct rocks_range){1, 1}, dues[i], bytes_of("Lead"));
        ck_assert_int_lt(bytes_compare(of(&last), of(&key)), 0);
        ck_assert(rocks_keys_timer_read(of(&key), &due, &lead));
        ck_assert(due == dues[i] && bytes_is(lead, "Lead"));
        last = key;
    }
    rocks_keys_past(&key, (struct rocks_range){1, 1});
    ck_assert_int_lt(bytes_compare(of(&last), of(&key)), 0);
    rocks_keys_first(&last, (struct rocks_range){1, 2});
    ck_assert_int_eq(bytes_compare(of(&last), of(&key)), 0);
}
END_TEST

START_TEST(the_last_range_has_an_end) {
    struct rocks_key in, past;
    struct rocks_range last = {UINT16_MAX, ROCKS_KEYS_LAST_BUILD};
    rocks_keys_in(&in, last, bytes_of("\xff\xff\xff\xff\xff"));
    rocks_keys_past(&past, last);
    ck_assert_int_lt(bytes_compare(of(&in), of(&past)), 0);
}
END_TEST

START_TEST(other_keys_are_no_timers_and_no_shards) {
    int64_t due;
    uint16_t shard;
    struct bytes lead;
    ck_assert(!rocks_keys_timer_read(bytes_of("abcd12345678"), &due, &lead));
    ck_assert(!rocks_keys_timer_read(bytes_of("abcd"), &due, &lead));
    ck_assert(!rocks_keys_shard_read(bytes_of("identity"), &shard));
    ck_assert(!rocks_keys_shard_read(bytes_of("shard"), &shard));
    ck_assert(!rocks_keys_shard_read(bytes_of("shard123"), &shard));
    ck_assert(rocks_keys_shard_read(bytes_of("shard\1\1"), &shard) && shard == 257);
}
END_TEST

START_TEST(a_state_is_read_back_and_a_cut_one_is_refused) {
    uint8_t value[ROCKS_KEYS_STATE];
    struct store_shard state = {
        .birth = {1, 2}, .birth_offset = -1, .from = 3, .upto = 4, .written = 5, .erasures = true};
    struct store_shard read;
    uint16_t build;
    struct writer w = writer_of(value, sizeof value);
    rocks_keys_state_write(&w, 77, &state);
    ck_assert_uint_eq(writer_done(&w).n, sizeof value);
    ck_assert(rocks_keys_state_read(writer_done(&w), &build, &read));
    ck_assert(build == 77 && read.known && read.erasures);
    ck_assert(read.birth[1] == 2 && read.birth_offset == -1 && read.from == 3 && read.upto == 4 && read.written == 5);
    for (size_t n = 0; n < sizeof value; n++)
        ck_assert(!rocks_keys_state_read((struct bytes){value, n}, &build, &read));
}
END_TEST

START_TEST(an_identity_is_read_back_and_any_bytes_are_safe) {
    uint8_t value[ROCKS_KEYS_MAX_IDENTITY];
    struct rocks_identity identity = {ROCKS_KEYS_FORMAT, "app", "", "cluster"}, read;
    struct writer w = writer_of(value, sizeof value);
    rocks_keys_identity_write(&w, &identity);
    struct bytes all = writer_done(&w);
    ck_assert(rocks_keys_identity_read(all, &read));
    ck_assert_str_eq(read.app, "app");
    ck_assert_str_eq(read.generation, "");
    ck_assert_str_eq(read.cluster, "cluster");
    for (size_t n = 0; n < all.n; n++)
        ck_assert(!rocks_keys_identity_read((struct bytes){value, n}, &read));
    uint64_t random = 7;
    for (int i = 0; i < 20000; i++) {
        memset(value, 0, sizeof value);
        for (size_t j = 0; j < sizeof value; j++)
            value[j] = suite_below(&random, 3) ? 0 : (uint8_t)suite_random(&random);
        rocks_keys_identity_read((struct bytes){value, suite_below(&random, sizeof value)}, &read);
    }
    const uint8_t newer[] = {2, 0, 0, 0, 'w', 'h', 'o'};
    ck_assert(rocks_keys_identity_read((struct bytes){newer, sizeof newer}, &read));
    ck_assert_uint_eq(read.format, 2);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, the_bytes_of_keys_are_pinned);
    tcase_add_test(all, timers_sort_by_time);
    tcase_add_test(all, the_last_range_has_an_end);
    tcase_add_test(all, other_keys_are_no_timers_and_no_shards);
    tcase_add_test(all, a_state_is_read_back_and_a_cut_one_is_refused);
    tcase_add_test(all, an_identity_is_read_back_and_any_bytes_are_safe);
}

SUITE_MAIN("rocks_keys", add)
