/* Schema + wanted places -> program. The schema's tree is walked from its root with the set of places that lie below;
 * where the set is empty, the rest is skipped (avro_compiler.c). */
#include "codec/avro_compiler.h"

#include <stdlib.h>

#define TEXTS_LIMIT ((size_t)1024 * 1024)

struct set {
    uint32_t n;
    uint16_t wants[AVRO_MAX_WANTS];
};

static void compile(struct compiler *c, const struct schema_node *node, const struct set *set, uint32_t depth);
static void program_pack(struct avro_program *p);

struct avro_program *avro_program_new(const struct schema_node *root, struct avro_want *wants, uint32_t n_wants,
                                      struct err *e) {
    MUST(n_wants <= AVRO_MAX_WANTS);
    struct compiler *c = calloc(1, sizeof *c);
    struct avro_program *p = calloc(1, sizeof *p);
    MUST(c != NULL && p != NULL);
    *p = (struct avro_program){n_wants, 0, 0, 0, 0, c->ops, c->places, c->jumps, c->picks, c->symbols, NULL};
    p->texts = arena_new(TEXTS_LIMIT);
    c->p = p;
    c->wants = wants;
    struct set all = {.n = n_wants};
    for (uint32_t i = 0; i < n_wants; i++) {
        all.wants[i] = (uint16_t)i;
        wants[i].found = wants[i].blocked = false;
    }
    compile(c, root, &all, 0);
    compiler_end(c);
    bool failed = c->failed;
    if (failed)
        *p = (struct avro_program){.texts = p->texts};
    program_pack(p);
    free(c);
    if (failed) {
        avro_program_free(&p);
        err_set(e, ERR_SCHEMA, NULL, "the schema is too large to be compiled (more than %d steps)", AVRO_MAX_OPS);
    }
    return p;
}

void avro_program_free(struct avro_program **program) {
    struct avro_program *p = *program;
    if (!p)
        return;
    free(p->ops);
    free(p->places);
    free(p->jumps);
    free(p->picks);
    free(p->symbols);
    arena_free(&p->texts);
    free(p);
    *program = NULL;
}

static void *packed(const void *table, size_t n, size_t size) {
    void *copy = malloc(n ? n * size : 1);
    MUST(copy != NULL);
    if (n)
        memcpy(copy, table, n * size);
    return copy;
}

/* The tables move out of the compiler. Jumps to jumps go where those go. */
static void program_pack(struct avro_program *p) {
    for (uint32_t i = 0; i < p->n_jumps; i++)
        while (p->ops[p->jumps[i]].code == OP_JUMP)
            p->jumps[i] = p->ops[p->jumps[i]].a;
    p->ops = packed(p->ops, p->n_ops, sizeof *p->ops);
    p->places = packed(p->places, p->n_ops, sizeof *p->places);
    p->jumps = packed(p->jumps, p->n_jumps, sizeof *p->jumps);
    p->picks = packed(p->picks, p->n_picks, sizeof *p->picks);
    p->symbols = packed(p->symbols, p->n_symbols, sizeof *p->symbols);
}

/* ---- taking ---- */

static void emit_take(struct compiler *c, enum op_code code, uint32_t slot, uint32_t a) {
    c->ops[compiler_emit(c, code, a, 0)].slot = (uint16_t)slot;
}

/* The symbol as the want has it: "opened" of an EmailType is "email.opened" where it is qualified. */
static struct bytes symbol_text(struct compiler *c, const struct schema_node *node, struct bytes symbol,
                                bool qualified) {
    size_t dot = node->name.n;
    while (dot > 0 && node->name.at[dot - 1] != '.')
        dot--;
    struct bytes own = {node->name.at + dot, node->name.n - dot};
    if (!qualified || own.n <= 4 || memcmp(own.at + own.n - 4, "Type", 4) != 0)
        return symbol;
    own.n -= 4;
    uint8_t *at = arena_take(c->p->texts, own.n + 1 + symbol.n);
    if (!at) {
        c->failed = true;
        return symbol;
    }
    for (size_t i = 0; i < own.n; i++)
        at[i] = own.at[i] >= 'A' && own.at[i] <= 'Z' ? (uint8_t)(own.at[i] + ('a' - 'A')) : own.at[i];
    at[own.n] = '.';
    memcpy(at + own.n + 1, symbol.at, symbol.n);
    return (struct bytes){at, own.n + 1 + symbol.n};
}

