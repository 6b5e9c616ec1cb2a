/* What stands on the changelog, and the same in the store. A shard record: version u8 = 1, model u64, erasure key u64,
 * clock i64, topics u16, and for each its hash u64 and next offset i64; little endian. An erasure: its time, i64. A
 * lead's value: lead_bytes.h. */
#include "engine/changelog.h"

#include <leadstream/lead_bytes.h>

enum { VERSION = 1 };

struct bytes changelog_lead_key(struct bytes lead, uint8_t *buffer) {
    MUST(lead.n > 0 && lead.n <= EVENT_MAX_LEAD);
    buffer[0] = CHANGELOG_LEAD;
    memcpy(buffer + 1, lead.at, lead.n);
    return (struct bytes){buffer, lead.n + 1};
}

bool changelog_forgotten(const struct lead *lead) {
    return lead->d.t == LEAD_NEVER;
}

size_t changelog_lead_room(const struct lead *lead) {
    return lead->n + LEAD_BYTES_OVERHEAD;
}

struct bytes changelog_lead_value(const struct lead *lead, const struct model *model, uint8_t *buffer, size_t n) {
    if (changelog_forgotten(lead))
        return (struct bytes){NULL, 0};
    struct writer w = writer_of(buffer, n);
    lead_bytes_write(lead, model, &w);
    MUST(w.ok);
    return writer_done(&w);
}

struct bytes changelog_erasure_key(const struct store *store, struct bytes lead, uint8_t *buffer) {
    buffer[0] = CHANGELOG_ERASURE;
    store->erasure_key(store->self, lead, buffer + 1);
    return (struct bytes){buffer, CHANGELOG_ERASURE_KEY};
}

struct bytes changelog_erasure_value(int64_t time, uint8_t *buffer) {
    struct writer w = writer_of(buffer, CHANGELOG_ERASURE_VALUE);
    writer_u64(&w, (uint64_t)time);
    return writer_done(&w);
}

bool changelog_erasure_read(struct bytes value, int64_t *time) {
    struct reader r = reader_of(value);
    *time = (int64_t)reader_u64(&r);
    return r.ok && !reader_left(&r);
}

struct bytes changelog_shard_value(const struct changelog_shard *record, uint8_t *buffer) {
    MUST(record->n <= ENGINE_MAX_TOPICS);
    struct writer w = writer_of(buffer, CHANGELOG_MAX_SHARD_RECORD);
    writer_u8(&w, VERSION);
    writer_u64(&w, record->model);
    writer_u64(&w, record->erasure_key);
    writer_u64(&w, (uint64_t)record->clock);
    writer_u16(&w, (uint16_t)record->n);
    for (uint32_t i = 0; i < record->n; i++) {
        writer_u64(&w, record->topics[i]);
        writer_u64(&w, (uint64_t)record->offsets[i]);
    }
    MUST(w.ok);
    return writer_done(&w);
}

bool changelog_shard_read(struct changelog_shard *record, struct bytes value, struct err *e) {
    struct reader r = reader_of(value);
    uint8_t version = reader_u8(&r);
    record->model = reader_u64(&r);
    record->erasure_key = reader_u64(&r);
    record->clock = (int64_t)reader_u64(&r);
    record->n = reader_u16(&r);
    if (!r.ok || version != VERSION || record->n > ENGINE_MAX_TOPICS)
        return err_set(e, ERR_CORRUPT, "", "the shard record has version %u and %zu bytes", version, value.n);
    for (uint32_t i = 0; i < record->n; i++) {
        record->topics[i] = reader_u64(&r);
        record->offsets[i] = (int64_t)reader_u64(&r);
        if (record->offsets[i] < 0)
            r.ok = false;
    }
    if (!r.ok || reader_left(&r))
        return err_set(e, ERR_CORRUPT, "", "the shard record of %u topics has %zu bytes", record->n, value.n);
    return true;
}
