/* The offsets of a transaction: how far the inputs are read once it is committed, and the group that says so.
 *
 * Private to kafka_sink. */
#ifndef LEADSTREAM_KAFKA_OFFSETS_H
#define LEADSTREAM_KAFKA_OFFSETS_H

#include "adapters/kafka_client.h"
#include "adapters/kafka_sink.h"

struct kafka_offsets {
    const struct kafka_sink_options *options;
    struct kafka_client *client;               /* the producer's */
    rd_kafka_consumer_group_metadata_t *group; /* as it was when the transaction began, NULL: none is open */
    rd_kafka_topic_partition_list_t *list;     /* by shard and topic; NULL: not set */
};

/* A transaction begins: the group as it is now. */
void kafka_offsets_begin(struct kafka_offsets *offsets);

/* Which they are: for each of n shards those of all topics. */
void kafka_offsets_set(struct kafka_offsets *offsets, const struct sink_offsets *shards, size_t n);
/* Into the open transaction. TIMEOUT: call again. */
bool kafka_offsets_send(struct kafka_offsets *offsets, struct err *e);
/* Benchmark only: committed by the consumer itself, in no transaction. */
bool kafka_offsets_commit(struct kafka_offsets *offsets, struct err *e);
/* They are committed: the source is told. */
void kafka_offsets_remember(const struct kafka_offsets *offsets);

/* The transaction is over, or given up. */
void kafka_offsets_forget(struct kafka_offsets *offsets);

#endif
