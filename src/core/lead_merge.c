/* Adding two memories: counts add, newest times win, ids and values are the greatest of the union, then what can no
 * longer count goes. Commutative and associative: which is why a lead can be put together from parts, in any order.
 *
 * The sum is written into a new block; both inputs are only read until it is done. */
#include "core/lead_tools.h"

/* The sum being written; `at` has room for both inputs. */
struct sum {
    const struct model *model;
    const struct lead *a, *b;
    uint8_t *memory;
    uint32_t n;
    int64_t newest;
};

/* A list of (time, hash), ascending: ids and values. */
struct stamp {
    int64_t time;
    uint64_t hash;
};

static bool stamp_below(struct stamp a, struct stamp b) {
    return a.time < b.time || (a.time == b.time && a.hash < b.hash);
}

/* The union of two ascending lists, ascending, each once; returns its length. */
static uint32_t stamps_unite(const struct stamp *a, uint32_t na, const struct stamp *b, uint32_t nb,
                             struct stamp *out) {
    uint32_t i = 0, j = 0, n = 0;
    while (i < na || j < nb) {
        if (j == nb || (i < na && stamp_below(a[i], b[j])))
            out[n++] = a[i++];
        else if (i == na || stamp_below(b[j], a[i]))
            out[n++] = b[j++];
        else
            out[n++] = a[i++], j++;
    }
    MUST(n <= na + nb);
    return n;
}

static uint32_t ids_read(const struct lead *lead, struct stamp *out) {
    uint32_t n = lead_load16(lead->memory + LEAD_AT_IDS);
    MUST(n <= MODEL_MAX_DEDUPE);
    const uint8_t *hashes = lead->memory + LEAD_HEAD, *times = hashes + lead_offset(8, n);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct stamp){lead_load_time(times + lead_offset(6, i)), lead_load64(hashes + lead_offset(8, i))};
    return n;
}

static void merge_ids(struct sum *sum) {
    struct stamp a[MODEL_MAX_DEDUPE], b[MODEL_MAX_DEDUPE], all[2 * MODEL_MAX_DEDUPE];
    uint32_t na = ids_read(sum->a, a), nb = ids_read(sum->b, b);
    uint32_t n = stamps_unite(a, na, b, nb, all);
    uint32_t keep = n < sum->model->dedupe ? n : sum->model->dedupe;
    uint8_t *hashes = sum->memory + LEAD_HEAD, *times = hashes + lead_offset(8, keep);
    for (uint32_t i = 0; i < keep; i++) {
        lead_store64(hashes + lead_offset(8, i), all[n - keep + i].hash);
        lead_store_time(times + lead_offset(6, i), all[n - keep + i].time);
    }
    lead_store16(sum->memory + LEAD_AT_IDS, (uint16_t)keep);
    sum->n = LEAD_HEAD + LEAD_ID * keep;
}

/* ------------------------------------------------------------------------------------------------ sections */

/* Two entries of one bucket, count or window become one at `to`. */
static void add_entries(enum model_memory kind, const uint8_t *a, const uint8_t *b, uint8_t *to) {
    uint32_t at = kind == MODEL_COUNT ? 0 : 4;
    if (kind == MODEL_WINDOWS) {
        uint32_t x = lead_load32(a + 4), y = lead_load32(b + 4);
        int64_t t = lead_load_time(a + 8), u = lead_load_time(b + 8);
        memcpy(to, a, 4);
        lead_store32(to + 4, x > UINT32_MAX - y ? UINT32_MAX : x + y);
        lead_store_time(to + 8, t > u ? t : u);
        return;
    }
    uint64_t x = lead_load64(a + at), y = lead_load64(b + at);
    memcpy(to, a, at);
    lead_store64(to + at, x > UINT64_MAX - y ? UINT64_MAX : x + y);
}

