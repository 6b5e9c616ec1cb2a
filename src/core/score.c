/* The scorer: what one event, or time alone, does to one lead.
 *
 * In order, for an event at t:
 *   1. an event at or before the lead's erasure is dropped; a duplicate ends here;
 *   2. the lead's timers due by t fire, each at its own instant T';
 *   3. an erasure forgets the lead, publishes `erased`, and ends here;
 *   4. T = max(T, t); memory and profile take the event; outcomes open or close readiness;
 *   5. the lead is evaluated at T; what follows from that is published: score_changed, then sales_ready;
 *   6. the timer is armed with a lower bound of the next instant of change (core/timer.c).
 *
 * A timer that fires searches the exact instant from its due time on. If that has come, T moves there and the lead is
 * evaluated with trigger `time`; if not, nothing is changed but the due time. After every evaluation the published
 * stage, grade and route are those of T, and the total published is nearer than min_change (by an event) or drift
 * (by time), which is why a search may compare with T's own. */
#include "core/reason.h"
#include "core/record.h"
#include "core/timer.h"

#include <stdlib.h>
#include <xxhash.h>

static void *zeroed(size_t n, size_t size) {
    void *memory = calloc(n + 1, size);
    MUST(memory);
    return memory;
}

static uint64_t mark_of(const struct model *model) {
    return XXH3_64bits_withSeed(model->name.at, model->name.n, model->version);
}

static bool asks_attrs(const struct model *model) {
    bool asks = model->has_ready && cond_asks_texts(model, model->ready);
    for (uint16_t i = 0; i < model->n_routes; i++)
        asks = asks || cond_asks_texts(model, model->routes[i].cond);
    return asks;
}

struct scorer *scorer_new(const struct model *model) {
    struct scorer *scorer = zeroed(1, sizeof *scorer);
    scorer->model = model;
    scorer->tools = lead_tools_new(model);
    worth_plan_init(&scorer->plan, model);
    worth_init(&scorer->worth, &scorer->plan);
    scorer->points = zeroed(SCORER_POINTS, sizeof *scorer->points);
    for (int i = 0; i < SCORER_POINTS; i++)
        worth_init(&scorer->points[i], &scorer->plan);
    scorer->now.groups = zeroed(model->n_groups, sizeof *scorer->now.groups);
    scorer->then.groups = zeroed(model->n_groups, sizeof *scorer->then.groups);
    scorer->group_boxes = zeroed(model->n_groups, sizeof *scorer->group_boxes);
    for (uint16_t g = 0; g < model->n_groups; g++)
        scorer->group_boxes[g] = (struct outlook_box){INT64_MIN, INT64_MAX};
    scorer->attrs = zeroed(model->n_attrs, sizeof *scorer->attrs);
    scorer->parts = zeroed(model->n_rules, sizeof *scorer->parts);
    scorer->reasons = zeroed(reason_most(model), sizeof *scorer->reasons);
    scorer->asks_attrs = asks_attrs(model);
    scorer->model_mark = mark_of(model);
    return scorer;
}

void scorer_free(struct scorer **scorer) {
    struct scorer *s = *scorer;
    if (!s)
        return;
    lead_tools_free(&s->tools);
    worth_plan_fini(&s->plan);
    worth_fini(&s->worth);
    for (int i = 0; i < SCORER_POINTS; i++)
        worth_fini(&s->points[i]);
    free(s->points);
    free(s->now.groups);
    free(s->then.groups);
    free(s->group_boxes);
    free(s->attrs);
    free(s->parts);
    free(s->reasons);
    free(s);
    *scorer = NULL;
}

const struct score_counts *scorer_counts(const struct scorer *scorer) {
    return &scorer->counts;
}

const struct model *scorer_model(const struct scorer *scorer) {
    return scorer->model;
}

/* ------------------------------------------------------------------------------------------------ evaluation */

static void publish_change(struct record_list *list, struct lead *lead, struct record_why why) {
    const struct score *now = &list->scorer->now;
    struct lead_decisions *d = &lead->d;
    struct record *record = record_add(list, RECORD_SCORE_CHANGED, lead, why);
    if (!record)
        return;
    record->previous.total = d->pub_total;
    record->previous.stage = (uint8_t)d->pub_stage;
    record->previous.route = (uint8_t)d->pub_route;
    memcpy(record->previous.grade, d->pub_grade, sizeof d->pub_grade);
    d->pub_total = now->total;
    d->pub_stage = now->stage;
    d->pub_route = now->route;
    memcpy(d->pub_grade, now->grade, sizeof d->pub_grade);
    d->published = true;
}

