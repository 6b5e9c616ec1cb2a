/* What a process that fails leaves behind: a note if it was at an item, and the same end as without. */
#include "app/crash_note.h"
#include "app/crash_watch.h"
#include "support/suite.h"

#include <leadstream/must.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Sanitizers have handlers and stacks of their own for faults. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

enum how { ABORT, CHECK, SEGV, OVERFLOW, KILL, SENT_ABORT, SENT_SEGV, NOT_AT_WORK, OTHER_THREAD, BATCH, TIMER };

static volatile struct engine_place place = {
    .busy = true, .topic = 1, .shard = 5, .index = ENGINE_WHOLE_RECORD, .offset = 42};
static const struct bytes topics[] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"crm.webhooks", 12}};
/* Another worker's. */
static volatile struct engine_place elsewhere = {.busy = true, .topic = 0, .shard = 6, .offset = 43};
static volatile struct engine_place parts[] = {{.topic = 1, .shard = 5, .offset = 42},
                                               {.topic = 0, .shard = 5, .offset = 7},
                                               {.topic = 1, .shard = 8, .offset = 0}};
static enum how how;
static volatile int *volatile nowhere; /* no memory; the compiler may not know */

static int deeper(volatile int *above) {
    volatile int here[4096];
    here[0] = *above + 1;
    return *above == -1 ? 0 : deeper(here) + here[0];
}

static void *abort_here(void *unused) {
    (void)unused;
    abort();
}

static void *work_elsewhere(void *unused) {
    crash_watch_thread(&elsewhere, topics);
    while (elsewhere.busy)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return unused;
}

/* On a worker's thread. */
static void *work(void *unused) {
    volatile int none = 0;
    pthread_t other;
    crash_watch_thread(&place, topics);
    place.busy = how != NOT_AT_WORK;
    switch (how) {
    case ABORT:
    case NOT_AT_WORK: abort();
    case CHECK: MUST(topics[0].n == 2); break;
    case SEGV: *nowhere = 1; break;
    case BATCH:
        pthread_create(&other, NULL, work_elsewhere, NULL);
        nanosleep(&(struct timespec){0, 50000000}, NULL);
        place.index = ENGINE_WHOLE_BATCH;
        place.n_parts = sizeof parts / sizeof *parts;
        place.parts = parts;
        abort();
    case OVERFLOW: deeper(&none); break;
    case TIMER:
        place.index = ENGINE_TIMER;
        place.topic = ENGINE_NO_TOPIC; /* nobody may ask for its name */
        place.lead = 0x1d;
        abort();
    case KILL: kill(getpid(), SIGKILL); break;
    case SENT_ABORT:
    case SENT_SEGV:
    case OTHER_THREAD:
        if (how == OTHER_THREAD)
            pthread_create(&other, NULL, abort_here, NULL);
        for (;;)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return unused;
}

/* Does it in a child; its wait status, and the notes it left (room for 4). */
static int fails(enum how now, struct crash_note *note, size_t *n) {
    char path[] = "/tmp/leadstream-crash-XXXXXX";
    uint8_t file[4 * CRASH_NOTE_SIZE];
    struct err e;
    int fd = mkstemp(path), status;
    ck_assert_int_ge(fd, 0);
    how = now;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        pthread_t thread;
        if (!freopen("/dev/null", "w", stderr) || !crash_watch_begin(path, &e))
            _exit(99);
        if (pthread_create(&thread, NULL, work, NULL) != 0)
            _exit(98);
        pthread_join(thread, NULL);
        _exit(97);
    }
    if (how == SENT_ABORT || how == SENT_SEGV) {
        nanosleep(&(struct timespec){0, 300000000}, NULL);
        kill(child, how == SENT_ABORT ? SIGABRT : SIGSEGV);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ssize_t got = read(fd, file, sizeof file);
    ck_assert_int_ge(got, 0);
    struct bytes bytes = {file, (size_t)got};
    for (*n = 0; *n < 4 && crash_note_next(&bytes, note + *n);)
        (*n)++;
    close(fd);
    unlink(path);
    return status;
}

static void leaves(enum how now, int signal, bool noted, const char *words) {
    struct crash_note notes[4] = {{.time = 0}}, note;
    size_t n;
    int status = fails(now, notes, &n);
    note = notes[0];
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == signal, "way %d: status %x", (int)now, (unsigned)status);
    ck_assert_msg(n == noted, "way %d left %zu notes", (int)now, n);
    if (!noted)
        return;
    ck_assert_str_eq(note.topic, "crm.webhooks");
    ck_assert(note.shard == 5 && note.index == ENGINE_WHOLE_RECORD && note.offset == 42);
    ck_assert_uint_eq(note.signal, (uint32_t)signal);
    ck_assert_msg(!strncmp(note.words, words, strlen(words)), "\"%s\"", note.words);
    ck_assert(note.time / 1000 - (int64_t)time(NULL) < 60 && (int64_t)time(NULL) - note.time / 1000 < 60);
}

START_TEST(a_failure_at_an_item_is_noted) {
    leaves(ABORT, SIGABRT, true, "signal 6");
    leaves(CHECK, SIGABRT, true, "check `topics[0].n == 2` (tests/unit/app/test_crash_watch.c:");
}
END_TEST

#ifndef SANITIZED
START_TEST(a_fault_at_an_item_is_noted) {
    leaves(SEGV, SIGSEGV, true, "signal 11");
    leaves(OVERFLOW, SIGSEGV, true, "signal 11");
}
END_TEST
#endif

/* It may be any item of the batch, but none of another worker's. */
START_TEST(a_failure_in_a_batch_is_noted_for_each_of_its_partitions) {
    struct crash_note notes[4];
    size_t n;
    int status = fails(BATCH, notes, &n);
    ck_assert(WIFSIGNALED(status));
    ck_assert_uint_eq(n, sizeof parts / sizeof *parts);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(notes[i].index, ENGINE_WHOLE_BATCH);
        ck_assert(notes[i].shard == parts[i].shard && notes[i].offset == parts[i].offset);
        ck_assert_str_eq(notes[i].topic, parts[i].topic ? "crm.webhooks" : "a");
    }
}
END_TEST

START_TEST(a_failure_at_a_timer_is_noted) {
    struct crash_note notes[4];
    size_t n;
    int status = fails(TIMER, notes, &n);
    ck_assert(WIFSIGNALED(status));
    ck_assert_uint_eq(n, 1);
    ck_assert(notes[0].index == ENGINE_TIMER && notes[0].shard == 5 && notes[0].offset == 42);
    ck_assert_str_eq(notes[0].topic, "timer 000000000000001d");
}
END_TEST

START_TEST(what_says_nothing_of_the_item_is_not) {
    leaves(KILL, SIGKILL, false, NULL);
    leaves(SENT_ABORT, SIGABRT, false, NULL);
    leaves(SENT_SEGV, SIGSEGV, false, NULL);
    leaves(NOT_AT_WORK, SIGABRT, false, NULL);
    leaves(OTHER_THREAD, SIGABRT, false, NULL);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_failure_at_an_item_is_noted);
    tcase_add_test(all, a_failure_at_a_timer_is_noted);
    tcase_add_test(all, a_failure_in_a_batch_is_noted_for_each_of_its_partitions);
#ifndef SANITIZED
    tcase_add_test(all, a_fault_at_an_item_is_noted);
#endif
    tcase_add_test(all, what_says_nothing_of_the_item_is_not);
}

SUITE_MAIN("watching for crashes", add)
