/* Lines of a file -> events. The buffer holds one line of the greatest length that an event may have and as much again,
 * so that lines are decoded where they lie; of a longer line only the beginning is kept while the rest runs through. */
#include "app/event_file.h"

#include "codec/event_json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 4 * EVENT_MAX_BYTES };
#define ARENA ((size_t)1 << 20) /* of one event's texts: a line has 64 KiB, its fields' table 2 KiB */

static const struct mapping event_lines = {.shipped = true};

struct event_file {
    const char *name;
    int fd;
    bool ended; /* read() said so */
    uint64_t size;
    uint64_t read; /* bytes */
    uint64_t line; /* number of the last one handed out */
    size_t at, n;  /* of the buffer: the next line's start, and what is filled */
    struct arena *arena;
    struct event_json *json;
    uint8_t buffer[BUFFER];
};

struct event_file *event_file_open(const char *path, const struct model *model, struct err *e) {
    int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0) {
        err_set(e, ERR_DISK, path, "%s", strerror(errno));
        return NULL;
    }
    if (S_ISDIR(about.st_mode)) {
        err_set(e, ERR_DISK, path, "is a folder, not a file of events");
        close(fd);
        return NULL;
    }
    struct event_file *file = malloc(sizeof *file);
    MUST(file != NULL);
    file->name = path;
    file->fd = fd;
    file->ended = false;
    file->size = S_ISREG(about.st_mode) ? (uint64_t)about.st_size : 0;
    file->read = file->line = 0;
    file->at = file->n = 0;
    file->arena = arena_new(ARENA);
    file->json = event_json_new(&event_lines, model);
    return file;
}

void event_file_close(struct event_file **file) {
    if (!*file)
        return;
    if ((*file)->fd != STDIN_FILENO)
        close((*file)->fd);
    event_json_free(&(*file)->json);
    arena_free(&(*file)->arena);
    free(*file);
    *file = NULL;
}

const char *event_file_name(const struct event_file *file) {
    return file->name;
}

uint64_t event_file_read(const struct event_file *file) {
    return file->read;
}

uint64_t event_file_size(const struct event_file *file) {
    return file->size;
}

/* ---- lines ---- */

/* Reads what comes next behind the first `keep` bytes of the buffer. False: the file cannot be read. */
static bool read_more(struct event_file *file, size_t keep, struct err *e) {
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

/* The place of the first newline from `from` on; the end of what is filled if there is none. */
static size_t newline(const struct event_file *file, size_t from) {
    const uint8_t *at = memchr(file->buffer + from, '\n', file->n - from);
    return at ? (size_t)(at - file->buffer) : file->n;
}

/* Makes the line at file->at lie in the buffer, or more of it than a line may have. *end is its newline, or file->n. */
static bool gather(struct event_file *file, size_t *end, struct err *e) {
    *end = newline(file, file->at);
    while (*end == file->n && !file->ended && file->n - file->at <= EVENT_MAX_BYTES) {
        size_t had = file->n - file->at;
        memmove(file->buffer, file->buffer + file->at, had);
        file->at = 0;
        if (!read_more(file, had, e))
            return false;
        *end = newline(file, had);
    }
    return true;
}

/* Lets the rest of a long line run through behind its first EVENT_MAX_BYTES; *end is as gather's, *length grows. */
static bool run_through(struct event_file *file, size_t *end, uint64_t *length, struct err *e) {
    memmove(file->buffer, file->buffer + file->at, EVENT_MAX_BYTES);
    file->at = 0;
    while (*end == file->n && !file->ended) {
        if (!read_more(file, EVENT_MAX_BYTES, e))
            return false;
        *end = newline(file, EVENT_MAX_BYTES);
        *length += *end - EVENT_MAX_BYTES;
    }
    return true;
}

/* Takes the next line: EVENT says that item->text is all of it, BAD that it is too long. */
static enum event_file_status next_line(struct event_file *file, struct event_file_item *item) {
    size_t end;
    if (!gather(file, &end, &item->err))
        return EVENT_FILE_FAILED;
    if (file->at == file->n)
        return EVENT_FILE_END;
    item->line = ++file->line;
    item->length = end - file->at;
    item->text = (struct bytes){file->buffer + file->at, item->length};
    bool fits = item->length <= EVENT_MAX_BYTES;
    if (!fits) {
        if (!run_through(file, &end, &item->length, &item->err))
            return EVENT_FILE_FAILED;
        item->text = (struct bytes){file->buffer, EVENT_MAX_BYTES};
        err_set(&item->err, ERR_TOO_LARGE, NULL, "has %llu bytes, the limit of an event is %d",
                (unsigned long long)item->length, EVENT_MAX_BYTES);
    }
    file->at = end + (end < file->n);
    return fits ? EVENT_FILE_EVENT : EVENT_FILE_BAD;
}

/* The first byte that is no blank; 0: there is none. */
static uint8_t first_byte(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r", text.at[i]))
            return text.at[i];
    return 0;
}

enum event_file_status event_file_next(struct event_file *file, struct event_file_item *item) {
    uint8_t first;
    item->event = (struct event){0};
    do {
        enum event_file_status status = next_line(file, item);
        if (status != EVENT_FILE_EVENT)
            return status;
        first = first_byte(item->text);
    } while (!first && !memchr(item->text.at, 0, item->text.n));
    arena_reset(file->arena);
    uint32_t entry;
    if (first == '[') {
        err_set(&item->err, ERR_MALFORMED, NULL, "is an array, not an object");
        return EVENT_FILE_BAD;
    }
    if (!event_json_start(file->json, item->text, file->arena, &item->err))
        return EVENT_FILE_BAD;
    enum decoder_status status = event_json_next(file->json, &item->event, &entry, &item->err);
    MUST(status != DECODER_END); /* an object is one event */
    return status == DECODER_EVENT ? EVENT_FILE_EVENT : EVENT_FILE_BAD;
}
