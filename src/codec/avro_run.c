/* Runs an avro_program over one record's bytes. The hot path of reading Avro: no allocation, no copy, one loop over
 * flat ops; only blocks and recursive types call themselves, to a fixed depth.
 *
 * What bounds it: every op takes at least a byte but those that only move on (avro_compiler.c), items of blocks that
 * take none (array of null) are paid from a budget, and a length is never believed past the record's end. */
#include "base/guard.h"
#include "codec/avro_op.h"

#include <stdio.h>

struct machine {
    const struct avro_program *p;
    const uint8_t *start, *end;
    struct avro_run *run;
    uint64_t items; /* that blocks may still have */
    struct err *e;
};

/* Everything that reads takes where it is and gives where it is then; NULL: it failed and said why. (Kept in a
 * register, not in the machine: half of the time.) */
static const uint8_t *go(struct machine *m, const struct op *op, const uint8_t *at, unsigned nesting);

bool avro_program_run(const struct avro_program *program, struct reader *r, struct avro_run *run, struct err *e) {
    static const uint8_t nothing;
    const uint8_t *start = r->at ? r->at : &nothing;
    struct machine m = {program, start, start + reader_left(r), run, (uint64_t)EVENT_MAX_BYTES + reader_left(r), e};
    for (uint32_t i = 0; i < program->n_wants; i++)
        run->values[i].kind = FOUND_ABSENT;
    run->n_entries = 0;
    const uint8_t *at = go(&m, program->ops, start, 0);
    r->ok = r->ok && at;
    r->at += at ? at - start : 0;
    return at != NULL;
}

/* ---- words of failure ---- */

static const uint8_t *__attribute__((noinline, cold)) wrong(struct machine *m, const struct op *op, const uint8_t *at,
                                                            const char *what) {
    struct bytes place = m->p->places[op - m->p->ops];
    err_set(m->e, ERR_MALFORMED, NULL, "byte %zu%s%.*s: %s", (size_t)(at - m->start), place.n ? ", " : "",
            (int)(place.n < 80 ? place.n : 80), place.n ? (const char *)place.at : "", what);
    return NULL;
}

static const uint8_t *__attribute__((noinline, cold))
wrong_number(struct machine *m, const struct op *op, const uint8_t *at, const char *what, int64_t number) {
    char words[128];
    snprintf(words, sizeof words, "%s %lld, with %zu bytes left", what, (long long)number, (size_t)(m->end - at));
    return wrong(m, op, at, words);
}

static const uint8_t *ends(struct machine *m, const struct op *op, const uint8_t *at) {
    return wrong(m, op, at, "the record ends here");
}

/* ---- reading ---- */

static const uint8_t *__attribute__((noinline)) long_varint(struct machine *m, const struct op *op, const uint8_t *at,
                                                            int64_t *v) {
    uint64_t u = 0;
    *v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (at == m->end)
            return ends(m, op, at);
        uint8_t b = *at++;
        if (GUARD(avro_number) && shift == 63 && b > 1)
            break;
        u |= (uint64_t)(b & 127) << shift;
        if (b < 128) {
            *v = (int64_t)(u >> 1 ^ (~(u & 1) + 1));
            return at;
        }
    }
    return wrong(m, op, at, "a number of more than 64 bits");
}

static inline const uint8_t *varint(struct machine *m, const struct op *op, const uint8_t *at, int64_t *v) {
    if (at < m->end && *at < 128) {
        uint32_t b = *at++;
        *v = (int64_t)(b >> 1) ^ -(int64_t)(b & 1);
        return at;
    }
    return long_varint(m, op, at, v);
}

static inline const uint8_t *fixed(struct machine *m, const struct op *op, const uint8_t *at, size_t n) {
    return (size_t)(m->end - at) < n ? ends(m, op, at) : at + n;
}

/* A string or bytes. */
static inline const uint8_t *text(struct machine *m, const struct op *op, const uint8_t *at, struct bytes *b) {
    int64_t n;
    at = varint(m, op, at, &n);
    if (!at)
        return NULL;
    if (GUARD(avro_length) && (uint64_t)n > (uint64_t)(m->end - at))
        return wrong_number(m, op, at, "a length of", n);
    *b = (struct bytes){at, (size_t)n};
    return at + n;
}

