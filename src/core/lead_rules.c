/* What a lead's rules remember: sections of its memory (core/lead.c), and how an event adds to them.
 *
 * A section is made by its first entry and goes with its last. What can no longer count is dropped when the newest time
 * moves on; lead->drops_at says from when on that is worth a look. */
#include "core/lead_tools.h"

/* Where a rule's section is, as offsets, and its number of entries (0: it was just made). */
struct place {
    uint32_t entry;
    uint32_t payload;
    uint32_t n;
};

/* The rule's section, made where there is none. */
static struct place place_of(struct lead *lead, const struct model_rule *rule) {
    struct lead_walk walk = lead_walk(lead);
    struct lead_walk before = walk;
    struct lead_section section;
    while (lead_walk_next(&walk, &section) && section.rule < rule->hash)
        before = walk;
    struct place place = {(uint32_t)(before.entry - lead->memory), (uint32_t)(before.payload - lead->memory), 0};
    if (before.left && section.rule == rule->hash) {
        place.n = section.n;
        return place;
    }
    lead_splice(lead, place.entry, 0, LEAD_SECTION);
    uint8_t *entry = lead->memory + place.entry;
    memset(entry, 0, LEAD_SECTION);
    lead_store32(entry + SECTION_AT_RULE, rule->hash);
    entry[SECTION_AT_KIND] = (uint8_t)rule->memory;
    lead_store16(lead->memory + LEAD_AT_SECTIONS, (uint16_t)(lead_load16(lead->memory + LEAD_AT_SECTIONS) + 1));
    place.payload += LEAD_SECTION;
    return place;
}

/* Replaces `remove` entries of a section, the first at index i, by `insert` ones; returns where they are. A section
 * without entries goes. */
static uint8_t *entries_splice(struct lead *lead, struct place *place, uint32_t i, uint32_t remove, uint32_t insert) {
    uint32_t size = lead_entry_size((enum model_memory)lead->memory[place->entry + SECTION_AT_KIND]);
    uint32_t at = place->payload + i * size;
    lead_splice(lead, at, remove * size, insert * size);
    uint8_t *memory = lead->memory;
    place->n = place->n - remove + insert;
    lead_store32(memory + LEAD_AT_PAYLOAD, lead_load32(memory + LEAD_AT_PAYLOAD) - remove * size + insert * size);
    lead_store16(memory + place->entry + SECTION_AT_COUNT, (uint16_t)place->n);
    if (place->n == 0) {
        lead_splice(lead, place->entry, LEAD_SECTION, 0);
        lead_store16(memory + LEAD_AT_SECTIONS, (uint16_t)(lead_load16(memory + LEAD_AT_SECTIONS) - 1));
    }
    return lead->memory + at;
}

uint32_t lead_expired(const struct model_rule *rule, struct decay *decay, int64_t newest,
                      const struct lead_section *section) {
    if (!decay)
        return 0;
    uint32_t i = 0;
    switch (rule->memory) {
    case MODEL_COUNT: break;
    case MODEL_BUCKETS:
        decay_at(decay, newest);
        while (i < section->n && decay->ceiling - lead_load32(section->at + lead_offset(LEAD_BUCKET, i)) > DECAY_LIVES)
            i++;
        break;
    case MODEL_WINDOWS:
        while (rule->window && i < section->n &&
               newest - lead_window_end(rule, lead_load32(section->at + lead_offset(LEAD_WINDOW, i))) >
                   DECAY_LIVES * decay->h)
            i++;
        break;
    case MODEL_VALUES:
        while (i < section->n &&
               newest - lead_load_time(section->at + lead_offset(LEAD_VALUE, i)) > DECAY_LIVES * decay->h)
            i++;
        break;
    }
    return i;
}

static struct decay *decay_of(struct lead_tools *tools, const struct model_rule *rule) {
    return rule->half_life == MODEL_NO_HALF_LIFE ? NULL : &tools->decays[rule->half_life];
}

/* The first newest event time at which a section's first entry can no longer count. */
static int64_t drops_at(const struct model_rule *rule, const struct decay *decay, const uint8_t *first) {
    if (!decay || rule->memory == MODEL_COUNT || (rule->memory == MODEL_WINDOWS && !rule->window))
        return INT64_MAX;
    int64_t lives = DECAY_LIVES * decay->h + 1;
    if (rule->memory == MODEL_BUCKETS)
        return lead_load32(first) * decay->h + lives;
    return lives + (rule->memory == MODEL_WINDOWS ? lead_window_end(rule, lead_load32(first)) : lead_load_time(first));
}

