/* What each of Kafka's errors is to us: a code of ours (whose class says what happens next), and what an operator can
 * do about it. One table, which `leadstream check --errors` prints and docs/errors.md explains. */
#ifndef LEADSTREAM_KAFKA_ERRORS_H
#define LEADSTREAM_KAFKA_ERRORS_H

#include <leadstream/err.h>
#include <stddef.h>

/* librdkafka's code (a rd_kafka_resp_err_t) as ours; what the table does not have is BROKER. */
enum err_code kafka_errors_code(int error);

/* What to do about it, NULL where the words of the error say it all. */
const char *kafka_errors_remedy(int error);

/* The i-th line of the table: librdkafka's name without its prefix, our code, the remedy or NULL. False: no more. */
bool kafka_errors_row(size_t i, const char **name, enum err_code *code, const char **remedy);

#endif
