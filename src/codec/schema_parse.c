/* Avro schemas' JSON -> the tree of schema_tree.h, by jansson. Stands between schema.c, which keeps schemas by name,
 * and the texts of files, registries and container files, which anyone may have written: everything is bounded.
 *
 * What only matters for resolving one schema against another (defaults, aliases, docs, orders) is passed over:
 * leadstream reads bytes by the schema that wrote them, whatever it is. */
#include "base/guard.h"
#include "codec/schema_tree.h"

#include <jansson.h>
#include <stdio.h>

enum { MAX_NAMES = 1024 };

struct parser {
    struct arena *arena;
    struct err *e;
    uint32_t n_nodes;   /* nodes and members so far */
    uint32_t n_names;
    struct schema_node *names[MAX_NAMES];
    unsigned depth;
    struct bytes record, field; /* where we are, for messages */
};

/* The namespace of what is being read is always handed down. */
static struct schema_node *parse(struct parser *p, const json_t *json, struct bytes space);

static const char *const type_names[] = {"null",   "boolean", "int",  "long",  "float", "double", "bytes",
                                         "string", "record",  "enum", "fixed", "array", "map",    "union"};

const char *schema_type_name(enum schema_type type) {
    return type_names[type];
}

static const struct schema_node *parse_text(struct parser *p, struct bytes text) {
    json_error_t error;
    json_t *json = json_loadb((const char *)text.at, text.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        err_set(p->e, ERR_SCHEMA, NULL, "schema: line %d, column %d: %s", error.line, error.column, error.text);
        return NULL;
    }
    const struct schema_node *root = parse(p, json, (struct bytes){NULL, 0});
    json_decref(json);
    return root;
}

const struct schema_node *schema_parse(const struct bytes *texts, size_t n, struct arena *arena, struct err *e) {
    MUST(n > 0);
    struct parser p = {.arena = arena, .e = e};
    const struct schema_node *root = NULL;
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += texts[i].n < SCHEMA_MAX_TEXT ? texts[i].n : SCHEMA_MAX_TEXT + 1;
        if (total > SCHEMA_MAX_TEXT) {
            err_set(e, ERR_TOO_LARGE, NULL, "schema: more than %d bytes of text", SCHEMA_MAX_TEXT);
            return NULL;
        }
        root = parse_text(&p, texts[i]);
        if (!root)
            return NULL;
    }
    return root;
}

/* ---- words of failure ---- */

static void *fail(struct parser *p, enum err_code code, const char *what, struct bytes text) {
    char at[256] = "";
    if (p->record.n)
        snprintf(at, sizeof at, "record %.*s, field %.*s: ", (int)(p->record.n < 100 ? p->record.n : 100),
                 (const char *)p->record.at, (int)(p->field.n < 60 ? p->field.n : 60), (const char *)p->field.at);
    err_set(p->e, code, NULL, "schema: %s%s%s%.*s%s", at, what, text.n ? " \"" : "", (int)(text.n < 80 ? text.n : 80),
            text.n ? (const char *)text.at : "", text.n ? "\"" : "");
    return NULL;
}

static void *fail_at(struct parser *p, const char *what) {
    return fail(p, ERR_SCHEMA, what, (struct bytes){NULL, 0});
}

/* ---- pieces ---- */

static struct bytes string_of(const json_t *json) {
    return (struct bytes){(const uint8_t *)json_string_value(json), json_string_length(json)};
}

static struct bytes keep(struct parser *p, struct bytes text) {
    return (struct bytes){arena_copy(p->arena, text.at, text.n), text.n};
}

static struct schema_node *node_new(struct parser *p, enum schema_type type, size_t n_members) {
    if (n_members > SCHEMA_MAX_NODES || p->n_nodes + 1 + n_members > SCHEMA_MAX_NODES)
        return fail(p, ERR_TOO_LARGE, "more types and members than the limit", (struct bytes){NULL, 0});
    struct schema_node *node = arena_take(p->arena, sizeof *node);
    struct schema_member *members = arena_take(p->arena, n_members * sizeof *members);
    if (!node || !members)
        return fail(p, ERR_TOO_LARGE, "it needs more memory than the limit", (struct bytes){NULL, 0});
    memset(members, 0, n_members * sizeof *members);
    *node = (struct schema_node){.type = type, .number = p->n_nodes, .n = (uint32_t)n_members, .members = members};
    node->width = SCHEMA_VARIES;
    p->n_nodes += 1 + (uint32_t)n_members;
    return node;
}

/* [A-Za-z_][A-Za-z0-9_]*, more of them with dots between where `dots`. */
static bool is_name(struct bytes text, bool dots) {
    bool first = true;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.at[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (dots && c == '.' && !first)
            first = true;
        else if (letter || (!first && c >= '0' && c <= '9'))
            first = false;
        else
            return false;
    }
    return !first && text.n <= SCHEMA_MAX_NAME;
}

/* All before the last dot. */
static struct bytes space_of(struct bytes name) {
    size_t n = name.n;
    while (n > 0 && name.at[n - 1] != '.')
        n--;
    return (struct bytes){name.at, n ? n - 1 : 0};
}

