/* The model and the events that the tests of the engine share, and how a run is compared with another. */
#include "support/setting.h"

#include "codec/model_yaml.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 90 };

static const char model_text[] =
    "model: test\nversion: 1\n"
    "engagement:\n  half_life: 1d\n  groups:\n    web:\n      rules:\n"
    "        - {id: view, on: web.page_viewed, points: 12}\n"
    "        - {id: careers, on: web.careers, points: -9, half_life: 12h}\n"
    "        - {id: daily, on: email.opened, points: 5, limit: {count: 2, per: 1d}}\n"
    "fit:\n  rules: [{id: de, when: {country: DE}, points: 10}]\n"
    "stages: [{name: cold}, {name: warm, enter: 20}, {name: hot, enter: 40}]\n"
    "sales_ready: {when: {stage: hot}, cooldown: 2d}\n"
    "routes: [{to: sales, when: {stage: hot}}, {to: nurture}]\n"
    "publish: {min_change: 1, drift: 6}\n";

struct model *setting_model(const char *text) {
    struct problems problems = {.file = "model.yaml"};
    struct model *model = model_yaml_compile(bytes_of(text), "model.yaml", &problems);
    if (!model)
        problems_print(&problems, stderr);
    ck_assert_ptr_nonnull(model);
    problems_fini(&problems);
    return model;
}

static uint64_t birth_seed = 7;

static void random_bytes(void *host, uint8_t out[16]) {
    (void)host;
    for (int i = 0; i < 16; i++)
        out[i] = (uint8_t)suite_random(&birth_seed);
}

static void tell(void *host, enum engine_event event, uint32_t shard, uint64_t count, const struct err *why) {
    struct setting *s = host;
    (void)shard;
    (void)count;
    s->told[event]++;
    if (event == ENGINE_CONDEMNED)
        s->last_condemned = *why;
}

void setting_start(struct setting *s) {
    struct engine_options o = {.model = s->model,
                               .source = &s->source,
                               .sink = &s->sink,
                               .store = &s->store,
                               .topics = s->topics,
                               .changelog = "test.g1.changelog",
                               .max_events = s->max_events,
                               .max_time = 20,
                               .lag = 100,
                               .grace = 5000,
                               .idle = 200,
                               .cache_bytes = s->cache_bytes,
                               .search_budget = 64,
                               .commit_tries = 3,
                               .stale_after = s->stale_after,
                               .erasure_key = s->erasure_key,
                               .condemned = s->condemned,
                               .n_condemned = s->n_condemned,
                               .place = &s->place,
                               .host = s,
                               .random = random_bytes,
                               .tell = tell};
    s->engine = engine_new(&o);
}

void setting_fill(struct world *world, uint64_t seed, bool late) {
    static const char *const types[] = {"web.page_viewed", "web.page_viewed", "web.careers", "email.opened"};
    int64_t time = SETTING_START;
    for (int i = 0; i < EVENTS; i++) {
        char lead[16], id[16];
        uint32_t l = suite_below(&seed, SETTING_LEADS);
        time += suite_below(&seed, 3 * 3600 * 1000);
        snprintf(lead, sizeof lead, "lead-%u", l);
        snprintf(id, sizeof id, "e%d", suite_below(&seed, 12) ? i : i / 2);
        const char *type = types[suite_below(&seed, 4)];
        int64_t at = late && !suite_below(&seed, 4) ? time - (int64_t)suite_below(&seed, 3 * 24) * 3600000 : time;
        uint16_t topic = (uint16_t)suite_below(&seed, SETTING_TOPICS);
        if (i % 30 == 11)
            world_event(world, topic, l % SETTING_SHARDS, at, lead, id, "form.submitted", "country=DE");
        else if (i == 50)
            world_event(world, topic, l % SETTING_SHARDS, at, lead, id, "privacy.erased", "");
        else
            world_event(world, topic, l % SETTING_SHARDS, at, lead, id, type, "");
        if (i % 25 == 3)
            world_rubbish(world, topic, l % SETTING_SHARDS, time);
    }
}

