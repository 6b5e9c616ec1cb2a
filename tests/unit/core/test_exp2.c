/* 2^x against values worked out with 100 decimal digits, and against its own 128-bit form. */
#include "core/decay.h"
#include "core/exp2.h"
#include "support/suite.h"

static const struct { uint64_t x, value; } values[] = {
    {0x0000000000000001, 0x8000000000000000},
    {0x0000000000000002, 0x8000000000000000},
    {0x0003ffffffffffff, 0x800162e61bed4a48},
    {0x0004000000000000, 0x800162e61bed4a48},
    {0x01ffffffffffffff, 0x80b1ed4fd999ab6b},
    {0x0200000000000000, 0x80b1ed4fd999ab6c},
    {0x7fffffffffffffff, 0xb504f333f9de6483},
    {0x8000000000000000, 0xb504f333f9de6484},
    {0xffffffffffffffff, 0xffffffffffffffff},
    {0xfffc000000000000, 0xfffd3a3b7814eb53},
    {0xf2a74de452e6b438, 0xf6ea01dcd6dd060b},
    {0x6513270e269e0d37, 0xa84ac5eb6ed10a2b},
    {0x0c5c7fd0a6a3a450, 0x845b4abd6342b769},
    {0xd23f0824128b2f33, 0xe22bf137aac9cee9},
    {0x1818e811892f902b, 0x88a144f4833fde15},
    {0x9531985d5d9dc9f8, 0xbfb5f8cf94557391},
    {0xe8e25d940ed90475, 0xf077ef1969a94132},
    {0x36f675cc81e74ef5, 0x9489fd684ab6cee2},
    {0x1600a35a099950d8, 0x87db7196959baf9b},
    {0x6b0d549b6f03675a, 0xab09b336777705ee},
    {0x3d9c172411e20b8f, 0x973c8e4f8359a0b5},
    {0x8d116ece1738f7d9, 0xbb89ff799376b3d2},
    {0x0f21ddb66cad4a26, 0x855a76a57a04dea3},
    {0x90c192cfd3ac94af, 0xbd6bd130e434fd92},
    {0xf28c105d1fb17c23, 0xf6d7cc68b6e9cc72},
    {0xa170b33839263059, 0xc62c9d8aecb7fa4a},
    {0x953f48f1a09f76b5, 0xbfbd141728da10ec},
    {0x0fd630f1f29d0da9, 0x859ba2a2f9bb6c4a},
    {0x95e60af593bd04cf, 0xc013ba473a0037a0},
    {0x0cb1e29c658cda14, 0x8479e7ce2dd0c3b3},
    {0x3898d190f9ebdacc, 0x95329ec8a4c1ce19},
    {0x8e81973e0becd7b0, 0xbc454e6c0d1ef7e2},
};
static const struct { uint64_t r, h, w; } buckets[] = {
    {1, 1000, 0x1002d711c},
    {500, 1000, 0x16a09e667},
    {999, 1000, 0x1ffa52de6},
    {1, 1001, 0x1002d657c},
    {500, 1001, 0x169e9d10a},
    {1000, 1001, 0x1ffa5451e},
    {1, 3600000, 0x10000033a},
    {1800000, 3600000, 0x16a09e667},
    {3599999, 3600000, 0x1fffff98a},
    {1, 86400000, 0x100000022},
    {43200000, 86400000, 0x16a09e667},
    {86399999, 86400000, 0x1ffffffbb},
    {1, 604800000, 0x100000004},
    {302400000, 604800000, 0x16a09e667},
    {604799999, 604800000, 0x1fffffff6},
    {1, 1209600000, 0x100000002},
    {604800000, 1209600000, 0x16a09e667},
    {1209599999, 1209600000, 0x1fffffffb},
    {1, 2592000000, 0x100000001},
    {1296000000, 2592000000, 0x16a09e667},
    {2591999999, 2592000000, 0x1fffffffd},
    {1, 7776000000, 0x100000000},
    {3888000000, 7776000000, 0x16a09e667},
    {7775999999, 7776000000, 0x1ffffffff},
    {1, 31536000000, 0x100000000},
    {15768000000, 31536000000, 0x16a09e667},
    {31535999999, 31536000000, 0x1ffffffff},
    {1, 3153600000000, 0x100000000},
    {1576800000000, 3153600000000, 0x16a09e667},
    {3153599999999, 3153600000000, 0x1ffffffff},
    {264107239, 1209600000, 0x129d45711},
    {723600456, 1209600000, 0x1838b26a4},
    {350784496, 604800000, 0x17eae7efd},
    {565209538, 604800000, 0x1e949af07},
    {543357407, 604800000, 0x1dd2fa8a1},
    {44107180, 86400000, 0x16caee385},
    {207258588, 1209600000, 0x120489713},
    {576040793, 604800000, 0x1ef66411b},
    {1117834577, 1209600000, 0x1e5c5a647},
    {249058830, 604800000, 0x15491aec9},
};

