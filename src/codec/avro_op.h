/* The instructions of an avro_program: written by avro_program.c, run by avro_run.c, seen by nobody else.
 *
 * A body (of a block's item, of a recursive type) is a run of ops that ends with OP_END. Where a block has bodies, they
 * follow its op and `a` is what comes after them. */
#ifndef LEADSTREAM_AVRO_OP_H
#define LEADSTREAM_AVRO_OP_H

#include "codec/avro_program.h"

enum op_code {
    OP_END,
    OP_SKIP,            /* a bytes */
    OP_SKIP_VARINTS,    /* a of them */
    OP_SKIP_TEXTS,      /* a strings or bytes */
    OP_SKIP_BLOCKS,     /* an array or map whose items are run by the body that follows */
    OP_UNION,           /* go on at jumps[a + branch]; b branches */
    OP_OPTIONAL,        /* a union of null (its branch is b) and what follows: where it is null go on at a */
    OP_OPTIONAL_VALUE,  /* the same; values[slot] is then null */
    OP_OPTIONAL_TEXT,   /* the same of null and a string or bytes, which is taken at once */
    OP_JUMP,            /* go on at a */
    OP_CALL,            /* run the body at a */
    OP_PICK_INDEX,      /* an array: items by the body that follows, but those of picks[b .. b + slot) by theirs */
    OP_PICK_KEY,        /* a map: the same by key */
    OP_ENTRIES,         /* a map: each value is taken by the body that follows, into the run's entries */
    OP_NULL,            /* values[slot] = what is read from here on */
    OP_BOOLEAN,
    OP_LONG,
    OP_FLOAT,
    OP_DOUBLE,
    OP_TEXT,
    OP_FIXED,           /* a bytes */
    OP_ENUM             /* symbols[a + number]; b symbols */
};

struct op {
    uint8_t code;
    uint8_t logical;
    uint16_t slot;
    uint32_t a, b;
};

struct pick {
    const struct mapping_step *step;
    uint32_t body;
};

struct avro_program {
    uint32_t n_wants;
    uint32_t n_ops, n_jumps, n_picks, n_symbols;
    struct op *ops;
    struct bytes *places;       /* by op: the member that it reads, for messages; the schema's */
    uint32_t *jumps;
    struct pick *picks;
    struct bytes *symbols;
    struct arena *texts;        /* of qualified symbols; the others are the schema's */
};

#endif
