/* A small model, built by hand, and events for it: what the core's tests share.
 *
 *   opened    email.opened        10 points, half-life 1 day
 *   clicked   email.clicked       4 points, twice a day at most
 *   campaign  email.replied       80 points for each campaign
 *   meeting   meeting.attended    5 points, for ever
 *   gone      email.unsubscribed  -40 points, once for ever
 * fit: 7 points for a size of 100 or more; stages cold, warm (20, leave 10), hot (40, leave 30); ready when hot, with a
 * cooldown of 2 days; drift 5; 4 ids. */
#ifndef LEADSTREAM_TESTS_FIXTURE_H
#define LEADSTREAM_TESTS_FIXTURE_H

#include "core/model_build.h"
#include "support/suite.h"
#include <leadstream/score.h>
#include <leadstream/when.h>

/* Monday 2026-11-23T00:00Z: a day begins, and so does a half-life of a day. */
#define FIXTURE_START INT64_C(1795392000000)

enum { FIXTURE_IDS = 4 };

static inline struct model_rule *fixture_rule(struct model *model, const char *id, const char *on, int64_t points,
                                              enum model_memory memory) {
    uint16_t i = model->n_rules++;
    struct model_rule *rule = &model->rules[i];
    bool fades = memory == MODEL_BUCKETS || memory == MODEL_VALUES;
    *rule = (struct model_rule){.id = model_text(model, bytes_of(id)),
                                .hash = model_hash(bytes_of(id)),
                                .memory = memory,
                                .half_life = fades ? model_intern_half_life(model, WHEN_DAY) : MODEL_NO_HALF_LIFE,
                                .points = points * 10000,
                                .cond = COND_ALWAYS};
    MUST(model_rule_on(model, i, bytes_of(on)));
    return rule;
}

static inline struct model *fixture_model(void) {
    struct model *model = model_new();
    model->name = model_text(model, bytes_of("fixture"));
    model->version = 1;
    model->groups[0].name = model_text(model, bytes_of("all"));
    model->n_groups = 1;
    fixture_rule(model, "opened", "email.opened", 10, MODEL_BUCKETS);
    struct model_rule *clicked = fixture_rule(model, "clicked", "email.clicked", 4, MODEL_WINDOWS);
    clicked->half_life = model_intern_half_life(model, WHEN_DAY);
    clicked->window = WHEN_DAY;
    clicked->limit = 2;
    fixture_rule(model, "campaign", "email.replied", 80, MODEL_VALUES)->field =
        (uint16_t)model_intern_field(model, bytes_of("campaign"));
    model->n_fields = 1;
    fixture_rule(model, "meeting", "meeting.attended", 5, MODEL_COUNT);
    fixture_rule(model, "gone", "email.unsubscribed", -40, MODEL_WINDOWS)->limit = 1;
    uint16_t size = (uint16_t)model_intern_attr(model, bytes_of("size"));
    (void)model_intern_attr(model, bytes_of("title"));
    struct model_band *bands = arena_take(model->arena, sizeof *bands);
    *bands = (struct model_band){10000, 70000};
    model->fit_rules[0] = (struct model_fit_rule){.id = model_text(model, bytes_of("size")), .attr = size,
                                                  .n_bands = 1, .bands = bands, .cond = COND_ALWAYS};
    model->n_fit_rules = 1;
    static const char *const stages[] = {"cold", "warm", "hot"};
    static const int64_t enter[] = {INT64_MIN, 2000, 4000}, leave[] = {INT64_MIN, 1000, 3000};
    for (int i = 0; i < 3; i++)
        model->stages[i] = (struct model_stage){model_text(model, bytes_of(stages[i])), model_hash(bytes_of(stages[i])),
                                                enter[i], leave[i]};
    model->n_stages = 3;
    model->has_ready = true;
    model->ready = cond_add_bits(model->conds, COND_STAGE, 1 << 2);
    model->cooldown = 2 * WHEN_DAY;
    model->dedupe = FIXTURE_IDS;
    model_finish(model);
    return model;
}

/* An event with at most one field (name NULL: none). Texts are lent. */
static inline struct event fixture_event(const char *type, const char *id, int64_t time) {
    return (struct event){.lead = bytes_of("l-1"), .id = bytes_of(id), .type = bytes_of(type), .time = time};
}

static inline struct event fixture_with(struct event event, struct event_field *field, const char *name,
                                        const char *value) {
    *field = (struct event_field){bytes_of(name), bytes_of(value)};
    event.fields = field;
    event.n_fields = 1;
    return event;
}

#endif
