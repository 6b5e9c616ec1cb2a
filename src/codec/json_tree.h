/* JSON text -> a tree of values, strictly: what event_json walks.
 *
 * Numbers stay as their own text, so nothing is lost to a double. An object that gives a key twice (compared after
 * escapes, at any depth), a byte-order mark, text that is not UTF-8, an escape that is half a character, anything after
 * the value, and more than JSON_TREE_DEPTH levels are errors. */
#ifndef LEADSTREAM_JSON_TREE_H
#define LEADSTREAM_JSON_TREE_H

#include <leadstream/arena.h>
#include <leadstream/bytes.h>
#include <leadstream/err.h>

enum { JSON_TREE_DEPTH = 512 };

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

struct json_node {
    enum json_kind kind;
    uint32_t n;                    /* entries of an object or array */
    uint32_t start, end;           /* an object's or array's place in the text, in bytes */
    struct bytes key;              /* an object's entry: its name */
    struct bytes text;             /* a string: what it says; a number: as it is written */
    const struct json_node *first; /* entries, in the order of the text */
    const struct json_node *next;
};

/* Parses one value. Nodes live in the arena; texts there too, or they point into `text`. NULL: *e is a REJECT. */
const struct json_node *json_tree_parse(struct bytes text, struct arena *arena, struct err *e);

/* The entry of an object with that key; NULL if there is none, or if node is NULL or no object. */
const struct json_node *json_tree_get(const struct json_node *node, struct bytes key);

/* "a number", "an object": for messages. */
const char *json_tree_kind(const struct json_node *node);

#endif
