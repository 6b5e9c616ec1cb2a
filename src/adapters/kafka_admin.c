/* Each call asks and waits; a consumer's handle is used, as a producer's metadata request may make a topic. */
#include "adapters/kafka_admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT = 10000 /* ms */, CLOSE_WAIT = 3000, PIECE = 250 };

bool kafka_admin_open(struct kafka_client *client, const struct kafka_conf *conf, struct err *e) {
    rd_kafka_conf_t *made = kafka_conf_new(conf, KAFKA_CONF_ADMIN, e);
    return made && kafka_client_open(client, RD_KAFKA_CONSUMER, made, e);
}

void kafka_admin_close(struct kafka_client *client) {
    kafka_client_close(client, CLOSE_WAIT);
}

/* Asked in pieces, so that a login that is refused is told at once. */
bool kafka_admin_cluster(struct kafka_client *client, char *out, size_t n, struct err *e) {
    char *id = NULL;
    for (int waited = 0; !id && !client->failure.code && waited < WAIT; waited += PIECE) {
        id = rd_kafka_clusterid(client->rk, PIECE);
        rd_kafka_poll(client->rk, 0);
    }
    if (!id)
        return kafka_client_silent(client, WAIT, e);
    snprintf(out, n, "%s", id);
    rd_kafka_mem_free(client->rk, id);
    return true;
}

/* ---- looking ---- */

static bool look_partitions(struct kafka_client *client, struct kafka_admin_topic *topic, struct err *e) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client->rk, topic->name, NULL);
    if (!handle)
        return err_set(e, ERR_CONFIG, topic->name, "is not a topic's name");
    rd_kafka_resp_err_t err = rd_kafka_metadata(client->rk, 0, handle, &metadata, WAIT);
    rd_kafka_topic_destroy(handle);
    if (err)
        return kafka_client_fail(e, err, topic->name, "asking for the topic");
    err = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    topic->partitions = err ? 0 : (uint32_t)metadata->topics[0].partition_cnt;
    topic->exists = !err;
    rd_kafka_metadata_destroy(metadata);
    return !err || err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           kafka_client_fail(e, err, topic->name, "asking for the topic");
}

static void read_setting(struct kafka_admin_topic *topic, const char *name, const char *value) {
    if (!strcmp(name, "cleanup.policy"))
        snprintf(topic->cleanup, sizeof topic->cleanup, "%s", value);
    else if (!strcmp(name, "retention.ms"))
        topic->retention = strtoll(value, NULL, 10);
    else if (!strcmp(name, "min.compaction.lag.ms"))
        topic->compaction_lag = strtoll(value, NULL, 10);
    else if (!strcmp(name, "delete.retention.ms"))
        topic->delete_retention = strtoll(value, NULL, 10);
    else if (!strcmp(name, "max.message.bytes"))
        topic->max_message = strtoll(value, NULL, 10);
}

static bool read_settings(rd_kafka_event_t *event, struct kafka_admin_topic *topic, struct err *e) {
    size_t n, n_entries;
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
        return true;
    if (rd_kafka_event_error(event))
        return kafka_client_fail(e, rd_kafka_event_error(event), topic->name, rd_kafka_event_error_string(event));
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &n);
    if (n != 1 || rd_kafka_ConfigResource_error(resources[0]))
        return kafka_client_fail(e, n == 1 ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR__FAIL,
                                 topic->name, "asking for the topic's settings");
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &n_entries);
    for (size_t i = 0; i < n_entries; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (value)
            read_setting(topic, rd_kafka_ConfigEntry_name(entries[i]), value);
    }
    topic->configured = true;
    return true;
}

/* One topic a call: the C interface gives results back in no promised order. */
static bool look_settings(struct kafka_client *client, struct kafka_admin_topic *topic, struct err *e) {
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic->name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_AdminOptions_set_request_timeout(options, WAIT, NULL, 0);
    rd_kafka_DescribeConfigs(client->rk, &resource, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT + 1000);
    bool good = event ? read_settings(event, topic, e) : kafka_client_silent(client, WAIT, e);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(resource);
    return good;
}

bool kafka_admin_look(struct kafka_client *client, struct kafka_admin_topic *topics, size_t n, struct err *e) {
    for (size_t i = 0; i < n; i++) {
        topics[i] = (struct kafka_admin_topic){.name = topics[i].name};
        if (!look_partitions(client, &topics[i], e))
            return false;
        if (topics[i].exists && !look_settings(client, &topics[i], e))
            return false;
    }
    return true;
}

/* ---- making ---- */

static bool read_creation(rd_kafka_event_t *event, const char *name, struct err *e) {
    size_t n;
    if (rd_kafka_event_error(event))
        return kafka_client_fail(e, rd_kafka_event_error(event), name, rd_kafka_event_error_string(event));
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    if (n != 1)
        return err_set(e, ERR_BROKER, name, "the broker did not say whether it made the topic");
    rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[0]);
    const char *words = rd_kafka_topic_result_error_string(results[0]);
    return !err || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ||
           kafka_client_fail(e, err, name, words ? words : "making the topic");
}

bool kafka_admin_create(struct kafka_client *client, const struct kafka_admin_topic *topic, int replication,
                        const struct kafka_admin_setting *settings, struct err *e) {
    char words[200];
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic->name, (int)topic->partitions,
                                                        replication > 0 ? replication : -1, words, sizeof words);
    if (!wanted)
        return err_set(e, ERR_CONFIG, topic->name, "%s", words);
    for (; settings->name; settings++)
        rd_kafka_NewTopic_set_config(wanted, settings->name, settings->value);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(options, WAIT, NULL, 0);
    rd_kafka_AdminOptions_set_operation_timeout(options, WAIT, NULL, 0);
    rd_kafka_CreateTopics(client->rk, &wanted, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT + 1000);
    bool good = event ? read_creation(event, topic->name, e) : kafka_client_silent(client, WAIT, e);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    return good;
}
