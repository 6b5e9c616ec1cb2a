/* JSON records -> events. The tree of a record (json_tree) stays in a scratch arena of the decoder's own; what an event
 * keeps of it points into the record or is copied to the batch's arena.
 *
 * The event line of the shipped layout is a mapping like any other, five paths of one step, but strict: lead, id and
 * type are texts, a time is RFC 3339 or integer milliseconds. A mapping of foreign records is lenient where no doubt
 * can arise: a number or a boolean may be an id, "true" may say that it was a machine, "1795341600" may be seconds. */
#include "codec/event_json.h"

#include "codec/json_tree.h"
#include <leadstream/decimal.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

#define SCRATCH ((size_t)64 * 1024 * 1024) /* bytes; more than the tree of the largest message that brokers take */

#define STEP(text)                                                                                                     \
    {                                                                                                                  \
        .kind = MAPPING_PATH, .n_steps = 1, .steps = { {.name = {(const uint8_t *)(text), sizeof(text) - 1}} }         \
    }
static const struct mapping event_line = {
    .shipped = true,
    .lead = STEP("lead"),
    .id = STEP("id"),
    .type = STEP("type"),
    .time = STEP("time"),
    .machine = STEP("machine"),
};

struct event_json {
    const struct mapping *mapping;
    const struct model *model;
    struct arena *scratch; /* the tree of the record last started */
    struct bytes record;
    struct arena *arena;           /* the batch's */
    const struct json_node *entry; /* the next one, NULL: none */
    uint32_t index;                /* of that entry */
    struct event_field *fields;    /* those of the event being read, in the batch's arena */
};

/* One part of the event, and where it is sought in this entry. */
struct part {
    const char *name;
    const struct mapping_value *value;
    const struct json_node *node; /* NULL: not there, or a literal */
};

static bool read_event(struct event_json *json, const struct json_node *entry, struct event *event, struct err *e);

struct event_json *event_json_new(const struct mapping *mapping, const struct model *model) {
    struct event_json *json = calloc(1, sizeof *json);
    MUST(json != NULL);
    json->mapping = mapping->shipped ? &event_line : mapping;
    json->model = model;
    json->scratch = arena_new(SCRATCH);
    return json;
}

void event_json_free(struct event_json **json) {
    if (!*json)
        return;
    arena_free(&(*json)->scratch);
    free(*json);
    *json = NULL;
}

static bool too_large(size_t n, struct err *e) {
    return err_set(e, ERR_TOO_LARGE, NULL, "has %zu bytes, the limit of an event is %d", n, EVENT_MAX_BYTES);
}

bool event_json_start(struct event_json *json, struct bytes record, struct arena *arena, struct err *e) {
    json->entry = NULL;
    json->index = 0;
    json->record = record;
    json->arena = arena;
    arena_reset(json->scratch);
    const struct json_node *root = json_tree_parse(record, json->scratch, e);
    if (!root)
        return false;
    if (root->kind == JSON_OBJECT && record.n > EVENT_MAX_BYTES)
        return too_large(record.n, e);
    if (root->kind != JSON_OBJECT && root->kind != JSON_ARRAY)
        return err_set(e, ERR_MALFORMED, NULL, "is %s, not an object", json_tree_kind(root));
    json->entry = root->kind == JSON_OBJECT ? root : root->first;
    return true;
}

enum decoder_status event_json_next(struct event_json *json, struct event *event, uint32_t *index, struct err *e) {
    const struct json_node *entry = json->entry;
    if (!entry)
        return DECODER_END;
    json->entry = entry->next;
    *index = json->index++;
    *event = (struct event){0};
    if (read_event(json, entry, event, e))
        return DECODER_EVENT;
    /* A dead letter names its lead; what cannot be a lead is none. */
    if (event->lead.n > EVENT_MAX_LEAD)
        event->lead.n = 0;
    return DECODER_BAD;
}

/* ---- finding ---- */

static const struct json_node *step(const struct json_node *node, const struct mapping_step *step) {
    if (step->name.n)
        return json_tree_get(node, step->name);
    if (!node || node->kind != JSON_ARRAY || step->index >= node->n)
        return NULL;
    const struct json_node *entry = node->first;
    for (uint32_t i = 0; i < step->index; i++)
        entry = entry->next;
    return entry;
}

