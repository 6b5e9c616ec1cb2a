/* The consumer: its group and its poll loop. kafka_shards has what is assigned, kafka_partition what is fetched.
 *
 * The rebalance callback runs inside poll(), on the worker's thread. All messages, queues and lists are given back
 * before the consumer is closed, since librdkafka waits for them.
 *
 * A consumer whose instance id was given to another is of no more use. Mostly there is another process, which may not be
 * fenced in turn, or the two would do so for ever: this one ends. But librdkafka 2.0.2, thrown out of the group by its
 * session time-out, may join twice (the first answer came too late), and the broker then takes the second for another
 * member. So where a seat was lost before for any other reason, the consumer is made anew, once a minute at most. */
#include "adapters/kafka_source.h"

#include "adapters/kafka_shards.h"
#include "adapters/kafka_unread.h"
#include "adapters/murmur2.h"
#include "host/clock.h"
#include "host/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    METADATA_WAIT = 5000, /* ms */
    LEAVE_WAIT = 3000,
    CLOSE_WAIT = 3000,
    REMAKE_WAIT = 10000, /* for the end of a consumer that is made anew; then the process ends */
    REMAKE_AFTER = 60000 /* between a lost seat and the fence, and between two fences that are both survived */
};

struct kafka_source {
    struct kafka_source_options options;
    struct kafka_partition_pool pool;
    struct kafka_shards shards;
    struct kafka_unread unread;
    rd_kafka_queue_t *queue;                /* the consumer's own */
    const struct source_listener *listener; /* while a poll runs */
    bool joined;
    bool changed;    /* the assignment changed in this poll */
    bool abandoned;  /* a consumer that was to be made anew did not end: its callbacks may still run */
    int64_t evicted; /* when an assignment was last lost other than by a fence, and */
    int64_t remade;  /* when the consumer was last made anew; clock_mono_ms, 0: never */
    atomic_bool woken;
};

/* ---- assignment ---- */

static void on_assign(struct kafka_source *source, rd_kafka_topic_partition_list_t *list) {
    struct err e;
    if (!kafka_shards_assign(&source->shards, list, &e)) {
        rd_kafka_assign(source->pool.client.rk, NULL);
        source->pool.failure = e;
        return;
    }
    LOG(LOG_LEVEL_INFO, "assigned", "shards=%zu", source->shards.n);
    if (source->shards.n_torn)
        LOG(LOG_LEVEL_WARN, "shards_torn", "shards=%zu words=\"left unread until the group gives all their topics to one "
            "member: another has, or had a moment ago, other sources\"", source->shards.n_torn);
    source->listener->assigned(source->listener->self, source->shards.ours, source->shards.n);
}

static void on_revoke(struct kafka_source *source) {
    bool lost = rd_kafka_assignment_lost(source->pool.client.rk);
    int64_t begun = clock_mono_ms();
    if (lost && !rd_kafka_fatal_error(source->pool.client.rk, NULL, 0))
        source->evicted = begun;
    if (source->shards.n)
        source->listener->revoked(source->listener->self, source->shards.ours, source->shards.n, lost);
    LOG(LOG_LEVEL_INFO, "revoked", "shards=%zu lost=%d ms=%" PRId64, source->shards.n, lost, clock_mono_ms() - begun);
    kafka_shards_drop(&source->shards);
    rd_kafka_assign(kafka_client_enter(&source->pool.client, "assign"), NULL);
    kafka_client_leave(&source->pool.client);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque) {
    struct kafka_client *client = opaque;
    struct kafka_source *source = client->owner;
    if (client->closing || !source->listener) {
        rd_kafka_assign(rk, NULL);
        return;
    }
    source->changed = true;
    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        on_assign(source, list);
    else
        on_revoke(source);
}

static bool join(struct kafka_source *source, struct err *e) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    bool good = true;
    for (size_t t = 0; t < source->options.n_topics; t++)
        for (uint32_t p = 0; p < (source->options.assign_all ? source->options.partitions : 1); p++)
            rd_kafka_topic_partition_list_add(list, source->options.topics[t].name,
                                              source->options.assign_all ? (int32_t)p : RD_KAFKA_PARTITION_UA);
    if (source->options.assign_all) {
        on_assign(source, list);
        source->changed = true;
    } else {
        rd_kafka_resp_err_t err = rd_kafka_subscribe(kafka_client_enter(&source->pool.client, "subscribe"), list);
        kafka_client_leave(&source->pool.client);
        good = !err || kafka_client_fail(e, err, NULL, "subscribing");
    }
    rd_kafka_topic_partition_list_destroy(list);
    source->joined = good;
    return good;
}

