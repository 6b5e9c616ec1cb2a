/* Asking again for what could not be read.
 *
 * A partition is sought where it stands: librdkafka then fetches anew and must say something, a record or the end.
 *
 * Topics are asked for by their settings, as that is the one question of librdkafka 2.0.2 about topics whose answer
 * comes to a queue: one for metadata keeps the thread waiting, and a broker that is slow or frozen would hold up all
 * that the worker does. It needs a right that the start has needed too. Without an answer, or without that right,
 * nothing is known, so nothing changes. */
#include "adapters/kafka_unread.h"

#include "host/clock.h"
#include "host/log.h"

enum { ASK_EVERY = 2000, WATCH_EVERY = 5000, GONE = 10000, ANSWER_WAIT = 5000 /* ms */ };

static bool is_missing(rd_kafka_resp_err_t err) {
    return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

/* ---- topics ---- */

static void ask_for_topics(struct kafka_unread *unread, struct kafka_shards *shards) {
    rd_kafka_t *rk = shards->pool->client.rk;
    rd_kafka_ConfigResource_t *resources[ENGINE_MAX_TOPICS];
    size_t n = shards->options->n_topics;
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_WAIT, NULL, 0);
    for (size_t t = 0; t < n; t++)
        resources[t] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, shards->options->topics[t].name);
    unread->answer = rd_kafka_queue_new(rk);
    rd_kafka_DescribeConfigs(rk, resources, n, options, unread->answer);
    rd_kafka_ConfigResource_destroy_array(resources, n);
    rd_kafka_AdminOptions_destroy(options);
}

void kafka_unread_forget(struct kafka_unread *unread) {
    if (unread->answer)
        rd_kafka_queue_destroy(unread->answer);
    unread->answer = NULL;
}

static bool note_topic(struct kafka_unread *unread, struct kafka_shards *shards, size_t t, rd_kafka_resp_err_t err,
                       struct err *e) {
    const char *name = shards->options->topics[t].name;
    int64_t now = clock_mono_ms();
    if (!err) {
        shards->pool->missed &= ~(UINT32_C(1) << t);
        unread->gone_since[t] = 0;
    } else if (!is_missing(err)) {
        LOG_RARELY(LOG_LEVEL_WARN, "topic_unknown", "topic=%s words=\"whether it is still there cannot be told: %s; the "
                   "user needs READ and DESCRIBE_CONFIGS on inputs\"", name, rd_kafka_err2str(err));
    }
    if (!is_missing(err))
        return true;
    shards->pool->missed |= UINT32_C(1) << t;
    if (!unread->gone_since[t])
        unread->gone_since[t] = now;
    LOG(LOG_LEVEL_WARN, "topic_gone", "topic=%s for_ms=%lld", name, (long long)(now - unread->gone_since[t]));
    return now - unread->gone_since[t] < GONE ||
           err_set(e, ERR_REFUSED, name,
                   "the topic was deleted while it was read. What was read is scored and kept; if it is made again, or "
                   "left out of the sources, use a new `generation:`");
}

static bool note_topics(struct kafka_unread *unread, struct kafka_shards *shards, rd_kafka_event_t *event,
                        struct err *e) {
    size_t n = 0;
    bool good = true;
    const rd_kafka_DescribeConfigs_result_t *result =
        rd_kafka_event_error(event) ? NULL : rd_kafka_event_DescribeConfigs_result(event);
    const rd_kafka_ConfigResource_t **resources = result ? rd_kafka_DescribeConfigs_result_resources(result, &n) : NULL;
    for (size_t i = 0; good && i < n; i++) {
        int t = kafka_shards_topic(shards, rd_kafka_ConfigResource_name(resources[i]));
        if (t >= 0)
            good = note_topic(unread, shards, (size_t)t, rd_kafka_ConfigResource_error(resources[i]), e);
    }
    return good;
}

static bool take_answer(struct kafka_unread *unread, struct kafka_shards *shards, struct err *e) {
    rd_kafka_event_t *event = unread->answer ? rd_kafka_queue_poll(unread->answer, 0) : NULL;
    if (!event)
        return true;
    bool good = note_topics(unread, shards, event, e);
    rd_kafka_event_destroy(event);
    kafka_unread_forget(unread);
    return good;
}

/* ---- partitions ---- */

static bool look_for_partitions(struct kafka_shards *shards, struct err *e) {
    bool good = true;
    for (size_t i = 0; i < shards->n; i++) {
        struct kafka_shard *shard = kafka_shards_get(shards, shards->ours[i]);
        for (size_t t = 0; shard->reading && t < shards->options->n_topics; t++) {
            struct kafka_partition *partition = &shard->partitions[t];
            struct err ignored;
            if (!partition->refused)
                continue;
            *e = *partition->refused;
            good = false;
            if (partition->next == partition->n && !partition->item)
                (void)kafka_shards_again(shards, shard->number, t, &ignored);
        }
    }
    return good;
}

bool kafka_unread_look(struct kafka_unread *unread, struct kafka_shards *shards, struct err *e) {
    int64_t now = clock_mono_ms();
    if (!take_answer(unread, shards, e))
        return false;
    if (now - unread->asked < ASK_EVERY)
        return true;
    unread->asked = now;
    if (!unread->answer && (shards->pool->missed || now - unread->watched >= WATCH_EVERY)) {
        unread->watched = now;
        ask_for_topics(unread, shards);
    }
    return look_for_partitions(shards, e);
}

size_t kafka_unread_count(const struct kafka_unread *unread, const struct kafka_shards *shards) {
    size_t n = 0;
    for (size_t t = 0; t < shards->options->n_topics; t++) {
        n += unread->gone_since[t] != 0;
        for (size_t i = 0; i < shards->n; i++)
            n += shards->by_number[shards->ours[i]]->partitions[t].refused != NULL;
    }
    return n;
}
