/* Several event files as one stream: always the least (time, file, line) of their heads, as a replay merges partitions.
 * Each file is read in its own order, which need not be that of time. */
#ifndef LEADSTREAM_EVENT_MERGE_H
#define LEADSTREAM_EVENT_MERGE_H

#include "app/bad_lines.h"
#include "app/event_file.h"

struct event_merge;

/* files: n of them, in the order of the command line; they stay the caller's. Events later than `until` are passed over
 * on reading, as if the files had none (INT64_MAX: all are read). Bad lines go to `bad`. */
struct event_merge *event_merge_new(struct event_file **files, size_t n, int64_t until, struct bad_lines *bad);
void event_merge_free(struct event_merge **merge);

/* The next event, lent until the next call; *event is NULL at the end. False: a file cannot be read. */
NODISCARD bool event_merge_next(struct event_merge *merge, const struct event **event, struct err *e);

/* The newest time of the valid lines read so far, passed over or not; INT64_MIN: there was none. */
int64_t event_merge_newest(const struct event_merge *merge);

#endif