void setting_init(struct setting *s, uint64_t seed) {
    *s = (struct setting){.model = setting_model(model_text), .max_events = 20, .cache_bytes = 1 << 20};
    s->wall = SETTING_START + 60 * WHEN_DAY;
    s->world = world_new(SETTING_TOPICS, SETTING_SHARDS);
    setting_fill(s->world, seed, seed % 2);
    s->erasure = erasure_new(NULL, NULL);
    ck_assert_ptr_nonnull(s->erasure);
    s->disk = plain_store_new(s->erasure);
    s->source = world_source(s->world);
    s->sink = world_sink(s->world);
    s->store = faulty_store_port(&s->faulty);
    s->faulty.inner = plain_store_port(s->disk, 0);
    s->topics[0] = bytes_of("a");
    s->topics[1] = bytes_of("b");
    setting_start(s);
}

void setting_fini(struct setting *s) {
    engine_free(&s->engine);
    plain_store_free(&s->disk);
    erasure_free(&s->erasure);
    world_free(&s->world);
    model_free(&s->model);
}

bool setting_turn(struct setting *s, struct err *e) {
    bool worked;
    s->mono += 10;
    return engine_step(s->engine, s->mono, s->wall, 0, &worked, e);
}

void setting_crash(struct setting *s, bool wipe) {
    engine_free(&s->engine);
    world_crash(s->world);
    plain_store_crash(s->disk);
    if (wipe) {
        plain_store_free(&s->disk);
        s->disk = plain_store_new(s->erasure);
        s->faulty.inner = plain_store_port(s->disk, 0);
    }
    faulty_store_fail(&s->faulty, 0, ERR_NONE, false);
    setting_start(s);
}

void setting_finish(struct setting *s) {
    struct err e;
    int quiet = 0;
    for (int turns = 0; quiet < 200; turns++) {
        ck_assert_msg(turns < SETTING_MAX_TURNS, "it does not come to an end");
        bool ok = setting_turn(s, &e);
        ck_assert_msg(ok, "%s: %s", e.where, e.words);
        quiet = world_done(s->world) ? quiet + 1 : 0;
    }
    s->counts = *engine_counts(s->engine);
    ck_assert(engine_stop(s->engine, s->mono, s->wall, &e));
}

char *setting_result(const struct setting *s) {
    char *text = NULL, *outputs = world_outputs(s->world);
    size_t n;
    FILE *to = open_memstream(&text, &n);
    fputs(outputs, to);
    for (int l = 0; l < SETTING_LEADS; l++) {
        char lead[16];
        snprintf(lead, sizeof lead, "lead-%d", l);
        struct bytes value = world_lead(s->world, (uint32_t)l % SETTING_SHARDS, lead);
        fprintf(to, "%s:", lead);
        /* `due`, the last thing of a value, is a bound that a search may have stopped at; it is no result. */
        for (size_t i = 0; i < value.n; i++)
            fprintf(to, "%02x", value.at[i]);
        fputc('\n', to);
    }
    fclose(to);
    free(outputs);
    return text;
}

char *setting_undisturbed(uint64_t seed, uint64_t *calls) {
    struct setting s;
    setting_init(&s, seed);
    setting_finish(&s);
    char *text = world_outputs(s.world);
    if (calls)
        *calls = world_calls(s.world);
    setting_fini(&s);
    return text;
}

void setting_same(const struct setting *s, const char *expected, const char *how, uint64_t n) {
    char *outputs = world_outputs(s->world);
    size_t at = 0;
    while (outputs[at] && outputs[at] == expected[at])
        at++;
    while (at && outputs[at - 1] != '\n')
        at--;
    ck_assert_msg(!strcmp(outputs, expected), "%s at call %llu:\n%.300s\ninstead of\n%.300s", how,
                  (unsigned long long)n, outputs + at, expected + at);
    free(outputs);
}
