/* Avro container files. The format (Avro specification, Object Container Files):
 *
 * "Obj" 01 · metadata: a map of bytes, with avro.schema and perhaps avro.codec · 16 bytes of sync marker then blocks:
 * how many records · how many bytes · the records, one after the other, perhaps packed · the marker
 *
 * Records have no lengths, so a program that wants nothing (avro_program) walks over each to find its end. Where one is
 * bad, the rest of its block is lost, and reading goes on with the next block; where a block is cut off or its marker
 * is wrong, nothing after it can be trusted, and the file ends there. Memory grows with bytes that came, never with
 * what a length promises. */
#include "codec/avro_file.h"

#include "base/guard.h"
#include "codec/avro_program.h"
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

enum { SYNC = 16, FIRST_ROOM = 64 * 1024 };
static const uint8_t magic[4] = {'O', 'b', 'j', 1};

/* Bytes that grow up to a limit. */
struct buffer {
    uint8_t *at;
    size_t n, cap;
};

struct avro_file {
    FILE *from;
    const char *name;
    uint64_t read;
    bool deflate;
    bool ended;
    uint8_t sync[SYNC];
    const struct schema *schema;
    struct avro_program *walk;
    struct avro_run run;
    struct buffer packed, plain;
    struct reader records;  /* what is left of the block */
    uint64_t left;          /* records in it */
    uint64_t number;
};

static bool head_read(struct avro_file *file, struct schemas *schemas, struct err *e);
static enum avro_file_status block_read(struct avro_file *file, struct err *e);

bool avro_file_is(struct bytes head) {
    return head.n >= sizeof magic && !memcmp(head.at, magic, sizeof magic);
}

struct avro_file *avro_file_new(FILE *from, const char *name, struct schemas *schemas, struct err *e) {
    struct avro_file *file = calloc(1, sizeof *file);
    MUST(file != NULL);
    file->from = from;
    file->name = name;
    if (!head_read(file, schemas, e))
        avro_file_free(&file);
    return file;
}

struct avro_file *avro_file_open(const char *path, struct schemas *schemas, struct err *e) {
    FILE *from = fopen(path, "rb");
    if (from)
        return avro_file_new(from, path, schemas, e);
    err_set(e, ERR_CONFIG, path, "cannot be read: %s", strerror(errno));
    return NULL;
}

void avro_file_free(struct avro_file **file) {
    if (!*file)
        return;
    fclose((*file)->from);
    avro_program_free(&(*file)->walk);
    free((*file)->packed.at);
    free((*file)->plain.at);
    free(*file);
    *file = NULL;
}

const struct schema *avro_file_schema(const struct avro_file *file) {
    return file->schema;
}

uint64_t avro_file_read(const struct avro_file *file) {
    return file->read;
}

/* Bytes after a block's last record: something in the block is not what it seemed. */
static enum avro_file_status leftover(struct avro_file *file, struct err *e) {
    err_set(e, ERR_MALFORMED, file->name, "%zu bytes are left over after the last record of a block",
            reader_left(&file->records));
    file->records = reader_of((struct bytes){NULL, 0});
    return AVRO_FILE_BAD;
}

enum avro_file_status avro_file_next(struct avro_file *file, struct bytes *record, uint64_t *number, struct err *e) {
    *record = (struct bytes){NULL, 0};
    while (!file->left) {
        *number = file->number + 1;
        if (reader_left(&file->records))
            return leftover(file, e);
        enum avro_file_status status = file->ended ? AVRO_FILE_END : block_read(file, e);
        if (status != AVRO_FILE_RECORD)
            return status;
    }
    *number = ++file->number;
    file->left--;
    const uint8_t *start = file->records.at;
    if (avro_program_run(file->walk, &file->records, &file->run, e)) {
        *record = (struct bytes){start, (size_t)(file->records.at - start)};
        return AVRO_FILE_RECORD;
    }
    snprintf(e->where, sizeof e->where, "%s", file->name);
    file->number += file->left;
    file->left = 0;
    file->records = reader_of((struct bytes){NULL, 0});
    return AVRO_FILE_BAD;
}

/* ---- bytes ---- */

