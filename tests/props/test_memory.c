/* A lead's memory is a commutative monoid: any order of events, any way of adding parts, gives the same bytes. */
#include "play.h"

enum { PLAYS = 150 };

/* A lead that took some events of a play. */
static void take(struct lead *lead, struct play *play, const uint32_t *order, uint32_t n) {
    struct lead_tools *tools = lead_tools_new(play->model);
    struct cond_counts counts = {0, 0};
    lead_init(lead, &lead_heap, bytes_of("l-1"), play->model);
    for (uint32_t i = 0; i < n; i++) {
        lead_take(lead, tools, &play->events[order[i]], &counts);
        struct err e;
        play_assert(play, lead_memory_check(lead_memory(lead), play->model, &e));
    }
    lead_tools_free(&tools);
}

static bool same(const struct lead *a, const struct lead *b) {
    return bytes_equal(lead_memory(a), lead_memory(b));
}

START_TEST(the_order_of_events_does_not_matter) {
    for (uint64_t seed = 1; seed <= PLAYS; seed++) {
        struct play play;
        play_init(&play, PLAY_ANY, seed, PLAY_EVENTS);
        uint32_t order[PLAY_EVENTS];
        struct lead straight, mixed;
        for (uint32_t i = 0; i < play.n; i++)
            order[i] = i;
        take(&straight, &play, order, play.n);
        for (int turn = 0; turn < 3; turn++) {
            play_shuffle(&play, order, play.n);
            take(&mixed, &play, order, play.n);
            play_assert(&play, same(&straight, &mixed));
            lead_fini(&mixed);
        }
        lead_fini(&straight);
        play_fini(&play);
    }
}
END_TEST

START_TEST(duplicates_change_nothing) {
    struct arena *arena = arena_new(1 << 27);
    for (uint64_t seed = 1; seed <= PLAYS; seed++) {
        struct play play;
        play_init(&play, PLAY_ANY, seed, PLAY_EVENTS);
        struct scorer *scorer = scorer_new(play.model);
        struct lead lead;
        lead_init(&lead, &lead_heap, bytes_of("l-1"), play.model);
        for (uint32_t i = 0; i < play.n; i++) {
            struct verdict verdict;
            struct err e;
            arena_reset(arena);
            play_assert(&play, score_event(scorer, &lead, &play.events[i], SCORE_UNBOUNDED, arena, &verdict, &e));
            play_assert(&play, verdict.fate == FATE_TAKEN && lead_events(&lead) == i + 1);
            struct event again = play.events[suite_below(&play.random, i + 1)];
            struct lead_decisions before = lead.d;
            again.time += 1000000; /* whatever its time */
            play_assert(&play, score_event(scorer, &lead, &again, SCORE_UNBOUNDED, arena, &verdict, &e));
            play_assert(&play, verdict.fate == FATE_DUPLICATE && !verdict.changed && verdict.n_records == 0);
            play_assert(&play, before.t == lead.d.t && before.due == lead.d.due && lead_events(&lead) == i + 1);
        }
        lead_fini(&lead);
        scorer_free(&scorer);
        play_fini(&play);
    }
    arena_free(&arena);
}
END_TEST

/* Memory of a, then b added. */
static void sum(struct lead *out, struct play *play, const struct lead *a, const struct lead *b) {
    lead_init(out, &lead_heap, bytes_of("l-1"), play->model);
    lead_merge(out, a, play->model);
    lead_merge(out, b, play->model);
}

START_TEST(merging_is_commutative_and_associative_and_equals_having_seen_both) {
    for (uint64_t seed = 1; seed <= PLAYS; seed++) {
        struct play play;
        play_init(&play, PLAY_ANY, seed, PLAY_EVENTS);
        uint32_t order[PLAY_EVENTS];
        play_shuffle(&play, order, play.n);
        uint32_t one = suite_below(&play.random, play.n), two = one + suite_below(&play.random, play.n - one);
        struct lead all, a, b, c, ab, ba, bc, ab_c, a_bc;
        take(&all, &play, order, play.n);
        take(&a, &play, order, one);
        take(&b, &play, order + one, two - one);
        take(&c, &play, order + two, play.n - two);
        sum(&ab, &play, &a, &b);
        sum(&ba, &play, &b, &a);
        sum(&bc, &play, &b, &c);
        sum(&ab_c, &play, &ab, &c);
        sum(&a_bc, &play, &a, &bc);
        play_assert(&play, same(&ab, &ba));
        play_assert(&play, same(&ab_c, &a_bc));
        play_assert(&play, same(&all, &ab_c));
        struct lead *leads[] = {&all, &a, &b, &c, &ab, &ba, &bc, &ab_c, &a_bc};
        for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
            lead_fini(leads[i]);
        play_fini(&play);
    }
}
END_TEST

START_TEST(a_model_reordered_remembers_the_same_bytes) {
    for (uint64_t seed = 1; seed <= PLAYS; seed++) {
        struct play play, other;
        play_init(&play, PLAY_ANY, seed, PLAY_EVENTS);
        play_init(&other, PLAY_REORDERED, seed, PLAY_EVENTS);
        uint32_t order[PLAY_EVENTS];
        play_shuffle(&play, order, play.n);
        struct lead a, b;
        take(&a, &play, order, play.n);
        take(&b, &other, order, play.n);
        play_assert(&play, same(&a, &b));
        lead_fini(&a);
        lead_fini(&b);
        play_fini(&play);
        play_fini(&other);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, the_order_of_events_does_not_matter);
    tcase_add_test(all, duplicates_change_nothing);
    tcase_add_test(all, merging_is_commutative_and_associative_and_equals_having_seen_both);
    tcase_add_test(all, a_model_reordered_remembers_the_same_bytes);
}

SUITE_MAIN("memory", add)
