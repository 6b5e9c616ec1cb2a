/* A whole `redrive`: reads every letter, says what would become of it, and sends what is to go.
 *
 *   send only: take the transactional id, which settles and fences any other redrive of this generation
 *   ends       each partition's high watermark: letters behind it are for another time
 *   look       for each partition: its receipts, then its letters; table and lines are made of them
 *   send only: for each partition its letters once more, in transactions with their receipts
 *
 * A letter that its topic refuses for good takes its transaction with it: smaller ones find out which it is, it is held
 * back, and the others go.
 *
 * Whatever ends it, the receipts know what was sent: doing it again from the top is the only recovery, by the same
 * process after a transaction whose outcome nobody told, or by the next one. */
#ifndef LEADSTREAM_REDRIVE_RUN_H
#define LEADSTREAM_REDRIVE_RUN_H

#include "app/redrive_judge.h"
#include "app/redrive_table.h"
#include "app/settings.h"

struct redrive_options {
    struct redrive_filter filter;
    uint64_t limit;         /* letters to send, at most */
    size_t batch;           /* letters of a transaction, at most */
    bool send, again, old;
    bool lines;             /* JSON lines on `out`, else only the table is made */
    FILE *out;
    bool progress;          /* on stderr */
};

struct redrive_result {
    struct redrive_table table;
    uint64_t sent, transactions;
};

/* False: *e says why; result->sent were sent back for good nevertheless. */
NODISCARD bool redrive_run(const struct settings *settings, const struct redrive_options *options,
                           struct redrive_result *result, struct err *e);

#endif
