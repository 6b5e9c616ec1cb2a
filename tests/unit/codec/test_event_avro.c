/* Avro bodies become events: the shipped layout, mappings into nested records, and bytes that are wrong in every way.
 * */
#include "codec/event_avro.h"
#include "codec/shipped.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

static struct schemas *set;
static struct arena *arena;
static struct event_avro *avro; /* of the last event: its texts may point into it */
static uint8_t room[128 * 1024];
static struct writer w;
static struct event event;
static struct err err;

static void setup(void) {
    set = schemas_new();
    arena = arena_new(1024 * 1024);
    w = writer_of(room, sizeof room);
    err = (struct err){0};
}

static void teardown(void) {
    event_avro_free(&avro);
    schemas_free(&set);
    arena_free(&arena);
}

static const struct schema *schema_of(const char *json) {
    const struct schema *schema = schemas_add(set, bytes_of(json), -1, &err);
    ck_assert_msg(schema != NULL, "%s", err.words);
    return schema;
}

static const struct schema *shipped_schema(const char *name) {
    for (size_t i = 0; i < n_shipped; i++)
        if (!strcmp(shipped[i].name, name))
            return schemas_add(set, shipped[i].json, -1, &err);
    ck_abort_msg("no shipped schema %s", name);
}

static void put_text(const char *text) {
    writer_zigzag(&w, (int64_t)strlen(text));
    writer_bytes(&w, text, strlen(text));
}

/* A member of a shipped schema that may be null. */
static void put_optional(const char *text) {
    writer_zigzag(&w, text != NULL);
    if (text)
        put_text(text);
}

static bool decode_with(const struct mapping *mapping, const struct model *model, const struct schema *schema) {
    ck_assert(w.ok);
    event_avro_free(&avro);
    avro = event_avro_new(mapping, model);
    /* A copy of just that size, so that a sanitizer sees a step too far. */
    struct bytes done = writer_done(&w);
    uint8_t *body = arena_copy(arena, done.at, done.n);
    return event_avro_decode(avro, schema, (struct bytes){body, done.n}, arena, &event, &err);
}

static bool decode(const struct mapping *mapping, const struct schema *schema) {
    return decode_with(mapping, NULL, schema);
}

static const struct mapping line = {.shipped = true};

static struct bytes field(const char *name) {
    for (uint32_t i = 0; i < event.n_fields; i++)
        if (bytes_is(event.fields[i].name, name))
            return event.fields[i].value;
    ck_abort_msg("no field %s", name);
}

#define ck_assert_refused(ok, expected_code, expected_words)                                                          \
    do {                                                                                                              \
        ck_assert(!(ok));                                                                                             \
        ck_assert_msg(err.code == (expected_code) && strstr(err.words, (expected_words)), "%s: %s",                   \
                      err_name(err.code), err.words);                                                                 \
    } while (0)

/* Up to the map of fields. */
static void put_email(int64_t type) {
    put_text("l-17");
    put_text("e-1");
    writer_zigzag(&w, INT64_C(1795341600123));
    writer_zigzag(&w, type);
    writer_u8(&w, 1);
    put_optional("autumn");
    put_optional(NULL);
    put_optional("Hello");
    put_optional("https://x.example/");
    put_optional(NULL);
    put_optional(NULL);
}

START_TEST(a_shipped_event) {
    put_email(3);
    writer_zigzag(&w, -2); /* a block that says its size */
    writer_zigzag(&w, 14);
    put_text("size");
    put_optional("250");
    put_text("title");
    put_optional(NULL);
    writer_zigzag(&w, 0);
    ck_assert_msg(decode(&line, shipped_schema("EmailEvent")), "%s", err.words);
    ck_assert_bytes_eq(event.lead, "l-17");
    ck_assert_bytes_eq(event.id, "e-1");
    ck_assert_bytes_eq(event.type, "email.clicked");
    ck_assert_int_eq(event.time, INT64_C(1795341600123));
    ck_assert(event.machine);
    ck_assert_uint_eq(event.n_fields, 5);
    ck_assert_bytes_eq(field("campaign"), "autumn");
    ck_assert_bytes_eq(field("subject"), "Hello");
    ck_assert_bytes_eq(field("url"), "https://x.example/");
    ck_assert_bytes_eq(field("size"), "250");
    ck_assert_uint_eq(field("title").n, 0);
}
END_TEST

