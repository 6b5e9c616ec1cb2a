/* Nothing lost, nothing twice: the engine over a world in memory, with any one call failing, the process dying at any
 * call, shards going and coming back; and everything that does not belong together refused.
 *
 * The measure is always the same: per lead, the committed outputs in order, and the leads' last values, must be those
 * of a run that nothing disturbed, which in turn must be what the scorer alone says. */
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- tests ---- */

/* The same events given to the scorer alone, by time, then topic: what it decides, as the world's lines. Its own sink is
 * a second world, in one transaction. */
static char *scored_alone(uint64_t seed) {
    struct setting s;
    struct err e;
    setting_init(&s, seed);
    struct scorer *scorer = scorer_new(s.model);
    struct arena *arena = arena_new(1 << 24);
    struct world *said = world_new(SETTING_TOPICS, SETTING_SHARDS);
    struct sink sink = world_sink(said);
    struct lead leads[SETTING_LEADS];
    char keys[SETTING_LEADS][16];
    for (int l = 0; l < SETTING_LEADS; l++) {
        snprintf(keys[l], sizeof keys[l], "lead-%d", l);
        lead_init(&leads[l], &lead_heap, bytes_of(keys[l]), s.model);
    }
    ck_assert(sink.init(said, &e) && sink.begin(said, &e));
    for (uint32_t shard = 0; shard < SETTING_SHARDS; shard++) {
        for (;;) {
            const struct intake *best = NULL, *item;
            for (uint16_t t = 0; t < SETTING_TOPICS; t++) {
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
    for (int l = 0; l < SETTING_LEADS; l++) {
        struct verdict v;
        int64_t wall = SETTING_START + 60 * WHEN_DAY;
        ck_assert(score_advance(scorer, &leads[l], wall - 5000, SCORE_UNBOUNDED, arena, &v, &e));
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
        char *engine = setting_undisturbed(seed, NULL), *alone = scored_alone(seed);
        ck_assert_msg(!strcmp(engine, alone), "seed %llu", (unsigned long long)seed);
        free(engine);
        free(alone);
    }
    char *text = setting_undisturbed(1, NULL);
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
    char *expected = setting_undisturbed(2, NULL);
    for (size_t max = 1; max < 40; max += 7) {
        struct setting s;
        setting_init(&s, 2);
        engine_free(&s.engine);
        s.max_events = max;
        setting_start(&s);
        setting_finish(&s);
        setting_same(&s, expected, "batch size", max);
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
    char *expected = setting_undisturbed(3, &calls);
    for (uint64_t n = 1 + (uint64_t)_i; n <= calls; n += 4) {
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            struct setting s;
            setting_init(&s, 3);
            world_fail(s.world, n, ways[w].code, ways[w].after);
            setting_finish(&s);
            setting_same(&s, expected, err_name(ways[w].code), n);
            setting_fini(&s);
        }
    }
    free(expected);
}
END_TEST

/* The process dies at any call, before or after it took effect, with the disk kept or wiped. */
START_TEST(the_process_may_die_at_any_call) {
    uint64_t calls;
    char *expected = setting_undisturbed(4, &calls);
    for (uint64_t n = 1 + (uint64_t)_i; n <= calls; n += 4) {
        for (int how = 0; how < 4; how++) {
            struct setting s;
            struct err e;
            setting_init(&s, 4);
            world_fail(s.world, n, ERR_DISK, how & 1);
            for (int turns = 0; setting_turn(&s, &e); turns++)
                ck_assert_int_lt(turns, SETTING_MAX_TURNS);
            setting_crash(&s, how & 2);
            setting_finish(&s);
            setting_same(&s, expected, how & 2 ? "death, disk wiped" : "death", n);
            setting_fini(&s);
        }
    }
    free(expected);
}
END_TEST

START_TEST(shards_may_go_and_come_back) {
    char *expected = setting_undisturbed(5, NULL);
    for (int every = 3; every < 30; every += 4) {
        for (int lost = 0; lost < 2; lost++) {
            struct setting s;
            struct err e;
            setting_init(&s, 5);
            for (int turns = 0; turns < 200; turns++) {
                if (turns % every == every - 1)
                    world_rebalance(s.world, lost);
                ck_assert_msg(setting_turn(&s, &e), "%s", e.words);
            }
            setting_finish(&s);
            setting_same(&s, expected, lost ? "lost" : "revoked", (uint64_t)every);
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
        setting_finish(s);
        setting_crash(s, i);
        for (int k = 0; k < 20; k++) {
            char lead[16], id[16];
            snprintf(lead, sizeof lead, "lead-%d", k % SETTING_LEADS);
            snprintf(id, sizeof id, "more%d", k);
            uint32_t shard = (uint32_t)(k % SETTING_LEADS) % SETTING_SHARDS;
            world_event(s->world, 0, shard, SETTING_START + 40 * WHEN_DAY + k, lead, id, "web.page_viewed", "");
        }
        setting_finish(s);
    }
    char *a = setting_result(&kept), *b = setting_result(&wiped);
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    setting_fini(&kept);
    setting_fini(&wiped);
}
END_TEST

/* ---- refusals ---- */

static void refused_now(struct setting *s, const char *words) {
    struct err e = {.code = ERR_NONE};
    for (int turns = 0; turns < 200; turns++) {
        if (!setting_turn(s, &e)) {
            ck_assert_int_eq(e.code, ERR_REFUSED);
            ck_assert_msg(strstr(e.words, words), "\"%s\" does not say \"%s\"", e.words, words);
            return;
        }
    }
    ck_abort_msg("it was not refused");
}

/* After a clean first run something is changed behind the engine's back; the next start must refuse, naming it. */
static void refused(struct setting *s, const char *words) {
    setting_crash(s, false);
    refused_now(s, words);
}

START_TEST(a_changelog_made_again_is_refused) {
    struct setting s;
    setting_init(&s, 8);
    setting_finish(&s);
    world_cut_changelog(s.world, 0, SIZE_MAX);
    refused(&s, "store is ahead");
    setting_fini(&s);
}
END_TEST

START_TEST(a_changelog_made_again_while_we_run_is_refused) {
    struct setting s;
    struct err e;
    setting_init(&s, 8);
    for (int turns = 0; turns < 100 || !world_done(s.world); turns++)
        ck_assert(turns < SETTING_MAX_TURNS && setting_turn(&s, &e));
    for (uint32_t shard = 0; shard < SETTING_SHARDS; shard++)
        world_cut_changelog(s.world, shard, SIZE_MAX);
    setting_fill(s.world, 9, false);
    refused_now(&s, "deleted and made again");
    setting_fini(&s);
}
END_TEST

START_TEST(lost_group_offsets_are_refused) {
    struct setting s;
    setting_init(&s, 9);
    setting_finish(&s);
    world_set_offset(s.world, 0, 1, ENGINE_NO_OFFSET);
    refused(&s, "--reset-offsets");
    setting_fini(&s);
}
END_TEST

START_TEST(another_model_is_refused) {
    struct setting s;
    setting_init(&s, 10);
    setting_finish(&s);
    struct model *other = setting_model("model: test\nversion: 1\n"
                                        "fit: {rules: [{id: de, when: {country: DE}, points: 11}]}\n");
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
    setting_fill(s.world, 12, true);
    for (int i = 0; i < 60; i++) {
        ck_assert(setting_turn(&s, &e));
        if (i % 9 == 8)
            setting_crash(&s, i % 2);
    }
    setting_finish(&s);
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
    tcase_add_loop_test(all, the_process_may_die_at_any_call, 0, 4);
    tcase_add_test(all, shards_may_go_and_come_back);
    tcase_add_test(all, a_restored_store_goes_on_as_the_old_one);
    tcase_add_test(all, a_changelog_made_again_is_refused);
    tcase_add_test(all, a_changelog_made_again_while_we_run_is_refused);
    tcase_add_test(all, lost_group_offsets_are_refused);
    tcase_add_test(all, another_model_is_refused);
    tcase_add_test(all, late_events_survive_a_crash);
}

SUITE_MAIN("engine over a world in memory", add)
