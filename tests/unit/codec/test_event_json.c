/* JSON records -> events: the event line word by word, and a mapping of foreign records. */
#include "support/suite.h"

#include "codec/event_json.h"
#include "codec/model_yaml.h"
#include <stdio.h>
#include <stdlib.h>

static struct arena *arena;
static struct event_json *json;
static struct event event;
static struct err e;
static uint32_t entry;

static const struct mapping shipped = {.shipped = true};

static void setup(void) {
    arena = arena_new((size_t)1 << 20);
    json = event_json_new(&shipped, NULL);
}

static void teardown(void) {
    event_json_free(&json);
    arena_free(&arena);
}

static enum decoder_status read_bytes(struct bytes record) {
    arena_reset(arena);
    memset(&event, 0, sizeof event);
    if (!event_json_start(json, record, arena, &e))
        return DECODER_BAD;
    return event_json_next(json, &event, &entry, &e);
}

static enum decoder_status read(const char *record) {
    return read_bytes(bytes_of(record));
}

/* The event line with one more part, or another one. */
static const char *with(const char *lead, const char *id, const char *type, const char *time, const char *more) {
    static char text[8000];
    snprintf(text, sizeof text, "{\"lead\":%s,\"id\":%s,\"type\":%s,\"time\":%s%s}", lead, id, type, time, more);
    return text;
}

static const char *with_more(const char *more) {
    return with("\"l-1\"", "\"e-1\"", "\"web.page_viewed\"", "\"2026-11-22T10:00:00Z\"", more);
}

static struct bytes field(const char *name) {
    for (uint32_t i = 0; i < event.n_fields; i++)
        if (bytes_is(event.fields[i].name, name))
            return event.fields[i].value;
    return bytes_of("(no such field)");
}

START_TEST(reads_the_event_line) {
    const char *text =
        "{\"lead\":\"l-17\",\"id\":\"e-9001\",\"type\":\"web.page_viewed\",\"time\":\"2026-11-22T10:00:00."
        "000Z\",\"fields\":{\"url\":\"https://x.example/pricing\"}}";
    ck_assert_msg(read(text) == DECODER_EVENT, "%s", e.words);
    ck_assert_bytes_eq(event.lead, "l-17");
    ck_assert_bytes_eq(event.id, "e-9001");
    ck_assert_bytes_eq(event.type, "web.page_viewed");
    ck_assert_int_eq(event.time, INT64_C(1795341600000));
    ck_assert(!event.machine);
    ck_assert_uint_eq(event.n_fields, 1);
    ck_assert_bytes_eq(field("url"), "https://x.example/pricing");
    ck_assert_uint_eq(entry, 0);
    ck_assert_int_eq(event_json_next(json, &event, &entry, &e), DECODER_END);
    ck_assert_int_eq(event_json_next(json, &event, &entry, &e), DECODER_END);
}
END_TEST

START_TEST(values_become_text) {
    const char *more = ",\"fields\":{\"a\":250.0,\"b\":-1.5e3,\"c\":true,\"d\":false,\"e\":null,\"f\":\"\",\"g\":"
                       "\"x\\u00e9\",\"\\u0068\":17,\"i\":-0,\"j\":1e-3},\"machine\":true,\"other\":[{}]";
    ck_assert_msg(read(with_more(more)) == DECODER_EVENT, "%s", e.words);
    ck_assert(event.machine);
    ck_assert_uint_eq(event.n_fields, 10);
    ck_assert_bytes_eq(field("a"), "250");
    ck_assert_bytes_eq(field("b"), "-1500");
    ck_assert_bytes_eq(field("c"), "true");
    ck_assert_bytes_eq(field("d"), "false");
    ck_assert_uint_eq(field("e").n, 0);
    ck_assert_uint_eq(field("f").n, 0);
    ck_assert_bytes_eq(field("g"), "x\xc3\xa9");
    ck_assert_bytes_eq(field("h"), "17");
    ck_assert_bytes_eq(field("i"), "0");
    ck_assert_bytes_eq(field("j"), "0.001");
}
END_TEST

