/* The files that a configuration names. A mapping is tried on a schema by giving a decoder a record that is none: it
 * then says whether it was the schema that did not fit, or only the record. */
#include "app/check_files.h"

#include "adapters/erasure.h"
#include "adapters/kafka_files.h"
#include "adapters/registry.h"
#include "app/schema_files.h"
#include "codec/decoder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static size_t say(const struct settings *settings, const char *source, const struct err *e, FILE *to) {
    fprintf(to, "%s: ", settings->file);
    if (source)
        fprintf(to, "source \"%s\": ", source);
    fprintf(to, "%s%s%s\n", e->where, *e->where ? ": " : "", e->words);
    return 1;
}

static bool fits(const struct mapping *mapping, struct schemas *schemas, const struct schema *schema, struct err *e) {
    struct arena *arena = arena_new((size_t)1 << 20);
    struct decoder_options options = {
        .format = DECODER_AVRO_BARE, .mapping = mapping, .schemas = schemas, .bare = schema};
    struct decoder *decoder = decoder_new(&options);
    struct event event;
    uint32_t index = 0;
    *e = (struct err){.code = ERR_NONE};
    if (decoder_start(decoder, (struct bytes){(const uint8_t *)"\xff", 1}, arena, e))
        (void)decoder_next(decoder, &event, &index, e);
    decoder_free(&decoder);
    arena_free(&arena);
    return e->code != ERR_SCHEMA;
}

static size_t check_schema(const struct settings *settings, const struct settings_source *source,
                           const struct settings_schema *file, FILE *to) {
    struct err e;
    struct schemas *schemas = schemas_new();
    const struct schema *schema = schema_files_add(schemas, file->path, -1, &e);
    bool good = schema && fits(&source->mapping, schemas, schema, &e);
    if (schema && !good)
        snprintf(e.where, sizeof e.where, "%s", file->path);
    size_t errors = good ? 0 : say(settings, source->topic, &e, to);
    schemas_free(&schemas);
    return errors;
}

/* All that are missing are told; only where none is they are tried together. */
static size_t check_kafka(const struct settings *settings, FILE *to) {
    struct err e;
    size_t errors = 0;
    for (size_t i = 0; i < settings->n_kafka; i++)
        if (!kafka_files_look(&settings->kafka[i], &e))
            errors += say(settings, NULL, &e, to);
    const struct kafka_conf conf = settings_kafka(settings, 0);
    if (!errors && (!kafka_files_try(&conf, &e) || !kafka_files_agree(&conf, &e)))
        errors += say(settings, NULL, &e, to);
    return errors;
}

static bool opens(const char *path, const char *what, struct err *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_CONFIG, path, "%s cannot be read: %s", what, strerror(errno));
    close(fd);
    return true;
}

/* Nothing is asked of the registry: only whether its address is one, and whom to believe is there to be read. */
static size_t check_registry(const struct settings *settings, FILE *to) {
    struct err e;
    const struct registry_options options = {.url = settings->registry.url};
    struct schemas *schemas = schemas_new();
    struct registry *registry = registry_new(&options, schemas, &e);
    size_t errors = registry ? 0 : say(settings, NULL, &e, to);
    if (settings->registry.ca_file && !opens(settings->registry.ca_file, "registry.ca_file", &e))
        errors += say(settings, NULL, &e, to);
    registry_free(&registry);
    schemas_free(&schemas);
    return errors;
}

size_t check_files(const struct settings *settings, FILE *to) {
    size_t errors = check_kafka(settings, to);
    for (size_t i = 0; i < settings->n_sources; i++) {
        const struct settings_source *source = &settings->sources[i];
        if (source->schema)
            errors += check_schema(settings, source, &(struct settings_schema){0, source->schema}, to);
        for (size_t j = 0; j < source->n_ids; j++)
            errors += check_schema(settings, source, &source->ids[j], to);
    }
    if (settings->registry.url)
        errors += check_registry(settings, to);
    struct err e;
    struct erasure *erasure = erasure_new(settings->erasure.key_file, &e);
    if (!erasure)
        errors += say(settings, NULL, &e, to);
    erasure_free(&erasure);
    return errors;
}
