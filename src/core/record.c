/* Records and their ids.
 *
 * An id is a UUID of version 8 made of the 128-bit XXH3 of everything that tells one record from another. A replay
 * makes the same ids, so a consumer can drop what it has seen. What is hashed, little endian: at i64, total i64, number
 * of events u64, time of the last erasure i64, hash of the model's name and version u64, kind u8, trigger u8, length of
 * the lead u16, of the cause u16, 0 u16; then lead and cause. */
#include "core/record.h"

#include <xxhash.h>

/* The figures that go before the texts; no padding. */
struct hashed {
    int64_t at, total;
    uint64_t events;
    int64_t erased;
    uint64_t model;
    uint8_t kind, trigger;
    uint16_t lead, cause;
    uint16_t zero;
};
_Static_assert(sizeof(struct hashed) == 48, "every byte of it is hashed");

static void make_id(struct record *record, const struct scorer *scorer, uint64_t events, int64_t erased) {
    uint8_t buffer[sizeof(struct hashed) + EVENT_MAX_LEAD + EVENT_MAX_ID];
    MUST(record->lead.n <= EVENT_MAX_LEAD && record->cause.n <= EVENT_MAX_ID);
    struct hashed figures = {.at = record->at,
                             .total = record->score.total,
                             .events = events,
                             .erased = erased,
                             .model = scorer->model_mark,
                             .kind = (uint8_t)record->kind,
                             .trigger = (uint8_t)record->trigger,
                             .lead = (uint16_t)record->lead.n,
                             .cause = (uint16_t)record->cause.n};
    size_t n = sizeof figures;
    memcpy(buffer, &figures, n);
    if (record->lead.n)
        memcpy(buffer + n, record->lead.at, record->lead.n);
    n += record->lead.n;
    if (record->cause.n)
        memcpy(buffer + n, record->cause.at, record->cause.n);
    n += record->cause.n;
    XXH128_hash_t hash = XXH3_128bits(buffer, n);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(record->id, canonical.digest, sizeof record->id);
    record->id[6] = (uint8_t)((record->id[6] & 0x0f) | 0x80);
    record->id[8] = (uint8_t)((record->id[8] & 0x3f) | 0x80);
}

/* Room for one more record. */
static struct record *next(struct record_list *list) {
    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 4;
        struct record *at = arena_take(list->arena, cap * sizeof *at);
        if (!at) {
            list->ok = false;
            return NULL;
        }
        if (list->n)
            memcpy(at, list->at, list->n * sizeof *at);
        list->at = at;
        list->cap = cap;
    }
    struct record *record = &list->at[list->n++];
    *record = (struct record){0};
    return record;
}

struct record *record_add(struct record_list *list, enum record_kind kind, const struct lead *lead,
                          struct record_why why) {
    const struct scorer *scorer = list->scorer;
    size_t groups = scorer->model->n_groups * sizeof *scorer->now.groups;
    int64_t *copy = arena_copy(list->arena, scorer->now.groups, groups);
    struct record *record = copy ? next(list) : NULL;
    if (!record) {
        list->ok = false;
        return NULL;
    }
    record->kind = kind;
    record->trigger = why.trigger;
    record->cause = why.cause;
    record->lead = lead->key;
    record->at = lead->d.t;
    record->score = scorer->now;
    record->score.groups = copy;
    make_id(record, scorer, lead_events(lead), lead->d.erased);
    return record;
}

struct record *record_add_erased(struct record_list *list, const struct lead *lead, int64_t t, struct record_why why) {
    struct record *record = next(list);
    if (!record)
        return NULL;
    record->kind = RECORD_ERASED;
    record->trigger = why.trigger;
    record->cause = why.cause;
    record->lead = lead->key;
    record->at = lead->d.t > t ? lead->d.t : t;
    make_id(record, list->scorer, lead_events(lead), t);
    return record;
}
