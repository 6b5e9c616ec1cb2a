/* Any headers as a letter's, any bytes as a receipt's: what is taken keeps within what was given, and a receipt that is
 * taken is written back to the same bytes. Input: headers, each a name that ends with a zero, the value's length and the
 * value (255: null); then, after an empty name, a receipt's value. */
#include "adapters/dead_letter.h"

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_receipt(struct bytes value) {
    static struct dead_letter_range ranges[DEAD_LETTER_MAX_RANGES];
    static char text[DEAD_LETTER_MAX_RANGES * 64];
    size_t n;
    struct err e;
    if (!dead_letter_receipt_read(value, ranges, &n, &e))
        return;
    MUST(n >= 1 && n <= DEAD_LETTER_MAX_RANGES && dead_letter_receipt_size(n) <= sizeof text);
    size_t length = dead_letter_receipt_write(ranges, n, text);
    MUST(bytes_equal((struct bytes){(const uint8_t *)text, length}, value));
}

static void try_headers(const struct dead_letter_header *headers, size_t n) {
    struct dead_letter letter;
    switch (dead_letter_read(headers, n, &letter)) {
    case DEAD_LETTER_IS_LETTER:
        MUST(letter.n_own < n && letter.offset >= 0 && letter.timestamp >= -1 && letter.index >= -1);
        MUST(letter.topic.at && letter.group.at && letter.code.at && letter.words.at);
        break;
    case DEAD_LETTER_IS_RECEIPT: MUST(letter.group.at); break;
    case DEAD_LETTER_IS_STRANGE: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct dead_letter_header headers[MOST];
    struct reader r = reader_of((struct bytes){data, n});
    size_t count = 0;
    while (count < MOST && reader_left(&r) > 1) {
        const uint8_t *end = memchr(r.at, 0, reader_left(&r));
        if (!end || end == r.at)
            break;
        struct bytes name = reader_bytes(&r, (size_t)(end - r.at) + 1);
        uint8_t length = reader_u8(&r);
        struct bytes value = length == 255 ? (struct bytes){NULL, 0} : reader_bytes(&r, length);
        if (!r.ok)
            break;
        headers[count++] = (struct dead_letter_header){(const char *)name.at, value};
    }
    try_headers(headers, count);
    if (r.ok && reader_left(&r))
        reader_u8(&r);
    if (r.ok)
        try_receipt((struct bytes){r.at, reader_left(&r)});
    return 0;
}