/* ---- the poll loop ---- */

/* The consumer will never read again: what it says as a message does not always come by its error callback too. */
static void on_fatal(struct kafka_client *client) {
    char words[300];
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(client->rk, words, sizeof words);
    if (cause == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        err_set(&client->failure, ERR_FENCED, NULL,
                "another process runs with the same `instance`: give each its own name; or, where there is none, the "
                "broker took this one's second try to join the group, after a long silence, for another: start again");
    else
        kafka_client_fail(&client->failure, cause, NULL, words);
}

/* What comes through the consumer's own queue are errors only: partitions have queues of their own. */
static void on_message(struct kafka_source *source, const rd_kafka_message_t *message) {
    struct err e;
    if (!message->err)
        return;
    if (message->err == RD_KAFKA_RESP_ERR__FATAL) {
        on_fatal(&source->pool.client);
        return;
    }
    const char *topic = message->rkt ? rd_kafka_topic_name(message->rkt) : NULL;
    int index = topic ? kafka_shards_topic(&source->shards, topic) : -1;
    if (index >= 0 && message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        source->pool.missed |= UINT32_C(1) << index;
    kafka_client_fail(&e, message->err, topic, rd_kafka_message_errstr(message));
    source->pool.errors[e.code]++;
    bool passes = err_class(e.code) == ERR_CLASS_RETRY || message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED;
    LOG_ERR(LOG_LEVEL_WARN, "consumer", &e);
    if (!passes && source->pool.failure.code == ERR_NONE && source->pool.client.failure.code == ERR_NONE)
        source->pool.failure = e;
}

static bool open_handle(struct kafka_source *source, struct err *e) {
    rd_kafka_conf_t *conf = kafka_conf_new(&source->options.conf, KAFKA_CONF_SOURCE, e);
    if (!conf)
        return false;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    source->pool.client.owner = source;
    if (!kafka_client_open(&source->pool.client, RD_KAFKA_CONSUMER, conf, e))
        return false;
    rd_kafka_poll_set_consumer(source->pool.client.rk);
    source->queue = rd_kafka_queue_get_consumer(source->pool.client.rk);
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(source->queue, source->pool.wake, &one, sizeof one);
    return true;
}

static void close_queue(struct kafka_source *source) {
    if (!source->queue)
        return;
    rd_kafka_queue_io_event_enable(source->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(source->queue);
    source->queue = NULL;
}

/* See the first comment. Whatever the engine has of the old consumer is lost, and its open transaction with it. False:
 * *e stays the fence, or says why there is no new consumer. */
static bool remake(struct kafka_source *source, struct err *e) {
    int64_t now = clock_mono_ms(), lost = atomic_load(&source->pool.client.session_lost);
    lost = lost > source->evicted ? lost : source->evicted; /* a session may end while there is nothing assigned */
    bool own = lost && now - lost <= REMAKE_AFTER;
    if (e->code != ERR_FENCED || !own || (source->remade && now - source->remade <= REMAKE_AFTER))
        return false;
    LOG(LOG_LEVEL_WARN, "consumer_remade", "shards=%zu lost_ms_ago=%" PRId64, source->shards.n, now - lost);
    source->pool.errors[ERR_FENCED]++;
    source->remade = now;
    if (source->shards.n)
        source->listener->revoked(source->listener->self, source->shards.ours, source->shards.n, true);
    kafka_shards_drop(&source->shards);
    close_queue(source);
    kafka_unread_forget(&source->unread);
    source->changed = true;
    source->joined = false;
    source->pool.failure.code = ERR_NONE;
    source->abandoned = !kafka_client_close(&source->pool.client, REMAKE_WAIT);
    return !source->abandoned && open_handle(source, e);
}

static bool failed(struct kafka_source *source, struct err *e) {
    if (kafka_client_failed(&source->pool.client, e))
        return !remake(source, e);
    if (source->pool.failure.code == ERR_NONE)
        return !kafka_shards_look(&source->shards, e) || !kafka_unread_look(&source->unread, &source->shards, e);
    *e = source->pool.failure;
    source->pool.failure.code = ERR_NONE;
    return true;
}

static void serve_group(struct kafka_source *source) {
    struct kafka_client *client = &source->pool.client;
    rd_kafka_message_t *message;
    while ((message = rd_kafka_consumer_poll(kafka_client_enter(client, "consumer_poll"), 0)) != NULL) {
        on_message(source, message);
        rd_kafka_message_destroy(message);
    }
    kafka_client_leave(client);
}

/* True if something new came to a partition that had nothing. */
static bool refill_all(struct kafka_source *source) {
    bool fresh = false;
    for (size_t i = 0; i < source->shards.n; i++) {
        struct kafka_shard *shard = kafka_shards_get(&source->shards, source->shards.ours[i]);
        for (size_t t = 0; shard->reading && t < source->options.n_topics; t++) {
            shard->partitions[t].dry = false;
            fresh |= kafka_partition_refill(&source->pool, &shard->partitions[t]);
        }
    }
    return fresh;
}

static void drain_wakes(struct kafka_source *source) {
    uint64_t count;
    while (read(source->pool.wake, &count, sizeof count) == (ssize_t)sizeof count)
        continue;
}

static bool source_poll(void *self, const struct source_listener *listener, int wait, struct err *e) {
    struct kafka_source *source = self;
    int64_t deadline = clock_mono_ms() + wait;
    bool good = true;
    source->listener = listener;
    source->changed = false;
    kafka_shards_rest(&source->shards);
    if (!source->joined)
        good = join(source, e);
    while (good) {
        drain_wakes(source);
        serve_group(source);
        good = !failed(source, e);
        bool woken = atomic_exchange(&source->woken, false);
        bool fresh = refill_all(source);
        int64_t left = deadline - clock_mono_ms();
        if (!good || fresh || woken || source->changed || left <= 0)
            break;
        struct pollfd wake = {source->pool.wake, POLLIN, 0};
        if (poll(&wake, 1, (int)left) < 0 && errno != EINTR)
            good = err_set(e, ERR_BROKER, NULL, "poll: %s", strerror(errno));
    }
    source->listener = NULL;
    return good;
}

static enum source_head source_head(void *self, uint16_t topic, uint32_t shard, const struct intake **item) {
    struct kafka_source *source = self;
    return kafka_partition_head(&source->pool, &kafka_shards_get(&source->shards, shard)->partitions[topic], item);
}

static void source_take(void *self, uint16_t topic, uint32_t shard) {
    struct kafka_source *source = self;
    kafka_partition_take(&source->pool, &kafka_shards_get(&source->shards, shard)->partitions[topic]);
}

static void source_release(void *self) {
    struct kafka_source *source = self;
    for (size_t i = 0; i < source->shards.n; i++)
        for (size_t t = 0; t < source->options.n_topics; t++)
            kafka_partition_forget(&kafka_shards_get(&source->shards, source->shards.ours[i])->partitions[t]);
    arena_reset(source->pool.arena);
}

static bool source_committed(void *self, uint32_t shard, int64_t *offsets, struct err *e) {
    struct kafka_source *source = self;
    return kafka_shards_committed(&source->shards, shard, offsets, e);
}

static bool source_first(void *self, uint32_t shard, int64_t *offsets, struct err *e) {
    struct kafka_source *source = self;
    return kafka_shards_first(&source->shards, shard, offsets, e);
}

static bool source_seek(void *self, uint32_t shard, const int64_t *offsets, struct err *e) {
    struct kafka_source *source = self;
    return kafka_shards_seek(&source->shards, shard, offsets, e);
}

/* ---- making and ending ---- */

/* In any order the same. */
static uint32_t hash_topics(const struct kafka_source_options *options) {
    uint32_t hash = 0;
    for (size_t t = 0; t < options->n_topics; t++)
        hash ^= murmur2((struct bytes){(const uint8_t *)options->topics[t].name, strlen(options->topics[t].name)});
    return hash;
}

/* Metadata known before the assignment saves the first fetch half a second. */
static bool warm_metadata(struct kafka_source *source, struct err *e) {
    const struct rd_kafka_metadata *metadata = NULL;
    for (size_t t = 0; t < source->options.n_topics; t++) {
        rd_kafka_topic_t *topic = rd_kafka_topic_new(source->pool.client.rk, source->options.topics[t].name, NULL);
        rd_kafka_resp_err_t err = rd_kafka_metadata(source->pool.client.rk, 0, topic, &metadata, METADATA_WAIT);
        if (!err)
            rd_kafka_metadata_destroy(metadata);
        rd_kafka_topic_destroy(topic);
        if (err)
            return kafka_client_fail(e, err, source->options.topics[t].name, "asking the broker for the topic");
    }
    return true;
}

struct kafka_source *kafka_source_new(const struct kafka_source_options *options, struct err *e) {
    MUST(options->n_topics >= 1 && options->n_topics <= ENGINE_MAX_TOPICS && options->partitions >= 1);
    struct kafka_source *source = calloc(1, sizeof *source);
    MUST(source);
    source->options = *options;
    source->options.conf.topics = hash_topics(options);
    source->pool.options = &source->options;
    source->pool.place = options->place ? options->place : &source->pool.nowhere;
    source->pool.limit = kafka_conf_queue(&options->conf);
    source->pool.arena = arena_new(KAFKA_PARTITION_ARENA);
    source->pool.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    MUST(source->pool.wake >= 0);
    kafka_shards_init(&source->shards, &source->pool);
    if (!open_handle(source, e) || !warm_metadata(source, e))
        kafka_source_free(&source, false);
    return source;
}

/* The broker forgets a static member at once only if it leaves before it closes. */
static void leave_group(struct kafka_source *source) {
    int64_t deadline = clock_mono_ms() + LEAVE_WAIT;
    rd_kafka_topic_partition_list_t *left = NULL;
    source->pool.client.closing = true;
    if (rd_kafka_unsubscribe(source->pool.client.rk))
        return;
    bool gone = false;
    while (!gone && clock_mono_ms() < deadline) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(source->pool.client.rk, 20);
        if (message)
            rd_kafka_message_destroy(message);
        gone = !rd_kafka_assignment(source->pool.client.rk, &left) && left->cnt == 0;
        if (left)
            rd_kafka_topic_partition_list_destroy(left);
        left = NULL;
    }
}

void kafka_source_free(struct kafka_source **at, bool leave) {
    struct kafka_source *source = *at;
    if (!source)
        return;
    source_release(source);
    kafka_shards_drop(&source->shards);
    if (source->pool.client.rk && leave && source->joined && !source->options.assign_all)
        leave_group(source);
    close_queue(source);
    kafka_unread_forget(&source->unread);
    *at = NULL;
    if (!kafka_client_close(&source->pool.client, CLOSE_WAIT) || source->abandoned)
        return; /* its callbacks may still run: what they use is abandoned too */
    kafka_shards_fini(&source->shards);
    close(source->pool.wake);
    arena_free(&source->pool.arena);
    if (!source->shards.asker.abandoned)
        free(source);
}

struct source kafka_source_port(struct kafka_source *source) {
    return (struct source){
        .self = source,
        .n_topics = source->options.n_topics,
        .poll = source_poll,
        .head = source_head,
        .take = source_take,
        .release = source_release,
        .committed = source_committed,
        .first = source_first,
        .seek = source_seek,
    };
}

void kafka_source_wake(struct kafka_source *source) {
    int kept = errno;
    uint64_t one = 1;
    atomic_store(&source->woken, true);
    ssize_t n = write(source->pool.wake, &one, sizeof one);
    (void)n; /* a full counter wakes as well */
    errno = kept;
}

size_t kafka_source_unread(const struct kafka_source *source) {
    return source->shards.n_torn + kafka_unread_count(&source->unread, &source->shards);
}

size_t kafka_source_schema_waits(const struct kafka_source *source) {
    size_t n = 0;
    for (size_t i = 0; i < source->shards.n; i++)
        for (size_t t = 0; t < source->options.n_topics; t++)
            n += kafka_shards_get(&source->shards, source->shards.ours[i])->partitions[t].ask_pause != 0;
    return n;
}

const uint64_t *kafka_source_errors(const struct kafka_source *source) {
    return source->pool.errors;
}

int64_t kafka_source_lag(const struct kafka_source *source) {
    int64_t lag = 0;
    for (size_t i = 0; i < source->shards.n; i++) {
        const struct kafka_shard *shard = kafka_shards_get(&source->shards, source->shards.ours[i]);
        for (size_t t = 0; shard->reading && t < source->options.n_topics; t++) {
            const struct kafka_partition *partition = &shard->partitions[t];
            int64_t low = 0, high = 0;
            int64_t position = partition->end_at > partition->position ? partition->end_at : partition->position;
            if (!rd_kafka_get_watermark_offsets(source->pool.client.rk, source->options.topics[t].name,
                                                (int32_t)shard->number, &low, &high) &&
                high > position)
                lag += high - position;
        }
    }
    return lag;
}

const char *kafka_source_calling(const struct kafka_source *source) {
    const char *call = kafka_client_inside(&source->pool.client);
    return call ? call : kafka_client_inside(&source->shards.asker);
}

struct rd_kafka_s *kafka_source_consumer(struct kafka_source *source) {
    return source->pool.client.rk;
}

void kafka_source_remember(struct kafka_source *source, uint16_t topic, uint32_t shard, int64_t offset) {
    if (shard < source->options.partitions && source->shards.by_number[shard])
        source->shards.by_number[shard]->remembered[topic] = offset;
}
