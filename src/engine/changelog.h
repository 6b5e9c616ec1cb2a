/* Keys of the changelog, which are also the store's keys within a shard: one byte says what follows.
 *   'L' + lead id          a lead's value (lead_bytes); tombstone: forgotten
 *   'E' + 16 bytes         an erasure: keyed hash of a lead's id -> time, i64 little endian; never deleted
 *   'S'                    the shard record: input offsets, clock, generation, model, erasure key
 *   'B'                    the birth record: 16 random bytes, the first of a changelog partition */
#ifndef LEADSTREAM_CHANGELOG_H
#define LEADSTREAM_CHANGELOG_H

#include <leadstream/engine.h>

enum { CHANGELOG_LEAD = 'L', CHANGELOG_ERASURE = 'E', CHANGELOG_SHARD = 'S', CHANGELOG_BIRTH = 'B' };
enum { CHANGELOG_MAX_KEY = 1 + EVENT_MAX_LEAD };

#endif