static void publish_ready(struct record_list *list, const struct lead *lead, struct record_why why) {
    struct record *record = record_add(list, RECORD_SALES_READY, lead, why);
    if (!record)
        return;
    record->reasons = reason_list(list->scorer, lead, &list->scorer->worth, list->arena, &record->n_reasons);
    list->ok = list->ok && record->reasons;
}

static bool is_change(const struct scorer *scorer, const struct lead *lead, enum record_trigger trigger) {
    const struct score *now = &scorer->now;
    const struct lead_decisions *d = &lead->d;
    if (now->stage != d->pub_stage || now->route != d->pub_route || memcmp(now->grade, d->pub_grade, 2) != 0)
        return true;
    if (trigger == TRIGGER_TIME)
        return timer_drifted(scorer->model, lead, now->total);
    int64_t moved = now->total - d->pub_total;
    return (moved < 0 ? -moved : moved) >= scorer->model->min_change;
}

/* Evaluates the lead at its T and publishes what follows. */
static void evaluate(struct record_list *list, struct lead *lead, struct record_why why) {
    struct scorer *scorer = list->scorer;
    struct lead_decisions *d = &lead->d;
    if (!lead->fit_known) {
        lead->fit = judge_fit(scorer, lead);
        lead->fit_known = true;
    }
    judge_at(scorer, lead, d->t, &scorer->worth, &scorer->now);
    d->stage = scorer->now.stage;
    if (is_change(scorer, lead, why.trigger))
        publish_change(list, lead, why);
    if (!scorer->now.ready) {
        d->armed = true;
    } else if (d->armed && !d->closed && (d->fired_at == LEAD_NEVER || d->t >= d->fired_at + scorer->model->cooldown)) {
        publish_ready(list, lead, why);
        d->armed = false;
        d->fired_at = d->t;
    }
}

/* After an evaluation. The old due time stays if it is not later: a timer on disk need not be rewritten then. */
static void arm(struct scorer *scorer, struct lead *lead) {
    int64_t bound = timer_bound(scorer, lead, &scorer->worth, &scorer->now);
    MUST(bound > lead->d.t);
    if (lead->d.due <= lead->d.t || bound < lead->d.due)
        lead->d.due = bound;
}

/* ------------------------------------------------------------------------------------------------ time */

/* Fires the lead's timers due by `now`. exact: a search goes on past `now` to the instant itself; else it stops there
 * (an event at `now` comes next and will arm anew). True where a timer did something. */
static bool advance(struct record_list *list, struct lead *lead, int64_t now, size_t budget, bool exact) {
    size_t left = budget == SCORE_UNBOUNDED ? SIZE_MAX : SCORE_AT_ONCE;
    bool changed = false;
    while (list->ok && left && lead->d.due <= now) {
        int64_t until = exact ? LEAD_NO_DUE : now;
        struct timer_answer answer = timer_search(list->scorer, lead, lead->d.due, until, budget);
        lead->d.due = answer.end == TIMER_NONE ? LEAD_NO_DUE : answer.at;
        if (answer.end == TIMER_UNDECIDED && exact)
            break;
        if (answer.end != TIMER_FOUND || answer.at > now)
            continue;
        lead->d.t = answer.at;
        evaluate(list, lead, (struct record_why){TRIGGER_TIME, {NULL, 0}});
        arm(list->scorer, lead);
        changed = true;
        left--;
    }
    return changed;
}

static bool finish(struct record_list *list, struct verdict *verdict, struct err *e) {
    verdict->n_records = list->n;
    verdict->records = list->at;
    return list->ok || err_set(e, ERR_OUTPUT_TOO_LARGE, NULL,
                               "what the lead publishes at once is beyond the batch's memory");
}

bool score_advance(struct scorer *scorer, struct lead *lead, int64_t now, size_t budget, struct arena *arena,
                   struct verdict *verdict, struct err *e) {
    struct record_list list = {.scorer = scorer, .arena = arena, .ok = true};
    *verdict = (struct verdict){.fate = FATE_TAKEN};
    verdict->changed = advance(&list, lead, now, budget, true);
    return finish(&list, verdict, e);
}

int64_t score_next_instant(struct scorer *scorer, const struct lead *lead, int64_t until) {
    struct timer_answer answer = timer_search(scorer, lead, LEAD_NEVER, until, SCORE_UNBOUNDED);
    return answer.end == TIMER_FOUND ? answer.at : LEAD_NO_DUE;
}

/* ------------------------------------------------------------------------------------------------ events */

static void take_outcome(struct lead *lead, enum model_effect effect) {
    if (effect == MODEL_EFFECT_CLOSE) {
        lead->d.closed = true;
    } else if (effect == MODEL_EFFECT_RECYCLE) {
        lead->d.closed = false;
        lead->d.armed = true;
        lead->d.fired_at = lead->d.t; /* which is not before the event's time */
    }
}

