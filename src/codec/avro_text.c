/* Values of Avro records as text; event_avro's helper. The commonest reals (prices, counts) take a short cut: as long
 * as a real is an integer of at most 15 digits over a power of ten, those digits are its shortest text, because 15
 * digits always survive a double (6 a float). The others are tried with more and more digits until one reads back. */
#include "codec/avro_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The digits of a whole number, least first in memory order from the end of room; returns where they begin. */
static char *digits(uint64_t u, char *end) {
    do
        *--end = (char)('0' + u % 10);
    while (u /= 10);
    return end;
}

static bool long_text(int64_t v, struct arena *arena, struct bytes *out) {
    char room[24], *end = room + sizeof room;
    char *at = digits(v < 0 ? ~(uint64_t)v + 1 : (uint64_t)v, end);
    if (v < 0)
        *--at = '-';
    *out = (struct bytes){arena_copy(arena, at, (size_t)(end - at)), (size_t)(end - at)};
    return out->at != NULL;
}

static bool real_text(const struct found *value, struct arena *arena, struct bytes *out) {
    char room[AVRO_TEXT_REAL];
    out->n = avro_text_real(value->real, value->kind == FOUND_DOUBLE, room);
    out->at = arena_copy(arena, room, out->n);
    return out->at != NULL;
}

bool avro_text_of(const struct found *value, struct arena *arena, struct bytes *out, struct err *e) {
    bool there = true;
    *out = (struct bytes){NULL, 0};
    switch (value->kind) {
    case FOUND_ABSENT:
    case FOUND_NULL: break;
    case FOUND_TEXT: *out = value->text; break;
    case FOUND_BOOLEAN: *out = bytes_of(value->number ? "true" : "false"); break;
    case FOUND_LONG: there = long_text(value->number, arena, out); break;
    case FOUND_FLOAT:
    case FOUND_DOUBLE:
        if (!isfinite(value->real))
            return err_set(e, ERR_INVALID, NULL, "a number that is not finite");
        there = real_text(value, arena, out);
    }
    return there || err_set(e, ERR_TOO_LARGE, NULL, "does not fit in the batch's memory");
}

/* Writes sign, digits of `mantissa` with `decimals` of them behind the point; the last digit is not 0 if there are. */
static size_t plain(bool negative, uint64_t mantissa, unsigned decimals, char *out) {
    char room[24], *end = room + sizeof room, *at = digits(mantissa, end), *to = out;
    size_t n = (size_t)(end - at);
    if (negative)
        *to++ = '-';
    if (n <= decimals) {
        *to++ = '0';
        *to++ = '.';
        memset(to, '0', decimals - n);
        to += decimals - n;
        memcpy(to, at, n);
        to += n;
    } else {
        memcpy(to, at, n - decimals);
        to += n - decimals;
        if (decimals)
            *to++ = '.';
        memcpy(to, at + n - decimals, decimals);
        to += decimals;
    }
    *to = 0;
    return (size_t)(to - out);
}

/* "1.25e-07", as printf's %e has it, without the exponent. */
static size_t expand(const char *text, char *out) {
    bool negative = *text == '-';
    uint64_t mantissa = 0;
    int decimals = 0;
    bool behind = false;
    for (text += negative; *text != 'e'; text++) {
        behind |= *text == '.';
        if (*text == '.')
            continue;
        mantissa = mantissa * 10 + (uint64_t)(*text - '0');
        decimals += behind;
    }
    decimals -= (int)strtol(text + 1, NULL, 10);
    for (; mantissa % 10 == 0 && mantissa && decimals > 0; decimals--)
        mantissa /= 10;
    if (decimals >= 0)
        return plain(negative, mantissa, (unsigned)decimals, out);
    size_t n = plain(negative, mantissa, 0, out);
    memset(out + n, '0', (size_t)-decimals);
    n += (size_t)-decimals;
    out[n] = 0;
    return n;
}

size_t avro_text_real(double real, bool wide, char out[AVRO_TEXT_REAL]) {
    if (real == 0)
        return plain(false, 0, 0, out);
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double limit = wide ? 1e15 : 1e6;
    for (unsigned decimals = 0; decimals <= 6 && fabs(real) * powers[decimals] < limit; decimals++) {
        uint64_t scaled = (uint64_t)(fabs(real) * powers[decimals] + 0.5);
        double back = (double)scaled / powers[decimals];
        if (wide ? back == fabs(real) : (double)(float)back == fabs(real))
            return plain(real < 0, scaled, decimals, out);
    }
    char text[40];
    for (int precision = wide ? 14 : 5;; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, real);
        double back = wide ? strtod(text, NULL) : (double)strtof(text, NULL);
        if (back == real || precision == 16)
            return expand(text, out);
    }
}
