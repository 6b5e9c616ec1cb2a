/* Event files: lines (line_file) or records of a container (codec/avro_file), each through a decoder. */
#include "app/event_file.h"

#include "app/line_file.h"
#include "codec/avro_file.h"
#include "codec/decoder.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA ((size_t)1 << 20) /* of one event's texts: they take 64 KiB, its fields' table 2 KiB */

static const struct mapping shipped = {.shipped = true};

struct event_file {
    const char *name;
    uint64_t size;
    struct line_file *lines; /* NULL: a container file */
    struct schemas *schemas;
    struct avro_file *avro;
    struct decoder *decoder;
    struct arena *arena;
};

static bool open_container(struct event_file *file, struct err *e);
static enum event_file_status next_text(struct event_file *file, struct event_file_item *item);
static enum event_file_status next_record(struct event_file *file, struct event_file_item *item);

/* Finds out what the file is, and makes its decoder. */
static bool begin(struct event_file *file, const struct model *model, struct err *e) {
    struct bytes head;
    if (!line_file_peek(file->lines, 4, &head, e))
        return false;
    struct decoder_options options = {.format = DECODER_JSON, .mapping = &shipped, .model = model};
    if (avro_file_is(head)) {
        if (!open_container(file, e))
            return false;
        options.format = DECODER_AVRO_BARE;
        options.schemas = file->schemas;
        options.bare = avro_file_schema(file->avro);
    }
    file->decoder = decoder_new(&options);
    return true;
}

struct event_file *event_file_open(const char *path, const struct model *model, struct err *e) {
    int fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0) {
        err_set(e, ERR_DISK, path, "%s", strerror(errno));
        return NULL;
    }
    struct event_file *file = calloc(1, sizeof *file);
    MUST(file != NULL);
    file->name = path;
    file->size = S_ISREG(about.st_mode) ? (uint64_t)about.st_size : 0;
    file->lines = line_file_new(fd, path);
    file->arena = arena_new(ARENA);
    if (S_ISDIR(about.st_mode))
        err_set(e, ERR_DISK, path, "is a folder, not a file of events");
    else if (begin(file, model, e))
        return file;
    event_file_close(&file);
    return NULL;
}

void event_file_close(struct event_file **file) {
    if (!*file)
        return;
    line_file_free(&(*file)->lines);
    decoder_free(&(*file)->decoder);
    avro_file_free(&(*file)->avro);
    schemas_free(&(*file)->schemas);
    arena_free(&(*file)->arena);
    free(*file);
    *file = NULL;
}

const char *event_file_name(const struct event_file *file) {
    return file->name;
}

uint64_t event_file_read(const struct event_file *file) {
    return file->lines ? line_file_read(file->lines) : avro_file_read(file->avro);
}

uint64_t event_file_size(const struct event_file *file) {
    return file->size;
}

enum event_file_status event_file_next(struct event_file *file, struct event_file_item *item) {
    item->event = (struct event){0};
    enum event_file_status status = file->lines ? next_text(file, item) : next_record(file, item);
    if (status != EVENT_FILE_EVENT)
        return status;
    uint32_t entry;
    arena_reset(file->arena);
    if (!decoder_start(file->decoder, item->text, file->arena, &item->err))
        return EVENT_FILE_BAD;
    enum decoder_status decoded = decoder_next(file->decoder, &item->event, &entry, &item->err);
    MUST(decoded != DECODER_END); /* an object is one event, and so is a record */
    return decoded == DECODER_EVENT ? EVENT_FILE_EVENT : EVENT_FILE_BAD;
}

/* ---- lines ---- */

/* The first byte that is no blank; -1: there is none. */
static int first_byte(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.at[i] != ' ' && text.at[i] != '\t' && text.at[i] != '\r')
            return text.at[i];
    return -1;
}

/* Takes the next line that is not blank; EVENT says that it is there to be decoded. */
static enum event_file_status next_text(struct event_file *file, struct event_file_item *item) {
    struct line line;
    int first;
    do {
        enum line_status status = line_file_next(file->lines, &line, &item->err);
        if (status != LINE_READ)
            return status == LINE_END ? EVENT_FILE_END : EVENT_FILE_FAILED;
        first = first_byte(line.text);
    } while (first < 0 && line.length <= EVENT_MAX_BYTES);
    item->line = line.number;
    item->text = line.text;
    item->length = line.length;
    if (line.length > EVENT_MAX_BYTES)
        err_set(&item->err, ERR_TOO_LARGE, NULL, "has %llu bytes, the limit of an event is %d",
                (unsigned long long)line.length, EVENT_MAX_BYTES);
    else if (first == '[') /* which on a topic would be several events */
        err_set(&item->err, ERR_MALFORMED, NULL, "is an array, not an object");
    else
        return EVENT_FILE_EVENT;
    return EVENT_FILE_BAD;
}

/* ---- containers ---- */

/* A stream of one's own on the same file, at its start; of a pipe, on a copy, since what was looked at is gone. */
static FILE *reopen(struct event_file *file, struct err *e) {
    FILE *from = NULL;
    if (!file->size) {
        from = tmpfile();
        if (from && !line_file_copy(file->lines, fileno(from), e)) {
            fclose(from);
            return NULL;
        }
    } else {
        int fd = strcmp(file->name, "-") != 0 ? open(file->name, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
        from = fd < 0 ? NULL : fdopen(fd, "rb");
    }
    if (from && fseek(from, 0, SEEK_SET) == 0)
        return from;
    err_set(e, ERR_DISK, file->name, "%s", strerror(errno));
    if (from)
        fclose(from);
    return NULL;
}

static bool open_container(struct event_file *file, struct err *e) {
    FILE *from = reopen(file, e);
    if (!from)
        return false;
    file->schemas = schemas_new();
    file->avro = avro_file_new(from, file->name, file->schemas, e);
    line_file_free(&file->lines);
    return file->avro != NULL;
}

/* Takes the container's next record. */
static enum event_file_status next_record(struct event_file *file, struct event_file_item *item) {
    enum avro_file_status status = avro_file_next(file->avro, &item->text, &item->line, &item->err);
    item->length = item->text.n;
    switch (status) {
    case AVRO_FILE_RECORD: return EVENT_FILE_EVENT;
    case AVRO_FILE_BAD: return EVENT_FILE_BAD;
    case AVRO_FILE_END: return EVENT_FILE_END;
    case AVRO_FILE_FAILED: break;
    }
    return EVENT_FILE_FAILED;
}
