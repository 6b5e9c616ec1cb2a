/* Letters in groups, shown to a person and to a program. */
#define _GNU_SOURCE /* memmem */
#include "app/redrive_table.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdlib.h>

static const struct dead_letter_header own[] = {
    {"traceparent", {(const uint8_t *)"00-1", 4}}, {"raw", {(const uint8_t *)"\xff\x00", 2}}, {"none", {NULL, 0}}};

static struct kafka_letter letter_of(const char *code, uint32_t partition, int64_t timestamp) {
    return (struct kafka_letter){.offset = 5,
                                 .written = 1795514400000,
                                 .key = bytes_of("k"),
                                 .value = bytes_of("{\"a\":\"b\"}"),
                                 .headers = own,
                                 .n_headers = 3,
                                 .says = {.code = bytes_of(code),
                                          .topic = bytes_of("events"),
                                          .words = bytes_of("time \"\x1b[2J\" is no time"),
                                          .partition = partition,
                                          .offset = 7,
                                          .timestamp = timestamp,
                                          .index = DEAD_LETTER_NONE,
                                          .schema_id = DEAD_LETTER_NONE,
                                          .cut_from = DEAD_LETTER_NONE}};
}

static void holds(const struct text *text, const char *what) {
    ck_assert_msg(memmem(text->at, text->n, what, strlen(what)) != NULL, "no \"%s\" in\n%.*s", what, (int)text->n,
                  text->at);
}

START_TEST(groups_by_code_and_topic) {
    struct redrive_table *table = calloc(1, sizeof *table);
    struct text text = {0};
    struct kafka_letter a = letter_of("schema", 3, 1795514400000), b = letter_of("invalid", 1, 1795514400000);
    redrive_table_add(table, &a, REDRIVE_GO, 2);
    redrive_table_add(table, &b, REDRIVE_GO, 1);
    b.says.partition = 4;
    b.says.timestamp += WHEN_DAY;
    b.says.sent = 3;
    redrive_table_add(table, &b, REDRIVE_AGAIN, 0);
    redrive_table_add(table, &b, REDRIVE_SENT, 0);
    a.says.group = bytes_of("app.g0");
    redrive_table_other(table, &a);
    a.says.group = bytes_of("app.g9");
    redrive_table_other(table, &a);
    table->strange = 9;
    redrive_table_print(table, &text);
    ck_assert_uint_eq(redrive_table_count(table, REDRIVE_GO), 2);
    ck_assert_int_eq(strncmp(text.at, "CODE ", 5), 0);
    holds(&text, "\ninvalid  events  1-4               3     1     1        1  1      2026-11-24 10:00  2026-11-25 10:00  "
                 "time \"?[2J\" is no time\nschema   events  3 ");
    holds(&text, "\n2 to be sent back\n1 sent back before\n1 held back: came back 3 times");
    holds(&text, "\n2 had been sent back and came back\n2 of other generations, such as app.g0 (app.gen");
    holds(&text, "\n9 records on the topic are no dead letters");
    text_free(&text);
    free(table);
}
END_TEST

START_TEST(a_letter_that_turns_out_to_be_refused_is_held) {
    struct redrive_table *table = calloc(1, sizeof *table);
    struct text text = {0};
    struct kafka_letter a = letter_of("schema", 3, 1795514400000);
    redrive_table_add(table, &a, REDRIVE_GO, 2);
    redrive_table_add(table, &a, REDRIVE_GO, 2);
    redrive_table_refused(table, &a);
    redrive_table_print(table, &text);
    holds(&text, "\n1 to be sent back\n1 held back: their topic does not take them as they are");
    text_free(&text);
    free(table);
}
END_TEST

START_TEST(there_may_be_no_letters) {
    struct redrive_table *table = calloc(1, sizeof *table);
    struct text text = {0};
    redrive_table_print(table, &text);
    ck_assert_msg(text.n == 16 && !strncmp(text.at, "no dead letters\n", 16), "%.*s", (int)text.n, text.at);
    text.n = 0;
    table->not_meant = 3;
    redrive_table_print(table, &text);
    holds(&text, "3 others, which the filter leaves out\nnone that is asked for\n");
    text_free(&text);
    free(table);
}
END_TEST

