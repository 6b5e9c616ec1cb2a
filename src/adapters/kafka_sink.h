/* The sink port over Kafka: a transactional producer, and the changelog read back.
 *
 * Errors of the transaction's calls, as the engine sees them:
 *   TIMEOUT, FULL    call the same again (send_offsets, commit: or abort; commit never follows a failed send_offsets);
 *   ABORTED, STALLED abort, then resync;
 *   FENCED           another producer has our transactional id: retire, or end;
 *   BROKER, AUTH     the producer is dead: retire, init again, resync;
 *   UNKNOWN_OUTCOME  of commit, after transaction.timeout.ms of TIMEOUTs: retire and resync.
 * abort() fails with those of a dead producer, and after a record that the broker refused: then retire. */
#ifndef LEADSTREAM_KAFKA_SINK_H
#define LEADSTREAM_KAFKA_SINK_H

#include "adapters/kafka_source.h"
#include <leadstream/engine.h>

enum kafka_sink_format {
    KAFKA_SINK_JSON,
    KAFKA_SINK_AVRO_SINGLE, /* single-object encoding: C3 01, fingerprint */
    KAFKA_SINK_AVRO_FRAMED  /* Confluent framing: 0, schema id */
};

struct kafka_sink_options {
    struct kafka_conf conf;
    struct kafka_source *source;    /* whose group the offsets are committed for */
    const char *const *inputs;      /* input topics by index, as the source has them */
    size_t n_inputs;
    const char *scores;
    const char *sales_ready;
    const char *dead_letters;
    const struct model *model;      /* names and worst sizes of what is published */
    enum kafka_sink_format format;
    int32_t schema_ids[3];          /* KAFKA_SINK_AVRO_FRAMED: by enum record_kind */
    bool cloudevents;               /* CloudEvents headers on scores and sales_ready */
    /* Called after each commit with what it took, from handing over the last records to the broker's answer. May be
     * NULL. */
    void (*committed)(void *host, double ms);
    void *host;
};

struct kafka_sink;

/* Makes no connection yet: init() of the port does. NULL: *e. */
struct kafka_sink *kafka_sink_new(const struct kafka_sink_options *options, struct err *e);
/* Bounded, as kafka_source_free. An open transaction is left to the broker, which aborts it. */
void kafka_sink_free(struct kafka_sink **at);

/* The port; valid as long as the sink. */
struct sink kafka_sink_port(struct kafka_sink *sink);

/* The call of librdkafka's that it is in (kafka_client_inside), NULL: none; from any thread. */
const char *kafka_sink_calling(const struct kafka_sink *sink);

struct kafka_sink_counts {
    uint64_t records, bytes;        /* produced, of all topics */
    uint64_t full;                  /* times that the queue was full */
    uint64_t cut;                   /* dead letters whose bytes were too many and were cut */
    uint64_t renewed;               /* producers made anew because a connection had closed */
};
const struct kafka_sink_counts *kafka_sink_counts(const struct kafka_sink *sink);

#endif