static bool broken(struct avro_file *file, struct err *e, const char *what) {
    file->ended = true;
    if (ferror(file->from))
        return err_set(e, ERR_DISK, file->name, "cannot be read: %s", strerror(errno));
    return err_set(e, ERR_MALFORMED, file->name, "%s at byte %llu", feof(file->from) ? "the file is cut off" : what,
                   (unsigned long long)file->read);
}

static bool read_into(struct avro_file *file, void *to, size_t n, struct err *e) {
    size_t got = fread(to, 1, n, file->from);
    file->read += got;
    return got == n || broken(file, e, "cut off");
}

static bool read_long(struct avro_file *file, int64_t *v, struct err *e) {
    uint8_t bytes[10];
    for (size_t n = 0; n < sizeof bytes; n++) {
        if (!read_into(file, bytes + n, 1, e))
            return false;
        if (bytes[n] >= 128)
            continue;
        struct reader r = reader_of((struct bytes){bytes, n + 1});
        *v = reader_zigzag(&r);
        return r.ok || broken(file, e, "a number of more than 64 bits");
    }
    return broken(file, e, "a number of more than 64 bits");
}

static void buffer_room(struct buffer *buffer, size_t more, size_t limit) {
    MUST(buffer->n + more <= limit);
    if (buffer->n + more <= buffer->cap)
        return;
    size_t cap = buffer->cap ? buffer->cap * 2 : FIRST_ROOM;
    cap = cap < buffer->n + more ? buffer->n + more : cap;
    buffer->cap = cap < limit ? cap : limit;
    buffer->at = realloc(buffer->at, buffer->cap);
    MUST(buffer->at != NULL);
}

/* n bytes into the buffer, in steps: a file that promises more than it has costs no more than it has. */
static bool read_buffer(struct avro_file *file, struct buffer *buffer, size_t n, size_t limit, struct err *e) {
    while (n) {
        size_t step = n < FIRST_ROOM ? n : FIRST_ROOM;
        buffer_room(buffer, step, limit);
        if (!read_into(file, buffer->at + buffer->n, step, e))
            return false;
        buffer->n += step;
        n -= step;
    }
    return true;
}

/* ---- the head ---- */

/* A string or bytes of the metadata, appended to `packed`; *text is valid until the next one. */
static bool read_text(struct avro_file *file, struct bytes *text, struct err *e) {
    int64_t n;
    size_t before = file->packed.n;
    if (!read_long(file, &n, e))
        return false;
    if (n < 0 || (uint64_t)n > AVRO_FILE_MAX_META - file->packed.n)
        return broken(file, e, "the metadata is larger than 2 MiB, or its lengths are wrong,");
    if (!read_buffer(file, &file->packed, (size_t)n, AVRO_FILE_MAX_META, e))
        return false;
    *text = (struct bytes){file->packed.at + before, (size_t)n};
    return true;
}

static bool use_codec(struct avro_file *file, struct bytes codec, struct err *e) {
    file->deflate = bytes_is(codec, "deflate");
    return file->deflate || bytes_is(codec, "null") ||
           err_set(e, ERR_SCHEMA, file->name, "is packed with \"%.*s\"; write it with codec null or deflate",
                   (int)(codec.n < 20 ? codec.n : 20), (const char *)codec.at);
}

static bool use_schema(struct avro_file *file, struct bytes json, struct schemas *schemas, struct err *e) {
    file->schema = schemas_add(schemas, json, -1, e);
    if (file->schema)
        file->walk = avro_program_new(schema_root(file->schema), NULL, 0, e);
    if (!file->walk && e)
        snprintf(e->where, sizeof e->where, "%s", file->name);
    return file->walk != NULL;
}

/* One entry of the metadata. */
static bool entry_read(struct avro_file *file, struct schemas *schemas, struct err *e) {
    struct bytes key, value;
    if (!read_text(file, &key, e))
        return false;
    bool schema = bytes_is(key, "avro.schema"), codec = bytes_is(key, "avro.codec");
    if (!read_text(file, &value, e))
        return false;
    if (codec)
        return use_codec(file, value, e);
    return !schema || file->schema || use_schema(file, value, schemas, e);
}

