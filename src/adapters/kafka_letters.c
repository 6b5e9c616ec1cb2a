/* librdkafka's simple consumer, which belongs to no group and commits nothing; and a second handle that reads
 * uncommitted, since a read_committed one is told where the oldest open transaction begins when it asks for the end. */
#include "adapters/kafka_letters.h"

#include "adapters/kafka_admin.h"
#include "adapters/kafka_headers.h"
#include "host/clock.h"
#include "host/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH = 500,
    MAX_SOURCES = 64,
    WAKE_EVERY = 1024 * 1024, /* bytes */
    WAIT = 200,
    ANSWER = 10000,
    PATIENCE = 60000,
    CLOSE_WAIT = 3000 /* ms */
};

struct kafka_letters {
    const struct kafka_conf *conf;
    struct kafka_client reader, asker;
    rd_kafka_topic_t *topic;
    uint32_t partitions;
    uint32_t partition;         /* that is read */
    rd_kafka_queue_t *queue;    /* NULL: none is */
    int64_t position, end;      /* all before position was read */
    int64_t progress;           /* when it last moved, mono ms */
    rd_kafka_message_t *messages[BATCH];
    size_t next, n;
    size_t drained;             /* bytes since the fetchers were last woken */
    rd_kafka_message_t *lent;   /* the letter's, NULL: none */
    struct dead_letter_header *headers; /* of the letter lent */
    size_t room;
    struct kafka_letter letter;
};

static bool open_asker(struct kafka_letters *letters, struct err *e) {
    rd_kafka_conf_t *conf = kafka_conf_new(letters->conf, KAFKA_CONF_ADMIN, e);
    if (!conf)
        return false;
    MUST(rd_kafka_conf_set(conf, "isolation.level", "read_uncommitted", NULL, 0) == RD_KAFKA_CONF_OK);
    return kafka_client_open(&letters->asker, RD_KAFKA_CONSUMER, conf, e);
}

static bool look(struct kafka_letters *letters, const char *topic, struct kafka_letters_source *sources, size_t n,
                 struct err *e) {
    struct kafka_admin_topic seen[MAX_SOURCES + 1];
    MUST(n <= MAX_SOURCES);
    seen[0].name = topic;
    for (size_t i = 0; i < n; i++)
        seen[i + 1].name = sources[i].name;
    if (!kafka_admin_look(&letters->asker, seen, n + 1, e))
        return false;
    if (!seen[0].exists)
        return err_set(e, ERR_REFUSED, topic, "the topic does not exist: `leadstream topics --create` makes it");
    letters->partitions = seen[0].partitions;
    for (size_t i = 0; i < n; i++) {
        const struct kafka_admin_topic *topic_seen = &seen[i + 1];
        bool compacted = strstr(topic_seen->cleanup, "delete") == NULL;
        sources[i].partitions = topic_seen->exists ? topic_seen->partitions : 0;
        sources[i].retention = topic_seen->configured && !compacted ? topic_seen->retention : -1;
    }
    return true;
}

static bool open_reader(struct kafka_letters *letters, const char *topic, struct err *e) {
    rd_kafka_conf_t *conf = kafka_conf_new(letters->conf, KAFKA_CONF_READER, e);
    if (!conf || !kafka_client_open(&letters->reader, RD_KAFKA_CONSUMER, conf, e))
        return false;
    letters->topic = rd_kafka_topic_new(letters->reader.rk, topic, NULL);
    if (!letters->topic)
        return kafka_client_fail(e, rd_kafka_last_error(), topic, "opening the topic");
    const struct rd_kafka_metadata *metadata = NULL;
    /* Known metadata saves the first fetch half a second; what is wrong with it shows when reading. */
    if (!rd_kafka_metadata(letters->reader.rk, 0, letters->topic, &metadata, ANSWER))
        rd_kafka_metadata_destroy(metadata);
    return true;
}

struct kafka_letters *kafka_letters_new(const struct kafka_conf *conf, const char *topic,
                                        struct kafka_letters_source *sources, size_t n, struct err *e) {
    struct kafka_letters *letters = calloc(1, sizeof *letters);
    MUST(letters);
    letters->conf = conf;
    if (!open_asker(letters, e) || !look(letters, topic, sources, n, e) || !open_reader(letters, topic, e))
        kafka_letters_free(&letters);
    return letters;
}

static void give_back(struct kafka_letters *letters) {
    if (letters->lent)
        rd_kafka_message_destroy(letters->lent);
    letters->lent = NULL;
}

static void stop(struct kafka_letters *letters) {
    give_back(letters);
    for (; letters->next < letters->n; letters->next++)
        rd_kafka_message_destroy(letters->messages[letters->next]);
    letters->next = letters->n = 0;
    if (!letters->queue)
        return;
    rd_kafka_consume_stop(letters->topic, (int32_t)letters->partition);
    rd_kafka_queue_destroy(letters->queue);
    letters->queue = NULL;
}

void kafka_letters_free(struct kafka_letters **letters) {
    struct kafka_letters *l = *letters;
    if (!l)
        return;
    stop(l);
    if (l->topic)
        rd_kafka_topic_destroy(l->topic);
    kafka_client_close(&l->reader, CLOSE_WAIT);
    kafka_client_close(&l->asker, CLOSE_WAIT);
    free(l->headers);
    if (!l->reader.abandoned && !l->asker.abandoned)
        free(l);
    *letters = NULL;
}

