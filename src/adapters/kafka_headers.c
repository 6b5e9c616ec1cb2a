/* Copies to and fro: librdkafka's lists of headers die with their message. */
#include "adapters/kafka_headers.h"

#include <inttypes.h>
#include <stdio.h>

/* librdkafka takes the headers of a fetched record apart when they are first asked for. */
static rd_kafka_headers_t *list_of(const rd_kafka_message_t *message) {
    rd_kafka_headers_t *list = NULL;
    return rd_kafka_message_headers(message, &list) ? NULL : list;
}

static bool get(const rd_kafka_headers_t *list, size_t i, struct dead_letter_header *header) {
    const void *value = NULL;
    size_t n = 0;
    if (rd_kafka_header_get_all(list, i, &header->name, &value, &n))
        return false;
    header->value = (struct bytes){value, value ? n : 0};
    return true;
}

size_t kafka_headers_size(const rd_kafka_message_t *message) {
    const rd_kafka_headers_t *list = list_of(message);
    struct dead_letter_header header;
    size_t size = list ? sizeof(struct kafka_headers) : 0;
    for (size_t i = 0; list && get(list, i, &header); i++)
        size += sizeof header + strlen(header.name) + header.value.n + 32;
    return size;
}

struct kafka_headers *kafka_headers_keep(const rd_kafka_message_t *message, struct arena *arena) {
    const rd_kafka_headers_t *list = list_of(message);
    if (!list || kafka_headers_size(message) > KAFKA_HEADERS_MOST)
        return NULL;
    size_t n = rd_kafka_header_cnt(list);
    struct kafka_headers *kept = arena_take(arena, sizeof *kept);
    struct dead_letter_header *headers = arena_take(arena, n * sizeof *headers);
    MUST(kept && headers);
    *kept = (struct kafka_headers){.at = headers};
    for (struct dead_letter_header header; kept->n < n && get(list, kept->n, &header); kept->n++) {
        headers[kept->n].name = arena_copy(arena, header.name, strlen(header.name) + 1);
        headers[kept->n].value.n = header.value.n;
        headers[kept->n].value.at = header.value.at ? arena_copy(arena, header.value.at, header.value.n) : NULL;
        MUST(headers[kept->n].name && (headers[kept->n].value.at || !header.value.at));
    }
    return kept;
}

struct bytes kafka_headers_find(const struct kafka_headers *headers, const char *name) {
    for (size_t i = headers ? headers->n : 0; i > 0; i--)
        if (!strcmp(headers->at[i - 1].name, name))
            return headers->at[i - 1].value;
    return (struct bytes){NULL, 0};
}

size_t kafka_headers_lend(const rd_kafka_message_t *message, struct dead_letter_header *headers, size_t max) {
    const rd_kafka_headers_t *list = list_of(message);
    size_t n = list ? rd_kafka_header_cnt(list) : 0;
    for (size_t i = 0; i < n && i < max; i++)
        MUST(get(list, i, &headers[i]));
    return n;
}

void kafka_headers_text(rd_kafka_headers_t *headers, const char *name, const char *value) {
    rd_kafka_header_add(headers, name, -1, value, -1);
}

void kafka_headers_bytes(rd_kafka_headers_t *headers, const char *name, struct bytes value) {
    rd_kafka_header_add(headers, name, -1, value.at && !value.n ? (const void *)"" : value.at, (ssize_t)value.n);
}

void kafka_headers_number(rd_kafka_headers_t *headers, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    kafka_headers_text(headers, name, text);
}

rd_kafka_headers_t *kafka_headers_of_letter(const struct intake *item, const char *topic, const char *group,
                                            const struct err *why, bool cut) {
    const struct kafka_headers *own = cut ? NULL : item->native;
    size_t n = own ? own->n : 0;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(n + 12);
    for (size_t i = 0; i < n; i++)
        kafka_headers_bytes(headers, own->at[i].name, own->at[i].value);
    kafka_headers_number(headers, DEAD_LETTER_HEADERS, (int64_t)n);
    kafka_headers_text(headers, DEAD_LETTER_GROUP, group);
    kafka_headers_text(headers, DEAD_LETTER_TOPIC, topic);
    kafka_headers_number(headers, DEAD_LETTER_PARTITION, item->shard);
    kafka_headers_number(headers, DEAD_LETTER_OFFSET, item->offset);
    kafka_headers_number(headers, DEAD_LETTER_TIMESTAMP, item->timestamp);
    kafka_headers_text(headers, DEAD_LETTER_CODE, err_name(why->code));
    kafka_headers_text(headers, DEAD_LETTER_WORDS, why->words);
    if (item->index > 0 || !item->last)
        kafka_headers_number(headers, DEAD_LETTER_INDEX, item->index);
    if (item->schema_id >= 0)
        kafka_headers_number(headers, DEAD_LETTER_SCHEMA_ID, item->schema_id);
    if (item->event.lead.n)
        kafka_headers_bytes(headers, DEAD_LETTER_LEAD, item->event.lead);
    if (cut)
        kafka_headers_number(headers, DEAD_LETTER_CUT_FROM, (int64_t)item->value.n);
    return headers;
}
