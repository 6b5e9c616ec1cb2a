/* The transaction's calls, and what each of librdkafka's answers means to the engine (the table is in the header).
 *
 *   none --init_transactions--> owned --the topics' metadata--> ready;   these two are init
 *   ready --begin--> open --send_offsets--> sent --commit--> ready
 *   open or sent --abort--> ready;   anything --retire--> none
 *
 * A connection that closed may have left a request behind, somewhere on its way to the broker. librdkafka sends it again
 * on a new connection, and the broker cannot tell the late one from that of a later transaction of the same epoch: a
 * late EndTxn would commit the next transaction by half. (The protocol that gives every transaction an epoch is younger
 * than librdkafka 2.0.2.) So begin() after a connection closed takes a new epoch, by a new producer, which fences all
 * that is still under way. */
#include "adapters/kafka_sink.h"

#include "adapters/kafka_offsets.h"
#include "adapters/kafka_output.h"
#include "adapters/kafka_reader.h"
#include "base/guard.h"
#include "engine/changelog.h"
#include "host/clock.h"
#include "host/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    INIT_WAIT = 5000,
    BOUNDS_WAIT = 5000,
    COMMIT_WAIT = 2000,
    ABORT_WAIT = 5000,
    CLOSE_WAIT = 2000,
    STILL_WAIT = 500 /* ms */
};
enum { MEAN_OF = 8 /* commits */ };

enum state { NONE, OWNED, READY, OPEN, SENT };

struct kafka_sink {
    struct kafka_sink_options options;
    struct kafka_client client;
    struct kafka_output output;
    struct kafka_offsets offsets;
    struct kafka_reader reader;
    enum state state;
    int64_t sending, committing; /* when send_offsets (us), commit (ms) was first called, 0: not yet */
    int64_t *log_ends;           /* by shard: offset after the transaction's last shard record */
    size_t n_log_ends;
    uint64_t undelivered;        /* records of the transaction that the broker refused */
    int64_t takes;               /* us of a commit with its offsets, a running mean */
    uint64_t closed;             /* client.closed when this producer was ready */
};

/* ---- delivery reports ---- */

/* Only shard records carry something, shard + 1: each is the last that a transaction writes to its changelog partition.
 * What an abort purges has not failed. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    (void)rk;
    const struct kafka_client *client = opaque;
    struct kafka_sink *sink = client->owner;
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        kafka_output_refused(&sink->output, message);
    if (message->err)
        sink->undelivered++;
    else if (message->_private)
        sink->log_ends[(uintptr_t)message->_private - 1] = message->offset + 1;
}

static void make_log_end(struct kafka_sink *sink, uint32_t shard) {
    if (shard >= sink->n_log_ends) {
        size_t n = shard + 64;
        int64_t *grown = realloc(sink->log_ends, n * sizeof *grown);
        MUST(grown);
        for (size_t i = sink->n_log_ends; i < n; i++)
            grown[i] = ENGINE_NO_OFFSET;
        sink->log_ends = grown;
        sink->n_log_ends = n;
    }
}

static void forget_transaction(struct kafka_sink *sink) {
    kafka_output_drop(&sink->output);
    kafka_offsets_forget(&sink->offsets);
    sink->sending = sink->committing = 0;
    sink->undelivered = 0;
}

/* The producer for a call, and what came of it. */
static rd_kafka_t *calling(struct kafka_sink *sink, const char *what) {
    return kafka_client_enter(&sink->client, what);
}

static bool called(struct kafka_sink *sink, rd_kafka_error_t *error, const char *what, struct err *e) {
    kafka_client_leave(&sink->client);
    return kafka_client_done(e, error, what);
}

/* ---- init, begin ---- */

static bool open_producer(struct kafka_sink *sink, struct err *e) {
    if (sink->client.rk)
        return true;
    rd_kafka_conf_t *conf = kafka_conf_new(&sink->options.conf, KAFKA_CONF_SINK, e);
    if (!conf)
        return false;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    sink->output.alone = sink->output.refused;
    if (sink->output.alone)
        rd_kafka_conf_set(conf, "batch.num.messages", "1", NULL, 0);
    sink->client.owner = sink;
    return kafka_client_open(&sink->client, RD_KAFKA_PRODUCER, conf, e);
}

