/* Time alone: scores fade and never rise by it, timers are never late, and a search finds the very millisecond. */
#include "play.h"

#include <leadstream/lead_bytes.h>

/* Everything has faded so long after the last event, and every cooldown has ended. */
enum { HORIZON = 33 * PLAY_LONGEST };

/* A play being scored. */
struct stage {
    struct play play;
    struct scorer *scorer;
    struct lead lead;
    struct arena *arena;
    int64_t groups[2][MODEL_MAX_GROUPS];
};

static void begin(struct stage *s, enum play_kind kind, uint64_t seed, uint32_t n) {
    play_init(&s->play, kind, seed, n);
    s->scorer = scorer_new(s->play.model);
    s->arena = arena_new(1 << 27);
    lead_init(&s->lead, &lead_heap, bytes_of("l-1"), s->play.model);
}

static void end(struct stage *s) {
    lead_fini(&s->lead);
    scorer_free(&s->scorer);
    arena_free(&s->arena);
    play_fini(&s->play);
}

static struct verdict take(struct stage *s, const struct event *event, size_t budget) {
    struct verdict verdict;
    struct err e;
    arena_reset(s->arena); /* records are looked at before the next event */
    play_assert(&s->play, score_event(s->scorer, &s->lead, event, budget, s->arena, &verdict, &e));
    return verdict;
}

/* docs/scoring.md, "Time passes": is `at` an instant of change, none having come before it? now: the scores at T. */
static bool is_instant(struct stage *s, const struct score *now, int64_t at) {
    const struct model *model = s->play.model;
    const struct lead_decisions *d = &s->lead.d;
    struct score then = {.groups = s->groups[1]};
    score_read(s->scorer, &s->lead, at, &then);
    if (then.stage != now->stage || then.route != now->route || then.ready != now->ready ||
        memcmp(then.grade, now->grade, 2) != 0)
        return true;
    int64_t moved = then.total - d->pub_total;
    if (model->drift != MODEL_NONE && (moved < 0 ? -moved : moved) >= model->drift)
        return true;
    return d->armed && then.ready && !d->closed && d->fired_at != LEAD_NEVER && at == d->fired_at + model->cooldown;
}

/* The first instant after T, by looking at every millisecond. */
static int64_t scan(struct stage *s) {
    struct score now = {.groups = s->groups[0]};
    score_read(s->scorer, &s->lead, s->lead.d.t, &now);
    for (int64_t at = s->lead.d.t + 1; at <= s->lead.d.t + HORIZON; at++)
        if (is_instant(s, &now, at))
            return at;
    return LEAD_NO_DUE;
}

START_TEST(a_timer_is_never_late_and_a_search_is_exact) {
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct stage s;
        begin(&s, PLAY_ANY, seed, 24);
        for (uint32_t i = 0; i < s.play.n; i++) {
            take(&s, &s.play.events[i], SCORE_UNBOUNDED);
            if (i % 12 != 11)
                continue;
            int64_t instant = scan(&s);
            play_assert(&s.play, s.lead.d.due <= instant);
            play_assert(&s.play, score_next_instant(s.scorer, &s.lead, LEAD_NO_DUE) == instant);
            if (instant != LEAD_NO_DUE) {
                play_assert(&s.play, score_next_instant(s.scorer, &s.lead, instant) == instant);
                play_assert(&s.play, score_next_instant(s.scorer, &s.lead, instant - 1) == LEAD_NO_DUE);
            }
        }
        end(&s);
    }
}
END_TEST

/* The event in as many pieces as score_event wants; all its records must be those of `whole`, in order. */
static void take_in_pieces(struct stage *s, const struct event *event, const struct verdict *whole) {
    size_t n = 0;
    struct verdict piece;
    do {
        piece = take(s, event, 1);
        play_assert(&s->play, n + piece.n_records <= whole->n_records);
        for (size_t i = 0; i < piece.n_records; i++)
            play_assert(&s->play, memcmp(whole->records[n + i].id, piece.records[i].id, 16) == 0);
        n += piece.n_records;
    } while (piece.more);
    play_assert(&s->play, n == whole->n_records);
}

/* With a small budget a search stops on its way; called again and again it comes to the same instants. */
START_TEST(a_small_budget_comes_to_the_same_instants) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct stage exact, small;
        begin(&exact, PLAY_ANY, seed, 24);
        begin(&small, PLAY_ANY, seed, 24);
        for (uint32_t i = 0; i < exact.play.n; i++) {
            struct verdict a = take(&exact, &exact.play.events[i], SCORE_UNBOUNDED);
            take_in_pieces(&small, &small.play.events[i], &a);
        }
        int64_t until = exact.lead.d.t + HORIZON;
        struct verdict verdict;
        struct err e;
        play_assert(&exact.play,
                    score_advance(exact.scorer, &exact.lead, until, SCORE_UNBOUNDED, exact.arena, &verdict, &e));
        for (int turn = 0; small.lead.d.due <= until; turn++) {
            play_assert(&small.play, turn < 100000);
            play_assert(&small.play, score_advance(small.scorer, &small.lead, until, 1, small.arena, &verdict, &e));
        }
        play_assert(&small.play, exact.lead.d.t == small.lead.d.t && exact.lead.d.pub_total == small.lead.d.pub_total);
        play_assert(&small.play, exact.lead.d.stage == small.lead.d.stage);
        end(&exact);
        end(&small);
    }
}
END_TEST

