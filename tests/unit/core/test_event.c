/* What an event may be, limit by limit; strict UTF-8; and the hash, which stored leads depend on. */
#include "support/suite.h"

#include <leadstream/event.h>
#include <leadstream/when.h>

static struct event sample(void) {
    return (struct event){.lead = bytes_of("l-17"),
                          .id = bytes_of("e-9001"),
                          .type = bytes_of("web.page_viewed"),
                          .time = INT64_C(1795341600000)};
}

static void refused(const struct event *event, enum err_code code, const char *words) {
    struct err e = {0};
    ck_assert(!event_check(event, &e));
    ck_assert_msg(e.code == code, "code %s: %s", err_name(e.code), e.words);
    ck_assert_msg(strstr(e.words, words) != NULL, "\"%s\" is not in \"%s\"", words, e.words);
}

START_TEST(takes_what_is_in_the_limits) {
    static char long_text[EVENT_MAX_VALUE + 1];
    memset(long_text, 'x', EVENT_MAX_VALUE);
    struct event_field fields[EVENT_MAX_FIELDS];
    for (size_t i = 0; i < EVENT_MAX_FIELDS; i++)
        fields[i] = (struct event_field){bytes_of("name"), bytes_of(long_text)};
    struct event event = sample();
    event.lead = event.id = (struct bytes){(const uint8_t *)long_text, EVENT_MAX_LEAD};
    event.type = bytes_of("abcdefghijklmnopqrstuvwxyz0123456789_.abcdefghijklmnopqrstuvwxyz");
    event.n_fields = EVENT_MAX_FIELDS;
    event.fields = fields;
    struct err e;
    ck_assert_msg(event_check(&event, &e), "%s", e.words);
    event.time = WHEN_FIRST;
    ck_assert(event_check(&event, &e));
    event.time = WHEN_LAST;
    ck_assert(event_check(&event, &e));
}
END_TEST

START_TEST(refuses_what_is_beyond_them) {
    static char long_text[EVENT_MAX_VALUE + 2];
    memset(long_text, 'x', EVENT_MAX_VALUE + 1);
    struct event event = sample();
    event.lead = bytes_of("");
    refused(&event, ERR_MISSING, "lead is empty");
    event.lead = (struct bytes){(const uint8_t *)long_text, EVENT_MAX_LEAD + 1};
    refused(&event, ERR_TOO_LARGE, "lead has 257 bytes, the limit is 256");
    event = sample();
    event.id = (struct bytes){(const uint8_t *)long_text, EVENT_MAX_ID + 1};
    refused(&event, ERR_TOO_LARGE, "id has 257 bytes");
    event = sample();
    event.type = (struct bytes){(const uint8_t *)long_text, EVENT_MAX_TYPE + 1};
    refused(&event, ERR_TOO_LARGE, "type has 65 bytes, the limit is 64");
    event.type = bytes_of("Web.Page");
    refused(&event, ERR_INVALID, "type \"Web.Page\" has other characters");
    event.type = bytes_of("");
    refused(&event, ERR_MISSING, "type is empty");
    event = sample();
    event.time = WHEN_FIRST - 1;
    refused(&event, ERR_INVALID, "time 1999-12-31T23:59:59.999Z is before 2000-01-01");
    event.time = WHEN_LAST + 1;
    refused(&event, ERR_INVALID, "time 2100-01-01T00:00:00.001Z is past 2100-01-01");
    event.time = INT64_MAX;
    refused(&event, ERR_INVALID, "time 9223372036854775807 ms is past");
    event.time = INT64_C(253402300799999);
    refused(&event, ERR_INVALID, "time 9999-12-31T23:59:59.999Z is past");
    event.time = INT64_C(-62167219200001);
    refused(&event, ERR_INVALID, "time -62167219200001 ms is before");
    event = sample();
    struct event_field field = {bytes_of("url"), {(const uint8_t *)long_text, EVENT_MAX_VALUE + 1}};
    event.fields = &field;
    event.n_fields = 1;
    refused(&event, ERR_TOO_LARGE, "field \"url\" has 8193 bytes, the limit is 8192");
    event.n_fields = EVENT_MAX_FIELDS + 1;
    refused(&event, ERR_TOO_LARGE, "65 fields, the limit is 64");
}
END_TEST

