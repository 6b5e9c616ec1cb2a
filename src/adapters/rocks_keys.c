/* Keys and small values of the store on disk; the format is in the header. */
#include "adapters/rocks_keys.h"

#define SIGN (UINT64_C(1) << 63)

static struct writer start(struct rocks_key *out) {
    return writer_of(out->at, sizeof out->at);
}

static void finish(struct rocks_key *out, const struct writer *w) {
    MUST(w->ok);
    out->n = writer_done(w).n;
}

static void write_range(struct writer *w, struct rocks_range range) {
    writer_u16be(w, range.shard);
    writer_u16be(w, range.build);
}

void rocks_keys_first(struct rocks_key *out, struct rocks_range range) {
    struct writer w = start(out);
    write_range(&w, range);
    finish(out, &w);
}

void rocks_keys_past(struct rocks_key *out, struct rocks_range range) {
    struct writer w = start(out);
    MUST(range.build <= ROCKS_KEYS_LAST_BUILD);
    writer_u32be(&w, ((uint32_t)range.shard << 16 | range.build) + 1);
    finish(out, &w);
}

void rocks_keys_in(struct rocks_key *out, struct rocks_range range, struct bytes rest) {
    struct writer w = start(out);
    write_range(&w, range);
    writer_bytes(&w, rest.at, rest.n);
    finish(out, &w);
}

void rocks_keys_timer(struct rocks_key *out, struct rocks_range range, int64_t due, struct bytes key) {
    struct writer w = start(out);
    write_range(&w, range);
    rocks_keys_due(&w, due);
    writer_bytes(&w, key.at, key.n);
    finish(out, &w);
}

void rocks_keys_due(struct writer *w, int64_t due) {
    writer_u64be(w, (uint64_t)due ^ SIGN);
}

bool rocks_keys_timer_read(struct bytes stored, int64_t *due, struct bytes *key) {
    struct reader r = reader_of(stored);
    reader_bytes(&r, ROCKS_KEYS_PREFIX);
    *due = (int64_t)(reader_u64be(&r) ^ SIGN);
    *key = reader_bytes(&r, reader_left(&r));
    return r.ok && key->n > 0;
}

void rocks_keys_shard(struct rocks_key *out, uint16_t shard) {
    struct writer w = start(out);
    writer_bytes(&w, ROCKS_KEYS_SHARD, strlen(ROCKS_KEYS_SHARD));
    writer_u16be(&w, shard);
    finish(out, &w);
}

bool rocks_keys_shard_read(struct bytes stored, uint16_t *shard) {
    struct reader r = reader_of(stored);
    bool named = bytes_is(reader_bytes(&r, strlen(ROCKS_KEYS_SHARD)), ROCKS_KEYS_SHARD);
    *shard = reader_u16be(&r);
    return named && r.ok && reader_left(&r) == 0;
}

void rocks_keys_state_write(struct writer *w, uint16_t build, const struct store_shard *state) {
    writer_u16(w, build);
    writer_bytes(w, state->birth, sizeof state->birth);
    writer_u64(w, (uint64_t)state->birth_offset);
    writer_u64(w, (uint64_t)state->from);
    writer_u64(w, (uint64_t)state->upto);
    writer_u64(w, (uint64_t)state->written);
    writer_u8(w, state->erasures);
    MUST(w->ok);
}

bool rocks_keys_state_read(struct bytes value, uint16_t *build, struct store_shard *state) {
    struct reader r = reader_of(value);
    *state = (struct store_shard){.known = true};
    *build = reader_u16(&r);
    struct bytes birth = reader_bytes(&r, sizeof state->birth);
    if (birth.n)
        memcpy(state->birth, birth.at, birth.n);
    state->birth_offset = (int64_t)reader_u64(&r);
    state->from = (int64_t)reader_u64(&r);
    state->upto = (int64_t)reader_u64(&r);
    state->written = (int64_t)reader_u64(&r);
    state->erasures = reader_u8(&r) != 0;
    return r.ok && reader_left(&r) == 0;
}

static void write_name(struct writer *w, const char *name) {
    size_t n = strlen(name);
    MUST(n <= ROCKS_KEYS_MAX_NAME);
    writer_u16(w, (uint16_t)n);
    writer_bytes(w, name, n);
}

static bool read_name(struct reader *r, char *out) {
    struct bytes name = reader_bytes(r, reader_u16(r));
    if (name.n > ROCKS_KEYS_MAX_NAME)
        return false;
    if (name.n)
        memcpy(out, name.at, name.n);
    out[name.n] = 0;
    return r->ok;
}

void rocks_keys_identity_write(struct writer *w, const struct rocks_identity *identity) {
    writer_u32(w, identity->format);
    write_name(w, identity->app);
    write_name(w, identity->generation);
    write_name(w, identity->cluster);
    MUST(w->ok);
}

bool rocks_keys_identity_read(struct bytes value, struct rocks_identity *identity) {
    struct reader r = reader_of(value);
    memset(identity, 0, sizeof *identity);
    identity->format = reader_u32(&r);
    if (!r.ok || identity->format > ROCKS_KEYS_FORMAT)
        return r.ok;
    return read_name(&r, identity->app) && read_name(&r, identity->generation) && read_name(&r, identity->cluster) &&
           reader_left(&r) == 0;
}
