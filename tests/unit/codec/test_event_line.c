/* What is written as an event line is read as the same event. */
#include "support/suite.h"

#include "codec/event_json.h"
#include "codec/event_line.h"

static const struct mapping shipped = {.shipped = true};

START_TEST(writes_the_documented_form) {
    struct text text = {0};
    struct event_field fields[] = {{bytes_of("url"), bytes_of("https://x.example/\"")},
                                   {bytes_of("none"), bytes_of("")}};
    struct event event = {.lead = bytes_of("l-17"),
                          .id = bytes_of("e-9001"),
                          .type = bytes_of("web.page_viewed"),
                          .time = INT64_C(1795341600000)};
    event_line_json(&text, &event);
    ck_assert_bytes_eq(((struct bytes){(uint8_t *)text.at, text.n}),
                       "{\"lead\":\"l-17\",\"id\":\"e-9001\",\"type\":\"web.page_viewed\",\"time\":"
                       "\"2026-11-22T10:00:00.000Z\"}");
    text.n = 0;
    event.machine = true;
    event.n_fields = 2;
    event.fields = fields;
    event_line_json(&text, &event);
    ck_assert_bytes_eq(((struct bytes){(uint8_t *)text.at, text.n}),
                       "{\"lead\":\"l-17\",\"id\":\"e-9001\",\"type\":\"web.page_viewed\",\"time\":"
                       "\"2026-11-22T10:00:00.000Z\",\"machine\":true,\"fields\":{\"url\":\"https://x.example/\\\"\","
                       "\"none\":null}}");
    text_free(&text);
}
END_TEST

START_TEST(reads_back_any_text) {
    struct event_json *json = event_json_new(&shipped, NULL);
    struct arena *arena = arena_new((size_t)1 << 20);
    struct text text = {0};
    uint64_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[3][40];
        struct bytes texts[3];
        for (size_t i = 0; i < 3; i++) {
            do {
                texts[i] = (struct bytes){bytes[i], 1 + suite_below(&seed, 20)};
                for (size_t k = 0; k < texts[i].n; k++)
                    bytes[i][k] = (uint8_t)suite_below(&seed, suite_below(&seed, 3) ? 128 : 256);
            } while (!event_utf8(texts[i]));
        }
        struct event_field field = {texts[1], texts[2]};
        struct event event = {texts[0], texts[1], bytes_of("t"), INT64_C(1795341600001), round % 2, 1, &field}, back;
        struct err e;
        uint32_t entry;
        text.n = 0;
        event_line_json(&text, &event);
        arena_reset(arena);
        bool read = event_json_start(json, (struct bytes){(uint8_t *)text.at, text.n}, arena, &e) &&
                    event_json_next(json, &back, &entry, &e) == DECODER_EVENT;
        ck_assert_msg(read, "%.*s: %s", (int)text.n, text.at, e.words);
        ck_assert(bytes_equal(back.lead, event.lead) && bytes_equal(back.id, event.id) && back.time == event.time);
        ck_assert(back.machine == event.machine && back.n_fields == 1 && bytes_equal(back.fields[0].name, texts[1]));
        ck_assert(bytes_equal(back.fields[0].value, texts[2]));
    }
    text_free(&text);
    event_json_free(&json);
    arena_free(&arena);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, writes_the_documented_form);
    tcase_add_test(all, reads_back_any_text);
}

SUITE_MAIN("event_line", add)