START_TEST(only_what_the_model_asks_about_is_handed_over) {
    struct bytes fields[] = {bytes_of("url")};
    struct model_attr attrs[] = {{bytes_of("size"), 0}};
    struct model model = {.n_fields = 1, .fields = fields, .n_attrs = 1, .attrs = attrs};
    put_email(3);
    writer_zigzag(&w, 2);
    put_text("size");
    put_optional("250");
    put_text("other");
    put_optional("x");
    writer_zigzag(&w, 0);
    ck_assert_msg(decode_with(&line, &model, shipped_schema("EmailEvent")), "%s", err.words);
    ck_assert_uint_eq(event.n_fields, 2);
    ck_assert_bytes_eq(field("url"), "https://x.example/");
    ck_assert_bytes_eq(field("size"), "250");
}
END_TEST

/* What no rule asks about is checked all the same. */
START_TEST(good_or_bad_does_not_depend_on_the_model) {
    struct model model = {0};
    put_email(3);
    writer_zigzag(&w, 1);
    put_text("other");
    put_optional("\xff");
    writer_zigzag(&w, 0);
    ck_assert_refused(decode_with(&line, &model, shipped_schema("EmailEvent")), ERR_MALFORMED,
                      "field \"other\" is not");
}
END_TEST

START_TEST(a_field_twice_is_refused) {
    put_email(3);
    writer_zigzag(&w, 1);
    put_text("campaign");
    put_optional("spring");
    writer_zigzag(&w, 0);
    ck_assert_refused(decode(&line, shipped_schema("EmailEvent")), ERR_MALFORMED, "field \"campaign\" is given twice");
    ck_assert_bytes_eq(event.lead, "l-17");
}
END_TEST

START_TEST(every_cut_and_every_leftover_is_refused) {
    const struct schema *schema = shipped_schema("EmailEvent");
    put_email(0);
    writer_zigzag(&w, 1);
    put_text("size");
    put_optional("250");
    writer_zigzag(&w, 0);
    size_t whole = writer_done(&w).n;
    for (size_t n = 0; n < whole; n++) {
        w.at = w.start + n;
        ck_assert_refused(decode(&line, schema), ERR_MALFORMED, "byte ");
    }
    w.at = w.start + whole;
    ck_assert(decode(&line, schema));
    writer_u8(&w, 0);
    ck_assert_refused(decode(&line, schema), ERR_MALFORMED, "1 bytes are left over");
}
END_TEST

START_TEST(bytes_that_are_no_such_record) {
    const struct schema *schema = shipped_schema("EmailEvent");
    put_email(99);
    ck_assert_refused(decode(&line, schema), ERR_MALFORMED, "byte 17, type: there is no symbol 99");
    w = writer_of(room, sizeof room);
    writer_zigzag(&w, -5);
    ck_assert_refused(decode(&line, schema), ERR_MALFORMED, "byte 1, lead: a length of -5");
    w = writer_of(room, sizeof room);
    writer_zigzag(&w, INT64_MAX);
    ck_assert_refused(decode(&line, schema), ERR_MALFORMED, "lead: a length of 9223372036854775807");
    w = writer_of(room, sizeof room);
    for (int i = 0; i < 11; i++)
        writer_u8(&w, 0xff);
    ck_assert_refused(decode(&line, schema), ERR_MALFORMED, "more than 64 bits");
    w = writer_of(room, sizeof room);
    for (int i = 0; i < 9; i++)
        writer_u8(&w, 0x80);
    writer_u8(&w, 2); /* the 65th bit */
    ck_assert_refused(decode(&line, schema), ERR_MALFORMED, "more than 64 bits");
}
END_TEST