/* The full name of `name` said within `space`; .at == NULL: no memory or too long. */
static struct bytes full_name(struct parser *p, struct bytes name, struct bytes space) {
    if (memchr(name.at, '.', name.n) || !space.n)
        return keep(p, name);
    size_t n = space.n + 1 + name.n;
    uint8_t *at = n <= SCHEMA_MAX_NAME ? arena_take(p->arena, n) : NULL;
    if (!at)
        return (struct bytes){NULL, 0};
    memcpy(at, space.at, space.n);
    at[space.n] = '.';
    memcpy(at + space.n + 1, name.at, name.n);
    return (struct bytes){at, n};
}

static struct schema_node *find_name(const struct parser *p, struct bytes name) {
    for (uint32_t i = 0; i < p->n_names; i++)
        if (bytes_equal(p->names[i]->name, name))
            return p->names[i];
    return NULL;
}

/* ---- types ---- */

static bool is_primitive(struct bytes name, enum schema_type *type) {
    for (*type = SCHEMA_NULL; *type <= SCHEMA_STRING; ++*type)
        if (bytes_is(name, type_names[*type]))
            return true;
    return false;
}

/* A name said in the place of a type. */
static struct schema_node *parse_name(struct parser *p, struct bytes name, struct bytes space) {
    static const uint32_t widths[] = {0, 1, SCHEMA_VARIES, SCHEMA_VARIES, 4, 8, SCHEMA_VARIES, SCHEMA_VARIES};
    enum schema_type type;
    if (is_primitive(name, &type)) {
        struct schema_node *primitive = node_new(p, type, 0);
        if (primitive)
            primitive->width = widths[type];
        return primitive;
    }
    if (!is_name(name, true))
        return fail(p, ERR_SCHEMA, "not a type:", name);
    struct bytes full = full_name(p, name, space);
    struct schema_node *node = full.at ? find_name(p, full) : NULL;
    node = node ? node : find_name(p, name);
    return node ? node : fail(p, ERR_SCHEMA, "unknown type", name);
}

static void set_logical(struct schema_node *node, const json_t *json) {
    const char *word = json_string_value(json_object_get(json, "logicalType"));
    if (!word)
        return;
    if (node->type == SCHEMA_INT && !strcmp(word, "date"))
        node->logical = SCHEMA_DAYS;
    if (node->type != SCHEMA_LONG)
        return;
    if (!strcmp(word, "timestamp-millis") || !strcmp(word, "local-timestamp-millis"))
        node->logical = SCHEMA_MILLIS;
    if (!strcmp(word, "timestamp-micros") || !strcmp(word, "local-timestamp-micros"))
        node->logical = SCHEMA_MICROS;
}

static struct schema_node *parse_union(struct parser *p, const json_t *json, struct bytes space) {
    struct schema_node *node = node_new(p, SCHEMA_UNION, json_array_size(json));
    for (uint32_t i = 0; node && i < node->n; i++) {
        const struct schema_node *branch = parse(p, json_array_get(json, i), space);
        if (!branch)
            return NULL;
        if (branch->type == SCHEMA_UNION)
            return fail_at(p, "a union in a union");
        for (uint32_t j = 0; j < i; j++) {
            const struct schema_node *other = node->members[j].type;
            if (other->type == branch->type && bytes_equal(other->name, branch->name))
                return fail(p, ERR_SCHEMA, "a union has a branch twice:",
                            branch->name.n ? branch->name : bytes_of(schema_type_name(branch->type)));
        }
        node->members[i].type = branch;
    }
    return node;
}

static struct schema_node *parse_items(struct parser *p, const json_t *json, enum schema_type type,
                                       struct bytes space) {
    const char *key = type == SCHEMA_ARRAY ? "items" : "values";
    const json_t *items = json_object_get(json, key);
    if (!items)
        return fail(p, ERR_SCHEMA, type == SCHEMA_ARRAY ? "an array without" : "a map without", bytes_of(key));
    struct schema_node *node = node_new(p, type, 1);
    if (node)
        node->members[0].type = parse(p, items, space);
    return node && node->members[0].type ? node : NULL;
}

/* A new record, enum or fixed under its full name, not yet filled. */
static struct schema_node *define(struct parser *p, const json_t *json, enum schema_type type, size_t n_members,
                                  struct bytes space) {
    struct bytes name = string_of(json_object_get(json, "name"));
    if (!is_name(name, true))
        return fail(p, ERR_SCHEMA, "a record, enum or fixed without a good name:", name);
    const json_t *own = json_object_get(json, "namespace");
    struct bytes said = json_is_string(own) ? string_of(own) : space;
    if (said.n && !is_name(said, true))
        return fail(p, ERR_SCHEMA, "not a namespace:", said);
    struct schema_node *node = node_new(p, type, n_members);
    if (!node)
        return NULL;
    node->name = full_name(p, name, said);
    if (!node->name.at)
        return fail(p, ERR_SCHEMA, "a name that is too long:", name);
    if (find_name(p, node->name))
        return fail(p, ERR_SCHEMA, "a name defined twice:", node->name);
    if (p->n_names == MAX_NAMES)
        return fail(p, ERR_TOO_LARGE, "more named types than the limit", (struct bytes){NULL, 0});
    p->names[p->n_names++] = node;
    return node;
}

