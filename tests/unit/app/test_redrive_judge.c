/* Which letters are meant, what becomes of each and why, and where it goes. */
#include "app/redrive_judge.h"
#include "adapters/murmur2.h"
#include "support/suite.h"

#include <leadstream/when.h>

#define NOW INT64_C(1795514400000)
#define ANY ((struct redrive_filter){.partition = -1, .since = INT64_MIN, .until = INT64_MAX})

static const struct redrive_source sources[] = {
    {"events", 8, -1, false},
    {"own", 8, 7 * WHEN_DAY, true},
    {"gone", 0, -1, false},
};

static struct kafka_letter letter_of(const char *topic, uint32_t partition) {
    return (struct kafka_letter){.offset = 5,
                                 .written = NOW - WHEN_HOUR,
                                 .key = bytes_of("the-key"),
                                 .value = bytes_of("{}"),
                                 .says = {.group = bytes_of("app.g1"),
                                          .topic = bytes_of(topic),
                                          .code = bytes_of("invalid"),
                                          .words = bytes_of("time \"x\" is not RFC 3339"),
                                          .partition = partition,
                                          .offset = 7,
                                          .timestamp = NOW - WHEN_DAY,
                                          .index = DEAD_LETTER_NONE,
                                          .schema_id = DEAD_LETTER_NONE,
                                          .cut_from = DEAD_LETTER_NONE}};
}

static struct redrive_rules rules_of(void) {
    return (struct redrive_rules){
        .filter = ANY, .group = bytes_of("app.g1"), .sources = sources, .n_sources = 3, .now = NOW};
}

static enum redrive_fate fate(const struct redrive_rules *rules, const struct kafka_letter *letter, bool sent,
                              uint32_t *to) {
    size_t source;
    uint32_t partition = 99;
    enum redrive_fate found = redrive_judge(rules, letter, sent, &source, &partition);
    if (to)
        *to = partition;
    return found;
}

START_TEST(a_letter_goes_where_its_lead_belongs) {
    struct redrive_rules rules = rules_of();
    struct kafka_letter letter = letter_of("events", 3);
    uint32_t to;
    ck_assert_int_eq(fate(&rules, &letter, false, &to), REDRIVE_GO);
    ck_assert_uint_eq(to, murmur2_partition(letter.key, 8));
    letter.says.lead = bytes_of("some-lead");
    ck_assert_int_eq(fate(&rules, &letter, false, &to), REDRIVE_GO);
    ck_assert_uint_eq(to, murmur2_partition(letter.says.lead, 8));
    ck_assert(murmur2_partition(letter.says.lead, 8) != murmur2_partition(letter.key, 8));
    letter.says.lead.n = letter.key.n = 0;
    ck_assert_int_eq(fate(&rules, &letter, false, &to), REDRIVE_GO);
    ck_assert_uint_eq(to, 3);
}
END_TEST

START_TEST(where_producers_partition_in_their_own_way_it_stays) {
    struct redrive_rules rules = rules_of();
    uint32_t to;
    for (uint32_t p = 0; p < 8; p++) {
        struct kafka_letter letter = letter_of("own", p);
        letter.says.lead = bytes_of("some-lead");
        ck_assert_int_eq(fate(&rules, &letter, false, &to), REDRIVE_GO);
        ck_assert_uint_eq(to, p);
    }
}
END_TEST

START_TEST(what_was_sent_is_not_sent_again_whatever_is_asked) {
    struct redrive_rules rules = rules_of();
    struct kafka_letter letter = letter_of("events", 3);
    rules.again = rules.old = true;
    ck_assert_int_eq(fate(&rules, &letter, true, NULL), REDRIVE_SENT);
}
END_TEST

START_TEST(only_to_topics_that_are_sources_and_partitions_that_are_there) {
    struct redrive_rules rules = rules_of();
    struct kafka_letter letter = letter_of("payments", 3);
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_NO_SOURCE);
    letter = letter_of("gone", 0);
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_NO_SOURCE);
    letter = letter_of("events", 8);
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_NO_SOURCE);
}
END_TEST

START_TEST(cut_letters_stay) {
    struct redrive_rules rules = rules_of();
    struct kafka_letter letter = letter_of("events", 3);
    letter.says.cut_from = 2000000;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_CUT);
}
END_TEST

START_TEST(poison_goes_only_when_it_is_named) {
    struct redrive_rules rules = rules_of();
    struct kafka_letter letter = letter_of("events", 3);
    letter.says.code = bytes_of("poison");
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_POISON);
    rules.again = rules.old = true;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_POISON);
    rules.filter.code = "poison";
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_GO);
}
END_TEST

START_TEST(what_came_back_three_times_waits_for_again) {
    struct redrive_rules rules = rules_of();
    struct kafka_letter letter = letter_of("events", 3);
    letter.says.sent = 2;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_GO);
    letter.says.sent = 3;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_AGAIN);
    rules.again = true;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_GO);
}
END_TEST