static void note_drop(struct lead *lead, int64_t at) {
    if (at < lead->drops_at)
        lead->drops_at = at;
}

/* What can no longer count goes. */
static void drop_expired(struct lead *lead, struct lead_tools *tools, int64_t time) {
    const struct model_rule *rule = tools->model->rules;
    lead->drops_at = INT64_MAX;
    struct lead_walk walk = lead_walk(lead);
    struct lead_section section;
    while (lead_walk_next(&walk, &section)) {
        while (rule->hash < section.rule)
            rule++;
        MUST(rule->hash == section.rule);
        struct decay *decay = decay_of(tools, rule);
        uint32_t n = lead_expired(rule, decay, time, &section);
        if (n < section.n)
            note_drop(lead, drops_at(rule, decay, section.at + lead_offset(lead_entry_size(section.kind), n)));
        if (!n)
            continue;
        struct place place = {(uint32_t)(walk.entry - LEAD_SECTION - lead->memory),
                              (uint32_t)(section.at - lead->memory), section.n};
        entries_splice(lead, &place, 0, n, 0);
        uint32_t gone = n * lead_entry_size(section.kind);
        walk.payload -= gone + (n == section.n ? LEAD_SECTION : 0);
        walk.entry -= n == section.n ? LEAD_SECTION : 0;
    }
}

/* Time moves on. Hardly any event makes something too old: the sections are looked at only then. */
void lead_move_newest(struct lead *lead, struct lead_tools *tools, int64_t time) {
    lead_store64(lead->memory + LEAD_AT_NEWEST, (uint64_t)time);
    if (time >= lead->drops_at)
        drop_expired(lead, tools, time);
}

static void take_bucket(struct lead *lead, struct lead_tools *tools, const struct model_rule *rule, int64_t time) {
    struct decay *decay = decay_of(tools, rule);
    decay_at(decay, lead_newest(lead));
    struct decay_bucket bucket = decay_bucket(decay, time);
    if (decay->ceiling - bucket.n > DECAY_LIVES)
        return;
    struct place place = place_of(lead, rule);
    uint8_t *at = lead->memory + place.payload;
    uint32_t i = place.n;
    while (i > 0 && lead_load32(at + lead_offset(LEAD_BUCKET, i - 1)) > bucket.n)
        i--;
    if (i > 0 && lead_load32(at + lead_offset(LEAD_BUCKET, i - 1)) == bucket.n) {
        at += lead_offset(LEAD_BUCKET, i - 1) + 4;
        uint64_t w = lead_load64(at);
        lead_store64(at, w > UINT64_MAX - bucket.w ? UINT64_MAX : w + bucket.w);
        return;
    }
    at = entries_splice(lead, &place, i, 0, 1);
    lead_store32(at, bucket.n);
    lead_store64(at + 4, bucket.w);
    note_drop(lead, drops_at(rule, decay, at));
}

static void take_count(struct lead *lead, const struct model_rule *rule) {
    struct place place = place_of(lead, rule);
    if (place.n == 0)
        lead_store64(entries_splice(lead, &place, 0, 0, 1), 0);
    uint8_t *at = lead->memory + place.payload;
    uint64_t count = lead_load64(at);
    lead_store64(at, count == UINT64_MAX ? count : count + 1);
}

static void take_window(struct lead *lead, struct lead_tools *tools, const struct model_rule *rule, int64_t time) {
    struct decay *decay = decay_of(tools, rule);
    uint32_t index = rule->window ? (uint32_t)((time - LEAD_WINDOW_ZERO) / rule->window) : 0;
    if (rule->window && lead_newest(lead) - lead_window_end(rule, index) > DECAY_LIVES * decay->h)
        return;
    struct place place = place_of(lead, rule);
    uint8_t *at = lead->memory + place.payload;
    uint32_t i = place.n;
    while (i > 0 && lead_load32(at + lead_offset(LEAD_WINDOW, i - 1)) > index)
        i--;
    if (i > 0 && lead_load32(at + lead_offset(LEAD_WINDOW, i - 1)) == index) {
        at += lead_offset(LEAD_WINDOW, i - 1);
        uint32_t count = lead_load32(at + 4);
        lead_store32(at + 4, count == UINT32_MAX ? count : count + 1);
        if (time > lead_load_time(at + 8))
            lead_store_time(at + 8, time);
        return;
    }
    at = entries_splice(lead, &place, i, 0, 1);
    lead_store32(at, index);
    lead_store32(at + 4, 1);
    lead_store_time(at + 8, time);
    note_drop(lead, drops_at(rule, decay, at));
}

