/* A lead on disk and in the changelog: its value's bytes. The format is in core/lead_bytes.c.
 *
 * value = format version u8, memory length u32, memory (canonical), decisions. Stages and routes are named by the hash
 * of their names, so that a value outlives a model whose stages were re-ordered. */
#ifndef LEADSTREAM_LEAD_BYTES_H
#define LEADSTREAM_LEAD_BYTES_H

#include <leadstream/lead.h>

/* The most bytes that decisions and framing add to a lead's memory. */
enum { LEAD_BYTES_OVERHEAD = 96 };

/* Writes the lead's value; the writer is not ok if it did not fit. */
void lead_bytes_write(const struct lead *lead, const struct model *model, struct writer *w);

/* Fills a lead that was just lead_init-ed from a value. Total: any bytes give a lead or ERR_CORRUPT. */
NODISCARD bool lead_bytes_read(struct lead *lead, const struct model *model, struct bytes value, struct err *e);

/* The due time in a value, without decoding the rest (for timers on restore); LEAD_NO_DUE if none. False: not a
 * value. */
NODISCARD bool lead_bytes_due(struct bytes value, int64_t *due);

#endif
