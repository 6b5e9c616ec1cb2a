/* Nothing lost, nothing twice: the engine over a world in memory, with any one call failing, the process dying at any
 * call, shards going and coming back; and everything that does not belong together refused.
 *
 * The measure is always the same: per lead, the committed outputs in order, and the leads' last values, must be those
 * of a run that nothing disturbed, which in turn must be what the scorer alone says. */
#include "adapters/plain_store.h"
#include "codec/model_yaml.h"
#include "support/suite.h"
#include "support/world.h"

#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

#define START INT64_C(1780000000000)
enum { TOPICS = 2, SHARDS = 2, LEADS = 6, EVENTS = 90, MAX_TURNS = 20000 };

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

static struct model *model_of(const char *text) {
    struct problems problems = {.file = "model.yaml"};
    struct model *model = model_yaml_compile(bytes_of(text), "model.yaml", &problems);
    if (!model)
        problems_print(&problems, stderr);
    ck_assert_ptr_nonnull(model);
    problems_fini(&problems);
    return model;
}

/* ---- one setting: a world with its events, a store, an engine ---- */

struct setting {
    struct model *model;
    struct world *world;
    struct plain_store *disk;
    struct erasure *erasure;
    struct source source;
    struct sink sink;
    struct store store;
    struct bytes topics[TOPICS];
    struct engine *engine;
    int64_t mono;
    size_t max_events;
};

static void random_bytes(void *host, uint8_t out[16]) {
    uint64_t *state = host;
    for (int i = 0; i < 16; i++)
        out[i] = (uint8_t)suite_random(state);
}

static uint64_t birth_seed = 7;

static void start(struct setting *s) {
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
                               .cache_bytes = 1 << 20,
                               .search_budget = 64,
                               .commit_tries = 3,
                               .host = &birth_seed,
                               .random = random_bytes};
    s->engine = engine_new(&o);
}

/* Events of a few leads over days, some sent twice, some late, rubbish among them, an erasure. */
static void fill(struct world *world, uint64_t seed, bool late) {
    static const char *const types[] = {"web.page_viewed", "web.page_viewed", "web.careers", "email.opened"};
    int64_t time = START;
    for (int i = 0; i < EVENTS; i++) {
        char lead[16], id[16];
        uint32_t l = suite_below(&seed, LEADS);
        time += suite_below(&seed, 3 * 3600 * 1000);
        snprintf(lead, sizeof lead, "lead-%u", l);
        snprintf(id, sizeof id, "e%d", suite_below(&seed, 12) ? i : i / 2);
        const char *type = types[suite_below(&seed, 4)];
        int64_t at = late && !suite_below(&seed, 4) ? time - (int64_t)suite_below(&seed, 3 * 24) * 3600000 : time;
        uint16_t topic = (uint16_t)suite_below(&seed, TOPICS);
        if (i % 30 == 11)
            world_event(world, topic, l % SHARDS, at, lead, id, "form.submitted", "country=DE");
        else if (i == 50)
            world_event(world, topic, l % SHARDS, at, lead, id, "privacy.erased", "");
        else
            world_event(world, topic, l % SHARDS, at, lead, id, type, "");
        if (i % 25 == 3)
            world_rubbish(world, topic, l % SHARDS, time);
    }
}

static void setting_init(struct setting *s, uint64_t seed) {
    *s = (struct setting){.model = model_of(model_text), .max_events = 20};
    s->world = world_new(TOPICS, SHARDS);
    fill(s->world, seed, seed % 2);
    s->erasure = erasure_new(NULL, NULL);
    ck_assert_ptr_nonnull(s->erasure);
    s->disk = plain_store_new(s->erasure);
    s->source = world_source(s->world);
    s->sink = world_sink(s->world);
    s->store = plain_store_port(s->disk, 0);
    s->topics[0] = bytes_of("a");
    s->topics[1] = bytes_of("b");
    start(s);
}

static void setting_fini(struct setting *s) {
    engine_free(&s->engine);
    plain_store_free(&s->disk);
    erasure_free(&s->erasure);
    world_free(&s->world);
    model_free(&s->model);
}

static bool turn(struct setting *s, struct err *e) {
    bool worked;
    s->mono += 10;
    return engine_step(s->engine, s->mono, START + 60 * WHEN_DAY, 0, &worked, e);
}

