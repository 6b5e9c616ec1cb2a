/* From a lead's memory to unrounded figures: one walk over its sections.
 *
 * A rule's C(T) is summed in 64 fractional bits; points * C is cut toward zero to grains; all sums above that are exact
 * in 128 bits. Every rule's worth falls toward zero as T grows, in these very bits: the factor falls with each
 * millisecond (core/exp2.c), and cutting keeps the order. core/timer.c leans on that. */
#include "core/worth.h"

#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

/* Where C saturates: 2^31, with 64 fractional bits. */
#define COUNT_CEILING ((uwide)1 << 95)

static void make_pools(struct worth_plan *plan);

void worth_plan_init(struct worth_plan *plan, const struct model *model) {
    *plan = (struct worth_plan){.model = model};
    plan->kinds = calloc(model->n_rules + 1u, sizeof *plan->kinds);
    plan->rules = calloc(model->n_rules + 1u, sizeof *plan->rules);
    plan->pools = calloc(model->n_groups + 1u, sizeof *plan->pools);
    MUST(plan->kinds && plan->rules && plan->pools);
    if (model->weight_engagement)
        plan->per_weight = UINT64_MAX / (uint64_t)model->weight_engagement;
    for (uint16_t i = 0; i < model->n_half_lives; i++)
        if (model->half_lives[i] > plan->longest)
            plan->longest = model->half_lives[i];
    make_pools(plan);
}

void worth_plan_fini(struct worth_plan *plan) {
    free(plan->kinds);
    free(plan->rules);
    free(plan->pools);
    *plan = (struct worth_plan){0};
}

static uint64_t magnitude(int64_t points) {
    return points < 0 ? -(uint64_t)points : (uint64_t)points;
}

/* A rule joins the cell of its half-life in the last pool. */
static void add_rule(struct worth_plan *plan, uint16_t index) {
    const struct model_rule *rule = &plan->model->rules[index];
    uint16_t cell = plan->pools[plan->n_pools - 1].first;
    while (cell < plan->n_cells && plan->kinds[cell].half_life != rule->half_life)
        cell++;
    plan->rules[index] = (struct worth_rule){.hash = rule->hash,
                                             .limit = rule->limit,
                                             .cell = cell,
                                             .group = rule->group,
                                             .half_life = rule->half_life,
                                             .negative = rule->points <= 0,
                                             .points = magnitude(rule->points)};
    if (cell < plan->n_cells)
        return;
    struct decay decay = {.rate = 0};
    bool fades = rule->half_life != MODEL_NO_HALF_LIFE;
    if (fades)
        decay_init(&decay, plan->model->half_lives[rule->half_life]);
    plan->kinds[plan->n_cells++] = (struct worth_kind){rule->half_life, fades, decay.rate};
}

static bool is_alone(const struct model *model, uint16_t g) {
    return model->groups[g].clamp.has_min || model->groups[g].clamp.has_max || model->group_flips[g].n > 0;
}

/* The pool of one group, or (MODEL_NO_GROUP) of all that need none of their own. */
static void add_pool(struct worth_plan *plan, uint16_t group) {
    const struct model *model = plan->model;
    struct worth_pool *pool = &plan->pools[plan->n_pools++];
    *pool = (struct worth_pool){plan->n_cells, plan->n_cells, group};
    for (uint16_t i = 0; i < model->n_rules; i++) {
        uint16_t g = model->rules[i].group;
        if (group == MODEL_NO_GROUP ? !is_alone(model, g) : g == group)
            add_rule(plan, i);
    }
    pool->end = plan->n_cells;
}

static void make_pools(struct worth_plan *plan) {
    add_pool(plan, MODEL_NO_GROUP);
    for (uint16_t g = 0; g < plan->model->n_groups; g++)
        if (is_alone(plan->model, g))
            add_pool(plan, g);
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
    uwide count;     /* C, 64 fractional bits */
    uint64_t weight; /* what all of its entries together counted when they were new, at most */
    int64_t until;   /* the last moment at which they all count that count now */
};

static uwide cap(uwide count) {
    return (uint64_t)(count >> 64) >> 31 ? COUNT_CEILING : count;
}

/* C of buckets whose scaled sum is whole * 2^-32 + rest * 2^-64: the sum times the factor, cut once. */
static uwide count_of_sum(uint64_t whole, uint32_t rest, uint64_t factor) {
    if (whole >> 63)
        return COUNT_CEILING; /* the factor is at least 1 */
    return cap(((uwide)whole * factor + ((uwide)rest * factor >> 32)) >> 31);
}

