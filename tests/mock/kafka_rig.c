/* Ports by hand, and a plain client beside them. */
#include "kafka_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the ports ---- */

static void on_assigned(void *self, const uint32_t *shards, size_t n) {
    struct rig *rig = self;
    ck_assert_uint_le(n, sizeof rig->shards / sizeof *rig->shards);
    memcpy(rig->shards, shards, n * sizeof *shards);
    rig->n_shards = n;
    rig->assigned++;
}

static void on_revoked(void *self, const uint32_t *shards, size_t n, bool lost) {
    struct rig *rig = self;
    (void)shards;
    (void)n;
    rig->revoked++;
    rig->lost = lost;
    if (rig->on_revoked)
        rig->on_revoked(rig);
    rig->n_shards = 0;
}

struct rig rig_on_broker(const char *prefix, const char *instance) {
    const char *bootstrap = getenv("LEADSTREAM_KAFKA");
    ck_assert_msg(bootstrap != NULL, "set LEADSTREAM_KAFKA=host:port (ops/kafka/kafka.sh start DIR)");
    return (struct rig){.bootstrap = bootstrap,
                        .prefix = prefix,
                        .instance = instance,
                        .group = true,
                        .partitions = 2,
                        .extra = {{"transaction.timeout.ms", "60000"}}, /* however slow the machine */
                        .n_extra = 1};
}

void rig_names(struct rig *rig) {
    static const char *const ends[] = {"a", "b", "scores", "sales-ready", "dead-letters", "g1.changelog"};
    for (size_t i = 0; i < RIG_NAMES; i++)
        snprintf(rig->names[i], sizeof rig->names[i], "%s.%s", rig->prefix, ends[i]);
}

static struct kafka_conf rig_conf(struct rig *rig) {
    rig->properties[0] = (struct kafka_conf_property){"bootstrap.servers", rig->bootstrap};
    memcpy(rig->properties + 1, rig->extra, rig->n_extra * sizeof *rig->extra);
    return (struct kafka_conf){
        .properties = rig->properties,
        .n_properties = rig->n_extra + 1,
        .app = rig->prefix,
        .generation = "g1",
        .instance = rig->instance ? rig->instance : "test",
        .no_transactions = rig->no_transactions,
    };
}

static void make_source(struct rig *rig) {
    struct err e;
    rig->mapping.shipped = true;
    for (size_t t = 0; t < RIG_TOPICS; t++) {
        rig->inputs[t] = rig->names[t];
        rig->topics[t] = (struct kafka_source_topic){
            .name = rig->names[t],
            .decoder = {.format = rig->schemas ? DECODER_AVRO : DECODER_JSON,
                        .mapping = &rig->mapping,
                        .schemas = rig->schemas},
        };
    }
    rig->source_options = (struct kafka_source_options){
        .conf = rig_conf(rig),
        .topics = rig->topics,
        .n_topics = RIG_TOPICS,
        .partitions = rig->partitions,
        .future = 86400000,
        .assign_all = !rig->group,
        .fetch_schema = rig->fetch_schema,
        .registry = rig,
    };
    for (int i = 0; i == 0 || (i < 3 && !rig->owned_source && err_class(e.code) == ERR_CLASS_RETRY); i++)
        rig->owned_source = kafka_source_new(&rig->source_options, &e);
    ck_assert_msg(rig->owned_source, "%s", e.words);
    rig->source = kafka_source_port(rig->owned_source);
    rig->listener = (struct source_listener){rig, on_assigned, on_revoked};
}

static void make_sink(struct rig *rig) {
    struct err e;
    rig->model.name = bytes_of("test");
    rig->model.version = 1;
    rig->model.worst_output = 4096;
    rig->sink_options = (struct kafka_sink_options){
        .conf = rig_conf(rig),
        .source = rig->owned_source,
        .inputs = rig->inputs,
        .n_inputs = RIG_TOPICS,
        .scores = rig->names[RIG_SCORES],
        .sales_ready = rig->names[RIG_SALES_READY],
        .dead_letters = rig->names[RIG_DEAD_LETTERS],
        .model = &rig->model,
        .format = KAFKA_SINK_JSON,
    };
    rig->owned_sink = kafka_sink_new(&rig->sink_options, &e);
    ck_assert_msg(rig->owned_sink, "%s", e.words);
    rig->sink = kafka_sink_port(rig->owned_sink);
}

void rig_open(struct rig *rig) {
    rig_names(rig);
    make_source(rig);
    make_sink(rig);
}

void rig_close(struct rig *rig, bool leave) {
    kafka_sink_free(&rig->owned_sink);
    kafka_source_free(&rig->owned_source, leave);
    if (rig->world)
        rd_kafka_destroy(rig->world);
    rig->world = NULL;
}

