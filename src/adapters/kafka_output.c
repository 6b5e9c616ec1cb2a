/* Encoding and producing.
 *
 * Records are gathered and handed over many at a time, but for dead letters and records with CloudEvents headers, which
 * librdkafka takes only one by one; a topic's are all of one kind, so that their order is kept. A full queue is waited
 * for, within a bound; a transaction that has failed in the background (a record that could not be delivered) refuses
 * more records, which is ABORTED. */
#include "adapters/kafka_output.h"

#include "adapters/kafka_headers.h"
#include "codec/record_avro.h"
#include "engine/changelog.h"
#include "host/clock.h"
#include "host/log.h"

#include <inttypes.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    METADATA_WAIT = 5000, /* ms */
    KNOWN_WAIT = 2000,
    FULL_WAIT = 2000,
    POLL_EVERY = 1000, /* records between servings of delivery reports */
    FIRST_FEW = 64,
    WIRE = 256,        /* bytes that a record may take besides key and value */
    CUT_TO = 64 * 1024 /* bytes kept of a dead letter that is too large */
};

/* ---- handles ---- */

static rd_kafka_resp_err_t ask(struct kafka_output *output, rd_kafka_topic_t *topic, int32_t *partitions) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(output->rk, 0, topic, &metadata, METADATA_WAIT);
    if (err)
        return err;
    err = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *partitions = err ? 0 : metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : err;
}

/* A topic made a moment ago may not be known to every broker yet. */
static bool open_topic(struct kafka_output *output, const char *name, rd_kafka_topic_t **topic, int32_t *partitions,
                       struct err *e) {
    *topic = rd_kafka_topic_new(output->rk, name, NULL);
    if (!*topic)
        return kafka_client_fail(e, rd_kafka_last_error(), name, "opening the topic");
    int64_t deadline = clock_mono_ms() + KNOWN_WAIT;
    rd_kafka_resp_err_t err;
    while ((err = ask(output, *topic, partitions)) == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
           clock_mono_ms() < deadline)
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return err_set(e, ERR_REFUSED, name, "the topic does not exist: `leadstream topics --create` makes it");
    return !err || kafka_client_fail(e, err, name, "asking the broker for the topic");
}

static bool open_topics(struct kafka_output *output, struct err *e) {
    char changelog[KAFKA_CONF_NAME];
    int32_t partitions;
    const struct kafka_sink_options *o = output->options;
    return open_topic(output, o->scores, &output->scores, &partitions, e) &&
           open_topic(output, o->sales_ready, &output->sales_ready, &partitions, e) &&
           open_topic(output, o->dead_letters, &output->dead_letters, &output->dead_letter_partitions, e) &&
           open_topic(output, kafka_conf_changelog(&o->conf, changelog), &output->changelog, &partitions, e);
}

bool kafka_output_open(struct kafka_output *output, rd_kafka_t *rk, struct err *e) {
    output->rk = rk;
    output->max_record = kafka_conf_max_record(&output->options->conf);
    if (!open_topics(output, e))
        return false;
    if (!output->staged_scores) {
        output->staged_scores = kafka_stage_new();
        output->staged_sales_ready = kafka_stage_new();
        output->staged_changelog = kafka_stage_new();
    }
    kafka_output_drop(output);
    return true;
}

void kafka_output_close(struct kafka_output *output) {
    rd_kafka_topic_t **all[] = {&output->scores, &output->sales_ready, &output->dead_letters, &output->changelog};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i])
            rd_kafka_topic_destroy(*all[i]);
        *all[i] = NULL;
    }
    output->rk = NULL;
}

/* ---- what topics do not take ---- */

enum { SCORES, SALES_READY, DEAD_LETTERS, CHANGELOG };

static int topic_index(const struct kafka_output *output, const char *name) {
    const struct kafka_sink_options *o = output->options;
    return !strcmp(name, o->scores)         ? SCORES
           : !strcmp(name, o->sales_ready)  ? SALES_READY
           : !strcmp(name, o->dead_letters) ? DEAD_LETTERS
                                            : CHANGELOG;
}

