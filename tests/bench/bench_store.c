/* What the store on disk costs, without an engine: restoring a shard from nothing, writing batches of changed leads,
 * loading leads that are not cached. CPU time is that of the whole process, RocksDB's own threads included.
 *
 *   bench_store DIR [LEADS] [ROUNDS] [BATCH] [MEMORY_MIB]      the directory must not hold a store yet */
#include "adapters/rocks_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { VALUE = 300, SHARDS = 6 };

struct bench {
    struct rocks_store *rs;
    struct store store;
    uint32_t leads;
    uint32_t batch;
    int64_t *due; /* of each lead */
    struct store_put *puts;
    uint8_t (*keys)[16];
    uint8_t *values;
    uint64_t random;
};

struct clock {
    double wall, cpu, own; /* seconds: of the world, of the process, of this thread */
};

static struct clock now(void) {
    struct timespec t, own;
    struct rusage used;
    clock_gettime(CLOCK_MONOTONIC, &t);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    return (struct clock){(double)t.tv_sec + (double)t.tv_nsec / 1e9, cpu,
                          (double)own.tv_sec + (double)own.tv_nsec / 1e9};
}

static void report(const char *what, struct clock begin, double n) {
    struct clock end = now();
    printf("%-34s %9.0f /s   %6.2f us wall  %6.2f us CPU  %6.2f us of this thread\n", what, n / (end.wall - begin.wall),
           (end.wall - begin.wall) / n * 1e6, (end.cpu - begin.cpu) / n * 1e6, (end.own - begin.own) / n * 1e6);
    fflush(stdout);
}

static void must(bool done, const struct err *e) {
    if (done)
        return;
    fprintf(stderr, "%s: %s: %s\n", err_name(e->code), e->where, e->words);
    exit(EXIT_FAILURE);
}

static uint32_t below(struct bench *b, uint32_t n) {
    b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((b->random >> 32) * n >> 32);
}

/* Values that compress about as leads do: half of each is noise. */
static void make_values(struct bench *b) {
    for (size_t i = 0; i < (size_t)b->batch * VALUE; i++)
        b->values[i] = i % 4 < 2 ? (uint8_t)below(b, 256) : (uint8_t)(i % VALUE / 4);
}

static void make_put(struct bench *b, uint32_t i, uint32_t lead) {
    uint8_t *value = b->values + (size_t)i * VALUE;
    uint32_t v = lead;
    memcpy(value, &v, sizeof v);
    uint8_t *key = b->keys[i];
    memcpy(key, "Llead-0000000", 13);
    for (size_t j = 13; v; v /= 10)
        key[--j] = (uint8_t)('0' + v % 10);
    b->puts[i] = (struct store_put){{key, 13}, {value, VALUE}, LEAD_NO_DUE, b->due[lead]};
}

static void restore(struct bench *b) {
    struct err e;
    struct store_shard state = {.known = true};
    struct clock begin = now();
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        must(b->store.open(b->store.self, shard, &state, &e), &e);
        must(b->store.build(b->store.self, shard, &e), &e);
        for (uint32_t at = 0; at < b->leads / SHARDS; at += b->batch) {
            uint32_t n = b->leads / SHARDS - at < b->batch ? b->leads / SHARDS - at : b->batch;
            for (uint32_t i = 0; i < n; i++) {
                /* The order of a changelog: none. */
                uint32_t lead = (uint32_t)((uint64_t)(at + i) * 1000003 % (b->leads / SHARDS)) * SHARDS + shard;
                make_put(b, i, lead);
                b->puts[i].due = b->due[lead] = 1000 + below(b, 1u << 30);
            }
            must(b->store.build_put(b->store.self, shard, b->puts, n, &e), &e);
        }
        must(b->store.build_done(b->store.self, shard, &state, &e), &e);
    }
    report("restore, records with a timer", begin, b->leads);
}

