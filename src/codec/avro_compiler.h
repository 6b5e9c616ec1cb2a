/* What avro_program is made with: a compiler, and the ops that step over what nobody wants. Private to avro_program.c
 * (which walks to what is wanted) and avro_compiler.c. */
#ifndef LEADSTREAM_AVRO_COMPILER_H
#define LEADSTREAM_AVRO_COMPILER_H

#include "codec/avro_op.h"

/* The program grows in tables of the largest size, of which only what is used costs memory, and is packed at the
 * end. */
struct compiler {
    struct avro_program *p;
    struct avro_want *wants;
    bool failed;
    uint32_t barrier;       /* ops before it may not be merged with: something jumps to here */
    struct bytes place;
    unsigned inlined;       /* records being written in line, one in another */
    uint32_t n_bodies;      /* queued: types that get a body of their own */
    const struct schema_node *bodies[SCHEMA_MAX_NODES];
    struct state {
        bool open;          /* being written in line */
        bool queued;
        uint32_t body;      /* where its body is */
    } states[SCHEMA_MAX_NODES]; /* by node */
    struct op ops[AVRO_MAX_OPS];
    struct bytes places[AVRO_MAX_OPS];
    uint32_t jumps[AVRO_MAX_OPS];
    struct pick picks[AVRO_MAX_OPS];
    struct bytes symbols[AVRO_MAX_OPS];
};

/* n entries of a table of AVRO_MAX_OPS; the first one's index. Past the limit: 0, and failed. */
uint32_t compiler_claim(struct compiler *c, uint32_t *count, size_t n);

/* Appends an op; its index. */
uint32_t compiler_emit(struct compiler *c, enum op_code code, uint32_t a, uint32_t b);

/* Here, as somewhere to jump to. */
uint32_t compiler_label(struct compiler *c);

/* A union: its op; then for each branch: compiler_branch, its ops, chain = compiler_branch_end(chain) (from 0); then
 * the end. */
uint32_t compiler_union(struct compiler *c, const struct schema_node *node);
void compiler_branch(struct compiler *c, uint32_t at, uint32_t branch);
uint32_t compiler_branch_end(struct compiler *c, uint32_t chain);
void compiler_union_end(struct compiler *c, uint32_t chain);

/* A union of two branches of which one is null: the other one; else NULL. Such unions are everywhere, so they have ops
 * of their own: compiler_optional, the ops of the other branch, then compiler_optional_end. */
const struct schema_node *compiler_nullable(const struct schema_node *node);
uint32_t compiler_optional(struct compiler *c, enum op_code code, const struct schema_node *node, uint32_t slot);
void compiler_optional_end(struct compiler *c, uint32_t at);

/* Ops that step over a value of the node. */
void compiler_skip(struct compiler *c, const struct schema_node *node);

/* Ends the program: its last op, and the bodies that are called. */
void compiler_end(struct compiler *c);

#endif
