/* The wait that librdkafka is given instead of the C library's; that a stepped clock does not lengthen it is seen end to
 * end (clock_steps), where there is a clock that can be stepped. */
#include "host/clock.h"
#include "support/suite.h"

#include <pthread.h>
#include <threads.h>
#include <time.h>

struct waiting {
    mtx_t lock;
    cnd_t condition;
    bool told;
};

static struct timespec in_ms(int64_t ms) {
    int64_t at = clock_wall_ms() + ms;
    return (struct timespec){at / 1000, at % 1000 * 1000000};
}

static void *tell(void *self) {
    struct waiting *w = self;
    mtx_lock(&w->lock);
    w->told = true;
    cnd_signal(&w->condition);
    mtx_unlock(&w->lock);
    return NULL;
}

static void waiting_init(struct waiting *w) {
    w->told = false;
    ck_assert(mtx_init(&w->lock, mtx_plain) == thrd_success && cnd_init(&w->condition) == thrd_success);
}

START_TEST(a_wait_ends_when_its_time_has_come) {
    struct waiting w;
    waiting_init(&w);
    int64_t began = clock_mono_ms();
    struct timespec until = in_ms(60);
    mtx_lock(&w.lock);
    ck_assert_int_eq(cnd_timedwait(&w.condition, &w.lock, &until), thrd_timedout);
    ck_assert_int_ge(clock_mono_ms() - began, 58);
    until = in_ms(-3600 * 1000);
    ck_assert_int_eq(cnd_timedwait(&w.condition, &w.lock, &until), thrd_timedout);
    mtx_unlock(&w.lock);
}
END_TEST

START_TEST(a_wait_ends_when_somebody_tells) {
    struct waiting w;
    pthread_t teller;
    waiting_init(&w);
    struct timespec until = in_ms(30 * 1000);
    mtx_lock(&w.lock);
    ck_assert_int_eq(pthread_create(&teller, NULL, tell, &w), 0);
    while (!w.told)
        ck_assert_int_eq(cnd_timedwait(&w.condition, &w.lock, &until), thrd_success);
    mtx_unlock(&w.lock);
    pthread_join(teller, NULL);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_wait_ends_when_its_time_has_come);
    tcase_add_test(all, a_wait_ends_when_somebody_tells);
}

SUITE_MAIN("clock", add)
