/* Headers of Kafka records: kept of what is read, put on what is sent, and those that make a dead letter.
 *
 * Private to the kafka_* rooms; adapters/dead_letter.h says what a letter's headers mean. */
#ifndef LEADSTREAM_KAFKA_HEADERS_H
#define LEADSTREAM_KAFKA_HEADERS_H

#include "adapters/dead_letter.h"
#include <leadstream/arena.h>
#include <leadstream/engine.h>
#include <librdkafka/rdkafka.h>

/* A record's headers in their order, as its item has them (intake.native). */
struct kafka_headers {
    size_t n;
    const struct dead_letter_header *at;
};

/* Bytes that kafka_headers_keep takes of an arena; 0: the record has none. */
size_t kafka_headers_size(const rd_kafka_message_t *message);
/* A copy in the arena; NULL: the record has none, or so many that the arena, which is for a batch's records, had better
 * not take them (a record of millions of tiny headers grows to twenty times its size). */
enum { KAFKA_HEADERS_MOST = 32 * 1024 * 1024 /* bytes */ };
struct kafka_headers *kafka_headers_keep(const rd_kafka_message_t *message, struct arena *arena);

/* The last header of that name among those kept; at == NULL: there is none. */
struct bytes kafka_headers_find(const struct kafka_headers *headers, const char *name);

/* Lends a record's headers, the first `max` of them, for as long as the message lives; returns how many it has. */
size_t kafka_headers_lend(const rd_kafka_message_t *message, struct dead_letter_header *headers, size_t max);

void kafka_headers_text(rd_kafka_headers_t *headers, const char *name, const char *value);
/* at == NULL: null. */
void kafka_headers_bytes(rd_kafka_headers_t *headers, const char *name, struct bytes value);
void kafka_headers_number(rd_kafka_headers_t *headers, const char *name, int64_t value);

/* Those of a dead letter. `cut`: key and value are not whole, and the record's own headers stay out. */
rd_kafka_headers_t *kafka_headers_of_letter(const struct intake *item, const char *topic, const char *group,
                                            const struct err *why, bool cut);

#endif
