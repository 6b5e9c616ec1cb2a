/* What becomes of the lines that are no events: each is said on stderr, or kept as a dead letter, and all are
 * counted. */
#ifndef LEADSTREAM_BAD_LINES_H
#define LEADSTREAM_BAD_LINES_H

#include "app/event_file.h"

struct bad_lines;

/* dead_letters: the file that keeps them as JSON lines; NULL: none. NULL is returned if it cannot be made. */
struct bad_lines *bad_lines_new(const char *dead_letters, struct err *e);

/* One bad line of a file. */
void bad_lines_add(struct bad_lines *bad, const char *file, const struct event_file_item *item);

uint64_t bad_lines_count(const struct bad_lines *bad);

/* Says how many there were, and closes the dead letters. False: they could not all be written. */
bool bad_lines_finish(struct bad_lines **bad, struct err *e);

#endif
