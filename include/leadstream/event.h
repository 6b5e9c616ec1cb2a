/* One thing that a lead did, as every decoder hands it over and the core takes it.
 *
 * All slices are lent by the decoder: they point into the record's bytes or the batch's arena. */
#ifndef LEADSTREAM_EVENT_H
#define LEADSTREAM_EVENT_H

#include <leadstream/bytes.h>
#include <leadstream/err.h>

enum {
    EVENT_MAX_LEAD = 256,          /* bytes */
    EVENT_MAX_ID = 256,            /* bytes */
    EVENT_MAX_TYPE = 64,           /* characters of [a-z0-9_.] */
    EVENT_MAX_FIELDS = 64,         /* entries */
    EVENT_MAX_VALUE = 8 * 1024,    /* bytes of a field's value */
    EVENT_MAX_BYTES = 64 * 1024    /* of the record, or of one entry of an array */
};

/* A field of an event: value.n == 0 is "no value" (null or empty text in the record). */
struct event_field {
    struct bytes name;
    struct bytes value;
};

struct event {
    struct bytes lead;
    struct bytes id;
    struct bytes type;
    int64_t time;  /* ms since 1970 UTC */
    bool machine;  /* a mail scanner's click, a privacy proxy's open */
    uint32_t n_fields;
    const struct event_field *fields; /* no name twice */
};

/* Checks lengths, the type's characters, the time's range and the fields' limits. False: *e is a REJECT that quotes
 * what is wrong ("time 3000-.. is past 2100-01-01"). Decoders call it last. Text that is not UTF-8 is refused too. */
NODISCARD bool event_check(const struct event *event, struct err *e);

/* True where b can be an event's type: 1 to EVENT_MAX_TYPE of [a-z0-9_.]. */
bool event_is_type(struct bytes b);

/* True where b is well-formed UTF-8. */
bool event_utf8(struct bytes b);

/* How many bytes of a bad text a message may show: for `"%.*s"`. At most 80, never half a character. */
int event_quoted(struct bytes b);

/* XXH3, 64 bits, seed 0: of an event id, of a value of a once_per field. */
uint64_t event_hash(struct bytes b);

#endif