static const char *const nested =
    "{\"type\":\"record\",\"name\":\"acme.Hook\",\"fields\":["
    "{\"name\":\"pad\",\"type\":{\"type\":\"record\",\"name\":\"Pad\",\"fields\":["
    "  {\"name\":\"a\",\"type\":\"double\"},"
    "  {\"name\":\"b\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}}]}},"
    "{\"name\":\"contact\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Contact\",\"fields\":["
    "  {\"name\":\"id\",\"type\":\"long\"},{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
    "  {\"name\":\"more\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"double\",\"Pad\"]}}]}]},"
    "{\"name\":\"key\",\"type\":\"bytes\"},"
    "{\"name\":\"at\",\"type\":[{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"},\"string\"]},"
    "{\"name\":\"what\",\"type\":{\"type\":\"enum\",\"name\":\"WhatType\",\"symbols\":[\"open\",\"click\",\"tea\"]}},"
    "{\"name\":\"bot\",\"type\":[\"null\",\"boolean\",\"string\"]}]}";

static struct mapping_value path(const char *text) {
    struct mapping_value v = {0};
    ck_assert(mapping_path(&v, bytes_of(text), NULL));
    return v;
}

static struct mapping_translation translations[] = {
    {{(const uint8_t *)"open", 4}, {(const uint8_t *)"email.opened", 12}},
    {{(const uint8_t *)"click", 5}, {(const uint8_t *)"email.clicked", 13}},
};

static struct mapping nested_mapping(struct mapping_field *fields, uint32_t n) {
    struct mapping m = {.lead = path("contact.id"), .id = path("key"), .time = path("at"), .type = path("what"),
                        .machine = path("bot"), .n_fields = n, .fields = fields};
    m.type.n_translations = 2;
    m.type.translations = translations;
    return m;
}

static void put_nested(bool micros, int64_t what) {
    writer_u64(&w, 0);
    writer_bytes(&w, "abc", 3);
    writer_zigzag(&w, 1);
    writer_zigzag(&w, -42);
    writer_zigzag(&w, 1);
    put_text("t0");
    writer_zigzag(&w, 2);
    put_text("t1");
    put_text("t2");
    writer_zigzag(&w, 0);
    writer_zigzag(&w, 2);
    put_text("worth");
    writer_zigzag(&w, 1);
    double worth = 1234.5;
    uint64_t bits;
    memcpy(&bits, &worth, sizeof bits);
    writer_u64(&w, bits);
    put_text("pad");
    writer_zigzag(&w, 2);
    writer_u64(&w, 0);
    writer_bytes(&w, "abc", 3);
    writer_zigzag(&w, 0);
    put_text("k-1");
    writer_zigzag(&w, !micros);
    if (micros)
        writer_zigzag(&w, INT64_C(1795341600123999));
    else
        put_text("2026-11-22T10:00:00Z");
    writer_zigzag(&w, what);
    writer_zigzag(&w, 1);
    writer_u8(&w, 1);
}

START_TEST(a_mapping_into_nested_records) {
    struct mapping_field fields[] = {
        {bytes_of("tag"), path("contact.tags[2]")},    {bytes_of("none"), path("contact.tags[3]")},
        {bytes_of("worth"), path("contact.more.worth")}, {bytes_of("id"), path("key")},
        {bytes_of("old"), path("nothing.here")},         {bytes_of("b"), path("pad.b")},
        {bytes_of("source"), {.kind = MAPPING_LITERAL, .literal = bytes_of("hook")}},
        {bytes_of("padded"), path("contact.more.pad")},
    };
    struct mapping mapping = nested_mapping(fields, 8);
    put_nested(true, 1);
    ck_assert_msg(decode(&mapping, schema_of(nested)), "%s", err.words);
    ck_assert_bytes_eq(event.lead, "-42");
    ck_assert_bytes_eq(event.id, "k-1");
    ck_assert_bytes_eq(event.type, "email.clicked");
    ck_assert_int_eq(event.time, INT64_C(1795341600123));
    ck_assert(event.machine);
    ck_assert_uint_eq(event.n_fields, 5);
    ck_assert_bytes_eq(field("tag"), "t2");
    ck_assert_bytes_eq(field("worth"), "1234.5");
    ck_assert_bytes_eq(field("id"), "k-1");
    ck_assert_bytes_eq(field("b"), "abc");
    ck_assert_bytes_eq(field("source"), "hook");
}
END_TEST