static void take_enum(struct compiler *c, const struct schema_node *node, uint32_t slot, bool qualified) {
    uint32_t first = compiler_claim(c, &c->p->n_symbols, node->n);
    for (uint32_t i = 0; i < node->n && !c->failed; i++)
        c->symbols[first + i] = symbol_text(c, node, node->members[i].name, qualified);
    uint32_t at = compiler_emit(c, OP_ENUM, first, node->n);
    c->ops[at].slot = (uint16_t)slot;
}

/* Takes a scalar. False: the node is none. */
static bool take(struct compiler *c, const struct schema_node *node, uint32_t slot, bool qualified) {
    switch (node->type) {
    case SCHEMA_NULL: emit_take(c, OP_NULL, slot, 0); return true;
    case SCHEMA_BOOLEAN: emit_take(c, OP_BOOLEAN, slot, 0); return true;
    case SCHEMA_INT:
    case SCHEMA_LONG: {
        uint32_t at = compiler_emit(c, OP_LONG, 0, 0);
        c->ops[at].slot = (uint16_t)slot;
        c->ops[at].logical = (uint8_t)node->logical;
        return true;
    }
    case SCHEMA_FLOAT: emit_take(c, OP_FLOAT, slot, 0); return true;
    case SCHEMA_DOUBLE: emit_take(c, OP_DOUBLE, slot, 0); return true;
    case SCHEMA_BYTES:
    case SCHEMA_STRING: emit_take(c, OP_TEXT, slot, 0); return true;
    case SCHEMA_FIXED: emit_take(c, OP_FIXED, slot, node->n); return true;
    case SCHEMA_ENUM: take_enum(c, node, slot, qualified); return true;
    case SCHEMA_RECORD:
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
    case SCHEMA_UNION: return false;
    }
    return false;
}

/* A nullable scalar. False: the node is none, and nothing was written. */
static bool take_nullable(struct compiler *c, const struct schema_node *node, uint32_t slot, bool qualified) {
    const struct schema_node *other = compiler_nullable(node);
    if (!other || (other->type > SCHEMA_STRING && other->type != SCHEMA_ENUM && other->type != SCHEMA_FIXED))
        return false;
    bool text = other->type == SCHEMA_STRING || other->type == SCHEMA_BYTES;
    uint32_t at = compiler_optional(c, text ? OP_OPTIONAL_TEXT : OP_OPTIONAL_VALUE, node, slot);
    if (!text)
        MUST(take(c, other, slot, qualified));
    compiler_optional_end(c, at);
    return true;
}

/* Takes whatever scalar there is, in any branch of a union. False: there is none, all was skipped. */
static bool take_any(struct compiler *c, const struct schema_node *node, uint32_t slot) {
    if (take_nullable(c, node, slot, false))
        return true;
    if (node->type != SCHEMA_UNION) {
        bool scalar = take(c, node, slot, false);
        if (!scalar)
            compiler_skip(c, node);
        return scalar;
    }
    bool any = false;
    uint32_t at = compiler_union(c, node), chain = 0;
    for (uint32_t i = 0; i < node->n && !c->failed; i++) {
        compiler_branch(c, at, i);
        any |= take_any(c, node->members[i].type, slot);
        chain = compiler_branch_end(c, chain);
    }
    compiler_union_end(c, chain);
    return any;
}

/* ---- walking to what is wanted ---- */

/* The want of the set that ends here; NULL: none does. */
static struct avro_want *ends_here(struct compiler *c, const struct set *set, uint32_t depth, bool entries) {
    for (uint32_t i = 0; i < set->n; i++) {
        struct avro_want *want = &c->wants[set->wants[i]];
        if (want->n_steps == depth && want->entries == entries)
            return want;
    }
    return NULL;
}

/* Those of the set that go on by the same step as `step` does. */
static struct set follow(struct compiler *c, const struct set *set, uint32_t depth, const struct mapping_step *step) {
    struct set below = {.n = 0};
    for (uint32_t i = 0; i < set->n; i++) {
        const struct avro_want *want = &c->wants[set->wants[i]];
        if (want->n_steps > depth && bytes_equal(want->steps[depth].name, step->name) &&
            want->steps[depth].index == step->index)
            below.wants[below.n++] = set->wants[i];
    }
    return below;
}

