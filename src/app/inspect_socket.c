/* One thread, one connection at a time: inspect is a person's tool. A question is answered by the worker that holds the
 * lead's shard, between two of its turns. */
#include "app/inspect_socket.h"

#include "adapters/murmur2.h"
#include "host/log.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4, LOOK = 200 /* ms between two looks at `stop` */, PATIENCE = 5000 /* ms */ };
#define MAX_VALUE ((size_t)64 * 1024 * 1024)

struct inspect_socket {
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    int fd;
    struct worker *const *workers;
    size_t n_workers;
    uint32_t partitions;
    pthread_t thread;
    _Atomic bool stop;
};

/* ---- lines ---- */

static bool send_all(int fd, const char *text, size_t n) {
    while (n) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Reads up to a newline (left out) into a growing text; false: too long, or the other side went. */
static bool receive_line(int fd, char **line, size_t limit) {
    size_t n = 0, cap = 1024;
    *line = malloc(cap);
    MUST(*line != NULL);
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, 2 * PATIENCE) != 1)
            return false;
        ssize_t got = recv(fd, *line + n, cap - n - 1, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        if ((*line)[n - 1] == '\n') {
            (*line)[n - 1] = 0;
            return true;
        }
        if (n + 1 == cap) {
            if (cap >= limit)
                return false;
            cap *= 2;
            *line = realloc(*line, cap);
            MUST(*line != NULL);
        }
    }
}

static void hex_of(struct bytes b, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < b.n; i++) {
        *out++ = digits[b.at[i] >> 4];
        *out++ = digits[b.at[i] & 15];
    }
    *out = 0;
}

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of hex digits, written over them; false: not hex. */
static bool hex_read(char *text, struct bytes *out) {
    size_t n = strlen(text);
    if (n % 2)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        text[i / 2] = (char)(high << 4 | low);
    }
    *out = (struct bytes){(uint8_t *)text, n / 2};
    return true;
}

/* ---- the daemon's side ---- */

/* The answer to a question as a line, to be freed. */
static char *answer(const struct inspect_socket *s, struct bytes lead, struct arena *arena) {
    uint32_t shard = murmur2_partition(lead, s->partitions);
    char *line = NULL;
    for (size_t i = 0; i < s->n_workers; i++) {
        struct bytes value;
        struct err e;
        bool held;
        if (!worker_peek(s->workers[i], shard, lead, PATIENCE, &held, arena, &value, &e)) {
            line = malloc(sizeof e.words + 16);
            MUST(line != NULL);
            snprintf(line, sizeof e.words + 16, "error %s\n", e.words);
            return line;
        }
        if (!held)
            continue;
        if (!value.at)
            return strdup("none\n");
        line = malloc(2 * value.n + 16);
        MUST(line != NULL);
        memcpy(line, "value ", 6);
        hex_of(value, line + 6);
        memcpy(line + 6 + 2 * value.n, "\n", 2);
        return line;
    }
    return strdup("elsewhere\n");
}

static void serve(const struct inspect_socket *s, int fd) {
    char *question = NULL, *line = NULL;
    struct bytes lead;
    struct arena *arena = arena_new(MAX_VALUE);
    if (receive_line(fd, &question, 2 * EVENT_MAX_LEAD + 2) && hex_read(question, &lead) && lead.n > 0 &&
        lead.n <= EVENT_MAX_LEAD)
        line = answer(s, lead, arena);
    else
        line = strdup("error the question is not a lead's id in hex\n");
    if (line)
        send_all(fd, line, strlen(line));
    free(line);
    free(question);
    arena_free(&arena);
}

static void *run(void *self) {
    struct inspect_socket *s = self;
    while (!atomic_load(&s->stop)) {
        struct pollfd p = {s->fd, POLLIN, 0};
        if (poll(&p, 1, LOOK) != 1)
            continue;
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            continue;
        /* An asker that does not read its answer must not hold the daemon up when it stops. */
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){PATIENCE / 1000, 0}, sizeof(struct timeval));
        serve(s, fd);
        close(fd);
    }
    return NULL;
}