/* Buckets, counts and windows: by key, ascending; returns the number of entries at `to`. */
static uint32_t merge_keyed(const struct lead_section *a, const struct lead_section *b, uint8_t *to) {
    uint32_t size = lead_entry_size(a->kind), i = 0, j = 0, n = 0;
    while (i < a->n || j < b->n) {
        const uint8_t *x = a->at + lead_offset(size, i), *y = b->at + lead_offset(size, j);
        int order = j == b->n ? -1 : i == a->n ? 1 : 0;
        if (order == 0 && a->kind != MODEL_COUNT)
            order = lead_load32(x) < lead_load32(y) ? -1 : lead_load32(x) > lead_load32(y);
        if (order == 0)
            add_entries(a->kind, x, y, to + lead_offset(size, n));
        else
            memcpy(to + lead_offset(size, n), order < 0 ? x : y, size);
        i += order <= 0;
        j += order >= 0;
        n++;
    }
    return n;
}

static uint32_t values_read(const struct lead_section *section, struct stamp *out) {
    MUST(section->n <= MODEL_MAX_VALUES);
    for (uint32_t i = 0; i < section->n; i++) {
        const uint8_t *at = section->at + lead_offset(LEAD_VALUE, i);
        out[i] = (struct stamp){lead_load_time(at), lead_load64(at + 6)};
    }
    return section->n;
}

/* Values: each once at its newest time, the greatest of all. */
static uint32_t merge_values(const struct lead_section *a, const struct lead_section *b, uint8_t *to) {
    struct stamp x[MODEL_MAX_VALUES], y[MODEL_MAX_VALUES], all[2 * MODEL_MAX_VALUES];
    uint32_t nx = values_read(a, x), ny = values_read(b, y);
    uint32_t n = stamps_unite(x, nx, y, ny, all), kept = 0;
    struct stamp greatest[MODEL_MAX_VALUES];
    for (uint32_t i = n; i-- > 0 && kept < MODEL_MAX_VALUES;) {
        bool newer = false;
        for (uint32_t j = 0; j < kept && !newer; j++)
            newer = greatest[j].hash == all[i].hash;
        if (!newer)
            greatest[kept++] = all[i];
    }
    for (uint32_t i = 0; i < kept; i++) {
        lead_store_time(to + lead_offset(LEAD_VALUE, i), greatest[kept - 1 - i].time);
        lead_store64(to + lead_offset(LEAD_VALUE, i) + 6, greatest[kept - 1 - i].hash);
    }
    return kept;
}

/* Cuts what can no longer count off a section's beginning. */
static void drop_expired(const struct sum *sum, struct lead_section *section, uint8_t *at) {
    int i = model_rule(sum->model, section->rule);
    MUST(i >= 0);
    const struct model_rule *rule = &sum->model->rules[i];
    struct decay decay;
    if (rule->half_life != MODEL_NO_HALF_LIFE)
        decay_init(&decay, sum->model->half_lives[rule->half_life]);
    section->at = at;
    uint32_t gone = lead_expired(rule, rule->half_life == MODEL_NO_HALF_LIFE ? NULL : &decay, sum->newest, section);
    uint32_t size = lead_entry_size(section->kind);
    section->n -= gone;
    memmove(at, at + lead_offset(size, gone), lead_offset(size, section->n));
}