START_TEST(decay_never_raises_a_positive_score) {
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct stage s;
        begin(&s, PLAY_POSITIVE, seed, 24);
        for (uint32_t i = 0; i < s.play.n; i++)
            take(&s, &s.play.events[i], SCORE_UNBOUNDED);
        struct score before = {.groups = s.groups[0]}, after = {.groups = s.groups[1]};
        score_read(s.scorer, &s.lead, s.lead.d.t, &before);
        for (int64_t at = s.lead.d.t; at < s.lead.d.t + HORIZON; at += 1 + suite_below(&s.play.random, 60)) {
            score_read(s.scorer, &s.lead, at, &after);
            play_assert(&s.play, after.engagement <= before.engagement && after.total <= before.total);
            for (uint16_t g = 0; g < s.play.model->n_groups; g++) {
                play_assert(&s.play, after.groups[g] <= before.groups[g]);
                before.groups[g] = after.groups[g];
            }
            before.engagement = after.engagement;
            before.total = after.total;
        }
        end(&s);
    }
}
END_TEST

START_TEST(reasons_sum_to_the_total) {
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct stage s;
        begin(&s, PLAY_ANY, seed, 24);
        for (uint32_t i = 0; i < s.play.n; i++) {
            take(&s, &s.play.events[i], SCORE_UNBOUNDED);
            struct score score = {.groups = s.groups[0]};
            int64_t at = s.lead.d.t + suite_below(&s.play.random, 3000), sum = 0;
            score_read(s.scorer, &s.lead, at, &score);
            size_t n;
            const struct reason *reasons = score_reasons(s.scorer, &s.lead, at, s.arena, &n);
            play_assert(&s.play, reasons != NULL);
            for (size_t j = 0; j < n; j++) {
                sum += reasons[j].points;
                play_assert(&s.play, reasons[j].points != 0);
                bool falls = j == 0 || reasons[j].kind > REASON_FIT || reasons[j].points <= reasons[j - 1].points;
                play_assert(&s.play, falls);
            }
            play_assert(&s.play, sum == score.total);
        }
        end(&s);
    }
}
END_TEST

/* Nothing that is stored is lost: a lead written and read after every event scores as one that stayed in memory. */
START_TEST(a_lead_read_back_goes_on_the_same) {
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct stage kept, stored;
        begin(&kept, PLAY_ANY, seed, 24);
        begin(&stored, PLAY_ANY, seed, 24);
        for (uint32_t i = 0; i < kept.play.n; i++) {
            struct verdict a = take(&kept, &kept.play.events[i], SCORE_UNBOUNDED);
            struct verdict b = take(&stored, &stored.play.events[i], SCORE_UNBOUNDED);
            play_assert(&kept.play, a.n_records == b.n_records);
            for (size_t j = 0; j < a.n_records; j++)
                play_assert(&kept.play, memcmp(a.records[j].id, b.records[j].id, 16) == 0);
            uint8_t first[16384], second[16384];
            struct writer w = writer_of(first, sizeof first);
            lead_bytes_write(&stored.lead, stored.play.model, &w);
            lead_fini(&stored.lead);
            lead_init(&stored.lead, &lead_heap, bytes_of("l-1"), stored.play.model);
            struct err e;
            play_assert(&kept.play, w.ok && lead_bytes_read(&stored.lead, stored.play.model, writer_done(&w), &e));
            struct writer again = writer_of(second, sizeof second);
            lead_bytes_write(&stored.lead, stored.play.model, &again);
            play_assert(&kept.play, bytes_equal(writer_done(&w), writer_done(&again)));
            int64_t due;
            play_assert(&kept.play, lead_bytes_due(writer_done(&w), &due) && due == kept.lead.d.due);
        }
        end(&kept);
        end(&stored);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_timer_is_never_late_and_a_search_is_exact);
    tcase_add_test(all, a_small_budget_comes_to_the_same_instants);
    tcase_add_test(all, decay_never_raises_a_positive_score);
    tcase_add_test(all, reasons_sum_to_the_total);
    tcase_add_test(all, a_lead_read_back_goes_on_the_same);
}

SUITE_MAIN("time", add)
