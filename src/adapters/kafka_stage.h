/* Records on their way to one topic, gathered until the transaction ends (or there are very many).
 *
 * Two reasons. librdkafka takes many in one call for a fifth less of the caller's time, a second copy included. And
 * each time that partitions are added to a transaction, its main thread spins for one to three milliseconds (2.0.2
 * waits without sleep for timers of less than one): at ten transactions a second a tenth of a light load's CPU.
 * Gathered, all partitions are added once, and not so soon after the last commit that the broker asks to try again.
 *
 * Private to kafka_output. */
#ifndef LEADSTREAM_KAFKA_STAGE_H
#define LEADSTREAM_KAFKA_STAGE_H

#include "adapters/kafka_client.h"
#include <leadstream/bytes.h>

enum {
    KAFKA_STAGE_RECORDS = 8192,
    KAFKA_STAGE_BLOCK = 256 * 1024, /* bytes; no larger record is staged */
    KAFKA_STAGE_BLOCKS = 8
};

struct kafka_stage {
    rd_kafka_topic_t *topic;
    size_t next, n;         /* records[next..n) are gathered */
    size_t block, used;     /* the block that is filled, and its bytes */
    uint8_t *blocks[KAFKA_STAGE_BLOCKS]; /* made when first needed, kept */
    rd_kafka_message_t records[KAFKA_STAGE_RECORDS];
};

struct kafka_stage *kafka_stage_new(void);
void kafka_stage_free(struct kafka_stage **stage);

/* Empties it, for records of that topic. */
void kafka_stage_start(struct kafka_stage *stage, rd_kafka_topic_t *topic);

/* Adds a record if there is room; false: flush first, or (an empty stage) it is too large to be staged at all. */
bool kafka_stage_add(struct kafka_stage *stage, int32_t partition, struct bytes key, struct bytes value, void *note);

/* Hands over the first `most`. Those that are refused stay, in their order, and the first one's code is returned
 * (_QUEUE_FULL: poll and flush again). */
rd_kafka_resp_err_t kafka_stage_flush(struct kafka_stage *stage, size_t most);

#endif
