/* Values of Avro records as the text that rules compare: numbers as plain decimals, as a JSON record would have
 * them. */
#ifndef LEADSTREAM_AVRO_TEXT_H
#define LEADSTREAM_AVRO_TEXT_H

#include "codec/avro_program.h"

enum { AVRO_TEXT_REAL = 352 }; /* bytes that the longest real needs, with the closing zero */

/* The value's text, lent or in the arena; empty for null and for no value. A real is the shortest decimal that reads
 * back as the same real (0.1, not 0.1000000000000000055), without an exponent. False: INVALID (not a number, infinite)
 * or TOO_LARGE (the arena is full). */
NODISCARD bool avro_text_of(const struct found *value, struct arena *arena, struct bytes *out, struct err *e);

/* Writes a finite real as said above and a zero; wide: a double, else a float. Returns the length. */
size_t avro_text_real(double real, bool wide, char out[AVRO_TEXT_REAL]);

#endif
