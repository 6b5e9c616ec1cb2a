/* A schema's parsing canonical form and its fingerprint, as the Avro specification defines them: full names, no
 * namespaces, no white space, only the keys that say how bytes are laid out, in a fixed order. */
#include "codec/schema_tree.h"

struct printer {
    struct writer *w;
    bool full;
    bool done[SCHEMA_MAX_NODES]; /* by node: the named type was printed; from then on its name is enough */
};

static void print_node(struct printer *p, const struct schema_node *node);

void schema_print(struct writer *w, const struct schema_node *root, bool full) {
    struct printer p = {w, full, {false}};
    print_node(&p, root);
}

uint64_t schema_crc(struct bytes text) {
    const uint64_t empty = UINT64_C(0xc15d213aa4d7a795);
    uint64_t crc = empty;
    for (size_t i = 0; i < text.n; i++) {
        crc ^= text.at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (empty & (~(crc & 1) + 1));
    }
    return crc;
}

static void put(struct printer *p, const char *text) {
    writer_bytes(p->w, text, strlen(text));
}

static void put_quoted(struct printer *p, struct bytes text) {
    put(p, "\"");
    writer_bytes(p->w, text.at, text.n);
    put(p, "\"");
}

static void put_number(struct printer *p, uint32_t number) {
    char text[12];
    size_t at = sizeof text;
    do
        text[--at] = (char)('0' + number % 10);
    while (number /= 10);
    writer_bytes(p->w, text + at, sizeof text - at);
}

static void print_fields(struct printer *p, const struct schema_node *node) {
    put(p, ",\"fields\":[");
    for (uint32_t i = 0; i < node->n; i++) {
        put(p, i ? ",{\"name\":" : "{\"name\":");
        put_quoted(p, node->members[i].name);
        put(p, ",\"type\":");
        print_node(p, node->members[i].type);
        put(p, "}");
    }
    put(p, "]");
}

static void print_symbols(struct printer *p, const struct schema_node *node) {
    put(p, ",\"symbols\":[");
    for (uint32_t i = 0; i < node->n; i++) {
        put(p, i ? "," : "");
        put_quoted(p, node->members[i].name);
    }
    put(p, "]");
}

static void print_named(struct printer *p, const struct schema_node *node) {
    if (p->done[node->number]) {
        put_quoted(p, node->name);
        return;
    }
    p->done[node->number] = true;
    put(p, "{\"name\":");
    put_quoted(p, node->name);
    put(p, ",\"type\":");
    put_quoted(p, bytes_of(schema_type_name(node->type)));
    if (node->type == SCHEMA_RECORD)
        print_fields(p, node);
    else if (node->type == SCHEMA_ENUM)
        print_symbols(p, node);
    else {
        put(p, ",\"size\":");
        put_number(p, node->n);
    }
    put(p, "}");
}

static void print_union(struct printer *p, const struct schema_node *node) {
    put(p, "[");
    for (uint32_t i = 0; i < node->n; i++) {
        put(p, i ? "," : "");
        print_node(p, node->members[i].type);
    }
    put(p, "]");
}

static void print_primitive(struct printer *p, const struct schema_node *node) {
    static const char *const logical[] = {"", "/ms", "/us", "/days"};
    put(p, "\"");
    put(p, schema_type_name(node->type));
    put(p, p->full ? logical[node->logical] : "");
    put(p, "\"");
}

static void print_node(struct printer *p, const struct schema_node *node) {
    switch (node->type) {
    case SCHEMA_RECORD:
    case SCHEMA_ENUM:
    case SCHEMA_FIXED: print_named(p, node); return;
    case SCHEMA_UNION: print_union(p, node); return;
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        put(p, node->type == SCHEMA_ARRAY ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
        print_node(p, node->members[0].type);
        put(p, "}");
        return;
    case SCHEMA_NULL:
    case SCHEMA_BOOLEAN:
    case SCHEMA_INT:
    case SCHEMA_LONG:
    case SCHEMA_FLOAT:
    case SCHEMA_DOUBLE:
    case SCHEMA_BYTES:
    case SCHEMA_STRING: print_primitive(p, node); return;
    }
}
