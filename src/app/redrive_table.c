/* Aligned columns as wide as what is in them. What came from outside is shown without control characters. */
#include "app/redrive_table.h"

#include <inttypes.h>
#include <leadstream/when.h>
#include <stdlib.h>

enum { COLUMNS = 11, CELL = 320 };

/* ---- adding ---- */

/* A character of UTF-8 is not cut in two; what could move a cursor is a question mark. */
static void show(char *out, size_t room, struct bytes b) {
    size_t n = b.n < room - 1 ? b.n : room - 1;
    while (n && n < b.n && (b.at[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++) {
        bool c1 = i && b.at[i - 1] == 0xc2 && b.at[i] < 0xa0;
        out[i] = (char)(b.at[i] < 0x20 || b.at[i] == 0x7f || c1 ? '?' : b.at[i]);
    }
    out[n] = 0;
}

static void stretch(struct redrive_span *span, bool first, uint32_t partition) {
    if (first || partition < span->first)
        span->first = partition;
    if (first || partition > span->last)
        span->last = partition;
}

static struct redrive_group *group_of(struct redrive_table *table, const struct kafka_letter *letter) {
    char code[sizeof table->groups[0].code], topic[sizeof table->groups[0].topic];
    show(code, sizeof code, letter->says.code);
    show(topic, sizeof topic, letter->says.topic);
    for (size_t i = 0; i < table->n && i < REDRIVE_TABLE_MOST; i++)
        if (!strcmp(table->groups[i].code, code) && !strcmp(table->groups[i].topic, topic))
            return &table->groups[i];
    bool full = table->n >= REDRIVE_TABLE_MOST;
    struct redrive_group *group = &table->groups[full ? REDRIVE_TABLE_MOST : table->n];
    if (full && table->n > REDRIVE_TABLE_MOST)
        return group;
    table->n++;
    snprintf(group->code, sizeof group->code, "%s", full ? "(others)" : code);
    snprintf(group->topic, sizeof group->topic, "%s", full ? "(others)" : topic);
    show(group->words, sizeof group->words, letter->says.words);
    return group;
}

void redrive_table_add(struct redrive_table *table, const struct kafka_letter *letter, enum redrive_fate fate,
                       uint32_t to) {
    struct redrive_group *group = group_of(table, letter);
    int64_t time = redrive_time(letter);
    stretch(&group->from, !group->n, letter->says.partition);
    if (fate == REDRIVE_GO)
        stretch(&group->to, !group->fates[REDRIVE_GO], to);
    if (!group->n || time < group->first)
        group->first = time;
    if (!group->n || time > group->last)
        group->last = time;
    group->n++;
    group->fates[fate]++;
    group->came_back += letter->says.sent > 0;
}

void redrive_table_refused(struct redrive_table *table, const struct kafka_letter *letter) {
    struct redrive_group *group = group_of(table, letter);
    MUST(group->fates[REDRIVE_GO]);
    group->fates[REDRIVE_GO]--;
    group->fates[REDRIVE_REFUSED]++;
}

void redrive_table_other(struct redrive_table *table, const struct kafka_letter *letter) {
    if (table->others++ == 0)
        show(table->other, sizeof table->other, letter->says.group);
}

uint64_t redrive_table_count(const struct redrive_table *table, enum redrive_fate fate) {
    uint64_t n = 0;
    for (size_t i = 0; i < table->n; i++)
        n += table->groups[i].fates[fate];
    return n;
}

/* ---- printing ---- */

struct row {
    char cells[COLUMNS][CELL];
};

static void put_span(char *cell, const struct redrive_span *span) {
    if (span->first == span->last)
        snprintf(cell, CELL, "%" PRIu32, span->first);
    else
        snprintf(cell, CELL, "%" PRIu32 "-%" PRIu32, span->first, span->last);
}

static void put_time(char *cell, int64_t ms) {
    char when[WHEN_TEXT];
    if (ms < 0 || ms > WHEN_LAST) {
        snprintf(cell, CELL, "?");
        return;
    }
    when_format(ms, when);
    snprintf(cell, CELL, "%.10s %.5s", when, when + 11);
}

static void fill(struct row *row, const struct redrive_group *group) {
    const uint64_t go = group->fates[REDRIVE_GO], sent = group->fates[REDRIVE_SENT];
    snprintf(row->cells[0], CELL, "%s", group->code);
    snprintf(row->cells[1], CELL, "%s", group->topic);
    put_span(row->cells[2], &group->from);
    snprintf(row->cells[3], CELL, "%" PRIu64, group->n);
    snprintf(row->cells[4], CELL, "%" PRIu64, sent);
    snprintf(row->cells[5], CELL, "%" PRIu64, group->n - go - sent);
    snprintf(row->cells[6], CELL, "%" PRIu64, go);
    if (go)
        put_span(row->cells[7], &group->to);
    put_time(row->cells[8], group->first);
    put_time(row->cells[9], group->last);
    snprintf(row->cells[10], CELL, "%s", group->words);
}

static void put_rows(struct text *text, const struct row *rows, size_t n) {
    size_t widths[COLUMNS] = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < COLUMNS; c++)
            widths[c] = strlen(rows[i].cells[c]) > widths[c] ? strlen(rows[i].cells[c]) : widths[c];
    for (size_t i = 0; i < n; i++) {
        char line[CELL + 8];
        for (size_t c = 0; c + 1 < COLUMNS; c++) {
            bool number = c >= 3 && c <= 6;
            int width = (int)widths[c];
            int m = snprintf(line, sizeof line, "%*s  ", number ? width : -width, rows[i].cells[c]);
            text_put(text, line, (size_t)m);
        }
        text_put(text, rows[i].cells[COLUMNS - 1], strlen(rows[i].cells[COLUMNS - 1]));
        text_put(text, "\n", 1);
    }
}

static int most_first(const void *a, const void *b) {
    const struct redrive_group *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->code, y->code);
}

