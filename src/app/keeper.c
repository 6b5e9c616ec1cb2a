/* One thread that takes the signals while the main thread is busy with starting or stopping; while the daemon runs the
 * main thread takes them itself. A signal that falls between the two is sent on. */
#define _XOPEN_SOURCE 700 /* SIGXFSZ */
#include "app/keeper.h"

#include "app/cmd.h"
#include "host/clock.h"
#include "host/log.h"

#include <leadstream/must.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum { LOOK = 100 /* ms */ };

enum phase { STARTING, RUNNING, STOPPING };

static _Atomic enum phase phase;
static _Atomic int64_t since; /* monotonic ms of the phase's begin */
static _Atomic int status = EXIT_WORLD;
static _Atomic(const char *) at = "starting";
static sigset_t signals;

static void say_sighup(void) {
    LOG(LOG_LEVEL_WARN, "sighup",
        "action=none words=\"nothing is read again: restart to change the configuration or the model\"");
}

static void on_signal(int got) {
    if (got == SIGHUP) {
        say_sighup();
    } else if (atomic_load(&phase) == RUNNING) {
        kill(getpid(), got);
    } else if (atomic_load(&phase) == STARTING) {
        LOG(LOG_LEVEL_INFO, "stopped", "while=\"%s\"", atomic_load(&at));
        _exit(EXIT_DONE);
    } else {
        LOG(LOG_LEVEL_WARN, "second_signal", "action=\"leaving at once\"");
        _exit(EXIT_WORLD);
    }
}

static void check_time(void) {
    enum phase now = atomic_load(&phase);
    int64_t took = clock_mono_ms() - atomic_load(&since);
    if (now == STARTING && took > KEEPER_START) {
        LOG(LOG_LEVEL_ERROR, "not_started", "code=timeout words=\"the start hangs: %s has not ended for %d s\"",
            atomic_load(&at), KEEPER_START / 1000);
        _exit(EXIT_WORLD);
    }
    if (now == STOPPING && took > KEEPER_STOP) {
        LOG(LOG_LEVEL_WARN, "stopped", "words=\"clients that do not close are left behind\"");
        _exit(atomic_load(&status));
    }
}

static void *keep(void *unused) {
    for (;;) {
        const struct timespec look = {0, LOOK * 1000000L};
        if (atomic_load(&phase) == RUNNING) {
            nanosleep(&look, NULL);
            continue;
        }
        int got = sigtimedwait(&signals, NULL, &look);
        if (got > 0)
            on_signal(got);
        check_time();
    }
    return unused;
}

static void enter(enum phase next) {
    atomic_store(&since, clock_mono_ms());
    atomic_store(&phase, next);
}

void keeper_begin(void) {
    pthread_t thread;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of the disk, told in words */
    enter(STARTING);
    MUST(pthread_create(&thread, NULL, keep, NULL) == 0);
    pthread_detach(thread);
}

void keeper_starting(const char *what) {
    atomic_store(&at, what);
}

void keeper_running(void) {
    enter(RUNNING);
}

bool keeper_asked(int wait) {
    int got = sigtimedwait(&signals, NULL, &(struct timespec){wait / 1000, wait % 1000 * 1000000L});
    if (got == SIGHUP)
        say_sighup();
    return got == SIGTERM || got == SIGINT;
}

void keeper_stopping(void) {
    enter(STOPPING);
}

void keeper_done(int with) {
    atomic_store(&status, with);
}
