/* A source and a sink over librdkafka's mock cluster or a real broker, built by hand for tests: JSON events, the
 * smallest model, and helpers that write and read topics past them. */
#ifndef LEADSTREAM_TESTS_KAFKA_RIG_H
#define LEADSTREAM_TESTS_KAFKA_RIG_H

#include "adapters/kafka_sink.h"
#include "adapters/kafka_source.h"
#include "adapters/murmur2.h"
#include "support/suite.h"

#include <librdkafka/rdkafka.h>

enum {
    RIG_TOPICS = 2,
    RIG_MAX_PROPERTIES = 16,
    RIG_PATIENCE = 30000 /* ms for what comes at once where the machine is not busy with other things */
};

/* A worker's two ports and what they are made of. Zeros, then rig_open. */
struct rig {
    const char *bootstrap;
    const char *prefix;             /* of all names, so that tests do not meet on a broker */
    const char *instance;           /* NULL: "test" */
    bool group;                     /* join a group; else all shards are assigned */
    uint32_t partitions;
    struct kafka_conf_property extra[RIG_MAX_PROPERTIES]; /* more properties */
    size_t n_extra;
    bool no_transactions;
    struct schemas *schemas;        /* the inputs are Avro then, and unknown schemas are fetched: */
    bool (*fetch_schema)(void *registry, int64_t id, struct err *e);

    char names[6][128];             /* input 0, input 1, scores, sales-ready, dead-letters, changelog */
    struct kafka_source *owned_source;
    struct kafka_sink *owned_sink;
    struct source source;
    struct sink sink;
    struct model model;
    struct mapping mapping;
    struct kafka_source_options source_options;
    struct kafka_sink_options sink_options;
    struct kafka_source_topic topics[RIG_TOPICS];
    const char *inputs[RIG_TOPICS];
    struct kafka_conf_property properties[RIG_MAX_PROPERTIES + 1];

    rd_kafka_t *world;              /* the producer of rig_produce, made when first needed */

    struct source_listener listener; /* what poll() tells: */
    uint32_t shards[64];
    size_t n_shards;
    unsigned assigned, revoked;
    bool lost;
    void (*on_revoked)(struct rig *rig); /* NULL: nothing is done inside the callback */
};

enum { RIG_INPUT_A, RIG_INPUT_B, RIG_SCORES, RIG_SALES_READY, RIG_DEAD_LETTERS, RIG_CHANGELOG, RIG_NAMES };

/* Two partitions and a group, on the broker that LEADSTREAM_KAFKA names. */
struct rig rig_on_broker(const char *prefix, const char *instance);
/* Fills the names; rig_open does it too. */
void rig_names(struct rig *rig);
void rig_open(struct rig *rig);
void rig_close(struct rig *rig, bool leave);

/* Polls until shards are assigned. */
void rig_join(struct rig *rig);
/* The sink's init, as often as a broker that is busy wants it. */
void rig_init(struct rig *rig);
/* Seeks all shards to offset 0. */
void rig_rewind(struct rig *rig);
/* Polls until the head of (topic, shard) is no longer `not`, at most ms. */
enum source_head rig_head(struct rig *rig, uint16_t topic, uint32_t shard, const struct intake **item,
                          enum source_head not, int ms);

/* Makes the rig's topics, or one more, on a real broker. */
void rig_create_all(struct rig *rig);
void rig_create(const struct rig *rig, const char *topic, uint32_t partitions, const char *property,
                const char *value);

/* An event line of a lead; returns text. */
const char *rig_event(char text[256], const char *lead, const char *id, int64_t time);
/* Appends a record as a producer of the world would, and waits: key and value of text (NULL: null), partition -1: by
 * key. */
void rig_produce(struct rig *rig, const char *topic, int32_t partition, const char *key, const char *value);
/* A record of any bytes, without a key. */
void rig_produce_bytes(struct rig *rig, const char *topic, int32_t partition, struct bytes value);
/* The same with a header. */
void rig_produce_beside(struct rig *rig, const char *topic, int32_t partition, struct bytes value, const char *header,
                        struct bytes header_value);
/* The same n times in one go: values "v0", "v1" .. under keys "k0", "k1" .. */
void rig_fill(struct rig *rig, const char *topic, int32_t partition, size_t n);
/* Reads a partition from its start to its end with the isolation level; returns the count and the last record's
 * key, value and offset (buffers of 256 bytes, or NULL). */
size_t rig_read(const struct rig *rig, const char *topic, int32_t partition, const char *isolation, char *key,
                char *value);
/* Reads until there are n records or more: a record is sent, and a commit seen, some time after the call. */
void rig_await(const struct rig *rig, const char *topic, int32_t partition, const char *isolation, size_t n);
/* A header of the first record of a partition that has one, as text; "" if there is none. */
const char *rig_header(const struct rig *rig, const char *topic, int32_t partition, const char *name, char text[256]);

/* A lead whose key belongs to the partition. */
const char *rig_lead(char text[32], uint32_t partition, uint32_t partitions);

#endif
