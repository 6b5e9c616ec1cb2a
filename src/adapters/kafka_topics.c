/* What each topic must be, by its role:
 *
 *   input         there, all with the same number of partitions (a shard is that number)
 *   changelog     as many partitions as the inputs; compacted only: retention by time would lose leads
 *   scores        compacted, not before 7 days: who follows sees every change, who comes later the last of every lead
 *   sales-ready, dead-letters   kept by time
 *
 * A topic that is written to must take the largest record of the model, and a whole batch of the producer: the broker
 * holds max.message.bytes against the batch. */
#include "adapters/kafka_topics.h"

#include "adapters/kafka_admin.h"
#include "host/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DAY INT64_C(86400000)

enum {
    MAX_TOPICS = ENGINE_MAX_TOPICS + 4,
    PARTITIONS = 8,       /* of topics made where no input tells */
    OVERHEAD = 1024,      /* bytes of a record and its batch besides key and value; keys are a few hundred */
    BROKER_MAX = 1048588, /* Kafka's default of max.message.bytes */
    BATCH = 1000000,      /* librdkafka's default of batch.size */
    SEEN_WAIT = 10000     /* ms until a topic just made is to be seen */
};

struct kafka_topics {
    struct kafka_topics_options options;
    struct kafka_client client;
    char cluster[64];
    char changelog[KAFKA_CONF_NAME];
    size_t n;
    struct kafka_admin_topic seen[MAX_TOPICS];
    struct kafka_topics_row rows[MAX_TOPICS];
    uint32_t partitions; /* of the inputs; of those to be made */
    const char *measure; /* the topic that says so, NULL: none is there */
};

/* ---- sizes ---- */

static size_t largest_record(const struct kafka_topics_options *o) {
    size_t largest = o->worst_value > o->worst_output ? o->worst_value : o->worst_output;
    return largest + OVERHEAD;
}

static int64_t number_of(const struct kafka_conf *conf, const char *name, int64_t fallback) {
    const char *text = kafka_conf_get(conf, name, NULL);
    return text ? strtoll(text, NULL, 10) : fallback;
}

/* What a topic's max.message.bytes must be at least, given its largest record. */
static int64_t room_needed(const struct kafka_topics_options *o, size_t record) {
    int64_t batch = number_of(&o->conf, "batch.size", BATCH);
    int64_t message = number_of(&o->conf, "message.max.bytes", KAFKA_CONF_MESSAGE_MAX);
    int64_t whole = batch < message ? batch : message;
    return (int64_t)record + OVERHEAD > whole ? (int64_t)record + OVERHEAD : whole;
}

static size_t record_of(const struct kafka_topics_options *o, enum kafka_topics_role role) {
    switch (role) {
    case KAFKA_TOPICS_CHANGELOG: return o->worst_value;
    case KAFKA_TOPICS_SCORES:
    case KAFKA_TOPICS_SALES_READY: return o->worst_output;
    case KAFKA_TOPICS_INPUT:
    case KAFKA_TOPICS_DEAD_LETTERS: break;
    }
    return 0;
}

/* ---- judging ---- */