void rig_join(struct rig *rig) {
    struct err e = {0};
    int64_t deadline = now_ms() + RIG_PATIENCE;
    while (!rig->n_shards && now_ms() < deadline)
        ck_assert_msg(rig->source.poll(rig->source.self, &rig->listener, 50, &e), "%s", e.words);
    ck_assert_uint_gt(rig->n_shards, 0);
}

void rig_init(struct rig *rig) {
    struct err e = {0};
    bool good = false;
    for (int i = 0; i < 10 && !good; i++)
        good = rig->sink.init(rig->sink.self, &e);
    ck_assert_msg(good, "%s", e.words);
}

void rig_rewind(struct rig *rig) {
    static const int64_t zeros[RIG_TOPICS];
    struct err e;
    for (size_t i = 0; i < rig->n_shards; i++)
        ck_assert_msg(rig->source.seek(rig->source.self, rig->shards[i], zeros, &e), "%s", e.words);
}

enum source_head rig_head(struct rig *rig, uint16_t topic, uint32_t shard, const struct intake **item,
                          enum source_head not, int ms) {
    struct err e;
    int64_t deadline = now_ms() + ms;
    enum source_head head;
    while ((head = rig->source.head(rig->source.self, topic, shard, item)) == not &&now_ms() < deadline)
        ck_assert_msg(rig->source.poll(rig->source.self, &rig->listener, 20, &e), "%s: %s", e.where, e.words);
    return head;
}

/* ---- the world's client ---- */

const char *rig_event(char text[256], const char *lead, const char *id, int64_t time) {
    snprintf(text, 256, "{\"lead\":\"%s\",\"id\":\"%s\",\"type\":\"web.page_viewed\",\"time\":%lld}", lead, id,
             (long long)time);
    return text;
}

static rd_kafka_t *client(const struct rig *rig, rd_kafka_type_t type, const char *isolation) {
    char words[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rig->bootstrap, words, sizeof words);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", words, sizeof words);
    if (isolation) {
        rd_kafka_conf_set(conf, "isolation.level", isolation, words, sizeof words);
        rd_kafka_conf_set(conf, "enable.partition.eof", "true", words, sizeof words);
        rd_kafka_conf_set(conf, "fetch.wait.max.ms", "20", words, sizeof words);
    } else {
        rd_kafka_conf_set(conf, "partitioner", "murmur2_random", words, sizeof words);
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, words, sizeof words);
    ck_assert_msg(rk != NULL, "%s", words);
    return rk;
}

static void put(rd_kafka_t *rk, const char *topic, int32_t partition, const char *key, const char *value) {
    char copy[512];
    snprintf(copy, sizeof copy, "%s", value ? value : "");
    rd_kafka_resp_err_t err =
        rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key ? strlen(key) : 0),
                          RD_KAFKA_V_VALUE(value ? copy : NULL, value ? strlen(copy) : 0), RD_KAFKA_V_END);
    ck_assert_msg(!err, "%s: %s", topic, rd_kafka_err2str(err));
}

/* Metadata that is asked for first saves the first record a second. */
static rd_kafka_t *world(struct rig *rig, const char *topic) {
    const struct rd_kafka_metadata *metadata = NULL;
    if (!rig->world)
        rig->world = client(rig, RD_KAFKA_PRODUCER, NULL);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rig->world, topic, NULL);
    ck_assert(!rd_kafka_metadata(rig->world, 0, handle, &metadata, RIG_PATIENCE));
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return rig->world;
}

void rig_produce(struct rig *rig, const char *topic, int32_t partition, const char *key, const char *value) {
    put(world(rig, topic), topic, partition, key, value);
    ck_assert(!rd_kafka_flush(rig->world, RIG_PATIENCE));
}

void rig_produce_bytes(struct rig *rig, const char *topic, int32_t partition, struct bytes value) {
    uint8_t copy[64];
    ck_assert_uint_le(value.n, sizeof copy);
    memcpy(copy, value.at, value.n);
    ck_assert(!rd_kafka_producev(world(rig, topic), RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(copy, value.n),
                                 RD_KAFKA_V_END));
    ck_assert(!rd_kafka_flush(rig->world, RIG_PATIENCE));
}

void rig_produce_beside(struct rig *rig, const char *topic, int32_t partition, struct bytes value, const char *header,
                        struct bytes header_value) {
    uint8_t copy[64];
    ck_assert_uint_le(value.n, sizeof copy);
    memcpy(copy, value.at, value.n);
    ck_assert(!rd_kafka_producev(world(rig, topic), RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(copy, value.n),
                                 RD_KAFKA_V_HEADER(header, header_value.at, (ssize_t)header_value.n), RD_KAFKA_V_END));
    ck_assert(!rd_kafka_flush(rig->world, RIG_PATIENCE));
}

