/* Keys and small values of the changelog. Keys are also the store's keys within a shard: one byte says what follows.
 *   'L' + lead id          a lead's value (lead_bytes); tombstone: forgotten
 *   'E' + 16 bytes         an erasure: keyed hash of a lead's id -> time, i64 little endian; never deleted
 *   'S'                    the shard record: what the shard's last batch was
 *   'B'                    the birth record: 16 random bytes, the first of a changelog partition */
#ifndef LEADSTREAM_CHANGELOG_H
#define LEADSTREAM_CHANGELOG_H

#include <leadstream/engine.h>

enum { CHANGELOG_LEAD = 'L', CHANGELOG_ERASURE = 'E', CHANGELOG_SHARD = 'S', CHANGELOG_BIRTH = 'B' };
enum {
    CHANGELOG_MAX_KEY = 1 + EVENT_MAX_LEAD,
    CHANGELOG_ERASURE_KEY = 1 + 16,
    CHANGELOG_MAX_SHARD_RECORD = 64 + ENGINE_MAX_TOPICS * 16
};

/* The key of a lead, in a buffer of CHANGELOG_MAX_KEY bytes. */
struct bytes changelog_lead_key(struct bytes lead, uint8_t *buffer);

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
void changelog_shard_write(const struct changelog_shard *record, struct writer *w);
/* Total: any bytes give a record or ERR_CORRUPT. */
NODISCARD bool changelog_shard_read(struct changelog_shard *record, struct bytes value, struct err *e);

/* The time in an erasure's value; false: not such a value. */
NODISCARD bool changelog_erasure_read(struct bytes value, int64_t *time);

#endif
