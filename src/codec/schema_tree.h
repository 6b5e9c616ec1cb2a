/* A parsed Avro schema as a tree, for those who walk bytes with it: avro_program compiles it, schema_text prints its
 * parsing canonical form. schema.h is the face for everyone else.
 *
 * A named type is one node, however often it is referred to: a tree of a recursive schema has circles. Everything
 * lives in the arena it was parsed into. */
#ifndef LEADSTREAM_SCHEMA_TREE_H
#define LEADSTREAM_SCHEMA_TREE_H

#include <leadstream/arena.h>
#include <leadstream/bytes.h>
#include <leadstream/err.h>

enum {
    SCHEMA_MAX_TEXT = 1024 * 1024, /* bytes of JSON, with what it refers to */
    SCHEMA_MAX_DEPTH = 64,         /* types one in another, as written */
    SCHEMA_MAX_NODES = 16384,      /* types and members */
    SCHEMA_MAX_NAME = 512,         /* bytes of a full name */
    SCHEMA_MAX_FIXED = 1024 * 1024 /* bytes of a fixed */
};

enum schema_type {
    SCHEMA_NULL,
    SCHEMA_BOOLEAN,
    SCHEMA_INT,
    SCHEMA_LONG,
    SCHEMA_FLOAT,
    SCHEMA_DOUBLE,
    SCHEMA_BYTES,
    SCHEMA_STRING,
    SCHEMA_RECORD,
    SCHEMA_ENUM,
    SCHEMA_FIXED,
    SCHEMA_ARRAY,
    SCHEMA_MAP,
    SCHEMA_UNION
};

/* What an integer counts; all other logical types are their base type. */
enum schema_logical { SCHEMA_PLAIN, SCHEMA_MILLIS, SCHEMA_MICROS, SCHEMA_DAYS };

struct schema_node;

/* A record's field (name, type), a union's branch (type), an array's items or a map's values (type), an enum's symbol
 * (name). */
struct schema_member {
    struct bytes name;
    const struct schema_node *type;
};

#define SCHEMA_VARIES UINT32_MAX

struct schema_node {
    enum schema_type type;
    enum schema_logical logical;
    struct bytes name;              /* full; empty where the type has none */
    uint32_t n;                     /* members; of a fixed: bytes */
    uint32_t number;                /* which of the schema's nodes it is, from 0 */
    uint32_t width;                 /* bytes of every value; SCHEMA_VARIES */
    struct schema_member *members;
};

struct schema;

/* The tree of a schema of schema.h, owned by it. */
const struct schema_node *schema_root(const struct schema *schema);

/* The name of a type in schemas ("record"). */
const char *schema_type_name(enum schema_type type);

/* Parses n texts in order, each of which may refer to names that those before it define; the last is the schema. NULL:
 * *e (SCHEMA or TOO_LARGE) says what is wrong and where. */
const struct schema_node *schema_parse(const struct bytes *texts, size_t n, struct arena *arena, struct err *e);

/* Prints the parsing canonical form; with logical types added where full, so that two schemas that decode differently
 * never print alike. The writer is not ok if it did not fit. */
void schema_print(struct writer *w, const struct schema_node *root, bool full);

/* CRC-64-AVRO. */
uint64_t schema_crc(struct bytes text);

#endif
