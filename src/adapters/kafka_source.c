/* The consumer: its group, its poll loop, and the positions of shards.
 *
 *   wanted -> assigned (paused) -> committed(), first() -> seek (reading) -> .. -> revoked
 *
 * The rebalance callback runs inside poll(), on the worker's thread. All messages, queues and lists are given back
 * before the consumer is closed, since librdkafka waits for them. */
#include "adapters/kafka_source.h"

#include "adapters/kafka_partition.h"
#include "host/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    COMMITTED_WAIT = 1000,  /* ms that one asking for committed offsets may take */
    OFFSETS_WAIT = 5000,
    SEEK_WAIT = 5000,
    SEEK_STEP = 200,
    LEAVE_WAIT = 3000,
    CLOSE_WAIT = 3000
};

/* A shard that is ours: its partition of every topic. */
struct shard {
    uint32_t number;
    bool reading;                   /* sought, no longer paused */
    bool *present;                  /* by topic: it is in the assignment */
    int64_t *remembered;            /* by topic, under assign_all: what committed() says */
    struct kafka_partition *partitions; /* by topic */
};

struct kafka_source {
    struct kafka_partition_pool pool;
    struct kafka_source_options options;
    struct kafka_partition_topic topics[ENGINE_MAX_TOPICS];
    struct shard **shards;          /* by number; NULL: not ours */
    uint32_t *ours;                 /* their numbers */
    size_t n_ours;
    rd_kafka_queue_t *queue;        /* the consumer's own */
    const struct source_listener *listener; /* while a poll runs */
    bool joined;
    bool changed;                   /* the assignment changed in this poll */
    atomic_bool woken;
};

/* ---- shards ---- */

static struct shard *shard_new(const struct kafka_source *source, uint32_t number) {
    size_t n = source->options.n_topics;
    struct shard *shard = calloc(1, sizeof *shard);
    MUST(shard);
    shard->number = number;
    shard->present = calloc(n, sizeof *shard->present);
    shard->remembered = calloc(n, sizeof *shard->remembered);
    shard->partitions = calloc(n, sizeof *shard->partitions);
    MUST(shard->present && shard->remembered && shard->partitions);
    for (size_t t = 0; t < n; t++)
        shard->remembered[t] = ENGINE_NO_OFFSET;
    return shard;
}

static void shard_free(struct shard *shard, size_t n_topics) {
    for (size_t t = 0; t < n_topics; t++)
        if (shard->partitions[t].queue)
            kafka_partition_close(&shard->partitions[t]);
    free(shard->present);
    free(shard->remembered);
    free(shard->partitions);
    free(shard);
}

static struct kafka_partition *partition_of(struct kafka_source *source, uint16_t topic, uint32_t number) {
    MUST(topic < source->options.n_topics && number < source->options.partitions && source->shards[number]);
    return &source->shards[number]->partitions[topic];
}

static void drop_shards(struct kafka_source *source) {
    for (size_t i = 0; i < source->n_ours; i++) {
        shard_free(source->shards[source->ours[i]], source->options.n_topics);
        source->shards[source->ours[i]] = NULL;
    }
    source->n_ours = 0;
}

static rd_kafka_topic_partition_list_t *shard_list(const struct kafka_source *source, uint32_t number) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)source->options.n_topics);
    for (size_t t = 0; t < source->options.n_topics; t++)
        rd_kafka_topic_partition_list_add(list, source->options.topics[t].name, (int32_t)number);
    return list;
}

static const char *where_of(char *out, size_t n, const char *topic, int64_t partition) {
    snprintf(out, n, "%s/%" PRId64, topic, partition);
    return out;
}

/* ---- assignment ---- */

static int topic_find(const struct kafka_source *source, const char *name) {
    for (size_t t = 0; t < source->options.n_topics; t++)
        if (!strcmp(source->options.topics[t].name, name))
            return (int)t;
    return -1;
}

static bool note_assigned(struct kafka_source *source, const char *topic, int32_t number, struct err *e) {
    int t = topic_find(source, topic);
    if (t < 0)
        return err_set(e, ERR_BROKER, topic, "the group assigned a topic that is not among the sources");
    if (number < 0 || (uint32_t)number >= source->options.partitions)
        return err_set(e, ERR_REFUSED, topic,
                       "the topic has more than the %" PRIu32 " partitions that it had at the start: leads would move "
                       "between shards; make topics with the new count and read them into a new `generation:`",
                       source->options.partitions);
    if (!source->shards[number]) {
        source->shards[number] = shard_new(source, (uint32_t)number);
        source->ours[source->n_ours++] = (uint32_t)number;
    }
    source->shards[number]->present[t] = true;
    return true;
}

