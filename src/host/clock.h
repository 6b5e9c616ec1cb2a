/* The host's two clocks. Only what is not pure may ask them: the engine is told the time.
 *
 * A program that has this room also has a cnd_timedwait of its own: librdkafka waits by the wall clock ("until 12:00"),
 * so that a clock set back by an hour would make its waits, and ours for it, an hour longer. */
#ifndef LEADSTREAM_CLOCK_H
#define LEADSTREAM_CLOCK_H

#include <stdint.h>

/* Milliseconds since some instant in the past; never jumps. */
int64_t clock_mono_ms(void);
/* The same in microseconds, for what is measured. */
int64_t clock_mono_us(void);

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ms(void);

#endif
