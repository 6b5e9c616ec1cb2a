/* A small program over the bytes of one Avro record: compiled from a schema and the places in it that are wanted, it
 * steps over everything else. event_avro compiles a mapping into one, avro_file one that wants nothing, to find where
 * records end.
 *
 * Running is total: any bytes give values or an error, in time and depth bounded by the bytes there are. Values point
 * into them. A program is never changed, so threads may share it; a run is one thread's. */
#ifndef LEADSTREAM_AVRO_PROGRAM_H
#define LEADSTREAM_AVRO_PROGRAM_H

#include "codec/mapping.h"
#include "codec/schema_tree.h"
#include <leadstream/event.h>

enum {
    AVRO_MAX_OPS = 32768,
    AVRO_MAX_NESTING = 64,   /* blocks and recursive types one in another, in the bytes */
    AVRO_MAX_WANTS = 128
};

enum found_kind {
    FOUND_ABSENT,    /* nothing on the way there, or something that is no value */
    FOUND_NULL,
    FOUND_TEXT,      /* text: string, bytes, fixed, an enum's symbol */
    FOUND_LONG,      /* number: int, long; logical says what it counts */
    FOUND_BOOLEAN,   /* number: 0 or 1 */
    FOUND_FLOAT,     /* real */
    FOUND_DOUBLE     /* real */
};

struct found {
    enum found_kind kind;
    enum schema_logical logical;
    struct bytes text;
    union {
        int64_t number;
        double real;
    };
};

/* A place in a record. */
struct avro_want {
    uint32_t n_steps;
    const struct mapping_step *steps;
    bool entries;       /* the place is a map: all its entries are wanted (in the run's entries), not one value */
    bool qualified;     /* an enum NAMEType there gives name.symbol, in lower case */
    bool found;         /* out: the schema has a value there, in some branch */
    bool blocked;       /* out: the schema has something else there, such as a record */
};

struct avro_program;

/* No two wants may be the same place, and at most one may have entries; the steps and the schema must outlive the
 * program. NULL: *e (SCHEMA: it would be too large). */
struct avro_program *avro_program_new(const struct schema_node *root, struct avro_want *wants, uint32_t n_wants,
                                      struct err *e);
void avro_program_free(struct avro_program **program);

struct found_entry {
    struct bytes key;
    struct found value;
};

struct avro_run {
    struct found values[AVRO_MAX_WANTS + 1]; /* by want; the last is scratch */
    uint32_t n_entries;
    struct found_entry entries[EVENT_MAX_FIELDS];
};

/* Runs over the record at the reader, which is left at its end. False: *e (MALFORMED, TOO_LARGE) says at which byte
 * and in which member. */
NODISCARD bool avro_program_run(const struct avro_program *program, struct reader *r, struct avro_run *run,
                                struct err *e);

#endif