/* Directory and payloads of the sum; the directory is written where it may end at the latest, then pulled together. */
static void merge_sections(struct sum *sum) {
    struct lead_walk a = lead_walk(sum->a), b = lead_walk(sum->b);
    uint32_t n = 0;
    uint8_t *entry = sum->memory + sum->n, *payloads = entry + lead_offset(LEAD_SECTION, a.left + b.left),
            *at = payloads;
    struct lead_section x, y;
    bool has_x = lead_walk_next(&a, &x), has_y = lead_walk_next(&b, &y);
    while (has_x || has_y) {
        bool take_x = has_x && (!has_y || x.rule <= y.rule), take_y = has_y && (!has_x || y.rule <= x.rule);
        struct lead_section from = take_x ? x : y;
        MUST(!take_x || !take_y || x.kind == y.kind);
        if (take_x && take_y)
            from.n = x.kind == MODEL_VALUES ? merge_values(&x, &y, at) : merge_keyed(&x, &y, at);
        else
            memcpy(at, from.at, lead_offset(lead_entry_size(from.kind), from.n));
        drop_expired(sum, &from, at);
        if (from.n) {
            memset(entry, 0, LEAD_SECTION);
            lead_store32(entry + SECTION_AT_RULE, from.rule);
            entry[SECTION_AT_KIND] = (uint8_t)from.kind;
            lead_store16(entry + SECTION_AT_COUNT, (uint16_t)from.n);
            entry += LEAD_SECTION;
            at += lead_offset(lead_entry_size(from.kind), from.n);
            n++;
        }
        has_x = take_x ? lead_walk_next(&a, &x) : has_x;
        has_y = take_y ? lead_walk_next(&b, &y) : has_y;
    }
    lead_store16(sum->memory + LEAD_AT_SECTIONS, (uint16_t)n);
    lead_store32(sum->memory + LEAD_AT_PAYLOAD, (uint32_t)(at - payloads));
    memmove(entry, payloads, (size_t)(at - payloads));
    sum->n = (uint32_t)(entry - sum->memory) + (uint32_t)(at - payloads);
}

/* ------------------------------------------------------------------------------------------------ profile */

static bool attr_wins(const struct lead_attr *a, const struct lead_attr *b) {
    return a->time > b->time || (a->time == b->time && bytes_compare(a->text, b->text) >= 0);
}

static void merge_attrs(struct sum *sum) {
    uint32_t na = lead_load16(sum->a->memory + LEAD_AT_ATTRS), nb = lead_load16(sum->b->memory + LEAD_AT_ATTRS);
    const uint8_t *a = sum->a->memory + lead_attrs_at(sum->a->memory);
    const uint8_t *b = sum->b->memory + lead_attrs_at(sum->b->memory);
    uint32_t n = 0;
    while (na || nb) {
        struct lead_attr x = {0}, y = {0};
        if (na)
            x = lead_attr_read(a);
        if (nb)
            y = lead_attr_read(b);
        bool take_x = na && (!nb || x.hash <= y.hash), take_y = nb && (!na || y.hash <= x.hash);
        bool from_a = take_x && (!take_y || attr_wins(&x, &y));
        uint32_t size = lead_attr_size(from_a ? &x : &y);
        memcpy(sum->memory + sum->n, from_a ? a : b, size);
        sum->n += size;
        n++;
        a += take_x ? lead_attr_size(&x) : 0;
        na -= take_x;
        b += take_y ? lead_attr_size(&y) : 0;
        nb -= take_y;
    }
    lead_store16(sum->memory + LEAD_AT_ATTRS, (uint16_t)n);
}

void lead_merge(struct lead *into, const struct lead *from, const struct model *model) {
    MUST(into != from);
    if (!from->n)
        return;
    into->fit_known = false;
    into->drops_at = LEAD_NEVER;
    if (!into->n) {
        lead_splice(into, 0, 0, from->n);
        memcpy(into->memory, from->memory, from->n);
        return;
    }
    size_t cap = 0;
    struct sum sum = {.model = model, .a = into, .b = from};
    sum.memory = into->room->resize(into->room->self, NULL, 0, into->n + from->n, &cap);
    MUST(sum.memory && cap >= into->n + from->n && cap <= UINT32_MAX);
    memset(sum.memory, 0, LEAD_HEAD);
    sum.newest = lead_newest(into) > lead_newest(from) ? lead_newest(into) : lead_newest(from);
    lead_store64(sum.memory + LEAD_AT_NEWEST, (uint64_t)sum.newest);
    lead_store64(sum.memory + LEAD_AT_EVENTS, lead_events(into) + lead_events(from));
    merge_ids(&sum);
    merge_sections(&sum);
    merge_attrs(&sum);
    MUST(sum.n <= into->n + from->n);
    size_t old = into->cap;
    into->room->resize(into->room->self, into->memory, 0, 0, &old);
    into->memory = sum.memory;
    into->n = sum.n;
    into->cap = (uint32_t)cap;
}
