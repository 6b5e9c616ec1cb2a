/* The files that librdkafka's properties name: certificates, keys, what an authority has revoked.
 *
 * For `check`, which wants to know before anything is connected: librdkafka reads them only when a client is made, and
 * says of a file that is not there no more than what OpenSSL thinks of it. */
#ifndef LEADSTREAM_KAFKA_FILES_H
#define LEADSTREAM_KAFKA_FILES_H

#include "adapters/kafka_conf.h"

/* Does this property name a file that cannot be opened? Then false, and *e (CONFIG) says which and why. */
NODISCARD bool kafka_files_look(const struct kafka_conf_property *property, struct err *e);

/* Where the properties ask for TLS: can librdkafka read the files, is the key's password right, does the key belong to
 * its certificate? A client is made of them that knows no broker, so nothing is connected. False: *e (CONFIG). */
NODISCARD bool kafka_files_try(const struct kafka_conf *conf, struct err *e);

#endif
