/* What it costs to make an event of an Avro record of 200 bytes: with the shipped schema and a model that asks about
 * two fields, with all fields, and by a mapping that names what it wants. CPU time of one core, the best of five
 * rounds. Beside it, as a measure of the machine: avro-c reading the same records into a generic value that is used
 * again. */
#include "codec/event_avro.h"
#include "codec/shipped.h"

#include <avro.h>
#include <stdio.h>
#include <time.h>

enum { RECORDS = 1000, ROUNDS = 5, TIMES = 300 };

static uint8_t room[RECORDS * 256];
static struct bytes records[RECORDS];

static void put_text(struct writer *w, const char *text) {
    writer_zigzag(w, (int64_t)strlen(text));
    writer_bytes(w, text, strlen(text));
}

static void put_optional(struct writer *w, const char *text) {
    writer_zigzag(w, text != NULL);
    if (text)
        put_text(w, text);
}

static void put_email(struct writer *w, int number) {
    char lead[32], id[40];
    snprintf(lead, sizeof lead, "lead-%08d", number * 7919 % 100000);
    snprintf(id, sizeof id, "9f86d081-884c-4d65-9a2f-%012d", number);
    put_text(w, lead);
    put_text(w, id);
    writer_zigzag(w, INT64_C(1795341600000) + number * 1000);
    writer_zigzag(w, number % 9);
    writer_u8(w, 0);
    put_optional(w, "autumn-launch");
    put_optional(w, "<20261122.1000@mail.example>");
    put_optional(w, "Your trial ends soon");
    put_optional(w, "https://acme.example/pricing?plan=team");
    put_optional(w, NULL);
    put_optional(w, NULL);
    writer_zigzag(w, 2);
    put_text(w, "list");
    put_optional(w, "newsletter");
    put_text(w, "variant");
    put_optional(w, "B");
    writer_zigzag(w, 0);
}

static double cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(const char *what, const struct mapping *mapping, const struct model *model,
                    const struct schema *schema) {
    struct event_avro *avro = event_avro_new(mapping, model);
    struct arena *arena = arena_new(16 * 1024 * 1024);
    double best = 1e18;
    uint64_t fields = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_ns();
        for (int i = 0; i < TIMES; i++) {
            arena_reset(arena);
            for (int j = 0; j < RECORDS; j++) {
                struct event event;
                struct err e;
                MUST(event_avro_decode(avro, schema, records[j], arena, &event, &e));
                fields += event.n_fields;
            }
        }
        double each = (cpu_ns() - start) / (TIMES * RECORDS);
        best = each < best ? each : best;
    }
    printf("%-44s %6.1f ns an event, %.1f fields\n", what, best, (double)fields / (ROUNDS * TIMES * RECORDS));
    arena_free(&arena);
    event_avro_free(&avro);
}

static void measure_avro_c(struct bytes json) {
    avro_schema_t schema;
    avro_value_t value;
    MUST(avro_schema_from_json_length((const char *)json.at, json.n, &schema) == 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    MUST(avro_generic_value_new(iface, &value) == 0);
    double start = cpu_ns();
    for (int i = 0; i < TIMES / 10; i++) {
        for (int j = 0; j < RECORDS; j++) {
            avro_reader_t reader = avro_reader_memory((const char *)records[j].at, (int64_t)records[j].n);
            MUST(avro_value_read(reader, &value) == 0);
            avro_reader_free(reader);
        }
    }
    printf("%-44s %6.1f ns an event\n", "avro-c, into a generic value", (cpu_ns() - start) / (TIMES / 10 * RECORDS));
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
}

static struct mapping_value path(const char *text) {
    struct mapping_value v = {0};
    MUST(mapping_path(&v, bytes_of(text), NULL));
    return v;
}

int main(void) {
    struct writer w = writer_of(room, sizeof room);
    for (int i = 0; i < RECORDS; i++) {
        const uint8_t *at = w.at;
        put_email(&w, i);
        records[i] = (struct bytes){at, (size_t)(w.at - at)};
    }
    MUST(w.ok);
    struct schemas *set = schemas_new();
    size_t email = 0;
    while (strcmp(shipped[email].name, "EmailEvent"))
        email++;
    const struct schema *schema = schemas_add(set, shipped[email].json, -1, NULL);
    struct bytes asked[] = {bytes_of("campaign"), bytes_of("url")};
    struct model model = {.n_fields = 2, .fields = asked};
    struct mapping line = {.shipped = true};
    struct mapping_translation translations[] = {{bytes_of("sent"), bytes_of("email.sent")},
                                                 {bytes_of("delivered"), bytes_of("email.delivered")},
                                                 {bytes_of("opened"), bytes_of("email.opened")},
                                                 {bytes_of("clicked"), bytes_of("email.clicked")},
                                                 {bytes_of("replied"), bytes_of("email.replied")},
                                                 {bytes_of("forwarded"), bytes_of("email.forwarded")},
                                                 {bytes_of("bounced"), bytes_of("email.bounced")},
                                                 {bytes_of("complained"), bytes_of("email.complained")},
                                                 {bytes_of("unsubscribed"), bytes_of("email.unsubscribed")}};
    struct mapping_field fields[] = {{bytes_of("campaign"), path("campaign")}, {bytes_of("url"), path("url")}};
    struct mapping mapping = {.lead = path("lead"), .id = path("id"), .time = path("time"), .type = path("type"),
                              .n_fields = 2, .fields = fields};
    mapping.type.n_translations = 9;
    mapping.type.translations = translations;
    printf("records of %zu bytes\n", records[0].n);
    measure("shipped schema, a model that asks about 2", &line, &model, schema);
    measure("shipped schema, all fields", &line, NULL, schema);
    measure("a mapping, 2 fields, 9 types translated", &mapping, &model, schema);
    measure_avro_c(shipped[email].json);
    schemas_free(&set);
    return 0;
}