static struct part find(const struct json_node *entry, const char *name, const struct mapping_value *value) {
    struct part part = {name, value, NULL};
    if (value->kind != MAPPING_PATH)
        return part;
    part.node = entry;
    for (uint32_t i = 0; i < value->n_steps && part.node; i++)
        part.node = step(part.node, &value->steps[i]);
    return part;
}

static bool absent(const struct part *part) {
    return part->value->kind != MAPPING_LITERAL && (!part->node || part->node->kind == JSON_NULL);
}

/* Says that a part is missing, and where it was sought if that is not plain from its name. */
static bool missing(const struct part *part, struct err *e) {
    char path[200] = "";
    size_t n = 0;
    for (uint32_t i = 0; i < part->value->n_steps && n < sizeof path; i++) {
        const struct mapping_step *at = &part->value->steps[i];
        int more = at->name.n ? snprintf(path + n, sizeof path - n, "%s%.*s", n ? "." : "", event_quoted(at->name),
                                         (const char *)at->name.at)
                              : snprintf(path + n, sizeof path - n, "[%u]", at->index);
        n += (size_t)more;
    }
    const char *why = part->node ? "is null" : "is missing";
    if (!strcmp(path, part->name) || !*path)
        return err_set(e, ERR_MISSING, NULL, "%s %s", part->name, why);
    return err_set(e, ERR_MISSING, NULL, "%s %s (it is sought at %s)", part->name, why, path);
}

/* ---- values ---- */

/* What the batch may keep: text that the scratch arena holds is copied. */
static bool keep(struct event_json *json, struct bytes text, struct bytes *out, struct err *e) {
    *out = text;
    if (!text.n || (text.at >= json->record.at && text.at < json->record.at + json->record.n))
        return true;
    out->at = arena_copy(json->arena, text.at, text.n);
    return out->at || err_set(e, ERR_TOO_LARGE, NULL, "does not fit in the batch's memory");
}

static bool plain_number(struct event_json *json, struct bytes number, struct bytes *out, struct err *e) {
    bool integer = number.at[0] != '-';
    for (size_t i = 0; i < number.n && integer; i++)
        integer = number.at[i] >= '0' && number.at[i] <= '9';
    if (integer)
        return keep(json, number, out, e);
    uint8_t plain[EVENT_MAX_VALUE];
    size_t n = decimal_plain(number, plain, sizeof plain);
    if (!n)
        return err_set(e, ERR_TOO_LARGE, NULL, "number %.*s has more than %d digits", event_quoted(number),
                       (const char *)number.at, EVENT_MAX_VALUE);
    return keep(json, (struct bytes){plain, n}, out, e);
}

/* A value as text; null is no text. False: an object or an array, or a number without end. */
static bool value_text(struct event_json *json, const struct json_node *node, struct bytes *out, struct err *e) {
    *out = (struct bytes){NULL, 0};
    switch (node->kind) {
    case JSON_NULL: return true;
    case JSON_FALSE: *out = bytes_of("false"); return true;
    case JSON_TRUE: *out = bytes_of("true"); return true;
    case JSON_NUMBER: return plain_number(json, node->text, out, e);
    case JSON_STRING: return keep(json, node->text, out, e);
    case JSON_OBJECT:
    case JSON_ARRAY: break;
    }
    return err_set(e, ERR_INVALID, NULL, "is %s; values are texts, numbers, true, false or null", json_tree_kind(node));
}

/* lead, id, type: a text that must be there. */
static bool part_text(struct event_json *json, const struct part *part, struct bytes *out, struct err *e) {
    if (absent(part))
        return missing(part, e);
    if (!part->node) {
        *out = part->value->literal;
        return true;
    }
    bool container = part->node->kind == JSON_OBJECT || part->node->kind == JSON_ARRAY;
    if (container || (json->mapping->shipped && part->node->kind != JSON_STRING))
        return err_set(e, ERR_INVALID, NULL, "%s is %s, not a text", part->name, json_tree_kind(part->node));
    return value_text(json, part->node, out, e);
}

