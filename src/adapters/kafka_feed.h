/* Sends records to a topic as any producer of events would: keyed, in the partition that Java's clients would choose. For
 * `generate`. */
#ifndef LEADSTREAM_KAFKA_FEED_H
#define LEADSTREAM_KAFKA_FEED_H

#include "adapters/kafka_conf.h"
#include <leadstream/bytes.h>

struct kafka_feed;

/* The topic must exist. NULL: *e. */
struct kafka_feed *kafka_feed_new(const struct kafka_conf *conf, const char *topic, struct err *e);
/* Sends; waits while the queue is full. False: *e, also of a record that was sent before. */
bool kafka_feed_send(struct kafka_feed *feed, struct bytes key, struct bytes value, struct err *e);
/* Waits until all is delivered. False: *e says what was not. */
bool kafka_feed_flush(struct kafka_feed *feed, struct err *e);
void kafka_feed_free(struct kafka_feed **feed);

#endif
