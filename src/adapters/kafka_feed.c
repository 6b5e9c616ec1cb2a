/* A producer without transactions; the first record that is not delivered is remembered and told. */
#include "adapters/kafka_feed.h"

#include "adapters/kafka_client.h"
#include <stdlib.h>

enum { CLOSE = 2000, FLUSH = 60000, FULL = 100 /* ms */, METADATA = 10000 };

struct kafka_feed {
    struct kafka_client client;
    rd_kafka_topic_t *topic;
    const char *name;
    rd_kafka_resp_err_t failed;
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    const struct kafka_client *client = opaque;
    struct kafka_feed *feed = client->owner;
    (void)rk;
    if (message->err && !feed->failed)
        feed->failed = message->err;
}

static bool open_topic(struct kafka_feed *feed, struct err *e) {
    const struct rd_kafka_metadata *metadata = NULL;
    feed->topic = rd_kafka_topic_new(feed->client.rk, feed->name, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(feed->client.rk, 0, feed->topic, &metadata, METADATA);
    if (!err && metadata->topic_cnt == 1)
        err = metadata->topics[0].err;
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    if (err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return kafka_client_silent(&feed->client, METADATA, e);
    return !err || kafka_client_fail(e, err, feed->name, "looking for the topic");
}

struct kafka_feed *kafka_feed_new(const struct kafka_conf *conf, const char *topic, struct err *e) {
    struct kafka_conf plain = *conf;
    plain.no_transactions = true;
    rd_kafka_conf_t *made = kafka_conf_new(&plain, KAFKA_CONF_SINK, e);
    if (!made)
        return NULL;
    struct kafka_feed *feed = calloc(1, sizeof *feed);
    MUST(feed != NULL);
    feed->client.owner = feed;
    feed->name = topic;
    rd_kafka_conf_set_dr_msg_cb(made, on_delivery);
    if (!kafka_client_open(&feed->client, RD_KAFKA_PRODUCER, made, e) || !open_topic(feed, e))
        kafka_feed_free(&feed);
    return feed;
}

bool kafka_feed_send(struct kafka_feed *feed, struct bytes key, struct bytes value, struct err *e) {
    union {
        const uint8_t *lent;
        void *asked; /* librdkafka copies it, but its interface is not const */
    } payload = {.lent = value.at};
    for (;;) {
        rd_kafka_poll(feed->client.rk, 0);
        if (feed->failed)
            return kafka_client_fail(e, feed->failed, feed->name, "sending");
        if (rd_kafka_produce(feed->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload.asked, value.n, key.at, key.n,
                             NULL) == 0)
            return true;
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return kafka_client_fail(e, rd_kafka_last_error(), feed->name, "sending");
        rd_kafka_poll(feed->client.rk, FULL);
    }
}

bool kafka_feed_flush(struct kafka_feed *feed, struct err *e) {
    rd_kafka_resp_err_t err = rd_kafka_flush(feed->client.rk, FLUSH);
    err = feed->failed ? feed->failed : err;
    return !err || kafka_client_fail(e, err, feed->name, "sending");
}

void kafka_feed_free(struct kafka_feed **feed) {
    struct kafka_feed *f = *feed;
    if (!f)
        return;
    if (f->topic)
        rd_kafka_topic_destroy(f->topic);
    kafka_client_close(&f->client, CLOSE);
    if (!f->client.abandoned)
        free(f);
    *feed = NULL;
}
