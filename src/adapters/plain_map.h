/* An ordered map from bytes to bytes in memory, for plain_store: a treap whose priorities are hashes of the keys, so
 * that the same keys always make the same tree. */
#ifndef LEADSTREAM_PLAIN_MAP_H
#define LEADSTREAM_PLAIN_MAP_H

#include <leadstream/bytes.h>

struct plain_node;

struct plain_map {
    struct plain_node *root;
    size_t n;
};

/* Everything goes; the map is empty then. */
void plain_map_clear(struct plain_map *map);
/* Key and value are copied. */
void plain_map_put(struct plain_map *map, struct bytes key, struct bytes value);
void plain_map_remove(struct plain_map *map, struct bytes key);
/* False: not there. The value is lent until the map changes. */
bool plain_map_get(const struct plain_map *map, struct bytes key, struct bytes *value);
/* The least key that is not before `from` (after: that comes after it); false: none. Lent until the map changes. */
bool plain_map_next(const struct plain_map *map, struct bytes from, bool after, struct bytes *key);

#endif
