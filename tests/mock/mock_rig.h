/* A rig on a mock cluster of its own, for one test; and the steps of a transaction that several tests take. */
#ifndef LEADSTREAM_TESTS_MOCK_RIG_H
#define LEADSTREAM_TESTS_MOCK_RIG_H

#include "kafka_rig.h"

#include <librdkafka/rdkafka_mock.h>

extern struct rig rig;
extern rd_kafka_mock_cluster_t *mock_cluster;

/* Starts a cluster with the rig's topics; the rig is filled in but not opened. */
void mock_open(uint32_t partitions);
/* Closes rig and cluster. */
void mock_close(void);

/* A call of the sink's, as the engine makes it: again if it timed out. On the mock that may only be because the machine
 * stood still: what says so before its time is wrong, and not called again. */
bool mock_again(bool (*call)(void *self, struct err *e), struct err *e);

/* Each fails the test if the sink does. */
void mock_init(void);
void mock_begin(void);
void mock_log_shard(void);   /* a shard record to shard 0 */

void mock_transaction(void); /* a whole one, with a shard record to shard 0 */

/* Offsets 7 and 8 of shard 0. */
bool mock_send(struct err *e);
bool mock_send_and_commit(struct err *e);

#endif
