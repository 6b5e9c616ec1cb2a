/* Records, lead lines and reasons as JSON, keys in the documented order, written straight into a growing text. Numbers
 * are hundredths in their shortest form, by integer arithmetic: what is printed is what was compared. */
#include "codec/record_json.h"

#include <leadstream/decimal.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_LIMIT ((size_t)16 << 20)

static void put(struct text *text, const char *words);
static void put_string(struct text *text, const char *key, struct bytes value);
static void put_number(struct text *text, const char *key, int64_t hundredths);
static void put_integer(struct text *text, const char *key, uint64_t value);
static void put_when(struct text *text, const char *key, int64_t ms);
static void put_scores(struct text *text, const struct model *model, const struct score *score);
static void put_place(struct text *text, const struct model *model, const char grade[2], const uint8_t at[2]);
static void put_reasons(struct text *text, const struct reason *reasons, size_t n);
static void put_profile(struct text *text, const struct model *model, const struct bytes *texts);

/* ---- the text ---- */

void text_free(struct text *text) {
    free(text->at);
    *text = (struct text){0};
}

void text_put(struct text *text, const char *at, size_t n) {
    if (n > text->cap - text->n) {
        size_t cap = text->cap ? text->cap : 1024;
        while (cap - text->n < n && cap < TEXT_LIMIT)
            cap *= 2;
        MUST(cap - text->n >=
             n); /* a record is bounded by its model (worst_output), and each is sent before the next */
        char *grown = realloc(text->at, cap);
        MUST(grown != NULL);
        text->at = grown;
        text->cap = cap;
    }
    if (n)
        memcpy(text->at + text->n, at, n);
    text->n += n;
}

/* The length of the well-formed character at the start of b, 0 if there is none. */
static size_t character(struct bytes b) {
    for (size_t n = 1; n <= 4 && n <= b.n; n++)
        if (event_utf8((struct bytes){b.at, n}))
            return n;
    return 0;
}

/* How the byte c is written in a string; NULL: as it is. */
static const char *escape(uint8_t c, char out[8]) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c ? strchr(from, c) : NULL;
    if (at)
        snprintf(out, 8, "\\%c", to[at - from]);
    else if (c < 0x20)
        snprintf(out, 8, "\\u%04x", c);
    else
        return NULL;
    return out;
}

void text_json_string(struct text *text, struct bytes b) {
    bool good = event_utf8(b);
    size_t from = 0; /* of what is not yet copied */
    char escaped[8];
    text_put(text, "\"", 1);
    for (size_t i = 0; i < b.n;) {
        size_t n = good ? 1 : character((struct bytes){b.at + i, b.n - i});
        const char *instead = n ? escape(b.at[i], escaped) : "\xef\xbf\xbd";
        if (instead) {
            text_put(text, (const char *)b.at + from, i - from);
            put(text, instead);
            from = i + 1;
        }
        i += n ? n : 1;
    }
    if (b.n)
        text_put(text, (const char *)b.at + from, b.n - from);
    text_put(text, "\"", 1);
}

void text_json_base64(struct text *text, struct bytes b) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text_put(text, "\"", 1);
    for (size_t i = 0; i < b.n; i += 3) {
        size_t n = b.n - i < 3 ? b.n - i : 3;
        uint32_t v = (uint32_t)b.at[i] << 16;
        v |= n > 1 ? (uint32_t)b.at[i + 1] << 8 : 0;
        v |= n > 2 ? b.at[i + 2] : 0;
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63]};
        if (n < 3)
            memset(four + n + 1, '=', 3 - n);
        text_put(text, four, sizeof four);
    }
    text_put(text, "\"", 1);
}

/* ---- records and lines ---- */

void record_json(struct text *text, const struct model *model, const struct record *record) {
    static const char *const kinds[] = {"score_changed", "sales_ready", "erased"};
    static const char *const triggers[] = {"event", "time", "model", "merge"};
    char uuid[37];
    const uint8_t *id = record->id;
    snprintf(uuid, sizeof uuid, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0], id[1],
             id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
    put_string(text, "{\"kind\":", bytes_of(kinds[record->kind]));
    put_string(text, ",\"id\":", bytes_of(uuid));
    put_string(text, ",\"lead\":", record->lead);
    put_when(text, ",\"at\":", record->at);
    if (record->kind != RECORD_ERASED) {
        put_string(text, ",\"trigger\":", bytes_of(triggers[record->trigger]));
        if (record->trigger == TRIGGER_EVENT)
            put_string(text, ",\"cause\":", record->cause);
        else
            put(text, ",\"cause\":null");
        put_scores(text, model, &record->score);
        if (record->kind == RECORD_SCORE_CHANGED) {
            put_number(text, ",\"previous\":{\"total\":", record->previous.total);
            put_place(text, model, record->previous.grade,
                      (const uint8_t[]){record->previous.stage, record->previous.route});
            put(text, "}");
        }
        put_string(text, ",\"model\":", model->name);
        put_integer(text, ",\"version\":", model->version);
        if (record->kind == RECORD_SALES_READY)
            put_reasons(text, record->reasons, record->n_reasons);
    }
    put(text, "}");
}

