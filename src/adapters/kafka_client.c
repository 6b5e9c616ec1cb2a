/* librdkafka's callbacks and errors, told as ours are. */
#include "adapters/kafka_client.h"

#include "host/clock.h"
#include "host/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* ---- errors ---- */

static enum err_code code_of(rd_kafka_resp_err_t code) {
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED: return ERR_AUTH;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: return ERR_FENCED;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS: return ERR_LOST;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL: return ERR_FULL;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__STATE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR: return ERR_TIMEOUT;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__NO_OFFSET:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE: return ERR_UNAVAILABLE;
    default: return ERR_BROKER;
    }
}

bool kafka_client_fail(struct err *e, rd_kafka_resp_err_t code, const char *where, const char *doing) {
    return err_set(e, code_of(code), where, "%s: %s", doing, rd_kafka_err2str(code));
}

bool kafka_client_done(struct err *e, rd_kafka_error_t *error, const char *doing) {
    if (!error)
        return true;
    enum err_code code = code_of(rd_kafka_error_code(error));
    if (rd_kafka_error_is_fatal(error))
        code = code == ERR_FENCED || code == ERR_AUTH ? code : ERR_BROKER;
    else if (rd_kafka_error_is_retriable(error))
        code = ERR_TIMEOUT;
    else if (rd_kafka_error_txn_requires_abort(error))
        code = ERR_ABORTED;
    else if (code != ERR_AUTH && code != ERR_FENCED)
        code = ERR_BROKER;
    err_set(e, code, NULL, "%s: %s (%s)", doing, rd_kafka_error_string(error), rd_kafka_error_name(error));
    rd_kafka_error_destroy(error);
    return false;
}

/* ---- callbacks ---- */

/* With `debug: conf` librdkafka logs all properties, "  name = value", and leaves out only what it knows to be secret:
 * before 2.1 not the secret of an OAuth client. */
static bool tells_a_secret(const char *facility, const char *words) {
    char name[100];
    words += strspn(words, " ");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(words, " ="), words);
    return !strcmp(facility, "CONF") && strstr(words, " = ") && kafka_conf_is_secret(name);
}

/* Runs on librdkafka's threads. Whoever uses all properties for every role must not be told which of them a role does
 * not have. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *words) {
    char quoted[400];
    if (!strcmp(facility, "CONFWARN") && strstr(words, "will be ignored by this"))
        return;
    log_quoted(quoted, sizeof quoted, tells_a_secret(facility, words) ? "a secret's value" : words);
    if (level <= 2)
        LOG(LOG_LEVEL_ERROR, "kafka", "client=%s facility=%s words=%s", rd_kafka_name(rk), facility, quoted);
    else if (level <= 4)
        LOG(LOG_LEVEL_WARN, "kafka", "client=%s facility=%s words=%s", rd_kafka_name(rk), facility, quoted);
    else if (level <= 6)
        LOG(LOG_LEVEL_INFO, "kafka", "client=%s facility=%s words=%s", rd_kafka_name(rk), facility, quoted);
    else
        LOG(LOG_LEVEL_DEBUG, "kafka", "client=%s facility=%s words=%s", rd_kafka_name(rk), facility, quoted);
}

/* Runs in the owner's polls. */
static void on_error(rd_kafka_t *rk, int code, const char *words, void *opaque) {
    struct kafka_client *client = opaque;
    rd_kafka_resp_err_t cause = (rd_kafka_resp_err_t)code;
    char fatal[300];
    if (cause == RD_KAFKA_RESP_ERR__FATAL) {
        cause = rd_kafka_fatal_error(rk, fatal, sizeof fatal);
        words = fatal;
    }
    enum err_code ours = code_of(cause);
    struct err seen;
    err_set(&seen, ours, NULL, "%s: %s", rd_kafka_name(rk), words);
    if (code != RD_KAFKA_RESP_ERR__FATAL && ours != ERR_AUTH)
        return; /* librdkafka logs it itself, and mends it */
    client->failure = seen;
    LOG_ERR(LOG_LEVEL_ERROR, "kafka", &seen);
}

bool kafka_client_open(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf, struct err *e) {
    char words[300];
    MUST(!client->rk);
    client->closing = false;
    client->failure.code = ERR_NONE;
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    client->rk = rd_kafka_new(type, conf, words, sizeof words);
    if (client->rk)
        return true;
    rd_kafka_conf_destroy(conf);
    return err_set(e, ERR_CONFIG, NULL, "kafka: %s", words);
}

void kafka_client_wake_fetchers(struct kafka_client *client, const struct kafka_conf *conf) {
    rd_kafka_error_t *error = rd_kafka_sasl_set_credentials(client->rk, kafka_conf_get(conf, "sasl.username", ""),
                                                            kafka_conf_get(conf, "sasl.password", ""));
    if (error)
        rd_kafka_error_destroy(error);
}

/* ---- the end ---- */

struct ending {
    rd_kafka_t *rk;
    int done; /* an eventfd */
};

static void *end(void *argument) {
    struct ending *ending = argument;
    rd_kafka_destroy(ending->rk);
    uint64_t one = 1;
    if (write(ending->done, &one, sizeof one) != (ssize_t)sizeof one)
        LOG(LOG_LEVEL_DEBUG, "kafka_close", "errno=%d", errno);
    return NULL;
}

bool kafka_client_close(struct kafka_client *client, int ms) {
    if (!client->rk)
        return true;
    client->closing = true;
    struct ending *ending = malloc(sizeof *ending);
    MUST(ending);
    *ending = (struct ending){client->rk, eventfd(0, EFD_CLOEXEC)};
    client->rk = NULL;
    pthread_t thread;
    if (ending->done < 0 || pthread_create(&thread, NULL, end, ending)) {
        rd_kafka_destroy(ending->rk);
        free(ending);
        return true;
    }
    struct pollfd wait = {ending->done, POLLIN, 0};
    int64_t deadline = clock_mono_ms() + ms;
    int left = ms, ready;
    while ((ready = poll(&wait, 1, left)) < 0 && errno == EINTR)
        left = (int)(deadline > clock_mono_ms() ? deadline - clock_mono_ms() : 0);
    if (ready != 1) {
        pthread_detach(thread);
        LOG(LOG_LEVEL_WARN, "kafka_close_abandoned", "waited_ms=%d", ms);
        return false;
    }
    pthread_join(thread, NULL);
    close(ending->done);
    free(ending);
    return true;
}
