/* Memory for many small pieces of few sizes: leads' bytes and keys.
 *
 * Pieces come from blocks of one size class each; freeing puts a piece on its class's list. What is given out is
 * counted in whole classes, so that a cache can hold itself to a number of bytes. */
#ifndef LEADSTREAM_SLAB_H
#define LEADSTREAM_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab;

struct slab *slab_new(void);
void slab_free(struct slab **slab);

/* A piece of at least n bytes (n > 0); *cap is its true size. Ends the process when out of memory. */
void *slab_take(struct slab *slab, size_t n, size_t *cap);
/* Gives a piece back; cap is what slab_take said. */
void slab_give(struct slab *slab, void *piece, size_t cap);
/* The true size of a piece that was asked for with n. */
size_t slab_size(const struct slab *slab, size_t n);
/* Bytes given out and not given back, in whole pieces. */
size_t slab_used(const struct slab *slab);

#endif
