/* A small HTTP server for /metrics and /health, by libmicrohttpd, on a thread of its own.
 *
 * It knows no metrics and no engine: whoever starts it gives pages, each a function that writes text. The function runs
 * on the server's thread, so what it reads must be atomics or its own. Limits on connections, memory and time keep a
 * misbehaving client from being felt: where connections become many, the oldest is cut off for the newest, so that who
 * holds them open, or drips, keeps nobody out. It serves whoever can connect: by default only this host can. */
#ifndef LEADSTREAM_HTTP_H
#define LEADSTREAM_HTTP_H

#include <leadstream/err.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { HTTP_MAX_PAGES = 8, HTTP_MAX_CONNECTIONS = 64, HTTP_TIMEOUT = 5 /* s without a word from the client */ };

struct http_page {
    const char *path;         /* "/metrics" */
    const char *content_type; /* "text/plain; version=0.0.4" */
    void *self;
    /* Writes the page. False: the page says that something is wrong, and goes out as 503. */
    bool (*write)(void *self, FILE *to);
};

struct http;

/* Listens on ADDRESS:PORT ("127.0.0.1:9464", "[::1]:9464", "*:9464" for all addresses, port 0 for any free one) and
 * serves the pages, whose texts and functions must outlive it. NULL: *e says why. */
struct http *http_start(const char *listen, const struct http_page *pages, size_t n, struct err *e);
/* Ends the thread, cutting off who is connected. */
void http_stop(struct http **http);

/* The port that it listens on. */
uint16_t http_port(const struct http *http);

#endif
