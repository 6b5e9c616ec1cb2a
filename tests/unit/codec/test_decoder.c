/* Framings of Avro told apart, schemas that are not there yet, and JSON by the same face. */
#include "codec/decoder.h"
#include "codec/shipped.h"
#include "support/suite.h"

static struct schemas *set;
static struct arena *arena;
static const struct schema *schema;
static uint8_t room[512];
static struct writer w;
static struct event event;
static struct err err;
static uint32_t entry;
static const struct mapping line = {.shipped = true};

static void put_text(const char *text) {
    writer_zigzag(&w, (int64_t)strlen(text));
    writer_bytes(&w, text, strlen(text));
}

/* A social.followed without optional members. */
static void put_body(void) {
    put_text("l-1");
    put_text("e-1");
    writer_zigzag(&w, INT64_C(1795341600000));
    for (int i = 0; i < 7; i++)
        writer_u8(&w, 0);
}

static void setup(void) {
    set = schemas_new();
    arena = arena_new(1024 * 1024);
    w = writer_of(room, sizeof room);
    for (size_t i = 0; i < n_shipped; i++)
        if (!strcmp(shipped[i].name, "SocialEvent"))
            schema = schemas_add(set, shipped[i].json, 7, &err);
    ck_assert(schema != NULL);
}

static void teardown(void) {
    schemas_free(&set);
    arena_free(&arena);
}

static struct decoder *decoder_of(enum decoder_format format) {
    struct decoder_options options = {.format = format, .mapping = &line, .schemas = set, .bare = schema};
    return decoder_new(&options);
}

static void check_one_event(struct decoder *decoder) {
    ck_assert_msg(decoder_start(decoder, writer_done(&w), arena, &err), "%s", err.words);
    ck_assert_msg(decoder_next(decoder, &event, &entry, &err) == DECODER_EVENT, "%s", err.words);
    ck_assert_uint_eq(entry, 0);
    ck_assert_bytes_eq(event.lead, "l-1");
    ck_assert_bytes_eq(event.type, "social.followed");
    ck_assert_int_eq(decoder_next(decoder, &event, &entry, &err), DECODER_END);
}

START_TEST(confluent_framing) {
    struct decoder *decoder = decoder_of(DECODER_AVRO);
    writer_u8(&w, 0);
    writer_u32be(&w, 7);
    put_body();
    check_one_event(decoder);
    ck_assert_int_eq(decoder_schema_id(decoder), 7);
    decoder_free(&decoder);
}
END_TEST

static struct bytes header_of(uint8_t *at, uint8_t magic, size_t n) {
    memset(at, 0, n);
    at[0] = magic;
    at[n - 1] = 7;
    return (struct bytes){at, n};
}

/* Newer Confluent clients put the id beside the record. */
START_TEST(an_id_in_a_header) {
    uint8_t bytes[20];
    struct decoder *decoder = decoder_of(DECODER_AVRO);
    put_body();
    ck_assert_msg(decoder_start_beside(decoder, header_of(bytes, 0, 5), writer_done(&w), arena, &err), "%s", err.words);
    ck_assert_int_eq(decoder_schema_id(decoder), 7);
    ck_assert_msg(decoder_next(decoder, &event, &entry, &err) == DECODER_EVENT, "%s", err.words);
    ck_assert_bytes_eq(event.lead, "l-1");
    bytes[4] = 8;
    struct bytes other = {bytes, 5};
    ck_assert(!decoder_start_beside(decoder, other, writer_done(&w), arena, &err));
    ck_assert_int_eq(err_class(err.code), ERR_CLASS_RETRY); /* to be fetched */
    ck_assert_int_eq(decoder_schema_id(decoder), 8);
    ck_assert(!decoder_start_beside(decoder, header_of(bytes, 1, 17), writer_done(&w), arena, &err));
    ck_assert_msg(err.code == ERR_SCHEMA && strstr(err.words, "GUID"), "%s", err.words);
    for (size_t n = 1; n <= 18; n++) {
        for (uint8_t magic = 0; magic < 3; magic++) {
            if ((magic == 0 && n == 5) || (magic == 1 && n == 17))
                continue;
            ck_assert(!decoder_start_beside(decoder, header_of(bytes, magic, n), writer_done(&w), arena, &err));
            ck_assert_msg(err.code == ERR_SCHEMA && strstr(err.words, "is no schema id"), "%zu: %s", n, err.words);
        }
    }
    ck_assert(!decoder_start_beside(decoder, (struct bytes){bytes, 0}, writer_done(&w), arena, &err));
    ck_assert_int_eq(decoder_next(decoder, &event, &entry, &err), DECODER_END);
    decoder_free(&decoder);
}
END_TEST