static int64_t bucket_until(const uint8_t *bucket, const struct decay *decay) {
    return ((int64_t)lead_load32(bucket) + DECAY_LIVES) * decay->h;
}

/* The same as count_buckets, for buckets so full that their sum needs more than 64 bits. */
static struct counted count_full_buckets(const struct lead_section *section, const struct decay *decay, uint32_t i) {
    uwide sum = 0, weight = 0;
    int64_t until = bucket_until(section->at + lead_offset(LEAD_BUCKET, i), decay);
    for (; i < section->n; i++) {
        const uint8_t *at = section->at + lead_offset(LEAD_BUCKET, i);
        uint64_t w = lead_load64(at + 4);
        sum += (uwide)w << (DECAY_LIVES - (decay->ceiling - lead_load32(at)));
        weight += w;
    }
    uwide count = COUNT_CEILING;
    if (sum >> 95 == 0)
        count = count_of_sum((uint64_t)(sum >> 32), (uint32_t)sum, decay->factor);
    return (struct counted){count, (uint64_t)(weight >> 32) + 1, until};
}

/* Every bucket adds w * 2^-age: its part above 2^-32 to `whole`, the bits below it, exactly, to `rest`. */
static struct counted count_buckets(const struct lead_section *section, const struct decay *decay) {
    const uint8_t *at = section->at, *end = at + lead_offset(LEAD_BUCKET, section->n);
    while (at < end && decay->ceiling - lead_load32(at) > DECAY_LIVES)
        at += LEAD_BUCKET;
    uint32_t first = (uint32_t)(at - section->at) / LEAD_BUCKET;
    MUST(decay->ceiling >= lead_load32(end - LEAD_BUCKET));
    int64_t until = at < end ? bucket_until(at, decay) : INT64_MAX;
    uint32_t ceiling = (uint32_t)decay->ceiling;
    uint64_t whole = 0, rest = 0, weight = 0, all = 0;
    for (; at < end; at += LEAD_BUCKET) {
        uint64_t w = lead_load64(at + 4);
        uint32_t age = ceiling - lead_load32(at);
        whole += w >> age;
        rest += (uint32_t)((w << 32) >> age);
        weight += w;
        all |= w;
    }
    if (all >> 58) /* at most 33 buckets: up to here nothing overflowed */
        return count_full_buckets(section, decay, first);
    return (struct counted){count_of_sum(whole + (rest >> 32), (uint32_t)rest, decay->factor), (weight >> 32) + 1,
                            until};
}

/* `times` * 2^(-age/h), 0 past 32 half-lives. */
static uwide fade(const struct decay *decay, int64_t age, uint32_t times) {
    if (age > DECAY_LIVES * decay->h)
        return 0;
    struct decay_factor factor = decay_factor(decay, age);
    return ((uwide)factor.value * times << 1) >> factor.halvings;
}

/* The moment up to which an entry of that time counts, or `until` if that is sooner or it counts no more at `at`. */
static int64_t sooner(const struct decay *decay, int64_t time, int64_t at, int64_t until) {
    int64_t end = time + DECAY_LIVES * decay->h;
    return end >= at && end < until ? end : until;
}

static struct counted count_windows(const struct lead_section *section, const struct decay *decay, uint32_t limit,
                                    int64_t at) {
    struct counted counted = {0, 0, INT64_MAX};
    for (uint32_t i = 0; i < section->n; i++) {
        const uint8_t *entry = section->at + lead_offset(LEAD_WINDOW, i);
        int64_t time = lead_load_time(entry + 8);
        uint32_t times = lead_load32(entry + 4);
        times = times < limit ? times : limit;
        counted.count += decay ? fade(decay, at - time, times) : (uwide)times << 64;
        counted.weight += times;
        counted.until = decay ? sooner(decay, time, at, counted.until) : INT64_MAX;
    }
    counted.count = cap(counted.count);
    return counted;
}

static struct counted count_values(const struct lead_section *section, const struct decay *decay, int64_t at) {
    struct counted counted = {0, section->n, INT64_MAX};
    for (uint32_t i = 0; i < section->n; i++) {
        int64_t time = lead_load_time(section->at + lead_offset(LEAD_VALUE, i));
        counted.count += decay ? fade(decay, at - time, 1) : (uwide)1 << 64;
        counted.until = decay ? sooner(decay, time, at, counted.until) : INT64_MAX;
    }
    return counted;
}

