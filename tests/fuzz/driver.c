/* The main of a fuzz target when it runs as a test: every seed, then mutations of seeds, for at most a few seconds.
 *
 * Mutation i depends on i and the seeds alone, so a failure comes back anywhere: what dies prints its number, and
 *   fuzz_NAME SEEDS i
 * runs that one alone (under a debugger). libFuzzer searches better; this needs no clang and is never flaky. */
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define DRIVER_SANITIZED 1
#include <sanitizer/common_interface_defs.h>
#endif
#endif

enum { MAX_SEEDS = 1024, MAX_INPUT = 256 * 1024, MUTATIONS = 50000, SECONDS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    char *name;
    uint8_t *at;
    size_t n;
};

static struct input seeds[MAX_SEEDS];
static size_t n_seeds;
static char now_running[512];

static void die(const char *words, const char *name) {
    fprintf(stderr, "fuzz driver: %s %s\n", words, name);
    exit(2);
}

/* Says which input it was; safe in a signal handler. */
static void tell(void) {
    ssize_t n = write(STDERR_FILENO, now_running, strlen(now_running));
    (void)n;
}

static void on_signal(int number) {
    tell();
    signal(number, SIG_DFL);
    raise(number);
}

static int by_name(const void *a, const void *b) {
    const struct input *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void seed_read(const char *folder, const char *file) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "rb");
    struct input *seed = &seeds[n_seeds];
    seed->name = strdup(file);
    seed->at = malloc(MAX_INPUT);
    if (!f || !seed->name || !seed->at)
        die("cannot read", path);
    seed->n = fread(seed->at, 1, MAX_INPUT, f);
    fclose(f);
    n_seeds++;
}

static void seeds_read(const char *folder) {
    DIR *d = opendir(folder);
    if (!d)
        die("no folder of seeds:", folder);
    for (struct dirent *entry; n_seeds < MAX_SEEDS && (entry = readdir(d));)
        if (entry->d_name[0] != '.')
            seed_read(folder, entry->d_name);
    closedir(d);
    if (!n_seeds)
        die("no seeds in", folder);
    qsort(seeds, n_seeds, sizeof *seeds, by_name);
}

static uint64_t next(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n) {
    return n ? (size_t)(next(state) % n) : 0;
}

/* Puts the piece in the place of `cut` bytes at `at`; leaves all as it is where it would grow too large. */
static size_t replace(uint8_t *b, size_t size, size_t at, size_t cut, const struct input *piece) {
    if (size - cut + piece->n > MAX_INPUT)
        return size;
    memmove(b + at + piece->n, b + at + cut, size - at - cut);
    memcpy(b + at, piece->at, piece->n);
    return size - cut + piece->n;
}

static size_t mutate_once(uint8_t *b, size_t size, uint64_t *state) {
    static const uint8_t telling[] = {0, 1, 2, 0x7f, 0x80, 0x81, 0xff, '"', '{', '[', '}', ']', ':', '0', '-', '\n'};
    size_t at = below(state, size), left = size - at;
    size_t cut = below(state, left < 32 ? left + 1 : 33);
    uint8_t noise[16];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)next(state);
    const struct input *other = &seeds[below(state, n_seeds)];
    size_t from = below(state, other->n), n = below(state, other->n - from + 1);
    switch (below(state, size ? 8 : 2)) {
    case 0: return replace(b, size, at, 0, &(struct input){NULL, noise, 1 + below(state, sizeof noise)});
    case 1: return replace(b, size, at, 0, &(struct input){NULL, other->at + from, n});
    case 2: return replace(b, size, at, cut, &(struct input){NULL, noise, 0});
    case 3: return replace(b, size, at, cut, &(struct input){NULL, other->at + from, n});
    case 4: return at;
    case 5: b[at] = telling[below(state, sizeof telling)]; return size;
    case 6: b[at] = (uint8_t)(b[at] ^ 1u << below(state, 8)); return size;
    default: b[at] = (uint8_t)next(state); return size;
    }
}

/* The input is a block of just its size, so that AddressSanitizer sees every step past its end. */
static void run(const uint8_t *at, size_t n) {
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        die("out of memory", "");
    memcpy(copy, at, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void run_mutation(uint64_t number) {
    static uint8_t b[MAX_INPUT];
    uint64_t state = number;
    const struct input *seed = &seeds[number % n_seeds];
    memcpy(b, seed->at, seed->n);
    size_t size = seed->n;
    for (size_t i = below(&state, 4) + 1; i > 0; i--)
        size = mutate_once(b, size, &state);
    snprintf(now_running, sizeof now_running, "fuzz driver: the input was mutation %llu (of seed %s)\n",
             (unsigned long long)number, seed->name);
    run(b, size);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc < 2)
        die("usage: fuzz_NAME SEEDS", "[MUTATION]");
    seeds_read(argv[1]);
    signal(SIGABRT, on_signal);
#ifdef DRIVER_SANITIZED
    __sanitizer_set_death_callback(tell);
#else
    signal(SIGSEGV, on_signal);
#endif
    if (argc > 2) {
        run_mutation(strtoull(argv[2], NULL, 10));
        return 0;
    }
    double end = seconds() + SECONDS;
    for (size_t i = 0; i < n_seeds; i++) {
        snprintf(now_running, sizeof now_running, "fuzz driver: the input was seed %s\n", seeds[i].name);
        run(seeds[i].at, seeds[i].n);
    }
    uint64_t done = 0;
    for (; done < MUTATIONS && seconds() < end; done++)
        run_mutation(done);
    printf("%zu seeds, %llu mutations\n", n_seeds, (unsigned long long)done);
    for (size_t i = 0; i < n_seeds; i++) {
        free(seeds[i].name);
        free(seeds[i].at);
    }
    return 0;
}
