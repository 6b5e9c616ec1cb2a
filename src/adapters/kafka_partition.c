/* A partition's records, looked at one item at a time.
 *
 * Items live in the pool's arena, and so do the bytes of their records: librdkafka's message would cost four times as
 * much memory for as long as a batch takes, and pin what was fetched with it. After a release the head is decoded
 * again, and `entry` says how many entries of an array to skip. An array is decoded with one entry of look-ahead, which
 * tells its last entry. */
#include "adapters/kafka_partition.h"

#include "adapters/kafka_headers.h"
#include "adapters/murmur2.h"
#include "base/guard.h"
#include "host/clock.h"
#include "host/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ITEM_ROOM = 512 * 1024, /* bytes of the arena that an item can need, whatever its record */
    RECORD_ROOM = 64,       /* and for each byte of the record (a tree of JSON values) */
    ASK_FIRST = 250,        /* ms between two askings for a schema, doubling */
    ASK_LAST = 5 * 1000
};

void kafka_partition_open(struct kafka_partition_pool *pool, struct kafka_partition *partition,
                          struct kafka_partition_topic *topic, uint32_t shard) {
    *partition = (struct kafka_partition){.topic = topic, .shard = shard, .position = ENGINE_NO_OFFSET};
    partition->queue = rd_kafka_queue_get_partition(pool->client.rk, topic->options->name, (int32_t)shard);
    MUST(partition->queue);
    rd_kafka_queue_forward(partition->queue, NULL);
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(partition->queue, pool->wake, &one, sizeof one);
    if (!topic->decoder)
        partition->decoder = decoder_new(&topic->options->decoder);
}

static void drop_fetched(struct kafka_partition *partition) {
    for (; partition->next < partition->n; partition->next++)
        rd_kafka_message_destroy(partition->fetched[partition->next]);
    partition->next = partition->n = 0;
    partition->entry = 0;
    kafka_partition_forget(partition);
}

static void admit(struct kafka_partition *partition) {
    free(partition->refused);
    partition->refused = NULL;
}

