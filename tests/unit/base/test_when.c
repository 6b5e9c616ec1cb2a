/* Instants and durations: what RFC 3339 says, what it leaves to us, and that what is written can be read back. */
#include "support/suite.h"

#include <inttypes.h>
#include <leadstream/when.h>

static const struct {
    const char *text;
    int64_t ms;
} good[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00z", 0},
    {"1970-01-01t00:00:00.001Z", 1},
    {"1969-12-31T23:59:59.999Z", -1},
    {"2000-01-01T00:00:00.000Z", WHEN_FIRST},
    {"2100-01-01T00:00:00.000Z", WHEN_LAST},
    {"2026-11-22T10:00:00.000Z", INT64_C(1795341600000)},
    {"2026-11-22T10:00:00.0009999999999999999999999Z", INT64_C(1795341600000)},
    {"2026-11-22T10:00:00.9Z", INT64_C(1795341600900)},
    {"2026-11-22T12:30:00+02:30", INT64_C(1795341600000)},
    {"2026-11-21T10:01:00-23:59", INT64_C(1795341600000)},
    {"2026-11-22T10:00:00-00:00", INT64_C(1795341600000)},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
    {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
    {"0000-01-01T00:00:00Z", INT64_C(-62167219200000)},
    {"0000-02-29T00:00:00Z", INT64_C(-62162121600000)},
    {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
};

static const char *const bad[] = {
    "",
    "yesterday",
    "2026-11-22",
    "2026-11-22T10:00:00",
    "2026-11-22 10:00:00Z",
    "2026-11-22T10:00Z",
    "2026-11-22T10:00:60Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T10:60:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-11-00T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-11-22T10:00:00.Z",
    "2026-11-22T10:00:00,5Z",
    "2026-11-22T10:00:00+0200",
    "2026-11-22T10:00:00+02",
    "2026-11-22T10:00:00+24:00",
    "2026-11-22T10:00:00+02:60",
    "2026-11-22T10:00:00Z ",
    " 2026-11-22T10:00:00Z",
    "2026-11-22T10:00:00ZZ",
    "+2026-11-22T10:00:00Z",
    "12026-11-22T10:00:00Z",
    "226-11-22T10:00:00Z",
    "2026-1-22T10:00:00Z",
    "2026-W47-7T10:00:00Z",
    ("2026\xe2\x80\x90"
     "11-22T10:00:00Z"),
};

START_TEST(reads_instants) {
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ms = 77;
        ck_assert_msg(when_parse(bytes_of(good[i].text), &ms), "refused %s", good[i].text);
        ck_assert_msg(ms == good[i].ms, "%s is %" PRId64 ", not %" PRId64, good[i].text, ms, good[i].ms);
    }
}
END_TEST

START_TEST(refuses_what_is_no_instant) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms = 77;
        ck_assert_msg(!when_parse(bytes_of(bad[i]), &ms), "took %s", bad[i]);
        ck_assert_msg(ms == 77, "%s was refused but written", bad[i]);
    }
    const uint8_t zero[] = "2026-11-22T10:00:00\0Z";
    int64_t ms;
    ck_assert(!when_parse((struct bytes){zero, sizeof zero - 1}, &ms));
}
END_TEST

START_TEST(refuses_every_cut) {
    const char *text = "2026-11-22T10:00:00.125+01:00";
    int64_t ms;
    for (size_t n = 0; n < strlen(text); n++)
        ck_assert_msg(!when_parse((struct bytes){(const uint8_t *)text, n}, &ms), "took %zu bytes", n);
}
END_TEST

START_TEST(writes_instants) {
    char text[WHEN_TEXT];
    ck_assert_uint_eq(when_format(INT64_C(1795341600000), text), 24);
    ck_assert_str_eq(text, "2026-11-22T10:00:00.000Z");
    when_format(-1, text);
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999Z");
    when_format(INT64_C(-62167219200000), text);
    ck_assert_str_eq(text, "0000-01-01T00:00:00.000Z");
    when_format(INT64_C(253402300799999), text);
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
}
END_TEST

/* Every day of ten thousand years, so that no leap rule hides; a different time of day on each. */
START_TEST(reads_back_every_day) {
    char text[WHEN_TEXT];
    int64_t first = INT64_C(-62167219200000);
    for (int64_t day = 0; day < 3652425; day++) {
        int64_t ms = first + day * WHEN_DAY + day * 7919 % WHEN_DAY, back = 0;
        size_t n = when_format(ms, text);
        bool read = when_parse((struct bytes){(const uint8_t *)text, n}, &back);
        if (!read || back != ms)
            ck_abort_msg("%s is %" PRId64 ", not %" PRId64, text, back, ms);
    }
}
END_TEST

START_TEST(reads_durations) {
    int64_t ms;
    ck_assert(when_duration(bytes_of("90s"), &ms) && ms == 90000);
    ck_assert(when_duration(bytes_of("15m"), &ms) && ms == 15 * WHEN_MINUTE);
    ck_assert(when_duration(bytes_of("12h"), &ms) && ms == 12 * WHEN_HOUR);
    ck_assert(when_duration(bytes_of("014d"), &ms) && ms == 14 * WHEN_DAY);
    ck_assert(when_duration(bytes_of("2w"), &ms) && ms == 14 * WHEN_DAY);
    ck_assert(when_duration(bytes_of("100ms"), &ms) && ms == 100);
    ck_assert(when_duration(bytes_of("0s"), &ms) && ms == 0);
    ck_assert(when_duration(bytes_of("36500d"), &ms) && ms == 36500 * WHEN_DAY);
    static const char *const wrong[] = {"",    "s",     "7",    "7 days", "7days", "-1s",
                                        "+1s", "1.5h",  "1y",   "1mon",   "1S",    " 1s",
                                        "1s ", "1h30m", "1e3s", "36501d", "5215w", "99999999999999999999s"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!when_duration(bytes_of(wrong[i]), &ms), "took %s", wrong[i]);
}
END_TEST

START_TEST(writes_durations) {
    static const struct {
        int64_t ms;
        const char *text;
    } table[] = {{0, "0s"},
                 {90000, "90s"},
                 {1500, "1500ms"},
                 {WHEN_WEEK, "1w"},
                 {14 * WHEN_DAY, "2w"},
                 {15 * WHEN_DAY, "15d"},
                 {36 * WHEN_HOUR, "36h"},
                 {WHEN_MINUTE, "1m"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[WHEN_TEXT];
        ck_assert_uint_eq(when_duration_format(table[i].ms, text), strlen(table[i].text));
        ck_assert_str_eq(text, table[i].text);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, reads_instants);
    tcase_add_test(all, refuses_what_is_no_instant);
    tcase_add_test(all, refuses_every_cut);
    tcase_add_test(all, writes_instants);
    tcase_add_test(all, reads_back_every_day);
    tcase_add_test(all, reads_durations);
    tcase_add_test(all, writes_durations);
}

SUITE_MAIN("when", add)