/* The process dies, and is started again; `wipe`: on an empty disk. */
static void crash(struct setting *s, bool wipe) {
    engine_free(&s->engine);
    world_crash(s->world);
    plain_store_crash(s->disk);
    if (wipe) {
        plain_store_free(&s->disk);
        s->disk = plain_store_new(s->erasure);
        s->store = plain_store_port(s->disk, 0);
    }
    start(s);
}

/* Turns until all is read and the clock has come to the wall. */
static void finish(struct setting *s) {
    struct err e;
    int quiet = 0;
    for (int turns = 0; quiet < 200; turns++) {
        ck_assert_msg(turns < MAX_TURNS, "it does not come to an end");
        bool ok = turn(s, &e);
        ck_assert_msg(ok, "%s: %s", e.where, e.words);
        quiet = world_done(s->world) ? quiet + 1 : 0;
    }
    ck_assert(engine_stop(s->engine, s->mono, START + 60 * WHEN_DAY, &e));
}

/* Outputs and last values as one text; the caller frees. */
static char *result(const struct setting *s) {
    char *text = NULL, *outputs = world_outputs(s->world);
    size_t n;
    FILE *to = open_memstream(&text, &n);
    fputs(outputs, to);
    for (int l = 0; l < LEADS; l++) {
        char lead[16];
        snprintf(lead, sizeof lead, "lead-%d", l);
        struct bytes value = world_lead(s->world, (uint32_t)l % SHARDS, lead);
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

static char *undisturbed(uint64_t seed, uint64_t *calls) {
    struct setting s;
    setting_init(&s, seed);
    finish(&s);
    char *text = world_outputs(s.world);
    if (calls)
        *calls = world_calls(s.world);
    setting_fini(&s);
    return text;
}

/* Compares the outputs; says which call was disturbed. */
static void same_outputs(const struct setting *s, const char *expected, const char *how, uint64_t n) {
    char *outputs = world_outputs(s->world);
    size_t at = 0;
    while (outputs[at] && outputs[at] == expected[at])
        at++;
    while (at && outputs[at - 1] != '\n')
        at--;
    ck_assert_msg(!strcmp(outputs, expected), "%s at call %llu:\n%.300s\ninstead of\n%.300s", how, (unsigned long long)n,
                  outputs + at, expected + at);
    free(outputs);
}

/* ---- tests ---- */

/* The same events given to the scorer alone, by time, then topic: what it decides, as the world's lines. Its own sink is a
 * second world, in one transaction. */
static char *scored_alone(uint64_t seed) {
    struct setting s;
    struct err e;
    setting_init(&s, seed);
    struct scorer *scorer = scorer_new(s.model);
    struct arena *arena = arena_new(1 << 24);
    struct world *said = world_new(TOPICS, SHARDS);
    struct sink sink = world_sink(said);
    struct lead leads[LEADS];
    char keys[LEADS][16];
    for (int l = 0; l < LEADS; l++) {
        snprintf(keys[l], sizeof keys[l], "lead-%d", l);
        lead_init(&leads[l], &lead_heap, bytes_of(keys[l]), s.model);
    }
    ck_assert(sink.init(said, &e) && sink.begin(said, &e));
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        for (;;) {
            const struct intake *best = NULL, *item;
            for (uint16_t t = 0; t < TOPICS; t++) {
                if (s.source.head(s.source.self, t, shard, &item) != SOURCE_ITEM)
                    continue;
                if (!best || (item->bad && !best->bad) || (!best->bad && item->event.time < best->event.time))
                    best = item;
            }
            if (!best)
                break;
            s.source.take(s.source.self, best->topic, shard);
            if (best->bad) {
                ck_assert(sink.reject(said, best, best->err, &e));
                continue;
            }
            struct verdict v;
            struct lead *lead = &leads[best->event.lead.at[5] - '0'];
            ck_assert(score_event(scorer, lead, &best->event, SCORE_UNBOUNDED, arena, &v, &e));
            for (size_t i = 0; i < v.n_records; i++)
                ck_assert(sink.emit(said, &v.records[i], &e));
            if (v.fate == FATE_ERASED)
                ck_assert(sink.forget(said, lead->key, &e));
        }
    }
    for (int l = 0; l < LEADS; l++) {
        struct verdict v;
        ck_assert(score_advance(scorer, &leads[l], START + 60 * WHEN_DAY - 5000, SCORE_UNBOUNDED, arena, &v, &e));
        for (size_t i = 0; i < v.n_records; i++)
            ck_assert(sink.emit(said, &v.records[i], &e));
        lead_fini(&leads[l]);
    }
    ck_assert(sink.commit(said, &e));
    char *text = world_outputs(said);
    world_free(&said);
    arena_free(&arena);
    scorer_free(&scorer);
    setting_fini(&s);
    return text;
}

START_TEST(the_engine_says_what_the_scorer_says) {
    for (uint64_t seed = 100; seed < 130; seed++) {
        char *engine = undisturbed(seed, NULL), *alone = scored_alone(seed);
        ck_assert_msg(!strcmp(engine, alone), "seed %llu", (unsigned long long)seed);
        free(engine);
        free(alone);
    }
    char *text = undisturbed(1, NULL);
    ck_assert_ptr_nonnull(strstr(text, "kind=0"));
    ck_assert_ptr_nonnull(strstr(text, "kind=1"));
    ck_assert_ptr_nonnull(strstr(text, "kind=2"));
    ck_assert_ptr_nonnull(strstr(text, "trigger=1"));
    ck_assert_ptr_nonnull(strstr(text, "tombstone"));
    ck_assert_ptr_nonnull(strstr(text, "dead letter"));
    free(text);
}
END_TEST

START_TEST(batches_of_any_size_give_the_same) {
    char *expected = undisturbed(2, NULL);
    for (size_t max = 1; max < 40; max += 7) {
        struct setting s;
        setting_init(&s, 2);
        engine_free(&s.engine);
        s.max_events = max;
        start(&s);
        finish(&s);
        same_outputs(&s, expected, "batch size", max);
        setting_fini(&s);
    }
    free(expected);
}
END_TEST

/* Any one call fails, in each of the ways that the engine mends. */
START_TEST(any_call_may_fail) {
    static const struct {
        enum err_code code;
        bool after;
    } ways[] = {{ERR_TIMEOUT, false}, {ERR_ABORTED, false}, {ERR_FENCED, false}, {ERR_UNKNOWN_OUTCOME, true}};
    uint64_t calls;
    char *expected = undisturbed(3, &calls);
    for (uint64_t n = 1 + (uint64_t)_i; n <= calls; n += 4) {
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            struct setting s;
            setting_init(&s, 3);
            world_fail(s.world, n, ways[w].code, ways[w].after);
            finish(&s);
            same_outputs(&s, expected, err_name(ways[w].code), n);
            setting_fini(&s);
        }
    }
    free(expected);
}
END_TEST