void kafka_partition_close(struct kafka_partition *partition) {
    drop_fetched(partition);
    admit(partition);
    rd_kafka_queue_io_event_enable(partition->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(partition->queue);
    partition->queue = NULL;
    if (partition->decoder)
        decoder_free(&partition->decoder);
}

void kafka_partition_forget(struct kafka_partition *partition) {
    partition->item = NULL;
    partition->after = NULL;
}

void kafka_partition_restart(struct kafka_partition *partition, int64_t offset) {
    drop_fetched(partition);
    partition->position = partition->end_at = offset;
    partition->end = false;
    partition->dry = false;
    partition->ask_pause = 0;
}

/* A queue near its limit is not fetched for; when it has been emptied by half, the fetchers are told. */
static void count_drained(struct kafka_partition_pool *pool, struct kafka_partition *partition) {
    for (size_t i = 0; i < partition->n; i++)
        partition->drained_bytes += partition->fetched[i]->len + partition->fetched[i]->key_len;
    partition->drained_messages += partition->n;
    if (partition->drained_bytes < pool->limit.bytes / 2 && partition->drained_messages < pool->limit.messages / 2)
        return;
    partition->drained_bytes = partition->drained_messages = 0;
    kafka_client_wake_fetchers(&pool->client, &pool->options->conf);
}

bool kafka_partition_refill(struct kafka_partition_pool *pool, struct kafka_partition *partition) {
    if (partition->next < partition->n || partition->dry)
        return false;
    ssize_t n = rd_kafka_consume_batch_queue(partition->queue, 0, partition->fetched, KAFKA_PARTITION_FETCH);
    partition->next = 0;
    partition->n = n > 0 ? (size_t)n : 0;
    partition->dry = partition->n == 0;
    count_drained(pool, partition);
    return !partition->dry;
}

/* ---- events of the queue that are no records ---- */

/* What cannot be read for now has no end that was seen: its shard waits. */
static void refuse(struct kafka_partition *partition, const struct err *why) {
    if (!partition->refused)
        partition->refused = malloc(sizeof *partition->refused);
    MUST(partition->refused);
    *partition->refused = *why;
    partition->end = false;
}

static void on_failure(struct kafka_partition_pool *pool, struct kafka_partition *partition,
                       const rd_kafka_message_t *message) {
    struct err e;
    char where[160];
    snprintf(where, sizeof where, "%s/%" PRIu32, partition->topic->options->name, partition->shard);
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        err_set(&e, ERR_REFUSED, where,
                "the next record to read, %" PRId64 ", is not there: retention took it unread, or the topic was made "
                "anew; a new `generation:` reads what is left",
                partition->position);
    else
        kafka_client_fail(&e, message->err, where, rd_kafka_message_errstr(message));
    pool->errors[e.code]++;
    if (message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        pool->missed |= UINT32_C(1) << partition->topic->index;
    if (e.code == ERR_AUTH) {
        refuse(partition, &e);
    } else if (err_class(e.code) == ERR_CLASS_RETRY) {
        LOG_ERR(LOG_LEVEL_WARN, "fetch", &e); /* librdkafka goes on trying */
    } else if (pool->failure.code == ERR_NONE) {
        pool->failure = e;
    }
}

/* True: the message was no record to be read, and is gone. What was fetched before a seek does not count. */
static bool consume_event(struct kafka_partition_pool *pool, struct kafka_partition *partition) {
    rd_kafka_message_t *message = partition->fetched[partition->next];
    bool begun = partition->position >= 0;
    if (!message->err || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        admit(partition);
    if (begun && !message->err && message->offset >= partition->position)
        return false;
    if (begun && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        partition->end = true;
        partition->end_at = message->offset;
    } else if (begun && message->err && (message->offset < 0 || message->offset >= partition->position)) {
        on_failure(pool, partition, message);
    }
    partition->next++;
    rd_kafka_message_destroy(message);
    return true;
}

/* ---- items ---- */

/* Is there room to decode a record of n bytes? Where there is not, it waits for release(); a record too large even for
 * an arena that is nearly empty is tried, and the decoder says so. */
static bool has_room(const struct kafka_partition_pool *pool, size_t n) {
    size_t used = arena_used(pool->arena);
    return used < ITEM_ROOM || used + ITEM_ROOM + RECORD_ROOM * n < KAFKA_PARTITION_ARENA / 2;
}

/* The record's bytes as has_room counts them: headers are only copied. */
static size_t weight(const rd_kafka_message_t *message) {
    return message->len + (message->key_len + kafka_headers_size(message)) / RECORD_ROOM;
}

static struct intake *item_new(struct kafka_partition_pool *pool, const struct kafka_partition *partition,
                               const rd_kafka_message_t *message) {
    struct intake *item = arena_take(pool->arena, sizeof *item);
    MUST(item);
    *item = (struct intake){
        .topic = partition->topic->index,
        .shard = partition->shard,
        .offset = message->offset,
        .timestamp = rd_kafka_message_timestamp(message, NULL),
        .last = true,
        .key = partition->key,
        .value = partition->value,
        .schema_id = -1,
        .native = partition->headers,
    };
    return item;
}

static void item_spoil(struct kafka_partition_pool *pool, struct intake *item, const struct err *why) {
    struct err *copy = arena_copy(pool->arena, why, sizeof *why);
    MUST(copy);
    item->bad = true;
    item->err = copy;
}

/* What the record's place and time say against an event. */
static bool item_fits(const struct kafka_partition_pool *pool, const struct kafka_partition *partition,
                      const struct intake *item, struct err *e) {
    const struct event *event = &item->event;
    if (GUARD(future_refused) && item->timestamp >= 0 && event->time > item->timestamp + pool->options->future)
        return err_set(e, ERR_FUTURE, NULL,
                       "the event's time is %" PRId64 " s past the record's timestamp, which is more "
                       "than time.future",
                       (event->time - item->timestamp) / 1000);
    if (partition->topic->options->trust_partition)
        return true;
    uint32_t right = murmur2_partition(event->lead, pool->options->partitions);
    if (!GUARD(misplaced_refused) || right == partition->shard)
        return true;
    return err_set(e, ERR_MISPLACED, NULL,
                   "the lead belongs to partition %" PRIu32 " of %" PRIu32 ", not %" PRIu32
                   ": key records by lead with Java's default partitioner (librdkafka: partitioner=murmur2_random), or "
                   "set trust_partition: true",
                   right, pool->options->partitions, partition->shard);
}

static struct decoder *decoder_of(const struct kafka_partition *partition) {
    return partition->decoder ? partition->decoder : partition->topic->decoder;
}

/* The next entry of the started record, NULL: there is none. */
static struct intake *item_decode(struct kafka_partition_pool *pool, const struct kafka_partition *partition,
                                  const rd_kafka_message_t *message) {
    struct arena_mark mark = arena_mark(pool->arena);
    struct intake *item = item_new(pool, partition, message);
    struct decoder *decoder = decoder_of(partition);
    struct err e;
    switch (decoder_next(decoder, &item->event, &item->index, &e)) {
    case DECODER_EVENT:
        if (!item_fits(pool, partition, item, &e))
            item_spoil(pool, item, &e);
        break;
    case DECODER_BAD: item_spoil(pool, item, &e); break;
    case DECODER_END: arena_rewind(pool->arena, mark); return NULL;
    }
    item->schema_id = decoder_schema_id(decoder);
    return item;
}

/* The record as a whole is bad: one item. */
static struct intake *item_whole(struct kafka_partition_pool *pool, const struct kafka_partition *partition,
                                 const rd_kafka_message_t *message, const struct err *why) {
    struct intake *item = item_new(pool, partition, message);
    item_spoil(pool, item, why);
    item->schema_id = decoder_schema_id(decoder_of(partition));
    return item;
}

/* ---- schemas that are not known yet ---- */

/* True: it is there now, start again. False: *e is a REJECT, or RETRY while it is waited for. */
static bool schema_ask(struct kafka_partition_pool *pool, struct kafka_partition *partition, struct err *e) {
    int64_t id = decoder_schema_id(decoder_of(partition)), now = clock_mono_ms();
    if (id < 0 || !pool->options->fetch_schema) {
        e->code = ERR_SCHEMA;
        return false;
    }
    if (now < partition->ask_at)
        return false;
    if (pool->options->fetch_schema(pool->options->registry, id, e)) {
        partition->ask_pause = 0;
        return true;
    }
    if (err_class(e->code) == ERR_CLASS_REJECT)
        return false;
    partition->ask_pause = partition->ask_pause ? partition->ask_pause * 2 : ASK_FIRST;
    if (partition->ask_pause > ASK_LAST)
        partition->ask_pause = ASK_LAST;
    partition->ask_at = now + partition->ask_pause;
    pool->errors[e->code]++;
    char where[200], words[400];
    LOG_RARELY(LOG_LEVEL_WARN, "schema_waited_for", "topic=%s partition=%" PRIu32 " id=%" PRId64 " where=%s words=%s",
               partition->topic->options->name, partition->shard, id, log_quoted(where, sizeof where, e->where),
               log_quoted(words, sizeof words, e->words));
    return false;
}

static bool start(struct kafka_partition_pool *pool, struct kafka_partition *partition, struct err *e) {
    struct bytes header = kafka_headers_find(partition->headers, DECODER_SCHEMA_HEADER);
    if (header.at)
        return decoder_start_beside(decoder_of(partition), header, partition->value, pool->arena, e);
    return decoder_start(decoder_of(partition), partition->value, pool->arena, e);
}

static bool record_start(struct kafka_partition_pool *pool, struct kafka_partition *partition, struct err *e) {
    if (start(pool, partition, e))
        return true;
    return err_class(e->code) == ERR_CLASS_RETRY && schema_ask(pool, partition, e) && start(pool, partition, e);
}

static void record_done(struct kafka_partition *partition) {
    rd_kafka_message_t *message = partition->fetched[partition->next++];
    partition->position = message->offset + 1;
    partition->entry = 0;
    partition->end = false;
    rd_kafka_message_destroy(message);
}

/* A null stays null: at == NULL. */
static struct bytes keep(struct kafka_partition_pool *pool, const void *at, size_t n) {
    struct bytes kept = {at ? arena_copy(pool->arena, at, n) : NULL, at ? n : 0};
    MUST(kept.at || !at);
    return kept;
}

/* Should the decoder fail a check of its own, this tells on which record. */
static void at_work(struct kafka_partition_pool *pool, const struct kafka_partition *partition,
                    const rd_kafka_message_t *message) {
    pool->place->topic = partition->topic->index;
    pool->place->shard = partition->shard;
    pool->place->index = ENGINE_WHOLE_RECORD;
    pool->place->offset = message->offset;
    pool->place->busy = true;
}

static bool is_condemned(struct kafka_partition_pool *pool, struct kafka_partition *partition,
                         const rd_kafka_message_t *message) {
    const struct kafka_source_options *o = pool->options;
    const struct engine_condemned *found =
        engine_condemned_find(o->condemned, o->n_condemned, partition->topic->index, partition->shard, message->offset,
                              ENGINE_WHOLE_RECORD);
    if (!found)
        return false;
    partition->item = item_new(pool, partition, message);
    item_spoil(pool, partition->item, &found->why);
    return true;
}

/* Decodes the head of the record fetched[next]. False: the record cannot be read yet. No item: it held none. */
static bool record_decode(struct kafka_partition_pool *pool, struct kafka_partition *partition) {
    const rd_kafka_message_t *message = partition->fetched[partition->next];
    struct err e;
    partition->key = keep(pool, message->key, message->key_len);
    partition->value = keep(pool, message->payload, message->len);
    partition->headers = kafka_headers_keep(message, pool->arena);
    if (is_condemned(pool, partition, message))
        return true;
    at_work(pool, partition, message);
    if (!record_start(pool, partition, &e)) {
        if (err_class(e.code) == ERR_CLASS_RETRY)
            return false;
        partition->ask_pause = 0;
        partition->item = item_whole(pool, partition, message, &e);
        return true;
    }
    partition->ask_pause = 0;
    struct arena_mark mark = arena_mark(pool->arena);
    for (uint32_t i = 0; i < partition->entry; i++) {
        struct event skipped;
        uint32_t index;
        if (decoder_next(decoder_of(partition), &skipped, &index, &e) == DECODER_END)
            break;
        arena_rewind(pool->arena, mark);
    }
    partition->item = item_decode(pool, partition, message);
    if (partition->item && partition->decoder)
        partition->after = item_decode(pool, partition, message);
    if (partition->after)
        partition->item->last = false;
    return true;
}

enum source_head kafka_partition_head(struct kafka_partition_pool *pool, struct kafka_partition *partition,
                                      const struct intake **item) {
    while (!partition->item) {
        if (partition->next == partition->n && !kafka_partition_refill(pool, partition))
            return partition->end ? SOURCE_END : SOURCE_EMPTY;
        if (consume_event(pool, partition))
            continue;
        bool decoded = has_room(pool, weight(partition->fetched[partition->next])) && record_decode(pool, partition);
        pool->place->busy = false;
        if (!decoded)
            return SOURCE_EMPTY;
        if (!partition->item)
            record_done(partition);
    }
    *item = partition->item;
    return SOURCE_ITEM;
}

void kafka_partition_take(struct kafka_partition_pool *pool, struct kafka_partition *partition) {
    MUST(partition->item);
    if (partition->item->last) {
        kafka_partition_forget(partition);
        record_done(partition);
        return;
    }
    MUST(partition->after);
    partition->entry++;
    partition->end = false;
    partition->item = partition->after;
    partition->after = NULL;
    if (!has_room(pool, 0)) {
        kafka_partition_forget(partition); /* decoded again after the release */
        return;
    }
    at_work(pool, partition, partition->fetched[partition->next]);
    partition->after = item_decode(pool, partition, partition->fetched[partition->next]);
    pool->place->busy = false;
    partition->item->last = !partition->after;
}
