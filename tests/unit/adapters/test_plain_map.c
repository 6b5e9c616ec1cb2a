/* The ordered map against a list that is searched from end to end. */
#include "adapters/plain_map.h"
#include "support/suite.h"

#include <stdio.h>

enum { KEYS = 40, OPERATIONS = 4000 };

static struct bytes key_of(uint32_t i) {
    static char text[KEYS + 1][8];
    snprintf(text[i], sizeof text[i], "%02u", i);
    return bytes_of(text[i]);
}

START_TEST(it_does_what_a_list_does) {
    struct plain_map map = {NULL, 0};
    bool there[KEYS + 1] = {false};
    uint8_t value[KEYS] = {0};
    uint64_t random = 11;
    size_t n = 0;
    for (int i = 0; i < OPERATIONS; i++) {
        uint32_t k = suite_below(&random, KEYS), what = suite_below(&random, 4), next = k;
        bool after = suite_below(&random, 2) == 0;
        struct bytes found;
        if (what == 0) {
            n -= there[k];
            there[k] = false;
            plain_map_remove(&map, key_of(k));
        } else if (what == 1) {
            n += !there[k];
            there[k] = true;
            value[k] = (uint8_t)suite_random(&random);
            plain_map_put(&map, key_of(k), (struct bytes){&value[k], 1});
        } else if (what == 2) {
            ck_assert(plain_map_get(&map, key_of(k), &found) == there[k]);
            ck_assert(!there[k] || (found.n == 1 && found.at[0] == value[k]));
        } else {
            for (next = k + after; next < KEYS && !there[next]; next++)
                ;
            ck_assert(plain_map_next(&map, key_of(k), after, &found) == (next < KEYS));
            ck_assert(next == KEYS || bytes_equal(found, key_of(next)));
        }
        ck_assert_uint_eq(map.n, n);
    }
    plain_map_clear(&map);
    ck_assert(map.n == 0 && !map.root);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, it_does_what_a_list_does);
}

SUITE_MAIN("plain_map", add)