static bool part_type(struct event_json *json, const struct part *part, struct bytes *out, struct err *e) {
    struct bytes from = {NULL, 0};
    if (!part_text(json, part, &from, e))
        return false;
    *out = from;
    if (!part->node || !part->value->n_translations)
        return true;
    for (uint32_t i = 0; i < part->value->n_translations; i++) {
        if (bytes_equal(part->value->translations[i].from, from)) {
            *out = part->value->translations[i].to;
            return true;
        }
    }
    return err_set(e, ERR_INVALID, NULL, "type \"%.*s\" is not in the source's map of types", event_quoted(from),
                   (const char *)from.at);
}

/* -?[0-9]+, times `unit`, over `per`, cut. *huge: it is beyond all that fits (and all that a time may be). */
static bool integer(struct bytes text, int64_t unit, int64_t per, int64_t *out, bool *huge) {
    const int64_t most = INT64_MAX / 1000;
    bool negative = text.n && text.at[0] == '-';
    int64_t value = 0;
    *huge = false;
    if (text.n == (size_t)negative)
        return false;
    for (size_t i = negative; i < text.n; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *huge = *huge || value > most / 10 - 1;
        value = *huge ? 0 : value * 10 + (text.at[i] - '0');
    }
    *out = (negative ? -value : value) * unit / per;
    return true;
}

static bool part_time(const struct part *part, int64_t *ms, struct err *e) {
    static const struct {
        const char *name;
        int64_t unit, per;
    } units[] = {
        [MAPPING_UNIT_AUTO] = {"milliseconds", 1, 1},  [MAPPING_UNIT_RFC3339] = {"", 0, 0},
        [MAPPING_UNIT_S] = {"seconds", 1000, 1},       [MAPPING_UNIT_MS] = {"milliseconds", 1, 1},
        [MAPPING_UNIT_US] = {"microseconds", 1, 1000},
    };
    if (absent(part))
        return missing(part, e);
    enum json_kind kind = part->node ? part->node->kind : JSON_STRING;
    struct bytes text = part->node ? part->node->text : part->value->literal;
    enum mapping_unit unit = part->value->unit;
    if (kind != JSON_STRING && kind != JSON_NUMBER)
        return err_set(e, ERR_INVALID, NULL, "time is %s, not RFC 3339 text or an integer", json_tree_kind(part->node));
    if (unit == MAPPING_UNIT_RFC3339 || (unit == MAPPING_UNIT_AUTO && kind == JSON_STRING)) {
        if (kind == JSON_STRING && when_parse(text, ms))
            return true;
        return err_set(e, ERR_INVALID, NULL, "time \"%.*s\" is not RFC 3339", event_quoted(text),
                       (const char *)text.at);
    }
    bool huge;
    if (integer(text, units[unit].unit, units[unit].per, ms, &huge))
        return !huge || err_set(e, ERR_INVALID, NULL, "time %.*s is %s", event_quoted(text), (const char *)text.at,
                                text.at[0] == '-' ? "before 2000-01-01T00:00:00.000Z"
                                                  : "past 2100-01-01T00:00:00.000Z");
    return err_set(e, ERR_INVALID, NULL, "time %.*s is no integer of %s", event_quoted(text), (const char *)text.at,
                   units[unit].name);
}

static bool part_machine(struct event_json *json, const struct part *part, bool *machine, struct err *e) {
    *machine = false;
    if (part->value->kind == MAPPING_ABSENT || absent(part))
        return true;
    struct bytes text = part->value->literal;
    if (part->node && !value_text(json, part->node, &text, e))
        return err_set(e, ERR_INVALID, NULL, "machine is %s, not true or false", json_tree_kind(part->node));
    bool boolean = part->node && (part->node->kind == JSON_TRUE || part->node->kind == JSON_FALSE);
    if (!boolean && json->mapping->shipped)
        return err_set(e, ERR_INVALID, NULL, "machine is %s, not true or false", json_tree_kind(part->node));
    *machine = bytes_is(text, "true") || bytes_is(text, "1");
    if (*machine || !text.n || bytes_is(text, "false") || bytes_is(text, "0"))
        return true;
    return err_set(e, ERR_INVALID, NULL, "machine \"%.*s\" is not true or false", event_quoted(text),
                   (const char *)text.at);
}

