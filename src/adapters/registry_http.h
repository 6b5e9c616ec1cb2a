/* One question to a Schema Registry and its answer, by libcurl. Private to registry.c, which knows what they mean. */
#ifndef LEADSTREAM_REGISTRY_HTTP_H
#define LEADSTREAM_REGISTRY_HTTP_H

#include "adapters/registry.h"

struct registry_http;

struct registry_answer {
    long status;
    struct bytes body;      /* lent until the next question; at most 1 MiB */
    const char *url;        /* of the server that answered, without path */
};

struct registry_http *registry_http_new(const struct registry_options *options, struct err *e);
void registry_http_free(struct registry_http **http);

/* Ends a question that is being asked, and all later ones, soon. From any thread. */
void registry_http_stop(struct registry_http *http);

/* GET, or POST where there is a body, of a path that begins with a slash; servers are asked in turn until one answers
 * with a status below 500. False: none did (RETRY), or the last of them has a certificate that is not believed (AUTH). */
NODISCARD bool registry_http_ask(struct registry_http *http, const char *path, const char *body,
                                 struct registry_answer *answer, struct err *e);

/* Text as part of a path. False: it does not fit. */
NODISCARD bool registry_http_escape(struct registry_http *http, const char *text, char *out, size_t cap);

#endif
