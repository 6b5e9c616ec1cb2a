/* Decimal numbers as text. Nothing here goes through a float: a number is digits, a point's place and a sign, and two
 * numbers are compared digit by digit, so that a value of any length is judged alike on every machine. */
#include <leadstream/decimal.h>

/* A number taken apart: what counts of it, without zeros that lead or trail. */
struct parts {
    bool negative;
    struct bytes whole;    /* digits before the point */
    struct bytes fraction; /* digits after it */
};

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* The digits that `text` begins with; text moves past them. */
static struct bytes take_digits(struct bytes *text) {
    struct bytes digits = {text->at, 0};
    while (digits.n < text->n && is_digit(text->at[digits.n]))
        digits.n++;
    text->at = digits.n ? text->at + digits.n : text->at;
    text->n -= digits.n;
    return digits;
}

static bool take_byte(struct bytes *text, uint8_t c) {
    if (!text->n || text->at[0] != c)
        return false;
    text->at++;
    text->n--;
    return true;
}

static struct bytes without_leading_zeros(struct bytes digits) {
    while (take_byte(&digits, '0'))
        ;
    return digits;
}

static struct bytes without_trailing_zeros(struct bytes digits) {
    while (digits.n && digits.at[digits.n - 1] == '0')
        digits.n--;
    return digits;
}

/* Takes `-?[0-9]+(\.[0-9]+)?` apart, with `plus` also a leading +. */
static bool take_apart(struct bytes text, bool plus, struct parts *parts) {
    parts->negative = take_byte(&text, '-');
    if (!parts->negative && plus)
        (void)take_byte(&text, '+');
    struct bytes whole = take_digits(&text);
    struct bytes fraction = {NULL, 0};
    if (!whole.n)
        return false;
    if (take_byte(&text, '.')) {
        fraction = take_digits(&text);
        if (!fraction.n)
            return false;
    }
    parts->whole = without_leading_zeros(whole);
    parts->fraction = without_trailing_zeros(fraction);
    return text.n == 0;
}

/* value * 10 + digit, held at INT64_MAX, which is above every limit. */
static int64_t push_digit(int64_t value, uint8_t digit) {
    if (value > (INT64_MAX - 9) / 10)
        return INT64_MAX;
    return value * 10 + (digit - '0');
}

enum decimal_result decimal_scaled(struct bytes text, int decimals, int64_t limit, int64_t *out) {
    MUST(decimals >= 0 && decimals <= 4);
    struct parts parts;
    if (!take_apart(text, false, &parts))
        return DECIMAL_NOT_A_NUMBER;
    if (parts.fraction.n > (size_t)decimals)
        return DECIMAL_TOO_PRECISE;
    int64_t value = 0;
    for (size_t i = 0; i < parts.whole.n; i++)
        value = push_digit(value, parts.whole.at[i]);
    for (size_t i = 0; i < (size_t)decimals; i++)
        value = push_digit(value, i < parts.fraction.n ? parts.fraction.at[i] : '0');
    if (value > limit || value == INT64_MAX)
        return DECIMAL_TOO_LARGE;
    *out = parts.negative ? -value : value;
    return DECIMAL_OK;
}

/* Compares |number| with `magnitude` hundredths. */
static int compare_magnitude(const struct parts *parts, uint64_t magnitude) {
    enum { MOST_DIGITS = 18 }; /* more of them are above every magnitude / 100, and this many fit 64 bits */
    if (parts->whole.n > MOST_DIGITS)
        return 1;
    uint64_t whole = 0;
    for (size_t i = 0; i < parts->whole.n; i++)
        whole = whole * 10 + (uint64_t)(parts->whole.at[i] - '0');
    if (whole != magnitude / 100)
        return whole < magnitude / 100 ? -1 : 1;
    uint64_t cents = 0;
    for (size_t i = 0; i < 2; i++)
        cents = cents * 10 + (i < parts->fraction.n ? (uint64_t)(parts->fraction.at[i] - '0') : 0);
    if (cents != magnitude % 100)
        return cents < magnitude % 100 ? -1 : 1;
    return parts->fraction.n > 2; /* it does not end in a zero, so it is more */
}

