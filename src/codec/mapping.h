/* How a record of any schema becomes an event: where lead, id, time, type, machine and the fields are found in it.
 *
 * Built from `sources:` of the configuration (app/settings), or the default, which reads the shipped schemas. A
 * mapping is plain data; event_avro compiles it against a writer's schema, event_json walks a document with it. */
#ifndef LEADSTREAM_MAPPING_H
#define LEADSTREAM_MAPPING_H

#include <leadstream/arena.h>
#include <leadstream/bytes.h>
#include <leadstream/err.h>

enum { MAPPING_MAX_STEPS = 16, MAPPING_MAX_TRANSLATIONS = 256 };

/* One step of a path: a name, or `[n]` (name.n == 0). */
struct mapping_step {
    struct bytes name;
    uint32_t index;
};

enum mapping_kind { MAPPING_ABSENT, MAPPING_PATH, MAPPING_LITERAL };
enum mapping_unit { MAPPING_UNIT_AUTO, MAPPING_UNIT_RFC3339, MAPPING_UNIT_S, MAPPING_UNIT_MS, MAPPING_UNIT_US };

struct mapping_value {
    enum mapping_kind kind;
    uint32_t n_steps;
    struct mapping_step steps[MAPPING_MAX_STEPS];
    struct bytes literal;
    enum mapping_unit unit;         /* of a time; AUTO: RFC 3339 text, an Avro logical type, else ms */
    uint32_t n_translations;        /* of a type: `from` in the record is `to` in the event; 0: as it is */
    struct mapping_translation {
        struct bytes from, to;
    } *translations;
};

struct mapping_field {
    struct bytes name;              /* in the event */
    struct mapping_value value;
};

struct mapping {
    bool shipped; /* the shipped schemas' layout (and that of the JSON event lines): the rest is unused */
    struct mapping_value lead, id, time, type, machine;
    uint32_t n_fields;
    struct mapping_field *fields;
};

/* Parses "a.b[0].c" into value->steps (kind PATH). The text must outlive the mapping. False: what is wrong with it. */
NODISCARD bool mapping_path(struct mapping_value *value, struct bytes text, struct err *e);

#endif
