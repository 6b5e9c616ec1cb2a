/* One input partition as the source reads it: librdkafka's queue, the records fetched from it, and the next item,
 * decoded when it is looked at.
 *
 * Private to kafka_source. Everything is one worker's. */
#ifndef LEADSTREAM_KAFKA_PARTITION_H
#define LEADSTREAM_KAFKA_PARTITION_H

#include "adapters/kafka_client.h"
#include "adapters/kafka_source.h"

enum {
    KAFKA_PARTITION_FETCH = 128,                /* records taken from the queue at once */
    KAFKA_PARTITION_ARENA = 256 * 1024 * 1024   /* limit of the pool's arena; a usual batch takes some megabytes */
};

/* What the partitions of a topic share. */
struct kafka_partition_topic {
    uint16_t index;
    const struct kafka_source_topic *options;
    struct decoder *decoder;    /* NULL where records may hold several events: then each partition has its own */
};

/* What all partitions of a worker share. */
struct kafka_partition_pool {
    const struct kafka_source_options *options;
    struct kafka_client client;
    struct kafka_conf_queue limit;  /* of a partition's queue */
    volatile struct engine_place *place; /* what is being decoded */
    volatile struct engine_place nowhere; /* where nobody wants to know it */
    struct arena *arena;            /* of items and their records, until release */
    int wake;                       /* eventfd that librdkafka writes to when an empty queue gets something */
    struct err failure;             /* code != NONE: a partition that cannot be read any more */
    uint64_t errors[ERR_CODES_END]; /* by code, what was in the way of reading */
    uint32_t missed;                /* a bit for each topic that someone said was not there */
};

struct kafka_partition {
    struct kafka_partition_topic *topic;
    uint32_t shard;
    rd_kafka_queue_t *queue;
    struct decoder *decoder;        /* its own, or NULL */
    rd_kafka_message_t *fetched[KAFKA_PARTITION_FETCH];
    size_t next, n;                 /* fetched[next..n) are still to be read */
    int64_t position;               /* the next offset to be taken; none before the first seek */
    bool dry;                       /* the queue was empty when last looked at, since the last poll */
    bool end;                       /* its end was seen since the last record */
    int64_t end_at;                 /* the end that was last seen; behind the last record may be markers */
    uint32_t entry;                 /* entries of fetched[next] that were taken */
    struct bytes key, value;        /* of fetched[next], once it is decoded; in the arena */
    struct kafka_headers *headers;  /* the same; NULL: none */
    struct intake *item;            /* the head, NULL: not decoded */
    struct intake *after;           /* the entry after it in the same record, NULL: none */
    size_t drained_bytes, drained_messages; /* since the fetchers were last woken */
    int64_t ask_at;                 /* when an unknown schema may be asked for again, ms */
    int ask_pause;
    struct err *refused;            /* why it may not be read (kafka_unread asks again); NULL: it may */
};

/* Takes the partition's queue over from librdkafka. Before it is assigned. */
void kafka_partition_open(struct kafka_partition_pool *pool, struct kafka_partition *partition,
                          struct kafka_partition_topic *topic, uint32_t shard);
void kafka_partition_close(struct kafka_partition *partition);

/* Fetches if all that was fetched is read; true if something new came. */
bool kafka_partition_refill(struct kafka_partition_pool *pool, struct kafka_partition *partition);

enum source_head kafka_partition_head(struct kafka_partition_pool *pool, struct kafka_partition *partition,
                                      const struct intake **item);
void kafka_partition_take(struct kafka_partition_pool *pool, struct kafka_partition *partition);

/* The decoded head is forgotten (the arena goes), the record stays. */
void kafka_partition_forget(struct kafka_partition *partition);

/* All that was fetched is dropped, and reading begins at offset. */
void kafka_partition_restart(struct kafka_partition *partition, int64_t offset);

#endif
