/* A lead's value, as it is kept in the store and in the changelog. Little endian:
 *
 *   version u8 = 1
 *   length of the memory u32, the memory (core/lead.c): canonical, so two leads of equal memory share this prefix
 *   T i64, due i64, fired_at i64, erased i64 (INT64_MIN: never; due INT64_MAX: no timer)
 *   last published: total i64 (hundredths), stage's hash u32, route's hash u32, grade (2 characters)
 *   stage's hash u32
 *   flags u8: 1 armed, 2 closed, 4 ever published
 *
 * Stages and routes go by the hash of their names, 0 where the model has none, so a value outlives a model whose
 * stages were re-ordered. Reading is total: any bytes give a lead or ERR_CORRUPT. */
#include <leadstream/lead_bytes.h>

#include "base/guard.h"

#include <leadstream/when.h>

enum { VERSION = 1, DECISIONS = 4 * 8 + 8 + 4 + 4 + 2 + 4 + 1 };
enum { ARMED = 1, CLOSED = 2, PUBLISHED = 4 };
_Static_assert(1 + 4 + (int)DECISIONS <= (int)LEAD_BYTES_OVERHEAD, "the header promises it");

/* No timer can move a lead's T past this: 32 half-lives of 36500 days after the last instant of an event. */
#define T_CEILING (INT64_C(1) << 47)

static uint32_t stage_hash(const struct model *model, uint32_t stage) {
    return stage < model->n_stages ? model->stages[stage].hash : 0;
}

static uint32_t route_hash(const struct model *model, uint32_t route) {
    return route < model->n_routes ? model->routes[route].hash : 0;
}

void lead_bytes_write(const struct lead *lead, const struct model *model, struct writer *w) {
    const struct lead_decisions *d = &lead->d;
    writer_u8(w, VERSION);
    writer_u32(w, lead->n);
    writer_bytes(w, lead->memory, lead->n);
    writer_u64(w, (uint64_t)d->t);
    writer_u64(w, (uint64_t)d->due);
    writer_u64(w, (uint64_t)d->fired_at);
    writer_u64(w, (uint64_t)d->erased);
    writer_u64(w, (uint64_t)d->pub_total);
    writer_u32(w, stage_hash(model, d->pub_stage));
    writer_u32(w, route_hash(model, d->pub_route));
    writer_bytes(w, d->pub_grade, sizeof d->pub_grade);
    writer_u32(w, stage_hash(model, d->stage));
    writer_u8(w, (uint8_t)((d->armed ? ARMED : 0) | (d->closed ? CLOSED : 0) | (d->published ? PUBLISHED : 0)));
}

static bool corrupt(struct err *e, const char *what) {
    return err_set(e, ERR_CORRUPT, NULL, "a stored lead is not well-formed: %s (restore it from the changelog)", what);
}

static uint32_t route_of(const struct model *model, uint32_t hash) {
    int route = model->n_routes ? model_route_of(model, hash) : 0;
    return route < 0 ? model->blank_route : (uint32_t)route;
}

/* What a search or a record would trip over if it were not so. */
static const char *wrong_decisions(const struct lead *lead, uint8_t flags) {
    const struct lead_decisions *d = &lead->d;
    int64_t newest = lead_newest(lead);
    bool grade = d->pub_grade[0] >= 'A' && d->pub_grade[0] <= 'D' && d->pub_grade[1] >= '1' && d->pub_grade[1] <= '4';
    if ((lead->n == 0) != (d->t == LEAD_NEVER) || (lead->n && (d->t < newest || d->t > T_CEILING)))
        return "its T does not fit its memory";
    if (d->due != LEAD_NO_DUE && (d->t == LEAD_NEVER || d->due <= d->t))
        return "its due time is not after its T";
    if (d->fired_at != LEAD_NEVER && (d->fired_at < WHEN_FIRST || d->fired_at > d->t))
        return "it was ready after its T";
    if (d->erased != LEAD_NEVER && (d->erased < WHEN_FIRST || d->erased > WHEN_LAST))
        return "the time of its erasure cannot be";
    if (d->pub_total < -(INT64_C(1) << 61) || d->pub_total > INT64_C(1) << 61 || !grade || flags > 7)
        return "its last published figures cannot be";
    return NULL;
}

bool lead_bytes_read(struct lead *lead, const struct model *model, struct bytes value, struct err *e) {
    MUST(lead->n == 0 && lead->room);
    struct reader r = reader_of(value);
    if (reader_u8(&r) != VERSION)
        return corrupt(e, "its format version is unknown");
    struct bytes memory = reader_bytes(&r, reader_u32(&r));
    struct bytes decisions = reader_bytes(&r, DECISIONS);
    if (!r.ok || reader_left(&r))
        return corrupt(e, "its length is wrong");
    if (GUARD(lead_memory) && !lead_memory_check(memory, model, e))
        return false;
    if (memory.n) {
        size_t cap = lead->cap;
        lead->memory = lead->room->resize(lead->room->self, lead->memory, 0, memory.n, &cap);
        MUST(lead->memory && cap >= memory.n && cap <= UINT32_MAX);
        lead->cap = (uint32_t)cap;
        lead->n = (uint32_t)memory.n;
        memcpy(lead->memory, memory.at, memory.n);
    }
    lead->fit_known = false;
    struct lead_decisions *d = &lead->d;
    r = reader_of(decisions);
    d->t = (int64_t)reader_u64(&r);
    d->due = (int64_t)reader_u64(&r);
    d->fired_at = (int64_t)reader_u64(&r);
    d->erased = (int64_t)reader_u64(&r);
    d->pub_total = (int64_t)reader_u64(&r);
    d->pub_stage = model_stage_of(model, reader_u32(&r));
    d->pub_route = route_of(model, reader_u32(&r));
    d->pub_grade[0] = (char)reader_u8(&r);
    d->pub_grade[1] = (char)reader_u8(&r);
    d->stage = model_stage_of(model, reader_u32(&r));
    uint8_t flags = reader_u8(&r);
    d->armed = flags & ARMED;
    d->closed = flags & CLOSED;
    d->published = flags & PUBLISHED;
    const char *wrong = wrong_decisions(lead, flags);
    return !(GUARD(lead_decisions) && wrong) || corrupt(e, wrong);
}

bool lead_bytes_due(struct bytes value, int64_t *due) {
    struct reader r = reader_of(value);
    uint8_t version = reader_u8(&r);
    reader_bytes(&r, reader_u32(&r));
    struct bytes decisions = reader_bytes(&r, DECISIONS);
    if (!r.ok || version != VERSION || reader_left(&r))
        return false;
    r = reader_of(decisions);
    reader_u64(&r);
    *due = (int64_t)reader_u64(&r);
    return true;
}