/* A dead letter is cut to what is taken; how much that is, is found by halves. */
void kafka_output_refused(struct kafka_output *output, const rd_kafka_message_t *message) {
    int topic = topic_index(output, rd_kafka_topic_name(message->rkt));
    size_t bytes = message->key_len + message->len;
    LOG(LOG_LEVEL_WARN, "record_refused", "topic=%s bytes=%zu alone=%s words=\"%s\"",
        rd_kafka_topic_name(message->rkt), bytes, output->alone ? "true" : "false",
        "larger than the topic's max.message.bytes: raise it");
    output->refused = true;
    size_t learnt = topic == DEAD_LETTERS ? bytes / 2 : bytes;
    if (output->alone && learnt && (!output->too_much[topic] || learnt < output->too_much[topic]))
        output->too_much[topic] = learnt;
}

static size_t too_much(const struct kafka_output *output, rd_kafka_topic_t *topic) {
    return output->refused ? output->too_much[topic_index(output, rd_kafka_topic_name(topic))] : 0;
}

static bool takes(const struct kafka_output *output, rd_kafka_topic_t *topic, size_t bytes) {
    size_t most = too_much(output, topic);
    return !most || bytes < most;
}

void kafka_output_fini(struct kafka_output *output) {
    kafka_output_close(output);
    kafka_stage_free(&output->staged_scores);
    kafka_stage_free(&output->staged_sales_ready);
    kafka_stage_free(&output->staged_changelog);
    free(output->scratch);
    text_free(&output->text);
}

/* ---- producing ---- */

struct message {
    rd_kafka_topic_t *topic;
    int32_t partition;
    struct bytes key, value;     /* at == NULL: null */
    rd_kafka_headers_t *headers; /* NULL: none; taken */
    void *note;
};

static rd_kafka_resp_err_t produce_plain(const struct message *m) {
    /* librdkafka's payload is not const, though it is only copied. */
    union {
        const uint8_t *in;
        void *out;
    } value = {m->value.at};
    if (rd_kafka_produce(m->topic, m->partition, RD_KAFKA_MSG_F_COPY, value.out, m->value.n, m->key.at, m->key.n,
                         m->note) == 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    return rd_kafka_last_error();
}

/* Headers are librdkafka's only if it took the record. */
static rd_kafka_resp_err_t produce_with_headers(rd_kafka_t *rk, const struct message *m) {
    union {
        const uint8_t *in;
        void *out;
    } value = {m->value.at}, key = {m->key.at};
    return rd_kafka_producev(rk, RD_KAFKA_V_RKT(m->topic), RD_KAFKA_V_PARTITION(m->partition),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.out, m->key.n),
                             RD_KAFKA_V_VALUE(value.out, m->value.n), RD_KAFKA_V_OPAQUE(m->note),
                             RD_KAFKA_V_HEADERS(m->headers), RD_KAFKA_V_END);
}

static bool refuse(struct kafka_output *output, const struct message *m, rd_kafka_resp_err_t err, struct err *e) {
    const char *topic = rd_kafka_topic_name(m->topic);
    char words[200];
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return err_set(e, ERR_OUTPUT_TOO_LARGE, topic,
                       "a record of %zu bytes is more than the topic takes: raise its max.message.bytes (or kafka: "
                       "message.max.bytes, where that is less)",
                       m->key.n + m->value.n);
    if (err == RD_KAFKA_RESP_ERR__STATE)
        return err_set(e, ERR_ABORTED, topic, "the transaction has failed in the background");
    if (err == RD_KAFKA_RESP_ERR__FATAL) {
        err = rd_kafka_fatal_error(output->rk, words, sizeof words);
        kafka_client_fail(e, err, topic, words);
        if (err_class(e->code) != ERR_CLASS_FATAL)
            e->code = ERR_BROKER;
        return false;
    }
    kafka_client_fail(e, err, topic, "producing");
    if (err_class(e->code) == ERR_CLASS_RETRY && err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        e->code = ERR_ABORTED; /* not to be repeated: records after the one that was refused may have been taken */
    return false;
}

/* Waits a little for room in librdkafka's queue; false: no more. */
static bool wait_for_room(struct kafka_output *output, int64_t *deadline) {
    if (*deadline == 0) {
        *deadline = clock_mono_ms() + FULL_WAIT;
        output->counts.full++;
    }
    rd_kafka_poll(output->rk, 5);
    return clock_mono_ms() < *deadline;
}

static void count(struct kafka_output *output, const struct message *m) {
    output->counts.records++;
    output->counts.bytes += m->key.n + m->value.n;
    if (++output->unpolled >= POLL_EVERY) {
        output->unpolled = 0;
        rd_kafka_poll(output->rk, 0);
    }
}

static bool produce(struct kafka_output *output, struct message *m, struct err *e) {
    int64_t deadline = 0;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    if (takes(output, m->topic, m->key.n + m->value.n)) {
        do {
            err = m->headers ? produce_with_headers(output->rk, m) : produce_plain(m);
        } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL && wait_for_room(output, &deadline));
    }
    if (!err) {
        count(output, m);
        return true;
    }
    if (m->headers)
        rd_kafka_headers_destroy(m->headers);
    return refuse(output, m, err, e);
}

