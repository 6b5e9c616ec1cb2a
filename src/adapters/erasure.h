/* How an erased lead is remembered: by a keyed hash of its id, 128 bits of HMAC-SHA-256, never by the id.
 *
 * The key is the contents of `erasure.key_file`, one for all instances and generations: with another key an erased lead
 * would not be known again. Its fingerprint stands in the shard records, so that another key is noticed. Without a key
 * the hash is of the id alone, which can be guessed by trying ids. */
#ifndef LEADSTREAM_ERASURE_H
#define LEADSTREAM_ERASURE_H

#include <leadstream/bytes.h>
#include <leadstream/err.h>

enum { ERASURE_HASH = 16, ERASURE_LEAST_KEY = 16, ERASURE_MOST_KEY = 4096 };

/* A key, held by one thread. */
struct erasure;

/* Reads the key file; NULL: no key. Line ends at the end of the file do not count, so that a key made by a text
 * editor is the key that was meant. NULL: *e says why (not readable, or not of ERASURE_LEAST_KEY to ERASURE_MOST_KEY
 * bytes). */
struct erasure *erasure_new(const char *key_file, struct err *e);
/* The same key for another thread. */
struct erasure *erasure_copy(const struct erasure *erasure);
void erasure_free(struct erasure **erasure);

/* The hash of a lead's id. */
void erasure_hash(struct erasure *erasure, struct bytes lead, uint8_t out[ERASURE_HASH]);
/* Tells keys apart without telling what they are; 0: no key. */
uint64_t erasure_fingerprint(struct erasure *erasure);
#endif
