/* Any bytes as the small keys and values of changelog and store: refused, or written again as they were. The first byte
 * says as what. A lead's value has a target of its own. */
#include "adapters/rocks_keys.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64 * 1024 };
static uint8_t again[ROOM];

static void shard_record(struct bytes b) {
    struct changelog_shard record;
    struct err e = {.code = ERR_NONE};
    if (changelog_shard_read(&record, b, &e))
        MUST(bytes_equal(changelog_shard_value(&record, again), b));
    else
        MUST(e.code == ERR_CORRUPT);
}

static void state(struct bytes b) {
    uint16_t build;
    struct store_shard shard;
    struct writer w = writer_of(again, ROOM);
    if (!rocks_keys_state_read(b, &build, &shard))
        return;
    rocks_keys_state_write(&w, build, &shard);
    MUST(w.ok && writer_done(&w).n == b.n);
}

static void identity(struct bytes b) {
    struct rocks_identity read;
    struct writer w = writer_of(again, ROOM);
    if (!rocks_keys_identity_read(b, &read) || read.format > ROCKS_KEYS_FORMAT)
        return;
    MUST(strlen(read.app) <= ROCKS_KEYS_MAX_NAME && strlen(read.cluster) <= ROCKS_KEYS_MAX_NAME);
    rocks_keys_identity_write(&w, &read);
    MUST(w.ok && writer_done(&w).n <= ROCKS_KEYS_MAX_IDENTITY);
}

static void keys(struct bytes b) {
    int64_t due, time;
    uint16_t shard;
    struct bytes key;
    if (rocks_keys_timer_read(b, &due, &key)) {
        MUST(key.n <= b.n);
        struct writer w = writer_of(again, ROOM);
        rocks_keys_due(&w, due);
        MUST(w.ok && writer_done(&w).n == ROCKS_KEYS_DUE);
    }
    if (rocks_keys_shard_read(b, &shard)) {
        struct rocks_key made;
        rocks_keys_shard(&made, shard);
        MUST(bytes_equal((struct bytes){made.at, made.n}, b));
    }
    MUST(changelog_erasure_read(b, &time) == (b.n == 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const ways[])(struct bytes) = {shard_record, state, identity, keys};
    if (size)
        ways[data[0] % (sizeof ways / sizeof *ways)]((struct bytes){data + 1, size - 1});
    return 0;
}
