/* The store's port, reading: leads by key, and timers that are due. As struct store of engine.h says. */
#ifndef LEADSTREAM_ROCKS_READ_H
#define LEADSTREAM_ROCKS_READ_H

#include <leadstream/engine.h>

bool rocks_read_load(void *self, uint32_t shard, const struct bytes *keys, size_t n, struct bytes *values,
                     struct err *e);
bool rocks_read_due(void *self, uint32_t shard, int64_t until, struct store_due *out, size_t max, size_t *n,
                    struct err *e);

#endif
