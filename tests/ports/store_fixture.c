/* A store of either kind for tests. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "store_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void fixture_directory(char path[256]) {
    const char *parent = getenv("TMPDIR");
    snprintf(path, 256, "%s/leadstream-store-XXXXXX", parent ? parent : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

void fixture_remove(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_init(struct fixture *f, enum fixture_kind kind) {
    memset(f, 0, sizeof *f);
    f->kind = kind;
    f->erasure = erasure_new(NULL, NULL);
    if (kind == FIXTURE_PLAIN) {
        f->plain = plain_store_new(f->erasure);
        f->a = plain_store_port(f->plain, 0);
        f->b = plain_store_port(f->plain, 1);
        return;
    }
    fixture_directory(f->path);
    f->options = (struct rocks_store_options){.path = f->path,
                                              .app = "leadstream",
                                              .generation = "g1",
                                              .cluster_id = "cluster-1",
                                              .memory = (size_t)16 << 20,
                                              .erasure = f->erasure};
    fixture_open(f);
}

void fixture_fini(struct fixture *f) {
    plain_store_free(&f->plain);
    rocks_store_close(&f->rocks);
    erasure_free(&f->erasure);
    if (f->kind == FIXTURE_ROCKS)
        fixture_remove(f->path);
}

void fixture_open(struct fixture *f) {
    struct err e = {.code = ERR_NONE};
    f->rocks = rocks_store_open(&f->options, &e);
    ck_assert_msg(f->rocks != NULL, "%s: %s", e.where, e.words);
    f->a = rocks_store_port(f->rocks, 0);
    f->b = rocks_store_port(f->rocks, 1);
}

void fixture_close(struct fixture *f) {
    rocks_store_close(&f->rocks);
}

void fixture_reopen(struct fixture *f) {
    if (f->kind == FIXTURE_PLAIN) {
        plain_store_crash(f->plain);
        return;
    }
    fixture_close(f);
    fixture_open(f);
}

struct store_put fixture_put(const char *key, const char *value, int64_t due, int64_t old_due) {
    return (struct store_put){bytes_of(key), value ? bytes_of(value) : (struct bytes){NULL, 0}, due, old_due};
}

struct store_shard fixture_take(struct store *s, uint32_t shard) {
    struct store_shard state;
    struct err e = {.code = ERR_NONE};
    ck_assert_msg(s->open(s->self, shard, &state, &e), "%s: %s", e.where, e.words);
    return state;
}

void fixture_write(struct store *s, uint32_t shard, const struct store_put *puts, size_t n, int64_t upto) {
    struct store_shard state = {.known = true, .birth = {1, 2, 3}, .from = upto / 2, .upto = upto, .written = 77};
    struct err e = {.code = ERR_NONE};
    ck_assert_msg(s->write(s->self, shard, puts, n, &state, &e), "%s: %s", e.where, e.words);
}

void fixture_expect(struct store *s, uint32_t shard, const char *key, const char *value) {
    struct bytes name = bytes_of(key), found;
    struct err e = {.code = ERR_NONE};
    ck_assert_msg(s->load(s->self, shard, &name, 1, &found, &e), "%s: %s", e.where, e.words);
    if (value) {
        ck_assert_msg(found.at != NULL, "%s is not there", key);
        ck_assert_bytes_eq(found, value);
    } else {
        ck_assert_msg(found.at == NULL, "%s is there: \"%.*s\"", key, (int)found.n, (const char *)found.at);
    }
}

void fixture_expect_due(struct store *s, uint32_t shard, int64_t until, const char *timers) {
    struct store_due out[16];
    size_t n, length = 0;
    char said[512] = "";
    struct err e = {.code = ERR_NONE};
    ck_assert_msg(s->due(s->self, shard, until, out, 16, &n, &e), "%s: %s", e.where, e.words);
    for (size_t i = 0; i < n; i++)
        length += (size_t)snprintf(said + length, sizeof said - length, "%s%lld %.*s", i ? ", " : "",
                                   (long long)out[i].due, (int)out[i].key.n, (const char *)out[i].key.at);
    ck_assert_str_eq(said, timers);
}