static void put_count(struct text *text, uint64_t n, const char *words) {
    char line[400];
    int m = n ? snprintf(line, sizeof line, "%" PRIu64 " %s\n", n, words) : 0;
    text_put(text, line, (size_t)m);
}

static void put_notes(const struct redrive_table *table, struct text *text) {
    uint64_t came_back = 0;
    for (size_t i = 0; i < table->n; i++)
        came_back += table->groups[i].came_back;
    for (enum redrive_fate fate = REDRIVE_GO; fate < REDRIVE_FATES_END; fate++)
        put_count(text, redrive_table_count(table, fate), redrive_fate_words(fate));
    put_count(text, came_back, "had been sent back and came back");
    put_count(text, table->not_meant, "others, which the filter leaves out");
    char others[200];
    snprintf(others, sizeof others, "of other generations, such as %s (app.generation: --generation takes what is after "
             "the dot)", table->other);
    put_count(text, table->others, others);
    put_count(text, table->strange, "records on the topic are no dead letters of this program");
}

void redrive_table_print(struct redrive_table *table, struct text *text) {
    static const char *const heads[COLUMNS] = {"CODE", "TOPIC", "PARTITIONS", "LETTERS", "SENT", "HELD",
                                               "TO SEND", "WHERE", "FIRST (UTC)", "LAST (UTC)", "FOR EXAMPLE"};
    qsort(table->groups, table->n, sizeof *table->groups, most_first);
    struct row *rows = calloc(table->n + 1, sizeof *rows);
    MUST(rows);
    for (size_t c = 0; c < COLUMNS; c++)
        snprintf(rows[0].cells[c], CELL, "%s", heads[c]);
    for (size_t i = 0; i < table->n; i++)
        fill(&rows[i + 1], &table->groups[i]);
    if (table->n) {
        put_rows(text, rows, table->n + 1);
        text_put(text, "\n", 1);
    }
    free(rows);
    put_notes(table, text);
    const char *none = table->not_meant + table->others ? "none that is asked for\n" : "no dead letters\n";
    if (!table->n)
        text_put(text, none, strlen(none));
}
