/* What makes an event an event: its limits, checked once, after whichever decoder made it. What is refused here never
 * reaches the scorer, so the scorer checks none of it again.
 *
 * UTF-8 is checked strictly (no overlong forms, no surrogates, nothing past U+10FFFF): texts are compared as bytes
 * everywhere, so one text must have one form. */
#include <leadstream/event.h>

#include <leadstream/when.h>
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { QUOTED = 80 }; /* the most bytes of a bad text that a message shows */

/* What when_format can write: from 0000-01-01 to the last millisecond of 9999. */
static const int64_t year_0 = INT64_C(-62167219200000), year_10000 = INT64_C(253402300800000);

static bool check_id(struct bytes b, const char *what, size_t max, struct err *e);
static bool check_type(struct bytes type, struct err *e);
static bool check_time(int64_t time, struct err *e);
static bool check_field(const struct event_field *field, struct err *e);
static bool is_type_text(struct bytes type);
static size_t wide_character(const uint8_t *at, size_t left);

bool event_check(const struct event *event, struct err *e) {
    if (!check_id(event->lead, "lead", EVENT_MAX_LEAD, e) || !check_id(event->id, "id", EVENT_MAX_ID, e) ||
        !check_type(event->type, e) || !check_time(event->time, e))
        return false;
    if (event->n_fields > EVENT_MAX_FIELDS)
        return err_set(e, ERR_TOO_LARGE, NULL, "%u fields, the limit is %d", event->n_fields, EVENT_MAX_FIELDS);
    for (uint32_t i = 0; i < event->n_fields; i++)
        if (!check_field(&event->fields[i], e))
            return false;
    return true;
}

bool event_is_type(struct bytes b) {
    return b.n >= 1 && b.n <= EVENT_MAX_TYPE && is_type_text(b);
}

/* All below 0x80, as nearly every text is: seen by wide reads, the last of which may overlap the one before. */
static inline bool ascii(struct bytes b) {
    uint64_t all = 0, eight;
    uint32_t four[2];
    if (b.n >= sizeof eight) {
        for (size_t i = 0; i + sizeof eight <= b.n; i += sizeof eight) {
            memcpy(&eight, b.at + i, sizeof eight);
            all |= eight;
        }
        memcpy(&eight, b.at + b.n - sizeof eight, sizeof eight);
        all |= eight;
    } else if (b.n >= sizeof four[0]) {
        memcpy(&four[0], b.at, sizeof four[0]);
        memcpy(&four[1], b.at + b.n - sizeof four[1], sizeof four[1]);
        all = four[0] | four[1];
    } else {
        for (size_t i = 0; i < b.n; i++)
            all |= b.at[i];
    }
    return !(all & UINT64_C(0x8080808080808080));
}

bool event_utf8(struct bytes b) {
    size_t i = ascii(b) ? b.n : 0;
    while (i < b.n) {
        size_t n = b.at[i] < 0x80 ? 1 : wide_character(b.at + i, b.n - i);
        if (!n)
            return false;
        i += n;
    }
    return true;
}

int event_quoted(struct bytes b) {
    size_t n = b.n;
    if (n > QUOTED)
        for (n = QUOTED; n && (b.at[n] & 0xc0) == 0x80;)
            n--;
    return (int)n;
}

uint64_t event_hash(struct bytes b) {
    return XXH3_64bits(b.n ? (const void *)b.at : "", b.n);
}

/* event_utf8, with what nearly always holds in line. */
static inline bool utf8(struct bytes b) {
    return ascii(b) || event_utf8(b);
}

/* A lead's or an event's id. */
static bool check_id(struct bytes b, const char *what, size_t max, struct err *e) {
    if (!b.n)
        return err_set(e, ERR_MISSING, NULL, "%s is empty", what);
    if (!utf8(b))
        return err_set(e, ERR_MALFORMED, NULL, "%s is not UTF-8", what);
    if (b.n > max)
        return err_set(e, ERR_TOO_LARGE, NULL, "%s has %zu bytes, the limit is %zu: \"%.*s..\"", what, b.n, max,
                       event_quoted(b), (const char *)b.at);
    return true;
}

/* By character, a bit: 0-9 and `.`; a-z and `_`; none past 127. */
static bool is_type_text(struct bytes type) {
    static const uint64_t may[4] = {UINT64_C(0x03ff400000000000), UINT64_C(0x07fffffe80000000), 0, 0};
    uint64_t all = 1;
    for (size_t i = 0; i < type.n; i++)
        all &= may[type.at[i] >> 6] >> (type.at[i] & 63);
    return all != 0;
}

static bool check_type(struct bytes type, struct err *e) {
    if (!check_id(type, "type", EVENT_MAX_TYPE, e))
        return false;
    return is_type_text(type) ||
           err_set(e, ERR_INVALID, NULL, "type \"%.*s\" has other characters than a-z, 0-9, _ and .",
                   event_quoted(type), (const char *)type.at);
}

static bool check_time(int64_t time, struct err *e) {
    if (time >= WHEN_FIRST && time <= WHEN_LAST)
        return true;
    char text[WHEN_TEXT];
    if (time >= year_0 && time < year_10000)
        when_format(time, text);
    else
        snprintf(text, sizeof text, "%lld ms", (long long)time);
    return err_set(e, ERR_INVALID, NULL, "time %s is %s", text,
                   time < WHEN_FIRST ? "before 2000-01-01T00:00:00.000Z" : "past 2100-01-01T00:00:00.000Z");
}

static bool check_field(const struct event_field *field, struct err *e) {
    if (!utf8(field->name))
        return err_set(e, ERR_MALFORMED, NULL, "the name of a field is not UTF-8");
    if (field->value.n > EVENT_MAX_VALUE)
        return err_set(e, ERR_TOO_LARGE, NULL, "field \"%.*s\" has %zu bytes, the limit is %d",
                       event_quoted(field->name), (const char *)field->name.at, field->value.n, EVENT_MAX_VALUE);
    if (!utf8(field->value))
        return err_set(e, ERR_MALFORMED, NULL, "field \"%.*s\" is not UTF-8", event_quoted(field->name),
                       (const char *)field->name.at);
    return true;
}

/* The length of the character of two bytes or more at `at`, 0 if it is none. left: bytes there, at least 1. */
static size_t wide_character(const uint8_t *at, size_t left) {
    uint8_t a = at[0];
    uint8_t b = left > 1 ? at[1] : 0;
    if (a >= 0xc2 && a <= 0xdf)
        return (b & 0xc0) == 0x80 ? 2 : 0;
    if (a < 0xe0 || a > 0xf4 || left < 3 || (at[2] & 0xc0) != 0x80)
        return 0;
    uint8_t low = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;  /* below: overlong */
    uint8_t high = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf; /* above: a surrogate, or past U+10FFFF */
    if (b < low || b > high)
        return 0;
    if (a <= 0xef)
        return 3;
    return left > 3 && (at[3] & 0xc0) == 0x80 ? 4 : 0;
}