/* A producer that is destroyed while it adds a partition to its transaction fails an assertion of librdkafka 2.0.2. A
 * transaction whose commit was begun is past that, and must not be touched. */
static void still(struct kafka_sink *sink) {
    if (sink->state != OPEN || sink->options.conf.no_transactions)
        return;
    struct err ignored;
    (void)called(sink, rd_kafka_abort_transaction(calling(sink, "abort_transaction"), STILL_WAIT), "abort_transaction",
                 &ignored);
}

static void sink_retire(void *self) {
    struct kafka_sink *sink = self;
    still(sink);
    forget_transaction(sink);
    kafka_output_close(&sink->output);
    kafka_client_close(&sink->client, CLOSE_WAIT);
    sink->state = NONE;
}

/* That nobody answers may be because we are not let in. */
static bool take_id(struct kafka_sink *sink, struct err *e) {
    struct err why;
    if (called(sink, rd_kafka_init_transactions(calling(sink, "init_transactions"), INIT_WAIT), "init_transactions", e))
        return true;
    rd_kafka_poll(sink->client.rk, 0);
    if (err_class(e->code) == ERR_CLASS_RETRY && kafka_client_failed(&sink->client, &why))
        *e = why;
    return false;
}

static bool sink_init(void *self, struct err *e) {
    struct kafka_sink *sink = self;
    MUST(sink->state == NONE || sink->state == OWNED || sink->state == READY);
    if (sink->state == READY)
        return true;
    if (!open_producer(sink, e))
        return false;
    if (sink->state == NONE && !sink->options.conf.no_transactions && !take_id(sink, e))
        return false;
    sink->state = OWNED; /* librdkafka takes a second init_transactions for a mistake */
    bool opened = sink->output.changelog || kafka_output_open(&sink->output, calling(sink, "metadata"), e);
    kafka_client_leave(&sink->client);
    if (!opened) {
        kafka_output_close(&sink->output);
        return false;
    }
    sink->closed = atomic_load(&sink->client.closed);
    sink->state = READY;
    return true;
}

/* See the first comment. A producer that was not ready in time is one that begin() asks for again. */
static bool renew(struct kafka_sink *sink, struct err *e) {
    if (sink->state == READY && atomic_load(&sink->client.closed) == sink->closed)
        return true;
    if (sink->state == READY) {
        LOG(LOG_LEVEL_INFO, "producer_renewed", "client=%s", rd_kafka_name(sink->client.rk));
        sink->output.counts.renewed++;
        sink_retire(sink);
    }
    return sink_init(sink, e);
}

static bool sink_begin(void *self, struct err *e) {
    struct kafka_sink *sink = self;
    MUST(sink->state != OPEN && sink->state != SENT);
    kafka_reader_retire(&sink->reader, false);
    rd_kafka_poll(sink->client.rk, 0);
    if (kafka_client_failed(&sink->client, e))
        return false;
    if (GUARD(epoch_renewed) && !sink->options.conf.no_transactions && !renew(sink, e))
        return false;
    if (!sink->options.conf.no_transactions &&
        !called(sink, rd_kafka_begin_transaction(calling(sink, "begin_transaction")), "begin_transaction", e))
        return false;
    forget_transaction(sink);
    kafka_offsets_begin(&sink->offsets);
    for (size_t i = 0; i < sink->n_log_ends; i++)
        sink->log_ends[i] = ENGINE_NO_OFFSET;
    sink->state = OPEN;
    return true;
}

/* ---- records ---- */

static bool sink_emit(void *self, const struct record *record, struct err *e) {
    struct kafka_sink *sink = self;
    MUST(sink->state == OPEN);
    return kafka_output_record(&sink->output, record, e);
}

static bool sink_forget(void *self, struct bytes lead, struct err *e) {
    struct kafka_sink *sink = self;
    MUST(sink->state == OPEN);
    return kafka_output_forget(&sink->output, lead, e);
}

static bool sink_reject(void *self, const struct intake *item, const struct err *why, struct err *e) {
    struct kafka_sink *sink = self;
    MUST(sink->state == OPEN);
    return kafka_output_dead_letter(&sink->output, item, why, e);
}

