/* Aligned lines for a terminal. Widths come from the model and the longest key, so nothing is held back. What came from
 * outside is shown without control characters: a lead's id must not move anyone's cursor. */
#include "app/score_table.h"

#include <leadstream/decimal.h>
#include <leadstream/when.h>
#include <stdio.h>

enum { MIN_LEAD = 4, MAX_LEAD = 36, NUMBER = 9 };

void score_table_init(struct score_table *table, const struct model *model, size_t longest_lead) {
    *table = (struct score_table){.model = model};
    table->lead = longest_lead > MAX_LEAD ? MAX_LEAD : longest_lead < MIN_LEAD ? MIN_LEAD : (int)longest_lead;
    for (size_t i = 0; i < model->n_stages; i++)
        if ((int)model->stages[i].name.n > table->stage)
            table->stage = (int)model->stages[i].name.n;
    for (size_t i = 0; i < model->n_routes; i++)
        if ((int)model->routes[i].to.n > table->route)
            table->route = (int)model->routes[i].to.n;
    if (model->n_stages && table->stage < 5)
        table->stage = 5;
    if (model->n_routes && table->route < 5)
        table->route = 5;
}

static void put(struct text *text, const char *words) {
    text_put(text, words, strlen(words));
}

static bool begins(uint8_t c) { /* a character of UTF-8 */
    return (c & 0xc0) != 0x80;
}

/* True where a control character begins: one of ASCII, or one of the second set (U+0080 to U+009F). */
static bool control(struct bytes b, size_t i) {
    return b.at[i] < 0x20 || b.at[i] == 0x7f || (b.at[i] == 0xc2 && i + 1 < b.n && b.at[i + 1] < 0xa0);
}

/* A text in `width` columns and two blanks; what is longer is cut, with a mark. */
static void cell(struct text *text, struct bytes b, int width) {
    int all = 0, columns = 0;
    for (size_t i = 0; i < b.n; i++)
        all += begins(b.at[i]);
    int shown = all > width ? width - 1 : all;
    for (size_t i = 0; i < b.n && columns <= shown; i++) {
        bool one = begins(b.at[i]);
        columns += one;
        if (columns > shown)
            break;
        if (one && control(b, i)) {
            put(text, "?");
            i += b.at[i] == 0xc2;
        } else {
            text_put(text, (const char *)b.at + i, 1);
        }
    }
    if (all > width)
        put(text, "~");
    for (columns = all > width ? width : all; columns < width + 2; columns++)
        put(text, " ");
}

static void number(struct text *text, int64_t hundredths, int width) {
    char digits[DECIMAL_TEXT], line[DECIMAL_TEXT + 32];
    decimal_format(hundredths, digits);
    snprintf(line, sizeof line, "%*s  ", width, digits);
    put(text, line);
}

static void head(struct text *text, const char *word, int width, bool right) {
    char line[80];
    snprintf(line, sizeof line, right ? "%*s  " : "%-*s  ", width, word);
    put(text, line);
}

static void end_line(struct text *text) {
    while (text->n && text->at[text->n - 1] == ' ')
        text->n--;
    put(text, "\n");
}

static void place_head(const struct score_table *table, struct text *text) {
    if (table->model->n_grade_fit)
        head(text, "GRADE", 5, false);
    if (table->stage)
        head(text, "STAGE", table->stage, false);
    if (table->route)
        head(text, "ROUTE", table->route, false);
}

static void place(const struct score_table *table, struct text *text, const struct score *score) {
    if (table->model->n_grade_fit)
        cell(text, (struct bytes){(const uint8_t *)score->grade, 2}, 5);
    if (table->stage)
        cell(text, table->model->stages[score->stage].name, table->stage);
    if (table->route)
        cell(text, table->model->routes[score->route].to, table->route);
}

/* "pricing +20 (2), student -40, clamp email -3.5" */
static void reason(struct text *text, const struct reason *reason) {
    static const char *const before[] = {[REASON_RULE] = "",
                                         [REASON_FIT] = "",
                                         [REASON_CLAMP_GROUP] = "clamp of ",
                                         [REASON_CLAMP_ENGAGEMENT] = "clamp of engagement",
                                         [REASON_CLAMP_FIT] = "clamp of fit",
                                         [REASON_WEIGHT_ENGAGEMENT] = "weight of engagement",
                                         [REASON_WEIGHT_FIT] = "weight of fit",
                                         [REASON_CLAMP_TOTAL] = "clamp of total",
                                         [REASON_ROUNDING] = "rounding"};
    char digits[DECIMAL_TEXT];
    put(text, before[reason->kind]);
    text_put(text, (const char *)reason->name.at, reason->name.n);
    put(text, reason->points > 0 ? " +" : " ");
    text_put(text, digits, decimal_format(reason->points, digits));
}

void score_table_leads_head(const struct score_table *table, struct text *text) {
    head(text, "LEAD", table->lead, false);
    head(text, "TOTAL", NUMBER, true);
    place_head(table, text);
    head(text, "ENGAGEMENT", NUMBER + 1, true);
    head(text, "FIT", NUMBER, true);
    head(text, "EVENTS", NUMBER - 1, true);
    put(text, "WHY");
    end_line(text);
}

void score_table_lead(const struct score_table *table, struct text *text, const struct lead_line *line,
                      size_t reasons) {
    char events[32];
    cell(text, line->lead, table->lead);
    number(text, line->score->total, NUMBER);
    place(table, text, line->score);
    number(text, line->score->engagement, NUMBER + 1);
    number(text, line->score->fit, NUMBER);
    snprintf(events, sizeof events, "%*llu  ", NUMBER - 1, (unsigned long long)line->events);
    put(text, events);
    for (size_t i = 0; i < line->n_reasons && i < reasons; i++) {
        put(text, i ? ", " : "");
        reason(text, &line->reasons[i]);
    }
    if (line->n_reasons > reasons)
        put(text, ", ..");
    end_line(text);
}

void score_table_records_head(const struct score_table *table, struct text *text) {
    head(text, "AT", 24, false);
    head(text, "LEAD", table->lead, false);
    head(text, "WHAT", 13, false);
    head(text, "TOTAL", NUMBER, true);
    head(text, "BEFORE", NUMBER, true);
    place_head(table, text);
    put(text, "BECAUSE OF");
    end_line(text);
}

void score_table_record(const struct score_table *table, struct text *text, const struct record *record) {
    static const char *const kinds[] = {"score changed", "sales ready", "erased"};
    static const char *const triggers[] = {"event ", "time passing", "a new model", "a merge"};
    char when[WHEN_TEXT];
    size_t n = when_format(record->at, when);
    cell(text, (struct bytes){(const uint8_t *)when, n}, 24);
    cell(text, record->lead, table->lead);
    cell(text, bytes_of(kinds[record->kind]), 13);
    if (record->kind != RECORD_ERASED) {
        number(text, record->score.total, NUMBER);
        if (record->kind == RECORD_SCORE_CHANGED)
            number(text, record->previous.total, NUMBER);
        else
            head(text, "", NUMBER, true);
        place(table, text, &record->score);
        put(text, triggers[record->trigger]);
        cell(text, record->cause, MAX_LEAD);
    }
    end_line(text);
}
