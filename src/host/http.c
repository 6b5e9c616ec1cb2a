/* Pages over HTTP. The socket is made here rather than by libmicrohttpd, so that what fails can be told exactly. */
#include "host/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAGIC 0x68747470u
enum { MEMORY_PER_CONNECTION = 16 * 1024, STACK = 256 * 1024, BACKLOG = 128, MAX_ADDRESS = 256 };
enum { KEPT = HTTP_MAX_CONNECTIONS * 3 / 4 /* connections; the rest is room for those that come meanwhile */ };

struct http {
    uint32_t magic;
    struct http_page pages[HTTP_MAX_PAGES];
    size_t n;
    uint16_t port;
    struct MHD_Daemon *daemon;
    int open[KEPT]; /* the connections' sockets, the oldest first; of the server's thread alone */
    size_t n_open;
};

/* ------------------------------------------------------------------------------------------------ answers */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              struct MHD_Response *response) {
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *text) {
    char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    return answer(connection, status, "text/plain",
                  MHD_create_response_from_buffer(strlen(copy), copy, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result answer_page(struct MHD_Connection *connection, const struct http_page *page) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return MHD_NO;
    bool good = page->write(page->self, to);
    if (fclose(to) != 0) {
        free(text);
        return MHD_NO;
    }
    return answer(connection, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, page->content_type,
                  MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE));
}

static enum MHD_Result handle(void *self, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_n, void **request) {
    const struct http *http = self;
    (void)version;
    (void)upload;
    (void)request;
    *upload_n = 0; /* what a client sends along is passed over */
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    for (size_t i = 0; i < http->n; i++) {
        if (strcmp(url, http->pages[i].path) == 0)
            return answer_page(connection, &http->pages[i]);
    }
    char words[256] = "no such page; there are:";
    for (size_t i = 0; i < http->n; i++) {
        size_t at = strlen(words);
        snprintf(words + at, sizeof words - at, " %s", http->pages[i].path);
    }
    strncat(words, "\n", sizeof words - strlen(words) - 1);
    return answer_text(connection, MHD_HTTP_NOT_FOUND, words);
}

/* ------------------------------------------------------------------------------------------------ connections */

static void forget(struct http *http, size_t i) {
    http->n_open--;
    memmove(http->open + i, http->open + i + 1, (http->n_open - i) * sizeof *http->open);
}

/* Past the limit libmicrohttpd would leave newcomers waiting until somebody's time is over. One that is shut down is
 * closed by it in its next turn. */
static void on_connection(void *self, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
    struct http *http = self;
    (void)context;
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        if (http->n_open == KEPT) {
            shutdown(http->open[0], SHUT_RDWR);
            forget(http, 0);
        }
        http->open[http->n_open++] = fd;
        return;
    }
    for (size_t i = 0; i < http->n_open; i++) {
        if (http->open[i] == fd) {
            forget(http, i);
            return;
        }
    }
}

/* ------------------------------------------------------------------------------------------------ the socket */

/* Parts "ADDRESS:PORT"; an IPv6 address stands in brackets, * is all addresses. */
static bool parse(const char *text, char address[MAX_ADDRESS], const char **port, struct err *e) {
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    bool brackets = n > 2 && text[0] == '[' && text[n - 1] == ']';
    char *end = NULL;
    unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 0;
    bool bare_colons = !brackets && memchr(text, ':', n) != NULL;
    if (n == 0 || n >= MAX_ADDRESS || bare_colons || colon[1] < '0' || colon[1] > '9' || *end || number > UINT16_MAX)
        return err_set(e, ERR_CONFIG, "http.listen", "\"%.80s\" is not ADDRESS:PORT (try 127.0.0.1:9464)", text);
    snprintf(address, MAX_ADDRESS, "%.*s", (int)(brackets ? n - 2 : n), brackets ? text + 1 : text);
    *port = colon + 1;
    return true;
}

static bool bind_error(const char *text, struct err *e) {
    if (errno == EADDRINUSE)
        return err_set(e, ERR_UNAVAILABLE, "http.listen",
                       "%.80s: another process listens there: set another address or port for this instance", text);
    if (errno == EACCES)
        return err_set(e, ERR_AUTH, "http.listen", "%.80s: permission denied: ports below 1024 belong to root", text);
    if (errno == EADDRNOTAVAIL)
        return err_set(e, ERR_CONFIG, "http.listen", "%.80s: this host has no such address", text);
    return err_set(e, ERR_UNAVAILABLE, "http.listen", "%.80s: %s", text, strerror(errno));
}

/* A listening socket, or -1. */
static int listen_on(const char *text, struct err *e) {
    char address[MAX_ADDRESS];
    const char *port = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
    if (!parse(text, address, &port, e))
        return -1;
    int failed = getaddrinfo(strcmp(address, "*") == 0 ? NULL : address, port, &hints, &found);
    if (failed) {
        err_set(e, ERR_CONFIG, "http.listen", "%.80s: %s", text, gai_strerror(failed));
        return -1;
    }
    int on = 1, fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        bind_error(text, e);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static uint16_t port_of(int fd) {
    struct sockaddr_storage any;
    socklen_t n = sizeof any;
    MUST(getsockname(fd, (struct sockaddr *)&any, &n) == 0);
    if (any.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &any, sizeof in);
        return ntohs(in.sin_port);
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, &any, sizeof in6);
    return ntohs(in6.sin6_port);
}

/* ------------------------------------------------------------------------------------------------ start and stop */

struct http *http_start(const char *listen, const struct http_page *pages, size_t n, struct err *e) {
    MUST(n <= HTTP_MAX_PAGES);
    int fd = listen_on(listen, e);
    if (fd < 0)
        return NULL;
    struct http *http = calloc(1, sizeof *http);
    MUST(http != NULL);
    http->magic = MAGIC;
    memcpy(http->pages, pages, n * sizeof *pages);
    http->n = n;
    http->port = port_of(fd);
    /* Signals are for the threads of the program: the server's own inherits a mask that blocks them all. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    http->daemon = MHD_start_daemon(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, http, MHD_OPTION_LISTEN_SOCKET,
        (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_TIMEOUT, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!http->daemon) {
        err_set(e, ERR_UNAVAILABLE, "http.listen", "%.80s: the server's thread cannot be started: %s", listen,
                strerror(errno));
        close(fd);
        http_stop(&http);
    }
    return http;
}

void http_stop(struct http **http) {
    if (!*http)
        return;
    MUST((*http)->magic == MAGIC);
    if ((*http)->daemon)
        MHD_stop_daemon((*http)->daemon);
    (*http)->magic = 0;
    free(*http);
    *http = NULL;
}

uint16_t http_port(const struct http *http) {
    MUST(http->magic == MAGIC);
    return http->port;
}