/* Everything that is kept must outlive the next record's tree: all of it is read again after another start. */
START_TEST(texts_outlive_the_next_record) {
    static char record[] = "{\"lead\":\"l\\u002d1\",\"id\":\"e\",\"type\":\"a\\u002eb\",\"time\":1795341600000,"
                           "\"fields\":{\"\\u0061\":2.50,\"b\":\"\\n\"}}";
    ck_assert_int_eq(read(record), DECODER_EVENT);
    struct event first = event;
    ck_assert(event_json_start(json, bytes_of("{\"zzzz\":\"\\u007a\\u007a\\u007a\"}"), arena, &e));
    ck_assert_bytes_eq(first.lead, "l-1");
    ck_assert_bytes_eq(first.type, "a.b");
    ck_assert_bytes_eq(first.fields[0].name, "a");
    ck_assert_bytes_eq(first.fields[0].value, "2.5");
    ck_assert_bytes_eq(first.fields[1].value, "\n");
}
END_TEST

START_TEST(no_fields_and_no_machine) {
    ck_assert_int_eq(read(with_more("")), DECODER_EVENT);
    ck_assert_int_eq(read(with_more(",\"fields\":null,\"machine\":null")), DECODER_EVENT);
    ck_assert(!event.machine && event.n_fields == 0);
    ck_assert_int_eq(read(with_more(",\"fields\":{},\"machine\":false")), DECODER_EVENT);
    ck_assert(!event.machine && event.n_fields == 0);
}
END_TEST

START_TEST(time_is_text_or_integer) {
    ck_assert_int_eq(read(with("\"l\"", "\"e\"", "\"t\"", "1795514400000", "")), DECODER_EVENT);
    ck_assert_int_eq(event.time, INT64_C(1795514400000));
    ck_assert_int_eq(read(with("\"l\"", "\"e\"", "\"t\"", "946684800000", "")), DECODER_EVENT);
    ck_assert_int_eq(read(with("\"l\"", "\"e\"", "\"t\"", "4102444800000", "")), DECODER_EVENT);
    ck_assert_int_eq(read(with("\"l\"", "\"e\"", "\"t\"", "\"2099-12-31t23:00:00-01:00\"", "")), DECODER_EVENT);
    ck_assert_int_eq(event.time, INT64_C(4102444800000));
}
END_TEST