static bool name_twice(const struct schema_node *node, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (bytes_equal(node->members[i].name, node->members[n].name))
            return true;
    return false;
}

static bool parse_field(struct parser *p, const json_t *json, struct schema_node *record, uint32_t i) {
    struct schema_member *member = &record->members[i];
    struct bytes name = string_of(json_object_get(json, "name"));
    struct bytes outer_record = p->record, outer_field = p->field;
    p->record = record->name;
    p->field = name;
    if (!is_name(name, false) || !json_object_get(json, "type"))
        return fail_at(p, "a field needs a good name and a type"), false;
    member->name = keep(p, name);
    if (!member->name.at || name_twice(record, i))
        return fail_at(p, "a field that is there twice"), false;
    member->type = parse(p, json_object_get(json, "type"), space_of(record->name));
    p->record = outer_record;
    p->field = outer_field;
    return member->type != NULL;
}

static struct schema_node *parse_record(struct parser *p, const json_t *json, struct bytes space) {
    const json_t *fields = json_object_get(json, "fields");
    if (!json_is_array(fields))
        return fail(p, ERR_SCHEMA, "a record without", bytes_of("fields"));
    struct schema_node *node = define(p, json, SCHEMA_RECORD, json_array_size(fields), space);
    uint64_t width = 0;
    for (uint32_t i = 0; node && i < node->n; i++) {
        if (!parse_field(p, json_array_get(fields, i), node, i))
            return NULL;
        uint32_t more = node->members[i].type->width;
        width = more == SCHEMA_VARIES || width == SCHEMA_VARIES ? SCHEMA_VARIES : width + more;
        width = width > SCHEMA_VARIES ? SCHEMA_VARIES - 1 : width;
    }
    if (node)
        node->width = (uint32_t)width;
    return node;
}

static struct schema_node *parse_enum(struct parser *p, const json_t *json, struct bytes space) {
    const json_t *symbols = json_object_get(json, "symbols");
    if (!json_is_array(symbols))
        return fail(p, ERR_SCHEMA, "an enum without", bytes_of("symbols"));
    struct schema_node *node = define(p, json, SCHEMA_ENUM, json_array_size(symbols), space);
    for (uint32_t i = 0; node && i < node->n; i++) {
        struct bytes symbol = string_of(json_array_get(symbols, i));
        if (!is_name(symbol, false))
            return fail(p, ERR_SCHEMA, "not a symbol of an enum:", symbol);
        node->members[i].name = keep(p, symbol);
        if (!node->members[i].name.at || name_twice(node, i))
            return fail(p, ERR_SCHEMA, "a symbol that is there twice:", symbol);
    }
    return node;
}

static struct schema_node *parse_fixed(struct parser *p, const json_t *json, struct bytes space) {
    const json_t *size = json_object_get(json, "size");
    json_int_t n = json_integer_value(size);
    if (!json_is_integer(size) || n < 0 || n > SCHEMA_MAX_FIXED)
        return fail_at(p, "a fixed without a size from 0 to 1048576");
    struct schema_node *node = define(p, json, SCHEMA_FIXED, 0, space);
    if (node)
        node->n = node->width = (uint32_t)n;
    return node;
}

/* {"type": ..}: what it says, or a name or schema once more in braces. */
static struct schema_node *parse_object(struct parser *p, const json_t *json, struct bytes space) {
    const json_t *type = json_object_get(json, "type");
    struct bytes word = string_of(type);
    if (!json_is_string(type))
        return type ? parse(p, type, space) : fail_at(p, "an object without \"type\"");
    if (bytes_is(word, "record") || bytes_is(word, "error"))
        return parse_record(p, json, space);
    if (bytes_is(word, "enum"))
        return parse_enum(p, json, space);
    if (bytes_is(word, "fixed"))
        return parse_fixed(p, json, space);
    if (bytes_is(word, "array") || bytes_is(word, "map"))
        return parse_items(p, json, bytes_is(word, "map") ? SCHEMA_MAP : SCHEMA_ARRAY, space);
    struct schema_node *node = parse_name(p, word, space);
    if (node && !node->name.n)
        set_logical(node, json);
    return node;
}

static struct schema_node *parse(struct parser *p, const json_t *json, struct bytes space) {
    if (GUARD(schema_depth) && p->depth == SCHEMA_MAX_DEPTH)
        return fail(p, ERR_TOO_LARGE, "types nested deeper than the limit", (struct bytes){NULL, 0});
    p->depth++;
    struct schema_node *node;
    if (json_is_string(json))
        node = parse_name(p, string_of(json), space);
    else if (json_is_array(json))
        node = parse_union(p, json, space);
    else if (json_is_object(json))
        node = parse_object(p, json, space);
    else
        node = fail_at(p, "a type is a name, an object or a list");
    p->depth--;
    return node;
}
