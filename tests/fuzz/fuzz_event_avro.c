/* Any bytes give an event that passes the event's own checks, or a REJECT. The first byte says as what they are read:
 * each shipped schema, and a schema of everything with a mapping into it. What is read does not depend on the model. */
#include "codec/event_avro.h"
#include "codec/shipped.h"

enum { SHIPPED = 11, MAPPED = SHIPPED, WAYS = SHIPPED + 1, FIELDS = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char everything[] =
    "{\"type\":\"record\",\"name\":\"Everything\",\"fields\":["
    "{\"name\":\"next\",\"type\":[\"null\",\"Everything\"]},"
    "{\"name\":\"who\",\"type\":[\"null\",\"string\",\"long\",\"bytes\"]},"
    "{\"name\":\"list\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"double\",\"float\",\"Everything\"]}},"
    "{\"name\":\"map\",\"type\":{\"type\":\"map\","
    "\"values\":[\"null\",\"string\",{\"type\":\"array\",\"items\":\"null\"}]}},"
    "{\"name\":\"at\",\"type\":[{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"},"
    "\"string\",\"int\",\"double\"]},"
    "{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"KindType\",\"symbols\":[\"a\",\"b\"]}},"
    "{\"name\":\"bot\",\"type\":[\"null\",\"boolean\",\"string\"]},"
    "{\"name\":\"pad\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}}]}";

static const struct mapping shipped_layout = {.shipped = true};
static struct mapping mapped;
static struct mapping_field mapped_fields[FIELDS];

/* For each way of reading: the schema, and a decoder for all fields and one for none. */
static struct way {
    const struct schema *schema;
    struct event_avro *all, *none;
} ways[WAYS];
static struct schemas *set;
static struct arena *arena;

static struct mapping_value path(const char *text) {
    struct mapping_value v = {0};
    MUST(mapping_path(&v, bytes_of(text), NULL));
    return v;
}

static void set_up(void) {
    static const struct model none;
    static const char *const paths[FIELDS] = {"list[1]",      "map.key", "list[0].who",
                                              "next.list[0]", "pad",     "next.next.at"};
    set = schemas_new();
    arena = arena_new(1024 * 1024);
    MUST(n_shipped == SHIPPED);
    for (int i = 0; i < FIELDS; i++)
        mapped_fields[i] = (struct mapping_field){bytes_of(paths[i]), path(paths[i])};
    mapped = (struct mapping){.lead = path("who"), .id = path("who"), .type = path("kind"), .time = path("at"),
                              .machine = path("bot"), .n_fields = FIELDS, .fields = mapped_fields};
    for (int i = 0; i < WAYS; i++) {
        const struct mapping *mapping = i == MAPPED ? &mapped : &shipped_layout;
        ways[i].schema = schemas_add(set, i == MAPPED ? bytes_of(everything) : shipped[i].json, -1, NULL);
        MUST(ways[i].schema != NULL);
        ways[i].all = event_avro_new(mapping, NULL);
        ways[i].none = event_avro_new(mapping, &none);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!arena)
        set_up();
    if (!size)
        return 0;
    const struct way *way = &ways[data[0] < SHIPPED ? data[0] : MAPPED];
    struct bytes body = {data + 1, size - 1};
    struct event all, none;
    struct err e, e_none;
    bool ok = event_avro_decode(way->all, way->schema, body, arena, &all, &e);
    MUST(event_avro_decode(way->none, way->schema, body, arena, &none, &e_none) == ok);
    if (ok)
        MUST(event_check(&all, NULL) && none.n_fields == 0);
    else
        MUST(err_class(e.code) == ERR_CLASS_REJECT && e.code == e_none.code);
    arena_reset(arena);
    return 0;
}