START_TEST(another_branch_of_a_union) {
    struct mapping mapping = nested_mapping(NULL, 0);
    put_nested(false, 0);
    ck_assert_msg(decode(&mapping, schema_of(nested)), "%s", err.words);
    ck_assert_int_eq(event.time, INT64_C(1795341600000));
    ck_assert_bytes_eq(event.type, "email.opened");
}
END_TEST

START_TEST(a_type_that_is_not_in_the_map) {
    struct mapping mapping = nested_mapping(NULL, 0);
    put_nested(true, 2);
    ck_assert_refused(decode(&mapping, schema_of(nested)), ERR_INVALID, "type \"tea\" is not in the source's map");
    mapping.time.unit = MAPPING_UNIT_RFC3339;
    ck_assert_refused(decode(&mapping, schema_of(nested)), ERR_INVALID, "type");
    mapping.type.n_translations = 0;
    ck_assert_refused(decode(&mapping, schema_of(nested)), ERR_INVALID, "time 1795341600123999 is a number");
}
END_TEST

START_TEST(a_null_on_the_way_is_a_missing_part) {
    const struct schema *schema = schema_of(
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"c\",\"type\":[\"null\",{\"type\":\"record\","
        "\"name\":\"c\",\"fields\":[{\"name\":\"id\",\"type\":[\"null\",\"string\"]}]}]}]}");
    struct mapping_value literal = {.kind = MAPPING_LITERAL, .literal = bytes_of("x.y")};
    struct mapping mapping = {.lead = path("c.id"), .id = literal, .type = literal, .time = literal};
    writer_zigzag(&w, 0);
    ck_assert_refused(decode(&mapping, schema), ERR_MISSING, "lead is missing");
    w = writer_of(room, sizeof room);
    writer_zigzag(&w, 1);
    writer_zigzag(&w, 0);
    ck_assert_refused(decode(&mapping, schema), ERR_MISSING, "lead is missing (null)");
}
END_TEST

START_TEST(a_schema_that_does_not_fit_is_said_once_and_for_all) {
    struct mapping mapping = nested_mapping(NULL, 0);
    mapping.lead = path("contact.name");
    ck_assert_refused(decode(&mapping, schema_of(nested)), ERR_SCHEMA,
                      "lead: the schema acme.Hook has nothing at \"contact.name\"");
    mapping.lead = path("contact.tags");
    ck_assert_refused(decode(&mapping, schema_of(nested)), ERR_SCHEMA, "no single value");
    struct mapping_field fields[] = {{bytes_of("pad"), path("pad")}};
    mapping = nested_mapping(fields, 1);
    ck_assert_refused(decode(&mapping, schema_of(nested)), ERR_SCHEMA,
                      "fields: the schema acme.Hook has no single value");
    ck_assert_refused(decode(&line, schema_of("\"int\"")), ERR_SCHEMA, "lead: the schema (no name) has nothing at");
}
END_TEST

/* One value of one type at `v`, as the field f. */
static const struct schema *one(const char *type) {
    char json[512];
    snprintf(json, sizeof json, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"v\",\"type\":%s}]}", type);
    return schema_of(json);
}

static struct mapping_value text_literal(const char *text) {
    return (struct mapping_value){.kind = MAPPING_LITERAL, .literal = bytes_of(text)};
}

static struct mapping one_mapping(struct mapping_field *f) {
    *f = (struct mapping_field){bytes_of("f"), path("v")};
    return (struct mapping){.lead = text_literal("l"), .id = text_literal("i"), .type = text_literal("t"),
                            .time = text_literal("2026-11-22T10:00:00Z"), .n_fields = 1, .fields = f};
}

