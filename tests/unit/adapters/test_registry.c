/* The registry against a small one of our own (libmicrohttpd on a free port) that answers as it is told: schemas,
 * references, refusals, failures, silence. */
#include "adapters/registry.h"
#include "host/clock.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct answer {
    const char *path;
    unsigned status;
    const char *body; /* NULL: 2 MiB of blanks */
    int delay_ms; /* before it; the test's end does not wait for that */
};

static struct MHD_Daemon *server;
static const struct answer *answers; /* ends with an empty path, which answers everything else */
static atomic_int asked;
static atomic_bool released; /* delays are over */
static char last_body[2048], last_user[64];
static char url[64];
static struct schemas *set;
static struct registry *registry;
static struct err err;

static void nap(int ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static const struct answer *answer_to(const char *path) {
    const struct answer *answer = answers;
    while (answer->path[0] && strcmp(answer->path, path))
        answer++;
    return answer;
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **state) {
    static int begun;
    (void)self, (void)version, (void)method;
    if (!*state) {
        *state = &begun;
        last_body[0] = 0;
        return MHD_YES;
    }
    if (*size) {
        strncat(last_body, data, *size < sizeof last_body - strlen(last_body) - 1
                                     ? *size : sizeof last_body - strlen(last_body) - 1);
        *size = 0;
        return MHD_YES;
    }
    const struct answer *answer = answer_to(path);
    char *password = NULL, *user = MHD_basic_auth_get_username_password(connection, &password);
    snprintf(last_user, sizeof last_user, "%s:%s", user ? user : "", password ? password : "");
    MHD_free(user);
    MHD_free(password);
    atomic_fetch_add(&asked, 1);
    for (int waited = 0; waited < answer->delay_ms && !atomic_load(&released); waited += 10)
        nap(10);
    size_t n = answer->body ? strlen(answer->body) : 2 * 1024 * 1024;
    char *body = malloc(n + 1);
    memset(body, ' ', n);
    if (answer->body)
        memcpy(body, answer->body, n);
    struct MHD_Response *response = MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

enum { UNKNOWN = 150, RETRY = 300, NEVER = 60000 /* ms */ };

static struct registry *registry_with(const char *where, int total_ms, int retry_ms) {
    struct registry_options options = {.url = where, .user = "me", .password = "secret", .connect_ms = 20000,
                                       .total_ms = total_ms, .unknown_ms = UNKNOWN, .retry_ms = retry_ms,
                                       .wait_ms = 30000};
    return registry_new(&options, set, &err);
}

static struct registry *registry_at(const char *where) {
    return registry_with(where, 20000, RETRY);
}

/* The test's registry, but that it gives up a question after total_ms, and rests for retry_ms after a failure. */
static void set_times(int total_ms, int retry_ms) {
    registry_free(&registry);
    registry = registry_with(url, total_ms, retry_ms);
}

/* For as long as a slow machine may need. */
static void await(int64_t id) {
    for (int i = 0; i < 600 && !schemas_by_id(set, id); i++)
        nap(50);
}

static void setup(void) {
    setenv("no_proxy", "127.0.0.1", 1);
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR,
                              &loopback, MHD_OPTION_END);
    ck_assert(server != NULL);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/base/", info->port);
    atomic_store(&asked, 0);
    atomic_store(&released, false);
    set = schemas_new();
    registry = registry_at(url);
    ck_assert_msg(registry != NULL, "%s", err.words);
}

static void teardown(void) {
    atomic_store(&released, true);
    registry_free(&registry);
    schemas_free(&set);
    MHD_stop_daemon(server);
}

#define NOT_THERE {"", 404, "{\"error_code\":40403,\"message\":\"Schema not found\"}", 0}

#define ck_assert_failed(ok, expected_code, expected_words)                                                           \
    do {                                                                                                              \
        ck_assert(!(ok));                                                                                             \
        ck_assert_msg(err.code == (expected_code) && strstr(err.words, (expected_words)), "%s: %s: %s",               \
                      err_name(err.code), err.where, err.words);                                                      \
        ck_assert(!strstr(err.words, "secret") && !strstr(err.where, "secret"));                                      \
    } while (0)

START_TEST(a_schema_is_fetched_once) {
    static const struct answer script[] = {{"/base/schemas/ids/7", 200, "{\"schema\":\"\\\"int\\\"\"}", 0}, NOT_THERE};
    answers = script;
    ck_assert_msg(registry_fetch(registry, 7, &err), "%s", err.words);
    ck_assert(schemas_by_id(set, 7) != NULL);
    ck_assert_str_eq(last_user, "me:secret");
    ck_assert(registry_fetch(registry, 7, &err));
    ck_assert_int_eq(asked, 1);
}
END_TEST

#define ENUM_TEXT "{\\\"type\\\":\\\"enum\\\",\\\"name\\\":\\\"n.Kind\\\",\\\"symbols\\\":[\\\"a\\\"]}"
#define RECORD_TEXT(name, type)                                                                                       \
    "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"" name "\\\",\\\"fields\\\":[{\\\"name\\\":\\\"x\\\",\\\"type\\\":" \
    "\\\"" type "\\\"}]}"
#define REFERENCE(subject) "{\"name\":\"?\",\"subject\":\"" subject "\",\"version\":3}"

START_TEST(what_a_schema_refers_to_comes_first) {
    static const struct answer script[] = {
        {"/base/schemas/ids/7", 200,
         "{\"schema\":\"" RECORD_TEXT("Outer", "n.Inner") "\","
         "\"references\":[" REFERENCE("inner") "," REFERENCE("a kind") "]}",
         0},
        {"/base/subjects/inner/versions/3", 200,
         "{\"schema\":\"" RECORD_TEXT("n.Inner", "Kind") "\",\"references\":[" REFERENCE("a kind") "]}", 0},
        {"/base/subjects/a kind/versions/3", 200, "{\"schema\":\"" ENUM_TEXT "\",\"schemaType\":\"AVRO\"}", 0},
        NOT_THERE};
    answers = script;
    ck_assert_msg(registry_fetch(registry, 7, &err), "%s", err.words);
    ck_assert_int_eq(asked, 3);
    ck_assert_bytes_eq(schema_name(schemas_by_id(set, 7)), "Outer");
}
END_TEST

START_TEST(references_in_a_circle_end) {
    static const struct answer script[] = {
        {"/base/schemas/ids/7", 200, "{\"schema\":\"x\",\"references\":[" REFERENCE("a") "]}", 0},
        {"/base/subjects/a/versions/3", 200, "{\"schema\":\"x\",\"references\":[" REFERENCE("a") "]}", 0},
        NOT_THERE};
    answers = script;
    ck_assert_failed(registry_fetch(registry, 7, &err), ERR_SCHEMA, "more than 8 deep");
}
END_TEST

START_TEST(an_unknown_id_is_a_reject_and_is_remembered) {
    static const struct answer script[] = {NOT_THERE};
    answers = script;
    int tries = 0;
    int64_t began;
    do { /* a machine that stands still in between forgets it */
        ck_assert_int_lt(tries, 20);
        nap(tries++ ? UNKNOWN + 50 : 0);
        atomic_store(&asked, 0);
        began = clock_mono_ms();
        ck_assert_failed(registry_fetch(registry, 7, &err), ERR_SCHEMA, "no such schema (Schema not found)");
        ck_assert_failed(registry_fetch(registry, 7, &err), ERR_SCHEMA, "no such schema (Schema not found)");
    } while (clock_mono_ms() - began >= UNKNOWN);
    ck_assert_int_eq(asked, 1);
    nap(UNKNOWN + 50);
    ck_assert(!registry_fetch(registry, 7, &err));
    ck_assert_int_eq(asked, 2);
}
END_TEST

START_TEST(a_schema_that_cannot_be_read_is_a_reject) {
    static const struct answer script[] = {
        {"/base/schemas/ids/1", 200, "{\"schema\":\"\\\"strin\\\"\"}", 0},
        {"/base/schemas/ids/2", 200, "{\"schema\":\"syntax = 3\",\"schemaType\":\"PROTOBUF\"}", 0},
        NOT_THERE};
    answers = script;
    ck_assert_failed(registry_fetch(registry, 1, &err), ERR_SCHEMA, "unknown type \"strin\"");
    ck_assert_failed(registry_fetch(registry, 2, &err), ERR_SCHEMA, "is PROTOBUF, not Avro");
}
END_TEST

/* Each failure is a RETRY, and for a while the registry is not asked again. */
static void check_retry(const char *body, unsigned status, int delay, enum err_code code, const char *words) {
    /* The server's thread may look at it after this function has given up waiting. */
    static struct answer script[1];
    script[0] = (struct answer){"", status, body, delay};
    answers = script;
    int before = asked;
    ck_assert_failed(registry_fetch(registry, 7, &err), code, words);
    ck_assert_int_eq(err_class(err.code), ERR_CLASS_RETRY);
    ck_assert_failed(registry_fetch(registry, 8, &err), code, words);
    ck_assert_int_le(asked, before + 1);
}

START_TEST(failures_are_retries) {
    static const struct {
        unsigned status;
        const char *body;
        int delay;
        enum err_code code;
        const char *words;
    } cases[] = {
        {503, "", 0, ERR_UNAVAILABLE, "answered 503"},
        {429, "{\"message\":\"slow down\"}", 0, ERR_UNAVAILABLE, "answered 429 (slow down)"},
        {401, "", 0, ERR_UNAVAILABLE, "registry.user or registry.password is not accepted"},
        {404, "<html>", 0, ERR_UNAVAILABLE, "is registry.url right?"},
        {200, "<html>", 0, ERR_UNAVAILABLE, "is registry.url right?"},
        {200, "{\"id\":3}", 0, ERR_UNAVAILABLE, "has no schema in it: is registry.url right?"},
        {200, "[]", 0, ERR_UNAVAILABLE, "no JSON object"},
        {302, "", 0, ERR_UNAVAILABLE, "answered 302"},
        {422, "{\"error_code\":42202,\"message\":\"no version\"}", 0, ERR_UNAVAILABLE, "answered 422 (no version)"},
        {200, NULL, 0, ERR_UNAVAILABLE, "larger than 1048576 bytes"},
        {200, "{}", 5000, ERR_TIMEOUT, "timed out"},
    };
    set_times(cases[_i].delay ? 500 : 20000, NEVER);
    check_retry(cases[_i].body, cases[_i].status, cases[_i].delay, cases[_i].code, cases[_i].words);
}
END_TEST

START_TEST(a_registry_that_is_down_is_asked_now_and_then) {
    static const struct answer bad[] = {{"", 503, "", 0}};
    answers = bad;
    set_times(20000, NEVER);
    ck_assert(!registry_fetch(registry, 7, &err));
    nap(250);
    ck_assert_int_eq(asked, 1);
}
END_TEST

/* Nobody needs to ask at the right moment: its own thread goes on asking. */
START_TEST(after_a_failure_it_is_asked_again) {
    static const struct answer bad[] = {{"", 503, "", 0}};
    static const struct answer good[] = {{"", 200, "{\"schema\":\"\\\"int\\\"\"}", 0}};
    answers = bad;
    int64_t began = clock_mono_ms();
    ck_assert(!registry_fetch(registry, 7, &err));
    answers = good;
    bool there = registry_fetch(registry, 7, &err);
    ck_assert(!there || clock_mono_ms() - began >= RETRY);
    await(7);
    ck_assert(registry_fetch(registry, 7, &err));
}
END_TEST

/* A worker has other things to do than to wait for a slow registry. */
START_TEST(a_slow_registry_holds_up_nobody) {
    static const struct answer slow[] = {{"", 200, "{\"schema\":\"\\\"int\\\"\"}", NEVER}};
    struct registry_options options = {.url = url, .wait_ms = 20, .total_ms = NEVER};
    answers = slow;
    registry_free(&registry);
    registry = registry_new(&options, set, &err);
    for (int64_t id = 1; id <= 3; id++)
        ck_assert_failed(registry_fetch(registry, id, &err), ERR_UNAVAILABLE, "is being asked for");
    atomic_store(&released, true);
    await(3);
    for (int64_t id = 1; id <= 3; id++)
        ck_assert(registry_fetch(registry, id, &err));
}
END_TEST

START_TEST(the_next_server_is_asked_where_one_is_away) {
    static const struct answer good[] = {{"", 200, "{\"schema\":\"\\\"int\\\"\"}", 0}};
    char two[160];
    answers = good;
    registry_free(&registry);
    snprintf(two, sizeof two, "http://127.0.0.1:1 , %s", url);
    registry = registry_at(two);
    ck_assert_msg(registry_fetch(registry, 7, &err), "%s", err.words);
    registry_free(&registry);
    registry = registry_at("http://127.0.0.1:1");
    ck_assert_failed(registry_fetch(registry, 8, &err), ERR_UNAVAILABLE, "connect");
    ck_assert_str_eq(err.where, "http://127.0.0.1:1");
}
END_TEST

START_TEST(our_schemas_are_registered) {
    static const struct answer script[] = {{"/base/subjects/leads/scores-value/versions", 200, "{\"id\":42}", 0},
                                           NOT_THERE};
    answers = script;
    int64_t id = 0;
    ck_assert_msg(registry_register(registry, "leads/scores-value", bytes_of("{\"type\":\"int\"}"), &id, &err), "%s",
                  err.words);
    ck_assert_int_eq(id, 42);
    ck_assert_str_eq(last_body, "{\"schema\":\"{\\\"type\\\":\\\"int\\\"}\"}");
}
END_TEST

START_TEST(an_incompatible_schema_is_fatal) {
    static const struct answer script[] = {{"", 409, "{\"error_code\":409,\"message\":\"READER_FIELD_MISSING\"}", 0}};
    answers = script;
    int64_t id;
    ck_assert_failed(registry_register(registry, "s", bytes_of("\"int\""), &id, &err), ERR_REFUSED,
                     "refuses our schema for subject s: READER_FIELD_MISSING");
}
END_TEST

START_TEST(bad_urls) {
    static const char *const bad[] = {"", "localhost:8081", "ftp://x", "http://me:secret@x", "http://a http://b",
                                      "http://a,", "http://a,b"};
    ck_assert(!registry_at(bad[_i]));
    ck_assert_int_eq(err.code, ERR_CONFIG);
    ck_assert(!strstr(err.words, "secret"));
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_schema_is_fetched_once);
    tcase_add_test(all, what_a_schema_refers_to_comes_first);
    tcase_add_test(all, references_in_a_circle_end);
    tcase_add_test(all, an_unknown_id_is_a_reject_and_is_remembered);
    tcase_add_test(all, a_schema_that_cannot_be_read_is_a_reject);
    tcase_add_loop_test(all, failures_are_retries, 0, 11);
    tcase_add_test(all, a_registry_that_is_down_is_asked_now_and_then);
    tcase_add_test(all, after_a_failure_it_is_asked_again);
    tcase_add_test(all, a_slow_registry_holds_up_nobody);
    tcase_add_test(all, the_next_server_is_asked_where_one_is_away);
    tcase_add_test(all, our_schemas_are_registered);
    tcase_add_test(all, an_incompatible_schema_is_fatal);
    tcase_add_loop_test(all, bad_urls, 0, 7);
}

SUITE_MAIN("registry", add)
