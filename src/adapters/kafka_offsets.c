/* The group's metadata is taken when the transaction begins: if the group moves on before the commit, the broker
 * refuses the offsets, which is the fence. Metadata taken later would let the offsets of partitions that are lost
 * overwrite their new owner's. */
#include "adapters/kafka_offsets.h"

#include "base/guard.h"

enum { SEND_WAIT = 5000 /* ms */ };

static void forget_group(struct kafka_offsets *offsets) {
    if (offsets->group)
        rd_kafka_consumer_group_metadata_destroy(offsets->group);
    offsets->group = NULL;
}

static void forget_list(struct kafka_offsets *offsets) {
    if (offsets->list)
        rd_kafka_topic_partition_list_destroy(offsets->list);
    offsets->list = NULL;
}

/* That asks a thread of librdkafka's, and waits for its answer. */
void kafka_offsets_begin(struct kafka_offsets *offsets) {
    char name[KAFKA_CONF_NAME];
    forget_group(offsets);
    if (offsets->options->source) {
        (void)kafka_client_enter(offsets->client, "consumer_group_metadata");
        offsets->group = rd_kafka_consumer_group_metadata(kafka_source_consumer(offsets->options->source));
        kafka_client_leave(offsets->client);
    }
    if (!offsets->group)
        offsets->group = rd_kafka_consumer_group_metadata_new(kafka_conf_group(&offsets->options->conf, name));
}

void kafka_offsets_set(struct kafka_offsets *offsets, const struct sink_offsets *shards, size_t n) {
    const struct kafka_sink_options *o = offsets->options;
    forget_list(offsets);
    offsets->list = rd_kafka_topic_partition_list_new((int)(n * o->n_inputs));
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < o->n_inputs; t++) {
            MUST(shards[i].offsets[t] >= 0);
            rd_kafka_topic_partition_list_add(offsets->list, o->inputs[t], (int32_t)shards[i].shard)->offset =
                shards[i].offsets[t];
        }
}

static rd_kafka_error_t *send_once(struct kafka_offsets *offsets) {
    return rd_kafka_send_offsets_to_transaction(offsets->client->rk, offsets->list, offsets->group, SEND_WAIT);
}

bool kafka_offsets_send(struct kafka_offsets *offsets, struct err *e) {
    static const char call[] = "send_offsets_to_transaction";
    MUST(offsets->group && offsets->list);
    if (!GUARD(group_at_begin))
        kafka_offsets_begin(offsets);
    (void)kafka_client_enter(offsets->client, call);
    rd_kafka_error_t *error = send_once(offsets);
    if (error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__STATE && rd_kafka_error_txn_requires_abort(error)) {
        rd_kafka_error_destroy(error); /* the transaction failed during the call: asked once more, it says of what */
        error = send_once(offsets);
    }
    kafka_client_leave(offsets->client);
    return kafka_client_done(e, error, call);
}

bool kafka_offsets_commit(struct kafka_offsets *offsets, struct err *e) {
    if (!offsets->options->source)
        return true;
    rd_kafka_t *consumer = kafka_source_consumer(offsets->options->source);
    rd_kafka_resp_err_t err = rd_kafka_commit(consumer, offsets->list, 0);
    return !err || kafka_client_fail(e, err, NULL, "committing without a transaction");
}

void kafka_offsets_remember(const struct kafka_offsets *offsets) {
    const struct kafka_sink_options *o = offsets->options;
    for (int i = 0; o->source && i < offsets->list->cnt; i++)
        kafka_source_remember(o->source, (uint16_t)((size_t)i % o->n_inputs),
                              (uint32_t)offsets->list->elems[i].partition, offsets->list->elems[i].offset);
}

void kafka_offsets_forget(struct kafka_offsets *offsets) {
    forget_group(offsets);
    forget_list(offsets);
}
