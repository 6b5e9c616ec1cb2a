/* An event as a JSON line, the form that event_json reads: what `generate` writes. */
#ifndef LEADSTREAM_EVENT_LINE_H
#define LEADSTREAM_EVENT_LINE_H

#include "codec/record_json.h"

/* Appends the event as one JSON object without a newline. machine and fields are left out where there are none; a
 * field without value is null. */
void event_line_json(struct text *text, const struct event *event);

#endif
