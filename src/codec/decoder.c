/* Formats and framings told apart: JSON goes to event_json, a body of Avro with its schema to event_avro.
 *
 * An Avro record holds one event, decoded when it is asked for; what can only be said of the whole record (its size,
 * its framing, its schema) is said at the start. */
#include "codec/decoder.h"

#include "base/guard.h"
#include "codec/event_avro.h"
#include "codec/event_json.h"
#include <stdlib.h>

enum { CONFLUENT_HEADER = 5, SINGLE_HEADER = 10, GUID_HEADER = 17 };

struct decoder {
    struct decoder_options options;
    struct event_json *json;    /* DECODER_JSON */
    struct event_avro *avro;    /* the others */
    int64_t schema_id;
    bool wants;
    struct decoder_wanted wanted;
    const struct schema *schema; /* of the record last started; NULL once its event was handed over */
    struct bytes body;
    struct arena *arena;
};

struct decoder *decoder_new(const struct decoder_options *options) {
    MUST(options->format != DECODER_AVRO || options->schemas);
    MUST(options->format != DECODER_AVRO_BARE || options->bare);
    struct decoder *decoder = calloc(1, sizeof *decoder);
    MUST(decoder != NULL);
    decoder->options = *options;
    decoder->schema_id = -1;
    if (options->format == DECODER_JSON)
        decoder->json = event_json_new(options->mapping, options->model);
    else
        decoder->avro = event_avro_new(options->mapping, options->model);
    return decoder;
}

void decoder_free(struct decoder **decoder) {
    if (!*decoder)
        return;
    event_json_free(&(*decoder)->json);
    event_avro_free(&(*decoder)->avro);
    free(*decoder);
    *decoder = NULL;
}

/* The schema that a framing names is not there (yet). */
static bool unknown(struct decoder *decoder, struct decoder_wanted wanted, struct err *e) {
    decoder->wants = true;
    decoder->wanted = wanted;
    if (wanted.by_fingerprint)
        return err_set(e, ERR_UNAVAILABLE, NULL, "no schema has the fingerprint %016llx",
                       (unsigned long long)wanted.fingerprint);
    return err_set(e, ERR_UNAVAILABLE, NULL, "schema id %lld is not known yet", (long long)wanted.id);
}

/* Finds the schema by what stands before the body. */
static bool unframe(struct decoder *decoder, struct bytes record, struct err *e) {
    struct reader r = reader_of(record);
    if (record.n >= CONFLUENT_HEADER && record.at[0] == 0) {
        reader_u8(&r);
        decoder->schema_id = reader_u32be(&r);
        decoder->schema = schemas_by_id(decoder->options.schemas, decoder->schema_id);
        decoder->body = reader_bytes(&r, record.n - CONFLUENT_HEADER);
        return decoder->schema || unknown(decoder, (struct decoder_wanted){false, decoder->schema_id, 0}, e);
    }
    if (record.n >= SINGLE_HEADER && record.at[0] == 0xc3 && record.at[1] == 0x01) {
        reader_u16(&r);
        uint64_t fingerprint = reader_u64(&r);
        decoder->schema = schemas_by_fingerprint(decoder->options.schemas, fingerprint);
        decoder->body = reader_bytes(&r, record.n - SINGLE_HEADER);
        return decoder->schema || unknown(decoder, (struct decoder_wanted){true, -1, fingerprint}, e);
    }
    return err_set(e, ERR_MALFORMED, NULL,
                   "is not framed: Avro here begins with 00 and a schema id, or c3 01 and a fingerprint (%zu bytes, "
                   "the first is %02x)",
                   record.n, record.n ? record.at[0] : 0u);
}

/* What is said before the framing is looked at. */
static bool begin(struct decoder *decoder, struct bytes record, struct arena *arena, struct err *e) {
    decoder->schema_id = -1;
    decoder->schema = NULL;
    decoder->wants = false;
    decoder->arena = arena;
    if (!record.n && !decoder->json)
        return err_set(e, ERR_MALFORMED, NULL, "is empty");
    if (GUARD(event_size) && record.n > EVENT_MAX_BYTES && !decoder->json)
        return err_set(e, ERR_TOO_LARGE, NULL, "has %zu bytes, the limit of an event is %d", record.n, EVENT_MAX_BYTES);
    return true;
}

bool decoder_start_beside(struct decoder *decoder, struct bytes header, struct bytes record, struct arena *arena,
                          struct err *e) {
    if (decoder->options.format != DECODER_AVRO)
        return decoder_start(decoder, record, arena, e);
    if (!begin(decoder, record, arena, e))
        return false;
    if (header.n == GUID_HEADER && header.at[0] == 1)
        return err_set(e, ERR_SCHEMA, NULL,
                       "its header " DECODER_SCHEMA_HEADER " names the schema by a GUID, which is not looked up here: "
                       "have the producer write schema ids (Confluent: value.schema.id.serializer)");
    if (header.n != CONFLUENT_HEADER || header.at[0] != 0)
        return err_set(e, ERR_SCHEMA, NULL,
                       "its header " DECODER_SCHEMA_HEADER " is no schema id: 00 and 4 bytes (%zu bytes, the first is "
                       "%02x)",
                       header.n, header.n ? header.at[0] : 0u);
    struct reader r = reader_of(header);
    reader_u8(&r);
    decoder->schema_id = reader_u32be(&r);
    decoder->schema = schemas_by_id(decoder->options.schemas, decoder->schema_id);
    decoder->body = record;
    return decoder->schema || unknown(decoder, (struct decoder_wanted){false, decoder->schema_id, 0}, e);
}

bool decoder_start(struct decoder *decoder, struct bytes record, struct arena *arena, struct err *e) {
    if (!begin(decoder, record, arena, e))
        return false;
    if (decoder->json)
        return event_json_start(decoder->json, record, arena, e);
    if (decoder->options.format == DECODER_AVRO)
        return unframe(decoder, record, e);
    decoder->schema = decoder->options.bare;
    decoder->body = record;
    return true;
}

bool decoder_wanted(const struct decoder *decoder, struct decoder_wanted *wanted) {
    *wanted = decoder->wanted;
    return decoder->wants;
}

enum decoder_status decoder_next(struct decoder *decoder, struct event *event, uint32_t *index, struct err *e) {
    if (decoder->json)
        return event_json_next(decoder->json, event, index, e);
    if (!decoder->schema)
        return DECODER_END;
    const struct schema *schema = decoder->schema;
    decoder->schema = NULL;
    *index = 0;
    return event_avro_decode(decoder->avro, schema, decoder->body, decoder->arena, event, e) ? DECODER_EVENT
                                                                                             : DECODER_BAD;
}

int64_t decoder_schema_id(const struct decoder *decoder) {
    return decoder->schema_id;
}
