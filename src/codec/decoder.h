/* Record bytes -> events, whatever the format: the one face of event_json and event_avro for those who read topics.
 *
 * A decoder is one thread's. Decoding is total: any bytes give events or a reason. Events and their texts live in the
 * arena, or point into the record, until both are given back. */
#ifndef LEADSTREAM_DECODER_H
#define LEADSTREAM_DECODER_H

#include "codec/mapping.h"
#include "codec/schema.h"
#include <leadstream/event.h>
#include <leadstream/model.h>

enum decoder_format {
    DECODER_JSON,       /* an object, or an array of objects: each entry an event */
    DECODER_AVRO,       /* Confluent framing (00, schema id) or single-object (C3 01, fingerprint), told by the bytes */
    DECODER_AVRO_BARE   /* no framing: options->bare is the writer's schema */
};

struct decoder_options {
    enum decoder_format format;
    const struct mapping *mapping;      /* must outlive the decoder */
    struct schemas *schemas;            /* Avro: where ids and fingerprints are looked up; must outlive the decoder */
    const struct schema *bare;          /* DECODER_AVRO_BARE */
    const struct model *model;          /* fields that it does not ask about are not handed over; NULL: all are */
};

struct decoder;

struct decoder *decoder_new(const struct decoder_options *options);
void decoder_free(struct decoder **decoder);

/* Begins a record. False: the whole record is bad (REJECT), or its schema must be fetched first (RETRY; the schema's id
 * or fingerprint is in decoder_wanted). */
NODISCARD bool decoder_start(struct decoder *decoder, struct bytes record, struct arena *arena, struct err *e);

/* The same for a record whose schema id stands beside it, in the header DECODER_SCHEMA_HEADER (magic 0 and an id, as
 * newer Confluent clients write it): all of the record is its body. A GUID (magic 1) is refused, as is what is neither.
 * For DECODER_AVRO; other formats take no notice of the header. */
#define DECODER_SCHEMA_HEADER "__value_schema_id"
NODISCARD bool decoder_start_beside(struct decoder *decoder, struct bytes header, struct bytes record,
                                    struct arena *arena, struct err *e);

/* The schema that the record last started needs and the set of schemas has not. False: none is missing. */
struct decoder_wanted {
    bool by_fingerprint;    /* single-object encoding */
    int64_t id;
    uint64_t fingerprint;
};
bool decoder_wanted(const struct decoder *decoder, struct decoder_wanted *wanted);

enum decoder_status { DECODER_EVENT, DECODER_BAD, DECODER_END };

/* The record's next event; BAD: this entry is bad (*e, REJECT; event->lead is what could be read of its lead), go on
 * with the next; END: no more. *index counts the entries from 0. */
enum decoder_status decoder_next(struct decoder *decoder, struct event *event, uint32_t *index, struct err *e);

/* The Confluent schema id of the record last started (-1: none), for dead letters and for fetching. */
int64_t decoder_schema_id(const struct decoder *decoder);

#endif