static void judge(struct kafka_topics_row *row, enum kafka_topics_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The worst that is found stands. */
static void judge(struct kafka_topics_row *row, enum kafka_topics_state state, const char *format, ...) {
    if (row->state >= state)
        return;
    row->state = state;
    va_list args;
    va_start(args, format);
    vsnprintf(row->words, sizeof row->words, format, args);
    va_end(args);
}

static void judge_partitions(const struct kafka_topics *topics, const struct kafka_admin_topic *seen,
                             struct kafka_topics_row *row) {
    if (seen->partitions == topics->partitions || !topics->measure)
        return;
    if (row->role == KAFKA_TOPICS_INPUT)
        judge(row, KAFKA_TOPICS_WRONG,
              "has %" PRIu32 " partitions, but %s has %" PRIu32
              ": a lead's events would be in different shards; give all "
              "source topics the same number",
              seen->partitions, topics->measure, topics->partitions);
    else if (row->role == KAFKA_TOPICS_CHANGELOG)
        judge(row, KAFKA_TOPICS_WRONG,
              "has %" PRIu32 " partitions, but the sources have %" PRIu32
              ": use a new `generation:` and make its changelog with `leadstream topics --create`; if it is the sources "
              "that grew, copy them to new topics first, since older events of a lead are where they were",
              seen->partitions, topics->partitions);
    else if (row->role == KAFKA_TOPICS_DEAD_LETTERS && seen->partitions < topics->partitions)
        judge(row, KAFKA_TOPICS_DIFFERS,
              "has fewer partitions than the sources: letters go to other partitions than "
              "their records came from");
}

static void judge_cleanup(const struct kafka_admin_topic *seen, struct kafka_topics_row *row) {
    bool compacts = strstr(seen->cleanup, "compact") != NULL, deletes = strstr(seen->cleanup, "delete") != NULL;
    switch (row->role) {
    case KAFKA_TOPICS_CHANGELOG:
        if (!compacts || deletes)
            judge(row, KAFKA_TOPICS_WRONG,
                  "has cleanup.policy=%s: leads that stay quiet would be lost; set it to compact", seen->cleanup);
        break;
    case KAFKA_TOPICS_SCORES:
        if (!compacts || deletes)
            judge(row, KAFKA_TOPICS_DIFFERS,
                  "has cleanup.policy=%s: who comes later does not find every lead's last score; "
                  "compact is meant",
                  seen->cleanup);
        else if (seen->compaction_lag < 7 * DAY)
            judge(row, KAFKA_TOPICS_DIFFERS,
                  "has min.compaction.lag.ms=%" PRId64 ": who follows may miss changes; %" PRId64 " (7 days) is meant",
                  seen->compaction_lag, 7 * DAY);
        break;
    case KAFKA_TOPICS_INPUT:
        if (compacts)
            judge(row, KAFKA_TOPICS_DIFFERS,
                  "is compacted: events of a lead are removed, so that a replay gives other scores");
        break;
    case KAFKA_TOPICS_SALES_READY:
    case KAFKA_TOPICS_DEAD_LETTERS:
        if (compacts)
            judge(row, KAFKA_TOPICS_DIFFERS, "is compacted: earlier records of a key are removed; delete is meant");
        break;
    }
}

static void judge_size(const struct kafka_topics *topics, const struct kafka_admin_topic *seen,
                       struct kafka_topics_row *row) {
    if (row->role == KAFKA_TOPICS_INPUT)
        return;
    int64_t needed = room_needed(&topics->options, record_of(&topics->options, row->role));
    if (seen->max_message < needed)
        judge(row, KAFKA_TOPICS_WRONG,
              "has max.message.bytes=%" PRId64
              ", but the model's largest record or a batch of the producer takes %" PRId64
              ": raise it (or lower kafka: batch.size)",
              seen->max_message, needed);
    for (size_t i = 0; row->role == KAFKA_TOPICS_DEAD_LETTERS && i < topics->options.n_inputs; i++)
        if (topics->seen[i].configured && topics->seen[i].max_message > seen->max_message)
            judge(row, KAFKA_TOPICS_DIFFERS,
                  "has max.message.bytes=%" PRId64 ", less than %s: large dead letters are cut", seen->max_message,
                  topics->seen[i].name);
}

/* ---- what a topic is to be ---- */

static void plan_add(struct kafka_admin_setting **at, const char *name, int64_t number, const char *text) {
    (*at)->name = name;
    if (text)
        snprintf((*at)->value, sizeof(*at)->value, "%s", text);
    else
        snprintf((*at)->value, sizeof(*at)->value, "%" PRId64, number);
    (*at)++;
}

static void plan(const struct kafka_topics *topics, enum kafka_topics_role role, struct kafka_admin_setting *settings) {
    int64_t needed = room_needed(&topics->options, record_of(&topics->options, role));
    bool compacts = role == KAFKA_TOPICS_CHANGELOG || role == KAFKA_TOPICS_SCORES;
    if (role != KAFKA_TOPICS_INPUT)
        plan_add(&settings, "cleanup.policy", 0, compacts ? "compact" : "delete");
    if (role == KAFKA_TOPICS_SCORES)
        plan_add(&settings, "min.compaction.lag.ms", 7 * DAY, NULL);
    if (role == KAFKA_TOPICS_CHANGELOG)
        plan_add(&settings, "delete.retention.ms", 7 * DAY, NULL);
    if (role == KAFKA_TOPICS_SALES_READY || role == KAFKA_TOPICS_DEAD_LETTERS)
        plan_add(&settings, "retention.ms", 30 * DAY, NULL);
    if (role == KAFKA_TOPICS_DEAD_LETTERS)
        for (size_t i = 0; i < topics->options.n_inputs; i++)
            if (topics->seen[i].max_message + OVERHEAD > needed && topics->seen[i].max_message > BROKER_MAX)
                needed = topics->seen[i].max_message + OVERHEAD;
    if (role != KAFKA_TOPICS_INPUT && needed > BROKER_MAX)
        plan_add(&settings, "max.message.bytes", needed, NULL);
    settings->name = NULL;
}

static void describe(const struct kafka_topics *topics, const struct kafka_admin_topic *seen,
                     struct kafka_topics_row *row) {
    int n = 0;
    struct kafka_admin_setting settings[8];
    row->settings[0] = 0;
    if (!seen->exists) {
        plan(topics, row->role, settings);
        for (const struct kafka_admin_setting *s = settings; s->name && n < (int)sizeof row->settings; s++)
            n += snprintf(row->settings + n, sizeof row->settings - (size_t)n, "%s%s=%s", n ? " " : "", s->name,
                          s->value);
    } else if (seen->configured) {
        n = snprintf(row->settings, sizeof row->settings, "cleanup.policy=%s", seen->cleanup);
        if (strstr(seen->cleanup, "delete"))
            n += snprintf(row->settings + n, sizeof row->settings - (size_t)n, " retention.ms=%" PRId64,
                          seen->retention);
        else
            n += snprintf(row->settings + n, sizeof row->settings - (size_t)n,
                          " min.compaction.lag.ms=%" PRId64 " delete.retention.ms=%" PRId64, seen->compaction_lag,
                          seen->delete_retention);
        snprintf(row->settings + n, sizeof row->settings - (size_t)n, " max.message.bytes=%" PRId64, seen->max_message);
    }
}

static void judge_row(struct kafka_topics *topics, size_t i) {
    const struct kafka_admin_topic *seen = &topics->seen[i];
    struct kafka_topics_row *row = &topics->rows[i];
    row->state = KAFKA_TOPICS_GOOD;
    row->words[0] = 0;
    row->partitions = seen->exists ? seen->partitions : topics->partitions;
    if (!seen->exists)
        judge(row, KAFKA_TOPICS_MISSING, "does not exist: `leadstream topics --create` makes it");
    else
        judge_partitions(topics, seen, row);
    if (seen->configured) {
        judge_cleanup(seen, row);
        judge_size(topics, seen, row);
    }
    describe(topics, seen, row);
}

/* ---- looking and making ---- */

static void add_row(struct kafka_topics *topics, enum kafka_topics_role role, const char *name) {
    topics->seen[topics->n].name = name;
    topics->rows[topics->n].role = role;
    topics->rows[topics->n++].name = name;
}

/* The first input that is there says how many partitions all are to have; without any, the changelog does. */
static void measure(struct kafka_topics *topics) {
    const struct kafka_topics_options *o = &topics->options;
    topics->measure = NULL;
    topics->partitions = o->partitions ? o->partitions : PARTITIONS;
    for (size_t i = 0; !topics->measure && i < topics->n; i++) {
        bool tells = topics->rows[i].role == KAFKA_TOPICS_INPUT || topics->rows[i].role == KAFKA_TOPICS_CHANGELOG;
        if (tells && topics->seen[i].exists) {
            topics->partitions = topics->seen[i].partitions;
            topics->measure = topics->seen[i].name;
        }
    }
}

static bool look(struct kafka_topics *topics, struct err *e) {
    if (!kafka_admin_look(&topics->client, topics->seen, topics->n, e))
        return false;
    measure(topics);
    for (size_t i = 0; i < topics->n; i++)
        judge_row(topics, i);
    return true;
}

struct kafka_topics *kafka_topics_look(const struct kafka_topics_options *options, struct err *e) {
    MUST(options->n_inputs <= ENGINE_MAX_TOPICS);
    struct kafka_topics *topics = calloc(1, sizeof *topics);
    MUST(topics);
    topics->options = *options;
    for (size_t i = 0; i < options->n_inputs; i++)
        add_row(topics, KAFKA_TOPICS_INPUT, options->inputs[i]);
    add_row(topics, KAFKA_TOPICS_CHANGELOG, kafka_conf_changelog(&options->conf, topics->changelog));
    add_row(topics, KAFKA_TOPICS_SCORES, options->scores);
    add_row(topics, KAFKA_TOPICS_SALES_READY, options->sales_ready);
    add_row(topics, KAFKA_TOPICS_DEAD_LETTERS, options->dead_letters);
    if (!kafka_admin_open(&topics->client, &topics->options.conf, e) ||
        !kafka_admin_cluster(&topics->client, topics->cluster, sizeof topics->cluster, e) || !look(topics, e))
        kafka_topics_free(&topics);
    return topics;
}

void kafka_topics_free(struct kafka_topics **topics) {
    if (!*topics)
        return;
    kafka_admin_close(&(*topics)->client);
    if (!(*topics)->client.abandoned)
        free(*topics);
    *topics = NULL;
}

const struct kafka_topics_row *kafka_topics_rows(const struct kafka_topics *topics, size_t *n) {
    *n = topics->n;
    return topics->rows;
}

const char *kafka_topics_cluster(const struct kafka_topics *topics) {
    return topics->cluster;
}

uint32_t kafka_topics_partitions(const struct kafka_topics *topics) {
    return topics->partitions;
}

static bool all_seen(const struct kafka_topics *topics, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!topics->seen[i].exists)
            return false;
    return true;
}