START_TEST(what_is_too_many_groups_is_counted_together) {
    struct redrive_table *table = calloc(1, sizeof *table);
    for (int i = 0; i < 3 * REDRIVE_TABLE_MOST; i++) {
        char code[16];
        snprintf(code, sizeof code, "code-%d", i);
        struct kafka_letter letter = letter_of(code, 0, 0);
        redrive_table_add(table, &letter, REDRIVE_GO, 0);
    }
    ck_assert_uint_eq(table->n, REDRIVE_TABLE_MOST + 1);
    ck_assert_uint_eq(table->groups[REDRIVE_TABLE_MOST].n, 2 * REDRIVE_TABLE_MOST);
    ck_assert_uint_eq(redrive_table_count(table, REDRIVE_GO), 3 * REDRIVE_TABLE_MOST);
    free(table);
}
END_TEST

START_TEST(a_line_holds_all_of_a_letter) {
    struct text text = {0};
    char *line = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&line, &n);
    struct kafka_letter letter = letter_of("schema", 3, 1795514400000);
    letter.says.n_own = 3;
    letter.says.schema_id = 12;
    letter.says.lead = bytes_of("l-1");
    redrive_line_write(file, &text, 2, &letter, REDRIVE_GO);
    letter.says = (struct dead_letter){.index = 1, .schema_id = -1, .cut_from = -1, .code = bytes_of("x")};
    letter.key = (struct bytes){NULL, 0};
    letter.value = (struct bytes){(const uint8_t *)"\xff\xfe", 2};
    redrive_line_write(file, &text, 0, &letter, REDRIVE_OLD);
    fclose(file);
    ck_assert_str_eq(
        line, "{\"state\":\"to-send\",\"code\":\"schema\",\"words\":\"time \\\"\\u001b[2J\\\" is no time\",\"topic\":"
              "\"events\",\"partition\":3,\"offset\":7,\"timestamp\":1795514400000,\"schema_id\":12,\"lead\":\"l-1\","
              "\"times_sent\":0,\"letter_partition\":2,\"letter_offset\":5,\"letter_timestamp\":1795514400000,"
              "\"headers\":[{\"name\":\"traceparent\",\"value\":\"00-1\"},{\"name\":\"raw\",\"value_base64\":\"/wA=\"},"
              "{\"name\":\"none\",\"value\":null}],\"key\":\"k\",\"value\":\"{\\\"a\\\":\\\"b\\\"}\"}\n"
              "{\"state\":\"old\",\"code\":\"x\",\"words\":null,\"topic\":null,\"partition\":0,\"offset\":0,"
              "\"timestamp\":0,\"index\":1,\"times_sent\":0,\"letter_partition\":0,\"letter_offset\":5,"
              "\"letter_timestamp\":1795514400000,\"headers\":[],\"key\":null,\"value_base64\":\"//4=\"}\n");
    free(line);
    text_free(&text);
}
END_TEST

/* Kafka's protocol says that names of headers are UTF-8; nobody checks it. */
START_TEST(names_of_headers_that_are_no_text_go_in_base64) {
    static const struct dead_letter_header odd[] = {{"\xc3(", {(const uint8_t *)"\xc3\xa9", 2}},
                                                    {"caf\xc3\xa9 \"1\"", {(const uint8_t *)"\xa9", 1}},
                                                    {"", {(const uint8_t *)"", 0}}};
    struct text text = {0};
    char *line = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&line, &n);
    struct kafka_letter letter = letter_of("schema", 3, 1795514400000);
    letter.headers = odd;
    letter.says.n_own = 3;
    redrive_line_write(file, &text, 2, &letter, REDRIVE_GO);
    fclose(file);
    const char *headers = strstr(line, "\"headers\":");
    ck_assert_ptr_nonnull(headers);
    ck_assert_str_eq(headers, "\"headers\":[{\"name_base64\":\"wyg=\",\"value\":\"\xc3\xa9\"},"
                              "{\"name\":\"caf\xc3\xa9 \\\"1\\\"\",\"value_base64\":\"qQ==\"},"
                              "{\"name\":\"\",\"value\":\"\"}],\"key\":\"k\",\"value\":\"{\\\"a\\\":\\\"b\\\"}\"}\n");
    free(line);
    text_free(&text);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, groups_by_code_and_topic);
    tcase_add_test(all, a_letter_that_turns_out_to_be_refused_is_held);
    tcase_add_test(all, there_may_be_no_letters);
    tcase_add_test(all, what_is_too_many_groups_is_counted_together);
    tcase_add_test(all, a_line_holds_all_of_a_letter);
    tcase_add_test(all, names_of_headers_that_are_no_text_go_in_base64);
}

SUITE_MAIN("redrive_table", add)