static const uint8_t *real(struct machine *m, const struct op *op, const uint8_t *at, struct found *value) {
    bool wide = op->code == OP_DOUBLE;
    const uint8_t *next = fixed(m, op, at, wide ? 8 : 4);
    if (!next)
        return NULL;
    struct reader r = reader_of((struct bytes){at, (size_t)(next - at)});
    value->kind = wide ? FOUND_DOUBLE : FOUND_FLOAT;
    if (wide) {
        uint64_t bits = reader_u64(&r);
        memcpy(&value->real, &bits, sizeof bits);
    } else {
        uint32_t bits = reader_u32(&r);
        float f;
        memcpy(&f, &bits, sizeof bits);
        value->real = (double)f;
    }
    return next;
}

static const uint8_t *boolean(struct machine *m, const struct op *op, const uint8_t *at, struct found *value) {
    const uint8_t *next = fixed(m, op, at, 1);
    if (!next)
        return NULL;
    if (*at > 1)
        return wrong(m, op, at, "a boolean that is neither 0 nor 1");
    value->kind = FOUND_BOOLEAN;
    value->number = *at;
    return next;
}

static const uint8_t *symbol(struct machine *m, const struct op *op, const uint8_t *at, struct found *value) {
    int64_t i;
    const uint8_t *next = varint(m, op, at, &i);
    if (!next)
        return NULL;
    if (GUARD(avro_symbol) && (uint64_t)i >= op->b)
        return wrong_number(m, op, next, "there is no symbol", i);
    value->kind = FOUND_TEXT;
    value->text = m->p->symbols[op->a + (uint32_t)i];
    return next;
}

/* Which of the two branches it is of a union with null. */
static inline const uint8_t *optional(struct machine *m, const struct op *op, const uint8_t *at, bool *null) {
    *null = false;
    if (at == m->end)
        return ends(m, op, at);
    if (*at != 0 && *at != 2)
        return wrong(m, op, at, "there is no such branch in a union of two");
    *null = *at >> 1 == op->b;
    return at + 1;
}

static inline const uint8_t *optional_text(struct machine *m, const struct op *op, const uint8_t *at,
                                           struct found *value) {
    bool null;
    at = optional(m, op, at, &null);
    value->kind = null ? FOUND_NULL : FOUND_TEXT;
    return at && !null ? text(m, op, at, &value->text) : at;
}

static const uint8_t *skip_some(struct machine *m, const struct op *op, const uint8_t *at) {
    struct bytes skipped;
    int64_t number;
    for (uint32_t i = 0; at && i < op->a; i++)
        at = op->code == OP_SKIP_TEXTS ? text(m, op, at, &skipped) : varint(m, op, at, &number);
    return at;
}

/* ---- blocks ---- */

/* The next block of an array or map: its items (0: the end). Where `skip`, blocks that say their size are passed. */
static const uint8_t *block(struct machine *m, const struct op *op, const uint8_t *at, bool skip, uint64_t *count) {
    for (;;) {
        int64_t n, size = 0;
        at = varint(m, op, at, &n);
        if (at && n < 0)
            at = varint(m, op, at, &size);
        if (!at)
            return NULL;
        if (GUARD(avro_block) && (size < 0 || size > m->end - at))
            return wrong_number(m, op, at, "a block size of", size);
        *count = n < 0 ? ~(uint64_t)n + 1 : (uint64_t)n;
        if (n < 0 && skip) {
            at += size;
            continue;
        }
        if (GUARD(avro_items) && *count > m->items)
            return wrong(m, op, at, "more items than a record of this size may have");
        m->items -= *count;
        return at;
    }
}

/* The body of the item at `index`, or under `key`. */
static const struct op *pick_body(const struct machine *m, const struct op *op, uint64_t index, struct bytes key) {
    for (uint32_t i = 0; op->code != OP_SKIP_BLOCKS && i < op->slot; i++) {
        const struct pick *pick = &m->p->picks[op->b + i];
        if (op->code == OP_PICK_KEY ? bytes_equal(pick->step->name, key) : pick->step->index == index)
            return m->p->ops + pick->body;
    }
    return op + 1;
}

