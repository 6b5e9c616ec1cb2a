/* The store on disk and the one in memory do the same: random operations on both, and every answer compared. The seed
 * is printed when they differ; LEADSTREAM_SEED=n repeats it. */
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPERATIONS = 1500, LEADS = 60, SHARDS = 3, MOST_PUTS = 40, TIMES = 50 };

/* What the engine would know: values say their lead's due time, and which timer is on disk. */
struct world {
    uint64_t seed, random;
    struct fixture disk, memory;
    int64_t due[SHARDS][LEADS];
    bool built[SHARDS]; /* since then timers may be stale */
    int64_t upto;
};

static char names[LEADS][16];
static char values[MOST_PUTS][24];

static uint32_t below(struct world *w, uint32_t n) {
    return suite_below(&w->random, n);
}

static int64_t random_due(struct world *w) {
    return below(w, 3) == 0 ? LEAD_NO_DUE : (int64_t)below(w, TIMES) - TIMES / 4;
}

/* Puts of random leads; in a build there is no timer to remove. A value tells its put's number and due time. */
static size_t make_puts(struct world *w, uint32_t shard, bool build, struct store_put *puts) {
    size_t n = below(w, MOST_PUTS + 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t lead = below(w, LEADS);
        bool dead = below(w, 5) == 0;
        int64_t due = dead ? LEAD_NO_DUE : random_due(w);
        snprintf(values[i], sizeof values[i], "%u %lld", below(w, 1000), (long long)due);
        puts[i] = fixture_put(names[lead], dead ? NULL : values[i], due, build ? LEAD_NO_DUE : w->due[shard][lead]);
        w->due[shard][lead] = due;
    }
    return n;
}

static void compare_load(struct world *w, uint32_t shard) {
    struct bytes keys[MOST_PUTS], a[MOST_PUTS], b[MOST_PUTS];
    size_t n = below(w, MOST_PUTS + 1);
    for (size_t i = 0; i < n; i++)
        keys[i] = bytes_of(names[below(w, LEADS)]);
    ck_assert(w->disk.a.load(w->disk.a.self, shard, keys, n, a, NULL));
    ck_assert(w->memory.a.load(w->memory.a.self, shard, keys, n, b, NULL));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg((a[i].at == NULL) == (b[i].at == NULL) && bytes_equal(a[i], b[i]),
                      "seed %llu: %.*s is \"%.*s\" on disk, \"%.*s\" in memory", (unsigned long long)w->seed,
                      (int)keys[i].n, (const char *)keys[i].at, (int)a[i].n, (const char *)a[i].at, (int)b[i].n,
                      (const char *)b[i].at);
}

/* The timers up to a time as text, without those that are stale: the lead is gone or says another time. */
static void list_due(struct world *w, const struct fixture *f, uint32_t shard, int64_t until, char *out) {
    struct store_due due[LEADS * TIMES];
    size_t n;
    *out = 0;
    ck_assert(f->a.due(f->a.self, shard, until, due, LEADS * TIMES, &n, NULL));
    for (size_t i = 0; i < n; i++) {
        char key[16];
        snprintf(key, sizeof key, "%.*s", (int)due[i].key.n, (const char *)due[i].key.at);
        long lead = strtol(key + 1, NULL, 10);
        ck_assert_msg(i == 0 || due[i - 1].due <= due[i].due, "seed %llu: not in order", (unsigned long long)w->seed);
        ck_assert_msg(due[i].due <= until, "seed %llu: not due", (unsigned long long)w->seed);
        if (w->built[shard] && w->due[shard][lead] != due[i].due)
            continue;
        out += snprintf(out, 32, "%lld %s, ", (long long)due[i].due, key);
    }
}

static void compare_due(struct world *w, uint32_t shard) {
    static char a[LEADS * 32 + 1], b[LEADS * 32 + 1];
    int64_t until = (int64_t)below(w, TIMES) - TIMES / 4;
    list_due(w, &w->disk, shard, until, a);
    list_due(w, &w->memory, shard, until, b);
    ck_assert_msg(strcmp(a, b) == 0, "seed %llu: due %s on disk, %s in memory", (unsigned long long)w->seed, a, b);
}

