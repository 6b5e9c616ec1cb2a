/* rd_kafka_produce_batch with a partition for each record; bytes in blocks, so that they never move. */
#include "adapters/kafka_stage.h"

#include <stdlib.h>

struct kafka_stage *kafka_stage_new(void) {
    struct kafka_stage *stage = calloc(1, sizeof *stage);
    MUST(stage);
    return stage;
}

void kafka_stage_free(struct kafka_stage **stage) {
    if (!*stage)
        return;
    for (size_t i = 0; i < KAFKA_STAGE_BLOCKS; i++)
        free((*stage)->blocks[i]);
    free(*stage);
    *stage = NULL;
}

void kafka_stage_start(struct kafka_stage *stage, rd_kafka_topic_t *topic) {
    stage->topic = topic;
    stage->next = stage->n = 0;
    stage->block = stage->used = 0;
}

/* Makes room for n bytes in the block that is filled; false: there is none. */
static bool make_room(struct kafka_stage *stage, size_t n) {
    if (n > KAFKA_STAGE_BLOCK - stage->used) {
        if (n > KAFKA_STAGE_BLOCK || stage->block + 1 == KAFKA_STAGE_BLOCKS)
            return false;
        stage->block++;
        stage->used = 0;
    }
    if (!stage->blocks[stage->block])
        stage->blocks[stage->block] = malloc(KAFKA_STAGE_BLOCK);
    MUST(stage->blocks[stage->block]);
    return true;
}

/* A null stays null, and what is empty is not null. */
static uint8_t *put(struct kafka_stage *stage, struct bytes b) {
    uint8_t *at = stage->blocks[stage->block] + stage->used;
    if (!b.at)
        return NULL;
    memcpy(at, b.at, b.n);
    stage->used += b.n;
    return at;
}

bool kafka_stage_add(struct kafka_stage *stage, int32_t partition, struct bytes key, struct bytes value, void *note) {
    if (stage->n == KAFKA_STAGE_RECORDS || !make_room(stage, key.n + value.n))
        return false;
    rd_kafka_message_t *record = &stage->records[stage->n++];
    *record = (rd_kafka_message_t){.partition = partition, .key_len = key.n, .len = value.n, ._private = note};
    record->key = put(stage, key);
    record->payload = put(stage, value);
    return true;
}

/* Order is kept: librdkafka refuses all the rest of a call once its queue is full. Any other refusal ends the
 * transaction, and what became of the rest does not matter. */
rd_kafka_resp_err_t kafka_stage_flush(struct kafka_stage *stage, size_t most) {
    size_t n = stage->n - stage->next < most ? stage->n - stage->next : most, taken = 0;
    rd_kafka_message_t *records = stage->records + stage->next;
    if (n == 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_produce_batch(stage->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_PARTITION, records,
                           (int)n);
    while (taken < n && !records[taken].err)
        taken++;
    rd_kafka_resp_err_t err = taken < n ? records[taken].err : RD_KAFKA_RESP_ERR_NO_ERROR;
    stage->next += taken;
    if (stage->next == stage->n)
        kafka_stage_start(stage, stage->topic);
    return err;
}
