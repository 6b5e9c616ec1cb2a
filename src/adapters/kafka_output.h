/* What the sink produces: records, tombstones, dead letters, changelog entries, each on its topic.
 *
 * Private to kafka_sink. Buffers for encoding are kept; librdkafka copies what it is given. */
#ifndef LEADSTREAM_KAFKA_OUTPUT_H
#define LEADSTREAM_KAFKA_OUTPUT_H

#include "adapters/kafka_client.h"
#include "adapters/kafka_sink.h"
#include "adapters/kafka_stage.h"
#include "codec/record_json.h"

struct kafka_output {
    const struct kafka_sink_options *options;
    rd_kafka_t *rk;
    rd_kafka_topic_t *scores, *sales_ready, *dead_letters, *changelog;
    int32_t dead_letter_partitions;
    struct kafka_stage *staged_scores, *staged_sales_ready, *staged_changelog;
    size_t max_record;          /* bytes that librdkafka takes */
    bool refused;               /* the broker refused records by their size: from now on each goes alone */
    bool alone;                 /* this producer sends each alone */
    size_t too_much[4];         /* bytes of key and value that a topic did not take, 0: not known. By kafka_output.c */
    uint8_t *scratch;           /* an Avro value with its framing */
    size_t n_scratch;
    struct text text;           /* a JSON value */
    unsigned unpolled;          /* records since delivery reports were last served */
    struct kafka_sink_counts counts;
};

/* Makes the topics' handles and asks for their metadata, so that the first commit does not wait for it. False: a topic
 * is missing, or the broker does not answer. */
bool kafka_output_open(struct kafka_output *output, rd_kafka_t *rk, struct err *e);
/* Gives the handles back (not the buffers). */
void kafka_output_close(struct kafka_output *output);
void kafka_output_fini(struct kafka_output *output);

/* The broker refused this record by its size, or by the size of the batch that it was in. Where each goes alone it is
 * known which are too large: from then on they are refused before they are sent. */
void kafka_output_refused(struct kafka_output *output, const rd_kafka_message_t *message);

/* Hands over what is still gathered; before the transaction's offsets. FULL: call again. */
bool kafka_output_flush(struct kafka_output *output, struct err *e);
/* Forgets it: the transaction is given up. */
void kafka_output_drop(struct kafka_output *output);

/* Those of the port. FULL: call again. */
bool kafka_output_record(struct kafka_output *output, const struct record *record, struct err *e);
bool kafka_output_forget(struct kafka_output *output, struct bytes lead, struct err *e);
bool kafka_output_dead_letter(struct kafka_output *output, const struct intake *item, const struct err *why,
                              struct err *e);
/* The delivery report of a shard record carries shard + 1, that of any other record NULL. */
bool kafka_output_log(struct kafka_output *output, uint32_t shard, struct bytes key, struct bytes value,
                      struct err *e);

#endif
