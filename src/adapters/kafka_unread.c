/* Asking again for what could not be read.
 *
 * A partition is sought where it stands: librdkafka then fetches anew and must say something, a record or the end. A
 * topic is asked for by name. */
#include "adapters/kafka_unread.h"

#include "host/clock.h"
#include "host/log.h"

enum { ASK_EVERY = 2000, WATCH_EVERY = 5000, GONE = 10000, METADATA_WAIT = 1000 /* ms */ };

static bool is_missing(rd_kafka_resp_err_t err) {
    return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

/* One question about all topics that the consumer knows. librdkafka 2.0.2 sees that a topic is gone, and may say so in
 * its log only. */
static void watch_topics(struct kafka_unread *unread, struct kafka_shards *shards) {
    const struct rd_kafka_metadata *metadata = NULL;
    int64_t now = clock_mono_ms();
    if (now - unread->watched < WATCH_EVERY)
        return;
    unread->watched = now;
    rd_kafka_t *rk = kafka_client_enter(&shards->pool->client, "metadata");
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, NULL, &metadata, METADATA_WAIT);
    kafka_client_leave(&shards->pool->client);
    if (err) {
        unread->watched += WATCH_EVERY; /* there are other things to worry about */
        return;
    }
    for (int i = 0; i < metadata->topic_cnt; i++) {
        int t = kafka_shards_topic(shards, metadata->topics[i].topic);
        if (t >= 0 && is_missing(metadata->topics[i].err))
            shards->pool->missed |= UINT32_C(1) << t;
    }
    rd_kafka_metadata_destroy(metadata);
}

/* Whether there is such a topic; true where nobody can say. */
static bool topic_is_there(struct kafka_shards *shards, const char *name) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_t *rk = kafka_client_enter(&shards->pool->client, "metadata");
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, topic, &metadata, METADATA_WAIT);
    kafka_client_leave(&shards->pool->client);
    if (!err && metadata->topic_cnt == 1)
        err = metadata->topics[0].err;
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    return !is_missing(err);
}

static bool look_for_topics(struct kafka_unread *unread, struct kafka_shards *shards, struct err *e) {
    for (size_t t = 0; t < shards->options->n_topics; t++) {
        const char *name = shards->options->topics[t].name;
        if (!(shards->pool->missed >> t & 1))
            continue;
        if (topic_is_there(shards, name)) {
            shards->pool->missed &= ~(UINT32_C(1) << t);
            unread->gone_since[t] = 0;
            continue;
        }
        int64_t now = clock_mono_ms();
        if (!unread->gone_since[t])
            unread->gone_since[t] = now;
        LOG(LOG_LEVEL_WARN, "topic_gone", "topic=%s for_ms=%lld", name, (long long)(now - unread->gone_since[t]));
        if (now - unread->gone_since[t] >= GONE)
            return err_set(e, ERR_REFUSED, name,
                           "the topic was deleted while it was read. What was read is scored and kept; if it is made "
                           "again, or left out of the sources, use a new `generation:`");
    }
    return true;
}

static bool look_for_partitions(struct kafka_shards *shards, struct err *e) {
    bool good = true;
    for (size_t i = 0; i < shards->n; i++) {
        struct kafka_shard *shard = kafka_shards_get(shards, shards->ours[i]);
        for (size_t t = 0; shard->reading && t < shards->options->n_topics; t++) {
            struct kafka_partition *partition = &shard->partitions[t];
            struct err ignored;
            if (partition->refused.code == ERR_NONE)
                continue;
            *e = partition->refused;
            good = false;
            if (partition->next == partition->n && !partition->item)
                (void)kafka_shards_again(shards, shard->number, t, &ignored);
        }
    }
    return good;
}

bool kafka_unread_look(struct kafka_unread *unread, struct kafka_shards *shards, struct err *e) {
    int64_t now = clock_mono_ms();
    if (now - unread->asked < ASK_EVERY)
        return true;
    unread->asked = now;
    watch_topics(unread, shards);
    return look_for_topics(unread, shards, e) && look_for_partitions(shards, e);
}

size_t kafka_unread_count(const struct kafka_unread *unread, const struct kafka_shards *shards) {
    size_t n = 0;
    for (size_t t = 0; t < shards->options->n_topics; t++) {
        n += unread->gone_since[t] != 0;
        for (size_t i = 0; i < shards->n; i++)
            n += shards->by_number[shards->ours[i]]->partitions[t].refused.code != ERR_NONE;
    }
    return n;
}
