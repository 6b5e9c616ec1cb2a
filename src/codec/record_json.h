/* Published records, lead lines and dead letters as JSON lines: what `score` prints and outputs.format json sends. */
#ifndef LEADSTREAM_RECORD_JSON_H
#define LEADSTREAM_RECORD_JSON_H

#include <leadstream/score.h>

/* A growing text; starts as zeros, grows by doubling to at most 16 MiB, freed by text_free. */
struct text {
    char *at;
    size_t n, cap;
};
void text_free(struct text *text);
void text_put(struct text *text, const char *at, size_t n);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void text_json_string(struct text *text, struct bytes b);
/* The same bytes in base64, with quotes: for what is not UTF-8. */
void text_json_base64(struct text *text, struct bytes b);

/* Appends the record as one JSON object, keys in the documented order, without a newline. */
void record_json(struct text *text, const struct model *model, const struct record *record);

/* Appends a lead's line: lead, total, engagement, fit, groups, grade, stage, route, as_of, events; then `reasons`
 * where reasons is not NULL, and `profile` where profile is not NULL (texts by attribute slot). */
struct lead_line {
    struct bytes lead;
    const struct score *score;
    int64_t as_of;
    uint64_t events;
    const struct reason *reasons;
    size_t n_reasons;
    const struct bytes *profile;
};
void lead_line_json(struct text *text, const struct model *model, const struct lead_line *line);

#endif
