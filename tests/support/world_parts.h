/* The insides of the world in memory: shared by what makes it go (world.c) and what it loses (world_losses.c). */
#ifndef LEADSTREAM_TESTS_WORLD_PARTS_H
#define LEADSTREAM_TESTS_WORLD_PARTS_H

#include "support/world.h"

enum { MAX_SHARDS = 8, MAX_FIELDS = 8 };

struct input {
    struct intake item;
    struct event_field fields[MAX_FIELDS];
    struct err err;
    char *text; /* owns what the slices point to */
};

enum fate { OPEN, COMMITTED, ABORTED };

struct entry {
    uint8_t *key, *value;
    size_t n_key, n_value;
    bool tombstone, marker;
    enum fate fate;
};

struct line {
    char *lead, *text;
    enum fate fate;
};

struct log {
    struct entry *at;
    size_t n, cap;
};

struct world {
    uint16_t topics;
    uint32_t shards;
    struct {
        struct input **at;
        size_t n, cap;
        size_t position; /* of the source */
        bool waits;      /* for a release, in the middle of an array */
    } inputs[ENGINE_MAX_TOPICS][MAX_SHARDS];
    int64_t offsets[ENGINE_MAX_TOPICS][MAX_SHARDS];
    int64_t pending[ENGINE_MAX_TOPICS][MAX_SHARDS]; /* in the open transaction; ENGINE_NO_OFFSET: none */
    struct log logs[MAX_SHARDS];
    int64_t log_ends[MAX_SHARDS]; /* after the last commit */
    struct line *lines;
    size_t n_lines, cap_lines;
    bool assigned, init, open;
    int rebalance; /* 1: revoke at the next poll, 2: as lost */
    uint32_t read_shard;
    size_t read_at;
    bool reading;
    bool dead;      /* the producer was fenced: nothing but retire() helps */
    bool late;      /* the next commit is in flight for long */
    bool in_flight; /* it is: neither init() nor abort() of whoever comes now can stop it */
    bool gone;      /* in a callback that says that shards are lost: nothing may be committed */
    bool hidden[ENGINE_MAX_TOPICS];        /* nothing of the topic has been fetched yet */
    size_t firsts[ENGINE_MAX_TOPICS][MAX_SHARDS]; /* what retention left of the inputs */
    size_t log_firsts[MAX_SHARDS];         /* and of the changelogs */
    int64_t clocks[MAX_SHARDS];            /* of the last committed shard records */
    uint64_t calls, fail_at;
    enum err_code fail_code;
    bool fail_after;
    enum world_call broken;
    enum err_code broken_code;
    bool cramped;
    const char *refused; /* no record of a cause that begins so is taken, NULL: all are */
};

#endif