/* A consumer that is fenced reads nothing ever again: to live on would look well and do nothing. */
START_TEST(a_fenced_source_ends_the_engine) {
    struct setting s;
    struct err e;
    setting_init(&s, 3);
    ck_assert(turn(&s, &e));
    world_fence(s.world);
    ck_assert(!turn(&s, &e));
    ck_assert_int_eq(e.code, ERR_FENCED);
    setting_fini(&s);
}
END_TEST

/* The process dies at any call, before or after it took effect, with the disk kept or wiped. */
START_TEST(the_process_may_die_at_any_call) {
    uint64_t calls;
    char *expected = undisturbed(4, &calls);
    for (uint64_t n = 1 + (uint64_t)_i; n <= calls; n += 4) {
        for (int how = 0; how < 4; how++) {
            struct setting s;
            struct err e;
            setting_init(&s, 4);
            world_fail(s.world, n, ERR_DISK, how & 1);
            for (int turns = 0; turn(&s, &e); turns++)
                ck_assert_int_lt(turns, MAX_TURNS);
            crash(&s, how & 2);
            finish(&s);
            same_outputs(&s, expected, how & 2 ? "death, disk wiped" : "death", n);
            setting_fini(&s);
        }
    }
    free(expected);
}
END_TEST

START_TEST(shards_may_go_and_come_back) {
    char *expected = undisturbed(5, NULL);
    for (int every = 3; every < 30; every += 4) {
        for (int lost = 0; lost < 2; lost++) {
            struct setting s;
            struct err e;
            setting_init(&s, 5);
            for (int turns = 0; turns < 200; turns++) {
                if (turns % every == every - 1)
                    world_rebalance(s.world, lost);
                ck_assert_msg(turn(&s, &e), "%s", e.words);
            }
            finish(&s);
            same_outputs(&s, expected, lost ? "lost" : "revoked", (uint64_t)every);
            setting_fini(&s);
        }
    }
    free(expected);
}
END_TEST