/* All but buckets. Kept out of line, so that the walk over buckets, which most sections are, has the registers. */
static NOINLINE struct counted count_other(const struct lead_section *section, const struct worth_rule *rule,
                                           const struct decay *decay, int64_t at) {
    if (section->kind == MODEL_WINDOWS)
        return count_windows(section, decay, rule->limit, at);
    if (section->kind == MODEL_VALUES)
        return count_values(section, decay, at);
    uint64_t n = lead_load64(section->at);
    return (struct counted){n < UINT64_C(1) << 31 ? (uwide)n << 64 : COUNT_CEILING, 0, INT64_MAX};
}

static inline struct counted count_section(const struct lead_section *section, const struct worth_rule *rule,
                                           struct lead_tools *tools, int64_t at) {
    struct decay *decay = rule->half_life == MODEL_NO_HALF_LIFE ? NULL : &tools->decays[rule->half_life];
    if (section->kind != MODEL_BUCKETS)
        return count_other(section, rule, decay, at);
    MUST(decay);
    decay_at(decay, at);
    return count_buckets(section, decay);
}

/* |points| * C, cut to grains. */
static uwide grains_of(uint64_t points, uwide count) {
    return (uwide)points * (uint64_t)(count >> 32) + ((uwide)points * (uint32_t)count >> 32);
}

/* ------------------------------------------------------------------------------------------------ figures */

static void add_section(struct worth *worth, const struct worth_rule *rule, struct counted counted, uwide grains) {
    struct worth_cell *cell = &worth->cells[rule->cell];
    if (rule->negative) {
        cell->negative -= (wide)grains;
        worth->groups[rule->group] -= (wide)grains;
    } else {
        cell->positive += (wide)grains;
        worth->groups[rule->group] += (wide)grains;
    }
    if (rule->half_life == MODEL_NO_HALF_LIFE)
        return;
    /* An entry is worth points * weight grains when it is cut off; cuts cost a unit or two, and the last bits of the
     * factor one part in 2^60. A count at its ceiling does not fade at all for a while. */
    cell->slack += (uwide)rule->points * counted.weight;
    cell->grains += (uint64_t)(grains >> 58) + 4;
    if ((uint64_t)(counted.count >> 64) >> 31)
        cell->grains += grains;
    if (counted.until < worth->whole_until)
        worth->whole_until = counted.until;
}

void worth_measure(struct worth *worth, const struct worth_plan *plan, struct lead_tools *tools,
                   const struct lead *lead, struct worth_part *parts) {
    MUST(!lead->n || worth->at >= lead_newest(lead));
    worth->whole_until = INT64_MAX;
    memset(worth->cells, 0, plan->n_cells * sizeof *worth->cells);
    memset(worth->groups, 0, plan->model->n_groups * sizeof *worth->groups);
    if (parts)
        memset(parts, 0, plan->model->n_rules * sizeof *parts);
    struct lead_walk walk = lead_walk(lead);
    struct lead_section section;
    const struct worth_rule *rule = plan->rules;
    while (lead_walk_next(&walk, &section)) {
        while (rule->hash < section.rule)
            rule++;
        MUST(rule->hash == section.rule);
        struct counted counted = count_section(&section, rule, tools, worth->at);
        uwide grains = grains_of(rule->points, counted.count);
        add_section(worth, rule, counted, grains);
        if (parts)
            parts[rule - plan->rules] =
                (struct worth_part){counted.count, rule->negative ? -(wide)grains : (wide)grains};
    }
}

void worth_sum(struct worth *worth, const struct worth_plan *plan, int64_t fit) {
    const struct model *model = plan->model;
    worth->engagement_open = 0;
    for (uint16_t g = 0; g < model->n_groups; g++)
        worth->engagement_open += worth_clamp(worth->groups[g], &model->groups[g].clamp, WORTH_HUNDREDTH);
    worth->engagement = worth_clamp(worth->engagement_open, &model->engagement, WORTH_HUNDREDTH);
    worth->fit_open = (wide)fit * ((wide)1 << 32);
    worth->fit = worth_clamp(worth->fit_open, &model->fit, WORTH_HUNDREDTH);
    worth->total_open = worth->engagement * model->weight_engagement + worth->fit * model->weight_fit;
    worth->total = worth_clamp(worth->total_open, &model->total, WORTH_HUNDREDTH * WORTH_WEIGHT);
}
