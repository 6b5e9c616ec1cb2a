/* librdkafka's callbacks and errors, told as ours are. */
#include "adapters/kafka_client.h"

#include "adapters/kafka_errors.h"
#include "adapters/kafka_way.h"
#include "base/guard.h"
#include "host/clock.h"
#include "host/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_WAIT = 500 }; /* ms; an end waits as long for a thread that waits here */

/* ---- errors ---- */

bool kafka_client_fail(struct err *e, rd_kafka_resp_err_t code, const char *where, const char *doing) {
    const char *remedy = kafka_errors_remedy(code), *name = rd_kafka_err2str(code);
    bool said = strstr(doing, name) != NULL; /* librdkafka's own words often end with it */
    return err_set(e, kafka_errors_code(code), where, "%.200s%s%s%s%s", doing, said ? "" : ": ", said ? "" : name,
                   remedy ? "; " : "", remedy ? remedy : "");
}

/* What a transaction that must be aborted means. A producer that is made anew asks for its topics, and says which of
 * them is gone; the old one would try for ever. */
static enum err_code aborted(rd_kafka_resp_err_t cause) {
    enum err_code code = kafka_errors_code(cause);
    if (cause == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || cause == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        cause == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        return ERR_BROKER;
    if (err_class(code) == ERR_CLASS_RETRY && cause != RD_KAFKA_RESP_ERR__STATE)
        return ERR_STALLED;
    return code == ERR_AUTH ? ERR_AUTH : ERR_ABORTED;
}

bool kafka_client_done(struct err *e, rd_kafka_error_t *error, const char *doing) {
    if (!error)
        return true;
    enum err_code code = kafka_errors_code(rd_kafka_error_code(error));
    const char *remedy = kafka_errors_remedy(rd_kafka_error_code(error));
    if (GUARD(fatal_first) && rd_kafka_error_is_fatal(error))
        code = code == ERR_FENCED || code == ERR_AUTH ? code : ERR_BROKER;
    else if (GUARD(timeouts_repeat) && rd_kafka_error_is_retriable(error))
        code = ERR_TIMEOUT;
    else if (GUARD(abortable_aborts) && rd_kafka_error_txn_requires_abort(error))
        code = aborted(rd_kafka_error_code(error));
    else if (code != ERR_AUTH && code != ERR_FENCED && code != ERR_CONFIG)
        code = ERR_BROKER;
    err_set(e, code, NULL, "%s: %.150s (%s)%s%s", doing, rd_kafka_error_string(error), rd_kafka_error_name(error),
            remedy ? "; " : "", remedy ? remedy : "");
    rd_kafka_error_destroy(error);
    return false;
}

/* ---- callbacks ---- */

/* Keeps and returns what kafka_way knows of an error of connections; NULL: nothing. Some are only logged. */
static const char *advise(struct kafka_client *client, const char *words) {
    const char *advice = kafka_way_advice(atomic_load(&client->certificate), words);
    if (advice)
        atomic_store(&client->advice, advice);
    return advice;
}

static bool told_by_owner(const struct kafka_client *client, const char *words) {
    return client && client->tells_fences && strstr(words, "fence"); /* fenced by .., which fences .. */
}

/* Runs on librdkafka's threads. Whoever uses all properties for every role must not be told which of them a role does
 * not have. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *words) {
    char quoted[400];
    if (!strcmp(facility, "CONFWARN") && strstr(words, "will be ignored by this"))
        return;
    log_quoted(quoted, sizeof quoted, words);
    if (!strcmp(facility, "SESSTMOUT") && rd_kafka_opaque(rk))
        atomic_store(&((struct kafka_client *)rd_kafka_opaque(rk))->session_lost, clock_mono_ms());
    if (!strcmp(facility, "FAIL") && rd_kafka_opaque(rk))
        advise(rd_kafka_opaque(rk), words);
    if (told_by_owner(rd_kafka_opaque(rk), words))
        level = 7;
    if (!strcmp(facility, "FAIL") && level > 2)
        LOG_RARELY(LOG_LEVEL_WARN, "kafka_connection", "client=%s words=%s", rd_kafka_name(rk), quoted);
    else if (level <= 2)
        LOG(LOG_LEVEL_ERROR, "kafka", "client=%s facility=%s words=%s", rd_kafka_name(rk), facility, quoted);
    else if (level <= 4)
        LOG(LOG_LEVEL_WARN, "kafka", "client=%s facility=%s words=%s", rd_kafka_name(rk), facility, quoted);
    else if (level <= 6)
        LOG(LOG_LEVEL_INFO, "kafka", "client=%s facility=%s words=%s", rd_kafka_name(rk), facility, quoted);
    else
        LOG(LOG_LEVEL_DEBUG, "kafka", "client=%s facility=%s words=%s", rd_kafka_name(rk), facility, quoted);
}

/* Runs on librdkafka's threads. */
static int on_certificate(rd_kafka_t *rk, const char *broker, int32_t id, int *x509_error, int depth, const char *bytes,
                          size_t n, char *words, size_t n_words, void *opaque) {
    struct kafka_client *client = opaque;
    (void)rk, (void)broker, (void)id, (void)depth, (void)bytes, (void)n;
    return kafka_way_verify(&client->certificate, *x509_error, words, n_words);
}

/* Runs in the owner's polls. */
static void on_error(rd_kafka_t *rk, int code, const char *words, void *opaque) {
    struct kafka_client *client = opaque;
    rd_kafka_resp_err_t cause = (rd_kafka_resp_err_t)code;
    char fatal[300], quoted[400];
    if (cause == RD_KAFKA_RESP_ERR__FATAL) {
        cause = rd_kafka_fatal_error(rk, fatal, sizeof fatal);
        words = fatal;
    }
    enum err_code ours = kafka_errors_code(cause);
    if (code == RD_KAFKA_RESP_ERR__FATAL && ours != ERR_FENCED && ours != ERR_AUTH)
        ours = ERR_BROKER; /* whatever it was about, the handle is of no more use */
    struct err seen;
    const char *advice = advise(client, words), *remedy = kafka_errors_remedy(cause);
    if (advice)
        err_set(&seen, ours, NULL, "%s (%s: %.150s)", advice, rd_kafka_name(rk), words);
    else
        err_set(&seen, ours, NULL, "%s: %.200s%s%s", rd_kafka_name(rk), words, remedy ? "; " : "",
                remedy ? remedy : "");
    if (code != RD_KAFKA_RESP_ERR__FATAL && ours != ERR_AUTH) {
        if (cause != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || client->heard.code == ERR_NONE)
            client->heard = seen; /* librdkafka logs it itself, and mends it; that all are down says no more */
        return;
    }
    client->failure = seen; /* told by whoever meets it */
    if (!told_by_owner(client, words))
        LOG_RARELY(LOG_LEVEL_ERROR, "kafka_refuses", "code=%s words=%s", err_name(ours),
                   log_quoted(quoted, sizeof quoted, seen.words));
}

bool kafka_client_failed(struct kafka_client *client, struct err *e) {
    if (client->failure.code == ERR_NONE)
        return false;
    *e = client->failure;
    if (e->code == ERR_AUTH)
        client->failure.code = ERR_NONE;
    return true;
}

/* A wrong password is better news than "no broker answered". */
bool kafka_client_silent(struct kafka_client *client, int ms, struct err *e) {
    rd_kafka_poll(client->rk, 0);
    if (kafka_client_failed(client, e))
        return false;
    const char *heard = client->heard.code != ERR_NONE ? client->heard.words : "";
    const char *advice = atomic_load(&client->advice);
    if (advice && strstr(heard, advice))
        return err_set(e, ERR_UNAVAILABLE, NULL, "no broker answered within %d s: %.300s", ms / 1000, heard);
    if (advice)
        return err_set(e, ERR_UNAVAILABLE, NULL, "no broker answered within %d s: %s", ms / 1000, advice);
    return err_set(e, ERR_UNAVAILABLE, NULL, "no broker answered within %d s (kafka: bootstrap.servers)%s%.200s",
                   ms / 1000, *heard ? ": " : "", heard);
}

int kafka_client_pace(struct kafka_client *client, int64_t now) {
    int64_t due = atomic_load(&client->connect_due), credit = now - KAFKA_CLIENT_AT_ONCE * KAFKA_CLIENT_EVERY, next;
    do {
        next = (due > credit ? due : credit) + KAFKA_CLIENT_EVERY;
    } while (!atomic_compare_exchange_weak(&client->connect_due, &due, next));
    return next > now ? (int)(next - now < CONNECT_WAIT ? next - now : CONNECT_WAIT) : 0;
}

/* Runs on librdkafka's threads, one for each broker, which has nothing else to do while it is not connected. */
static int on_socket(int domain, int type, int protocol, void *opaque) {
    poll(NULL, 0, kafka_client_pace(opaque, clock_mono_ms()));
    return socket(domain, type | SOCK_CLOEXEC, protocol);
}

/* Runs on librdkafka's threads. */
static int on_close(int socket, void *opaque) {
    struct kafka_client *client = opaque;
    atomic_fetch_add(&client->closed, 1);
    return close(socket);
}

bool kafka_client_open(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf, struct err *e) {
    char words[300];
    MUST(!client->rk);
    client->closing = false;
    client->failure.code = client->heard.code = ERR_NONE;
    atomic_store(&client->advice, NULL);
    atomic_store(&client->certificate, 0);
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
    rd_kafka_conf_set_socket_cb(conf, on_socket);
    rd_kafka_conf_set_closesocket_cb(conf, on_close);
    client->rk = rd_kafka_new(type, conf, words, sizeof words);
    if (client->rk)
        return true;
    rd_kafka_conf_destroy(conf);
    /* OpenSSL's words do not say that a file is not there. */
    bool file = strstr(words, ".location failed") != NULL;
    return err_set(e, ERR_CONFIG, NULL, "kafka: %s%s", words,
                   file ? " (is that file there, PEM, open to this user, its password right?)" : "");
}

rd_kafka_t *kafka_client_enter(struct kafka_client *client, const char *call) {
    atomic_store(&client->inside, call);
    return client->rk;
}

void kafka_client_leave(struct kafka_client *client) {
    atomic_store(&client->inside, NULL);
}

const char *kafka_client_inside(const struct kafka_client *client) {
    return atomic_load(&client->inside);
}

size_t kafka_client_fetch(rd_kafka_queue_t *queue, int wait, rd_kafka_message_t **messages, size_t max) {
    ssize_t n = rd_kafka_consume_batch_queue(queue, 0, messages, max);
    if (n > 0 || wait <= 0)
        return n > 0 ? (size_t)n : 0;
    messages[0] = rd_kafka_consume_queue(queue, wait);
    return messages[0] != NULL;
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
        return !client->abandoned;
    client->closing = true;
    struct ending *ending = malloc(sizeof *ending);
    MUST(ending);
    *ending = (struct ending){client->rk, eventfd(0, EFD_CLOEXEC)};
    client->rk = NULL;
    pthread_t thread;
    if (ending->done < 0 || pthread_create(&thread, NULL, end, ending)) {
        rd_kafka_destroy(ending->rk);
        free(ending);
        return !client->abandoned;
    }
    struct pollfd wait = {ending->done, POLLIN, 0};
    int64_t deadline = clock_mono_ms() + ms;
    int left = ms, ready;
    while ((ready = poll(&wait, 1, left)) < 0 && errno == EINTR)
        left = (int)(deadline > clock_mono_ms() ? deadline - clock_mono_ms() : 0);
    if (ready != 1) {
        pthread_detach(thread);
        client->abandoned = true;
        LOG(LOG_LEVEL_WARN, "kafka_close_abandoned", "waited_ms=%d", ms);
        return false;
    }
    pthread_join(thread, NULL);
    close(ending->done);
    free(ending);
    return !client->abandoned;
}