bool decimal_compare(struct bytes text, int64_t hundredths, int *order) {
    struct parts parts;
    if (!take_apart(text, true, &parts))
        return false;
    bool zero = parts.whole.n == 0 && parts.fraction.n == 0;
    bool negative = parts.negative && !zero;
    if (negative != (hundredths < 0)) {
        *order = negative ? -1 : 1;
        return true;
    }
    uint64_t magnitude = hundredths < 0 ? 0 - (uint64_t)hundredths : (uint64_t)hundredths;
    int c = compare_magnitude(&parts, magnitude);
    *order = negative ? -c : c;
    return true;
}

/* A JSON number as digits and the place of the point: 0.DIGITS * 10^point. */
struct scientific {
    bool negative;
    struct bytes whole, fraction; /* as written; DIGITS are both, from `first`, `n` of them */
    size_t first, n;
    int64_t point;
};

/* The exponent after e or E, held at 10^9 (no text of that length fits anywhere). */
static bool take_exponent(struct bytes *text, int64_t *exponent) {
    bool minus = take_byte(text, '-');
    if (!minus)
        (void)take_byte(text, '+');
    struct bytes digits = take_digits(text);
    *exponent = 0;
    for (size_t i = 0; i < digits.n && *exponent < 1000000000; i++)
        *exponent = *exponent * 10 + (digits.at[i] - '0');
    *exponent = minus ? -*exponent : *exponent;
    return digits.n > 0;
}

static uint8_t digit_at(const struct scientific *s, size_t i) {
    return i < s->whole.n ? s->whole.at[i] : s->fraction.at[i - s->whole.n];
}

static bool read_json_number(struct bytes text, struct scientific *s) {
    *s = (struct scientific){.negative = take_byte(&text, '-')};
    s->whole = take_digits(&text);
    if (!s->whole.n || (s->whole.n > 1 && s->whole.at[0] == '0'))
        return false;
    if (take_byte(&text, '.')) {
        s->fraction = take_digits(&text);
        if (!s->fraction.n)
            return false;
    }
    int64_t exponent = 0;
    if ((take_byte(&text, 'e') || take_byte(&text, 'E')) && !take_exponent(&text, &exponent))
        return false;
    size_t end = s->whole.n + s->fraction.n;
    while (s->first < end && digit_at(s, s->first) == '0')
        s->first++;
    while (end > s->first && digit_at(s, end - 1) == '0')
        end--;
    s->n = end - s->first;
    s->point = (int64_t)s->whole.n - (int64_t)s->first + exponent;
    return text.n == 0;
}

size_t decimal_plain(struct bytes json, uint8_t *out, size_t cap) {
    struct scientific s;
    if (!read_json_number(json, &s))
        return 0;
    struct writer w = writer_of(out, cap);
    if (!s.n) {
        writer_u8(&w, '0');
        return w.ok ? 1 : 0;
    }
    if (s.point > (int64_t)cap || s.point < -(int64_t)cap)
        return 0;
    if (s.negative)
        writer_u8(&w, '-');
    if (s.point <= 0)
        writer_bytes(&w, "0.", 2);
    for (int64_t i = s.point; i < 0; i++)
        writer_u8(&w, '0');
    for (size_t i = 0; i < s.n; i++) {
        if (s.point > 0 && i == (size_t)s.point)
            writer_u8(&w, '.');
        writer_u8(&w, digit_at(&s, s.first + i));
    }
    for (int64_t i = (int64_t)s.n; i < s.point; i++)
        writer_u8(&w, '0');
    return w.ok ? writer_done(&w).n : 0;
}

size_t decimal_format(int64_t hundredths, char out[DECIMAL_TEXT]) {
    uint64_t magnitude = hundredths < 0 ? 0 - (uint64_t)hundredths : (uint64_t)hundredths;
    char digits[24];
    size_t n = 0;
    for (uint64_t whole = magnitude / 100; whole || !n; whole /= 10)
        digits[n++] = (char)('0' + whole % 10);
    size_t at = 0;
    if (hundredths < 0)
        out[at++] = '-';
    while (n)
        out[at++] = digits[--n];
    if (magnitude % 100) {
        out[at++] = '.';
        out[at++] = (char)('0' + magnitude % 100 / 10);
        if (magnitude % 10)
            out[at++] = (char)('0' + magnitude % 10);
    }
    out[at] = 0;
    return at;
}
