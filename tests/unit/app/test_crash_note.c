/* Crash notes as bytes: what is written is read; what is torn or foreign is passed over. */
#include "app/crash_note.h"
#include "support/suite.h"

#include <leadstream/engine.h>

#include <stdlib.h>

static struct crash_note note_of(int64_t offset, const char *topic, const char *words) {
    struct crash_note note = {.time = 1795428128706, .signal = 6, .shard = 3, .index = UINT32_MAX, .offset = offset};
    memcpy(note.topic, topic, strlen(topic) + 1);
    memcpy(note.words, words, strlen(words) + 1);
    return note;
}

static void same(const struct crash_note *a, const struct crash_note *b) {
    ck_assert(a->time == b->time && a->signal == b->signal && a->shard == b->shard && a->index == b->index);
    ck_assert(a->offset == b->offset);
    ck_assert_str_eq(a->topic, b->topic);
    ck_assert_str_eq(a->words, b->words);
}

START_TEST(a_note_is_read_as_it_was_written) {
    uint8_t file[3 * CRASH_NOTE_SIZE];
    struct crash_note in[3] = {note_of(0, "t", ""), note_of(INT64_MAX, "crm.webhooks", "check `n > 0` (core/score.c:1)"),
                               note_of(7, "x", "signal 11")}, out;
    for (int i = 0; i < 3; i++)
        crash_note_write(&in[i], file + i * CRASH_NOTE_SIZE);
    struct bytes rest = {file, sizeof file};
    for (int i = 0; i < 3; i++) {
        ck_assert(crash_note_next(&rest, &out));
        same(&in[i], &out);
    }
    ck_assert(!crash_note_next(&rest, &out));
}
END_TEST

START_TEST(a_timer_is_named_by_the_hash_of_its_lead) {
    static const uint64_t leads[] = {0, 1, 0x0123456789abcdef, UINT64_MAX};
    struct crash_note note = note_of(1795428128706, "t", ""), other;
    uint64_t lead;
    ck_assert(!crash_note_timer(&note, &lead)); /* a topic */
    note.index = ENGINE_TIMER;
    ck_assert(!crash_note_timer(&note, &lead));
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        crash_note_name_timer(&note, leads[i]);
        ck_assert(crash_note_timer(&note, &lead));
        ck_assert_uint_eq(lead, leads[i]);
    }
    ck_assert_str_eq(note.topic, "timer ffffffffffffffff");
    other = note;
    other.index = 0;
    ck_assert(!crash_note_timer(&other, &lead));
    other = note;
    other.offset = INT64_MAX; /* no time that can be written */
    ck_assert(!crash_note_timer(&other, &lead));
    strcat(note.topic, "0");
    ck_assert(!crash_note_timer(&note, &lead));
}
END_TEST

START_TEST(the_longest_texts_fit) {
    char longest[CRASH_NOTE_TEXT];
    memset(longest, 'L', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    uint8_t file[CRASH_NOTE_SIZE];
    struct crash_note in = note_of(1, longest, longest), out;
    crash_note_write(&in, file);
    struct bytes rest = {file, sizeof file};
    ck_assert(crash_note_next(&rest, &out));
    ck_assert_str_eq(out.topic, longest);
    ck_assert_uint_ge(strlen(out.words), 150); /* cut, but still says what failed */
    ck_assert(!strncmp(out.words, longest, strlen(out.words)));
}
END_TEST

/* A write that a full disk cut short: those behind it stand askew. */
START_TEST(what_is_torn_or_foreign_is_passed_over) {
    uint8_t file[4 * CRASH_NOTE_SIZE] = "LSCRASH1LSCRASH1 rubbish";
    struct crash_note a = note_of(1, "t", "a"), b = note_of(2, "t", "b"), out;
    crash_note_write(&a, file + 30);
    crash_note_write(&a, file + 30 + CRASH_NOTE_SIZE);
    size_t torn = 30 + CRASH_NOTE_SIZE + 200;
    crash_note_write(&b, file + torn);
    struct bytes rest = {file, torn + CRASH_NOTE_SIZE};
    ck_assert(crash_note_next(&rest, &out));
    same(&a, &out);
    ck_assert(crash_note_next(&rest, &out));
    same(&b, &out);
    ck_assert(!crash_note_next(&rest, &out));
}
END_TEST

START_TEST(any_changed_byte_is_seen) {
    uint8_t file[CRASH_NOTE_SIZE];
    struct crash_note in = note_of(1, "t", "words"), out;
    for (size_t i = 0; i < CRASH_NOTE_SIZE; i++) {
        crash_note_write(&in, file);
        file[i] ^= 0x40;
        struct bytes rest = {file, sizeof file};
        ck_assert_msg(!crash_note_next(&rest, &out), "byte %zu", i);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_note_is_read_as_it_was_written);
    tcase_add_test(all, a_timer_is_named_by_the_hash_of_its_lead);
    tcase_add_test(all, the_longest_texts_fit);
    tcase_add_test(all, what_is_torn_or_foreign_is_passed_over);
    tcase_add_test(all, any_changed_byte_is_seen);
}

SUITE_MAIN("crash notes", add)
