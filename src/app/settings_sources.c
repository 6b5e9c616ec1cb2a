/* `sources:` of a configuration: topics, their formats and schemas, and how a record becomes an event
 * (codec/mapping). */
#include "app/settings_parts.h"
#include <leadstream/event.h>

bool settings_is_topic(struct bytes name) {
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.at[i], letter = c | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return name.n >= 1 && name.n <= 249 && !bytes_is(name, ".") && !bytes_is(name, "..");
}

/* ------------------------------------------------------------------------------------------------ event: */

/* Which forms a part of the event may have. */
struct part {
    const char *name;
    bool required, literal, unit, map;
};

static struct bytes kept(struct settings_read *r, struct bytes text) {
    uint8_t *copy = arena_copy(r->arena, text.at, text.n);
    MUST(copy != NULL);
    return (struct bytes){copy, text.n};
}

static void read_path(struct settings_read *r, const struct yaml_node *node, const char *what,
                      struct mapping_value *value) {
    struct err e;
    if (settings_is(r, node, YAML_TEXT, what) && !mapping_path(value, kept(r, node->text), &e))
        settings_error(r, node, "%s: %s", what, e.words);
}

static void read_unit(struct settings_read *r, const struct yaml_node *node, struct mapping_value *value) {
    static const struct {
        const char *name;
        enum mapping_unit unit;
    } units[] = {
        {"rfc3339", MAPPING_UNIT_RFC3339}, {"s", MAPPING_UNIT_S}, {"ms", MAPPING_UNIT_MS}, {"us", MAPPING_UNIT_US}};
    if (!settings_is(r, node, YAML_TEXT, "unit"))
        return;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (bytes_is(node->text, units[i].name)) {
            value->unit = units[i].unit;
            return;
        }
    settings_error(r, node, "unit \"%s\" is not one of: rfc3339, s, ms, us", yaml_quote(node->text).text);
}

static void read_translations(struct settings_read *r, const struct yaml_node *map, struct mapping_value *value) {
    if (!settings_is(r, map, YAML_MAP, "map"))
        return;
    if (!map->n || map->n > MAPPING_MAX_TRANSLATIONS) {
        settings_error(r, map, "map has %u entries: 1 to %d are taken", map->n, MAPPING_MAX_TRANSLATIONS);
        return;
    }
    value->translations = arena_take(r->arena, map->n * sizeof *value->translations);
    MUST(value->translations != NULL);
    for (uint32_t i = 0; i < map->n; i++) {
        const struct yaml_node *to = map->pairs[i].value;
        if (!settings_is(r, to, YAML_TEXT, "a type"))
            continue;
        if (!event_is_type(to->text))
            settings_error(r, to, "\"%s\" is no event type (1 to 64 of a-z 0-9 _ .)", yaml_quote(to->text).text);
        value->translations[value->n_translations++] =
            (struct mapping_translation){kept(r, map->pairs[i].key), kept(r, to->text)};
    }
}

/* `{value: literal}`, `{path: .., unit: .., map: ..}`: what of it a part takes. */
static void read_long_form(struct settings_read *r, const struct yaml_node *node, const struct part *part,
                           struct mapping_value *value) {
    const char *keys[5] = {"path"};
    size_t n = 1;
    if (part->literal)
        keys[n++] = "value";
    if (part->unit)
        keys[n++] = "unit";
    if (part->map)
        keys[n++] = "map";
    keys[n] = NULL;
    settings_known(r, node, keys);
    const struct yaml_node *path = yaml_tree_get(node, "path"), *literal = yaml_tree_get(node, "value");
    const struct yaml_node *unit = yaml_tree_get(node, "unit"), *map = yaml_tree_get(node, "map");
    if (path)
        read_path(r, path, part->name, value);
    if (part->literal && literal && (path || unit || map)) {
        settings_error(r, node, "%s is either a value or a path", part->name);
    } else if (part->literal && literal && settings_is(r, literal, YAML_TEXT, part->name)) {
        value->kind = MAPPING_LITERAL;
        value->literal = kept(r, literal->text);
    } else if (!path && !literal) {
        settings_error(r, node, "%s needs a path%s", part->name, part->literal ? " or a value" : "");
    }
    if (part->unit && unit)
        read_unit(r, unit, value);
    if (part->map && map)
        read_translations(r, map, value);
}

