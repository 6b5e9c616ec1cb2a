/* A mapping compiled against one writer's schema: the program that reads the record, and which of its values is what in
 * the event. Private to event_avro, which keeps one plan a schema and makes events of what it reads. */
#ifndef LEADSTREAM_AVRO_PLAN_H
#define LEADSTREAM_AVRO_PLAN_H

#include "codec/avro_program.h"
#include "codec/schema.h"

/* The parts of an event besides its fields; the names of the shipped schemas' members, too. */
enum plan_part { PLAN_LEAD, PLAN_ID, PLAN_TIME, PLAN_TYPE, PLAN_MACHINE, PLAN_PARTS };
extern const char *const plan_part_names[PLAN_PARTS];

struct plan_field {
    struct bytes name;
    int slot;                   /* index of the program's value; -1: see literal */
    struct found literal;  /* the mapping's; absent where it has none and the schema has no such place */
    bool asked;                 /* the model asks about it */
};

struct plan {
    const struct schema *schema;
    struct avro_program *program;   /* NULL: the schema does not fit the mapping, and err says why */
    struct err err;
    struct plan_part_source {
        const struct mapping_value *how; /* the mapping's words on it; shipped: NULL */
        int slot;                        /* as of a field */
        struct found literal;
    } parts[PLAN_PARTS];
    uint64_t name_bits;             /* plan_name_bit of all fields' names */
    uint32_t n_fields;
    struct plan_field fields[AVRO_MAX_WANTS];
    uint32_t n_wants;
    struct avro_want wants[AVRO_MAX_WANTS];
    struct mapping_step names[AVRO_MAX_WANTS]; /* the steps of a shipped schema's wants */
};

/* One bit of 64 for a name: names of other bits are not alike. */
static inline uint64_t plan_name_bit(struct bytes name) {
    return name.n ? UINT64_C(1) << ((name.n + name.at[0] * (size_t)3 + name.at[name.n - 1] * (size_t)7) & 63) : 1;
}

/* asked: whether the model asks about a field. A plan is made even where the schema does not fit (program is NULL). */
struct plan *plan_new(const struct mapping *mapping, const struct schema *schema,
                      bool (*asked)(const void *self, struct bytes name), const void *self);
void plan_free(struct plan **plan);

#endif
