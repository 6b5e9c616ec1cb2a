/* Instants and durations as text. An instant is an integer of milliseconds since 1970-01-01T00:00:00Z; UTC always. */
#ifndef LEADSTREAM_WHEN_H
#define LEADSTREAM_WHEN_H

#include <leadstream/bytes.h>

#define WHEN_SECOND INT64_C(1000)
#define WHEN_MINUTE (60 * WHEN_SECOND)
#define WHEN_HOUR (60 * WHEN_MINUTE)
#define WHEN_DAY (24 * WHEN_HOUR)
#define WHEN_WEEK (7 * WHEN_DAY)

/* The first and last instant that an event may have: 2000-01-01T00:00:00.000Z and 2100-01-01T00:00:00.000Z. */
#define WHEN_FIRST INT64_C(946684800000)
#define WHEN_LAST INT64_C(4102444800000)

enum { WHEN_TEXT = 32 }; /* bytes that when_format and when_duration_format need, with the closing zero */

/* RFC 3339 with any offset, either case of T and Z, digits past the millisecond cut off, second 60 refused, years
 * 0000 to 9999, dates that do not exist refused. False: not such a text; *ms is then untouched. */
NODISCARD bool when_parse(struct bytes text, int64_t *ms);

/* Writes "2026-11-22T10:00:00.000Z" and a zero; returns the length without it. ms must lie in years 0000 to 9999. */
size_t when_format(int64_t ms, char out[WHEN_TEXT]);

/* A duration: an integer and one unit, `90s 15m 12h 14d 2w` (and `100ms`), without sign, at most 36500d. False: not
 * such a text. */
NODISCARD bool when_duration(struct bytes text, int64_t *ms);

/* The shortest such text of ms >= 0 ("14d", "90s", "1500ms"); returns the length. */
size_t when_duration_format(int64_t ms, char out[WHEN_TEXT]);

#endif
