/* A transactional producer of its own. No consumer's offsets go into its transactions: what was done is told by the
 * receipts, which the dead-letter topic keeps for as long as the letters. */
#include "adapters/kafka_sendback.h"

#include "adapters/kafka_client.h"
#include "adapters/kafka_headers.h"
#include "base/guard.h"
#include "host/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_RECORD ((size_t)15 * 1024 * 1024) /* less than the producer's queue takes */

enum {
    MAX_TOPICS = 64,
    INIT_WAIT = 5000,
    INIT_LIMIT = 60000, /* a transaction of 10 s, which the broker ends up to 10 s later, and a broker that restarts */
    COMMIT_WAIT = 2000,
    FULL_WAIT = 10000,
    METADATA_WAIT = 5000,
    CLOSE_WAIT = 2000
};

struct kafka_sendback {
    struct kafka_conf conf;
    const char *names[MAX_TOPICS + 1]; /* the sources, then the dead letters */
    size_t n;
    struct kafka_client client;
    rd_kafka_topic_t *topics[MAX_TOPICS + 1];
    uint64_t closed;                   /* connections when the producer was ready */
    int64_t begun;                     /* when the transaction was, mono ms */
    rd_kafka_resp_err_t refused;       /* of the first record of the transaction that the broker did not take */
    char refused_where[160];
    bool refused_letter;               /* that one is a letter, and its topic will never take it as it is */
};

/* What a topic refuses for good: NULL is all else. A broker refuses the whole batch in which such a record is. */
static const char *never_taken(rd_kafka_resp_err_t err) {
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
        return "its timestamp is further from the broker's time than the topic allows "
               "(message.timestamp.difference.max.ms; newer brokers: message.timestamp.before.max.ms, .after.max.ms)";
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE: return "raise the topic's max.message.bytes";
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return "raise the topic's segment.bytes";
    case RD_KAFKA_RESP_ERR_INVALID_RECORD: return "a rule of the topic, such as that all records have keys";
    default: return NULL;
    }
}

/* The message's opaque is the letter's offset + 1 (0: a receipt). What an abort purges has not failed. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    (void)rk;
    const struct kafka_client *client = opaque;
    struct kafka_sendback *sendback = client->owner;
    if (!message->err || message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT || sendback->refused)
        return;
    sendback->refused = message->err;
    sendback->refused_letter = message->_private && never_taken(message->err);
    int n = snprintf(sendback->refused_where, sizeof sendback->refused_where, "%s/%" PRId32,
                     rd_kafka_topic_name(message->rkt), message->partition);
    if (message->_private && n > 0 && (size_t)n < sizeof sendback->refused_where)
        snprintf(sendback->refused_where + n, sizeof sendback->refused_where - (size_t)n,
                 " (the letter at offset %" PRId64 ")", (int64_t)(uintptr_t)message->_private - 1);
}

struct kafka_sendback *kafka_sendback_new(const struct kafka_conf *conf, const char *const *topics, size_t n,
                                          const char *dead_letters, struct err *e) {
    if (n > MAX_TOPICS) {
        err_set(e, ERR_CONFIG, NULL, "%zu sources, at most %d", n, MAX_TOPICS);
        return NULL;
    }
    struct kafka_sendback *sendback = calloc(1, sizeof *sendback);
    MUST(sendback);
    sendback->conf = *conf;
    sendback->conf.max_record = MAX_RECORD;
    for (size_t i = 0; i < n; i++)
        sendback->names[i] = topics[i];
    sendback->names[n] = dead_letters;
    sendback->n = n;
    return sendback;
}

static void retire(struct kafka_sendback *sendback) {
    for (size_t i = 0; i <= sendback->n; i++) {
        if (sendback->topics[i])
            rd_kafka_topic_destroy(sendback->topics[i]);
        sendback->topics[i] = NULL;
    }
    kafka_client_close(&sendback->client, CLOSE_WAIT);
}

void kafka_sendback_free(struct kafka_sendback **at) {
    if (!*at)
        return;
    retire(*at);
    if (!(*at)->client.abandoned)
        free(*at);
    *at = NULL;
}

/* ---- init, begin ---- */

static bool open_producer(struct kafka_sendback *sendback, struct err *e) {
    char group[KAFKA_CONF_NAME], id[KAFKA_CONF_NAME + 16];
    rd_kafka_conf_t *conf = kafka_conf_new(&sendback->conf, KAFKA_CONF_SINK, e);
    if (!conf)
        return false;
    snprintf(id, sizeof id, "%s.redrive", kafka_conf_group(&sendback->conf, group));
    MUST(rd_kafka_conf_set(conf, "transactional.id", id, NULL, 0) == RD_KAFKA_CONF_OK);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    sendback->client.owner = sendback;
    sendback->client.tells_fences = true;
    return kafka_client_open(&sendback->client, RD_KAFKA_PRODUCER, conf, e);
}

