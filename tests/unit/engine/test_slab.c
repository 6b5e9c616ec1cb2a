/* Pieces of a slab: large enough, their own, and counted. */
#include "engine/slab.h"

#include "support/suite.h"

enum { PIECES = 500, STEPS = 50000, LARGEST = 60000 };

struct held {
    uint8_t *at;
    size_t cap;
};

static void let_go(struct slab *slab, struct held *held, uint8_t mark) {
    size_t same = 0;
    while (same < held->cap && held->at[same] == mark)
        same++;
    ck_assert_uint_eq(same, held->cap);
    slab_give(slab, held->at, held->cap);
    held->at = NULL;
}

START_TEST(pieces_are_ones_own) {
    static struct held held[PIECES];
    struct slab *slab = slab_new();
    uint64_t state = 5;
    size_t used = 0;
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = suite_below(&state, PIECES);
        if (held[i].at) {
            used -= held[i].cap;
            let_go(slab, &held[i], (uint8_t)i);
        } else {
            size_t n = 1 + suite_below(&state, step % 100 ? 600 : LARGEST);
            held[i].at = slab_take(slab, n, &held[i].cap);
            ck_assert_uint_ge(held[i].cap, n);
            ck_assert_uint_eq(held[i].cap, slab_size(slab, n));
            ck_assert_uint_eq((uintptr_t)held[i].at % 16, 0);
            memset(held[i].at, (int)(i & 0xff), held[i].cap);
            used += held[i].cap;
        }
        ck_assert_uint_eq(slab_used(slab), used);
    }
    for (uint32_t i = 0; i < PIECES; i++)
        if (held[i].at)
            let_go(slab, &held[i], (uint8_t)i);
    ck_assert_uint_eq(slab_used(slab), 0);
    slab_free(&slab);
    ck_assert_ptr_null(slab);
}
END_TEST

START_TEST(little_is_wasted) {
    struct slab *slab = slab_new();
    size_t before = 0;
    for (size_t n = 1; n <= LARGEST; n += n < 1000 ? 1 : 13) {
        size_t size = slab_size(slab, n);
        ck_assert(size >= n && size >= before && size <= n + n / 4 + 16);
        before = n < 16384 ? size : 0; /* what comes from malloc is of any size */
    }
    slab_free(&slab);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, pieces_are_ones_own);
    tcase_add_test(all, little_is_wasted);
}

SUITE_MAIN("slab", add)
