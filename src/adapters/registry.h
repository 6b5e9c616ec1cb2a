/* A Schema Registry (Confluent's REST interface) over HTTP: schemas by id into a set of schemas, and our own under
 * their subjects.
 *
 * May be shared by threads. A registry that is down or slow must not hold up a worker that has other things to do, so
 * schemas are fetched by a thread of its own: who asks for one waits for some milliseconds, and is told to ask again if
 * it is not there by then. (Each request: 2 s to connect, 5 s in all; a schema with all that it refers to: 20 s.)
 * Registering waits. User and password appear in no message. */
#ifndef LEADSTREAM_REGISTRY_H
#define LEADSTREAM_REGISTRY_H

#include "codec/schema.h"

struct registry_options {
    const char *url;        /* base, http or https; several: commas, the next is asked where one does not answer */
    const char *user;       /* basic authentication; NULL: none */
    const char *password;
    const char *ca_file;    /* PEM: whose certificates are believed; NULL: those that the system believes */
    int connect_ms;         /* 0: 2000 */
    int total_ms;           /* 0: 5000 */
    int unknown_ms;         /* how long an id that was not there is not asked for again; 0: 60000 */
    int retry_ms;           /* the first pause after a failure, doubled up to 64 times; 0: 100 */
    int wait_ms;            /* how long registry_fetch waits for an answer; 0: 50 */
};

struct registry;

/* schemas must outlive it; options are copied. NULL: CONFIG. */
struct registry *registry_new(const struct registry_options *options, struct schemas *schemas, struct err *e);
void registry_free(struct registry **registry);

/* Has a schema fetched, with all that it refers to, into the set under its id; at once where it is there. False: REJECT
 * (there is no such schema, or it cannot be read); RETRY, it is being asked for, or the last failure (also what
 * registry_register takes for final: it worked when this began). Ask again: what nobody asks for is given up after a
 * minute. Fits kafka_source_options.fetch_schema. */
NODISCARD bool registry_fetch(void *registry, int64_t id, struct err *e);

/* Registers a schema under a subject, which the registry may refuse (REFUSED, FATAL: it is not compatible with what is
 * there; AUTH: user and password are not accepted, or its certificate is not believed; CONFIG: it is elsewhere); the same
 * again gives the same id. Else RETRY. */
NODISCARD bool registry_register(struct registry *registry, const char *subject, struct bytes json, int64_t *id,
                                 struct err *e);

#endif
