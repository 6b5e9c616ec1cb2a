/* Bad lines: `events.jsonl:17: time "yesterday" is not RFC 3339` on stderr, or a JSON line in the dead letters with the
 * same facts and the line itself: as text, or in base64 where it is not UTF-8. Of a line beyond the limit of an event
 * the beginning is kept, and how long it was. */
#include "app/bad_lines.h"

#include "codec/record_json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct bad_lines {
    const char *path; /* of the dead letters, NULL: none */
    FILE *letters;
    int failed; /* errno of the first write that failed */
    uint64_t n;
    struct text text;
};

struct bad_lines *bad_lines_new(const char *dead_letters, struct err *e) {
    struct bad_lines *bad = calloc(1, sizeof *bad);
    MUST(bad != NULL);
    bad->path = dead_letters;
    if (!dead_letters)
        return bad;
    bad->letters = fopen(dead_letters, "we");
    if (bad->letters)
        return bad;
    err_set(e, ERR_DISK, dead_letters, "%s", strerror(errno));
    free(bad);
    return NULL;
}

static void put_key(struct text *text, const char *key) {
    text_put(text, key, strlen(key));
}

static void put_number(struct text *text, const char *key, uint64_t value) {
    char number[24];
    int n = snprintf(number, sizeof number, "%llu", (unsigned long long)value);
    put_key(text, key);
    text_put(text, number, (size_t)n);
}

static void dead_letter(struct text *text, const char *file, const struct event_file_item *item) {
    put_key(text, "{\"file\":");
    text_json_string(text, bytes_of(file));
    put_number(text, ",\"line\":", item->line);
    put_key(text, ",\"code\":");
    text_json_string(text, bytes_of(err_name(item->err.code)));
    put_key(text, ",\"words\":");
    text_json_string(text, bytes_of(item->err.words));
    if (item->event.lead.n) {
        put_key(text, ",\"lead\":");
        text_json_string(text, item->event.lead);
    }
    if (item->length > item->text.n)
        put_number(text, ",\"bytes\":", item->length);
    if (event_utf8(item->text)) {
        put_key(text, ",\"text\":");
        text_json_string(text, item->text);
    } else {
        put_key(text, ",\"base64\":");
        text_json_base64(text, item->text);
    }
    text_put(text, "}\n", 2);
}

/* Words quote what came from outside; its control characters are not for a terminal. */
static void say(const char *file, const struct event_file_item *item) {
    char words[sizeof item->err.words];
    size_t n = strlen(item->err.words);
    memcpy(words, item->err.words, n + 1);
    for (size_t i = 0; i < n; i++)
        if ((uint8_t)words[i] < 0x20 || words[i] == 0x7f)
            words[i] = '?';
    fprintf(stderr, "%s:%llu: %s\n", file, (unsigned long long)item->line, words);
}

void bad_lines_add(struct bad_lines *bad, const char *file, const struct event_file_item *item) {
    bad->n++;
    if (!bad->letters) {
        say(file, item);
        return;
    }
    bad->text.n = 0;
    dead_letter(&bad->text, file, item);
    if (fwrite(bad->text.at, 1, bad->text.n, bad->letters) != bad->text.n && !bad->failed)
        bad->failed = errno;
}

uint64_t bad_lines_count(const struct bad_lines *bad) {
    return bad->n;
}

bool bad_lines_finish(struct bad_lines **bad, struct err *e) {
    struct bad_lines *b = *bad;
    if (b->letters && fclose(b->letters) != 0 && !b->failed)
        b->failed = errno;
    bool written = !b->failed;
    if (!written)
        err_set(e, ERR_DISK, b->path, "%s", strerror(b->failed));
    else if (b->n && b->path)
        fprintf(stderr, "leadstream score: %llu bad line%s kept in %s\n", (unsigned long long)b->n,
                b->n == 1 ? "" : "s", b->path);
    else if (b->n)
        fprintf(stderr, "leadstream score: %llu bad line%s (--dead-letters FILE keeps them)\n",
                (unsigned long long)b->n, b->n == 1 ? "" : "s");
    text_free(&b->text);
    free(b);
    *bad = NULL;
    return written;
}
