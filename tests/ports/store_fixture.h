/* What the tests of the store port share: a store of either kind, short words for puts, a directory of their own. */
#ifndef LEADSTREAM_TESTS_STORE_FIXTURE_H
#define LEADSTREAM_TESTS_STORE_FIXTURE_H

#include "adapters/plain_store.h"
#include "adapters/rocks_store.h"
#include "support/suite.h"

enum fixture_kind { FIXTURE_PLAIN, FIXTURE_ROCKS, FIXTURE_KINDS };

struct fixture {
    enum fixture_kind kind;
    char path[256]; /* store.path of a rocks_store */
    struct rocks_store_options options;
    struct erasure *erasure;
    struct plain_store *plain;
    struct rocks_store *rocks;
    struct store a; /* ports of two workers */
    struct store b;
};

/* A store of this kind, empty. */
void fixture_init(struct fixture *f, enum fixture_kind kind);
/* Also removes the directory. */
void fixture_fini(struct fixture *f);
/* Closes the store and opens it again (in memory: lets the shards go). */
void fixture_reopen(struct fixture *f);
/* Opens the store on disk; its ports are in a and b. */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);

/* An empty directory of our own; and away with one and all that is in it. */
void fixture_directory(char path[256]);
void fixture_remove(const char *path);

/* A put of texts: value NULL deletes. The texts are lent. */
struct store_put fixture_put(const char *key, const char *value, int64_t due, int64_t old_due);
/* Opens a shard that must be free; writes puts with a state of `upto`. */
struct store_shard fixture_take(struct store *s, uint32_t shard);
void fixture_write(struct store *s, uint32_t shard, const struct store_put *puts, size_t n, int64_t upto);
/* Checks that the key has this value; NULL: none. */
void fixture_expect(struct store *s, uint32_t shard, const char *key, const char *value);
/* Checks the timers due until then: "5 La, 7 Lb". */
void fixture_expect_due(struct store *s, uint32_t shard, int64_t until, const char *timers);

#endif