static bool take_id(struct kafka_sendback *sendback, struct err *e) {
    int64_t deadline = clock_mono_ms() + INIT_LIMIT;
    while (!kafka_client_done(e, rd_kafka_init_transactions(sendback->client.rk, INIT_WAIT), "init_transactions"))
        if (err_class(e->code) != ERR_CLASS_RETRY || clock_mono_ms() > deadline)
            return false;
    return true;
}

/* Topics' metadata is asked for now, so that the first commit does not wait for it. A source that is not there gets no
 * records. */
static bool open_topics(struct kafka_sendback *sendback, struct err *e) {
    for (size_t i = 0; i <= sendback->n; i++) {
        const struct rd_kafka_metadata *metadata = NULL;
        sendback->topics[i] = rd_kafka_topic_new(sendback->client.rk, sendback->names[i], NULL);
        if (!sendback->topics[i])
            return kafka_client_fail(e, rd_kafka_last_error(), sendback->names[i], "opening the topic");
        if (!rd_kafka_metadata(sendback->client.rk, 0, sendback->topics[i], &metadata, METADATA_WAIT))
            rd_kafka_metadata_destroy(metadata);
    }
    return true;
}

bool kafka_sendback_init(struct kafka_sendback *sendback, struct err *e) {
    retire(sendback);
    bool good = open_producer(sendback, e) && take_id(sendback, e) && open_topics(sendback, e);
    sendback->closed = atomic_load(&sendback->client.closed);
    return good;
}

/* What a closed connection left behind on its way could end the next transaction by half (kafka_sink.c): so it is not
 * begun in the same epoch. */
bool kafka_sendback_begin(struct kafka_sendback *sendback, struct err *e) {
    rd_kafka_poll(sendback->client.rk, 0);
    if (sendback->client.failure.code) {
        *e = sendback->client.failure;
        return false;
    }
    if (GUARD(redrive_epoch) && atomic_load(&sendback->client.closed) != sendback->closed)
        return err_set(e, ERR_ABORTED, NULL, "a connection to the brokers was closed");
    sendback->refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    sendback->refused_letter = false;
    sendback->begun = clock_mono_ms();
    return kafka_client_done(e, rd_kafka_begin_transaction(sendback->client.rk), "begin_transaction");
}

/* The broker gives a transaction up that is older than its time-out, and fences us to that end: nobody else need have
 * taken over. Returns false. */
static bool failed(const struct kafka_sendback *sendback, struct err *e) {
    int limit = kafka_conf_transaction_timeout(&sendback->conf);
    if (e->code == ERR_FENCED && clock_mono_ms() - sendback->begun >= limit)
        return err_set(e, ERR_STALLED, NULL, "the broker gave up the transaction, which took longer than %d ms", limit);
    return false;
}

bool kafka_sendback_refused_letter(const struct kafka_sendback *sendback) {
    return sendback->refused_letter;
}

/* ---- producing ---- */

struct outgoing {
    size_t topic;
    uint32_t partition;
    int64_t timestamp;
    struct bytes key, value;
    rd_kafka_headers_t *headers;
    int64_t letter; /* -1: a receipt */
};

static rd_kafka_resp_err_t produce_once(struct kafka_sendback *sendback, const struct outgoing *m) {
    union {
        const uint8_t *in;
        void *out;
    } value = {m->value.at}, key = {m->key.at};
    int64_t timestamp = m->timestamp > 0 ? m->timestamp : 0; /* 0: now */
    return rd_kafka_producev(sendback->client.rk, RD_KAFKA_V_RKT(sendback->topics[m->topic]),
                             RD_KAFKA_V_PARTITION((int32_t)m->partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_KEY(key.out, m->key.n), RD_KAFKA_V_VALUE(value.out, m->value.n),
                             RD_KAFKA_V_TIMESTAMP(timestamp), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)(m->letter + 1)),
                             RD_KAFKA_V_HEADERS(m->headers), RD_KAFKA_V_END);
}

/* What the delivery reports say of the transaction. What passes by itself is tried again with a new one; who is fenced
 * or has no right hears that; all else is the record's fault. */
static bool refused(const struct kafka_sendback *sendback, struct err *e) {
    if (sendback->refused_letter)
        return err_set(e, ERR_REFUSED, sendback->refused_where, "the topic does not take the record: %s; %s",
                       rd_kafka_err2str(sendback->refused), never_taken(sendback->refused));
    kafka_client_fail(e, sendback->refused, sendback->refused_where, "the broker does not take the record");
    if (err_class(e->code) == ERR_CLASS_RETRY)
        e->code = ERR_ABORTED;
    else if (e->code == ERR_BROKER)
        e->code = ERR_REFUSED;
    return false;
}

