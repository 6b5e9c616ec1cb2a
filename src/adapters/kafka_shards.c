/* Taking assignments, and where shards stand.
 *
 *   assigned (paused) -> committed, first -> seek (reading) -> dropped
 *
 * A partition is paused before it is assigned, so that it fetches nothing until seek says from where.
 *
 * The group gives a topic's partitions to those that asked for that topic. While one of them has other sources than we
 * have (the seat of a process that was ended to change its sources, which the broker keeps for the session's time-out;
 * an instance that is yet to be restarted), a shard may come with some of its topics only: it is torn. It is left
 * unread until another assignment brings it whole, as the next one does when that seat is gone. */
#include "adapters/kafka_shards.h"
#include "base/guard.h"
#include "host/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    COMMITTED_WAIT = 1000, /* ms that one asking for committed offsets may take */
    OFFSETS_WAIT = 5000,
    SEEK_WAIT = 5000,
    ASKER_IDLE = 10000,
    CLOSE_WAIT = 2000,
    SEEK_STEP = 200,
    TORN_SESSIONS = 3 /* so many of the session's time-outs may a shard lack a topic */
};

void kafka_shards_init(struct kafka_shards *shards, struct kafka_partition_pool *pool) {
    const struct kafka_source_options *o = pool->options;
    *shards = (struct kafka_shards){.pool = pool, .options = o};
    shards->by_number = calloc(o->partitions, sizeof *shards->by_number);
    shards->ours = calloc(o->partitions, sizeof *shards->ours);
    MUST(shards->by_number && shards->ours);
    for (size_t t = 0; t < o->n_topics; t++) {
        struct kafka_partition_topic *topic = &shards->topics[t];
        topic->index = (uint16_t)t;
        topic->options = &o->topics[t];
        if (topic->options->decoder.format != DECODER_JSON)
            topic->decoder = decoder_new(&topic->options->decoder);
    }
}

void kafka_shards_fini(struct kafka_shards *shards) {
    kafka_shards_drop(shards);
    kafka_client_close(&shards->asker, CLOSE_WAIT);
    for (size_t t = 0; t < shards->options->n_topics; t++)
        if (shards->topics[t].decoder)
            decoder_free(&shards->topics[t].decoder);
    free(shards->by_number);
    free(shards->ours);
}

/* ---- assignment ---- */

