/* A lead's memory: one piece of canonical bytes, changed in place.
 *
 * Two leads that saw the same events in any order hold the same bytes, so all lists are sorted, nothing is kept that
 * can no longer count, and what is empty is not there at all. Everything is sorted by time where it can be: what
 * grows old is then a prefix, and looking for it costs one comparison. Little endian, not aligned:
 *
 *   head        newest event time i64, events u64, bytes of all payloads u32, numbers of ids, sections and
 *               attributes u16 each
 *   ids         the K greatest by (time, hash), ascending: all hashes u64, then all times u48
 *   directory   per section, by ascending hash: rule's hash u32, kind u8 (enum model_memory), 0 u8, entries u16
 *   payloads    in the directory's order; entries ascend by their first member:
 *                 MODEL_BUCKETS   n u32, w u64 (32 fractional bits)
 *                 MODEL_COUNT     u64
 *                 MODEL_WINDOWS   index u32, count u32, newest u48
 *                 MODEL_VALUES    newest u48, hash u64 (then by hash)
 *   attributes  by ascending hash: name's hash u64, time u48, length u16, text (length 0: cleared at that time)
 *
 * Sums saturate. A lead of which nothing is remembered has no bytes. Sizes and access are in core/lead_layout.h; what
 * rules count is in lead_rules.c, the profile in lead_profile.c, adding two memories in lead_merge.c, judging foreign
 * bytes in lead_check.c. */
#include "core/lead_tools.h"

#include <leadstream/when.h>
#include <stdlib.h>

static void begin(struct lead *lead);
static bool take_id(struct lead *lead, uint16_t keep, int64_t time, uint64_t hash);

void lead_init(struct lead *lead, const struct lead_room *room, struct bytes key, const struct model *model) {
    MUST(room && room->resize);
    *lead = (struct lead){.key = key, .room = room, .drops_at = LEAD_NEVER};
    lead_forget(lead, model, LEAD_NEVER);
}

void lead_fini(struct lead *lead) {
    size_t cap = lead->cap;
    if (lead->memory)
        lead->room->resize(lead->room->self, lead->memory, 0, 0, &cap);
    lead->memory = NULL;
    lead->n = lead->cap = 0;
    lead->drops_at = LEAD_NEVER;
}

bool lead_knows_id(const struct lead *lead, uint64_t id_hash) {
    if (!lead->n)
        return false;
    const uint8_t *at = lead->memory + LEAD_HEAD;
    uint32_t n = lead_load16(lead->memory + LEAD_AT_IDS);
    for (const uint8_t *end = at + lead_offset(8, n); at < end; at += 8)
        if (lead_load64(at) == id_hash)
            return true;
    return false;
}

struct lead_tools *lead_tools_new(const struct model *model) {
    struct lead_tools *tools = calloc(1, sizeof *tools);
    MUST(tools);
    tools->model = model;
    tools->decays = calloc(model->n_half_lives + 1u, sizeof *tools->decays);
    tools->fields = calloc(model->n_fields + 1u, sizeof *tools->fields);
    MUST(tools->decays && tools->fields);
    for (uint16_t i = 0; i < model->n_half_lives; i++)
        decay_init(&tools->decays[i], model->half_lives[i]);
    return tools;
}

void lead_tools_free(struct lead_tools **tools) {
    if (!*tools)
        return;
    free((*tools)->decays);
    free((*tools)->fields);
    free(*tools);
    *tools = NULL;
}

struct lead_taken lead_take(struct lead *lead, struct lead_tools *tools, const struct event *event,
                            struct cond_counts *counts) {
    return lead_take_typed(lead, tools, event, model_type(tools->model, event->type), counts);
}

struct lead_taken lead_take_typed(struct lead *lead, struct lead_tools *tools, const struct event *event,
                                  const struct model_type *type, struct cond_counts *counts) {
    MUST(event->time >= WHEN_FIRST && event->time <= WHEN_LAST);
    const struct model *model = tools->model;
    struct lead_taken taken = {false, false};
    if (!lead->n)
        begin(lead);
    if (event->time > lead_newest(lead))
        lead_move_newest(lead, tools, event->time);
    lead_store64(lead->memory + LEAD_AT_EVENTS, lead_events(lead) + 1);
    taken.below_ids = !take_id(lead, model->dedupe, event->time, event_hash(event->id));
    if (!type)
        return taken;
    if (type->n_rules)
        lead_take_rules(lead, tools, event, type, counts);
    bool clears = type->effect == MODEL_EFFECT_PROFILE_CLEAR;
    if (!event->machine && (clears || type->effect == MODEL_EFFECT_PROFILE))
        taken.wrote_profile = lead_profile_take(lead, model, event, clears);
    return taken;
}

void lead_forget(struct lead *lead, const struct model *model, int64_t erased) {
    lead_fini(lead);
    lead->fit_known = false;
    lead->d = (struct lead_decisions){.t = LEAD_NEVER,
                                      .due = LEAD_NO_DUE,
                                      .fired_at = LEAD_NEVER,
                                      .erased = erased,
                                      .pub_route = model->blank_route,
                                      .pub_grade = {'D', '4'},
                                      .armed = true};
}

/* ------------------------------------------------------------------------------------------------ ids */

/* The head of a memory that remembers nothing yet, with a newest time before all others. */
static void begin(struct lead *lead) {
    lead_splice(lead, 0, 0, LEAD_HEAD);
    memset(lead->memory, 0, LEAD_HEAD);
    lead_store64(lead->memory + LEAD_AT_NEWEST, (uint64_t)LEAD_NEVER);
}

/* Where (time, hash) belongs among n ids. */
static uint32_t id_place(const struct lead *lead, uint32_t n, int64_t time, uint64_t hash) {
    const uint8_t *hashes = lead->memory + LEAD_HEAD, *times = hashes + lead_offset(8, n);
    uint32_t i = n;
    while (i > 0) {
        int64_t other = lead_load_time(times + lead_offset(6, i - 1));
        if (other < time || (other == time && lead_load64(hashes + lead_offset(8, i - 1)) < hash))
            break;
        i--;
    }
    return i;
}

/* False: the id is below all of a full set, and is not kept. */
static bool take_id(struct lead *lead, uint16_t keep, int64_t time, uint64_t hash) {
    if (keep == 0)
        return true;
    uint32_t n = lead_load16(lead->memory + LEAD_AT_IDS);
    uint32_t i = id_place(lead, n, time, hash);
    if (n == keep && i == 0)
        return false;
    uint8_t *hashes, *times;
    if (n == keep) { /* the least goes: those below the new one move down by one */
        i--;
        hashes = lead->memory + LEAD_HEAD;
        times = hashes + lead_offset(8, n);
        memmove(hashes, hashes + 8, lead_offset(8, i));
        memmove(times, times + 6, lead_offset(6, i));
    } else {
        lead_splice(lead, LEAD_HEAD + 8 * n + 6 * i, 0, 6);
        lead_splice(lead, LEAD_HEAD + 8 * i, 0, 8);
        lead_store16(lead->memory + LEAD_AT_IDS, (uint16_t)(n + 1));
        hashes = lead->memory + LEAD_HEAD;
        times = hashes + lead_offset(8, n + 1);
    }
    lead_store64(hashes + lead_offset(8, i), hash);
    lead_store_time(times + lead_offset(6, i), time);
    return true;
}