START_TEST(what_its_topic_might_delete_unread_waits_for_old) {
    struct redrive_rules rules = rules_of();
    struct kafka_letter letter = letter_of("own", 3);
    letter.says.timestamp = NOW - 7 * WHEN_DAY + WHEN_HOUR;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_GO);
    letter.says.timestamp--;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_OLD);
    rules.old = true;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_GO);
    rules.old = false;
    letter.says.timestamp = -1;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_GO);
    letter = letter_of("events", 3);
    letter.says.timestamp = 1;
    ck_assert_int_eq(fate(&rules, &letter, false, NULL), REDRIVE_GO);
}
END_TEST

START_TEST(every_part_of_a_filter_must_fit) {
    struct redrive_filter filter = ANY;
    struct kafka_letter letter = letter_of("events", 3);
    ck_assert(redrive_meant(&filter, &letter));
    filter = (struct redrive_filter){"invalid", "events", "the-key", "RFC", 3, NOW - WHEN_DAY, NOW - WHEN_DAY};
    ck_assert(redrive_meant(&filter, &letter));
    struct redrive_filter wrong[8];
    for (size_t i = 0; i < 8; i++)
        wrong[i] = filter;
    wrong[0].code = "invali";
    wrong[1].topic = "event";
    wrong[2].lead = "the-ke";
    wrong[3].words = "RFC 3340";
    wrong[4].partition = 0;
    wrong[5].since = NOW - WHEN_DAY + 1;
    wrong[6].until = NOW - WHEN_DAY - 1;
    wrong[7].words = "a text that is much longer than what is said of this letter and so cannot be in it";
    for (size_t i = 0; i < 8; i++)
        ck_assert_msg(!redrive_meant(&wrong[i], &letter), "filter %zu", i);
    letter.says.lead = bytes_of("another"); /* the key is asked only where the lead is not known */
    ck_assert(!redrive_meant(&filter, &letter));
}
END_TEST

START_TEST(the_time_is_the_records_else_the_letters) {
    struct kafka_letter letter = letter_of("events", 3);
    ck_assert_int_eq(redrive_time(&letter), NOW - WHEN_DAY);
    letter.says.timestamp = -1;
    ck_assert_int_eq(redrive_time(&letter), NOW - WHEN_HOUR);
}
END_TEST

static const struct {
    const char *value;
    int64_t index;
    const char *found; /* NULL: none */
} entries[] = {
    {"[{\"a\":1}]", DEAD_LETTER_NONE, "[{\"a\":1}]"},
    {"not JSON", DEAD_LETTER_NONE, "not JSON"},
    {" [ {\"a\":[1,{}]} , {\"b\":\"]},{\"}]", 0, "{\"a\":[1,{}]}"},
    {" [ {\"a\":[1,{}]} , {\"b\":\"]},{\"}]", 1, "{\"b\":\"]},{\"}"},
    {"[{},{}]", 2, NULL},
    {"[1,{}]", 0, NULL},
    {"{\"a\":{}}", 0, NULL},
    {"[{}", 0, NULL},
    {"", 0, NULL},
};

START_TEST(of_an_array_only_the_entry_goes) {
    struct arena *arena = arena_new((size_t)16 << 20);
    struct kafka_letter letter = letter_of("events", 3);
    struct bytes value;
    letter.value = bytes_of(entries[_i].value);
    letter.says.index = entries[_i].index;
    ck_assert_int_eq(redrive_value(&letter, arena, &value), entries[_i].found != NULL);
    if (entries[_i].found)
        ck_assert_bytes_eq(value, entries[_i].found);
    letter.value = (struct bytes){NULL, 0};
    ck_assert_int_eq(redrive_value(&letter, arena, &value), entries[_i].index == DEAD_LETTER_NONE);
    arena_free(&arena);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_letter_goes_where_its_lead_belongs);
    tcase_add_test(all, where_producers_partition_in_their_own_way_it_stays);
    tcase_add_test(all, what_was_sent_is_not_sent_again_whatever_is_asked);
    tcase_add_test(all, only_to_topics_that_are_sources_and_partitions_that_are_there);
    tcase_add_test(all, cut_letters_stay);
    tcase_add_test(all, poison_goes_only_when_it_is_named);
    tcase_add_test(all, what_came_back_three_times_waits_for_again);
    tcase_add_test(all, what_its_topic_might_delete_unread_waits_for_old);
    tcase_add_test(all, every_part_of_a_filter_must_fit);
    tcase_add_test(all, the_time_is_the_records_else_the_letters);
    tcase_add_loop_test(all, of_an_array_only_the_entry_goes, 0, (int)(sizeof entries / sizeof *entries));
}

SUITE_MAIN("redrive_judge", add)
