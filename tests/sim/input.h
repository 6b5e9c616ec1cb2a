/* The input topics: their records, made from the seed before the run begins, and when each of them appears.
 *
 * Offsets have gaps, as on a real topic; a record may be an array (several items of one offset), or rubbish. */
#ifndef LEADSTREAM_SIM_INPUT_H
#define LEADSTREAM_SIM_INPUT_H

#include "sim/plan.h"

#include <leadstream/engine.h>

struct sim;

struct input_item {
    struct intake item;
    struct event_field field;
    struct err err;
    uint32_t number;    /* of its event in the plan */
    int64_t appears;    /* ms of the world's time */
};

struct input_partition {
    struct input_item *at;
    size_t n, cap;
    size_t there;       /* items that have appeared */
    int64_t next;       /* offset of the next record */
    int64_t first;      /* retention has deleted what is before */
};

/* A model whose half-lives are days (backlog) or seconds; compiled once, never freed. */
const struct model *input_model(bool days);
/* Names of the topics. */
struct bytes input_topic(uint16_t topic);
struct bytes input_lead(uint32_t lead);
/* The lead's number, from its name. */
uint32_t input_lead_number(struct bytes name);

/* Makes all records of the plan. */
void input_fill(struct sim *sim);
/* One more event, which appears at once; the shard is the lead's. Returns its offset. */
int64_t input_add(struct sim *sim, uint16_t topic, uint32_t lead, int64_t time, const char *type, const char *id);
/* One record with an item for each lead from `lead` on of the same shard, n of them. */
int64_t input_add_array(struct sim *sim, uint16_t topic, uint32_t lead, int64_t time, const char *type, const char *id,
                        uint32_t n);
/* Room for so many items: they must not move once a worker reads them. */
void input_reserve(struct input_partition *partition, size_t n);
/* What is due appears. */
void input_tick(struct sim *sim);
/* True when everything has appeared. */
bool input_complete(const struct sim *sim);
/* The offset after the last record that has appeared. */
int64_t input_end(const struct input_partition *partition);
/* The index of the first item at or after the offset. */
size_t input_seek(const struct input_partition *partition, int64_t offset);

#endif
