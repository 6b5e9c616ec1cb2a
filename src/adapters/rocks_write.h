/* The store's port, writing: leads, timers and the shard's state in one batch. */
#ifndef LEADSTREAM_ROCKS_WRITE_H
#define LEADSTREAM_ROCKS_WRITE_H

#include "adapters/rocks_view.h"

/* As struct store of engine.h says. */
bool rocks_write(void *self, uint32_t shard, const struct store_put *puts, size_t n, const struct store_shard *state,
                 struct err *e);

/* Adds the shard's record, with this build in force, to the view's batch. */
void rocks_write_state(struct rocks_view *v, struct rocks_range range, const struct store_shard *state);
/* Writes the view's batch and empties it. A stall is waited out for two seconds, then it is RETRY:
 * the poll loop must go on. */
NODISCARD bool rocks_write_commit(struct rocks_view *v, struct err *e);

#endif