static bool address_of(const char *store_path, struct sockaddr_un *address, struct err *e) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    int n = snprintf(address->sun_path, sizeof address->sun_path, "%s/inspect.sock", store_path);
    if (n < 0 || (size_t)n >= sizeof address->sun_path)
        return err_set(e, ERR_CONFIG, "store.path",
                       "\"%.100s\" is too long for a socket (%zu bytes at most): use a shorter"
                       " path",
                       store_path, sizeof address->sun_path - sizeof "/inspect.sock");
    return true;
}

static bool listen_at(struct inspect_socket *s, const char *store_path, struct err *e) {
    struct sockaddr_un address;
    if (!address_of(store_path, &address, e))
        return false;
    memcpy(s->path, address.sun_path, sizeof s->path);
    unlink(s->path); /* of a daemon that died: the store's lock says that no other one runs */
    s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    /* The process's umask keeps others out before chmod does; nobody can connect before listen. */
    bool ok = s->fd >= 0 && bind(s->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
              chmod(s->path, S_IRUSR | S_IWUSR) == 0;
    if (!ok || listen(s->fd, BACKLOG) != 0)
        return err_set(e, ERR_DISK, s->path, "no socket for inspect: %s", strerror(errno));
    return true;
}

struct inspect_socket *inspect_socket_start(const char *store_path, struct worker *const *workers, size_t n_workers,
                                            uint32_t partitions, struct err *e) {
    struct inspect_socket *s = calloc(1, sizeof *s);
    MUST(s != NULL);
    *s = (struct inspect_socket){.fd = -1, .workers = workers, .n_workers = n_workers, .partitions = partitions};
    if (listen_at(s, store_path, e)) {
        int rc = pthread_create(&s->thread, NULL, run, s);
        if (rc == 0)
            return s;
        err_set(e, ERR_UNAVAILABLE, "", "no thread for inspect: %s", strerror(rc));
    }
    if (s->fd >= 0)
        close(s->fd);
    free(s);
    return NULL;
}

void inspect_socket_stop(struct inspect_socket **socket) {
    struct inspect_socket *s = *socket;
    if (!s)
        return;
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    close(s->fd);
    unlink(s->path);
    free(s);
    *socket = NULL;
}

/* ---- the asker's side ---- */

static bool read_answer(char *line, struct arena *arena, enum inspect_answer *answer, struct bytes *value,
                        struct err *e) {
    *value = (struct bytes){NULL, 0};
    if (!strcmp(line, "none")) {
        *answer = INSPECT_NONE;
    } else if (!strcmp(line, "elsewhere")) {
        *answer = INSPECT_ELSEWHERE;
    } else if (!strncmp(line, "error ", 6)) {
        return err_set(e, ERR_UNAVAILABLE, "the daemon", "%s", line + 6);
    } else if (!strncmp(line, "value ", 6) && hex_read(line + 6, value)) {
        *answer = INSPECT_VALUE;
        value->at = arena_copy(arena, value->at, value->n);
        MUST(value->at != NULL);
    } else {
        return err_set(e, ERR_CORRUPT, "the daemon", "its answer \"%.40s\" is not understood", line);
    }
    return true;
}

bool inspect_socket_ask(const char *store_path, struct bytes lead, struct arena *arena, enum inspect_answer *answer,
                        struct bytes *value, struct err *e) {
    struct sockaddr_un address;
    if (!address_of(store_path, &address, e))
        return false;
    MUST(lead.n <= EVENT_MAX_LEAD);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        *answer = INSPECT_NOT_RUNNING;
        if (why == ENOENT || why == ECONNREFUSED)
            return true;
        return err_set(e, ERR_UNAVAILABLE, address.sun_path, "%s", strerror(why));
    }
    char question[2 * EVENT_MAX_LEAD + 2], *line = NULL;
    hex_of(lead, question);
    memcpy(question + 2 * lead.n, "\n", 2);
    bool ok = send_all(fd, question, strlen(question)) && receive_line(fd, &line, 2 * MAX_VALUE);
    ok = ok ? read_answer(line, arena, answer, value, e)
            : err_set(e, ERR_TIMEOUT, address.sun_path, "the daemon did not answer");
    free(line);
    close(fd);
    return ok;
}
