/* The table of all parameters: what `check --params` prints, and what config/leadstream.yaml is held against. */
#include "app/settings.h"
#include <leadstream/when.h>

#define AT(member) offsetof(struct settings, member)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const char *const formats[] = {"avro", "json", NULL};
static const char *const headers[] = {"none", "cloudevents", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const stops[] = {"keep", "leave", NULL};

static const struct param table[] = {
    {"model", PARAM_PATH, NULL, 0, 0, NULL, AT(model), "the model file; needed"},
    {"generation", PARAM_NAME, "g1", 0, 0, NULL, AT(generation),
     "names store, changelog and group; a new one begins anew"},
    {"app", PARAM_NAME, "leadstream", 0, 0, NULL, AT(app), "prefix of group, transactional ids and changelog"},
    {"instance", PARAM_NAME, NULL, 0, 0, NULL, AT(instance),
     "this process among others of the app; default: host name"},
    {"threads", PARAM_INTEGER, "2", 1, 64, NULL, AT(threads), "workers; each has its consumer, producer and shards"},
    {"kafka", PARAM_PART, NULL, 0, 0, NULL, 0,
     "any property of librdkafka; secrets as {file: PATH} or {env: NAME}; bootstrap.servers is needed"},
    {"registry.url", PARAM_TEXT, NULL, 0, 0, NULL, AT(registry.url),
     "Schema Registry, if there is one; several: commas"},
    {"registry.user", PARAM_LOGIN, NULL, 0, 0, NULL, AT(registry.user),
     "for basic authentication; or {file: PATH}, {env: NAME}"},
    {"registry.password", PARAM_SECRET, NULL, 0, 0, NULL, AT(registry.password), "the same: {file: PATH} or {env: NAME}"},
    {"registry.ca_file", PARAM_PATH, NULL, 0, 0, NULL, AT(registry.ca_file),
     "PEM: who may sign an https registry's certificate; default: the system's"},
    {"sources", PARAM_PART, NULL, 0, 0, NULL, 0, "the input topics, at least one, at most 32; needed"},
    {"sources[].topic", PARAM_PART, NULL, 0, 0, NULL, 0, "its name; all of them need equal partition counts"},
    {"sources[].format", PARAM_PART, "avro", 0, 0, NULL, 0, "avro or json"},
    {"sources[].event", PARAM_PART, NULL, 0, 0, NULL, 0,
     "where lead, id, time, type, fields, machine are found; default: the shipped schemas"},
    {"sources[].schema", PARAM_PART, NULL, 0, 0, NULL, 0, "a .avsc file: records are bare Avro of this schema"},
    {"sources[].ids", PARAM_PART, NULL, 0, 0, NULL, 0, "schema id -> .avsc file, where there is no registry"},
    {"sources[].trust_partition", PARAM_PART, "false", 0, 0, NULL, 0,
     "true: do not check that a lead is in the partition its key gives"},
    {"outputs.scores", PARAM_TEXT, "leadstream.scores", 0, 0, NULL, AT(outputs.scores), "topic of score changes"},
    {"outputs.sales_ready", PARAM_TEXT, "leadstream.sales-ready", 0, 0, NULL, AT(outputs.sales_ready),
     "topic of leads that are sales-ready"},
    {"outputs.dead_letters", PARAM_TEXT, "leadstream.dead-letters", 0, 0, NULL, AT(outputs.dead_letters),
     "topic of records that are no events"},
    {"outputs.format", PARAM_CHOICE, "avro", 0, 0, formats, AT(outputs.format), "of scores and sales-ready"},
    {"outputs.headers", PARAM_CHOICE, "none", 0, 0, headers, AT(outputs.headers),
     "cloudevents: CloudEvents headers, which cost as much as scoring"},
    {"store.path", PARAM_PATH, "var", 0, 0, NULL, AT(store.path), "directory of the store"},
    {"store.memory", PARAM_BYTES, "256MiB", 32 * MIB, 1024 * GIB, NULL, AT(store.memory),
     "all that store, caches and fetched records may take"},
    {"store.lag", PARAM_DURATION, "5s", 0, WHEN_HOUR, NULL, AT(store.lag), "how long changes may wait for the disk"},
    {"batch.max_events", PARAM_INTEGER, "20000", 1, 1000000, NULL, AT(batch.max_events), "of one transaction, at most"},
    {"batch.max_time", PARAM_DURATION, "100ms", 1, 5 * WHEN_SECOND, NULL, AT(batch.max_time),
     "after which it commits, however few"},
    {"time.grace", PARAM_DURATION, "5s", 0, WHEN_DAY, NULL, AT(time.grace),
     "how far timers stay behind the newest event"},
    {"time.idle", PARAM_DURATION, "1s", 0, WHEN_HOUR, NULL, AT(time.idle),
     "after all input was read, when the wall clock takes over"},
    {"time.future", PARAM_DURATION, "1d", 0, 36500 * WHEN_DAY, NULL, AT(time.future),
     "an event further past its record's timestamp is a dead letter"},
    {"erasure.key_file", PARAM_PATH, NULL, 0, 0, NULL, AT(erasure.key_file),
     "key of the hash by which erased leads are known; one for all instances"},
    {"poison.crashes", PARAM_INTEGER, "2", 0, 100, NULL, AT(poison.crashes),
     "crashes at one record (or timer), after which it is a dead letter; 0: never"},
    {"http.listen", PARAM_TEXT, "127.0.0.1:9464", 0, 0, NULL, AT(http.listen), "/metrics and /health; none: neither"},
    {"log.level", PARAM_CHOICE, "info", 0, 0, levels, AT(log.level), "what is logged on stderr"},
    {"core_files", PARAM_BOOL, "false", 0, 0, NULL, AT(core_files),
     "true: a crash may leave a core file, with secrets and people's data in it"},
    {"watchdog", PARAM_DURATION, "60s", WHEN_SECOND, WHEN_HOUR, NULL, AT(watchdog),
     "a worker that hangs for longer (and two time-outs of a transaction) ends the process"},
    {"stop", PARAM_CHOICE, "keep", 0, 0, stops, AT(stop),
     "on SIGTERM: keep the seat in the group (back within 10 s), or leave it"},
};

const struct param *settings_params(size_t *n) {
    *n = sizeof table / sizeof *table;
    return table;
}
