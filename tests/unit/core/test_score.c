/* What events and time do to a lead: figures, decisions, records. Instants were worked out with 60 decimal digits. */
#include "fixture.h"

struct desk {
    struct model *model;
    struct scorer *scorer;
    struct arena *arena;
    struct lead lead;
    struct verdict verdict;
    struct event_field field;
};

static void begin(struct desk *d) {
    *d = (struct desk){.model = fixture_model()};
    d->scorer = scorer_new(d->model);
    d->arena = arena_new(1 << 20);
    lead_init(&d->lead, &lead_heap, bytes_of("l-1"), d->model);
}

static void end(struct desk *d) {
    lead_fini(&d->lead);
    scorer_free(&d->scorer);
    arena_free(&d->arena);
    model_free(&d->model);
}

static const struct verdict *take(struct desk *d, struct event event) {
    struct err e;
    ck_assert(score_event(d->scorer, &d->lead, &event, SCORE_UNBOUNDED, d->arena, &d->verdict, &e));
    return &d->verdict;
}

static const struct verdict *advance(struct desk *d, int64_t now) {
    struct err e;
    ck_assert(score_advance(d->scorer, &d->lead, now, SCORE_UNBOUNDED, d->arena, &d->verdict, &e));
    return &d->verdict;
}

/* 80 points at a time, by a campaign. */
static const struct verdict *reply(struct desk *d, const char *id, int64_t time) {
    return take(d, fixture_with(fixture_event("email.replied", id, time), &d->field, "campaign", id));
}

static int64_t total_at(struct desk *d, int64_t at) {
    int64_t groups[1];
    struct score score = {.groups = groups};
    score_read(d->scorer, &d->lead, at, &score);
    return score.total;
}

START_TEST(a_half_life_halves) {
    struct desk d;
    begin(&d);
    reply(&d, "e1", FIXTURE_START + 77);
    ck_assert_int_eq(total_at(&d, FIXTURE_START + 77), 8000);
    ck_assert_int_eq(total_at(&d, FIXTURE_START + 77 + WHEN_DAY), 4000);
    ck_assert_int_eq(total_at(&d, FIXTURE_START + 77 + 4 * WHEN_DAY), 500);
    ck_assert_int_eq(total_at(&d, FIXTURE_START + 77 + 33 * WHEN_DAY), 0);
    end(&d);
}
END_TEST

START_TEST(limits_hold_and_refresh) {
    struct desk d;
    begin(&d);
    for (int i = 0; i < 3; i++) {
        char id[2] = {(char)('a' + i), 0};
        take(&d, fixture_event("email.clicked", id, FIXTURE_START + i * WHEN_HOUR));
    }
    ck_assert_int_eq(total_at(&d, d.lead.d.t), 800); /* two of three, as new as the third */
    take(&d, fixture_event("email.unsubscribed", "u1", FIXTURE_START + 3 * WHEN_HOUR));
    take(&d, fixture_event("email.unsubscribed", "u2", FIXTURE_START + 3 * WHEN_HOUR));
    take(&d, fixture_event("meeting.attended", "m1", FIXTURE_START + 3 * WHEN_HOUR));
    take(&d, fixture_event("meeting.attended", "m2", FIXTURE_START + 3 * WHEN_HOUR));
    ck_assert_int_eq(total_at(&d, FIXTURE_START + 40 * WHEN_DAY), -3000);
    end(&d);
}
END_TEST

START_TEST(an_event_publishes_a_change_and_then_readiness) {
    struct desk d;
    begin(&d);
    const struct verdict *v = reply(&d, "e1", FIXTURE_START);
    ck_assert_uint_eq(v->n_records, 2);
    const struct record *change = &v->records[0], *ready = &v->records[1];
    ck_assert(change->kind == RECORD_SCORE_CHANGED && change->trigger == TRIGGER_EVENT && change->at == FIXTURE_START);
    ck_assert_bytes_eq(change->cause, "e1");
    ck_assert(change->score.total == 8000 && change->score.stage == 2 && change->score.groups[0] == 8000);
    ck_assert(change->previous.total == 0 && change->previous.stage == 0 && change->previous.grade[0] == 'D');
    ck_assert(ready->kind == RECORD_SALES_READY && ready->n_reasons == 1 && ready->reasons[0].points == 8000);
    ck_assert(ready->reasons[0].count == 100);
    ck_assert(memcmp(change->id, ready->id, 16) != 0);
    ck_assert((change->id[6] >> 4) == 8 && (change->id[8] >> 6) == 2);
    end(&d);
}
END_TEST

