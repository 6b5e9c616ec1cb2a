/* Every function passes on; those that can fail are counted. */
#include "support/faulty_store.h"

void faulty_store_fail(struct faulty_store *faulty, uint64_t n, enum err_code code, bool after) {
    faulty->fail_at = n ? faulty->calls + n : 0;
    faulty->code = code;
    faulty->after = after;
}

/* Counts a call; true where it fails before its effect. */
static bool fails(struct faulty_store *faulty, struct err *e) {
    return ++faulty->calls == faulty->fail_at && !faulty->after &&
           !err_set(e, faulty->code, "store", "call %llu fails", (unsigned long long)faulty->calls);
}

/* The end of a call. */
static bool ends(struct faulty_store *faulty, bool good, struct err *e) {
    if (!good || faulty->calls != faulty->fail_at || !faulty->after)
        return good;
    return err_set(e, faulty->code, "store", "call %llu fails after its effect", (unsigned long long)faulty->calls);
}

static bool port_open(void *self, uint32_t shard, struct store_shard *state, struct err *e) {
    struct faulty_store *f = self;
    return !fails(f, e) && f->inner.open(f->inner.self, shard, state, e); /* a failed open has no effect */
}

static void port_close(void *self, uint32_t shard) {
    struct faulty_store *f = self;
    f->inner.close(f->inner.self, shard);
}

static bool port_load(void *self, uint32_t shard, const struct bytes *keys, size_t n, struct bytes *values,
                      struct err *e) {
    struct faulty_store *f = self;
    return !fails(f, e) && ends(f, f->inner.load(f->inner.self, shard, keys, n, values, e), e);
}

static bool port_write(void *self, uint32_t shard, const struct store_put *puts, size_t n,
                       const struct store_shard *state, struct err *e) {
    struct faulty_store *f = self;
    return !fails(f, e) && ends(f, f->inner.write(f->inner.self, shard, puts, n, state, e), e);
}

static bool port_due(void *self, uint32_t shard, int64_t until, struct store_due *out, size_t max, size_t *n,
                     struct err *e) {
    struct faulty_store *f = self;
    return !fails(f, e) && ends(f, f->inner.due(f->inner.self, shard, until, out, max, n, e), e);
}

static bool port_build(void *self, uint32_t shard, struct err *e) {
    struct faulty_store *f = self;
    return !fails(f, e) && ends(f, f->inner.build(f->inner.self, shard, e), e);
}

static bool port_build_put(void *self, uint32_t shard, const struct store_put *puts, size_t n, struct err *e) {
    struct faulty_store *f = self;
    return !fails(f, e) && ends(f, f->inner.build_put(f->inner.self, shard, puts, n, e), e);
}

static bool port_build_done(void *self, uint32_t shard, const struct store_shard *state, struct err *e) {
    struct faulty_store *f = self;
    return !fails(f, e) && f->inner.build_done(f->inner.self, shard, state, e); /* done is done */
}

static void port_erasure_key(void *self, struct bytes lead, uint8_t out[16]) {
    struct faulty_store *f = self;
    f->inner.erasure_key(f->inner.self, lead, out);
}

struct store faulty_store_port(struct faulty_store *faulty) {
    return (struct store){faulty,   port_open,  port_close,     port_load,       port_write,
                          port_due, port_build, port_build_put, port_build_done, port_erasure_key};
}
