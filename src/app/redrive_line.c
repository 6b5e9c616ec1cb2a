/* A letter as JSON for other programs: what is UTF-8 as text, all else in base64. */
#include "app/redrive_table.h"

#include <inttypes.h>
#include <leadstream/event.h>

/* A text may become six times as long; above this it goes in base64, and above the second not at all. */
#define TEXT_MOST ((size_t)1024 * 1024)
#define BASE64_MOST ((size_t)8 * 1024 * 1024)

/* The text has a limit, a record with many headers has none. */
static void flush(FILE *to, struct text *text) {
    fwrite(text->at, 1, text->n, to);
    text->n = 0;
}

static void put(struct text *text, const char *words) {
    text_put(text, words, strlen(words));
}

static void put_number(struct text *text, const char *key, int64_t value) {
    char number[80];
    int n = snprintf(number, sizeof number, ",\"%s\":%" PRId64, key, value);
    text_put(text, number, (size_t)n);
}

static void put_known(struct text *text, const char *key, int64_t value) {
    if (value != DEAD_LETTER_NONE)
        put_number(text, key, value);
}

/* "KEY":"..", "KEY_base64":"..", "KEY":null, or "KEY_bytes":n. */
static void put_member(struct text *text, const char *key, struct bytes b) {
    bool readable = b.n <= TEXT_MOST && event_utf8(b);
    put(text, "\"");
    put(text, key);
    if (!b.at) {
        put(text, "\":null");
    } else if (readable) {
        put(text, "\":");
        text_json_string(text, b);
    } else if (b.n <= BASE64_MOST) {
        put(text, "_base64\":");
        text_json_base64(text, b);
    } else {
        char size[32];
        int n = snprintf(size, sizeof size, "_bytes\":%zu", b.n);
        text_put(text, size, (size_t)n);
    }
}

static void put_bytes(struct text *text, const char *key, struct bytes b) {
    put(text, ",");
    put_member(text, key, b);
}

static void put_headers(FILE *to, struct text *text, const struct kafka_letter *letter) {
    put(text, ",\"headers\":[");
    for (size_t i = 0; i < letter->says.n_own; i++) {
        put(text, i ? ",{" : "{");
        put_member(text, "name", bytes_of(letter->headers[i].name));
        put_bytes(text, "value", letter->headers[i].value);
        put(text, "}");
        flush(to, text);
    }
    put(text, "]");
}

void redrive_line_write(FILE *to, struct text *text, uint32_t partition, const struct kafka_letter *letter,
                        enum redrive_fate fate) {
    const struct dead_letter *says = &letter->says;
    text->n = 0;
    put(text, "{\"state\":\"");
    put(text, redrive_fate_state(fate));
    put(text, "\"");
    put_bytes(text, "code", says->code);
    put_bytes(text, "words", says->words);
    put_bytes(text, "topic", says->topic);
    put_number(text, "partition", says->partition);
    put_number(text, "offset", says->offset);
    put_number(text, "timestamp", says->timestamp);
    put_known(text, "index", says->index);
    put_known(text, "schema_id", says->schema_id);
    put_known(text, "cut_from", says->cut_from);
    if (says->lead.n)
        put_bytes(text, "lead", says->lead);
    put_number(text, "times_sent", says->sent);
    put_number(text, "letter_partition", partition);
    put_number(text, "letter_offset", letter->offset);
    put_number(text, "letter_timestamp", letter->written);
    flush(to, text);
    put_headers(to, text, letter);
    put_bytes(text, "key", letter->key);
    flush(to, text);
    put_bytes(text, "value", letter->value);
    put(text, "}\n");
    flush(to, text);
}