static bool sink_log(void *self, uint32_t shard, struct bytes key, struct bytes value, struct err *e) {
    struct kafka_sink *sink = self;
    MUST(sink->state == OPEN && key.n >= 1);
    if (key.at[0] == CHANGELOG_SHARD)
        make_log_end(sink, shard);
    return kafka_output_log(&sink->output, shard, key, value, e);
}

static int64_t sink_log_end(void *self, uint32_t shard) {
    const struct kafka_sink *sink = self;
    return shard < sink->n_log_ends ? sink->log_ends[shard] : ENGINE_NO_OFFSET;
}

/* ---- the end of a transaction ---- */

static bool send_once(struct kafka_sink *sink, struct err *e) {
    return kafka_output_flush(&sink->output, e) &&
           (sink->options.conf.no_transactions || kafka_offsets_send(&sink->offsets, e));
}

/* The broker ends a transaction that is older than its time-out: no use in trying for longer. */
static bool sink_send_offsets(void *self, const struct sink_offsets *offsets, size_t n, struct err *e) {
    struct kafka_sink *sink = self;
    MUST(sink->state == OPEN && n > 0);
    if (!sink->sending)
        sink->sending = clock_mono_us();
    kafka_offsets_set(&sink->offsets, offsets, n);
    if (send_once(sink, e)) {
        sink->state = SENT;
        return true;
    }
    int limit = kafka_conf_transaction_timeout(&sink->options.conf);
    if (err_class(e->code) == ERR_CLASS_RETRY && clock_mono_us() - sink->sending > (int64_t)limit * 1000)
        return err_set(e, ERR_STALLED, NULL, "the broker did not take the offsets within %d ms", limit);
    return false;
}

/* Benchmark only: everything is delivered, then the offsets are committed. */
static bool commit_plainly(struct kafka_sink *sink, struct err *e) {
    rd_kafka_resp_err_t err = rd_kafka_flush(calling(sink, "flush"), COMMIT_WAIT);
    kafka_client_leave(&sink->client);
    if (!err && sink->undelivered)
        return err_set(e, ERR_ABORTED, NULL, "%" PRIu64 " records could not be delivered", sink->undelivered);
    if (err)
        return kafka_client_fail(e, err, NULL, "delivering what is committed without a transaction");
    return kafka_offsets_commit(&sink->offsets, e);
}

static bool commit_once(struct kafka_sink *sink, struct err *e) {
    if (sink->options.conf.no_transactions)
        return commit_plainly(sink, e);
    return called(sink, rd_kafka_commit_transaction(calling(sink, "commit_transaction"), COMMIT_WAIT),
                  "commit_transaction", e);
}

static void note_time(struct kafka_sink *sink) {
    int64_t took = clock_mono_us() - sink->sending;
    sink->takes += (took - sink->takes) / MEAN_OF;
    if (sink->options.committed)
        sink->options.committed(sink->options.host, (double)took / 1000);
}

static int64_t sink_commit_takes(void *self) {
    const struct kafka_sink *sink = self;
    return (sink->takes + 999) / 1000;
}

static bool sink_commit(void *self, struct err *e) {
    struct kafka_sink *sink = self;
    MUST(sink->state == SENT);
    int64_t now = clock_mono_ms();
    if (!sink->committing)
        sink->committing = now;
    if (commit_once(sink, e)) {
        note_time(sink);
        kafka_offsets_remember(&sink->offsets);
        forget_transaction(sink);
        sink->state = READY;
        return true;
    }
    int limit = kafka_conf_transaction_timeout(&sink->options.conf);
    if (GUARD(commit_ends) && err_class(e->code) == ERR_CLASS_RETRY && clock_mono_ms() - sink->committing > limit)
        return err_set(e, ERR_UNKNOWN_OUTCOME, NULL,
                       "the broker did not say within %d ms whether the transaction was committed", limit);
    return false;
}

/* After a record that was refused librdkafka 2.0.2 can abort, but goes on with a gap in its sequence numbers, and the
 * next transaction fails by that: only a new producer helps. */
