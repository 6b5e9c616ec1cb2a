/* A lead that publishes a great deal by time: many points, a tiny drift. What it says does not depend on how many
 * pieces it is said in, no batch grows without bound, and memory neither. */
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdlib.h>

enum { POINTS = 300, MOST = POINTS * 100, AT_ONCE = 21024 /* of a batch: those by time, and a last piece */ };

static const char model_text[] = "model: test\nversion: 1\n"
                                 "engagement: {half_life: 1d, groups: {web: {rules: [{id: view, on: web.page_viewed,"
                                 " points: 300}]}}}\n"
                                 "publish: {min_change: 0.01, drift: 0.01}\n";

static struct sink real;
static uint64_t emitted, in_batch, largest;

static bool count_emit(void *self, const struct record *record, struct err *e) {
    emitted++;
    in_batch++;
    largest = in_batch > largest ? in_batch : largest;
    return real.emit(self, record, e);
}

static bool count_commit(void *self, struct err *e) {
    in_batch = 0;
    return real.commit(self, e);
}

/* One lead; `later`: with a second event after its points have faded. */
static void pieces_init(struct setting *s, bool later) {
    setting_init(s, 2);
    engine_free(&s->engine);
    world_free(&s->world);
    model_free(&s->model);
    s->model = setting_model(model_text);
    s->world = world_new(SETTING_TOPICS, SETTING_SHARDS);
    world_event(s->world, 0, 0, SETTING_START, "lead-0", "first", "web.page_viewed", "");
    if (later)
        world_event(s->world, 0, 0, SETTING_START + 40 * WHEN_DAY, "lead-0", "second", "web.careers", "");
    s->source = world_source(s->world);
    s->sink = real = world_sink(s->world);
    s->sink.emit = count_emit;
    s->sink.commit = count_commit;
    emitted = in_batch = largest = 0;
    setting_start(s);
}

/* What the scorer says in one piece. */
static char *in_one(const struct setting *s, bool later) {
    struct world *said = world_new(SETTING_TOPICS, SETTING_SHARDS);
    struct sink sink = world_sink(said);
    struct scorer *scorer = scorer_new(s->model);
    struct arena *arena = arena_new(1 << 28);
    struct event event = {.lead = bytes_of("lead-0"), .id = bytes_of("first"), .type = bytes_of("web.page_viewed"),
                          .time = SETTING_START};
    struct lead lead;
    struct verdict v;
    struct err e;
    lead_init(&lead, &lead_heap, event.lead, s->model);
    ck_assert(sink.init(said, &e) && sink.begin(said, &e));
    for (int i = 0; i < (later ? 3 : 2); i++) {
        if (i == (later ? 2 : 1))
            ck_assert(score_advance(scorer, &lead, SETTING_START + 60 * WHEN_DAY - 5000, SCORE_UNBOUNDED, arena, &v, &e));
        else
            ck_assert(score_event(scorer, &lead, &event, SCORE_UNBOUNDED, arena, &v, &e));
        for (size_t k = 0; k < v.n_records; k++)
            ck_assert(sink.emit(said, &v.records[k], &e));
        event.id = bytes_of("second");
        event.type = bytes_of("web.careers");
        event.time = SETTING_START + 40 * WHEN_DAY;
    }
    ck_assert(sink.commit(said, &e));
    char *text = world_outputs(said);
    lead_fini(&lead);
    arena_free(&arena);
    scorer_free(&scorer);
    world_free(&said);
    return text;
}

START_TEST(a_lead_may_have_more_to_say_than_a_batch_takes) {
    struct setting s;
    bool later = _i == 1;
    pieces_init(&s, later);
    char *expected = in_one(&s, later);
    setting_finish(&s);
    setting_same(&s, expected, later ? "before an event" : "by the clock", 0);
    ck_assert_uint_gt(emitted, MOST / 2);
    if (!later)
        ck_assert_msg(largest <= AT_ONCE, "%llu records in one batch", (unsigned long long)largest);
    free(expected);
    setting_fini(&s);
}
END_TEST

/* The process dies between the pieces. */
START_TEST(it_may_be_interrupted) {
    struct setting s;
    struct err e;
    pieces_init(&s, true);
    char *expected = in_one(&s, true);
    for (int life = 0; life < 6; life++) {
        uint64_t before = emitted;
        while (emitted < before + 1500 && !world_done(s.world))
            ck_assert(setting_turn(&s, &e));
        setting_crash(&s, life % 2);
    }
    setting_finish(&s);
    setting_same(&s, expected, "interrupted", 0);
    free(expected);
    setting_fini(&s);
}
END_TEST

/* The scorer's own memory: a piece needs no more than its records. */
START_TEST(a_piece_fits_where_the_whole_does_not) {
    struct setting s;
    struct err e;
    struct lead lead;
    struct verdict v;
    pieces_init(&s, false);
    struct event event = {.lead = bytes_of("lead-0"), .id = bytes_of("first"), .type = bytes_of("web.page_viewed"),
                          .time = SETTING_START};
    struct scorer *scorer = scorer_new(s.model);
    struct arena *arena = arena_new(1 << 20);
    lead_init(&lead, &lead_heap, event.lead, s.model);
    ck_assert(score_event(scorer, &lead, &event, 64, arena, &v, &e) && !v.more);
    event.id = bytes_of("second");
    event.time += 40 * WHEN_DAY;
    size_t n = 0, pieces = 0;
    do {
        arena_reset(arena);
        ck_assert_msg(score_event(scorer, &lead, &event, 64, arena, &v, &e), "%s", e.words);
        ck_assert_uint_le(v.n_records, SCORE_AT_ONCE + 1);
        n += v.n_records;
        pieces++;
    } while (v.more);
    ck_assert_uint_gt(n, MOST / 2);
    ck_assert_uint_ge(pieces, n / SCORE_AT_ONCE);
    ck_assert_int_eq(lead.d.t, event.time);
    lead_fini(&lead);
    arena_free(&arena);
    scorer_free(&scorer);
    setting_fini(&s);
}
END_TEST

static void add(TCase *all) {
    tcase_add_loop_test(all, a_lead_may_have_more_to_say_than_a_batch_takes, 0, 2);
    tcase_add_test(all, it_may_be_interrupted);
    tcase_add_test(all, a_piece_fits_where_the_whole_does_not);
}

SUITE_MAIN("engine, a lead with much to say", add)