/* A transaction that has failed in the background refuses more records (_STATE); why, its delivery reports say. */
static bool give_up(struct kafka_sendback *sendback, const struct outgoing *m, rd_kafka_resp_err_t err, struct err *e) {
    const char *topic = sendback->names[m->topic];
    rd_kafka_poll(sendback->client.rk, 0);
    if (sendback->client.failure.code) {
        *e = sendback->client.failure;
        return false;
    }
    if (sendback->refused)
        return refused(sendback, e);
    if (err == RD_KAFKA_RESP_ERR__STATE || err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return err_set(e, ERR_ABORTED, topic, "the transaction has failed in the background");
    sendback->refused_letter = err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && m->letter >= 0;
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        return err_set(e, ERR_REFUSED, topic, "the letter at offset %" PRId64 " cannot be sent: %s", m->letter,
                       rd_kafka_err2str(err));
    return kafka_client_fail(e, err, topic, "producing");
}

/* Takes the headers. */
static bool produce(struct kafka_sendback *sendback, struct outgoing *m, struct err *e) {
    int64_t deadline = clock_mono_ms() + FULL_WAIT;
    rd_kafka_resp_err_t err;
    while ((err = produce_once(sendback, m)) == RD_KAFKA_RESP_ERR__QUEUE_FULL && clock_mono_ms() < deadline)
        rd_kafka_poll(sendback->client.rk, 10);
    if (!err)
        return true;
    rd_kafka_headers_destroy(m->headers);
    return give_up(sendback, m, err, e);
}

bool kafka_sendback_record(struct kafka_sendback *sendback, const struct kafka_sendback_record *record,
                           struct err *e) {
    MUST(record->topic < sendback->n);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->n_headers + 1);
    for (size_t i = 0; i < record->n_headers; i++)
        if (strcmp(record->headers[i].name, DEAD_LETTER_SENT) != 0)
            kafka_headers_bytes(headers, record->headers[i].name, record->headers[i].value);
    kafka_headers_number(headers, DEAD_LETTER_SENT, record->sent);
    struct outgoing m = {record->topic, record->partition, record->timestamp, record->key,
                         record->value, headers,           record->letter};
    return produce(sendback, &m, e) || failed(sendback, e);
}

/* The key is like that of no other receipt: the first letter is in none but this. */
static bool produce_receipt(struct kafka_sendback *sendback, uint32_t partition,
                            const struct dead_letter_range *ranges, size_t n, struct err *e) {
    char group[KAFKA_CONF_NAME], key[KAFKA_CONF_NAME + 80];
    char *text = malloc(dead_letter_receipt_size(n));
    MUST(text);
    size_t length = dead_letter_receipt_write(ranges, n, text);
    kafka_conf_group(&sendback->conf, group);
    dead_letter_receipt_key(group, partition, ranges[0].first, key, sizeof key);
    struct outgoing m = {.topic = sendback->n,
                         .partition = partition,
                         .key = bytes_of(key),
                         .value = {(const uint8_t *)text, length},
                         .headers = rd_kafka_headers_new(1),
                         .letter = -1};
    kafka_headers_text(m.headers, DEAD_LETTER_RECEIPT, group);
    bool good = produce(sendback, &m, e);
    free(text);
    return good;
}

/* ---- commit ---- */

/* The same call again while the broker is silent, for as long as it may keep a transaction open. */
static bool commit(struct kafka_sendback *sendback, struct err *e) {
    int limit = kafka_conf_transaction_timeout(&sendback->conf);
    int64_t deadline = clock_mono_ms() + limit;
    while (!kafka_client_done(e, rd_kafka_commit_transaction(sendback->client.rk, COMMIT_WAIT), "commit_transaction")) {
        rd_kafka_poll(sendback->client.rk, 0);
        if (err_class(e->code) != ERR_CLASS_RETRY)
            return sendback->refused && e->code != ERR_FENCED ? refused(sendback, e) : false;
        if (clock_mono_ms() > deadline)
            return err_set(e, ERR_UNKNOWN_OUTCOME, NULL,
                           "the broker did not say within %d ms whether the transaction was committed", limit);
    }
    return true;
}

bool kafka_sendback_commit(struct kafka_sendback *sendback, uint32_t partition,
                           const struct dead_letter_range *ranges, size_t n, struct err *e) {
    return (produce_receipt(sendback, partition, ranges, n, e) && commit(sendback, e)) || failed(sendback, e);
}