static bool sink_abort(void *self, struct err *e) {
    struct kafka_sink *sink = self;
    if (sink->state != OPEN && sink->state != SENT)
        return true;
    rd_kafka_poll(sink->client.rk, 0);
    if (GUARD(refused_retires) && sink->undelivered)
        return err_set(e, ERR_BROKER, NULL, "%" PRIu64 " records were refused: the producer is of no more use",
                       sink->undelivered);
    if (sink->options.conf.no_transactions) {
        rd_kafka_purge(calling(sink, "purge"), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(calling(sink, "flush"), ABORT_WAIT);
        kafka_client_leave(&sink->client);
    } else if (!called(sink, rd_kafka_abort_transaction(calling(sink, "abort_transaction"), ABORT_WAIT),
                       "abort_transaction", e)) {
        return false;
    }
    forget_transaction(sink);
    sink->state = READY;
    return true;
}

/* ---- the changelog read back ---- */

static bool sink_log_bounds(void *self, uint32_t shard, int64_t *first, int64_t *end, struct err *e) {
    struct kafka_sink *sink = self;
    char name[KAFKA_CONF_NAME];
    MUST(sink->client.rk);
    rd_kafka_resp_err_t err = rd_kafka_query_watermark_offsets(calling(sink, "query_watermark_offsets"),
                                                               kafka_conf_changelog(&sink->options.conf, name),
                                                               (int32_t)shard, first, end, BOUNDS_WAIT);
    kafka_client_leave(&sink->client);
    return !err || kafka_client_fail(e, err, name, "asking for the changelog's end");
}

static bool sink_log_open(void *self, uint32_t shard, int64_t from, struct err *e) {
    struct kafka_sink *sink = self;
    return kafka_reader_open(&sink->reader, shard, from, e);
}

static bool sink_log_read(void *self, int wait, struct log_entry *entries, size_t max, size_t *n, int64_t *position,
                          struct err *e) {
    struct kafka_sink *sink = self;
    bool good = kafka_reader_read(&sink->reader, wait, entries, max, n, e);
    *position = sink->reader.position;
    return good;
}

static void sink_log_close(void *self) {
    struct kafka_sink *sink = self;
    kafka_reader_close(&sink->reader);
}

/* ---- making and ending ---- */

struct kafka_sink *kafka_sink_new(const struct kafka_sink_options *options, struct err *e) {
    MUST(options->n_inputs >= 1 && options->n_inputs <= ENGINE_MAX_TOPICS && options->model);
    rd_kafka_conf_t *tried = kafka_conf_new(&options->conf, KAFKA_CONF_SINK, e);
    if (!tried)
        return NULL;
    rd_kafka_conf_destroy(tried);
    struct kafka_sink *sink = calloc(1, sizeof *sink);
    MUST(sink);
    sink->options = *options;
    sink->output.options = sink->offsets.options = &sink->options;
    sink->offsets.client = &sink->client;
    sink->reader.conf = &sink->options.conf;
    return sink;
}

void kafka_sink_free(struct kafka_sink **at) {
    struct kafka_sink *sink = *at;
    if (!sink)
        return;
    kafka_reader_retire(&sink->reader, true);
    sink_retire(sink);
    kafka_output_fini(&sink->output);
    free(sink->log_ends);
    if (!sink->client.abandoned && !sink->reader.client.abandoned)
        free(sink);
    *at = NULL;
}

struct sink kafka_sink_port(struct kafka_sink *sink) {
    return (struct sink){
        .self = sink,
        .init = sink_init,
        .begin = sink_begin,
        .emit = sink_emit,
        .forget = sink_forget,
        .reject = sink_reject,
        .log = sink_log,
        .send_offsets = sink_send_offsets,
        .commit = sink_commit,
        .commit_takes = sink_commit_takes,
        .abort = sink_abort,
        .log_end = sink_log_end,
        .retire = sink_retire,
        .log_bounds = sink_log_bounds,
        .log_open = sink_log_open,
        .log_read = sink_log_read,
        .log_close = sink_log_close,
    };
}

const char *kafka_sink_calling(const struct kafka_sink *sink) {
    const char *call = kafka_client_inside(&sink->client);
    return call ? call : kafka_client_inside(&sink->reader.client);
}

const struct kafka_sink_counts *kafka_sink_counts(const struct kafka_sink *sink) {
    return &sink->output.counts;
}
