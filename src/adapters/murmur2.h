/* Where Java's Kafka clients put a key: the leads' shard. */
#ifndef LEADSTREAM_MURMUR2_H
#define LEADSTREAM_MURMUR2_H

#include <leadstream/bytes.h>

/* The 32 bits that org.apache.kafka.common.utils.Utils.murmur2 gives. */
uint32_t murmur2(struct bytes key);

/* toPositive(murmur2(key)) % partitions: the partition of a keyed record by Java's default partitioner and librdkafka's
 * murmur2 ones. partitions > 0. */
uint32_t murmur2_partition(struct bytes key, uint32_t partitions);

#endif
