/* librdkafka's simple consumer (no group, one partition), which costs nothing to start and to stop.
 *
 * Positions count aborted and control records, which are never delivered: only the event of the end of the partition
 * tells of them. With read_committed the "end" is where the oldest open transaction begins. */
#include "adapters/kafka_reader.h"

#include "base/guard.h"
#include "host/clock.h"
#include "host/log.h"

#include <inttypes.h>
#include <stdio.h>

enum { IDLE = 10 * 1000, CLOSE_WAIT = 3000, WAKE_EVERY = 1024 * 1024 /* bytes */ };

static bool open_client(struct kafka_reader *reader, struct err *e) {
    char name[KAFKA_CONF_NAME];
    if (reader->client.rk)
        return true;
    rd_kafka_conf_t *conf = kafka_conf_new(reader->conf, KAFKA_CONF_READER, e);
    if (!conf || !kafka_client_open(&reader->client, RD_KAFKA_CONSUMER, conf, e))
        return false;
    reader->topic = rd_kafka_topic_new(reader->client.rk, kafka_conf_changelog(reader->conf, name), NULL);
    if (reader->topic) {
        const struct rd_kafka_metadata *metadata = NULL;
        /* Known metadata saves the first fetch half a second; what is wrong with it shows when reading. */
        if (!rd_kafka_metadata(kafka_client_enter(&reader->client, "metadata"), 0, reader->topic, &metadata, CLOSE_WAIT))
            rd_kafka_metadata_destroy(metadata);
        kafka_client_leave(&reader->client);
        return true;
    }
    kafka_client_fail(e, rd_kafka_last_error(), name, "opening the topic");
    kafka_client_close(&reader->client, CLOSE_WAIT);
    return false;
}

static void give_back(struct kafka_reader *reader) {
    for (size_t i = 0; i < reader->n; i++)
        rd_kafka_message_destroy(reader->messages[i]);
    reader->n = 0;
}

bool kafka_reader_open(struct kafka_reader *reader, uint32_t shard, int64_t from, struct err *e) {
    kafka_reader_close(reader);
    if (!open_client(reader, e))
        return false;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(reader->client.rk);
    (void)kafka_client_enter(&reader->client, "consume_start_queue");
    int failed = rd_kafka_consume_start_queue(reader->topic, (int32_t)shard, from, queue);
    kafka_client_leave(&reader->client);
    if (failed) {
        kafka_client_fail(e, rd_kafka_last_error(), rd_kafka_topic_name(reader->topic), "reading the changelog");
        rd_kafka_queue_destroy(queue);
        return false;
    }
    reader->queue = queue;
    reader->shard = shard;
    reader->position = from;
    reader->used = clock_mono_ms();
    return true;
}

void kafka_reader_close(struct kafka_reader *reader) {
    give_back(reader);
    if (!reader->queue)
        return;
    (void)kafka_client_enter(&reader->client, "consume_stop");
    rd_kafka_consume_stop(reader->topic, (int32_t)reader->shard);
    kafka_client_leave(&reader->client);
    rd_kafka_queue_destroy(reader->queue);
    reader->queue = NULL;
}

void kafka_reader_retire(struct kafka_reader *reader, bool now) {
    if (!reader->client.rk || (!now && (reader->queue || clock_mono_ms() - reader->used < IDLE)))
        return;
    kafka_reader_close(reader);
    rd_kafka_topic_destroy(reader->topic);
    reader->topic = NULL;
    kafka_client_close(&reader->client, CLOSE_WAIT);
}

/* False: it is for good. What passes must not end a read, for the records around it have been taken off the queue. */
static bool on_failure(const struct kafka_reader *reader, const rd_kafka_message_t *message, struct err *e) {
    char where[160];
    snprintf(where, sizeof where, "%s/%" PRIu32, rd_kafka_topic_name(reader->topic), reader->shard);
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return err_set(
            e, ERR_REFUSED, where,
            "the changelog has no record %" PRId64 " any more: the topic was "
            "shortened or made anew; move the store away to rebuild it from what the changelog holds, or use "
            "a new `generation:`",
            reader->position);
    kafka_client_fail(e, message->err, where, rd_kafka_message_errstr(message));
    if (err_class(e->code) != ERR_CLASS_RETRY)
        return false;
    LOG_ERR(LOG_LEVEL_WARN, "changelog", e); /* librdkafka goes on trying */
    return true;
}

static void count_drained(struct kafka_reader *reader, const rd_kafka_message_t *message) {
    reader->drained += message->len + message->key_len;
    if (reader->drained < WAKE_EVERY)
        return;
    reader->drained = 0;
    kafka_client_wake_fetchers(&reader->client, reader->conf);
}

bool kafka_reader_read(struct kafka_reader *reader, int wait, struct log_entry *entries, size_t max, size_t *n,
                       struct err *e) {
    MUST(reader->queue);
    *n = 0;
    give_back(reader);
    rd_kafka_poll(reader->client.rk, 0);
    if (kafka_client_failed(&reader->client, e))
        return false;
    reader->n = kafka_client_fetch(reader->queue, wait, reader->messages,
                                   max < KAFKA_READER_BATCH ? max : KAFKA_READER_BATCH);
    reader->used = clock_mono_ms();
    for (size_t i = 0; i < reader->n; i++) {
        const rd_kafka_message_t *message = reader->messages[i];
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            if (GUARD(end_by_position) && message->offset > reader->position)
                reader->position = message->offset;
            continue;
        }
        if (message->err) {
            if (!on_failure(reader, message, e) || !GUARD(read_past_failure))
                return false;
            continue;
        }
        entries[(*n)++] = (struct log_entry){
            .offset = message->offset,
            .key = {message->key, message->key_len},
            .value = {message->payload, message->payload ? message->len : 0},
        };
        reader->position = message->offset + 1;
        count_drained(reader, message);
    }
    return true;
}
