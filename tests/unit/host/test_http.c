/* The server as a client on a bare socket sees it: pages, refusals, limits, a clean stop. */
#include "host/http.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static bool healthy;
static int asked;

static bool write_metrics(void *self, FILE *to) {
    asked++;
    for (int i = 0; i < *(int *)self; i++)
        fprintf(to, "leadstream_events_total{worker=\"%d\"} %d\n", i, i * 100);
    return true;
}

static bool write_health(void *self, FILE *to) {
    (void)self;
    fprintf(to, healthy ? "ok\n" : "no broker\n");
    return healthy;
}

static int lines = 2;
static const struct http_page pages[] = {{"/metrics", "text/plain; version=0.0.4", &lines, write_metrics},
                                         {"/health", "text/plain", NULL, write_health}};

static struct http *start(void) {
    struct err e = {.code = ERR_NONE};
    struct http *http = http_start("127.0.0.1:0", pages, 2, &e);
    ck_assert_msg(http != NULL, "%s: %s", e.where, e.words);
    return http;
}

static int dial(uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {60, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct sockaddr any;
    memcpy(&any, &to, sizeof any);
    ck_assert_int_eq(connect(fd, &any, sizeof any), 0);
    return fd;
}

/* Sends a request and reads all that comes back, until the server hangs up. */
static const char *ask(uint16_t port, const char *request) {
    static char reply[1 << 20];
    size_t n = 0;
    int fd = dial(port);
    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (ssize_t got; (got = recv(fd, reply + n, sizeof reply - 1 - n, 0)) > 0;)
        n += (size_t)got;
    reply[n] = 0;
    close(fd);
    return reply;
}

static void expect(uint16_t port, const char *request, const char *status, const char *has) {
    const char *reply = ask(port, request);
    ck_assert_msg(strncmp(reply, status, strlen(status)) == 0, "%s gave %.300s", request, reply);
    ck_assert_msg(strstr(reply, has) != NULL, "%s gave %.300s", request, reply);
}

#define CLOSE "Host: x\r\nConnection: close\r\n\r\n"

START_TEST(pages_are_served) {
    struct http *http = start();
    uint16_t port = http_port(http);
    healthy = true;
    expect(port, "GET /metrics HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "leadstream_events_total{worker=\"1\"} 100\n");
    expect(port, "GET /metrics HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "Content-Type: text/plain; version=0.0.4");
    expect(port, "GET /health?verbose=1 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "\r\n\r\nok\n");
    expect(port, "GET /health HTTP/1.0\r\n\r\n", "HTTP/1.", "\r\n\r\nok\n");
    const char *head = ask(port, "HEAD /health HTTP/1.1\r\n" CLOSE);
    ck_assert_ptr_nonnull(strstr(head, "200"));
    ck_assert_ptr_null(strstr(head, "ok\n"));
    healthy = false;
    expect(port, "GET /health HTTP/1.1\r\n" CLOSE, "HTTP/1.1 503", "no broker\n");
    http_stop(&http);
    ck_assert_ptr_null(http);
}
END_TEST

START_TEST(a_large_page_is_whole) {
    struct http *http = start();
    lines = 10000;
    expect(http_port(http), "GET /metrics HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "worker=\"9999\"} 999900\n");
    lines = 2;
    http_stop(&http);
}
END_TEST

START_TEST(other_paths_and_methods_are_refused) {
    struct http *http = start();
    uint16_t port = http_port(http);
    asked = 0;
    expect(port, "GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 404", "there are: /metrics /health\n");
    expect(port, "GET /metrics/../x HTTP/1.1\r\n" CLOSE, "HTTP/1.1 404", "no such page");
    expect(port, "DELETE /metrics HTTP/1.1\r\n" CLOSE, "HTTP/1.1 405", "Allow: GET, HEAD");
    expect(port, "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n" CLOSE "hello", "HTTP/1.1 405", "only GET");
    ck_assert_int_eq(asked, 0);
    http_stop(&http);
}
END_TEST

START_TEST(rubbish_does_no_harm) {
    struct http *http = start();
    uint16_t port = http_port(http);
    uint64_t random = 5;
    char *rubbish = malloc(100001);
    memset(rubbish, 'x', 100000);
    rubbish[100000] = 0;
    memcpy(rubbish, "GET /", 5);
    ask(port, rubbish);
    for (int i = 0; i < 20; i++) {
        for (size_t j = 0; j < 200; j++)
            rubbish[j] = (char)(1 + suite_below(&random, 255));
        memcpy(rubbish + 200, "\r\n\r\n", 5);
        int fd = dial(port);
        ck_assert_int_gt(send(fd, rubbish, 204, MSG_NOSIGNAL), 0);
        close(fd);
    }
    free(rubbish);
    healthy = true;
    expect(port, "GET /health HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "ok\n");
    http_stop(&http);
}
END_TEST

/* More than there is room for, all of them silent or dripping, and they stay. False: who asked had to wait until some
 * of them were given up. */
static bool is_answered_beside_many(uint16_t port) {
    enum { MANY = 200 };
    int idle[MANY];
    healthy = true;
    for (size_t i = 0; i < MANY; i++) {
        idle[i] = dial(port);
        ck_assert_int_eq(send(idle[i], "GET /health HTTP/1.1\r\nX", i % 2 ? 23 : 0, MSG_NOSIGNAL), i % 2 ? 23 : 0);
    }
    bool soon = true;
    for (int round = 0; round < 3; round++) {
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        expect(port, "GET /health HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "ok\n");
        clock_gettime(CLOCK_MONOTONIC, &after);
        soon = soon && after.tv_sec - before.tv_sec < HTTP_TIMEOUT - 1;
    }
    for (size_t i = 0; i < MANY; i++)
        close(idle[i]);
    expect(port, "GET /health HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "ok\n");
    return soon;
}

START_TEST(who_holds_connections_open_keeps_nobody_out) {
    struct http *http = start();
    int tries = 0;
    while (!is_answered_beside_many(http_port(http)))
        ck_assert_int_lt(++tries, 4); /* a machine that stands still is late, too, but not each time */
    http_stop(&http);
}
END_TEST

START_TEST(it_stops_with_a_client_in_the_middle_of_a_request) {
    struct http *http = start();
    int fd = dial(http_port(http));
    ck_assert_int_eq(send(fd, "GET /met", 8, MSG_NOSIGNAL), 8);
    http_stop(&http);
    char byte;
    ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
    close(fd);
}
END_TEST

static void refused(const char *text, enum err_code code, const char *why) {
    struct err e = {.code = ERR_NONE};
    struct http *http = http_start(text, pages, 2, &e);
    ck_assert_msg(http == NULL, "%s", text);
    ck_assert_msg(e.code == code && strstr(e.words, why), "%s: %s: %s", text, err_name(e.code), e.words);
    ck_assert_str_eq(e.where, "http.listen");
}

START_TEST(bad_addresses_are_refused) {
    const char *bad[] = {"",
                         ":",
                         "9464",
                         "127.0.0.1",
                         "127.0.0.1:",
                         "127.0.0.1:x",
                         "127.0.0.1:65536",
                         "127.0.0.1:-1",
                         ":9464",
                         "127.0.0.1:94 64",
                         "::1:9464",
                         "127.0.0.1:+1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused(bad[i], ERR_CONFIG, "is not ADDRESS:PORT (try 127.0.0.1:9464)");
    refused("203.0.113.9:9464", ERR_CONFIG, "no such address");
    refused("no.such.host.invalid:9464", ERR_CONFIG, "no.such.host.invalid");
}
END_TEST

START_TEST(a_port_that_is_taken_is_refused) {
    struct http *http = start();
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)http_port(http));
    refused(text, ERR_UNAVAILABLE, "another process listens there");
    http_stop(&http);
    struct err e;
    http = http_start(text, pages, 2, &e);
    ck_assert_msg(http != NULL, "the port is free again: %s", e.words);
    http_stop(&http);
}
END_TEST

START_TEST(all_addresses_and_ipv6) {
    struct err e;
    struct http *http = http_start("*:0", pages, 2, &e);
    ck_assert_msg(http != NULL, "%s", e.words);
    healthy = true;
    expect(http_port(http), "GET /health HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "ok\n");
    http_stop(&http);
    http = http_start("[::1]:0", pages, 2, &e);
    ck_assert_msg(http != NULL || strstr(e.words, "address") != NULL, "%s", e.words);
    http_stop(&http);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, pages_are_served);
    tcase_add_test(all, a_large_page_is_whole);
    tcase_add_test(all, other_paths_and_methods_are_refused);
    tcase_add_test(all, rubbish_does_no_harm);
    tcase_add_test(all, who_holds_connections_open_keeps_nobody_out);
    tcase_add_test(all, it_stops_with_a_client_in_the_middle_of_a_request);
    tcase_add_test(all, bad_addresses_are_refused);
    tcase_add_test(all, a_port_that_is_taken_is_refused);
    tcase_add_test(all, all_addresses_and_ipv6);
}

SUITE_MAIN("http", add)
