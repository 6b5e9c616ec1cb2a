/* The configuration file, read: config/leadstream.yaml -> struct settings, or every error in it at once.
 *
 * Texts are zero-ended and live as long as the settings. Paths are relative to the configuration file's directory and
 * are resolved already. Secrets (`{file: PATH}`, `{env: NAME}`) are read here, and never printed. */
#ifndef LEADSTREAM_SETTINGS_H
#define LEADSTREAM_SETTINGS_H

#include "adapters/kafka_topics.h"
#include "codec/mapping.h"
#include "codec/yaml_tree.h"
#include "host/param.h"

enum { SETTINGS_MAX_SOURCES = 32, SETTINGS_MAX_SCHEMAS = 256, SETTINGS_MAX_KAFKA = 256 };

enum settings_format { SETTINGS_AVRO, SETTINGS_JSON };
enum settings_headers { SETTINGS_HEADERS_NONE, SETTINGS_HEADERS_CLOUDEVENTS };
enum settings_stop { SETTINGS_STOP_KEEP, SETTINGS_STOP_LEAVE };

/* A schema of the local id table: records framed with `id` were written with the schema in the file `path`. */
struct settings_schema {
    uint32_t id;
    const char *path;
};

struct settings_source {
    const char *topic;
    enum settings_format format;
    struct mapping mapping; /* .shipped unless `event:` is given */
    const char *schema;     /* bare Avro records of this schema file; NULL: framed or single-object */
    size_t n_ids;
    struct settings_schema *ids;
    bool trust_partition; /* do not check that a lead is in the partition that its key gives */
};

struct settings {
    const char *file;  /* the configuration file itself */
    const char *model; /* path */
    const char *generation;
    const char *app;
    const char *instance; /* default: the host's name */
    int64_t threads;
    size_t n_kafka;
    struct kafka_conf_property *kafka; /* all of `kafka:`, bootstrap.servers among them */
    struct {
        const char *url; /* NULL: no registry */
        const char *user;
        const char *password;
        const char *ca_file; /* path; NULL: what the system believes */
    } registry;
    size_t n_sources;
    struct settings_source *sources;
    struct {
        const char *scores;
        const char *sales_ready;
        const char *dead_letters;
        int format;  /* enum settings_format */
        int headers; /* enum settings_headers */
    } outputs;
    struct {
        const char *path;
        int64_t memory; /* bytes */
        int64_t lag;    /* ms */
    } store;
    struct {
        int64_t max_events;
        int64_t max_time; /* ms */
    } batch;
    struct {
        int64_t grace, idle, future; /* ms */
    } time;
    struct {
        const char *key_file; /* NULL: the hash of an erased lead's id is not keyed */
    } erasure;
    struct {
        int64_t crashes; /* at one record, after which it is set aside; 0: never */
    } poison;
    struct {
        const char *listen; /* "host:port"; NULL: no HTTP (`listen: none`) */
        const char *host;   /* its parts */
        int64_t port;
    } http;
    struct {
        int level; /* enum log_level of host/log.h */
    } log;
    bool core_files;     /* a crash may leave one: secrets and people's data would be in it */
    int64_t watchdog;    /* ms that a turn of a worker may take, besides a commit's time-outs */
    int stop;            /* enum settings_stop: what SIGTERM does with the seat in the group */
    struct arena *arena; /* owns all of the above */
};

/* Reads a configuration file. Problems (errors and warnings) are added; NULL: there was at least one error.
 * problems->file is set to the path. Variables of the environment that held secrets are gone afterwards. */
struct settings *settings_load(const char *path, struct problems *problems);
/* For `check`, which goes on to what the file names: what could be read, although there may be errors
 * (problems->errors). NULL: the file cannot be read at all. */
struct settings *settings_look(const char *path, struct problems *problems);
/* settings_load from text, and the environment stays as it is; `path` is where the text would stand. */
struct settings *settings_read(struct bytes text, const char *path, struct problems *problems);
void settings_free(struct settings **settings);

/* The properties as kafka_conf wants them, for one worker; lent from the settings. */
struct kafka_conf settings_kafka(const struct settings *settings, unsigned worker);

/* What the configuration and its model ask of the topics; lent. inputs has room for SETTINGS_MAX_SOURCES. */
struct kafka_topics_options settings_topics(const struct settings *settings, const struct model *model,
                                            const char **inputs);

/* The table of all parameters (`check --params`). */
const struct param *settings_params(size_t *n);

#endif
