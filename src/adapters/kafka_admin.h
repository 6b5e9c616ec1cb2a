/* What the broker knows of topics, and making them: librdkafka's admin calls, one after the other.
 *
 * Private to kafka_topics. */
#ifndef LEADSTREAM_KAFKA_ADMIN_H
#define LEADSTREAM_KAFKA_ADMIN_H

#include "adapters/kafka_client.h"

struct kafka_admin_topic {
    const char *name;           /* given */
    bool exists;
    uint32_t partitions;
    bool configured;            /* the broker told what follows (librdkafka's mock does not) */
    char cleanup[32];           /* cleanup.policy */
    int64_t retention;          /* retention.ms; -1: for ever */
    int64_t compaction_lag;     /* min.compaction.lag.ms */
    int64_t delete_retention;   /* delete.retention.ms */
    int64_t max_message;        /* max.message.bytes */
};

/* A setting of a topic to be made. */
struct kafka_admin_setting {
    const char *name;           /* NULL: the end */
    char value[24];
};

/* A client for the calls below. */
bool kafka_admin_open(struct kafka_client *client, const struct kafka_conf *conf, struct err *e);
void kafka_admin_close(struct kafka_client *client);

/* The cluster's id, cut to n bytes. */
bool kafka_admin_cluster(struct kafka_client *client, char *out, size_t n, struct err *e);

/* Fills in what is known of the named topics. Asking makes none, whatever the broker's auto.create.topics.enable. */
bool kafka_admin_look(struct kafka_client *client, struct kafka_admin_topic *topics, size_t n, struct err *e);

/* Makes a topic; one that is there is no error. replication 0: the broker's default. */
bool kafka_admin_create(struct kafka_client *client, const struct kafka_admin_topic *topic, int replication,
                        const struct kafka_admin_setting *settings, struct err *e);

#endif
