/* Records of dead letters sent back to their topics, with a receipt, in one transaction.
 *
 * The transactional id is `<app>.<generation>.redrive`: taking it settles what another has begun and fences him, so who
 * reads the receipts after kafka_sendback_init knows of all that was ever sent back for this generation, and nobody else
 * can add to it. Errors after which all is to be done again from init: ABORTED, UNKNOWN_OUTCOME, BROKER, TIMEOUT. FENCED:
 * another has taken over. REFUSED: the broker does not take a record; trying again does not help (whether that is for good
 * and a letter's own fault, kafka_sendback_refused_letter says). */
#ifndef LEADSTREAM_KAFKA_SENDBACK_H
#define LEADSTREAM_KAFKA_SENDBACK_H

#include "adapters/dead_letter.h"
#include "adapters/kafka_conf.h"

struct kafka_sendback_record {
    size_t topic;           /* index of the sources */
    uint32_t partition;
    int64_t timestamp;      /* ms; -1: now */
    struct bytes key, value; /* at == NULL: null */
    size_t n_headers;
    const struct dead_letter_header *headers; /* its own; DEAD_LETTER_SENT among them is left out .. */
    uint32_t sent;          /* .. and put anew: this is the how manieth time */
    int64_t letter;         /* its offset on the dead-letter topic, for messages */
};

struct kafka_sendback;

/* Makes no connection yet. Names and conf must outlive it. NULL: *e. */
struct kafka_sendback *kafka_sendback_new(const struct kafka_conf *conf, const char *const *topics, size_t n,
                                          const char *dead_letters, struct err *e);
void kafka_sendback_free(struct kafka_sendback **at);

/* Takes the transactional id, with a new producer. Tries for as long as transactions may take to settle. */
NODISCARD bool kafka_sendback_init(struct kafka_sendback *sendback, struct err *e);

NODISCARD bool kafka_sendback_begin(struct kafka_sendback *sendback, struct err *e);
/* Copies all that it is given. */
NODISCARD bool kafka_sendback_record(struct kafka_sendback *sendback, const struct kafka_sendback_record *record,
                                     struct err *e);
/* Which letters of a partition of the dead-letter topic these records were, and commits. Nothing that failed before
 * may be followed by this: init again instead. */
NODISCARD bool kafka_sendback_commit(struct kafka_sendback *sendback, uint32_t partition,
                                     const struct dead_letter_range *ranges, size_t n, struct err *e);

/* After an error of this transaction: its topic will never take one of its letters as it is (its time, its size). Which
 * one is only sure of a transaction with one letter: brokers refuse whole batches. */
bool kafka_sendback_refused_letter(const struct kafka_sendback *sendback);

#endif