/* Whatever is made now would have the partitions of one source, and be wrong for the other. */
static bool sources_agree(const struct kafka_topics *topics, struct err *e) {
    for (size_t i = 0; i < topics->n; i++)
        if (topics->rows[i].role == KAFKA_TOPICS_INPUT && topics->rows[i].state == KAFKA_TOPICS_WRONG)
            return err_set(e, ERR_REFUSED, topics->rows[i].name, "nothing is made: the topic %.250s",
                           topics->rows[i].words);
    return true;
}

/* Makes those of the rows from..to-1 that are missing, and waits until they are seen. */
static bool create_rows(struct kafka_topics *topics, size_t from, size_t to, struct err *e) {
    for (size_t i = from; i < to; i++) {
        struct kafka_admin_setting settings[8];
        struct kafka_admin_topic wanted = topics->seen[i];
        topics->rows[i].made = false;
        if (topics->seen[i].exists)
            continue;
        plan(topics, topics->rows[i].role, settings);
        wanted.partitions = topics->rows[i].partitions;
        if (!kafka_admin_create(&topics->client, &wanted, topics->options.replication, settings, e))
            return false;
        topics->rows[i].made = true;
    }
    int64_t deadline = clock_mono_ms() + SEEN_WAIT;
    for (;;) {
        if (!look(topics, e))
            return false;
        if (all_seen(topics, to) || clock_mono_ms() > deadline)
            return true;
        nanosleep(&(struct timespec){0, 200000000}, NULL);
    }
}

