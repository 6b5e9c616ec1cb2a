/* Drawing a run: its sizes, then its faults. How often each kind comes is a table, so that a new kind is a line. */
#include "sim/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const mode_names[PLAN_MODES] = {"backlog", "live", "wild"};
static const char *const kind_names[FAULTS] = {
#define X(symbol, name) name,
    PLAN_KINDS(X)
#undef X
};
static const struct {
    const char *name;
    bool fails;
} sites[SITES] = {
#define X(symbol, name, fails) {name, fails},
    PLAN_SITES(X)
#undef X
};

const char *plan_mode_name(enum plan_mode mode) {
    return mode_names[mode];
}

const char *plan_kind_name(enum plan_kind kind) {
    return kind_names[kind];
}

const char *plan_site_name(enum plan_site site) {
    return sites[site].name;
}

bool plan_site_fails(enum plan_site site) {
    return sites[site].fails;
}

/* ---- sets ---- */

bool plan_set_parse(struct plan_set *set, const char *text) {
    const unsigned long size = sizeof set->has;
    memset(set, 0, sizeof *set);
    set->given = true;
    if (!strcmp(text, "-"))
        return true;
    for (;;) {
        char *end;
        unsigned long from = strtoul(text, &end, 10), to = from;
        if (end == text)
            return false;
        if (*end == '-') {
            text = end + 1;
            to = strtoul(text, &end, 10);
            if (end == text)
                return false;
        }
        if (to >= size || from > to || (*end && *end != ','))
            return false;
        for (; from <= to; from++)
            set->has[from] = true;
        if (!*end)
            return true;
        text = end + 1;
    }
}

void plan_set_print(const struct plan_set *set, char *out, size_t n) {
    size_t at = 0, size = sizeof set->has;
    snprintf(out, n, "-");
    for (size_t i = 0; i < size && at + 12 < n; i++) {
        if (!set->has[i])
            continue;
        size_t to = i;
        while (to + 1 < size && set->has[to + 1])
            to++;
        at += (size_t)snprintf(out + at, n - at, to > i ? "%s%zu-%zu" : "%s%zu", at ? "," : "", i, to);
        i = to;
    }
}

bool plan_set_has(const struct plan_set *set, uint32_t number) {
    return !set->given || (number < sizeof set->has && set->has[number]);
}

/* ---- faults ---- */

static const enum plan_site anywhere[] = {SITE_ANY};
static const enum plan_site network[] = {SITE_ANY,  SITE_POLL, SITE_COMMITTED, SITE_FIRST,    SITE_SEEK,     SITE_INIT,
                                         SITE_EMIT, SITE_LOG,  SITE_SEND,      SITE_SEND,     SITE_COMMIT,   SITE_COMMIT,
                                         SITE_ABORT, SITE_BEGIN, SITE_LOG_BOUNDS, SITE_LOG_OPEN, SITE_LOG_READ};
static const enum plan_site requests[] = {SITE_INIT, SITE_SEND, SITE_COMMIT, SITE_COMMIT, SITE_ABORT};
static const enum plan_site transaction[] = {SITE_BEGIN, SITE_EMIT, SITE_LOG, SITE_SEND, SITE_COMMIT, SITE_ABORT};
static const enum plan_site disk[] = {SITE_OPEN, SITE_LOAD,  SITE_WRITE,     SITE_WRITE,
                                      SITE_DUE,  SITE_BUILD, SITE_BUILD_PUT, SITE_BUILD_DONE};
static const enum plan_site telling[] = {SITE_ANY,   SITE_SEND, SITE_COMMIT,   SITE_COMMIT,     SITE_WRITE, SITE_INIT,
                                         SITE_BEGIN, SITE_LOG,  SITE_LOG_READ, SITE_BUILD_DONE, SITE_POLL,  SITE_SEEK};

#define OF(sites) sites, sizeof sites / sizeof *sites
static const struct {
    enum plan_kind kind;
    uint32_t weight;
    const enum plan_site *sites;
    size_t n_sites;
    uint32_t most_times;
    int64_t least, most; /* of arg */
} kinds[] = {
    {FAULT_CRASH, 60, OF(anywhere), 1, 0, 0},
    {FAULT_CRASH, 50, OF(telling), 1, 0, 0},
    {FAULT_POWER, 12, OF(telling), 1, 0, 32},
    {FAULT_TIMEOUT, 14, OF(network), 4, 0, 0},
    {FAULT_ANSWER_LOST, 12, OF(requests), 6, 0, 0},
    {FAULT_LATER, 14, OF(requests), 6, 1, 4000},
    {FAULT_ABORTABLE, 6, OF(transaction), 2, 0, 0},
    {FAULT_FATAL, 5, OF(transaction), 1, 0, 0},
    {FAULT_DISK, 8, OF(disk), 1, 0, 0},
    {FAULT_BUSY, 14, OF(disk), 3, 0, 0},
    {FAULT_SLOW, 10, OF(telling), 1, 1, 1500},
    {FAULT_FREEZE, 10, OF(telling), 1, 100, 6000},
    {FAULT_REPLACE, 5, OF(telling), 1, 1000, 6000},
    {FAULT_REBALANCE, 8, OF(anywhere), 1, 0, 0},
    {FAULT_EVICT, 6, OF(anywhere), 1, 0, 0},
    {FAULT_STOP, 6, OF(anywhere), 1, 0, 1},
    {FAULT_CLOCK, 5, OF(anywhere), 1, -20000, 20000},
    {FAULT_SLEEP, 3, OF(anywhere), 1, 1000, 15000},
    {FAULT_SLEEP, 3, OF(anywhere), 1, 100000, 400000},
    {FAULT_COMPACT, 12, OF(anywhere), 1, 0, 0},
    {FAULT_WIPE, 5, OF(anywhere), 1, 0, 0},
    {FAULT_OLD_COPY, 5, OF(anywhere), 1, 0, 1},
    {FAULT_OTHER_DISK, 3, OF(anywhere), 1, 0, 0},
    {FAULT_FULL_DISK, 3, OF(anywhere), 1, 50, 3000},
    {FAULT_BROKER_DOWN, 4, OF(anywhere), 1, 50, 5000},
    {FAULT_SLOW_MARKERS, 8, OF(anywhere), 1, 100, 3000},
    {FAULT_STALL, 5, OF(anywhere), 1, 20, 2000},
};
#undef OF

