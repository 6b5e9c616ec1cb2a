/* Event files: lines of any length in bounded memory, blank lines, ends without a newline; several merged by their
 * heads; bad lines as dead letters. */
#include "support/suite.h"

#include "app/event_merge.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES = 3 };
static char paths[FILES + 1][40];
static struct event_file *files[FILES];
static struct err e;

static const char *write_file(size_t number, const char *text, size_t n) {
    snprintf(paths[number], sizeof paths[number], "/tmp/leadstream-test-XXXXXX");
    int fd = mkstemp(paths[number]);
    ck_assert_int_ge(fd, 0);
    for (size_t at = 0; at < n;) {
        ssize_t put = write(fd, text + at, n - at);
        ck_assert_int_gt(put, 0);
        at += (size_t)put;
    }
    close(fd);
    return paths[number];
}

static struct event_file *open_text(size_t number, const char *text, size_t n) {
    files[number] = event_file_open(write_file(number, text, n), NULL, &e);
    ck_assert_msg(files[number] != NULL, "%s", e.words);
    return files[number];
}

static void teardown(void) {
    for (size_t i = 0; i < FILES; i++)
        event_file_close(&files[i]);
    for (size_t i = 0; i <= FILES; i++)
        if (paths[i][0])
            unlink(paths[i]);
}

/* An event line of `n` bytes, without its newline; n == 0: as short as it can be. */
static size_t line(char *out, const char *lead, long long time, size_t n) {
    int start = sprintf(out, "{\"lead\":\"%s\",\"id\":\"e\",\"type\":\"t\",\"time\":%lld,\"x\":\"", lead, time);
    size_t at = (size_t)start;
    while (at + 2 < n)
        out[at++] = 'x';
    memcpy(out + at, "\"}", 3);
    return at + 2;
}

START_TEST(reads_lines) {
    char text[1000] = "\n \t\r\n";
    size_t n = 5;
    n += line(text + n, "a", 1795341600000, 0);
    n += (size_t)sprintf(text + n, "\r\n\n{\"lead\":\"b\"}\nnonsense\n");
    n += line(text + n, "c", 1795341600001, 0);
    struct event_file *file = open_text(0, text, n);
    struct event_file_item item;
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_EVENT);
    ck_assert_bytes_eq(item.event.lead, "a");
    ck_assert_uint_eq(item.line, 3);
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_BAD);
    ck_assert_uint_eq(item.line, 5);
    ck_assert_str_eq(item.err.words, "id is missing");
    ck_assert_bytes_eq(item.event.lead, "b");
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_BAD);
    ck_assert_bytes_eq(item.text, "nonsense");
    ck_assert_uint_eq(item.event.lead.n, 0);
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_EVENT);
    ck_assert_uint_eq(item.line, 7);
    ck_assert_bytes_eq(item.event.lead, "c");
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_END);
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_END);
    ck_assert_uint_eq(event_file_read(file), event_file_size(file));
}
END_TEST

START_TEST(a_line_is_one_object) {
    const char *text = "[]\n[{\"lead\":\"a\"}]\n17\n\0\n";
    struct event_file *file = open_text(0, text, 23);
    struct event_file_item item;
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_BAD);
    ck_assert_str_eq(item.err.words, "is an array, not an object");
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_BAD);
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_BAD);
    ck_assert_str_eq(item.err.words, "is a number, not an object");
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_BAD);
    ck_assert_uint_eq(item.line, 4);
    ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_END);
}
END_TEST

/* Lines around the limit and far beyond it, in every order of long and short, last with and without a newline. */
START_TEST(long_lines_cost_no_memory) {
    static const size_t sizes[] = {0, 65535, 65536, 65537, 131072, 262143, 262144, 262145, 2000000};
    enum { N = sizeof sizes / sizeof *sizes };
    char *text = malloc(5000000);
    uint64_t seed = 11;
    for (int round = 0; round < 60; round++) {
        size_t order[8], n = 0;
        for (size_t i = 0; i < 8; i++) {
            order[i] = sizes[suite_below(&seed, i == 3 ? N : N - 1)];
            n += line(text + n, "l", 1795341600000 + (long long)i, order[i]);
            text[n++] = '\n';
        }
        n -= (size_t)round % 2;
        struct event_file *file = open_text(0, text, n);
        for (size_t i = 0; i < 8; i++) {
            struct event_file_item item;
            bool fits = order[i] <= EVENT_MAX_BYTES;
            enum event_file_status status = event_file_next(file, &item);
            ck_assert_msg(status == (fits ? EVENT_FILE_EVENT : EVENT_FILE_BAD), "round %d, line %zu of %zu: %s", round,
                          i, order[i], status == EVENT_FILE_BAD ? item.err.words : "taken");
            ck_assert_uint_eq(item.line, i + 1);
            ck_assert(!fits || item.event.time == 1795341600000 + (long long)i);
            if (!fits) {
                ck_assert_uint_eq(item.length, order[i]);
                ck_assert_uint_eq(item.text.n, EVENT_MAX_BYTES);
                ck_assert(!memcmp(item.text.at, "{\"lead\":\"l\",", 12));
                ck_assert_int_eq(item.err.code, ERR_TOO_LARGE);
            }
        }
        struct event_file_item item;
        ck_assert_int_eq(event_file_next(file, &item), EVENT_FILE_END);
        teardown();
    }
    free(text);
}
END_TEST