static void check_real(double v, bool wide, const char *expected) {
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    w = writer_of(room, sizeof room);
    float narrow = (float)v;
    uint32_t bits32;
    uint64_t bits;
    memcpy(&bits32, &narrow, sizeof bits32);
    memcpy(&bits, &v, sizeof bits);
    if (wide)
        writer_u64(&w, bits);
    else
        writer_u32(&w, bits32);
    ck_assert_msg(decode(&mapping, one(wide ? "\"double\"" : "\"float\"")), "%s", err.words);
    ck_assert_bytes_eq(field("f"), expected);
}

START_TEST(reals_are_their_shortest_decimals) {
    check_real(0.1, true, "0.1");
    check_real(0.1, false, "0.1");
    check_real(-0.0, true, "0");
    check_real(250, true, "250");
    check_real(-2.50, true, "-2.5");
    check_real(1e21, true, "1000000000000000000000");
    check_real(1.5e-7, true, "0.00000015");
    check_real(0.1 + 0.2, true, "0.30000000000000004");
    check_real(1.0 / 3, true, "0.3333333333333333");
    check_real(1.0 / 3, false, "0.33333334");
    check_real(16777216, false, "16777216");
    check_real(999999999999999, true, "999999999999999");
    check_real(9007199254740992, true, "9007199254740992");
    check_real(123456.789, true, "123456.789");
    check_real(1e-6, true, "0.000001");
    check_real(3.4e38, false, "340000000000000000000000000000000000000");
}
END_TEST

START_TEST(any_real_reads_back) {
    uint64_t seed = 17;
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    const struct schema *schema = one("\"double\"");
    for (int i = 0; i < 2000; i++) {
        uint64_t bits = suite_random(&seed);
        double v, back;
        memcpy(&v, &bits, sizeof v);
        w = writer_of(room, sizeof room);
        writer_u64(&w, bits);
        arena_reset(arena);
        bool ok = decode(&mapping, schema);
        if ((bits >> 52 & 2047) == 2047) {
            ck_assert_refused(ok, ERR_INVALID, "not finite");
            continue;
        }
        char text[512];
        snprintf(text, sizeof text, "%.*s", (int)field("f").n, (const char *)field("f").at);
        back = strtod(text, NULL);
        ck_assert_msg(memcmp(&v, &back, sizeof v) == 0 || v == back, "seed 17, %a gave %s", v, text);
    }
}
END_TEST

START_TEST(other_values_as_text) {
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    writer_zigzag(&w, INT64_MIN);
    ck_assert(decode(&mapping, one("\"long\"")));
    ck_assert_bytes_eq(field("f"), "-9223372036854775808");
    w = writer_of(room, sizeof room);
    writer_u8(&w, 0);
    ck_assert(decode(&mapping, one("\"boolean\"")));
    ck_assert_bytes_eq(field("f"), "false");
    w = writer_of(room, sizeof room);
    writer_u8(&w, 2);
    ck_assert_refused(decode(&mapping, one("\"boolean\"")), ERR_MALFORMED, "neither 0 nor 1");
    w = writer_of(room, sizeof room);
    ck_assert(decode(&mapping, one("\"null\"")));
    ck_assert_uint_eq(field("f").n, 0);
}
END_TEST

START_TEST(units_of_time) {
    static const struct {
        enum mapping_unit unit;
        int64_t value, ms;
    } cases[] = {
        {MAPPING_UNIT_S, 1795341600, INT64_C(1795341600000)},
        {MAPPING_UNIT_MS, INT64_C(1795341600001), INT64_C(1795341600001)},
        {MAPPING_UNIT_US, INT64_C(1795341600001999), INT64_C(1795341600001)},
        {MAPPING_UNIT_AUTO, INT64_C(1795341600001), INT64_C(1795341600001)},
    };
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    for (size_t i = 0; i < 4; i++) {
        mapping.time = path("v");
        mapping.time.unit = cases[i].unit;
        w = writer_of(room, sizeof room);
        writer_zigzag(&w, cases[i].value);
        ck_assert_msg(decode(&mapping, one("\"long\"")), "%s", err.words);
        ck_assert_int_eq(event.time, cases[i].ms);
        if (i == 3)
            break;
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)cases[i].value);
        w = writer_of(room, sizeof room);
        put_text(text);
        ck_assert_msg(decode(&mapping, one("\"string\"")), "%s", err.words);
        ck_assert_int_eq(event.time, cases[i].ms);
    }
    mapping.time.unit = MAPPING_UNIT_S;
    w = writer_of(room, sizeof room);
    writer_zigzag(&w, INT64_MAX);
    ck_assert_refused(decode(&mapping, one("\"long\"")), ERR_INVALID, "time");
    mapping.time.unit = MAPPING_UNIT_AUTO;
    w = writer_of(room, sizeof room);
    put_text("yesterday");
    ck_assert_refused(decode(&mapping, one("\"string\"")), ERR_INVALID, "time \"yesterday\" is not RFC 3339");
}
END_TEST