/* Inputs first: one that someone made a moment ago may not be seen yet, and says how many partitions all are to have. */
bool kafka_topics_create(struct kafka_topics *topics, struct err *e) {
    size_t inputs = topics->options.n_inputs;
    return sources_agree(topics, e) && create_rows(topics, 0, inputs, e) && sources_agree(topics, e) &&
           create_rows(topics, inputs, topics->n, e);
}

/* ---- for run ---- */

static void take_facts(const struct kafka_topics *topics, struct kafka_topics_facts *facts) {
    *facts = (struct kafka_topics_facts){.partitions = topics->partitions, .delete_retention = DAY};
    snprintf(facts->cluster, sizeof facts->cluster, "%s", topics->cluster);
    facts->max_record = largest_record(&topics->options);
    for (size_t i = 0; i < topics->n; i++)
        if (topics->rows[i].role == KAFKA_TOPICS_CHANGELOG && topics->seen[i].configured)
            facts->delete_retention = topics->seen[i].delete_retention;
}

/* All that are missing are named, after the remedy, as words may be cut. */
static bool refuse_missing(const struct kafka_topics *topics, struct err *e) {
    char names[sizeof e->words] = "";
    size_t n = 0, missing = 0;
    for (size_t i = 0; i < topics->n; i++)
        if (topics->rows[i].state == KAFKA_TOPICS_MISSING && n < sizeof names)
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", missing++ ? ", " : "", topics->rows[i].name);
    return !missing ||
           err_set(e, ERR_REFUSED, NULL, "topics are missing (`leadstream topics --create` makes them): %s", names);
}

bool kafka_topics_check(const struct kafka_topics_options *options, struct kafka_topics_facts *facts, struct err *e) {
    struct kafka_topics *topics = kafka_topics_look(options, e);
    if (!topics)
        return false;
    bool good = refuse_missing(topics, e);
    for (size_t i = 0; good && i < topics->n; i++)
        if (topics->rows[i].state == KAFKA_TOPICS_WRONG)
            good = err_set(e, ERR_REFUSED, topics->rows[i].name, "the topic %s", topics->rows[i].words);
    if (good)
        take_facts(topics, facts);
    kafka_topics_free(&topics);
    return good;
}
