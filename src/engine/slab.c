/* Size classes grow by about a quarter (16, 32, .. then four steps to each doubling); what is above the largest class
 * comes from malloc. Blocks are never given back while the slab lives: a cache that was full will be full again. */
#include "engine/slab.h"

#include <leadstream/must.h>
#include <stdlib.h>

enum { SMALLEST = 16, CLASSES = 41, BLOCK = 64 * 1024 };

struct piece {
    struct piece *next;
};

struct block {
    struct block *next;
    size_t pad; /* pieces start at a multiple of 16 */
};

struct slab {
    size_t sizes[CLASSES];
    struct piece *free[CLASSES];
    struct block *blocks;
    size_t used;
};

struct slab *slab_new(void) {
    struct slab *slab = calloc(1, sizeof *slab);
    MUST(slab != NULL);
    size_t size = SMALLEST;
    for (int i = 0; i < CLASSES; i++) {
        slab->sizes[i] = size;
        size_t doubling = SMALLEST;
        while (doubling * 2 <= size)
            doubling *= 2;
        size += doubling / 4 < SMALLEST ? SMALLEST : doubling / 4;
    }
    return slab;
}

void slab_free(struct slab **slab) {
    if (!*slab)
        return;
    for (struct block *b = (*slab)->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(*slab);
    *slab = NULL;
}

/* The smallest class that holds n bytes; CLASSES if none does. */
static int class_of(const struct slab *slab, size_t n) {
    int low = 0, high = CLASSES;
    while (low < high) {
        int middle = (low + high) / 2;
        if (slab->sizes[middle] < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Cuts a new block into pieces of class c. */
static void refill(struct slab *slab, int c) {
    size_t size = slab->sizes[c], n = BLOCK / size < 4 ? 4 : BLOCK / size;
    struct block *block = malloc(sizeof *block + n * size);
    MUST(block != NULL);
    block->next = slab->blocks;
    slab->blocks = block;
    char *at = (char *)(block + 1);
    for (size_t i = 0; i < n; i++) {
        struct piece *piece = (struct piece *)(void *)(at + i * size);
        piece->next = slab->free[c];
        slab->free[c] = piece;
    }
}

size_t slab_size(const struct slab *slab, size_t n) {
    int c = class_of(slab, n);
    return c < CLASSES ? slab->sizes[c] : n + n / 4;
}

void *slab_take(struct slab *slab, size_t n, size_t *cap) {
    MUST(n > 0);
    int c = class_of(slab, n);
    *cap = slab_size(slab, n);
    slab->used += *cap;
    if (c == CLASSES) {
        void *piece = malloc(*cap);
        MUST(piece != NULL);
        return piece;
    }
    if (!slab->free[c])
        refill(slab, c);
    struct piece *piece = slab->free[c];
    slab->free[c] = piece->next;
    return piece;
}

void slab_give(struct slab *slab, void *piece, size_t cap) {
    MUST(slab->used >= cap);
    slab->used -= cap;
    int c = class_of(slab, cap);
    if (c == CLASSES) {
        free(piece);
        return;
    }
    MUST(slab->sizes[c] == cap);
    struct piece *p = piece;
    p->next = slab->free[c];
    slab->free[c] = p;
}

size_t slab_used(const struct slab *slab) {
    return slab->used;
}