static void write_both(struct world *w, uint32_t shard) {
    struct store_put puts[MOST_PUTS];
    size_t n = make_puts(w, shard, false, puts);
    w->upto++;
    fixture_write(&w->disk.a, shard, puts, n, w->upto);
    fixture_write(&w->memory.a, shard, puts, n, w->upto);
}

/* A build, now and then given up half-way. */
static void build_both(struct world *w, uint32_t shard) {
    struct store *stores[] = {&w->disk.a, &w->memory.a};
    struct store_put puts[MOST_PUTS];
    struct store_shard state = {.known = true, .upto = ++w->upto};
    int64_t before[LEADS];
    memcpy(before, w->due[shard], sizeof before);
    for (size_t lead = 0; lead < LEADS; lead++)
        w->due[shard][lead] = LEAD_NO_DUE;
    for (int i = 0; i < 2; i++)
        ck_assert(stores[i]->build(stores[i]->self, shard, NULL));
    for (uint32_t rounds = below(w, 8); rounds > 0; rounds--) {
        size_t n = make_puts(w, shard, true, puts);
        for (int i = 0; i < 2; i++)
            ck_assert(stores[i]->build_put(stores[i]->self, shard, puts, n, NULL));
    }
    bool given_up = below(w, 4) == 0;
    for (int i = 0; i < 2; i++) {
        if (given_up)
            stores[i]->close(stores[i]->self, shard);
        else
            ck_assert(stores[i]->build_done(stores[i]->self, shard, &state, NULL));
    }
    if (given_up) {
        memcpy(w->due[shard], before, sizeof before);
        ck_assert(fixture_take(&w->disk.a, shard).upto == fixture_take(&w->memory.a, shard).upto);
    } else {
        w->built[shard] = true;
    }
}

static void reopen_both(struct world *w) {
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        w->disk.a.close(w->disk.a.self, shard);
        w->memory.a.close(w->memory.a.self, shard);
    }
    fixture_reopen(&w->disk);
    fixture_reopen(&w->memory);
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        struct store_shard a = fixture_take(&w->disk.a, shard), b = fixture_take(&w->memory.a, shard);
        ck_assert_msg(a.known == b.known && a.upto == b.upto && a.from == b.from, "seed %llu: other states",
                      (unsigned long long)w->seed);
    }
}

START_TEST(disk_and_memory_answer_alike) {
    static struct world w;
    const char *seed = getenv("LEADSTREAM_SEED");
    w.seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)_i + 1;
    w.random = w.seed;
    fixture_init(&w.disk, FIXTURE_ROCKS);
    fixture_init(&w.memory, FIXTURE_PLAIN);
    for (uint32_t lead = 0; lead < LEADS; lead++) {
        snprintf(names[lead], sizeof names[lead], "L%u", lead);
        for (uint32_t shard = 0; shard < SHARDS; shard++)
            w.due[shard][lead] = LEAD_NO_DUE;
    }
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        fixture_take(&w.disk.a, shard);
        fixture_take(&w.memory.a, shard);
    }
    for (int i = 0; i < OPERATIONS; i++) {
        uint32_t shard = below(&w, SHARDS), what = below(&w, 100);
        if (what < 45)
            write_both(&w, shard);
        else if (what < 70)
            compare_load(&w, shard);
        else if (what < 96)
            compare_due(&w, shard);
        else if (what < 98)
            build_both(&w, shard);
        else if (i % 8 == 0)
            reopen_both(&w);
    }
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        w.disk.a.close(w.disk.a.self, shard);
        w.memory.a.close(w.memory.a.self, shard);
    }
    fixture_fini(&w.disk);
    fixture_fini(&w.memory);
}
END_TEST

static void add(TCase *all) {
    tcase_add_loop_test(all, disk_and_memory_answer_alike, 0, 3);
}

SUITE_MAIN("store_same", add)
