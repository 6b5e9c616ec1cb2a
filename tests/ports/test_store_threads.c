/* Workers on one store: each writes its own shard, and both pass one shard to and fro. Nothing is lost in passing. */
#include "store_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { ROUNDS = 300, SHARED = 7 };

struct worker {
    struct store *store;
    uint32_t own; /* shard */
    int taken;    /* how often it had the shared shard */
    int failed;   /* Check's assertions belong to the first thread */
    pthread_t thread;
};

/* Adds one to what the shared shard's lead and state say. */
static bool add_one(struct store *s, const struct store_shard *before) {
    struct bytes key = bytes_of("Lshared"), value;
    struct store_shard state = *before;
    char text[24];
    if (!s->load(s->self, SHARED, &key, 1, &value, NULL))
        return false;
    int64_t count = before->known ? before->upto : 0;
    snprintf(text, sizeof text, "%lld", (long long)count);
    if (count && !bytes_is(value, text))
        return false;
    state.known = true;
    state.upto = count + 1;
    snprintf(text, sizeof text, "%lld", (long long)state.upto);
    struct store_put put = fixture_put("Lshared", text, state.upto, count ? count : LEAD_NO_DUE);
    return s->write(s->self, SHARED, &put, 1, &state, NULL);
}

static void *work(void *self) {
    struct worker *w = self;
    struct store *s = w->store;
    struct store_shard state;
    struct err e;
    w->failed += !s->open(s->self, w->own, &state, NULL);
    for (int i = 0; i < ROUNDS && !w->failed; i++) {
        struct store_put put = fixture_put("Lown", "value", i + 1, i ? i : LEAD_NO_DUE);
        w->failed += !s->write(s->self, w->own, &put, 1, &state, NULL);
        if (s->open(s->self, SHARED, &state, &e)) {
            w->failed += !add_one(s, &state);
            w->taken++;
            s->close(s->self, SHARED);
        } else {
            w->failed += e.code != ERR_UNAVAILABLE;
            sched_yield();
        }
    }
    s->close(s->self, w->own);
    return NULL;
}

START_TEST(a_shard_passes_between_workers) {
    struct fixture f;
    fixture_init(&f, FIXTURE_ROCKS);
    struct worker workers[2] = {{.store = &f.a, .own = 1}, {.store = &f.b, .own = 2}};
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    ck_assert_int_eq(workers[0].failed + workers[1].failed, 0);
    int64_t sum = workers[0].taken + workers[1].taken;
    ck_assert(fixture_take(&f.a, SHARED).upto == sum);
    char timers[48];
    snprintf(timers, sizeof timers, "%lld Lshared", (long long)sum);
    fixture_expect_due(&f.a, SHARED, sum, timers);
    f.a.close(f.a.self, SHARED);
    fixture_fini(&f);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_shard_passes_between_workers);
}

SUITE_MAIN("store_threads", add)