static bool flush(struct kafka_output *output, struct kafka_stage *stage, size_t most, struct err *e) {
    int64_t deadline = 0;
    rd_kafka_resp_err_t err;
    do {
        err = kafka_stage_flush(stage, most);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL && wait_for_room(output, &deadline));
    struct message any = {.topic = stage->topic};
    return !err || refuse(output, &any, err, e);
}

/* What is too large is refused here, where it is known whose record it is. */
static bool produce_staged(struct kafka_output *output, struct kafka_stage *stage, struct message *m, struct err *e) {
    size_t bytes = m->key.n + m->value.n;
    if (bytes + WIRE > output->max_record || !takes(output, m->topic, bytes))
        return refuse(output, m, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, e);
    if (!kafka_stage_add(stage, m->partition, m->key, m->value, m->note)) {
        if (!flush(output, stage, SIZE_MAX, e))
            return false;
        if (!kafka_stage_add(stage, m->partition, m->key, m->value, m->note))
            return produce(output, m, e); /* larger than a stage */
    }
    count(output, m);
    return true;
}

static bool flush_all(struct kafka_output *output, size_t most, struct err *e) {
    return flush(output, output->staged_scores, most, e) && flush(output, output->staged_sales_ready, most, e) &&
           flush(output, output->staged_changelog, most, e);
}

/* A few of each topic go first, so that all partitions are there when librdkafka adds them to the transaction. */
bool kafka_output_flush(struct kafka_output *output, struct err *e) {
    return flush_all(output, FIRST_FEW, e) && flush_all(output, SIZE_MAX, e);
}

void kafka_output_drop(struct kafka_output *output) {
    if (!output->staged_scores)
        return;
    kafka_stage_start(output->staged_scores, output->scores);
    kafka_stage_start(output->staged_sales_ready, output->sales_ready);
    kafka_stage_start(output->staged_changelog, output->changelog);
}

/* ---- values ---- */

static bool encode_avro(struct kafka_output *output, const struct record *record, struct bytes *value) {
    const struct kafka_sink_options *o = output->options;
    size_t room = o->model->worst_output + 4096;
    if (output->n_scratch < room) {
        free(output->scratch);
        output->scratch = malloc(room);
        MUST(output->scratch);
        output->n_scratch = room;
    }
    struct writer w = writer_of(output->scratch, output->n_scratch);
    if (o->format == KAFKA_SINK_AVRO_FRAMED) {
        writer_u8(&w, 0);
        writer_u32be(&w, (uint32_t)o->schema_ids[record->kind]);
    } else {
        writer_u8(&w, 0xc3);
        writer_u8(&w, 0x01);
        writer_u64(&w, record_avro_fingerprint(record->kind));
    }
    record_avro_write(&w, o->model, record);
    *value = writer_done(&w);
    return w.ok;
}

static struct bytes encode_json(struct kafka_output *output, const struct record *record) {
    output->text.n = 0;
    record_json(&output->text, output->options->model, record);
    return (struct bytes){(const uint8_t *)output->text.at, output->text.n};
}

/* ---- headers ---- */