static const struct {
    const char *part, *value; /* "" and the record */
    enum err_code code;
    const char *words;
} bad[] = {
    {"", "", ERR_MALFORMED, "not JSON"},
    {"", "17", ERR_MALFORMED, "is a number, not an object"},
    {"", "null", ERR_MALFORMED, "is null, not an object"},
    {"", "\"x\"", ERR_MALFORMED, "is a text, not an object"},
    {"", "{}", ERR_MISSING, "lead is missing"},
    {"lead", "null", ERR_MISSING, "lead is null"},
    {"lead", "17", ERR_INVALID, "lead is a number, not a text"},
    {"lead", "true", ERR_INVALID, "lead is true, not a text"},
    {"lead", "[\"l\"]", ERR_INVALID, "lead is an array, not a text"},
    {"lead", "\"\"", ERR_MISSING, "lead is empty"},
    {"id", "{}", ERR_INVALID, "id is an object, not a text"},
    {"id", "\"\"", ERR_MISSING, "id is empty"},
    {"type", "\"\"", ERR_MISSING, "type is empty"},
    {"type", "\"Web\"", ERR_INVALID, "type \"Web\" has other characters"},
    {"time", "\"yesterday\"", ERR_INVALID, "time \"yesterday\" is not RFC 3339"},
    {"time", "\"\"", ERR_INVALID, "time \"\" is not RFC 3339"},
    {"time", "\"1795514400000\"", ERR_INVALID, "time \"1795514400000\" is not RFC 3339"},
    {"time", "1.5e12", ERR_INVALID, "time 1.5e12 is no integer of milliseconds"},
    {"time", "1795514400000.0", ERR_INVALID, "time 1795514400000.0 is no integer of milliseconds"},
    {"time", "946684799999", ERR_INVALID, "time 1999-12-31T23:59:59.999Z is before 2000-01-01"},
    {"time", "4102444800001", ERR_INVALID, "is past 2100-01-01"},
    {"time", "-1", ERR_INVALID, "is before 2000-01-01"},
    {"time", "9999999999999999999999", ERR_INVALID, "time 9999999999999999999999 is past 2100-01-01"},
    {"time", "-9999999999999999999999", ERR_INVALID, "time -9999999999999999999999 is before 2000-01-01"},
    {"time", "true", ERR_INVALID, "time is true, not RFC 3339 text or an integer"},
    {"time", "null", ERR_MISSING, "time is null"},
    {"machine", "\"true\"", ERR_INVALID, "machine is a text, not true or false"},
    {"machine", "1", ERR_INVALID, "machine is a number, not true or false"},
    {"machine", "{}", ERR_INVALID, "machine is an object, not true or false"},
    {"fields", "[]", ERR_INVALID, "fields is an array, not an object"},
    {"fields", "\"x\"", ERR_INVALID, "fields is a text, not an object"},
    {"fields", "{\"u\":{}}", ERR_INVALID, "field \"u\" is an object; values are"},
    {"fields", "{\"u\":[1]}", ERR_INVALID, "field \"u\" is an array; values are"},
    {"fields", "{\"u\":1,\"\\u0075\":2}", ERR_MALFORMED, "key \"u\" is given twice"},
    {"lead", "\"x\",\"lead\":\"y\"", ERR_MALFORMED, "key \"lead\" is given twice"},
    {"other", "{\"a\":[{\"b\":1,\"b\":1}]}", ERR_MALFORMED, "key \"b\" is given twice"},
};

START_TEST(refuses_bad_lines) {
    static const char *const names[] = {"lead", "id", "type", "time"};
    static const char *const values[] = {"\"l\"", "\"e\"", "\"t\"", "1795514400000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[400] = "{";
        bool known = false;
        for (size_t k = 0; k < 4; k++) {
            bool this = !strcmp(names[k], bad[i].part);
            known = known || this;
            size_t n = strlen(text);
            snprintf(text + n, sizeof text - n, "\"%s\":%s,", names[k], this ? bad[i].value : values[k]);
        }
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "\"%s\":%s}", known ? "more" : bad[i].part, known ? "0" : bad[i].value);
        const char *record = *bad[i].part ? text : bad[i].value;
        ck_assert_msg(read(record) == DECODER_BAD, "took %s", record);
        ck_assert_msg(e.code == bad[i].code, "%s: %s: %s", record, err_name(e.code), e.words);
        ck_assert_msg(strstr(e.words, bad[i].words) != NULL, "%s: %s", record, e.words);
    }
}
END_TEST

