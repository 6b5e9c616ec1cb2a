/* Avro schemas: parsed, named by Confluent id and by fingerprint (CRC-64-AVRO of the parsing canonical form).
 *
 * A set of schemas may be shared by threads: looking up is lock-free for what is there; adding takes the set's one
 * lock. Schemas are never removed. */
#ifndef LEADSTREAM_SCHEMA_H
#define LEADSTREAM_SCHEMA_H

#include <leadstream/bytes.h>
#include <leadstream/err.h>

enum { SCHEMA_MAX_SET = 4096 }; /* schemas of a set */

struct schema;  /* opaque: the parsed tree, see schema.c */
struct schemas;

struct schemas *schemas_new(void);
void schemas_free(struct schemas **schemas);

/* Parses a schema's JSON text (limits on size, depth and count of types) and adds it under its fingerprint, and under
 * `id` if id >= 0. The same again is the same schema. NULL: *e says what is wrong. */
const struct schema *schemas_add(struct schemas *schemas, struct bytes json, int64_t id, struct err *e);

/* The same of a schema that refers to others: texts[n - 1] is the schema, those before it define the names that it (and
 * those between) refers to, in that order. */
const struct schema *schemas_add_all(struct schemas *schemas, const struct bytes *texts, size_t n, int64_t id,
                                     struct err *e);

/* NULL: not there. */
const struct schema *schemas_by_id(const struct schemas *schemas, int64_t id);
const struct schema *schemas_by_fingerprint(const struct schemas *schemas, uint64_t fingerprint);

uint64_t schema_fingerprint(const struct schema *schema);
/* The parsing canonical form, owned by the schema. */
struct bytes schema_canonical(const struct schema *schema);
/* The full name of a record, enum or fixed; "" for other types. */
struct bytes schema_name(const struct schema *schema);

#endif