/* A disk that is kept, and one that is built anew from the changelog, end with the same values as the changelog. */
START_TEST(a_restored_store_goes_on_as_the_old_one) {
    struct setting kept, wiped;
    for (int i = 0; i < 2; i++) {
        struct setting *s = i ? &wiped : &kept;
        setting_init(s, 6);
        finish(s);
        crash(s, i);
        for (int k = 0; k < 20; k++) {
            char lead[16], id[16];
            snprintf(lead, sizeof lead, "lead-%d", k % LEADS);
            snprintf(id, sizeof id, "more%d", k);
            world_event(s->world, 0, (uint32_t)(k % LEADS) % SHARDS, START + 40 * WHEN_DAY + k, lead, id,
                        "web.page_viewed", "");
        }
        finish(s);
    }
    char *a = result(&kept), *b = result(&wiped);
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    setting_fini(&kept);
    setting_fini(&wiped);
}
END_TEST

/* ---- refusals ---- */

/* After a clean first run something is changed behind the engine's back; the next start must refuse, naming it. */
static void refused(struct setting *s, const char *words) {
    struct err e = {.code = ERR_NONE};
    crash(s, false);
    for (int turns = 0; turns < 200; turns++) {
        if (!turn(s, &e)) {
            ck_assert_int_eq(e.code, ERR_REFUSED);
            ck_assert_msg(strstr(e.words, words), "\"%s\" does not say \"%s\"", e.words, words);
            return;
        }
    }
    ck_abort_msg("it was not refused");
}

START_TEST(a_changelog_made_again_is_refused) {
    struct setting s;
    setting_init(&s, 8);
    finish(&s);
    world_forget_changelog(s.world, 0);
    refused(&s, "store is ahead");
    setting_fini(&s);
}
END_TEST

START_TEST(lost_group_offsets_are_refused) {
    struct setting s;
    setting_init(&s, 9);
    finish(&s);
    world_set_offset(s.world, 0, 1, ENGINE_NO_OFFSET);
    refused(&s, "--reset-offsets");
    setting_fini(&s);
}
END_TEST

START_TEST(another_model_is_refused) {
    struct setting s;
    setting_init(&s, 10);
    finish(&s);
    struct model *other = model_of("model: test\nversion: 1\nfit: {rules: [{id: de, when: {country: DE}, points: 11}]}\n");
    struct model *first = s.model;
    s.model = other;
    refused(&s, "another model");
    setting_fini(&s);
    model_free(&first);
}
END_TEST

/* Late events: what was decided stays decided, and a crash does not change that either. */
START_TEST(late_events_survive_a_crash) {
    struct setting s;
    struct err e;
    setting_init(&s, 11);
    fill(s.world, 12, true);
    for (int i = 0; i < 60; i++) {
        ck_assert(turn(&s, &e));
        if (i % 9 == 8)
            crash(&s, i % 2);
    }
    finish(&s);
    char *outputs = world_outputs(s.world);
    /* No record twice: ids are deterministic, so equal lines would be the same decision published again. */
    char *save = NULL, *before = NULL;
    for (char *line = strtok_r(outputs, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        ck_assert(!before || strcmp(before, line) || strstr(line, "tombstone"));
        before = line;
    }
    free(outputs);
    setting_fini(&s);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, the_engine_says_what_the_scorer_says);
    tcase_add_test(all, batches_of_any_size_give_the_same);
    tcase_add_loop_test(all, any_call_may_fail, 0, 4);
    tcase_add_test(all, a_fenced_source_ends_the_engine);
    tcase_add_loop_test(all, the_process_may_die_at_any_call, 0, 4);
    tcase_add_test(all, shards_may_go_and_come_back);
    tcase_add_test(all, a_restored_store_goes_on_as_the_old_one);
    tcase_add_test(all, a_changelog_made_again_is_refused);
    tcase_add_test(all, lost_group_offsets_are_refused);
    tcase_add_test(all, another_model_is_refused);
    tcase_add_test(all, late_events_survive_a_crash);
}

SUITE_MAIN("engine over a world in memory", add)