static struct kafka_shard *shard_new(const struct kafka_shards *shards, uint32_t number) {
    size_t n = shards->options->n_topics;
    struct kafka_shard *shard = calloc(1, sizeof *shard);
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

static void shard_free(struct kafka_shard *shard, size_t n_topics) {
    for (size_t t = 0; t < n_topics; t++)
        if (shard->partitions[t].queue)
            kafka_partition_close(&shard->partitions[t]);
    free(shard->present);
    free(shard->remembered);
    free(shard->partitions);
    free(shard);
}

struct kafka_shard *kafka_shards_get(const struct kafka_shards *shards, uint32_t number) {
    MUST(number < shards->options->partitions && shards->by_number[number]);
    return shards->by_number[number];
}

void kafka_shards_drop(struct kafka_shards *shards) {
    for (size_t i = 0; i < shards->n; i++) {
        shard_free(shards->by_number[shards->ours[i]], shards->options->n_topics);
        shards->by_number[shards->ours[i]] = NULL;
    }
    shards->n = shards->n_torn = 0;
}

int kafka_shards_topic(const struct kafka_shards *shards, const char *name) {
    for (size_t t = 0; t < shards->options->n_topics; t++)
        if (!strcmp(shards->options->topics[t].name, name))
            return (int)t;
    return -1;
}

static bool note_assigned(struct kafka_shards *shards, const char *topic, int32_t number, struct err *e) {
    int t = kafka_shards_topic(shards, topic);
    if (t < 0)
        return err_set(e, ERR_BROKER, topic, "the group assigned a topic that is not among the sources");
    if (number < 0 || (uint32_t)number >= shards->options->partitions)
        return err_set(e, ERR_REFUSED, topic,
                       "the topic has more than the %" PRIu32 " partitions that it had at the start: leads would move "
                       "between shards; make topics with the new count and read them into a new `generation:`",
                       shards->options->partitions);
    if (!shards->by_number[number]) {
        shards->by_number[number] = shard_new(shards, (uint32_t)number);
        shards->ours[shards->n++] = (uint32_t)number;
    }
    shards->by_number[number]->present[t] = true;
    return true;
}

/* The first topic that a shard lacks; n_topics: it is whole. */
static size_t missing_topic(const struct kafka_shards *shards, const struct kafka_shard *shard) {
    size_t t = 0;
    while (t < shards->options->n_topics && (shard->present[t] || !GUARD(shards_complete)))
        t++;
    return t;
}

/* The whole shards stay, and their partitions in the list. */
static void leave_torn(struct kafka_shards *shards, rd_kafka_topic_partition_list_t *list) {
    size_t kept = 0;
    for (size_t i = 0; i < shards->n; i++) {
        struct kafka_shard *shard = shards->by_number[shards->ours[i]];
        size_t missing = missing_topic(shards, shard);
        if (missing == shards->options->n_topics) {
            shards->ours[kept++] = shard->number;
            continue;
        }
        shards->n_torn++;
        shards->torn_topic = missing;
        shards->torn_shard = shard->number;
        shards->by_number[shard->number] = NULL;
        for (size_t t = 0; t < shards->options->n_topics; t++)
            rd_kafka_topic_partition_list_del(list, shards->options->topics[t].name, (int32_t)shard->number);
        shard_free(shard, shards->options->n_topics);
    }
    shards->n = kept;
    if (!shards->n_torn)
        shards->torn_since = 0;
    else if (!shards->torn_since)
        shards->torn_since = clock_mono_ms();
}

bool kafka_shards_look(const struct kafka_shards *shards, struct err *e) {
    if (!shards->n_torn)
        return true;
    int64_t lasted = clock_mono_ms() - shards->torn_since;
    if (lasted < (int64_t)TORN_SESSIONS * kafka_conf_session_timeout(&shards->options->conf))
        return true;
    return err_set(e, ERR_REFUSED, shards->options->topics[shards->torn_topic].name,
                   "for %" PRId64 " s partition %" PRIu32 " of this topic was not assigned with its shard: all source "
                   "topics need the same number of partitions, and every member of the group the same sources (or was "
                   "the topic deleted?)",
                   lasted / 1000, shards->torn_shard);
}

static void open_shards(struct kafka_shards *shards) {
    for (size_t i = 0; i < shards->n; i++) {
        struct kafka_shard *shard = shards->by_number[shards->ours[i]];
        for (size_t t = 0; t < shards->options->n_topics; t++)
            kafka_partition_open(shards->pool, &shard->partitions[t], &shards->topics[t], shard->number);
    }
}

static bool take(struct kafka_shards *shards, rd_kafka_topic_partition_list_t *list, struct err *e) {
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = 0; /* any: it is paused */
        if (!note_assigned(shards, list->elems[i].topic, list->elems[i].partition, e))
            return false;
    }
    leave_torn(shards, list);
    if (shards->n > ENGINE_MAX_SHARDS)
        return err_set(e, ERR_REFUSED, NULL, "%zu shards for one worker, the limit is %d: start more", shards->n,
                       ENGINE_MAX_SHARDS);
    open_shards(shards);
    struct kafka_client *client = &shards->pool->client;
    rd_kafka_resp_err_t err = rd_kafka_pause_partitions(kafka_client_enter(client, "pause_partitions"), list);
    if (!err)
        err = rd_kafka_assign(kafka_client_enter(client, "assign"), list);
    kafka_client_leave(client);
    return !err || kafka_client_fail(e, err, NULL, "assigning partitions");
}

bool kafka_shards_assign(struct kafka_shards *shards, rd_kafka_topic_partition_list_t *list, struct err *e) {
    kafka_shards_drop(shards);
    if (take(shards, list, e))
        return true;
    kafka_shards_drop(shards);
    return false;
}

/* ---- positions ---- */

rd_kafka_topic_partition_list_t *kafka_shards_list(const struct kafka_shards *shards, uint32_t number) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)shards->options->n_topics);
    for (size_t t = 0; t < shards->options->n_topics; t++)
        rd_kafka_topic_partition_list_add(list, shards->options->topics[t].name, (int32_t)number);
    return list;
}

static const char *where_of(char *out, size_t n, const char *topic, int64_t partition) {
    snprintf(out, n, "%s/%" PRId64, topic, partition);
    return out;
}

static bool read_offsets(const struct kafka_shards *shards, const rd_kafka_topic_partition_list_t *list,
                         int64_t *offsets, struct err *e) {
    char where[160];
    for (size_t t = 0; t < shards->options->n_topics; t++) {
        const rd_kafka_topic_partition_t *at = &list->elems[t];
        if (at->err)
            return kafka_client_fail(e, at->err, where_of(where, sizeof where, at->topic, at->partition),
                                     "committed offset");
        offsets[t] = at->offset >= 0 ? at->offset : ENGINE_NO_OFFSET;
    }
    return true;
}

