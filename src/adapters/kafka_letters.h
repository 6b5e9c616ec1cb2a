/* The dead-letter topic, read: partition by partition, committed records only, each to a fixed end.
 *
 * The end is the high watermark, not what read_committed calls the end: behind an open transaction there may be receipts
 * of what was sent back, and who does not wait for them sends twice. Only one partition's records that were just
 * fetched are in memory. */
#ifndef LEADSTREAM_KAFKA_LETTERS_H
#define LEADSTREAM_KAFKA_LETTERS_H

#include "adapters/dead_letter.h"
#include "adapters/kafka_conf.h"

/* What is known of a topic that letters came from. */
struct kafka_letters_source {
    const char *name;       /* given, lent */
    uint32_t partitions;    /* 0: there is no such topic */
    int64_t retention;      /* ms that it keeps records, -1: for ever, or the broker did not say */
};

/* A record of the dead-letter topic; lent until the next call. */
struct kafka_letter {
    int64_t offset;         /* on the dead-letter topic */
    int64_t written;        /* Kafka's timestamp of the letter itself, ms */
    struct bytes key, value; /* at == NULL: null */
    size_t n_headers;
    const struct dead_letter_header *headers;
    enum dead_letter_kind kind;
    struct dead_letter says; /* a letter; a receipt: its group */
};

struct kafka_letters;

/* Connects, and asks for the topic and the n sources. conf must outlive it. NULL: *e. */
struct kafka_letters *kafka_letters_new(const struct kafka_conf *conf, const char *topic,
                                        struct kafka_letters_source *sources, size_t n, struct err *e);
void kafka_letters_free(struct kafka_letters **letters);

uint32_t kafka_letters_partitions(const struct kafka_letters *letters);

/* The first offset that is there, and the high watermark. */
NODISCARD bool kafka_letters_bounds(struct kafka_letters *letters, uint32_t partition, int64_t *first, int64_t *end,
                                    struct err *e);

/* Starts reading from the partition's beginning up to `end`, which kafka_letters_bounds has said. */
NODISCARD bool kafka_letters_open(struct kafka_letters *letters, uint32_t partition, int64_t end, struct err *e);

/* The next record; *letter NULL: the end. Waits for open transactions, at most a minute without progress. */
NODISCARD bool kafka_letters_next(struct kafka_letters *letters, const struct kafka_letter **letter, struct err *e);

#endif
