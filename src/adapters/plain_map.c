/* A treap: a tree ordered by key, and a heap by priority, kept so by splitting and joining. */
#include "adapters/plain_map.h"

#include <stdlib.h>

struct plain_node {
    struct plain_node *left, *right;
    uint64_t priority;
    struct bytes key; /* in the node's own block, with the value after it */
    struct bytes value;
};

static uint64_t hash(struct bytes key) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ key.at[i]) * UINT64_C(0x100000001b3);
    return (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static struct plain_node *node_new(struct bytes key, struct bytes value) {
    struct plain_node *node = calloc(1, sizeof *node + key.n + value.n);
    MUST(node != NULL);
    uint8_t *at = (uint8_t *)(node + 1);
    memcpy(at, key.at, key.n);
    if (value.n)
        memcpy(at + key.n, value.at, value.n);
    node->priority = hash(key);
    node->key = (struct bytes){at, key.n};
    node->value = (struct bytes){at + key.n, value.n};
    return node;
}

/* Parts a tree: what is before the key, and what is not. */
static void split(struct plain_node *tree, struct bytes key, struct plain_node **before, struct plain_node **rest) {
    if (!tree) {
        *before = *rest = NULL;
    } else if (bytes_compare(tree->key, key) < 0) {
        *before = tree;
        split(tree->right, key, &tree->right, rest);
    } else {
        *rest = tree;
        split(tree->left, key, before, &tree->left);
    }
}

/* Joins two trees, all of a before all of b. */
static struct plain_node *join(struct plain_node *a, struct plain_node *b) {
    if (!a || !b)
        return a ? a : b;
    if (a->priority > b->priority) {
        a->right = join(a->right, b);
        return a;
    }
    b->left = join(a, b->left);
    return b;
}

static void clear(struct plain_node *tree) {
    if (!tree)
        return;
    clear(tree->left);
    clear(tree->right);
    free(tree);
}

void plain_map_clear(struct plain_map *map) {
    clear(map->root);
    *map = (struct plain_map){NULL, 0};
}

void plain_map_put(struct plain_map *map, struct bytes key, struct bytes value) {
    plain_map_remove(map, key);
    struct plain_node *before, *rest;
    split(map->root, key, &before, &rest);
    map->root = join(join(before, node_new(key, value)), rest);
    map->n++;
}

void plain_map_remove(struct plain_map *map, struct bytes key) {
    struct plain_node **at = &map->root;
    while (*at && !bytes_equal((*at)->key, key))
        at = bytes_compare(key, (*at)->key) < 0 ? &(*at)->left : &(*at)->right;
    struct plain_node *node = *at;
    if (!node)
        return;
    *at = join(node->left, node->right);
    free(node);
    map->n--;
}

bool plain_map_get(const struct plain_map *map, struct bytes key, struct bytes *value) {
    const struct plain_node *node = map->root;
    while (node && !bytes_equal(node->key, key))
        node = bytes_compare(key, node->key) < 0 ? node->left : node->right;
    if (node)
        *value = node->value;
    return node != NULL;
}

bool plain_map_next(const struct plain_map *map, struct bytes from, bool after, struct bytes *key) {
    const struct plain_node *best = NULL;
    for (const struct plain_node *node = map->root; node;) {
        int order = bytes_compare(node->key, from);
        if (order > 0 || (order == 0 && !after)) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    if (best)
        *key = best->key;
    return best != NULL;
}