static bool head_read(struct avro_file *file, struct schemas *schemas, struct err *e) {
    uint8_t head[sizeof magic];
    buffer_room(&file->packed, FIRST_ROOM, AVRO_FILE_MAX_META);
    if (!read_into(file, head, sizeof head, e))
        return false;
    if (!avro_file_is((struct bytes){head, sizeof head}))
        return err_set(e, ERR_MALFORMED, file->name, "is no Avro container file (those begin with \"Obj\" and 01)");
    for (int64_t count = -1; count;) {
        int64_t size;
        if (!read_long(file, &count, e) || (count < 0 && !read_long(file, &size, e)))
            return false;
        for (int64_t i = count; i; i += i < 0 ? 1 : -1)
            if (!entry_read(file, schemas, e))
                return false;
    }
    return read_into(file, file->sync, SYNC, e) &&
           (file->schema || err_set(e, ERR_MALFORMED, file->name, "has no avro.schema in its head"));
}

/* ---- blocks ---- */

/* Unpacks `packed` into `plain`. */
static bool unpack(struct avro_file *file, struct err *e) {
    z_stream z = {.next_in = file->packed.at, .avail_in = (uInt)file->packed.n};
    MUST(inflateInit2(&z, -MAX_WBITS) == Z_OK);
    file->plain.n = 0;
    int result = Z_OK;
    while (result == Z_OK && file->plain.n < AVRO_FILE_MAX_BLOCK) {
        size_t step = AVRO_FILE_MAX_BLOCK - file->plain.n;
        step = step < FIRST_ROOM ? step : FIRST_ROOM;
        buffer_room(&file->plain, step, AVRO_FILE_MAX_BLOCK);
        z.next_out = file->plain.at + file->plain.n;
        z.avail_out = (uInt)step;
        result = inflate(&z, Z_NO_FLUSH);
        file->plain.n += step - z.avail_out;
    }
    inflateEnd(&z);
    if (result == Z_STREAM_END)
        return true;
    return err_set(e, ERR_MALFORMED, file->name, "a block before byte %llu cannot be unpacked",
                   (unsigned long long)file->read);
}

/* Counts and sizes that cannot be are found before anything is read by them. */
static bool block_head(struct avro_file *file, int64_t *count, int64_t *size, struct err *e) {
    if (!read_long(file, count, e) || !read_long(file, size, e))
        return false;
    if (*count < 0 || *size < 0 || *size > AVRO_FILE_MAX_BLOCK)
        return broken(file, e, "a block of impossible size");
    file->packed.n = 0;
    return true;
}

/* The next block. RECORD: it is there (it may be empty). */
static enum avro_file_status block_read(struct avro_file *file, struct err *e) {
    int64_t count, size;
    uint8_t sync[SYNC];
    int first = getc(file->from);
    if (first == EOF) {
        file->ended = true;
        if (!ferror(file->from))
            return AVRO_FILE_END;
        broken(file, e, "");
        return AVRO_FILE_FAILED;
    }
    ungetc(first, file->from);
    if (!block_head(file, &count, &size, e) ||
        !read_buffer(file, &file->packed, (size_t)size, AVRO_FILE_MAX_BLOCK, e) || !read_into(file, sync, SYNC, e))
        return ferror(file->from) ? AVRO_FILE_FAILED : AVRO_FILE_BAD;
    if (GUARD(block_end) && memcmp(sync, file->sync, SYNC) != 0) {
        broken(file, e, "a block's end is not where its size says,");
        return AVRO_FILE_BAD;
    }
    if (file->deflate && !unpack(file, e))
        return AVRO_FILE_BAD;
    const struct buffer *block = file->deflate ? &file->plain : &file->packed;
    if (GUARD(block_records) && (uint64_t)count > block->n) {
        err_set(e, ERR_MALFORMED, file->name, "a block before byte %llu has more records than bytes",
                (unsigned long long)file->read);
        return AVRO_FILE_BAD;
    }
    file->records = reader_of((struct bytes){block->at, block->n});
    file->left = (uint64_t)count;
    return AVRO_FILE_RECORD;
}
