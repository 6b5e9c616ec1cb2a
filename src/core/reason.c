/* Where a total comes from, so that the parts sum to it to the cent.
 *
 * Rules and fit rules first, by points; then what each clamp and weight did to the sum before it, each rounded by
 * itself; the last, rounding, is what is left. */
#include "core/reason.h"

#include <stdlib.h>

/* The most reasons there can be: every rule, every group's clamp, and six more. */
enum { MOST_REASONS = MODEL_MAX_RULES + MODEL_MAX_GROUPS + 6 };

size_t reason_most(const struct model *model) {
    return (size_t)model->n_rules + model->n_fit_rules + model->n_groups + 6;
}

static int compare_reasons(const void *a, const void *b) {
    const struct reason *x = a, *y = b;
    if (x->points != y->points)
        return x->points > y->points ? -1 : 1;
    return bytes_compare(x->name, y->name);
}

/* The list being made: what is 0.00 is left out, the rest is summed. */
struct reasons {
    struct reason *at;
    size_t n;
    int64_t sum;
};

static void add(struct reasons *list, struct reason reason) {
    MUST(list->n < MOST_REASONS);
    if (reason.points == 0)
        return;
    list->at[list->n++] = reason;
    list->sum += reason.points;
}

static int64_t round_count(uwide count) {
    uwide hundredths = (count * 100 + ((uwide)1 << 63)) >> 64;
    return (int64_t)hundredths;
}

/* The lead is measured once more, since only now each rule's part is asked for. */
static void add_rules(struct reasons *list, struct scorer *scorer, const struct lead *lead, struct worth *worth) {
    const struct model *model = scorer->model;
    worth_measure(worth, &scorer->plan, scorer->tools, lead, scorer->parts);
    for (uint16_t i = 0; i < model->n_rules; i++)
        add(list, (struct reason){REASON_RULE, model->rules[i].id, worth_round(scorer->parts[i].worth),
                                  round_count(scorer->parts[i].count)});
    lead_profile(lead, model, scorer->attrs);
    for (uint16_t i = 0; i < model->n_fit_rules; i++) {
        int64_t points = judge_fit_rule(scorer, &model->fit_rules[i]);
        add(list, (struct reason){REASON_FIT, model->fit_rules[i].id, worth_round((wide)points * ((wide)1 << 32)), 0});
    }
    qsort(list->at, list->n, sizeof *list->at, compare_reasons);
}

static void add_plain(struct reasons *list, enum reason_kind kind, int64_t points) {
    add(list, (struct reason){kind, {NULL, 0}, points, 0});
}

/* What the clamps and weights did; worth: measured at the same instant. */
static void add_changes(struct reasons *list, const struct model *model, const struct worth *worth) {
    for (uint16_t g = 0; g < model->n_groups; g++) {
        wide clamped = worth_clamp(worth->groups[g], &model->groups[g].clamp, WORTH_HUNDREDTH);
        add(list,
            (struct reason){REASON_CLAMP_GROUP, model->groups[g].name, worth_round(clamped - worth->groups[g]), 0});
    }
    add_plain(list, REASON_CLAMP_ENGAGEMENT, worth_round(worth->engagement - worth->engagement_open));
    add_plain(list, REASON_CLAMP_FIT, worth_round(worth->fit - worth->fit_open));
    add_plain(list, REASON_WEIGHT_ENGAGEMENT,
              worth_round_weighted(worth->engagement * (model->weight_engagement - WORTH_WEIGHT)));
    add_plain(list, REASON_WEIGHT_FIT, worth_round_weighted(worth->fit * (model->weight_fit - WORTH_WEIGHT)));
    add_plain(list, REASON_CLAMP_TOTAL, worth_round_weighted(worth->total - worth->total_open));
}

const struct reason *reason_list(struct scorer *scorer, const struct lead *lead, struct worth *worth,
                                 struct arena *arena, size_t *n) {
    struct reasons list = {scorer->reasons, 0, 0};
    add_rules(&list, scorer, lead, worth);
    add_changes(&list, scorer->model, worth);
    add_plain(&list, REASON_ROUNDING, worth_round_weighted(worth->total) - list.sum);
    MUST(list.sum == worth_round_weighted(worth->total) && list.n <= reason_most(scorer->model));
    *n = list.n;
    return arena_copy(arena, list.at, list.n * sizeof *list.at);
}
