/* A dead letter and a receipt, as their headers and bytes say; no librdkafka, so that any bytes can be tried.
 *
 * A letter is the record as it came: key, value, and first its own headers in their order. Behind them stand ours, which
 * begin with `headers`, the number of the record's own. So nothing that a record brings along can pass for ours, and the
 * last header of a name is ours for whoever asks for it by name:
 *   headers    how many of the first headers are the record's own
 *   group      <app>.<generation> of the daemon that wrote it
 *   topic, partition, offset, timestamp    where it was read; ms
 *   code, words    why (leadstream/err.h)
 *   index      the entry of an array that is meant; not there where the whole record is
 *   schema-id, lead    if known
 *   cut-from   its whole length, if it was too large: key and value were cut, its own headers left out
 *
 * A receipt says which letters of its partition were sent back. It is written to the dead-letter topic in the same
 * transaction as what was sent, behind the letters in their partition, so that retention takes it after them. Its last
 * header is `leadstream-receipt`, the group; its value holds ranges of offsets that rise: `17 20-31 40`. Its key is
 * `leadstream-receipt/GROUP/PARTITION/FIRST`, the first letter that it names, like no other, so that compaction keeps it
 * too. Every version has written that key and every later one must, whatever becomes of the value: by it a receipt is
 * known even where it cannot be read, and what has another key was written by no redrive. */
#ifndef LEADSTREAM_DEAD_LETTER_H
#define LEADSTREAM_DEAD_LETTER_H

#include <leadstream/bytes.h>
#include <leadstream/err.h>

#define DEAD_LETTER_HEADERS "headers"
#define DEAD_LETTER_GROUP "group"
#define DEAD_LETTER_TOPIC "topic"
#define DEAD_LETTER_PARTITION "partition"
#define DEAD_LETTER_OFFSET "offset"
#define DEAD_LETTER_TIMESTAMP "timestamp"
#define DEAD_LETTER_CODE "code"
#define DEAD_LETTER_WORDS "words"
#define DEAD_LETTER_INDEX "index"
#define DEAD_LETTER_SCHEMA_ID "schema-id"
#define DEAD_LETTER_LEAD "lead"
#define DEAD_LETTER_CUT_FROM "cut-from"
#define DEAD_LETTER_RECEIPT "leadstream-receipt"
/* On a record that was sent back: how often. It is the record's own header if it becomes a letter again. */
#define DEAD_LETTER_SENT "leadstream-redriven"

#define DEAD_LETTER_NONE INT64_C(-1) /* a number that is not there */

enum { DEAD_LETTER_MAX_RANGES = 1024 /* of a receipt */ };

/* A header of any record. Names and bytes are lent. */
struct dead_letter_header {
    const char *name;
    struct bytes value; /* at == NULL: null */
};

struct dead_letter {
    size_t n_own;       /* the first headers are the record's own */
    struct bytes group, topic, code, words, lead; /* lead: empty if not known */
    uint32_t partition; /* of the source */
    int64_t offset, timestamp;
    int64_t index, schema_id, cut_from; /* or DEAD_LETTER_NONE */
    uint32_t sent;      /* how often the record had been sent back before it became this letter */
};

enum dead_letter_kind { DEAD_LETTER_IS_LETTER, DEAD_LETTER_IS_RECEIPT, DEAD_LETTER_IS_STRANGE };

/* What the headers say. A receipt: only `group` is filled in. STRANGE: someone else's record, or an older version's. */
enum dead_letter_kind dead_letter_read(const struct dead_letter_header *headers, size_t n, struct dead_letter *letter);

/* Offsets first to last, both in. */
struct dead_letter_range {
    int64_t first, last;
};

/* The key of the receipt for a partition; n bytes are enough (MUST). */
void dead_letter_receipt_key(const char *group, uint32_t partition, int64_t first, char *out, size_t n);
/* Is it the key of one for this partition, whatever letter it names first? */
bool dead_letter_receipt_ours(struct bytes key, struct bytes group, uint32_t partition);

/* A receipt's value. False: *e (CORRUPT); then nothing may be sent back, for nobody knows what was. */
NODISCARD bool dead_letter_receipt_read(struct bytes value, struct dead_letter_range ranges[DEAD_LETTER_MAX_RANGES],
                                        size_t *n, struct err *e);
/* Bytes that n ranges take at most. */
size_t dead_letter_receipt_size(size_t n);
/* Writes it; out has room for dead_letter_receipt_size(n). Returns the length. */
size_t dead_letter_receipt_write(const struct dead_letter_range *ranges, size_t n, char *out);

#endif
