/* A slice of bytes, and sticky cursors that read and write them.
 *
 * A cursor remembers its first failure: write or read straight through and test `ok` once at the end. A failed read
 * gives zeros and empty slices. Integers are little endian unless the name says otherwise. */
#ifndef LEADSTREAM_BYTES_H
#define LEADSTREAM_BYTES_H

#include <leadstream/must.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* n bytes that someone else owns; not terminated by a zero. at may be NULL where n is 0. */
struct bytes {
    const uint8_t *at;
    size_t n;
};

/* The characters of a C string, lent. */
static inline struct bytes bytes_of(const char *text) {
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

static inline bool bytes_is(struct bytes a, const char *text) {
    return bytes_equal(a, bytes_of(text));
}

/* <0, 0, >0 in byte order; a prefix comes before what it begins. */
static inline int bytes_compare(struct bytes a, struct bytes b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.at, b.at, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* ---- reading ---- */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool ok;
};

static inline struct reader reader_of(struct bytes b) {
    return (struct reader){b.at, b.at ? b.at + b.n : b.at, true};
}

/* Bytes not yet read. */
static inline size_t reader_left(const struct reader *r) {
    return (size_t)(r->end - r->at);
}

/* The next n bytes, lent; empty and not ok if there are fewer. */
static inline struct bytes reader_bytes(struct reader *r, size_t n) {
    if (!r->ok || reader_left(r) < n) {
        r->ok = false;
        return (struct bytes){NULL, 0};
    }
    struct bytes b = {r->at, n};
    if (n)
        r->at += n;
    return b;
}

static inline uint8_t reader_u8(struct reader *r) {
    struct bytes b = reader_bytes(r, 1);
    return b.n ? b.at[0] : 0;
}

uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint16_t reader_u16be(struct reader *r);
uint32_t reader_u32be(struct reader *r);
uint64_t reader_u64be(struct reader *r);
/* Avro's int and long: zigzag in base 128, at most 10 bytes. */
int64_t reader_zigzag(struct reader *r);

/* ---- writing into a fixed buffer ---- */
struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool ok; /* false once something did not fit */
};

static inline struct writer writer_of(void *buffer, size_t n) {
    return (struct writer){buffer, buffer, (uint8_t *)buffer + n, true};
}

/* What was written so far. */
static inline struct bytes writer_done(const struct writer *w) {
    return (struct bytes){w->start, (size_t)(w->at - w->start)};
}

void writer_bytes(struct writer *w, const void *from, size_t n);
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_u16be(struct writer *w, uint16_t v);
void writer_u32be(struct writer *w, uint32_t v);
void writer_u64be(struct writer *w, uint64_t v);
void writer_zigzag(struct writer *w, int64_t v);

#endif
