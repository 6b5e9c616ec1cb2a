/* Any bytes as what a Schema Registry answers: a schema is in the set, or there is a reason. The input's lines are the
 * answers, one after the other: three digits of status, then the body. Here stands registry_http's face, so that the
 * linker leaves the real one, and the network, out. */
#include "adapters/registry_http.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct registry_http {
    struct bytes left;
};
static struct registry_http only;

struct registry_http *registry_http_new(const struct registry_options *options, struct err *e) {
    (void)options;
    (void)e;
    return &only;
}

void registry_http_free(struct registry_http **http) {
    *http = NULL;
}

void registry_http_stop(struct registry_http *http) {
    (void)http;
}

bool registry_http_ask(struct registry_http *http, const char *path, const char *body, struct registry_answer *answer,
                       struct err *e) {
    (void)path;
    (void)body;
    const uint8_t *end = http->left.n ? memchr(http->left.at, '\n', http->left.n) : NULL;
    size_t n = end ? (size_t)(end - http->left.at) : http->left.n;
    if (n < 3)
        return err_set(e, ERR_UNAVAILABLE, "http://fuzz", "no answer");
    long status = 0;
    for (int i = 0; i < 3; i++)
        status = status * 10 + (http->left.at[i] & 15);
    *answer = (struct registry_answer){status, {http->left.at + 3, n - 3}, "http://fuzz"};
    http->left.at += end ? n + 1 : n;
    http->left.n -= end ? n + 1 : n;
    return true;
}

bool registry_http_escape(struct registry_http *http, const char *text, char *out, size_t cap) {
    (void)http;
    int n = snprintf(out, cap, "%s", text);
    return n >= 0 && (size_t)n < cap;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct registry_options options = {.url = "http://fuzz", .wait_ms = 60000, .retry_ms = 60000};
    struct schemas *schemas = schemas_new();
    struct err e = {.code = ERR_NONE};
    struct registry *registry = registry_new(&options, schemas, &e);
    MUST(registry != NULL);
    only.left = (struct bytes){data, size};
    bool there = registry_fetch(registry, 7, &e);
    MUST(there == (schemas_by_id(schemas, 7) != NULL));
    if (!there)
        MUST(err_class(e.code) == ERR_CLASS_REJECT || err_class(e.code) == ERR_CLASS_RETRY);
    registry_free(&registry);
    registry = registry_new(&options, schemas, &e);
    only.left = (struct bytes){data, size};
    int64_t id = -1;
    if (registry_register(registry, "subject", bytes_of("\"string\""), &id, &e))
        MUST(id >= 0);
    else
        MUST(e.code != ERR_NONE);
    registry_free(&registry);
    schemas_free(&schemas);
    return 0;
}
