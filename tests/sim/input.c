/* Events of a few leads: page views, clicks, forms, outcomes for sales, erasures; some twice, some in arrays, rubbish. */
#include "sim/input.h"

#include "codec/model_yaml.h"
#include "sim/sim.h"

#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

static const char model_text[] =
    "model: sim\nversion: 1\nprofile: {keep: [phone]}\n"
    "engagement:\n  half_life: %s\n  groups:\n    web:\n      max: 90\n      rules:\n"
    "        - {id: view, on: web.page_viewed, points: 12}\n"
    "        - {id: careers, on: web.careers, points: -9, half_life: %s}\n"
    "        - {id: daily, on: email.opened, points: 5, limit: {count: 2, per: %s}}\n"
    "        - {id: each, on: email.clicked, points: 7, limit: {once_per: campaign}}\n"
    "fit:\n  rules: [{id: de, when: {country: DE}, points: 10}]\n"
    "stages: [{name: cold}, {name: warm, enter: 20}, {name: hot, enter: 40}]\n"
    "sales_ready: {when: {stage: hot}, cooldown: %s}\n"
    "routes: [{to: sales, when: {stage: hot}}, {to: nurture}]\n"
    "publish: {min_change: 1, drift: 6}\ndedupe: {ids: 64}\n";

static const char *const topic_names[PLAN_TOPICS] = {"clicks", "forms", "mails"};
static const char lead_names[] = "lead-00lead-01lead-02lead-03lead-04lead-05lead-06lead-07lead-08lead-09lead-10lead-11";
enum { LEAD_NAME = 7 };
_Static_assert(sizeof lead_names == PLAN_LEADS * LEAD_NAME + 1, "a name for every lead");