void lead_line_json(struct text *text, const struct model *model, const struct lead_line *line) {
    put_string(text, "{\"lead\":", line->lead);
    put_scores(text, model, line->score);
    put_when(text, ",\"as_of\":", line->as_of);
    put_integer(text, ",\"events\":", line->events);
    if (line->reasons)
        put_reasons(text, line->reasons, line->n_reasons);
    if (line->profile)
        put_profile(text, model, line->profile);
    put(text, "}");
}

/* ---- parts; `key` is all that comes before the value ---- */

static void put(struct text *text, const char *words) {
    text_put(text, words, strlen(words));
}

static void put_string(struct text *text, const char *key, struct bytes value) {
    put(text, key);
    text_json_string(text, value);
}

static void put_number(struct text *text, const char *key, int64_t hundredths) {
    char number[DECIMAL_TEXT];
    size_t n = decimal_format(hundredths, number);
    put(text, key);
    text_put(text, number, n);
}

static void put_integer(struct text *text, const char *key, uint64_t value) {
    char number[24];
    int n = snprintf(number, sizeof number, "%llu", (unsigned long long)value);
    put(text, key);
    text_put(text, number, (size_t)n);
}

static void put_when(struct text *text, const char *key, int64_t ms) {
    char when[WHEN_TEXT];
    size_t n = when_format(ms, when);
    put_string(text, key, (struct bytes){(const uint8_t *)when, n});
}

/* Grade, stage (at[0]) and route (at[1]): each only where the model has such. */
static void put_place(struct text *text, const struct model *model, const char grade[2], const uint8_t at[2]) {
    if (model->n_grade_fit)
        put_string(text, ",\"grade\":", (struct bytes){(const uint8_t *)grade, 2});
    if (model->n_stages)
        put_string(text, ",\"stage\":", model->stages[at[0]].name);
    if (model->n_routes)
        put_string(text, ",\"route\":", model->routes[at[1]].to);
}

static void put_scores(struct text *text, const struct model *model, const struct score *score) {
    put_number(text, ",\"total\":", score->total);
    put_number(text, ",\"engagement\":", score->engagement);
    put_number(text, ",\"fit\":", score->fit);
    put(text, ",\"groups\":{");
    for (size_t i = 0; i < model->n_groups; i++) {
        put_string(text, i ? "," : "", model->groups[i].name);
        put_number(text, ":", score->groups[i]);
    }
    put(text, "}");
    put_place(text, model, score->grade, (const uint8_t[]){score->stage, score->route});
}

static void put_reason(struct text *text, const struct reason *reason) {
    static const char *const words[] = {
        [REASON_RULE] = "{\"rule\":",
        [REASON_FIT] = "{\"rule\":",
        [REASON_CLAMP_GROUP] = "{\"clamp\":\"group.",
        [REASON_CLAMP_ENGAGEMENT] = "{\"clamp\":\"engagement\"",
        [REASON_CLAMP_FIT] = "{\"clamp\":\"fit\"",
        [REASON_WEIGHT_ENGAGEMENT] = "{\"weight\":\"engagement\"",
        [REASON_WEIGHT_FIT] = "{\"weight\":\"fit\"",
        [REASON_CLAMP_TOTAL] = "{\"clamp\":\"total\"",
        [REASON_ROUNDING] = "{\"rounding\":\"total\"",
    };
    put(text, words[reason->kind]);
    if (reason->kind == REASON_RULE || reason->kind == REASON_FIT)
        text_json_string(text, reason->name);
    if (reason->kind == REASON_CLAMP_GROUP) {
        text_put(text, (const char *)reason->name.at, reason->name.n); /* of [A-Za-z0-9_.-]: needs no escape */
        put(text, "\"");
    }
    put_number(text, ",\"points\":", reason->points);
    if (reason->kind == REASON_RULE)
        put_number(text, ",\"count\":", reason->count);
    put(text, "}");
}

static void put_reasons(struct text *text, const struct reason *reasons, size_t n) {
    put(text, ",\"reasons\":[");
    for (size_t i = 0; i < n; i++) {
        put(text, i ? "," : "");
        put_reason(text, &reasons[i]);
    }
    put(text, "]");
}

/* Attributes by name, since slots are in the order of hashes, which says nothing to a reader. */
static void put_profile(struct text *text, const struct model *model, const struct bytes *texts) {
    uint16_t order[MODEL_MAX_ATTRS];
    MUST(model->n_attrs <= MODEL_MAX_ATTRS);
    for (uint16_t i = 0; i < model->n_attrs; i++) {
        uint16_t at = i;
        for (; at && bytes_compare(model->attrs[order[at - 1]].name, model->attrs[i].name) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    put(text, ",\"profile\":{");
    const char *comma = "";
    for (uint16_t i = 0; i < model->n_attrs; i++) {
        if (!texts[order[i]].n)
            continue;
        put_string(text, comma, model->attrs[order[i]].name);
        put_string(text, ":", texts[order[i]]);
        comma = ",";
    }
    put(text, "}");
}
