/* YAML text -> a tree of maps, lists and texts with their places; and the list of problems that its readers fill.
 *
 * Every plain scalar is text; only null, ~ and nothing are null. Anchors, aliases, tags, merge keys, several documents
 * and a key given twice are problems. Used by the model (codec/model_yaml) and the configuration (app/settings). */
#ifndef LEADSTREAM_YAML_TREE_H
#define LEADSTREAM_YAML_TREE_H

#include <leadstream/arena.h>
#include <leadstream/bytes.h>
#include <stdio.h>

enum yaml_kind { YAML_NULL, YAML_TEXT, YAML_MAP, YAML_LIST };

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line, column;    /* from 1 */
    struct bytes text;        /* YAML_TEXT */
    uint32_t n;               /* entries of a map or list */
    struct yaml_pair *pairs;  /* YAML_MAP, in file order */
    struct yaml_node **items; /* YAML_LIST */
};

struct yaml_pair {
    struct bytes key;
    uint32_t line, column;   /* of the key */
    struct yaml_node *value; /* never NULL */
};

struct problem {
    bool warning;
    uint32_t line, column; /* 0: the file as a whole */
    char words[400];
};

/* At most 1,000 problems are kept; `more` counts the rest. */
struct problems {
    const char *file;
    size_t n, cap, errors, more;
    struct problem *list;
};

void problems_fini(struct problems *problems);
/* Adds "words" at a place; text is quoted by the caller. */
void problems_add(struct problems *problems, uint32_t line, uint32_t column, bool warning, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Sorts them by place. */
void problems_sort(struct problems *problems);
/* Prints them sorted by place: `file:line:column: words` (`file: warning: ..` without a place where there is none). */
void problems_print(struct problems *problems, FILE *to);

/* Parses one document of at most 1 MiB; at most 64 levels deep, 250,000 values. All memory is the arena's (64 MiB are
 * enough for any). NULL: it cannot be read, and problems say why. Problems may be added where it can, too: look at
 * problems->errors. An alias leaves a null without a place (line 0). */
struct yaml_node *yaml_tree_parse(struct bytes text, struct arena *arena, struct problems *problems);

/* Reads a file whole. NULL: a problem was added (it cannot be read, or has more than `limit` bytes). The caller frees. */
uint8_t *yaml_tree_file(const char *path, size_t limit, size_t *n, struct problems *problems);

/* The value of a key, NULL if the map has none. */
const struct yaml_node *yaml_tree_get(const struct yaml_node *map, const char *key);

/* The nearest of `names` (a NULL-ended list) to a misspelt one, or NULL if none is near: for "did you mean". */
const char *yaml_tree_nearest(struct bytes word, const char *const *names);

/* A text as it may stand in a message: at most 60 bytes of it, no control characters. Use it within the call:
 * `problems_add(.., "\"%s\" is ..", yaml_quote(text).text)`. */
struct yaml_quoted {
    char text[72];
};
struct yaml_quoted yaml_quote(struct bytes text);

#endif
