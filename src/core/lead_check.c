/* Are these bytes a lead's memory? Stored bytes are never trusted: the rest of the core walks a memory without looking
 * back, so everything that it leans on is looked at here, once, when a lead is loaded.
 *
 * Bytes that pass are canonical: sorted, nothing twice, nothing that can no longer count, nothing left over. */
#include "core/lead_tools.h"

#include <leadstream/when.h>

/* The part being read, and what it must fit. */
struct check {
    struct reader r;
    const struct model *model;
    int64_t newest;
    uint64_t events;
    uint32_t payload;
    uint16_t n_ids, n_sections, n_attrs;
    struct err *e;
};

static bool wrong(struct check *c, const char *what) {
    return err_set(c->e, ERR_CORRUPT, NULL,
                   "the memory of a lead is not well-formed: %s (restore the lead from the changelog)", what);
}

static int64_t read_time(struct reader *r) {
    int64_t low = reader_u32(r);
    return low | (int64_t)reader_u16(r) << 32;
}

static bool check_head(struct check *c) {
    c->newest = (int64_t)reader_u64(&c->r);
    c->events = reader_u64(&c->r);
    c->payload = reader_u32(&c->r);
    c->n_ids = reader_u16(&c->r);
    c->n_sections = reader_u16(&c->r);
    c->n_attrs = reader_u16(&c->r);
    if (!c->r.ok)
        return wrong(c, "it is cut off in its head");
    if (c->newest < WHEN_FIRST || c->newest > WHEN_LAST || c->events == 0)
        return wrong(c, "its newest time or its number of events cannot be");
    if (c->n_ids > c->model->dedupe || c->n_ids > c->events)
        return wrong(c, "it has more event ids than the model keeps");
    return true;
}

static bool check_ids(struct check *c) {
    struct reader hashes = reader_of(reader_bytes(&c->r, 8 * (size_t)c->n_ids));
    struct reader times = reader_of(reader_bytes(&c->r, 6 * (size_t)c->n_ids));
    if (!c->r.ok)
        return wrong(c, "it is cut off in its event ids");
    int64_t time = 0;
    uint64_t hash = 0;
    for (uint16_t i = 0; i < c->n_ids; i++) {
        int64_t next_time = read_time(&times);
        uint64_t next_hash = reader_u64(&hashes);
        bool rises = i == 0 || next_time > time || (next_time == time && next_hash > hash);
        if (!rises || next_time < WHEN_FIRST || next_time > c->newest)
            return wrong(c, "its event ids are out of order or newer than its newest event");
        time = next_time;
        hash = next_hash;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------ sections */

static uint32_t most_entries(enum model_memory kind) {
    switch (kind) {
    case MODEL_BUCKETS: return LEAD_MAX_BUCKETS;
    case MODEL_COUNT: return 1;
    case MODEL_WINDOWS: return MODEL_MAX_WINDOWS;
    case MODEL_VALUES: return MODEL_MAX_VALUES;
    }
    return 0;
}

static bool check_buckets(const struct check *c, const struct lead_section *s, const struct decay *decay) {
    int64_t before = -1;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t n = lead_load32(s->at + lead_offset(LEAD_BUCKET, i));
        uint64_t w = lead_load64(s->at + lead_offset(LEAD_BUCKET, i) + 4);
        if (n <= before || n > c->newest / decay->h || w < UINT64_C(1) << 32)
            return false;
        before = n;
    }
    return true;
}

static bool check_windows(const struct check *c, const struct lead_section *s, const struct model_rule *rule) {
    int64_t before = -1;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t index = lead_load32(s->at + lead_offset(LEAD_WINDOW, i));
        uint32_t count = lead_load32(s->at + lead_offset(LEAD_WINDOW, i) + 4);
        int64_t newest = lead_load_time(s->at + lead_offset(LEAD_WINDOW, i) + 8);
        bool inside = newest >= WHEN_FIRST && newest <= c->newest &&
                      (rule->window ? (newest - LEAD_WINDOW_ZERO) / rule->window : 0) == index;
        if (index <= before || count == 0 || !inside)
            return false;
        before = index;
    }
    return true;
}

