/* The names and values of the configuration -> librdkafka's own configuration, one for each role.
 *
 * Any property of librdkafka passes through, except those on which exactly-once rests: these are ours, and another
 * value is refused with the reason. Our other choices (batching, time-outs, memory) are defaults that a user's property
 * replaces. */
#ifndef LEADSTREAM_KAFKA_CONF_H
#define LEADSTREAM_KAFKA_CONF_H

#include <leadstream/err.h>
#include <stddef.h>
#include <stdint.h>

struct rd_kafka_conf_s;

enum {
    KAFKA_CONF_NAME = 512,                      /* bytes of any name that is made here, its zero included */
    KAFKA_CONF_PREFETCH = 8 * 1024 * 1024,     /* default of struct kafka_conf */
    KAFKA_CONF_TRANSACTION_TIMEOUT = 10 * 1000, /* ms, unless transaction.timeout.ms says otherwise */
    KAFKA_CONF_SESSION_TIMEOUT = 10 * 1000,     /* ms, unless session.timeout.ms says otherwise */
    KAFKA_CONF_MESSAGE_MAX = 1048500            /* bytes of a record: its batch's 61 more, and a topic of Kafka's default
                                                   max.message.bytes (1,048,588) takes it; librdkafka's is 1,000,000 */
};

struct kafka_conf_property {
    const char *name;
    const char *value;
};

/* What every client of one worker is made of. Strings are lent for as long as the clients live. */
struct kafka_conf {
    const struct kafka_conf_property *properties; /* of librdkafka, the user's; bootstrap.servers among them */
    size_t n_properties;
    const char *app;
    const char *generation;
    const char *instance;
    unsigned worker;
    uint32_t topics;        /* a hash of the topics that this worker's consumer asks for; 0: none is given */
    size_t prefetch;        /* bytes that this worker's consumer may hold fetched, of all partitions; 0: default */
    unsigned queues;        /* partitions of all topics that this worker expects to read (it divides prefetch); 0: 8 */
    unsigned fetch_wait;    /* ms that what was produced may wait at the broker to be fetched with more; 0: 20 */
    size_t max_record;      /* bytes of the largest value to produce; KAFKA_CONF_MESSAGE_MAX if that is more */
    bool no_transactions;   /* benchmark only: a producer that is idempotent but not transactional */
};

enum kafka_conf_role {
    KAFKA_CONF_SOURCE, /* consumer of the group */
    KAFKA_CONF_SINK,   /* transactional producer */
    KAFKA_CONF_READER, /* reads the changelog back; committed records only */
    KAFKA_CONF_ADMIN   /* metadata, topics */
};

/* Is this property one that we can take? False: *e (CONFIG) quotes it, says why not, or repeats librdkafka's words.
 * Values of secrets are never quoted. For `check`, which wants to hear of all of them. */
bool kafka_conf_check(const struct kafka_conf_property *property, struct err *e);

/* Does a property of this name hold a secret in itself (not the path of a file with one)? Its value must not be quoted,
 * logged, or stand in a configuration. */
bool kafka_conf_is_secret(const char *name);

/* The user's properties with ours on top; the caller owns it (rd_kafka_new takes it). NULL: *e says why. */
struct rd_kafka_conf_s *kafka_conf_new(const struct kafka_conf *conf, enum kafka_conf_role role, struct err *e);

/* The value that the user's properties give to `name`, else fallback. */
const char *kafka_conf_get(const struct kafka_conf *conf, const char *name, const char *fallback);

/* ms after which the broker gives a silent transaction up. */
int kafka_conf_transaction_timeout(const struct kafka_conf *conf);

/* ms after which the broker gives a silent member's partitions to others. */
int kafka_conf_session_timeout(const struct kafka_conf *conf);

/* Bytes of the largest record (key and value) that the producer takes. */
size_t kafka_conf_max_record(const struct kafka_conf *conf);

/* How much one partition's queue may hold before no more is fetched for it. */
struct kafka_conf_queue {
    size_t bytes;       /* of keys and values */
    size_t messages;
};
struct kafka_conf_queue kafka_conf_queue(const struct kafka_conf *conf);

/* `<app>.<generation>`; `<app>.<generation>.changelog`; `<app>.<generation>.<instance>.<worker>`;
 * `<worker>.<instance>`, and `.<topics>` where they are given: the group keeps a seat's partitions for whoever comes back
 * to it, whatever topics he asks for then, so who asks for others has another seat. out has room for KAFKA_CONF_NAME
 * bytes; returned. */
char *kafka_conf_group(const struct kafka_conf *conf, char *out);
char *kafka_conf_changelog(const struct kafka_conf *conf, char *out);
char *kafka_conf_transactional_id(const struct kafka_conf *conf, char *out);
char *kafka_conf_instance_id(const struct kafka_conf *conf, char *out);

#endif
