/* Avro body -> event: the plan's program reads the values, and this makes lead, id, type, time, machine and fields of
 * them. Between avro_plan (what is where) and decoder (framings).
 *
 * Null: a shipped schema's optional member that is null was not said, so it is no field; a null in the map `fields`, or
 * at a place that a mapping names, is a field with no value, which clears an attribute (crm.profile_updated). */
#include "codec/event_avro.h"

#include "codec/avro_plan.h"
#include "codec/avro_text.h"
#include <leadstream/when.h>
#include <stdlib.h>

enum { PLAN_SLOTS = 2 * SCHEMA_MAX_SET, MAX_FIELDS = AVRO_MAX_WANTS + EVENT_MAX_FIELDS };

struct names {
    size_t n_slots; /* a power of two; 0: everything is asked */
    struct bytes *slots;
};

struct event_avro {
    const struct mapping *mapping;
    struct names asked;
    const struct plan *last;
    size_t n_plans;
    struct plan *plans[PLAN_SLOTS]; /* by schema */
    struct avro_run run;
    bool kept[MAX_FIELDS];          /* by field of the event being made */
};

static void names_init(struct names *names, const struct model *model);
static bool names_have(const struct names *names, struct bytes name);
static const struct plan *find_plan(struct event_avro *avro, const struct schema *schema);
static bool make_parts(struct event_avro *avro, const struct plan *plan, struct arena *arena, struct event *event,
                       struct err *e);
static bool make_fields(struct event_avro *avro, const struct plan *plan, struct arena *arena, struct event *event,
                        struct err *e);
static void drop_unasked(const struct event_avro *avro, struct event *event);

struct event_avro *event_avro_new(const struct mapping *mapping, const struct model *model) {
    struct event_avro *avro = calloc(1, sizeof *avro);
    MUST(avro != NULL);
    avro->mapping = mapping;
    if (model)
        names_init(&avro->asked, model);
    return avro;
}

void event_avro_free(struct event_avro **avro) {
    if (!*avro)
        return;
    for (size_t i = 0; i < PLAN_SLOTS; i++)
        plan_free(&(*avro)->plans[i]);
    free((*avro)->asked.slots);
    free(*avro);
    *avro = NULL;
}

/* A dead letter names its lead; what cannot be a lead is none. */
static bool bad(struct event *event) {
    if (event->lead.n > EVENT_MAX_LEAD || !event_utf8(event->lead))
        event->lead.n = 0;
    return false;
}

bool event_avro_decode(struct event_avro *avro, const struct schema *schema, struct bytes body, struct arena *arena,
                       struct event *event, struct err *e) {
    *event = (struct event){0};
    const struct plan *plan = avro->last && avro->last->schema == schema ? avro->last : find_plan(avro, schema);
    if (!plan->program)
        return err_set(e, plan->err.code, NULL, "%s", plan->err.words);
    struct reader r = reader_of(body);
    if (!avro_program_run(plan->program, &r, &avro->run, e))
        return false;
    if (reader_left(&r))
        return err_set(e, ERR_MALFORMED, NULL, "%zu bytes are left over: was it written with another schema?",
                       reader_left(&r));
    if (!make_parts(avro, plan, arena, event, e) || !make_fields(avro, plan, arena, event, e) ||
        !event_check(event, e))
        return bad(event);
    drop_unasked(avro, event);
    return true;
}

/* ---- what the model asks about ---- */

static size_t names_slot(const struct names *names, struct bytes name) {
    uint32_t h = (uint32_t)name.n << 24;
    if (name.n)
        h ^= (uint32_t)name.at[0] | (uint32_t)name.at[name.n / 2] << 8 | (uint32_t)name.at[name.n - 1] << 16;
    size_t i = (h * 0x9e3779b1u) >> 16;
    for (;; i++) {
        const struct bytes *there = &names->slots[i & (names->n_slots - 1)];
        if (!there->at || bytes_equal(*there, name))
            return i & (names->n_slots - 1);
    }
}

static void names_init(struct names *names, const struct model *model) {
    size_t n = (size_t)model->n_fields + model->n_attrs;
    for (names->n_slots = 16; names->n_slots < n * 2; names->n_slots *= 2)
        ;
    names->slots = calloc(names->n_slots, sizeof *names->slots);
    MUST(names->slots != NULL);
    for (size_t i = 0; i < n; i++) {
        struct bytes name = i < model->n_fields ? model->fields[i] : model->attrs[i - model->n_fields].name;
        names->slots[names_slot(names, name)] = name;
    }
}

static bool names_have(const struct names *names, struct bytes name) {
    return !names->n_slots || names->slots[names_slot(names, name)].at;
}

/* ---- plans ---- */

static bool asked(const void *self, struct bytes name) {
    return names_have(self, name);
}

