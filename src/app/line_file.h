/* The lines of a file, a pipe or the standard input, in bounded memory: a line of at most EVENT_MAX_BYTES is handed out
 * where it lies in the buffer; of a longer one the beginning is kept while the rest runs through. */
#ifndef LEADSTREAM_LINE_FILE_H
#define LEADSTREAM_LINE_FILE_H

#include <leadstream/event.h>

struct line {
    struct bytes text; /* without its newline; at most EVENT_MAX_BYTES of it; lent until the next line */
    uint64_t length;   /* all of it, in bytes */
    uint64_t number;   /* from 1 */
};

enum line_status { LINE_READ, LINE_END, LINE_FAILED /* *e: the file cannot be read */ };

struct line_file;

/* Takes the file descriptor (closes it, unless it is the standard input). `name` must outlive the file. */
struct line_file *line_file_new(int fd, const char *name);
void line_file_free(struct line_file **file);

enum line_status line_file_next(struct line_file *file, struct line *line, struct err *e);

/* The first bytes of what is not handed out yet, at most n of them (n <= 64). False: the file cannot be read. */
NODISCARD bool line_file_peek(struct line_file *file, size_t n, struct bytes *head, struct err *e);

/* Writes all that is not handed out yet to another descriptor. False: one of the two failed. */
NODISCARD bool line_file_copy(struct line_file *file, int to, struct err *e);

/* Bytes read so far. */
uint64_t line_file_read(const struct line_file *file);

#endif