static void erase(struct record_list *list, struct lead *lead, const struct event *event) {
    record_add_erased(list, lead, event->time, (struct record_why){TRIGGER_EVENT, event->id});
    lead_forget(lead, list->scorer->model, event->time);
}

static void take(struct record_list *list, struct lead *lead, const struct event *event,
                 const struct model_type *type) {
    struct scorer *scorer = list->scorer;
    if (event->time > lead->d.t)
        lead->d.t = event->time;
    struct lead_taken taken = lead_take_typed(lead, scorer->tools, event, type, &scorer->counts.cond);
    scorer->counts.below_ids += taken.below_ids;
    if (taken.wrote_profile)
        lead->fit_known = false;
    if (type)
        take_outcome(lead, type->effect);
    evaluate(list, lead, (struct record_why){TRIGGER_EVENT, event->id});
    arm(scorer, lead);
}

static bool is_erasure(const struct model_type *type) {
    return type && type->effect == MODEL_EFFECT_ERASE;
}

/* What becomes of an event, as far as that is known before its lead's timers have fired. */
static enum score_fate fate_of(const struct lead *lead, const struct event *event, const struct model_type *type) {
    if (lead->d.erased != LEAD_NEVER && event->time <= lead->d.erased)
        return FATE_DROPPED;
    if (!is_erasure(type) && lead_knows_id(lead, event_hash(event->id)))
        return FATE_DUPLICATE;
    return FATE_TAKEN;
}

bool score_fires_first(const struct scorer *scorer, const struct lead *lead, const struct event *event) {
    return lead->d.due <= event->time && fate_of(lead, event, model_type(scorer->model, event->type)) == FATE_TAKEN;
}

bool score_fire_first(struct scorer *scorer, struct lead *lead, const struct event *event, size_t budget,
                      struct arena *arena, struct verdict *verdict, struct err *e) {
    struct record_list list = {.scorer = scorer, .arena = arena, .ok = true};
    *verdict = (struct verdict){.fate = FATE_TAKEN, .changed = true};
    advance(&list, lead, event->time, budget, false);
    return finish(&list, verdict, e);
}

bool score_event(struct scorer *scorer, struct lead *lead, const struct event *event, size_t budget,
                 struct arena *arena, struct verdict *verdict, struct err *e) {
    struct record_list list = {.scorer = scorer, .arena = arena, .ok = true};
    const struct model_type *type = model_type(scorer->model, event->type);
    *verdict = (struct verdict){.fate = fate_of(lead, event, type)};
    verdict->changed = verdict->fate == FATE_TAKEN;
    if (!verdict->changed)
        return true;
    advance(&list, lead, event->time, budget, false);
    verdict->more = lead->d.due <= event->time;
    if (!list.ok || verdict->more)
        return finish(&list, verdict, e);
    if (is_erasure(type)) {
        verdict->fate = FATE_ERASED;
        erase(&list, lead, event);
    } else {
        verdict->late = event->time < lead->d.t;
        take(&list, lead, event, type);
    }
    return finish(&list, verdict, e);
}

/* ------------------------------------------------------------------------------------------------ reading, merging */

void score_read(struct scorer *scorer, const struct lead *lead, int64_t at, struct score *out) {
    MUST(lead->d.t == LEAD_NEVER || at >= lead->d.t);
    judge_at(scorer, lead, at, &scorer->worth, out);
}

const struct reason *score_reasons(struct scorer *scorer, const struct lead *lead, int64_t at, struct arena *arena,
                                   size_t *n) {
    judge_at(scorer, lead, at, &scorer->worth, &scorer->then);
    return reason_list(scorer, lead, &scorer->worth, arena, n);
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

bool score_merge(struct scorer *scorer, struct lead *into, const struct lead *from, struct arena *arena,
                 struct verdict *verdict, struct err *e) {
    struct record_list list = {.scorer = scorer, .arena = arena, .ok = true};
    *verdict = (struct verdict){.fate = FATE_TAKEN, .changed = true};
    lead_merge(into, from, scorer->model);
    struct lead_decisions *d = &into->d;
    d->t = later(d->t, from->d.t);
    d->fired_at = later(d->fired_at, from->d.fired_at);
    d->erased = later(d->erased, from->d.erased);
    d->stage = from->d.stage > d->stage ? from->d.stage : d->stage;
    d->closed = d->closed || from->d.closed;
    d->armed = d->armed && from->d.armed;
    if (d->t != LEAD_NEVER) {
        evaluate(&list, into, (struct record_why){TRIGGER_MERGE, {NULL, 0}});
        arm(scorer, into);
    }
    return finish(&list, verdict, e);
}
