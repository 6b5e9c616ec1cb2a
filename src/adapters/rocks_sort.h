/* Sorting many keys at once, for writes, reads and tables that want them in order: a stable merge sort that compares
 * the eight bytes after what all keys have in common, and looks at the whole keys only where those are equal. */
#ifndef LEADSTREAM_ROCKS_SORT_H
#define LEADSTREAM_ROCKS_SORT_H

#include <leadstream/bytes.h>

struct rocks_item {
    uint64_t head; /* of rocks_sort's own */
    struct bytes key;
    uint32_t index; /* the caller's: which one this is */
};

/* Sorts n items by key; equal keys keep their order. spare has room for n items. */
void rocks_sort(struct rocks_item *items, struct rocks_item *spare, size_t n);

#endif
