/* What librdkafka finds out only when a client is made: whether it can use the files that its properties name
 * (certificates, keys, what an authority has revoked), and whether properties contradict each other.
 *
 * For `check`, which wants to know before anything is connected; of a file that is not there librdkafka says no more than
 * what OpenSSL thinks of it. */
#ifndef LEADSTREAM_KAFKA_FILES_H
#define LEADSTREAM_KAFKA_FILES_H

#include "adapters/kafka_conf.h"

/* Does this property name a file that cannot be opened? Then false, and *e (CONFIG) says which and why. */
NODISCARD bool kafka_files_look(const struct kafka_conf_property *property, struct err *e);

/* Where the properties ask for TLS: can librdkafka read the files, is the key's password right, does the key belong to
 * its certificate? A client is made of them that knows no broker, so nothing is connected. False: *e (CONFIG). */
NODISCARD bool kafka_files_try(const struct kafka_conf *conf, struct err *e);

/* Do the properties agree with each other and with ours (acks with idempotence, one time-out with another), for the
 * consumer and for the producer? Nothing is connected. False: *e (CONFIG) has librdkafka's words on the first that does
 * not. */
NODISCARD bool kafka_files_agree(const struct kafka_conf *conf, struct err *e);

#endif
