/* From a lead's memory to unrounded figures: one walk over its sections.
 *
 * A rule's C(T) is summed in 64 fractional bits; points * C is cut toward zero to grains; all sums above that are exact
 * in 128 bits. Every rule's worth falls toward zero as T grows, in these very bits: the factor falls with each
 * millisecond (core/exp2.c), and cutting keeps the order. core/timer.c leans on that. */
#include "core/worth.h"

#include <stdlib.h>

/* Where C saturates: 2^31, with 64 fractional bits. */
#define COUNT_CEILING ((uwide)1 << 95)

static void sort_kinds(struct worth_plan *plan);

void worth_plan_init(struct worth_plan *plan, const struct model *model) {
    *plan = (struct worth_plan){.model = model};
    plan->kinds = calloc(model->n_rules + 1u, sizeof *plan->kinds);
    plan->cell_of = calloc(model->n_rules + 1u, sizeof *plan->cell_of);
    plan->group_first = calloc(model->n_groups + 1u, sizeof *plan->group_first);
    MUST(plan->kinds && plan->cell_of && plan->group_first);
    for (uint16_t i = 0; i < model->n_half_lives; i++)
        if (model->half_lives[i] > plan->longest)
            plan->longest = model->half_lives[i];
    sort_kinds(plan);
}

void worth_plan_fini(struct worth_plan *plan) {
    free(plan->kinds);
    free(plan->cell_of);
    free(plan->group_first);
    *plan = (struct worth_plan){0};
}

/* Group by group, a cell for each half-life that its rules have. */
static void sort_kinds(struct worth_plan *plan) {
    const struct model *model = plan->model;
    uint16_t half_lives[MODEL_MAX_RULES];
    MUST(model->n_rules <= MODEL_MAX_RULES);
    for (uint16_t g = 0; g < model->n_groups; g++) {
        plan->group_first[g] = plan->n_cells;
        for (uint16_t i = 0; i < model->n_rules; i++) {
            const struct model_rule *rule = &model->rules[i];
            if (rule->group != g)
                continue;
            uint16_t cell = plan->group_first[g];
            while (cell < plan->n_cells && half_lives[cell] != rule->half_life)
                cell++;
            plan->cell_of[i] = cell;
            if (cell < plan->n_cells)
                continue;
            struct decay decay = {.rate = 0};
            bool fades = rule->half_life != MODEL_NO_HALF_LIFE;
            if (fades)
                decay_init(&decay, model->half_lives[rule->half_life]);
            half_lives[cell] = rule->half_life;
            plan->kinds[plan->n_cells++] = (struct worth_kind){g, fades, decay.rate};
        }
    }
    plan->group_first[model->n_groups] = plan->n_cells;
}

void worth_init(struct worth *worth, const struct worth_plan *plan) {
    *worth = (struct worth){.at = LEAD_NEVER};
    worth->cells = calloc(plan->n_cells + 1u, sizeof *worth->cells);
    worth->groups = calloc(plan->model->n_groups + 1u, sizeof *worth->groups);
    MUST(worth->cells && worth->groups);
}

void worth_fini(struct worth *worth) {
    free(worth->cells);
    free(worth->groups);
    *worth = (struct worth){0};
}

/* ------------------------------------------------------------------------------------------------ counts */

/* What a section counts at an instant. */
struct counted {
    uwide count;        /* C, 64 fractional bits */
    uint64_t weight;    /* what all of its entries together counted when they were new, at most */
};

static uwide cap(uwide count) {
    return count < COUNT_CEILING ? count : COUNT_CEILING;
}

static struct counted count_buckets(const struct lead_section *section, const struct decay *decay) {
    uwide sum = 0, weight = 0;
    for (uint32_t i = 0; i < section->n; i++) {
        const uint8_t *at = section->at + LEAD_BUCKET * i;
        int64_t age = decay->ceiling - lead_load32(at);
        MUST(age >= 0);
        if (age > DECAY_LIVES)
            continue;
        uint64_t w = lead_load64(at + 4);
        sum += (uwide)w << (DECAY_LIVES - age);
        weight += w;
    }
    uint64_t whole = (uint64_t)(sum >> 64);
    uwide count = COUNT_CEILING; /* the factor is at least 1, so a greater sum is a greater count */
    if (whole < UINT64_C(1) << 31)
        count = cap(((uwide)whole * decay->factor << 1) + ((uwide)(uint64_t)sum * decay->factor >> 63));
    return (struct counted){count, (uint64_t)(weight >> 32) + 1};
}

/* `times` * 2^(-age/h), 0 past 32 half-lives. */
static uwide fade(const struct decay *decay, int64_t age, uint32_t times) {
    if (age > DECAY_LIVES * decay->h)
        return 0;
    struct decay_factor factor = decay_factor(decay, age);
    return ((uwide)factor.value * times << 1) >> factor.halvings;
}

static struct counted count_windows(const struct lead_section *section, const struct decay *decay, uint32_t limit,
                                    int64_t at) {
    uwide count = 0;
    uint64_t weight = 0;
    for (uint32_t i = 0; i < section->n; i++) {
        const uint8_t *entry = section->at + LEAD_WINDOW * i;
        uint32_t times = lead_load32(entry + 4);
        times = times < limit ? times : limit;
        count += decay ? fade(decay, at - lead_load_time(entry + 8), times) : (uwide)times << 64;
        weight += times;
    }
    return (struct counted){cap(count), weight};
}

static struct counted count_values(const struct lead_section *section, const struct decay *decay, int64_t at) {
    if (!decay)
        return (struct counted){(uwide)section->n << 64, section->n};
    uwide count = 0;
    for (uint32_t i = 0; i < section->n; i++)
        count += fade(decay, at - lead_load_time(section->at + LEAD_VALUE * i), 1);
    return (struct counted){count, section->n};
}

