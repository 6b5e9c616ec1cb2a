/* One table says what is ours: fixed values, on which exactly-once or the shards rest, and defaults. */
#include "adapters/kafka_conf.h"

#include "base/guard.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_QUEUED ((size_t)64 * 1024) /* bytes of a partition's queue */
#define MOST_QUEUED ((size_t)1024 * 1024)

enum { AROUND = 1024 /* bytes that a record may take besides its value */ };

enum {
    SOURCE = 1 << KAFKA_CONF_SOURCE,
    SINK = 1 << KAFKA_CONF_SINK,
    READER = 1 << KAFKA_CONF_READER,
    ADMIN = 1 << KAFKA_CONF_ADMIN,
    ALL = SOURCE | SINK | READER | ADMIN
};

/* What the user may not change, and why. value NULL: made from other settings, see identify(). */
static const struct {
    const char *name;
    unsigned roles;
    const char *value;
    const char *why;
} fixed[] = {
    {"group.id", 0, NULL, "it is made of app and generation"},
    {"group.instance.id", 0, NULL, "it is made of instance and the worker's number"},
    {"transactional.id", 0, NULL, "it is made of app, generation, instance and the worker's number"},
    {"enable.auto.commit", SOURCE | READER, "false", "offsets are committed inside the transaction"},
    {"auto.commit.enable", 0, "false", "offsets are committed inside the transaction"},
    {"enable.auto.offset.store", SOURCE | READER, "false", "offsets are committed inside the transaction"},
    {"isolation.level", SOURCE | READER, "read_committed", "records of aborted transactions must not be read"},
    {"partition.assignment.strategy", SOURCE, "range", "a shard's partitions of all topics must meet in one worker"},
    {"auto.offset.reset", SOURCE | READER, "error", "a position that was lost is refused, never guessed"},
    {"enable.partition.eof", SOURCE | READER, "true", "the order of events depends on seeing the ends of partitions"},
    {"enable.idempotence", SINK, "true", "a record must not be written twice"},
    {"partitioner", SINK, "murmur2_random", "a lead's records must be where Java's clients put and look for them"},
    {"log.queue", 0, "false", "librdkafka's words go to our log"},
    {"delivery.report.only.error", SINK, "false", "the changelog's positions come from delivery reports"},
};

/* What the user's properties replace. */
static const struct {
    const char *name;
    unsigned roles;
    const char *value;
} defaults[] = {
    {"client.id", ALL, "leadstream"},
    {"ssl.endpoint.identification.algorithm", ALL, "https"}, /* librdkafka before 2.0 asks for no host's name */
    {"socket.nagle.disable", ALL, "true"},
    {"socket.keepalive.enable", ALL, "true"},
    {"retry.backoff.ms", ALL, "10"}, /* 100 ms of every commit otherwise */
    {"reconnect.backoff.ms", ALL, "50"},
    {"reconnect.backoff.max.ms", ALL, "1000"},
    {"log.connection.close", SOURCE | SINK | READER, "false"}, /* the admin's say why no broker lets us in */
    {"session.timeout.ms", SOURCE, "10000"},
    /* How soon a connection is given up that died without a word: 60 s otherwise. librdkafka gives the producer a value
     * that fits its transaction's time-out. */
    {"socket.timeout.ms", SOURCE | READER | ADMIN, "10000"},
    {"heartbeat.interval.ms", SOURCE, "1000"}, /* how soon a rebalance is noticed */
    /* How soon a topic that grew is noticed: until then new partitions are not read, and leads come misplaced. */
    {"topic.metadata.refresh.interval.ms", SOURCE, "10000"},
    {"fetch.wait.max.ms", SOURCE, "20"},       /* kafka_conf.fetch_wait; the end of a partition is told after that */
    {"fetch.min.bytes", SOURCE, "16384"},      /* a trickle is fetched after that wait, not record by record */
    {"fetch.error.backoff.ms", SOURCE | READER, "100"},
    {"fetch.max.bytes", SOURCE, "2097152"},
    {"fetch.wait.max.ms", READER, "5"}, /* the end of a log is told after that, and so is the next shard read */
    {"fetch.max.bytes", READER, "4194304"},
    {"fetch.message.max.bytes", READER, "2097152"},
    {"queued.min.messages", READER, "20000"},
    {"queued.max.messages.kbytes", READER, "4096"},
    {"transaction.timeout.ms", SINK, "10000"},
    {"linger.ms", SINK, "20"}, /* a commit flushes at once, whatever this says */
    {"queue.buffering.max.kbytes", SINK, "16384"},
};