/* ---- bombs ---- */

START_TEST(an_array_of_nulls_is_bounded) {
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    mapping.fields = NULL;
    mapping.n_fields = 0;
    writer_zigzag(&w, 100000000);
    writer_zigzag(&w, 0);
    ck_assert_refused(decode(&mapping, one("{\"type\":\"array\",\"items\":\"null\"}")), ERR_MALFORMED, "more items");
    w = writer_of(room, sizeof room);
    writer_zigzag(&w, INT64_MIN);
    writer_zigzag(&w, 0);
    writer_zigzag(&w, 0);
    ck_assert(decode(&mapping, one("{\"type\":\"array\",\"items\":\"null\"}")));
    mapping = one_mapping(&f);
    f.value = path("v[1]");
    ck_assert_refused(decode(&mapping, one("{\"type\":\"array\",\"items\":\"null\"}")), ERR_MALFORMED, "more items");
}
END_TEST

/* A block that is passed over says how many bytes it has. */
START_TEST(sizes_of_blocks_are_not_believed) {
    static const int64_t sizes[] = {1000, INT64_MAX, -1, INT64_MIN};
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    mapping.n_fields = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        w = writer_of(room, sizeof room);
        writer_zigzag(&w, -1);
        writer_zigzag(&w, sizes[i]);
        put_text("item");
        writer_zigzag(&w, 0);
        ck_assert_refused(decode(&mapping, one("{\"type\":\"array\",\"items\":\"string\"}")), ERR_MALFORMED,
                          "a block size of");
    }
}
END_TEST

START_TEST(branches_that_are_not_there) {
    static const int64_t branches[] = {3, -1, INT64_MAX};
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    for (size_t i = 0; i < sizeof branches / sizeof *branches; i++) {
        w = writer_of(room, sizeof room);
        writer_zigzag(&w, branches[i]);
        put_text("value");
        ck_assert_refused(decode(&mapping, one("[\"null\",\"string\",\"long\"]")), ERR_MALFORMED,
                          "there is no branch");
    }
}
END_TEST

/* Entries of an array that are wanted each have steps of their own. */
START_TEST(a_mapping_that_explodes_is_bounded) {
    enum { FIELDS = 6000, WANTED = 7 };
    char *json = malloc(FIELDS * 48), names[WANTED][24];
    struct mapping_field fields[WANTED];
    struct mapping mapping = one_mapping(&fields[0]);
    ck_assert_ptr_nonnull(json);
    int at = sprintf(json, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"v\",\"type\":{\"type\":\"array\","
                           "\"items\":{\"type\":\"record\",\"name\":\"item\",\"fields\":[");
    for (int i = 0; i < FIELDS; i++)
        at += sprintf(json + at, "%s{\"name\":\"x%d\",\"type\":\"%s\"}", i ? "," : "", i, i % 2 ? "string" : "long");
    sprintf(json + at, "]}}}]}");
    for (int i = 0; i < WANTED; i++) {
        snprintf(names[i], sizeof names[i], "v[%d].x1", i);
        fields[i] = (struct mapping_field){bytes_of(names[i]), path(names[i])};
    }
    mapping.n_fields = WANTED;
    writer_zigzag(&w, 0);
    ck_assert_refused(decode(&mapping, schema_of(json)), ERR_SCHEMA, "too large to be compiled");
    free(json);
}
END_TEST