static const struct plan *find_plan(struct event_avro *avro, const struct schema *schema) {
    size_t i = (size_t)(((uint64_t)(uintptr_t)schema * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % PLAN_SLOTS;
    while (avro->plans[i] && avro->plans[i]->schema != schema)
        i = (i + 1) % PLAN_SLOTS;
    if (!avro->plans[i]) {
        MUST(++avro->n_plans < PLAN_SLOTS);
        avro->plans[i] = plan_new(avro->mapping, schema, asked, &avro->asked);
    }
    return avro->last = avro->plans[i];
}

/* ---- lead, id, type, time, machine ---- */

/* What the record, or the mapping's literal, has for a part. */
static const struct found *part_value(const struct event_avro *avro, const struct plan *plan,
                                           enum plan_part part) {
    int slot = plan->parts[part].slot;
    return slot >= 0 ? &avro->run.values[slot] : &plan->parts[part].literal;
}

static bool missing(const struct found *value, enum plan_part part, struct err *e) {
    return err_set(e, ERR_MISSING, NULL, "%s is missing%s", plan_part_names[part],
                   value->kind == FOUND_NULL ? " (null)" : "");
}

/* The text of a value; the commonest kind of it in line. */
static inline bool text_of(const struct found *value, struct arena *arena, struct bytes *out, struct err *e) {
    *out = value->text;
    return value->kind == FOUND_TEXT || avro_text_of(value, arena, out, e);
}

static bool part_text(const struct event_avro *avro, const struct plan *plan, enum plan_part part, struct arena *arena,
                      struct bytes *out, struct err *e) {
    const struct found *value = part_value(avro, plan, part);
    return value->kind > FOUND_NULL ? text_of(value, arena, out, e) : missing(value, part, e);
}

static bool translate(const struct mapping_value *how, struct bytes *type, struct err *e) {
    if (!how || how->kind != MAPPING_PATH || !how->n_translations)
        return true;
    for (uint32_t i = 0; i < how->n_translations; i++) {
        if (bytes_equal(how->translations[i].from, *type)) {
            *type = how->translations[i].to;
            return true;
        }
    }
    return err_set(e, ERR_INVALID, NULL, "type \"%.*s\" is not in the source's map of types",
                   event_utf8(*type) ? event_quoted(*type) : 0, (const char *)type->at);
}

static int64_t floor_div(int64_t v, int64_t by) {
    return v / by - (v % by < 0);
}

/* A count of seconds or days as ms, where it is none that would not fit: the ends are far outside of what is taken. */
static int64_t times(int64_t v, int64_t by) {
    int64_t limit = INT64_MAX / by;
    return (v > limit ? limit : v < -limit ? -limit : v) * by;
}

static bool time_number(int64_t v, enum schema_logical logical, enum mapping_unit unit, int64_t *ms, struct err *e) {
    switch (unit) {
    case MAPPING_UNIT_RFC3339:
        return err_set(e, ERR_INVALID, NULL, "time %lld is a number, where the mapping has RFC 3339", (long long)v);
    case MAPPING_UNIT_S: *ms = times(v, WHEN_SECOND); return true;
    case MAPPING_UNIT_MS: *ms = v; return true;
    case MAPPING_UNIT_US: *ms = floor_div(v, 1000); return true;
    case MAPPING_UNIT_AUTO: break;
    }
    *ms = logical == SCHEMA_MICROS ? floor_div(v, 1000) : logical == SCHEMA_DAYS ? times(v, WHEN_DAY) : v;
    return true;
}

/* -?[0-9]{1,18} */
static bool integer(struct bytes text, int64_t *v) {
    size_t sign = text.n && text.at[0] == '-';
    *v = 0;
    for (size_t i = sign; i < text.n; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *v = *v * 10 + (text.at[i] - '0');
    }
    *v = sign ? -*v : *v;
    return text.n > sign;
}

/* RFC 3339, or digits where the mapping gives a unit. */
static bool time_text(struct bytes text, enum mapping_unit unit, int64_t *ms, struct err *e) {
    bool words = unit == MAPPING_UNIT_AUTO || unit == MAPPING_UNIT_RFC3339;
    int64_t v;
    if (words && when_parse(text, ms))
        return true;
    if (!words && text.n < 19 && integer(text, &v))
        return time_number(v, SCHEMA_PLAIN, unit, ms, e);
    return err_set(e, ERR_INVALID, NULL, "time \"%.*s\" is %s", event_utf8(text) ? event_quoted(text) : 0,
                   (const char *)text.at, words ? "not RFC 3339" : "no integer");
}

static bool make_time(const struct event_avro *avro, const struct plan *plan, struct event *event, struct err *e) {
    const struct mapping_value *how = plan->parts[PLAN_TIME].how;
    enum mapping_unit unit = how ? how->unit : MAPPING_UNIT_AUTO;
    const struct found *value = part_value(avro, plan, PLAN_TIME);
    if (value->kind <= FOUND_NULL)
        return missing(value, PLAN_TIME, e);
    if (value->kind == FOUND_TEXT)
        return time_text(value->text, unit, &event->time, e);
    if (value->kind == FOUND_LONG)
        return time_number(value->number, value->logical, unit, &event->time, e);
    return err_set(e, ERR_INVALID, NULL, "time is a %s: only text, int and long can be times",
                   value->kind == FOUND_BOOLEAN ? "boolean" : "float or double");
}

static bool make_machine(const struct event_avro *avro, const struct plan *plan, struct arena *arena,
                         struct event *event, struct err *e) {
    const struct found *value = part_value(avro, plan, PLAN_MACHINE);
    struct bytes text;
    if (value->kind == FOUND_BOOLEAN || value->kind <= FOUND_NULL) {
        event->machine = value->kind == FOUND_BOOLEAN && value->number;
        return true;
    }
    if (!avro_text_of(value, arena, &text, e))
        return false;
    event->machine = bytes_is(text, "true") || bytes_is(text, "1");
    if (event->machine || !text.n || bytes_is(text, "false") || bytes_is(text, "0"))
        return true;
    return err_set(e, ERR_INVALID, NULL, "machine \"%.*s\" is not true or false",
                   event_utf8(text) ? event_quoted(text) : 0, (const char *)text.at);
}

static bool make_parts(struct event_avro *avro, const struct plan *plan, struct arena *arena, struct event *event,
                       struct err *e) {
    return part_text(avro, plan, PLAN_LEAD, arena, &event->lead, e) &&
           part_text(avro, plan, PLAN_ID, arena, &event->id, e) &&
           part_text(avro, plan, PLAN_TYPE, arena, &event->type, e) &&
           translate(plan->parts[PLAN_TYPE].how, &event->type, e) && make_time(avro, plan, event, e) &&
           make_machine(avro, plan, arena, event, e);
}

/* ---- fields ---- */

/* The fields that have a place in the schema; their number is *n. */
static bool place_fields(struct event_avro *avro, const struct plan *plan, struct arena *arena,
                         struct event_field *fields, uint32_t *n, struct err *e) {
    bool shipped = avro->mapping->shipped;
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        const struct plan_field *field = &plan->fields[i];
        const struct found *value = field->slot < 0 ? &field->literal : &avro->run.values[field->slot];
        if (value->kind == FOUND_ABSENT || (shipped && value->kind == FOUND_NULL))
            continue;
        fields[*n].name = field->name;
        avro->kept[*n] = field->asked;
        if (!text_of(value, arena, &fields[(*n)++].value, e))
            return false;
    }
    return true;
}

/* Whether fields[n]'s name is that of one before it. */
static bool name_again(const struct event_field *fields, uint32_t n, struct err *e) {
    for (uint32_t i = 0; i < n; i++)
        if (bytes_equal(fields[i].name, fields[n].name))
            return !err_set(e, ERR_MALFORMED, NULL, "field \"%.*s\" is given twice",
                            event_utf8(fields[n].name) ? event_quoted(fields[n].name) : 0,
                            (const char *)fields[n].name.at);
    return false;
}

/* The entries of the map of fields, after n other fields. */
static bool entry_fields(struct event_avro *avro, const struct plan *plan, struct arena *arena,
                         struct event_field *fields, uint32_t *n, struct err *e) {
    uint64_t seen = plan->name_bits;
    for (uint32_t i = 0; i < avro->run.n_entries; i++, ++*n) {
        const struct found_entry *entry = &avro->run.entries[i];
        uint64_t bit = plan_name_bit(entry->key);
        fields[*n].name = entry->key;
        avro->kept[*n] = names_have(&avro->asked, entry->key);
        if (((seen & bit) && name_again(fields, *n, e)) || !text_of(&entry->value, arena, &fields[*n].value, e))
            return false;
        seen |= bit;
    }
    return true;
}

static bool make_fields(struct event_avro *avro, const struct plan *plan, struct arena *arena, struct event *event,
                        struct err *e) {
    uint32_t n = 0;
    struct event_field *fields = arena_take(arena, (plan->n_fields + avro->run.n_entries) * sizeof *fields);
    if (!fields)
        return err_set(e, ERR_TOO_LARGE, NULL, "does not fit in the batch's memory");
    if (!place_fields(avro, plan, arena, fields, &n, e) || !entry_fields(avro, plan, arena, fields, &n, e))
        return false;
    event->fields = fields;
    event->n_fields = n;
    return true;
}

static void drop_unasked(const struct event_avro *avro, struct event *event) {
    struct event_field *fields = (struct event_field *)(uintptr_t)event->fields;
    uint32_t n = 0;
    for (uint32_t i = 0; i < event->n_fields; i++)
        if (avro->kept[i])
            fields[n++] = fields[i];
    event->n_fields = n;
}
