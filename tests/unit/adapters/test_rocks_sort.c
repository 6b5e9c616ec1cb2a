/* Sorting is right and stable for keys of every kind: equal ones, prefixes of others, a common beginning, zeros. */
#include "adapters/rocks_sort.h"
#include "support/suite.h"

#include <stdlib.h>

enum { MOST = 300, ROUNDS = 400, LONGEST = 24 };

static uint8_t keys[MOST][LONGEST];

static void check_sorted(uint64_t seed, const struct rocks_item *items, size_t n) {
    for (size_t i = 1; i < n; i++) {
        int order = bytes_compare(items[i - 1].key, items[i].key);
        ck_assert_msg(order < 0 || (order == 0 && items[i - 1].index < items[i].index), "seed %llu: item %zu of %zu",
                      (unsigned long long)seed, i, n);
    }
}

START_TEST(any_keys_are_sorted_and_equal_ones_keep_their_order) {
    struct rocks_item items[MOST], spare[MOST];
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        uint64_t random = seed;
        size_t n = suite_below(&random, MOST + 1), common = suite_below(&random, 14), sum = 0, sorted = 0;
        uint32_t letters = 1 + suite_below(&random, 4);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < LONGEST; j++)
                keys[i][j] = j < common ? 'c' : (uint8_t)suite_below(&random, letters);
            items[i].key = (struct bytes){keys[i], common + suite_below(&random, (uint32_t)(LONGEST - common))};
            items[i].index = (uint32_t)i;
            sum += i;
        }
        rocks_sort(items, spare, n);
        check_sorted(seed, items, n);
        for (size_t i = 0; i < n; i++)
            sorted += items[i].index;
        ck_assert_uint_eq(sum, sorted);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, any_keys_are_sorted_and_equal_ones_keep_their_order);
}

SUITE_MAIN("rocks_sort", add)
