/* The mock cluster lives inside a librdkafka handle; here it is the producer's. The consumer uses assign(), for the
 * mock's groups take seconds to form. */
#include "adapters/mock_kafka.h"

#include "adapters/kafka_client.h"
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

enum { CLOSE = 2000 /* ms */, MAX_TOPICS = 16 };

struct mock_kafka {
    struct kafka_client producer, consumer;
    rd_kafka_mock_cluster_t *cluster;
    uint32_t partitions;
    size_t n_topics;
    struct {
        const char *name;
        rd_kafka_topic_t *handle;
    } topics[MAX_TOPICS];
};

static bool open_client(struct mock_kafka *mock, struct kafka_client *client, rd_kafka_type_t type,
                        const char *const *properties, struct err *e) {
    char words[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (; *properties; properties += 2)
        MUST(rd_kafka_conf_set(conf, properties[0], properties[1], words, sizeof words) == RD_KAFKA_CONF_OK);
    if (mock->cluster)
        MUST(rd_kafka_conf_set(conf, "bootstrap.servers", mock_kafka_bootstrap(mock), words, sizeof words) ==
             RD_KAFKA_CONF_OK);
    return kafka_client_open(client, type, conf, e);
}

static bool make_topics(struct mock_kafka *mock, const char *const *topics, size_t n, struct err *e) {
    MUST(n <= MAX_TOPICS);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(mock->cluster, topics[i], (int)mock->partitions, 1);
        if (code)
            return kafka_client_fail(e, code, topics[i], "making a topic");
        mock->topics[i].name = topics[i];
        mock->topics[i].handle = rd_kafka_topic_new(mock->producer.rk, topics[i], NULL);
        mock->n_topics = i + 1;
    }
    return true;
}

struct mock_kafka *mock_kafka_new(const char *const *topics, size_t n, uint32_t partitions, struct err *e) {
    static const char *const producer[] = {
        "test.mock.num.brokers", "1",    "partitioner", "murmur2_random", "linger.ms", "5",
        "socket.nagle.disable",  "true", "client.id",   "traffic",        NULL};
    struct mock_kafka *mock = calloc(1, sizeof *mock);
    MUST(mock != NULL);
    mock->partitions = partitions;
    if (open_client(mock, &mock->producer, RD_KAFKA_PRODUCER, producer, e)) {
        mock->cluster = rd_kafka_handle_mock_cluster(mock->producer.rk);
        if (mock->cluster && make_topics(mock, topics, n, e))
            return mock;
    }
    mock_kafka_free(&mock);
    return NULL;
}

void mock_kafka_free(struct mock_kafka **mock) {
    struct mock_kafka *m = *mock;
    if (!m)
        return;
    for (size_t i = 0; i < m->n_topics; i++)
        if (m->topics[i].handle)
            rd_kafka_topic_destroy(m->topics[i].handle);
    if (m->consumer.rk) {
        rd_kafka_consumer_close(m->consumer.rk);
        kafka_client_close(&m->consumer, CLOSE);
    }
    if (m->producer.rk)
        kafka_client_close(&m->producer, CLOSE);
    free(m);
    *mock = NULL;
}

const char *mock_kafka_bootstrap(const struct mock_kafka *mock) {
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

bool mock_kafka_send(struct mock_kafka *mock, const char *topic, struct bytes key, struct bytes value,
                     int64_t timestamp, struct err *e) {
    union {
        const uint8_t *lent;
        void *asked; /* librdkafka copies them, but its interface is not const */
    } k = {.lent = key.at}, payload = {.lent = value.at};
    rd_kafka_resp_err_t code =
        rd_kafka_producev(mock->producer.rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_KEY(k.asked, key.n), RD_KAFKA_V_VALUE(payload.asked, value.n),
                          RD_KAFKA_V_TIMESTAMP(timestamp), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return err_set(e, ERR_FULL, topic, "the producer's queue is full");
    return !code || kafka_client_fail(e, code, topic, "sending");
}

bool mock_kafka_follow(struct mock_kafka *mock, const char *const *topics, size_t n, struct err *e) {
    static const char *const consumer[] = {"group.id",           "board", "enable.auto.commit",   "false",
                                           "fetch.wait.max.ms",  "20",    "socket.nagle.disable", "true",
                                           "auto.offset.reset",  "earliest", NULL};
    if (!open_client(mock, &mock->consumer, RD_KAFKA_CONSUMER, consumer, e))
        return false;
    rd_kafka_poll_set_consumer(mock->consumer.rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)(n * mock->partitions));
    for (size_t t = 0; t < n; t++)
        for (uint32_t p = 0; p < mock->partitions; p++)
            rd_kafka_topic_partition_list_add(list, topics[t], (int32_t)p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t code = rd_kafka_assign(mock->consumer.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return !code || kafka_client_fail(e, code, "", "following topics");
}

void mock_kafka_poll(struct mock_kafka *mock, int wait, size_t most, void (*f)(void *self, struct bytes value),
                     void *self) {
    rd_kafka_poll(mock->producer.rk, 0);
    for (size_t i = 0; i < most; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(mock->consumer.rk, wait);
        if (!message)
            return;
        if (!message->err && message->payload)
            f(self, (struct bytes){message->payload, message->len});
        rd_kafka_message_destroy(message);
    }
}