const struct model *input_model(bool days) {
    static struct model *models[2];
    if (models[days])
        return models[days];
    char text[2048];
    const char *life = days ? "1d" : "4s", *half = days ? "12h" : "2s";
    snprintf(text, sizeof text, model_text, life, half, life, life);
    struct problems problems = {.file = "sim"};
    models[days] = model_yaml_compile(bytes_of(text), "sim", &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    MUST(models[days] != NULL);
    return models[days];
}

struct bytes input_topic(uint16_t topic) {
    return bytes_of(topic_names[topic]);
}

struct bytes input_lead(uint32_t lead) {
    return (struct bytes){(const uint8_t *)lead_names + lead * LEAD_NAME, LEAD_NAME};
}

uint32_t input_lead_number(struct bytes name) {
    MUST(name.n == LEAD_NAME);
    return (uint32_t)(name.at[LEAD_NAME - 2] - '0') * 10 + (uint32_t)(name.at[LEAD_NAME - 1] - '0');
}

/* ---- one item ---- */

static struct input_item *add_item(struct sim *sim, uint16_t topic, uint32_t shard, int64_t timestamp) {
    struct input_partition *p = &sim->inputs[topic][shard];
    GROW(p->at, p->n, p->cap);
    struct input_item *item = &p->at[p->n++];
    *item = (struct input_item){0};
    item->item = (struct intake){.topic = topic,
                                 .shard = shard,
                                 .offset = p->next,
                                 .timestamp = timestamp,
                                 .last = true,
                                 .schema_id = -1};
    return item;
}

static void fill_event(struct sim *sim, struct input_item *item, uint32_t lead, int64_t time, const char *type,
                       const char *id) {
    item->item.event.lead = input_lead(lead);
    item->item.event.id = sim_keep(sim, bytes_of(id));
    item->item.event.type = sim_keep(sim, bytes_of(type));
    item->item.event.time = time;
    if (!strcmp(type, "form.submitted"))
        item->field = (struct event_field){bytes_of("country"), bytes_of("DE")};
    else if (!strcmp(type, "email.clicked"))
        item->field = (struct event_field){bytes_of("campaign"), {item->item.event.id.at, 2}};
    item->item.event.n_fields = item->field.name.n > 0;
}

/* Pointers into an item are set when its partition no longer moves. */
static void settle(struct sim *sim) {
    for (uint16_t t = 0; t < sim->plan.topics; t++) {
        for (uint32_t s = 0; s < sim->plan.shards; s++) {
            for (size_t i = 0; i < sim->inputs[t][s].n; i++) {
                struct input_item *item = &sim->inputs[t][s].at[i];
                item->item.event.fields = item->item.event.n_fields ? &item->field : NULL;
                item->item.err = item->item.bad ? &item->err : NULL;
            }
        }
    }
}

/* ---- the plan's events ---- */

static const char *draw_type(struct dice *dice) {
    static const char *const types[] = {
        "web.page_viewed", "web.page_viewed", "web.page_viewed", "web.page_viewed", "web.careers",
        "email.opened",    "email.opened",    "email.clicked",   "email.clicked",   "form.submitted",
        "crm.accepted",    "crm.recycled",    "web.unknown",     "form.submitted",  "web.page_viewed"};
    uint32_t at = dice_below(dice, 32);
    return at >= 30 ? "privacy.erased" : types[at % (sizeof types / sizeof *types)];
}

struct draft {
    uint32_t lead, entries;
    uint16_t topic;
    int64_t time, timestamp, appears;
    const char *type;
    char id[16];
    bool rubbish;
    uint32_t original; /* itself, or the event that it is sent again of */
};

/* When it happened and when it appears, as the mode has it. */
static void draw_times(struct sim *sim, struct dice *dice, struct draft *d, int64_t *clock) {
    enum plan_mode mode = sim->plan.mode;
    *clock += mode == PLAN_BACKLOG ? dice_between(dice, 0, 3 * WHEN_HOUR) : dice_between(dice, 1, 120);
    d->appears = mode == PLAN_BACKLOG ? 0 : *clock;
    d->timestamp = mode == PLAN_BACKLOG ? *clock : SIM_START + *clock;
    d->time = d->timestamp;
    bool late = dice_one_in(dice, 5);
    int64_t hours = dice_between(dice, 0, 72), ms = dice_between(dice, 0, 9000);
    if (late && mode == PLAN_BACKLOG)
        d->time -= hours * WHEN_HOUR;
    else if (late && mode == PLAN_WILD)
        d->time -= ms;
}

/* The leads of an array are of one shard; where none may be late, of one topic too. */
static uint32_t entry_lead(const struct sim *sim, uint32_t lead, uint32_t entry) {
    uint32_t step = sim->plan.shards * (sim->plan.mode == PLAN_LIVE ? sim->plan.topics : 1);
    uint32_t fellows = (sim->plan.leads - lead % step + step - 1) / step;
    return lead % step + (lead / step + entry) % fellows * step;
}

static void add_draft(struct sim *sim, const struct draft *d, uint32_t number) {
    uint32_t shard = d->lead % sim->plan.shards;
    struct input_partition *p = &sim->inputs[d->topic][shard];
    for (uint32_t i = 0; i < d->entries; i++) {
        struct input_item *item = add_item(sim, d->topic, shard, d->timestamp);
        char id[32];
        snprintf(id, sizeof id, "%s.%u", d->id, i);
        if (d->rubbish) {
            item->item.bad = true;
            err_set(&item->err, ERR_MALFORMED, "sim", "rubbish");
        } else {
            fill_event(sim, item, entry_lead(sim, d->lead, i), d->time, d->type, id);
        }
        item->item.index = i;
        item->item.last = i + 1 == d->entries;
        item->number = number;
        item->appears = d->appears;
    }
    p->next += 1 + (d->appears + number) % 3 / 2; /* gaps, as markers and compaction leave them */
}

void input_fill(struct sim *sim) {
    struct dice dice = dice_new(sim->plan.seed, "events");
    struct draft drafts[PLAN_EVENTS];
    int64_t clock = 0;
    MUST(sim->plan.events <= PLAN_EVENTS);
    for (uint32_t i = 0; i < sim->plan.events; i++) {
        struct draft *d = &drafts[i];
        uint32_t other = i ? dice_below(&dice, i) : 0;
        *d = (struct draft){.original = i, .lead = dice_below(&dice, sim->plan.leads), .type = draw_type(&dice), .entries = 1};
        draw_times(sim, &dice, d, &clock);
        uint16_t topic = (uint16_t)dice_below(&dice, sim->plan.topics);
        d->topic = sim->plan.mode == PLAN_LIVE ? (uint16_t)(d->lead / sim->plan.shards % sim->plan.topics) : topic;
        d->rubbish = dice_one_in(&dice, 20);
        bool again = dice_one_in(&dice, 12), array = dice_one_in(&dice, 8);
        snprintf(d->id, sizeof d->id, "e%u", i);
        if (i && again && !drafts[other].rubbish && drafts[other].entries == 1) {
            int64_t appears = d->appears, timestamp = d->timestamp; /* sent twice: the same but for these */
            *d = drafts[other];
            d->appears = appears;
            d->timestamp = timestamp;
            d->original = drafts[other].original;
        } else if (array && !d->rubbish) {
            d->entries = 2 + dice_below(&dice, dice_one_in(&dice, 4) ? 24 : 3); /* more than a turn takes of it */
        }
    }
    int64_t shift = sim->plan.mode == PLAN_BACKLOG ? SIM_START - WHEN_HOUR - clock : 0;
    for (uint32_t i = 0; i < sim->plan.events; i++) {
        drafts[i].time += shift;
        drafts[i].timestamp += shift;
        if (plan_set_has(&sim->plan.events_kept, i) && plan_set_has(&sim->plan.events_kept, drafts[i].original))
            add_draft(sim, &drafts[i], i);
    }
    settle(sim);
    input_tick(sim);
}

/* ---- by hand ---- */

int64_t input_add_array(struct sim *sim, uint16_t topic, uint32_t lead, int64_t time, const char *type, const char *id,
                        uint32_t n) {
    struct draft d = {.lead = lead,
                      .entries = n,
                      .topic = topic,
                      .time = time,
                      .timestamp = SIM_START + sim->now,
                      .appears = sim->now,
                      .type = type};
    struct input_partition *p = &sim->inputs[topic][lead % sim->plan.shards];
    int64_t offset = p->next;
    snprintf(d.id, sizeof d.id, "%s", id);
    MUST(p->cap > p->n + n); /* items must not move under a reader */
    add_draft(sim, &d, 0);
    settle(sim);
    input_tick(sim);
    return offset;
}

int64_t input_add(struct sim *sim, uint16_t topic, uint32_t lead, int64_t time, const char *type, const char *id) {
    return input_add_array(sim, topic, lead, time, type, id, 1);
}

void input_reserve(struct input_partition *partition, size_t n) {
    if (partition->cap >= n)
        return;
    partition->at = realloc(partition->at, n * sizeof *partition->at);
    MUST(partition->at != NULL);
    partition->cap = n;
}

/* ---- time ---- */

void input_tick(struct sim *sim) {
    for (uint16_t t = 0; t < sim->plan.topics; t++) {
        for (uint32_t s = 0; s < sim->plan.shards; s++) {
            struct input_partition *p = &sim->inputs[t][s];
            while (p->there < p->n && p->at[p->there].appears <= sim->now)
                p->there++;
        }
    }
}

bool input_complete(const struct sim *sim) {
    for (uint16_t t = 0; t < sim->plan.topics; t++)
        for (uint32_t s = 0; s < sim->plan.shards; s++)
            if (sim->inputs[t][s].there < sim->inputs[t][s].n)
                return false;
    return true;
}

int64_t input_end(const struct input_partition *partition) {
    return partition->there ? partition->at[partition->there - 1].item.offset + 1 : 0;
}

size_t input_seek(const struct input_partition *partition, int64_t offset) {
    size_t i = 0;
    while (i < partition->n && partition->at[i].item.offset < offset)
        i++;
    return i;
}
