/* From crash notes to what must not be applied. */
#include "app/crash_note.h"
#include "app/poison.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1795428128706)

struct desk {
    char folder[40], path[60];
    struct bytes topics[2];
    struct poison_options options;
    struct engine_condemned list[POISON_MOST];
    size_t n;
    struct err e;
};

static void begin(struct desk *d) {
    *d = (struct desk){.folder = "/tmp/leadstream-poison-XXXXXX", .topics = {bytes_of("a"), bytes_of("b")}};
    ck_assert_ptr_nonnull(mkdtemp(d->folder));
    snprintf(d->path, sizeof d->path, "%s/g1.crashes", d->folder);
    d->options = (struct poison_options){.path = d->path, .topics = d->topics, .n_topics = 2, .crashes = 2, .now = NOW};
}

static void end(struct desk *d) {
    unlink(d->path);
    ck_assert_int_eq(rmdir(d->folder), 0); /* nothing else is left behind */
}

static void write_note(struct desk *d, const char *topic, int64_t offset, uint32_t index, int64_t age) {
    struct crash_note note = {.time = NOW - age, .signal = 6, .shard = 3, .index = index, .offset = offset,
                              .words = "check `x` (a.c:1)"};
    uint8_t bytes[CRASH_NOTE_SIZE];
    snprintf(note.topic, sizeof note.topic, "%s", topic);
    crash_note_write(&note, bytes);
    FILE *to = fopen(d->path, "ab");
    ck_assert(to && fwrite(bytes, 1, sizeof bytes, to) == sizeof bytes && fclose(to) == 0);
}

static void crash(struct desk *d, const char *topic, int64_t offset) {
    write_note(d, topic, offset, 0, WHEN_MINUTE);
}

static void read_all(struct desk *d) {
    ck_assert_msg(poison_read(&d->options, d->list, &d->n, &d->e), "%s", d->e.words);
}

static long size_of(const struct desk *d) {
    struct stat st;
    return stat(d->path, &st) == 0 ? (long)st.st_size : 0;
}

START_TEST(no_file_is_no_crash) {
    struct desk d;
    begin(&d);
    read_all(&d);
    ck_assert_uint_eq(d.n, 0);
    end(&d);
}
END_TEST

START_TEST(one_crash_may_be_bad_luck_two_at_one_place_are_not) {
    struct desk d;
    begin(&d);
    crash(&d, "b", 17);
    crash(&d, "b", 18);
    crash(&d, "a", 17);
    write_note(&d, "b", 17, ENGINE_WHOLE_RECORD, 0);
    read_all(&d);
    ck_assert_uint_eq(d.n, 0);
    crash(&d, "b", 17);
    read_all(&d);
    ck_assert_uint_eq(d.n, 1);
    ck_assert(d.list[0].topic == 1 && d.list[0].shard == 3 && d.list[0].offset == 17 && d.list[0].index == 0);
    ck_assert_int_eq(d.list[0].why.code, ERR_POISON);
    ck_assert_str_eq(d.list[0].why.where, "b/3/17");
    ck_assert_ptr_nonnull(strstr(d.list[0].why.words, "2 times: check `x` (a.c:1)"));
    ck_assert_ptr_nonnull(strstr(d.list[0].why.words, "leadstream redrive --code poison"));
    write_note(&d, "b", 17, ENGINE_WHOLE_RECORD, 0);
    read_all(&d);
    ck_assert_uint_eq(d.n, 2);
    ck_assert_uint_eq(d.list[1].index, ENGINE_WHOLE_RECORD);
    ck_assert_int_eq(size_of(&d), 6 * CRASH_NOTE_SIZE);
    end(&d);
}
END_TEST

/* Any item of a batch may be to blame: one such crash is enough to look at them one by one. */
START_TEST(a_crash_in_a_batch_is_known_at_once) {
    struct desk d;
    begin(&d);
    write_note(&d, "a", 9, ENGINE_WHOLE_BATCH, 0);
    read_all(&d);
    ck_assert_uint_eq(d.n, 1);
    ck_assert(d.list[0].index == ENGINE_WHOLE_BATCH && d.list[0].offset == 9);
    end(&d);
}
END_TEST

/* A due time of a lead: another one of the same lead is another timer. */
START_TEST(a_timer_is_put_aside_after_as_many_crashes) {
    struct desk d;
    struct crash_note named;
    begin(&d);
    crash_note_name_timer(&named, 77);
    write_note(&d, named.topic, NOW, ENGINE_TIMER, 0);
    write_note(&d, named.topic, NOW + 1, ENGINE_TIMER, 0);
    read_all(&d);
    ck_assert_uint_eq(d.n, 0);
    write_note(&d, named.topic, NOW, ENGINE_TIMER, 0);
    read_all(&d);
    ck_assert_uint_eq(d.n, 1);
    ck_assert(d.list[0].index == ENGINE_TIMER && d.list[0].lead == 77 && d.list[0].offset == NOW && d.list[0].shard == 3);
    ck_assert_int_eq(d.list[0].why.code, ERR_POISON);
    ck_assert_str_eq(d.list[0].why.where, "a timer of partition 3, due 2026-11-23T10:02:08.706Z");
    ck_assert_ptr_nonnull(strstr(d.list[0].why.words, "made the program fail 2 times: check `x` (a.c:1)"));
    end(&d);
}
END_TEST