static void read_value(struct settings_read *r, const struct yaml_node *node, const struct part *part,
                       struct mapping_value *value) {
    if (node->kind == YAML_MAP)
        read_long_form(r, node, part, value);
    else
        read_path(r, node, part->name, value);
}

static void read_fields(struct settings_read *r, const struct yaml_node *map, struct mapping *mapping) {
    if (!settings_is(r, map, YAML_MAP, "fields"))
        return;
    if (map->n > EVENT_MAX_FIELDS) {
        settings_error(r, map, "fields has %u entries, at most %d are taken", map->n, EVENT_MAX_FIELDS);
        return;
    }
    mapping->fields = arena_take(r->arena, (map->n + 1u) * sizeof *mapping->fields);
    MUST(mapping->fields != NULL);
    for (uint32_t i = 0; i < map->n; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        char name[80];
        snprintf(name, sizeof name, "field %s", yaml_quote(pair->key).text);
        if (!pair->key.n)
            settings_error_at(r, pair, "a field has no name");
        struct mapping_field *field = &mapping->fields[mapping->n_fields++];
        *field = (struct mapping_field){.name = kept(r, pair->key)};
        read_value(r, pair->value, &(struct part){.name = name, .literal = true}, &field->value);
    }
}

static void check_literals(struct settings_read *r, const struct yaml_node *map, const struct mapping *mapping) {
    if (mapping->type.kind == MAPPING_LITERAL && !event_is_type(mapping->type.literal))
        settings_error(r, yaml_tree_get(map, "type"), "type \"%s\" is no event type (1 to 64 of a-z 0-9 _ .)",
                       yaml_quote(mapping->type.literal).text);
    struct bytes machine = mapping->machine.literal;
    if (mapping->machine.kind == MAPPING_LITERAL && !bytes_is(machine, "true") && !bytes_is(machine, "false"))
        settings_error(r, yaml_tree_get(map, "machine"), "machine \"%s\" is neither true nor false",
                       yaml_quote(machine).text);
}

static void mapping_read(struct settings_read *r, const struct yaml_node *map, struct mapping *mapping) {
    const struct {
        struct part part;
        struct mapping_value *value;
    } parts[] = {{{"lead", true, false, false, false}, &mapping->lead},
                 {{"id", true, false, false, false}, &mapping->id},
                 {{"time", true, false, true, false}, &mapping->time},
                 {{"type", true, true, false, true}, &mapping->type},
                 {{"machine", false, true, false, false}, &mapping->machine}};
    if (!settings_is(r, map, YAML_MAP, "event"))
        return;
    settings_known(r, map, (const char *const[]){"lead", "id", "time", "type", "fields", "machine", NULL});
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const struct yaml_node *node = yaml_tree_get(map, parts[i].part.name);
        if (node)
            read_value(r, node, &parts[i].part, parts[i].value);
        else if (parts[i].part.required)
            settings_error(r, map, "event needs the key %s: where the record has it", parts[i].part.name);
    }
    if (yaml_tree_get(map, "fields"))
        read_fields(r, yaml_tree_get(map, "fields"), mapping);
    check_literals(r, map, mapping);
}

/* ------------------------------------------------------------------------------------------------ a source */

static void read_id(struct settings_read *r, const struct yaml_pair *pair, struct settings_source *source) {
    static const struct param id = {.name = "a schema id", .type = PARAM_INTEGER, .min = 0, .max = INT32_MAX};
    int64_t value = 0;
    struct err e;
    const char *path = settings_path(r, pair->value, "a schema's file");
    if (!param_set(&id, &value, pair->key, r->arena, &e))
        settings_error_at(r, pair, "%s", e.words);
    else if (path)
        source->ids[source->n_ids++] = (struct settings_schema){(uint32_t)value, path};
}

