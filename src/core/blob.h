/* Bytes that grow, for the canonical forms that signatures and fingerprints are hashes of. Used while a model is built,
 * never per event. Out of memory ends the process: a model is at most 1 MiB of text. */
#ifndef LEADSTREAM_CORE_BLOB_H
#define LEADSTREAM_CORE_BLOB_H

#include <leadstream/bytes.h>

struct blob {
    uint8_t *at;
    size_t n, cap;
};

void blob_fini(struct blob *blob);
void blob_put(struct blob *blob, const void *from, size_t n);
void blob_u8(struct blob *blob, uint8_t v);
void blob_u64(struct blob *blob, uint64_t v);
/* The text with its length before it, so that no two lists of texts look alike. */
void blob_text(struct blob *blob, struct bytes text);
/* XXH3, 64 bits, seed 0, of what was put. */
uint64_t blob_hash(const struct blob *blob);

#endif