static bool check_values(const struct check *c, const struct lead_section *s) {
    int64_t time = 0;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t next_time = lead_load_time(s->at + lead_offset(LEAD_VALUE, i));
        uint64_t next_hash = lead_load64(s->at + lead_offset(LEAD_VALUE, i) + 6);
        bool rises = i == 0 || next_time > time || (next_time == time && next_hash > hash);
        if (!rises || next_time < WHEN_FIRST || next_time > c->newest)
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (lead_load64(s->at + lead_offset(LEAD_VALUE, j) + 6) == next_hash)
                return false;
        time = next_time;
        hash = next_hash;
    }
    return true;
}

static bool check_entries(const struct check *c, const struct lead_section *s, const struct model_rule *rule) {
    struct decay decay;
    bool decays = rule->half_life != MODEL_NO_HALF_LIFE;
    if (decays)
        decay_init(&decay, c->model->half_lives[rule->half_life]);
    bool fine = true;
    switch (s->kind) {
    case MODEL_BUCKETS: fine = check_buckets(c, s, &decay); break;
    case MODEL_COUNT: fine = lead_load64(s->at) != 0; break;
    case MODEL_WINDOWS: fine = check_windows(c, s, rule); break;
    case MODEL_VALUES: fine = check_values(c, s); break;
    }
    return fine && lead_expired(rule, decays ? &decay : NULL, c->newest, s) == 0;
}

static bool check_sections(struct check *c) {
    struct reader directory = reader_of(reader_bytes(&c->r, LEAD_SECTION * (size_t)c->n_sections));
    struct reader payload = reader_of(reader_bytes(&c->r, c->payload));
    if (!c->r.ok)
        return wrong(c, "it is cut off in its counts");
    int64_t before = -1;
    for (uint16_t i = 0; i < c->n_sections; i++) {
        struct lead_section s = {.rule = reader_u32(&directory)};
        uint8_t kind = reader_u8(&directory);
        uint8_t zero = reader_u8(&directory);
        s.n = reader_u16(&directory);
        int index = model_rule(c->model, s.rule);
        if (s.rule <= before || index < 0 || kind != c->model->rules[index].memory || zero)
            return wrong(c, "a rule is unknown to the model, remembers otherwise, or is out of order");
        s.kind = (enum model_memory)kind;
        if (s.n == 0 || s.n > most_entries(s.kind))
            return wrong(c, "a rule has more entries than it can");
        s.at = reader_bytes(&payload, s.n * (size_t)lead_entry_size(s.kind)).at;
        if (!payload.ok || !check_entries(c, &s, &c->model->rules[index]))
            return wrong(c, "a rule's entries are out of order, empty, too old or too new");
        before = s.rule;
    }
    return reader_left(&payload) == 0 || wrong(c, "its counts have bytes left over");
}

/* ------------------------------------------------------------------------------------------------ profile */

static bool known_attr(const struct model *model, uint64_t hash) {
    uint16_t low = 0, high = model->n_attrs;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (model->attrs[middle].hash < hash)
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low < model->n_attrs && model->attrs[low].hash == hash;
}

static bool check_attrs(struct check *c) {
    uint64_t before = 0;
    for (uint16_t i = 0; i < c->n_attrs; i++) {
        uint64_t hash = reader_u64(&c->r);
        int64_t time = read_time(&c->r);
        struct bytes text = reader_bytes(&c->r, reader_u16(&c->r));
        if (!c->r.ok)
            return wrong(c, "it is cut off in its profile");
        if ((i && hash <= before) || !known_attr(c->model, hash))
            return wrong(c, "an attribute is unknown to the model or out of order");
        if (time < WHEN_FIRST || time > c->newest || text.n > EVENT_MAX_VALUE)
            return wrong(c, "an attribute is newer than the newest event, or too long");
        before = hash;
    }
    return reader_left(&c->r) == 0 || wrong(c, "it has bytes left over");
}

bool lead_memory_check(struct bytes memory, const struct model *model, struct err *e) {
    struct check c = {.r = reader_of(memory), .model = model, .e = e};
    if (memory.n == 0)
        return true;
    return check_head(&c) && check_ids(&c) && check_sections(&c) && check_attrs(&c);
}