bool kafka_shards_committed(struct kafka_shards *shards, uint32_t number, int64_t *offsets, struct err *e) {
    if (shards->options->assign_all) {
        memcpy(offsets, kafka_shards_get(shards, number)->remembered, shards->options->n_topics * sizeof *offsets);
        return true;
    }
    rd_kafka_topic_partition_list_t *list = kafka_shards_list(shards, number);
    struct kafka_client *client = &shards->pool->client;
    rd_kafka_resp_err_t err = rd_kafka_committed(kafka_client_enter(client, "committed"), list, COMMITTED_WAIT);
    kafka_client_leave(client);
    bool good =
        err ? kafka_client_fail(e, err, NULL, "asking for committed offsets") : read_offsets(shards, list, offsets, e);
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

static bool open_asker(struct kafka_shards *shards, struct err *e) {
    shards->asked = clock_mono_ms();
    if (shards->asker.rk)
        return true;
    rd_kafka_conf_t *conf = kafka_conf_new(&shards->options->conf, KAFKA_CONF_ADMIN, e);
    return conf && kafka_client_open(&shards->asker, RD_KAFKA_CONSUMER, conf, e);
}

void kafka_shards_rest(struct kafka_shards *shards) {
    if (shards->asker.rk && clock_mono_ms() - shards->asked > ASKER_IDLE)
        kafka_client_close(&shards->asker, CLOSE_WAIT);
}

bool kafka_shards_first(struct kafka_shards *shards, uint32_t number, int64_t *offsets, struct err *e) {
    char where[160];
    if (!open_asker(shards, e))
        return false;
    for (size_t t = 0; t < shards->options->n_topics; t++) {
        const char *topic = shards->options->topics[t].name;
        int64_t low = 0, high = 0;
        rd_kafka_resp_err_t err =
            rd_kafka_query_watermark_offsets(kafka_client_enter(&shards->asker, "query_watermark_offsets"), topic,
                                             (int32_t)number, &low, &high, OFFSETS_WAIT);
        kafka_client_leave(&shards->asker);
        if (err)
            return kafka_client_fail(e, err, where_of(where, sizeof where, topic, number), "first offset");
        offsets[t] = low;
    }
    return true;
}

/* librdkafka before 2.1 takes the time-out for a thousandth of what it says, so that it is short and repeated; a
 * partition that was assigned a moment ago cannot be sought yet (_STATE). */
static bool seek_list(struct kafka_shards *shards, rd_kafka_topic_partition_list_t *list, struct err *e) {
    int64_t deadline = clock_mono_ms() + SEEK_WAIT;
    struct kafka_client *client = &shards->pool->client;
    for (;;) {
        rd_kafka_error_t *error =
            rd_kafka_seek_partitions(kafka_client_enter(client, "seek_partitions"), list, SEEK_STEP * 1000);
        kafka_client_leave(client);
        rd_kafka_resp_err_t err = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (error)
            rd_kafka_error_destroy(error);
        for (int i = 0; !err && i < list->cnt; i++)
            err = list->elems[i].err;
        if (!err)
            return true;
        bool passes = err == RD_KAFKA_RESP_ERR__TIMED_OUT || err == RD_KAFKA_RESP_ERR__STATE ||
                      err == RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS || err == RD_KAFKA_RESP_ERR__IN_PROGRESS;
        if (!passes || clock_mono_ms() > deadline)
            return kafka_client_fail(e, err, NULL, "seeking");
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
}

/* The first seek places the paused partitions, the second, after the resume, wakes the broker's thread, which would
 * find them only half a second later. */
static bool seek_shard(struct kafka_shards *shards, struct kafka_shard *shard, rd_kafka_topic_partition_list_t *list,
                       struct err *e) {
    if (!seek_list(shards, list, e))
        return false;
    if (shard->reading)
        return true;
    struct kafka_client *client = &shards->pool->client;
    rd_kafka_resp_err_t err = rd_kafka_resume_partitions(kafka_client_enter(client, "resume_partitions"), list);
    kafka_client_leave(client);
    if (err)
        return kafka_client_fail(e, err, NULL, "resuming partitions");
    shard->reading = true;
    return seek_list(shards, list, e);
}

bool kafka_shards_seek(struct kafka_shards *shards, uint32_t number, const int64_t *offsets, struct err *e) {
    struct kafka_shard *shard = kafka_shards_get(shards, number);
    rd_kafka_topic_partition_list_t *list = kafka_shards_list(shards, number);
    for (size_t t = 0; t < shards->options->n_topics; t++) {
        MUST(offsets[t] >= 0);
        list->elems[t].offset = offsets[t];
        kafka_partition_restart(&shard->partitions[t], offsets[t]);
    }
    bool good = seek_shard(shards, shard, list, e);
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

bool kafka_shards_again(struct kafka_shards *shards, uint32_t number, size_t topic, struct err *e) {
    struct kafka_partition *partition = &kafka_shards_get(shards, number)->partitions[topic];
    MUST(partition->next == partition->n && !partition->item && partition->position >= 0);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, shards->options->topics[topic].name, (int32_t)number)->offset =
        partition->position;
    bool good = seek_list(shards, list, e);
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}
