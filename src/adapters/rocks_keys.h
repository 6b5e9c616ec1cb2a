/* Keys and small values of the store on disk, in one place so that the format can be read on one page.
 *
 *   column family    key                                             value
 *   default          "identity"                                      who the store belongs to (rocks_keys_identity)
 *   default          "shard" shard:u16be                             what is known of a shard (rocks_keys_shard)
 *   leads            shard:u16be build:u16be changelog key           the changelog's value
 *   timers           shard:u16be build:u16be due:u64be changelog key nothing
 *
 * due has its sign bit turned over, so that byte order is the order of time. A build is one making of a shard from its
 * changelog; only the build that the shard's record names is in force. Shard and build lead the key: a shard is one
 * range of both families and is dropped by one range deletion. */
#ifndef LEADSTREAM_ROCKS_KEYS_H
#define LEADSTREAM_ROCKS_KEYS_H

#include "engine/changelog.h"

enum {
    ROCKS_KEYS_FORMAT = 1, /* of all that stands on this page */
    ROCKS_KEYS_PREFIX = 4,
    ROCKS_KEYS_DUE = 8,
    ROCKS_KEYS_MAX = ROCKS_KEYS_PREFIX + ROCKS_KEYS_DUE + CHANGELOG_MAX_KEY,
    ROCKS_KEYS_MAX_SHARDS = 65536,
    ROCKS_KEYS_LAST_BUILD = 65534, /* so that every range has a first key past it */
    ROCKS_KEYS_MAX_NAME = 249      /* of an app, a generation, a cluster: what Kafka allows in a topic's name */
};

#define ROCKS_KEYS_IDENTITY "identity"
#define ROCKS_KEYS_SHARD "shard"

/* A key being made: up to the longest. */
struct rocks_key {
    uint8_t at[ROCKS_KEYS_MAX];
    size_t n;
};

/* One build of one shard. */
struct rocks_range {
    uint16_t shard;
    uint16_t build;
};

/* The first key of a range in either family, and the first past it. */
void rocks_keys_first(struct rocks_key *out, struct rocks_range range);
void rocks_keys_past(struct rocks_key *out, struct rocks_range range);
/* The range, and what follows it: a changelog key in `leads`, due and changelog key in `timers`. */
void rocks_keys_in(struct rocks_key *out, struct rocks_range range, struct bytes rest);
/* A timer's key in `timers`. */
void rocks_keys_timer(struct rocks_key *out, struct rocks_range range, int64_t due, struct bytes key);
/* Eight bytes that sort as the due time does. */
void rocks_keys_due(struct writer *w, int64_t due);
/* Takes a stored timer's key apart; key is lent. False: not such a key. */
bool rocks_keys_timer_read(struct bytes stored, int64_t *due, struct bytes *key);

/* The key of a shard's record, and back (false: another key). */
void rocks_keys_shard(struct rocks_key *out, uint16_t shard);
bool rocks_keys_shard_read(struct bytes stored, uint16_t *shard);

/* A shard's record: build in force u16, birth 16 bytes, birth_offset, from, upto, written i64 each, erasures u8. */
enum { ROCKS_KEYS_STATE = 2 + 16 + 4 * 8 + 1 };
void rocks_keys_state_write(struct writer *w, uint16_t build, const struct store_shard *state);
bool rocks_keys_state_read(struct bytes value, uint16_t *build, struct store_shard *state);

/* Whose a store is. Texts end with a zero; cluster is "" while no broker was ever asked. */
struct rocks_identity {
    uint32_t format;
    char app[ROCKS_KEYS_MAX_NAME + 1];
    char generation[ROCKS_KEYS_MAX_NAME + 1];
    char cluster[ROCKS_KEYS_MAX_NAME + 1];
};
enum { ROCKS_KEYS_MAX_IDENTITY = 4 + 3 * (2 + ROCKS_KEYS_MAX_NAME) };
void rocks_keys_identity_write(struct writer *w, const struct rocks_identity *identity);
/* False: not an identity. A newer format is read as far as its version; the rest is then empty. */
bool rocks_keys_identity_read(struct bytes value, struct rocks_identity *identity);

#endif
