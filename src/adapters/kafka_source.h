/* The source port over Kafka: a consumer of the group, one queue for each partition, records decoded when
 * they are looked at.
 *
 * Forwarding of the partition queues is off, so that the engine picks among the heads of a shard's partitions. They are
 * assigned paused and start with the engine's seek(). */
#ifndef LEADSTREAM_KAFKA_SOURCE_H
#define LEADSTREAM_KAFKA_SOURCE_H

#include "adapters/kafka_conf.h"
#include "codec/decoder.h"
#include <leadstream/engine.h>

struct kafka_source_topic {
    const char *name;
    struct decoder_options decoder;
    bool trust_partition;   /* do not check that a lead's record is in the partition that its key gives */
};

struct kafka_source_options {
    struct kafka_conf conf;
    const struct kafka_source_topic *topics;
    size_t n_topics;
    uint32_t partitions;    /* of every topic (kafka_topics_check says how many) */
    int64_t future;         /* ms that an event may be past its record's timestamp */

    /* Fetches the schema with this id into the decoders' set; called on the worker's thread, NULL: no registry. False:
     * REJECT, there is no such schema; RETRY, asked again later while the partition waits. */
    bool (*fetch_schema)(void *registry, int64_t id, struct err *e);
    void *registry;

    /* Records of which a whole one is condemned are not decoded; the engine knows the same list. */
    const struct engine_condemned *condemned;
    size_t n_condemned;
    volatile struct engine_place *place; /* kept up to date while records are decoded; NULL: nobody wants to know */

    /* Without a group, for the mock broker: every shard is assigned at the first poll, and committed() answers what
     * the sink's last commit sent (the mock forgets it). */
    bool assign_all;
};

struct kafka_source;

/* Makes the consumer and, unless assign_all, joins the group at the first poll. Topics must exist. NULL: *e. */
struct kafka_source *kafka_source_new(const struct kafka_source_options *options, struct err *e);

/* Leaves nothing behind; no listener is called. With `leave` the seat in the group is given up at once, without it the
 * same instance finds it again within session.timeout.ms. Bounded: after a few seconds a client that does not end is
 * abandoned to the end of the process. Call kafka_sink_free first. */
void kafka_source_free(struct kafka_source **at, bool leave);

/* The port; valid as long as the source. */
struct source kafka_source_port(struct kafka_source *source);

/* Ends a poll() that waits. From any thread, or a signal handler. */
void kafka_source_wake(struct kafka_source *source);

/* Records between what was taken and the ends of the partitions, as far as known. */
int64_t kafka_source_lag(const struct kafka_source *source);

/* Partitions that may not be read, topics that are gone, and shards that lack a topic, for now. */
size_t kafka_source_unread(const struct kafka_source *source);

/* Partitions whose next record waits for its schema. */
size_t kafka_source_schema_waits(const struct kafka_source *source);

/* By code, how often something was in the way of reading; lent. */
const uint64_t *kafka_source_errors(const struct kafka_source *source);

/* The call of librdkafka's that it is in (kafka_client_inside), NULL: none; from any thread. */
const char *kafka_source_calling(const struct kafka_source *source);

/* For kafka_sink: the consumer (a rd_kafka_t), whose group metadata goes into transactions, and what committed() is to
 * say under assign_all. */
struct rd_kafka_s *kafka_source_consumer(struct kafka_source *source);
void kafka_source_remember(struct kafka_source *source, uint16_t topic, uint32_t shard, int64_t offset);

#endif
