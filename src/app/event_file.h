/* One file of events, read from its start to its end in bounded memory: JSON lines, or an Avro container file with the
 * shipped schemas (its first bytes tell). `-` is the standard input.
 *
 * Each item is an event or a bad line (record); blank lines are passed over. What an item points to is valid until the
 * next one of the same file. */
#ifndef LEADSTREAM_EVENT_FILE_H
#define LEADSTREAM_EVENT_FILE_H

#include <leadstream/event.h>
#include <leadstream/model.h>

enum event_file_status {
    EVENT_FILE_EVENT,
    EVENT_FILE_BAD, /* err says why; go on with the next */
    EVENT_FILE_END,
    EVENT_FILE_FAILED /* the file cannot be read: err says why */
};

struct event_file_item {
    struct event event; /* of a bad line: its lead, if that is known */
    uint64_t line;      /* from 1; of a container file, the record's number */
    struct bytes text;  /* the line as it came; at most EVENT_MAX_BYTES of it */
    uint64_t length;    /* all of it, in bytes */
    struct err err;
};

struct event_file;

/* model: fields that it does not ask about are not handed over. NULL: the file cannot be opened, or (a REJECT) is no
 * container file though it begins like one. */
struct event_file *event_file_open(const char *path, const struct model *model, struct err *e);
void event_file_close(struct event_file **file);

enum event_file_status event_file_next(struct event_file *file, struct event_file_item *item);

const char *event_file_name(const struct event_file *file);
/* Bytes read so far; the file's size, 0 if that is not known (a pipe). */
uint64_t event_file_read(const struct event_file *file);
uint64_t event_file_size(const struct event_file *file);

#endif