START_TEST(parts_have_limits) {
    static char value[EVENT_MAX_VALUE + 40], text[EVENT_MAX_BYTES + 400];
    snprintf(value, sizeof value, "%0*d", EVENT_MAX_VALUE, 1);
    snprintf(text, sizeof text,
             "{\"lead\":\"l\",\"id\":\"e\",\"type\":\"t\",\"time\":1795514400000,\"fields\":{\"v\":\"%s\"}}", value);
    ck_assert_msg(read(text) == DECODER_EVENT, "%s", e.words);
    ck_assert_uint_eq(field("v").n, EVENT_MAX_VALUE);
    snprintf(text, sizeof text,
             "{\"lead\":\"l\",\"id\":\"e\",\"type\":\"t\",\"time\":1795514400000,\"fields\":{\"v\":\"%sx\"}}", value);
    ck_assert_int_eq(read(text), DECODER_BAD);
    ck_assert_msg(strstr(e.words, "field \"v\" has 8193 bytes") != NULL, "%s", e.words);
    ck_assert_bytes_eq(event.lead, "l");
    int n =
        snprintf(text, sizeof text, "{\"lead\":\"l\",\"id\":\"e\",\"type\":\"t\",\"time\":1795514400000,\"fields\":{");
    for (int i = 0; i < EVENT_MAX_FIELDS; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s\"f%d\":%d", i ? "," : "", i, i);
    snprintf(text + n, sizeof text - (size_t)n, "}}");
    ck_assert_msg(read(text) == DECODER_EVENT, "%s", e.words);
    ck_assert_uint_eq(event.n_fields, EVENT_MAX_FIELDS);
    snprintf(text + n, sizeof text - (size_t)n, ",\"one_more\":null}}");
    ck_assert_int_eq(read(text), DECODER_BAD);
    ck_assert_msg(strstr(e.words, "65 fields, the limit is 64") != NULL, "%s", e.words);
}
END_TEST

START_TEST(an_event_has_a_limit) {
    static char text[EVENT_MAX_BYTES + 2];
    int n =
        snprintf(text, sizeof text, "{\"lead\":\"l\",\"id\":\"e\",\"type\":\"t\",\"time\":1795514400000,\"other\":\"");
    memset(text + n, 'x', sizeof text - (size_t)n);
    memcpy(text + EVENT_MAX_BYTES - 2, "\"}", 3);
    ck_assert_msg(read(text) == DECODER_EVENT, "%s", e.words);
    memcpy(text + EVENT_MAX_BYTES - 2, "x\"}", 3);
    ck_assert_int_eq(read_bytes((struct bytes){(uint8_t *)text, EVENT_MAX_BYTES + 1}), DECODER_BAD);
    ck_assert_msg(strstr(e.words, "has 65537 bytes, the limit of an event is 65536") != NULL, "%s", e.words);
}
END_TEST

START_TEST(an_array_gives_an_event_an_entry) {
    const char *text = "[{\"lead\":\"a\",\"id\":\"1\",\"type\":\"t\",\"time\":1795514400000},17,"
                       "{\"lead\":\"b\",\"id\":\"2\",\"type\":\"t\",\"time\":\"soon\"},"
                       "{\"lead\":\"c\",\"id\":\"3\",\"type\":\"t\",\"time\":1795514400001}]";
    ck_assert_int_eq(read(text), DECODER_EVENT);
    ck_assert_bytes_eq(event.lead, "a");
    ck_assert_int_eq(event_json_next(json, &event, &entry, &e), DECODER_BAD);
    ck_assert_uint_eq(entry, 1);
    ck_assert_uint_eq(event.lead.n, 0);
    ck_assert_str_eq(e.words, "is a number, not an object");
    ck_assert_int_eq(event_json_next(json, &event, &entry, &e), DECODER_BAD);
    ck_assert_uint_eq(entry, 2);
    ck_assert_bytes_eq(event.lead, "b");
    ck_assert_int_eq(event_json_next(json, &event, &entry, &e), DECODER_EVENT);
    ck_assert_uint_eq(entry, 3);
    ck_assert_bytes_eq(event.lead, "c");
    ck_assert_int_eq(event_json_next(json, &event, &entry, &e), DECODER_END);
    ck_assert_int_eq(read("[]"), DECODER_END);
    ck_assert_int_eq(read("[{\"lead\":\"a\",\"id\":\"1\",\"type\":\"t\",\"time\":1795514400000},{]"), DECODER_BAD);
}
END_TEST

