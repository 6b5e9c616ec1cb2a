/* Looked at one by one first, for the system's own words; then all together, by the one who is to use them: clients are
 * made and thrown away. */
#include "adapters/kafka_files.h"

#include "adapters/kafka_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLOSE_WAIT = 3000 /* ms */ };

static const char *const named[] = {"ssl.ca.location", "ssl.certificate.location", "ssl.key.location",
                                    "ssl.keystore.location", "ssl.crl.location", "sasl.kerberos.keytab"};

static bool names_file(const struct kafka_conf_property *property) {
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (!strcmp(property->name, named[i]))
            return strcmp(property->value, "probe") != 0; /* librdkafka looks for the system's */
    return false;
}

bool kafka_files_look(const struct kafka_conf_property *property, struct err *e) {
    if (!names_file(property))
        return true;
    int fd = open(property->value, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_CONFIG, NULL,
                       "kafka: %s: file \"%.200s\" cannot be opened: %s (a path under `kafka:` counts from the folder "
                       "that the program is started in; its user must be let in)",
                       property->name, property->value, strerror(errno));
    close(fd);
    return true;
}

static bool is_tls(const struct kafka_conf *conf) {
    const char *protocol = kafka_conf_get(conf, "security.protocol", "");
    return !strcmp(protocol, "ssl") || !strcmp(protocol, "sasl_ssl");
}

/* A client of those properties that `keeps` lets through, and of two more. It knows no broker, so nothing is connected. */
static bool opens(const struct kafka_conf *conf, enum kafka_conf_role role, bool (*keeps)(const char *), struct err *e) {
    struct kafka_conf alone = *conf;
    struct kafka_conf_property *properties = calloc(conf->n_properties + 2, sizeof *properties);
    MUST(properties);
    alone.properties = properties;
    alone.n_properties = 0;
    for (size_t i = 0; i < conf->n_properties; i++)
        if (keeps(conf->properties[i].name))
            properties[alone.n_properties++] = conf->properties[i];
    if (is_tls(conf))
        properties[alone.n_properties++] = (struct kafka_conf_property){"security.protocol", "ssl"};
    properties[alone.n_properties++] = (struct kafka_conf_property){"log_level", "0"}; /* "no brokers": just so */
    struct kafka_client client = {.rk = NULL};
    rd_kafka_conf_t *made = kafka_conf_new(&alone, role, e);
    rd_kafka_type_t type = role == KAFKA_CONF_SOURCE ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
    bool good = made && kafka_client_open(&client, type, made, e);
    kafka_client_close(&client, CLOSE_WAIT);
    free(properties);
    return good;
}

static bool is_of_tls(const char *name) {
    return !strncmp(name, "ssl.", 4);
}

bool kafka_files_try(const struct kafka_conf *conf, struct err *e) {
    return !is_tls(conf) || opens(conf, KAFKA_CONF_ADMIN, is_of_tls, e);
}

/* Without those that make a client do something: know brokers, log in, talk. */
static bool is_quiet(const char *name) {
    static const char *const parts[] = {"bootstrap.servers", "metadata.broker.list", "security.protocol", "sasl.",
                                        "debug",             "log_level",            "enable.sasl."};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strncmp(name, parts[i], strlen(parts[i])))
            return false;
    return true;
}

bool kafka_files_agree(const struct kafka_conf *conf, struct err *e) {
    return opens(conf, KAFKA_CONF_SOURCE, is_quiet, e) && opens(conf, KAFKA_CONF_SINK, is_quiet, e);
}
