/* Headers looked up from the end, numbers read strictly: what is not exactly as we write it is strange. */
#include "adapters/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>

enum { RANGE_TEXT = 42 /* two numbers of 19 digits, a dash, a blank */, RECEIPT_SHOWN = 61 };

/* Digits only, no leading zero, within int64. */
static bool number(struct bytes text, int64_t *out) {
    int64_t value = 0;
    if (!text.n || text.n > 19 || (text.at[0] == '0' && text.n > 1))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int digit = text.at[i] - '0';
        if (digit < 0 || digit > 9 || value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* The last header of that name from `from` on; NULL: none. */
static const struct dead_letter_header *find(const struct dead_letter_header *headers, size_t from, size_t n,
                                             const char *name) {
    for (size_t i = n; i > from; i--)
        if (!strcmp(headers[i - 1].name, name))
            return &headers[i - 1];
    return NULL;
}

/* A header whose value may be any bytes. */
static bool text(const struct dead_letter_header *header, struct bytes *out) {
    if (header && header->value.at)
        *out = header->value;
    return header && header->value.at;
}

static bool optional(const struct dead_letter_header *header, int64_t *out) {
    *out = DEAD_LETTER_NONE;
    return !header || number(header->value, out);
}

/* A record without a timestamp has -1. */
static bool timestamp(const struct dead_letter_header *header, int64_t *out) {
    *out = -1;
    return header && (bytes_is(header->value, "-1") || number(header->value, out));
}

/* What the record's own headers say of it: the last that can be read. */
static uint32_t times_sent(const struct dead_letter_header *own, size_t n) {
    const struct dead_letter_header *header = find(own, 0, n, DEAD_LETTER_SENT);
    int64_t sent = 0;
    if (header && number(header->value, &sent) && sent <= UINT32_MAX - 1)
        return (uint32_t)sent;
    return 0;
}

static bool read_letter(const struct dead_letter_header *headers, size_t n, struct dead_letter *letter) {
    const struct dead_letter_header *mark = find(headers, 0, n, DEAD_LETTER_HEADERS);
    int64_t own, partition;
    if (!mark || !number(mark->value, &own) || own != mark - headers)
        return false;
    size_t from = letter->n_own = (size_t)own;
    letter->sent = times_sent(headers, from);
    bool lead = text(find(headers, from, n, DEAD_LETTER_LEAD), &letter->lead);
    if (!lead)
        letter->lead = (struct bytes){NULL, 0};
    if (!optional(find(headers, from, n, DEAD_LETTER_PARTITION), &partition) || partition < 0 || partition > INT32_MAX ||
        !optional(find(headers, from, n, DEAD_LETTER_OFFSET), &letter->offset) || letter->offset < 0 ||
        !timestamp(find(headers, from, n, DEAD_LETTER_TIMESTAMP), &letter->timestamp) ||
        !optional(find(headers, from, n, DEAD_LETTER_INDEX), &letter->index) ||
        !optional(find(headers, from, n, DEAD_LETTER_SCHEMA_ID), &letter->schema_id) ||
        !optional(find(headers, from, n, DEAD_LETTER_CUT_FROM), &letter->cut_from))
        return false;
    letter->partition = (uint32_t)partition;
    return text(find(headers, from, n, DEAD_LETTER_GROUP), &letter->group) &&
           text(find(headers, from, n, DEAD_LETTER_TOPIC), &letter->topic) &&
           text(find(headers, from, n, DEAD_LETTER_CODE), &letter->code) &&
           text(find(headers, from, n, DEAD_LETTER_WORDS), &letter->words);
}

enum dead_letter_kind dead_letter_read(const struct dead_letter_header *headers, size_t n,
                                       struct dead_letter *letter) {
    *letter = (struct dead_letter){.index = DEAD_LETTER_NONE};
    if (n == 0)
        return DEAD_LETTER_IS_STRANGE;
    if (!strcmp(headers[n - 1].name, DEAD_LETTER_RECEIPT) && text(&headers[n - 1], &letter->group))
        return DEAD_LETTER_IS_RECEIPT;
    return read_letter(headers, n, letter) ? DEAD_LETTER_IS_LETTER : DEAD_LETTER_IS_STRANGE;
}

/* ---- receipts ---- */

static bool read_range(struct bytes word, int64_t after, struct dead_letter_range *range) {
    const uint8_t *dash = word.n ? memchr(word.at, '-', word.n) : NULL;
    size_t n = dash ? (size_t)(dash - word.at) : word.n;
    if (!number((struct bytes){word.at, n}, &range->first))
        return false;
    range->last = range->first;
    if (dash && !number((struct bytes){dash + 1, word.n - n - 1}, &range->last))
        return false;
    return range->first > after && (!dash || range->last > range->first);
}

/* The beginning of it, for a terminal. */
static void show(struct bytes value, char out[RECEIPT_SHOWN]) {
    size_t n = value.n < RECEIPT_SHOWN - 1 ? value.n : RECEIPT_SHOWN - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(value.at[i] < 0x20 || value.at[i] > 0x7e ? '?' : value.at[i]);
    out[n] = 0;
}

bool dead_letter_receipt_read(struct bytes value, struct dead_letter_range ranges[DEAD_LETTER_MAX_RANGES], size_t *n,
                              struct err *e) {
    *n = 0;
    for (size_t at = 0; at <= value.n && value.n;) {
        const uint8_t *blank = at < value.n ? memchr(value.at + at, ' ', value.n - at) : NULL;
        size_t end = blank ? (size_t)(blank - value.at) : value.n;
        int64_t after = *n ? ranges[*n - 1].last : -1;
        if (*n == DEAD_LETTER_MAX_RANGES || !read_range((struct bytes){value.at + at, end - at}, after, &ranges[*n]))
            break;
        (*n)++;
        at = end + 1;
        if (at > value.n)
            return true;
    }
    char shown[RECEIPT_SHOWN];
    show(value, shown);
    return err_set(e, ERR_CORRUPT, NULL,
                   "a receipt of what was sent back cannot be read (\"%s\"): another program wrote it, or a newer "
                   "version: use that, or see \"Dead letters\" in ops/README.md",
                   shown);
}

void dead_letter_receipt_key(const char *group, uint32_t partition, int64_t first, char *out, size_t n) {
    int length = snprintf(out, n, DEAD_LETTER_RECEIPT "/%s/%" PRIu32 "/%" PRId64, group, partition, first);
    MUST(length > 0 && (size_t)length < n);
}

/* Whether `text` goes on with `head`, which then is behind it. */
static bool skip(struct bytes *text, struct bytes head) {
    if (text->n < head.n || memcmp(text->at, head.at, head.n) != 0)
        return false;
    *text = (struct bytes){text->at + head.n, text->n - head.n};
    return true;
}

bool dead_letter_receipt_ours(struct bytes key, struct bytes group, uint32_t partition) {
    char place[16];
    int64_t first;
    snprintf(place, sizeof place, "/%" PRIu32 "/", partition);
    return key.n && group.n && skip(&key, bytes_of(DEAD_LETTER_RECEIPT "/")) && skip(&key, group) &&
           skip(&key, bytes_of(place)) && number(key, &first);
}

size_t dead_letter_receipt_size(size_t n) {
    return n * RANGE_TEXT + 1;
}

size_t dead_letter_receipt_write(const struct dead_letter_range *ranges, size_t n, char *out) {
    size_t at = 0;
    out[0] = 0;
    MUST(n >= 1 && n <= DEAD_LETTER_MAX_RANGES);
    for (size_t i = 0; i < n; i++) {
        MUST(ranges[i].first >= 0 && ranges[i].last >= ranges[i].first && (!i || ranges[i].first > ranges[i - 1].last));
        at += (size_t)snprintf(out + at, RANGE_TEXT, "%s%" PRId64, i ? " " : "", ranges[i].first);
        if (ranges[i].last > ranges[i].first)
            at += (size_t)snprintf(out + at, RANGE_TEXT, "-%" PRId64, ranges[i].last);
    }
    return at;
}
