/* Memory of one batch: given out by moving a pointer, given back all at once.
 *
 * An arena has a hard limit; an allocation past it returns NULL and the arena remembers that it overflowed. Blocks
 * are kept for the next batch, so a warm arena never calls malloc. */
#ifndef LEADSTREAM_ARENA_H
#define LEADSTREAM_ARENA_H

#include <leadstream/must.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* limit: bytes, all blocks together. Aborts when out of memory (at start, that is the only sane answer). */
struct arena *arena_new(size_t limit);
void arena_free(struct arena **a);

/* n bytes aligned to 16, not zeroed, valid until the next arena_reset; NULL past the limit. n may be 0. */
void *arena_take(struct arena *a, size_t n);

/* A copy of n bytes in the arena; NULL past the limit. */
void *arena_copy(struct arena *a, const void *from, size_t n);

/* Everything taken is given back. */
void arena_reset(struct arena *a);

/* Bytes given out since the last reset, and what was left over in blocks that were too full. */
size_t arena_used(const struct arena *a);

/* A mark, and going back to it: what was taken since the mark is given back. */
struct arena_mark {
    size_t block;
    size_t at;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark m);

#endif
