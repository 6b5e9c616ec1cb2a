/* The Schema Registry's questions and answers; registry_http asks. What an answer means for a record:
 *
 *   200                                  the schema; what it refers to is fetched first, depth first, each once
 *   404 with an error_code of 404nn      it is not there: the record is bad (remembered for a while)
 *   409, 422 on registering              ours does not fit what is there: nothing can be published (FATAL)
 *   all else, and no answer              the world is slow: RETRY, with pauses that double
 *
 * A 404 without such a code, or a 200 without a schema, is some other server's: a wrong URL must not turn all records
 * into dead letters.
 *
 * The thread that fetches holds `asking`, which goes with the client, and takes `state` (what is wanted, what failed,
 * what is not there) for moments only; `state` is never held while anything is asked. */
#include "adapters/registry.h"

#include "adapters/registry_http.h"
#include "base/guard.h"
#include "host/clock.h"
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_UNKNOWN = 128, MAX_WANTED = 64, MAX_REFERENCES = 64, MAX_DEPTH = 8, MAX_PATH = 1024, MAX_DOUBLINGS = 6 };
enum { MAX_GATHERING = 20 * 1000 /* ms for a schema with all that it refers to */ };

enum { FORGOTTEN = 60 * 1000 /* ms: an id that nobody has asked for since is no longer wanted */ };

struct registry {
    pthread_mutex_t asking, state;
    pthread_cond_t news;    /* something is wanted, was answered, or all is to end */
    pthread_t thread;
    bool started, stop;
    struct schemas *schemas;
    struct registry_http *http;
    int unknown_ms, retry_ms, wait_ms;
    size_t n_wanted;
    struct wanted {
        int64_t id;
        int64_t asked;      /* when somebody last asked for it */
    } wanted[MAX_WANTED];
    unsigned failures;      /* in a row */
    int64_t retry_at;       /* ms of the monotonic clock */
    struct err failure;     /* the last one */
    size_t n_unknown;       /* a ring: the newest replaces the oldest */
    struct unknown {
        int64_t id;
        int64_t until;
        struct err err;
    } unknown[MAX_UNKNOWN];
};

/* Schemas gathered for one id: what is referred to before what refers to it. */
struct gathering {
    size_t n;
    struct bytes texts[MAX_REFERENCES];
    char *names[MAX_REFERENCES]; /* the path that each was fetched from */
    unsigned depth;
    int64_t end;            /* ms of the monotonic clock */
};

static bool gather(struct registry *r, struct gathering *g, const char *path, struct err *e);

struct registry *registry_new(const struct registry_options *options, struct schemas *schemas, struct err *e) {
    struct registry_http *http = registry_http_new(options, e);
    if (!http)
        return NULL;
    struct registry *r = calloc(1, sizeof *r);
    pthread_condattr_t monotonic;
    MUST(r != NULL && pthread_mutex_init(&r->asking, NULL) == 0 && pthread_mutex_init(&r->state, NULL) == 0);
    MUST(!pthread_condattr_init(&monotonic) && !pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC));
    MUST(!pthread_cond_init(&r->news, &monotonic));
    pthread_condattr_destroy(&monotonic);
    r->schemas = schemas;
    r->http = http;
    r->unknown_ms = options->unknown_ms ? options->unknown_ms : 60000;
    r->retry_ms = options->retry_ms ? options->retry_ms : 100;
    r->wait_ms = options->wait_ms ? options->wait_ms : 50;
    return r;
}

void registry_free(struct registry **registry) {
    struct registry *r = *registry;
    if (!r)
        return;
    registry_http_stop(r->http);
    pthread_mutex_lock(&r->state);
    r->stop = true;
    pthread_cond_broadcast(&r->news);
    pthread_mutex_unlock(&r->state);
    if (r->started)
        pthread_join(r->thread, NULL);
    registry_http_free(&r->http);
    pthread_cond_destroy(&r->news);
    pthread_mutex_destroy(&r->state);
    pthread_mutex_destroy(&r->asking);
    free(r);
    *registry = NULL;
}

/* ---- asking, with pauses after failures ---- */

/* A failure that will pass: remembered, and not asked again before a pause that doubles, a little more or less so that
 * instances do not ask in step. */