uint32_t kafka_letters_partitions(const struct kafka_letters *letters) {
    return letters->partitions;
}

bool kafka_letters_bounds(struct kafka_letters *letters, uint32_t partition, int64_t *first, int64_t *end,
                          struct err *e) {
    const char *topic = rd_kafka_topic_name(letters->topic);
    rd_kafka_resp_err_t err =
        rd_kafka_query_watermark_offsets(letters->asker.rk, topic, (int32_t)partition, first, end, ANSWER);
    return !err || kafka_client_fail(e, err, topic, "asking for the topic's end");
}

bool kafka_letters_open(struct kafka_letters *letters, uint32_t partition, int64_t end, struct err *e) {
    stop(letters);
    letters->partition = partition;
    letters->position = 0;
    letters->end = end;
    letters->progress = clock_mono_ms();
    rd_kafka_queue_t *queue = rd_kafka_queue_new(letters->reader.rk);
    if (rd_kafka_consume_start_queue(letters->topic, (int32_t)partition, RD_KAFKA_OFFSET_BEGINNING, queue)) {
        kafka_client_fail(e, rd_kafka_last_error(), rd_kafka_topic_name(letters->topic), "reading the dead letters");
        rd_kafka_queue_destroy(queue);
        return false;
    }
    letters->queue = queue;
    return true;
}

/* librdkafka before 2.2 fetches nothing for a second once its queue was full, unless it is woken. */
static void count_drained(struct kafka_letters *letters) {
    for (size_t i = 0; i < letters->n; i++)
        letters->drained += letters->messages[i]->len + letters->messages[i]->key_len;
    if (letters->drained < WAKE_EVERY)
        return;
    letters->drained = 0;
    kafka_client_wake_fetchers(&letters->reader, letters->conf);
}

static void fetch(struct kafka_letters *letters) {
    letters->next = 0;
    letters->n = kafka_client_fetch(letters->queue, WAIT, letters->messages, BATCH);
    count_drained(letters);
}

static bool fail(const struct kafka_letters *letters, const rd_kafka_message_t *message, struct err *e) {
    char where[160];
    snprintf(where, sizeof where, "%s/%" PRIu32, rd_kafka_topic_name(letters->topic), letters->partition);
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return err_set(e, ERR_REFUSED, where, "the topic was shortened while it was read: begin again");
    kafka_client_fail(e, message->err, where, rd_kafka_message_errstr(message));
    if (err_class(e->code) != ERR_CLASS_RETRY)
        return false;
    LOG_ERR(LOG_LEVEL_WARN, "dead_letters", e); /* librdkafka goes on trying */
    return true;
}

static bool wait_on(struct kafka_letters *letters, struct err *e) {
    rd_kafka_poll(letters->reader.rk, 0);
    rd_kafka_poll(letters->asker.rk, 0);
    if (letters->reader.failure.code) {
        *e = letters->reader.failure;
        return false;
    }
    if (clock_mono_ms() - letters->progress <= PATIENCE)
        return true;
    char where[160];
    snprintf(where, sizeof where, "%s/%" PRIu32, rd_kafka_topic_name(letters->topic), letters->partition);
    return err_set(e, ERR_TIMEOUT, where,
                   "nothing could be read behind offset %" PRId64 " for %d s, its end is %" PRId64
                   ": the broker does not answer, or a transaction hangs",
                   letters->position, PATIENCE / 1000, letters->end);
}

/* Takes the message. */
static const struct kafka_letter *lend(struct kafka_letters *letters, rd_kafka_message_t *message) {
    letters->lent = message;
    size_t n = kafka_headers_lend(message, letters->headers, letters->room);
    if (n > letters->room) {
        letters->headers = realloc(letters->headers, n * sizeof *letters->headers);
        MUST(letters->headers);
        letters->room = n;
        kafka_headers_lend(message, letters->headers, n);
    }
    letters->letter = (struct kafka_letter){
        .offset = message->offset,
        .written = rd_kafka_message_timestamp(message, NULL),
        .key = {message->key, message->key ? message->key_len : 0},
        .value = {message->payload, message->payload ? message->len : 0},
        .headers = letters->headers,
        .n_headers = n,
    };
    letters->letter.kind = dead_letter_read(letters->headers, n, &letters->letter.says);
    return &letters->letter;
}

bool kafka_letters_next(struct kafka_letters *letters, const struct kafka_letter **letter, struct err *e) {
    MUST(letters->queue);
    give_back(letters);
    *letter = NULL;
    while (letters->position < letters->end) {
        if (letters->next == letters->n)
            fetch(letters);
        if (letters->next == letters->n) {
            if (!wait_on(letters, e))
                return false;
            continue;
        }
        rd_kafka_message_t *message = letters->messages[letters->next++];
        int64_t before = letters->position;
        bool record = !message->err && message->offset < letters->end, good = true;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            letters->position = message->offset > before ? message->offset : before;
        else if (message->err)
            good = fail(letters, message, e);
        else
            letters->position = message->offset + 1;
        if (letters->position > before)
            letters->progress = clock_mono_ms();
        if (record) {
            *letter = lend(letters, message);
            return true;
        }
        rd_kafka_message_destroy(message);
        if (!good)
            return false;
    }
    stop(letters);
    return true;
}