START_TEST(single_object_encoding) {
    struct decoder *decoder = decoder_of(DECODER_AVRO);
    writer_u16be(&w, 0xc301);
    writer_u64(&w, schema_fingerprint(schema));
    put_body();
    check_one_event(decoder);
    ck_assert_int_eq(decoder_schema_id(decoder), -1);
    decoder_free(&decoder);
}
END_TEST

START_TEST(no_framing) {
    struct decoder *decoder = decoder_of(DECODER_AVRO_BARE);
    put_body();
    check_one_event(decoder);
    check_one_event(decoder);
    decoder_free(&decoder);
}
END_TEST

START_TEST(a_schema_that_is_not_there_is_wanted) {
    struct decoder *decoder = decoder_of(DECODER_AVRO);
    struct decoder_wanted wanted;
    writer_u8(&w, 0);
    writer_u32be(&w, 0x80000001);
    put_body();
    ck_assert(!decoder_start(decoder, writer_done(&w), arena, &err));
    ck_assert_int_eq(err_class(err.code), ERR_CLASS_RETRY);
    ck_assert(decoder_wanted(decoder, &wanted) && !wanted.by_fingerprint);
    ck_assert_int_eq(wanted.id, 0x80000001);
    ck_assert_int_eq(decoder_schema_id(decoder), 0x80000001);
    ck_assert_int_eq(decoder_next(decoder, &event, &entry, &err), DECODER_END);
    ck_assert(schemas_add(set, bytes_of("\"int\""), 0x80000001, NULL) != NULL);
    ck_assert(decoder_start(decoder, writer_done(&w), arena, &err));
    ck_assert(!decoder_wanted(decoder, &wanted));
    ck_assert_int_eq(decoder_next(decoder, &event, &entry, &err), DECODER_BAD);
    ck_assert_int_eq(err.code, ERR_SCHEMA);

    w = writer_of(room, sizeof room);
    writer_u16be(&w, 0xc301);
    writer_u64(&w, 42);
    ck_assert(!decoder_start(decoder, writer_done(&w), arena, &err));
    ck_assert(decoder_wanted(decoder, &wanted) && wanted.by_fingerprint && wanted.fingerprint == 42);
    decoder_free(&decoder);
}
END_TEST

START_TEST(what_is_no_framing_is_refused) {
    struct decoder *decoder = decoder_of(DECODER_AVRO);
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {{"", 0}, {"\0\0\0\0", 4}, {"{\"lead\":1}", 10}, {"\xc3\x01\0\0\0\0\0\0\0", 9}, {"\xc3\x02zzzzzzzz", 10}};
    struct decoder_wanted wanted;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(!decoder_start(decoder, (struct bytes){(const uint8_t *)bad[i].bytes, bad[i].n}, arena, &err));
        ck_assert_int_eq(err.code, ERR_MALFORMED);
        ck_assert(!decoder_wanted(decoder, &wanted));
    }
    static uint8_t large[EVENT_MAX_BYTES + 1];
    ck_assert(!decoder_start(decoder, (struct bytes){large, sizeof large}, arena, &err));
    ck_assert_int_eq(err.code, ERR_TOO_LARGE);
    decoder_free(&decoder);
}
END_TEST

START_TEST(json_by_the_same_face) {
    struct decoder *decoder = decoder_of(DECODER_JSON);
    struct bytes text = bytes_of("[{\"lead\":\"l-1\",\"id\":\"a\",\"type\":\"t\",\"time\":1795341600000},"
                                 "{\"lead\":\"l-2\",\"id\":\"b\",\"type\":\"t\",\"time\":\"x\"}]");
    ck_assert_msg(decoder_start(decoder, text, arena, &err), "%s", err.words);
    ck_assert_int_eq(decoder_next(decoder, &event, &entry, &err), DECODER_EVENT);
    ck_assert_bytes_eq(event.lead, "l-1");
    ck_assert_int_eq(decoder_next(decoder, &event, &entry, &err), DECODER_BAD);
    ck_assert_bytes_eq(event.lead, "l-2");
    ck_assert_uint_eq(entry, 1);
    ck_assert_int_eq(decoder_next(decoder, &event, &entry, &err), DECODER_END);
    ck_assert_int_eq(decoder_schema_id(decoder), -1);
    decoder_free(&decoder);
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, confluent_framing);
    tcase_add_test(all, an_id_in_a_header);
    tcase_add_test(all, single_object_encoding);
    tcase_add_test(all, no_framing);
    tcase_add_test(all, a_schema_that_is_not_there_is_wanted);
    tcase_add_test(all, what_is_no_framing_is_refused);
    tcase_add_test(all, json_by_the_same_face);
}

SUITE_MAIN("decoder", add)