/* ---- fields ---- */

static bool field_value(struct event_json *json, struct event_field *field, const struct json_node *node,
                        struct err *e) {
    struct err why;
    if (value_text(json, node, &field->value, &why))
        return true;
    return err_set(e, why.code, NULL, "field \"%.*s\" %s", event_quoted(field->name), (const char *)field->name.at,
                   why.words);
}

static bool room_for_fields(struct event_json *json, uint32_t n, struct err *e) {
    if (n > EVENT_MAX_FIELDS)
        return err_set(e, ERR_TOO_LARGE, NULL, "%u fields, the limit is %d", n, EVENT_MAX_FIELDS);
    json->fields = arena_take(json->arena, n * sizeof *json->fields);
    return json->fields || err_set(e, ERR_TOO_LARGE, NULL, "does not fit in the batch's memory");
}

/* The event line: what `fields` holds. */
static bool line_fields(struct event_json *json, const struct json_node *entry, struct event *event, struct err *e) {
    const struct json_node *object = json_tree_get(entry, bytes_of("fields"));
    if (!object || object->kind == JSON_NULL)
        return true;
    if (object->kind != JSON_OBJECT)
        return err_set(e, ERR_INVALID, NULL, "fields is %s, not an object", json_tree_kind(object));
    if (!room_for_fields(json, object->n, e))
        return false;
    event->fields = json->fields;
    for (const struct json_node *node = object->first; node; node = node->next) {
        struct event_field *field = &json->fields[event->n_fields++];
        if (!keep(json, node->key, &field->name, e) || !field_value(json, field, node, e))
            return false;
    }
    return true;
}

/* A mapping: what is found of its fields. What is not there is left out; an explicit null stays, as "no value". */
static bool mapped_fields(struct event_json *json, const struct json_node *entry, struct event *event, struct err *e) {
    const struct mapping *mapping = json->mapping;
    if (!room_for_fields(json, mapping->n_fields, e))
        return false;
    event->fields = json->fields;
    for (uint32_t i = 0; i < mapping->n_fields; i++) {
        struct part part = find(entry, "field", &mapping->fields[i].value);
        if (!part.node && part.value->kind != MAPPING_LITERAL)
            continue;
        struct event_field *field = &json->fields[event->n_fields++];
        *field = (struct event_field){mapping->fields[i].name, part.value->literal};
        if (part.node && !field_value(json, field, part.node, e))
            return false;
    }
    return true;
}

/* Drops the fields that the model never asks about, once all have been checked: what is an event does not depend on
 * the model. */
static void drop_fields(struct event_json *json, struct event *event) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < event->n_fields; i++) {
        struct bytes name = json->fields[i].name;
        if (model_field(json->model, name) >= 0 || model_attr(json->model, name) >= 0)
            json->fields[n++] = json->fields[i];
    }
    event->n_fields = n;
}

static bool read_event(struct event_json *json, const struct json_node *entry, struct event *event, struct err *e) {
    const struct mapping *mapping = json->mapping;
    if (entry->kind != JSON_OBJECT)
        return err_set(e, ERR_MALFORMED, NULL, "is %s, not an object", json_tree_kind(entry));
    if (entry->end - entry->start > EVENT_MAX_BYTES)
        return too_large(entry->end - entry->start, e);
    struct part lead = find(entry, "lead", &mapping->lead), id = find(entry, "id", &mapping->id);
    struct part type = find(entry, "type", &mapping->type), time = find(entry, "time", &mapping->time);
    struct part machine = find(entry, "machine", &mapping->machine);
    if (!part_text(json, &lead, &event->lead, e) || !part_text(json, &id, &event->id, e) ||
        !part_type(json, &type, &event->type, e) || !part_time(&time, &event->time, e) ||
        !part_machine(json, &machine, &event->machine, e))
        return false;
    bool good = mapping->shipped ? line_fields(json, entry, event, e) : mapped_fields(json, entry, event, e);
    if (!good || !event_check(event, e))
        return false;
    if (json->model)
        drop_fields(json, event);
    return true;
}
