/* Decimal numbers as text: what is one, what it is worth, and that nothing is lost on the way. */
#include "support/suite.h"
#include <leadstream/decimal.h>

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *text;
    int decimals;
    int64_t limit;
    enum decimal_result result;
    int64_t value;
} scaled[] = {
    {"0", 2, 100, DECIMAL_OK, 0},
    {"-0", 2, 100, DECIMAL_OK, 0},
    {"1", 2, 100, DECIMAL_OK, 100},
    {"1.01", 2, 100, DECIMAL_TOO_LARGE, 0},
    {"-1", 2, 100, DECIMAL_OK, -100},
    {"-1.01", 2, 100, DECIMAL_TOO_LARGE, 0},
    {"007.5000", 1, 1000, DECIMAL_OK, 75},
    {"0.5", 0, 1000, DECIMAL_TOO_PRECISE, 0},
    {"0.00005", 4, 1000, DECIMAL_TOO_PRECISE, 0},
    {"0.00050", 4, 1000, DECIMAL_OK, 5},
    {"999999999999999.99", 2, INT64_C(99999999999999999), DECIMAL_OK, INT64_C(99999999999999999)},
    {"1000000000000000", 2, INT64_C(99999999999999999), DECIMAL_TOO_LARGE, 0},
    {"0000000000000000000000000000001", 0, 9, DECIMAL_OK, 1},
    {"99999999999999999999999999999999", 4, INT64_MAX, DECIMAL_TOO_LARGE, 0},
    {"", 2, 100, DECIMAL_NOT_A_NUMBER, 0},
    {"-", 2, 100, DECIMAL_NOT_A_NUMBER, 0},
    {"+1", 2, 1000, DECIMAL_NOT_A_NUMBER, 0},
    {"1.", 2, 1000, DECIMAL_NOT_A_NUMBER, 0},
    {".5", 2, 1000, DECIMAL_NOT_A_NUMBER, 0},
    {"1e3", 2, 1000, DECIMAL_NOT_A_NUMBER, 0},
    {" 1", 2, 1000, DECIMAL_NOT_A_NUMBER, 0},
    {"1 ", 2, 1000, DECIMAL_NOT_A_NUMBER, 0},
    {"1.2.3", 2, 1000, DECIMAL_NOT_A_NUMBER, 0},
    {"0x10", 2, 1000, DECIMAL_NOT_A_NUMBER, 0},
};

START_TEST(a_models_number_is_scaled) {
    for (size_t i = 0; i < sizeof scaled / sizeof *scaled; i++) {
        int64_t value = 0;
        enum decimal_result result =
            decimal_scaled(bytes_of(scaled[i].text), scaled[i].decimals, scaled[i].limit, &value);
        ck_assert_msg(result == scaled[i].result && (result != DECIMAL_OK || value == scaled[i].value),
                      "\"%s\": result %d, value %lld", scaled[i].text, (int)result, (long long)value);
    }
}
END_TEST

static const struct {
    const char *text;
    int64_t hundredths;
    int order; /* 9: not a number */
} compared[] = {
    {"5", 500, 0},
    {"+5", 500, 0},
    {"5.00", 500, 0},
    {"005", 500, 0},
    {"5.000000000000000000000000001", 500, 1},
    {"4.999999999999999999999999999", 500, -1},
    {"-5", -500, 0},
    {"-5.001", -500, -1},
    {"-4.999", -500, 1},
    {"-0", 0, 0},
    {"-0.00", 0, 0},
    {"-0.001", 0, -1},
    {"0.001", 0, 1},
    {"-1", 100, -1},
    {"1", -100, 1},
    {"0", -1, 1},
    {"0", 1, -1},
    {"99999999999999999999999999", 99999999999999999, 1},
    {"-99999999999999999999999999", -99999999999999999, -1},
    {"999999999999999.99", 99999999999999999, 0},
    {"", 0, 9},
    {"+", 0, 9},
    {"5 ", 0, 9},
    {" 5", 0, 9},
    {"5,0", 0, 9},
    {"5.", 0, 9},
    {".5", 0, 9},
    {"1e3", 0, 9},
    {"+-5", 0, 9},
    {"--5", 0, 9},
    {"five", 0, 9},
};

START_TEST(a_value_is_compared_exactly) {
    for (size_t i = 0; i < sizeof compared / sizeof *compared; i++) {
        int order = 9;
        bool number = decimal_compare(bytes_of(compared[i].text), compared[i].hundredths, &order);
        ck_assert_msg(number == (compared[i].order != 9) && order == compared[i].order, "\"%s\" with %lld: %d",
                      compared[i].text, (long long)compared[i].hundredths, order);
    }
}
END_TEST

