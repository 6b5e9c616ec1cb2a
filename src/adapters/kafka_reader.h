/* The changelog of a shard, read back: committed records only, from an offset, as fast as they come.
 *
 * Private to kafka_sink. Its consumer belongs to no group; it is made when first needed, kept between shards, and given
 * up when nothing has been read for a while. */
#ifndef LEADSTREAM_KAFKA_READER_H
#define LEADSTREAM_KAFKA_READER_H

#include "adapters/kafka_client.h"
#include <leadstream/engine.h>

enum { KAFKA_READER_BATCH = 1000 /* messages at once */ };

struct kafka_reader {
    const struct kafka_conf *conf;
    struct kafka_client client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;    /* NULL: not reading */
    uint32_t shard;
    int64_t position;           /* all before it was read */
    rd_kafka_message_t *messages[KAFKA_READER_BATCH]; /* lent entries' */
    size_t n;
    size_t drained;             /* bytes since the fetchers were last woken */
    int64_t used;               /* when it was last read from, ms */
};

bool kafka_reader_open(struct kafka_reader *reader, uint32_t shard, int64_t from, struct err *e);
/* As log_read of the port. */
bool kafka_reader_read(struct kafka_reader *reader, int wait, struct log_entry *entries, size_t max, size_t *n,
                       struct err *e);
void kafka_reader_close(struct kafka_reader *reader);

/* Gives the consumer up if it has not been used for 10 s, or `now`. */
void kafka_reader_retire(struct kafka_reader *reader, bool now);

#endif