START_TEST(a_type_is_a_few_small_letters) {
    static const char *const no[] = {"", "A", "web page", "web-page", "w\xc3\xa9", "\x7f", "\x80", "/", ":", "`", "{"};
    char longest[EVENT_MAX_TYPE + 2];
    memset(longest, 'z', sizeof longest);
    ck_assert(event_is_type(bytes_of("abcdefghijklmnopqrstuvwxyz_.0123456789")));
    ck_assert(event_is_type((struct bytes){(const uint8_t *)longest, EVENT_MAX_TYPE}));
    ck_assert(!event_is_type((struct bytes){(const uint8_t *)longest, EVENT_MAX_TYPE + 1}));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(!event_is_type(bytes_of(no[i])), "\"%s\"", no[i]);
}
END_TEST

START_TEST(refuses_text_that_is_not_utf8) {
    struct event event = sample();
    event.lead = bytes_of("\xff");
    refused(&event, ERR_MALFORMED, "lead is not UTF-8");
    event = sample();
    event.type = bytes_of("\xff");
    refused(&event, ERR_MALFORMED, "type is not UTF-8");
    event = sample();
    struct event_field field = {bytes_of("\xc0\x80"), bytes_of("")};
    event.fields = &field;
    event.n_fields = 1;
    refused(&event, ERR_MALFORMED, "name of a field is not UTF-8");
    field = (struct event_field){bytes_of("url"), bytes_of("\xed\xa0\x80")};
    refused(&event, ERR_MALFORMED, "field \"url\" is not UTF-8");
}
END_TEST

/* The definition itself, as slow and plain as it reads: decode, then ask whether the shortest form was used. */
static bool utf8_by_definition(const uint8_t *at, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t more = at[i] < 0x80 ? 0 : at[i] >> 5 == 6 ? 1 : at[i] >> 4 == 14 ? 2 : at[i] >> 3 == 30 ? 3 : 9;
        if (more == 9 || i + more >= n + (more == 0))
            return false;
        uint32_t c = more ? at[i] & (0x3fu >> more) : at[i];
        for (size_t k = 1; k <= more; k++) {
            if (at[i + k] >> 6 != 2)
                return false;
            c = c << 6 | (at[i + k] & 0x3fu);
        }
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
        i += more + 1;
    }
    return true;
}

/* All texts of up to three bytes, alone and after seven ASCII bytes (where the eight at a time begin to matter), and of
 * four bytes those that can matter. */
START_TEST(utf8_is_strict) {
    uint8_t text[16] = "1234567";
    for (uint32_t v = 0; v < 1u << 24; v++) {
        uint8_t *at = text + 7;
        at[0] = (uint8_t)(v >> 16), at[1] = (uint8_t)(v >> 8), at[2] = (uint8_t)v;
        if (at[0] < 0x7f && at[1] < 0x7f)
            continue;
        bool expected = utf8_by_definition(at, 3);
        if (event_utf8((struct bytes){at, 3}) != expected || event_utf8((struct bytes){text, 10}) != expected)
            ck_abort_msg("%06x: expected %d", v, expected);
    }
    for (uint32_t v = 0xf0000000; v >= 0xf0000000; v += 0x1001) {
        uint8_t at[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        if (event_utf8((struct bytes){at, 4}) != utf8_by_definition(at, 4))
            ck_abort_msg("%08x", v);
    }
}
END_TEST

START_TEST(hash_is_xxh3) {
    ck_assert(event_hash((struct bytes){NULL, 0}) == UINT64_C(0x2d06800538d394c2));
    ck_assert(event_hash(bytes_of("a")) == UINT64_C(0xe6c632b61e964e1f));
    ck_assert(event_hash(bytes_of("abc")) == UINT64_C(0x78af5f94892f3950));
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, takes_what_is_in_the_limits);
    tcase_add_test(all, refuses_what_is_beyond_them);
    tcase_add_test(all, a_type_is_a_few_small_letters);
    tcase_add_test(all, refuses_text_that_is_not_utf8);
    tcase_add_test(all, utf8_is_strict);
    tcase_add_test(all, hash_is_xxh3);
}

SUITE_MAIN("event", add)