static const struct {
    const char *json, *plain; /* "" : refused */
} plain[] = {
    {"0", "0"},
    {"-0", "0"},
    {"0.0", "0"},
    {"-0.0e5", "0"},
    {"0e999999999999", "0"},
    {"250.0", "250"},
    {"1.5e3", "1500"},
    {"1E+2", "100"},
    {"1e-2", "0.01"},
    {"-1.50", "-1.5"},
    {"12.345", "12.345"},
    {"12.345e1", "123.45"},
    {"12.345e-4", "0.0012345"},
    {"100", "100"},
    {"0.1e1", "1"},
    {"1234567890123456789012345", "1234567890123456789012345"},
    {"0.00100", "0.001"},
    {"10e-1", "1"},
    {"1e20", "100000000000000000000"},
    {"", ""},
    {"-", ""},
    {"+1", ""},
    {"01", ""},
    {"-01", ""},
    {"1.", ""},
    {".5", ""},
    {"1e", ""},
    {"1e+", ""},
    {"1.5e3x", ""},
    {"0x1", ""},
    {"NaN", ""},
    {"1e64", ""},
    {"1e-64", ""},
    {"1e999999999999", ""},
    {"1e-99999999999999999999", ""},
};

START_TEST(a_json_number_is_made_plain) {
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        uint8_t out[40];
        size_t n = decimal_plain(bytes_of(plain[i].json), out, sizeof out);
        ck_assert_msg(bytes_is((struct bytes){out, n}, plain[i].plain), "\"%s\": \"%.*s\"", plain[i].json, (int)n,
                      (const char *)out);
    }
}
END_TEST

START_TEST(plain_text_fits_or_is_refused) {
    uint8_t out[5] = "....";
    ck_assert_uint_eq(decimal_plain(bytes_of("1e4"), out, 5), 5);
    ck_assert_uint_eq(decimal_plain(bytes_of("1e4"), out, 4), 0);
    ck_assert_uint_eq(decimal_plain(bytes_of("-1e3"), out, 4), 0);
    ck_assert_uint_eq(decimal_plain(bytes_of("0.001"), out, 4), 0);
    ck_assert_uint_eq(decimal_plain(bytes_of("0"), out, 0), 0);
}
END_TEST

START_TEST(hundredths_are_printed_short) {
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {2000, "20"},
                 {5250, "52.5"},
                 {-25, "-0.25"},
                 {5, "0.05"},
                 {-100, "-1"},
                 {110, "1.1"},
                 {INT64_MIN, "-92233720368547758.08"},
                 {INT64_MAX, "92233720368547758.07"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[DECIMAL_TEXT];
        size_t n = decimal_format(cases[i].value, out);
        ck_assert_str_eq(out, cases[i].text);
        ck_assert_uint_eq(n, strlen(out));
    }
}
END_TEST

/* What is printed reads back, compares as equal, and compares with others as the integers do. */
START_TEST(text_and_integer_agree) {
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 20261123, state = seed;
    for (int i = 0; i < 20000; i++) {
        unsigned shift = 8 + suite_below(&state, 40);
        int64_t a = (int64_t)(suite_random(&state) >> shift) * (suite_below(&state, 2) ? 1 : -1);
        int64_t b =
            suite_below(&state, 2) ? a + (int64_t)suite_below(&state, 3) - 1 : (int64_t)(suite_random(&state) >> shift);
        char text[DECIMAL_TEXT];
        struct bytes slice = {(const uint8_t *)text, decimal_format(a, text)};
        int64_t back = 0;
        int order = 9;
        ck_assert_msg(decimal_scaled(slice, 2, INT64_MAX - 1, &back) == DECIMAL_OK && back == a, "%s, SEED=%llu", text,
                      (unsigned long long)seed);
        ck_assert_msg(decimal_compare(slice, b, &order) && order == (a > b) - (a < b), "%s with %lld: %d, SEED=%llu",
                      text, (long long)b, order, (unsigned long long)seed);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_models_number_is_scaled);
    tcase_add_test(all, a_value_is_compared_exactly);
    tcase_add_test(all, a_json_number_is_made_plain);
    tcase_add_test(all, plain_text_fits_or_is_refused);
    tcase_add_test(all, hundredths_are_printed_short);
    tcase_add_test(all, text_and_integer_agree);
}

SUITE_MAIN("decimal", add)
