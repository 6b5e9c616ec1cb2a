/* The handler writes each note with one write(2) and returns: the signal's action is the default one by then, so that
 * abort() goes on to end the process, and what faulted faults again. Nothing in it allocates, locks or formats. It runs
 * on a stack of its own, as the thread's may be what is used up. */
#define _XOPEN_SOURCE 700 /* a stack of its own for a handler */
#include "app/crash_watch.h"

#include "app/crash_note.h"

#include <errno.h>
#include <fcntl.h>
#include <leadstream/must.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STACK = 64 * 1024 };

static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

static int notes = -1;

/* What this thread is at; NULL: it is no worker's. */
static _Thread_local const volatile struct engine_place *watched;
static _Thread_local const struct bytes *topics;
static _Thread_local void *stack;

/* By the process itself: an abort of its own, or a fault that the kernel found; not a signal that somebody sent. */
static bool is_ours(const siginfo_t *info) {
    return info->si_code > 0 || (info->si_code == SI_TKILL && info->si_pid == getpid());
}

static void append(char *to, size_t room, const char *text) {
    size_t at = strlen(to);
    for (; *text && at + 1 < room; text++)
        to[at++] = *text;
    to[at] = 0;
}

static void append_number(char *to, size_t room, unsigned number) {
    char digits[12] = "";
    size_t at = sizeof digits - 1;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    append(to, room, digits + at);
}

/* "check `n > 0` (core/score.c:12)", "signal 11". */
static void describe(char *to, size_t room, int signal) {
    const struct must_failure *failure = must_failure();
    to[0] = 0;
    if (signal != SIGABRT || !failure->cond) {
        append(to, room, "signal ");
        append_number(to, room, (unsigned)signal);
        return;
    }
    append(to, room, "check `");
    append(to, room, failure->cond);
    append(to, room, "` (");
    append(to, room, failure->file);
    append(to, room, ":");
    append_number(to, room, (unsigned)failure->line);
    append(to, room, ")");
}

static void leave_note(int signal, const volatile struct engine_place *at, uint32_t index) {
    struct timespec now;
    struct crash_note note = {.signal = (uint32_t)signal, .shard = at->shard, .index = index, .offset = at->offset};
    if (index == ENGINE_TIMER) {
        crash_note_name_timer(&note, at->lead);
    } else {
        struct bytes topic = topics[at->topic];
        memcpy(note.topic, topic.at, topic.n < sizeof note.topic ? topic.n : sizeof note.topic - 1);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    note.time = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    describe(note.words, sizeof note.words, signal);
    uint8_t bytes[CRASH_NOTE_SIZE];
    crash_note_write(&note, bytes);
    ssize_t written = write(notes, bytes, sizeof bytes);
    (void)written; /* a disk that is full keeps no note; nothing can be said of it here */
}

/* Of a batch one for each partition. */
static void leave_notes(int signal) {
    size_t parts = watched->index == ENGINE_WHOLE_BATCH ? watched->n_parts : 0;
    for (size_t i = 0; i < parts; i++)
        leave_note(signal, &watched->parts[i], ENGINE_WHOLE_BATCH);
    if (!parts)
        leave_note(signal, watched, watched->index);
}

/* A signal that was sent comes once: it is sent again. */
static void on_crash(int signal, siginfo_t *info, void *context) {
    (void)context;
    if (!is_ours(info))
        raise(signal);
    else if (watched && watched->busy)
        leave_notes(signal);
}

bool crash_watch_begin(const char *path, struct err *e) {
    MUST(notes < 0);
    notes = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (notes < 0)
        return err_set(e, ERR_DISK, path, "the file of crash notes cannot be opened: %s", strerror(errno));
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    return true;
}

void crash_watch_thread(const volatile struct engine_place *place, const struct bytes *names) {
    if (notes < 0)
        return;
    stack = malloc(STACK);
    MUST(stack != NULL);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = STACK}, NULL);
    topics = names;
    watched = place;
}

void crash_watch_thread_end(void) {
    if (!watched)
        return;
    watched = NULL;
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    free(stack);
    stack = NULL;
}