START_TEST(an_entry_has_the_limit_of_an_event) {
    static char text[2 * EVENT_MAX_BYTES + 400];
    const char *small = "{\"lead\":\"b\",\"id\":\"2\",\"type\":\"t\",\"time\":1795514400000}";
    for (int more = 0; more < 2; more++) {
        size_t n =
            (size_t)snprintf(text, sizeof text,
                             "[%s,{\"lead\":\"a\",\"id\":\"1\",\"type\":\"t\",\"time\":1795514400000,\"x\":\"", small);
        size_t start = strlen(small) + 2;
        memset(text + n, 'x', sizeof text - n);
        n = start + EVENT_MAX_BYTES - 2 + (size_t)more;
        n += (size_t)snprintf(text + n, sizeof text - n, "\"},%s]", small);
        ck_assert_int_eq(read_bytes((struct bytes){(uint8_t *)text, n}), DECODER_EVENT);
        ck_assert_int_eq(event_json_next(json, &event, &entry, &e), more ? DECODER_BAD : DECODER_EVENT);
        ck_assert(!more || !strcmp(e.words, "has 65537 bytes, the limit of an event is 65536"));
        ck_assert_int_eq(event_json_next(json, &event, &entry, &e), DECODER_EVENT);
        ck_assert_int_eq(event_json_next(json, &event, &entry, &e), DECODER_END);
    }
}
END_TEST

START_TEST(what_cannot_be_a_lead_is_none) {
    char lead[300];
    snprintf(lead, sizeof lead, "\"%0257d\"", 0);
    ck_assert_int_eq(read(with(lead, "\"e\"", "\"t\"", "1795514400000", "")), DECODER_BAD);
    ck_assert_uint_eq(event.lead.n, 0);
}
END_TEST

/* Fields that no rule and no attribute asks about are not handed over, but they are checked. */
START_TEST(only_what_the_model_asks_about) {
    struct problems problems = {.file = "model.yaml"};
    struct model *model = model_yaml_compile(
        bytes_of("model: m\nversion: 1\nprofile: {keep: [phone]}\nengagement: {half_life: 1d, groups: {g: {rules: ["
                 "{id: r, on: t, when: {url: x}, points: 1}]}}}\n"),
        "model.yaml", &problems);
    ck_assert(model != NULL);
    event_json_free(&json);
    json = event_json_new(&shipped, model);
    ck_assert_int_eq(read(with_more(",\"fields\":{\"size\":1,\"url\":\"x\",\"none\":null,\"phone\":5}")),
                     DECODER_EVENT);
    ck_assert_uint_eq(event.n_fields, 2);
    ck_assert_bytes_eq(field("url"), "x");
    ck_assert_bytes_eq(field("phone"), "5");
    ck_assert_int_eq(read(with_more(",\"fields\":{\"size\":{}}")), DECODER_BAD);
    problems_fini(&problems);
    event_json_free(&json);
    model_free(&model);
}
END_TEST

/* ---- a mapping ---- */

#define NAME(text)                                                                                                     \
    {                                                                                                                  \
        .name = {(const uint8_t *)(text), sizeof(text) - 1 }                                                           \
    }
#define PATH1(a)                                                                                                       \
    {                                                                                                                  \
        .kind = MAPPING_PATH, .n_steps = 1, .steps = { NAME(a) }                                                       \
    }
#define PATH2(a, b)                                                                                                    \
    {                                                                                                                  \
        .kind = MAPPING_PATH, .n_steps = 2, .steps = { NAME(a), NAME(b) }                                              \
    }
#define TEXT(text)                                                                                                     \
    { (const uint8_t *)(text), sizeof(text) - 1 }

static struct mapping_translation types[] = {{TEXT("open"), TEXT("email.opened")}, {TEXT("7"), TEXT("email.clicked")}};
static struct mapping_field fields[] = {
    {TEXT("url"), PATH2("link", "href")},
    {TEXT("first"), {.kind = MAPPING_PATH, .n_steps = 3, .steps = {NAME("tags"), {.index = 1}, NAME("name")}}},
    {TEXT("origin"), {.kind = MAPPING_LITERAL, .literal = TEXT("crm")}},
    {TEXT("size"), PATH1("size")},
};
static struct mapping foreign = {
    .lead = PATH2("contact", "id"),
    .id = PATH1("eventId"),
    .time = PATH1("at"),
    .type = {.kind = MAPPING_PATH, .n_steps = 1, .steps = {NAME("kind")}, .n_translations = 2, .translations = types},
    .machine = PATH2("meta", "bot"),
    .n_fields = 4,
    .fields = fields,
};

