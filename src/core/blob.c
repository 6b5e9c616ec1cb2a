/* Bytes that grow. */
#include "core/blob.h"

#include <stdlib.h>
#include <xxhash.h>

void blob_fini(struct blob *blob) {
    free(blob->at);
    *blob = (struct blob){0};
}

void blob_put(struct blob *blob, const void *from, size_t n) {
    if (!n)
        return;
    if (n > blob->cap - blob->n) {
        blob->cap = (blob->n + n) * 2;
        blob->at = realloc(blob->at, blob->cap);
        MUST(blob->at != NULL);
    }
    memcpy(blob->at + blob->n, from, n);
    blob->n += n;
}

void blob_u8(struct blob *blob, uint8_t v) {
    blob_put(blob, &v, 1);
}

void blob_u64(struct blob *blob, uint64_t v) {
    uint8_t little[8];
    for (size_t i = 0; i < sizeof little; i++, v >>= 8)
        little[i] = (uint8_t)v;
    blob_put(blob, little, sizeof little);
}

void blob_text(struct blob *blob, struct bytes text) {
    blob_u64(blob, text.n);
    blob_put(blob, text.at, text.n);
}

uint64_t blob_hash(const struct blob *blob) {
    return XXH3_64bits(blob->at, blob->n);
}