START_TEST(a_timer_fires_at_the_millisecond) {
    struct desk d;
    begin(&d);
    reply(&d, "e1", FIXTURE_START);
    /* 80 has drifted by 5 when it rounds to 75.00, below 75.005: after 8036342.9 ms. */
    int64_t drift = score_next_instant(d.scorer, &d.lead, LEAD_NO_DUE);
    ck_assert_int_eq(drift, FIXTURE_START + 8036343);
    ck_assert(d.lead.d.due <= drift);
    ck_assert(total_at(&d, drift - 1) == 7501 && total_at(&d, drift) == 7500);
    ck_assert_uint_eq(advance(&d, drift - 1)->n_records, 0);
    ck_assert(!d.verdict.changed && d.lead.d.t == FIXTURE_START && d.lead.d.due == drift);
    ck_assert_uint_eq(advance(&d, drift)->n_records, 1);
    ck_assert(d.verdict.changed && d.lead.d.t == drift && d.verdict.records[0].trigger == TRIGGER_TIME);
    ck_assert_uint_eq(d.verdict.records[0].cause.n, 0);
    end(&d);
}
END_TEST

START_TEST(stages_have_hysteresis) {
    struct desk d;
    begin(&d);
    d.model->drift = MODEL_NONE;
    reply(&d, "e1", FIXTURE_START);
    /* hot until the total is below 30.00, that is below 29.995 */
    const struct verdict *v = advance(&d, FIXTURE_START + 3 * WHEN_DAY);
    ck_assert_uint_eq(v->n_records, 1);
    ck_assert_int_eq(v->records[0].at, FIXTURE_START + 122280017);
    ck_assert_uint_eq(v->records[0].score.stage, 1);
    v = advance(&d, FIXTURE_START + 40 * WHEN_DAY);
    ck_assert_uint_eq(v->n_records, 1);
    ck_assert_int_eq(v->records[0].at, FIXTURE_START + 259262341);
    ck_assert_uint_eq(v->records[0].score.stage, 0);
    ck_assert(d.lead.d.due == LEAD_NO_DUE);
    end(&d);
}
END_TEST

START_TEST(readiness_waits_for_its_cooldown) {
    struct desk d;
    begin(&d);
    d.model->drift = MODEL_NONE;
    reply(&d, "e1", FIXTURE_START);
    advance(&d, FIXTURE_START + 2 * WHEN_DAY - WHEN_HOUR); /* warm: armed again */
    ck_assert(d.lead.d.armed && d.lead.d.stage == 1);
    const struct verdict *v = reply(&d, "e2", FIXTURE_START + 2 * WHEN_DAY - WHEN_HOUR);
    ck_assert_uint_eq(v->n_records, 1); /* hot, but not yet */
    v = advance(&d, FIXTURE_START + 2 * WHEN_DAY);
    ck_assert_uint_eq(v->n_records, 1);
    ck_assert(v->records[0].kind == RECORD_SALES_READY && v->records[0].at == FIXTURE_START + 2 * WHEN_DAY);
    end(&d);
}
END_TEST

START_TEST(sales_closes_and_recycles) {
    struct desk d;
    begin(&d);
    take(&d, fixture_event("crm.accepted", "c1", FIXTURE_START));
    ck_assert_uint_eq(reply(&d, "e1", FIXTURE_START + 1)->n_records, 1);
    take(&d, fixture_event("crm.recycled", "c2", FIXTURE_START + 2));
    ck_assert(!d.lead.d.closed && d.lead.d.armed && d.lead.d.fired_at == FIXTURE_START + 2);
    reply(&d, "e2", FIXTURE_START + WHEN_DAY);
    const struct verdict *v = advance(&d, FIXTURE_START + 2 + 2 * WHEN_DAY);
    ck_assert(v->n_records > 0 && v->records[v->n_records - 1].kind == RECORD_SALES_READY);
    ck_assert_int_eq(v->records[v->n_records - 1].at, FIXTURE_START + 2 + 2 * WHEN_DAY);
    end(&d);
}
END_TEST

START_TEST(timers_fire_before_an_event_and_not_before_a_duplicate) {
    struct desk d;
    begin(&d);
    reply(&d, "e1", FIXTURE_START);
    struct event again = fixture_event("email.replied", "e1", FIXTURE_START + WHEN_DAY);
    ck_assert(take(&d, again)->fate == FATE_DUPLICATE && d.verdict.n_records == 0);
    const struct verdict *v = take(&d, fixture_event("x", "e2", FIXTURE_START + WHEN_DAY));
    ck_assert(v->n_records > 5 && v->records[0].trigger == TRIGGER_TIME);
    for (size_t i = 1; i < v->n_records; i++)
        ck_assert(v->records[i].at >= v->records[i - 1].at);
    end(&d);
}
END_TEST