static void with_mapping(enum mapping_unit unit) {
    foreign.time.unit = unit;
    event_json_free(&json);
    json = event_json_new(&foreign, NULL);
}

START_TEST(a_mapping_finds_its_parts) {
    with_mapping(MAPPING_UNIT_MS);
    ck_assert_msg(
        read("{\"contact\":{\"id\":4711},\"eventId\":\"x\",\"at\":1795514400000,\"kind\":\"open\",\"link\":"
             "{\"href\":\"http://x\"},\"tags\":[1,{\"name\":\"n\"}],\"size\":null,\"meta\":{\"bot\":\"true\"}}") ==
            DECODER_EVENT,
        "%s", e.words);
    ck_assert_bytes_eq(event.lead, "4711");
    ck_assert_bytes_eq(event.type, "email.opened");
    ck_assert(event.machine);
    ck_assert_uint_eq(event.n_fields, 4);
    ck_assert_bytes_eq(field("url"), "http://x");
    ck_assert_bytes_eq(field("first"), "n");
    ck_assert_bytes_eq(field("origin"), "crm");
    ck_assert_uint_eq(field("size").n, 0);
}
END_TEST

/* What is not there is not given; it is not the same as null, which clears an attribute. */
START_TEST(a_mapping_leaves_out_what_is_not_there) {
    with_mapping(MAPPING_UNIT_MS);
    ck_assert_msg(read("{\"contact\":{\"id\":\"l\"},\"eventId\":1.50,\"at\":\"1795514400000\",\"kind\":7,\"link\":17,"
                       "\"tags\":[1]}") == DECODER_EVENT,
                  "%s", e.words);
    ck_assert_bytes_eq(event.id, "1.5");
    ck_assert_bytes_eq(event.type, "email.clicked");
    ck_assert_int_eq(event.time, INT64_C(1795514400000));
    ck_assert(!event.machine);
    ck_assert_uint_eq(event.n_fields, 1);
    ck_assert_bytes_eq(field("origin"), "crm");
}
END_TEST

