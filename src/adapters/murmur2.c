/* MurmurHash2 with the seed and the tail of org.apache.kafka.common.utils.Utils. Values are read as little endian, so
 * that the result does not depend on the machine. */
#include "adapters/murmur2.h"

static const uint32_t seed = 0x9747b28c, multiplier = 0x5bd1e995;

uint32_t murmur2(struct bytes key) {
    uint32_t h = seed ^ (uint32_t)key.n;
    const uint8_t *at = key.at;
    size_t left = key.n;
    for (; left >= 4; at += 4, left -= 4) {
        uint32_t k = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        k *= multiplier;
        k ^= k >> 24;
        k *= multiplier;
        h *= multiplier;
        h ^= k;
    }
    if (left) {
        for (size_t i = left; i-- > 0;)
            h ^= (uint32_t)at[i] << (8 * i);
        h *= multiplier;
    }
    h ^= h >> 13;
    h *= multiplier;
    h ^= h >> 15;
    return h;
}

uint32_t murmur2_partition(struct bytes key, uint32_t partitions) {
    MUST(partitions > 0);
    return (murmur2(key) & 0x7fffffff) % partitions;
}