static void compile_union(struct compiler *c, const struct schema_node *node, const struct set *set, uint32_t depth) {
    uint32_t at = compiler_union(c, node), chain = 0;
    for (uint32_t i = 0; i < node->n && !c->failed; i++) {
        compiler_branch(c, at, i);
        compile(c, node->members[i].type, set, depth);
        chain = compiler_branch_end(c, chain);
    }
    compiler_union_end(c, chain);
}

static void compile_record(struct compiler *c, const struct schema_node *node, const struct set *set, uint32_t depth) {
    struct bytes place = c->place;
    for (uint32_t i = 0; i < node->n && !c->failed; i++) {
        struct set below = follow(c, set, depth, &(struct mapping_step){.name = node->members[i].name});
        c->place = node->members[i].name;
        compile(c, node->members[i].type, &below, depth + 1);
    }
    c->place = place;
}

/* The first of the wants that goes on by its step into this kind of container. */
static bool leads_on(struct compiler *c, const struct set *set, uint32_t i, uint32_t depth, bool map) {
    const struct avro_want *want = &c->wants[set->wants[i]];
    if (want->n_steps <= depth || (want->steps[depth].name.n > 0) != map)
        return false;
    for (uint32_t j = 0; j < i; j++) {
        const struct avro_want *other = &c->wants[set->wants[j]];
        if (other->n_steps > depth && bytes_equal(other->steps[depth].name, want->steps[depth].name) &&
            other->steps[depth].index == want->steps[depth].index)
            return false;
    }
    return true;
}

/* Entries of an array or map, picked by index or key. */
static void compile_picks(struct compiler *c, const struct schema_node *node, const struct set *set, uint32_t depth) {
    bool map = node->type == SCHEMA_MAP;
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->n; i++)
        n += leads_on(c, set, i, depth, map);
    if (!n) {
        compiler_skip(c, node);
        return;
    }
    uint32_t first = compiler_claim(c, &c->p->n_picks, n);
    uint32_t at = compiler_emit(c, map ? OP_PICK_KEY : OP_PICK_INDEX, 0, first);
    c->ops[at].slot = (uint16_t)n;
    compiler_label(c);
    compiler_skip(c, node->members[0].type);
    compiler_emit(c, OP_END, 0, 0);
    for (uint32_t i = 0; i < set->n && !c->failed; i++) {
        if (!leads_on(c, set, i, depth, map))
            continue;
        const struct mapping_step *step = &c->wants[set->wants[i]].steps[depth];
        struct set below = follow(c, set, depth, step);
        c->picks[first++] = (struct pick){step, compiler_label(c)};
        compile(c, node->members[0].type, &below, depth + 1);
        compiler_emit(c, OP_END, 0, 0);
    }
    c->ops[at].a = compiler_label(c);
}

/* All entries of a map. */
static void compile_entries(struct compiler *c, const struct schema_node *node, struct avro_want *want) {
    uint32_t at = compiler_emit(c, OP_ENTRIES, 0, 0);
    compiler_label(c);
    want->found = take_any(c, node->members[0].type, c->p->n_wants);
    compiler_emit(c, OP_END, 0, 0);
    c->ops[at].a = compiler_label(c);
}

static void compile(struct compiler *c, const struct schema_node *node, const struct set *set, uint32_t depth) {
    if (c->failed)
        return;
    struct avro_want *want = ends_here(c, set, depth, false), *entries = ends_here(c, set, depth, true);
    if (want && set->n == 1 && take_nullable(c, node, (uint32_t)(want - c->wants), want->qualified)) {
        want->found = true;
    } else if (node->type == SCHEMA_UNION && set->n) {
        compile_union(c, node, set, depth);
    } else if (want && take(c, node, (uint32_t)(want - c->wants), want->qualified)) {
        want->found |= node->type != SCHEMA_NULL;
    } else if (entries && node->type == SCHEMA_MAP) {
        compile_entries(c, node, entries);
    } else {
        if (want)
            want->blocked = true;
        if (entries)
            entries->blocked |= node->type != SCHEMA_NULL;
        if (node->type == SCHEMA_RECORD && set->n)
            compile_record(c, node, set, depth);
        else if ((node->type == SCHEMA_ARRAY || node->type == SCHEMA_MAP) && set->n)
            compile_picks(c, node, set, depth);
        else
            compiler_skip(c, node);
    }
}
