/* What the source cannot read for now: partitions that it has no right to, and topics that are no longer there.
 *
 * librdkafka 2.0.2 tells of a refusal once and then goes on in silence, and a partition with nothing new says nothing
 * when the right is given back; that a topic was deleted it may not tell at all. So both are asked for here: a process
 * that lives, is well, and reads nothing would be the worst of all. */
#ifndef LEADSTREAM_KAFKA_UNREAD_H
#define LEADSTREAM_KAFKA_UNREAD_H

#include "adapters/kafka_shards.h"

struct kafka_unread {
    int64_t asked, watched;                 /* ms, when it was last asked; when topics were */
    rd_kafka_queue_t *answer;               /* to whether the topics are there; NULL: that was not asked */
    int64_t gone_since[ENGINE_MAX_TOPICS];  /* ms, 0: the topic is there, as far as known */
};

/* To be called in every poll; waits for no broker. False: AUTH, said every other second while a partition is refused (the
 * engine bears that for a while); REFUSED, a topic has been gone for 10 s. */
bool kafka_unread_look(struct kafka_unread *unread, struct kafka_shards *shards, struct err *e);

/* The answer is no longer waited for: before the consumer is closed. */
void kafka_unread_forget(struct kafka_unread *unread);

/* Partitions that are refused, and topics that are gone. */
size_t kafka_unread_count(const struct kafka_unread *unread, const struct kafka_shards *shards);

#endif
