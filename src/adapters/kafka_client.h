/* What every librdkafka handle of ours shares: its log, its errors as ours, and an end that is bounded.
 *
 * Private to the kafka_* rooms. */
#ifndef LEADSTREAM_KAFKA_CLIENT_H
#define LEADSTREAM_KAFKA_CLIENT_H

#include "adapters/kafka_conf.h"
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

/* A handle and what its callbacks say. It is the handle's opaque, so it must not move while the handle lives. */
struct kafka_client {
    rd_kafka_t *rk;         /* NULL: none */
    void *owner;            /* for the callbacks of the owner */
    bool closing;           /* callbacks of the owner must do nothing any more */
    bool abandoned;         /* a handle was, now or earlier: its threads may still write here, so this must stay */
    struct err failure;     /* code != NONE: what makes the handle useless (permission, fatal errors) */
    struct err heard;       /* the last that was said of connections, which librdkafka mends; code NONE: nothing */
    atomic_int certificate; /* OpenSSL's reason not to believe a broker's certificate (kafka_way), 0: none */
    const char *_Atomic advice; /* what to do about that, or another error of connections; NULL: nothing is known */
    _Atomic int64_t session_lost; /* when a consumer's session last timed out (clock_mono_ms), 0: never; of all handles */
    bool tells_fences;      /* the owner says itself what a fence means: librdkafka's words of it are for debugging */
    _Atomic(const char *) inside; /* which of librdkafka's calls the owner's thread is in, NULL: none */
    _Atomic int64_t connect_due; /* when the connections so far would all have been made, had they been spaced (ms) */
    _Atomic uint64_t closed; /* connections closed, for whatever reason; counted before what was on them is sent again */
};

/* rd_kafka_new; takes conf in any case. False: *e. */
bool kafka_client_open(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf, struct err *e);

/* How many ms a connection that is to be made at `now` (clock_mono_ms) has to wait: so many may be made at once, and
 * then one every so many ms.
 *
 * librdkafka 2.0.2 forgets its back-off for as long as an admin request waits for a broker: whenever the broker is down
 * again, the request has it tried at once. Where connections are refused that is some 5,000 a second, and a core. */
enum { KAFKA_CLIENT_AT_ONCE = 100, KAFKA_CLIENT_EVERY = 50 };
int kafka_client_pace(struct kafka_client *client, int64_t now);

/* Destroys the handle within `ms`, else abandons it to the end of the process: librdkafka waits for ever for whatever
 * was not given back. Its topics, queues and messages must have been.
 * False: one was abandoned (client->abandoned); a consumer's callbacks may then still run. */
bool kafka_client_close(struct kafka_client *client, int ms);

/* True where the handle is useless, with why. Only a fatal error stays: librdkafka says again and again that it is not
 * let in, so that it was is the only news of it. */
bool kafka_client_failed(struct kafka_client *client, struct err *e);

/* No broker answered for that many ms: returns false with *e, which says why if anything was heard of it. */
bool kafka_client_silent(struct kafka_client *client, int ms, struct err *e);

/* The handle, for a call of librdkafka's that waits for others, be it its own threads: some do not keep to their
 * time-outs, some have none. From enter to leave kafka_client_inside tells other threads which one it is; `call` is a
 * literal. Of calls within a call's callbacks the last counts. */
rd_kafka_t *kafka_client_enter(struct kafka_client *client, const char *call);
void kafka_client_leave(struct kafka_client *client);
const char *kafka_client_inside(const struct kafka_client *client);

/* Takes messages from a queue: what is there at once, at most `max`, else what comes first within `wait` ms. Returns
 * how many. (A batch call that waits would wait for all of them.) */
size_t kafka_client_fetch(rd_kafka_queue_t *queue, int wait, rd_kafka_message_t **messages, size_t max);

/* Makes idle broker threads look at once for what there is to fetch. librdkafka before 2.2 looks only once a second
 * where all queues had been full; setting the credentials that it has already wakes them, and nothing else in its
 * interface does without side effects. */
void kafka_client_wake_fetchers(struct kafka_client *client, const struct kafka_conf *conf);

/* Returns false with *e made of librdkafka's code, `where` and the words. */
bool kafka_client_fail(struct err *e, rd_kafka_resp_err_t code, const char *where, const char *doing);

/* The result of a transaction's call: true if error is NULL, else false with *e (kafka_sink.h has the classes). Takes
 * the error. */
bool kafka_client_done(struct err *e, rd_kafka_error_t *error, const char *doing);

#endif
