/* What `inspect` and a running daemon say to each other, one line each way, as bytes and back.
 *
 * Asked: the lead's id in hex. Answered: `value HEX` (the lead's stored value), `none` (not known here), `elsewhere` (its
 * shard is not live in this instance) or `error WORDS`. Any bytes give a value or an error. */
#ifndef LEADSTREAM_INSPECT_LINE_H
#define LEADSTREAM_INSPECT_LINE_H

#include <leadstream/event.h>

enum { INSPECT_LINE_QUESTION = 2 * EVENT_MAX_LEAD + 2 /* bytes: hex, newline, zero */ };

enum inspect_answer { INSPECT_VALUE, INSPECT_NONE, INSPECT_ELSEWHERE, INSPECT_NOT_RUNNING };

/* Writes the question, newline and zero at its end; returns its length without the zero. */
size_t inspect_line_ask(struct bytes lead, char out[INSPECT_LINE_QUESTION]);
/* Reads one, without its newline; the id's bytes are written over it. False: it is none. */
bool inspect_line_question(char *line, struct bytes *lead);

/* Makes an answer (value of INSPECT_VALUE alone; NOT_RUNNING is none): a text with its newline, to be freed. */
char *inspect_line_answer(enum inspect_answer answer, struct bytes value);
char *inspect_line_error(const char *words);
/* Reads one, without its newline; *value lies in it. False: *e (it tells of an error, or is none). */
bool inspect_line_read(char *line, enum inspect_answer *answer, struct bytes *value, struct err *e);

#endif
