/* A wall clock that can be stepped under a running daemon, loaded before it by LD_PRELOAD: the file that CLOCK_SHIM names
 * holds an int64, nanoseconds that the wall clock is off by, and may be written at any moment.
 *
 * Why not libfaketime: a step is not only what the clock says. Who waits "until 12:00" on a condition goes on waiting if
 * the clock goes back an hour, as the kernel's futex does and librdkafka's waits do (C11's cnd_timedwait, by the wall).
 * So these waits are made here of short ones, until the stepped clock says that it is time. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { SLICE = 50 * 1000 * 1000 /* ns of one short wait */, YEAR_2001 = 1000000000 /* s: less is no wall clock */ };
#define SECOND INT64_C(1000000000)

static const volatile int64_t none = 0, *offset = &none;
static int (*real_clock)(clockid_t, struct timespec *);
static int (*real_cnd)(cnd_t *, mtx_t *, const struct timespec *);
static int (*real_cond)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

/* C knows no way from an object's pointer to a function's but through the bytes; POSIX says that it works. */
static void find(void *function, const char *name) {
    *(void **)function = dlsym(RTLD_NEXT, name);
    if (!*(void **)function)
        abort();
}

__attribute__((constructor)) static void set_up(void) {
    find(&real_clock, "clock_gettime");
    find(&real_cnd, "cnd_timedwait");
    find(&real_cond, "pthread_cond_timedwait");
    const char *path = getenv("CLOCK_SHIM");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED)
        abort();
    close(file);
    offset = page;
}

static int64_t ns_of(const struct timespec *t) {
    return t->tv_sec * SECOND + t->tv_nsec;
}

static struct timespec timespec_of(int64_t ns) {
    return (struct timespec){ns / SECOND, ns % SECOND};
}

static int64_t unstepped(void) {
    struct timespec t;
    if (!real_clock)
        find(&real_clock, "clock_gettime"); /* somebody's constructor was before ours */
    real_clock(CLOCK_REALTIME, &t);
    return ns_of(&t);
}

/* The next short wait towards `until`, which is what the stepped clock is to say. */
static struct timespec slice(const struct timespec *until) {
    int64_t now = unstepped(), left = ns_of(until) - (now + *offset);
    return timespec_of(now + (left < 0 ? 0 : left < SLICE ? left : SLICE));
}

static int over(const struct timespec *until) {
    return unstepped() + *offset >= ns_of(until);
}

/* ---- what is put in the place of the C library's ---- */

int clock_gettime(clockid_t id, struct timespec *t) {
    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) {
        if (!real_clock)
            find(&real_clock, "clock_gettime");
        return real_clock(id, t);
    }
    *t = timespec_of(unstepped() + *offset);
    return 0;
}

int timespec_get(struct timespec *t, int base) {
    if (base != TIME_UTC)
        return 0;
    clock_gettime(CLOCK_REALTIME, t);
    return base;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    (void)zone;
    int64_t now = unstepped() + *offset;
    *t = (struct timeval){now / SECOND, now % SECOND / 1000};
    return 0;
}

time_t time(time_t *to) {
    time_t now = (unstepped() + *offset) / SECOND;
    if (to)
        *to = now;
    return now;
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict lock, const struct timespec *restrict until) {
    for (;;) {
        struct timespec next = slice(until);
        int rc = real_cnd(condition, lock, &next);
        if (rc != thrd_timedout || over(until))
            return rc;
    }
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until) {
    if (until->tv_sec < YEAR_2001)
        return real_cond(condition, lock, until); /* by the monotonic clock */
    for (;;) {
        struct timespec next = slice(until);
        int rc = real_cond(condition, lock, &next);
        if (rc != ETIMEDOUT || over(until))
            return rc;
    }
}