START_TEST(is_never_above_and_hardly_below) {
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint64_t got = exp2_up(values[i].x);
        ck_assert_msg(got <= values[i].value && values[i].value - got < EXP2_ULPS, "2^(%#lx / 2^64): %#lx, not %#lx",
                      (unsigned long)values[i].x, (unsigned long)got, (unsigned long)values[i].value);
    }
}
END_TEST

START_TEST(is_exact_at_zero) {
    ck_assert(exp2_up(0) == UINT64_C(1) << 63);
    ck_assert(exp2_floor32(0, 0, 1000) == UINT64_C(1) << 32);
    ck_assert(exp2_floor32_slow(0, 1000) == UINT64_C(1) << 32);
}
END_TEST

/* Inside a step of the tables it cannot fall; this is every seam between two steps. */
START_TEST(never_falls) {
    for (uint64_t step = 1; step < 1 << 14; step++) {
        uint64_t x = step << 50;
        ck_assert_msg(exp2_up(x - 1) <= exp2_up(x), "it falls at %#lx", (unsigned long)x);
        ck_assert(exp2_up(x) <= exp2_up(x + 1));
    }
    ck_assert(exp2_up(UINT64_MAX) > exp2_up(UINT64_MAX >> 1));
}
END_TEST

START_TEST(a_bucket_gets_the_floor_of_the_true_value) {
    for (size_t i = 0; i < sizeof buckets / sizeof *buckets; i++) {
        struct decay decay;
        decay_init(&decay, (int64_t)buckets[i].h);
        ck_assert_uint_eq(exp2_floor32_slow(buckets[i].r, buckets[i].h), buckets[i].w);
        ck_assert_uint_eq(decay_bucket(&decay, (int64_t)buckets[i].r).w, buckets[i].w);
    }
}
END_TEST

START_TEST(both_ways_give_one_floor) {
    uint64_t seed = 20;
    for (int i = 0; i < 100000; i++) {
        int64_t h = 1000 + (int64_t)(suite_random(&seed) % 3153600000000);
        int64_t t = (int64_t)(suite_random(&seed) % 4102444800000);
        struct decay decay;
        decay_init(&decay, h);
        struct decay_bucket got = decay_bucket(&decay, t);
        ck_assert_msg(got.n == t / h && got.w == exp2_floor32_slow((uint64_t)(t % h), (uint64_t)h),
                      "seed 20, turn %d: t %ld, h %ld", i, (long)t, (long)h);
    }
}
END_TEST

START_TEST(a_factor_is_exact_at_whole_half_lives_and_falls_with_every_millisecond) {
    static const int64_t half_lives[] = {1000, 1024, 86400000, INT64_C(1) << 40, INT64_C(3153600000000)};
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof half_lives / sizeof *half_lives; i++) {
        int64_t h = half_lives[i];
        struct decay decay;
        decay_init(&decay, h);
        for (int64_t lives = 0; lives <= 32; lives++) {
            struct decay_factor factor = decay_factor(&decay, lives * h);
            ck_assert(factor.value == UINT64_C(1) << 63 && factor.halvings == lives);
        }
        for (int turn = 0; turn < 2000; turn++) {
            int64_t age = (int64_t)(suite_random(&seed) % (uint64_t)(32 * h));
            if (turn % 3 == 0)
                age = age / h * h - (age >= h);
            struct decay_factor a = decay_factor(&decay, age), b = decay_factor(&decay, age + 1);
            ck_assert(a.value >= UINT64_C(1) << 63 && a.halvings == (age + h - 1) / h);
            bool falls = b.halvings == a.halvings ? b.value < a.value
                                                  : b.halvings == a.halvings + 1 && b.value / 2 < a.value;
            ck_assert_msg(falls, "seed 5: half-life %ld, age %ld", (long)h, (long)age);
        }
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, is_never_above_and_hardly_below);
    tcase_add_test(all, is_exact_at_zero);
    tcase_add_test(all, never_falls);
    tcase_add_test(all, a_bucket_gets_the_floor_of_the_true_value);
    tcase_add_test(all, both_ways_give_one_floor);
    tcase_add_test(all, a_factor_is_exact_at_whole_half_lives_and_falls_with_every_millisecond);
}

SUITE_MAIN("exp2", add)
