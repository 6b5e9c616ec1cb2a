/* Runs an avro_program over one record's bytes. The hot path of reading Avro: no allocation, no copy, one loop over
 * flat ops; only blocks and recursive types call themselves, to a fixed depth.
 *
 * What bounds it: every op takes at least a byte but those that only move on (avro_compiler.c), items of blocks that
 * take none (array of null) are paid from a budget, and a length is never believed past the record's end. */
#include "codec/avro_op.h"

#include <stdio.h>

struct machine {
    const struct avro_program *p;
    const uint8_t *start, *at, *end;
    struct avro_run *run;
    uint64_t items; /* that blocks may still have */
    struct err *e;
};

static bool go(struct machine *m, const struct op *op, unsigned nesting);

bool avro_program_run(const struct avro_program *program, struct reader *r, struct avro_run *run, struct err *e) {
    struct machine m = {program, r->at, r->at, r->end, run, (uint64_t)EVENT_MAX_BYTES + reader_left(r), e};
    for (uint32_t i = 0; i < program->n_wants; i++)
        run->values[i].kind = AVRO_ABSENT;
    run->n_entries = 0;
    bool ok = go(&m, program->ops, 0);
    r->at = m.at;
    r->ok = r->ok && ok;
    return ok;
}

/* ---- words of failure ---- */

static void __attribute__((noinline, cold)) say(struct machine *m, const struct op *op, const char *what) {
    struct bytes place = m->p->places[op - m->p->ops];
    err_set(m->e, ERR_MALFORMED, NULL, "byte %zu%s%.*s: %s", (size_t)(m->at - m->start),
                   place.n ? ", " : "", (int)(place.n < 80 ? place.n : 80), place.n ? (const char *)place.at : "",
                   what);
}

/* In line, so that the compiler sees that it is false. */
static inline bool wrong(struct machine *m, const struct op *op, const char *what) {
    say(m, op, what);
    return false;
}

static bool __attribute__((noinline, cold)) wrong_number(struct machine *m, const struct op *op, const char *what,
                                                         int64_t number, uint64_t limit) {
    char words[128];
    snprintf(words, sizeof words, "%s %lld where %llu are there", what, (long long)number, (unsigned long long)limit);
    return wrong(m, op, words);
}

static inline bool ends(struct machine *m, const struct op *op) {
    return wrong(m, op, "the record ends here");
}

/* ---- reading ---- */

static bool __attribute__((noinline)) long_varint(struct machine *m, const struct op *op, int64_t *v) {
    uint64_t u = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (m->at == m->end)
            return ends(m, op);
        uint8_t b = *m->at++;
        if (shift == 63 && b > 1)
            break;
        u |= (uint64_t)(b & 127) << shift;
        if (b < 128) {
            *v = (int64_t)(u >> 1 ^ (~(u & 1) + 1));
            return true;
        }
    }
    return wrong(m, op, "a number of more than 64 bits");
}

static inline bool varint(struct machine *m, const struct op *op, int64_t *v) {
    if (m->at < m->end && *m->at < 128) {
        uint32_t b = *m->at++;
        *v = (int64_t)(b >> 1) ^ -(int64_t)(b & 1);
        return true;
    }
    return long_varint(m, op, v);
}

static inline bool fixed(struct machine *m, const struct op *op, size_t n, struct bytes *b) {
    if ((size_t)(m->end - m->at) < n)
        return ends(m, op);
    *b = (struct bytes){m->at, n};
    m->at += n;
    return true;
}

/* A string or bytes. */
static inline bool text(struct machine *m, const struct op *op, struct bytes *b) {
    int64_t n = 0;
    if (!varint(m, op, &n))
        return false;
    if ((uint64_t)n > (uint64_t)(m->end - m->at))
        return wrong_number(m, op, "a length of", n, (uint64_t)(m->end - m->at));
    return fixed(m, op, (size_t)n, b);
}

/* The index of a union's branch or an enum's symbol, below n. */
static inline bool choice(struct machine *m, const struct op *op, const char *what, uint32_t n, uint32_t *i) {
    int64_t v = 0;
    if (!varint(m, op, &v))
        return false;
    if ((uint64_t)v >= n)
        return wrong_number(m, op, what, v, n);
    *i = (uint32_t)v;
    return true;
}

static bool real(struct machine *m, const struct op *op, struct avro_value *value) {
    bool wide = op->code == OP_DOUBLE;
    struct bytes b = {NULL, 0};
    if (!fixed(m, op, wide ? 8 : 4, &b))
        return false;
    struct reader r = reader_of(b);
    value->kind = wide ? AVRO_DOUBLE : AVRO_FLOAT;
    if (wide) {
        uint64_t bits = reader_u64(&r);
        memcpy(&value->real, &bits, sizeof bits);
    } else {
        uint32_t bits = reader_u32(&r);
        float f;
        memcpy(&f, &bits, sizeof bits);
        value->real = (double)f;
    }
    return true;
}

