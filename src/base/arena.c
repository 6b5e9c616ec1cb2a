/* Memory of one batch. Blocks double from 64 KiB; an allocation larger than the next block gets a block of its size.
 * Under AddressSanitizer what is not given out is poisoned, so a pointer kept past its batch is found. */
#include <leadstream/arena.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(at, n) __asan_poison_memory_region((at), (n))
#define UNPOISON(at, n) __asan_unpoison_memory_region((at), (n))
#else
#define POISON(at, n) ((void)(at), (void)(n))
#define UNPOISON(at, n) ((void)(at), (void)(n))
#endif

enum { ALIGN = 16, MAX_BLOCKS = 40 };
#define FIRST_BLOCK ((size_t)64 * 1024)
#define MAGIC 0x6172656eu

struct block {
    char *bytes;
    size_t n;
};

struct arena {
    uint32_t magic;
    size_t limit;
    size_t total; /* bytes of all blocks */
    struct block blocks[MAX_BLOCKS];
    size_t n_blocks;
    size_t block; /* the one that is given out of */
    size_t at;    /* bytes given out of it */
};

struct arena *arena_new(size_t limit) {
    struct arena *a = calloc(1, sizeof *a);
    MUST(a != NULL);
    a->magic = MAGIC;
    a->limit = limit;
    return a;
}

void arena_free(struct arena **a) {
    if (!*a)
        return;
    MUST((*a)->magic == MAGIC);
    for (size_t i = 0; i < (*a)->n_blocks; i++) {
        UNPOISON((*a)->blocks[i].bytes, (*a)->blocks[i].n);
        free((*a)->blocks[i].bytes);
    }
    (*a)->magic = 0;
    free(*a);
    *a = NULL;
}

/* Makes a block with room for n bytes the current one; where there is none, nothing changes. */
static bool next_block(struct arena *a, size_t n) {
    for (size_t i = a->block + 1; i < a->n_blocks; i++) {
        if (a->blocks[i].n >= n) {
            a->block = i;
            a->at = 0;
            return true;
        }
    }
    if (a->n_blocks == MAX_BLOCKS || n > a->limit - a->total)
        return false;
    size_t size = a->n_blocks ? a->blocks[a->n_blocks - 1].n * 2 : FIRST_BLOCK;
    size = size < n ? n : size;
    size = size > a->limit - a->total ? a->limit - a->total : size;
    char *bytes = malloc(size);
    if (!bytes)
        return false;
    POISON(bytes, size);
    a->blocks[a->n_blocks] = (struct block){bytes, size};
    a->block = a->n_blocks++;
    a->total += size;
    a->at = 0;
    return true;
}

void *arena_take(struct arena *a, size_t n) {
    MUST(a->magic == MAGIC);
    if (n > SIZE_MAX - ALIGN)
        return NULL;
    size_t rounded = (n + ALIGN - 1) / ALIGN * ALIGN;
    bool fits = a->n_blocks && rounded <= a->blocks[a->block].n - a->at;
    if (!fits && !next_block(a, rounded))
        return NULL;
    char *p = a->blocks[a->block].bytes + a->at;
    a->at += rounded;
    UNPOISON(p, n);
    return p;
}

void *arena_copy(struct arena *a, const void *from, size_t n) {
    void *to = arena_take(a, n);
    if (to && n)
        memcpy(to, from, n);
    return to;
}

void arena_reset(struct arena *a) {
    arena_rewind(a, (struct arena_mark){0, 0});
}

size_t arena_used(const struct arena *a) {
    size_t used = a->at;
    for (size_t i = 0; i < a->block; i++)
        used += a->blocks[i].n;
    return used;
}

struct arena_mark arena_mark(const struct arena *a) {
    return (struct arena_mark){a->block, a->at};
}

void arena_rewind(struct arena *a, struct arena_mark m) {
    MUST(a->magic == MAGIC);
    MUST(m.block < a->block || (m.block == a->block && m.at <= a->at));
    for (size_t i = m.block; i < a->n_blocks && i <= a->block; i++) {
        size_t from = i == m.block ? m.at : 0;
        POISON(a->blocks[i].bytes + from, a->blocks[i].n - from);
    }
    a->block = m.block;
    a->at = m.at;
}