static void rewrite(struct bench *b, uint32_t rounds, bool timers) {
    struct err e;
    struct store_shard state = {.known = true};
    double longest = 0, most = 0;
    struct clock begin = now();
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t shard = round % SHARDS;
        for (uint32_t i = 0; i < b->batch; i++) {
            uint32_t lead = below(b, b->leads / SHARDS) * SHARDS + shard;
            make_put(b, i, lead);
            if (timers)
                b->due[lead] = 1000 + below(b, 1u << 30);
            b->puts[i].due = b->due[lead];
        }
        struct clock writing = now();
        must(b->store.write(b->store.self, shard, b->puts, b->batch, &state, &e), &e);
        struct clock written = now();
        longest = written.wall - writing.wall > longest ? written.wall - writing.wall : longest;
        most = written.own - writing.own > most ? written.own - writing.own : most;
    }
    report(timers ? "write, leads whose timers move" : "write, leads", begin, (double)rounds * b->batch);
    printf("  longest write of %u: %.1f ms, the most that this thread worked for one %.1f ms\n", b->batch,
           longest * 1e3, most * 1e3);
}

static void load(struct bench *b, uint32_t rounds) {
    struct err e;
    struct bytes *keys = malloc(b->batch * sizeof *keys), *values = malloc(b->batch * sizeof *values);
    MUST(keys && values);
    struct clock begin = now();
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < b->batch; i++) {
            uint32_t lead = below(b, b->leads / SHARDS) * SHARDS + round % SHARDS;
            keys[i] =
                (struct bytes){b->keys[i], (size_t)snprintf((char *)b->keys[i], sizeof b->keys[i], "Llead-%07u", lead)};
        }
        must(b->store.load(b->store.self, round % SHARDS, keys, b->batch, values, &e), &e);
        for (uint32_t i = 0; i < b->batch; i++)
            MUST(values[i].n == VALUE);
    }
    report("load, leads", begin, (double)rounds * b->batch);
    for (uint32_t i = 0; i < b->batch; i++)
        keys[i].at = memset(b->keys[i], 'Z', 1);
    begin = now();
    must(b->store.load(b->store.self, 0, keys, b->batch, values, &e), &e);
    report("load, leads that are not there", begin, b->batch);
    free(keys);
    free(values);
}

static uint32_t number(int argc, char **argv, int i, uint32_t otherwise) {
    return argc > i ? (uint32_t)strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    struct err e;
    struct bench b = {.leads = number(argc, argv, 2, 600000), .batch = number(argc, argv, 4, 20000), .random = 1};
    if (argc < 2 || b.leads < SHARDS || b.batch == 0)
        return fprintf(stderr, "bench_store DIR [LEADS] [ROUNDS] [BATCH] [MEMORY_MIB]\n"), 2;
    uint32_t rounds = number(argc, argv, 3, 60);
    struct erasure *erasure = erasure_new(NULL, &e);
    struct rocks_store_options options = {.path = argv[1],
                                          .app = "bench",
                                          .generation = "g1",
                                          .memory = (size_t)number(argc, argv, 5, 128) << 20,
                                          .erasure = erasure};
    b.rs = rocks_store_open(&options, &e);
    must(b.rs != NULL, &e);
    b.store = rocks_store_port(b.rs, 0);
    b.due = malloc(b.leads * sizeof *b.due);
    b.puts = malloc(b.batch * sizeof *b.puts);
    b.keys = malloc(b.batch * sizeof *b.keys);
    b.values = malloc((size_t)b.batch * VALUE);
    MUST(b.due && b.puts && b.keys && b.values);
    make_values(&b);
    for (uint32_t i = 0; i < b.leads; i++)
        b.due[i] = LEAD_NO_DUE;
    printf("%u leads of %d bytes in %d shards, batches of %u, %zu MiB\n", b.leads, VALUE, SHARDS, b.batch,
           options.memory >> 20);
    restore(&b);
    must(rocks_store_restored(b.rs, &e), &e);
    load(&b, rounds);
    rewrite(&b, rounds, false);
    rewrite(&b, rounds, true);
    load(&b, rounds);
    struct metric_set *figures = metric_set_new(&rocks_store_metrics, "");
    rocks_store_report(b.rs, figures);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("memory of RocksDB %lld MiB, most resident %ld MiB, disk %lld MiB, stalls %lld\n",
           (long long)metric_get(figures, ROCKS_STORE_MEMORY) >> 20, used.ru_maxrss >> 10,
           (long long)metric_get(figures, ROCKS_STORE_DISK) >> 20, (long long)metric_get(figures, ROCKS_STORE_STALLS));
    metric_set_free(&figures);
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        b.store.close(b.store.self, shard);
    rocks_store_close(&b.rs);
    erasure_free(&erasure);
    return 0;
}