/* The index at which (time, hash) belongs among a section's values. */
static uint32_t value_place(const uint8_t *at, uint32_t n, int64_t time, uint64_t hash) {
    while (n > 0) {
        const uint8_t *other = at + lead_offset(LEAD_VALUE, n - 1);
        int64_t newest = lead_load_time(other);
        if (newest < time || (newest == time && lead_load64(other + 6) < hash))
            break;
        n--;
    }
    return n;
}

static void take_value(struct lead *lead, struct lead_tools *tools, const struct model_rule *rule, int64_t time) {
    struct bytes value = tools->fields[rule->field];
    struct decay *decay = decay_of(tools, rule);
    if (!value.n || (decay && lead_newest(lead) - time > DECAY_LIVES * decay->h))
        return;
    uint64_t hash = event_hash(value);
    struct place place = place_of(lead, rule);
    uint8_t *at = lead->memory + place.payload;
    uint32_t old = 0;
    while (old < place.n && lead_load64(at + lead_offset(LEAD_VALUE, old) + 6) != hash)
        old++;
    uint32_t i = value_place(at, place.n, time, hash);
    if (old < place.n) {
        if (i <= old)
            return; /* it is known with that time or a newer one */
    } else if (place.n < MODEL_MAX_VALUES) {
        at = entries_splice(lead, &place, i, 0, 1);
        lead_store_time(at, time);
        lead_store64(at + 6, hash);
        note_drop(lead, drops_at(rule, decay, at));
        return;
    } else if (i == 0) {
        return;
    } else {
        old = 0; /* the least goes */
    }
    i--;
    at = lead->memory + place.payload;
    memmove(at + lead_offset(LEAD_VALUE, old), at + lead_offset(LEAD_VALUE, old + 1), lead_offset(LEAD_VALUE, i - old));
    lead_store_time(at + lead_offset(LEAD_VALUE, i), time);
    lead_store64(at + lead_offset(LEAD_VALUE, i) + 6, hash);
    note_drop(lead, drops_at(rule, decay, at + lead_offset(LEAD_VALUE, i)));
}

static void take_rule(struct lead *lead, struct lead_tools *tools, const struct model_rule *rule, int64_t time) {
    switch (rule->memory) {
    case MODEL_BUCKETS: take_bucket(lead, tools, rule, time); break;
    case MODEL_COUNT: take_count(lead, rule); break;
    case MODEL_WINDOWS: take_window(lead, tools, rule, time); break;
    case MODEL_VALUES: take_value(lead, tools, rule, time); break;
    }
}

/* The event's fields, once into slots; then each rule of its type; then the slots are emptied again. */
void lead_take_rules(struct lead *lead, struct lead_tools *tools, const struct event *event,
                     const struct model_type *type, struct cond_counts *counts) {
    const struct model *model = tools->model;
    int slots[EVENT_MAX_FIELDS];
    MUST(event->n_fields <= EVENT_MAX_FIELDS);
    for (uint32_t i = 0; i < event->n_fields; i++) {
        slots[i] = model_field(model, event->fields[i].name);
        if (slots[i] >= 0)
            tools->fields[slots[i]] = event->fields[i].value;
    }
    struct cond_subject subject = {.texts = tools->fields};
    for (uint16_t i = 0; i < type->n_rules; i++) {
        const struct model_rule *rule = &model->rules[type->rules[i]];
        if (event->machine && !rule->machine)
            continue;
        if (rule->cond == COND_ALWAYS || cond_holds(model, rule->cond, &subject, counts))
            take_rule(lead, tools, rule, event->time);
    }
    for (uint32_t i = 0; i < event->n_fields; i++)
        if (slots[i] >= 0)
            tools->fields[slots[i]] = (struct bytes){NULL, 0};
}
