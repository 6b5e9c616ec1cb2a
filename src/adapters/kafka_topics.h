/* The topics that a configuration needs: what is there, what is missing or differs, and making it.
 *
 * `leadstream topics` prints the table; `run` refuses to start on what would lose or duplicate something. */
#ifndef LEADSTREAM_KAFKA_TOPICS_H
#define LEADSTREAM_KAFKA_TOPICS_H

#include "adapters/kafka_conf.h"
#include <leadstream/engine.h>

enum kafka_topics_role {
    KAFKA_TOPICS_INPUT,
    KAFKA_TOPICS_SCORES,
    KAFKA_TOPICS_SALES_READY,
    KAFKA_TOPICS_DEAD_LETTERS,
    KAFKA_TOPICS_CHANGELOG
};

struct kafka_topics_options {
    struct kafka_conf conf;         /* the changelog's name is made of it */
    const char *const *inputs;
    size_t n_inputs;
    const char *scores;
    const char *sales_ready;
    const char *dead_letters;
    size_t worst_value;             /* of the model: a changelog record's value, bytes */
    size_t worst_output;            /* of the model: a published record */
    uint32_t partitions;            /* of topics made where no input tells: 0: 8 */
    int replication;                /* 0: the broker's default */
};

enum kafka_topics_state {
    KAFKA_TOPICS_GOOD,
    KAFKA_TOPICS_MISSING,
    KAFKA_TOPICS_DIFFERS,   /* works, but not as meant: words say what */
    KAFKA_TOPICS_WRONG      /* run refuses: words say why */
};

struct kafka_topics_row {
    enum kafka_topics_role role;
    const char *name;
    enum kafka_topics_state state;
    uint32_t partitions;            /* that it has, or (missing) is to have */
    bool made;                      /* by kafka_topics_create */
    char settings[256];             /* that matter, `name=value` by spaces: as they are, or (missing) are to be */
    char words[320];                /* what differs and what to do; "" if good */
};

struct kafka_topics;

/* Asks the broker. NULL: *e (UNAVAILABLE, AUTH, CONFIG ..). */
struct kafka_topics *kafka_topics_look(const struct kafka_topics_options *options, struct err *e);
void kafka_topics_free(struct kafka_topics **topics);

const struct kafka_topics_row *kafka_topics_rows(const struct kafka_topics *topics, size_t *n);
const char *kafka_topics_cluster(const struct kafka_topics *topics);
uint32_t kafka_topics_partitions(const struct kafka_topics *topics);

/* Makes every missing topic, inputs too; the rows are then looked at anew, and `made` says which were made. False: *e
 * names the first that could not be made; REFUSED, nothing was: the inputs have different numbers of partitions. */
bool kafka_topics_create(struct kafka_topics *topics, struct err *e);

/* What run must know before it starts. */
struct kafka_topics_facts {
    char cluster[64];       /* the cluster's id */
    uint32_t partitions;    /* of every input topic and the changelog */
    int64_t delete_retention; /* ms that the changelog keeps tombstones */
    size_t max_record;      /* bytes that the producer must be able to send (struct kafka_conf) */
};

/* False: REFUSED, naming the first topic that is missing or wrong and the remedy; or the broker's failure. */
bool kafka_topics_check(const struct kafka_topics_options *options, struct kafka_topics_facts *facts, struct err *e);

#endif
