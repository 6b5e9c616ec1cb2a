/* An embedded broker for the demo: librdkafka's mock cluster in this process, a producer for the traffic and a consumer
 * for what comes out.
 *
 * It speaks Kafka's protocol on a loopback port and keeps a few MiB; it knows neither transactions nor compaction, so
 * it proves nothing about either. */
#ifndef LEADSTREAM_MOCK_KAFKA_H
#define LEADSTREAM_MOCK_KAFKA_H

#include <leadstream/bytes.h>
#include <leadstream/err.h>

struct mock_kafka;

/* Starts a broker with these topics, `partitions` each. NULL: *e. */
struct mock_kafka *mock_kafka_new(const char *const *topics, size_t n, uint32_t partitions, struct err *e);
void mock_kafka_free(struct mock_kafka **mock);

/* host:port, as long as the mock lives. */
const char *mock_kafka_bootstrap(const struct mock_kafka *mock);

/* Sends a record to the partition that its key gives; timestamp in ms. False: *e (FULL: poll and try again). */
bool mock_kafka_send(struct mock_kafka *mock, const char *topic, struct bytes key, struct bytes value,
                     int64_t timestamp, struct err *e);

/* Follows these of its topics from their beginning. */
bool mock_kafka_follow(struct mock_kafka *mock, const char *const *topics, size_t n, struct err *e);

/* Calls f for what has come, until nothing has for `wait` ms or `most` records were handed over. Also does the
 * producer's business. */
void mock_kafka_poll(struct mock_kafka *mock, int wait, size_t most, void (*f)(void *self, struct bytes value),
                     void *self);

#endif