START_TEST(how_many_crashes_is_said_by_the_configuration) {
    struct desk d;
    begin(&d);
    d.options.crashes = 3;
    for (int i = 1; i <= 3; i++) {
        crash(&d, "a", 1);
        read_all(&d);
        ck_assert_uint_eq(d.n, i == 3);
    }
    d.options.crashes = 1;
    crash(&d, "a", 2);
    read_all(&d);
    ck_assert_uint_eq(d.n, 2);
    end(&d);
}
END_TEST

START_TEST(old_notes_and_other_topics_do_not_count) {
    struct desk d;
    begin(&d);
    for (int i = 0; i < 2; i++) {
        write_note(&d, "a", 5, 0, 8 * WHEN_DAY);
        write_note(&d, "a", 6, 0, -8 * WHEN_DAY); /* a clock that was wrong */
        write_note(&d, "gone", 7, 0, 0);
        write_note(&d, "a", 8, 0, 6 * WHEN_DAY);
    }
    read_all(&d);
    ck_assert_uint_eq(d.n, 1);
    ck_assert_int_eq(d.list[0].offset, 8);
    ck_assert_int_eq(size_of(&d), 4 * CRASH_NOTE_SIZE); /* another topic's may be asked for again */
    end(&d);
}
END_TEST

/* The file stays small, and what is newest stays in it. */
START_TEST(a_long_file_is_cut) {
    struct desk d;
    begin(&d);
    for (int i = 0; i < 3000; i++)
        crash(&d, "a", i);
    crash(&d, "a", 2999);
    FILE *to = fopen(d.path, "ab");
    ck_assert(to && fputs("LSCRASH1 and then the disk was full", to) >= 0 && fclose(to) == 0);
    read_all(&d);
    ck_assert_uint_eq(d.n, 1);
    ck_assert_int_eq(d.list[0].offset, 2999);
    ck_assert_int_eq(size_of(&d), POISON_MOST * CRASH_NOTE_SIZE);
    read_all(&d);
    ck_assert_uint_eq(d.n, 1);
    end(&d);
}
END_TEST

/* What the log says while the notes are read. */
static void read_all_aloud(struct desk *d, char *said, size_t room) {
    FILE *to = tmpfile();
    int before = dup(STDERR_FILENO);
    ck_assert(to && before >= 0 && dup2(fileno(to), STDERR_FILENO) >= 0);
    read_all(d);
    ck_assert(dup2(before, STDERR_FILENO) >= 0 && close(before) == 0);
    rewind(to);
    said[fread(said, 1, room - 1, to)] = 0;
    fclose(to);
}

START_TEST(what_is_no_note_is_said_without_its_content) {
    struct desk d;
    char said[2000];
    begin(&d);
    crash(&d, "a", 1);
    read_all_aloud(&d, said, sizeof said);
    ck_assert_ptr_null(strstr(said, "crash_notes_damaged"));
    FILE *to = fopen(d.path, "ab");
    ck_assert(to && fputs("a stranger's secret", to) >= 0 && fclose(to) == 0);
    read_all_aloud(&d, said, sizeof said);
    ck_assert_msg(strstr(said, "event=crash_notes_damaged") && strstr(said, d.path) && strstr(said, "bytes=19 "), "%s",
                  said);
    ck_assert_ptr_null(strstr(said, "stranger's"));
    ck_assert_int_eq(size_of(&d), CRASH_NOTE_SIZE);
    end(&d);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_error) {
    struct desk d;
    begin(&d);
    d.options.path = d.folder;
    ck_assert(!poison_read(&d.options, d.list, &d.n, &d.e));
    ck_assert_int_eq(d.e.code, ERR_DISK);
    end(&d);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, no_file_is_no_crash);
    tcase_add_test(all, one_crash_may_be_bad_luck_two_at_one_place_are_not);
    tcase_add_test(all, a_crash_in_a_batch_is_known_at_once);
    tcase_add_test(all, a_timer_is_put_aside_after_as_many_crashes);
    tcase_add_test(all, how_many_crashes_is_said_by_the_configuration);
    tcase_add_test(all, old_notes_and_other_topics_do_not_count);
    tcase_add_test(all, a_long_file_is_cut);
    tcase_add_test(all, what_is_no_note_is_said_without_its_content);
    tcase_add_test(all, a_file_that_cannot_be_read_is_an_error);
}

SUITE_MAIN("poison", add)
