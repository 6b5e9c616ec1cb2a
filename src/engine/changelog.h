/* Keys and values of the changelog. Keys are also the store's keys within a shard: one byte says what follows.
 *   'L' + lead id          a lead's value (lead_bytes); tombstone: forgotten
 *   'E' + 16 bytes         an erasure: keyed hash of a lead's id -> time, i64 little endian; never deleted
 *   'S'                    the shard record: what the shard's last batch was
 *   'B'                    the birth record: 16 random bytes, the first of a changelog partition */
#ifndef LEADSTREAM_CHANGELOG_H
#define LEADSTREAM_CHANGELOG_H

#include <leadstream/engine.h>
#include <leadstream/lead.h>

enum { CHANGELOG_LEAD = 'L', CHANGELOG_ERASURE = 'E', CHANGELOG_SHARD = 'S', CHANGELOG_BIRTH = 'B' };
enum {
    CHANGELOG_MAX_KEY = 1 + EVENT_MAX_LEAD,
    CHANGELOG_ERASURE_KEY = 1 + 16,
    CHANGELOG_ERASURE_VALUE = 8,
    CHANGELOG_MAX_SHARD_RECORD = 64 + ENGINE_MAX_TOPICS * 16
};

/* The key of a lead, in a buffer of CHANGELOG_MAX_KEY bytes. */
struct bytes changelog_lead_key(struct bytes lead, uint8_t *buffer);
/* Its value, in a buffer of n bytes, changelog_lead_room() or more; at == NULL, a tombstone: nothing is remembered of
 * the lead. */
struct bytes changelog_lead_value(const struct lead *lead, const struct model *model, uint8_t *buffer, size_t n);
size_t changelog_lead_room(const struct lead *lead);
bool changelog_forgotten(const struct lead *lead);

/* The key of a lead's erasure, in a buffer of CHANGELOG_ERASURE_KEY bytes; its value, of CHANGELOG_ERASURE_VALUE. */
struct bytes changelog_erasure_key(const struct store *store, struct bytes lead, uint8_t *buffer);
struct bytes changelog_erasure_value(int64_t time, uint8_t *buffer);
/* The time in an erasure's value; false: not such a value. */
NODISCARD bool changelog_erasure_read(struct bytes value, int64_t *time);

/* The shard record. Topics are named by the hash of their names, so that their order in a configuration does not
 * matter. */
struct changelog_shard {
    uint64_t model;             /* fingerprint */
    uint64_t erasure_key;       /* fingerprint of the key that erased leads are hashed with */
    int64_t clock;              /* ms; LEAD_NEVER: not started */
    uint32_t n;                 /* input topics */
    uint64_t topics[ENGINE_MAX_TOPICS];
    int64_t offsets[ENGINE_MAX_TOPICS]; /* next to read */
};
/* Its value, in a buffer of CHANGELOG_MAX_SHARD_RECORD bytes. */
struct bytes changelog_shard_value(const struct changelog_shard *record, uint8_t *buffer);
/* Total: any bytes give a record or ERR_CORRUPT. */
NODISCARD bool changelog_shard_read(struct changelog_shard *record, struct bytes value, struct err *e);

#endif
