/* The table of Kafka's errors. It is complete in what a client of ours can meet: librdkafka's own (with an underscore)
 * and the broker's. Those that only a bug of ours or of the broker could cause fall to BROKER, whose words are theirs.
 *
 * What passes by itself is TIMEOUT or UNAVAILABLE (RETRY); the other codes are FATAL to a batch. AUTH passes if someone
 * gives the right back, which the engine waits for, but not for ever. */
#include "adapters/kafka_errors.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

#define LOGIN "look at kafka: sasl.username, sasl.password, sasl.mechanisms, and the user on the cluster"
#define TOPIC_RIGHTS                                                                                                  \
    "the user needs READ on inputs and changelog, WRITE on outputs and changelog, DESCRIBE and DESCRIBE_CONFIGS on all"
#define TOO_OLD "leadstream needs brokers of Apache Kafka 2.5 or newer"
#define DAMAGED "a record on the broker's disk is damaged; an offset past it must be chosen by hand"

/* X(librdkafka's name, our code, remedy) */
#define KAFKA_ERRORS(X)                                                                                               \
    X(_AUTHENTICATION, AUTH, LOGIN)                                                                                   \
    X(SASL_AUTHENTICATION_FAILED, AUTH, LOGIN)                                                                        \
    X(UNSUPPORTED_SASL_MECHANISM, AUTH, "set kafka: sasl.mechanisms to one that the broker has")                      \
    X(ILLEGAL_SASL_STATE, AUTH, "set kafka: security.protocol to the listener's")                                     \
    X(TOPIC_AUTHORIZATION_FAILED, AUTH, TOPIC_RIGHTS)                                                                 \
    X(GROUP_AUTHORIZATION_FAILED, AUTH, "the user needs READ on the group <app>.<generation>")                        \
    X(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, AUTH,                                                                    \
      "the user needs WRITE and DESCRIBE on transactional ids that begin with <app>.<generation>.")                   \
    X(CLUSTER_AUTHORIZATION_FAILED, AUTH, "the user needs IDEMPOTENT_WRITE on the cluster")                           \
    X(_FENCED, FENCED, "give each process an `instance` of its own")                                                  \
    X(PRODUCER_FENCED, FENCED, "give each process an `instance` of its own")                                          \
    X(INVALID_PRODUCER_EPOCH, FENCED, "give each process an `instance` of its own")                                   \
    X(FENCED_INSTANCE_ID, FENCED, "give each process an `instance` of its own")                                       \
    X(ILLEGAL_GENERATION, LOST, NULL)                                                                                 \
    X(UNKNOWN_MEMBER_ID, LOST, NULL)                                                                                  \
    X(REBALANCE_IN_PROGRESS, LOST, NULL)                                                                              \
    X(_ASSIGNMENT_LOST, LOST, NULL)                                                                                   \
    X(_MAX_POLL_EXCEEDED, LOST, NULL)                                                                                 \
    X(_QUEUE_FULL, FULL, NULL)                                                                                        \
    X(_TIMED_OUT, TIMEOUT, NULL)                                                                                      \
    X(_TIMED_OUT_QUEUE, TIMEOUT, NULL)                                                                                \
    X(_MSG_TIMED_OUT, TIMEOUT, "brokers did not take a record: are enough replicas in sync (min.insync.replicas)?")   \
    X(_WAIT_COORD, TIMEOUT, NULL)                                                                                     \
    X(_WAIT_CACHE, TIMEOUT, NULL)                                                                                     \
    X(_RETRY, TIMEOUT, NULL)                                                                                          \
    X(_IN_PROGRESS, TIMEOUT, NULL)                                                                                    \
    X(_PREV_IN_PROGRESS, TIMEOUT, NULL)                                                                               \
    X(_STATE, TIMEOUT, NULL)                                                                                          \
    X(REQUEST_TIMED_OUT, TIMEOUT, NULL)                                                                               \
    X(UNSTABLE_OFFSET_COMMIT, TIMEOUT, NULL)                                                                          \
    X(CONCURRENT_TRANSACTIONS, TIMEOUT, NULL)                                                                         \
    X(COORDINATOR_LOAD_IN_PROGRESS, TIMEOUT, NULL)                                                                    \
    X(COORDINATOR_NOT_AVAILABLE, TIMEOUT, NULL)                                                                       \
    X(NOT_COORDINATOR, TIMEOUT, NULL)                                                                                 \
    X(MEMBER_ID_REQUIRED, TIMEOUT, NULL)                                                                              \
    X(THROTTLING_QUOTA_EXCEEDED, TIMEOUT, "a quota of the cluster is used up")                                        \
    X(_TRANSPORT, UNAVAILABLE, NULL)                                                                                  \
    X(_RESOLVE, UNAVAILABLE, "look at kafka: bootstrap.servers, the brokers' advertised.listeners, and DNS")          \
    X(_SSL, UNAVAILABLE, "look at kafka: ssl.ca.location, the certificates' dates and names")                         \
    X(_ALL_BROKERS_DOWN, UNAVAILABLE, NULL)                                                                           \
    X(_NO_OFFSET, UNAVAILABLE, NULL)                                                                                  \
    X(_UNKNOWN_TOPIC, UNAVAILABLE, NULL)                                                                              \
    X(_UNKNOWN_PARTITION, UNAVAILABLE, NULL)                                                                          \
    X(UNKNOWN_TOPIC_OR_PART, UNAVAILABLE, NULL)                                                                       \
    X(LEADER_NOT_AVAILABLE, UNAVAILABLE, NULL)                                                                        \
    X(NOT_LEADER_FOR_PARTITION, UNAVAILABLE, NULL)                                                                    \
    X(FENCED_LEADER_EPOCH, UNAVAILABLE, NULL)                                                                         \
    X(UNKNOWN_LEADER_EPOCH, UNAVAILABLE, NULL)                                                                        \
    X(OFFSET_NOT_AVAILABLE, UNAVAILABLE, NULL)                                                                        \
    X(BROKER_NOT_AVAILABLE, UNAVAILABLE, NULL)                                                                        \
    X(REPLICA_NOT_AVAILABLE, UNAVAILABLE, NULL)                                                                       \
    X(LISTENER_NOT_FOUND, UNAVAILABLE, NULL)                                                                          \
    X(NETWORK_EXCEPTION, UNAVAILABLE, NULL)                                                                           \
    X(NOT_CONTROLLER, UNAVAILABLE, NULL)                                                                              \
    X(KAFKA_STORAGE_ERROR, UNAVAILABLE, "a broker's disk fails")                                                      \
    X(NOT_ENOUGH_REPLICAS, UNAVAILABLE, "too few replicas are in sync for min.insync.replicas")                       \
    X(NOT_ENOUGH_REPLICAS_AFTER_APPEND, UNAVAILABLE, "too few replicas are in sync for min.insync.replicas")          \
    X(INVALID_TIMESTAMP, ABORTED, "this machine's clock is ahead of the topic's message.timestamp.after.max.ms: set it") \
    X(INVALID_PRODUCER_ID_MAPPING, ABORTED, NULL)                                                                     \
    X(UNKNOWN_PRODUCER_ID, ABORTED, NULL)                                                                             \
    X(INVALID_TXN_STATE, ABORTED, NULL)                                                                               \
    X(OUT_OF_ORDER_SEQUENCE_NUMBER, ABORTED, NULL)                                                                    \
    X(TRANSACTION_COORDINATOR_FENCED, ABORTED, NULL)                                                                  \
    X(OFFSET_OUT_OF_RANGE, REFUSED, "a new `generation:` reads what is left")                                         \
    X(_AUTO_OFFSET_RESET, REFUSED, "a new `generation:` reads what is left")                                          \
    X(INVALID_MSG, CORRUPT, DAMAGED)                                                                                  \
    X(_BAD_MSG, CORRUPT, DAMAGED)                                                                                     \
    X(_BAD_COMPRESSION, CORRUPT, DAMAGED)                                                                             \
    X(TOPIC_EXCEPTION, CONFIG, "the topic's name is not one")                                                         \
    X(INVALID_SESSION_TIMEOUT, CONFIG,                                                                                \
      "kafka: session.timeout.ms must be within the broker's group.min.session.timeout.ms and group.max..")           \
    X(INVALID_TRANSACTION_TIMEOUT, CONFIG,                                                                            \
      "kafka: transaction.timeout.ms must not be above the broker's transaction.max.timeout.ms")                      \
    X(INCONSISTENT_GROUP_PROTOCOL, CONFIG, "another program is in the group <app>.<generation>: choose another `app`") \
    X(UNSUPPORTED_VERSION, BROKER, TOO_OLD)                                                                           \
    X(_UNSUPPORTED_FEATURE, BROKER, TOO_OLD)                                                                          \
    X(MSG_SIZE_TOO_LARGE, BROKER, "raise the topic's max.message.bytes")                                              \
    X(RECORD_LIST_TOO_LARGE, BROKER, "raise the topic's segment.bytes")                                               \
    X(GROUP_MAX_SIZE_REACHED, BROKER, "raise the broker's group.max.size")                                            \
    X(POLICY_VIOLATION, BROKER, "a policy of the cluster forbids it")

static const struct {
    int error;
    const char *name;
    enum err_code code;
    const char *remedy;
} table[] = {
#define X(name, code, remedy) {RD_KAFKA_RESP_ERR_##name, #name, ERR_##code, remedy},
    KAFKA_ERRORS(X)
#undef X
};
enum { ROWS = sizeof table / sizeof *table };

static size_t find(int error) {
    size_t i = 0;
    while (i < ROWS && table[i].error != error)
        i++;
    return i;
}

enum err_code kafka_errors_code(int error) {
    size_t i = find(error);
    return i < ROWS ? table[i].code : ERR_BROKER;
}

const char *kafka_errors_remedy(int error) {
    size_t i = find(error);
    return i < ROWS ? table[i].remedy : NULL;
}

bool kafka_errors_row(size_t i, const char **name, enum err_code *code, const char **remedy) {
    if (i >= ROWS)
        return false;
    *name = table[i].name;
    *code = table[i].code;
    *remedy = table[i].remedy;
    return true;
}
