/* One arena for all that is copied, given back when the batch is dropped. */
#include "app/redrive_batch.h"

#include <stdlib.h>

#define ARENA_LIMIT ((size_t)256 * 1024 * 1024)

struct redrive_batch {
    struct arena *arena;
    struct kafka_sendback_record *records;
    size_t n, most, room, bytes;
    struct redrive_receipt receipt;
};

struct redrive_batch *redrive_batch_new(size_t most) {
    struct redrive_batch *batch = calloc(1, sizeof *batch);
    MUST(batch);
    batch->most = batch->room = most;
    batch->arena = arena_new(ARENA_LIMIT);
    batch->records = calloc(most, sizeof *batch->records);
    MUST(batch->records);
    return batch;
}

void redrive_batch_free(struct redrive_batch **batch) {
    if (!*batch)
        return;
    arena_free(&(*batch)->arena);
    free((*batch)->records);
    free(*batch);
    *batch = NULL;
}

/* A null stays null. */
static struct bytes copy(struct redrive_batch *batch, struct bytes b) {
    batch->bytes += b.n;
    if (!b.at)
        return b;
    struct bytes copied = {arena_copy(batch->arena, b.at, b.n), b.n};
    MUST(copied.at);
    return copied;
}

static const struct dead_letter_header *copy_headers(struct redrive_batch *batch, const struct kafka_letter *letter) {
    size_t n = letter->says.n_own;
    struct dead_letter_header *headers = arena_take(batch->arena, n * sizeof *headers);
    MUST(headers);
    for (size_t i = 0; i < n; i++) {
        headers[i].name = arena_copy(batch->arena, letter->headers[i].name, strlen(letter->headers[i].name) + 1);
        headers[i].value = copy(batch, letter->headers[i].value);
        MUST(headers[i].name);
    }
    return headers;
}

void redrive_batch_add(struct redrive_batch *batch, const struct kafka_letter *letter, struct bytes value,
                       size_t source, uint32_t partition) {
    MUST(!redrive_batch_full(batch));
    redrive_receipt_note(&batch->receipt, letter->offset);
    batch->records[batch->n++] = (struct kafka_sendback_record){
        .topic = source,
        .partition = partition,
        .timestamp = letter->says.timestamp,
        .key = copy(batch, letter->key),
        .value = copy(batch, value),
        .n_headers = letter->says.n_own,
        .headers = copy_headers(batch, letter),
        .sent = letter->says.sent + 1,
        .letter = letter->offset,
    };
}

void redrive_batch_pass(struct redrive_batch *batch) {
    redrive_receipt_pass(&batch->receipt);
}

bool redrive_batch_full(const struct redrive_batch *batch) {
    return batch->n == batch->most || batch->bytes >= REDRIVE_BATCH_BYTES || redrive_receipt_full(&batch->receipt);
}

size_t redrive_batch_count(const struct redrive_batch *batch) {
    return batch->n;
}

int64_t redrive_batch_first(const struct redrive_batch *batch) {
    MUST(batch->n);
    return batch->records[0].letter;
}

int64_t redrive_batch_last(const struct redrive_batch *batch) {
    MUST(batch->n);
    return batch->records[batch->n - 1].letter;
}

bool redrive_batch_send(struct redrive_batch *batch, struct kafka_sendback *sendback, uint32_t partition,
                        struct err *e) {
    MUST(batch->n);
    if (!kafka_sendback_begin(sendback, e))
        return false;
    for (size_t i = 0; i < batch->n; i++)
        if (!kafka_sendback_record(sendback, &batch->records[i], e))
            return false;
    return kafka_sendback_commit(sendback, partition, batch->receipt.ranges, batch->receipt.n, e);
}

void redrive_batch_drop(struct redrive_batch *batch, size_t most) {
    MUST(most && most <= batch->room);
    batch->most = most;
    arena_reset(batch->arena);
    batch->n = batch->bytes = 0;
    batch->receipt.n = 0;
    batch->receipt.open = false;
}
