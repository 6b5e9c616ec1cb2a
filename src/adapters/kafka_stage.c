/* rd_kafka_produce_batch with a partition for each record. */
#include "adapters/kafka_stage.h"

static uint8_t *put(struct kafka_stage *stage, struct bytes b) {
    uint8_t *at = stage->bytes + stage->used;
    if (b.n)
        memcpy(at, b.at, b.n);
    stage->used += b.n;
    return at;
}

bool kafka_stage_add(struct kafka_stage *stage, int32_t partition, struct bytes key, struct bytes value, void *note) {
    if (stage->n == KAFKA_STAGE_RECORDS || key.n + value.n > KAFKA_STAGE_BYTES - stage->used)
        return false;
    rd_kafka_message_t *record = &stage->records[stage->n++];
    *record = (rd_kafka_message_t){.partition = partition, .key_len = key.n, .len = value.n, ._private = note};
    record->key = key.at ? put(stage, key) : NULL;
    record->payload = value.at ? put(stage, value) : NULL;
    return true;
}

/* Order is kept: once its queue is full, or the transaction has failed, librdkafka refuses all the rest of a call. */
rd_kafka_resp_err_t kafka_stage_flush(struct kafka_stage *stage) {
    rd_kafka_resp_err_t first = RD_KAFKA_RESP_ERR_NO_ERROR;
    size_t left = 0;
    if (stage->n == 0)
        return first;
    rd_kafka_produce_batch(stage->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_PARTITION,
                           stage->records, (int)stage->n);
    for (size_t i = 0; i < stage->n; i++) {
        if (!stage->records[i].err)
            continue;
        if (!first)
            first = stage->records[i].err;
        stage->records[left++] = stage->records[i];
    }
    stage->n = left;
    if (left == 0)
        stage->used = 0;
    return first;
}

void kafka_stage_drop(struct kafka_stage *stage) {
    stage->n = stage->used = 0;
}
