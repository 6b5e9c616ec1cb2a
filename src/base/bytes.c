/* Sticky cursors over bytes. */
#include <leadstream/bytes.h>

static uint64_t little(struct bytes b) {
    uint64_t v = 0;
    for (size_t i = b.n; i-- > 0;)
        v = v << 8 | b.at[i];
    return v;
}

static uint64_t big(struct bytes b) {
    uint64_t v = 0;
    for (size_t i = 0; i < b.n; i++)
        v = v << 8 | b.at[i];
    return v;
}

uint16_t reader_u16(struct reader *r) {
    return (uint16_t)little(reader_bytes(r, 2));
}

uint32_t reader_u32(struct reader *r) {
    return (uint32_t)little(reader_bytes(r, 4));
}

uint64_t reader_u64(struct reader *r) {
    return little(reader_bytes(r, 8));
}

uint16_t reader_u16be(struct reader *r) {
    return (uint16_t)big(reader_bytes(r, 2));
}

uint32_t reader_u32be(struct reader *r) {
    return (uint32_t)big(reader_bytes(r, 4));
}

uint64_t reader_u64be(struct reader *r) {
    return big(reader_bytes(r, 8));
}

int64_t reader_zigzag(struct reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t b = reader_u8(r);
        if (!r->ok || (shift == 63 && b > 1))
            break;
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return (int64_t)(v >> 1 ^ (~(v & 1) + 1));
    }
    r->ok = false;
    return 0;
}

void writer_bytes(struct writer *w, const void *from, size_t n) {
    if (!w->ok || (size_t)(w->end - w->at) < n) {
        w->ok = false;
        return;
    }
    if (n) {
        memcpy(w->at, from, n);
        w->at += n;
    }
}

static void put_little(struct writer *w, uint64_t v, size_t n) {
    uint8_t b[8];
    for (size_t i = 0; i < n; i++, v >>= 8)
        b[i] = (uint8_t)v;
    writer_bytes(w, b, n);
}

static void put_big(struct writer *w, uint64_t v, size_t n) {
    uint8_t b[8];
    for (size_t i = n; i-- > 0; v >>= 8)
        b[i] = (uint8_t)v;
    writer_bytes(w, b, n);
}

void writer_u8(struct writer *w, uint8_t v) {
    writer_bytes(w, &v, 1);
}

void writer_u16(struct writer *w, uint16_t v) {
    put_little(w, v, 2);
}

void writer_u32(struct writer *w, uint32_t v) {
    put_little(w, v, 4);
}

void writer_u64(struct writer *w, uint64_t v) {
    put_little(w, v, 8);
}

void writer_u16be(struct writer *w, uint16_t v) {
    put_big(w, v, 2);
}

void writer_u32be(struct writer *w, uint32_t v) {
    put_big(w, v, 4);
}

void writer_u64be(struct writer *w, uint64_t v) {
    put_big(w, v, 8);
}

void writer_zigzag(struct writer *w, int64_t v) {
    uint64_t u = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    uint8_t b[10];
    size_t n = 0;
    for (; u > 127; u >>= 7)
        b[n++] = (uint8_t)(u | 128);
    b[n++] = (uint8_t)u;
    writer_bytes(w, b, n);
}
