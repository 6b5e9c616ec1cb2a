/* CPU per event in the core: apply one event to a lead in memory, evaluate, arm.
 *
 *   bench_core MODEL          with the benchmark's rules (tests/bench/model.yaml)
 *
 * Two figures: leads that take the benchmark's mix of events, and one lead that is as large as a lead can be (128 values
 * of a once_per rule, 1,024 windows). CPU time of the thread, the best of several rounds. */
#include "codec/model_yaml.h"

#include <leadstream/score.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LEADS = 1000, EVENTS = 200000, ROUNDS = 5, LARGE_EVENTS = 2000 };

static uint64_t state = 1;

static uint64_t rnd(void) {
    uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct made {
    struct event event;
    struct event_field fields[5];
    char id[32];
    unsigned lead;
};

static const char *const urls[] = {"https://www.example.com/pricing?plan=2", "https://www.example.com/demo",
                                   "https://docs.example.com/guide/117", "https://www.example.com/case-studies/12",
                                   "https://www.example.com/careers", "https://www.example.com/blog/lead-scoring-101",
                                   "https://www.example.com/features", "https://www.example.com/"};

static void make(struct made *m, size_t i, int64_t time) {
    unsigned r = (unsigned)(rnd() % 100);
    m->lead = (unsigned)(rnd() % LEADS);
    snprintf(m->id, sizeof m->id, "ev-%08x-%012zx", (unsigned)rnd(), i);
    m->event = (struct event){.id = bytes_of(m->id), .time = time, .fields = m->fields};
    if (r < 5) {
        static const char *const form[][2] = {{"title", "VP Marketing"}, {"company_size", "201-1000"}, {"country", "US"},
                                              {"industry", "software"}, {"revenue", "10M-50M"}};
        m->event.type = bytes_of("form.submitted");
        for (int k = 0; k < 5; k++)
            m->fields[k] = (struct event_field){bytes_of(form[k][0]), bytes_of(form[k][1])};
        m->event.n_fields = 5;
        return;
    }
    m->event.type = bytes_of(r < 20   ? "email.sent"
                             : r < 40 ? "email.delivered"
                             : r < 55 ? "email.opened"
                             : r < 62 ? "email.clicked"
                                      : "web.page_viewed");
    m->fields[0] = (struct event_field){bytes_of("url"), bytes_of(urls[rnd() % 8])};
    m->event.n_fields = 1;
}

static void mixed(const struct model *model) {
    static struct made made[EVENTS];
    struct lead *leads = calloc(LEADS, sizeof *leads);
    static char keys[LEADS][16];
    struct scorer *scorer = scorer_new(model);
    struct arena *arena = arena_new(1 << 20);
    int64_t time = INT64_C(1780000000000);
    for (unsigned i = 0; i < LEADS; i++) {
        snprintf(keys[i], sizeof keys[i], "lead-%09u", i);
        lead_init(&leads[i], &lead_heap, bytes_of(keys[i]), model);
    }
    double best = 1e18;
    size_t records = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < EVENTS; i++)
            make(&made[i], i, time += (int64_t)(rnd() % 20000));
        double t0 = cpu_ns();
        for (size_t i = 0; i < EVENTS; i++) {
            struct verdict v;
            struct err e;
            struct lead *lead = &leads[made[i].lead];
            made[i].event.lead = lead->key;
            arena_reset(arena);
            if (!score_event(scorer, lead, &made[i].event, 256, arena, &v, &e))
                exit(1);
            records += v.n_records;
        }
        double ns = (cpu_ns() - t0) / EVENTS;
        best = ns < best ? ns : best;
    }
    printf("apply, evaluate, arm: %.0f ns an event (%.2f records an event, %u bytes a lead)\n", best,
           (double)records / ((double)EVENTS * ROUNDS), leads[0].n);
    for (unsigned i = 0; i < LEADS; i++)
        lead_fini(&leads[i]);
    free(leads);
    scorer_free(&scorer);
    arena_free(&arena);
}

static const char large_model[] =
    "model: large\nversion: 1\n"
    "engagement:\n  half_life: 32d\n  groups:\n    all:\n      rules:\n"
    "        - {id: values, on: email.clicked, points: 1, limit: {once_per: campaign}}\n"
    "        - {id: windows, on: email.opened, points: 1, limit: {count: 3, per: 1d}}\n"
    "stages: [{name: cold}, {name: warm, enter: 100000}]\n";

static void large(void) {
    struct problems problems = {.file = "large"};
    struct model *model = model_yaml_compile(bytes_of(large_model), "large", &problems);
    problems_print(&problems, stderr);
    struct scorer *scorer = scorer_new(model);
    struct arena *arena = arena_new(1 << 20);
    struct lead lead;
    lead_init(&lead, &lead_heap, bytes_of("large"), model);
    double t0 = 0;
    for (int64_t i = 0; i < 1024 + LARGE_EVENTS; i++) {
        char id[32], campaign[32];
        snprintf(id, sizeof id, "id-%lld", (long long)i);
        snprintf(campaign, sizeof campaign, "c-%lld", (long long)i);
        struct event_field field = {bytes_of("campaign"), bytes_of(campaign)};
        bool filling = i < 1024;
        int64_t time = INT64_C(1780000000000) + (filling ? i * WHEN_DAY : 1024 * WHEN_DAY + i * 1000);
        struct event event = {.lead = lead.key, .id = bytes_of(id), .time = time, .n_fields = 1, .fields = &field};
        event.type = bytes_of(i % 2 && !filling ? "email.clicked" : "email.opened");
        if (filling && i > 800)
            event.type = bytes_of("email.clicked");
        if (i == 1024)
            t0 = cpu_ns();
        struct verdict v;
        struct err e;
        arena_reset(arena);
        if (!score_event(scorer, &lead, &event, 256, arena, &v, &e))
            exit(1);
    }
    printf("the same for a large lead: %.0f ns an event (%u bytes)\n", (cpu_ns() - t0) / LARGE_EVENTS, lead.n);
    lead_fini(&lead);
    scorer_free(&scorer);
    arena_free(&arena);
    model_free(&model);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: bench_core MODEL\n");
        return 2;
    }
    struct problems problems = {.file = argv[1]};
    struct model *model = model_yaml_load(argv[1], &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    if (!model)
        return 1;
    mixed(model);
    large();
    model_free(&model);
    return 0;
}
