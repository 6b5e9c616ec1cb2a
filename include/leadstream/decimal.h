/* Decimal numbers as text, read and compared exactly; no float anywhere. */
#ifndef LEADSTREAM_DECIMAL_H
#define LEADSTREAM_DECIMAL_H

#include <leadstream/bytes.h>

enum { DECIMAL_TEXT = 32 }; /* bytes that decimal_format needs, with the closing zero */

/* Why a text is not the scaled number that was asked for. */
enum decimal_result { DECIMAL_OK, DECIMAL_NOT_A_NUMBER, DECIMAL_TOO_PRECISE, DECIMAL_TOO_LARGE };

/* A number of a model or configuration, `-?[0-9]+(\.[0-9]+)?`, as an integer of 10^-decimals (decimals: 0 to 4).
 * Zeros that lead or trail do not count. TOO_PRECISE: more decimals than asked for; TOO_LARGE: |value| > limit, which
 * is given in the same unit as *out. */
enum decimal_result decimal_scaled(struct bytes text, int decimals, int64_t limit, int64_t *out);

/* Compares a value `[+-]?[0-9]+(\.[0-9]+)?` of any length with a number in hundredths, exactly: *order is -1, 0 or 1.
 * False: the text is not wholly such a number. */
NODISCARD bool decimal_compare(struct bytes text, int64_t hundredths, int *order);

/* A JSON number's own text as exact plain decimal text: no exponent, no trailing zeros, -0 is 0 (250.0 -> 250,
 * 1.5e3 -> 1500). Writes at most cap bytes and returns the length; 0: `json` is not a JSON number, or the text would
 * not fit. */
size_t decimal_plain(struct bytes json, uint8_t *out, size_t cap);

/* Hundredths in shortest form ("20", "52.5", "-0.25") and a zero; returns the length without it. */
size_t decimal_format(int64_t hundredths, char out[DECIMAL_TEXT]);

#endif