/* CloudEvents 1.0, Kafka binding, binary mode. */
static rd_kafka_headers_t *cloudevents(const struct kafka_output *output, const struct record *record) {
    static const char *const types[] = {"leadstream.score_changed", "leadstream.sales_ready", "leadstream.erased"};
    const struct kafka_sink_options *o = output->options;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    char text[KAFKA_CONF_NAME], when[WHEN_TEXT];
    const uint8_t *id = record->id;
    size_t n = 0;
    for (size_t i = 0; i < sizeof record->id; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                              id[i]);
    kafka_headers_text(headers, "ce_specversion", "1.0");
    kafka_headers_text(headers, "ce_id", text);
    snprintf(text, sizeof text, "/leadstream/%s", o->conf.app);
    kafka_headers_text(headers, "ce_source", text);
    kafka_headers_text(headers, "ce_type", types[record->kind]);
    when_format(record->at, when);
    kafka_headers_text(headers, "ce_time", when);
    kafka_headers_bytes(headers, "ce_subject", record->lead);
    kafka_headers_text(headers, "content-type", o->format == KAFKA_SINK_JSON ? "application/json" : "application/avro");
    return headers;
}

/* ---- the port's records ---- */

bool kafka_output_record(struct kafka_output *output, const struct record *record, struct err *e) {
    struct message m = {
        .topic = record->kind == RECORD_SALES_READY ? output->sales_ready : output->scores,
        .partition = RD_KAFKA_PARTITION_UA,
        .key = record->lead,
    };
    if (output->options->format == KAFKA_SINK_JSON)
        m.value = encode_json(output, record);
    else if (!encode_avro(output, record, &m.value))
        return err_set(e, ERR_OUTPUT_TOO_LARGE, rd_kafka_topic_name(m.topic),
                       "the record is larger than the model's worst case of %zu bytes",
                       output->options->model->worst_output);
    if (output->options->cloudevents)
        m.headers = cloudevents(output, record);
    if (m.headers)
        return produce(output, &m, e);
    return produce_staged(output, m.topic == output->scores ? output->staged_scores : output->staged_sales_ready, &m,
                          e);
}

bool kafka_output_forget(struct kafka_output *output, struct bytes lead, struct err *e) {
    struct message m = {.topic = output->scores, .partition = RD_KAFKA_PARTITION_UA, .key = lead};
    return output->options->cloudevents ? produce(output, &m, e) : produce_staged(output, output->staged_scores, &m, e);
}

/* Where there are fewer partitions, several sources' share one: what belongs together stays in order. */
bool kafka_output_dead_letter(struct kafka_output *output, const struct intake *item, const struct err *why,
                              struct err *e) {
    char group[KAFKA_CONF_NAME];
    bool timer = item->topic == ENGINE_NO_TOPIC; /* what is known of it is on the changelog */
    MUST((timer || item->topic < output->options->n_inputs) && output->dead_letter_partitions > 0);
    const char *topic = timer ? rd_kafka_topic_name(output->changelog) : output->options->inputs[item->topic];
    kafka_conf_group(&output->options->conf, group);
    struct message m = {
        .topic = output->dead_letters,
        .partition = (int32_t)(item->shard % (uint32_t)output->dead_letter_partitions),
        .key = item->key,
        .value = item->value,
        .headers = kafka_headers_of_letter(item, topic, group, why, false),
    };
    if (produce(output, &m, e))
        return true;
    if (e->code != ERR_OUTPUT_TOO_LARGE)
        return false;
    /* A letter that can never be sent would stop its shard for good: its first part goes, and says so. */
    size_t most = too_much(output, m.topic);
    size_t room = most && most <= CUT_TO ? most - 1 : CUT_TO;
    output->counts.cut++;
    LOG(LOG_LEVEL_ERROR, "dead_letter_cut", "topic=%s partition=%" PRIu32 " offset=%" PRId64 " bytes=%zu kept=%zu",
        topic, item->shard, item->offset, item->value.n, room);
    m.headers = kafka_headers_of_letter(item, topic, group, why, true);
    m.key.n = m.key.n < room / 2 ? m.key.n : room / 2;
    m.value.n = m.value.n < room - m.key.n ? m.value.n : room - m.key.n;
    return produce(output, &m, e);
}

bool kafka_output_log(struct kafka_output *output, uint32_t shard, struct bytes key, struct bytes value,
                      struct err *e) {
    struct message m = {.topic = output->changelog, .partition = (int32_t)shard, .key = key, .value = value};
    if (key.at[0] == CHANGELOG_SHARD)
        m.note = (void *)((uintptr_t)shard + 1);
    return produce_staged(output, output->staged_changelog, &m, e);
}
