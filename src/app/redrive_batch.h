/* Letters gathered for one transaction. They are copied, so that no transaction is open while letters are read or
 * waited for. */
#ifndef LEADSTREAM_REDRIVE_BATCH_H
#define LEADSTREAM_REDRIVE_BATCH_H

#include "adapters/kafka_sendback.h"
#include "app/redrive_judge.h"
#include "app/redrive_ranges.h"

enum { REDRIVE_BATCH_BYTES = 4 * 1024 * 1024 /* after which no more is added; one letter may be larger */ };

struct redrive_batch;

/* At most `most` letters a transaction. */
struct redrive_batch *redrive_batch_new(size_t most);
void redrive_batch_free(struct redrive_batch **batch);

/* Letters are told in the order of their offsets: those that go, with where they go and the bytes to be sent; and those
 * that stay though another time they might go (true: over those no receipt may reach). */
void redrive_batch_add(struct redrive_batch *batch, const struct kafka_letter *letter, struct bytes value, size_t source,
                       uint32_t partition);
void redrive_batch_pass(struct redrive_batch *batch);

bool redrive_batch_full(const struct redrive_batch *batch);
size_t redrive_batch_count(const struct redrive_batch *batch);
/* The first and the last letter's offset; there is one. */
int64_t redrive_batch_first(const struct redrive_batch *batch);
int64_t redrive_batch_last(const struct redrive_batch *batch);

/* Sends it in one transaction with the receipt for `partition` of the dead letters. Errors as of kafka_sendback. */
NODISCARD bool redrive_batch_send(struct redrive_batch *batch, struct kafka_sendback *sendback, uint32_t partition,
                                  struct err *e);
/* Empties it; it takes at most `most` letters then, which are no more than it was made for. */
void redrive_batch_drop(struct redrive_batch *batch, size_t most);

#endif