bool kafka_conf_is_secret(const char *name) {
    static const char *const parts[] = {"password", "secret", "key.pem", "oauthbearer.config"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i]))
            return true;
    return false;
}

static long fixed_find(const char *name) {
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (!strcmp(fixed[i].name, name))
            return (long)i;
    return -1;
}

static bool check_fixed(size_t i, const char *value, struct err *e) {
    if (fixed[i].value && !strcmp(fixed[i].value, value))
        return true;
    if (!fixed[i].value)
        return err_set(e, ERR_CONFIG, NULL, "kafka property %s cannot be set: %s", fixed[i].name, fixed[i].why);
    return err_set(e, ERR_CONFIG, NULL, "kafka property %s is \"%.60s\" but must be %s: %s", fixed[i].name, value,
                   fixed[i].value, fixed[i].why);
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *e) {
    char words[240];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, words, sizeof words);
    if (result == RD_KAFKA_CONF_OK)
        return true;
    if (kafka_conf_is_secret(name)) /* librdkafka's words may quote the value */
        return err_set(e, ERR_CONFIG, NULL, "kafka property %s is none of librdkafka %s, or its value is none", name,
                       rd_kafka_version_str());
    return err_set(e, ERR_CONFIG, NULL, "kafka property %s: %s", name, words);
}

static bool set_number(rd_kafka_conf_t *conf, const char *name, size_t value, struct err *e) {
    char text[32];
    snprintf(text, sizeof text, "%zu", value);
    return set(conf, name, text, e);
}

bool kafka_conf_check(const struct kafka_conf_property *property, struct err *e) {
    long i = fixed_find(property->name);
    if (i >= 0)
        return check_fixed((size_t)i, property->value, e);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = set(conf, property->name, property->value, e);
    rd_kafka_conf_destroy(conf);
    return good;
}

const char *kafka_conf_get(const struct kafka_conf *conf, const char *name, const char *fallback) {
    for (size_t i = 0; i < conf->n_properties; i++)
        if (!strcmp(conf->properties[i].name, name))
            return conf->properties[i].value;
    return fallback;
}

static size_t number(const struct kafka_conf *conf, const char *name, size_t fallback) {
    const char *text = kafka_conf_get(conf, name, NULL);
    long long value = text ? strtoll(text, NULL, 10) : 0;
    return value > 0 ? (size_t)value : fallback;
}

int kafka_conf_transaction_timeout(const struct kafka_conf *conf) {
    return (int)number(conf, "transaction.timeout.ms", KAFKA_CONF_TRANSACTION_TIMEOUT);
}

int kafka_conf_session_timeout(const struct kafka_conf *conf) {
    return (int)number(conf, "session.timeout.ms", KAFKA_CONF_SESSION_TIMEOUT);
}

static size_t default_max_record(const struct kafka_conf *conf) {
    size_t needed = conf->max_record + AROUND;
    return needed > KAFKA_CONF_MESSAGE_MAX ? needed : KAFKA_CONF_MESSAGE_MAX;
}

size_t kafka_conf_max_record(const struct kafka_conf *conf) {
    return number(conf, "message.max.bytes", default_max_record(conf));
}

/* A fetched record costs about 350 bytes in librdkafka besides its own: a queue is bounded by both. Half of a queue's
 * share is left for what one more fetch brings when the queue is just below its limit. */
struct kafka_conf_queue kafka_conf_queue(const struct kafka_conf *conf) {
    size_t prefetch = conf->prefetch ? conf->prefetch : KAFKA_CONF_PREFETCH;
    size_t share = prefetch / (conf->queues ? conf->queues : 8) / 2;
    struct kafka_conf_queue queue = {share / 2, share / 400};
    if (queue.bytes < LEAST_QUEUED)
        queue.bytes = LEAST_QUEUED;
    if (queue.bytes > MOST_QUEUED)
        queue.bytes = MOST_QUEUED;
    if (queue.messages < 256)
        queue.messages = 256;
    queue.bytes = number(conf, "queued.max.messages.kbytes", queue.bytes / 1024) * 1024;
    queue.messages = number(conf, "queued.min.messages", queue.messages);
    return queue;
}