START_TEST(a_mapping_has_units_of_time) {
    static const struct {
        enum mapping_unit unit;
        const char *text;
        int64_t ms; /* 0: refused */
    } table[] = {
        {MAPPING_UNIT_S, "1795514400", INT64_C(1795514400000)},
        {MAPPING_UNIT_S, "\"1795514400\"", INT64_C(1795514400000)},
        {MAPPING_UNIT_S, "1795514400.5", 0},
        {MAPPING_UNIT_S, "1795514400000", 0},
        {MAPPING_UNIT_US, "1795514400000999", INT64_C(1795514400000)},
        {MAPPING_UNIT_US, "99999999999999999999", 0},
        {MAPPING_UNIT_MS, "\"2026-11-24T10:00:00Z\"", 0},
        {MAPPING_UNIT_RFC3339, "\"2026-11-24T10:00:00Z\"", INT64_C(1795514400000)},
        {MAPPING_UNIT_RFC3339, "1795514400000", 0},
        {MAPPING_UNIT_AUTO, "\"2026-11-24T10:00:00Z\"", INT64_C(1795514400000)},
        {MAPPING_UNIT_AUTO, "1795514400000", INT64_C(1795514400000)},
        {MAPPING_UNIT_AUTO, "\"1795514400000\"", 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[200];
        with_mapping(table[i].unit);
        snprintf(text, sizeof text, "{\"contact\":{\"id\":\"l\"},\"eventId\":\"e\",\"kind\":\"open\",\"at\":%s}",
                 table[i].text);
        enum decoder_status status = read(text);
        ck_assert_msg((status == DECODER_EVENT) == (table[i].ms != 0), "%s: %s", text, e.words);
        if (table[i].ms)
            ck_assert_int_eq(event.time, table[i].ms);
    }
}
END_TEST

START_TEST(a_mapping_says_where_it_sought) {
    with_mapping(MAPPING_UNIT_MS);
    ck_assert_int_eq(read("{\"contact\":[],\"eventId\":\"e\",\"kind\":\"open\",\"at\":1}"), DECODER_BAD);
    ck_assert_str_eq(e.words, "lead is missing (it is sought at contact.id)");
    ck_assert_int_eq(read("{\"contact\":{\"id\":\"l\"},\"eventId\":\"e\",\"kind\":\"closed\",\"at\":1}"), DECODER_BAD);
    ck_assert_str_eq(e.words, "type \"closed\" is not in the source's map of types");
    ck_assert_int_eq(
        read("{\"contact\":{\"id\":\"l\"},\"eventId\":\"e\",\"kind\":\"open\",\"at\":1795514400000,\"size\":"
             "[1]}"),
        DECODER_BAD);
    ck_assert_msg(strstr(e.words, "field \"size\" is an array") != NULL, "%s", e.words);
    ck_assert_int_eq(
        read("{\"contact\":{\"id\":\"l\"},\"eventId\":\"e\",\"kind\":\"open\",\"at\":1795514400000,\"meta\":"
             "{\"bot\":\"maybe\"}}"),
        DECODER_BAD);
    ck_assert_str_eq(e.words, "machine \"maybe\" is not true or false");
}
END_TEST

/* Lines cut and changed at random: an event or a reason, and the same one twice. */
START_TEST(any_bytes_give_an_event_or_a_reason) {
    const char *good = "{\"lead\":\"l\\u002d1\",\"id\":\"e\",\"type\":\"web.page\",\"time\":1795341600000,\"machine\":"
                       "false,\"fields\":{\"a\":2.50e3,\"b\":\"\\n\",\"c\":[null]},\"x\":[{},{\"y\":1}]}";
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        uint8_t text[300];
        size_t n = strlen(good);
        memcpy(text, good, n);
        for (uint32_t k = suite_below(&seed, 4); k; k--)
            text[suite_below(&seed, (uint32_t)n)] = (uint8_t) "\"\\{}[],:eu019-.\x80\xff\n t"[suite_below(&seed, 21)];
        n = suite_below(&seed, 3) ? n : suite_below(&seed, (uint32_t)n);
        struct err first = {0};
        enum decoder_status status = read_bytes((struct bytes){text, n});
        first = e;
        ck_assert_int_eq(read_bytes((struct bytes){text, n}), status);
        if (status == DECODER_BAD)
            ck_assert(err_class(e.code) == ERR_CLASS_REJECT && !strcmp(first.words, e.words) && *e.words);
        else
            ck_assert(event_check(&event, &e));
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, reads_the_event_line);
    tcase_add_test(all, values_become_text);
    tcase_add_test(all, texts_outlive_the_next_record);
    tcase_add_test(all, no_fields_and_no_machine);
    tcase_add_test(all, time_is_text_or_integer);
    tcase_add_test(all, refuses_bad_lines);
    tcase_add_test(all, parts_have_limits);
    tcase_add_test(all, an_event_has_a_limit);
    tcase_add_test(all, an_array_gives_an_event_an_entry);
    tcase_add_test(all, an_entry_has_the_limit_of_an_event);
    tcase_add_test(all, what_cannot_be_a_lead_is_none);
    tcase_add_test(all, only_what_the_model_asks_about);
    tcase_add_test(all, a_mapping_finds_its_parts);
    tcase_add_test(all, a_mapping_leaves_out_what_is_not_there);
    tcase_add_test(all, a_mapping_has_units_of_time);
    tcase_add_test(all, a_mapping_says_where_it_sought);
    tcase_add_test(all, any_bytes_give_an_event_or_a_reason);
}

SUITE_MAIN("event_json", add)