static bool fail(struct registry *r, struct err *e) {
    pthread_mutex_lock(&r->state);
    unsigned doublings = r->failures < MAX_DOUBLINGS ? r->failures : MAX_DOUBLINGS;
    int64_t now = clock_mono_ms(), pause = (int64_t)r->retry_ms << doublings;
    r->failures++;
    r->retry_at = now + pause + (now * 7919 & 127) * pause / 512;
    r->failure = *e;
    pthread_mutex_unlock(&r->state);
    return false;
}

static void answered(struct registry *r) {
    pthread_mutex_lock(&r->state);
    r->failures = 0;
    pthread_mutex_unlock(&r->state);
}

/* What an answer other than 200 means; registering: something of ours may be refused, else it may not be there. */
static bool judge(struct registry *r, const struct registry_answer *answer, bool registering, const char *what,
                  struct err *e) {
    json_error_t error;
    json_t *json = json_loadb((const char *)answer->body.at, answer->body.n, 0, &error);
    int64_t code = json_integer_value(json_object_get(json, "error_code"));
    const char *said = json_string_value(json_object_get(json, "message"));
    char words[160];
    snprintf(words, sizeof words, "%s", said ? said : "no reason given");
    json_decref(json);
    if (answer->status == 404 && code / 100 == 404)
        return err_set(e, ERR_SCHEMA, answer->url, "the registry has no %s (%s)", what, words);
    if (registering && (answer->status == 409 || answer->status == 422))
        return err_set(e, ERR_REFUSED, answer->url, "the registry refuses %s: %s", what, words);
    if (answer->status == 401 || answer->status == 403)
        err_set(e, ERR_AUTH, answer->url, "%ld: registry.user or registry.password is not accepted", answer->status);
    else if (answer->status >= 300 && answer->status < 400)
        err_set(e, ERR_CONFIG, answer->url,
                "answered %ld: it is elsewhere, where user and password are not sent unasked: set registry.url",
                answer->status);
    else if (answer->status == 404)
        err_set(e, ERR_UNAVAILABLE, answer->url, "404, and not as a registry says it: is registry.url right?");
    else
        err_set(e, ERR_UNAVAILABLE, answer->url, "answered %ld (%s)", answer->status, words);
    return fail(r, e);
}

/* One question; the answer's JSON object, owned by the caller. NULL: *e. */
static json_t *ask(struct registry *r, const char *path, const char *body, const char *what, struct err *e) {
    struct registry_answer answer;
    if (!registry_http_ask(r->http, path, body, &answer, e)) {
        fail(r, e);
        return NULL;
    }
    if (answer.status != 200) {
        judge(r, &answer, body != NULL, what, e);
        return NULL;
    }
    json_error_t error;
    json_t *json = json_loadb((const char *)answer.body.at, answer.body.n, 0, &error);
    if (json_is_object(json)) {
        answered(r);
        return json;
    }
    json_decref(json);
    err_set(e, ERR_UNAVAILABLE, answer.url, "the answer is no JSON object: is registry.url right?");
    fail(r, e);
    return NULL;
}

static bool pausing(struct registry *r, struct err *e) {
    pthread_mutex_lock(&r->state);
    bool pauses = clock_mono_ms() < r->retry_at;
    if (pauses)
        *e = r->failure;
    pthread_mutex_unlock(&r->state);
    return pauses;
}

/* ---- a schema and what it refers to ---- */

static bool gather_reference(struct registry *r, struct gathering *g, const json_t *reference, struct err *e) {
    const char *subject = json_string_value(json_object_get(reference, "subject"));
    int64_t version = json_integer_value(json_object_get(reference, "version"));
    char path[MAX_PATH], escaped[MAX_PATH / 2];
    if (!subject || version <= 0 || !registry_http_escape(r->http, subject, escaped, sizeof escaped))
        return err_set(e, ERR_SCHEMA, NULL, "a schema's reference has no good subject and version");
    snprintf(path, sizeof path, "/subjects/%s/versions/%" PRId64, escaped, version);
    for (size_t i = 0; i < g->n; i++)
        if (!strcmp(g->names[i], path))
            return true;
    return gather(r, g, path, e);
}

