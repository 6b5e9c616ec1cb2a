/* One setting of the tests of the engine: a world with its events, a store that can fail, an engine. */
#ifndef LEADSTREAM_TESTS_SETTING_H
#define LEADSTREAM_TESTS_SETTING_H

#include "adapters/plain_store.h"
#include "support/faulty_store.h"
#include "support/world.h"

#define SETTING_START INT64_C(1780000000000)
enum { SETTING_TOPICS = 2, SETTING_SHARDS = 2, SETTING_LEADS = 6, SETTING_MAX_TURNS = 20000 };

struct setting {
    struct model *model;
    struct world *world;
    struct plain_store *disk;
    struct erasure *erasure;
    struct source source;
    struct sink sink;
    struct store store;
    struct faulty_store faulty; /* between the engine and the disk */
    struct bytes topics[SETTING_TOPICS];
    struct engine *engine;
    int64_t mono;
    size_t max_events, cache_bytes;
    int64_t wall;           /* what the wall clock says; it stands */
    int64_t stale_after;    /* as in the engine's options */
    uint64_t erasure_key;
    const struct engine_condemned *condemned; /* what the engine is told of before its start; lent */
    size_t n_condemned;
    volatile struct engine_place place;
    struct engine_counts counts; /* of the engine that setting_finish() stopped */
    uint64_t told[ENGINE_RESYNC + 1]; /* how often the engines told of each event */
    struct err last_condemned;
};

/* Compiles a model's text; to be freed. */
struct model *setting_model(const char *text);

/* The same seed gives the same events; odd ones have late events too. */
void setting_init(struct setting *s, uint64_t seed);
void setting_fini(struct setting *s);
/* Makes the engine, of the setting as it is now. */
void setting_start(struct setting *s);
/* Events of a few leads over days, some sent twice, some late, rubbish among them, an erasure. */
void setting_fill(struct world *world, uint64_t seed, bool late);
/* One turn of the engine, 10 ms long. */
bool setting_turn(struct setting *s, struct err *e);
/* The process dies, and is started again; `wipe`: on an empty disk. */
void setting_crash(struct setting *s, bool wipe);
/* Turns until all is read and the clock has come to the wall. */
void setting_finish(struct setting *s);

/* Outputs and last values as one text; the caller frees. */
char *setting_result(const struct setting *s);
/* The outputs of a run that nothing disturbs, to be freed, and how many calls it takes (NULL: never mind). */
char *setting_undisturbed(uint64_t seed, uint64_t *calls);
/* Compares the outputs; says which call was disturbed. */
void setting_same(const struct setting *s, const char *expected, const char *how, uint64_t n);

#endif
