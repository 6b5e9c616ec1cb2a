/* Records that make the program fail: from the notes that crashes left to the items that must not be applied. */
#ifndef LEADSTREAM_POISON_H
#define LEADSTREAM_POISON_H

#include <leadstream/engine.h>

enum {
    POISON_MOST = 256,                      /* notes kept: a crash in a batch leaves one for each partition */
    POISON_TEXT = 1024                      /* bytes that a path may have */
};

struct poison_options {
    const char *path;               /* the file of notes */
    const struct bytes *topics;     /* input topics by index */
    size_t n_topics;
    int64_t crashes;                /* at one place, after which its record is set aside */
    int64_t now;                    /* ms since 1970 */
};

/* Reads the notes, says in the log what they tell, and fills list (room for POISON_MOST) with the items that must not be
 * applied. Notes that are old, or more than are kept, go from the file. False: *e, the file cannot be read or written. */
bool poison_read(const struct poison_options *options, struct engine_condemned *list, size_t *n, struct err *e);

#endif