static bool gather_answer(struct registry *r, struct gathering *g, const char *path, const json_t *json,
                          struct err *e) {
    const json_t *schema = json_object_get(json, "schema"), *references = json_object_get(json, "references");
    const char *type = json_string_value(json_object_get(json, "schemaType"));
    if (type && strcmp(type, "AVRO") != 0)
        return err_set(e, ERR_SCHEMA, NULL, "the schema at %s is %.40s, not Avro", path, type);
    if (!json_is_string(schema)) {
        err_set(e, ERR_UNAVAILABLE, NULL, "the answer to %s has no schema in it: is registry.url right?", path);
        return fail(r, e);
    }
    for (size_t i = 0; i < json_array_size(references); i++)
        if (!gather_reference(r, g, json_array_get(references, i), e))
            return false;
    if (g->n == MAX_REFERENCES)
        return err_set(e, ERR_SCHEMA, NULL, "the schema refers to more than %d others", MAX_REFERENCES);
    size_t n = json_string_length(schema);
    uint8_t *text = malloc(n + 1);
    g->names[g->n] = strdup(path);
    MUST(text != NULL && g->names[g->n] != NULL);
    memcpy(text, json_string_value(schema), n);
    g->texts[g->n++] = (struct bytes){text, n};
    return true;
}

static bool gather(struct registry *r, struct gathering *g, const char *path, struct err *e) {
    if (GUARD(references_end) && g->depth == MAX_DEPTH)
        return err_set(e, ERR_SCHEMA, NULL, "schemas refer to each other more than %d deep", MAX_DEPTH);
    if (clock_mono_ms() > g->end) {
        err_set(e, ERR_TIMEOUT, NULL, "a schema and what it refers to took more than %d s", MAX_GATHERING / 1000);
        return fail(r, e);
    }
    json_t *json = ask(r, path, NULL, "such schema", e);
    if (!json)
        return false;
    g->depth++;
    bool ok = gather_answer(r, g, path, json, e);
    g->depth--;
    json_decref(json);
    return ok;
}

static bool fetch(struct registry *r, int64_t id, struct err *e) {
    struct gathering g = {.end = clock_mono_ms() + MAX_GATHERING};
    char path[64];
    snprintf(path, sizeof path, "/schemas/ids/%" PRId64, id);
    bool ok = gather(r, &g, path, e) && schemas_add_all(r->schemas, g.texts, g.n, id, e);
    for (size_t i = 0; i < g.n; i++) {
        free((void *)(uintptr_t)g.texts[i].at);
        free(g.names[i]);
    }
    return ok;
}

/* ---- ids that are not there ---- */

static bool known_unknown(const struct registry *r, int64_t id, struct err *e) {
    int64_t now = clock_mono_ms();
    for (size_t i = 0; i < r->n_unknown && i < MAX_UNKNOWN; i++) {
        if (!GUARD(unknown_remembered) || r->unknown[i].id != id || r->unknown[i].until <= now)
            continue;
        *e = r->unknown[i].err;
        return true;
    }
    return false;
}

static void remember_unknown(struct registry *r, int64_t id, const struct err *e) {
    r->unknown[r->n_unknown % MAX_UNKNOWN] = (struct unknown){id, clock_mono_ms() + r->unknown_ms, *e};
    r->n_unknown++;
}

/* ---- the thread ---- */

static size_t wanted_find(const struct registry *r, int64_t id) {
    size_t i = 0;
    while (i < r->n_wanted && r->wanted[i].id != id)
        i++;
    return i;
}

static void wanted_drop(struct registry *r, size_t i) {
    r->n_wanted--;
    memmove(&r->wanted[i], &r->wanted[i + 1], (r->n_wanted - i) * sizeof *r->wanted);
}

/* With `state` held. Waits for news, or until a time (ms of the monotonic clock; 0: for as long as it takes). */
static void wait_until(struct registry *r, int64_t at) {
    struct timespec until = {at / 1000, at % 1000 * 1000000};
    if (at)
        pthread_cond_timedwait(&r->news, &r->state, &until);
    else
        pthread_cond_wait(&r->news, &r->state);
}

/* Fetches what is wanted first; `state` is held before and after, and not meanwhile. What failed goes to the end, so
 * that it cannot keep the others from being asked for. */