START_TEST(what_cannot_be_opened) {
    ck_assert(!event_file_open("/nonexistent/events.jsonl", NULL, &e));
    ck_assert_str_eq(e.where, "/nonexistent/events.jsonl");
    ck_assert_str_eq(e.words, "No such file or directory");
    ck_assert(!event_file_open("/tmp", NULL, &e));
    ck_assert_str_eq(e.words, "is a folder, not a file of events");
}
END_TEST

/* ---- merging ---- */

static struct bad_lines *bad;

static void merge_of(char *order, int64_t until, int64_t *newest) {
    struct event_merge *merge = event_merge_new(files, FILES, until, bad);
    const struct event *event;
    size_t n = 0;
    for (;;) {
        ck_assert_msg(event_merge_next(merge, &event, &e), "%s", e.words);
        if (!event)
            break;
        order[n++] = (char)event->lead.at[0];
    }
    order[n] = 0;
    ck_assert(event_merge_next(merge, &event, &e) && !event);
    *newest = event_merge_newest(merge);
    event_merge_free(&merge);
}

/* Each letter is an event, its time the digit after it. */
static void open_play(const char *const plays[FILES]) {
    for (size_t f = 0; f < FILES; f++) {
        char text[2000];
        size_t n = 0;
        for (const char *at = plays[f]; *at; at += 2) {
            char lead[2] = {*at, 0};
            n += line(text + n, lead, 1795341600000 + at[1] - '0', 0);
            text[n++] = '\n';
        }
        open_text(f, text, n);
    }
}

START_TEST(merges_by_heads) {
    char order[40];
    int64_t newest;
    bad = bad_lines_new(NULL, &e);
    /* The first file is not in the order of time: its 1 waits behind its 5. */
    open_play((const char *const[]){"a2b5c1d5", "e2f3g5", "h0i9"});
    merge_of(order, INT64_MAX, &newest);
    ck_assert_str_eq(order, "haefbcdgi");
    ck_assert_int_eq(newest, 1795341600009);
    teardown();
    open_play((const char *const[]){"a2b5c1d5", "e2f3g5", "h0i9"});
    merge_of(order, 1795341600003, &newest);
    ck_assert_str_eq(order, "hacef");
    ck_assert_int_eq(newest, 1795341600009);
    teardown();
    open_play((const char *const[]){"", "", ""});
    merge_of(order, INT64_MAX, &newest);
    ck_assert_str_eq(order, "");
    ck_assert(newest == INT64_MIN);
    ck_assert(bad_lines_finish(&bad, &e));
}
END_TEST

START_TEST(dead_letters_keep_the_line) {
    const char text[] =
        "{\"lead\":\"l-1\",\"id\":\"e\",\"type\":\"t\",\"time\":\"yesterday\"}\n\xff\xfe\x01\x02\n\xff\n\xff\xff\n";
    open_text(0, text, sizeof text - 1);
    open_text(1, "", 0);
    open_text(2, "", 0);
    const char *letters = write_file(FILES, "", 0);
    bad = bad_lines_new(letters, &e);
    ck_assert(bad != NULL);
    char order[40], expected[2000], got[2000] = "";
    int64_t newest;
    merge_of(order, INT64_MAX, &newest);
    ck_assert_uint_eq(bad_lines_count(bad), 4);
    ck_assert(bad_lines_finish(&bad, &e));
    snprintf(
        expected, sizeof expected,
        "{\"file\":\"%s\",\"line\":1,\"code\":\"invalid\",\"words\":\"time \\\"yesterday\\\" is not RFC 3339\",\"lead\":"
        "\"l-1\",\"text\":\"{\\\"lead\\\":\\\"l-1\\\",\\\"id\\\":\\\"e\\\",\\\"type\\\":\\\"t\\\",\\\"time\\\":"
        "\\\"yesterday\\\"}\"}\n"
        "{\"file\":\"%s\",\"line\":2,\"code\":\"malformed\",\"words\":\"is not UTF-8\",\"base64\":\"//4BAg==\"}\n"
        "{\"file\":\"%s\",\"line\":3,\"code\":\"malformed\",\"words\":\"is not UTF-8\",\"base64\":\"/w==\"}\n"
        "{\"file\":\"%s\",\"line\":4,\"code\":\"malformed\",\"words\":\"is not UTF-8\",\"base64\":\"//8=\"}\n",
        paths[0], paths[0], paths[0], paths[0]);
    FILE *file = fopen(letters, "r");
    ck_assert(file && fread(got, 1, sizeof got - 1, file) > 0);
    fclose(file);
    ck_assert_str_eq(got, expected);
}
END_TEST

START_TEST(dead_letters_that_cannot_be_written) {
    ck_assert(!bad_lines_new("/nonexistent/letters.jsonl", &e));
    ck_assert_str_eq(e.words, "No such file or directory");
    bad = bad_lines_new("/dev/full", &e);
    ck_assert(bad != NULL);
    struct event_file_item item = {.line = 1, .text = bytes_of("x"), .length = 1, .err = {.code = ERR_MALFORMED}};
    bad_lines_add(bad, "f", &item);
    ck_assert(!bad_lines_finish(&bad, &e));
    ck_assert_str_eq(e.words, "No space left on device");
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, NULL, teardown);
    tcase_add_test(all, reads_lines);
    tcase_add_test(all, a_line_is_one_object);
    tcase_add_test(all, long_lines_cost_no_memory);
    tcase_add_test(all, what_cannot_be_opened);
    tcase_add_test(all, merges_by_heads);
    tcase_add_test(all, dead_letters_keep_the_line);
    tcase_add_test(all, dead_letters_that_cannot_be_written);
}

SUITE_MAIN("event_file", add)
