/* The shards that a source has been assigned: each is one partition number, with its partition of every topic.
 *
 * Private to kafka_source. */
#ifndef LEADSTREAM_KAFKA_SHARDS_H
#define LEADSTREAM_KAFKA_SHARDS_H

#include "adapters/kafka_partition.h"

struct kafka_shard {
    uint32_t number;
    bool reading;                       /* sought; no longer paused */
    bool *present;                      /* by topic: it is in the assignment */
    int64_t *remembered;                /* by topic, under assign_all: what committed() says */
    struct kafka_partition *partitions; /* by topic */
};

struct kafka_shards {
    struct kafka_partition_pool *pool;
    const struct kafka_source_options *options;
    struct kafka_partition_topic topics[ENGINE_MAX_TOPICS];
    /* Asks for first offsets: on the consumer's connection each question would wait for a fetch that waits for
     * records. */
    struct kafka_client asker;
    int64_t asked;                  /* when it last did, ms */
    struct kafka_shard **by_number; /* NULL: not ours */
    uint32_t *ours;                 /* their numbers */
    size_t n;
    size_t n_torn;                  /* shards of this assignment that lack a topic and are not taken; one of them is */
    uint32_t torn_shard;            /* this, and lacks this topic; */
    size_t torn_topic;              /* in each assignment since then there was one: */
    int64_t torn_since;             /* clock_mono_ms, 0: there is none */
};

void kafka_shards_init(struct kafka_shards *shards, struct kafka_partition_pool *pool);
void kafka_shards_fini(struct kafka_shards *shards);

/* Takes an assignment: of a list of partitions those of whole shards, and opens their queues; the others are left out,
 * also of the list. Sets the list's offsets. False: *e names the topic; nothing is taken. */
bool kafka_shards_assign(struct kafka_shards *shards, rd_kafka_topic_partition_list_t *list, struct err *e);

/* Every assignment of a while (three of the session's time-outs) brought a shard without all its topics: false,
 * REFUSED. */
bool kafka_shards_look(const struct kafka_shards *shards, struct err *e);

/* Gives all back: messages and queues. Before the assignment itself is given up. */
void kafka_shards_drop(struct kafka_shards *shards);

/* Gives the asker up if it was not used for 10 s. */
void kafka_shards_rest(struct kafka_shards *shards);

/* The index of an input topic, -1: it is none. */
int kafka_shards_topic(const struct kafka_shards *shards, const char *name);

/* It must be ours. */
struct kafka_shard *kafka_shards_get(const struct kafka_shards *shards, uint32_t number);

/* The partitions of a shard by topic, ours or not; the caller destroys the list. */
rd_kafka_topic_partition_list_t *kafka_shards_list(const struct kafka_shards *shards, uint32_t number);

/* The stable committed offsets, the first ones, and reading from given ones, as in the port. */
bool kafka_shards_committed(struct kafka_shards *shards, uint32_t number, int64_t *offsets, struct err *e);
bool kafka_shards_first(struct kafka_shards *shards, uint32_t number, int64_t *offsets, struct err *e);
bool kafka_shards_seek(struct kafka_shards *shards, uint32_t number, const int64_t *offsets, struct err *e);

/* One partition that is read is fetched anew from where it stands. Nothing of it may be fetched and not taken. */
bool kafka_shards_again(struct kafka_shards *shards, uint32_t number, size_t topic, struct err *e);

#endif
