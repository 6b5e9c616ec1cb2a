/* One thread, one connection at a time: inspect is a person's tool. Who asks has two seconds for the question and two to
 * take the answer, so that nobody keeps the others waiting, or the daemon when it stops. A question is answered by the
 * worker that holds the lead's shard, between two of its turns. */
#include "app/inspect_socket.h"

#include "adapters/murmur2.h"
#include "host/clock.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16, LOOK = 200 /* ms between two looks at `stop` */ };
enum { PATIENCE = 5000 /* ms for a worker */, ASKING = 2000 /* ms for a line of the other side */ };
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

/* Waits until the socket is ready, in pieces, as the daemon may be asked to stop meanwhile. */
static bool ready(int fd, short events, int64_t end, const _Atomic bool *stop) {
    for (int64_t left; (left = end - clock_mono_ms()) > 0 && !(stop && atomic_load(stop));) {
        struct pollfd p = {fd, events, 0};
        if (poll(&p, 1, left < LOOK ? (int)left : LOOK) == 1)
            return true;
    }
    return false;
}

static bool send_all(int fd, const char *text, size_t n, int64_t end, const _Atomic bool *stop) {
    while (n) {
        if (!ready(fd, POLLOUT, end, stop))
            return false;
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return false;
        text += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

/* Reads up to a newline (left out) into a growing text; false: too long, too late, or the other side went. */
static bool receive_line(int fd, char **line, size_t limit, int64_t end, const _Atomic bool *stop) {
    size_t n = 0, cap = 1024;
    *line = malloc(cap);
    MUST(*line != NULL);
    while (ready(fd, POLLIN, end, stop)) {
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
    return false;
}

/* ---- the daemon's side ---- */

/* The answer to a question as a line, to be freed. */
static char *answer(const struct inspect_socket *s, struct bytes lead, struct arena *arena) {
    uint32_t shard = murmur2_partition(lead, s->partitions);
    for (size_t i = 0; i < s->n_workers; i++) {
        struct bytes value;
        struct err e;
        bool held;
        if (!worker_peek(s->workers[i], shard, lead, PATIENCE, &held, arena, &value, &e))
            return inspect_line_error(e.words);
        if (held)
            return inspect_line_answer(value.at ? INSPECT_VALUE : INSPECT_NONE, value);
    }
    return inspect_line_answer(INSPECT_ELSEWHERE, (struct bytes){NULL, 0});
}

static void serve(const struct inspect_socket *s, int fd) {
    char *question = NULL;
    struct bytes lead;
    struct arena *arena = arena_new(MAX_VALUE);
    bool asked = receive_line(fd, &question, INSPECT_LINE_QUESTION, clock_mono_ms() + ASKING, &s->stop) &&
                 inspect_line_question(question, &lead);
    char *line = asked ? answer(s, lead, arena) : inspect_line_error("the question is not a lead's id in hex");
    send_all(fd, line, strlen(line), clock_mono_ms() + ASKING, &s->stop);
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

bool inspect_socket_ask(const char *store_path, struct bytes lead, struct arena *arena, enum inspect_answer *answer,
                        struct bytes *value, struct err *e) {
    struct sockaddr_un address;
    if (!address_of(store_path, &address, e))
        return false;
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
    char question[INSPECT_LINE_QUESTION], *line = NULL;
    size_t n = inspect_line_ask(lead, question);
    int64_t end = clock_mono_ms() + 3 * PATIENCE;
    bool ok = send_all(fd, question, n, end, NULL) && receive_line(fd, &line, 2 * MAX_VALUE, end, NULL);
    ok = ok ? inspect_line_read(line, answer, value, e)
            : err_set(e, ERR_TIMEOUT, address.sun_path, "the daemon did not answer");
    if (ok && value->at) {
        value->at = arena_copy(arena, value->at, value->n);
        MUST(value->at != NULL);
    }
    free(line);
    close(fd);
    return ok;
}