static bool set_defaults(const struct kafka_conf *conf, enum kafka_conf_role role, rd_kafka_conf_t *to, struct err *e) {
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (defaults[i].roles & 1u << role && !set(to, defaults[i].name, defaults[i].value, e))
            return false;
    if (role == KAFKA_CONF_SOURCE) {
        struct kafka_conf_queue queue = kafka_conf_queue(conf);
        return set_number(to, "queued.min.messages", queue.messages, e) &&
               set_number(to, "queued.max.messages.kbytes", queue.bytes / 1024, e) &&
               set_number(to, "fetch.message.max.bytes", queue.bytes, e) &&
               (!conf->fetch_wait || set_number(to, "fetch.wait.max.ms", conf->fetch_wait, e));
    }
    if (role == KAFKA_CONF_SINK)
        return set_number(to, "message.max.bytes", default_max_record(conf), e);
    return true;
}

static bool set_users(const struct kafka_conf *conf, rd_kafka_conf_t *to, struct err *e) {
    for (size_t i = 0; i < conf->n_properties; i++) {
        const struct kafka_conf_property *property = &conf->properties[i];
        long known = fixed_find(property->name);
        if (known >= 0 ? !check_fixed((size_t)known, property->value, e) : !set(to, property->name, property->value, e))
            return false;
    }
    return true;
}

static bool set_fixed(const struct kafka_conf *conf, enum kafka_conf_role role, rd_kafka_conf_t *to, struct err *e) {
    char name[KAFKA_CONF_NAME];
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (fixed[i].roles & 1u << role && !set(to, fixed[i].name, fixed[i].value, e))
            return false;
    if (role == KAFKA_CONF_SOURCE)
        return set(to, "group.id", kafka_conf_group(conf, name), e) &&
               set(to, "group.instance.id", kafka_conf_instance_id(conf, name), e);
    if (role != KAFKA_CONF_SINK)
        return true;
    /* The producer also asks for the changelog's high watermark; a read_committed client is told where the oldest open
     * transaction begins instead. */
    return set(to, "isolation.level", GUARD(true_end) ? "read_uncommitted" : "read_committed", e) &&
           (conf->no_transactions || set(to, "transactional.id", kafka_conf_transactional_id(conf, name), e));
}

struct rd_kafka_conf_s *kafka_conf_new(const struct kafka_conf *conf, enum kafka_conf_role role, struct err *e) {
    rd_kafka_conf_t *made = rd_kafka_conf_new();
    if (set_defaults(conf, role, made, e) && set_users(conf, made, e) && set_fixed(conf, role, made, e))
        return made;
    rd_kafka_conf_destroy(made);
    return NULL;
}

char *kafka_conf_group(const struct kafka_conf *conf, char *out) {
    MUST(snprintf(out, KAFKA_CONF_NAME, "%s.%s", conf->app, conf->generation) < KAFKA_CONF_NAME);
    return out;
}

char *kafka_conf_changelog(const struct kafka_conf *conf, char *out) {
    MUST(snprintf(out, KAFKA_CONF_NAME, "%s.%s.changelog", conf->app, conf->generation) < KAFKA_CONF_NAME);
    return out;
}

char *kafka_conf_transactional_id(const struct kafka_conf *conf, char *out) {
    MUST(snprintf(out, KAFKA_CONF_NAME, "%s.%s.%s.%u", conf->app, conf->generation, conf->instance, conf->worker) <
         KAFKA_CONF_NAME);
    return out;
}

char *kafka_conf_instance_id(const struct kafka_conf *conf, char *out) {
    char topics[16] = "";
    if (conf->topics)
        snprintf(topics, sizeof topics, ".%08" PRIx32, conf->topics);
    MUST(snprintf(out, KAFKA_CONF_NAME, "%u.%s%s", conf->worker, conf->instance, topics) < KAFKA_CONF_NAME);
    return out;
}