static struct counted count_section(const struct lead_section *section, const struct model_rule *rule,
                                    struct lead_tools *tools, int64_t at) {
    struct decay *decay = rule->half_life == MODEL_NO_HALF_LIFE ? NULL : &tools->decays[rule->half_life];
    uint64_t n;
    switch (section->kind) {
    case MODEL_BUCKETS: decay_at(decay, at); return count_buckets(section, decay);
    case MODEL_COUNT:
        n = lead_load64(section->at);
        return (struct counted){n < UINT64_C(1) << 31 ? (uwide)n << 64 : COUNT_CEILING, 0};
    case MODEL_WINDOWS: return count_windows(section, decay, rule->limit, at);
    case MODEL_VALUES: return count_values(section, decay, at);
    }
    MUST(!"a kind of memory that does not exist");
    return (struct counted){0, 0};
}

/* |points| * C, cut to grains. */
static uwide grains_of(uint64_t points, uwide count) {
    return (uwide)points * (uint64_t)(count >> 32) + ((uwide)points * (uint32_t)count >> 32);
}

static uint64_t magnitude(int64_t points) {
    return points < 0 ? -(uint64_t)points : (uint64_t)points;
}

/* ------------------------------------------------------------------------------------------------ figures */

void worth_measure(struct worth *worth, const struct worth_plan *plan, struct lead_tools *tools,
                   const struct lead *lead, int64_t at) {
    MUST(!lead->n || at >= lead_newest(lead));
    const struct model *model = plan->model;
    worth->at = at;
    memset(worth->cells, 0, plan->n_cells * sizeof *worth->cells);
    struct lead_walk walk = lead_walk(lead);
    struct lead_section section;
    const struct model_rule *rule = model->rules;
    while (lead_walk_next(&walk, &section)) {
        while (rule->hash < section.rule)
            rule++;
        MUST(rule->hash == section.rule);
        struct worth_cell *cell = &worth->cells[plan->cell_of[rule - model->rules]];
        struct counted counted = count_section(&section, rule, tools, at);
        uint64_t points = magnitude(rule->points);
        uwide grains = grains_of(points, counted.count);
        if (rule->points > 0)
            cell->positive += (wide)grains;
        else
            cell->negative -= (wide)grains;
        /* An entry is worth points * weight grains when it is cut off; cuts cost a unit or two, and the last bits of
         * the factor one part in 2^60. A count at its ceiling does not fade at all for a while. */
        if (rule->half_life != MODEL_NO_HALF_LIFE)
            cell->slack += (uwide)points * counted.weight + (grains >> 58) + 4 + (counted.count < COUNT_CEILING ? 0 : grains);
    }
}

void worth_sum(struct worth *worth, const struct worth_plan *plan, int64_t fit) {
    const struct model *model = plan->model;
    worth->engagement_open = 0;
    for (uint16_t g = 0; g < model->n_groups; g++) {
        wide sum = 0;
        for (uint16_t i = plan->group_first[g]; i < plan->group_first[g + 1]; i++)
            sum += worth->cells[i].positive + worth->cells[i].negative;
        worth->groups[g] = sum;
        worth->engagement_open += worth_clamp(sum, &model->groups[g].clamp, WORTH_HUNDREDTH);
    }
    worth->engagement = worth_clamp(worth->engagement_open, &model->engagement, WORTH_HUNDREDTH);
    worth->fit_open = (wide)fit * ((wide)1 << 32);
    worth->fit = worth_clamp(worth->fit_open, &model->fit, WORTH_HUNDREDTH);
    worth->total_open = worth->engagement * model->weight_engagement + worth->fit * model->weight_fit;
    worth->total = worth_clamp(worth->total_open, &model->total, WORTH_HUNDREDTH * WORTH_WEIGHT);
}

void worth_parts(struct worth_part *parts, const struct model *model, struct lead_tools *tools,
                 const struct lead *lead, int64_t at) {
    memset(parts, 0, model->n_rules * sizeof *parts);
    struct lead_walk walk = lead_walk(lead);
    struct lead_section section;
    uint16_t i = 0;
    while (lead_walk_next(&walk, &section)) {
        while (model->rules[i].hash < section.rule)
            i++;
        MUST(model->rules[i].hash == section.rule);
        int64_t points = model->rules[i].points;
        parts[i].count = count_section(&section, &model->rules[i], tools, at).count;
        wide grains = (wide)grains_of(magnitude(points), parts[i].count);
        parts[i].worth = points < 0 ? -grains : grains;
    }
}

wide worth_clamp(wide value, const struct model_clamp *clamp, wide scale) {
    if (clamp->has_max && value > clamp->max * scale)
        return clamp->max * scale;
    if (clamp->has_min && value < clamp->min * scale)
        return clamp->min * scale;
    return value;
}

/* value / (unit * 2^32), half away from zero. Figures that no traffic can reach saturate, so that differences of two
 * of them never overflow. */
static int64_t round_by(wide value, uint64_t unit) {
    const uint64_t ceiling = UINT64_C(1) << 61;
    uwide whole = (wide_abs(value) + ((uwide)unit << 31)) >> 32;
    uint64_t n = whole <= UINT64_MAX ? (uint64_t)whole / unit
                 : whole / unit > ceiling ? ceiling : (uint64_t)(whole / unit);
    n = n < ceiling ? n : ceiling;
    return value < 0 ? -(int64_t)n : (int64_t)n;
}

int64_t worth_round(wide grains) {
    return round_by(grains, 100);
}

int64_t worth_round_weighted(wide grains) {
    return round_by(grains, 100 * WORTH_WEIGHT);
}
