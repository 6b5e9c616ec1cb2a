/* Any bytes give an event that passes the event's own checks, or a REJECT. The first byte says as what they are read:
 * each shipped schema, and a schema of everything with a mapping into it. What is read does not depend on the model. */
#include "codec/event_avro.h"
#include "codec/shipped.h"

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

static struct mapping_value path(const char *text) {
    struct mapping_value v = {0};
    MUST(mapping_path(&v, bytes_of(text), NULL));
    return v;
}

static void try(const struct mapping *mapping, const struct schema *schema, struct bytes body) {
    static struct arena *arena;
    static const struct model none;
    struct event_avro *avro[2];
    struct event events[2];
    struct err e[2];
    bool ok[2];
    if (!arena)
        arena = arena_new(1024 * 1024);
    for (int i = 0; i < 2; i++) {
        avro[i] = event_avro_new(mapping, i ? &none : NULL);
        ok[i] = event_avro_decode(avro[i], schema, body, arena, &events[i], &e[i]);
    }
    MUST(ok[0] == ok[1]);
    if (ok[0])
        MUST(event_check(&events[0], NULL) && events[1].n_fields == 0);
    else
        MUST(err_class(e[0].code) == ERR_CLASS_REJECT && e[0].code == e[1].code);
    event_avro_free(&avro[0]);
    event_avro_free(&avro[1]);
    arena_reset(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct schemas *set;
    static const struct schema *schema;
    if (!set) {
        set = schemas_new();
        schema = schemas_add(set, bytes_of(everything), -1, NULL);
        MUST(schema != NULL);
    }
    if (!size)
        return 0;
    struct bytes body = {data + 1, size - 1};
    const struct mapping shipped_layout = {.shipped = true};
    if (data[0] < n_shipped) {
        try(&shipped_layout, schemas_add(set, shipped[data[0]].json, -1, NULL), body);
        return 0;
    }
    struct mapping_field fields[] = {{bytes_of("a"), path("list[1]")},      {bytes_of("b"), path("map.key")},
                                     {bytes_of("c"), path("list[0].who")}, {bytes_of("d"), path("next.list[0]")},
                                     {bytes_of("e"), path("pad")},         {bytes_of("f"), path("next.next.at")}};
    struct mapping mapping = {.lead = path("who"), .id = path("who"), .type = path("kind"), .time = path("at"),
                              .machine = path("bot"), .n_fields = 6, .fields = fields};
    try(&mapping, schema, body);
    return 0;
}