static size_t draw_kind(struct dice *dice) {
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        sum += kinds[i].weight;
    uint32_t at = dice_below(dice, sum);
    size_t i = 0;
    for (; at >= kinds[i].weight; i++)
        at -= kinds[i].weight;
    return i;
}

static void draw_fault(struct plan *plan, struct dice *dice, uint32_t number) {
    size_t k = draw_kind(dice);
    struct plan_fault *f = &plan->faults[number];
    *f = (struct plan_fault){.number = number, .kind = kinds[k].kind};
    f->step = dice_below(dice, plan->steps);
    f->site = kinds[k].sites[dice_below(dice, (uint32_t)kinds[k].n_sites)];
    f->seat = dice_one_in(dice, 3) ? PLAN_ANY_SEAT : (uint8_t)dice_below(dice, PLAN_SEATS);
    f->skip = dice_below(dice, f->site == SITE_ANY ? 40 : 4);
    f->times = (uint16_t)(dice_one_in(dice, 2) ? 1 : dice_between(dice, 1, kinds[k].most_times));
    f->after = dice_one_in(dice, 2);
    f->arg = dice_between(dice, kinds[k].least, kinds[k].most);
    if (f->kind == FAULT_CLOCK && plan->mode != PLAN_WILD)
        f->arg = f->arg > 0 ? -f->arg : f->arg; /* ahead of the events it would make them late */
    f->done = !plan_set_has(&plan->faults_kept, number);
}

void plan_draw(struct plan *plan) {
    struct dice dice = dice_new(plan->seed, "plan");
    enum plan_mode mode = (enum plan_mode)dice_below(&dice, PLAN_MODES);
    uint32_t seats = 1 + dice_below(&dice, PLAN_SEATS);
    plan->mode = plan->mode < PLAN_MODES ? plan->mode : mode;
    plan->seats = plan->seats ? plan->seats : seats;
    plan->topics = (uint16_t)dice_between(&dice, 1, PLAN_TOPICS);
    plan->shards = (uint32_t)dice_between(&dice, 1, PLAN_SHARDS);
    plan->leads = (uint32_t)dice_between(&dice, 2, PLAN_LEADS);
    plan->events = (uint32_t)dice_between(&dice, 30, PLAN_EVENTS);
    plan->instances = (uint32_t)dice_between(&dice, 1, PLAN_SEATS);
    plan->steps = (uint32_t)dice_between(&dice, 100, 900);
    plan->max_events = (size_t)dice_between(&dice, 1, 16);
    plan->cache_bytes = dice_one_in(&dice, 2) ? 9000 : 1 << 20; /* 9000: room for hardly a lead beside the table */
    plan->search_budget = dice_one_in(&dice, 2) ? 16 : 256;
    plan->lag = dice_one_in(&dice, 3) ? 0 : dice_between(&dice, 1, 400);
    plan->commit_tries = (uint32_t)dice_between(&dice, 1, 5);
    plan->yield = dice_one_in(&dice, 3) ? 0 : (uint32_t)dice_between(&dice, 5, 60);
    plan->n_faults = dice_one_in(&dice, 12) ? 0 : (uint32_t)dice_between(&dice, 1, plan->steps / 4);
    plan->n_faults = plan->n_faults < PLAN_FAULTS ? plan->n_faults : PLAN_FAULTS;
    dice = dice_new(plan->seed, "faults");
    for (uint32_t i = 0; i < plan->n_faults && !plan->by_hand; i++)
        draw_fault(plan, &dice, i);
    plan->n_faults = plan->by_hand ? 0 : plan->n_faults;
}

void plan_crash_at(struct plan *plan, uint32_t call, enum plan_kind kind, bool after) {
    plan->n_faults = 1;
    plan->faults[0] = (struct plan_fault){
        .kind = kind, .site = SITE_ANY, .seat = PLAN_ANY_SEAT, .skip = call, .times = 1, .after = after, .arg = 32};
}