static void fetch_first(struct registry *r) {
    struct wanted first = r->wanted[0];
    struct err why;
    pthread_mutex_unlock(&r->state);
    pthread_mutex_lock(&r->asking);
    bool there = fetch(r, first.id, &why);
    pthread_mutex_unlock(&r->asking);
    pthread_mutex_lock(&r->state);
    /* A wrong reference is as final as a schema that is not there. */
    bool final = !there && err_class(why.code) == ERR_CLASS_REJECT;
    if (final)
        remember_unknown(r, first.id, &why);
    size_t i = wanted_find(r, first.id);
    first = r->wanted[i]; /* somebody may have asked again meanwhile */
    wanted_drop(r, i);
    if (!there && !final && clock_mono_ms() - first.asked < FORGOTTEN)
        r->wanted[r->n_wanted++] = first;
    pthread_cond_broadcast(&r->news);
}

static void *run(void *self) {
    struct registry *r = self;
    pthread_mutex_lock(&r->state);
    while (!r->stop) {
        if (!r->n_wanted)
            wait_until(r, 0);
        else if (GUARD(registry_rests) && clock_mono_ms() < r->retry_at)
            wait_until(r, r->retry_at);
        else
            fetch_first(r);
    }
    pthread_mutex_unlock(&r->state);
    return NULL;
}

/* With `state` held. False: too many are wanted, or there is no thread; it will be asked for again. */
static bool want(struct registry *r, int64_t id) {
    size_t i = wanted_find(r, id);
    if (i == MAX_WANTED)
        return false;
    r->started = r->started || pthread_create(&r->thread, NULL, run, r) == 0;
    r->n_wanted += i == r->n_wanted;
    r->wanted[i] = (struct wanted){id, clock_mono_ms()};
    pthread_cond_broadcast(&r->news);
    return r->started;
}

/* With `state` held. Waits a little for the thread to answer, but not where it is pausing after a failure. */
static void wait_for(struct registry *r, int64_t id) {
    for (int64_t until = clock_mono_ms() + r->wait_ms;
         clock_mono_ms() < until && clock_mono_ms() >= r->retry_at && wanted_find(r, id) < r->n_wanted;)
        wait_until(r, until);
}

bool registry_fetch(void *registry, int64_t id, struct err *e) {
    struct registry *r = registry;
    if (schemas_by_id(r->schemas, id))
        return true;
    pthread_mutex_lock(&r->state);
    bool final = known_unknown(r, id, e);
    if (!final && want(r, id)) {
        wait_for(r, id);
        final = known_unknown(r, id, e);
    }
    if (!final && r->failures)
        *e = r->failure;
    else if (!final)
        err_set(e, ERR_UNAVAILABLE, NULL, "schema id %" PRId64 " is being asked for", id);
    pthread_mutex_unlock(&r->state);
    if (err_class(e->code) == ERR_CLASS_FATAL)
        e->code = ERR_UNAVAILABLE;
    return !final && schemas_by_id(r->schemas, id) != NULL;
}

/* ---- our own ---- */

static bool register_locked(struct registry *r, const char *subject, struct bytes text, int64_t *id, struct err *e) {
    char path[MAX_PATH], escaped[MAX_PATH / 2], what[200];
    if (pausing(r, e))
        return false;
    if (!registry_http_escape(r->http, subject, escaped, sizeof escaped))
        return err_set(e, ERR_CONFIG, NULL, "the subject \"%.80s..\" is too long", subject);
    snprintf(path, sizeof path, "/subjects/%s/versions", escaped);
    snprintf(what, sizeof what, "our schema for subject %.100s", subject);
    json_t *question = json_pack("{s:s%}", "schema", (const char *)text.at, text.n);
    char *body = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    MUST(body != NULL);
    json_t *answer = ask(r, path, body, what, e);
    free(body);
    if (!answer)
        return false;
    const json_t *got = json_object_get(answer, "id");
    *id = json_integer_value(got);
    bool ok = json_is_integer(got) && *id >= 0;
    json_decref(answer);
    if (ok)
        return true;
    err_set(e, ERR_UNAVAILABLE, NULL, "the registry's answer to %s has no id: is registry.url right?", path);
    return fail(r, e);
}

bool registry_register(struct registry *registry, const char *subject, struct bytes json, int64_t *id, struct err *e) {
    pthread_mutex_lock(&registry->asking);
    bool ok = register_locked(registry, subject, json, id, e);
    pthread_mutex_unlock(&registry->asking);
    return ok;
}