/* A value that is wanted. */
static inline bool take(struct machine *m, const struct op *op) {
    struct avro_value *value = &m->run->values[op->slot];
    uint32_t i = 0;
    value->logical = SCHEMA_PLAIN;
    switch ((enum op_code)op->code) {
    case OP_NULL: value->kind = AVRO_NULL; return true;
    case OP_BOOLEAN:
        value->kind = AVRO_BOOLEAN;
        if (m->at == m->end || *m->at > 1)
            return wrong(m, op, "a boolean that is neither 0 nor 1");
        value->number = *m->at++;
        return true;
    case OP_LONG:
        value->kind = AVRO_LONG;
        value->logical = op->logical;
        return varint(m, op, &value->number);
    case OP_FLOAT:
    case OP_DOUBLE: return real(m, op, value);
    case OP_TEXT: value->kind = AVRO_TEXT; return text(m, op, &value->text);
    case OP_FIXED: value->kind = AVRO_TEXT; return fixed(m, op, op->a, &value->text);
    case OP_ENUM:
        value->kind = AVRO_TEXT;
        if (!choice(m, op, "symbol", op->b, &i))
            return false;
        value->text = m->p->symbols[op->a + i];
        return true;
    case OP_END:
    case OP_SKIP:
    case OP_SKIP_VARINTS:
    case OP_SKIP_TEXTS:
    case OP_SKIP_BLOCKS:
    case OP_UNION:
    case OP_JUMP:
    case OP_CALL:
    case OP_PICK_INDEX:
    case OP_PICK_KEY:
    case OP_ENTRIES: break;
    }
    MUST(false);
}

/* ---- blocks ---- */

/* The next block of an array or map: its items (0: the end). Where `skip`, blocks that say their size are passed. */
static bool block(struct machine *m, const struct op *op, bool skip, uint64_t *count) {
    for (;;) {
        int64_t n, size = 0;
        if (!varint(m, op, &n) || (n < 0 && !varint(m, op, &size)))
            return false;
        if (size < 0 || size > m->end - m->at)
            return wrong_number(m, op, "a block size of", size, (uint64_t)(m->end - m->at));
        *count = n < 0 ? ~(uint64_t)n + 1 : (uint64_t)n;
        if (n < 0 && skip) {
            m->at += size;
            continue;
        }
        if (*count > m->items)
            return wrong(m, op, "more items than a record of this size may have");
        m->items -= *count;
        return true;
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

static bool items(struct machine *m, const struct op *op, unsigned nesting) {
    uint64_t index = 0, count;
    struct bytes key = {NULL, 0};
    do {
        if (!block(m, op, op->code == OP_SKIP_BLOCKS, &count))
            return false;
        for (uint64_t i = 0; i < count; i++, index++) {
            if (op->code == OP_PICK_KEY && !text(m, op, &key))
                return false;
            if (!go(m, pick_body(m, op, index, key), nesting))
                return false;
        }
    } while (count);
    return true;
}

static bool entries(struct machine *m, const struct op *op, unsigned nesting) {
    struct avro_value *scratch = &m->run->values[m->p->n_wants];
    uint64_t count;
    do {
        if (!block(m, op, false, &count))
            return false;
        for (uint64_t i = 0; i < count; i++) {
            struct bytes key;
            scratch->kind = AVRO_ABSENT;
            if (!text(m, op, &key) || !go(m, op + 1, nesting))
                return false;
            if (scratch->kind == AVRO_ABSENT)
                continue;
            if (m->run->n_entries == EVENT_MAX_FIELDS)
                return err_set(m->e, ERR_TOO_LARGE, NULL, "more than %d fields", EVENT_MAX_FIELDS);
            m->run->entries[m->run->n_entries++] = (struct avro_entry){key, *scratch};
        }
    } while (count);
    return true;
}

/* ---- the loop ---- */

static bool skip_some(struct machine *m, const struct op *op) {
    struct bytes skipped;
    int64_t number;
    for (uint32_t i = 0; i < op->a; i++)
        if (op->code == OP_SKIP_TEXTS ? !text(m, op, &skipped) : !varint(m, op, &number))
            return false;
    return true;
}

static bool go(struct machine *m, const struct op *op, unsigned nesting) {
    struct bytes skipped;
    uint32_t branch = 0;
    if (nesting > AVRO_MAX_NESTING)
        return wrong(m, op, "nested deeper than 64");
    for (;;) {
        bool ok = true;
        switch ((enum op_code)op->code) {
        case OP_END: return true;
        case OP_SKIP: ok = fixed(m, op, op->a, &skipped); break;
        case OP_SKIP_VARINTS:
        case OP_SKIP_TEXTS: ok = skip_some(m, op); break;
        case OP_JUMP: op = m->p->ops + op->a; continue;
        case OP_UNION:
            if (!choice(m, op, "branch", op->b, &branch))
                return false;
            op = m->p->ops + m->p->jumps[op->a + branch];
            continue;
        case OP_CALL: ok = go(m, m->p->ops + op->a, nesting + 1); break;
        case OP_SKIP_BLOCKS:
        case OP_PICK_INDEX:
        case OP_PICK_KEY:
            if (!items(m, op, nesting + 1))
                return false;
            op = m->p->ops + op->a;
            continue;
        case OP_ENTRIES:
            if (!entries(m, op, nesting + 1))
                return false;
            op = m->p->ops + op->a;
            continue;
        case OP_NULL:
        case OP_BOOLEAN:
        case OP_LONG:
        case OP_FLOAT:
        case OP_DOUBLE:
        case OP_TEXT:
        case OP_FIXED:
        case OP_ENUM: ok = take(m, op); break;
        }
        if (!ok)
            return false;
        op++;
    }
}