START_TEST(a_late_event_is_evaluated_at_t) {
    struct desk d;
    begin(&d);
    take(&d, fixture_event("x", "e1", FIXTURE_START + WHEN_DAY));
    const struct verdict *v = reply(&d, "e2", FIXTURE_START);
    ck_assert(v->late && d.lead.d.t == FIXTURE_START + WHEN_DAY);
    ck_assert(v->records[0].at == FIXTURE_START + WHEN_DAY && v->records[0].score.total == 4000);
    end(&d);
}
END_TEST

START_TEST(an_erasure_forgets_and_drops_what_is_older) {
    struct desk d;
    begin(&d);
    reply(&d, "e1", FIXTURE_START + 10);
    const struct verdict *v = take(&d, fixture_event("privacy.erased", "e1", FIXTURE_START + 5));
    ck_assert(v->fate == FATE_ERASED && v->n_records == 1 && v->records[0].kind == RECORD_ERASED);
    ck_assert_int_eq(v->records[0].at, FIXTURE_START + 10);
    ck_assert(lead_memory(&d.lead).n == 0 && d.lead.d.erased == FIXTURE_START + 5);
    ck_assert(reply(&d, "e3", FIXTURE_START + 5)->fate == FATE_DROPPED);
    ck_assert(take(&d, fixture_event("privacy.erased", "e9", FIXTURE_START + 5))->fate == FATE_DROPPED);
    v = reply(&d, "e4", FIXTURE_START + 6);
    ck_assert(v->fate == FATE_TAKEN && v->n_records == 2 && v->records[0].previous.total == 0);
    end(&d);
}
END_TEST

START_TEST(an_erasure_of_a_lead_never_seen_is_told) {
    struct desk d;
    begin(&d);
    const struct verdict *v = take(&d, fixture_event("privacy.erased", "e1", FIXTURE_START));
    ck_assert(v->fate == FATE_ERASED && v->n_records == 1 && v->records[0].at == FIXTURE_START && v->changed);
    end(&d);
}
END_TEST

START_TEST(merging_takes_the_later_and_the_higher) {
    struct desk d, other;
    begin(&d);
    begin(&other);
    take(&d, fixture_event("meeting.attended", "m1", FIXTURE_START + 50));
    reply(&other, "e1", FIXTURE_START);
    struct err e;
    ck_assert(score_merge(d.scorer, &d.lead, &other.lead, d.arena, &d.verdict, &e));
    ck_assert(d.lead.d.t == FIXTURE_START + 50 && d.lead.d.stage == 2 && !d.lead.d.armed);
    ck_assert_int_eq(d.lead.d.fired_at, FIXTURE_START);
    ck_assert_uint_eq(d.verdict.n_records, 1);
    ck_assert(d.verdict.records[0].trigger == TRIGGER_MERGE && d.verdict.records[0].previous.total == 500);
    ck_assert_int_eq(d.verdict.records[0].score.total, 8500);
    end(&d);
    end(&other);
}
END_TEST

START_TEST(a_full_arena_is_an_error) {
    struct desk d;
    begin(&d);
    struct arena *tiny = arena_new(16);
    struct event event = fixture_with(fixture_event("email.replied", "e1", FIXTURE_START), &d.field, "campaign", "a");
    struct err e;
    ck_assert(!score_event(d.scorer, &d.lead, &event, SCORE_UNBOUNDED, tiny, &d.verdict, &e));
    ck_assert_int_eq(e.code, ERR_OUTPUT_TOO_LARGE);
    arena_free(&tiny);
    end(&d);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_half_life_halves);
    tcase_add_test(all, limits_hold_and_refresh);
    tcase_add_test(all, an_event_publishes_a_change_and_then_readiness);
    tcase_add_test(all, a_timer_fires_at_the_millisecond);
    tcase_add_test(all, stages_have_hysteresis);
    tcase_add_test(all, readiness_waits_for_its_cooldown);
    tcase_add_test(all, sales_closes_and_recycles);
    tcase_add_test(all, timers_fire_before_an_event_and_not_before_a_duplicate);
    tcase_add_test(all, a_late_event_is_evaluated_at_t);
    tcase_add_test(all, an_erasure_forgets_and_drops_what_is_older);
    tcase_add_test(all, an_erasure_of_a_lead_never_seen_is_told);
    tcase_add_test(all, merging_takes_the_later_and_the_higher);
    tcase_add_test(all, a_full_arena_is_an_error);
}

SUITE_MAIN("score", add)
