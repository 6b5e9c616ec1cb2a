/* Instants and durations as text, by hand: strptime and timegm depend on locale and let through what RFC 3339 refuses.
 *
 * A date is counted in days since 1970-01-01 by the calendar that begins its year in March, so that the leap day is the
 * last day of a year and no month needs a table with an exception. */
#include <leadstream/when.h>

#include <stdio.h>

static const int64_t max_duration = 36500 * WHEN_DAY;

/* Days from 1970-01-01 to a date, y from 0 to 9999. */
static int64_t days_of(int y, int m, int d) {
    int64_t from_march = (m + 9) % 12;
    int64_t year = y - (m <= 2) + 400; /* + one whole cycle: never negative */
    int64_t day_of_year = (153 * from_march + 2) / 5 + d - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468 - 146097;
}

static int days_in_month(int y, int m) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2 && leap ? 29 : days[m - 1];
}

/* The next n digits as a number; the reader is not ok if there are fewer. */
static int digits(struct reader *r, int n) {
    int value = 0;
    for (int i = 0; i < n; i++) {
        uint8_t c = reader_u8(r);
        if (c < '0' || c > '9')
            r->ok = false;
        value = value * 10 + (c - '0') % 10;
    }
    return value;
}

/* The next byte must be c, or its small letter. */
static void expect(struct reader *r, char c) {
    uint8_t got = reader_u8(r);
    bool letter = c >= 'A' && c <= 'Z';
    if (got != (uint8_t)c && !(letter && got == (uint8_t)(c | 0x20)))
        r->ok = false;
}

/* Milliseconds of ".123456", 0 where there is no point; at least one digit must follow it. */
static int fraction(struct reader *r) {
    if (!reader_left(r) || *r->at != '.')
        return 0;
    reader_u8(r);
    if (!reader_left(r) || *r->at < '0' || *r->at > '9')
        r->ok = false;
    int ms = 0;
    for (int unit = 100; reader_left(r) && *r->at >= '0' && *r->at <= '9'; unit /= 10)
        ms += unit * (reader_u8(r) - '0');
    return ms;
}

/* "Z", "+02:00": what local time is ahead of UTC, in ms. */
static int64_t offset(struct reader *r) {
    if (!reader_left(r) || (*r->at != '+' && *r->at != '-')) {
        expect(r, 'Z');
        return 0;
    }
    int sign = reader_u8(r) == '+' ? 1 : -1;
    int hours = digits(r, 2);
    expect(r, ':');
    int minutes = digits(r, 2);
    if (hours > 23 || minutes > 59)
        r->ok = false;
    return sign * (hours * WHEN_HOUR + minutes * WHEN_MINUTE);
}

bool when_parse(struct bytes text, int64_t *ms) {
    struct reader r = reader_of(text);
    int year = digits(&r, 4);
    expect(&r, '-');
    int month = digits(&r, 2);
    expect(&r, '-');
    int day = digits(&r, 2);
    expect(&r, 'T');
    int hour = digits(&r, 2);
    expect(&r, ':');
    int minute = digits(&r, 2);
    expect(&r, ':');
    int second = digits(&r, 2);
    int thousandths = fraction(&r);
    int64_t ahead = offset(&r);
    if (!r.ok || reader_left(&r))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ms = days_of(year, month, day) * WHEN_DAY + hour * WHEN_HOUR + minute * WHEN_MINUTE + second * WHEN_SECOND +
          thousandths - ahead;
    return true;
}

size_t when_format(int64_t ms, char out[WHEN_TEXT]) {
    int64_t days = ms / WHEN_DAY - (ms % WHEN_DAY < 0);
    int64_t rest = ms - days * WHEN_DAY;
    int64_t since = days + 719468 + 146097; /* days since 0000-03-01, and one cycle so that none is negative */
    int64_t cycle = since / 146097;
    int64_t in_cycle = since % 146097;
    int64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    int64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * in_year + 2) / 153;
    int month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    int y = (int)(year + (cycle - 1) * 400 + (month <= 2));
    int d = (int)(in_year - (153 * from_march + 2) / 5 + 1);
    MUST(y >= 0 && y <= 9999);
    const int parts[] = {y / 100,
                         y % 100,
                         month,
                         d,
                         (int)(rest / WHEN_HOUR),
                         (int)(rest / WHEN_MINUTE % 60),
                         (int)(rest / WHEN_SECOND % 60),
                         (int)(rest % WHEN_SECOND / 10)};
    static const int at[] = {0, 2, 5, 8, 11, 14, 17, 20};
    memcpy(out, "0000-00-00T00:00:00.000Z", 25);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        out[at[i]] = (char)('0' + parts[i] / 10);
        out[at[i] + 1] = (char)('0' + parts[i] % 10);
    }
    out[22] = (char)('0' + rest % 10);
    return 24;
}

/* ---- durations ---- */

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"w", WHEN_WEEK}, {"d", WHEN_DAY}, {"h", WHEN_HOUR}, {"m", WHEN_MINUTE}, {"s", WHEN_SECOND}, {"ms", 1}};

bool when_duration(struct bytes text, int64_t *ms) {
    int64_t count = 0;
    size_t i = 0;
    for (; i < text.n && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
        count = count * 10 + (text.at[i] - '0');
        if (count > max_duration)
            return false;
    }
    if (i == 0)
        return false;
    struct bytes unit = {text.at + i, text.n - i};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        if (!bytes_is(unit, units[u].name))
            continue;
        if (count > max_duration / units[u].ms)
            return false;
        *ms = count * units[u].ms;
        return true;
    }
    return false;
}

size_t when_duration_format(int64_t ms, char out[WHEN_TEXT]) {
    MUST(ms >= 0);
    size_t best = WHEN_TEXT;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        if (ms % units[u].ms)
            continue;
        char text[WHEN_TEXT];
        int n = snprintf(text, sizeof text, "%lld%s", (long long)(ms / units[u].ms), units[u].name);
        /* 0 is 0s: a count without a length reads best in the commonest unit. */
        if ((size_t)n < best && (ms || !strcmp(units[u].name, "s"))) {
            best = (size_t)n;
            memcpy(out, text, best + 1);
        }
    }
    return best;
}
