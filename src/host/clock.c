/* The host's clocks, and waits that a step of the wall clock does not lengthen.
 *
 * The C library's name is taken on purpose: a definition in the program goes before that in a library, so librdkafka,
 * which has no such choice, calls this one. In glibc a cnd_t is a pthread_cond_t and a mtx_t a pthread_mutex_t; that is
 * how its own cnd_timedwait is made. */
#define _GNU_SOURCE /* pthread_cond_clockwait */
#include "host/clock.h"

#include <errno.h>
#include <pthread.h>
#include <threads.h>
#include <time.h>

_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t) && sizeof(mtx_t) == sizeof(pthread_mutex_t),
               "two names for the same things");

static int64_t read_us(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void) {
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void) {
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void) {
    return read_us(CLOCK_REALTIME) / 1000;
}

/* How long it is till then is asked once, now; what the wall clock does after that does not matter. Weak, because under
 * ThreadSanitizer a test has all of C11's threads anew, this call too. */
__attribute__((weak)) int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict lock,
                                        const struct timespec *restrict until) {
    int64_t left = (int64_t)until->tv_sec * 1000000 + until->tv_nsec / 1000 - read_us(CLOCK_REALTIME);
    int64_t end = read_us(CLOCK_MONOTONIC) + (left > 0 ? left : 0) + 1; /* never too early by what was cut off */
    struct timespec steady = {end / 1000000, end % 1000000 * 1000};
    switch (pthread_cond_clockwait((pthread_cond_t *)condition, (pthread_mutex_t *)lock, CLOCK_MONOTONIC, &steady)) {
    case 0: return thrd_success;
    case ETIMEDOUT: return thrd_timedout;
    default: return thrd_error;
    }
}