void rig_fill(struct rig *rig, const char *topic, int32_t partition, size_t n) {
    rd_kafka_t *rk = world(rig, topic);
    for (size_t i = 0; i < n; i++) {
        char key[32], value[32];
        snprintf(key, sizeof key, "k%zu", i);
        snprintf(value, sizeof value, "v%zu", i);
        put(rk, topic, partition, key, value);
    }
    ck_assert(!rd_kafka_flush(rk, RIG_PATIENCE));
}

void rig_create(const struct rig *rig, const char *topic, uint32_t partitions, const char *property,
                const char *value) {
    char words[200];
    rd_kafka_t *rk = client(rig, RD_KAFKA_PRODUCER, NULL);
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, (int)partitions, -1, words, sizeof words);
    if (property)
        rd_kafka_NewTopic_set_config(made, property, value);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &made, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, RIG_PATIENCE);
    ck_assert(event != NULL);
    size_t n;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_msg(!rd_kafka_topic_result_error(results[0]), "%s", rd_kafka_topic_result_error_string(results[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(made);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
}

void rig_create_all(struct rig *rig) {
    rig_names(rig);
    for (size_t i = 0; i < RIG_NAMES; i++)
        rig_create(rig, rig->names[i], rig->partitions, NULL, NULL);
}

/* Calls `see` for every record of a partition up to its end. */
static size_t scan(const struct rig *rig, const char *topic, int32_t partition, const char *isolation,
                   void (*see)(const rd_kafka_message_t *message, void *to), void *to) {
    rd_kafka_t *rk = client(rig, RD_KAFKA_CONSUMER, isolation);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    ck_assert(!rd_kafka_consume_start(handle, partition, RD_KAFKA_OFFSET_BEGINNING));
    size_t n = 0;
    bool end = false;
    for (int64_t deadline = now_ms() + RIG_PATIENCE; !end && now_ms() < deadline;) {
        rd_kafka_message_t *message = rd_kafka_consume(handle, partition, 200);
        if (!message)
            continue;
        end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (!message->err) {
            n++;
            see(message, to);
        }
        rd_kafka_message_destroy(message);
    }
    ck_assert_msg(end, "the end of %s/%d was not reached", topic, (int)partition);
    rd_kafka_consume_stop(handle, partition);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(rk);
    return n;
}

struct last {
    char *key, *value;
};

static void see_last(const rd_kafka_message_t *message, void *to) {
    struct last *last = to;
    if (last->key)
        snprintf(last->key, 256, "%.*s", (int)message->key_len, message->key ? (const char *)message->key : "");
    if (last->value)
        snprintf(last->value, 256, "%.*s", (int)message->len, message->payload ? (const char *)message->payload : "");
}

size_t rig_read(const struct rig *rig, const char *topic, int32_t partition, const char *isolation, char *key,
                char *value) {
    struct last last = {key, value};
    return scan(rig, topic, partition, isolation, see_last, &last);
}

void rig_await(const struct rig *rig, const char *topic, int32_t partition, const char *isolation, size_t n) {
    int64_t deadline = now_ms() + RIG_PATIENCE;
    while (rig_read(rig, topic, partition, isolation, NULL, NULL) < n)
        ck_assert_msg(now_ms() < deadline, "%s/%d never had %zu records", topic, (int)partition, n);
}

struct wanted {
    const char *name;
    char *text;
};

static void see_header(const rd_kafka_message_t *message, void *to) {
    const struct wanted *wanted = to;
    rd_kafka_headers_t *headers;
    const void *value;
    size_t n;
    if (!wanted->text[0] && !rd_kafka_message_headers(message, &headers) &&
        !rd_kafka_header_get_last(headers, wanted->name, &value, &n))
        snprintf(wanted->text, 256, "%.*s", (int)n, (const char *)value);
}

const char *rig_header(const struct rig *rig, const char *topic, int32_t partition, const char *name, char text[256]) {
    struct wanted wanted = {name, text};
    text[0] = 0;
    scan(rig, topic, partition, "read_committed", see_header, &wanted);
    return text;
}

const char *rig_lead(char text[32], uint32_t partition, uint32_t partitions) {
    for (unsigned i = 0;; i++) {
        snprintf(text, 32, "lead-%u", i);
        if (murmur2_partition(bytes_of(text), partitions) == partition)
            return text;
    }
}