static void read_ids(struct settings_read *r, const struct yaml_node *map, struct settings_source *source) {
    if (!settings_is(r, map, YAML_MAP, "ids"))
        return;
    if (map->n > SETTINGS_MAX_SCHEMAS) {
        settings_error(r, map, "ids has %u entries, at most %d are taken", map->n, SETTINGS_MAX_SCHEMAS);
        return;
    }
    source->ids = arena_take(r->arena, (map->n + 1u) * sizeof *source->ids);
    MUST(source->ids != NULL);
    for (uint32_t i = 0; i < map->n; i++)
        read_id(r, &map->pairs[i], source);
}

static void read_topic(struct settings_read *r, const struct yaml_node *map, struct settings_source *source) {
    const struct yaml_node *node = yaml_tree_get(map, "topic");
    if (!node) {
        settings_error(r, map, "a source needs the key topic");
        return;
    }
    if (!settings_is(r, node, YAML_TEXT, "topic"))
        return;
    if (!settings_is_topic(node->text))
        settings_error(r, node, "topic \"%s\" is no topic name (1 to 249 of A-Z a-z 0-9 . _ -)",
                       yaml_quote(node->text).text);
    for (size_t i = 0; i < r->settings->n_sources; i++)
        if (r->settings->sources[i].topic && bytes_is(node->text, r->settings->sources[i].topic))
            settings_error(r, node, "topic \"%s\" is a source already", yaml_quote(node->text).text);
    source->topic = settings_text(r, node, "topic");
}

static void read_schemas(struct settings_read *r, const struct yaml_node *map, struct settings_source *source) {
    const struct yaml_node *schema = yaml_tree_get(map, "schema"), *ids = yaml_tree_get(map, "ids");
    if (source->format == SETTINGS_JSON && (schema || ids))
        settings_error(r, schema ? schema : ids, "JSON records have no schema: leave %s out",
                       schema ? "schema" : "ids");
    if (schema && ids)
        settings_error(r, ids, "records of `schema` have no frame, and so no ids: give one or the other");
    if (schema)
        source->schema = settings_path(r, schema, "schema");
    if (ids)
        read_ids(r, ids, source);
}

static void read_source(struct settings_read *r, const struct yaml_node *map, struct settings_source *source) {
    static const char *const formats[] = {"avro", "json", NULL};
    static const struct param choices[] = {{.name = "format", .type = PARAM_CHOICE, .choices = formats},
                                           {.name = "trust_partition", .type = PARAM_BOOL}};
    const struct yaml_node *format = yaml_tree_get(map, "format"), *event = yaml_tree_get(map, "event");
    const struct yaml_node *trust = yaml_tree_get(map, "trust_partition");
    struct err e;
    int value = SETTINGS_AVRO;
    if (!settings_is(r, map, YAML_MAP, "a source"))
        return;
    settings_known(r, map, (const char *const[]){"topic", "format", "event", "schema", "ids", "trust_partition", NULL});
    read_topic(r, map, source);
    if (format && settings_is(r, format, YAML_TEXT, "format") &&
        !param_set(&choices[0], &value, format->text, r->arena, &e))
        settings_error(r, format, "%s", e.words);
    source->format = (enum settings_format)value;
    if (trust && settings_is(r, trust, YAML_TEXT, "trust_partition") &&
        !param_set(&choices[1], &source->trust_partition, trust->text, r->arena, &e))
        settings_error(r, trust, "%s", e.words);
    read_schemas(r, map, source);
    source->mapping.shipped = event == NULL;
    if (event)
        mapping_read(r, event, &source->mapping);
}

void settings_sources(struct settings_read *r, const struct yaml_node *list) {
    struct settings *s = r->settings;
    if (!settings_is(r, list, YAML_LIST, "sources"))
        return;
    if (!list->n || list->n > SETTINGS_MAX_SOURCES) {
        settings_error(r, list, "sources has %u entries: 1 to %d are taken", list->n, SETTINGS_MAX_SOURCES);
        return;
    }
    s->n_sources = 0; /* the key may be given twice, which was told */
    s->sources = arena_take(r->arena, list->n * sizeof *s->sources);
    MUST(s->sources != NULL);
    memset(s->sources, 0, list->n * sizeof *s->sources);
    for (uint32_t i = 0; i < list->n; i++) {
        read_source(r, list->items[i], &s->sources[i]);
        s->n_sources++;
    }
}
