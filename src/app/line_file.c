/* Lines through one buffer. It holds the longest line that an event may have four times, so that most lines are found
 * and handed out without being moved. */
#include "app/line_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEPT = EVENT_MAX_BYTES, BUFFER = 4 * KEPT };

struct line_file {
    const char *name;
    int fd;
    bool ended;    /* read() said so */
    uint64_t read; /* bytes */
    uint64_t number;
    size_t at, n; /* of the buffer: the next line's start, and what is filled */
    uint8_t buffer[BUFFER];
};

struct line_file *line_file_new(int fd, const char *name) {
    struct line_file *file = malloc(sizeof *file);
    MUST(file != NULL);
    file->name = name;
    file->fd = fd;
    file->ended = false;
    file->read = file->number = 0;
    file->at = file->n = 0;
    return file;
}

void line_file_free(struct line_file **file) {
    if (!*file)
        return;
    if ((*file)->fd != STDIN_FILENO)
        close((*file)->fd);
    free(*file);
    *file = NULL;
}

uint64_t line_file_read(const struct line_file *file) {
    return file->read;
}

/* Reads what comes next behind the first `keep` bytes of the buffer. */
static bool read_more(struct line_file *file, size_t keep, struct err *e) {
    MUST(keep < BUFFER);
    ssize_t got;
    do {
        got = read(file->fd, file->buffer + keep, BUFFER - keep);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set(e, ERR_DISK, file->name, "%s", strerror(errno));
    file->ended = got == 0;
    file->n = keep + (size_t)got;
    file->read += (uint64_t)got;
    return true;
}

/* Moves what is not handed out yet to the front, and reads on behind it. */
static bool refill(struct line_file *file, struct err *e) {
    size_t had = file->n - file->at;
    memmove(file->buffer, file->buffer + file->at, had);
    file->at = 0;
    return read_more(file, had, e);
}

/* The place of the first newline from `from` on; the end of what is filled if there is none. */
static size_t newline(const struct line_file *file, size_t from) {
    const uint8_t *at = memchr(file->buffer + from, '\n', file->n - from);
    return at ? (size_t)(at - file->buffer) : file->n;
}

/* Makes the line at file->at lie in the buffer, or more of it than is kept. *end is its newline, or file->n. */
static bool gather(struct line_file *file, size_t *end, struct err *e) {
    *end = newline(file, file->at);
    while (*end == file->n && !file->ended && file->n - file->at <= KEPT) {
        size_t had = file->n - file->at;
        if (!refill(file, e))
            return false;
        *end = newline(file, had);
    }
    return true;
}

/* Lets the rest of a long line run through behind what is kept; *end is as gather's, *length grows. */
static bool run_through(struct line_file *file, size_t *end, uint64_t *length, struct err *e) {
    if (*end < file->n)
        return true;
    memmove(file->buffer, file->buffer + file->at, KEPT);
    file->at = 0;
    while (*end == file->n && !file->ended) {
        if (!read_more(file, KEPT, e))
            return false;
        *end = newline(file, KEPT);
        *length += *end - KEPT;
    }
    return true;
}

enum line_status line_file_next(struct line_file *file, struct line *line, struct err *e) {
    size_t end;
    if (!gather(file, &end, e))
        return LINE_FAILED;
    if (file->at == file->n)
        return LINE_END;
    line->number = ++file->number;
    line->length = end - file->at;
    if (line->length > KEPT && !run_through(file, &end, &line->length, e))
        return LINE_FAILED;
    line->text = (struct bytes){file->buffer + file->at, line->length < KEPT ? (size_t)line->length : KEPT};
    file->at = end + (end < file->n);
    return LINE_READ;
}

bool line_file_peek(struct line_file *file, size_t n, struct bytes *head, struct err *e) {
    MUST(n <= 64);
    while (file->n - file->at < n && !file->ended)
        if (!refill(file, e))
            return false;
    size_t there = file->n - file->at;
    *head = (struct bytes){file->buffer + file->at, there < n ? there : n};
    return true;
}

bool line_file_copy(struct line_file *file, int to, struct err *e) {
    for (;;) {
        while (file->at < file->n) {
            ssize_t put = write(to, file->buffer + file->at, file->n - file->at);
            if (put < 0 && errno != EINTR)
                return err_set(e, ERR_DISK, file->name, "cannot be kept in a temporary file: %s", strerror(errno));
            file->at += put > 0 ? (size_t)put : 0;
        }
        if (file->ended)
            return true;
        if (!refill(file, e))
            return false;
    }
}