static bool check_complete(const struct kafka_source *source, struct err *e) {
    for (size_t i = 0; i < source->n_ours; i++)
        for (size_t t = 0; t < source->options.n_topics; t++)
            if (!source->shards[source->ours[i]]->present[t])
                return err_set(e, ERR_REFUSED, source->options.topics[t].name,
                               "partition %" PRIu32 " of this topic was not assigned with its shard: all source topics "
                               "need the same number of partitions, and every member of the group the same sources",
                               source->ours[i]);
    return true;
}

/* Paused before it is assigned, a partition fetches nothing until seek(). */
static void open_shards(struct kafka_source *source) {
    for (size_t i = 0; i < source->n_ours; i++) {
        struct shard *shard = source->shards[source->ours[i]];
        for (size_t t = 0; t < source->options.n_topics; t++)
            kafka_partition_open(&source->pool, &shard->partitions[t], &source->topics[t], shard->number);
    }
}

static bool assign(struct kafka_source *source, rd_kafka_topic_partition_list_t *list, struct err *e) {
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = 0;
        if (!note_assigned(source, list->elems[i].topic, list->elems[i].partition, e))
            return false;
    }
    if (!check_complete(source, e))
        return false;
    if (source->n_ours > ENGINE_MAX_SHARDS)
        return err_set(e, ERR_REFUSED, NULL, "%zu shards for one worker, the limit is %d: start more", source->n_ours,
                       ENGINE_MAX_SHARDS);
    open_shards(source);
    rd_kafka_resp_err_t err = rd_kafka_pause_partitions(source->pool.client.rk, list);
    if (!err)
        err = rd_kafka_assign(source->pool.client.rk, list);
    return !err || kafka_client_fail(e, err, NULL, "assigning partitions");
}

static void on_assign(struct kafka_source *source, rd_kafka_topic_partition_list_t *list) {
    struct err e;
    drop_shards(source);
    if (!assign(source, list, &e)) {
        drop_shards(source);
        rd_kafka_assign(source->pool.client.rk, NULL);
        source->pool.failure = e;
        return;
    }
    LOG(LOG_LEVEL_INFO, "assigned", "shards=%zu", source->n_ours);
    source->listener->assigned(source->listener->self, source->ours, source->n_ours);
}

static void on_revoke(struct kafka_source *source) {
    bool lost = rd_kafka_assignment_lost(source->pool.client.rk);
    LOG(LOG_LEVEL_INFO, "revoked", "shards=%zu lost=%d", source->n_ours, lost);
    if (source->n_ours)
        source->listener->revoked(source->listener->self, source->ours, source->n_ours, lost);
    drop_shards(source);
    rd_kafka_assign(source->pool.client.rk, NULL);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list,
                         void *opaque) {
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
        rd_kafka_resp_err_t err = rd_kafka_subscribe(source->pool.client.rk, list);
        good = !err || kafka_client_fail(e, err, NULL, "subscribing");
    }
    rd_kafka_topic_partition_list_destroy(list);
    source->joined = good;
    return good;
}

/* ---- the poll loop ---- */

/* What comes through the consumer's own queue are errors only: partitions have queues of their own. */
static void on_message(struct kafka_source *source, const rd_kafka_message_t *message) {
    struct err e;
    if (!message->err)
        return;
    kafka_client_fail(&e, message->err, message->rkt ? rd_kafka_topic_name(message->rkt) : NULL,
                      rd_kafka_message_errstr(message));
    bool passes = err_class(e.code) == ERR_CLASS_RETRY || message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED;
    LOG_ERR(LOG_LEVEL_WARN, "consumer", &e);
    if (!passes && source->pool.failure.code == ERR_NONE && source->pool.client.failure.code == ERR_NONE)
        source->pool.failure = e;
}

static bool failed(struct kafka_source *source, struct err *e) {
    struct err *seen = source->pool.client.failure.code ? &source->pool.client.failure : &source->pool.failure;
    if (seen->code == ERR_NONE)
        return false;
    *e = *seen;
    source->pool.failure.code = ERR_NONE;
    return true;
}

static void serve_group(struct kafka_source *source) {
    rd_kafka_message_t *message;
    while ((message = rd_kafka_consumer_poll(source->pool.client.rk, 0)) != NULL) {
        on_message(source, message);
        rd_kafka_message_destroy(message);
    }
}