static const uint8_t *items(struct machine *m, const struct op *op, const uint8_t *at, unsigned nesting) {
    uint64_t index = 0, count = 0;
    struct bytes key = {NULL, 0};
    do {
        at = block(m, op, at, op->code == OP_SKIP_BLOCKS, &count);
        for (uint64_t i = 0; at && i < count; i++, index++) {
            if (op->code == OP_PICK_KEY)
                at = text(m, op, at, &key);
            if (at)
                at = go(m, pick_body(m, op, index, key), at, nesting);
        }
    } while (at && count);
    return at;
}

static const uint8_t *entries(struct machine *m, const struct op *op, const uint8_t *at, unsigned nesting) {
    struct found *scratch = &m->run->values[m->p->n_wants];
    uint64_t count = 0;
    do {
        at = block(m, op, at, false, &count);
        for (uint64_t i = 0; at && i < count; i++) {
            struct bytes key;
            scratch->kind = FOUND_ABSENT;
            at = text(m, op, at, &key);
            if (at && op[1].code == OP_OPTIONAL_TEXT)
                at = optional_text(m, op + 1, at, scratch);
            else if (at)
                at = go(m, op + 1, at, nesting);
            if (!at || scratch->kind == FOUND_ABSENT)
                continue;
            if (m->run->n_entries == EVENT_MAX_FIELDS) {
                err_set(m->e, ERR_TOO_LARGE, NULL, "more than %d fields", EVENT_MAX_FIELDS);
                return NULL;
            }
            m->run->entries[m->run->n_entries++] = (struct found_entry){key, *scratch};
        }
    } while (at && count);
    return at;
}

/* ---- the loop ---- */

static const uint8_t *go(struct machine *m, const struct op *op, const uint8_t *at, unsigned nesting) {
    if (GUARD(avro_nesting) && nesting > AVRO_MAX_NESTING)
        return wrong(m, op, at, "nested deeper than 64");
    for (; at; op++) {
        struct found *value = &m->run->values[op->slot];
        int64_t n;
        bool null;
        switch ((enum op_code)op->code) {
        case OP_END: return at;
        case OP_SKIP: at = fixed(m, op, at, op->a); break;
        case OP_SKIP_VARINTS:
        case OP_SKIP_TEXTS: at = skip_some(m, op, at); break;
        case OP_OPTIONAL_TEXT: at = optional_text(m, op, at, value); break;
        case OP_OPTIONAL_VALUE: value->kind = FOUND_NULL; /* fall through */
        case OP_OPTIONAL:
            at = optional(m, op, at, &null);
            if (null)
                op = m->p->ops + op->a - 1;
            break;
        case OP_JUMP: op = m->p->ops + op->a - 1; break;
        case OP_UNION:
            at = varint(m, op, at, &n);
            if (GUARD(avro_branch) && at && (uint64_t)n >= op->b)
                at = wrong_number(m, op, at, "there is no branch", n);
            if (at)
                op = m->p->ops + m->p->jumps[op->a + (uint32_t)n] - 1;
            break;
        case OP_CALL: at = go(m, m->p->ops + op->a, at, nesting + 1); break;
        case OP_SKIP_BLOCKS:
        case OP_PICK_INDEX:
        case OP_PICK_KEY:
            at = items(m, op, at, nesting + 1);
            op = m->p->ops + op->a - 1;
            break;
        case OP_ENTRIES:
            at = entries(m, op, at, nesting + 1);
            op = m->p->ops + op->a - 1;
            break;
        case OP_NULL: value->kind = FOUND_NULL; break;
        case OP_BOOLEAN: at = boolean(m, op, at, value); break;
        case OP_LONG:
            value->kind = FOUND_LONG;
            value->logical = op->logical;
            at = varint(m, op, at, &value->number);
            break;
        case OP_FLOAT:
        case OP_DOUBLE: at = real(m, op, at, value); break;
        case OP_TEXT:
            value->kind = FOUND_TEXT;
            at = text(m, op, at, &value->text);
            break;
        case OP_FIXED:
            value->kind = FOUND_TEXT;
            value->text = (struct bytes){at, op->a};
            at = fixed(m, op, at, op->a);
            break;
        case OP_ENUM: at = symbol(m, op, at, value); break;
        }
    }
    return NULL;
}
