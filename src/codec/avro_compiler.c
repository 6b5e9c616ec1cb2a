/* The ops of an avro_program: written one by one, with skips merged; and stepping over whole types.
 *
 * Skipping merges what lies side by side into one op, and all that has one width into plain bytes. Records without
 * wanted places are written out in line, as far as that stays small; from there on, and where a type contains itself,
 * each gets a body of its own that is called. So a program's size is bounded whatever the schema, and every op but
 * JUMP, CALL and END takes at least one byte of the record: running ends. */
#include "codec/avro_compiler.h"

#include "base/guard.h"

enum { INLINE_OPS = 2048, INLINE_DEPTH = 16 };

/* ---- writing ops ---- */

uint32_t compiler_claim(struct compiler *c, uint32_t *count, size_t n) {
    if (GUARD(avro_program) && n > AVRO_MAX_OPS - *count) {
        c->failed = true;
        return 0;
    }
    uint32_t first = *count;
    *count += (uint32_t)n;
    return first;
}

uint32_t compiler_emit(struct compiler *c, enum op_code code, uint32_t a, uint32_t b) {
    uint32_t at = compiler_claim(c, &c->p->n_ops, 1);
    c->ops[at] = (struct op){.code = (uint8_t)code, .a = a, .b = b};
    c->places[at] = c->place;
    return at;
}

/* A skip of n, merged with one of its kind just before. */
static void emit_skip(struct compiler *c, enum op_code code, uint32_t n) {
    struct op *last = c->p->n_ops > c->barrier ? &c->ops[c->p->n_ops - 1] : NULL;
    if (last && last->code == code && n <= UINT32_MAX - last->a)
        last->a += n;
    else if (n)
        compiler_emit(c, code, n, 0);
}

uint32_t compiler_label(struct compiler *c) {
    c->barrier = c->p->n_ops;
    return c->p->n_ops;
}

/* A union's op; each branch's place in the jump table is filled by compiler_branch, and compiler_branch_end leaves for
 * the end. */
uint32_t compiler_union(struct compiler *c, const struct schema_node *node) {
    return compiler_emit(c, OP_UNION, compiler_claim(c, &c->p->n_jumps, node->n), node->n);
}

void compiler_branch(struct compiler *c, uint32_t at, uint32_t branch) {
    if (!c->failed)
        c->jumps[c->ops[at].a + branch] = compiler_label(c);
}

/* The jumps out of the branches are chained by `a` until the end is known. */
uint32_t compiler_branch_end(struct compiler *c, uint32_t chain) {
    return compiler_emit(c, OP_JUMP, chain, 0);
}

void compiler_union_end(struct compiler *c, uint32_t chain) {
    uint32_t end = compiler_label(c);
    while (chain && !c->failed) {
        uint32_t next = c->ops[chain].a;
        c->ops[chain].a = end;
        chain = next;
    }
}

const struct schema_node *compiler_nullable(const struct schema_node *node) {
    if (node->type != SCHEMA_UNION || node->n != 2)
        return NULL;
    const struct schema_node *first = node->members[0].type, *second = node->members[1].type;
    if (second->type == SCHEMA_NULL)
        return first;
    return first->type == SCHEMA_NULL ? second : NULL;
}

uint32_t compiler_optional(struct compiler *c, enum op_code code, const struct schema_node *node, uint32_t slot) {
    uint32_t at = compiler_emit(c, code, 0, node->members[0].type->type != SCHEMA_NULL);
    c->ops[at].slot = (uint16_t)slot;
    compiler_label(c);
    return at;
}

void compiler_optional_end(struct compiler *c, uint32_t at) {
    c->ops[at].a = compiler_label(c);
}

/* ---- skipping ---- */

static void skip_union(struct compiler *c, const struct schema_node *node) {
    const struct schema_node *other = compiler_nullable(node);
    if (other) {
        uint32_t optional = compiler_optional(c, OP_OPTIONAL, node, 0);
        compiler_skip(c, other);
        compiler_optional_end(c, optional);
        return;
    }
    uint32_t at = compiler_union(c, node), chain = 0;
    for (uint32_t i = 0; i < node->n && !c->failed; i++) {
        compiler_branch(c, at, i);
        compiler_skip(c, node->members[i].type);
        chain = compiler_branch_end(c, chain);
    }
    compiler_union_end(c, chain);
}

static void skip_members(struct compiler *c, const struct schema_node *node) {
    struct bytes place = c->place;
    for (uint32_t i = 0; i < node->n && !c->failed; i++) {
        c->place = node->members[i].name;
        compiler_skip(c, node->members[i].type);
    }
    c->place = place;
}

static void skip_record(struct compiler *c, const struct schema_node *node) {
    struct state *state = &c->states[node->number];
    if (!state->open && c->p->n_ops < INLINE_OPS && c->inlined < INLINE_DEPTH) {
        state->open = true;
        c->inlined++;
        skip_members(c, node);
        c->inlined--;
        state->open = false;
        return;
    }
    compiler_emit(c, OP_CALL, node->number, 0);
    if (!state->queued)
        c->bodies[c->n_bodies++] = node;
    state->queued = true;
}

/* Bodies may call for more bodies; when all are there, calls get their places for the nodes' numbers. */
void compiler_end(struct compiler *c) {
    compiler_emit(c, OP_END, 0, 0);
    for (uint32_t i = 0; i < c->n_bodies && !c->failed; i++) {
        struct state *state = &c->states[c->bodies[i]->number];
        state->body = compiler_label(c);
        state->open = true;
        skip_members(c, c->bodies[i]);
        state->open = false;
        compiler_emit(c, OP_END, 0, 0);
    }
    for (uint32_t i = 0; i < c->p->n_ops && !c->failed; i++)
        if (c->ops[i].code == OP_CALL)
            c->ops[i].a = c->states[c->ops[i].a].body;
}

/* The body of a map's values (after their keys) or an array's items, skipped. */
static void skip_items(struct compiler *c, const struct schema_node *node) {
    compiler_label(c);
    if (node->type == SCHEMA_MAP)
        emit_skip(c, OP_SKIP_TEXTS, 1);
    compiler_skip(c, node->members[0].type);
    compiler_emit(c, OP_END, 0, 0);
}

static void skip_blocks(struct compiler *c, const struct schema_node *node) {
    uint32_t at = compiler_emit(c, OP_SKIP_BLOCKS, 0, 0);
    skip_items(c, node);
    c->ops[at].a = compiler_label(c);
}

void compiler_skip(struct compiler *c, const struct schema_node *node) {
    if (c->failed)
        return;
    if (node->width != SCHEMA_VARIES) {
        emit_skip(c, OP_SKIP, node->width);
        return;
    }
    switch (node->type) {
    case SCHEMA_INT:
    case SCHEMA_LONG:
    case SCHEMA_ENUM: emit_skip(c, OP_SKIP_VARINTS, 1); return;
    case SCHEMA_BYTES:
    case SCHEMA_STRING: emit_skip(c, OP_SKIP_TEXTS, 1); return;
    case SCHEMA_RECORD: skip_record(c, node); return;
    case SCHEMA_ARRAY:
    case SCHEMA_MAP: skip_blocks(c, node); return;
    case SCHEMA_UNION: skip_union(c, node); return;
    case SCHEMA_NULL:
    case SCHEMA_BOOLEAN:
    case SCHEMA_FLOAT:
    case SCHEMA_DOUBLE:
    case SCHEMA_FIXED: MUST(false); return;
    }
}
