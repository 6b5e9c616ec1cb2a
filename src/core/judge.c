/* From figures to a judgement: rounding, then grade, stage, readiness and route, each from what is already rounded. */
#include "core/scorer.h"

#include <leadstream/decimal.h>

static int64_t band_points(const struct model_fit_rule *rule, struct bytes text, struct cond_counts *counts) {
    if (!text.n)
        return 0;
    for (uint16_t i = 0; i < rule->n_bands; i++) {
        int order;
        if (!decimal_compare(text, rule->bands[i].from, &order)) {
            counts->not_a_number++;
            return 0;
        }
        if (order >= 0)
            return rule->bands[i].points;
    }
    return 0;
}

int64_t judge_fit_rule(struct scorer *scorer, const struct model_fit_rule *rule) {
    if (rule->n_bands)
        return band_points(rule, scorer->attrs[rule->attr], &scorer->counts.cond);
    struct cond_subject subject = {.texts = scorer->attrs};
    return cond_holds(scorer->model, rule->cond, &subject, &scorer->counts.cond) ? rule->points : 0;
}

int64_t judge_fit(struct scorer *scorer, const struct lead *lead) {
    if (lead->fit_known)
        return lead->fit;
    const struct model *model = scorer->model;
    lead_profile(lead, model, scorer->attrs);
    int64_t sum = 0;
    for (uint16_t i = 0; i < model->n_fit_rules; i++)
        sum += judge_fit_rule(scorer, &model->fit_rules[i]);
    return sum;
}

/* The first band that the score reaches, or the grade below the last. */
static char grade_of(const struct model_grade_band *bands, uint16_t n, int64_t score, char below) {
    for (uint16_t i = 0; i < n; i++)
        if (score >= bands[i].from)
            return bands[i].grade;
    return below;
}

/* Up while the total reaches the next stage's enter, down while it is below the own stage's leave. */
static uint8_t stage_of(const struct model *model, uint8_t stage, int64_t total) {
    if (!model->n_stages)
        return 0;
    while (stage + 1 < model->n_stages && total >= model->stages[stage + 1].enter)
        stage++;
    while (stage > 0 && total < model->stages[stage].leave)
        stage--;
    return stage;
}

static uint8_t route_of(struct scorer *scorer, const struct cond_subject *subject) {
    const struct model *model = scorer->model;
    uint8_t i = 0;
    while (i + 1 < model->n_routes && !cond_holds(model, model->routes[i].cond, subject, &scorer->counts.cond))
        i++;
    return i;
}

void judge(struct scorer *scorer, const struct lead *lead, const struct worth *worth, struct score *out) {
    const struct model *model = scorer->model;
    for (uint16_t g = 0; g < model->n_groups; g++)
        out->groups[g] = worth_round(worth_clamp(worth->groups[g], &model->groups[g].clamp, WORTH_HUNDREDTH));
    out->engagement = worth_round(worth->engagement);
    out->fit = worth_round(worth->fit);
    out->total = worth_round_weighted(worth->total);
    out->grade[0] = grade_of(model->grade_fit, model->n_grade_fit, out->fit, 'D');
    out->grade[1] = grade_of(model->grade_engagement, model->n_grade_engagement, out->engagement, '4');
    out->stage = stage_of(model, lead->d.stage, out->total);
    out->ready = false;
    out->route = 0;
    if (!model->has_ready && model->n_routes < 2)
        return;
    if (scorer->asks_attrs)
        lead_profile(lead, model, scorer->attrs);
    struct cond_subject subject = {.texts = scorer->attrs,
                                   .groups = out->groups,
                                   .total = out->total,
                                   .engagement = out->engagement,
                                   .fit = out->fit,
                                   .stage = out->stage,
                                   .grade = {out->grade[0], out->grade[1]}};
    out->ready = model->has_ready && cond_holds(model, model->ready, &subject, &scorer->counts.cond);
    out->route = route_of(scorer, &subject);
}

void judge_at(struct scorer *scorer, const struct lead *lead, int64_t at, struct worth *worth, struct score *out) {
    worth->at = at;
    worth_measure(worth, &scorer->plan, scorer->tools, lead, NULL);
    worth_sum(worth, &scorer->plan, judge_fit(scorer, lead));
    judge(scorer, lead, worth, out);
}