START_TEST(recursive_types_are_bounded) {
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    mapping.n_fields = 0;
    const struct schema *list = schema_of("{\"type\":\"record\",\"name\":\"List\",\"fields\":[{\"name\":\"next\","
                                          "\"type\":[\"null\",\"List\"]}]}");
    for (int i = 0; i < 50; i++)
        writer_zigzag(&w, 1);
    writer_zigzag(&w, 0);
    ck_assert_msg(decode(&mapping, list), "%s", err.words);
    w = writer_of(room, sizeof room);
    for (int i = 0; i < 50000; i++)
        writer_zigzag(&w, 1);
    ck_assert_refused(decode(&mapping, list), ERR_MALFORMED, "nested deeper than 64");
    w = writer_of(room, sizeof room);
    ck_assert_refused(decode(&mapping, schema_of("{\"type\":\"record\",\"name\":\"E\",\"fields\":[{\"name\":\"e\","
                                                 "\"type\":\"E\"}]}")),
                      ERR_MALFORMED, "nested deeper than 64");
}
END_TEST

/* Records that double at every level: 2^30 members, were they all written out. */
START_TEST(a_schema_that_explodes_is_bounded) {
    char json[8192];
    size_t at = (size_t)snprintf(json, sizeof json, "[{\"type\":\"record\",\"name\":\"r0\",\"fields\":[{\"name\":\"x\","
                                                    "\"type\":\"string\"}]}");
    for (int i = 1; i <= 30; i++)
        at += (size_t)snprintf(json + at, sizeof json - at,
                               ",{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"x\",\"type\":\"r%d\"},"
                               "{\"name\":\"y\",\"type\":\"r%d\"}]}",
                               i, i - 1, i - 1);
    snprintf(json + at, sizeof json - at, "]");
    struct mapping_field f;
    struct mapping mapping = one_mapping(&f);
    mapping.n_fields = 0;
    writer_zigzag(&w, 30);
    ck_assert_refused(decode(&mapping, schema_of(json)), ERR_MALFORMED, "the record ends here");
}
END_TEST

START_TEST(too_many_fields) {
    put_email(0);
    writer_zigzag(&w, 65);
    for (int i = 0; i < 65; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        put_text(name);
        put_optional("x");
    }
    writer_zigzag(&w, 0);
    ck_assert_refused(decode(&line, shipped_schema("EmailEvent")), ERR_TOO_LARGE, "more than 64 fields");
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_shipped_event);
    tcase_add_test(all, only_what_the_model_asks_about_is_handed_over);
    tcase_add_test(all, good_or_bad_does_not_depend_on_the_model);
    tcase_add_test(all, a_field_twice_is_refused);
    tcase_add_test(all, every_cut_and_every_leftover_is_refused);
    tcase_add_test(all, bytes_that_are_no_such_record);
    tcase_add_test(all, a_mapping_into_nested_records);
    tcase_add_test(all, another_branch_of_a_union);
    tcase_add_test(all, a_type_that_is_not_in_the_map);
    tcase_add_test(all, a_null_on_the_way_is_a_missing_part);
    tcase_add_test(all, a_schema_that_does_not_fit_is_said_once_and_for_all);
    tcase_add_test(all, reals_are_their_shortest_decimals);
    tcase_add_test(all, any_real_reads_back);
    tcase_add_test(all, other_values_as_text);
    tcase_add_test(all, units_of_time);
    tcase_add_test(all, an_array_of_nulls_is_bounded);
    tcase_add_test(all, sizes_of_blocks_are_not_believed);
    tcase_add_test(all, branches_that_are_not_there);
    tcase_add_test(all, a_mapping_that_explodes_is_bounded);
    tcase_add_test(all, recursive_types_are_bounded);
    tcase_add_test(all, a_schema_that_explodes_is_bounded);
    tcase_add_test(all, too_many_fields);
}

SUITE_MAIN("event_avro", add)