/* True if something new came to a partition that had nothing. */
static bool refill_all(struct kafka_source *source) {
    bool fresh = false;
    for (size_t i = 0; i < source->n_ours; i++) {
        struct shard *shard = source->shards[source->ours[i]];
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
    int64_t deadline = kafka_client_now() + wait;
    bool good = true;
    source->listener = listener;
    source->changed = false;
    if (!source->joined)
        good = join(source, e);
    while (good) {
        drain_wakes(source);
        serve_group(source);
        good = !failed(source, e);
        bool woken = atomic_exchange(&source->woken, false);
        bool fresh = refill_all(source);
        int64_t left = deadline - kafka_client_now();
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
    return kafka_partition_head(&source->pool, partition_of(source, topic, shard), item);
}

static void source_take(void *self, uint16_t topic, uint32_t shard) {
    struct kafka_source *source = self;
    kafka_partition_take(&source->pool, partition_of(source, topic, shard));
}

static void source_release(void *self) {
    struct kafka_source *source = self;
    for (size_t i = 0; i < source->n_ours; i++)
        for (size_t t = 0; t < source->options.n_topics; t++)
            kafka_partition_forget(&source->shards[source->ours[i]]->partitions[t]);
    arena_reset(source->pool.arena);
}

/* ---- positions ---- */

static bool read_offsets(const struct kafka_source *source, const rd_kafka_topic_partition_list_t *list,
                         int64_t *offsets, struct err *e) {
    char where[160];
    for (size_t t = 0; t < source->options.n_topics; t++) {
        const rd_kafka_topic_partition_t *at = &list->elems[t];
        if (at->err)
            return kafka_client_fail(e, at->err, where_of(where, sizeof where, at->topic, at->partition),
                                     "committed offset");
        offsets[t] = at->offset >= 0 ? at->offset : ENGINE_NO_OFFSET;
    }
    return true;
}

static bool source_committed(void *self, uint32_t shard, int64_t *offsets, struct err *e) {
    struct kafka_source *source = self;
    if (source->options.assign_all) {
        MUST(source->shards[shard]);
        memcpy(offsets, source->shards[shard]->remembered, source->options.n_topics * sizeof *offsets);
        return true;
    }
    rd_kafka_topic_partition_list_t *list = shard_list(source, shard);
    rd_kafka_resp_err_t err = rd_kafka_committed(source->pool.client.rk, list, COMMITTED_WAIT);
    bool good = err ? kafka_client_fail(e, err, NULL, "asking for committed offsets")
                    : read_offsets(source, list, offsets, e);
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

static bool source_first(void *self, uint32_t shard, int64_t *offsets, struct err *e) {
    struct kafka_source *source = self;
    char where[160];
    for (size_t t = 0; t < source->options.n_topics; t++) {
        const char *topic = source->options.topics[t].name;
        int64_t low = 0, high = 0;
        rd_kafka_resp_err_t err = rd_kafka_query_watermark_offsets(source->pool.client.rk, topic, (int32_t)shard, &low,
                                                                   &high, OFFSETS_WAIT);
        if (err)
            return kafka_client_fail(e, err, where_of(where, sizeof where, topic, shard), "first offset");
        offsets[t] = low;
    }
    return true;
}

/* librdkafka before 2.1 takes the time-out for a thousandth of what it says, so that it is short and repeated; a
 * partition that was assigned a moment ago cannot be sought yet (_STATE). */
static bool seek_list(struct kafka_source *source, rd_kafka_topic_partition_list_t *list, struct err *e) {
    int64_t deadline = kafka_client_now() + SEEK_WAIT;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_seek_partitions(source->pool.client.rk, list, SEEK_STEP * 1000);
        rd_kafka_resp_err_t err = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (error)
            rd_kafka_error_destroy(error);
        for (int i = 0; !err && i < list->cnt; i++)
            err = list->elems[i].err;
        if (!err)
            return true;
        bool passes = err == RD_KAFKA_RESP_ERR__TIMED_OUT || err == RD_KAFKA_RESP_ERR__STATE ||
                      err == RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS || err == RD_KAFKA_RESP_ERR__IN_PROGRESS;
        if (!passes || kafka_client_now() > deadline)
            return kafka_client_fail(e, err, NULL, "seeking");
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
}

/* The first seek places the paused partitions, the second, after the resume, wakes the broker's thread, which would
 * find them only half a second later. */
static bool seek_shard(struct kafka_source *source, struct shard *shard, rd_kafka_topic_partition_list_t *list,
                       struct err *e) {
    if (!seek_list(source, list, e))
        return false;
    if (shard->reading)
        return true;
    rd_kafka_resp_err_t err = rd_kafka_resume_partitions(source->pool.client.rk, list);
    if (err)
        return kafka_client_fail(e, err, NULL, "resuming partitions");
    shard->reading = true;
    return seek_list(source, list, e);
}

static bool source_seek(void *self, uint32_t number, const int64_t *offsets, struct err *e) {
    struct kafka_source *source = self;
    MUST(number < source->options.partitions && source->shards[number]);
    struct shard *shard = source->shards[number];
    rd_kafka_topic_partition_list_t *list = shard_list(source, number);
    for (size_t t = 0; t < source->options.n_topics; t++) {
        MUST(offsets[t] >= 0);
        list->elems[t].offset = offsets[t];
        kafka_partition_restart(&shard->partitions[t], offsets[t]);
    }
    bool good = seek_shard(source, shard, list, e);
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

/* ---- making and ending ---- */

static void make_topics(struct kafka_source *source) {
    for (size_t t = 0; t < source->options.n_topics; t++) {
        struct kafka_partition_topic *topic = &source->topics[t];
        topic->index = (uint16_t)t;
        topic->options = &source->options.topics[t];
        if (topic->options->decoder.format != DECODER_JSON)
            topic->decoder = decoder_new(&topic->options->decoder);
    }
}

/* Metadata known before the assignment saves the first fetch half a second. */
static bool warm_metadata(struct kafka_source *source, struct err *e) {
    const struct rd_kafka_metadata *metadata = NULL;
    for (size_t t = 0; t < source->options.n_topics; t++) {
        rd_kafka_topic_t *topic = rd_kafka_topic_new(source->pool.client.rk, source->options.topics[t].name, NULL);
        rd_kafka_resp_err_t err = rd_kafka_metadata(source->pool.client.rk, 0, topic, &metadata, OFFSETS_WAIT);
        if (!err)
            rd_kafka_metadata_destroy(metadata);
        rd_kafka_topic_destroy(topic);
        if (err)
            return kafka_client_fail(e, err, source->options.topics[t].name, "asking the broker for the topic");
    }
    return true;
}

static bool open_consumer(struct kafka_source *source, struct err *e) {
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
    return warm_metadata(source, e);
}

struct kafka_source *kafka_source_new(const struct kafka_source_options *options, struct err *e) {
    MUST(options->n_topics >= 1 && options->n_topics <= ENGINE_MAX_TOPICS && options->partitions >= 1);
    struct kafka_source *source = calloc(1, sizeof *source);
    MUST(source);
    source->options = *options;
    source->pool.options = &source->options;
    source->pool.limit = kafka_conf_queue(&options->conf);
    source->pool.arena = arena_new(KAFKA_PARTITION_ARENA);
    source->pool.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    source->shards = calloc(options->partitions, sizeof *source->shards);
    source->ours = calloc(options->partitions, sizeof *source->ours);
    MUST(source->pool.wake >= 0 && source->shards && source->ours);
    make_topics(source);
    if (!open_consumer(source, e))
        kafka_source_free(&source, false);
    return source;
}

/* The broker forgets a static member at once only if it leaves before it closes. */
static void leave_group(struct kafka_source *source) {
    int64_t deadline = kafka_client_now() + LEAVE_WAIT;
    rd_kafka_topic_partition_list_t *left = NULL;
    source->pool.client.closing = true;
    if (rd_kafka_unsubscribe(source->pool.client.rk))
        return;
    bool gone = false;
    while (!gone && kafka_client_now() < deadline) {
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
    drop_shards(source);
    if (source->pool.client.rk && leave && source->joined && !source->options.assign_all)
        leave_group(source);
    if (source->queue) {
        rd_kafka_queue_io_event_enable(source->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(source->queue);
    }
    *at = NULL;
    if (!kafka_client_close(&source->pool.client, CLOSE_WAIT))
        return; /* its callbacks may still run: what they use is abandoned too */
    for (size_t t = 0; t < source->options.n_topics; t++)
        if (source->topics[t].decoder)
            decoder_free(&source->topics[t].decoder);
    close(source->pool.wake);
    arena_free(&source->pool.arena);
    free(source->shards);
    free(source->ours);
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

int64_t kafka_source_lag(const struct kafka_source *source) {
    int64_t lag = 0;
    for (size_t i = 0; i < source->n_ours; i++) {
        const struct shard *shard = source->shards[source->ours[i]];
        for (size_t t = 0; shard->reading && t < source->options.n_topics; t++) {
            int64_t low = 0, high = 0, position = shard->partitions[t].position;
            if (!rd_kafka_get_watermark_offsets(source->pool.client.rk, source->options.topics[t].name,
                                                (int32_t)shard->number, &low, &high) && high > position)
                lag += high - position;
        }
    }
    return lag;
}

struct rd_kafka_s *kafka_source_consumer(struct kafka_source *source) {
    return source->pool.client.rk;
}

void kafka_source_remember(struct kafka_source *source, uint16_t topic, uint32_t shard, int64_t offset) {
    if (source->shards[shard])
        source->shards[shard]->remembered[topic] = offset;
}
